//! Recorded binlogs through the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::on_both;
use crate::program::{Run, Runtime, root};

on_both!(
    the_quick_start_prints_rows_and_writes_the_same_to_a_file,
    every_recorded_binlog_gives_what_the_native_program_gives,
    a_second_run_gives_nothing,
    a_crash_loses_nothing_and_leaves_no_half_line,
    a_template_routes_rows_to_files_of_their_own,
);

pub const FILE_TO_STDOUT: &str = "
collectors:
  - {id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: out}
dispatchers:
  - {id: out, type: StdoutDispatcher}
";

pub fn fixtures() -> PathBuf {
    root().join("components/wlf-mysql/tests/fixtures")
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn the_quick_start_prints_rows_and_writes_the_same_to_a_file(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let configs = root().join("configs");
    let output = ("target/quickstart", place.path());
    let mut command = runtime.command(&[("configs", &configs), output], &[]);
    command.args(["--config", "configs/quickstart.yaml"]);
    let ended = Run::start(command).end().with_code(0);
    let rows = parsed(&ended.stdout);
    assert!(rows.len() > 30, "{} rows", rows.len());
    let mut databases: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["database"].as_str())
        .collect();
    databases.sort_unstable();
    databases.dedup();
    assert_eq!(databases, ["crm", "shop"]);
    for kind in ["insert", "update", "delete"] {
        assert!(
            rows.iter().any(|row| row["type"] == kind),
            "no {kind} among the rows"
        );
    }
    assert!(
        rows.iter().all(|row| row["xid"].is_u64()),
        "every row of a small transaction has its xid"
    );
    let mut in_files: Vec<String> = Vec::new();
    for file in fs::read_dir(place.path())
        .expect("files")
        .filter_map(Result::ok)
    {
        in_files.extend(
            fs::read_to_string(file.path())
                .expect("rows")
                .lines()
                .map(str::to_owned),
        );
    }
    let mut printed = ended.stdout;
    printed.sort_unstable();
    in_files.sort_unstable();
    assert_eq!(in_files, printed);
}

/// The decoders' own tests compare the native program with the server; this one carries their verdict over.
fn every_recorded_binlog_gives_what_the_native_program_gives(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let mut compared = 0;
    for fixture in fs::read_dir(fixtures())
        .expect("fixtures")
        .filter_map(Result::ok)
    {
        let fixture = fixture.path();
        if !fixture.is_dir() {
            continue;
        }
        let wasm = {
            fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
            let mut command = runtime.command(&[("/wlf", place.path()), ("/data", &fixture)], &[]);
            command.args(["--config", "/wlf/wlf.yaml"]);
            Run::start(command).end()
        };
        let native = {
            let here = FILE_TO_STDOUT.replace("/data/", &format!("{}/", fixture.display()));
            fs::write(place.path().join("native.yaml"), here).expect("written");
            let mut command = Command::new(env!("CARGO_BIN_EXE_wlf-aio"));
            command
                .arg("--config")
                .arg(place.path().join("native.yaml"));
            Run::start(command).end()
        };
        assert_eq!(
            wasm.status.code(),
            native.status.code(),
            "{}: {}",
            fixture.display(),
            wasm.stderr
        );
        assert_eq!(wasm.stdout, native.stdout, "{}", fixture.display());
        parsed(&wasm.stdout);
        compared += wasm.stdout.len();
    }
    assert!(compared > 1000, "only {compared} rows were compared");
}

fn shop(state: &str, path: &str) -> String {
    format!(
        "state: {{directory: {state}}}
collectors:
  - {{id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: out}}
dispatchers:
  - {{id: out, type: FileDispatcher, path: \"{path}\"}}
"
    )
}

fn run_on(runtime: &Runtime, place: &Path, data: &Path, configuration: &str) -> Command {
    fs::write(place.join("wlf.yaml"), configuration).expect("written");
    let mut command = runtime.command(&[("/wlf", place), ("/data", data)], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    command
}

fn a_second_run_gives_nothing(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let configuration = shop("/wlf/state", "/wlf/rows.jsonl");
    let data = root().join("configs/quickstart");
    let mut counts = Vec::new();
    for _ in 0..2 {
        Run::start(run_on(runtime, place.path(), &data, &configuration))
            .end()
            .with_code(0);
        counts.push(
            fs::read_to_string(place.path().join("rows.jsonl"))
                .expect("rows")
                .lines()
                .count(),
        );
    }
    assert_eq!(counts.first(), counts.last());
    assert!(place.path().join("state/binlog.json").is_file());
}

fn a_crash_loses_nothing_and_leaves_no_half_line(runtime: &Runtime) {
    let data = fixtures().join("rotation");
    let whole = {
        let place = tempfile::tempdir().expect("a directory");
        let configuration = shop("/wlf/state", "/wlf/rows.jsonl");
        Run::start(run_on(runtime, place.path(), &data, &configuration))
            .end()
            .with_code(0);
        fs::read_to_string(place.path().join("rows.jsonl")).expect("rows")
    };
    let wanted: Vec<&str> = whole.lines().collect();
    let place = tempfile::tempdir().expect("a directory");
    // Small batches, so that there is something to interrupt.
    let configuration = format!(
        "delivery: {{batch: {{rows: 1, bytes: 1KiB}}}}\n{}",
        shop("/wlf/state", "/wlf/rows.jsonl")
    );
    for wait in [20, 25, 30, 40, 60, 100] {
        let run = Run::start(run_on(runtime, place.path(), &data, &configuration));
        std::thread::sleep(std::time::Duration::from_millis(wait));
        run.kill();
        // A crash in the middle of a write.
        let rows = place.path().join("rows.jsonl");
        if rows.is_file() {
            let mut torn = fs::read(&rows).expect("read");
            torn.extend_from_slice(b"{\"database\":\"sh");
            fs::write(&rows, torn).expect("torn");
        }
    }
    Run::start(run_on(runtime, place.path(), &data, &configuration))
        .end()
        .with_code(0);
    let text = fs::read_to_string(place.path().join("rows.jsonl")).expect("rows");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    parsed(&lines);
    for line in wanted {
        assert!(lines.iter().any(|found| found == line), "lost: {line}");
    }
}

fn a_template_routes_rows_to_files_of_their_own(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let configuration = shop("/wlf/state", "/wlf/out/%{/database}/%{/table}.jsonl");
    let data = root().join("configs/quickstart");
    Run::start(run_on(runtime, place.path(), &data, &configuration))
        .end()
        .with_code(0);
    let mut files = 0;
    for database in fs::read_dir(place.path().join("out"))
        .expect("databases")
        .filter_map(Result::ok)
    {
        for table in fs::read_dir(database.path())
            .expect("tables")
            .filter_map(Result::ok)
        {
            files += 1;
            let text = fs::read_to_string(table.path()).expect("rows");
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for row in parsed(&lines) {
                assert_eq!(row["database"], *database.file_name().to_string_lossy());
                assert_eq!(
                    format!("{}.jsonl", row["table"].as_str().expect("a name")),
                    *table.file_name().to_string_lossy()
                );
            }
        }
    }
    assert!(files >= 3, "{files} files");
}
