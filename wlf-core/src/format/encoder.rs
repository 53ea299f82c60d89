//! The buffers that events are encoded into, and the records that come out of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Format;
use super::buffer::Buffer;
use super::canal::{self, Canal};
use super::debezium::{self, Debezium, Envelope};
use super::key::{KeyFormat, KeyText};
use super::maxwell::{self, Extended};
use super::messages::{self, Moment, Output, Views};
use super::plans::Plans;
use crate::event::{EncodeError, Event};
use crate::schema_change::SchemaChange;
use crate::value::{RowError, Rows};

/// Says what time it is, since 1970.
pub type Clock = fn() -> Duration;

fn system_clock() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Encodes events, row after row, into one buffer that is used again and again.
///
/// A dispatcher owns one: it clears it, encodes as many events as go out together, and sends the records.
#[derive(Debug)]
pub struct Encoder {
    form: Form,
    /// `None` without keys.
    keys_as: Option<KeyForm>,
    with_views: bool,
    clock: Clock,
    payload: Buffer,
    keys: Buffer,
    views: Buffer,
    ends: Vec<End>,
    /// Records behind the first of their row.
    further: usize,
    plans: Plans<maxwell::Plan>,
    scratch: maxwell::Scratch,
}

/// What writes the rows. Plain Maxwell has its own way, on which nothing is asked that only others need.
#[derive(Debug)]
enum Form {
    Plain,
    Maxwell(Box<Extended>),
    Debezium(Box<Debezium>),
    Canal(Box<Canal>),
}

/// Which keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyForm {
    /// The format's own.
    Own,
    Maxwell(KeyFormat),
}

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
    /// The number of its row among those that were encoded since the last `clear`.
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

impl Encoder {
    pub fn new(format: Format) -> Self {
        let form = match format {
            Format::Maxwell(options) if options.are_defaults() => Form::Plain,
            Format::Maxwell(options) => Form::Maxwell(Box::new(Extended::new(options))),
            Format::Debezium(options) => {
                Form::Debezium(Box::new(Debezium::new(options, Envelope::Debezium)))
            }
            Format::CloudEvents(options) => {
                Form::Debezium(Box::new(Debezium::new(options, Envelope::CloudEvents)))
            }
            Format::Canal(_) => Form::Canal(Box::default()),
        };
        Self {
            form,
            keys_as: None,
            with_views: false,
            clock: system_clock,
            payload: Buffer::new(),
            keys: Buffer::new(),
            views: Buffer::new(),
            ends: Vec::new(),
            further: 0,
            plans: Plans::default(),
            scratch: maxwell::Scratch::default(),
        }
    }

