//! Where a reader stands, as the saved position has it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place between two transactions: what a collector saves and goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPosition {
    pub file: String,
    /// In bytes from the file's beginning.
    pub position: u64,
    /// All transactions that were executed before, as the server writes sets; only where GTIDs are in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid_set: Option<String>,
    /// The server that file and position belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_uuid: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    pub file: Arc<str>,
    pub position: u64,
}
