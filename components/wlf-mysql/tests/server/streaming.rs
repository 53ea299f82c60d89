//! What comes through a stream, and what becomes of it when the stream breaks.

use std::time::Duration;

use serde_json::json;
use wlf_core::{Exit, Severity};

use crate::Server;
use crate::collecting::{Reading, assert_whole};

const RETRY: Severity = Severity::Retry { after: None };

/// Ends the connections over which the server sends its binlog to `user`.
async fn kill_streams(server: &mut Server, user: &str) -> usize {
    let rows = server
        .run(&format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{user}' AND COMMAND LIKE 'Binlog Dump%'"
        ))
        .await;
    for row in &rows.rows {
        server.run(&format!("KILL {}", row.text(0).unwrap())).await;
    }
    rows.rows.len()
}

/// A server's endpoint for a user of the test's own.
async fn own_user(server: &mut Server, user: &str) {
    server
        .run_all(&[
            &format!("DROP USER IF EXISTS {user}"),
            &format!("CREATE USER {user} IDENTIFIED BY 'secret'"),
            &format!("GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO {user}"),
        ])
        .await;
}

#[tokio::test]
async fn a_killed_connection_goes_on_behind_the_last_transaction() {
    let mut server = Server::take().await;
    server.with_table("wlf_kill").await;
    own_user(&mut server, "wlf_kill").await;
    let options = json!({"user": "wlf_kill", "password": "secret"});
    let mut reading = Reading::new(&server, "wlf_kill", options);
    reading.connect().await;
    server.insert("wlf_kill", 1..3).await;
    reading.read_rows(2).await;
    assert_eq!(kill_streams(&mut server, "wlf_kill").await, 1);
    server.insert("wlf_kill", 3..5).await;
    let fault = reading.read_to_fault().await;
    assert_eq!(fault.severity, RETRY, "{fault}");
    reading.connect().await.read_rows(4).await;
    assert_eq!(reading.column("id"), [1, 2, 3, 4]);
    server.run("DROP USER wlf_kill").await;
}

#[tokio::test]
async fn a_transaction_broken_off_in_the_middle_is_read_anew_from_its_first_row() {
    let mut server = Server::take().await;
    server.with_table("wlf_torn").await;
    own_user(&mut server, "wlf_torn").await;
    server.insert("wlf_torn", 1..2).await;
    let options = json!({"user": "wlf_torn", "password": "secret"});
    let buffer = 256 * 1024;
    let mut reading = Reading::with_transaction_buffer(&server, "wlf_torn", options, buffer);
    reading.connect().await;
    // Some 20 MB, far more than the sockets and buffers between us hold.
    server
        .run_all(&[
            "SET SESSION cte_max_recursion_depth = 1000000",
            "CREATE TABLE wlf_torn.big (id INT PRIMARY KEY, filler CHAR(200))",
            "INSERT INTO wlf_torn.big WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
             SELECT i, REPEAT('x', 200) FROM n",
        ])
        .await;
    reading.read_rows(1000).await;
    assert!(reading.unfinished > 0);
    assert!(reading.rows.iter().all(|row| row.get("xid").is_none()));
    assert_eq!(kill_streams(&mut server, "wlf_torn").await, 1);
    assert_eq!(reading.read_to_fault().await.severity, RETRY);
    let read = reading.rows.len();
    assert!(read < 100_000, "the kill came too late: {read}");
    reading.rows.clear();
    server.insert("wlf_torn", 2..3).await;
    reading.connect().await.read_rows(100_001).await;
    assert_eq!(reading.rows[0]["data"]["id"], 1);
    let last = &reading.rows[99_999];
    assert_eq!(
        (&last["data"]["id"], last["table"].as_str()),
        (&json!(100_000), Some("big"))
    );
    // Its end is told when it comes, and once.
    assert_eq!(reading.ended.len(), 1);
    assert!(reading.ended[0].xid.is_some());
    assert!(last.get("xid").is_none());
    assert_eq!(reading.rows[100_000]["table"], "t");
    // The second reading is not taken for a continuation of the first.
    let [torn, whole, next] = reading.numbers[..] else {
        panic!("not three transactions: {:?}", reading.numbers);
    };
    assert!(torn < whole && whole < next);
    server.run("DROP USER wlf_torn").await;
    drop(reading);
    server.forget_binlog().await;
}

