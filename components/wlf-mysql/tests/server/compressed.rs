//! Transactions that the server compresses, and updates of which it writes only the differences.

use serde_json::json;
use wlf_core::{Exit, Severity};

use crate::Server;
use crate::collecting::Reading;

/// Nothing but what stands between the rows tells a compressed transaction from another.
#[tokio::test]
async fn a_compressed_transaction_streams() {
    const ROWS: usize = 30_000;
    let mut server = Server::take().await;
    server.with_table("wlf_packed").await;
    let mut reading =
        Reading::with_transaction_buffer(&server, "wlf_packed", json!({}), 256 * 1024);
    reading.connect().await;
    server
        .run_all(&[
            "SET SESSION cte_max_recursion_depth = 1000000, SESSION binlog_transaction_compression = ON",
            "CREATE TABLE wlf_packed.big (id INT PRIMARY KEY, filler CHAR(200))",
        ])
        .await;
    server
        .run(&format!(
            "INSERT INTO wlf_packed.big WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
             SELECT i, REPEAT('x', 200) FROM n"
        ))
        .await;
    server.insert("wlf_packed", 1..3).await;
    // The connection is given up in the middle: the transaction comes once more, whole.
    reading.read_rows(1000).await;
    assert!(reading.unfinished > 0 && reading.rows.len() < ROWS);
    reading.rows.clear();
    reading.connect().await.read_rows(ROWS + 2).await;
    assert_eq!(reading.rows.len(), ROWS + 2);
    for (n, row) in reading.rows.iter().take(ROWS).enumerate() {
        assert_eq!(row["data"]["id"], n + 1);
        assert!(row.get("xid").is_none());
    }
    assert_eq!(reading.ended.len(), 1);
    assert!(reading.ended[0].xid.is_some());
    assert!(reading.rows[ROWS].get("xid").is_some());
    server
        .run("SET SESSION binlog_transaction_compression = OFF")
        .await;
}

#[tokio::test]
async fn differences_of_documents_are_applied() {
    let mut server = Server::take().await;
    server.with_table("wlf_partial").await;
    let mut reading = Reading::new(&server, "wlf_partial", json!({}));
    server
        .run("SET GLOBAL binlog_row_value_options = PARTIAL_JSON")
        .await;
    reading.connect().await;
    let document = json!({"name": "Ada", "text": "a long text, ".repeat(20), "list": [1, 2, 3]});
    server
        .run_all(&[
            "CREATE TABLE wlf_partial.documents (id INT PRIMARY KEY, j JSON)",
            &format!("INSERT INTO wlf_partial.documents VALUES (1, '{document}')"),
            "SET SESSION binlog_row_value_options = PARTIAL_JSON",
            "UPDATE wlf_partial.documents SET j = JSON_SET(j, '$.name', 'Bob', '$.list[1]', 'two', '$.a', 1.50)",
            "UPDATE wlf_partial.documents SET j = JSON_REMOVE(j, '$.list[0]')",
        ])
        .await;
    reading.read_rows(3).await;
    let now = server.text("SELECT j FROM wlf_partial.documents").await;
    let now: serde_json::Value = serde_json::from_str(&now).unwrap();
    assert_eq!(reading.rows[2]["data"]["j"], now);
    assert_eq!(reading.rows[2]["old"]["j"], reading.rows[1]["data"]["j"]);
    assert_eq!(reading.rows[1]["old"]["j"], document);
    // A session that leaves the documents out stops the reader; a server that does is refused at once.
    server
        .run_all(&[
            "SET SESSION binlog_row_image = MINIMAL",
            "UPDATE wlf_partial.documents SET j = JSON_SET(j, '$.name', 'Cy')",
            "SET SESSION binlog_row_image = FULL, SESSION binlog_row_value_options = ''",
            "SET GLOBAL binlog_row_image = MINIMAL",
        ])
        .await;
    let fault = reading.connect_after(None).await;
    server
        .run_all(&[
            "SET GLOBAL binlog_row_image = FULL",
            "SET GLOBAL binlog_row_value_options = ''",
        ])
        .await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.severity, Severity::Stop(Exit::Unavailable), "{fault}");
    assert!(
        fault.to_string().contains("leave out what JSON documents"),
        "{fault}"
    );
}
