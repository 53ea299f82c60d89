//! Writing a command's answer to stdout.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use wlf_core::{Exit, Fault};

use crate::report;

/// Writes the whole text.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    written(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// The exit code after writing to stdout. A reader that has gone, as in `| head`, is no error.
pub(crate) fn written(result: io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            report::fault(&Fault::stop(Exit::Io, "write to stdout", error))
        }
        _ => ExitCode::SUCCESS,
    }
}
