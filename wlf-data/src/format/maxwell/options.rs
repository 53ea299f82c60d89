//! What `format: {type: maxwell, …}` may say besides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Pattern;
use crate::value::Date;

/// Maxwell's options of the same names; the defaults are Maxwell's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Adds `position`, the binlog file and the offset at which the rows' event begins.
    pub output_binlog_position: bool,
    /// Adds `gtid`, the transaction's own; `null` without one.
    pub output_gtid_position: bool,
    /// Adds `server_id`, that of the server which made the change.
    pub output_server_id: bool,
    /// Adds `thread_id`, the connection that made the change, where it is known.
    pub output_thread_id: bool,
    /// Adds `query`, the statement that made the change, where the server logs it.
    pub output_row_query: bool,
    /// Cuts `query` to so many characters; 0 leaves it whole.
    pub row_query_max_length: u32,
    /// Adds `primary_key`, the values of the key's columns.
    pub output_primary_keys: bool,
    /// Adds `primary_key_columns`, their names.
    pub output_primary_key_columns: bool,
    /// Adds `push_ts`, when the row was encoded, in seconds with six digits of the fraction.
    pub output_push_timestamp: bool,
    /// Writes `xid`, `xoffset` and `commit`.
    pub output_commit_info: bool,
    /// Writes `xoffset`, if `output_commit_info` is true.
    pub output_xoffset: bool,
    /// Writes columns that are NULL; without it they are left out of `data` and `old`.
    pub output_nulls: bool,
    /// Writes `null` for a DATE, DATETIME or TIMESTAMP whose year, month or day is zero.
    pub output_null_zerodates: bool,
    /// How the keys of the JSON, the columns' names among them, are changed.
    pub output_naming_strategy: NamingStrategy,
    /// Columns that are left out of `data` and `old`, whatever their table.
    pub exclude_columns: Vec<Pattern>,
}

/// How names are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamingStrategy {
    /// They stay.
    #[default]
    None,
    /// `order_id` becomes `orderId`.
    UnderscoreToCamelcase,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            output_binlog_position: false,
            output_gtid_position: false,
            output_server_id: false,
            output_thread_id: false,
            output_row_query: false,
            row_query_max_length: 0,
            output_primary_keys: false,
            output_primary_key_columns: false,
            output_push_timestamp: false,
            output_commit_info: true,
            output_xoffset: true,
            output_nulls: true,
            output_null_zerodates: false,
            output_naming_strategy: NamingStrategy::None,
            exclude_columns: Vec::new(),
        }
    }
}

impl Options {
    /// Says whether they change nothing.
    pub(in crate::format) fn are_defaults(&self) -> bool {
        let Self {
            output_binlog_position,
            output_gtid_position,
            output_server_id,
            output_thread_id,
            output_row_query,
            row_query_max_length: _,
            output_primary_keys,
            output_primary_key_columns,
            output_push_timestamp,
            output_commit_info,
            output_xoffset,
            output_nulls,
            output_null_zerodates,
            output_naming_strategy,
            ref exclude_columns,
        } = *self;
        let adds = output_binlog_position
            || output_gtid_position
            || output_server_id
            || output_thread_id
            || output_row_query
            || output_primary_keys
            || output_primary_key_columns
            || output_push_timestamp;
        let leaves_out =
            !output_commit_info || !output_xoffset || !output_nulls || !exclude_columns.is_empty();
        !adds
            && !leaves_out
            && !output_null_zerodates
            && output_naming_strategy == NamingStrategy::None
    }

    pub(super) fn excludes(&self, column: &str) -> bool {
        (self.exclude_columns.iter()).any(|pattern| pattern.is_match(column))
    }
}

impl NamingStrategy {
    /// The name as it is written.
    ///
    /// Source: Maxwell's `FieldNameStrategy`
    pub(super) fn apply(self, name: &str) -> String {
        match self {
            Self::None => name.to_owned(),
            Self::UnderscoreToCamelcase => camel_case(name),
        }
    }
}

/// An underscore at the beginning or the end goes; another one takes the character behind it into upper case, whatever
/// it is.
fn camel_case(name: &str) -> String {
    let mut out = String::new();
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        if c != '_' {
            out.push(c);
        } else if !out.is_empty()
            && let Some(next) = characters.next()
        {
            let mut upper = next.to_uppercase();
            match (upper.next(), upper.next()) {
                // Java's `toUpperCase` of a character is one character.
                (Some(upper), None) => out.push(upper),
                _ => out.push(next),
            }
        }
    }
    if out.is_empty() { name.to_owned() } else { out }
}

/// Says whether Maxwell takes the day for no day at all.
pub(super) fn is_zero(date: Date) -> bool {
    date.year == 0 || date.month == 0 || date.day == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_changed_as_maxwell_changes_them() {
        for (name, changed) in [
            ("server_id", "serverId"),
            ("a_1", "a1"),
            ("_x", "x"),
            ("x_", "x"),
            ("a__b", "a_b"),
            ("A_B", "AB"),
            ("___", "___"),
            ("größe_ö", "größeÖ"),
            ("id", "id"),
        ] {
            assert_eq!(NamingStrategy::UnderscoreToCamelcase.apply(name), changed);
            assert_eq!(NamingStrategy::None.apply(name), name);
        }
    }
}
