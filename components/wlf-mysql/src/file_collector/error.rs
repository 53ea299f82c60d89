//! Everything that can be wrong with binlog files, apart from what is in them.

use std::io;
use std::path::PathBuf;

use wlf_core::{Exit, Fault};

use crate::binlog;
use crate::positions::gtid_set::NotGtidSet;
use crate::schema::HistoryError;

/// What is wrong with binlog files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no file matches `{path}`")]
    NoMatch { path: String },
    #[error("{} cannot be opened", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} and {} have the same name, by which positions tell files apart", first.display(), second.display())]
    SameName { first: PathBuf, second: PathBuf },
    #[error("{} is an encrypted binlog", path.display())]
    Encrypted { path: PathBuf },
    #[error("{} is not a binlog: it does not begin with fe 62 69 6e", path.display())]
    NotBinlog { path: PathBuf },
    #[error("{} is not a binlog: it is empty", path.display())]
    Empty { path: PathBuf },
    #[error("the saved position cannot be read")]
    SavedPosition {
        #[source]
        source: serde_json::Error,
    },
    #[error("the saved position cannot be read")]
    SavedGtids {
        #[source]
        source: NotGtidSet,
    },
    #[error("the saved position {place} is in none of the files")]
    Gone { place: String },
    #[error("the saved position {place} is behind the end of its file, which has {size} bytes")]
    Beyond { place: String, size: u64 },
    #[error(transparent)]
    Binlog(#[from] binlog::Error),
}

impl From<HistoryError> for Error {
    fn from(error: HistoryError) -> Self {
        Self::Binlog(error.into())
    }
}

impl Error {
    fn exit(&self) -> Exit {
        match self {
            Self::NoMatch { .. } | Self::Open { .. } => Exit::NoInput,
            Self::Read { .. } => Exit::Io,
            Self::SameName { .. } => Exit::Config,
            Self::Encrypted { .. }
            | Self::NotBinlog { .. }
            | Self::Empty { .. }
            | Self::SavedPosition { .. }
            | Self::SavedGtids { .. }
            | Self::Gone { .. }
            | Self::Beyond { .. }
            | Self::Binlog(_) => Exit::Data,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoMatch { .. } => Some(
                "look at `paths`, which are relative to where the program runs; under WasmEdge only what `--dir` maps is there",
            ),
            Self::Open { .. } => {
                Some("look at the file's rights, and at what `--dir` maps under WasmEdge")
            }
            Self::SameName { .. } => {
                Some("read the files of each server with a collector of its own")
            }
            Self::Encrypted { .. } => Some(
                "read from the live server, or fetch the file with `mysqlbinlog --read-from-remote-server --raw`, which decrypts it",
            ),
            Self::NotBinlog { .. } => {
                Some("take it out of `paths`, or unpack it if it is compressed")
            }
            Self::Empty { .. } => Some("fetch the file from the server again"),
            Self::SavedPosition { .. } | Self::SavedGtids { .. } => Some(
                "the state belongs to another collector: move it away to begin at the first file",
            ),
            Self::Gone { .. } | Self::Beyond { .. } => Some(
                "the state belongs to other files: put the file back, or move the state away to begin at the first file",
            ),
            Self::Read { .. } | Self::Binlog(_) => None,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let error = match error {
            Error::Binlog(error) => return error.into(),
            error => error,
        };
        let hint = error.hint();
        let fault = Fault::stop(error.exit(), "read binlog files", error);
        match hint {
            Some(hint) => fault.with_hint(hint),
            None => fault,
        }
    }
}
