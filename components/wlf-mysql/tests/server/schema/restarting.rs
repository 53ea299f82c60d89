//! A collector of a server without metadata in its binlog, stopped and started again while tables change.

use serde_json::{Value, json};

use crate::Server;
use crate::collecting::Reading;

const DATABASE: &str = "schema_restart";

/// A server whose binlog has no names, and a database with a table.
async fn nameless() -> Server {
    let mut server = Server::take().await;
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    server.reconnect().await;
    for sql in [
        format!("DROP DATABASE IF EXISTS {DATABASE}"),
        format!("CREATE DATABASE {DATABASE}"),
        format!("USE {DATABASE}"),
        "CREATE TABLE t (id INT PRIMARY KEY, a INT UNSIGNED)".to_owned(),
        "CREATE TABLE quiet (id INT PRIMARY KEY, x INT)".to_owned(),
    ] {
        server.run(&sql).await;
    }
    server
}

fn data(reading: &Reading) -> Vec<Value> {
    let data = reading.rows.iter().map(|row| row["data"].clone());
    data.collect()
}

/// What changes while the collector is away, and the rows between.
const MEANWHILE: &[&str] = &[
    "INSERT INTO t VALUES (2, 4294967295)",
    "ALTER TABLE t ADD COLUMN b VARCHAR(9) FIRST",
    "INSERT INTO t VALUES ('x', 3, 30)",
    "ALTER TABLE t RENAME COLUMN a TO c, RENAME COLUMN b TO a",
    "INSERT INTO t VALUES ('y', 4, 40)",
    "ALTER TABLE t MODIFY c BIGINT AFTER a, ADD e ENUM('p', 'q')",
    "INSERT INTO t VALUES ('z', -5, 5, 'q')",
    "INSERT INTO quiet VALUES (1, 10)",
    "ALTER TABLE quiet CHANGE x y INT",
    "INSERT INTO quiet VALUES (2, 20)",
    "CREATE TABLE t2 LIKE t",
    "ALTER TABLE t2 DROP COLUMN a",
    "INSERT INTO t2 VALUES (6, 6, 'p')",
    "RENAME TABLE t TO old, t2 TO t",
    "INSERT INTO t VALUES (7, 7, 'q')",
    "DROP TABLE old, quiet",
    "CREATE TABLE quiet (z INT PRIMARY KEY)",
    "INSERT INTO quiet VALUES (8)",
];

fn expected() -> Vec<Value> {
    vec![
        json!({"id": 2, "a": 4_294_967_295_u32}),
        json!({"b": "x", "id": 3, "a": 30}),
        json!({"a": "y", "id": 4, "c": 40}),
        json!({"a": "z", "c": -5, "id": 5, "e": "q"}),
        json!({"id": 1, "x": 10}),
        json!({"id": 2, "y": 20}),
        json!({"c": 6, "id": 6, "e": "p"}),
        json!({"c": 7, "id": 7, "e": "q"}),
        json!({"z": 8}),
    ]
}

