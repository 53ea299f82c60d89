//! Maxwell's JSON: one object a row, its keys in Maxwell's order.

pub(super) mod ddl;
mod extended;
mod in_place;
mod options;
mod value;

pub(super) use extended::Extended;
pub(super) use in_place::encode_in_place;
pub use options::{NamingStrategy, Options};
use value::value;
pub(super) use value::{quoted, rendered, vector};

use super::buffer::{Buffer, Fragment};
use super::key::{KeyFormat, KeyPlan, KeyScratch, KeyText, fragment};
use super::record::{End, Shape};
use super::row_format::Failed;
use crate::event::{Event, Operation, Table};
use crate::value::{Columns, Row, RowError, Rows};

/// What is the same in all rows of a table, prepared once for each version of it.
#[derive(Debug)]
pub(super) struct Plan {
    /// `{"database":"shop","table":"t","type":"`.
    head: Vec<u8>,
    columns: Vec<Name>,
    key: KeyPlan,
}

#[derive(Debug)]
struct Name {
    /// `,"id":`.
    name: Fragment,
    /// The column's place in the primary key.
    key: Option<usize>,
}

impl Name {
    /// Notes where a column of the primary key has its value.
    #[inline(always)]
    fn note_key(&self, value: std::ops::Range<usize>, has_key: bool, scratch: &mut Scratch) {
        if let (Some(key), true) = (self.key, has_key)
            && let Some(place) = scratch.key_values.get_mut(key)
        {
            *place = value;
        }
    }
}

impl Plan {
    pub fn new(table: &Table, key: KeyFormat) -> Self {
        let mut head = Buffer::new();
        head.put(b"{\"database\":");
        head.string(table.database.as_bytes());
        head.put(b",\"table\":");
        head.string(table.name.as_bytes());
        head.put(b",\"type\":\"");
        let columns = table.columns.iter().enumerate().map(|(n, column)| Name {
            name: member_name(&column.name),
            key: table.primary_key.iter().position(|key| *key == n),
        });
        Self {
            head: head.to_vec(),
            columns: columns.collect(),
            key: KeyPlan::new(KeyText::new(key, table), table),
        }
    }
}

/// `,"id":`.
pub(super) fn member_name(name: &str) -> Fragment {
    fragment(|text| {
        text.byte(b',');
        text.string(name.as_bytes());
        text.byte(b':');
    })
}

/// What is kept from row to row to save its allocation.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The row up to `data`, the same in all rows of an event, and what it was made of.
    head: Buffer,
    made_of: Option<(u64, Operation, i64, Option<u64>)>,
    text: Buffer,
    old: Buffer,
    /// Where each column of the primary key has its value in the payload.
    key_values: Vec<std::ops::Range<usize>>,
    key: KeyScratch,
}

impl Scratch {
    /// Gives back what a large value took.
    pub fn forget(&mut self) {
        self.text.forget();
        self.old.forget();
    }
}

/// Where an encoded row goes.
pub(super) struct Output<'a> {
    pub payload: &'a mut Buffer,
    pub keys: Option<&'a mut Buffer>,
    pub scratch: &'a mut Scratch,
}

/// Encodes the rows of an event; on an error the rows before stay and nothing of the failed one.
pub(super) fn encode<R: Rows>(
    plan: &Plan,
    event: &Event,
    rows: &mut R,
    out: &mut Output<'_>,
    ends: &mut Vec<End>,
) -> Result<(), RowError<R::Error>> {
    head(plan, event, out.scratch);
    let mut number = 0;
    loop {
        let at = |(column, error)| RowError {
            row: number,
            column,
            error,
        };
        let Some(images) = rows.next().map_err(|error| at((None, error)))? else {
            return Ok(());
        };
        let start = out.payload.len();
        if let Err(failed) = row(plan, event, &images, number, out) {
            out.payload.truncate(start);
            return Err(at(failed));
        }
        let payload = out.payload.len();
        ends.push(End {
            payload,
            key: out.keys.as_ref().map_or(0, |keys| keys.len()),
            view: 0,
            shape: Shape::ROW,
        });
        number += 1;
    }
}

/// Writes the row with this number in its event, for which `head` was prepared.
#[inline(always)]
fn row<C: Columns>(
    plan: &Plan,
    event: &Event,
    images: &Row<C>,
    number: u32,
    out: &mut Output<'_>,
) -> Result<(), Failed<C::Error>> {
    let (payload, scratch) = (&mut *out.payload, &mut *out.scratch);
    payload.put(&scratch.head);
    if let Some(transaction) = &event.transaction {
        let commit = transaction.commit && number + 1 == event.len();
        place(commit, transaction.offset + u64::from(number), payload);
    }
    payload.put(b",\"data\":");
    let has_key = out.keys.is_some();
    if has_key {
        scratch.key_values.clear();
        scratch.key_values.resize(plan.key.text.names.len(), 0..0);
    }
    match images {
        Row::Insert(image) | Row::Delete(image) => data(plan, image, has_key, payload, scratch),
        Row::Update { before, after } => {
            let (before, after) = (before.clone(), after.clone());
            update(plan, &before, &after, has_key, payload, scratch)
        }
    }?;
    payload.byte(b'}');
    if let Some(keys) = &mut out.keys {
        plan.key.text.write(&scratch.key_values, payload, keys);
    }
    Ok(())
}

/// Writes `,"commit":true` or `,"xoffset":1`.
#[inline(always)]
fn place(commit: bool, offset: u64, out: &mut Buffer) {
    if commit {
        out.put(b",\"commit\":true");
    } else {
        out.put(b",\"xoffset\":");
        out.unsigned(offset);
    }
}

