//! The records that come out of an encoder.

use crate::message::Headers;

/// Where a record's bytes end in the buffers, and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub payload: usize,
    pub key: usize,
    pub view: usize,
    pub shape: Shape,
}

/// What a record is besides its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub value: Content,
    /// The key's bytes only choose a partition.
    pub keyless: bool,
    pub header: HeaderKind,
    /// Whether it has headers that were packed, in the order of the records that have them.
    pub packed: bool,
    /// Another record of the same row follows.
    pub more: bool,
}

impl Shape {
    /// In place of a record, for a row that has none.
    pub const NOTHING: Self = Self {
        value: Content::Nothing,
        ..Self::ROW
    };

    /// The only record of its row, with a value and a key.
    pub const ROW: Self = Self {
        value: Content::Bytes,
        keyless: false,
        header: HeaderKind::None,
        packed: false,
        more: false,
    };
}

/// What a record has for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Bytes,
    /// A tombstone.
    Null,
    /// The row has no record.
    Nothing,
}

/// What a record has for a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderKind {
    None,
    /// `__debezium.newkey`: the key of the row's last record.
    NewKey,
    /// `__debezium.oldkey`: the key of the row's first record.
    OldKey,
    /// `content-type: application/cloudevents+json`.
    CloudEvent,
}

/// A record, as Kafka has it: one message of those that a row became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedRecord<'a> {
    /// The number of its row among those that were encoded since the last `clear` or `forget`.
    pub row: usize,
    /// `None` is a tombstone: by it Kafka's compaction drops what the key had before.
    pub value: Option<&'a [u8]>,
    /// The row's identity; `None` if the format gives it none, or if the encoder was not asked for keys.
    pub key: Option<&'a [u8]>,
    /// What chooses the row's partition: the key, or without one Maxwell's hash form of it. Empty unless the encoder was
    /// asked for keys.
    pub identity: &'a [u8],
    /// What the encoder's templates point to, for their [`View`](crate::template::View): of a row its packed values, of a
    /// change of definitions Maxwell's JSON, of a message its value. Empty if no template looks into records.
    pub(crate) view: &'a [u8],
    pub headers: Headers<'a>,
    /// Of a message when it was made, in microseconds since 1970; 0 of a row, whose event says it.
    pub time: i64,
}

/// What stands beside a record that is not a plain row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    pub headers: Headers<'a>,
    pub time: i64,
    /// What templates point into, if it is another text than the one that the record's place says.
    pub view: Option<&'a [u8]>,
}

impl<'a> Beside<'a> {
    /// Writes it behind those of the records before, with further headers.
    pub fn put(&self, further: &[u8], out: &mut Vec<u8>) {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let own = self.headers.packed();
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&number(own.len() + further.len()));
        out.extend_from_slice(&number(self.view.map_or(usize::MAX, <[u8]>::len)));
        for bytes in [own, further, self.view.unwrap_or_default()] {
            out.extend_from_slice(bytes);
        }
    }

    /// Takes that of the next record.
    pub fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let (time, behind) = rest.split_first_chunk()?;
        let (headers, behind) = behind.split_first_chunk()?;
        let (view, behind) = behind.split_first_chunk()?;
        let (packed, behind) = behind.split_at_checked(u32::from_le_bytes(*headers) as usize)?;
        let view = u32::from_le_bytes(*view);
        let length = if view == u32::MAX { 0 } else { view as usize };
        let (bytes, behind) = behind.split_at_checked(length)?;
        *rest = behind;
        Some(Self {
            headers: Headers::of_packed(packed),
            time: i64::from_le_bytes(*time),
            view: (view != u32::MAX).then_some(bytes),
        })
    }
}

/// The records of an encoder, in order.
#[derive(Debug, Clone)]
pub struct EncodedRecords<'a> {
    ends: &'a [End],
    payload: &'a [u8],
    keys: &'a [u8],
    views: &'a [u8],
    /// The packed headers of the records from the next one on.
    packed: &'a [u8],
    next: usize,
    row: usize,
    /// Whether the next record is of the same row as the one before.
    follows: bool,
    /// Where the next record begins in the buffers.
    start: (usize, usize, usize),
    /// The key of the first record of the row.
    first_key: &'a [u8],
    /// The key and the view of the record before, which the row's next one shares unless it has its own.
    before: (&'a [u8], &'a [u8]),
}

impl<'a> Iterator for EncodedRecords<'a> {
    type Item = EncodedRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<EncodedRecord<'a>> {
        loop {
            let end = self.ends.get(self.next)?;
            let (payload, key, view) = self.start;
            let value = self.payload.get(payload..end.payload).unwrap_or_default();
            let mut key = self.keys.get(key..end.key).unwrap_or_default();
            let mut view = self.views.get(view..end.view).unwrap_or_default();
            if self.follows {
                key = if key.is_empty() { self.before.0 } else { key };
                view = if view.is_empty() { self.before.1 } else { view };
            } else {
                self.first_key = key;
            }
            self.before = (key, view);
            let mut beside = Beside::default();
            if end.shape.packed {
                beside = Beside::take(&mut self.packed).unwrap_or_default();
                view = beside.view.unwrap_or(view);
            }
            let mut headers = beside.headers;
            match end.shape.header {
                HeaderKind::None => {}
                kind => headers = headers.with_first(self.header(kind)),
            }
            let row = self.row;
            self.next += 1;
            self.row += usize::from(!end.shape.more);
            self.follows = end.shape.more;
            self.start = (end.payload, end.key, end.view);
            let value = match end.shape.value {
                Content::Bytes => Some(value),
                Content::Null => None,
                Content::Nothing => continue,
            };
            return Some(EncodedRecord {
                row,
                value,
                key: (!key.is_empty() && !end.shape.keyless).then_some(key),
                identity: key,
                view,
                headers,
                time: beside.time,
            });
        }
    }
}

impl<'a> EncodedRecords<'a> {
    pub(super) fn new(
        ends: &'a [End],
        payload: &'a [u8],
        keys: &'a [u8],
        views: &'a [u8],
        packed: &'a [u8],
    ) -> Self {
        Self {
            ends,
            payload,
            keys,
            views,
            packed,
            next: 0,
            row: 0,
            follows: false,
            start: (0, 0, 0),
            first_key: &[],
            before: (&[], &[]),
        }
    }

    /// Those behind the first `passed`, which end with a row.
    pub(super) fn behind(mut self, passed: usize) -> Self {
        if let Some(end) = passed.checked_sub(1).and_then(|last| self.ends.get(last)) {
            let before = self.ends.get(..passed).unwrap_or_default();
            for _ in before.iter().filter(|end| end.shape.packed) {
                Beside::take(&mut self.packed);
            }
            self.next = passed;
            self.start = (end.payload, end.key, end.view);
        }
        self
    }

    /// The header of the next record.
    #[cold]
    fn header(&self, kind: HeaderKind) -> Option<(&'a str, &'a [u8])> {
        match kind {
            HeaderKind::None => None,
            HeaderKind::CloudEvent => Some(("content-type", b"application/cloudevents+json")),
            HeaderKind::OldKey => Some(("__debezium.oldkey", self.first_key)),
            HeaderKind::NewKey => {
                let ends = self.ends.get(self.next..)?;
                let last = ends.iter().position(|end| !end.shape.more)?;
                let start = ends.get(last.checked_sub(1)?)?.key;
                let end = ends.get(last)?.key;
                Some(("__debezium.newkey", self.keys.get(start..end)?))
            }
        }
    }
}
