//! PARTIAL_UPDATE_ROWS: updates whose JSON documents are there only as differences (mysql-server, `sql/rpl_record.cc`,
//! `sql/json_diff.cc`).
//!
//! The differences are applied to the documents before, and what comes out is an UPDATE_ROWS like any other.

use super::rows::RowsEvent;
use crate::binlog::images::row_image::{Present, bit};
use crate::binlog::json;
use crate::binlog::json::document::Node;
use crate::binlog::json::path::Leg;
use crate::binlog::tables::table_plan::{ColumnPlan, Kind, TablePlan};
use crate::reader::{Malformed, Reader};

/// An UPDATE_ROWS that says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completed {
    /// Its rows.
    Rows(Vec<u8>),
    /// The documents of this column are not in the images before, so that there is nothing to apply the differences to.
    NoDocument { column: usize },
}

/// The differences of some JSON columns are in a row's image after.
const PARTIAL_JSON: u64 = 1;

const REPLACE: u8 = 0;
const INSERT: u8 = 1;
const REMOVE: u8 = 2;

/// Applies the differences in all rows of the event.
pub fn complete(event: &RowsEvent<'_>, plan: &TablePlan) -> Result<Completed, Malformed> {
    let present = Present::new(event.present, event.columns);
    let present_after = Present::new(event.present_after, event.columns);
    let mut rest = event.rows;
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let before = Image::read(&plan.columns, present, rest, None)?;
        out.extend_from_slice(before.bytes);
        // int<lenenc>: value options, and for each JSON column of the table: whether it is partial
        let mut shared = Reader::new(before.rest);
        let partial = match shared.lenenc_number("the value options")? {
            0 => None,
            PARTIAL_JSON => {
                let documents = plan.columns.iter().filter(|column| is_json(column));
                let length = documents.count().div_ceil(8);
                Some(shared.bytes(length, "the bits of partial columns")?)
            }
            _ => return Err(Malformed::Invalid("the value options")),
        };
        let after = Image::read(&plan.columns, present_after, shared.rest(), partial)?;
        out.extend_from_slice(after.nulls);
        for value in &after.values {
            if value.is_partial {
                let document = match before.value(value.column) {
                    Some(value) => value.bytes,
                    None if bit(event.present, value.column) => {
                        return Err(Malformed::Invalid("a change of a document that is NULL"));
                    }
                    None => {
                        return Ok(Completed::NoDocument {
                            column: value.column,
                        });
                    }
                };
                let document = apply(document, value.bytes)?;
                let length = u32::try_from(document.len())
                    .map_err(|_| Malformed::Invalid("the size of a JSON document"))?;
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(&document);
            } else {
                out.extend_from_slice(value.whole);
            }
        }
        if after.rest.len() == rest.len() {
            return Err(Malformed::Invalid("a row without columns"));
        }
        rest = after.rest;
    }
    Ok(Completed::Rows(out))
}

fn is_json(column: &ColumnPlan) -> bool {
    column.kind == Kind::Json
}

/// The image of a row, and what is behind it.
struct Image<'a> {
    /// All of it.
    bytes: &'a [u8],
    nulls: &'a [u8],
    /// What is neither absent nor NULL.
    values: Vec<Stored<'a>>,
    rest: &'a [u8],
}

/// A value as an image has it.
struct Stored<'a> {
    column: usize,
    /// With its length, and without.
    whole: &'a [u8],
    bytes: &'a [u8],
    /// It is the difference to the document before.
    is_partial: bool,
}

impl<'a> Image<'a> {
    fn read(
        columns: &[ColumnPlan],
        present: Present<'_>,
        bytes: &'a [u8],
        partial: Option<&[u8]>,
    ) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let nulls = reader.bytes(present.count.div_ceil(8), "a row")?;
        let mut rest = reader.rest();
        let mut values = Vec::new();
        let (mut held, mut documents) = (0, 0);
        for (n, column) in columns.iter().enumerate() {
            let mut is_partial = false;
            if is_json(column) {
                is_partial = partial.is_some_and(|bits| bit(bits, documents));
                documents += 1;
            }
            if !bit(present.bits, n) {
                continue;
            }
            let is_null = bit(nulls, held);
            held += 1;
            if is_null {
                continue;
            }
            let [value, _, behind] = column.extent.split(rest)?;
            let length = rest.len() - behind.len();
            values.push(Stored {
                column: n,
                whole: rest.get(..length).unwrap_or_default(),
                bytes: value,
                is_partial,
            });
            rest = behind;
        }
        let length = bytes.len() - rest.len();
        Ok(Self {
            bytes: bytes.get(..length).unwrap_or_default(),
            nulls,
            values,
            rest,
        })
    }

    fn value(&self, column: usize) -> Option<&Stored<'a>> {
        let at = self
            .values
            .binary_search_by_key(&column, |value| value.column);
        at.ok().and_then(|at| self.values.get(at))
    }
}

/// Applies the differences to a document.
fn apply(document: &[u8], differences: &[u8]) -> Result<Vec<u8>, Malformed> {
    if differences.is_empty() {
        return Ok(document.to_vec());
    }
    let changes = changes(differences)?;
    let mut node = Node::stored(document)?;
    for change in &changes {
        let value = || Node::stored(change.value);
        match change.operation {
            REPLACE => node.replace(&change.path, value()?)?,
            INSERT => node.insert(&change.path, value()?)?,
            _ => node.remove(&change.path)?,
        }
    }
    node.encode()
}

/// One difference.
struct Change<'a> {
    operation: u8,
    path: Vec<Leg>,
    value: &'a [u8],
}

fn changes(differences: &[u8]) -> Result<Vec<Change<'_>>, Malformed> {
    let mut reader = Reader::new(differences);
    let mut changes = Vec::new();
    while !reader.is_empty() {
        // int<1>: operation, string<lenenc>: path, string<lenenc>: value, which REMOVE does not have
        let operation = reader.u8("a change of a JSON document")?;
        let path = json::path::path(reader.lenenc_bytes("a path in a JSON document")?)?;
        let value = match operation {
            REPLACE | INSERT => reader.lenenc_bytes("a value of a JSON document")?,
            REMOVE => &[],
            _ => return Err(Malformed::Invalid("a change of a JSON document")),
        };
        changes.push(Change {
            operation,
            path,
            value,
        });
    }
    Ok(changes)
}
