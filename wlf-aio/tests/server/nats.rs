//! The example for NATS, and servers with TLS, with a listener of our own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::on_both;
use crate::program::{Ended, PATIENCE, Run, Runtime, given, root};

on_both!(
    the_example_publishes_every_row,
    rows_reach_nats_over_tls,
    what_is_wrong_between_us_and_nats_is_said_with_its_exit_code,
);

/// A connection that listens to a subject.
fn listen(server: &str, subject: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server).expect("NATS is up");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut stream = BufReader::new(stream);
    let hello = format!("CONNECT {{\"verbose\":false}}\r\nSUB {subject} 1\r\nPING\r\n");
    stream.get_mut().write_all(hello.as_bytes()).expect("sent");
    let mut line = String::new();
    while line.trim_end() != "PONG" {
        line.clear();
        assert!(stream.read_line(&mut line).expect("a line") > 0);
    }
    stream
}

/// The next message: its subject and what it says.
fn message(stream: &mut BufReader<TcpStream>) -> (String, String) {
    let mut line = String::new();
    while !line.starts_with("MSG ") {
        line.clear();
        assert!(stream.read_line(&mut line).expect("a line") > 0);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let length: usize = words[3].parse().expect("a length");
    let mut body = vec![0; length + 2];
    stream.read_exact(&mut body).expect("a message");
    body.truncate(length);
    (words[1].to_owned(), String::from_utf8(body).expect("text"))
}

/// A subject's beginning that no other test or run has.
fn unique() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("shop{}", since.expect("a clock").as_nanos())
}

fn the_example_publishes_every_row(runtime: &Runtime) {
    let own = unique();
    let server = given("WLF_TEST_NATS");
    let example = fs::read_to_string(root().join("examples/to-nats/config.yaml"));
    let example = example.expect("the example");
    let nats = example
        .replace("127.0.0.1:4222", &server)
        .replace("shop.%{/table}", &format!("{own}.%{{/table}}"));
    let (collectors, _) = example.split_once("dispatchers:").expect("the dispatchers");
    let stdout = format!("{collectors}dispatchers:\n  - {{id: nats, type: StdoutDispatcher}}\n");
    let run = |configuration: &str| {
        let place = tempfile::tempdir().expect("a directory");
        fs::write(place.path().join("wlf.yaml"), configuration).expect("written");
        let configs = root().join("configs");
        let directories = [("configs", configs.as_path()), ("/wlf", place.path())];
        let mut command = runtime.command(&directories, &[]);
        command.args(["--config", "/wlf/wlf.yaml"]);
        Run::start(command).end().with_code(0).stdout
    };
    let expected = run(&stdout);
    assert_eq!(expected.len(), 38);
    let mut listener = listen(&server, &format!("{own}.>"));
    run(&nats);
    for row in expected {
        let (subject, heard) = message(&mut listener);
        assert_eq!(heard, row);
        let row: serde_json::Value = serde_json::from_str(&row).expect("JSON");
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        assert_eq!(subject, format!("{own}.{}.{}", text("table"), text("type")));
    }
}

/// Runs the quick start's binlog into the server that the variable names, with this section `tls`.
fn into_nats(runtime: &Runtime, variable: &str, subject: &str, tls: &str) -> Ended {
    let server = given(variable);
    let place = tempfile::tempdir().expect("a directory");
    let configuration = format!(
        "collectors:
  - {{id: in, type: BinlogFileCollector, paths: [/data/binlog.*], destination: nats}}
dispatchers:
  - {{id: nats, type: NatsDispatcher, servers: [\"{server}\"], subject: {subject}.rows, tls: {tls}}}
"
    );
    fs::write(place.path().join("wlf.yaml"), configuration).expect("written");
    let (certs, data) = (given("WLF_TEST_CERTS"), root().join("configs/quickstart"));
    let directories = [
        ("/wlf", place.path()),
        ("/certs", Path::new(&certs)),
        ("/data", data.as_path()),
    ];
    let mut command = runtime.command(&directories, &[]);
    command.args(["--config", "/wlf/wlf.yaml"]);
    Run::start(command).end()
}

fn rows_reach_nats_over_tls(runtime: &Runtime) {
    let own = unique();
    // The listener goes without TLS, which this server takes too.
    let mut listener = listen(&given("WLF_TEST_NATS_TLS"), &format!("{own}.>"));
    let mutual = "{ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/client.key}";
    for (variable, tls) in [
        ("WLF_TEST_NATS_TLS", "{ca: /certs/ca.pem}"),
        ("WLF_TEST_NATS_MUTUAL", mutual),
    ] {
        let ended = into_nats(runtime, variable, &own, tls).with_code(0);
        let ready = "nats (TLS 1.3, ChaCha20-Poly1305)";
        assert!(ended.stderr.contains(ready), "{}", ended.stderr);
        assert!(ended.stderr.contains("38 delivered"), "{}", ended.stderr);
    }
    for _ in 0..38 {
        let (_, row) = message(&mut listener);
        let row: serde_json::Value = serde_json::from_str(&row).expect("JSON");
        assert!(row["data"].is_object(), "{row}");
    }
}

fn what_is_wrong_between_us_and_nats_is_said_with_its_exit_code(runtime: &Runtime) {
    let mutual = "WLF_TEST_NATS_MUTUAL";
    for (variable, tls, code, text) in [
        (
            mutual,
            "{ca: /certs/foreign-ca.pem}",
            78,
            "is signed by an unknown authority",
        ),
        (
            mutual,
            "{ca: /certs/ca.pem, server_name: db.example}",
            78,
            "is not for `db.example` but for `localhost`, `127.0.0.1`, `",
        ),
        (
            mutual,
            "{ca: /certs/ca.pem}",
            77,
            "wants a certificate of ours",
        ),
        (mutual, "{}", 78, "demands TLS, and is spoken to without"),
        (
            "WLF_TEST_NATS",
            "{ca: /certs/ca.pem}",
            78,
            "does not offer TLS, and `tls` demands it",
        ),
    ] {
        let ended = into_nats(runtime, variable, "never", tls).with_code(code);
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains("help:"), "{}", ended.stderr);
    }
}
