//! Why a server stops sending its binlog.

use wlf_core::{Exit, Severity};

use super::server_severity;
use crate::protocol::ServerError;

/// Why a server stops sending its binlog; it says so in words only, all under ER_SOURCE_FATAL_ERROR_READING_BINLOG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DumpRefusal {
    Purged,
    MoreThanTheServer,
    Duplicate,
    TooLargeEvent,
    Damaged,
    OtherGtidMode,
    Other,
}

impl DumpRefusal {
    pub(super) fn of(error: &ServerError) -> Self {
        match error.code {
            // ER_SOURCE_FATAL_ERROR_READING_BINLOG
            1236 => {}
            // MariaDB's ER_SLAVE_SAME_ID
            4052 => return Self::Duplicate,
            _ => return Self::Other,
        }
        let says = |words: &[&str]| words.iter().any(|word| error.message.contains(word));
        if says(&[
            "purged required binary logs",
            "Could not find first log file",
            "Could not find GTID state requested",
        ]) {
            Self::Purged
        } else if says(&[
            "more GTIDs than",
            "position > file size",
            "not in the master's binlog",
            "is missing the GTID",
        ]) {
            Self::MoreThanTheServer
        } else if says(&["same server_uuid/server_id"]) {
            Self::Duplicate
        } else if says(&["max_allowed_packet"]) {
            Self::TooLargeEvent
        } else if says(&["crc check", "bogus data", "truncated in the middle"]) {
            Self::Damaged
        } else if says(&["anonymous transaction", "GTID-transaction"]) {
            Self::OtherGtidMode
        } else {
            Self::Other
        }
    }

    pub(super) fn severity(self, error: &ServerError) -> Severity {
        match self {
            Self::MoreThanTheServer | Self::Damaged => Severity::Stop(Exit::Data),
            Self::Purged | Self::Duplicate | Self::TooLargeEvent | Self::OtherGtidMode => {
                Severity::Stop(Exit::Unavailable)
            }
            Self::Other => server_severity(error),
        }
    }

    pub(super) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Purged => Some(
                "what the purged files held is lost to this pipeline: remove its saved position to begin again from \
                 `start`, and keep the binlog longer (binlog_expire_logs_seconds)",
            ),
            Self::MoreThanTheServer => Some(
                "the server has lost transactions or its binlog was reset: connect to the right server, or remove the \
                 saved position to begin again from `start`",
            ),
            Self::Duplicate => Some(
                "another program reads with the same `server_id`: stop it, or give each pipeline its own `server_id`",
            ),
            Self::TooLargeEvent => {
                Some("raise the server's limit: `SET PERSIST max_allowed_packet = 1073741824`")
            }
            Self::Damaged => {
                Some("the server's own binlog file is damaged: see the server's error log")
            }
            Self::OtherGtidMode => Some(
                "the binlog has transactions from when gtid_mode was another: change it back, or begin behind them",
            ),
            Self::Other => None,
        }
    }
}
