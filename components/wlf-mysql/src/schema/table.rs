//! A table as it is defined at some position.

use serde::{Deserialize, Serialize};

use super::hidden::Hidden;
use crate::ddl::{CharsetName, ColumnClause, Extras, SystemTime, same};

/// A table's definition, as far as it decides how rows are decoded and shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableSchema {
    /// The default for new columns.
    pub charset: String,
    pub columns: Vec<ColumnSchema>,
    /// The columns of the primary key, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Hidden::is_empty")]
    pub hidden: Hidden,
}

/// A column's definition, in the words of `information_schema.COLUMNS`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ColumnSchema {
    pub name: String,
    /// COLUMN_TYPE without display widths.
    #[serde(rename = "type")]
    pub column_type: String,
    /// CHARACTER_SET_NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// IS_NULLABLE
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
    /// It is what MySQL generates as a table's key (`sql_generate_invisible_primary_key`), or is like it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated_key: bool,
}

/// The name of MySQL's generated key.
pub const GENERATED_KEY: &str = "my_row_id";

/// A statement that does not go with the definition before it: so that one is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict;

impl TableSchema {
    /// One of MariaDB's sequences (`sequence_structure` in `sql/sql_sequence.cc`).
    pub fn sequence() -> Self {
        const BIGINT: &str = "bigint";
        let columns = [
            ("next_not_cached_value", BIGINT),
            ("minimum_value", BIGINT),
            ("maximum_value", BIGINT),
            ("start_value", BIGINT),
            ("increment", BIGINT),
            ("cache_size", "bigint unsigned"),
            ("cycle_option", "tinyint unsigned"),
            ("cycle_count", BIGINT),
        ];
        let column = |(name, column_type): (&str, &str)| ColumnSchema {
            name: name.to_owned(),
            column_type: column_type.to_owned(),
            charset: None,
            nullable: false,
            ..ColumnSchema::default()
        };
        Self {
            charset: "utf8mb4".to_owned(),
            columns: columns.map(column).into(),
            primary_key: Vec::new(),
            ..Self::default()
        }
    }

    /// The table that CREATE TABLE makes, with the default charset that it says or its database has.
    pub fn create(
        columns: &[ColumnClause],
        primary_key: &[String],
        charset: &str,
        extras: &Extras,
    ) -> Result<Self, Conflict> {
        let mut table = Self {
            charset: charset.to_owned(),
            columns: columns
                .iter()
                .map(|column| column.resolve(charset))
                .collect::<Result<_, _>>()?,
            primary_key: Vec::new(),
            hidden: Hidden::default(),
        };
        let mut key = primary_key.to_vec();
        if extras.versioned {
            let end = columns
                .iter()
                .find(|column| column.system_time == Some(SystemTime::End));
            table.hidden.system_time = end.is_none();
            // The end of a row's time becomes a part of its key.
            if let Some(end) = end
                && !key.is_empty()
                && !key.iter().any(|name| same(name, &end.name))
            {
                key.push(end.name.clone());
            }
        }
        for key in &extras.unique_keys {
            table.hidden.add_key(key, &table.columns);
        }
        table.set_primary_key(&key)?;
        Ok(table)
    }

    /// What CREATE TABLE LIKE makes of it, and an ALTER TABLE that changes no column: MariaDB keeps its keys anew.
    pub fn rebuilt(mut self) -> Self {
        self.hidden.rebuild(&self.columns);
        self
    }

    /// Learns a CHECK_CLAUSE of MariaDB's `information_schema.CHECK_CONSTRAINTS`: one of `json_valid` makes a LONGTEXT the
    /// JSON that DDL says.
    pub fn apply_check(&mut self, clause: &str) {
        let checked = self.columns.iter_mut().find(|column| {
            let name = column.name.replace('`', "``");
            same(clause, &format!("json_valid(`{name}`)"))
        });
        if let Some(column) = checked
            && column.column_type == "longtext"
        {
            column.column_type = "json".to_owned();
        }
    }

    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| same(&column.name, name))
    }

    pub(super) fn set_primary_key(&mut self, names: &[String]) -> Result<(), Conflict> {
        self.primary_key.clear();
        for name in names {
            let at = self.find(name).ok_or(Conflict)?;
            let column = self.columns.get_mut(at).ok_or(Conflict)?;
            column.nullable = false;
            self.primary_key.push(column.name.clone());
        }
        Ok(())
    }
}

impl ColumnClause {
    /// The column in a table with this default charset.
    pub(super) fn resolve(&self, charset: &str) -> Result<ColumnSchema, Conflict> {
        let charset = match &self.charset {
            Some(CharsetName::Named(name)) => name,
            Some(CharsetName::Default) | None => charset,
        };
        if self.type_name.loses_bytes(charset) {
            return Err(Conflict);
        }
        let (column_type, charset) = self.type_name.resolve(charset);
        Ok(ColumnSchema {
            generated_key: self.auto_increment
                && column_type == "bigint unsigned"
                && same(&self.name, GENERATED_KEY),
            name: self.name.clone(),
            column_type,
            charset,
            nullable: self.nullable,
        })
    }
}

impl ColumnSchema {
    /// The type that values are read by: documents of MariaDB that were converted to another charset are text.
    pub fn readable_type(&self) -> &str {
        match (&*self.column_type, self.charset.as_deref()) {
            ("json", None | Some("utf8mb4" | "utf8mb3")) => "json",
            ("json", Some(_)) => "longtext",
            (other, _) => other,
        }
    }
}
