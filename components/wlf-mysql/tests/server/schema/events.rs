//! Changes of definitions as events.

use serde_json::{Value, json};

use crate::Server;
use crate::collecting::Reading;

const DATABASE: &str = "schema_events";

/// The members of messages that are compared.
fn shown(rows: &[Value]) -> Vec<Value> {
    let each = |row: &Value| {
        let mut shown = json!({"type": row["type"], "table": row["table"]});
        for (member, of) in [("old", "old"), ("def", "def")] {
            if let Some(columns) = row[of]["columns"].as_array() {
                let names = columns.iter().map(|column| &column["name"]);
                shown[member] = names.cloned().collect();
            }
        }
        if let Some(data) = row.get("data") {
            shown["data"] = data.clone();
        }
        shown
    };
    rows.iter().map(each).collect()
}

#[tokio::test]
async fn changes_of_definitions_come_in_their_places_once() {
    let mut server = Server::take().await;
    server.with_table(DATABASE).await;
    let options = json!({"start": "latest", "ddl": true});
    let state = tempfile::tempdir().expect("a directory");
    let mut reading = Reading::with_state(&server, DATABASE, options.clone(), state.path());
    reading.connect().await;
    server
        .run_all(&[
            "USE schema_events",
            "INSERT INTO t VALUES (1, 'a')",
            "ALTER TABLE t ADD b INT FIRST, DROP name",
            "INSERT INTO t VALUES (5, 2)",
            "CREATE TABLE u (x INT)",
            "CREATE TABLE IF NOT EXISTS u (y INT)",
            "RENAME TABLE u TO v",
            "DROP TABLE IF EXISTS nothing, v",
            "ALTER TABLE t ADD INDEX (b)",
            "INSERT INTO t VALUES (6, 3)",
        ])
        .await;
    let expected = [
        json!({"type": "insert", "table": "t", "data": {"id": 1, "name": "a"}}),
        json!({"type": "table-alter", "table": "t", "old": ["id", "name"], "def": ["b", "id"]}),
        json!({"type": "insert", "table": "t", "data": {"b": 5, "id": 2}}),
        json!({"type": "table-create", "table": "u", "def": ["x"]}),
        json!({"type": "table-alter", "table": "u", "old": ["x"], "def": ["x"]}),
        json!({"type": "table-drop", "table": "v"}),
        json!({"type": "table-alter", "table": "t", "old": ["b", "id"], "def": ["b", "id"]}),
        json!({"type": "insert", "table": "t", "data": {"b": 6, "id": 3}}),
    ];
    reading.read_rows(expected.len()).await;
    assert_eq!(shown(&reading.rows), expected);
    // Transactions of their own, in order.
    assert!(reading.numbers.is_sorted(), "{:?}", reading.numbers);
    assert_eq!(reading.numbers.len(), expected.len());
    // The position behind the last is behind all of them.
    let position = reading.position.clone();
    drop(reading);
    let mut again = Reading::with_state(&server, DATABASE, options.clone(), state.path());
    again
        .connect_after(position.as_ref())
        .await
        .expect("connected");
    server
        .run_all(&[
            "ALTER TABLE t DROP b",
            "TRUNCATE TABLE t",
            "INSERT INTO t VALUES (4)",
        ])
        .await;
    again.read_rows(2).await;
    assert_eq!(
        shown(&again.rows),
        [
            json!({"type": "table-alter", "table": "t", "old": ["b", "id"], "def": ["id"]}),
            json!({"type": "insert", "table": "t", "data": {"id": 4}}),
        ]
    );
    // A position behind a statement repeats nothing of it, and one before it all.
    let mut third = Reading::with_state(&server, DATABASE, options, state.path());
    third
        .connect_after(position.as_ref())
        .await
        .expect("connected");
    third.read_rows(2).await;
    assert_eq!(shown(&third.rows), shown(&again.rows));
}

#[tokio::test]
async fn changes_of_databases_are_events_too() {
    let mut server = Server::take().await;
    server.run("DROP DATABASE IF EXISTS schema_events").await;
    let mut reading = Reading::new(&server, DATABASE, json!({"start": "latest", "ddl": true}));
    reading.connect().await;
    server
        .run_all(&[
            "CREATE DATABASE schema_events CHARACTER SET latin1",
            "ALTER DATABASE schema_events CHARACTER SET utf8mb4",
            "DROP DATABASE schema_events",
        ])
        .await;
    reading.read_rows(3).await;
    let each = reading.rows.iter();
    let shown: Vec<Value> = each
        .map(|row| json!([row["type"], row["charset"], row["sql"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!([
                "database-create",
                "latin1",
                "CREATE DATABASE schema_events CHARACTER SET latin1"
            ]),
            json!([
                "database-alter",
                "utf8mb4",
                "ALTER DATABASE schema_events CHARACTER SET utf8mb4"
            ]),
            json!(["database-drop", null, "DROP DATABASE schema_events"]),
        ]
    );
}

#[tokio::test]
async fn without_the_option_there_are_none() {
    let mut server = Server::take().await;
    server.with_table(DATABASE).await;
    let mut reading = Reading::new(&server, DATABASE, json!({"start": "latest"}));
    reading.connect().await;
    server
        .run_all(&[
            "ALTER TABLE schema_events.t ADD c INT",
            "INSERT INTO schema_events.t VALUES (1, 'a', 2)",
        ])
        .await;
    reading.read_rows(1).await;
    assert_eq!(reading.rows[0]["type"], "insert");
}
