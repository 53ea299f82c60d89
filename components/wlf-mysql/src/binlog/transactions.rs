//! The transaction that is being read, those that wait to be cut, and those that are prepared and not decided.

pub mod block;
pub mod origin;
pub mod partial;
mod prepared;
pub mod savepoints;

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use wlf_core::event::{Ended, Transaction};
use wlf_core::{Batch, Event, Mark};

use self::partial::Partial;
pub use self::prepared::Before;
use self::prepared::Prepared;
use super::error::Error;
use super::events::event_type;
use super::events::header::Header;
use super::events::rows::{DUMMY_TABLE_ID, RowsEvent};
use super::tables::Tables;
use super::tables::table_plan::TablePlan;
use super::transactions::block::{Block, Part, offsets};
use super::transactions::origin::TransactionOrigin;
use crate::positions::coordinates::Coordinates;
use crate::reader::Malformed;

/// What an event takes besides its bytes: of one-row transactions that is about as much as they are.
const EVENT: usize = size_of::<Event>() + size_of::<Part>() + size_of::<TransactionOrigin>();

/// How much goes into a batch, and how much of a transaction is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A batch is full with so many rows.
    pub rows: u64,
    /// A batch is full with so many bytes of binlog.
    pub bytes: usize,
    /// A transaction of more bytes of binlog goes on before its end was seen, once it is known to be committed.
    pub transaction: usize,
}

/// The transactions between the events that were taken and the batches that were cut.
#[derive(Debug)]
pub struct Transactions {
    limits: Limits,
    /// The number of the open transaction, or of the last.
    number: NonZeroU64,
    open: Option<Open>,
    /// Whole events, and what they take.
    ready: Vec<Event>,
    ready_size: Size,
    /// Events of the open transaction whose block is closed.
    held: Vec<Event>,
    /// Events whose block is still filled: first those of whole transactions, then those of the open one.
    block: Block,
    pending: Vec<Pending>,
    /// How many of `pending` are whole.
    whole: usize,
    /// A transaction that earlier batches began has ended.
    ended: Option<Ended>,
    /// Where the open transaction comes from, or the next, and its index in the block that is filled.
    origin: TransactionOrigin,
    noted: Option<usize>,
    /// Inside of a compressed transaction: how many of its rows were taken.
    payload_rows: Option<u32>,
    prepared: Vec<Prepared>,
}

