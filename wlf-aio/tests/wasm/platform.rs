//! What the platform does to the program as it ships: it stops it and lets it go on, refuses connections, gives several
//! addresses for a name, and takes stderr away.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use crate::files::{FILE_TO_STDOUT, fixtures};
use crate::on_both;
use crate::program::{PATIENCE, Run, Runtime};

on_both!(
    a_program_that_waits_survives_stops,
    a_program_under_load_survives_stops,
    a_runtime_that_is_parked_is_woken,
    a_refused_connection_is_called_that,
    each_address_of_a_name_is_tried,
    names_are_looked_up_in_both_families,
    addresses_of_ipv6_are_connected_to,
    no_exit_code_depends_on_stderr,
    what_stdout_does_not_take_ends_with_74,
    a_reader_of_stderr_that_goes_away_does_not_end_the_work,
);

/// How often a program is stopped. Not each stop interrupts a poll; without the mending of it the first that does ends the
/// program.
const STOPS: usize = 50;

/// Waits until somebody connects.
fn accept(listener: &TcpListener) -> TcpStream {
    let listener = listener.try_clone().expect("a listener");
    let (accepted, wait) = mpsc::channel();
    std::thread::spawn(move || accepted.send(listener.accept()));
    let accepted = wait.recv_timeout(PATIENCE).expect("a connection in time");
    let stream = accepted.expect("a connection").0;
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("an address").port()
}

fn loopback() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

/// A Redis that takes whatever comes.
struct Redis {
    stream: BufReader<TcpStream>,
}

impl Redis {
    fn accept(listener: &TcpListener) -> Self {
        Self {
            stream: BufReader::new(accept(listener)),
        }
    }

    /// The next command's words; `None` when the program has gone.
    fn command(&mut self) -> Option<Vec<String>> {
        let count = self.length(b'*')?;
        let word = |_| {
            let mut bytes = vec![0; self.length(b'$').expect("a length") + 2];
            self.stream.read_exact(&mut bytes).expect("a word");
            String::from_utf8(bytes)
                .expect("text")
                .trim_end()
                .to_owned()
        };
        Some((0..count).map(word).collect())
    }

    fn length(&mut self, kind: u8) -> Option<usize> {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line in time");
        let digits = line.trim_end().strip_prefix(char::from(kind));
        digits.map(|digits| digits.parse().expect("a number"))
    }

    fn reply(&mut self, reply: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(reply.as_bytes()).expect("a reader");
    }

    /// Takes rows until the program has gone, and calls `before` with the number of each before it is answered.
    fn rows(&mut self, mut before: impl FnMut(usize)) -> Vec<String> {
        let mut rows = Vec::new();
        while let Some(command) = self.command() {
            before(rows.len());
            rows.push(command.last().expect("a row").clone());
            self.reply(":1\r\n");
        }
        rows
    }
}

/// A transaction of some thousand rows to a Redis at this port, in as many requests as it has events.
fn file_to_redis(port: u16) -> String {
    format!(
        "
delivery: {{batch: {{rows: 5}}}}
collectors:
  - {{id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: redis}}
dispatchers:
  - {{id: redis, type: RedisDispatcher, url: 'redis://127.0.0.1:{port}', mode: {{type: RPush, key: rows}}}}
"
    )
}

