//! Makes a dispatcher of a [`Sink`]: fills requests, keeps several under way, says what became of each row.

mod verdict;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use self::verdict::{Answer, Slot, Verdict};
use crate::component::sink::{Piece, Request, Sink};
use crate::component::walk::{EncodedRow, Walk};
use crate::component::{Dispatcher, WriteError};
use crate::event::Event;
use crate::fault::Fault;
use crate::format::{EncodedRecord, Encoder};

/// How many batches (`delivery.batch`) a write takes, if so many are there: the last requests of each write are waited for.
const BATCHES: u32 = 8;

/// The [`Dispatcher`] of a [`Sink`].
///
/// It takes the records of all rows through an encoder, a part of about 128 KiB at a time, and fills requests with them up to
/// [`Sink::LIMITS`]. Up to `in_flight` requests are under way while it encodes further ones; more than those and a part's
/// worth is never held.
///
/// Rows of one key take effect in their order. The key is what the encoder says is the row's identity, so it should be one
/// [`with_keys`](Encoder::with_keys); without keys the order is that of each table. After a request has failed no further one
/// is sent, those under way are waited for, and the [`WriteError`] says what became of each row. A row that is durable although
/// one of its key before it is not counts as not durable, and is written again behind that one.
///
/// ```text
/// Component::Dispatcher(Box::new(Requests::new(NatsSink::new(config), encoder)))
/// ```
#[derive(Debug)]
pub struct Requests<S> {
    sink: S,
    encoder: Encoder,
}

impl<S: Sink> Requests<S> {
    /// A dispatcher that encodes with `encoder` and sends by `sink`.
    pub fn new(sink: S, encoder: Encoder) -> Self {
        Self { sink, encoder }
    }
}

#[async_trait]
impl<S: Sink> Dispatcher for Requests<S> {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.sink.connect().await
    }

    async fn probe(&mut self) -> Result<Vec<String>, Fault> {
        self.sink.connect().await?;
        Ok(self.sink.found())
    }

    async fn idle(&mut self) -> Fault {
        self.sink.idle().await
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut walk = Walk::of(events);
        let mut flight = Flight::new(&mut self.sink);
        while walk.encode(&mut self.encoder).await {
            walk.rows(&self.encoder, |row| flight.fill(row));
            flight.send_full().await;
            if flight.verdict.is_failed() {
                break;
            }
        }
        flight.finish().await;
        flight.verdict.outcome(events, walk.outcome())
    }

    fn batches_at_once(&self) -> u32 {
        BATCHES
    }

    fn session(&self) -> Option<String> {
        self.sink.session()
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.sink.close().await
    }
}

/// A request that is being filled, or is full, and what it holds.
struct Filled<R> {
    request: R,
    slots: Vec<Slot>,
}

impl<R: Request> Filled<R> {
    fn new() -> Self {
        Self {
            request: R::default(),
            slots: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.end)
    }

    fn truncate(&mut self, records: usize) {
        self.request.truncate(records);
        self.slots.truncate(records);
    }
}

/// A request that was answered, by the number of its turn.
type Answered = (u64, Vec<Slot>, Answer);

/// The requests of one write.
struct Flight<'s, S: Sink> {
    sink: &'s mut S,
    open: Filled<S::Request>,
    full: VecDeque<Filled<S::Request>>,
    under_way: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// The keys of what is under way; unused if the sink keeps the order.
    keys: HashSet<u64>,
    /// How many requests were sent.
    sent: u64,
    /// How many requests, from the first, are judged.
    judged: u64,
    /// Requests that were answered before one that was sent before them.
    early: BTreeMap<u64, (Vec<Slot>, Answer)>,
    verdict: Verdict,
}

