//! Maxwell's JSON with options.

use super::options::{Options, is_zero};
use super::{close, place, rendered};
use crate::event::{Event, Table, Transaction};
use crate::format::buffer::{Buffer, Fragment};
use crate::format::encoder::KeyForm;
use crate::format::key::{KeyFormat, KeyPlan, KeyScratch, KeyText, fragment};
use crate::format::plans::Plans;
use crate::format::record::Shape;
use crate::format::row_format::{Failed, Moment, Output, RowFormat};
use crate::origin::Origin;
use crate::value::{Columns, Row, Timestamp, Value};

/// Writes Maxwell's JSON as options have it.
#[derive(Debug)]
pub(in crate::format) struct Extended {
    options: Options,
    names: EnvelopeNames,
    plans: Plans<ExtendedPlan>,
    /// What all rows of the event under way begin with, and what follows the place in the transaction.
    head: Buffer,
    tail: Buffer,
    event: Numbered,
    scratch: Scratch,
}

/// What a row has to know of its event.
#[derive(Debug, Default)]
struct Numbered {
    count: u32,
    transaction: Option<Transaction>,
}

#[derive(Debug, Default)]
struct Scratch {
    text: Buffer,
    old: Buffer,
    key: KeyScratch,
}

/// `,"server_id":` and the like, as the naming strategy has them.
#[derive(Debug)]
struct EnvelopeNames {
    server_id: Vec<u8>,
    thread_id: Vec<u8>,
    push_ts: Vec<u8>,
    primary_key: Vec<u8>,
}

/// What is the same in all rows of a table.
#[derive(Debug)]
struct ExtendedPlan {
    head: Vec<u8>,
    columns: Vec<ColumnPlan>,
    /// The values of `primary_key` in brackets.
    values: KeyPlan,
    /// `,"primary_key_columns":["id"]`.
    key_columns: Fragment,
    key: KeyPlan,
}

#[derive(Debug)]
struct ColumnPlan {
    /// `,"orderId":`.
    name: Fragment,
    excluded: bool,
}

impl ExtendedPlan {
    fn new(table: &Table, options: &Options, key: KeyFormat) -> Self {
        let strategy = options.output_naming_strategy;
        let mut head = Buffer::new();
        head.put(b"{\"database\":");
        head.string(table.database.as_bytes());
        head.put(b",\"table\":");
        head.string(table.name.as_bytes());
        let columns = table.columns.iter().map(|column| ColumnPlan {
            name: super::member_name(&strategy.apply(&column.name)),
            excluded: options.excludes(&column.name),
        });
        let keys = || {
            let keys = table.primary_key.iter();
            keys.filter_map(|column| table.columns.get(*column))
        };
        let values = KeyText {
            head: Fragment::new(b"["),
            names: keys()
                .enumerate()
                .map(|(n, _)| Fragment::new(if n == 0 { b"" } else { b"," }))
                .collect(),
            end: Fragment::new(b"]"),
        };
        let key_columns = fragment(|out| {
            out.byte(b',');
            out.string(strategy.apply("primary_key_columns").as_bytes());
            out.put(b":[");
            for (n, column) in keys().enumerate() {
                out.put(if n == 0 { b"" } else { b"," });
                out.string(column.name.as_bytes());
            }
            out.byte(b']');
        });
        Self {
            head: head.to_vec(),
            columns: columns.collect(),
            values: KeyPlan::new(values, table),
            key_columns,
            key: KeyPlan::new(KeyText::new(key, table), table),
        }
    }
}

