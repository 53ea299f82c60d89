//! MySQL and MariaDB over TLS, and by every method of login.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

use mysql::prelude::Queryable;

use crate::certificate;
use crate::on_both;
use crate::program::{Ended, Run, Runtime, given};
use crate::servers::{disturbing, execute};

on_both!(
    every_mode_has_its_answer_to_every_certificate,
    every_method_logs_in,
    a_long_stream_is_the_same_over_tls,
);

const SERVERS: [&str; 3] = [
    "WLF_TEST_MYSQL",
    "WLF_TEST_MARIADB_1011",
    "WLF_TEST_MARIADB_118",
];

const MODES: [&str; 5] = [
    "{mode: disabled}",
    "{mode: preferred}",
    "{mode: required}",
    "{mode: verify_ca, ca: /certs/ca.pem}",
    "{mode: verify_identity, ca: /certs/ca.pem}",
];

/// One at a time: the servers' certificates are exchanged.
static TURN: Mutex<()> = Mutex::new(());

fn certs() -> PathBuf {
    given("WLF_TEST_CERTS").into()
}

/// A server, and the program that reads it.
struct Server<'a> {
    runtime: &'a Runtime,
    variable: &'static str,
    admin: mysql::Conn,
    files: [String; 3],
    address: String,
}

impl<'a> Server<'a> {
    fn new(runtime: &'a Runtime, variable: &'static str) -> Self {
        let url = given(variable);
        let options = mysql::Opts::from_url(&url).expect("an address");
        let mut admin = mysql::Conn::new(options).expect("a server");
        let files: Option<(String, String, String)> = admin
            .query_first("SELECT @@GLOBAL.ssl_cert, @@GLOBAL.ssl_key, @@GLOBAL.ssl_ca")
            .expect("files");
        let mut server = Self {
            runtime,
            variable,
            admin,
            files: files.expect("files").into(),
            address: url.rsplit_once('@').expect("an address").1.to_owned(),
        };
        server.show("server");
        server
    }

    fn is_mysql(&self) -> bool {
        self.variable == "WLF_TEST_MYSQL"
    }

    fn show(&mut self, name: &str) {
        let from = certificate::put(name, &certs(), &self.files, self.is_mysql());
        let reload = match self.is_mysql() {
            true => "ALTER INSTANCE RELOAD TLS",
            false => "FLUSH SSL",
        };
        execute(&mut self.admin, &[reload]);
        let left = from.duration_since(SystemTime::now());
        std::thread::sleep(left.unwrap_or_default());
    }

    /// Reads with these options up to the server's end, into the file `out.jsonl` of the directory.
    fn run(&self, place: &std::path::Path, options: &str) -> Ended {
        let (host, port) = self.address.split_once(':').expect("a port");
        let configuration = format!(
            "name: tls
state: {{directory: /wlf/state}}
collectors:
  - {{id: in, type: BinlogCollector, host: {host}, port: {port}, {options}, stop_at_end: true, destination: out}}
dispatchers:
  - {{id: out, type: FileDispatcher, path: /wlf/out.jsonl}}
"
        );
        fs::write(place.join("wlf.yaml"), configuration).expect("written");
        let directories = [("/wlf", place), ("/certs", &*certs())];
        let mut command = self.runtime.command(&directories, &[]);
        command.args(["--config", "/wlf/wlf.yaml"]);
        Run::start(command).end()
    }

    /// How the connection is secured, or what the program said at its end, with its code.
    fn outcome(&self, options: &str) -> String {
        let place = tempfile::tempdir().expect("a directory");
        let ended = self.run(place.path(), options);
        let log = &ended.stderr;
        if ended.status.code() == Some(0) {
            let line = log.lines().find(|line| line.contains("reads the binlog"));
            let line = line.unwrap_or_else(|| panic!("{log}"));
            let (_, tls) = line.split_once("tls=").expect("how it is secured");
            let session = tls.trim_matches('"');
            let is_in_ready_line = log.contains(&format!(" ({session}) -> out"));
            assert_eq!(is_in_ready_line, session != "none", "{log}");
            return tls.to_owned();
        }
        assert!(!log.contains("not this one"), "{log}");
        format!("{:?} {}", ended.status.code(), log.replace('\n', " "))
    }
}

const SECURED: &str = "TLS 1.3, ChaCha20-Poly1305";

fn every_mode_has_its_answer_to_every_certificate(runtime: &Runtime) {
    let _peace = disturbing();
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    let unknown = "Some(78) signed by an unknown authority";
    let other = "Some(78) is not for `127.0.0.1` but for `db.example`";
    let nameless = "Some(78) is for no name at all";
    let expired = "Some(69) has expired on";
    let without = "Some(78) does not offer TLS";
    // What `verify_ca` and `verify_identity` have to say.
    let certificates = [
        ("server", SECURED, SECURED),
        ("foreign", unknown, unknown),
        ("wrong-name", SECURED, other),
        ("nameless", SECURED, nameless),
        ("expired", expired, expired),
    ];
    for variable in SERVERS {
        let mut server = Server::new(runtime, variable);
        let mut cases = certificates
            .map(|(name, ca, identity)| (name, ["none", SECURED, SECURED, ca, identity]))
            .to_vec();
        if server.is_mysql() {
            cases.push(("nothing", ["none", "none", without, without, without]));
        }
        for (certificate, answers) in cases {
            if certificate == "nothing" {
                fs::write(&server.files[0], "no certificate").expect("written");
                let reload = "ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR";
                execute(&mut server.admin, &[reload]);
            } else {
                server.show(certificate);
            }
            for (mode, answer) in MODES.iter().zip(answers) {
                let options = format!("user: root, password: password, tls: {mode}");
                let said = server.outcome(&options);
                // The code, and then the words.
                let (code, words) = match answer.strip_prefix("Some(") {
                    Some(rest) => rest.split_once(") ").expect("words"),
                    None => ("", answer),
                };
                assert!(
                    said.contains(words)
                        && (code.is_empty() || said.starts_with(&format!("Some({code})"))),
                    "{variable} {certificate} {mode}: {said}"
                );
                assert!(code.is_empty() || said.contains("help:"), "{said}");
            }
        }
        server.show("server");
    }
}