/// The command that reads this recorded binlog, and the directory that has its configuration.
fn reading(runtime: &Runtime, place: &Path, configuration: &str) -> Command {
    fs::write(place.join("wlf.yaml"), configuration).expect("written");
    let data = fixtures().join("large-transaction");
    let mut command = runtime.command(&[("/wlf", place), ("/data", &data)], &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    command
}

fn expected_rows(runtime: &Runtime) -> Vec<String> {
    let place = tempfile::tempdir().expect("a directory");
    let command = reading(runtime, place.path(), FILE_TO_STDOUT);
    let rows = Run::start(command).end().with_code(0).stdout;
    assert!(rows.len() > 1000, "{} rows", rows.len());
    rows
}

fn a_program_that_waits_survives_stops(runtime: &Runtime) {
    let expected = expected_rows(runtime);
    let place = tempfile::tempdir().expect("a directory");
    let listener = loopback();
    let configuration = file_to_redis(port(&listener));
    let run = Run::start(reading(runtime, place.path(), &configuration));
    let mut redis = Redis::accept(&listener);
    assert_eq!(redis.command(), Some(vec!["PING".to_owned()]));
    for _ in 0..STOPS {
        run.parks();
        run.stop_and_continue();
    }
    redis.reply("+PONG\r\n");
    assert_eq!(redis.rows(|_| ()), expected);
    run.end().with_code(0);
}

fn a_program_under_load_survives_stops(runtime: &Runtime) {
    let expected = expected_rows(runtime);
    let place = tempfile::tempdir().expect("a directory");
    let listener = loopback();
    let configuration = file_to_redis(port(&listener));
    let run = Run::start(reading(runtime, place.path(), &configuration));
    let mut redis = Redis::accept(&listener);
    assert_eq!(redis.command(), Some(vec!["PING".to_owned()]));
    redis.reply("+PONG\r\n");
    let every = expected.len() / STOPS;
    let rows = redis.rows(|number| {
        // In the middle of a request as well as at its end.
        if number % every == 0 {
            run.stop_and_continue();
        }
    });
    assert_eq!(rows, expected);
    run.end().with_code(0);
}

fn a_runtime_that_is_parked_is_woken(runtime: &Runtime) {
    // Its only timer is an hour away.
    let ended = Run::start(runtime.probe(&["wake"])).end().with_code(0);
    assert_eq!(ended.stdout, ["woken", "woken again"], "{}", ended.stderr);
}

/// The same pipeline towards each system, at an address of this form, and a word of the hint for it.
fn pipelines(host: &str, port: u16) -> [(String, &'static str); 3] {
    let bracketed = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let to = |dispatcher: &str| {
        format!(
            "
collectors:
  - {{id: binlog, type: BinlogFileCollector, paths: [/data/binlog.*], destination: out}}
dispatchers:
  - {{id: out, {dispatcher}}}
"
        )
    };
    [
        (
            to(&format!(
                "type: RedisDispatcher, url: 'redis://{bracketed}:{port}', mode: {{type: RPush, key: rows}}"
            )),
            "check host and port",
        ),
        (
            to(&format!(
                "type: KafkaDispatcher, bootstrap_brokers: ['{bracketed}:{port}']"
            )),
            "`bootstrap_brokers`",
        ),
        (
            format!(
                "
collectors:
  - {{id: mysql, type: BinlogCollector, host: '{host}', port: {port}, user: root, destination: out}}
dispatchers:
  - {{id: out, type: NullDispatcher}}
"
            ),
            "check host and port",
        ),
    ]
}

fn a_refused_connection_is_called_that(runtime: &Runtime) {
    for (configuration, hint) in pipelines("127.0.0.1", 1) {
        let place = tempfile::tempdir().expect("a directory");
        let run = Run::start(reading(runtime, place.path(), &configuration));
        run.says("connection refused");
        let said = run.kill().stderr;
        assert!(said.contains(hint), "no word on {hint}: {said}");
        assert!(!said.contains("os error"), "{said}");
    }
}

/// Answers each question of a resolver with these addresses, over TCP, as RFC 1035 has it.
fn name_server(addresses: &'static [Ipv4Addr]) -> String {
    let listener = loopback();
    let at = format!("127.0.0.1:{}", port(&listener));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut length = [0; 2];
            stream.read_exact(&mut length).expect("a length");
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut message).expect("a question");
            // An answer, without error, with as many records.
            message[2..4].copy_from_slice(&[0x81, 0x80]);
            message[6..8]
                .copy_from_slice(&u16::try_from(addresses.len()).expect("few").to_be_bytes());
            for address in addresses {
                // The name that was asked for; A, IN, an hour, four bytes.
                message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4]);
                message.extend(address.octets());
            }
            let length = u16::try_from(message.len()).expect("short").to_be_bytes();
            let answer = [&length[..], &message].concat();
            stream.write_all(&answer).expect("a reader");
        }
    });
    at
}

fn each_address_of_a_name_is_tried(runtime: &Runtime) {
    // Nobody is at the first.
    const ADDRESSES: &[Ipv4Addr] = &[Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
    let name_server = name_server(ADDRESSES);
    let listener = TcpListener::bind((ADDRESSES[1], 0)).expect("a port");
    for (configuration, _) in pipelines("two.test", port(&listener)) {
        let place = tempfile::tempdir().expect("a directory");
        let data = fixtures().join("large-transaction");
        fs::write(place.path().join("wlf.yaml"), &configuration).expect("written");
        let mut command = runtime.command(
            &[("/wlf", place.path()), ("/data", &data)],
            &[("DNS_SERVER", &name_server)],
        );
        command.args(["--config", "/wlf/wlf.yaml"]);
        let run = Run::start(command);
        accept(&listener);
        run.kill();
    }
}

/// By the host's own resolver, whose file of hosts can be another one for one process where mount namespaces are allowed.
fn names_are_looked_up_in_both_families(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let hosts = place.path().join("hosts");
    fs::write(
        &hosts,
        "127.0.0.2 two.test\n127.0.0.3 two.test\n::1 six.test\n",
    )
    .expect("written");
    let with_hosts = |command: Command| {
        let mut inside = Command::new("unshare");
        inside.args(["--map-root-user", "--mount", "sh", "-c"]);
        inside.arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"");
        inside.arg(&hosts).arg(command.get_program());
        inside.args(command.get_args());
        inside
    };
    let names = if with_hosts(Command::new("true"))
        .status()
        .is_ok_and(|status| status.success())
    {
        [
            ("two.test", "127.0.0.2:1 127.0.0.3:1"),
            ("six.test", "[::1]:1"),
        ]
    } else {
        println!("no mount namespaces here: only names are looked up that every machine has");
        [("localhost", ""), ("127.0.0.1", "127.0.0.1:1")]
    };
    for (name, expected) in names {
        let probe = runtime.probe(&["lookup", name]);
        let command = if name.ends_with(".test") {
            with_hosts(probe)
        } else {
            probe
        };
        let found = Run::start(command).end().with_code(0).stdout.join(" ");
        match expected {
            "" => assert!(
                found.contains("127.0.0.1:1") || found.contains("[::1]:1"),
                "{found}"
            ),
            _ => assert_eq!(found, expected, "{name}"),
        }
    }
    let unknown = Run::start(runtime.probe(&["lookup", "no.such.name.invalid"])).end();
    let said = unknown.with_code(0).stdout.join("\n");
    assert!(said.starts_with("NotFound: the name"), "{said}");
}

