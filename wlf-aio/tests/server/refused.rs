//! Servers that refuse, or are not there.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::prelude::Queryable;

use crate::on_both;
use crate::program::{Run, Runtime};
use crate::servers::{
    Topic, database, disturbing, execute, kafka_address, mysql, mysql_address, undisturbed,
};

on_both!(
    a_wrong_password_ends_with_77,
    a_server_that_is_not_there_is_tried_again,
    a_purged_position_ends_with_69,
    a_position_that_the_server_does_not_know_ends_with_65,
    a_missing_topic_that_must_not_be_created_is_an_error,
    a_statement_that_changed_rows_ends_with_65_unless_its_table_is_filtered_out,
);

/// A pipeline with a name of its own, for each name means another `server_id`.
fn to_stdout(options: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mysql = mysql_address();
    let address = if options.contains("port:") {
        String::new()
    } else {
        format!("host: {}, port: {}, ", mysql.host, mysql.port)
    };
    format!(
        "name: refused-{number}
state: {{directory: /wlf/state}}
collectors:
  - {{id: mysql, type: BinlogCollector, {address}{options}, destination: out}}
dispatchers:
  - {{id: out, type: StdoutDispatcher}}
"
    )
}

fn a_wrong_password_ends_with_77(runtime: &Runtime) {
    let _peace = undisturbed();
    let place = tempfile::tempdir().expect("a directory");
    let configuration = to_stdout("user: root, password: 'not this one'");
    let ended = Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(77);
    assert!(
        ended.stderr.contains("Access denied") && ended.stderr.contains("root"),
        "{}",
        ended.stderr
    );
    assert!(
        !ended.stderr.contains("not this one"),
        "the password is in the log: {}",
        ended.stderr
    );
}

fn a_server_that_is_not_there_is_tried_again(runtime: &Runtime) {
    let _peace = undisturbed();
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address")
        .port();
    let place = tempfile::tempdir().expect("a directory");
    let configuration = to_stdout(&format!(
        "host: 127.0.0.1, port: {free}, user: root, password: password"
    ));
    let run = Run::start(runtime.in_directory(place.path(), &configuration));
    run.says(&format!("127.0.0.1:{free}"));
    run.says("trying again");
    run.kill();
}

fn a_purged_position_ends_with_69(runtime: &Runtime) {
    let _peace = disturbing();
    // The first file of a server that tests have used is purged only here.
    let mut connection = database(&format!("wlf_purge_{}", runtime.version.replace('.', "_")));
    let first: Option<String> = connection
        .query_map("SHOW BINARY LOGS", |row: mysql::Row| {
            row.get::<String, _>(0).expect("a name")
        })
        .expect("files")
        .into_iter()
        .next();
    let first = first.expect("a binlog");
    execute(
        &mut connection,
        &["FLUSH BINARY LOGS", "CREATE TABLE t (id INT PRIMARY KEY)"],
    );
    let files: Vec<String> = connection
        .query_map("SHOW BINARY LOGS", |row: mysql::Row| {
            row.get::<String, _>(0).expect("a name")
        })
        .expect("files");
    execute(
        &mut connection,
        &[&format!(
            "PURGE BINARY LOGS TO '{}'",
            files.last().expect("a binlog")
        )],
    );
    let place = tempfile::tempdir().expect("a directory");
    let configuration = to_stdout(&format!(
        "user: root, password: password, start: {{file: {first}, position: 4}}, stop_at_end: true"
    ));
    let ended = Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(69);
    assert!(ended.stderr.contains(&first), "{}", ended.stderr);
    assert!(ended.stderr.contains("help:"), "{}", ended.stderr);
}

