//! Where a bounded run ends.

use super::beginning;
use super::server::{BinlogFile, BinlogStatus};
use crate::positions::Coordinates;

/// Where a bounded run ends: where the server was when it started.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) server_uuid: String,
    pub(super) status: BinlogStatus,
    pub(super) files: Vec<BinlogFile>,
    /// How far the run is in `files`, in bytes, where it began.
    pub(super) began: Option<u64>,
}

impl End {
    /// How many bytes of the server's binlog are before the place.
    pub(super) fn offset(&self, place: &Coordinates) -> Option<u64> {
        let at = self
            .files
            .iter()
            .position(|file| *file.name == *place.file)?;
        let before: u64 = self.files.iter().take(at).map(|file| file.size).sum();
        Some(before + place.position)
    }

    /// The position in a file from which on everything was read that the server had at the start; none is large enough
    /// in a file before the last.
    pub(super) fn bound(&self, file: &str, server_uuid: &str) -> u64 {
        // Another server that took over has files of its own: it says itself when it has no more.
        if server_uuid != self.server_uuid {
            return u64::MAX;
        }
        beginning::bound(file, &self.status.file, self.status.position)
    }
}
