//! The same against MariaDB 10.11 and 11.8, and what only MariaDB has.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use wlf_core::{Exit, Position, Severity};
use wlf_mysql::connection::Connection;

use crate::collecting::Reading;
use crate::{Server, endpoint};

pub const VERSIONS: [&str; 2] = ["WLF_TEST_MARIADB_1011", "WLF_TEST_MARIADB_118"];

impl Server {
    /// The MariaDB that a variable names, for one test at a time.
    pub async fn mariadb(variable: &str) -> Self {
        static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
        let turn = TURN.lock().await;
        let endpoint = endpoint(variable);
        let admin = Connection::open(&endpoint).await;
        let mut server = Self {
            admin: admin.unwrap_or_else(|error| panic!("{variable}: {error}")),
            endpoint,
            _turn: turn,
        };
        server.run("SET GLOBAL binlog_checksum = CRC32").await;
        server
    }

    /// What the server says was executed before the position's file and offset.
    async fn executed_before(&mut self, reading: &Reading) -> String {
        let (file, offset) = (reading.place("file"), reading.place("position"));
        self.text(&format!("SELECT BINLOG_GTID_POS({file}, {offset})"))
            .await
    }

    /// Writes the next transactions as another server does, or into another domain.
    async fn write_as(&mut self, domain: u32, server_id: u32) {
        self.run_all(&[
            &format!("SET SESSION gtid_domain_id = {domain}"),
            &format!("SET SESSION server_id = {server_id}"),
        ])
        .await;
    }
}

/// Fails unless the position has what the server says was executed before its file and offset.
async fn assert_whole(server: &mut Server, reading: &Reading) {
    let set = reading.place("gtid_set");
    let executed = server.executed_before(reading).await;
    // The server has its domains in no special order.
    let sorted = |set: &str| {
        let mut gtids: Vec<String> = set.split(',').map(str::to_owned).collect();
        gtids.sort();
        gtids
    };
    assert_eq!(sorted(set.as_str().unwrap()), sorted(&executed));
}

#[tokio::test]
async fn inserts_updates_and_deletes_come_as_they_are_made() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_follow").await;
        let mut reading = Reading::new(&server, "wlf_m_follow", json!({}));
        reading.connect().await;
        server.insert("wlf_m_follow", 1..4).await;
        server
            .run_all(&[
                "UPDATE wlf_m_follow.t SET name = 'é€😀' WHERE id = 2",
                "DELETE FROM wlf_m_follow.t WHERE id = 1",
                "CREATE TABLE wlf_m_follow.s SELECT * FROM wlf_m_follow.t",
            ])
            .await;
        reading.read_rows(7).await;
        let types: Vec<_> = reading.rows.iter().map(|row| row["type"].clone()).collect();
        assert_eq!(
            types,
            [
                "insert", "insert", "insert", "update", "delete", "insert", "insert"
            ]
        );
        assert_eq!(reading.rows[3]["data"]["name"], "é€😀");
        assert_eq!(reading.rows[3]["old"], json!({"name": "n2"}));
        let of_select: Vec<_> = reading.rows[5..].iter().map(|row| &row["data"]).collect();
        assert_eq!(
            of_select,
            [
                &json!({"id": 2, "name": "é€😀"}),
                &json!({"id": 3, "name": "n3"})
            ]
        );
        assert_whole(&mut server, &reading).await;
    }
}

#[tokio::test]
async fn every_start_finds_its_place() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.run("FLUSH BINARY LOGS").await;
        server.with_table("wlf_m_start").await;
        server.run("DO SLEEP(1.1)").await;
        server.insert("wlf_m_start", 1..3).await;
        let (file, position) = server.end().await;
        let gtid = server.text("SELECT @@GLOBAL.gtid_binlog_pos").await;
        server.run("DO SLEEP(1.1)").await;
        let time: u32 = server
            .text("SELECT UNIX_TIMESTAMP()")
            .await
            .parse()
            .unwrap();
        server.run("FLUSH BINARY LOGS").await;
        server.insert("wlf_m_start", 3..5).await;
        let both = json!([3, 4]);
        let all = json!([1, 2, 3, 4]);
        for (start, ids) in [
            (json!("earliest"), &all),
            (json!({"file": file}), &all),
            (json!({"timestamp": 1}), &all),
            (json!({"file": file, "position": position}), &both),
            (json!({"gtid": gtid}), &both),
            (json!({"timestamp": time}), &both),
            (json!("latest"), &json!([])),
        ] {
            // Other tests have logged statements before.
            let options = json!({"start": start, "stop_at_end": true, "on_statement": "warn"});
            let mut reading = Reading::new(&server, "wlf_m_start", options.clone());
            reading.connect().await.read_all().await;
            assert_eq!(&json!(reading.column("id")), ids, "{start}");
            assert_whole(&mut server, &reading).await;
            let mut again = Reading::new(&server, "wlf_m_start", options);
            again.position = reading.position.clone();
            again.connect().await.read_all().await;
            assert_eq!(again.rows, [Value::Null; 0], "{start}");
        }
    }
}

