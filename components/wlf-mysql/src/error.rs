//! Everything that goes wrong between us and a MySQL server, and what the runtime should do about each.

mod dump_refusal;
mod login;
mod scan;

use std::io;
use std::time::Duration;

use wlf_core::{Exit, Fault, Severity};
use wlf_net::{DialError, TlsError};

use self::dump_refusal::DumpRefusal;
pub use self::scan::ScanError;
use crate::positions::gtid_set::NotGtidSet;
use crate::protocol::err_packet::Meaning;
use crate::protocol::login::LoginError;
use crate::protocol::{DecodeError, ServerError};
use crate::schema::HistoryError;

/// What went wrong with a server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("MySQL at {server} cannot be reached")]
    Unreachable {
        server: String,
        #[source]
        source: io::Error,
    },
    #[error("MySQL at {server} cannot be reached")]
    Dial {
        server: String,
        #[source]
        source: DialError,
    },
    #[error("the connection to MySQL at {server} is not secured")]
    Tls {
        server: String,
        #[source]
        source: TlsError,
    },
    #[error("MySQL at {server} does not offer TLS, and `tls` demands it")]
    NoTls { server: String },
    #[error("the connection to MySQL at {server} is lost")]
    Lost {
        server: String,
        #[source]
        source: io::Error,
    },
    #[error("MySQL at {server} has sent nothing for {} s", after.as_secs())]
    Silent { server: String, after: Duration },
    #[error("MySQL at {server} does not let user `{user}` in")]
    Login {
        server: String,
        user: String,
        #[source]
        source: LoginError,
        /// Whether the connection was.
        is_secured: bool,
    },
    #[error("MySQL at {server} sends what is not its protocol")]
    Protocol {
        server: String,
        #[source]
        source: DecodeError,
    },
    #[error("MySQL at {server} refuses `{sql}`")]
    Query {
        server: String,
        sql: String,
        #[source]
        source: ServerError,
    },
    #[error("MySQL at {server} gives `{sql}` an answer without `{missing}`")]
    Answer {
        server: String,
        sql: String,
        missing: &'static str,
    },
    #[error("MySQL at {server} refuses to send its binlog from {from}")]
    Dump {
        server: String,
        /// Where the stream was to begin, or had come to.
        from: String,
        #[source]
        source: ServerError,
    },
    #[error("MySQL at {server} is not set up to be read: {problems}")]
    Settings {
        server: String,
        /// All that is wrong, in one line.
        problems: String,
        /// The statements that make it right.
        remedy: String,
        /// Only rights are missing.
        rights_only: bool,
    },
    #[error(
        "the position {position} is no longer in the binlog of MySQL at {server}, whose oldest file is {oldest}"
    )]
    Purged {
        server: String,
        position: String,
        oldest: String,
        /// The transactions that are gone, where they are known.
        missing: Option<String>,
    },
    #[error("the position {position} does not belong to MySQL at {server}: {reason}")]
    Foreign {
        server: String,
        position: String,
        reason: String,
    },
    #[error("the position {position} in the binlog of MySQL at {server} cannot be found")]
    NotFound {
        server: String,
        position: String,
        #[source]
        source: ScanError,
    },
    #[error(
        "the position {file}:{position} cannot be asked for: without GTIDs a stream begins within a file's first 4 GiB"
    )]
    TooFar { file: String, position: u64 },
    #[error(
        "MySQL at {server} ended the stream before the end of this run, {end}: it shuts down, or it took over and has not come as far"
    )]
    NotThereYet { server: String, end: String },
    #[error("the saved position cannot be read")]
    SavedPosition(#[source] serde_json::Error),
    #[error("MySQL at {server} names a set of GTIDs that cannot be read")]
    GtidSet {
        server: String,
        #[source]
        source: NotGtidSet,
    },
    #[error(transparent)]
    SchemaHistory(#[from] HistoryError),
    #[error("the set of executed GTIDs is too large to be sent")]
    GtidSetTooLarge(#[source] std::num::TryFromIntError),
}

impl Error {
    fn doing(&self) -> &'static str {
        match self {
            Self::Unreachable { .. }
            | Self::Dial { .. }
            | Self::Tls { .. }
            | Self::NoTls { .. }
            | Self::Login { .. } => "connect to MySQL",
            Self::Lost { .. }
            | Self::Silent { .. }
            | Self::Protocol { .. }
            | Self::NotThereYet { .. } => "read from MySQL",
            Self::Query { .. } | Self::Answer { .. } => "ask MySQL",
            Self::Settings { .. } => "check MySQL's settings",
            Self::Dump { .. }
            | Self::Purged { .. }
            | Self::Foreign { .. }
            | Self::NotFound { .. }
            | Self::TooFar { .. }
            | Self::SavedPosition(_)
            | Self::GtidSet { .. }
            | Self::GtidSetTooLarge(_) => "go to the position in the binlog",
            Self::SchemaHistory(_) => HistoryError::DOING,
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Silent { .. }
            | Self::NotThereYet { .. } => Severity::Retry { after: None },
            Self::Dial { source, .. } => source.severity(),
            Self::Tls { source, .. } => source.severity(),
            Self::NoTls { .. } => Severity::Stop(Exit::Config),
            Self::Login { source, .. } => login::severity(source),
            Self::Protocol { source, .. } => protocol_severity(source),
            Self::Query { source, .. } => server_severity(source),
            Self::Dump { source, .. } => DumpRefusal::of(source).severity(source),
            Self::Settings {
                rights_only: true, ..
            } => Severity::Stop(Exit::Login),
            Self::Answer { .. } | Self::Settings { .. } | Self::Purged { .. } => {
                Severity::Stop(Exit::Unavailable)
            }
            Self::Foreign { .. } | Self::SavedPosition(_) | Self::NotFound { .. } => {
                Severity::Stop(Exit::Data)
            }
            Self::TooFar { .. } | Self::GtidSet { .. } | Self::GtidSetTooLarge(_) => {
                Severity::Stop(Exit::Unavailable)
            }
            Self::SchemaHistory(error) => Severity::Stop(error.exit()),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Dial { source, .. } => Some(source.hint().to_owned()),
            Self::Tls { source, .. } => source.hint().map(str::to_owned),
            Self::NoTls { .. } => Some(
                "give the server a certificate (ssl_cert, ssl_key), or connect without: `tls: {mode: disabled}`"
                    .to_owned(),
            ),
            Self::Login {
                source, is_secured, ..
            } => login::hint(source, *is_secured).map(str::to_owned),
            Self::Settings { remedy, .. } => Some(remedy.clone()),
            Self::Query { source, .. } if source.meaning() == Meaning::Forbidden => Some(
                "the user needs `GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO …`, and SELECT on the tables \
                 unless the server has binlog_row_metadata=FULL"
                    .to_owned(),
            ),
            Self::Dump { source, .. } => DumpRefusal::of(source).hint().map(str::to_owned),
            Self::Purged { .. } => Some(
                "what the purged files held is lost to this pipeline: remove its saved position to begin again from \
                 `start`, and keep the binlog longer (binlog_expire_logs_seconds)"
                    .to_owned(),
            ),
            Self::Foreign { .. } => Some(
                "connect to the server that the position is from, or remove the saved position to begin again from \
                 `start`"
                    .to_owned(),
            ),
            Self::SavedPosition(_) => Some(
                "restore the state file from a backup, or remove it to begin again from `start`".to_owned(),
            ),
            Self::NotFound { .. } => Some(
                "choose the beginning of a transaction: `SHOW BINLOG EVENTS IN '…'` lists them, each with a Gtid or \
                 Anonymous_Gtid event"
                    .to_owned(),
            ),
            Self::SchemaHistory(error) => Some(error.hint().to_owned()),
            Self::TooFar { .. } => {
                Some("turn on GTIDs (gtid_mode=ON), or begin with the next file".to_owned())
            }
            Self::Unreachable { .. } => {
                Some("check `host` and `port`, and that the server runs".to_owned())
            }
            Self::Lost { .. }
            | Self::Silent { .. }
            | Self::NotThereYet { .. }
            | Self::Protocol { .. }
            | Self::Query { .. }
            | Self::Answer { .. }
            | Self::GtidSet { .. }
            | Self::GtidSetTooLarge(_) => None,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let hint = error.hint();
        let fault = Fault::new(error.severity(), error.doing(), error);
        match hint {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        }
    }
}

fn server_severity(error: &ServerError) -> Severity {
    match error.meaning() {
        Meaning::Refused | Meaning::Forbidden => Severity::Stop(Exit::Login),
        Meaning::Passing => Severity::Retry { after: None },
        Meaning::Other => Severity::Stop(Exit::Unavailable),
    }
}

/// A packet out of order is what a broken connection looks like; any other that cannot be read stays so.
fn protocol_severity(error: &DecodeError) -> Severity {
    match error {
        DecodeError::OutOfOrder { .. } => Severity::Retry { after: None },
        DecodeError::Truncated { .. }
        | DecodeError::Invalid { .. }
        | DecodeError::UnexpectedHeader { .. }
        | DecodeError::Empty { .. }
        | DecodeError::TooLarge { .. } => Severity::Stop(Exit::Data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_error(code: u16, message: &str) -> ServerError {
        ServerError {
            code,
            state: "HY000".to_owned(),
            message: message.to_owned(),
        }
    }

    fn dump(code: u16, message: &str) -> Fault {
        Fault::from(Error::Dump {
            server: "db:3306".to_owned(),
            from: "binlog.000001:4".to_owned(),
            source: server_error(code, message),
        })
    }

    #[test]
    fn words_of_error_1236_decide() {
        for (message, exit) in [
            (
                "Could not find first log file name in binary log index file",
                Exit::Unavailable,
            ),
            (
                "Cannot replicate because the source purged required binary logs. Replicate the missing",
                Exit::Unavailable,
            ),
            (
                "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old \
                 and required binlog files have been purged.",
                Exit::Unavailable,
            ),
            (
                "Error: connecting slave requested to start from GTID 0-1-9, which is not in the master's binlog",
                Exit::Data,
            ),
            (
                "The binlog on the master is missing the GTID 0-1-9 requested by the slave (even though a subsequent \
                 sequence number does exist), and GTID strict mode is enabled",
                Exit::Data,
            ),
            (
                "Replica has more GTIDs than the source has, using the source's SERVER_UUID",
                Exit::Data,
            ),
            (
                "A replica with the same server_uuid/server_id as this replica has connected to the source",
                Exit::Unavailable,
            ),
            (
                "log event entry exceeded max_allowed_packet",
                Exit::Unavailable,
            ),
            ("event read from binlog did not pass crc check", Exit::Data),
            (
                "Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file",
                Exit::Unavailable,
            ),
            (
                "Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF, at file",
                Exit::Unavailable,
            ),
            (
                "Client requested source to start replication from position > file size",
                Exit::Data,
            ),
        ] {
            let fault = dump(1236, message);
            assert_eq!(fault.severity, Severity::Stop(exit), "{message}");
            assert!(fault.hint.is_some(), "{message}");
        }
    }

    #[test]
    fn a_shutdown_in_the_stream_is_an_outage() {
        assert_eq!(
            dump(1053, "Server shutdown in progress").severity,
            Severity::Retry { after: None }
        );
    }

    #[test]
    fn a_login_is_refused_for_good_or_for_now() {
        let login = |code| {
            Fault::from(Error::Login {
                server: "db:3306".to_owned(),
                user: "repl".to_owned(),
                source: LoginError::Server(server_error(code, "no")),
                is_secured: false,
            })
        };
        assert_eq!(login(1045).severity, Severity::Stop(Exit::Login));
        assert_eq!(login(1040).severity, Severity::Retry { after: None });
        assert_eq!(
            login(1045).to_string(),
            "connect to MySQL: MySQL at db:3306 does not let user `repl` in: the server says: no (error 1045, \
             SQLSTATE HY000)"
        );
    }
}
