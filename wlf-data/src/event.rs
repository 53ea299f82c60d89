//! What flows: events that stand for many rows, in batches that end at a position of the source.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::data_type::DataType;
use crate::fault::Fault;
use crate::format::Encoder;
use crate::message::Messages;

/// One version of a table's definition, as it stands at some position of the source.
#[derive(Debug)]
pub struct Table {
    /// Differs between any two definitions in this process, so that work done for a table can be remembered under it.
    pub version: u64,
    pub database: String,
    pub name: String,
    pub columns: Vec<Column>,
    /// Indexes into `columns`, in the key's order; empty for a table without primary key.
    pub primary_key: Vec<usize>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    pub nullable: bool,
}

impl Column {
    /// A column of which nothing but the name is known.
    pub fn untyped(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            data_type: DataType::Unknown,
            nullable: true,
        }
    }
}

impl Table {
    /// A stream of messages: a topic, subject, queue, path or container. It has neither database nor columns.
    pub fn stream(name: impl Into<String>) -> Self {
        Self::new("", name, Vec::new(), Vec::new())
    }

    pub fn new(
        database: impl Into<String>,
        name: impl Into<String>,
        columns: Vec<Column>,
        primary_key: Vec<usize>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let version = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            version,
            database: database.into(),
            name: name.into(),
            columns,
            primary_key,
        }
    }
}

/// What happened to the rows of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Insert,
    Update,
    Delete,
    /// A statement that changed the table's definition, or its database's: the event's `changes` are a
    /// [`SchemaChange`](crate::SchemaChange), which counts as one row.
    Ddl,
    /// A row as it was found, in a snapshot of its table: an image of it, and no change.
    Read,
    /// A message that is carried as it is: the event's `table` is the stream that it is of.
    Message,
}

impl Operation {
    /// The name that Maxwell's `type` and `%{/type}` give it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Insert => "insert",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Ddl => "ddl",
            Operation::Read => "bootstrap-insert",
            Operation::Message => "message",
        }
    }
}

/// The rows that one event of the source changed in one table, not decoded yet.
///
/// Cloning it copies no row.
#[derive(Debug, Clone)]
pub struct Event {
    pub table: Arc<Table>,
    pub operation: Operation,
    /// When the change was made, in microseconds since 1970.
    pub time: i64,
    /// `None` for what is in no transaction, such as a message or a row of a snapshot: it is not numbered and never held
    /// back.
    pub transaction: Option<Transaction>,
    /// Where the rows are, and how they are decoded.
    pub changes: Arc<dyn Changes>,
    /// Which part of `changes` this event is; its meaning is that of `changes` alone.
    pub part: u32,
    /// The rows of the part that this event stands for.
    pub rows: Range<u32>,
}

impl Event {
    /// The number of rows.
    pub fn len(&self) -> u32 {
        self.rows.end.saturating_sub(self.rows.start)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first `n` rows out, leaving the others; both keep their numbers in the transaction.
    pub fn split_to(&mut self, n: u32) -> Event {
        let n = n.min(self.len());
        let mut front = self.clone();
        front.rows.end = self.rows.start + n;
        let is_all = n == self.len();
        self.rows.start += n;
        if let (Some(front), Some(rest)) = (&mut front.transaction, &mut self.transaction) {
            front.commit &= is_all;
            rest.offset += u64::from(n);
        }
        front
    }

    /// When the change was made, in whole seconds since 1970; 0 for a time before that.
    #[inline(always)]
    pub fn seconds(&self) -> u64 {
        self.microseconds() / 1_000_000
    }

    /// When the change was made, in whole milliseconds since 1970; 0 for a time before that.
    pub fn milliseconds(&self) -> u64 {
        self.microseconds() / 1_000
    }

    /// When the change was made, in microseconds since 1970; 0 for a time before that.
    #[inline(always)]
    pub fn microseconds(&self) -> u64 {
        self.time.max(0).unsigned_abs()
    }

    /// The storage engine's number of the transaction, as far as there is one and it is known.
    #[inline(always)]
    pub fn xid(&self) -> Option<u64> {
        self.transaction.and_then(|transaction| transaction.xid)
    }
}

/// The place of an event in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// Tells the transactions of one collector apart, in order.
    pub number: NonZeroU64,
    /// The storage engine's transaction number; `None` if the transaction has none, or if its end was not seen yet.
    pub xid: Option<u64>,
    /// How many rows of the transaction went to this destination before this event's first. Set by the runtime.
    pub offset: u64,
    /// Whether this event's last row is the last that this destination gets of the transaction. Set by the runtime.
    pub commit: bool,
}