#[tokio::test]
async fn a_place_inside_of_a_transaction_is_refused() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_none").await;
        server.insert("wlf_m_none", 1..2).await;
        let (file, position) = server.end().await;
        for (position, words) in [
            (position - 1, "no event begins there"),
            (position - 31, "inside of a transaction"),
            (position + 1000, "has only"),
        ] {
            let options = json!({"start": {"file": file, "position": position}});
            let mut reading = Reading::new(&server, "wlf_m_none", options);
            let fault = reading.connect_after(None).await.unwrap_err();
            assert_eq!(fault.exit(), Exit::Data, "{fault}");
            assert!(fault.to_string().contains(words), "{position}: {fault}");
        }
    }
}

/// Several domains, and several servers in one of them, the way a chain of failovers leaves a binlog.
#[tokio::test]
async fn a_position_has_every_domain_and_goes_on_behind_it() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_domains").await;
        let mut reading = Reading::new(&server, "wlf_m_domains", json!({}));
        reading.connect().await;
        for (n, (domain, id)) in [(0, 31), (7, 31), (0, 32), (8, 33), (0, 31)]
            .iter()
            .enumerate()
        {
            server.write_as(*domain, *id).await;
            let n = u32::try_from(n).unwrap();
            server.insert("wlf_m_domains", n..n + 1).await;
        }
        reading.read_rows(5).await;
        assert_whole(&mut server, &reading).await;
        let set = reading.place("gtid_set");
        let domains: Vec<&str> = set.as_str().unwrap().split(',').collect();
        for begin in ["0-31-", "7-31-", "8-33-"] {
            assert!(
                domains.iter().any(|gtid| gtid.starts_with(begin)),
                "{set} {begin}"
            );
        }
        // What is written while nobody reads, in other files too; the position is killed and goes on by its file, and,
        // as on another server, by its GTIDs alone.
        let saved = reading.position.clone();
        drop(reading);
        for (n, (domain, id)) in [(7, 31), (0, 32)].iter().enumerate() {
            server.write_as(*domain, *id).await;
            let n = 10 + u32::try_from(n).unwrap();
            server.insert("wlf_m_domains", n..n + 1).await;
            server.run("FLUSH BINARY LOGS").await;
        }
        let mut elsewhere = saved.clone().unwrap();
        elsewhere.0["server_uuid"] = json!("mariadb-999");
        elsewhere.0["file"] = json!("binlog.999999");
        for position in [saved.unwrap(), elsewhere] {
            let options = json!({"stop_at_end": true});
            let mut again = Reading::new(&server, "wlf_m_domains", options);
            again.position = Some(position);
            again.connect().await.read_all().await;
            assert_eq!(again.column("id"), [10, 11]);
            assert_whole(&mut server, &again).await;
        }
    }
}

