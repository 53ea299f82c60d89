//! Where to begin without a saved position, as a file says it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::positions::Executed;

/// Where to begin without a saved position.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Start {
    /// With what is written from now on.
    #[default]
    Latest,
    /// With the oldest file that the server still has.
    Earliest,
    /// Behind all transactions of a set of GTIDs.
    Gtid(Executed),
    /// At an event's offset in a file.
    File { file: String, position: u64 },
    /// With the first transaction that is not older, in seconds since 1970.
    Timestamp(u32),
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StartVisitor)
    }
}

struct StartVisitor;

impl<'de> Visitor<'de> for StartVisitor {
    type Value = Start;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "`latest`, `earliest`, `{gtid: …}`, `{file: …, position: …}` or `{timestamp: …}`",
        )
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Start, E> {
        match word {
            "latest" => Ok(Start::Latest),
            "earliest" => Ok(Start::Earliest),
            other => Err(E::unknown_variant(other, &["latest", "earliest"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Start, A::Error> {
        const KEYS: &[&str] = &["gtid", "file", "position", "timestamp"];
        let (mut gtid, mut file, mut position, mut timestamp) = (None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "gtid" => gtid = Some(map.next_value::<Gtids>()?.0),
                "file" => file = Some(map.next_value::<FileName>()?.0),
                "position" => position = Some(map.next_value::<u64>()?),
                "timestamp" => timestamp = Some(map.next_value::<Timestamp>()?.0),
                other => return Err(A::Error::unknown_field(other, KEYS)),
            }
        }
        match (gtid, file, position, timestamp) {
            (Some(gtid), None, None, None) => Ok(Start::Gtid(gtid)),
            (None, Some(file), position, None) => Ok(Start::File {
                file,
                position: position.unwrap_or(FIRST_EVENT),
            }),
            (None, None, None, Some(timestamp)) => Ok(Start::Timestamp(timestamp)),
            (None, None, Some(_), None) => Err(A::Error::custom("`position` needs a `file`")),
            _ => Err(A::Error::custom(
                "expected one of `gtid`, `file` with `position`, and `timestamp`",
            )),
        }
    }
}

/// Where a binlog file's first event begins.
pub const FIRST_EVENT: u64 = 4;

/// Reads a value from its text, so that an error knows the text's place.
struct FromText<T> {
    expecting: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

struct Gtids(Executed);

impl<'de> Deserialize<'de> for Gtids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText {
            expecting: "a set of GTIDs",
            parse: |text| {
                let set = text.parse::<Executed>();
                set.map(Self).map_err(|error| {
                    format!("{error}\nwrite it as `SELECT @@GLOBAL.gtid_executed` shows it, or `SELECT @@GLOBAL.gtid_binlog_pos` of MariaDB")
                })
            },
        })
    }
}

/// A binlog file's name, without a folder.
struct FileName(String);

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText {
            expecting: "the name of a binlog file",
            parse: |name| {
                let number = name.rsplit_once('.').map_or("", |(_, number)| number);
                let is_number = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
                if is_number && !name.contains(['/', '\\']) {
                    Ok(Self(name.to_owned()))
                } else {
                    Err(format!(
                        "`{name}` is not the name of a binlog file, as in `binlog.000042`\n`SHOW BINARY LOGS` lists them"
                    ))
                }
            },
        })
    }
}

/// A time, in seconds since 1970 or as RFC 3339 writes it.
struct Timestamp(u32);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimestampVisitor;

        impl Visitor<'_> for TimestampVisitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time, as in `2026-01-31T12:00:00Z`, or seconds since 1970")
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
                u32::try_from(seconds)
                    .map(Timestamp)
                    .map_err(|_| E::custom(format_args!("`{seconds}` is later than 2106")))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                let since_1970 = humantime::parse_rfc3339_weak(text)
                    .ok()
                    .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
                let seconds = since_1970
                    .ok_or_else(|| {
                        E::custom(format_args!(
                            "`{text}` is not a time since 1970, as in `2026-01-31T12:00:00Z`"
                        ))
                    })?
                    .as_secs();
                self.visit_u64(seconds)
            }
        }

        deserializer.deserialize_any(TimestampVisitor)
    }
}

impl JsonSchema for Start {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Start".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "default": "latest",
            "oneOf": [
                {"enum": ["latest", "earliest"]},
                {
                    "type": "object",
                    "properties": {
                        "gtid": {
                            "type": "string",
                            "description": "The set, as `SELECT @@GLOBAL.gtid_executed` shows it, or `SELECT @@GLOBAL.gtid_binlog_pos` of MariaDB."
                        }
                    },
                    "required": ["gtid"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "string",
                            "description": "The file's name, as `SHOW BINARY LOGS` shows it."
                        },
                        "position": {
                            "type": "integer",
                            "minimum": 4,
                            "default": 4,
                            "description": "Where in the file a transaction begins, in bytes."
                        }
                    },
                    "required": ["file"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": {
                        "timestamp": {
                            "type": ["string", "integer"],
                            "description": "The time, in UTC or in seconds since 1970."
                        }
                    },
                    "required": ["timestamp"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn start(value: serde_json::Value) -> Result<Start, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn starts_of_every_kind() {
        let set = "24bc7850-2c16-11e6-a073-0242ac110001:1-9";
        let file = |position| Start::File {
            file: "binlog.000042".to_owned(),
            position,
        };
        for (value, expected) in [
            (json!("latest"), Start::Latest),
            (json!("earliest"), Start::Earliest),
            (json!({"gtid": set}), Start::Gtid(set.parse().unwrap())),
            (
                json!({"gtid": "0-1-270,7-2-13"}),
                Start::Gtid("0-1-270,7-2-13".parse().unwrap()),
            ),
            (json!({"file": "binlog.000042"}), file(4)),
            (json!({"file": "binlog.000042", "position": 158}), file(158)),
            (
                json!({"timestamp": 1_767_225_600}),
                Start::Timestamp(1_767_225_600),
            ),
            (
                json!({"timestamp": "2026-01-01T00:00:00Z"}),
                Start::Timestamp(1_767_225_600),
            ),
            (
                json!({"timestamp": "2026-01-01 00:00:00"}),
                Start::Timestamp(1_767_225_600),
            ),
        ] {
            assert_eq!(start(value), Ok(expected));
        }
    }

    #[test]
    fn starts_that_make_no_sense() {
        for (value, words) in [
            (json!("soon"), "unknown variant `soon`"),
            (json!({}), "expected one of"),
            (json!({"position": 4}), "`position` needs a `file`"),
            (
                json!({"file": "../x.000001"}),
                "is not the name of a binlog file",
            ),
            (
                json!({"file": "binlog"}),
                "is not the name of a binlog file",
            ),
            (json!({"file": "b.1", "timestamp": 5}), "expected one of"),
            (json!({"gtid": "1-5"}), "is no set of GTIDs"),
            (json!({"timestamp": "yesterday"}), "is not a time"),
            (
                json!({"timestamp": "1969-12-31T00:00:00Z"}),
                "is not a time",
            ),
            (json!({"timestamp": 5_000_000_000_u64}), "later than 2106"),
            (json!({"fil": "b.1"}), "unknown field `fil`"),
        ] {
            let error = start(value).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
