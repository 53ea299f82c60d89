//! What a file may say of a `BinlogCollector`.

use std::num::{NonZeroU16, NonZeroU32};

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Duration, Invalid, Secret};
use wlf_net::Tls;

use super::start::{FIRST_EVENT, Start};
use crate::binlog::OnStatement;

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
    /// Who logs in, by `caching_sha2_password`, `sha256_password`, `mysql_native_password`, MariaDB's `ed25519` and `parsec`,
    /// or over TLS by `mysql_clear_password`.
    pub user: String,
    /// The user's password.
    #[serde(default)]
    #[schemars(with = "String")]
    pub password: Secret,
    /// The id under which the server knows this replica, different from that of every other server and replica. Derived
    /// from the component's id, the pipeline's name and the host if it is not given, and then 2147483648 or more.
    #[schemars(with = "Option<u32>", range(min = 1))]
    pub server_id: Option<NonZeroU32>,
    /// How connections to the server are secured.
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
    /// How often an idle server says that it is still there, `100ms` to `1h`. After three times this and 5 s more without
    /// a word the connection is given up and made anew.
    #[serde(default = "heartbeat")]
    pub heartbeat: Duration,
    /// Gives schema changes (DDL: `CREATE`, `ALTER`, `RENAME`, `DROP` and `TRUNCATE` of tables, `CREATE`,
    /// `ALTER` and `DROP` of databases) as events of type `ddl`, in their places between the rows.
    #[serde(default)]
    pub ddl: bool,
    /// What becomes of statements that may have changed rows and are in the binlog as text, as sessions with another
    /// `binlog_format` than `ROW` log them: `stop` ends the program with 65, unless a filter drops the table that the
    /// statement names; `warn` passes them over, and says so at most every 10 s.
    #[serde(default)]
    pub on_statement: OnStatement,
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

impl Config {
    /// What the types alone cannot refuse.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
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

    fn check(options: serde_json::Value) -> Result<(), Invalid> {
        let mut config = json!({"user": "repl"});
        for (key, value) in options.as_object().unwrap() {
            config[key] = value.clone();
        }
        serde_json::from_value::<Config>(config).unwrap().check()
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
