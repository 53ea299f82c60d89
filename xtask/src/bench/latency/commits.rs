//! When each transaction of a binlog was committed, as the server itself wrote it down.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

const HEADER: usize = 19;
const GTID: u8 = 33;
const ANONYMOUS_GTID: u8 = 34;
/// Behind the header: flags, the server's UUID, its number, how logical clocks are written, and two of them.
const COMMIT: usize = HEADER + 1 + 16 + 8 + 1 + 8 + 8;

/// Microseconds since 1970, a figure for each transaction (`immediate_commit_timestamp` of GTID_LOG_EVENT).
pub fn read(binlog: &Path) -> Result<Vec<u64>> {
    let bytes = fs::read(binlog).with_context(|| format!("reading {}", binlog.display()))?;
    let mut rest = bytes.get(4..).context("an empty binlog")?;
    let mut commits = Vec::new();
    while let Some(length) = rest.get(9..13) {
        let length = u32::from_le_bytes(length.try_into()?) as usize;
        ensure!(length >= HEADER && length <= rest.len(), "a torn event");
        let (event, behind) = rest.split_at(length);
        rest = behind;
        if matches!(event.get(4), Some(&GTID | &ANONYMOUS_GTID)) {
            let at = event.get(COMMIT..COMMIT + 7).context("a short event")?;
            let mut number = [0; 8];
            number[..7].copy_from_slice(at);
            // The highest bit says that the original commit's time follows.
            commits.push(u64::from_le_bytes(number) & !(1 << 55));
        }
    }
    Ok(commits)
}