/// Without `gtid_strict_mode` a domain's numbers may go back: the last is the last, whatever its number.
#[tokio::test]
async fn numbers_that_go_back_lose_nothing() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_back").await;
        server.write_as(9, 41).await;
        for (number, id) in [(2000, 1), (1000, 2)] {
            // The server takes a lower number only from another server in the domain.
            server
                .run(&format!("SET SESSION server_id = {}", 41 + id))
                .await;
            server
                .run(&format!("SET SESSION gtid_seq_no = {number}"))
                .await;
            server.insert("wlf_m_back", id..id + 1).await;
        }
        let mut reading = Reading::new(&server, "wlf_m_back", json!({}));
        reading.connect().await;
        assert!(reading.read().await.unwrap());
        let set = reading.place("gtid_set");
        assert!(set.as_str().unwrap().contains("9-43-1000"), "{set}");
        server.insert("wlf_m_back", 3..4).await;
        reading.read_rows(1).await;
        let saved = reading.position.clone();
        drop(reading);
        server.insert("wlf_m_back", 4..5).await;
        let mut again = Reading::new(&server, "wlf_m_back", json!({"stop_at_end": true}));
        again.position = saved;
        again.connect().await.read_all().await;
        assert_eq!(again.column("id"), [4]);
        assert_whole(&mut server, &again).await;
        // Nothing of this domain is left for others.
        server.write_as(0, 1).await;
        server.run("FLUSH BINARY LOGS").await;
    }
}

#[tokio::test]
async fn a_broken_connection_goes_on_behind_the_last_transaction() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_kill").await;
        server
            .run_all(&[
                "CREATE OR REPLACE USER wlf_m_kill IDENTIFIED BY 'secret'",
                "GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO wlf_m_kill",
            ])
            .await;
        let options = json!({"user": "wlf_m_kill", "password": "secret"});
        let buffer = 256 * 1024;
        let mut reading = Reading::with_transaction_buffer(&server, "wlf_m_kill", options, buffer)
            .only_counting();
        reading.connect().await;
        server.insert("wlf_m_kill", 1..3).await;
        reading.read_rows(2).await;
        // A transaction that is too large to be held is read in pieces, and broken off in the middle: some 20 MB, far
        // more than the sockets and buffers between us hold.
        server
            .run_all(&[
                "CREATE TABLE wlf_m_kill.big (id INT PRIMARY KEY, filler CHAR(200))",
                "INSERT INTO wlf_m_kill.big SELECT seq, REPEAT('x', 200) FROM mysql.seq_1_to_100000",
            ])
            .await;
        while reading.unfinished == 0 {
            reading.read().await.unwrap();
        }
        let streams = server
            .run("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'wlf_m_kill' AND COMMAND = 'Binlog Dump'")
            .await;
        assert_eq!(streams.rows.len(), 1);
        let id = streams.rows[0].text(0).unwrap();
        server.run(&format!("KILL {id}")).await;
        let fault = reading.read_to_fault().await;
        assert_eq!(fault.severity, Severity::Retry { after: None }, "{fault}");
        assert!(reading.rows.len() < 100_000, "the kill came too late");
        reading.rows.clear();
        reading.connect().await.read_rows(100_000).await;
        assert_eq!((reading.rows.len(), reading.ended.len()), (100_000, 1));
        server.run("DROP USER wlf_m_kill").await;
    }
}

#[tokio::test]
async fn xa_is_held_until_it_is_decided_and_read_again_after_a_restart() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        // What a test that failed in the middle has left holds locks.
        let _ = server.admin.query("XA ROLLBACK 'wlf','q',7").await;
        server.with_table("wlf_m_xa").await;
        let mut reading = Reading::new(&server, "wlf_m_xa", json!({}));
        reading.connect().await;
        server
            .run_all(&[
                "XA START 'wlf','q',7",
                "INSERT INTO wlf_m_xa.t VALUES (1, 'held')",
                "XA END 'wlf','q',7",
                "XA PREPARE 'wlf','q',7",
            ])
            .await;
        server.reconnect().await;
        server.insert("wlf_m_xa", 2..4).await;
        reading.read_rows(2).await;
        assert_eq!(reading.column("id"), [2, 3]);
        // It stays before the prepared one, of which nothing has gone on.
        assert_whole(&mut server, &reading).await;
        let saved = reading.position.clone();
        server.run("XA COMMIT 'wlf','q',7").await;
        reading.read_rows(3).await;
        assert_eq!(reading.column("id"), [2, 3, 1]);
        assert_whole(&mut server, &reading).await;
        for uuid in [reading.place("server_uuid"), json!("mariadb-999")] {
            let options = json!({"stop_at_end": true, "server_id": 4711});
            let mut again = Reading::new(&server, "wlf_m_xa", options);
            let mut position = saved.clone().unwrap();
            position.0["server_uuid"] = uuid;
            again.position = Some(position);
            again.connect().await.read_all().await;
            assert_eq!(again.column("id"), [2, 3, 1]);
        }
        server
            .run_all(&[
                "XA START 'gone'",
                "INSERT INTO wlf_m_xa.t VALUES (9, 'gone')",
                "XA END 'gone'",
                "XA PREPARE 'gone'",
                "XA ROLLBACK 'gone'",
            ])
            .await;
        server.insert("wlf_m_xa", 10..11).await;
        reading.read_rows(4).await;
        assert_eq!(reading.column("id"), [2, 3, 1, 10]);
        assert_whole(&mut server, &reading).await;
    }
}

