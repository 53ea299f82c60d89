//! Writing a command's answer to stdout.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use rustix::io::Errno;
use wlf_core::{Exit, Fault};

use crate::report;

/// Writes the whole text, without std's `Stdout`, which takes everything for written when it is closed.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(io::stdout(), rest) {
            Ok(0) => return written(Err(ErrorKind::WriteZero.into())),
            Ok(length) => rest = rest.get(length..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(error) => return written(Err(error.into())),
        }
    }
    ExitCode::SUCCESS
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