#[tokio::test]
async fn what_changed_while_the_collector_was_away_is_decoded_as_it_was_then() {
    let mut server = nameless().await;
    let state = tempfile::tempdir().expect("a directory");
    let options = json!({"start": "latest"});
    let mut reading = Reading::with_state(&server, DATABASE, options.clone(), state.path());
    reading.connect().await;
    server.run("INSERT INTO t VALUES (1, 1)").await;
    reading.read_rows(1).await;
    let position = reading.position.clone();
    drop(reading);

    for sql in MEANWHILE {
        server.run(sql).await;
    }
    // Twice from the same position: the first time ends like a crash, with all it has learnt on the disk.
    for _ in 0..2 {
        let mut again = Reading::with_state(&server, DATABASE, options.clone(), state.path());
        again
            .connect_after(position.as_ref())
            .await
            .expect("connected");
        again.read_rows(expected().len()).await;
        assert_eq!(data(&again), expected());
    }
    // And from every position between.
    let mut again = Reading::with_state(&server, DATABASE, options.clone(), state.path());
    again
        .connect_after(position.as_ref())
        .await
        .expect("connected");
    for n in 1..expected().len() {
        again.position = None;
        again.read_rows(n).await;
        let Some(at) = again.position.clone() else {
            continue;
        };
        again.commit().await;
        let read = again.rows.len();
        let rest = expected().len() - read;
        again = Reading::with_state(&server, DATABASE, options.clone(), state.path());
        again.connect_after(Some(&at)).await.expect("connected");
        again.read_rows(rest).await;
        assert_eq!(data(&again), expected()[read..]);
        again = Reading::with_state(&server, DATABASE, options.clone(), state.path());
        again.connect_after(Some(&at)).await.expect("connected");
        again.rows = vec![Value::Null; read];
    }
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

#[tokio::test]
async fn a_start_in_the_past_stops_at_a_table_that_changed_since_and_reads_the_others() {
    let mut server = nameless().await;
    let (file, position) = server.end().await;
    for sql in [
        "INSERT INTO quiet VALUES (1, 10)",
        "CREATE TABLE later (id INT PRIMARY KEY, s VARCHAR(5))",
        "INSERT INTO later VALUES (1, 'x')",
        "ALTER TABLE later ADD more INT FIRST",
        "INSERT INTO later VALUES (9, 2, 'y')",
        "INSERT INTO t VALUES (1, 1)",
        // As many columns of the same types.
        "ALTER TABLE t RENAME COLUMN a TO b",
        "INSERT INTO t VALUES (2, 2)",
    ] {
        server.run(sql).await;
    }
    let options = json!({"start": {"file": file, "position": position}});
    let mut reading = Reading::new(&server, DATABASE, options);
    reading.connect().await;
    let fault = reading.read_to_unencodable().await;
    assert_eq!(
        data(&reading),
        [
            json!({"id": 1, "x": 10}),
            json!({"id": 1, "s": "x"}),
            json!({"more": 9, "id": 2, "s": "y"}),
            // Behind the change the server can be asked.
            json!({"id": 2, "b": 2}),
        ]
    );
    let text = fault.to_string();
    assert!(
        text.contains("rows of `schema_restart`.`t` cannot be decoded: it was changed later, at "),
        "{text}"
    );
    assert!(
        text.ends_with("and what it was before is not known"),
        "{text}"
    );
    assert!(
        fault
            .hint
            .expect("a hint")
            .contains("binlog_row_metadata=FULL")
    );
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

#[tokio::test]
async fn a_statement_that_is_not_understood_does_not_block_the_stream() {
    let mut server = nameless().await;
    let options = json!({"start": "latest", "on_statement": "warn"});
    let mut reading = Reading::new(&server, DATABASE, options);
    reading.connect().await;
    server.run("INSERT INTO t VALUES (1, 1)").await;
    // A query decides the columns, which a server that replicates statements writes as it stands.
    server
        .run_all(&[
            "SET SESSION binlog_format = 'STATEMENT'",
            "CREATE TABLE chosen SELECT 5 AS five, 'f' AS letter",
            "SET SESSION binlog_format = 'ROW'",
            "INSERT INTO chosen VALUES (6, 's')",
        ])
        .await;
    reading.read_rows(2).await;
    assert_eq!(
        data(&reading)[1],
        json!({"five": 6, "letter": "s"}),
        "the server was asked"
    );
    // From there on it is followed again.
    server
        .run_all(&[
            "ALTER TABLE chosen ADD six INT FIRST",
            "INSERT INTO chosen VALUES (6, 7, 't')",
        ])
        .await;
    reading.read_rows(3).await;
    assert_eq!(
        data(&reading)[2],
        json!({"six": 6, "five": 7, "letter": "t"})
    );
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

/// A statement that is not in the binlog cannot be followed: its table is read anew when the definitions are forgotten.
#[tokio::test]
async fn a_statement_that_was_not_logged_is_known_once_the_definitions_are_removed() {
    for removes in [false, true] {
        let mut server = nameless().await;
        let state = tempfile::tempdir().expect("a directory");
        let options = json!({"start": "latest"});
        let mut reading = Reading::with_state(&server, DATABASE, options.clone(), state.path());
        reading.connect().await;
        server.run("INSERT INTO quiet VALUES (1, 10)").await;
        reading.read_rows(1).await;
        reading.commit().await;
        let at = reading.position.clone();
        drop(reading);
        server
            .run_all(&[
                "SET SESSION sql_log_bin = 0",
                "ALTER TABLE quiet RENAME COLUMN x TO y",
                "SET SESSION sql_log_bin = 1",
            ])
            .await;
        if removes {
            let history = format!("collector-of-{DATABASE}.schema");
            std::fs::remove_file(state.path().join(history)).expect("there is a history");
        }
        let mut again = Reading::with_state(&server, DATABASE, options, state.path());
        again.connect_after(at.as_ref()).await.expect("connected");
        server.run("INSERT INTO quiet VALUES (2, 20)").await;
        again.read_rows(1).await;
        let name = if removes { "y" } else { "x" };
        assert_eq!(data(&again), [json!({"id": 2, name: 20})]);
    }
    let mut server = nameless().await;
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
    server.reconnect().await;
    let mut reading = Reading::new(&server, DATABASE, json!({}));
    reading.connect().await;
    server
        .run_all(&[
            &format!("USE {DATABASE}"),
            "SET SESSION sql_log_bin = 0",
            "ALTER TABLE quiet RENAME COLUMN x TO y",
            "SET SESSION sql_log_bin = 1",
            "INSERT INTO quiet VALUES (3, 30)",
        ])
        .await;
    reading.read_rows(1).await;
    assert_eq!(data(&reading), [json!({"id": 3, "y": 30})]);
}