#[tokio::test]
async fn events_above_16_mib() {
    let mut server = Server::take().await;
    server.with_table("wlf_blob").await;
    server
        .run("CREATE TABLE wlf_blob.b (id INT PRIMARY KEY, data LONGBLOB)")
        .await;
    let mut reading = Reading::new(&server, "wlf_blob", json!({}));
    reading.connect().await;
    server
        .run("INSERT INTO wlf_blob.b VALUES (1, REPEAT('A', 20 << 20))")
        .await;
    server.insert("wlf_blob", 1..2).await;
    reading.read_rows(2).await;
    let base64 = reading.rows[0]["data"]["data"].as_str().unwrap();
    assert_eq!(base64.len(), (20_usize << 20).div_ceil(3) * 4);
    assert!(base64.starts_with("QUFB") && base64.ends_with("QUE="));

    // Of three packets.
    let mut reading = Reading::new(&server, "wlf_blob", json!({})).only_counting();
    reading.connect().await;
    server
        .run("INSERT INTO wlf_blob.b VALUES (2, REPEAT('B', 40 << 20))")
        .await;
    server.insert("wlf_blob", 2..3).await;
    reading.read_rows(2).await;
    assert_whole(&mut server, &reading).await;
    drop(reading);
    server.forget_binlog().await;
}

/// Rows events whose packets are exactly as long as one packet can be, one byte shorter and one byte longer.
#[tokio::test]
async fn events_at_the_boundary_of_a_packet() {
    let mut server = Server::take().await;
    server.with_table("wlf_edge").await;
    server
        .run("CREATE TABLE wlf_edge.b (id INT PRIMARY KEY, data LONGBLOB)")
        .await;
    let mut reading = Reading::new(&server, "wlf_edge", json!({})).only_counting();
    reading.connect().await;
    // The OK byte, header (19), table id and flags (8), extra data (2), width (1), bitmap (1), NULL bits (1), id (4),
    // length (4), checksum (4).
    let around = 0xFF_FFFF - (1 + 19 + 8 + 2 + 1 + 1 + 1 + 4 + 4 + 4);
    let (file, position) = server.end().await;
    for (id, length) in (1..).zip(around - 1..=around + 1) {
        server
            .run(&format!(
                "INSERT INTO wlf_edge.b VALUES ({id}, REPEAT('z', {length}))"
            ))
            .await;
    }
    let events = server
        .run(&format!("SHOW BINLOG EVENTS IN '{file}' FROM {position}"))
        .await;
    let packets: Vec<u64> = events
        .rows
        .iter()
        .filter(|row| events.text(row, "Event_type") == Some("Write_rows"))
        .map(|row| {
            let number = |name| events.text(row, name).unwrap().parse::<u64>().unwrap();
            number("End_log_pos") - number("Pos") + 1
        })
        .collect();
    assert_eq!(packets, [0xFF_FFFE, 0xFF_FFFF, 0x100_0000]);
    reading.read_rows(3).await;
    server.insert("wlf_edge", 1..2).await;
    reading.read_rows(4).await;
    assert_whole(&mut server, &reading).await;
    drop(reading);
    server.forget_binlog().await;
}