impl<'s, S: Sink> Flight<'s, S> {
    fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            open: Filled::new(),
            full: VecDeque::new(),
            under_way: FuturesUnordered::new(),
            keys: HashSet::new(),
            sent: 0,
            judged: 0,
            early: BTreeMap::new(),
            verdict: Verdict::default(),
        }
    }

    /// Puts a row's records into requests, all of them or none.
    fn fill(&mut self, row: &mut EncodedRow<'_, '_>) -> Result<(), Fault> {
        let place = (row.index, row.row);
        let before = (self.full.len(), self.open.slots.len());
        let event = row.event;
        let mut keys = Vec::new();
        for record in row.records() {
            let Some(value) = record.value else {
                continue;
            };
            let piece = Piece {
                event,
                row: place.1,
                value,
                record,
            };
            let key = key_of(event, &record);
            if let Err(fault) = self.add(
                &piece,
                Slot {
                    row: place,
                    key,
                    end: 0,
                },
            ) {
                self.back_to(before);
                return Err(fault);
            }
            keys.push(key);
        }
        self.verdict.given(place, keys);
        Ok(())
    }

    fn add(&mut self, piece: &Piece<'_>, mut slot: Slot) -> Result<(), Fault> {
        if self.open.slots.len() >= S::LIMITS.records.max(1) {
            self.close_request();
        }
        let mut bytes = self.sink.add(piece, &mut self.open.request)?;
        let records = self.open.slots.len();
        if records > 0 && self.open.bytes() + bytes > S::LIMITS.bytes {
            self.open.truncate(records);
            self.close_request();
            bytes = self.sink.add(piece, &mut self.open.request)?;
        }
        slot.end = self.open.bytes() + bytes;
        self.open.slots.push(slot);
        Ok(())
    }

    fn close_request(&mut self) {
        if !self.open.slots.is_empty() {
            let full = std::mem::replace(&mut self.open, Filled::new());
            self.full.push_back(full);
        }
    }

    /// Takes the records out again that came after there were so many full requests, and so many records in the open one.
    fn back_to(&mut self, (full, records): (usize, usize)) {
        self.full.truncate(full + 1);
        if self.full.len() > full
            && let Some(open) = self.full.pop_back()
        {
            self.open = open;
        }
        self.open.truncate(records);
    }

    /// Sends what is full, and hears what has been answered meanwhile.
    async fn send_full(&mut self) {
        while self.may_go().await
            && let Some(next) = self.full.pop_front()
        {
            self.send(next);
        }
        // Those under way go on, and nothing is waited for.
        while let Some(Some(answered)) = self.under_way.next().now_or_never() {
            self.hear(answered);
        }
    }

    /// Waits until the first of those that are full may go; `false` if there is none, or none may any more.
    async fn may_go(&mut self) -> bool {
        while !self.verdict.is_failed()
            && let Some(next) = self.full.front()
        {
            let has_room = self.under_way.len() < S::LIMITS.in_flight.max(1);
            if has_room && !next.slots.iter().any(|slot| self.keys.contains(&slot.key)) {
                return true;
            }
            if let Some(answered) = self.under_way.next().await {
                self.hear(answered);
            }
        }
        false
    }

    fn send(&mut self, Filled { request, slots }: Filled<S::Request>) {
        if !S::ORDERED {
            self.keys.extend(slots.iter().map(|slot| slot.key));
        }
        let number = self.sent;
        self.sent += 1;
        let sending = self.sink.send(request);
        let answered = async move { (number, slots, sending.await) };
        self.under_way.push(answered.boxed());
    }

    /// Notes an answer, and judges it and those behind it as soon as all before it are judged.
    fn hear(&mut self, (number, slots, answer): Answered) {
        for slot in &slots {
            self.keys.remove(&slot.key);
        }
        self.verdict.hear(&answer);
        self.early.insert(number, (slots, answer));
        while let Some((slots, answer)) = self.early.remove(&self.judged) {
            self.verdict.judge(&slots, answer);
            self.judged += 1;
        }
    }

    /// Sends what is left unless something failed, and waits for all that is under way.
    async fn finish(&mut self) {
        self.close_request();
        self.send_full().await;
        while let Some(answered) = self.under_way.next().await {
            self.hear(answered);
        }
        for unsent in &self.full {
            self.verdict.unsent(&unsent.slots);
        }
    }
}

/// Tells rows apart of which the order is kept.
fn key_of(event: &Event, record: &EncodedRecord<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&event.table.database, &event.table.name).hash(&mut hasher);
    record.identity.hash(&mut hasher);
    hasher.finish()
}
