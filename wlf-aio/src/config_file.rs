//! Where the configuration comes from.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use wlf_core::config::{Environment, Source};
use wlf_core::{Exit, Fault};

/// Where a configuration is looked for when none is named, in this order.
pub(crate) const PLACES: [&str; 4] = [
    "configs/wlf.yaml",
    "/configs/wlf.yaml",
    "wlf.yaml",
    "/etc/wlf/wlf.yaml",
];

/// What to do when a file is not where it should be. A guest of WasmEdge sees no other directories.
const MOUNT: &str =
    "under WasmEdge the program sees only what `--dir` gives it, as in `wasmedge --dir configs …`";

/// Variables and files of the process.
pub(crate) struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// Reads the configuration that was named, `-` for stdin, or the first that is found.
///
/// # Errors
/// A fault that stops with 66 if there is none that can be read.
pub(crate) fn read(named: Option<&Path>) -> Result<Source, Fault> {
    match named {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            match io::stdin().read_to_string(&mut text) {
                Ok(_) => Ok(Source::new("stdin", text)),
                Err(error) => Err(unreadable("stdin", error)),
            }
        }
        Some(path) => read_file(&path.display().to_string()),
        None => {
            let found = PLACES.iter().find(|place| Path::new(place).is_file());
            found.map_or_else(|| Err(nowhere()), |place| read_file(place))
        }
    }
}

fn read_file(path: &str) -> Result<Source, Fault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Source::new(path, text)),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &str, error: io::Error) -> Fault {
    let mounts = !matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::PermissionDenied
    );
    let fault = Fault::stop(
        Exit::NoInput,
        format!("read the configuration `{path}`"),
        error,
    );
    if mounts {
        fault.with_hint(MOUNT)
    } else {
        fault
    }
}

fn nowhere() -> Fault {
    let places = PLACES.join(", ");
    Fault::stop(
        Exit::NoInput,
        "find a configuration",
        format!("there is none at {places}"),
    )
    .with_hint(format!("name one with `--config`; {MOUNT}"))
}