/// ANNOTATE_ROWS on and off, ALTER TABLE in two phases, tables without transactions, savepoints.
#[tokio::test]
async fn events_that_only_mariadb_has_are_in_nobodys_way() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_events").await;
        let mut reading = Reading::new(&server, "wlf_m_events", json!({}));
        reading.connect().await;
        server
            .run_all(&[
                "SET SESSION binlog_annotate_row_events = OFF",
                "INSERT INTO wlf_m_events.t VALUES (1, 'quiet')",
                "SET SESSION binlog_annotate_row_events = ON",
                "INSERT INTO wlf_m_events.t VALUES (2, 'annotated')",
                "SET SESSION binlog_alter_two_phase = ON",
                "ALTER TABLE wlf_m_events.t ADD COLUMN more INT DEFAULT 5, ALGORITHM = COPY",
                "INSERT INTO wlf_m_events.t VALUES (3, 'wider', 6)",
                "CREATE TABLE wlf_m_events.m (id INT) ENGINE = MyISAM",
                "INSERT INTO wlf_m_events.m VALUES (4)",
                "BEGIN",
                "INSERT INTO wlf_m_events.t VALUES (5, 'kept', 7)",
                "SAVEPOINT s",
                "INSERT INTO wlf_m_events.t VALUES (6, 'not', 7)",
                "ROLLBACK TO s",
                "COMMIT",
            ])
            .await;
        reading.read_rows(5).await;
        assert_eq!(reading.column("id"), [1, 2, 3, 4, 5]);
        assert_eq!(reading.rows[2]["data"]["more"], 6);
        assert_whole(&mut server, &reading).await;
    }
}

#[tokio::test]
async fn a_binlog_without_checksums() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_bare").await;
        let mut reading = Reading::new(&server, "wlf_m_bare", json!({}));
        reading.connect().await;
        server.insert("wlf_m_bare", 1..2).await;
        // It changes in the middle of the stream, with a new file.
        server.run("SET GLOBAL binlog_checksum = NONE").await;
        server.insert("wlf_m_bare", 2..3).await;
        reading.read_rows(2).await;
        reading.connect().await;
        server.insert("wlf_m_bare", 3..4).await;
        server.run("SET GLOBAL binlog_checksum = CRC32").await;
        server.insert("wlf_m_bare", 4..5).await;
        reading.read_rows(4).await;
        assert_eq!(reading.column("id"), [1, 2, 3, 4]);
        assert_whole(&mut server, &reading).await;
    }
}

#[tokio::test]
async fn an_idle_server_is_not_dead() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_idle").await;
        let mut reading = Reading::new(&server, "wlf_m_idle", json!({"heartbeat": "100ms"}));
        reading.connect().await;
        // Longer than three heartbeats and the grace.
        let until = tokio::time::Instant::now() + Duration::from_secs(7);
        while tokio::time::Instant::now() < until {
            reading.read_for(Duration::from_secs(1)).await;
        }
        server.insert("wlf_m_idle", 1..2).await;
        reading.read_rows(1).await;
        assert_whole(&mut server, &reading).await;
    }
}

#[tokio::test]
async fn two_with_one_server_id_say_so() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_twins").await;
        let options = json!({"server_id": 4_000_000});
        let mut first = Reading::new(&server, "wlf_m_twins", options.clone());
        first.connect().await;
        server.insert("wlf_m_twins", 1..2).await;
        first.read_rows(1).await;
        let mut second = Reading::new(&server, "wlf_m_twins", options);
        second.connect().await;
        let fault = first.read_to_fault().await;
        assert_eq!(fault.exit(), Exit::Unavailable, "{fault}");
        assert!(fault.hint.unwrap().contains("`server_id`"));
    }
}

