//! Kafka's listeners with TLS and with logins, as the module reaches them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use tempfile::TempDir;

use crate::on_both;
use crate::program::{Ended, Run, Runtime, given, root};
use crate::servers::{Topic, database, execute, mysql_address, undisturbed};

on_both!(
    rows_arrive_over_tls_and_after_every_login,
    rows_arrive_after_a_login_by_token,
    a_session_that_ends_is_begun_again,
    what_is_refused_ends_with_its_code_and_what_to_do,
    a_port_that_is_another_than_was_thought_is_tried_again_with_what_to_do,
);

/// The rows of the recorded binlog.
const ROWS: usize = 38;

/// A topic's name that no other run has.
fn topic(runtime: &Runtime) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.expect("a clock").as_nanos();
    format!("secured.{}.{since}", runtime.version)
}

/// A run, and the directory that it is configured in.
struct Configured {
    run: Run,
    _place: TempDir,
}

const RECORDED: &str =
    "{id: rows, type: BinlogFileCollector, paths: [\"/quickstart/binlog.*\"], destination: kafka}";

/// Rows to a topic at a listener.
fn start(
    runtime: &Runtime,
    collector: &str,
    topic: &str,
    listener: &str,
    options: &str,
) -> Configured {
    let place = tempfile::tempdir().expect("a directory");
    let configuration = format!(
        "
collectors:
  - {collector}
dispatchers:
  - id: kafka
    type: KafkaDispatcher
    bootstrap_brokers: [\"{}\"]
    topic: {topic}
{options}",
        given(listener)
    );
    std::fs::write(place.path().join("wlf.yaml"), configuration).expect("written");
    let certs = given("WLF_TEST_CERTS");
    let directories = [
        ("/wlf", place.path()),
        ("/certs", Path::new(&certs)),
        ("/quickstart", &root().join("configs/quickstart")),
    ];
    let password = given("WLF_TEST_KAFKA_PASSWORD");
    let user = given("WLF_TEST_KAFKA_USER");
    let environment = [("KAFKA_PASSWORD", &*password), ("KAFKA_USER", &*user)];
    let mut command = runtime.command(&directories, &environment);
    command.args(["--config", "/wlf/wlf.yaml"]);
    Configured {
        run: Run::start(command),
        _place: place,
    }
}

/// The recorded binlog to a topic at a listener, up to its end.
fn write(runtime: &Runtime, topic: &str, listener: &str, options: &str) -> Ended {
    let Configured { run, _place } = start(runtime, RECORDED, topic, listener, options);
    run.end()
}

fn sasl(mechanism: &str) -> String {
    format!(
        "    sasl: {{mechanism: {mechanism}, username: \"${{KAFKA_USER}}\", password: \"${{KAFKA_PASSWORD}}\"}}\n"
    )
}

const VERIFIED: &str = "    tls: {mode: verify_identity, ca: /certs/ca.pem}\n";

fn rows_arrive_over_tls_and_after_every_login(runtime: &Runtime) {
    for (listener, options) in [
        ("WLF_TEST_KAFKA_TLS", VERIFIED.to_owned()),
        (
            "WLF_TEST_KAFKA_TLS",
            "    tls: {mode: required}\n".to_owned(),
        ),
        (
            "WLF_TEST_KAFKA_MUTUAL",
            "    tls: {ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/client.key}\n"
                .to_owned(),
        ),
        ("WLF_TEST_KAFKA_SASL", sasl("PLAIN")),
        ("WLF_TEST_KAFKA_SASL", sasl("SCRAM-SHA-256")),
        ("WLF_TEST_KAFKA_SASL", sasl("SCRAM-SHA-512")),
        (
            "WLF_TEST_KAFKA_SASL_TLS",
            VERIFIED.to_owned() + &sasl("PLAIN"),
        ),
        (
            "WLF_TEST_KAFKA_SASL_TLS",
            VERIFIED.to_owned() + &sasl("SCRAM-SHA-256"),
        ),
        (
            "WLF_TEST_KAFKA_SASL_TLS",
            VERIFIED.to_owned() + &sasl("SCRAM-SHA-512"),
        ),
    ] {
        let name = topic(runtime);
        let ended = write(runtime, &name, listener, &options);
        assert_eq!(
            ended.status.code(),
            Some(0),
            "{listener} {options}{}",
            ended.stderr
        );
        let read = Topic::new(&name).read(ROWS);
        assert_eq!(read.len(), ROWS, "{listener} {options}");
    }
}

/// Grants tokens that last a minute to whoever asks, and counts them; says where.
fn endpoint() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/token",
        listener.local_addr().expect("an address")
    );
    let granted = Arc::new(AtomicU32::new(0));
    let counted = granted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let head = stream.by_ref().lines().map(|line| line.expect("a line"));
            let head = head.take_while(|line| !line.is_empty());
            let length = head.filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<u64>().expect("a length"))
            });
            let length = length.last().expect("a length");
            let mut form = String::new();
            let read = stream.by_ref().take(length).read_to_string(&mut form);
            read.expect("a form");
            assert_eq!(form, "grant_type=client_credentials");
            counted.fetch_add(1, Relaxed);
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.expect("a clock").as_secs();
            let claims = json!({"sub": "wlf", "iat": now, "exp": now + 60}).to_string();
            let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            let token = format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims));
            let said = json!({"access_token": token, "expires_in": 60}).to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
                said.len()
            );
            stream
                .get_mut()
                .write_all(answer.as_bytes())
                .expect("an answer");
        }
    });
    (url, granted)
}