#[tokio::test]
async fn ddl_in_between() {
    let mut server = Server::take().await;
    server.with_table("wlf_ddl").await;
    let mut reading = Reading::new(&server, "wlf_ddl", json!({}));
    reading.connect().await;
    server.insert("wlf_ddl", 1..2).await;
    server
        .run_all(&[
            "ALTER TABLE wlf_ddl.t ADD COLUMN size INT FIRST",
            "INSERT INTO wlf_ddl.t VALUES (7, 2, 'n2')",
            "ALTER TABLE wlf_ddl.t DROP COLUMN name, RENAME COLUMN id TO number",
            "INSERT INTO wlf_ddl.t VALUES (8, 3)",
            "TRUNCATE TABLE wlf_ddl.t",
            "RENAME TABLE wlf_ddl.t TO wlf_ddl.v",
            "INSERT INTO wlf_ddl.v VALUES (9, 4)",
        ])
        .await;
    reading.read_rows(4).await;
    let data: Vec<_> = reading.rows.iter().map(|row| row["data"].clone()).collect();
    assert_eq!(
        data,
        [
            json!({"id": 1, "name": "n1"}),
            json!({"size": 7, "id": 2, "name": "n2"}),
            json!({"size": 8, "number": 3}),
            json!({"size": 9, "number": 4}),
        ]
    );
    assert_eq!(reading.rows[3]["table"], "v");
}

#[tokio::test]
async fn transactions_without_rows_move_the_position() {
    let mut server = Server::take().await;
    server.with_table("wlf_move").await;
    let mut reading = Reading::new(&server, "wlf_move", json!({}));
    reading.connect().await;
    server.run("CREATE TABLE wlf_move.u (id INT)").await;
    let end = server.end().await.1;
    while reading.position.is_none() || reading.place("position") != end {
        reading.read().await.unwrap();
    }
    assert_whole(&mut server, &reading).await;
    assert_eq!(reading.rows.len(), 0);
}

#[tokio::test]
async fn an_idle_server_is_not_dead_and_heartbeats_move_nothing() {
    let mut server = Server::take().await;
    server.with_table("wlf_idle").await;
    let mut reading = Reading::new(&server, "wlf_idle", json!({"heartbeat": "100ms"}));
    reading.connect().await;
    server.insert("wlf_idle", 1..2).await;
    reading.read_rows(1).await;
    let position = reading.position.clone();
    // Longer than three heartbeats and the grace, and given up again and again.
    for _ in 0..30 {
        reading.read_for(Duration::from_millis(200)).await;
    }
    assert_eq!(reading.position, position);
    server.insert("wlf_idle", 2..3).await;
    reading.read_rows(2).await;
}

#[tokio::test]
async fn reads_given_up_lose_nothing() {
    let mut server = Server::take().await;
    server.with_table("wlf_cancel").await;
    let mut reading = Reading::new(&server, "wlf_cancel", json!({}));
    reading.connect().await;
    server.insert("wlf_cancel", 1..200).await;
    while reading.rows.len() < 199 {
        reading.read_for(Duration::from_micros(50)).await;
    }
    let ids: Vec<_> = (1..200).map(|id| json!(id)).collect();
    assert_eq!(reading.column("id"), ids);
}

#[tokio::test]
async fn a_dead_connection_is_found() {
    use tokio::io::copy;
    let mut server = Server::take().await;
    server.with_table("wlf_dead").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let upstream = (server.endpoint.host.clone(), server.endpoint.port);
    // Passes everything on until it falls silent, without a word to either side.
    let (silence, mut silent) = tokio::sync::watch::channel(false);
    let proxy = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (client, _) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                _ = silent.changed() => std::future::pending().await,
            };
            let server = tokio::net::TcpStream::connect((&*upstream.0, upstream.1))
                .await
                .unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let mut silent = silent.clone();
            open.push(tokio::spawn(async move {
                tokio::select! {
                    _ = copy(&mut from_client, &mut to_server) => {}
                    _ = copy(&mut from_server, &mut to_client) => {}
                    _ = silent.changed() => std::future::pending().await,
                }
            }));
        }
    });
    let options = json!({"host": "127.0.0.1", "port": port, "heartbeat": "100ms"});
    let mut reading = Reading::new(&server, "wlf_dead", options);
    reading.connect().await;
    server.insert("wlf_dead", 1..2).await;
    reading.read_rows(1).await;
    silence.send(true).unwrap();
    let fault = reading.read_to_fault().await;
    assert_eq!(fault.severity, RETRY, "{fault}");
    assert!(
        fault.to_string().contains("has sent nothing for 5 s"),
        "{fault}"
    );
    proxy.abort();
}

