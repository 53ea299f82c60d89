//! What bad input gets: one clear error that says where and what to do, the documented exit code, nothing half-written.

use std::fs;
use std::path::Path;

use crate::files::{FILE_TO_STDOUT, fixtures};
use crate::on_both;
use crate::program::{Ended, Run, Runtime, root};

on_both!(
    a_flipped_bit_is_found_by_its_checksum_after_the_rows_before_it,
    a_binlog_that_ends_in_the_middle_is_said_to,
    no_prefix_and_no_flipped_bit_of_a_binlog_is_a_bug,
    what_is_not_a_binlog_is_said_not_to_be_one,
    missing_files_and_a_torn_state_have_their_exit_codes,
    a_full_disk_stops_with_74,
    a_configuration_that_makes_no_sense_starts_nothing,
);

fn quick_start() -> Vec<u8> {
    fs::read(root().join("configs/quickstart/binlog.000001")).expect("the recorded binlog")
}

fn run_with(runtime: &Runtime, place: &Path, configuration: &str) -> Ended {
    fs::write(place.join("wlf.yaml"), configuration).expect("written");
    let mut command = runtime.command(&[("/wlf", place), ("/data", place)], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    Run::start(command).end()
}

/// What the program makes of these bytes as a binlog.
fn read(runtime: &Runtime, bytes: &[u8]) -> Ended {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("binlog.000001"), bytes).expect("written");
    run_with(runtime, place.path(), FILE_TO_STDOUT)
}

fn a_flipped_bit_is_found_by_its_checksum_after_the_rows_before_it(runtime: &Runtime) {
    let whole = read(runtime, &quick_start()).with_code(0).stdout;
    let mut bytes = quick_start();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    let ended = read(runtime, &bytes).with_code(65);
    assert!(
        !ended.stdout.is_empty() && ended.stdout.len() < whole.len(),
        "{} rows",
        ended.stdout.len()
    );
    assert_eq!(
        ended.stdout,
        whole[..ended.stdout.len()],
        "the rows before it are delivered"
    );
    assert!(ended.stderr.contains("binlog.000001:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("CRC32"), "{}", ended.stderr);
    assert!(ended.stderr.contains("help:"), "{}", ended.stderr);
}

fn a_binlog_that_ends_in_the_middle_is_said_to(runtime: &Runtime) {
    let bytes = quick_start();
    let whole = read(runtime, &bytes).with_code(0).stdout;
    let ended = read(runtime, &bytes[..bytes.len() * 2 / 3]).with_code(65);
    assert_eq!(ended.stdout, whole[..ended.stdout.len()]);
    assert!(!ended.stdout.is_empty());
    assert!(ended.stderr.contains("binlog.000001:"), "{}", ended.stderr);
}

fn no_prefix_and_no_flipped_bit_of_a_binlog_is_a_bug(runtime: &Runtime) {
    let bytes = fs::read(fixtures().join("control/binlog.000001")).expect("a fixture");
    // Fuzzing covers every byte natively; here a few show that the shipped form ends as orderly.
    let step = bytes.len() / 12;
    for at in (3..bytes.len()).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x81;
        for given in [&bytes[..at], &flipped] {
            let ended = read(runtime, given);
            let code = ended.status.code();
            assert!(
                matches!(code, Some(0 | 65)),
                "byte {at} gives {code:?}: {}",
                ended.stderr
            );
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        }
    }
}

fn what_is_not_a_binlog_is_said_not_to_be_one(runtime: &Runtime) {
    for (bytes, word) in [
        (&b"hello, this is a text and no binlog"[..], "not a binlog"),
        (
            &b"\xfd\x62\x69\x6e and then what only the key opens"[..],
            "encrypted",
        ),
    ] {
        let ended = read(runtime, bytes).with_code(65);
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
}

fn missing_files_and_a_torn_state_have_their_exit_codes(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let ended = run_with(runtime, place.path(), FILE_TO_STDOUT).with_code(66);
    assert!(ended.stderr.contains("/data/binlog.*"), "{}", ended.stderr);

    fs::write(place.path().join("binlog.000001"), quick_start()).expect("written");
    fs::create_dir(place.path().join("state")).expect("made");
    fs::write(
        place.path().join("state/binlog.json"),
        "{\"version\":1,\"coll",
    )
    .expect("torn");
    let configuration = format!("state: {{directory: /wlf/state}}\n{FILE_TO_STDOUT}");
    let ended = run_with(runtime, place.path(), &configuration).with_code(65);
    assert!(ended.stderr.contains("binlog.json"), "{}", ended.stderr);
    assert_eq!(ended.stdout, Vec::<String>::new());
}

fn a_full_disk_stops_with_74(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("binlog.000001"), quick_start()).expect("written");
    fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
    let inner = runtime.command(&[("/wlf", place.path()), ("/data", place.path())], &[]);
    let mut command = std::process::Command::new("sh");
    let program = inner.get_program().to_owned();
    command
        .arg("-c")
        .arg("exec \"$@\" > /dev/full")
        .arg("sh")
        .arg(program)
        .args(inner.get_args());
    command.args(["--config", "/wlf/wlf.yaml"]);
    let ended = Run::start(command).end().with_code(74);
    assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
}

fn a_configuration_that_makes_no_sense_starts_nothing(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("binlog.000001"), quick_start()).expect("written");
    let configuration = "state: {directory: /wlf/state}
collectors:
  - id: binlog
    type: BinlogFileCollector
    paths: [/data/binlog.*]
    destination: fliter
transformers:
  - id: filter
    type: BinlogFilter
    destination: out
    rules: []
dispatchers:
  - id: out
    type: FileDispatcher
    path: /wlf/rows.jsonl
";
    let ended = run_with(runtime, place.path(), configuration).with_code(78);
    assert!(
        ended.stderr.contains("/wlf/wlf.yaml:6:18"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("did you mean `filter`?"),
        "{}",
        ended.stderr
    );
    assert!(!place.path().join("state").exists() && !place.path().join("rows.jsonl").exists());
}