#[tokio::test]
async fn a_purged_position_ends_with_69() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_purge").await;
        let mut reading = Reading::new(&server, "wlf_m_purge", json!({}));
        reading.connect().await;
        server.insert("wlf_m_purge", 1..2).await;
        reading.read_rows(1).await;
        let saved = reading.position.clone().unwrap();
        let old = server.end().await.0;
        drop(reading);
        server.insert("wlf_m_purge", 2..3).await;
        server.run("FLUSH BINARY LOGS").await;
        let oldest = server.end().await.0;
        server.purge_to(&oldest).await;
        let mut by_gtid = Reading::new(&server, "wlf_m_purge", json!({}));
        let by_gtid = by_gtid.connect_after(Some(&saved)).await.unwrap_err();
        let options = json!({"start": {"file": old}});
        let mut by_file = Reading::new(&server, "wlf_m_purge", options);
        let by_file = by_file.connect_after(None).await.unwrap_err();
        for fault in [by_gtid, by_file] {
            assert_eq!(fault.exit(), Exit::Unavailable, "{fault}");
            let shown = fault.to_string();
            assert!(shown.contains(&oldest) && shown.contains(&old), "{shown}");
            assert!(fault.hint.unwrap().contains("binlog_expire_logs_seconds"));
        }
        let options = json!({"start": "earliest", "stop_at_end": true});
        let mut fresh = Reading::new(&server, "wlf_m_purge", options);
        fresh.connect().await.read_all().await;
        assert_whole(&mut server, &fresh).await;
    }
}

#[tokio::test]
async fn a_position_of_something_else_ends_with_65() {
    let of_mysql = "24bc7850-2c16-11e6-a073-0242ac110001:1-9";
    let mut of_this = Value::Null;
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_foreign").await;
        let executed = server.text("SELECT @@GLOBAL.gtid_binlog_pos").await;
        let (file, position) = server.end().await;
        of_this = json!({"file": file, "position": position, "gtid_set": executed, "server_uuid": "mariadb-1"});
        for (position, words) in [
            (
                json!({"file": file, "position": 4, "gtid_set": of_mysql}),
                "it is one of MySQL, and this server is MariaDB",
            ),
            (
                json!({"file": file, "position": 4, "server_uuid": "24bc7850-2c16-11e6-a073-0242ac110001"}),
                "it is one of MySQL, and this server is MariaDB",
            ),
            (
                json!({"file": file, "position": 4, "gtid_set": "0-4711-1", "server_uuid": "mariadb-4711"}),
                "has never written 0-4711-1",
            ),
        ] {
            let mut reading = Reading::new(&server, "wlf_m_foreign", json!({}));
            let fault = reading
                .connect_after(Some(&Position(position)))
                .await
                .unwrap_err();
            assert_eq!(fault.exit(), Exit::Data, "{fault}");
            assert!(fault.to_string().contains(words), "{fault}");
        }
        let options = json!({"start": {"gtid": of_mysql}});
        let mut reading = Reading::new(&server, "wlf_m_foreign", options);
        let fault = reading.connect_after(None).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Data, "{fault}");
    }
    let server = Server::take().await;
    let without_set = json!({"file": "binlog.000001", "position": 4, "server_uuid": "mariadb-1"});
    for position in [of_this, without_set] {
        let mut reading = Reading::new(&server, "wlf_m_foreign", json!({}));
        let fault = reading
            .connect_after(Some(&Position(position)))
            .await
            .unwrap_err();
        assert_eq!(fault.exit(), Exit::Data, "{fault}");
        let words = "it is one of MariaDB, and this server is MySQL";
        assert!(fault.to_string().contains(words), "{fault}");
    }
}