#[tokio::test]
async fn two_with_one_server_id_say_so() {
    let mut server = Server::take().await;
    server.with_table("wlf_twins").await;
    let options = json!({"server_id": 777_777});
    let mut first = Reading::new(&server, "wlf_twins", options.clone());
    first.connect().await;
    server.insert("wlf_twins", 1..2).await;
    first.read_rows(1).await;
    let mut second = Reading::new(&server, "wlf_twins", options);
    second.connect().await;
    let fault = first.read_to_fault().await;
    assert_eq!(fault.exit(), Exit::Unavailable, "{fault}");
    assert!(fault.hint.unwrap().contains("`server_id`"));
}

#[tokio::test]
async fn without_full_metadata_the_server_is_asked_for_columns() {
    let mut server = Server::take().await;
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    server.reconnect().await;
    server
        .run_all(&[
            "DROP DATABASE IF EXISTS wlf_minimal",
            "CREATE DATABASE wlf_minimal",
            "CREATE TABLE wlf_minimal.t (a INT UNSIGNED, id BIGINT, size ENUM('s', 'it''s'), word VARCHAR(9) CHARACTER SET latin1, \
             name VARCHAR(9), PRIMARY KEY (name, id))",
        ])
        .await;
    let options = json!({"start": "latest"});
    let mut reading = Reading::new(&server, "wlf_minimal", options);
    reading.connect().await;
    server
        .run("INSERT INTO wlf_minimal.t VALUES (4294967295, 1, 'it''s', 'né', 'é')")
        .await;
    reading.read_rows(1).await;
    server
        .run_all(&[
            "ALTER TABLE wlf_minimal.t ADD COLUMN more INT FIRST",
            "INSERT INTO wlf_minimal.t VALUES (5, 1, -2, 's', NULL, 'x')",
        ])
        .await;
    reading.read_rows(2).await;
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
    let data: Vec<_> = reading.rows.iter().map(|row| row["data"].clone()).collect();
    assert_eq!(
        data,
        [
            json!({"a": 4_294_967_295_u32, "id": 1, "size": "it's", "word": "né", "name": "é"}),
            json!({"more": 5, "a": 1, "id": -2, "size": "s", "word": null, "name": "x"}),
        ]
    );
}

#[tokio::test]
async fn everything_wrong_with_a_server_is_named_at_once() {
    let mut server = Server::take().await;
    server
        .run_all(&[
            "DROP USER IF EXISTS wlf_poor",
            "CREATE USER wlf_poor IDENTIFIED BY 'secret'",
        ])
        .await;
    let options = json!({"user": "wlf_poor", "password": "secret"});
    let mut reading = Reading::new(&server, "wlf_poor", options.clone());
    let fault = reading.connect_after(None).await.unwrap_err();
    assert_eq!(fault.severity, Severity::Stop(Exit::Login), "{fault}");
    let shown = fault.to_string();
    for right in ["REPLICATION SLAVE", "REPLICATION CLIENT"] {
        assert!(
            shown.contains(&format!("user wlf_poor@% lacks {right}")),
            "{shown}"
        );
    }
    let hint = fault.hint.unwrap();
    assert!(
        hint.contains("GRANT REPLICATION SLAVE ON *.* TO 'wlf_poor'@'%'"),
        "{hint}"
    );
    server
        .run_all(&[
            "SET GLOBAL binlog_format = STATEMENT",
            "SET GLOBAL binlog_row_value_options = PARTIAL_JSON",
            "SET GLOBAL binlog_row_image = MINIMAL",
        ])
        .await;
    let fault = reading.connect_after(None).await;
    server
        .run_all(&[
            "SET GLOBAL binlog_format = ROW",
            "SET GLOBAL binlog_row_value_options = ''",
            "SET GLOBAL binlog_row_image = FULL",
        ])
        .await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.severity, Severity::Stop(Exit::Unavailable), "{fault}");
    let shown = fault.to_string();
    for words in [
        "binlog_format is STATEMENT and must be ROW",
        "binlog_row_value_options is PARTIAL_JSON and binlog_row_image is MINIMAL",
        "lacks REPLICATION SLAVE",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    assert!(
        fault
            .hint
            .unwrap()
            .contains("SET PERSIST binlog_format = 'ROW'")
    );
    server.run("DROP USER wlf_poor").await;
}

