//! The ledger of a collector: which of its batches are under way, and what of them is durable everywhere.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::event::{Batch, Changes, Event, Mark, Position};
use crate::runtime::receipt::Receipt;

/// A batch never counts for less than this, so that many empty ones cannot pile up without bound.
const LEAST_BYTES: usize = 1024;

/// The batches of one collector that are under way.
///
/// It knows up to which position everything is durable everywhere without a gap, which tokens are settled, and how many
/// bytes are under way.
#[derive(Debug, Default)]
pub struct Ledger {
    pages: Mutex<Pages>,
    /// Wakes the runtime, which is the only one to wait for it: what changed meanwhile is remembered.
    changed: Notify,
    /// Wakes all who wait for room or for something settled and look again.
    looked_at: Notify,
}

#[derive(Debug, Default)]
struct Pages {
    /// The number of the entry at the front of `ordered`.
    first: u64,
    /// Batches that are settled in order.
    ordered: VecDeque<Entry>,
    /// Batches that are settled alone, by their numbers.
    alone: HashMap<u64, Alone>,
    next_alone: u64,
    in_flight: usize,
    /// The bytes of the batches that some destination has not begun to write.
    waiting: usize,
    /// The bytes of the batches whose duty some transformer keeps.
    held: usize,
    durable: Option<Position>,
    settled: VecDeque<(u64, Vec<u32>)>,
    lost: bool,
}

/// The duties of a batch, each of which is a receipt.
#[derive(Debug)]
struct Entry {
    receipts: usize,
    /// How many of the receipts are of destinations that have not begun to write.
    waiting: usize,
    /// How many of the receipts are of destinations that still need the batch's memory.
    holding: usize,
    /// How many of the receipts a transformer keeps.
    held: usize,
    bytes: usize,
    position: Option<Position>,
}

/// A batch that is settled alone.
#[derive(Debug)]
struct Alone {
    entry: Entry,
    /// `None` of what a transformer made: its source knows nothing of it.
    token: Option<u64>,
    rows: RowNumbers,
    /// The numbers of rows that some destination refused.
    refused: Vec<u32>,
}

/// Tells the rows of a batch by their numbers in it, also when they come in parts of their events.
#[derive(Debug, Default)]
struct RowNumbers {
    /// The event's changes, its part, its first row there, and the first row's number in the batch. Changes that are gone
    /// are remembered too, so that nothing else comes to lie at their address.
    events: Vec<(Weak<dyn Changes>, u32, u32, u32)>,
    rows: u32,
}

/// Which entry a receipt is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Ordered(u64),
    Alone(u64),
}

impl RowNumbers {
    fn of(events: &[Event]) -> Self {
        let mut numbers = Self::default();
        for event in events {
            let first = numbers.rows;
            numbers.rows = first.saturating_add(event.len());
            let changes = Arc::downgrade(&event.changes);
            numbers
                .events
                .push((changes, event.part, event.rows.start, first));
        }
        numbers
    }

    /// The numbers of an event's rows; all numbers of the batch for an event that was not in it, since a transformer made it
    /// of rows that nobody knows any more.
    fn find(&self, event: &Event) -> std::ops::Range<u32> {
        let is_of = |changes: &Weak<dyn Changes>| {
            std::ptr::addr_eq(changes.as_ptr(), Arc::as_ptr(&event.changes))
        };
        let of = self.events.iter().rev().find(|(changes, part, start, _)| {
            *part == event.part && *start <= event.rows.start && is_of(changes)
        });
        match of {
            Some((_, _, start, first)) => {
                let begin = first + (event.rows.start - start);
                begin..begin.saturating_add(event.len())
            }
            None => 0..self.rows,
        }
    }
}

impl Entry {
    fn new(bytes: usize, position: Option<Position>) -> Self {
        Self {
            receipts: 1,
            waiting: 1,
            holding: 1,
            held: 0,
            bytes,
            position,
        }
    }
}

impl Pages {
    fn enter_alone(&mut self, bytes: usize, token: Option<u64>, rows: RowNumbers) -> Number {
        let number = self.next_alone;
        self.next_alone += 1;
        let alone = Alone {
            entry: Entry::new(bytes, None),
            token,
            rows,
            refused: Vec::new(),
        };
        self.alone.insert(number, alone);
        self.in_flight += bytes;
        self.waiting += bytes;
        Number::Alone(number)
    }

