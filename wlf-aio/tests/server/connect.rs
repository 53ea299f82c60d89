//! `check --connect`: what it finds on servers, and that it leaves nothing there.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use mysql::prelude::Queryable;
use redis::Commands;

use crate::on_both;
use crate::program::{Ended, Run, Runtime, given};
use crate::servers::{Topic, disturbing, execute, redis};

on_both!(
    everything_that_is_reached_is_told_and_nothing_is_written,
    all_that_is_wrong_is_told_at_once_with_its_place_and_its_exit_code,
);

/// No server knows it, and nobody is told of it.
const WRONG: &str = "s3cret-and-wrong";

/// A server of MySQL's kind: its address and somebody who may do everything.
struct Server {
    host: String,
    port: String,
    admin: mysql::Conn,
    is_mysql: bool,
}

impl Server {
    fn new(variable: &str) -> Self {
        let url = given(variable);
        let options = mysql::Opts::from_url(&url).expect("an address");
        let admin = mysql::Conn::new(options).expect("a server");
        let address = url.rsplit_once('@').expect("a user").1;
        let (host, port) = address
            .trim_end_matches('/')
            .split_once(':')
            .expect("a port");
        Self {
            host: host.to_owned(),
            port: port.to_owned(),
            admin,
            is_mysql: variable == "WLF_TEST_MYSQL",
        }
    }

    fn collector(&self, id: &str, options: &str) -> String {
        let Self { host, port, .. } = self;
        format!(
            "{{id: {id}, type: BinlogCollector, host: {host}, port: {port}, {options}, destination: all}}"
        )
    }

    /// The end of the binlog, which moves with everything that is written, and who else is connected.
    fn end(&mut self) -> (String, u64) {
        let statement = match self.is_mysql {
            true => "SHOW BINARY LOG STATUS",
            false => "SHOW MASTER STATUS",
        };
        let status: Option<mysql::Row> = self.admin.query_first(statement).expect("a status");
        let status = status.expect("a status");
        (
            status.get(0).expect("a file"),
            status.get(1).expect("a position"),
        )
    }

    /// Makes a user who logs in with `password`.
    fn user(&mut self, name: &str, grants: Option<&str>) {
        execute(
            &mut self.admin,
            &[
                &format!("DROP USER IF EXISTS {name}"),
                &format!("CREATE USER {name} IDENTIFIED BY 'password'"),
            ],
        );
        if let Some(grants) = grants {
            execute(
                &mut self.admin,
                &[&format!("GRANT {grants} ON *.* TO {name}")],
            );
        }
    }
}

fn configuration(name: &str, collectors: &[String], dispatchers: &[String]) -> String {
    let entries = |entries: &[String]| -> String {
        entries
            .iter()
            .map(|entry| format!("  - {entry}\n"))
            .collect()
    };
    let id = |entry: &String| entry["{id: ".len()..].split(',').next().map(str::to_owned);
    let ids: Vec<String> = dispatchers.iter().filter_map(id).collect();
    format!(
        "name: {name}
state: {{directory: /wlf/state}}
collectors:
{}transformers:
  - {{id: all, type: EventReplicator, destinations: [{}]}}
dispatchers:
{}",
        entries(collectors),
        ids.join(", "),
        entries(dispatchers)
    )
}

fn connect(runtime: &Runtime, place: &Path, configuration: &str) -> Ended {
    fs::write(place.join("wlf.yaml"), configuration).expect("written");
    let certs = given("WLF_TEST_CERTS");
    let directories = [("/wlf", place), ("/certs", Path::new(&certs))];
    let mut command = runtime.command(&directories, &[]);
    command.args(["check", "--connect", "--config", "/wlf/wlf.yaml"]);
    let ended = Run::start(command).end();
    let left: Vec<_> = fs::read_dir(place).expect("a directory").collect();
    assert_eq!(left.len(), 1, "only the configuration: {left:?}");
    ended
}

