//! The text that Maxwell chooses a partition by.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use wlf_core::{JsonText, Table};

/// How a key holds its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// `{"database":"shop","table":"t","pk.id":1}`.
    Hash,
    /// `["shop","t",[{"id":1}]]`.
    Array,
    /// `{"id":1}`, or the same as the `payload` beside its `schema`.
    Struct,
}

/// Appends the primary key's values without separator to `out`, given the row's key; without a primary key the names of
/// the database and the table.
///
/// Source: Maxwell's `RowIdentity.toConcatString`
pub fn concatenated(
    form: KeyForm,
    key: &[u8],
    table: &Table,
    out: &mut String,
) -> Result<(), serde_json::Error> {
    let before = out.len();
    let columns = match form {
        KeyForm::Hash => Deserializer::deserialize_map(
            &mut serde_json::Deserializer::from_slice(key),
            Values { prefix: "pk.", out },
        )?,
        KeyForm::Struct => structure(serde_json::from_slice(key)?, out)?,
        KeyForm::Array => {
            let (_, _, columns): (IgnoredAny, IgnoredAny, Vec<&RawValue>) =
                serde_json::from_slice(key)?;
            for column in &columns {
                structure(column, out)?;
            }
            columns.len()
        }
    };
    if columns == 0 {
        out.push_str(&table.database);
        out.push_str(&table.name);
    } else if out.len() == before {
        out.push_str("None");
    }
    Ok(())
}

/// Appends all members of an object, or of its `payload` if it has a `schema` too, and counts them.
fn structure(key: &RawValue, out: &mut String) -> Result<usize, serde_json::Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped<'a> {
        #[serde(rename = "schema")]
        _schema: BTreeMap<Cow<'a, str>, IgnoredAny>,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let key = match serde_json::from_str::<Wrapped>(key.get()) {
        Ok(wrapped) => wrapped.payload,
        Err(_) => key,
    };
    Deserializer::deserialize_map(
        &mut serde_json::Deserializer::from_str(key.get()),
        Values { prefix: "", out },
    )
}

/// Appends the members of a key whose names begin with a prefix, and counts them.
struct Values<'o> {
    prefix: &'static str,
    out: &'o mut String,
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row's key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut columns = 0;
        while let Some((JsonText(name), value)) = map.next_entry::<JsonText, &RawValue>()? {
            if name.starts_with(self.prefix) {
                columns += 1;
                append(value, self.out).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(columns)
    }
}

/// Appends a value as Java's `toString` has it; NULL adds nothing.
fn append(value: &RawValue, out: &mut String) -> Result<(), serde_json::Error> {
    let json = value.get();
    match json.bytes().next() {
        Some(b'n') => {}
        Some(b'"') => out.push_str(&serde_json::from_str::<JsonText>(json)?.0),
        Some(b'[') => {
            out.push('[');
            let values: Vec<&RawValue> = serde_json::from_str(json)?;
            for (n, value) in values.into_iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                append(value, out)?;
            }
            out.push(']');
        }
        _ => out.push_str(json),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_joined_as_maxwell_joins_them() {
        let table = Table::new("shop", "t", Vec::new(), Vec::new());
        for (form, key, expected) in [
            (
                KeyForm::Hash,
                r#"{"database":"shop","table":"t","pk.id":9001,"pk.name":"exa\"mple"}"#,
                "9001exa\"mple",
            ),
            (
                KeyForm::Hash,
                r#"{"database":"shop","table":"t","pk.id":1.50}"#,
                "1.50",
            ),
            (
                KeyForm::Hash,
                r#"{"database":"shop","table":"t","pk.id":18446744073709551615}"#,
                "18446744073709551615",
            ),
            (
                KeyForm::Hash,
                r#"{"database":"shop","table":"t","pk.s":["a","b"]}"#,
                "[a, b]",
            ),
            (
                KeyForm::Hash,
                r#"{"database":"shop","table":"t","pk.id":null}"#,
                "None",
            ),
            (KeyForm::Hash, r#"{"database":"shop","table":"t"}"#, "shopt"),
            (
                KeyForm::Array,
                r#"["shop","t",[{"id":9001},{"name":"exa\"mple"}]]"#,
                "9001exa\"mple",
            ),
            (KeyForm::Array, r#"["shop","t",[]]"#, "shopt"),
            (KeyForm::Struct, r#"{"id":9001,"name":"x"}"#, "9001x"),
            (
                KeyForm::Struct,
                r#"{"schema":{"type":"struct","fields":[]},"payload":{"id":9001}}"#,
                "9001",
            ),
            (KeyForm::Struct, r#"{"schema":"a","payload":"b"}"#, "ab"),
        ] {
            let mut out = String::new();
            concatenated(form, key.as_bytes(), &table, &mut out).expect(key);
            assert_eq!(out, expected);
        }
    }
}
