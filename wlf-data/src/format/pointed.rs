//! The values of a row that templates point to, beside what the format writes of it.
//!
//! They are as plain Maxwell writes them, whatever the format is, and only those columns are looked at that a template names.
//! Packed, one behind the other: what it is (a byte of [`Member`]), the lengths of its name and of its value (32 bits each,
//! little-endian), the name, and the value as JSON.

use super::buffer::Buffer;
use super::maxwell::rendered;
use super::plans::Plans;
use super::row_format::Failed;
use crate::event::{Event, Table};
use crate::value::{Columns, Row};

/// What a value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// `/ts`, `/xid`, `/xoffset`, `/commit`.
    Event = b'e' as isize,
    /// `/data/<column>`.
    Data = b'd' as isize,
    /// `/old/<column>`.
    Old = b'o' as isize,
}

/// What templates point to in rows, and what is kept from row to row.
#[derive(Debug, Default)]
pub(super) struct Pointed {
    /// Whether something points to a member of the event.
    has_event: bool,
    columns: Vec<(Member, String)>,
    plans: Plans<Vec<Wanted>>,
    value: Buffer,
    other: Buffer,
    text: Buffer,
}

/// What of a column is pointed to.
#[derive(Debug, Default, Clone)]
struct Wanted {
    name: String,
    data: bool,
    old: bool,
}

impl Pointed {
    /// Adds what a template points to, by the first steps of a pointer.
    pub fn add(&mut self, member: Member, name: &str) {
        match member {
            Member::Event => self.has_event = true,
            Member::Data | Member::Old => self.columns.push((member, name.to_owned())),
        }
    }

    /// Prepares itself for the rows of an event.
    pub fn begin(&mut self, event: &Event) {
        let columns = &self.columns;
        let of_table = |table: &Table| -> Vec<Wanted> {
            let all = table.columns.iter().map(|column| {
                let has = |member| {
                    let mut columns = columns.iter();
                    columns.any(|(of, name)| *of == member && *name == column.name)
                };
                Wanted {
                    name: column.name.clone(),
                    data: has(Member::Data),
                    old: has(Member::Old),
                }
            });
            all.collect()
        };
        self.plans.of(&event.table, of_table);
    }

    /// Writes what is pointed to in the row with this number in its event. One copy of the code serves all formats.
    #[inline(never)]
    pub fn write<C: Columns>(
        &mut self,
        event: &Event,
        images: Row<C>,
        number: u32,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        if self.has_event {
            self.members_of_event(event, number, out);
        }
        match images {
            Row::Insert(image) | Row::Delete(image) => self.image(image, out),
            Row::Update { before, after } => self.update(before, after, out),
        }
    }

    fn members_of_event(&mut self, event: &Event, number: u32, out: &mut Buffer) {
        let mut put = |name: &str, value: Option<u64>| {
            self.value.clear();
            match value {
                Some(number) => self.value.unsigned(number),
                None => self.value.put(b"true"),
            }
            entry(Member::Event, name, &self.value, out);
        };
        put("ts", Some(event.seconds()));
        if let Some(xid) = event.xid() {
            put("xid", Some(xid));
        }
        match &event.transaction {
            Some(transaction) if transaction.commit && number + 1 == event.len() => {
                put("commit", None);
            }
            Some(transaction) => put("xoffset", Some(transaction.offset + u64::from(number))),
            None => {}
        }
    }

    fn image<C: Columns>(
        &mut self,
        mut image: C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        while let Some(column) = image.next().map_err(|error| (None, error))? {
            self.data(column, &image, out)?;
        }
        Ok(())
    }

    fn update<C: Columns>(
        &mut self,
        mut before: C,
        mut after: C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let unplaced = |error| (None, error);
        let mut old = before.next().map_err(unplaced)?;
        let mut new = after.next().map_err(unplaced)?;
        loop {
            let column = match (old, new) {
                (Some(old), Some(new)) => old.min(new),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => return Ok(()),
            };
            // A column that only the image before has is as it was.
            let image = if new == Some(column) { &after } else { &before };
            self.data(column, image, out)?;
            if old == new && !before.same(&after) {
                self.old(column, &before, &after, out)?;
            }
            if old == Some(column) {
                old = before.next().map_err(unplaced)?;
            }
            if new == Some(column) {
                new = after.next().map_err(unplaced)?;
            }
        }
    }

    fn data<C: Columns>(
        &mut self,
        column: usize,
        image: &C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let wanted = self.plans.last().and_then(|plan| plan.get(column));
        if let Some(wanted) = wanted.filter(|wanted| wanted.data) {
            self.value.clear();
            rendered(column, image, &mut self.value, &mut self.text)
                .map_err(|error| (Some(column), error))?;
            entry(Member::Data, &wanted.name, &self.value, out);
        }
        Ok(())
    }

    /// The old value of a column whose bytes differ, unless it looks like the new one.
    fn old<C: Columns>(
        &mut self,
        column: usize,
        before: &C,
        after: &C,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        let wanted = self.plans.last().and_then(|plan| plan.get(column));
        if let Some(wanted) = wanted.filter(|wanted| wanted.old) {
            let at = |error| (Some(column), error);
            self.value.clear();
            self.other.clear();
            rendered(column, before, &mut self.value, &mut self.text).map_err(at)?;
            rendered(column, after, &mut self.other, &mut self.text).map_err(at)?;
            if *self.value != *self.other {
                entry(Member::Old, &wanted.name, &self.value, out);
            }
        }
        Ok(())
    }
}

fn entry(member: Member, name: &str, value: &[u8], out: &mut Buffer) {
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    out.byte(member as u8);
    out.put(&number(name.len()));
    out.put(&number(value.len()));
    out.put(name.as_bytes());
    out.put(value);
}

/// Finds a value among those that were packed.
pub(crate) fn find<'a>(mut packed: &'a [u8], member: Member, name: &str) -> Option<&'a [u8]> {
    loop {
        let (of, rest) = packed.split_first()?;
        let (name_length, rest) = rest.split_first_chunk()?;
        let (value_length, rest) = rest.split_first_chunk()?;
        let (its_name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_length) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_length) as usize)?;
        if *of == member as u8 && its_name == name.as_bytes() {
            return Some(value);
        }
        packed = rest;
    }
}
