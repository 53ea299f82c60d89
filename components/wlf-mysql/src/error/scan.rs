//! What is found where a transaction should begin.

use crate::reader::Malformed;

/// Why a place cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    #[error("an event cannot be read")]
    Malformed(#[from] Malformed),
    #[error("no event begins there")]
    NoEvent,
    #[error("it lies inside of a transaction")]
    InTransaction,
}
