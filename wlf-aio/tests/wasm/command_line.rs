//! The command line of the program as it ships.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::files::FILE_TO_STDOUT;
use crate::on_both;
use crate::program::{Ended, Run, Runtime, given, root};

on_both!(
    other_commands_need_no_server,
    usage_errors_end_with_64,
    a_configuration_is_looked_for_in_four_places,
    the_interpreter_is_noticed_and_the_compiled_form_is_not,
    the_first_row_comes_soon,
);

fn run(runtime: &Runtime, arguments: &[&str]) -> Ended {
    let examples = root().join("examples/configs");
    let mut command = runtime.command(&[("/configs", &examples)], &[]);
    command.args(arguments);
    Run::start(command).end()
}

fn other_commands_need_no_server(runtime: &Runtime) {
    let config = "--config=/configs/binlog_to_kafka_redis.yaml";
    run(runtime, &["check", config]).with_code(0);
    let mermaid = run(runtime, &["graph", config])
        .with_code(0)
        .stdout
        .join("\n");
    assert!(
        mermaid.starts_with("flowchart") || mermaid.starts_with("graph"),
        "{mermaid}"
    );
    for id in ["binlog_collector", "filter", "replicator", "kafka", "redis"] {
        assert!(mermaid.contains(id), "{mermaid}");
    }
    assert!(
        run(runtime, &["graph", "--format=dot", config])
            .with_code(0)
            .stdout
            .join("\n")
            .contains("digraph")
    );
    run(runtime, &["graph", "--format=text", config]).with_code(0);
    let components = run(runtime, &["components"]).with_code(0).stdout.join("\n");
    for name in [
        "BinlogCollector",
        "BinlogFileCollector",
        "BinlogFilter",
        "EventReplicator",
        "KafkaDispatcher",
        "RedisDispatcher",
        "StdoutDispatcher",
        "FileDispatcher",
        "NullDispatcher",
    ] {
        assert!(components.contains(name), "{components}");
    }
    let schema = run(runtime, &["schema"]).with_code(0).stdout.join("\n");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    assert!(schema["properties"]["collectors"].is_object());
}

fn usage_errors_end_with_64(runtime: &Runtime) {
    for arguments in [
        &["--no-such-option"][..],
        &["no-such-command"],
        &["graph", "--format=png"],
    ] {
        let ended = run(runtime, arguments).with_code(64);
        assert!(ended.stderr.contains("error:"), "{}", ended.stderr);
    }
    run(runtime, &["--help"]).with_code(0);
    run(runtime, &["--version"]).with_code(0);
}

fn a_configuration_is_looked_for_in_four_places(runtime: &Runtime) {
    let ended = Run::start(runtime.command(&[], &[])).end().with_code(66);
    for place in [
        "configs/wlf.yaml",
        "/configs/wlf.yaml",
        "wlf.yaml",
        "/etc/wlf/wlf.yaml",
        "--dir",
    ] {
        assert!(ended.stderr.contains(place), "{}", ended.stderr);
    }
    let place = tempfile::tempdir().expect("a directory");
    fs::write(
        place.path().join("wlf.yaml"),
        FILE_TO_STDOUT.replace("/data", "/shop"),
    )
    .expect("written");
    let shop = root().join("configs/quickstart");
    for guest in ["configs", "/configs", "/etc/wlf"] {
        let command = runtime.command(&[(guest, place.path()), ("/shop", &shop)], &[]);
        let ended = Run::start(command).end().with_code(0);
        assert!(!ended.stdout.is_empty(), "{guest}");
    }
}

fn the_interpreter_is_noticed_and_the_compiled_form_is_not(runtime: &Runtime) {
    let shop = root().join("configs/quickstart");
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
    let said = |runtime: &Runtime| {
        let mut command = runtime.command(&[("/wlf", place.path()), ("/data", &shop)], &[]);
        command.args(["--config", "/wlf/wlf.yaml"]);
        Run::start(command).end().with_code(0).stderr
    };
    let interpreted = said(&runtime.clone().interpreted());
    assert!(interpreted.contains("wasmedge compile"), "{interpreted}");
    let compiled = said(runtime);
    assert!(!compiled.contains("wasmedge compile"), "{compiled}");
}

/// The goal is 300 ms on an idle machine; a loaded one gets ten times that.
fn the_first_row_comes_soon(runtime: &Runtime) {
    let shop = root().join("configs/quickstart");
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
    let mut command = runtime.command(&[("/wlf", place.path()), ("/data", &shop)], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    let start = Instant::now();
    let run = Run::start(command);
    run.prints(1);
    let elapsed = start.elapsed();
    run.end().with_code(0);
    println!(
        "first row after {elapsed:?} under WasmEdge {}",
        runtime.version
    );
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

#[test]
fn the_module_is_below_six_megabytes() {
    let size = fs::metadata(given("WLF_TEST_WASM"))
        .expect("the module")
        .len();
    println!("wlf-aio.wasm has {size} bytes");
    assert!(size < 6 << 20, "{size} bytes");
}