fn everything_that_is_reached_is_told_and_nothing_is_written(runtime: &Runtime) {
    let _peace = disturbing();
    let name = format!("wlf_connect_{}", runtime.version.replace('.', "_"));
    let mut mysql = Server::new("WLF_TEST_MYSQL");
    let mut maria = Server::new("WLF_TEST_MARIADB_1011");
    let missing = Topic::removed(&name);
    let mut store = redis();
    let _: () = store.del(&name).expect("deleted");
    let ca = "tls: {ca: /certs/ca.pem}";
    let both = "tls: {ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/client.key}";
    let list = format!("type: RedisDispatcher, mode: {{type: RPush, key: {name}}}");
    let login = format!(
        "sasl: {{mechanism: SCRAM-SHA-256, username: {}, password: {}}}",
        given("WLF_TEST_KAFKA_USER"),
        given("WLF_TEST_KAFKA_PASSWORD")
    );
    let kafka = |id: &str, variable: &str, options: &str| {
        let broker = given(variable);
        format!("{{id: {id}, type: KafkaDispatcher, bootstrap_brokers: ['{broker}'], {options}}}")
    };
    let file = configuration(
        &name,
        &[
            mysql.collector("mysql", "user: root, password: password"),
            mysql.collector(
                "mysql_tls",
                "user: root, password: password, tls: {mode: required}",
            ),
            maria.collector("maria", "user: root, password: password"),
        ],
        &[
            kafka("kafka", "WLF_TEST_KAFKA", &format!("topic: {name}")),
            kafka("kafka_tls", "WLF_TEST_KAFKA_TLS", ca),
            kafka("kafka_login", "WLF_TEST_KAFKA_SASL", &login),
            format!("{{id: redis, {list}, url: '{}'}}", given("WLF_TEST_REDIS")),
            format!(
                "{{id: redis_tls, {list}, url: '{}', {both}}}",
                given("WLF_TEST_REDIS_TLS")
            ),
            format!(
                "{{id: nats, type: NatsDispatcher, servers: ['{}'], subject: {name}}}",
                given("WLF_TEST_NATS")
            ),
            "{id: file, type: FileDispatcher, path: /wlf/rows/a.jsonl}".to_owned(),
            "{id: out, type: StdoutDispatcher}".to_owned(),
        ],
    );
    let before = (mysql.end(), maria.end());
    let place = tempfile::tempdir().expect("a directory");
    let ended = connect(runtime, place.path(), &file).with_code(0);
    assert_eq!(ended.stderr, "");
    let expected = [
        ("/wlf/wlf.yaml: nothing is wrong, 12 components", ""),
        ("state: /wlf/state can be made", ""),
        ("mysql (BinlogCollector): MySQL ", "begins at {\"file\":"),
        (
            "mysql_tls (BinlogCollector): MySQL ",
            "TLS 1.3, ChaCha20-Poly1305; begins at",
        ),
        (
            "maria (BinlogCollector): MariaDB 10.11.",
            "begins at {\"file\":",
        ),
        (
            "kafka (KafkaDispatcher): Kafka cluster ",
            "there is no topic `wlf_connect_",
        ),
        (
            "kafka_tls (KafkaDispatcher): Kafka cluster ",
            "; TLS 1.3, ChaCha20-Poly1305",
        ),
        (
            "kafka_login (KafkaDispatcher): Kafka cluster ",
            " of 1 broker, by ",
        ),
        ("redis (RedisDispatcher): Redis ", " at "),
        (
            "redis_tls (RedisDispatcher): Redis ",
            "; TLS 1.3, ChaCha20-Poly1305",
        ),
        ("nats (NatsDispatcher): NATS ", " at "),
        ("file (FileDispatcher): /wlf/rows can be made", ""),
        ("out (StdoutDispatcher): nothing to connect to", ""),
    ];
    assert_eq!(ended.stdout.len(), expected.len(), "{:#?}", ended.stdout);
    for (line, (begin, part)) in ended.stdout.iter().zip(expected) {
        assert!(
            line.starts_with(begin) && line.contains(part),
            "{begin}…{part}: {line}"
        );
        assert!(
            !line.contains("password") && !line.contains("s3cret"),
            "{line}"
        );
    }
    assert_eq!((mysql.end(), maria.end()), before);
    assert!(!missing.exists());
    assert!(!store.exists::<_, bool>(&name).expect("an answer"));
}

/// An entry with which something is wrong, and what is said of it.
struct Wrong {
    id: &'static str,
    entry: String,
    code: i32,
    said: &'static str,
    help: &'static str,
}