impl Extended {
    pub fn new(options: Options) -> Self {
        let name = |name| {
            let mut text = Buffer::new();
            text.byte(b',');
            text.string(options.output_naming_strategy.apply(name).as_bytes());
            text.byte(b':');
            text.to_vec()
        };
        let names = EnvelopeNames {
            server_id: name("server_id"),
            thread_id: name("thread_id"),
            push_ts: name("push_ts"),
            primary_key: name("primary_key"),
        };
        Self {
            options,
            names,
            plans: Plans::default(),
            head: Buffer::new(),
            tail: Buffer::new(),
            event: Numbered::default(),
            scratch: Scratch::default(),
        }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl RowFormat for Extended {
    fn begin(&mut self, event: &Event, key: KeyForm, origin: &Origin<'_>, now: Moment) {
        let key = match key {
            KeyForm::Own => KeyFormat::Hash,
            KeyForm::Maxwell(format) => format,
        };
        let options = &self.options;
        let make = |table: &Table| ExtendedPlan::new(table, options, key);
        let plan = self.plans.of(&event.table, make);
        self.event = Numbered {
            count: event.len(),
            transaction: event.transaction,
        };
        let head = &mut self.head;
        head.clear();
        head.put(&plan.head);
        if let (true, Some(query)) = (options.output_row_query, origin.query) {
            head.put(b",\"query\":");
            head.string(cut(query, options.row_query_max_length).as_bytes());
        }
        head.put(b",\"type\":");
        head.string(event.operation.name().as_bytes());
        head.put(b",\"ts\":");
        head.unsigned(event.seconds());
        if let (true, Some(xid)) = (options.output_commit_info, event.xid()) {
            head.put(b",\"xid\":");
            head.unsigned(xid);
        }
        tail(options, &self.names, origin, now, &mut self.tail);
    }

    fn row<C: Columns>(
        &mut self,
        images: Row<C>,
        number: u32,
        out: &mut Output<'_>,
    ) -> Result<(), Failed<C::Error>> {
        out.view(|| images.clone(), number)?;
        let Some(plan) = self.plans.last() else {
            return Ok(());
        };
        let (options, scratch) = (&self.options, &mut self.scratch);
        let payload = &mut *out.payload;
        payload.put(&self.head);
        if let (true, Some(transaction)) = (options.output_commit_info, &self.event.transaction) {
            let commit = transaction.commit && number + 1 == self.event.count;
            if commit || options.output_xoffset {
                place(commit, transaction.offset + u64::from(number), payload);
            }
        }
        payload.put(&self.tail);
        let (new, old) = match &images {
            Row::Insert(image) | Row::Delete(image) => (image, None),
            Row::Update { before, after } => (after, Some(before)),
        };
        if options.output_primary_keys {
            payload.put(&self.names.primary_key);
            (plan.values).write(new, old, rendered, &mut scratch.key, payload)?;
        }
        if options.output_primary_key_columns {
            payload.fragment(&plan.key_columns);
        }
        if let Some(keys) = &mut out.keys {
            plan.key.write(new, old, rendered, &mut scratch.key, keys)?;
        }
        payload.put(b",\"data\":");
        let mut members = Members {
            plan,
            options,
            payload,
            scratch,
        };
        match images {
            Row::Insert(image) | Row::Delete(image) => members.data(image)?,
            Row::Update { before, after } => members.update(before, after)?,
        }
        out.payload.byte(b'}');
        out.end(Shape::ROW);
        Ok(())
    }
}

/// Prepares what follows the place in the transaction: where the change comes from.
fn tail(
    options: &Options,
    names: &EnvelopeNames,
    origin: &Origin<'_>,
    now: Moment,
    out: &mut Buffer,
) {
    out.clear();
    if options.output_binlog_position && !origin.file.is_empty() {
        out.put(b",\"position\":\"");
        out.escaped(origin.file.as_bytes());
        out.byte(b':');
        out.unsigned(origin.position);
        out.byte(b'"');
    }
    if options.output_gtid_position {
        out.put(b",\"gtid\":");
        match origin.gtid {
            Some(gtid) => out.string(gtid.to_string().as_bytes()),
            None => out.put(b"null"),
        }
    }
    if let (true, Some(id)) = (options.output_server_id, origin.server_id) {
        out.put(&names.server_id);
        out.unsigned(id.into());
    }
    if let (true, Some(id)) = (options.output_thread_id, origin.thread_id) {
        out.put(&names.thread_id);
        out.unsigned(id.into());
    }
    if options.output_push_timestamp {
        out.put(&names.push_ts);
        out.unsigned(now.microseconds() / 1_000_000);
        out.byte(b'.');
        out.zero_padded((now.microseconds() % 1_000_000) as u32, 6);
    }
}

/// The first `most` characters.
fn cut(text: &str, most: u32) -> &str {
    match text.char_indices().nth(most as usize) {
        Some((end, _)) if most > 0 => text.get(..end).unwrap_or(text),
        _ => text,
    }
}

/// Writes `data` and `old`.
struct Members<'a> {
    plan: &'a ExtendedPlan,
    options: &'a Options,
    payload: &'a mut Buffer,
    scratch: &'a mut Scratch,
}

impl Members<'_> {
    fn data<C: Columns>(&mut self, mut image: C) -> Result<(), Failed<C::Error>> {
        let start = self.payload.len();
        while let Some(column) = image.next().map_err(|error| (None, error))? {
            self.member(column, &image)?;
        }
        close(start, self.payload);
        Ok(())
    }

