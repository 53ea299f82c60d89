use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::repository;

/// What a run of the program printed, and its exit code.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn wlf(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wlf-aio"));
    command
        .current_dir(directory)
        .args(arguments)
        .env_remove("RUST_LOG");
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Ran {
    ran(wlf(&repository("."), arguments).output().unwrap())
}

/// Runs with a configuration on stdin.
fn run_with(config: &str, arguments: &[&str]) -> Ran {
    let mut child = wlf(&repository("."), arguments)
        .args(["--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(config.as_bytes()).unwrap();
    drop(stdin);
    ran(child.wait_with_output().unwrap())
}

const FIRST: &str = "examples/configs/binlog_to_kafka_redis.yaml";

#[test]
fn usage_errors_exit_with_64_and_help_with_0() {
    for wrong in [
        &["--bogus"][..],
        &["jump"],
        &["graph", "--format", "png"],
        &["--config"],
        &["check", "surplus"],
    ] {
        let ran = run(wrong);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{wrong:?}");
        assert!(ran.err.starts_with("error: "), "{wrong:?}: {}", ran.err);
    }
    for right in ["--help", "--version", "help"] {
        let ran = run(&[right]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{right}");
    }
}

#[test]
fn without_a_configuration_the_four_places_are_named() {
    let empty = tempfile::tempdir().unwrap();
    let ran = ran(wlf(empty.path(), &[]).output().unwrap());
    assert_eq!(
        ran,
        Ran {
            code: 66,
            out: String::new(),
            err: "error: find a configuration: there is none at configs/wlf.yaml, /configs/wlf.yaml, wlf.yaml, /etc/wlf/wlf.yaml
  = help: name one with `--config`; under WasmEdge the program sees only what `--dir` gives it, as in `wasmedge --dir configs …`
".to_owned(),
        }
    );
}

#[test]
fn the_first_of_the_places_is_taken() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("wlf.yaml"), "second: 1\n").unwrap();
    std::fs::create_dir(place.path().join("configs")).unwrap();
    let found = |name: &str| {
        let ran = ran(wlf(place.path(), &["check"]).output().unwrap());
        assert_eq!(ran.code, 78);
        assert!(ran.err.contains(&format!("--> {name}:1:1")), "{}", ran.err);
    };
    found("wlf.yaml");
    std::fs::write(place.path().join("configs/wlf.yaml"), "first: 1\n").unwrap();
    found("configs/wlf.yaml");
}

#[test]
fn a_configuration_that_is_not_utf8_exits_with_78_and_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("latin1.yaml");
    std::fs::write(&path, b"collectors:\n  - id: caf\xe9\n").unwrap();
    let path = path.to_str().unwrap();
    for command in ["check", "run", "graph"] {
        let ran = run(&[command, "--config", path]);
        assert_eq!(ran.code, 78);
        assert_eq!(
            ran.err,
            format!(
                "error: read the configuration `{path}`: {path}:2:12: the bytes from here on are not UTF-8
  = help: save the file as UTF-8
"
            )
        );
    }
}

#[test]
fn a_configuration_that_cannot_be_read_exits_with_66() {
    let ran = run(&["run", "--config", "no/such.yaml"]);
    assert_eq!(ran.code, 66);
    assert_eq!(
        ran.err,
        "error: read the configuration `no/such.yaml`: No such file or directory (os error 2)
  = help: under WasmEdge the program sees only what `--dir` gives it, as in `wasmedge --dir configs …`
"
    );
}

#[test]
fn a_broken_configuration_exits_with_78_whatever_the_command() {
    for command in [&[][..], &["run"], &["check"], &["graph"]] {
        let ran = run_with("collectors: []\n", command);
        assert_eq!((ran.code, ran.out.as_str()), (78, ""), "{command:?}");
        assert_eq!(
            ran.err,
            "error: there is no dispatcher
 --> stdin:1:1
  |
1 | collectors: []
  | ^ add `dispatchers:` to the file

error: `collectors` holds no collector
 --> stdin:1:13
  |
1 | collectors: []
  |             ^ begin each component with `- id: …`

error: 2 problems in stdin; nothing was started
"
        );
    }
}

#[test]
fn the_first_configuration_is_right_as_it_stands() {
    let ran = run(&["check", "--config", FIRST]);
    assert_eq!(
        ran,
        Ran {
            code: 0,
            out: format!("{FIRST}: nothing is wrong, 5 components\n"),
            err: String::new(),
        }
    );
}

