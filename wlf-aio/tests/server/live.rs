//! The first Wasm Log Flex's configuration, unchanged, from MySQL to Kafka and Redis.

use std::fs;

use serde_json::{Value, json};

use crate::on_both;
use crate::program::{Run, Runtime, root};
use crate::servers::{
    Subscription, Topic, database, execute, kafka_address, mysql, mysql_address, redis,
    redis_address, undisturbed,
};

on_both!(
    the_first_configuration_runs_unchanged,
    every_redis_mode_gets_every_row_in_order,
    compression_and_partitions_keep_every_row,
    a_database_that_is_stopped_at_its_end_is_read_once,
    progress_has_the_time_the_position_and_how_far_the_source_is_behind,
);

/// The example as it stands, or with the servers' addresses where those are not the default ones.
fn example(place: &std::path::Path) -> String {
    let text = fs::read_to_string(root().join("examples/configs/binlog_to_kafka_redis.yaml"))
        .expect("the example");
    let defaults = mysql_address().to_string() == "127.0.0.1:3306"
        && kafka_address().to_string() == "127.0.0.1:9092"
        && redis_address().to_string() == "127.0.0.1:6379";
    let text = if defaults {
        text
    } else {
        println!("the servers are at other ports than the example says; it runs with theirs");
        let mysql = mysql_address();
        text.replace("127.0.0.1:9092", &kafka_address().to_string())
            .replace(
                "    user: root",
                &format!(
                    "    host: {}\n    port: {}\n    user: root",
                    mysql.host, mysql.port
                ),
            )
            .replace(
                "    type: RedisDispatcher",
                &format!(
                    "    type: RedisDispatcher\n    url: redis://{}",
                    redis_address()
                ),
            )
    };
    fs::write(place.join("binlog_to_kafka_redis.yaml"), &text).expect("written");
    text
}

