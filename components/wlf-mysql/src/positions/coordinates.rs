//! A place in a binlog, for errors: `binlog.000003:1234`.

use std::fmt;
use std::sync::Arc;

/// Where an event begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinates {
    pub file: Arc<str>,
    /// In bytes from the file's beginning.
    pub position: u64,
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position)
    }
}