/// The open transaction.
#[derive(Debug)]
struct Open {
    place: Coordinates,
    size: Size,
    /// Its first rows are gone already.
    streaming: bool,
    /// The rows that come were rolled back.
    skips: bool,
    /// It is distributed, under this id.
    xa: Option<Box<[u8]>>,
    partial: Option<Box<Partial>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    rows: u64,
    bytes: usize,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// An event whose block is still filled.
#[derive(Debug)]
struct Pending {
    time: i64,
    number: NonZeroU64,
    xid: Option<u64>,
    rows: u32,
}

impl Transactions {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            number: NonZeroU64::MIN,
            open: None,
            ready: Vec::new(),
            ready_size: Size::default(),
            held: Vec::new(),
            block: Block::default(),
            pending: Vec::new(),
            whole: 0,
            ended: None,
            origin: TransactionOrigin::default(),
            noted: None,
            payload_rows: None,
            prepared: Vec::new(),
        }
    }

    /// Forgets everything but the numbers.
    pub fn forget(&mut self) {
        let number = self.number;
        *self = Self::new(self.limits);
        self.number = number;
    }

    /// Where the open transaction begins.
    #[inline(always)]
    pub fn open_at(&self) -> Option<Coordinates> {
        self.open.as_ref().map(|open| open.place.clone())
    }

    /// Whether a transaction is open.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many bytes of a transaction are held.
    pub fn limit(&self) -> usize {
        self.limits.transaction
    }

    /// Whether the last batch ended inside of a transaction.
    pub fn is_inside(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.streaming)
    }

    /// Opens a transaction, if none is open.
    #[inline(always)]
    pub fn begin(&mut self, place: &Coordinates) {
        if self.open.is_none() {
            self.number = self.number.saturating_add(1);
            self.open = Some(Open {
                place: place.clone(),
                size: Size::default(),
                streaming: false,
                skips: false,
                xa: None,
                partial: None,
            });
        }
    }

    /// The block that is being filled.
    #[cfg(test)]
    pub(super) fn filled(&self) -> &Block {
        &self.block
    }

    /// Opens a distributed transaction.
    pub fn begin_xa(&mut self, place: &Coordinates, id: &[u8]) {
        self.begin(place);
        if let Some(open) = &mut self.open {
            open.xa = Some(id.into());
        }
    }

    /// Counts an event's bytes.
    #[inline(always)]
    pub fn count(&mut self, bytes: usize) {
        match &mut self.open {
            Some(open) => open.size.bytes += bytes,
            None => self.ready_size.bytes += bytes,
        }
    }

    /// Takes the rows of an event, which are in `block`.
    #[inline(always)]
    pub fn rows(
        &mut self,
        block: &Bytes,
        header: &Header,
        event: &RowsEvent<'_>,
        tables: &Tables,
        place: Coordinates,
    ) -> Result<(), Error> {
        if event.rows.is_empty() {
            return Ok(());
        }
        let Some(plan) = tables.plan(event.table_id) else {
            if event.table_id == DUMMY_TABLE_ID {
                return Ok(());
            }
            return Err(Error::UnknownTable {
                place,
                table_id: event.table_id,
            });
        };
        self.add(block, header, event, plan, place)
    }

    /// Takes the rows of an event of this table.
    #[inline(always)]
    pub fn add(
        &mut self,
        block: &Bytes,
        header: &Header,
        event: &RowsEvent<'_>,
        plan: &Arc<TablePlan>,
        place: Coordinates,
    ) -> Result<(), Error> {
        if self.open.as_ref().is_some_and(|open| open.skips) {
            self.end_statement(event);
            return Ok(());
        }
        let wrong = |place: &Coordinates, source| Error::Malformed {
            place: place.clone(),
            event: event_type::name(header.code),
            source,
        };
        let images = self.block.images.len();
        let rows = if plan.undecodable.is_some() && plan.columns.is_empty() {
            1
        } else {
            if plan.columns.len() != event.columns {
                let source =
                    Malformed::Invalid("its number of columns, which its TABLE_MAP does not have,");
                return Err(wrong(&place, source));
            }
            let all = &mut self.block.images;
            let walked = event.walk(plan, |start| {
                all.push(u32::try_from(start).unwrap_or(u32::MAX))
            });
            walked.map_err(|source| {
                self.block.images.truncate(images);
                wrong(&place, source)
            })?
        };
        let part = Part {
            plan: plan.clone(),
            operation: event.operation,
            block: 0,
            present: offsets(block, event.present).start,
            present_after: offsets(block, event.present_after).start,
            rows: offsets(block, event.rows),
            images,
            place,
            server_id: header.server_id,
            row: self.payload_rows.unwrap_or(0),
            origin: 0,
        };
        self.keep(block, part, header.microseconds(), rows);
        if let Some(before) = &mut self.payload_rows {
            *before = before.saturating_add(rows);
        }
        self.end_statement(event);
        self.refuse_large_xa()
    }

    #[inline(always)]
    fn end_statement(&mut self, event: &RowsEvent<'_>) {
        if event.ends_statement && self.origin.statement.is_some() {
            self.origin.statement = None;
            self.noted = None;
        }
    }

    #[inline(always)]
    fn keep(&mut self, block: &Bytes, mut part: Part, time: i64, rows: u32) {
        let blocks = &mut self.block.blocks;
        let known = blocks
            .last()
            .is_some_and(|last| last.as_ptr() == block.as_ptr() && last.len() == block.len());
        if !known {
            blocks.push(block.clone());
        }
        part.block = blocks.len() - 1;
        part.origin = match self.noted {
            Some(origin) => origin,
            None => {
                self.block.origins.push(self.origin.clone());
                let origin = self.block.origins.len() - 1;
                self.noted = Some(origin);
                origin
            }
        };
        self.block.parts.push(part);
        self.pending.push(Pending {
            time,
            number: self.number,
            xid: None,
            rows,
        });
        if let Some(open) = &mut self.open {
            open.size.rows += u64::from(rows);
        }
    }

    /// Takes an event of one row that its maker has whole, for the number of the transaction that it is in: the open one,
    /// or one of its own.
    pub fn change(&mut self, make: impl FnOnce(NonZeroU64) -> Event, bytes: usize) {
        // It comes behind what is in the block that is being filled.
        self.close_block();
        let size = Size { rows: 1, bytes };
        match &mut self.open {
            Some(open) => {
                open.size.add(size);
                self.held.push(make(self.number));
            }
            None => {
                self.number = self.number.saturating_add(1);
                self.ready_size.add(size);
                self.ready.push(make(self.number));
            }
        }
    }

    /// Ends the open transaction.
    #[inline(always)]
    pub fn commit(&mut self, xid: Option<u64>) {
        let Some(open) = self.open.take() else {
            return;
        };
        self.ready_size.add(open.size);
        if open.streaming {
            let number = self.number;
            self.ended = Some(Ended { number, xid });
        } else {
            for pending in self.pending.iter_mut().skip(self.whole) {
                pending.xid = xid;
            }
            for mut event in self.held.drain(..) {
                if let Some(transaction) = &mut event.transaction {
                    transaction.xid = xid;
                }
                self.ready.push(event);
            }
        }
        self.whole = self.pending.len();
    }

    /// Forgets the open transaction.
    pub fn rollback(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        if open.streaming {
            return Err(Error::TooLarge {
                place: open.place,
                transaction: "a transaction",
                limit: self.limits.transaction,
                problem: "was rolled back after its first rows had gone on",
            });
        }
        self.forget_open();
        Ok(())
    }

    fn forget_open(&mut self) {
        self.held.clear();
        self.pending.truncate(self.whole);
        self.block.parts.truncate(self.whole);
    }

    /// Whether a batch should be cut now.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        let is_full =
            |size: &Size| size.rows >= self.limits.rows || size.bytes >= self.limits.bytes;
        if self.ended.is_some() || is_full(&self.ready_size) {
            return true;
        }
        match &self.open {
            Some(open) if open.streaming => is_full(&open.size),
            Some(open) => open.is_large(self.limits.transaction),
            None => false,
        }
    }

    /// Gives the whole transactions; if there are none and the open one is too large to be held and will be committed, the
    /// rows of it.
    pub fn cut(&mut self) -> Batch {
        self.close_block();
        let mut batch = Batch {
            events: std::mem::take(&mut self.ready),
            mark: Mark::Inside,
            ended: self.ended.take(),
            bytes: std::mem::take(&mut self.ready_size).bytes,
        };
        if batch.events.is_empty()
            && batch.ended.is_none()
            && self.goes_on()
            && let Some(open) = &mut self.open
        {
            open.streaming = true;
            batch.events = std::mem::take(&mut self.held);
            batch.bytes += std::mem::take(&mut open.size).bytes;
        }
        let rows = usize::try_from(batch.rows()).unwrap_or(usize::MAX);
        let overhead = batch.events.len().saturating_mul(EVENT);
        let images = rows.saturating_mul(size_of::<u32>());
        batch.bytes = batch.bytes.saturating_add(overhead).saturating_add(images);
        batch
    }

    /// Whether rows of the open transaction go on before its end.
    fn goes_on(&self) -> bool {
        self.open.as_ref().is_some_and(|open| {
            open.streaming || open.is_large(self.limits.transaction) && !self.is_undecided(open)
        })
    }

    /// Closes the block that is being filled, and makes events of what is in it.
    fn close_block(&mut self) {
        let another = self.block.another();
        let block = Arc::new(std::mem::replace(&mut self.block, another));
        self.noted = None;
        self.ready.reserve(self.whole);
        for (n, pending) in self.pending.drain(..).enumerate() {
            let Some(part) = block.parts.get(n) else {
                break;
            };
            let event = Event {
                table: part.plan.table.clone(),
                operation: part.operation,
                time: pending.time,
                transaction: Some(Transaction::new(pending.number, pending.xid)),
                changes: block.clone(),
                part: u32::try_from(n).unwrap_or(u32::MAX),
                rows: 0..pending.rows,
            };
            if n < self.whole {
                self.ready.push(event);
            } else {
                self.held.push(event);
            }
        }
        self.whole = 0;
    }
}