    fn entry(&mut self, number: Number) -> Option<&mut Entry> {
        match number {
            Number::Ordered(number) => {
                let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
                self.ordered.get_mut(index)
            }
            Number::Alone(number) => Some(&mut self.alone.get_mut(&number)?.entry),
        }
    }

    /// Lets go of what is settled.
    fn settle(&mut self, number: Number) {
        if let Number::Alone(number) = number {
            let is_done = |alone: &mut Alone| alone.entry.receipts == 0;
            if self.alone.get_mut(&number).is_some_and(is_done)
                && let Some(mut alone) = self.alone.remove(&number)
            {
                alone.refused.sort_unstable();
                alone.refused.dedup();
                let token = alone.token;
                self.settled
                    .extend(token.map(|token| (token, alone.refused)));
            }
            return;
        }
        // After a loss nothing is durable any more: the lost batch stays at the front for ever.
        while self
            .ordered
            .front()
            .is_some_and(|entry| entry.receipts == 0)
        {
            if let Some(entry) = self.ordered.pop_front() {
                self.first += 1;
                if entry.position.is_some() {
                    self.durable = entry.position;
                }
            }
        }
    }
}

impl Ledger {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic elsewhere leaves the numbers as they were between two calls, which is consistent.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a batch, whose mark says how it is settled.
    pub fn enter(self: &Arc<Self>, batch: &Batch) -> Receipt {
        let bytes = batch.bytes.max(LEAST_BYTES);
        let mut pages = self.pages();
        let number = match &batch.mark {
            Mark::Token(token) => {
                pages.enter_alone(bytes, Some(*token), RowNumbers::of(&batch.events))
            }
            mark => {
                let number = pages.first + pages.ordered.len() as u64;
                let entry = Entry::new(bytes, mark.position().cloned());
                pages.ordered.push_back(entry);
                pages.in_flight += bytes;
                pages.waiting += bytes;
                Number::Ordered(number)
            }
        };
        drop(pages);
        Receipt::new(Arc::clone(self), number)
    }

    /// Enters what a transformer made, of so many bytes: its source hears nothing of it.
    pub(super) fn enter_made(self: &Arc<Self>, bytes: usize) -> Receipt {
        let bytes = bytes.max(LEAST_BYTES);
        let number = self.pages().enter_alone(bytes, None, RowNumbers::default());
        Receipt::new(Arc::clone(self), number)
    }

    /// The bytes of the batches that some destination has not begun to write.
    pub fn waiting(&self) -> usize {
        self.pages().waiting
    }

    /// The bytes of the batches that are not durable yet.
    pub fn in_flight(&self) -> usize {
        self.pages().in_flight
    }

    /// The bytes of the batches whose duty some transformer keeps.
    pub fn held(&self) -> usize {
        self.pages().held
    }

    /// Whether a receipt was dropped without `delivered`.
    pub fn is_lost(&self) -> bool {
        self.pages().lost
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        let pages = self.pages();
        pages.ordered.is_empty() && pages.alone.is_empty()
    }

    /// Takes the newest position before which everything is durable, if it has moved since the last call.
    pub fn take_durable(&self) -> Option<Position> {
        self.pages().durable.take()
    }

    /// Takes the next token that is settled, and which rows of its batch were refused.
    pub fn take_settled(&self) -> Option<(u64, Vec<u32>)> {
        self.pages().settled.pop_front()
    }

