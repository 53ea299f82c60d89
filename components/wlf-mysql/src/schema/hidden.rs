//! Columns of MariaDB that `information_schema` does not show, and that rows have all the same, behind all others.

use serde::{Deserialize, Serialize};

use super::table::ColumnSchema;
use crate::charset::Charset;
use crate::ddl::{Clause, ColumnClause, KeyPart, UniqueKey, folded, same};

/// The columns that a table has besides those that it is said to have.
///
/// How many hashes there are is worked out as well as it can be: rows show whether it is right, by the number of their
/// columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hidden {
    /// `row_start` and `row_end`, of a table WITH SYSTEM VERSIONING that names no columns for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system_time: bool,
    /// For each of them that is a hash there is a column `DB_ROW_HASH_n` behind all others: for those that are too long for
    /// an index, or were made USING HASH.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_keys: Vec<UniqueKey>,
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

    /// Whether a column that is not listed has this name.
    pub fn has_column(&self, name: &str) -> bool {
        let number = |name: &str| folded(name).strip_prefix("db_row_hash_")?.parse().ok();
        let is_hash = number(name).is_some_and(|number| (1..=self.hashes()).contains(&number));
        is_hash || self.shown().iter().any(|shown| same(shown, name))
    }

    /// Whether there is a unique key of this name.
    pub fn has_key(&self, name: &str) -> bool {
        self.unique_keys.iter().any(|key| same(key.name(), name))
    }

    /// The number of columns with hashes.
    pub fn hashes(&self) -> usize {
        self.unique_keys.iter().filter(|key| key.hash).count()
    }

    /// A unique key is added to a table with these columns.
    pub fn add_key(&mut self, key: &UniqueKey, columns: &[ColumnSchema]) {
        self.unique_keys.push(UniqueKey {
            hash: key.hash || is_too_long(key, columns),
            ..key.clone()
        });
    }

    /// The server says that there is a unique key: its columns come one by one.
    pub fn learn(&mut self, key: &str, column: &str, length: Option<u64>, hash: bool) {
        let part = KeyPart {
            column: column.to_owned(),
            length,
        };
        match self.unique_keys.last_mut() {
            Some(last) if last.name.as_deref() == Some(key) => last.parts.push(part),
            _ => self.unique_keys.push(UniqueKey {
                name: Some(key.to_owned()),
                parts: vec![part],
                hash,
            }),
        }
    }

    /// What becomes of the keys over the clauses of a statement, behind which the table has these columns.
    pub(super) fn alter(
        &mut self,
        clauses: &[&Clause],
        is_rebuilt: bool,
        columns: &[ColumnSchema],
    ) {
        for clause in clauses {
            match clause {
                Clause::DropIndex(name) => self.unique_keys.retain(|key| !same(key.name(), name)),
                Clause::Drop { column, .. } => {
                    for key in &mut self.unique_keys {
                        key.parts.retain(|part| !same(&part.column, column));
                    }
                    self.unique_keys.retain(|key| !key.parts.is_empty());
                }
                Clause::Change {
                    old,
                    column: ColumnClause { name: new, .. },
                    ..
                }
                | Clause::RenameColumn { old, new, .. } => {
                    let parts = self.unique_keys.iter_mut().flat_map(|key| &mut key.parts);
                    for part in parts.filter(|part| same(&part.column, old)) {
                        part.column.clone_from(new);
                    }
                }
                _ => {}
            }
        }
        if is_rebuilt {
            self.rebuild(columns);
        }
        for clause in clauses {
            if let Clause::AddUnique { key, .. } = clause {
                self.add_key(key, columns);
            }
        }
    }

    /// The table is made anew, by ALTER TABLE or LIKE: keys that were made USING HASH without need become trees, as do those of
    /// a geometry.
    pub(super) fn rebuild(&mut self, columns: &[ColumnSchema]) {
        for key in &mut self.unique_keys {
            let mut parts = key.parts.iter();
            let is_geometry = parts.any(|part| {
                let column = columns
                    .iter()
                    .find(|column| same(&column.name, &part.column));
                column.is_some_and(ColumnSchema::is_geometry)
            });
            key.hash = !is_geometry && is_too_long(key, columns);
        }
    }
}

impl UniqueKey {
    pub(super) fn name(&self) -> &str {
        let first = self.parts.first().map(|part| &*part.column);
        self.name.as_deref().or(first).unwrap_or_default()
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
            _ if self.is_geometry() => None,
            _ => Some(8),
        }
    }

    pub fn is_geometry(&self) -> bool {
        const TYPES: [&str; 8] = [
            "geometry",
            "point",
            "linestring",
            "polygon",
            "multipoint",
            "multilinestring",
            "multipolygon",
            "geomcollection",
        ];
        TYPES.contains(&&*self.column_type)
    }
}
