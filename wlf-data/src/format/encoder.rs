//! The buffers that events are encoded into.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Format;
use super::buffer::Buffer;
use super::canal::Canal;
use super::debezium::{Debezium, Envelope};
use super::key::KeyFormat;
use super::lanes::Lanes;
use super::letters::LetterForm;
use super::maxwell::{self, Extended};
use super::messages::MessageFormat;
use super::plans::Plans;
use super::pointed::Pointed;
use super::record::{EncodedRecords, End};
use super::row_format::{self, Moment, Output, Views};
use crate::event::{EncodeError, Event, Run};
use crate::template::Template;
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
    pub(super) form: Form,
    /// `None` without keys.
    pub(super) keys_as: Option<KeyForm>,
    /// `None` if no template points into records.
    pointed: Option<Box<Pointed>>,
    pub(super) clock: Clock,
    pub(super) payload: Buffer,
    pub(super) keys: Buffer,
    pub(super) views: Buffer,
    pub(super) ends: Vec<End>,
    /// The headers of records that have such.
    pub(super) packed: Vec<u8>,
    pub(super) messages_as: MessageFormat,
    pub(super) letters_as: LetterForm,
    /// Records behind the first of their row.
    further: usize,
    /// How many records were passed.
    passed: usize,
    plans: Plans<maxwell::Plan>,
    scratch: maxwell::Scratch,
    pub(super) lanes: Lanes,
    /// Whether the rows under way go into the lanes.
    pub(super) in_lanes: bool,
    /// From so many bytes on, a run of events ends.
    enough: usize,
}

/// What writes the rows. Plain Maxwell has its own way, on which nothing is asked that only others need.
#[derive(Debug)]
pub(super) enum Form {
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
            pointed: None,
            clock: system_clock,
            payload: Buffer::new(),
            keys: Buffer::new(),
            views: Buffer::new(),
            ends: Vec::new(),
            packed: Vec::new(),
            messages_as: MessageFormat::default(),
            letters_as: LetterForm::default(),
            further: 0,
            passed: 0,
            plans: Plans::default(),
            scratch: maxwell::Scratch::default(),
            lanes: Lanes::default(),
            in_lanes: false,
            enough: 0,
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