impl Transaction {
    /// A transaction as its source gives it: what the runtime sets is not set yet.
    pub fn new(number: NonZeroU64, xid: Option<u64>) -> Self {
        Self {
            number,
            xid,
            offset: 0,
            commit: false,
        }
    }
}

/// Rows in the form that their source has them in, which it alone can decode.
///
/// There is one for many events, so that an event costs a reference count and no allocation.
pub trait Changes: fmt::Debug + Send + Sync {
    /// Writes the rows of `event` into `encoder`.
    ///
    /// # Errors
    /// If a row cannot be decoded; the rows before it stay in the encoder.
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError>;

    /// Writes the rows of events one after the other: one call for all of them, generic code from there on. It takes events
    /// from the run until there are none, and nothing has to do it otherwise.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), of the event that the run gave last.
    fn encode_run(&self, run: &mut Run<'_>, encoder: &mut Encoder) -> Result<(), EncodeError> {
        while let Some(event) = run.next(encoder) {
            self.encode(event, encoder)?;
        }
        Ok(())
    }

    /// The messages themselves, for what looks into them; `None` of rows.
    fn messages(&self) -> Option<&dyn Messages> {
        None
    }

    /// Where in its source the event's first row is, for a person: `binlog.000042:4711`.
    fn place(&self, event: &Event) -> Option<String> {
        let _ = event;
        None
    }
}

/// Events one behind the other that have the same [`Changes`].
#[derive(Debug)]
pub struct Run<'a> {
    events: &'a [Event],
    given: usize,
}

impl<'a> Run<'a> {
    /// Those that `events` begin with.
    pub(crate) fn of(events: &'a [Event]) -> Self {
        Self { events, given: 0 }
    }

    /// The next event; `None` if there is none, or the encoder wants no more.
    #[inline(always)]
    pub fn next(&mut self, encoder: &Encoder) -> Option<&'a Event> {
        let (first, event) = (self.events.first()?, self.events.get(self.given)?);
        if self.given > 0 {
            let goes_on = Arc::ptr_eq(&first.changes, &event.changes);
            if !goes_on || !encoder.takes_more(first, event) {
                return None;
            }
        }
        self.given += 1;
        Some(event)
    }

    /// How many events it gave.
    pub(crate) fn given(&self) -> usize {
        self.given
    }
}

/// A row that could not be decoded or encoded.
#[derive(Debug)]
pub struct EncodeError {
    /// How many rows of the event were encoded before it.
    pub row: u32,
    pub fault: Fault,
}

/// What a batch's end means to its source: how it learns that the batch is durable everywhere.
///
/// A source that can be read again from a place marks its batches [`Upto`](Mark::Upto) and [`Inside`](Mark::Inside); a
/// queue that wants each message acknowledged gives each batch a [`Token`](Mark::Token).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mark {
    /// The batch ends inside a transaction: nothing is said of it alone.
    #[default]
    Inside,
    /// When this batch and all before it are durable, the position is saved, and reading goes on behind it after a crash.
    Upto(Position),
    /// The batch is settled alone, as soon as it is durable and in any order. A collector uses a number once.
    Token(u64),
}

impl Mark {
    /// Where reading can go on after the batch.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Mark::Upto(position) => Some(position),
            Mark::Inside | Mark::Token(_) => None,
        }
    }

    /// Whether a transaction goes on behind the batch.
    pub fn is_inside(&self) -> bool {
        matches!(self, Mark::Inside)
    }
}

/// Events in the order of their source, and what their end means to it.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub events: Vec<Event>,
    pub mark: Mark,
    /// The transaction that ends with this batch although earlier batches began it.
    pub ended: Option<Ended>,
    /// The memory that the batch holds, in bytes: buffers, not only the rows that remain after filters.
    pub bytes: usize,
}

/// The end of a transaction whose rows were spread over several batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub number: NonZeroU64,
    pub xid: Option<u64>,
}

impl Batch {
    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.events.iter().map(|event| u64::from(event.len())).sum()
    }
}

/// A place in a source from which reading can go on, in the source's own terms. It is a transaction boundary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub serde_json::Value);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
