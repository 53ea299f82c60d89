//! Debezium's change events, and cloud events as its converter makes them of those.

pub(super) mod ddl;
mod envelope;
mod field;
mod options;
mod schema;
mod value;

pub use options::{BigintUnsignedMode, BinaryMode, DecimalMode, Options, SkippedOperation};

pub(super) use envelope::Envelope;

use envelope::{SourceBlock, Texts, connector};
use field::Field;

use super::buffer::{Buffer, Fragment};
use super::encoder::KeyForm;
use super::key::{KeyFormat, KeyPlan, KeyScratch, KeyText, fragment};
use super::maxwell;
use super::plans::Plans;
use super::record::{Content, HeaderKind, Shape};
use super::row_format::{Failed, Moment, Output, RowFormat};
use crate::event::{Event, Operation, Table};
use crate::origin::Origin;
use crate::value::{Columns, Row};

/// Writes change events.
#[derive(Debug)]
pub(super) struct Debezium {
    options: Options,
    envelope: Envelope,
    plans: Plans<Plan>,
    texts: Texts,
    /// Whether the event under way gives no messages.
    skipped: bool,
    /// Whether the rows are of a snapshot.
    is_read: bool,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    text: Buffer,
    key: KeyScratch,
    /// Two keys to be compared.
    keys: [Buffer; 2],
}

/// What is the same in all rows of a table.
#[derive(Debug)]
struct Plan {
    /// `{"schema":…,"payload":`, or nothing.
    wrap: Vec<u8>,
    columns: Vec<Column>,
    /// The key as Debezium has it, by which a change of it is known.
    own: KeyPlan,
    /// The key of records in another form.
    other: Option<KeyPlan>,
}

#[derive(Debug)]
struct Column {
    /// `,"id":`.
    name: Fragment,
    field: Field,
}

impl Plan {
    fn new(
        table: &Table,
        options: &Options,
        envelope: Envelope,
        key: KeyForm,
        connector: &str,
    ) -> Self {
        let wrap = match (options.schemas_enable, envelope) {
            (false, _) => Vec::new(),
            (true, Envelope::Debezium) => {
                schema::wrapped(schema::envelope(table, options, connector))
            }
            (true, Envelope::CloudEvents) => {
                schema::wrapped(schema::cloud_event_data(table, options, connector))
            }
        };
        let columns = table.columns.iter().map(|column| Column {
            name: maxwell::member_name(&column.name),
            field: Field::new(column, options),
        });
        let other = match key {
            KeyForm::Maxwell(format) => Some(format),
            // Without a key of its own the row's identity is Maxwell's.
            KeyForm::Own if table.primary_key.is_empty() => Some(KeyFormat::Hash),
            KeyForm::Own => None,
        };
        Self {
            wrap,
            columns: columns.collect(),
            own: KeyPlan::new(own_key(table, options), table),
            other: other.map(|format| KeyPlan::new(KeyText::new(format, table), table)),
        }
    }

    /// Says whether records have no key, as those of a table without primary key.
    fn is_keyless(&self, form: KeyForm) -> bool {
        form == KeyForm::Own && self.own.is_empty()
    }
}

/// `{"id":`, values and `}`.
fn own_key(table: &Table, options: &Options) -> KeyText {
    let columns = table.primary_key.iter();
    let columns = columns.filter_map(|column| table.columns.get(*column));
    let names = columns.enumerate().map(|(n, column)| {
        fragment(|out| {
            out.byte(if n == 0 { b'{' } else { b',' });
            out.string(column.name.as_bytes());
            out.byte(b':');
        })
    });
    let names = names.collect();
    if options.schemas_enable {
        KeyText {
            head: Fragment::new(&schema::wrapped(schema::key(table, options))),
            names,
            end: Fragment::new(b"}}"),
        }
    } else {
        KeyText {
            head: Fragment::default(),
            names,
            end: Fragment::new(b"}"),
        }
    }
}

