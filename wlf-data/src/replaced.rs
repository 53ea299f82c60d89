//! Characters that became U+FFFD, because the bytes of a text are none in its charset: counted, and reported once for each
//! column.
//!
//! Whoever writes U+FFFD in place of bytes says so with [`note`], which is all that happens while text is written. A source
//! compares [`noted`] before and after an event and looks for the columns only if they differ.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use crate::event::Table;
use crate::format::Buffer;
use crate::value::{Columns, Row, Rows, Value};

/// How many columns are told apart; those of others are counted in the total alone.
const COLUMNS: usize = 10_000;

thread_local! {
    static NOTED: Cell<u64> = const { Cell::new(0) };
}

/// Notes that U+FFFD was written in place of bytes.
#[cold]
#[inline(never)]
pub fn note() {
    NOTED.set(NOTED.get().wrapping_add(1));
}

/// How often this thread noted it.
pub fn noted() -> u64 {
    NOTED.get()
}

/// What was replaced in this process.
#[derive(Debug, Default)]
struct Counts {
    total: u64,
    /// By database, table and column.
    columns: BTreeMap<[String; 3], u64>,
}

static COUNTS: Mutex<Counts> = Mutex::new(Counts {
    total: 0,
    columns: BTreeMap::new(),
});

/// Counts characters of a column that were replaced, and warns when they are its first. `place` says where they are.
pub fn count(table: &Table, column: usize, characters: u64, place: impl Display) {
    let name = table.columns.get(column);
    let name = name.map_or("?", |column| &column.name);
    let key = [table.database.clone(), table.name.clone(), name.to_owned()];
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    counts.total += characters;
    if let Some(counted) = counts.columns.get_mut(&key) {
        *counted += characters;
        return;
    }
    if counts.columns.len() >= COLUMNS {
        return;
    }
    let charset = table.columns.get(column);
    let charset = charset.and_then(|column| column.data_type.charset());
    tracing::warn!(
        column = key.join("."),
        charset,
        place = %place,
        "bytes that are no text in the column's charset become U+FFFD; the end says how many"
    );
    counts.columns.insert(key, characters);
}

/// Counts what was replaced in rows of the event's table: of an update in the images after it.
pub fn count_rows<R: Rows>(table: &Table, rows: &mut R, place: impl Display) {
    let mut characters = vec![0; table.columns.len()];
    let mut text = Buffer::new();
    // An error was met when the rows were encoded: what was before it is counted.
    while let Ok(Some(row)) = rows.next() {
        let (Row::Insert(mut image)
        | Row::Update {
            after: mut image, ..
        }
        | Row::Delete(mut image)) = row;
        while let Ok(Some(column)) = image.next() {
            let before = noted();
            text.clear();
            let written = match image.value() {
                Ok(Value::Text(bytes)) => {
                    text.text(&bytes);
                    Ok(())
                }
                Ok(Value::Coded(_)) => image.write(&mut text),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            if written.is_err() {
                break;
            }
            if let Some(characters) = characters.get_mut(column) {
                *characters += noted().wrapping_sub(before);
            }
        }
    }
    for (column, characters) in characters.into_iter().enumerate() {
        if characters > 0 {
            count(table, column, characters, &place);
        }
    }
}

/// How many characters were replaced in this process.
pub fn total() -> u64 {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner).total
}

/// How many characters were replaced in each column, under `database.table.column`.
pub fn columns() -> Vec<(String, u64)> {
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let columns = counts.columns.iter();
    columns
        .map(|(name, characters)| (name.join("."), *characters))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Column;

    #[test]
    fn text_that_is_no_utf8_is_noted() {
        let before = noted();
        let mut buffer = Buffer::new();
        buffer.string("größe\u{fffd}".as_bytes());
        assert_eq!(noted() - before, 0);
        buffer.string(b"a\xff\xffb\xe9");
        buffer.text(b"\xe9");
        assert_eq!(noted() - before, 4);
    }

    #[test]
    fn columns_are_counted_apart() {
        let columns = ["a", "b"].map(Column::untyped);
        let table = Table::new("replaced", "t", columns.into(), Vec::new());
        let before = total();
        count(&table, 0, 2, "x");
        count(&table, 1, 1, "x");
        count(&table, 0, 3, "x");
        assert!(total() >= before + 6);
        let ours: Vec<_> = super::columns()
            .into_iter()
            .filter(|(name, _)| name.starts_with("replaced."))
            .collect();
        assert_eq!(
            ours,
            [
                ("replaced.t.a".to_owned(), 5),
                ("replaced.t.b".to_owned(), 1)
            ]
        );
    }
}
