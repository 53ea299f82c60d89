//! The keys of rows.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::buffer::{Buffer, Fragment};
use super::row_format::Failed;
use crate::event::Table;
use crate::value::Columns;

/// A form of Maxwell's for keys (its `kafka_key_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyFormat {
    /// `{"database":"shop","table":"orders","pk.id":1}`.
    Hash,
    /// `["shop","orders",[{"id":1}]]`.
    Array,
}

/// What stands around the values of a key.
#[derive(Debug)]
pub(super) struct KeyText {
    pub head: Fragment,
    /// What stands before each value, in the key's order.
    pub names: Vec<Fragment>,
    pub end: Fragment,
}

impl KeyText {
    /// The names in Maxwell's keys are in lower case.
    pub fn new(format: KeyFormat, table: &Table) -> Self {
        let columns = table.primary_key.iter();
        let columns = columns.filter_map(|n| table.columns.get(*n));
        let names = columns.map(|column| column.name.to_lowercase());
        match format {
            KeyFormat::Hash => Self {
                head: fragment(|out| {
                    out.put(b"{\"database\":");
                    out.string(table.database.as_bytes());
                    out.put(b",\"table\":");
                    out.string(table.name.as_bytes());
                }),
                names: names
                    .map(|name| {
                        fragment(|out| {
                            out.byte(b',');
                            out.string(format!("pk.{name}").as_bytes());
                            out.byte(b':');
                        })
                    })
                    .collect(),
                end: Fragment::new(b"}"),
            },
            KeyFormat::Array => Self {
                head: fragment(|out| {
                    out.byte(b'[');
                    out.string(table.database.as_bytes());
                    out.byte(b',');
                    out.string(table.name.as_bytes());
                    out.put(b",[");
                }),
                names: names
                    .enumerate()
                    .map(|(n, name)| {
                        fragment(|out| {
                            out.put(if n == 0 { b"{" } else { b"},{" });
                            out.string(name.as_bytes());
                            out.byte(b':');
                        })
                    })
                    .collect(),
                end: Fragment::new(if table.primary_key.is_empty() {
                    b"]]"
                } else {
                    b"}]]"
                }),
            },
        }
    }

    /// Writes a key of values that stand in `from`; one that is empty is `null`.
    #[inline(always)]
    pub fn write(&self, values: &[Range<usize>], from: &Buffer, out: &mut Buffer) {
        out.fragment(&self.head);
        for (name, value) in self.names.iter().zip(values) {
            out.fragment(name);
            if value.is_empty() {
                out.put(b"null");
            } else {
                out.repeat(value.clone(), from);
            }
        }
        out.fragment(&self.end);
    }
}

/// A piece of text that `write` writes.
pub(super) fn fragment(write: impl FnOnce(&mut Buffer)) -> Fragment {
    let mut text = Buffer::new();
    write(&mut text);
    Fragment::new(&text)
}

/// How keys are taken from images.
#[derive(Debug)]
pub(super) struct KeyPlan {
    pub text: KeyText,
    /// The key's columns in the table's order, each with its place in the key.
    columns: Vec<(usize, usize)>,
    /// Whether both orders are the same.
    in_order: bool,
}

/// What is kept from key to key to save its allocation.
#[derive(Debug, Default)]
pub(super) struct KeyScratch {
    values: Buffer,
    places: Vec<Range<usize>>,
    text: Buffer,
}

