//! `kill -9` in the middle, and servers that go away: nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use serde_json::{Value, json};

use crate::on_both;
use crate::program::{Run, Runtime};
use crate::servers::{
    Topic, database, disturbing, execute, fold, kafka_address, mysql, mysql_address, redis,
    redis_address, undisturbed,
};

on_both!(
    kill_9_in_the_middle_loses_nothing,
    a_connection_that_is_cut_is_made_again
);

fn configuration(database: &str) -> String {
    let mysql = mysql_address();
    format!(
        "name: {database}
state: {{directory: /wlf/state}}
collectors:
  - {{id: mysql, type: BinlogCollector, host: {}, port: {}, user: root, password: password, destination: filter}}
transformers:
  - id: filter
    type: BinlogFilter
    destinations: [kafka, redis]
    rules: [{{exclude: {{database: '*'}}}}, {{include: {{database: {database}}}}}]
dispatchers:
  - {{id: kafka, type: KafkaDispatcher, bootstrap_brokers: ['{}'], topic: '%{{/database}}.all'}}
  - {{id: redis, type: RedisDispatcher, url: 'redis://{}', mode: {{type: RPush, key: '%{{/database}}'}}}}
",
        mysql.host,
        mysql.port,
        kafka_address(),
        redis_address(),
    )
}

/// Writes transactions until it is told to stop: inserts, updates and deletes of a few hundred keys.
fn writer(name: String, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut connection = mysql();
    execute(&mut connection, &[&format!("USE {name}")]);
    let mut n: u64 = 0;
    while !stop.load(Ordering::Relaxed) {
        let (a, b, c) = (n * 7 % 300, n * 13 % 300, n * 29 % 300);
        execute(
            &mut connection,
            &[
                "BEGIN",
                &format!(
                    "REPLACE INTO t VALUES ({a}, {n}, REPEAT('x', {})), ({b}, {n}, 'y')",
                    n % 500
                ),
                &format!("UPDATE t SET n = {n} WHERE id IN ({b}, {c})"),
                &format!("DELETE FROM t WHERE id = {}", n * 31 % 300),
                "COMMIT",
            ],
        );
        n += 1;
        done.store(n, Ordering::Relaxed);
    }
}

fn table(name: &str) -> BTreeMap<u64, Value> {
    let rows: Vec<(u64, u64, String)> = mysql()
        .query(format!("SELECT id, n, v FROM {name}.t"))
        .expect("rows");
    rows.into_iter()
        .map(|(id, n, v)| (id, json!({"id": id, "n": n, "v": v})))
        .collect()
}

