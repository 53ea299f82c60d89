//! What goes wrong between here and a Redis server, and what the runtime does about it.

use std::io;
use std::time::Duration;

use wlf_core::{Exit, Fault, Severity};
use wlf_net::ConnectError;

use crate::resp::{ErrorReply, NotRedis};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{server} gave no answer within {} s", .after.as_secs())]
    Timeout { server: String, after: Duration },
    #[error("{server} closed the connection")]
    Closed { server: String },
    #[error("{server} closed the connection without an answer")]
    ClosedAtOnce { server: String },
    #[error("{server} speaks TLS, and is spoken to without")]
    SpeaksTls { server: String },
    #[error("the connection to {server} broke")]
    Broken {
        server: String,
        #[source]
        source: io::Error,
    },
    #[error("{server} does not speak Redis' protocol")]
    Protocol {
        server: String,
        #[source]
        source: NotRedis,
    },
    #[error("not connected")]
    NotConnected,
    #[error("{server} refuses the login: {error}")]
    Login { server: String, error: ErrorReply },
    #[error("{server} refuses database {database}: {error}")]
    Database {
        server: String,
        database: i64,
        error: ErrorReply,
    },
    #[error("{server} refuses {command}{}: {error}", of_key(.key))]
    Refused {
        server: String,
        command: &'static str,
        /// Where the row was to go; empty for a command that concerns no row.
        key: String,
        error: ErrorReply,
    },
    #[error("a row of {bytes} bytes is larger than a Redis string may be ({limit} bytes)")]
    TooLarge { bytes: usize, limit: usize },
}

fn of_key(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(" `{key}`")
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (severity, hint) = judgement(&error);
        let mut fault = Fault::new(severity, "write to Redis", error);
        fault.hint = hint.map(Into::into);
        fault
    }
}

/// Says whether the server refused only the one row.
pub fn is_rejection(error: &ErrorReply) -> bool {
    verdict(error).0 == Severity::Reject
}

/// Whether a server that has no code for it speaks of what it was asked, and not of itself.
fn is_of(error: &ErrorReply, words: &[&str]) -> bool {
    let detail = error.detail();
    error.code() == "ERR" && words.iter().any(|word| detail.contains(word))
}

/// How errors begin that are about what was sent, and will be said of it again.
const ROWS: [&str; 4] = [
    "string exceeds maximum allowed size",
    "Elements are too large to be stored",
    "Protocol error: invalid bulk length",
    "Protocol error: invalid multibulk length",
];

const OUTAGE: Severity = Severity::Retry { after: None };

/// The severity and the hint, decided for each error once.
fn judgement(error: &Error) -> (Severity, Option<&'static str>) {
    match error {
        Error::Connect(error) => (error.severity(), error.hint()),
        Error::ClosedAtOnce { .. } => (
            OUTAGE,
            Some("the port may be one for TLS: `rediss://` in `url`"),
        ),
        Error::SpeaksTls { .. } => (
            Severity::Stop(Exit::Config),
            Some("write `rediss://` in `url`, or say with `tls` how the connection is secured"),
        ),
        Error::Timeout { .. }
        | Error::Closed { .. }
        | Error::Broken { .. }
        | Error::NotConnected => (OUTAGE, None),
        Error::Protocol { .. } => (OUTAGE, Some("check the port in `url`")),
        Error::Login { error, .. } => match verdict(error) {
            (OUTAGE, hint) if !is_of(error, &["AUTH", "password", "username"]) => (OUTAGE, hint),
            _ => (
                Severity::Stop(Exit::Login),
                Some(
                    "check user and password; in `url` a `%` begins a code for another letter, and `password` is taken as it is",
                ),
            ),
        },
        Error::Database { error, .. } => match verdict(error) {
            (OUTAGE, hint) if !is_of(error, &["DB", "SELECT"]) => (OUTAGE, hint),
            _ => (
                Severity::Stop(Exit::Config),
                Some("the database is the number at the end of `url`"),
            ),
        },
        Error::Refused { error, .. } => verdict(error),
        Error::TooLarge { .. } => (Severity::Reject, Some("see `delivery.on_reject`")),
    }
}

