//! Where the configuration comes from.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use wlf_core::config::{Environment, Source};
use wlf_core::{Exit, Fault, Store, Unchanged};

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

    fn reaches(&self, path: &Path) -> bool {
        // The library tells so of what no `--dir` leads to, in words alone.
        let is_outside = |error: io::Error| error.to_string().contains("pre-opened");
        !std::fs::metadata(path).is_err_and(is_outside)
    }
}

/// The same for what is not to be changed.
pub(crate) struct Onlooker;

impl Environment for Onlooker {
    fn variable(&self, name: &str) -> Option<String> {
        Process.variable(name)
    }

    fn file(&self, path: &str) -> io::Result<String> {
        Process.file(path)
    }

    fn reaches(&self, path: &Path) -> bool {
        Process.reaches(path)
    }

    fn store(&self, directory: &Path) -> Arc<dyn Store> {
        Arc::new(Unchanged(Process.store(directory)))
    }
}

/// Reads the configuration that was named, `-` for stdin, or the first that is found.
///
/// # Errors
/// A fault that stops with 66 if there is none that can be read, and with 78 if it is not UTF-8.
pub(crate) fn read(named: Option<&Path>) -> Result<Source, Fault> {
    match named {
        Some(path) if path == Path::new("-") => {
            let mut bytes = Vec::new();
            match io::stdin().read_to_end(&mut bytes) {
                Ok(_) => source("stdin", bytes),
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
    match std::fs::read(path) {
        Ok(bytes) => source(path, bytes),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// The text of a configuration, which is UTF-8.
fn source(name: &str, bytes: Vec<u8>) -> Result<Source, Fault> {
    String::from_utf8(bytes)
        .map(|text| Source::new(name, text))
        .map_err(|error| {
            let front = error.as_bytes().get(..error.utf8_error().valid_up_to());
            let front = String::from_utf8_lossy(front.unwrap_or_default());
            let line = front.split('\n').count();
            let column = front.chars().rev().take_while(|c| *c != '\n').count() + 1;
            Fault::stop(
                Exit::Config,
                format!("read the configuration `{name}`"),
                format!("{name}:{line}:{column}: the bytes from here on are not UTF-8"),
            )
            .with_hint("save the file as UTF-8")
        })
}

fn unreadable(path: &str, error: io::Error) -> Fault {
    let is_there = error.kind() == ErrorKind::PermissionDenied;
    let fault = Fault::stop(
        Exit::NoInput,
        format!("read the configuration `{path}`"),
        error,
    );
    if is_there {
        fault
    } else {
        fault.with_hint(MOUNT)
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
