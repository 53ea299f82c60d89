//! Events as bytes.

mod buffer;
mod maxwell;
mod number;
mod simd;
mod wkt;

use std::collections::HashMap;

use serde::Deserialize;

pub use buffer::Buffer;

use crate::event::{EncodeError, Event, Table};
use crate::schema_change::SchemaChange;
use crate::value::{RowError, Rows};

/// How many table versions an encoder remembers its preparations for.
const PLANS: usize = 1024;

/// The form in which a dispatcher writes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Maxwell's JSON, one object a row.
    #[default]
    Maxwell,
}

/// Encodes events, row after row, into one buffer that is used again and again.
///
/// A dispatcher owns one: it clears it, encodes as many events as go out together, and sends the rows.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    with_keys: bool,
    payload: Buffer,
    keys: Buffer,
    ends: Vec<RowEnd>,
    plans: Plans,
    scratch: maxwell::Scratch,
}

/// What was prepared for each table version.
#[derive(Debug, Default)]
struct Plans {
    /// The version that was asked for last, and the index of its plan.
    last: (u64, usize),
    indexes: HashMap<u64, usize>,
    plans: Vec<maxwell::Plan>,
}

impl Plans {
    fn of(&mut self, table: &Table) -> &maxwell::Plan {
        let index = if self.last.0 == table.version && self.last.1 < self.plans.len() {
            self.last.1
        } else {
            self.look_up(table)
        };
        &self.plans[index]
    }

    #[inline(never)]
    fn look_up(&mut self, table: &Table) -> usize {
        if self.plans.len() >= PLANS && !self.indexes.contains_key(&table.version) {
            self.plans.clear();
            self.indexes.clear();
        }
        let index = *self.indexes.entry(table.version).or_insert_with(|| {
            self.plans.push(maxwell::Plan::new(table));
            self.plans.len() - 1
        });
        self.last = (table.version, index);
        index
    }
}

/// Where a row's bytes end in the two buffers.
#[derive(Debug, Clone, Copy)]
struct RowEnd {
    payload: usize,
    key: usize,
}

/// An encoded row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedRow<'a> {
    pub payload: &'a [u8],
    /// The row's identity in Maxwell's form; empty unless the encoder was asked for keys.
    pub key: &'a [u8],
}

impl Encoder {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            with_keys: false,
            payload: Buffer::new(),
            keys: Buffer::new(),
            ends: Vec::new(),
            plans: Plans::default(),
            scratch: maxwell::Scratch::default(),
        }
    }

    /// Also encodes each row's key.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        self.with_keys = true;
        self
    }

    /// Encodes the event's rows behind those that are there already.
    ///
    /// # Errors
    /// If a row cannot be decoded; the rows before it stay.
    pub fn encode(&mut self, event: &Event) -> Result<(), EncodeError> {
        event.changes.encode(event, self)
    }

    /// Encodes the rows of an event, which its source presents: what an implementation of
    /// [`Changes`](crate::Changes) calls, and everything behind it is compiled for that source.
    ///
    /// # Errors
    /// If a row cannot be decoded; the rows before it stay.
    pub fn encode_rows<R: Rows>(
        &mut self,
        event: &Event,
        rows: &mut R,
    ) -> Result<(), RowError<R::Error>> {
        match self.format {
            Format::Maxwell => maxwell::encode(
                self.plans.of(&event.table),
                event,
                rows,
                &mut maxwell::Output {
                    payload: &mut self.payload,
                    keys: self.with_keys.then_some(&mut self.keys),
                    ends: &mut self.ends,
                    scratch: &mut self.scratch,
                },
            ),
        }
    }

    /// Encodes a change of definitions, which counts as a row; one that the format has no message for has an empty payload.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn encode_schema_change(
        &mut self,
        event: &Event,
        change: &SchemaChange,
    ) -> Result<(), EncodeError> {
        let message = match self.format {
            Format::Maxwell => maxwell::ddl::message(event, change),
        };
        if let Some(message) = message {
            self.payload.put(message.to_string().as_bytes());
        }
        self.ends.push(RowEnd {
            payload: self.payload.len(),
            key: self.keys.len(),
        });
        Ok(())
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.payload.clear();
        self.keys.clear();
        self.ends.clear();
    }

    /// The number of rows encoded since the last `clear`.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all rows' payloads, one behind the other.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The rows encoded since the last `clear`, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = EncodedRow<'_>> {
        let mut start = RowEnd { payload: 0, key: 0 };
        self.ends.iter().map(move |end| {
            let row = EncodedRow {
                payload: self
                    .payload
                    .get(start.payload..end.payload)
                    .unwrap_or_default(),
                key: self.keys.get(start.key..end.key).unwrap_or_default(),
            };
            start = *end;
            row
        })
    }
}
