//! How components are written: the trait that everything is, and the three that are easier to write.

mod requests;
mod sink;
mod tokens;
mod walk;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::event::{Batch, Event, Position};
use crate::fault::{Fault, Severity};
use crate::router::EventRouter;
use crate::runtime::{Desk, Emissions, LONGEST_WAIT, Out};

pub use requests::Requests;
pub use sink::{Limits, Piece, Request, Sending, Sink};
pub use tokens::Tokens;
pub use walk::{EncodedRow, Walk};

/// What a component does in the pipeline.
#[derive(Debug, PartialEq, Eq, Clone, Copy, Hash)]
pub enum ComponentKind {
    Collector,
    Transformer,
    Dispatcher,
}

impl ComponentKind {
    pub fn name(self) -> &'static str {
        match self {
            ComponentKind::Collector => "collector",
            ComponentKind::Transformer => "transformer",
            ComponentKind::Dispatcher => "dispatcher",
        }
    }
}

/// A running part of the pipeline.
///
/// Most components implement [`Collector`], [`Transformer`] or [`Dispatcher`] instead, and the runtime makes them into
/// this; one that needs something else implements it directly and takes over the duties that
/// [`Delivery`](crate::router::Delivery) describes.
#[async_trait]
pub trait ComponentApi: 'static + Send + Sync {
    /// The unique id that the configuration gives the component.
    fn id(&self) -> &str;
    /// The component's kind.
    fn kind(&self) -> ComponentKind;
    /// Runs until the input has ended; `router` receives from and sends to other components.
    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>>;
}

/// A source of events.
///
/// The runtime calls [`connect`](Self::connect), then [`read`](Self::read) again and again until it gives `None`, a fault, or
/// the pipeline stops, and at last [`close`](Self::close). After a fault that is an outage it connects and reads again.
///
/// ```text
/// async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
///     desk.room().await;
///     self.next_batch().await
/// }
/// ```
#[async_trait]
pub trait Collector: Send {
    /// Connects and goes to the place right after `after`, or to the configured start without one.
    ///
    /// Called again after a fault, with the position of the last batch that was read to a transaction's end. What was given
    /// with a token before and is not settled stays under way, and is told of later: a source that gives it again may so give
    /// it twice.
    ///
    /// Dropped if the pipeline stops meanwhile.
    async fn connect(&mut self, after: Option<&Position>) -> Result<(), Fault>;

    /// Reads the next batch; `None` once the source has ended.
    ///
    /// One call goes on until it gives a batch, however long that takes, and the runtime polls it all the while, also when
    /// there is no room for more. So this is where heartbeats are sent, leases are made longer, and where what
    /// [`Desk::settled`] tells is acknowledged at the source. It waits for [`Desk::room`] before it takes more from the source.
    ///
    /// It is dropped before its end only when the pipeline stops or fails: then it is polled on until everything under way is
    /// durable or the time for that is over (`delivery.drain`), and nothing that it still gives is delivered. What it has
    /// heard to be settled and not acknowledged yet belongs into `self`, for `close`.
    ///
    /// A source whose batches have tokens gives `None` when all of them are settled.
    ///
    /// # Errors
    /// An outage (`Severity::Retry`) is followed by `connect`; all else ends the program once what was read is delivered.
    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault>;

    /// Ends in good order: called once, after the last `read`, with what was settled since then on the desk.
    ///
    /// # Errors
    /// They are reported and change nothing any more: what was not acknowledged comes again.
    async fn close(&mut self, desk: &Desk) -> Result<(), Fault> {
        let _ = desk;
        Ok(())
    }

    /// Connects as [`connect`](Self::connect) does and says what it found, for `check --connect`: the server and its version,
    /// what of it matters here, what is lacking. Consumes nothing. [`position`](Self::position) and
    /// [`session`](Self::session) are asked afterwards.
    async fn probe(&mut self, after: Option<&Position>) -> Result<Vec<String>, Fault> {
        self.connect(after).await?;
        Ok(Vec::new())
    }

    /// Where reading goes on, once connected, for the ready line.
    fn position(&self) -> Option<Position> {
        None
    }

    /// How much of a bounded source has been read, in bytes; `None` for one without end.
    fn progress(&self) -> Option<Progress> {
        None
    }

    /// How the connection is secured, as in `TLS 1.3, ChaCha20-Poly1305`, for the ready line; `None` if it is not, or if there
    /// is none. Asked after each [`connect`](Self::connect) that went well.
    fn session(&self) -> Option<String> {
        None
    }
}