#[tokio::test]
async fn a_user_who_sees_no_table_is_refused_where_the_binlog_has_no_names() {
    let mut server = Server::take().await;
    server.with_table("wlf_blind").await;
    server
        .run_all(&[
            "SET GLOBAL binlog_row_metadata = MINIMAL",
            "DROP USER IF EXISTS wlf_blind",
            "CREATE USER wlf_blind IDENTIFIED BY 'secret'",
            "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO wlf_blind",
        ])
        .await;
    server.reconnect().await;
    let options = json!({"user": "wlf_blind", "password": "secret"});
    let mut reading = Reading::new(&server, "wlf_blind", options.clone());
    let fault = reading.connect_after(None).await.unwrap_err();
    assert!(fault.to_string().contains("lacks SELECT"), "{fault}");
    let hint = fault.hint.as_deref().unwrap_or_default();
    assert!(
        hint.contains("GRANT SELECT ON *.* TO 'wlf_blind'@'%'"),
        "{hint}"
    );
    // Of another database: the table is told of with what its user needs.
    server.run("GRANT SELECT ON mysql.* TO wlf_blind").await;
    reading.connect().await;
    server.insert("wlf_blind", 1..2).await;
    let fault = reading.read_to_unencodable().await;
    let text = fault.to_string();
    assert!(
        text.contains("needs GRANT SELECT ON `wlf_blind`.`t`"),
        "{text}"
    );
    // Which leads out.
    server.run("GRANT SELECT ON wlf_blind.t TO wlf_blind").await;
    let (file, position) = server.end().await;
    let mut options = options;
    options["start"] = json!({"file": file, "position": position});
    let mut again = Reading::new(&server, "wlf_blind", options);
    again.connect().await;
    server.insert("wlf_blind", 2..3).await;
    again.read_rows(1).await;
    assert_eq!(again.column("name"), ["n2"]);
    server
        .run_all(&[
            "DROP USER wlf_blind",
            "SET GLOBAL binlog_row_metadata = FULL",
        ])
        .await;
}

#[tokio::test]
async fn rights_may_come_from_a_role() {
    let mut server = Server::take().await;
    server
        .run_all(&[
            "DROP USER IF EXISTS wlf_actor",
            "DROP ROLE IF EXISTS wlf_role",
            "CREATE ROLE wlf_role",
            "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO wlf_role",
            "CREATE USER wlf_actor IDENTIFIED BY 'secret' DEFAULT ROLE wlf_role",
        ])
        .await;
    let options = json!({"user": "wlf_actor", "password": "secret"});
    let mut reading = Reading::new(&server, "wlf_actor", options);
    reading.connect_after(None).await.unwrap();
    server
        .run_all(&["DROP USER wlf_actor", "DROP ROLE wlf_role"])
        .await;
}

#[tokio::test]
async fn the_servers_own_id_is_refused() {
    let mut server = Server::take().await;
    let id: u32 = server.text("SELECT @@server_id").await.parse().unwrap();
    let mut reading = Reading::new(&server, "wlf_own", json!({"server_id": id}));
    let fault = reading.connect_after(None).await.unwrap_err();
    assert!(fault.to_string().contains("is the server's own"), "{fault}");
}
