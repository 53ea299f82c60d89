//! The program as a process of a machine: number 1 of a container, without stdout, and where files and memory are few.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::files::{FILE_TO_STDOUT, fixtures};
use crate::on_both;
use crate::program::{Run, Runtime, given};

on_both!(
    behind_an_init_it_ends_on_sigterm,
    a_closed_stdout_is_an_error,
    few_open_files_are_an_error_and_not_a_crash,
    little_address_space_is_an_error,
);

/// The same command as process 1 of a PID namespace of its own, as in a container, behind `init`.
fn as_process_1(command: &Command, init: &[&str]) -> Command {
    let mut inside = Command::new("unshare");
    inside.args(["--user", "--map-root-user", "--pid", "--fork"]);
    inside.args(["--mount-proc", "--kill-child"]).args(init);
    inside.arg(command.get_program()).args(command.get_args());
    inside
}

/// A pipeline that waits for a Redis that takes connections and says nothing.
fn waiting(runtime: &Runtime, place: &Path, listener: &TcpListener) -> Command {
    let port = listener.local_addr().expect("an address").port();
    let configuration = format!(
        "
collectors:
  - {{id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: redis}}
dispatchers:
  - {{id: redis, type: RedisDispatcher, url: 'redis://127.0.0.1:{port}', mode: {{type: RPush, key: rows}}}}
"
    );
    with_data(runtime, place, &configuration)
}

fn with_data(runtime: &Runtime, place: &Path, configuration: &str) -> Command {
    fs::write(place.join("wlf.yaml"), configuration).expect("written");
    let data = fixtures().join("large-transaction");
    let mut command = runtime.command(&[("/wlf", place), ("/data", &data)], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    command
}

fn behind_an_init_it_ends_on_sigterm(runtime: &Runtime) {
    let init = given("WLF_TEST_INIT");
    let place = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let command = waiting(runtime, place.path(), &listener);
    let is_alone = as_process_1(&Command::new("true"), &[])
        .status()
        .is_ok_and(|status| status.success());
    if !is_alone {
        println!("no PID namespaces here: the program runs behind its init, and is not process 1");
    }
    let started = if is_alone {
        as_process_1(&command, &[&init, "-s", "--"])
    } else {
        let mut started = Command::new(&init);
        started.args(["-s", "--"]).arg(command.get_program());
        started.args(command.get_args());
        started
    };
    let run = Run::start(started);
    let (_connection, _) = listener.accept().expect("a connection");
    let process_1 = if is_alone { run.child() } else { run.id() };
    let began = Instant::now();
    terminate(process_1);
    run.end().with_code(143);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");

    // And what the init does not get in the way of: the program's own exit code.
    fs::write(place.path().join("wlf.yaml"), "collectors: []\n").expect("written");
    let mut command = runtime.command(&[("/wlf", place.path())], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    let mut started = Command::new(&init);
    started.args(["-s", "--"]).arg(command.get_program());
    started.args(command.get_args());
    Run::start(started).end().with_code(78);
}

fn terminate(id: i32) {
    // SAFETY: it takes no pointers.
    assert_eq!(unsafe { libc::kill(id, libc::SIGTERM) }, 0, "a process");
}

/// The same command behind a line of the shell's.
fn after(command: &Command, line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

fn a_closed_stdout_is_an_error(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let config = "--config=/wlf/wlf.yaml";
    for arguments in [&["check", config][..], &["graph", config], &["schema"]] {
        fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
        let mut command = runtime.command(&[("/wlf", place.path())], &[]);
        command.args(arguments);
        let ended = Run::start(after(&command, "exec \"$@\" >&-")).end();
        assert_eq!(
            ended.status.code(),
            Some(74),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains("stdout"), "{}", ended.stderr);
    }
    let command = with_data(runtime, place.path(), FILE_TO_STDOUT);
    let ended = Run::start(after(&command, "exec \"$@\" >&-")).end();
    assert_eq!(ended.status.code(), Some(74), "{}", ended.stderr);
    assert!(ended.stderr.contains("standard output"), "{}", ended.stderr);
    let ended = Run::start(after(&command, "exec \"$@\" >&- 2>&-")).end();
    assert_eq!(ended.status.code(), Some(74));
}

/// WasmEdge itself needs some descriptors; with a few more the program runs into the limit, which is an error like any other.
fn few_open_files_are_an_error_and_not_a_crash(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let configuration = "
collectors:
  - {id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: out}
dispatchers:
  - {id: out, type: FileDispatcher, path: '/wlf/out/%{/data/id}/%{/data/id}.jsonl'}
";
    let command = with_data(runtime, place.path(), configuration);
    let mut codes = Vec::new();
    for limit in [14, 18, 24, 32] {
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={limit}:{limit}"));
        limited.arg(command.get_program()).args(command.get_args());
        let ended = Run::start(limited).end();
        let said = format!("{limit}: {}\n{}", ended.stderr, ended.stdout.join("\n"));
        let code = ended
            .status
            .code()
            .unwrap_or_else(|| panic!("a signal: {said}"));
        assert!(!said.contains("bug in the program"), "{said}");
        assert!(code == 0 || said.contains("error"), "{code}, {said}");
        codes.push(code);
    }
    println!("{codes:?}");
}

/// WasmEdge reserves the whole address space of a guest before the program runs, and says so itself where it cannot.
fn little_address_space_is_an_error(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let command = with_data(runtime, place.path(), FILE_TO_STDOUT);
    for mebibytes in [256_u64, 4_096] {
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--as={}", mebibytes << 20));
        limited.arg(command.get_program()).args(command.get_args());
        let ended = Run::start(limited).end();
        let said = format!("{}\n{}", ended.stderr, ended.stdout.join("\n"));
        assert!(!ended.status.success(), "{mebibytes}: {said}");
        assert!(
            said.contains("error") || said.contains("bad_alloc"),
            "{mebibytes}: {said}"
        );
    }
}