fn addresses_of_ipv6_are_connected_to(runtime: &Runtime) {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        // A machine without IPv6 says so, in words.
        let said = Run::start(runtime.probe(&["connect", "[::1]:1"]))
            .end()
            .stdout
            .join("\n");
        println!("no IPv6 here: {said}");
        assert!(!said.is_empty() && !said.contains("os error"), "{said}");
        return;
    };
    for (configuration, _) in pipelines("::1", port(&listener)) {
        let place = tempfile::tempdir().expect("a directory");
        let run = Run::start(reading(runtime, place.path(), &configuration));
        accept(&listener);
        run.kill();
    }
    let peer = format!("[::1]:{}", port(&listener));
    let ended = Run::start(runtime.probe(&["connect", &peer])).end();
    assert_eq!(ended.with_code(0).stdout, [format!("connected to {peer}")]);
}

/// The same command with a redirection of the shell's.
fn redirected(command: &Command, redirection: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("\"$@\" {redirection}"))
        .arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

/// Commands, each with the exit code that it has whatever becomes of stderr.
fn commands(runtime: &Runtime, place: &Path) -> Vec<(Command, i32)> {
    fs::write(
        place.join("broken.yaml"),
        "collectors: [{id: a, type: Nothing}]\n",
    )
    .expect("written");
    let with = |arguments: &[&str]| {
        let mut command = reading(runtime, place, FILE_TO_STDOUT);
        command.args(arguments);
        command
    };
    let of = |arguments: &[&str]| {
        let mut command = runtime.command(&[("/wlf", place)], &[]);
        command.args(arguments);
        command
    };
    vec![
        (with(&[]), 0),
        (with(&["--log-level=trace"]), 0),
        (of(&["check", "--config=/wlf/broken.yaml"]), 78),
        (of(&["--config=/wlf/broken.yaml"]), 78),
        (of(&["--config=/wlf/missing.yaml"]), 66),
        (of(&["--no-such-option"]), 64),
        (of(&["components", "Nothing"]), 64),
    ]
}

fn no_exit_code_depends_on_stderr(runtime: &Runtime) {
    let expected = expected_rows(runtime);
    let place = tempfile::tempdir().expect("a directory");
    for (command, code) in commands(runtime, place.path()) {
        for gone in ["2>/dev/full", "2>&-"] {
            let ended = Run::start(redirected(&command, gone)).end();
            assert_eq!(ended.status.code(), Some(code), "{command:?} {gone}");
            if code == 0 {
                assert_eq!(ended.stdout, expected, "{command:?} {gone}");
            }
        }
    }
}

fn what_stdout_does_not_take_ends_with_74(runtime: &Runtime) {
    let place = tempfile::tempdir().expect("a directory");
    let config = "--config=/wlf/wlf.yaml";
    for arguments in [
        &["check", config][..],
        &["graph", config],
        &["components"],
        &["components", "KafkaDispatcher"],
        &["schema"],
        &["--help"],
        &["--version"],
    ] {
        fs::write(place.path().join("wlf.yaml"), FILE_TO_STDOUT).expect("written");
        let mut command = runtime.command(&[("/wlf", place.path())], &[]);
        command.args(arguments);
        let ended = Run::start(redirected(&command, ">/dev/full")).end();
        assert_eq!(
            ended.status.code(),
            Some(74),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains("write to stdout"), "{}", ended.stderr);
        let ended = Run::start(redirected(&command, ">/dev/full 2>/dev/full")).end();
        assert_eq!(ended.status.code(), Some(74), "{arguments:?}");
    }
}

/// With SIGPIPE ignored, as service managers have it: else the signal ends WasmEdge before the program hears of it.
fn a_reader_of_stderr_that_goes_away_does_not_end_the_work(runtime: &Runtime) {
    let expected = expected_rows(runtime);
    let place = tempfile::tempdir().expect("a directory");
    for (command, code) in commands(runtime, place.path()) {
        let mut ignoring = Command::new("sh");
        ignoring.args(["-c", "trap '' PIPE; exec \"$@\"", "sh"]);
        ignoring.arg(command.get_program()).args(command.get_args());
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = Run::start_saying_to(ignoring, writer).end();
        assert_eq!(ended.status.code(), Some(code), "{command:?}");
        if code == 0 {
            assert_eq!(ended.stdout, expected, "{command:?}");
        }
    }
}
