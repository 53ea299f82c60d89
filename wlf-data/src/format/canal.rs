//! Canal's FlatMessage: one object a row, its keys in alphabetical order, all values text.

pub(super) mod ddl;
mod value;

use super::buffer::{Buffer, Fragment};
use super::encoder::KeyForm;
use super::key::{KeyFormat, KeyPlan, KeyScratch, KeyText};
use super::maxwell;
use super::plans::Plans;
use super::record::Shape;
use super::row_format::{Failed, Moment, Output, RowFormat};
use crate::event::{Event, Operation, Table};
use crate::origin::Origin;
use crate::value::{Columns, Row};

/// Writes flat messages.
#[derive(Debug, Default)]
pub(super) struct Canal {
    plans: Plans<Plan>,
    /// What stands between the rows' parts in the event under way.
    before_types: Buffer,
    before_sql_types: Buffer,
    end: Buffer,
    scratch: Scratch,
    /// The number of the write under way, which every message has for its `id`.
    batch: u64,
}

#[derive(Debug, Default)]
struct Scratch {
    text: Buffer,
    old: Buffer,
    key: KeyScratch,
    /// The columns whose values are too large for their signed types.
    raised: Vec<usize>,
}

/// What is the same in all rows of a table.
#[derive(Debug)]
struct Plan {
    columns: Vec<Column>,
    /// `{"id":"int unsigned"}`.
    types: Vec<u8>,
    /// `{"id":4}`, unless a value is raised.
    sql_types: Vec<u8>,
    /// `["id"]`, or `null`.
    key_names: Vec<u8>,
    /// Records have no key; this one chooses their partition.
    key: KeyPlan,
}

#[derive(Debug)]
struct Column {
    /// `,"id":`.
    name: Fragment,
    sql_type: i32,
    /// From which value on the type is raised, and to what.
    raised: Option<(u64, i32)>,
}

impl Plan {
    fn new(table: &Table, key: KeyFormat) -> Self {
        let columns: Vec<_> = (table.columns.iter())
            .map(|column| Column {
                name: maxwell::member_name(&column.name),
                sql_type: value::sql_type(&column.data_type),
                raised: value::raised(&column.data_type),
            })
            .collect();
        let mut types = Buffer::new();
        for (column, plan) in table.columns.iter().zip(&columns) {
            types.fragment(&plan.name);
            types.string(column.data_type.to_string().as_bytes());
        }
        maxwell::close(0, &mut types);
        let mut sql_type = Buffer::new();
        sql_types(&columns, &[], &mut sql_type);
        let keys = table.primary_key.iter();
        let keys = keys.filter_map(|column| table.columns.get(*column));
        let mut key_names = Buffer::new();
        for (n, column) in keys.enumerate() {
            key_names.byte(if n == 0 { b'[' } else { b',' });
            key_names.string(column.name.as_bytes());
        }
        key_names.put(if key_names.is_empty() { b"null" } else { b"]" });
        Self {
            columns,
            types: types.to_vec(),
            sql_types: sql_type.to_vec(),
            key_names: key_names.to_vec(),
            key: KeyPlan::new(KeyText::new(key, table), table),
        }
    }
}

/// Writes the types' numbers, some of which are raised.
fn sql_types(columns: &[Column], raised: &[usize], out: &mut Buffer) {
    let start = out.len();
    for (n, column) in columns.iter().enumerate() {
        out.fragment(&column.name);
        let number = match column.raised {
            Some((_, number)) if raised.contains(&n) => number,
            _ => column.sql_type,
        };
        out.signed(number.into());
    }
    maxwell::close(start, out);
}

impl Canal {
    /// Counts a write.
    pub fn next_batch(&mut self) {
        self.batch += 1;
    }

    pub fn batch(&self) -> u64 {
        self.batch
    }
}