fn every_method_logs_in(runtime: &Runtime) {
    let _peace = disturbing();
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    let methods = [
        ("WLF_TEST_MYSQL", "WITH caching_sha2_password BY 'a sécret'"),
        ("WLF_TEST_MYSQL", "WITH sha256_password BY 'a sécret'"),
        ("WLF_TEST_MYSQL", "BY 'a sécret' REQUIRE X509"),
        (
            "WLF_TEST_MARIADB_1011",
            "VIA ed25519 USING PASSWORD('a sécret')",
        ),
        (
            "WLF_TEST_MARIADB_118",
            "VIA ed25519 USING PASSWORD('a sécret')",
        ),
        (
            "WLF_TEST_MARIADB_118",
            "VIA parsec USING PASSWORD('a sécret')",
        ),
        ("WLF_TEST_MARIADB_118", "BY 'a sécret' REQUIRE X509"),
    ];
    for (variable, method) in methods {
        let mut server = Server::new(runtime, variable);
        for library in ["auth_ed25519", "auth_parsec"] {
            // Installed already, or not one of this server's.
            let _ = server
                .admin
                .query_drop(format!("INSTALL SONAME '{library}'"));
        }
        let grant = match server.is_mysql() {
            true => "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO wlf_method",
            false => "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO wlf_method",
        };
        execute(
            &mut server.admin,
            &[
                "DROP USER IF EXISTS wlf_method",
                &format!("CREATE USER wlf_method IDENTIFIED {method}"),
                grant,
                "GRANT SELECT ON *.* TO wlf_method",
            ],
        );
        let certificate = "{mode: verify_identity, ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/client.key}";
        let wants_certificate = method.contains("X509");
        for tls in [MODES[0], MODES[4], certificate] {
            let said = server.outcome(&format!(
                "user: wlf_method, password: 'a sécret', tls: {tls}"
            ));
            assert!(!said.contains("sécret"), "{said}");
            if wants_certificate && tls != certificate {
                assert!(
                    said.starts_with("Some(77)"),
                    "{variable} {method} {tls}: {said}"
                );
                assert!(said.contains("`tls.cert` and `tls.key`"), "{said}");
            } else {
                let expected = if tls == MODES[0] { "none" } else { SECURED };
                assert!(said.contains(expected), "{variable} {method} {tls}: {said}");
            }
        }
        execute(&mut server.admin, &["DROP USER wlf_method"]);
    }
}

fn a_long_stream_is_the_same_over_tls(runtime: &Runtime) {
    let _peace = disturbing();
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    for variable in SERVERS {
        let mut server = Server::new(runtime, variable);
        let status = match server.is_mysql() {
            true => "SHOW BINARY LOG STATUS",
            false => "SHOW MASTER STATUS",
        };
        let begin: mysql::Row = server
            .admin
            .query_first(status)
            .expect("a status")
            .expect("a binlog");
        let (file, position): (String, u64) = (
            begin.get(0).expect("a file"),
            begin.get(1).expect("a position"),
        );
        execute(
            &mut server.admin,
            &[
                "DROP DATABASE IF EXISTS wlf_tls",
                "CREATE DATABASE wlf_tls",
                "CREATE TABLE wlf_tls.t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(100), c LONGBLOB)",
                "INSERT INTO wlf_tls.t (a, b, c) VALUES (1, 'é', REPEAT('x', 3000000))",
                "INSERT INTO wlf_tls.t (a, b) VALUES (2, UUID())",
            ],
        );
        for _ in 0..15 {
            execute(
                &mut server.admin,
                &["INSERT INTO wlf_tls.t (a, b) SELECT a + 1, UUID() FROM wlf_tls.t WHERE id > 1"],
            );
        }
        execute(
            &mut server.admin,
            &[
                "UPDATE wlf_tls.t SET b = CONCAT(b, a) WHERE id % 3 = 0",
                "DROP DATABASE wlf_tls",
            ],
        );
        let mut read = MODES.map(|tls| {
            let place = tempfile::tempdir().expect("a directory");
            let options = format!(
                "user: root, password: password, tls: {tls}, start: {{file: {file}, position: {position}}}"
            );
            server.run(place.path(), &options).with_code(0);
            fs::read(place.path().join("out.jsonl")).expect("rows")
        });
        let lines = read[0].iter().filter(|byte| **byte == b'\n').count();
        assert!(lines > 32_768, "{variable}: {lines}");
        let plain = std::mem::take(&mut read[0]);
        for (mode, read) in MODES.iter().zip(&read).skip(1) {
            assert!(*read == plain, "{variable}: {mode} gives other rows");
        }
    }
}