    /// Also encodes each row's key, in the format's own form.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        self.keys_as = Some(KeyForm::Own);
        self
    }

    /// Also encodes each row's key, in a form of Maxwell's.
    #[must_use]
    pub fn with_keys_as(mut self, format: KeyFormat) -> Self {
        self.keys_as = Some(KeyForm::Maxwell(format));
        self
    }

    /// Also keeps each row as Maxwell's JSON, whatever the format is: what a template that points into rows needs.
    #[must_use]
    pub fn with_views(mut self) -> Self {
        self.with_views = true;
        self
    }

    /// Takes the time that some formats write from `clock` instead of the system.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
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
        if let Form::Plain = self.form {
            let key = match self.keys_as {
                Some(KeyForm::Maxwell(format)) => format,
                _ => KeyFormat::Hash,
            };
            return maxwell::encode(
                self.plans
                    .of(&event.table, |table| maxwell::Plan::new(table, key)),
                event,
                rows,
                &mut maxwell::Output {
                    payload: &mut self.payload,
                    keys: self.keys_as.is_some().then_some(&mut self.keys),
                    scratch: &mut self.scratch,
                },
                &mut self.ends,
            );
        }
        self.encode_otherwise(event, rows)
    }

    #[inline(never)]
    fn encode_otherwise<R: Rows>(
        &mut self,
        event: &Event,
        rows: &mut R,
    ) -> Result<(), RowError<R::Error>> {
        let plans = &mut self.plans;
        let views = self.with_views.then(|| Views {
            out: &mut self.views,
            plan: plans.of(&event.table, |table| {
                maxwell::Plan::new(table, KeyFormat::Hash)
            }),
            scratch: &mut self.scratch,
            event,
        });
        let before = self.ends.len();
        let out = &mut Output {
            payload: &mut self.payload,
            keys: self.keys_as.is_some().then_some(&mut self.keys),
            views,
            ends: &mut self.ends,
            key: self.keys_as.unwrap_or(KeyForm::Own),
            now: Moment::now(self.clock),
        };
        let encoded = match &mut self.form {
            Form::Plain => Ok(()),
            Form::Maxwell(form) => messages::encode(&mut **form, event, rows, out),
            Form::Debezium(form) => messages::encode(&mut **form, event, rows, out),
            Form::Canal(form) => messages::encode(&mut **form, event, rows, out),
        };
        let new = self.ends.get(before..).unwrap_or_default();
        self.further += new.iter().filter(|end| end.shape.more).count();
        encoded
    }

    /// Encodes a change of definitions, which counts as a row; one that the format has no message for has no record.
    ///
    /// Its key is written even if keys were not asked for.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn encode_schema_change(
        &mut self,
        event: &Event,
        change: &SchemaChange,
    ) -> Result<(), EncodeError> {
        let mut shape = Shape::ROW;
        let key = self.write_change(event, change, &mut shape);
        match (self.keys_as, key) {
            (Some(KeyForm::Own) | None, Some(key)) => self.keys.put(key.as_bytes()),
            (Some(KeyForm::Maxwell(format)), _) => {
                KeyText::new(format, &event.table).write(&[], &self.payload, &mut self.keys);
            }
            (Some(KeyForm::Own) | None, None) => {
                KeyText::new(KeyFormat::Hash, &event.table).write(
                    &[],
                    &self.payload,
                    &mut self.keys,
                );
            }
        }
        if self.with_views && !matches!(self.form, Form::Plain) {
            let options = maxwell::Options::default();
            if let Some(plain) = maxwell::ddl::message(event, change, &options) {
                self.views.put(plain.to_string().as_bytes());
            }
        }
        self.ends.push(End {
            payload: self.payload.len(),
            key: self.keys.len(),
            view: self.views.len(),
            shape,
        });
        Ok(())
    }

    /// Writes the value of a change's record; gives its key if that is the format's own.
    fn write_change(
        &mut self,
        event: &Event,
        change: &SchemaChange,
        shape: &mut Shape,
    ) -> Option<String> {
        let now = Moment::now(self.clock);
        let own = !matches!(self.keys_as, Some(KeyForm::Maxwell(_)));
        let plain = maxwell::Options::default();
        let maxwell = match &self.form {
            Form::Plain => maxwell::ddl::message(event, change, &plain),
            Form::Maxwell(form) => maxwell::ddl::message(event, change, form.options()),
            Form::Debezium(form) if form.envelope() == Envelope::CloudEvents => None,
            Form::Debezium(form) => {
                let message = debezium::ddl::message(event, change, form.options(), now);
                self.payload.put(&message.value);
                shape.keyless = own && message.key.is_none();
                return message.key;
            }
            Form::Canal(form) => {
                let message = canal::ddl::message(event, change, form.batch(), now);
                self.payload.put(&message);
                shape.keyless = own;
                return None;
            }
        };
        match maxwell {
            Some(message) => self.payload.put(message.to_string().as_bytes()),
            None => shape.value = Content::Nothing,
        }
        None
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.payload.clear();
        self.keys.clear();
        self.views.clear();
        self.ends.clear();
        self.further = 0;
        if let Form::Canal(canal) = &mut self.form {
            canal.next_batch();
        }
    }

    /// The number of rows encoded since the last `clear`.
    pub fn len(&self) -> usize {
        self.ends.len() - self.further
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of all records' values, one behind the other.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The records of the rows encoded since the last `clear`, in order. A row has one as a rule, and may have none or
    /// several.
    pub fn records(&self) -> Records<'_> {
        Records {
            encoder: self,
            next: 0,
            row: 0,
            start: (0, 0, 0),
            first_key: &[],
            before: (&[], &[]),
        }
    }

    /// How many table versions have a plan.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.plans.len()
    }
}

/// The records of an encoder, in order.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    encoder: &'a Encoder,
    next: usize,
    row: usize,
    /// Where the next record begins in the buffers.
    start: (usize, usize, usize),
    /// The key of the first record of the row.
    first_key: &'a [u8],
    /// The key and the view of the record before, which the row's next one shares unless it has its own.
    before: (&'a [u8], &'a [u8]),
}

impl<'a> Iterator for Records<'a> {
    type Item = EncodedRecord<'a>;

    #[inline]
    fn next(&mut self) -> Option<EncodedRecord<'a>> {
        let encoder = self.encoder;
        loop {
            let end = encoder.ends.get(self.next)?;
            let (payload, key, view) = self.start;
            let value = encoder
                .payload
                .get(payload..end.payload)
                .unwrap_or_default();
            let mut key = encoder.keys.get(key..end.key).unwrap_or_default();
            let mut view = match encoder.form {
                Form::Plain => value,
                _ => encoder.views.get(view..end.view).unwrap_or_default(),
            };
            let row = self.row;
            let first = self.next == 0
                || !(encoder.ends.get(self.next - 1)).is_some_and(|before| before.shape.more);
            if first {
                self.first_key = key;
            } else {
                key = if key.is_empty() { self.before.0 } else { key };
                view = if view.is_empty() { self.before.1 } else { view };
            }
            self.before = (key, view);
            let header = match end.shape.header {
                HeaderKind::None => None,
                kind => self.header(kind),
            };
            self.next += 1;
            self.row += usize::from(!end.shape.more);
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

impl<'a> Records<'a> {
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
                let ends = self.encoder.ends.get(self.next..)?;
                let last = ends.iter().position(|end| !end.shape.more)?;
                let start = ends.get(last.checked_sub(1)?)?.key;
                let end = ends.get(last)?.key;
                Some(Header {
                    name: "__debezium.newkey",
                    value: self.encoder.keys.get(start..end)?,
                })
            }
        }
    }
}
