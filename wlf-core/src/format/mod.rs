//! Events as bytes.

use serde::Deserialize;

use crate::event::{EncodeError, Event};

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
    payload: Vec<u8>,
    keys: Vec<u8>,
    ends: Vec<RowEnd>,
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
            payload: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
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
        event.changes.clone().encode(event, self)
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
