//! The records that come out of an encoder.

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
    /// The row as Maxwell's JSON, for [`Template`](crate::Template)s. Empty if the format is another one, unless the encoder
    /// was asked for it.
    pub view: &'a [u8],
    pub header: Option<Header<'a>>,
}

/// A header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    pub name: &'static str,
    pub value: &'a [u8],
}

/// The records of an encoder, in order.
#[derive(Debug, Clone)]
pub struct EncodedRecords<'a> {
    ends: &'a [End],
    payload: &'a [u8],
    keys: &'a [u8],
    /// The payload itself, if the format is Maxwell's.
    views: &'a [u8],
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
            let header = match end.shape.header {
                HeaderKind::None => None,
                kind => self.header(kind),
            };
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
                header,
            });
        }
    }
}

impl<'a> EncodedRecords<'a> {
    pub(super) fn new(ends: &'a [End], payload: &'a [u8], keys: &'a [u8], views: &'a [u8]) -> Self {
        Self {
            ends,
            payload,
            keys,
            views,
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
            self.next = passed;
            self.start = (end.payload, end.key, end.view);
        }
        self
    }

    /// The header of the next record.
    #[cold]
    fn header(&self, kind: HeaderKind) -> Option<Header<'a>> {
        match kind {
            HeaderKind::None => None,
            HeaderKind::CloudEvent => Some(Header {
                name: "content-type",
                value: b"application/cloudevents+json",
            }),
            HeaderKind::OldKey => Some(Header {
                name: "__debezium.oldkey",
                value: self.first_key,
            }),
            HeaderKind::NewKey => {
                let ends = self.ends.get(self.next..)?;
                let last = ends.iter().position(|end| !end.shape.more)?;
                let start = ends.get(last.checked_sub(1)?)?.key;
                let end = ends.get(last)?.key;
                Some(Header {
                    name: "__debezium.newkey",
                    value: self.keys.get(start..end)?,
                })
            }
        }
    }
}