#[tokio::test]
async fn logins_and_rights() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        assert!(server.admin.handshake().is_mariadb());
        server
            .run_all(&[
                "CREATE OR REPLACE USER wlf_m_login IDENTIFIED VIA mysql_native_password USING PASSWORD('secret')",
                "CREATE OR REPLACE USER wlf_m_empty IDENTIFIED BY ''",
            ])
            .await;
        let endpoint = server.endpoint_of("wlf_m_empty", "");
        Connection::open(&endpoint).await.unwrap();
        let endpoint = server.endpoint_of("wlf_m_login", "wrong");
        let fault = wlf_core::Fault::from(Connection::open(&endpoint).await.unwrap_err());
        assert_eq!(fault.exit(), Exit::Login, "{fault}");
        let options = json!({"user": "wlf_m_login", "password": "secret"});
        let mut reading = Reading::new(&server, "wlf_m_login", options);
        let fault = reading.connect_after(None).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Login, "{fault}");
        let words = "lacks REPLICATION SLAVE; user wlf_m_login@% lacks REPLICATION CLIENT";
        assert!(fault.to_string().contains(words), "{fault}");
        server
            .run("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO wlf_m_login")
            .await;
        let fault = reading.connect_after(None).await.unwrap_err();
        assert!(
            fault.to_string().contains("lacks SELECT, without which"),
            "{fault}"
        );
        server.run("GRANT SELECT ON mysql.* TO wlf_m_login").await;
        reading.connect().await;
        server.run("DROP USER wlf_m_login, wlf_m_empty").await;
    }
}

/// Newer ones leave generated columns out of the images of UPDATE and DELETE: what is there is right.
#[tokio::test]
async fn generated_columns_are_right_or_left_out() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        server.with_table("wlf_m_generated").await;
        server
            .run_all(&[
                "USE wlf_m_generated",
                "CREATE TABLE g (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, s INT AS (a * 2) STORED, KEY (s), KEY (v))",
            ])
            .await;
        let mut reading = Reading::new(&server, "wlf_m_generated", json!({}));
        reading.connect().await;
        server
            .run_all(&[
                "INSERT INTO g (id, a) VALUES (1, 10)",
                "UPDATE g SET a = 20 WHERE s = 20",
                "DELETE FROM g WHERE v = 21",
            ])
            .await;
        reading.read_rows(3).await;
        let whole = json!({"id": 1, "a": 10, "v": 11, "s": 20});
        assert_eq!(reading.rows[0]["data"], whole);
        for row in &reading.rows[1..] {
            assert_eq!(
                (&row["data"]["id"], &row["data"]["a"]),
                (&json!(1), &json!(20))
            );
            for (name, value) in [("v", 21), ("s", 40)] {
                if let Some(found) = row["data"].get(name) {
                    assert_eq!(found, value, "{version}: {row}");
                }
            }
        }
        let old = &reading.rows[1]["old"];
        assert_eq!(old["a"], 10);
        println!("{version}: {}", reading.rows[1]);
    }
}

/// The columns of a sequence are always the same, whatever became of it.
#[tokio::test]
async fn rows_of_a_sequence_are_known_when_it_is_altered_or_gone() {
    for version in VERSIONS {
        for end in [
            "ALTER SEQUENCE q INCREMENT BY 3",
            "DROP SEQUENCE q",
            "CREATE OR REPLACE SEQUENCE q",
            "DROP DATABASE wlf_m_sequence",
        ] {
            for is_new in [false, true] {
                let mut server = Server::mariadb(version).await;
                server.with_table("wlf_m_sequence").await;
                server.run("USE wlf_m_sequence").await;
                if !is_new {
                    server.run("CREATE SEQUENCE q NOCACHE").await;
                }
                let (file, position) = server.end().await;
                if is_new {
                    server.run("CREATE SEQUENCE q NOCACHE").await;
                } else if end.starts_with("DROP DATABASE") {
                    // What was there is not told apart from tables that were dropped with it.
                    continue;
                }
                server
                    .run_all(&["SELECT NEXT VALUE FOR q", "SELECT NEXT VALUE FOR q", end])
                    .await;
                let start = json!({"file": file, "position": position});
                let options = json!({"start": start, "stop_at_end": true});
                let mut reading = Reading::new(&server, "wlf_m_sequence", options);
                reading.connect().await.read_all().await;
                let values = reading.column("next_not_cached_value");
                assert!(
                    values.windows(2).any(|pair| pair == [json!(2), json!(3)]),
                    "{version} {end}: {values:?}"
                );
                assert_eq!(reading.rows[0]["data"]["increment"], 1);
            }
        }
    }
}
