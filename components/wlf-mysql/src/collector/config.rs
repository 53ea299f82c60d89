//! What a file may say of a `BinlogCollector`.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use wlf_core::ComponentKind;
use wlf_core::config::{Build, Component, Context, Duration, Invalid, Secret};

use super::BinlogCollector;
use crate::binlog::Executed;

/// Reads the binlog of a MySQL or MariaDB server, live, as a replica does.
///
/// The user needs `REPLICATION SLAVE` and `REPLICATION CLIENT`, and the server `binlog_format=ROW`. With MySQL's
/// `gtid_mode=ON`, and on MariaDB always, positions are sets of GTIDs and go on at any server that has them, otherwise
/// they are a file and an offset of one server. `binlog_row_metadata=FULL` is recommended: without it columns are looked up in
/// `information_schema` at the start, for which the user also needs `SELECT`, and followed through the binlog's
/// statements from there; what they were at the saved position is kept in `state.directory`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server's name or address.
    #[serde(default = "localhost")]
    pub host: String,
    /// The server's port.
    #[serde(default = "port")]
    #[schemars(with = "u16", range(min = 1))]
    pub port: NonZeroU16,
    /// Who logs in, by `caching_sha2_password`, `sha256_password` or `mysql_native_password`.
    pub user: String,
    /// The user's password.
    #[serde(default)]
    #[schemars(with = "String")]
    pub password: Secret,
    /// The id under which the server knows this replica, different from that of every other server and replica. Derived
    /// from the component's id, the pipeline's name and the host if it is not given, and then 2147483648 or more.
    #[schemars(with = "Option<u32>", range(min = 1))]
    pub server_id: Option<NonZeroU32>,
    /// How the connection is encrypted. Not supported yet: any mode but `disabled` is refused.
    #[serde(default)]
    pub tls: Tls,
    /// Where to begin without a saved position: `latest`; `earliest`; `{gtid: set}`, behind the transactions of the
    /// set; `{file: binlog.000042, position: 4}`; `{timestamp: 2026-01-31T12:00:00Z}`, with the first transaction that
    /// is not older, in UTC or in seconds since 1970.
    #[serde(default)]
    pub start: Start,
    /// Ends at the position that the server had at the start.
    #[serde(default)]
    pub stop_at_end: bool,
    /// How often an idle server says that it is still there, `100ms` to `1h`. After three times without a word the
    /// connection is given up and made anew.
    #[serde(default = "heartbeat")]
    pub heartbeat: Duration,
    /// Gives statements that change definitions (`CREATE`, `ALTER`, `RENAME`, `DROP` and `TRUNCATE` of tables, `CREATE`,
    /// `ALTER` and `DROP` of databases) as events of type `ddl`, in their places between the rows.
    #[serde(default)]
    pub ddl: bool,
}

fn localhost() -> String {
    "127.0.0.1".to_owned()
}

fn port() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(3305)
}

fn heartbeat() -> Duration {
    Duration::from_secs(10)
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// What is demanded of the server.
    #[serde(default)]
    pub mode: TlsMode,
    /// The file with the authority's certificate, in PEM.
    pub ca: Option<String>,
    /// The file with the client's certificate, in PEM.
    pub cert: Option<String>,
    /// The file with the client's key, in PEM.
    pub key: Option<String>,
}

/// What is demanded of the server's encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// None.
    #[default]
    Disabled,
    /// Encrypts if the server can.
    Preferred,
    /// Encrypts.
    Required,
    /// Encrypts and checks who signed the server's certificate.
    VerifyCa,
    /// Encrypts and checks who signed the server's certificate, and that it is the host's.
    VerifyIdentity,
}

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
struct Text<T> {
    expecting: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Text<T> {
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
        deserializer.deserialize_str(Text {
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
        deserializer.deserialize_str(Text {
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

impl Build for Config {
    const TYPE: &'static str = "BinlogCollector";
    const KIND: ComponentKind = ComponentKind::Collector;

    fn build(self, context: &Context) -> Result<Component, Invalid> {
        self.check()?;
        Ok(Component::Collector(Box::new(BinlogCollector::new(
            self, context,
        ))))
    }
}

impl Config {
    /// What the types alone cannot refuse.
    fn check(&self) -> Result<(), Invalid> {
        let host = self.host.trim();
        if host.is_empty() {
            return Err(Invalid::new("host", "the host has no name")
                .with_hint("write the server's name or address, as in `127.0.0.1`"));
        }
        // An IPv6 address has colons, and more than one.
        if host.contains(['/', '@', ' ']) || host.matches(':').count() == 1 {
            return Err(Invalid::new("host", "this is not a name or address")
                .with_hint("write the name alone; the port has a key of its own, `port`"));
        }
        let tls = &self.tls;
        if tls.mode != TlsMode::Disabled {
            return Err(
                Invalid::new("tls.mode", "connections to MySQL cannot be encrypted yet")
                    .with_hint("leave `tls` out, or write `tls: {mode: disabled}`"),
            );
        }
        for (key, file) in [
            ("tls.ca", &tls.ca),
            ("tls.cert", &tls.cert),
            ("tls.key", &tls.key),
        ] {
            if file.is_some() {
                return Err(
                    Invalid::new(key, "this has no effect with `mode: disabled`")
                        .with_hint("leave it out; connections to MySQL cannot be encrypted yet"),
                );
            }
        }
        let range = Duration::from_millis(100)..=Duration::from_secs(3600);
        if !range.contains(&self.heartbeat) {
            return Err(Invalid::new(
                "heartbeat",
                format!("`{}` is not between 100ms and 1h", self.heartbeat),
            ));
        }
        if matches!(self.start, Start::File { position, .. } if position < FIRST_EVENT) {
            return Err(Invalid::new(
                "start.position",
                "a binlog file's first event is at position 4",
            ));
        }
        Ok(())
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

    fn check(options: serde_json::Value) -> Result<(), Invalid> {
        let mut config = json!({"user": "repl"});
        for (key, value) in options.as_object().unwrap() {
            config[key] = value.clone();
        }
        serde_json::from_value::<Config>(config).unwrap().check()
    }

    #[test]
    fn encryption_is_refused_and_not_forgotten() {
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({"tls": {"mode": "disabled"}})), Ok(()));
        for mode in ["preferred", "required", "verify_ca", "verify_identity"] {
            let invalid = check(json!({"tls": {"mode": mode}})).unwrap_err();
            assert_eq!(invalid.key, "tls.mode");
        }
        for file in ["ca", "cert", "key"] {
            let invalid = check(json!({"tls": {file: "x.pem"}})).unwrap_err();
            assert_eq!(invalid.key, format!("tls.{file}"));
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["db", "db.example", "10.0.0.1", "::1", "2001:db8::5"] {
            assert_eq!(check(json!({"host": host})), Ok(()), "{host}");
        }
        for host in ["", " ", "db:3306", "mysql://db", "me@db", "a b"] {
            assert_eq!(
                check(json!({"host": host})).unwrap_err().key,
                "host",
                "{host}"
            );
        }
    }

    #[test]
    fn heartbeats_and_positions_have_bounds() {
        for heartbeat in ["0s", "99ms", "61m"] {
            assert_eq!(
                check(json!({"heartbeat": heartbeat})).unwrap_err().key,
                "heartbeat"
            );
        }
        assert_eq!(check(json!({"heartbeat": "1h"})), Ok(()));
        let invalid = check(json!({"start": {"file": "b.1", "position": 3}})).unwrap_err();
        assert_eq!(invalid.key, "start.position");
    }
}