/// How much of a bounded source has been read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// A change to what flows: it drops, alters, chooses ways for or sums up events, and does no input or output.
///
/// The runtime calls [`apply`](Self::apply) with each batch, in order, [`wake`](Self::wake) when the time has come, and
/// [`flush`](Self::flush) when what is held has to go on. Others have their turn between any two calls.
///
/// ```text
/// batch.events.retain(|event| event.table.database == "shop");
/// out.pass(batch.events);                              // a filter: the others are gone
/// ```
/// ```text
/// let (deletes, rest) = batch.events.into_iter().partition(is_delete);
/// (out.to(0, deletes), out.to(1, rest));               // a router: 0 and 1 are destinations, in the order of the file
/// ```
/// ```text
/// self.held.join(out.hold());                          // a window, in `apply`: its batches are not durable yet …
/// out.emit(vec![sums], take(&mut self.held), 4096);    // … and are when `sums` is, which `wake` or `flush` gives
/// ```
///
/// # Errors
/// A fault from any of the three ends the program, except that a batch which `apply` rejects
/// ([`Severity::Reject`](crate::Severity::Reject)) is dealt with as `delivery.on_reject` says, as if each of its events had
/// been given to [`Out::reject`]. Nothing is tried again: there is no outage where there is no input or output, and
/// [`Severity::Retry`](crate::Severity::Retry) ends the program as a bug.
pub trait Transformer: Send {
    /// Gives what becomes of the batch to `out`. What is given nowhere is dropped, as by a filter.
    ///
    /// The batch's mark, end and size go on to every destination, also to those that get none of its events: by them a
    /// destination counts rows in a transaction and finds the last. So nothing here looks at a transaction's offsets and
    /// commit, which are set behind all transformers.
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault>;

    /// When [`wake`](Self::wake) is to be called next; asked after each call of the others. A time that is over means at
    /// once.
    ///
    /// What holds batches needs one, as a rule: nothing says that more comes, and a queue may give nothing more until what it
    /// gave is acknowledged.
    fn wake_at(&self) -> Option<Instant> {
        None
    }

    /// Does what is due by the time of [`wake_at`](Self::wake_at), and moves that time.
    fn wake(&mut self, out: &mut Emissions) -> Result<(), Fault> {
        let _ = out;
        Ok(())
    }

    /// Gives on everything that is held, whole or not. To keep some of it is a bug that ends the program.
    ///
    /// Called when a source that leads here has ended or the pipeline stops, so that a collector can wait for the last of
    /// what it read; and when batches that are held take half of `delivery.max_in_flight`, because nothing more would be
    /// read soon. More may come afterwards. What cannot be flushed in time, at a crash or once `delivery.drain` is over, is
    /// read again at the next start.
    fn flush(&mut self, out: &mut Emissions) -> Result<(), Fault> {
        let _ = out;
        Ok(())
    }
}

/// A destination of events.
#[async_trait]
pub trait Dispatcher: Send {
    /// Connects; called again after each fault that is an outage.
    async fn connect(&mut self) -> Result<(), Fault>;

    /// Waits while nothing is to be written: what a connection needs to live, as heartbeats, goes here. Dropped when
    /// something comes.
    ///
    /// Returns the fault that ended the connection; an outage is followed by [`connect`](Self::connect) at once.
    async fn idle(&mut self) -> Fault {
        std::future::pending().await
    }

    /// Writes events and returns when they are durable.
    ///
    /// # Errors
    /// The error says what became of each row.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError>;

    /// Writes events and those that come meanwhile, and returns when all are durable.
    ///
    /// For what sends while it encodes: instead of waiting for the last answer it takes more, as far as
    /// [`batches_at_once`](Self::batches_at_once) lets it.
    ///
    /// # Errors
    /// As those of [`write`](Self::write), over all events that have come.
    async fn write_incoming(&mut self, incoming: &mut dyn Incoming) -> Result<(), WriteError> {
        self.write(incoming.events()).await
    }

    /// How many batches (`delivery.batch`) a write takes, if so many come in time.
    ///
    /// More than one is for what sends while it encodes: it waits less often for the last of a write to be durable, and
    /// its memory does not grow with a write.
    fn batches_at_once(&self) -> u32 {
        1
    }

    /// The most that the runtime waits between two tries, however long an outage lasts.
    ///
    /// Less than the default is for a destination whose servers take over from each other within seconds.
    fn longest_wait(&self) -> Duration {
        LONGEST_WAIT
    }