    /// Also keeps of each record what these templates point to, for their [`View`](crate::template::View)s.
    #[must_use]
    pub fn with_templates<'t>(mut self, templates: impl IntoIterator<Item = &'t Template>) -> Self {
        for template in templates.into_iter().filter(|it| !it.is_per_table()) {
            // Plain Maxwell has no way to write anything beside a row.
            if let Form::Plain = self.form {
                self.form = Form::Maxwell(Box::new(Extended::new(maxwell::Options::default())));
            }
            template.point(|member, name| {
                self.pointed.get_or_insert_default().add(member, name);
            });
        }
        self
    }

    /// Whether a template points into records.
    pub(super) fn has_views(&self) -> bool {
        self.pointed.is_some()
    }

    /// Encodes messages, as opposed to rows, in this form.
    #[must_use]
    pub fn with_messages_as(mut self, form: MessageFormat) -> Self {
        self.messages_as = form;
        self
    }

    /// Encodes dead letters in this form.
    #[must_use]
    pub fn with_letters_as(mut self, form: LetterForm) -> Self {
        self.letters_as = form;
        self
    }

    /// Takes the time that some formats write from `clock` instead of the system.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Gives it lanes, for [`encode_in_lanes`](Self::encode_in_lanes).
    #[must_use]
    pub fn with_lanes(mut self, lanes: Lanes) -> Self {
        self.lanes = lanes;
        self
    }

    pub fn lanes(&mut self) -> &mut Lanes {
        &mut self.lanes
    }

    /// Whether the format is one whose rows can be written into lanes.
    pub fn fits_lanes(&self) -> bool {
        matches!(self.form, Form::Plain)
    }

    /// Encodes the rows of the first event, each with its key as one record of the lanes that were aimed at; and those of the
    /// events behind it that have the same table version, operation and [`Changes`], until a lane is full or there are
    /// `enough` bytes in all lanes. They are not among [`records`](Self::records), and schema changes do not go
    /// there. Returns how many events were encoded as a whole.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), of the event behind those.
    pub fn encode_in_lanes(
        &mut self,
        events: &[Event],
        enough: usize,
    ) -> (usize, Result<(), EncodeError>) {
        debug_assert!(self.fits_lanes());
        self.in_lanes = true;
        let encoded = self.encode_some(events, enough);
        self.in_lanes = false;
        encoded
    }

    /// Encodes what is no plain row into the lanes: aside, and from there each record to the lane of its key.
    ///
    /// # Errors
    /// Those of `encode`; the records before it are in their lanes.
    #[inline(never)]
    pub(super) fn encode_aside(
        &mut self,
        encode: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.in_lanes = false;
        self.forget();
        let encoded = encode(self);
        self.in_lanes = true;
        let rows = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let records = EncodedRecords::new(
            &self.ends,
            &self.payload,
            &self.keys,
            &self.views,
            &self.packed,
        );
        for record in records {
            self.lanes.push_by_key(&record);
        }
        self.lanes.pass(rows);
        self.forget();
        encoded
    }

    /// Encodes the rows of the first event, and of those behind it that have the same [`Changes`], until there are `enough`
    /// bytes. Returns how many events were encoded as a whole.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), of the event behind those.
    pub fn encode_some(
        &mut self,
        events: &[Event],
        enough: usize,
    ) -> (usize, Result<(), EncodeError>) {
        self.enough = enough;
        let mut run = Run::of(events);
        let encoded = match events.first() {
            Some(first) => first.changes.encode_run(&mut run, self),
            None => Ok(()),
        };
        debug_assert!(run.given() > 0 || events.is_empty());
        (run.given() - usize::from(encoded.is_err()), encoded)
    }

    /// Whether an event can be encoded behind `first`, without asking.
    #[inline(always)]
    pub(crate) fn takes_more(&self, first: &Event, event: &Event) -> bool {
        if self.in_lanes {
            let same = first.table.version == event.table.version;
            same && first.operation == event.operation
                && !self.lanes.has_full()
                && self.lanes.written() < self.enough
        } else {
            self.payload.len() < self.enough
        }
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
            let plans = &mut self.plans;
            let plan = plans.of(&event.table, |table| maxwell::Plan::new(table, key));
            if self.in_lanes {
                let (lanes, scratch) = (&mut self.lanes, &mut self.scratch);
                maxwell::encode_in_place(plan, event, rows, lanes, scratch)?;
                lanes.pass(event.len());
                return Ok(());
            }
            return maxwell::encode(
                plan,
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
        let views = self.pointed.as_deref_mut().map(|pointed| Views {
            out: &mut self.views,
            pointed,
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
            Form::Maxwell(form) => row_format::encode(&mut **form, event, rows, out),
            Form::Debezium(form) => row_format::encode(&mut **form, event, rows, out),
            Form::Canal(form) => row_format::encode(&mut **form, event, rows, out),
        };
        let new = self.ends.get(before..).unwrap_or_default();
        self.further += new.iter().filter(|end| end.shape.more).count();
        encoded
    }

    /// Forgets all rows and keeps the memory: what comes is another write.
    pub fn clear(&mut self) {
        self.forget();
        if let Form::Canal(canal) = &mut self.form {
            canal.next_batch();
        }
    }

    /// Forgets all rows and keeps the memory, unless it is that of a large row: what comes is another part of the same write.
    pub fn forget(&mut self) {
        self.payload.forget();
        self.keys.forget();
        self.views.forget();
        self.scratch.forget();
        self.ends.clear();
        self.packed.clear();
        self.further = 0;
        self.passed = 0;
    }

    /// The number of rows encoded since the last `clear` or `forget`.
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

    /// The records of the rows encoded since the last `clear` or `forget`, in order. A row has one as a rule, and may have
    /// none or several.
    pub fn records(&self) -> EncodedRecords<'_> {
        let (payload, keys) = (&self.payload, &self.keys);
        EncodedRecords::new(&self.ends, payload, keys, &self.views, &self.packed)
    }

    /// The records behind the last [`pass`](Self::pass), whose rows count from there, and the lanes that they are to go to.
    pub fn new_records(&mut self) -> (EncodedRecords<'_>, &mut Lanes) {
        let (payload, keys) = (&self.payload, &self.keys);
        let records = EncodedRecords::new(&self.ends, payload, keys, &self.views, &self.packed);
        (records.behind(self.passed), &mut self.lanes)
    }

    /// Passes all records that are there.
    pub fn pass(&mut self) {
        self.passed = self.ends.len();
    }

    /// How many table versions have a plan.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.plans.len()
    }
}