#[test]
fn every_configuration_of_the_repository_is_right() {
    let mut checked = 0;
    for folder in ["configs", "examples/configs"] {
        for path in crate::configurations(folder) {
            let ran = run(&["check", "--config", path.to_str().unwrap()]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            checked += 1;
        }
    }
    assert!(checked >= 2);
}

#[test]
fn the_pipeline_is_drawn() {
    for (format, drawn) in [
        (
            None,
            r#"flowchart LR
    n0[("binlog_collector<br/>BinlogCollector")]
    n1["filter<br/>BinlogFilter"]
    n2["replicator<br/>EventReplicator"]
    n3(["kafka<br/>KafkaDispatcher"])
    n4(["redis<br/>RedisDispatcher"])
    n0 --> n1
    n1 --> n2
    n2 --> n4
    n2 --> n3
"#,
        ),
        (
            Some("dot"),
            r#"digraph wlf {
    rankdir=LR;
    n0 [label="binlog_collector\nBinlogCollector", shape=cylinder];
    n1 [label="filter\nBinlogFilter", shape=box];
    n2 [label="replicator\nEventReplicator", shape=box];
    n3 [label="kafka\nKafkaDispatcher", shape=oval];
    n4 [label="redis\nRedisDispatcher", shape=oval];
    n0 -> n1;
    n1 -> n2;
    n2 -> n4;
    n2 -> n3;
}
"#,
        ),
        (
            Some("text"),
            "binlog_collector (BinlogCollector)
└─ filter (BinlogFilter)
   └─ replicator (EventReplicator)
      ├─ redis (RedisDispatcher)
      └─ kafka (KafkaDispatcher)
",
        ),
    ] {
        let mut arguments = vec!["graph", "--config", FIRST];
        arguments.extend(format.into_iter().flat_map(|format| ["--format", format]));
        let ran = run(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (0, drawn));
    }
}

#[test]
fn components_come_from_the_list_of_the_program() {
    let ran = run(&["components"]);
    assert_eq!(ran.code, 0);
    for component in wlf_aio::SYSTEMS.iter().flat_map(|system| system.iter()) {
        let named = ran.out.lines().find(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(component.name())
        });
        assert!(named.is_some_and(|line| line.ends_with(&component.summary())));

        let detail = run(&["components", component.name()]);
        assert_eq!(detail.code, 0);
        let head = format!("{} ({})\n", component.name(), component.kind().name());
        assert!(detail.out.starts_with(&head));
    }
}

#[test]
fn a_component_that_is_not_there_is_a_usage_error() {
    let ran = run(&["components", "KafkaDispacher"]);
    assert_eq!((ran.code, ran.out.as_str()), (64, ""));
    assert_eq!(
        ran.err,
        "error: show `KafkaDispacher`: this program has no such component
  = help: did you mean `KafkaDispatcher`?
"
    );
}

const NO_SUCH_FILE: &str = "
collectors:
  - id: files
    type: BinlogFileCollector
    paths: [no/such.*]
    destination: out
dispatchers:
  - id: out
    type: NullDispatcher
";

#[test]
fn a_fault_is_told_with_help_and_its_exit_code() {
    let ran = run_with(NO_SUCH_FILE, &["run"]);
    assert_eq!((ran.code, ran.out.as_str()), (66, ""));
    let report = ran.err.split_once("error: ").unwrap().1;
    assert!(report.starts_with("read binlog files: no file matches `no/such.*`\n  = help: "));
}

#[test]
fn with_json_logs_every_line_of_stderr_is_json() {
    let config = format!("log: {{format: json}}\n{NO_SUCH_FILE}");
    let ran = run_with(&config, &["run"]);
    assert_eq!(ran.code, 66);
    let lines: Vec<serde_json::Value> = ran
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert_eq!(last["exit_code"], 66);
    assert_eq!(
        last["message"],
        "read binlog files: no file matches `no/such.*`"
    );
}

#[test]
fn the_ready_line_and_the_summary_come_at_info_and_not_above_in_both_forms() {
    for (level, comes) in [
        ("trace", true),
        ("debug", true),
        ("info", true),
        ("warn", false),
        ("error", false),
    ] {
        for format in ["text", "json"] {
            let config = format!(
                "log: {{level: {level}, format: {format}}}
collectors:
  - {{id: c, type: BinlogFileCollector, paths: [configs/quickstart/binlog.*], destination: o}}
dispatchers:
  - {{id: o, type: NullDispatcher}}
"
            );
            let plain = config.replace(&format!("level: {level}, "), "");
            for (config, arguments) in [
                (&config, vec!["run"]),
                (&plain, vec!["run", "--log-level", level]),
            ] {
                let ran = run_with(config, &arguments);
                assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
                for line in ["ready: c", "38 rows read"] {
                    let is_said = ran.err.contains(line);
                    assert_eq!(is_said, comes, "{level} {format}: {}", ran.err);
                }
                assert!(comes || ran.err.is_empty(), "{level}: {}", ran.err);
            }
        }
    }
}

/// Why a run ended is told at any level.
#[test]
fn an_error_is_told_at_every_level() {
    for format in ["text", "json"] {
        let config = format!("log: {{level: error, format: {format}}}\n{NO_SUCH_FILE}");
        let ran = run_with(&config, &["run"]);
        assert_eq!(ran.code, 66);
        assert!(ran.err.contains("no file matches"), "{}", ran.err);
        assert!(!ran.err.contains("0 rows read"), "{}", ran.err);
    }
}

#[test]
fn the_level_of_the_command_line_goes_before_that_of_the_file() {
    let config = format!("log: {{level: error}}\n{NO_SUCH_FILE}");
    let quiet = run_with(&config, &["run"]);
    assert!(!quiet.err.contains("INFO"), "{}", quiet.err);
    let loud = run_with(&config, &["run", "--log-level", "info"]);
    assert!(loud.err.contains("INFO"), "{}", loud.err);
}