fn rows_arrive_after_a_login_by_token(runtime: &Runtime) {
    let (url, granted) = endpoint();
    let sasl = format!(
        "    sasl: {{mechanism: OAUTHBEARER, token_endpoint: \"{url}\", client_id: wlf, client_secret: \"${{KAFKA_PASSWORD}}\"}}\n"
    );
    for (number, (listener, options)) in (1..).zip([
        ("WLF_TEST_KAFKA_SASL", sasl.clone()),
        ("WLF_TEST_KAFKA_SASL_TLS", VERIFIED.to_owned() + &sasl),
    ]) {
        let name = topic(runtime);
        let ended = write(runtime, &name, listener, &options);
        assert_eq!(ended.status.code(), Some(0), "{listener}: {}", ended.stderr);
        assert_eq!(Topic::new(&name).read(ROWS).len(), ROWS, "{listener}");
        // Some connections, one token.
        assert_eq!(granted.load(Relaxed), number);
    }
}

/// The listener ends connections that were not logged in again for two seconds.
fn a_session_that_ends_is_begun_again(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = topic(runtime);
    let table = format!("brief_{}", runtime.version.replace('.', "_"));
    let mut mysql = database(&table);
    execute(&mut mysql, &["CREATE TABLE t (id INT PRIMARY KEY)"]);
    let address = mysql_address();
    let collector = format!(
        "{{id: rows, type: BinlogCollector, host: {}, port: {}, user: root, password: password, destination: own}}
transformers:
  - {{id: own, type: BinlogFilter, rules: [{{exclude: {{database: '*'}}}}, {{include: {{database: {table}}}}}], destination: kafka}}",
        address.host, address.port
    );
    let options = sasl("SCRAM-SHA-256");
    let started = start(runtime, &collector, &name, "WLF_TEST_KAFKA_BRIEF", &options);
    let Configured { run, _place } = started;
    let run = run.ready();
    for id in 0..25 {
        execute(&mut mysql, &[&format!("INSERT INTO t VALUES ({id})")]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(Topic::new(&name).read(25).len(), 25);
    let ended = run.kill();
    assert!(!ended.stderr.contains("trying again"), "{}", ended.stderr);
}

#[track_caller]
fn says(ended: &Ended, text: &str) {
    assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
}

fn what_is_refused_ends_with_its_code_and_what_to_do(runtime: &Runtime) {
    let tls = |keys: &str| format!("    tls: {{{keys}}}\n");
    let wrong = sasl("SCRAM-SHA-512").replace("\"${KAFKA_PASSWORD}\"", "hunter2");
    for (listener, options, code, message, hint) in [
        (
            "WLF_TEST_KAFKA_TLS",
            tls("ca: /certs/foreign-ca.pem"),
            78,
            "is signed by an unknown authority",
            "as `tls.ca`",
        ),
        (
            "WLF_TEST_KAFKA_TLS",
            tls("ca: /certs/ca.pem, server_name: db.example"),
            78,
            "is not for `db.example` but for `localhost`",
            "`tls.server_name`",
        ),
        (
            "WLF_TEST_KAFKA_EXPIRED",
            tls("ca: /certs/ca.pem"),
            69,
            "has expired on 2021-01-01",
            "the server needs a new certificate",
        ),
        (
            "WLF_TEST_KAFKA_MUTUAL",
            tls("ca: /certs/ca.pem"),
            77,
            "wants a certificate of ours",
            "`tls.cert`",
        ),
        (
            "WLF_TEST_KAFKA_SASL",
            wrong.clone(),
            77,
            "refuses the login of `wlf` by SCRAM-SHA-512",
            "check `sasl.username` and `sasl.password`",
        ),
        (
            "WLF_TEST_KAFKA_SASL_TLS",
            VERIFIED.to_owned() + &wrong,
            77,
            "refuses the login of `wlf` by SCRAM-SHA-512",
            "check `sasl.username` and `sasl.password`",
        ),
        (
            "WLF_TEST_KAFKA_BRIEF",
            sasl("SCRAM-SHA-512"),
            77,
            "does not offer the login SCRAM-SHA-512; it offers ",
            "set `sasl.mechanism` to one that it offers",
        ),
        (
            "WLF_TEST_KAFKA",
            sasl("PLAIN"),
            77,
            "has no login at this port",
            "leave `sasl` out",
        ),
        (
            "WLF_TEST_KAFKA_SASL",
            "    sasl: {mechanism: GSSAPI}\n".to_owned(),
            78,
            "GSSAPI",
            "SCRAM-SHA-512",
        ),
        (
            "WLF_TEST_KAFKA_SASL",
            "    sasl: {mechanism: PLAIN, username: \"${KAFKA_USER}\"}\n".to_owned(),
            78,
            "`PLAIN` needs `password`",
            "wlf.yaml:9",
        ),
    ] {
        let ended = write(runtime, &topic(runtime), listener, &options);
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{listener} {options}{}",
            ended.stderr
        );
        says(&ended, message);
        says(&ended, hint);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
        let password = given("WLF_TEST_KAFKA_PASSWORD");
        assert!(!ended.stderr.contains(&password), "{}", ended.stderr);
    }
}

fn a_port_that_is_another_than_was_thought_is_tried_again_with_what_to_do(runtime: &Runtime) {
    for (listener, options, message, hint) in [
        (
            "WLF_TEST_KAFKA",
            "    tls: {mode: required}\n",
            "closed the connection when TLS was to begin",
            "the port may be one without TLS",
        ),
        (
            "WLF_TEST_KAFKA_TLS",
            "",
            "ended the connection at once",
            "the port may be one with TLS",
        ),
        (
            "WLF_TEST_KAFKA_SASL",
            "",
            "ended the connection at the first request",
            "a listener with a login does so",
        ),
    ] {
        let name = topic(runtime);
        let Configured { run, _place } = start(runtime, RECORDED, &name, listener, options);
        run.says(message);
        run.says(hint);
        run.kill();
    }
}
