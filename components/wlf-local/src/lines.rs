//! Rows as lines.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use wlf_core::{Exit, Fault};

/// How much is written before others may run, in bytes.
const PIECE: usize = 1 << 20;
/// So much memory is kept for the next lines, in bytes.
const KEPT: usize = 4 << 20;
/// How long to wait for an output that takes nothing at the moment.
const FULL: Duration = Duration::from_millis(5);

/// Lines that are written together, and which rows they are.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// For each line where it ends, and the row: the index of its event and its number in it.
    ends: Vec<(usize, (usize, u32))>,
}

/// A write that failed, and how many bytes were written before.
#[derive(Debug)]
pub struct Failed {
    pub written: usize,
    pub error: io::Error,
}

impl Lines {
    /// Forgets all lines, and gives the memory back if a large row took much.
    pub fn clear(&mut self) {
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a line of a row.
    pub fn push(&mut self, row: (usize, u32), payload: &[u8]) {
        // Else a large row's end would take as much again.
        if payload.len() > self.bytes.capacity() {
            self.bytes.reserve_exact(payload.len().saturating_add(1));
        }
        self.bytes.extend_from_slice(payload);
        self.bytes.push(b'\n');
        self.ends.push((self.bytes.len(), row));
    }

    /// The rows that they are of, in order.
    pub fn rows(&self) -> impl Iterator<Item = (usize, u32)> {
        self.ends.iter().map(|(_, row)| *row)
    }

    /// The memory that they hold, in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<(usize, (usize, u32))>()
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first row whose line is not all within the first `written` bytes; behind all others if there is none.
    pub fn row_after(&self, written: usize) -> (usize, u32) {
        let whole = self.ends.partition_point(|(end, _)| *end <= written);
        let behind = || {
            self.ends
                .last()
                .map_or((0, 0), |(_, (event, row))| (*event, row + 1))
        };
        self.ends.get(whole).map_or_else(behind, |(_, row)| *row)
    }

    /// Writes all lines, and lets others run in between.
    pub async fn write_to(&self, out: &mut (dyn Write + Send)) -> Result<(), Failed> {
        let mut written = 0;
        while let Some(rest) = self.bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let piece = rest.get(..PIECE).unwrap_or(rest);
            let error = match out.write(piece) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(n) => {
                    written += n;
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(error) => error,
            };
            match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => tokio::time::sleep(FULL).await,
                _ => return Err(Failed { written, error }),
            }
        }
        out.flush().map_err(|error| Failed { written, error })
    }
}

/// The fault of a file or an output that could not be written.
pub fn fault(doing: String, error: io::Error) -> Fault {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(
            "make room on the disk and start again: nothing is lost, the saved position stands before these rows",
        ),
        ErrorKind::FileTooLarge => {
            Some("the file has the largest size that the system allows (`ulimit -f`)")
        }
        ErrorKind::BrokenPipe => Some("the program that read the output has ended"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("the program needs the right to write there")
        }
        ErrorKind::NotFound if cfg!(target_os = "wasi") => {
            Some("WasmEdge shows only what is named with `--dir guest:host`")
        }
        _ => None,
    };
    let fault = Fault::stop(Exit::Io, doing, error);
    match hint {
        Some(hint) => fault.with_hint(hint),
        None => fault,
    }
}
