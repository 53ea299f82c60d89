//! The text that Maxwell chooses a partition by.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Appends the primary key's values without separator to `out`, given the row's key in Maxwell's hash form; without a
/// primary key the names of the database and the table.
///
/// Source: Maxwell's `RowIdentity.toConcatString`
pub fn concatenated(key: &[u8], database: &str, table: &str, out: &mut String) {
    let members: Map<String, Value> = serde_json::from_slice(key).unwrap_or_default();
    let mut values = members
        .iter()
        .filter(|(name, _)| name.starts_with("pk."))
        .map(|(_, value)| value)
        .peekable();
    if values.peek().is_none() {
        out.push_str(database);
        out.push_str(table);
        return;
    }
    let before = out.len();
    values.for_each(|value| append(value, out));
    if out.len() == before {
        out.push_str("None");
    }
}

/// As Java's `toString` has it.
fn append(value: &Value, out: &mut String) {
    match value {
        Value::Null => {}
        Value::String(text) => out.push_str(text),
        Value::Array(values) => {
            out.push('[');
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                append(value, out);
            }
            out.push(']');
        }
        // Writing to a string does not fail.
        other => drop(write!(out, "{other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_joined_as_maxwell_joins_them() {
        for (key, expected) in [
            (r#"{"database":"shop","table":"t","pk.id":9001,"pk.name":"example"}"#, "9001example"),
            (r#"{"database":"shop","table":"t","pk.id":1.50}"#, "1.50"),
            (r#"{"database":"shop","table":"t","pk.s":["a","b"]}"#, "[a, b]"),
            (r#"{"database":"shop","table":"t","pk.id":null}"#, "None"),
            (r#"{"database":"shop","table":"t"}"#, "shopt"),
        ] {
            let mut out = String::new();
            concatenated(key.as_bytes(), "shop", "t", &mut out);
            assert_eq!(out, expected);
        }
    }
}