fn the_first_configuration_runs_unchanged(runtime: &Runtime) {
    let _peace = undisturbed();
    let _turn = turn();
    let place = tempfile::tempdir().expect("a directory");
    example(place.path());
    let mut other = database("wlf_live");
    let mut excluded = database("d1");
    execute(
        &mut excluded,
        &[
            "CREATE TABLE t1 (id INT PRIMARY KEY, v VARCHAR(20))",
            "CREATE TABLE t2 LIKE t1",
        ],
    );
    execute(
        &mut other,
        &[
            "CREATE TABLE orders (id INT UNSIGNED PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2), at DATETIME(3))",
        ],
    );
    let topics = ["logFlex.wlf_live.orders", "logFlex.d1.t1", "logFlex.d1.t2"].map(Topic::removed);
    let channels = Subscription::to("logFlex.*");

    let mut command = runtime.command(&[("/configs", place.path())], &[]);
    command.args(["--config", "/configs/binlog_to_kafka_redis.yaml"]);
    let run = Run::start(command).ready();
    execute(
        &mut other,
        &[
            "INSERT INTO orders VALUES (1, 'né', 1.50, '2023-11-14 22:13:20.125'), (2, NULL, 0, NULL)",
            "UPDATE orders SET name = 'b' WHERE id = 1",
            "DELETE FROM orders WHERE id = 1",
        ],
    );
    execute(
        &mut excluded,
        &[
            "INSERT INTO t2 VALUES (1, 'not for you')",
            "INSERT INTO t1 VALUES (7, 'for you')",
            "DELETE FROM t2",
        ],
    );

    let row =
        |name: &str| json!({"id": 1, "name": name, "price": 1.50, "at": "2023-11-14 22:13:20.125"});
    let expected = [
        json!({"type": "insert", "xoffset": 0, "data": row("né")}),
        json!({"type": "insert", "commit": true, "data": {"id": 2, "name": null, "price": 0.00, "at": null}}),
        json!({"type": "update", "commit": true, "data": row("b"), "old": {"name": "né"}}),
        json!({"type": "delete", "commit": true, "data": row("b")}),
    ];
    let orders = topics[0].read(4);
    let mut seen = Vec::new();
    for (message, expected) in orders.iter().zip(&expected) {
        assert_eq!(message.key["database"], "wlf_live");
        assert_eq!(message.key["table"], "orders");
        assert_eq!(message.key["pk.id"], message.value["data"]["id"]);
        assert!(
            message.value["xid"].is_u64() && message.value["ts"].is_u64(),
            "{}",
            message.value
        );
        let mut value = message.value.clone();
        for key in ["database", "table", "ts", "xid"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        assert_eq!(&value, expected);
        seen.push(message.value.clone());
    }
    let t1 = topics[1].read(1);
    assert_eq!(t1[0].value["data"], json!({"id": 7, "v": "for you"}));
    assert!(
        !topics[2].exists(),
        "what the filter excludes makes no topic"
    );

    let published = channels.read(5);
    let of = |channel: &str| -> Vec<Value> {
        published
            .iter()
            .filter(|(name, _)| name == channel)
            .map(|(_, value)| value.clone())
            .collect()
    };
    assert_eq!(of("logFlex.wlf_live.orders"), seen);
    assert_eq!(of("logFlex.d1.t1"), [t1[0].value.clone()]);
    assert_eq!(of("logFlex.d1.t2"), Vec::<Value>::new());
    run.kill();
}

/// The first configuration follows the whole server, so it cannot run while another test of it does.
fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A configuration that follows one database to its end, and the dispatchers behind it.
pub fn bounded(database: &str, dispatchers: &[(&str, &str)]) -> String {
    bounded_from("earliest", database, dispatchers)
}

/// The same from a position on.
pub fn bounded_from(start: &str, database: &str, dispatchers: &[(&str, &str)]) -> String {
    let mysql = mysql_address();
    let mut text = format!(
        "name: {database}
state: {{directory: /wlf/state}}
collectors:
  - id: mysql
    type: BinlogCollector
    host: {}
    port: {}
    user: root
    password: password
    start: {start}
    stop_at_end: true
    destination: filter
transformers:
  - id: filter
    type: BinlogFilter
    destinations: [{}]
    rules:
      - exclude: {{database: '*'}}
      - include: {{database: {database}}}
dispatchers:
",
        mysql.host,
        mysql.port,
        dispatchers
            .iter()
            .map(|(id, _)| *id)
            .collect::<Vec<_>>()
            .join(", "),
    );
    for (id, options) in dispatchers {
        text.push_str(&format!("  - {{id: {id}, {options}}}\n"));
    }
    text
}

fn every_redis_mode_gets_every_row_in_order(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_redis_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &["CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(40))"],
    );
    for first in (0..50).step_by(10) {
        let rows: Vec<String> = (first..first + 10)
            .map(|id| format!("({id}, 'row {id}')"))
            .collect();
        execute(
            &mut connection,
            &[&format!("INSERT INTO t VALUES {}", rows.join(","))],
        );
    }
    let mut redis = redis();
    let keys = ["left", "right", "stream"].map(|mode| format!("{name}:{mode}"));
    redis::cmd("DEL")
        .arg(&keys)
        .query::<()>(&mut redis)
        .expect("deleted");
    let url = format!("type: RedisDispatcher, url: 'redis://{}'", redis_address());
    let configuration = bounded(
        &name,
        &[
            (
                "left",
                &format!("{url}, mode: {{type: LPush, key: '%{{/database}}:left'}}"),
            ),
            (
                "right",
                &format!("{url}, mode: {{type: RPush, key: '%{{/database}}:right'}}"),
            ),
            (
                "stream",
                &format!("{url}, mode: {{type: XAdd, key: '%{{/database}}:stream'}}"),
            ),
        ],
    );
    let place = tempfile::tempdir().expect("a directory");
    Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(0);

    let ids = |values: Vec<String>| -> Vec<u64> {
        values
            .iter()
            .map(|value| {
                serde_json::from_str::<Value>(value).expect("JSON")["data"]["id"]
                    .as_u64()
                    .expect("an id")
            })
            .collect()
    };
    let all: Vec<u64> = (0..50).collect();
    let list = |key: &str| redis::cmd("LRANGE").arg(key).arg(0).arg(-1).clone();
    let left: Vec<String> = list(&keys[0]).query(&mut redis).expect("a list");
    assert_eq!(ids(left.into_iter().rev().collect()), all);
    let right: Vec<String> = list(&keys[1]).query(&mut redis).expect("a list");
    assert_eq!(ids(right), all);
    let stream: redis::streams::StreamRangeReply = redis::cmd("XRANGE")
        .arg(&keys[2])
        .arg("-")
        .arg("+")
        .query(&mut redis)
        .expect("a stream");
    assert!(stream.ids.iter().all(|entry| entry.map.len() == 1));
    let messages = stream
        .ids
        .iter()
        .map(|entry| entry.get("message").expect("the field message"));
    assert_eq!(ids(messages.collect()), all);
}

