//! Runs the program once over all that a server has written, into a file for each format and setting.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::format::Format;
use crate::program::{Run, Runtime};
use crate::server::Server;
use crate::setting::Setting;

/// A native program without optimisation takes that long for all settings of a server.
const PATIENCE: Duration = Duration::from_secs(400);

/// Where the program runs.
pub enum Place {
    WasmEdge(Runtime),
    /// As a native program, for quick turns.
    Native(PathBuf),
}

/// Names the native program that runs instead of the module.
const NATIVE: &str = "WLF_TEST_NATIVE";

/// The native program if the environment names one, and what ships otherwise.
pub fn places() -> Vec<Place> {
    match std::env::var_os(NATIVE) {
        Some(program) => vec![Place::Native(program.into())],
        None => vec![
            Place::WasmEdge(Runtime::v0_14()),
            Place::WasmEdge(Runtime::v0_17()),
        ],
    }
}

impl Place {
    /// `WasmEdge 0.14`
    pub fn title(&self) -> String {
        match self {
            Self::WasmEdge(runtime) => format!("WasmEdge {}", runtime.version),
            Self::Native(_) => "native".to_owned(),
        }
    }

    /// How many of a server's settings are read here; the second WasmEdge is known to run the same module.
    pub fn settings<'s>(&self, all: &'s [Setting]) -> &'s [Setting] {
        match self {
            Self::WasmEdge(runtime) if runtime.version != Runtime::v0_14().version => &all[..1],
            _ => all,
        }
    }

    fn command(&self, place: &Path, configuration: impl Fn(&str) -> String) -> Command {
        match self {
            Self::WasmEdge(runtime) => runtime.in_directory(place, &configuration("/wlf")),
            Self::Native(program) => {
                let path = place.join("wlf.yaml");
                fs::write(&path, configuration(&place.display().to_string())).expect("written");
                let mut command = Command::new(program);
                command.arg("--config").arg(path);
                command
            }
        }
    }
}

/// The files that a run has written.
pub struct Files {
    directory: TempDir,
}

impl Files {
    /// The events of a database, in order.
    pub fn read(&self, format: Format, database: &str) -> String {
        let path = format!("{}/{database}.jsonl", format.name());
        let bytes = fs::read(self.directory.path().join(&path));
        let bytes = bytes.unwrap_or_else(|error| panic!("{path}: {error}"));
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// Runs the program over the matrix's databases, from a file and an offset to the server's end.
///
/// `databases`: their names, or a glob.
pub fn run(server: &Server, place: &Place, start: &(String, u64), databases: &str) -> Files {
    let directory = tempfile::tempdir().expect("a directory");
    let command = place.command(directory.path(), |root| {
        configuration(server, start, databases, root)
    });
    Run::start(command).end_within(PATIENCE).with_code(0);
    Files { directory }
}

fn configuration(server: &Server, start: &(String, u64), databases: &str, root: &str) -> String {
    let (file, position) = start;
    let ids: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    let mut text = format!(
        "collectors:
  - id: server
    type: BinlogCollector
    host: {}
    port: {}
    user: root
    password: password
    start: {{file: {file}, position: {position}}}
    stop_at_end: true
    destination: filter
transformers:
  - id: filter
    type: BinlogFilter
    destinations: [{}]
    rules:
      - exclude: {{database: '*'}}
      - include: {{database: '{databases}'}}
dispatchers:
",
        server.host,
        server.port,
        ids.join(", "),
    );
    for name in ids {
        text.push_str(&format!(
            "  - {{id: {name}, type: FileDispatcher, path: '{root}/{name}/%{{/database}}.jsonl', format: {name}}}\n"
        ));
    }
    text
}
