//! Columns of MariaDB that `information_schema` does not show, and that rows have all the same, behind all others.

use serde::{Deserialize, Serialize};

use super::table::ColumnSchema;
use crate::charset::Charset;
use crate::ddl::{Clause, UniqueKey, same};

/// The columns that a table has besides those that it is said to have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hidden {
    /// `row_start` and `row_end`, of a table WITH SYSTEM VERSIONING that names no columns for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system_time: bool,
    /// `DB_ROW_HASH_1` and so on, behind those: one for each unique key that is too long for an index.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hashes: usize,
    /// The columns of those keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashed: Vec<String>,
}

fn is_zero(hashes: &usize) -> bool {
    *hashes == 0
}

/// The longest that InnoDB indexes without a hash, of one column and of a whole key, in bytes; other engines take less.
const LONGEST_PART: u64 = 3072;
const LONGEST_KEY: u64 = 3500;

impl Hidden {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The columns for a row's time in the table, which are shown.
    pub fn shown(&self) -> &'static [&'static str] {
        match self.system_time {
            true => &["row_start", "row_end"],
            false => &[],
        }
    }

    /// A unique key is added to a table with these columns.
    pub fn add_key(&mut self, key: &UniqueKey, columns: &[ColumnSchema]) {
        if !key.hash && !is_too_long(key, columns) {
            return;
        }
        self.hashes += 1;
        for part in &key.parts {
            if !self.hashed.iter().any(|name| same(name, &part.column)) {
                self.hashed.push(part.column.clone());
            }
        }
    }

    /// The server says that a key is kept as a hash: its columns come one by one.
    pub fn learn(&mut self, column: &str, is_first: bool) {
        self.hashes += usize::from(is_first);
        if !self.hashed.iter().any(|name| same(name, column)) {
            self.hashed.push(column.to_owned());
        }
    }

    /// Whether the number of hashes cannot be worked out over the clauses: which keys a dropped index or column takes with
    /// it, and what becomes of one whose columns change.
    pub(super) fn is_unclear_after(&self, clauses: &[&Clause]) -> bool {
        let is_hashed = |name: &str| self.hashed.iter().any(|hashed| same(hashed, name));
        self.hashes > 0
            && clauses.iter().any(|clause| match clause {
                Clause::DropIndex | Clause::Convert { .. } => true,
                Clause::Drop { column, .. } => is_hashed(column),
                Clause::Change { old, .. } | Clause::RenameColumn { old, .. } => is_hashed(old),
                _ => false,
            })
    }
}

fn is_too_long(key: &UniqueKey, columns: &[ColumnSchema]) -> bool {
    let mut total = 0;
    for part in &key.parts {
        let column = columns
            .iter()
            .find(|column| same(&column.name, &part.column));
        let Some(column) = column else { continue };
        let Some(bytes) = column.indexed_bytes(part.length) else {
            return true;
        };
        if bytes > LONGEST_PART {
            return true;
        }
        total += bytes;
    }
    total > LONGEST_KEY
}

impl ColumnSchema {
    /// How many bytes of the column a key takes; `None` if it has no bound.
    fn indexed_bytes(&self, characters: Option<u64>) -> Option<u64> {
        let width = self
            .charset
            .as_deref()
            .map_or(1, |charset| u64::from(Charset::named(charset).longest));
        let (word, rest) = self
            .column_type
            .split_once('(')
            .unwrap_or((&self.column_type, ""));
        let word = word.split(' ').next().unwrap_or(word);
        if let Some(characters) = characters {
            return Some(characters.saturating_mul(width));
        }
        match word {
            "char" | "varchar" | "binary" | "varbinary" => {
                let length: u64 = rest.trim_end_matches(')').parse().unwrap_or(0);
                Some(length.saturating_mul(width))
            }
            _ if word.ends_with("text") || word.ends_with("blob") || word == "json" => None,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geomcollection" => None,
            _ => Some(8),
        }
    }
}