    /// Waits until something became durable or was lost, or a destination has begun to write, since the last call. For one
    /// waiter.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until `look` gives something, and looks whenever something has changed. For any number of waiters.
    pub async fn look<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let changed = self.looked_at.notified();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }

    /// Lets all look who wait.
    pub fn notify(&self) {
        self.changed.notify_one();
        self.looked_at.notify_waiters();
    }

    /// One more destination has to bring the batch.
    pub(super) fn add(&self, number: Number) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let Some(entry) = pages.entry(number) else {
            return;
        };
        let bytes = entry.bytes;
        let (was_waiting, was_held) = (entry.waiting > 0, entry.holding > 0);
        entry.receipts += 1;
        entry.waiting += 1;
        entry.holding += 1;
        pages.waiting += if was_waiting { 0 } else { bytes };
        pages.in_flight += if was_held { 0 } else { bytes };
    }

    /// A destination begins to write the batch.
    pub(super) fn begin(&self, number: Number) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let Some(entry) = pages.entry(number) else {
            return;
        };
        entry.waiting -= 1;
        if entry.waiting == 0 {
            let bytes = entry.bytes;
            pages.waiting -= bytes;
            self.notify();
        }
    }

    /// A destination needs the batch's memory no more.
    pub(super) fn release(&self, number: Number) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let Some(entry) = pages.entry(number) else {
            return;
        };
        entry.holding -= 1;
        if entry.holding == 0 {
            let bytes = entry.bytes;
            pages.in_flight -= bytes;
            self.notify();
        }
    }

    /// A transformer keeps the duty.
    pub(super) fn hold(&self, number: Number) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let Some(entry) = pages.entry(number) else {
            return;
        };
        entry.held += 1;
        if entry.held == 1 {
            let bytes = entry.bytes;
            pages.held += bytes;
            self.notify();
        }
    }

    /// A transformer keeps the duty no longer.
    pub(super) fn give_on(&self, number: Number) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let Some(entry) = pages.entry(number) else {
            return;
        };
        entry.held -= 1;
        if entry.held == 0 {
            let bytes = entry.bytes;
            pages.held -= bytes;
        }
    }

    /// A destination refused rows of the batch for good.
    pub(super) fn refuse(&self, number: Number, events: &[Event]) {
        self.refuse_rows(number, |rows, refused| {
            refused.extend(events.iter().flat_map(|event| rows.find(event)));
        });
    }

    /// A destination refused what was made of the batch.
    pub(super) fn refuse_all(&self, number: Number) {
        self.refuse_rows(number, |rows, refused| refused.extend(0..rows.rows));
    }

    fn refuse_rows(&self, number: Number, note: impl FnOnce(&RowNumbers, &mut Vec<u32>)) {
        let mut pages = self.pages();
        if let Number::Alone(number) = number
            && let Some(alone) = pages.alone.get_mut(&number)
        {
            note(&alone.rows, &mut alone.refused);
        }
    }

    /// A destination is done with the batch; one that dropped it has lost it.
    pub(super) fn settle(&self, number: Number, delivered: bool) {
        let mut pages = self.pages();
        if !delivered {
            pages.lost = true;
        } else if let Some(entry) = pages.entry(number) {
            entry.receipts -= 1;
            pages.settle(number);
        }
        drop(pages);
        self.notify();
    }

    /// Whether rows that are refused can be given back to the source.
    pub(super) fn has_token(&self, number: Number) -> bool {
        let Number::Alone(number) = number else {
            return false;
        };
        let pages = self.pages();
        let alone = pages.alone.get(&number);
        alone.is_some_and(|alone| alone.token.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;
    use serde_json::json;

    fn at(n: u64) -> Option<Position> {
        Some(Position(json!(n)))
    }

    fn enter(ledger: &Arc<Ledger>, position: Option<Position>, bytes: usize) -> Receipt {
        ledger.enter(&Batch {
            mark: position.map_or(Mark::Inside, Mark::Upto),
            bytes,
            ..Batch::default()
        })
    }

    #[test]
    fn a_position_is_durable_once_everything_before_it_is() {
        let ledger = Arc::new(Ledger::default());
        let first = enter(&ledger, at(1), 5000);
        let second = enter(&ledger, at(2), 5000);
        let third = enter(&ledger, None, 5000);
        second.delivered();
        assert_eq!(ledger.take_durable(), None);
        first.delivered();
        assert_eq!(ledger.take_durable(), at(2));
        third.delivered();
        assert_eq!(
            ledger.take_durable(),
            None,
            "inside a transaction there is no position to save"
        );
        assert_eq!(ledger.in_flight(), 0);
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_token_is_settled_alone_and_at_once_with_the_numbers_of_its_refused_rows() {
        let ledger = Arc::new(Ledger::default());
        let slow = enter(&ledger, at(1), 5000);
        let event = numbers("t", 0, None, 0, 10);
        let mut other = numbers("t", 0, None, 10, 5);
        let batch = |token, events| Batch {
            events,
            mark: Mark::Token(token),
            bytes: 7000,
            ..Batch::default()
        };
        let seven = ledger.enter(&batch(7, vec![event.clone(), other.clone()]));
        let eight = ledger.enter(&batch(8, vec![]));
        let copy = seven.another();
        other.split_to(2);
        copy.refuse(&[event.clone().split_to(1), other.split_to(1)]);
        copy.delivered();
        assert_eq!(ledger.take_settled(), None);
        eight.delivered();
        assert_eq!(ledger.take_settled(), Some((8, vec![])));
        seven.delivered();
        assert_eq!(ledger.take_settled(), Some((7, vec![0, 12])));
        assert_eq!((ledger.in_flight(), ledger.take_durable()), (5000, None));
        slow.delivered();
        assert!(ledger.is_empty());
        // What a transformer made of a batch is refused as the whole of it.
        let nine = ledger.enter(&batch(9, vec![event]));
        nine.refuse(&[crate::value::OwnedRows::insert(
            &Arc::new(crate::event::Table::new("d", "t", vec![], vec![])),
            [vec![]],
        )]);
        nine.delivered();
        assert_eq!(ledger.take_settled(), Some((9, (0..10).collect())));
    }

    #[test]
    fn rows_in_the_place_of_rows_that_are_gone_are_not_taken_for_them() {
        let table = Arc::new(crate::event::Table::new("d", "t", vec![], vec![]));
        let event =
            |n: i32| crate::value::OwnedRows::insert(&table, [vec![n.into()], vec![n.into()]]);
        let ledger = Arc::new(Ledger::default());
        let mut events = vec![event(0), event(1)];
        let receipt = ledger.enter(&Batch {
            events: events.clone(),
            mark: Mark::Token(1),
            ..Batch::default()
        });
        // Memory that becomes free is the first to be used again.
        events.pop();
        let mut made = event(2);
        receipt.refuse(&[made.split_to(1)]);
        receipt.delivered();
        assert_eq!(ledger.take_settled(), Some((1, vec![0, 1, 2, 3])));
    }

    #[test]
    fn a_batch_waits_until_every_destination_has_begun_to_write() {
        let ledger = Arc::new(Ledger::default());
        let mut redis = enter(&ledger, at(1), 5000);
        let mut kafka = redis.another();
        let other = enter(&ledger, at(2), 3000);
        redis.begin();
        redis.begin();
        assert_eq!(ledger.waiting(), 8000);
        kafka.begin();
        assert_eq!(ledger.waiting(), 3000);
        other.delivered();
        assert_eq!(ledger.waiting(), 0);
        assert_eq!(ledger.in_flight(), 5000);
        let late = kafka.another();
        assert_eq!(ledger.waiting(), 5000);
        for receipt in [redis, kafka, late] {
            receipt.delivered();
        }
        assert_eq!((ledger.waiting(), ledger.in_flight()), (0, 0));
    }

    #[test]
    fn a_receipt_that_is_released_counts_no_bytes_and_is_still_a_duty() {
        let ledger = Arc::new(Ledger::default());
        let receipt = enter(&ledger, at(1), 5000);
        let mut held = receipt.another();
        held.release();
        assert_eq!(ledger.in_flight(), 5000);
        receipt.delivered();
        assert_eq!((ledger.in_flight(), ledger.waiting()), (0, 0));
        assert_eq!(ledger.take_durable(), None);
        let late = held.another();
        assert_eq!(ledger.in_flight(), 5000);
        late.delivered();
        held.delivered();
        assert_eq!((ledger.in_flight(), ledger.take_durable()), (0, at(1)));
    }

    #[test]
    fn a_fan_out_waits_for_every_destination() {
        let ledger = Arc::new(Ledger::default());
        let redis = enter(&ledger, at(1), 1);
        let kafka = redis.another();
        redis.delivered();
        assert_eq!(ledger.take_durable(), None);
        assert_eq!(ledger.in_flight(), LEAST_BYTES);
        kafka.delivered();
        assert_eq!(ledger.take_durable(), at(1));
    }

    #[test]
    fn a_dropped_receipt_is_a_loss_and_nothing_behind_it_becomes_durable() {
        let ledger = Arc::new(Ledger::default());
        let first = enter(&ledger, at(1), 1);
        let second = enter(&ledger, at(2), 1);
        drop(first);
        second.delivered();
        assert!(ledger.is_lost());
        assert_eq!(ledger.take_durable(), None);
        assert!(!ledger.is_empty());
    }
}