    /// Writes the new image and what the old one held in place of it.
    fn update<C: Columns>(&mut self, mut before: C, mut after: C) -> Result<(), Failed<C::Error>> {
        let unplaced = |error| (None, error);
        let start = self.payload.len();
        self.scratch.old.clear();
        let mut has_old = false;
        let mut old = before.next().map_err(unplaced)?;
        let mut new = after.next().map_err(unplaced)?;
        loop {
            let column = match (old, new) {
                (Some(old), Some(new)) => old.min(new),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => break,
            };
            // A column that only the image before has is as it was.
            let image = if new == Some(column) { &after } else { &before };
            self.member(column, image)?;
            if old == new && !before.same(&after) {
                has_old |= self.changed(column, &before, &after)?;
            }
            if old == Some(column) {
                old = before.next().map_err(unplaced)?;
            }
            if new == Some(column) {
                new = after.next().map_err(unplaced)?;
            }
        }
        close(start, self.payload);
        if has_old {
            self.payload.put(b",\"old\":");
            let start = self.payload.len();
            self.payload.put(&self.scratch.old);
            close(start, self.payload);
        }
        Ok(())
    }

    fn member<C: Columns>(&mut self, column: usize, image: &C) -> Result<(), Failed<C::Error>> {
        let Some(plan) = self.plan.columns.get(column).filter(|plan| !plan.excluded) else {
            return Ok(());
        };
        let at = |error| (Some(column), error);
        if is_null(image, self.options).map_err(at)? {
            if self.options.output_nulls {
                self.payload.fragment(&plan.name);
                self.payload.put(b"null");
            }
            return Ok(());
        }
        self.payload.fragment(&plan.name);
        rendered(column, image, self.payload, &mut self.scratch.text).map_err(at)
    }

    /// Writes the old value of a column whose bytes differ, unless it looks like the new one; says whether it differs.
    fn changed<C: Columns>(
        &mut self,
        column: usize,
        before: &C,
        after: &C,
    ) -> Result<bool, Failed<C::Error>> {
        let Some(plan) = self.plan.columns.get(column).filter(|plan| !plan.excluded) else {
            return Ok(false);
        };
        let at = |error| (Some(column), error);
        let Scratch { text, old, .. } = &mut *self.scratch;
        let was_null = is_null(before, self.options).map_err(at)?;
        if was_null && is_null(after, self.options).map_err(at)? {
            return Ok(false);
        }
        let start = old.len();
        // The new value stands there for as long as it takes to compare it.
        rendered(column, after, old, text).map_err(at)?;
        let middle = old.len();
        rendered(column, before, old, text).map_err(at)?;
        let same = old.get(start..middle) == old.get(middle..);
        old.truncate(start);
        if same && !was_null {
            return Ok(false);
        }
        if !was_null {
            old.fragment(&plan.name);
            rendered(column, before, old, text).map_err(at)?;
        } else if self.options.output_nulls {
            old.fragment(&plan.name);
            old.put(b"null");
        }
        Ok(true)
    }
}

/// Says whether a value is NULL, or a date that is to be. Inlined it would be there four times.
#[inline(never)]
fn is_null<C: Columns>(image: &C, options: &Options) -> Result<bool, C::Error> {
    let zerodates = options.output_null_zerodates;
    let zero_instant = |at: Timestamp| at.second == 0 && at.microsecond == 0;
    Ok(match image.value()? {
        Value::Null => true,
        Value::Date(date) => zerodates && is_zero(date),
        Value::DateTime(at) => zerodates && is_zero(at.date),
        Value::Timestamp(at) => zerodates && zero_instant(at),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
