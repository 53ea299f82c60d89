//! What can be wrong with a history.

use std::io;

use wlf_core::Exit;

/// What is wrong with a schema history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("the schema history {path} cannot be read or written")]
    Io {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the schema history {path} is damaged at byte {offset}")]
    Damaged { path: String, offset: u64 },
    #[error("the schema history {path} is of version {found}, and this program knows version 1")]
    Version { path: String, found: u32 },
    #[error("the schema history {path} belongs to the collector `{found}`")]
    Foreign { path: String, found: String },
}

impl HistoryError {
    pub const DOING: &str = "keep the tables' definitions";

    /// With which code the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Io { .. } => Exit::Io,
            Self::Damaged { .. } | Self::Version { .. } | Self::Foreign { .. } => Exit::Data,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "state.directory must be writable and have room; what was there before is intact"
            }
            Self::Damaged { .. } | Self::Version { .. } | Self::Foreign { .. } => {
                "restore the file from a copy, or remove it: definitions are then read from the server, and rows of \
                 tables that were changed since the saved position cannot be decoded"
            }
        }
    }
}