impl RowFormat for Canal {
    fn begin(&mut self, event: &Event, key: KeyForm, origin: &Origin<'_>, now: Moment) {
        let key = match key {
            KeyForm::Own => KeyFormat::Hash,
            KeyForm::Maxwell(format) => format,
        };
        let plan = self.plans.of(&event.table, |table| Plan::new(table, key));
        let out = &mut self.before_types;
        out.clear();
        out.put(b"],\"database\":");
        out.string(event.table.database.as_bytes());
        out.put(b",\"es\":");
        out.unsigned(event.milliseconds());
        out.put(b",\"gtid\":\"");
        if let Some(gtid) = origin.gtid {
            out.escaped(gtid.to_string().as_bytes());
        }
        out.put(b"\",\"id\":");
        out.unsigned(self.batch);
        out.put(b",\"isDdl\":false,\"mysqlType\":");
        out.put(&plan.types);
        out.put(b",\"old\":");
        let out = &mut self.before_sql_types;
        out.clear();
        out.put(b",\"pkNames\":");
        out.put(&plan.key_names);
        out.put(b",\"sql\":\"\",\"sqlType\":");
        let out = &mut self.end;
        out.clear();
        out.put(b",\"table\":");
        out.string(event.table.name.as_bytes());
        out.put(b",\"ts\":");
        out.unsigned(now.milliseconds());
        out.put(b",\"type\":\"");
        out.put(match event.operation {
            Operation::Insert | Operation::Read => b"INSERT\"}",
            Operation::Update => b"UPDATE\"}",
            Operation::Delete => b"DELETE\"}",
            Operation::Ddl => b"QUERY\"}",
            Operation::Message => b"MESSAGE\"}",
        });
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
        let (new, old) = match &images {
            Row::Insert(image) | Row::Delete(image) => (image, None),
            Row::Update { before, after } => (after, Some(before)),
        };
        if let Some(keys) = &mut out.keys {
            let scratch = &mut self.scratch.key;
            (plan.key).write(new, old, maxwell::rendered, scratch, keys)?;
        }
        let mut members = Members {
            plan,
            payload: &mut *out.payload,
            scratch: &mut self.scratch,
        };
        members.scratch.raised.clear();
        members.payload.put(b"{\"data\":[");
        let is_update = matches!(images, Row::Update { .. });
        match images {
            Row::Insert(image) | Row::Delete(image) => members.data(image)?,
            Row::Update { before, after } => members.update(before, after)?,
        }
        let payload = &mut *out.payload;
        payload.put(&self.before_types);
        if is_update {
            payload.byte(b'[');
            let start = payload.len();
            payload.put(&self.scratch.old);
            maxwell::close(start, payload);
            payload.byte(b']');
        } else {
            payload.put(b"null");
        }
        payload.put(&self.before_sql_types);
        if self.scratch.raised.is_empty() {
            payload.put(&plan.sql_types);
        } else {
            sql_types(&plan.columns, &self.scratch.raised, payload);
        }
        payload.put(&self.end);
        out.end(Shape {
            keyless: out.key == KeyForm::Own,
            ..Shape::ROW
        });
        Ok(())
    }
}

/// Writes `data` and `old`.
struct Members<'a> {
    plan: &'a Plan,
    payload: &'a mut Buffer,
    scratch: &'a mut Scratch,
}

impl Members<'_> {
    fn data<C: Columns>(&mut self, mut image: C) -> Result<(), Failed<C::Error>> {
        let start = self.payload.len();
        while let Some(column) = image.next().map_err(|error| (None, error))? {
            self.member(column, &image)?;
        }
        maxwell::close(start, self.payload);
        Ok(())
    }

    /// Writes the new image, and beside it what the old one held in place of it.
    fn update<C: Columns>(&mut self, mut before: C, mut after: C) -> Result<(), Failed<C::Error>> {
        let unplaced = |error| (None, error);
        let start = self.payload.len();
        self.scratch.old.clear();
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
            let value = self.member(column, image)?;
            if old == new && !before.same(&after) {
                self.changed(column, &before, value)?;
            }
            if old == Some(column) {
                old = before.next().map_err(unplaced)?;
            }
            if new == Some(column) {
                new = after.next().map_err(unplaced)?;
            }
        }
        maxwell::close(start, self.payload);
        Ok(())
    }

    /// Writes `,"name":value` and tells where the value begins.
    #[inline(always)]
    fn member<C: Columns>(&mut self, column: usize, image: &C) -> Result<usize, Failed<C::Error>> {
        let Some(plan) = self.plan.columns.get(column) else {
            return Ok(self.payload.len());
        };
        self.payload.fragment(&plan.name);
        let start = self.payload.len();
        let at = |error| (Some(column), error);
        value::write(image, self.payload, &mut self.scratch.text).map_err(at)?;
        if let Some((from, _)) = plan.raised
            && value::is_from(image, from).map_err(at)?
        {
            self.scratch.raised.push(column);
        }
        Ok(start)
    }

    /// Writes the old value of a column whose bytes differ, unless it looks like the new one.
    #[inline(never)]
    fn changed<C: Columns>(
        &mut self,
        column: usize,
        before: &C,
        new: usize,
    ) -> Result<(), Failed<C::Error>> {
        let Some(plan) = self.plan.columns.get(column) else {
            return Ok(());
        };
        let Scratch { old, text, .. } = &mut *self.scratch;
        let start = old.len();
        old.fragment(&plan.name);
        let value_start = old.len();
        value::write(before, old, text).map_err(|error| (Some(column), error))?;
        if old.get(value_start..) == self.payload.get(new..) {
            old.truncate(start);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
