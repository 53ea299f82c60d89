//! The text that Maxwell chooses a partition by.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Appends the primary key's values without separator to `out`, given the row's key in Maxwell's hash form; without a
/// primary key the names of the database and the table.
///
/// Source: Maxwell's `RowIdentity.toConcatString`
pub fn concatenated(
    key: &[u8],
    database: &str,
    table: &str,
    out: &mut String,
) -> Result<(), serde_json::Error> {
    let before = out.len();
    let mut deserializer = serde_json::Deserializer::from_slice(key);
    if deserializer.deserialize_map(Values(out))? == 0 {
        out.push_str(database);
        out.push_str(table);
    } else if out.len() == before {
        out.push_str("None");
    }
    Ok(())
}

/// Appends the members `pk.…` of a key and counts them.
struct Values<'o>(&'o mut String);

impl<'de> Visitor<'de> for Values<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row's key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut columns = 0;
        while let Some((Text(name), value)) = map.next_entry::<Text, &RawValue>()? {
            if name.starts_with("pk.") {
                columns += 1;
                append(value, self.0).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(columns)
    }
}

/// Text that is borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Appends a value as Java's `toString` has it; NULL adds nothing.
fn append(value: &RawValue, out: &mut String) -> Result<(), serde_json::Error> {
    let json = value.get();
    match json.bytes().next() {
        Some(b'n') => {}
        Some(b'"') => out.push_str(&serde_json::from_str::<Text>(json)?.0),
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
        for (key, expected) in [
            (
                r#"{"database":"shop","table":"t","pk.id":9001,"pk.name":"exa\"mple"}"#,
                "9001exa\"mple",
            ),
            (r#"{"database":"shop","table":"t","pk.id":1.50}"#, "1.50"),
            (
                r#"{"database":"shop","table":"t","pk.id":18446744073709551615}"#,
                "18446744073709551615",
            ),
            (
                r#"{"database":"shop","table":"t","pk.s":["a","b"]}"#,
                "[a, b]",
            ),
            (r#"{"database":"shop","table":"t","pk.id":null}"#, "None"),
            (r#"{"database":"shop","table":"t"}"#, "shopt"),
        ] {
            let mut out = String::new();
            concatenated(key.as_bytes(), "shop", "t", &mut out).expect(key);
            assert_eq!(out, expected);
        }
    }
}