fn compression_and_partitions_keep_every_row(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_gzip_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &["CREATE TABLE t (id INT PRIMARY KEY, v TEXT)"],
    );
    execute(
        &mut connection,
        &[
            "SET SESSION cte_max_recursion_depth = 100000",
            "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) \
             SELECT i, REPEAT(SHA2(i, 256), 2) FROM n",
        ],
    );
    let kafka = |compression: &str| {
        format!(
            "type: KafkaDispatcher, bootstrap_brokers: ['{}'], topic: '%{{/database}}.{compression}', \
             compression: {compression}",
            kafka_address()
        )
    };
    let topics = ["none", "gzip", "snappy"]
        .map(|compression| Topic::removed(&format!("{name}.{compression}")));
    let place = tempfile::tempdir().expect("a directory");
    let configuration = bounded(
        &name,
        &[
            ("none", &kafka("none")),
            ("gzip", &kafka("gzip")),
            ("snappy", &kafka("snappy")),
        ],
    );
    Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(0);
    for topic in topics {
        let messages = topic.read(20_000);
        let ids = messages
            .iter()
            .map(|message| message.value["data"]["id"].as_u64().expect("an id"));
        assert!(ids.eq(0..20_000));
    }
}

fn a_database_that_is_stopped_at_its_end_is_read_once(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_bounded_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1), (2)",
        ],
    );
    let place = tempfile::tempdir().expect("a directory");
    let configuration = bounded(&name, &[("out", "type: StdoutDispatcher")]);
    let run = || {
        Run::start(runtime.in_directory(place.path(), &configuration))
            .end()
            .with_code(0)
            .stdout
    };
    assert_eq!(run().len(), 2);
    assert_eq!(run(), Vec::<String>::new(), "the end's position was saved");
    execute(&mut mysql(), &[&format!("INSERT INTO {name}.t VALUES (3)")]);
    assert_eq!(run().len(), 1);
}

fn progress_has_the_time_the_position_and_how_far_the_source_is_behind(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_progress_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    let mysql = mysql_address();
    let configuration = format!(
        "name: {name}
collectors:
  - {{id: mysql, type: BinlogCollector, host: {}, port: {}, user: root, password: password, destination: out}}
dispatchers:
  - {{id: out, type: NullDispatcher}}
",
        mysql.host, mysql.port
    );
    let place = tempfile::tempdir().expect("a directory");
    let run = Run::start(runtime.in_directory(place.path(), &configuration)).ready();
    execute(
        &mut connection,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1), (2)",
        ],
    );
    run.says(" rows read, ");
    let said = run.kill().stderr;
    let line = said.lines().find(|line| line.contains(" rows read, "));
    let line = line.expect("the line that was waited for");
    // 2026-11-30T12:00:00.000000Z  INFO 2 rows read, 0 rows/s; mysql at {"file":…}, 0 s behind; out: 2
    let (time, rest) = line.split_once("  INFO ").expect("a time and a level");
    assert!(
        time.len() == 27 && time.ends_with('Z') && time[10..].starts_with('T'),
        "{line}"
    );
    assert!(rest.contains("; mysql at {\"file\":\""), "{line}");
    let (before, _) = rest
        .split_once(" s behind; out: ")
        .expect("how far it is behind");
    let seconds = before.rsplit(' ').next().expect("a number");
    assert!(seconds.parse::<u64>().is_ok(), "{line}");
    execute(&mut connection, &[&format!("DROP DATABASE {name}")]);
}
