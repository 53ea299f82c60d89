//! The example for NATS, with a listener of our own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::on_both;
use crate::program::{PATIENCE, Run, Runtime, given, root};

on_both!(the_example_publishes_every_row);

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

fn the_example_publishes_every_row(runtime: &Runtime) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let own = format!("shop{}", since.expect("a clock").as_nanos());
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