/// Waits until the state that the events leave behind is the table.
fn wait_for(
    table: &BTreeMap<u64, Value>,
    what: &str,
    mut events: impl FnMut() -> Vec<Value>,
) -> Vec<Value> {
    let until = Instant::now() + crate::program::PATIENCE;
    loop {
        let events = events();
        let state = fold(&events, "id");
        if state == *table {
            return events;
        }
        if Instant::now() > until {
            let missing: Vec<_> = table
                .iter()
                .filter(|(id, row)| state.get(id) != Some(row))
                .collect();
            panic!(
                "{what} differs from the table after {} events: {missing:?}",
                events.len()
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn kill_9_in_the_middle_loses_nothing(runtime: &Runtime) {
    let _peace = undisturbed();
    let name = format!("wlf_crash_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &["CREATE TABLE t (id INT PRIMARY KEY, n BIGINT, v TEXT)"],
    );
    redis::cmd("DEL")
        .arg(&name)
        .query::<()>(&mut redis())
        .expect("deleted");
    let topic = Topic::removed(&format!("{name}.all"));
    let place = tempfile::tempdir().expect("a directory");
    let configuration = configuration(&name);
    let start = || Run::start(runtime.in_directory(place.path(), &configuration));

    // A saved position is needed before the first crash: without one, `latest` would skip what comes before the restart.
    let run = start().ready();
    execute(
        &mut connection,
        &["INSERT INTO t VALUES (1000, 0, 'first')"],
    );
    topic.read(1);
    let state = place.path().join("state/mysql.json");
    let until = Instant::now() + crate::program::PATIENCE;
    while !state.is_file() {
        assert!(Instant::now() < until, "no position is saved");
        std::thread::sleep(Duration::from_millis(20));
    }

    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let writing = std::thread::spawn({
        let (name, stop, done) = (name.clone(), Arc::clone(&stop), Arc::clone(&done));
        move || writer(name, stop, done)
    });
    let mut run = run;
    for pause in [300, 50, 500, 150, 800, 20] {
        std::thread::sleep(Duration::from_millis(pause));
        run.kill();
        run = start();
    }
    std::thread::sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    writing.join().expect("the writer");
    assert!(done.load(Ordering::Relaxed) > 20, "the writer came nowhere");

    let table = table(&name);
    let in_redis = || -> Vec<Value> {
        let rows: Vec<String> = redis::cmd("LRANGE")
            .arg(&name)
            .arg(0)
            .arg(-1)
            .query(&mut redis())
            .expect("a list");
        rows.iter()
            .map(|row| serde_json::from_str(row).expect("JSON"))
            .collect()
    };
    let in_redis = wait_for(&table, "Redis", in_redis);
    let in_kafka = wait_for(&table, "Kafka", || {
        topic.read(1);
        topic
            .everything()
            .into_iter()
            .map(|message| message.value)
            .collect()
    });
    run.kill();
    for events in [&in_redis, &in_kafka] {
        whole_and_in_order(events);
    }
}

/// Apart from repetitions that begin at a transaction's first row, the events are one unbroken series.
fn whole_and_in_order(events: &[Value]) {
    let mut last = 0;
    let mut newest = 0;
    for event in events {
        let xid = event["xid"].as_u64().expect("an xid");
        let first = event["xoffset"].as_u64().unwrap_or(0) == 0;
        if xid < last {
            assert!(
                first,
                "a repetition begins inside the transaction {xid}: {event}"
            );
        }
        newest = newest.max(xid);
        last = xid;
    }
    assert_eq!(last, newest, "the last event is the newest");
}

fn a_connection_that_is_cut_is_made_again(runtime: &Runtime) {
    let _peace = disturbing();
    let name = format!("wlf_cut_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &["CREATE TABLE t (id INT PRIMARY KEY, n BIGINT, v TEXT)"],
    );
    redis::cmd("DEL")
        .arg(&name)
        .query::<()>(&mut redis())
        .expect("deleted");
    let topic = Topic::removed(&format!("{name}.all"));
    let place = tempfile::tempdir().expect("a directory");
    let run = Run::start(runtime.in_directory(place.path(), &configuration(&name))).ready();
    for n in 0..5 {
        execute(
            &mut connection,
            &[&format!("INSERT INTO t VALUES ({n}, {n}, 'v')")],
        );
        topic.read(n + 1);
        let dumps: Vec<u64> = connection
            .query(
                "SELECT id FROM performance_schema.processlist WHERE command LIKE 'Binlog Dump%'",
            )
            .expect("connections");
        for dump in dumps {
            // Another test's connection may have gone meanwhile.
            let _ = connection.query_drop(format!("KILL {dump}"));
        }
        redis::cmd("CLIENT")
            .arg("KILL")
            .arg("TYPE")
            .arg("normal")
            .query::<()>(&mut redis())
            .expect("killed");
    }
    topic.read(5);
    let table = table(&name);
    wait_for(&table, "Redis", || {
        let rows: Vec<String> = redis::cmd("LRANGE")
            .arg(&name)
            .arg(0)
            .arg(-1)
            .query(&mut redis())
            .expect("a list");
        rows.iter()
            .map(|row| serde_json::from_str(row).expect("JSON"))
            .collect()
    });
    run.kill();
}
