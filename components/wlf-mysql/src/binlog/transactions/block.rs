//! What the events of a batch share: the blocks that were read, and where in them the rows are.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use wlf_core::format::Encoder;
use wlf_core::value::{Row, Rows};
use wlf_core::{Changes, EncodeError, Event, Fault, Operation, Origin, replaced};

use super::origin::TransactionOrigin;
use crate::binlog::error::Error;
use crate::binlog::images::row_image::{Present, RowImage};
use crate::binlog::tables::table_plan::TablePlan;
use crate::positions::coordinates::Coordinates;
use crate::reader::Malformed;

/// The blocks that were read, and where in them the rows are.
#[derive(Debug, Default)]
pub struct Block {
    pub blocks: Vec<Bytes>,
    pub parts: Vec<Part>,
    /// Where images begin, from the beginning of their rows.
    pub images: Vec<u32>,
    /// By part: the rows below this one whose replaced characters were counted.
    pub counted: Mutex<BTreeMap<u32, u32>>,
    /// Where the parts' transactions come from.
    pub origins: Vec<TransactionOrigin>,
}

/// The rows of one event.
#[derive(Debug)]
pub struct Part {
    pub plan: Arc<TablePlan>,
    pub operation: Operation,
    /// The index of the block, and where in it the columns' bits, one for each column of the plan, and the rows are.
    pub block: usize,
    pub present: usize,
    pub present_after: usize,
    pub rows: Range<usize>,
    /// The index of the first image.
    pub images: usize,
    pub place: Coordinates,
    pub server_id: u32,
    /// The number of the first row among those of the event at `place`, of which this may be a piece.
    pub row: u32,
    /// The index of the transaction's origin.
    pub origin: usize,
}

// What is larger is copied by a call, see docs/design/hot-path.md.
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Part>() <= 64 && size_of::<TransactionOrigin>() <= 64);

/// Where `slice`, which is a part of `block`, is in it.
#[inline(always)]
pub fn offsets(block: &Bytes, slice: &[u8]) -> Range<usize> {
    if slice.is_empty() {
        return 0..0;
    }
    let start = slice
        .as_ptr()
        .addr()
        .saturating_sub(block.as_ptr().addr())
        .min(block.len());
    start..start.saturating_add(slice.len()).min(block.len())
}

impl Changes for Block {
    fn place(&self, event: &Event) -> Option<String> {
        let part = self.parts.get(usize::try_from(event.part).ok()?)?;
        Some(part.place.to_string())
    }

    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let Some(part) = usize::try_from(event.part)
            .ok()
            .and_then(|n| self.parts.get(n))
        else {
            return Ok(());
        };
        if part.plan.undecodable.is_some() {
            return Err(EncodeError {
                row: 0,
                fault: part.undecodable(),
            });
        }
        let noted = replaced::noted();
        let encoded = encoder.encode_rows(event, &mut self.rows(part, &event.rows));
        if replaced::noted() != noted {
            self.count_replaced(event, part);
        }
        encoded.map_err(|failed| EncodeError {
            row: failed.row,
            fault: part.fault(failed.column, failed.error),
        })
    }
}

impl Block {
    /// An empty one with room for as much: a batch is mostly as large as the one before, and what grows is copied. What the
    /// last one left free stays to a half, since behind a batch that was cut short comes a whole one.
    pub fn another(&self) -> Self {
        fn another<T>(last: &Vec<T>) -> Vec<T> {
            Vec::with_capacity(last.len().max(last.capacity() / 2))
        }
        Self {
            blocks: another(&self.blocks),
            parts: another(&self.parts),
            images: another(&self.images),
            counted: Mutex::default(),
            origins: another(&self.origins),
        }
    }

    /// Counts characters that have none in their charset, once for each row however often and for whom it is encoded.
    #[cold]
    fn count_replaced(&self, event: &Event, part: &Part) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.entry(event.part).or_default();
        let rows = event.rows.start.max(*counted)..event.rows.end;
        if rows.is_empty() {
            return;
        }
        *counted = rows.end;
        let mut rows = self.rows(part, &rows);
        replaced::count_rows(&part.plan.table, &mut rows, &part.place);
    }

    /// The rows of a part that `range` numbers.
    #[inline(always)]
    pub(in crate::binlog) fn rows<'a>(&'a self, part: &'a Part, range: &Range<u32>) -> Cursor<'a> {
        Cursor::new(self, part, range)
    }
}