impl KeyPlan {
    pub fn new(text: KeyText, table: &Table) -> Self {
        let place = |column| table.primary_key.iter().position(|part| *part == column);
        let columns = 0..table.columns.len();
        let columns: Vec<_> = columns
            .filter_map(|column| Some((column, place(column)?)))
            .collect();
        let in_order = columns.is_sorted_by_key(|(_, place)| *place);
        Self {
            text,
            columns,
            in_order,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Writes the key of an image; a value that it does not hold is taken from `other`.
    ///
    /// `render` is given the column, the image, where to write and room for text in between.
    #[inline(never)]
    pub fn write<C: Columns>(
        &self,
        image: &C,
        other: Option<&C>,
        render: impl Fn(usize, &C, &mut Buffer, &mut Buffer) -> Result<(), C::Error>,
        scratch: &mut KeyScratch,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        scratch.values.clear();
        scratch.places.clear();
        scratch.places.resize(self.columns.len(), 0..0);
        let complete = self.take(image, &render, scratch)?;
        if let (false, Some(other)) = (complete, other) {
            self.take(other, &render, scratch)?;
        }
        self.text.write(&scratch.places, &scratch.values, out);
        Ok(())
    }

    /// As [`write`](Self::write), without a detour where the image holds the key's columns in the key's order.
    #[inline(always)]
    pub fn write_straight<C: Columns>(
        &self,
        image: &C,
        other: Option<&C>,
        render: impl Fn(usize, &C, &mut Buffer, &mut Buffer) -> Result<(), C::Error>,
        scratch: &mut KeyScratch,
        out: &mut Buffer,
    ) -> Result<(), Failed<C::Error>> {
        if self.in_order {
            let start = out.len();
            out.fragment(&self.text.head);
            let mut columns = image.clone();
            let mut complete = true;
            for ((wanted, _), name) in self.columns.iter().zip(&self.text.names) {
                let mut found = columns.next().map_err(|error| (None, error))?;
                while found.is_some_and(|found| found < *wanted) {
                    found = columns.next().map_err(|error| (None, error))?;
                }
                if found != Some(*wanted) {
                    complete = false;
                    break;
                }
                out.fragment(name);
                let value = out.len();
                render(*wanted, &columns, out, &mut scratch.text)
                    .map_err(|error| (Some(*wanted), error))?;
                if out.len() == value {
                    out.put(b"null");
                }
            }
            if complete {
                out.fragment(&self.text.end);
                return Ok(());
            }
            out.truncate(start);
        }
        // Copies, so that the images' own addresses go to nothing that is not inlined.
        self.write(
            &image.clone(),
            other.cloned().as_ref(),
            render,
            scratch,
            out,
        )
    }

    /// Writes the values that an image holds and that are missing; says whether none is then.
    fn take<C: Columns>(
        &self,
        image: &C,
        render: &impl Fn(usize, &C, &mut Buffer, &mut Buffer) -> Result<(), C::Error>,
        scratch: &mut KeyScratch,
    ) -> Result<bool, Failed<C::Error>> {
        let mut wanted = self.columns.iter().copied().peekable();
        let mut image = image.clone();
        let mut complete = true;
        while wanted.peek().is_some()
            && let Some(column) = image.next().map_err(|error| (None, error))?
        {
            while wanted.next_if(|(wanted, _)| *wanted < column).is_some() {
                complete = false;
            }
            let Some((_, place)) = wanted.next_if(|(wanted, _)| *wanted == column) else {
                continue;
            };
            let Some(place) = scratch
                .places
                .get_mut(place)
                .filter(|place| Range::is_empty(place))
            else {
                continue;
            };
            let start = scratch.values.len();
            render(column, &image, &mut scratch.values, &mut scratch.text)
                .map_err(|error| (Some(column), error))?;
            *place = start..scratch.values.len();
        }
        Ok(complete && wanted.next().is_none())
    }

    /// Whether two images hold different keys, as far as their bytes tell: `false` is certain.
    pub fn may_differ<C: Columns>(&self, before: &C, after: &C) -> Result<bool, Failed<C::Error>> {
        let unplaced = |error| (None, error);
        let (mut before, mut after) = (before.clone(), after.clone());
        let mut old = before.next().map_err(unplaced)?;
        let mut new = after.next().map_err(unplaced)?;
        for (column, _) in &self.columns {
            while old.is_some_and(|old| old < *column) {
                old = before.next().map_err(unplaced)?;
            }
            while new.is_some_and(|new| new < *column) {
                new = after.next().map_err(unplaced)?;
            }
            if old == Some(*column) && new == old && !before.same(&after) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