    /// How the connection is secured, as in `TLS 1.3, ChaCha20-Poly1305`, for the ready line; `None` if it is not, or if there
    /// is none. Of several connections it is the first. Asked after each [`connect`](Self::connect) that went well.
    fn session(&self) -> Option<String> {
        None
    }

    /// Connects as [`connect`](Self::connect) does and says what it found, for `check --connect`: the server and its version,
    /// what of it matters here, what is lacking. Leaves nothing there. [`session`](Self::session) is asked afterwards.
    async fn probe(&mut self) -> Result<Vec<String>, Fault> {
        self.connect().await?;
        Ok(Vec::new())
    }

    /// Ends in good order after the last event.
    async fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The events of a write, and those that come while it is under way.
#[async_trait]
pub trait Incoming: Send {
    /// All that have come so far, in order.
    fn events(&self) -> &[Event];

    /// Waits until more have come; `false` if no more will. Cancel-safe.
    async fn more(&mut self) -> bool;
}

/// A write that did not go through as a whole, and what became of each row.
///
/// A row is named by the index of its event in what was written, and its number in that event from 0.
///
/// ```text
/// Err(WriteError::at(durable, rows, fault))               // all before it is durable, nothing from it on
/// Err(WriteError { refused, ..WriteError::all(events) })  // all but the refused ones are durable
/// ```
#[derive(Debug)]
pub struct WriteError {
    /// How many events from the front are done with: each of their rows is durable or among the refused.
    pub durable: usize,
    /// How many rows of the event behind those are done with.
    pub rows: u32,
    /// Rows behind those that are durable all the same, in order: they are not written again.
    pub ahead: Vec<(usize, u32)>,
    /// The rows that the destination will never accept, in order, wherever they stand: `on_reject` decides.
    pub refused: Vec<Refusal>,
    /// Why the others are not durable. Without it they are written again at once, which is for what stops at a refused row.
    pub fault: Option<Fault>,
}

/// A row that a destination will never accept.
#[derive(Debug)]
pub struct Refusal {
    /// The index of its event in what was written.
    pub event: usize,
    /// Its number in the event.
    pub row: u32,
    pub fault: Fault,
}

/// Sorts refusals by their rows, once for all that gather them: each sort is some kilobytes of the module.
pub(crate) fn sort_by_place(refused: &mut [Refusal]) {
    refused.sort_by_key(|refusal| (refusal.event, refusal.row));
}

impl WriteError {
    /// All rows before the one with this number in the event `durable` are durable, and none from it on. With a fault that
    /// rejects ([`Severity::Reject`](crate::Severity::Reject)) it is this row that is refused.
    pub fn at(durable: usize, rows: u32, fault: Fault) -> Self {
        let mut error = Self {
            durable,
            rows,
            ahead: Vec::new(),
            refused: Vec::new(),
            fault: None,
        };
        if fault.severity == Severity::Reject {
            error.refused.push(Refusal {
                event: durable,
                row: rows,
                fault,
            });
        } else {
            error.fault = Some(fault);
        }
        error
    }

    /// The rows before `row`, counted over all of the events, are durable; as [`at`](Self::at) otherwise.
    pub fn at_row(events: &[Event], row: usize, fault: Fault) -> Self {
        let (durable, rows) = place_of(events, row);
        Self::at(durable, rows, fault)
    }

    /// None of the events is durable; as [`at`](Self::at) otherwise.
    pub fn nothing(fault: Fault) -> Self {
        Self::at(0, 0, fault)
    }

    /// The same with further refused rows.
    #[must_use]
    pub fn and_refused(mut self, refused: impl IntoIterator<Item = Refusal>) -> Self {
        self.refused.extend(refused);
        sort_by_place(&mut self.refused);
        self
    }

    /// Why rows are not durable: those of the refused ones first.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        let refused = self.refused.iter().map(|refusal| &refusal.fault);
        refused.chain(&self.fault)
    }

    /// All of the events are done with; to be given what was refused.
    pub fn all(events: &[Event]) -> Self {
        Self {
            durable: events.len(),
            rows: 0,
            ahead: Vec::new(),
            refused: Vec::new(),
            fault: None,
        }
    }
}

/// The event and the row in it that the row with this number among all of them is; behind the last for one that is not there.
fn place_of(events: &[Event], row: usize) -> (usize, u32) {
    let mut left = row;
    for (index, event) in events.iter().enumerate() {
        let rows = event.len() as usize;
        if left < rows {
            return (index, left as u32);
        }
        left -= rows;
    }
    (events.len(), 0)
}