impl Debezium {
    pub fn new(options: Options, envelope: Envelope) -> Self {
        Self {
            options,
            envelope,
            plans: Plans::default(),
            texts: Texts::default(),
            skipped: false,
            is_read: false,
            scratch: Scratch::default(),
        }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn envelope(&self) -> Envelope {
        self.envelope
    }
}

impl RowFormat for Debezium {
    fn begin(&mut self, event: &Event, key: KeyForm, origin: &Origin<'_>, now: Moment) {
        let (options, envelope) = (&self.options, self.envelope);
        self.skipped = options.skips(event.operation);
        self.is_read = event.operation == Operation::Read;
        let connector = connector(origin.server);
        let make = |table: &Table| Plan::new(table, options, envelope, key, connector);
        self.plans.of(&event.table, make);
        let source = SourceBlock::new(event, origin, options);
        let wrapped = options.schemas_enable;
        self.texts.set(envelope, &source, options, now, wrapped);
    }

    fn row<C: Columns>(
        &mut self,
        images: Row<C>,
        number: u32,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        let Some(plan) = self.plans.last().filter(|_| !self.skipped) else {
            out.end(Shape::NOTHING);
            return Ok(());
        };
        let mut writer = Writer {
            plan,
            options: &self.options,
            envelope: self.envelope,
            texts: &self.texts,
            scratch: &mut self.scratch,
            number,
        };
        match images {
            Row::Insert(after) => {
                out.view(|| Row::Insert(after.clone()), number)?;
                writer.key(&after, None, out)?;
                let letter = if self.is_read { b'r' } else { b'c' };
                writer.message(letter, None, Some((&after, None)), out)?;
                out.end(writer.shape(out.key));
            }
            Row::Delete(before) => writer.delete(before, false, out)?,
            Row::Update { before, after } => {
                if writer.is_key_changed(&before, &after)? {
                    writer.delete(before.clone(), true, out)?;
                    writer.recreate(before, after, out)?;
                } else {
                    let update = || Row::Update {
                        before: before.clone(),
                        after: after.clone(),
                    };
                    out.view(update, number)?;
                    writer.key(&after, Some(&before), out)?;
                    let new = Some((&after, Some(&before)));
                    writer.message(b'u', Some(&before), new, out)?;
                    out.end(writer.shape(out.key));
                }
            }
        }
        Ok(())
    }
}

/// Writes the records of a row.
struct Writer<'a> {
    plan: &'a Plan,
    options: &'a Options,
    envelope: Envelope,
    texts: &'a Texts,
    scratch: &'a mut Scratch,
    number: u32,
}