fn all_that_is_wrong_is_told_at_once_with_its_place_and_its_exit_code(runtime: &Runtime) {
    let _peace = disturbing();
    let name = format!("wlf_wrong_{}", runtime.version.replace('.', "_"));
    let mut mysql = Server::new("WLF_TEST_MYSQL");
    let mut maria = Server::new("WLF_TEST_MARIADB_1011");
    let nobody = format!("{name}_nobody");
    let blind = format!("{name}_blind");
    for server in [&mut mysql, &mut maria] {
        server.user(&nobody, None);
    }
    mysql.user(&blind, Some("REPLICATION SLAVE, REPLICATION CLIENT"));
    maria.user(&blind, Some("REPLICATION SLAVE, BINLOG MONITOR"));
    let missing = Topic::removed(&name);
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = port.local_addr().expect("its address").port();
    drop(port);
    let own = |id: &str, address: String| {
        format!(
            "{{id: {id}, type: BinlogCollector, {address}, user: root, password: password, destination: all}}"
        )
    };
    let kafka = |id: &str, broker: &str, options: &str| {
        format!("{{id: {id}, type: KafkaDispatcher, bootstrap_brokers: ['{broker}']{options}}}")
    };
    let list = "type: RedisDispatcher, mode: {type: RPush, key: never}";
    let wrong_user = format!("user: root, password: {WRONG}");
    let foreign = "tls: {mode: verify_ca, ca: /certs/foreign-ca.pem}";
    let nobodys = format!("user: {nobody}, password: password");
    let blinds = format!("user: {blind}, password: password");
    let wrong = |id, entry, code, said, help| Wrong {
        id,
        entry,
        code,
        said,
        help,
    };
    let collectors = [
        wrong(
            "m_pass",
            mysql.collector("m_pass", &wrong_user),
            77,
            "Access denied",
            "check `user` and `password`",
        ),
        wrong(
            "a_pass",
            maria.collector("a_pass", &wrong_user),
            77,
            "Access denied",
            "check `user` and `password`",
        ),
        wrong(
            "m_closed",
            own("m_closed", format!("host: 127.0.0.1, port: {closed}")),
            69,
            "connection refused",
            "check host and port",
        ),
        wrong(
            "m_name",
            own("m_name", "host: no-such.host.invalid".to_owned()),
            69,
            "no-such.host.invalid",
            "check the host's name",
        ),
        wrong(
            "m_ca",
            mysql.collector(
                "m_ca",
                &format!("user: root, password: password, {foreign}"),
            ),
            78,
            "signed by an unknown authority",
            "`tls.ca`",
        ),
        wrong(
            "m_rights",
            mysql.collector("m_rights", &nobodys),
            77,
            "REPLICATION SLAVE",
            "GRANT",
        ),
        wrong(
            "a_rights",
            maria.collector("a_rights", &nobodys),
            77,
            "REPLICATION SLAVE",
            "GRANT",
        ),
        wrong(
            "m_blind",
            mysql.collector("m_blind", &blinds),
            77,
            "lacks SELECT",
            "GRANT SELECT",
        ),
        wrong(
            "a_blind",
            maria.collector("a_blind", &blinds),
            77,
            "lacks SELECT",
            "GRANT SELECT",
        ),
    ];
    let is_missing = format!(", topic: {name}, create_topics: false");
    let login = format!(
        ", sasl: {{mechanism: SCRAM-SHA-256, username: {}, password: {WRONG}}}",
        given("WLF_TEST_KAFKA_USER")
    );
    let closed = format!("127.0.0.1:{closed}");
    let [broker, secured, asking] =
        ["", "_TLS", "_SASL"].map(|kind| given(&format!("WLF_TEST_KAFKA{kind}")));
    let redis = given("WLF_TEST_REDIS");
    let redis = redis.trim_start_matches("redis://").trim_end_matches('/');
    let redis_tls = given("WLF_TEST_REDIS_TLS");
    let dispatchers = [
        wrong("k_topic", kafka("k_topic", &broker, &is_missing), 69, "does not exist", "create the topic"),
        wrong("k_ddl", kafka("k_ddl", &broker, &is_missing.replace("topic:", "ddl_topic:")), 69, "does not exist", "create the topic"),
        wrong("k_closed", kafka("k_closed", &closed, ""), 69, "connection refused", "check `bootstrap_brokers`"),
        wrong("k_name", kafka("k_name", "no-such.host.invalid:9092", ""), 69, "no-such.host.invalid", "`bootstrap_brokers`"),
        wrong("k_ca", kafka("k_ca", &secured, ", tls: {ca: /certs/foreign-ca.pem}"), 78, "signed by an unknown authority", "`tls.ca`"),
        wrong("k_pass", kafka("k_pass", &asking, &login), 77, "refuses the login", "`sasl.password`"),
        wrong("r_closed", format!("{{id: r_closed, {list}, url: 'redis://{closed}'}}"), 69, "connection refused", "check host and port"),
        wrong("r_name", format!("{{id: r_name, {list}, url: 'redis://no-such.host.invalid:6379'}}"), 69, "no-such.host.invalid", "check the host's name"),
        wrong("r_pass", format!("{{id: r_pass, {list}, url: 'redis://wlf:{WRONG}@{redis}'}}"), 77, "WRONGPASS", "check user and password"),
        wrong("r_ca", format!("{{id: r_ca, {list}, url: '{redis_tls}', tls: {{ca: /certs/foreign-ca.pem}}}}"), 78, "signed by an unknown authority", "`tls.ca`"),
        wrong("n_closed", format!("{{id: n_closed, type: NatsDispatcher, subject: x, servers: ['{closed}'], user: wlf, password: {WRONG}}}"), 69, "connection refused", "check host and port"),
        wrong("n_name", "{id: n_name, type: NatsDispatcher, subject: x, servers: ['no-such.host.invalid:4222']}".to_owned(), 69, "no-such.host.invalid", "check the host's name"),
        wrong("f_folder", "{id: f_folder, type: FileDispatcher, path: /elsewhere/rows.jsonl}".to_owned(), 74, "/elsewhere", "--dir"),
    ];
    execute(
        &mut mysql.admin,
        &["SET GLOBAL binlog_row_metadata = MINIMAL"],
    );
    execute(
        &mut maria.admin,
        &["SET GLOBAL binlog_row_metadata = MINIMAL"],
    );
    let ends = (mysql.end(), maria.end());

    let place = tempfile::tempdir().expect("a directory");
    let entries = |list: &[Wrong]| list.iter().map(|it| it.entry.clone()).collect::<Vec<_>>();
    let file = configuration(&name, &entries(&collectors), &entries(&dispatchers));
    let ended = connect(runtime, place.path(), &file);
    let mut alone = Vec::new();
    let healthy = [
        mysql.collector("fine", "user: root, password: password"),
        "{id: fine, type: NullDispatcher}".to_owned(),
    ];
    for (list, is_collector) in [(&collectors[..], true), (&dispatchers[..], false)] {
        for it in list {
            let [collector, dispatcher] = healthy.clone();
            let file = match is_collector {
                true => configuration(&name, std::slice::from_ref(&it.entry), &[dispatcher]),
                false => configuration(&name, &[collector], std::slice::from_ref(&it.entry)),
            };
            let ended = connect(runtime, place.path(), &file);
            alone.push((it.id, ended.status.code(), it.code, ended.stderr));
        }
    }
    let after = (mysql.end(), maria.end());
    for server in [&mut mysql, &mut maria] {
        execute(
            &mut server.admin,
            &[
                "SET GLOBAL binlog_row_metadata = FULL",
                &format!("DROP USER {nobody}, {blind}"),
            ],
        );
    }

    // The first thing that is wrong is a password.
    let ended = ended.with_code(77);
    let said: Vec<&str> = ended.stderr.lines().collect();
    let all: Vec<&Wrong> = collectors.iter().chain(&dispatchers).collect();
    assert_eq!(said.len(), 3 * all.len(), "{}", ended.stderr);
    for (lines, it) in said.chunks(3).zip(&all) {
        let number = 1 + file
            .lines()
            .position(|line| line.contains(&it.entry))
            .expect("a line");
        let place = format!("  --> /wlf/wlf.yaml:{number}   {} (", it.id);
        assert!(
            lines[0].starts_with("error: ") && lines[0].contains(it.said),
            "{}: {lines:#?}",
            it.id
        );
        assert!(lines[1].starts_with(&place), "{place}: {lines:#?}");
        assert!(
            lines[2].starts_with("  = help: ") && lines[2].contains(it.help),
            "{}: {lines:#?}",
            it.id
        );
    }
    for (id, code, expected, said) in &alone {
        assert_eq!(*code, Some(*expected), "{id}: {said}");
        assert!(!said.contains(WRONG), "{said}");
    }
    for text in [&ended.stderr, &ended.stdout.join("\n")] {
        assert!(!text.contains(WRONG), "{text}");
    }
    assert_eq!(ends, after);
    assert!(!missing.exists());
    assert!(
        !crate::servers::redis()
            .exists::<_, bool>("never")
            .expect("an answer")
    );
}