/// Prepares what all rows of the event begin with.
#[inline(always)]
fn head(plan: &Plan, event: &Event, scratch: &mut Scratch) {
    let made_of = Some((
        event.table.version,
        event.operation,
        event.time,
        event.xid(),
    ));
    if scratch.made_of != made_of {
        make_head(plan, event, scratch);
        scratch.made_of = made_of;
    }
}

#[inline(never)]
fn make_head(plan: &Plan, event: &Event, scratch: &mut Scratch) {
    let head = &mut scratch.head;
    head.clear();
    head.put(&plan.head);
    head.put(match event.operation {
        Operation::Insert => b"insert\",\"ts\":",
        Operation::Update => b"update\",\"ts\":",
        Operation::Delete => b"delete\",\"ts\":",
        Operation::Ddl => b"ddl\",\"ts\":",
        Operation::Read => b"bootstrap-insert\",\"ts\":",
        Operation::Message => b"message\",\"ts\":",
    });
    head.unsigned(event.seconds());
    if let Some(xid) = event.xid() {
        head.put(b",\"xid\":");
        head.unsigned(xid);
    }
}

/// Writes one image as an object.
#[inline(always)]
fn data<C: Columns>(
    plan: &Plan,
    image: &C,
    has_key: bool,
    payload: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<(), Failed<C::Error>> {
    let mut image = image.clone();
    let start = payload.len();
    while let Some(column) = image.next().map_err(|error| (None, error))? {
        member(plan, column, &image, has_key, payload, scratch)?;
    }
    close(start, payload);
    Ok(())
}

/// Writes the new image and what the old one held in place of it.
#[inline(never)]
fn update<C: Columns>(
    plan: &Plan,
    before: &C,
    after: &C,
    has_key: bool,
    payload: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<(), Failed<C::Error>> {
    // Copies of its own are not in memory, where arguments of this size are.
    let (mut before, mut after) = (before.clone(), after.clone());
    let unplaced = |error| (None, error);
    let start = payload.len();
    scratch.old.clear();
    let mut old = before.next().map_err(unplaced)?;
    let mut new = after.next().map_err(unplaced)?;
    loop {
        let both = old == new;
        // Only one of them has the column; if that is the image before, it is as it was.
        let only_old = match (old, new) {
            (Some(old), Some(new)) => old < new,
            (_, new) => new.is_none(),
        };
        if both {
            let Some(column) = new else { break };
            let value = member(plan, column, &after, has_key, payload, scratch)?;
            if !before.same(&after) {
                let new = payload.get(value).unwrap_or_default();
                changed(plan, column, before.clone(), new, scratch)?;
            }
        } else if only_old {
            lone_member(plan, old, before.clone(), has_key, payload, scratch)?;
        } else {
            lone_member(plan, new, after.clone(), has_key, payload, scratch)?;
        }
        if both || only_old {
            old = before.next().map_err(unplaced)?;
        }
        if both || !only_old {
            new = after.next().map_err(unplaced)?;
        }
    }
    close(start, payload);
    if !scratch.old.is_empty() {
        payload.put(b",\"old\":");
        let start = payload.len();
        payload.put(&scratch.old);
        close(start, payload);
    }
    Ok(())
}

/// Writes a column that only one of the images has. It gets a copy, as does whatever is not inlined: who has the address of
/// an image keeps all of it in memory.
#[inline(never)]
fn lone_member<C: Columns>(
    plan: &Plan,
    column: Option<usize>,
    image: C,
    has_key: bool,
    payload: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<(), Failed<C::Error>> {
    let Some((column, name)) = column.and_then(|n| Some((n, plan.columns.get(n)?))) else {
        return Ok(());
    };
    payload.fragment(&name.name);
    let start = payload.len();
    rendered(column, &image, payload, &mut scratch.text).map_err(|error| (Some(column), error))?;
    name.note_key(start..payload.len(), has_key, scratch);
    Ok(())
}

/// Makes an object of the members behind `start`, each of which begins with a comma.
#[inline(always)]
pub(super) fn close(start: usize, payload: &mut Buffer) {
    if payload.len() == start {
        payload.byte(b'{');
    } else {
        payload.patch(start, b'{');
    }
    payload.byte(b'}');
}

/// Writes `,"name":value` and tells where the value is.
#[inline(always)]
fn member<C: Columns>(
    plan: &Plan,
    column: usize,
    image: &C,
    has_key: bool,
    payload: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<std::ops::Range<usize>, Failed<C::Error>> {
    let Some(name) = plan.columns.get(column) else {
        return Ok(0..0);
    };
    payload.fragment(&name.name);
    let start = payload.len();
    value(image, payload, &mut scratch.text).map_err(|error| (Some(column), error))?;
    let written = start..payload.len();
    name.note_key(written.clone(), has_key, scratch);
    Ok(written)
}

/// Writes the old value of a column whose bytes differ, unless it looks like the new one.
#[inline(never)]
fn changed<C: Columns>(
    plan: &Plan,
    column: usize,
    before: C,
    new: &[u8],
    scratch: &mut Scratch,
) -> Result<(), Failed<C::Error>> {
    let Some(name) = plan.columns.get(column) else {
        return Ok(());
    };
    let Scratch { old, text, .. } = scratch;
    let start = old.len();
    old.fragment(&name.name);
    let value_start = old.len();
    rendered(column, &before, old, text).map_err(|error| (Some(column), error))?;
    if old.get(value_start..) == Some(new) {
        old.truncate(start);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