impl Part {
    fn undecodable(&self) -> Fault {
        let table = &self.plan.table;
        let why = self.plan.undecodable.as_ref();
        Error::Undecodable {
            place: self.place.clone(),
            database: table.database.clone(),
            table: table.name.clone(),
            reason: why.map(|why| why.reason.clone()).unwrap_or_default(),
            hint: why.and_then(|why| why.hint),
        }
        .into()
    }

    fn fault(&self, column: Option<usize>, source: Malformed) -> Fault {
        let table = &self.plan.table;
        let column = column.and_then(|column| table.columns.get(column));
        Error::Value {
            place: self.place.clone(),
            database: table.database.clone(),
            table: table.name.clone(),
            column: column.map_or_else(|| "?".to_owned(), |column| column.name.clone()),
            source,
        }
        .into()
    }
}

/// The rows that an event stands for.
pub(in crate::binlog) struct Cursor<'a> {
    block: &'a Block,
    part: &'a Part,
    /// The number of the first row in its part.
    first: u32,
    plan: &'a TablePlan,
    operation: Operation,
    present: Present<'a>,
    present_after: Present<'a>,
    rows: &'a [u8],
    images: std::slice::Iter<'a, u32>,
}

impl<'a> Cursor<'a> {
    fn new(block: &'a Block, part: &'a Part, range: &Range<u32>) -> Self {
        let bytes = block.blocks.get(part.block).map(Bytes::as_ref);
        let bytes = bytes.unwrap_or_default();
        let columns = part.plan.columns.len();
        let each = if part.operation == Operation::Update {
            2
        } else {
            1
        };
        let index = |row: u32| {
            usize::try_from(row)
                .unwrap_or(usize::MAX)
                .saturating_mul(each)
        };
        let images = block.images.get(part.images..).unwrap_or_default();
        let images = images.get(index(range.start)..index(range.end));
        Self {
            block,
            part,
            first: range.start,
            plan: &part.plan,
            operation: part.operation,
            present: Present::at(bytes, part.present, columns),
            present_after: if part.operation == Operation::Update {
                Present::at(bytes, part.present_after, columns)
            } else {
                Present::NONE
            },
            rows: bytes.get(part.rows.clone()).unwrap_or_default(),
            images: images.unwrap_or_default().iter(),
        }
    }

    #[inline(always)]
    fn image(&mut self, present: Present<'a>) -> Result<Option<RowImage<'a>>, Malformed> {
        let Some(start) = self.images.next() else {
            return Ok(None);
        };
        let start = usize::try_from(*start).unwrap_or(usize::MAX);
        let bytes = self
            .rows
            .get(start..)
            .ok_or(Malformed::Truncated("a row"))?;
        RowImage::new(self.plan, present, bytes).map(Some)
    }
}

impl<'a> Rows for Cursor<'a> {
    type Error = Malformed;
    type Columns = RowImage<'a>;

    #[inline(never)]
    fn origin(&self) -> Origin<'_> {
        let part = self.part;
        let known = self.block.origins.get(part.origin);
        let statement = known.and_then(|known| known.statement.as_ref());
        let gtid = known.and_then(|known| known.gtid.as_ref());
        Origin {
            server: known.map_or("", |known| known.flavor.name()),
            file: &part.place.file,
            position: part.place.position,
            row: part.row.saturating_add(self.first),
            server_id: Some(part.server_id),
            thread_id: known.and_then(|known| known.thread_id),
            gtid: gtid.map(|gtid| -> &dyn fmt::Display { gtid }),
            query: statement.and_then(|statement| std::str::from_utf8(statement).ok()),
            committed: known.and_then(|known| known.committed).map(NonZero::get),
        }
    }

    #[inline(always)]
    fn next(&mut self) -> Result<Option<Row<RowImage<'a>>>, Malformed> {
        let Some(image) = self.image(self.present)? else {
            return Ok(None);
        };
        Ok(Some(match self.operation {
            Operation::Insert => Row::Insert(image),
            Operation::Delete => Row::Delete(image),
            Operation::Ddl | Operation::Read | Operation::Message => return Ok(None),
            Operation::Update => {
                let Some(after) = self.image(self.present_after)? else {
                    return Ok(None);
                };
                Row::Update {
                    before: image,
                    after,
                }
            }
        }))
    }
}