fn a_position_that_the_server_does_not_know_ends_with_65(runtime: &Runtime) {
    let _peace = undisturbed();
    let place = tempfile::tempdir().expect("a directory");
    let configuration = to_stdout("user: root, password: password, stop_at_end: true");
    Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(0);
    let state = place.path().join("state/mysql.json");
    // `stop_at_end` from `latest` reads nothing; something has to be read before there is a position.
    let _ = mysql();
    if !state.is_file() {
        let mut connection = database(&format!(
            "wlf_foreign_{}",
            runtime.version.replace('.', "_")
        ));
        execute(
            &mut connection,
            &[
                "CREATE TABLE t (id INT PRIMARY KEY)",
                "INSERT INTO t VALUES (1)",
            ],
        );
        let configuration =
            to_stdout("user: root, password: password, start: earliest, stop_at_end: true");
        Run::start(runtime.in_directory(place.path(), &configuration))
            .end()
            .with_code(0);
    }
    let text = std::fs::read_to_string(&state).expect("the state");
    let uuid: String = mysql()
        .query_first("SELECT @@server_uuid")
        .expect("the UUID")
        .expect("a row");
    let foreign = text.replace(&uuid, "00000000-1111-2222-3333-444444444444");
    assert_ne!(foreign, text, "the state names the server: {text}");
    std::fs::write(&state, foreign).expect("written");
    let ended = Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(65);
    assert!(ended.stderr.contains("help:"), "{}", ended.stderr);
}

fn a_missing_topic_that_must_not_be_created_is_an_error(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_no_topic_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1)",
        ],
    );
    let topic = Topic::removed(&format!("{name}.missing"));
    let kafka = format!(
        "type: KafkaDispatcher, bootstrap_brokers: ['{}'], topic: '%{{/database}}.missing', create_topics: false",
        kafka_address()
    );
    let place = tempfile::tempdir().expect("a directory");
    let configuration = crate::live::bounded(&name, &[("kafka", &kafka)]);
    let ended = Run::start(runtime.in_directory(place.path(), &configuration)).end();
    assert!(!ended.status.success());
    assert!(
        ended.stderr.contains(&format!("{name}.missing")),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("create_topics"), "{}", ended.stderr);
    assert!(!topic.exists());
}

/// A session that logs statements: the rows are not known, and those behind it wait until somebody decides.
fn a_statement_that_changed_rows_ends_with_65_unless_its_table_is_filtered_out(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_logged_{}", runtime.version.replace('.', "_"));
    let mysql = mysql_address();
    for (rule, on_statement, code) in [
        ("include: {database: none}", "stop", 65),
        ("exclude: {table: hidden}", "stop", 0),
        ("include: {database: none}", "warn", 0),
    ] {
        let mut connection = database(&name);
        execute(
            &mut connection,
            &[
                "CREATE TABLE hidden (id INT PRIMARY KEY, v TEXT)",
                "CREATE TABLE shown (id INT PRIMARY KEY)",
            ],
        );
        let status: Option<mysql::Row> = connection
            .query_first("SHOW BINARY LOG STATUS")
            .expect("a status");
        let status = status.expect("a status");
        let file: String = status.get(0).expect("a file");
        let position: u64 = status.get(1).expect("a position");
        execute(
            &mut connection,
            &[
                "SET SESSION binlog_format = STATEMENT",
                "/* app */ INSERT\nINTO hidden VALUES (1, 'secret')",
                "SET SESSION binlog_format = ROW",
                "INSERT INTO shown VALUES (7)",
            ],
        );
        let configuration = format!(
            "name: {name}
collectors:
  - {{id: mysql, type: BinlogCollector, host: {}, port: {}, user: root, password: password, stop_at_end: true,
     start: {{file: {file}, position: {position}}}, on_statement: {on_statement}, destination: filter}}
transformers:
  - {{id: filter, type: BinlogFilter, rules: [{{{rule}}}], destination: out}}
dispatchers:
  - {{id: out, type: StdoutDispatcher}}
",
            mysql.host, mysql.port
        );
        let place = tempfile::tempdir().expect("a directory");
        let ended = Run::start(runtime.in_directory(place.path(), &configuration))
            .end()
            .with_code(code);
        let said = &ended.stderr;
        assert!(!said.contains("secret"), "{said}");
        let names = format!("rows of `{name}`.`hidden`");
        assert_eq!(said.contains(&names), code == 65, "{said}");
        assert_eq!(said.contains("binlog_format = 'ROW'"), code == 65, "{said}");
        let shown = ended.stdout.iter().filter(|row| row.contains("shown"));
        assert_eq!(shown.count() == 1, code == 0, "{:?}", ended.stdout);
    }
}