/// What an error of the server means for whoever writes.
///
/// Source: Redis' `src/server.c` (`createSharedObjects`) and <https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors>
fn verdict(error: &ErrorReply) -> (Severity, Option<&'static str>) {
    let detail = error.detail();
    match error.code() {
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" | "NOREPLICAS" => {
            (OUTAGE, None)
        }
        "READONLY" => (
            OUTAGE,
            Some("the server is a replica; if it is not to become a master, change `url`"),
        ),
        "OOM" => (
            OUTAGE,
            Some("the server has reached `maxmemory`; it goes on when there is room"),
        ),
        "MISCONF" => (
            OUTAGE,
            Some("the server cannot save its data and takes no writes until it can"),
        ),
        "NOAUTH" | "WRONGPASS" => (
            Severity::Stop(Exit::Login),
            Some(
                "check `username` and `password`, or both in `url`, as in `redis://user:password@host`",
            ),
        ),
        "NOPERM" => (
            Severity::Stop(Exit::Login),
            Some("the user needs the right to this command and this key (`ACL SETUSER`)"),
        ),
        "MOVED" | "ASK" | "CROSSSLOT" => (
            Severity::Stop(Exit::Unavailable),
            Some("the server is a part of a cluster, and clusters are not supported yet"),
        ),
        "WRONGTYPE" => (
            Severity::Reject,
            Some("the key holds another type than `mode` writes; delete it, or use another key"),
        ),
        "ERR" if detail.starts_with("max number of clients") => (OUTAGE, None),
        "ERR" if detail.starts_with("unknown command") => (
            Severity::Stop(Exit::Unavailable),
            Some("streams need Redis 5 or later; the command may also be renamed or disabled"),
        ),
        "ERR"
            if ["syntax error", "wrong number of arguments"]
                .iter()
                .any(|it| detail.starts_with(it)) =>
        {
            (
                Severity::Stop(Exit::Unavailable),
                Some(
                    "the server does not know the command in this form: is it older than Redis 5, or something else?",
                ),
            )
        }
        // What is said of the row alone: `src/t_string.c`, `src/t_stream.c`, `src/networking.c`.
        "ERR" if ROWS.iter().any(|it| detail.starts_with(it)) => {
            (Severity::Reject, Some("see `delivery.on_reject`"))
        }
        "DENIED" => (
            Severity::Stop(Exit::Login),
            Some(
                "give the server a password (`requirepass`, or a user), or let it listen to this host without (`protected-mode no`)",
            ),
        ),
        // A proxy whose server is away answers in words of its own, and a row that is left out is gone.
        _ => (OUTAGE, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> Fault {
        Error::Refused {
            server: "127.0.0.1:6379".to_owned(),
            command: "XADD",
            key: "orders".to_owned(),
            error: ErrorReply::new(line.as_bytes()),
        }
        .into()
    }

    #[test]
    fn each_error_has_its_severity() {
        for (line, severity) in [
            ("LOADING Redis is loading the dataset in memory", OUTAGE),
            ("MASTERDOWN Link with MASTER is down", OUTAGE),
            (
                "READONLY You can't write against a read only replica.",
                OUTAGE,
            ),
            ("CLUSTERDOWN The cluster is down", OUTAGE),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                OUTAGE,
            ),
            ("MISCONF Redis is configured to save RDB snapshots", OUTAGE),
            ("ERR max number of clients reached", OUTAGE),
            (
                "NOAUTH Authentication required.",
                Severity::Stop(Exit::Login),
            ),
            (
                "NOPERM User x has no permissions",
                Severity::Stop(Exit::Login),
            ),
            (
                "MOVED 3999 127.0.0.1:6381",
                Severity::Stop(Exit::Unavailable),
            ),
            (
                "ERR unknown command 'XADD'",
                Severity::Stop(Exit::Unavailable),
            ),
            ("WRONGTYPE Operation against a key", Severity::Reject),
            (
                "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
                Severity::Reject,
            ),
            ("ERR Elements are too large to be stored", Severity::Reject),
            ("ERR Protocol error: invalid bulk length", Severity::Reject),
            ("ERR syntax error", Severity::Stop(Exit::Unavailable)),
            (
                "DENIED Redis is running in protected mode because protected mode is enabled",
                Severity::Stop(Exit::Login),
            ),
            // nutcracker and others
            ("ERR Connection refused", OUTAGE),
            ("ERR Connection timed out", OUTAGE),
            ("ERR upstream failure", OUTAGE),
            ("ERR something else", OUTAGE),
            ("IOERR error or timeout", OUTAGE),
            ("SOMETHING new", OUTAGE),
        ] {
            assert_eq!(fault(line).severity, severity, "{line}");
        }
    }

    #[test]
    fn what_is_said_of_a_login_or_a_database_is_no_outage_and_what_a_proxy_says_is() {
        let server = || "127.0.0.1:6379".to_owned();
        let error = |line: &str| ErrorReply::new(line.as_bytes());
        for (line, severity) in [
            ("ERR invalid password", Severity::Stop(Exit::Login)),
            (
                "ERR Client sent AUTH, but no password is set",
                Severity::Stop(Exit::Login),
            ),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                Severity::Stop(Exit::Login),
            ),
            (
                "WRONGPASS invalid username-password pair",
                Severity::Stop(Exit::Login),
            ),
            ("ERR Connection refused", OUTAGE),
        ] {
            let fault: Fault = Error::Login {
                server: server(),
                error: error(line),
            }
            .into();
            assert_eq!(fault.severity, severity, "{line}");
        }
        for (line, severity) in [
            ("ERR DB index is out of range", Severity::Stop(Exit::Config)),
            ("ERR invalid DB index", Severity::Stop(Exit::Config)),
            (
                "ERR SELECT is not allowed in cluster mode",
                Severity::Stop(Exit::Config),
            ),
            ("ERR Connection refused", OUTAGE),
        ] {
            let (server, error) = (server(), error(line));
            let fault: Fault = Error::Database {
                server,
                database: 9,
                error,
            }
            .into();
            assert_eq!(fault.severity, severity, "{line}");
        }
    }

    #[test]
    fn a_fault_says_where() {
        assert_eq!(
            fault("WRONGTYPE Operation against a key holding the wrong kind of value").to_string(),
            "write to Redis: 127.0.0.1:6379 refuses XADD `orders`: WRONGTYPE Operation against a key holding the wrong kind of value"
        );
        assert_eq!(
            fault("ERR something else").to_string(),
            "write to Redis: 127.0.0.1:6379 refuses XADD `orders`: ERR something else"
        );
    }
}