impl Writer<'_> {
    fn shape(&self, key: KeyForm) -> Shape {
        Shape {
            keyless: self.plan.is_keyless(key),
            header: match self.envelope {
                Envelope::Debezium => HeaderKind::None,
                Envelope::CloudEvents => HeaderKind::CloudEvent,
            },
            ..Shape::ROW
        }
    }

    /// Writes a delete and its tombstone; `moves` says that the row goes on under another key.
    fn delete<C: Columns>(
        &mut self,
        before: C,
        moves: bool,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        out.view(|| Row::Delete(before.clone()), self.number)?;
        self.key(&before, None, out)?;
        self.message(b'd', Some(&before), None, out)?;
        let mut shape = self.shape(out.key);
        // A tombstone without a key would say nothing.
        let tombstone = self.options.tombstones_on_delete && !shape.keyless;
        shape.more = moves || tombstone;
        if moves && self.envelope == Envelope::Debezium {
            shape.header = HeaderKind::NewKey;
        }
        out.end(shape);
        if tombstone {
            out.end(Shape {
                value: Content::Null,
                more: moves,
                header: match self.envelope {
                    Envelope::Debezium => shape.header,
                    Envelope::CloudEvents => HeaderKind::None,
                },
                ..shape
            });
        }
        Ok(())
    }

    /// Writes the row under its new key.
    fn recreate<C: Columns>(
        &mut self,
        before: C,
        after: C,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        let update = || Row::Update {
            before: before.clone(),
            after: after.clone(),
        };
        out.view(update, self.number)?;
        self.key(&after, Some(&before), out)?;
        self.message(b'c', None, Some((&after, Some(&before))), out)?;
        let mut shape = self.shape(out.key);
        if self.envelope == Envelope::Debezium {
            shape.header = HeaderKind::OldKey;
        }
        out.end(shape);
        Ok(())
    }

    /// Writes the key of a record; what the image does not hold is as the other one has it.
    fn key<C: Columns>(
        &mut self,
        image: &C,
        other: Option<&C>,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        let (Some(keys), scratch) = (&mut out.keys, &mut self.scratch.key) else {
            return Ok(());
        };
        match &self.plan.other {
            Some(plan) => plan.write(image, other, maxwell::rendered, scratch, keys),
            None => own(self.plan, image, other, scratch, keys),
        }
    }

    /// Says whether an update gives the row another key.
    fn is_key_changed<C: Columns>(
        &mut self,
        before: &C,
        after: &C,
    ) -> Result<bool, Failed<C::Error>> {
        if self.plan.own.is_empty() || !self.plan.own.may_differ(before, after)? {
            return Ok(false);
        }
        let Scratch { keys, key, .. } = &mut *self.scratch;
        let [old, new] = keys;
        old.clear();
        new.clear();
        own(self.plan, before, None, key, old)?;
        own(self.plan, after, Some(before), key, new)?;
        Ok(old.as_slice() != new.as_slice())
    }

    /// Writes an event; `new` is the image after, and the one that has what it does not hold.
    fn message<C: Columns>(
        &mut self,
        op: u8,
        old: Option<&C>,
        new: Option<(&C, Option<&C>)>,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        let payload = &mut *out.payload;
        let texts = self.texts;
        texts.open(self.envelope, &self.plan.wrap, op, self.number, payload);
        match old {
            Some(image) => self.image(image.clone(), payload)?,
            None => payload.put(b"null"),
        }
        payload.put(b",\"after\":");
        match new {
            Some((after, Some(before))) => self.merged(before.clone(), after.clone(), payload)?,
            Some((image, None)) => self.image(image.clone(), payload)?,
            None => payload.put(b"null"),
        }
        let wrapped = self.options.schemas_enable;
        texts.close(self.envelope, wrapped, op, self.number, payload);
        Ok(())
    }

    #[inline(never)]
    fn image<C: Columns>(
        &mut self,
        mut image: C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let start = out.len();
        while let Some(column) = image.next().map_err(|error| (None, error))? {
            self.member(column, &image, out)?;
        }
        maxwell::close(start, out);
        Ok(())
    }

    /// Writes the image after, and of the one before it what that does not hold.
    #[inline(never)]
    fn merged<C: Columns>(
        &mut self,
        mut before: C,
        mut after: C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let unplaced = |error| (None, error);
        let start = out.len();
        let mut old = before.next().map_err(unplaced)?;
        let mut new = after.next().map_err(unplaced)?;
        loop {
            let column = match (old, new) {
                (Some(old), Some(new)) => old.min(new),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => break,
            };
            let image = if new == Some(column) { &after } else { &before };
            self.member(column, image, out)?;
            if old == Some(column) {
                old = before.next().map_err(unplaced)?;
            }
            if new == Some(column) {
                new = after.next().map_err(unplaced)?;
            }
        }
        maxwell::close(start, out);
        Ok(())
    }

    #[inline(always)]
    fn member<C: Columns>(
        &mut self,
        column: usize,
        image: &C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let Some(plan) = self.plan.columns.get(column) else {
            return Ok(());
        };
        out.fragment(&plan.name);
        value::write(&plan.field, image, out, &mut self.scratch.text)
            .map_err(|error| (Some(column), error))
    }
}

/// Writes the key as Debezium has it.
fn own<C: Columns>(
    plan: &Plan,
    image: &C,
    other: Option<&C>,
    scratch: &mut KeyScratch,
    out: &mut Buffer,
) -> Result<(), Failed<C::Error>> {
    let render = |column: usize, image: &C, out: &mut Buffer, text: &mut Buffer| match plan
        .columns
        .get(column)
    {
        Some(column) => value::write(&column.field, image, out, text),
        None => Ok(()),
    };
    plan.own.write(image, other, render, scratch, out)
}

#[cfg(test)]
mod tests;
