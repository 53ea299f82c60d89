//! Transactions that were rolled back in part or whole and are in the binlog all the same: the tables are the oracle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wlf_core::format::{Encoder, Format};
use wlf_core::{Collector, Desk};
use wlf_mysql::binlog::Limits;
use wlf_mysql::file_collector::BinlogFileCollector;

use crate::Server;
use crate::collecting::Reading;

const MARIADB: [&str; 2] = ["WLF_TEST_MARIADB_1011", "WLF_TEST_MARIADB_118"];
const SMALL: u64 = 300;
const LARGE: u64 = 64 << 20;

impl Server {
    /// Makes an empty database with a table `t` of InnoDB and a table `m` of MyISAM.
    async fn with_both_engines(&mut self, database: &str) {
        self.run_all(&[
            &format!("DROP DATABASE IF EXISTS {database}"),
            &format!("CREATE DATABASE {database}"),
            &format!("USE {database}"),
            "CREATE TABLE t (id INT PRIMARY KEY, v MEDIUMTEXT) ENGINE=InnoDB",
            "CREATE TABLE m (id INT PRIMARY KEY, v MEDIUMTEXT) ENGINE=MyISAM",
        ])
        .await;
    }

    /// Runs statements, some of which may fail.
    async fn try_all(&mut self, statements: &[&str]) {
        for sql in statements {
            let _ = self.admin.query(sql).await;
        }
    }

    /// What is read from the place to the end, with a transaction buffer of so many bytes.
    async fn read_from(&self, database: &str, place: &(String, u64), buffer: u64) -> Reading {
        let options = json!({
            "start": {"file": place.0, "position": place.1},
            "stop_at_end": true,
        });
        let mut reading = Reading::with_transaction_buffer(self, database, options, buffer);
        reading.connect().await.read_all().await;
        reading
    }
}

/// The rows, as `table: type id`.
fn shown(reading: &Reading) -> Vec<String> {
    let each = |row: &Value| {
        let member = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        format!(
            "{}: {} {}",
            member("table"),
            member("type"),
            row["data"]["id"]
        )
    };
    reading.rows.iter().map(each).collect()
}

/// Reads with a small and a large buffer, and expects the same rows from both.
async fn assert_read(server: &Server, database: &str, place: &(String, u64), expected: &[&str]) {
    for buffer in [SMALL, LARGE] {
        let reading = server.read_from(database, place, buffer).await;
        assert_eq!(shown(&reading), expected, "{buffer}");
        // A start there gives nothing again.
        let mut again = Reading::new(server, database, json!({"stop_at_end": true}));
        again.position = reading.position.clone();
        again.connect().await.read_all().await;
        assert_eq!(again.rows, [Value::Null; 0]);
    }
}

#[tokio::test]
async fn rows_behind_a_savepoint_that_was_rolled_back_to_do_not_come() {
    const DATABASE: &str = "wlf_savepoints";
    for version in MARIADB {
        let mut server = Server::mariadb(version).await;
        for compress in ["OFF", "ON"] {
            server
                .run(&format!("SET GLOBAL log_bin_compress = {compress}"))
                .await;
            server.run("SET GLOBAL log_bin_compress_min_len = 10").await;
            server.reconnect().await;
            server.with_both_engines(DATABASE).await;
            let place = server.end().await;
            server
                .run_all(&[
                    "BEGIN",
                    "INSERT INTO t VALUES (1, REPEAT('x', 100))",
                    "SAVEPOINT s",
                    "INSERT INTO m VALUES (1, '')",
                    "INSERT INTO t VALUES (2, REPEAT('x', 100))",
                    "ROLLBACK TO S",
                    "COMMIT",
                    "BEGIN",
                    "INSERT INTO t VALUES (3, '')",
                    "CREATE TEMPORARY TABLE x (a INT)",
                    "SAVEPOINT `a``b`",
                    "UPDATE t SET id = 4 WHERE id = 3",
                    "SAVEPOINT inner1",
                    "INSERT INTO t VALUES (5, '')",
                    "ROLLBACK TO inner1",
                    "INSERT INTO t VALUES (6, '')",
                    "SAVEPOINT `A``B`",
                    "INSERT INTO t VALUES (7, '')",
                    "ROLLBACK TO SAVEPOINT `a``b`",
                    "INSERT INTO t VALUES (8, '')",
                    "RELEASE SAVEPOINT `a``b`",
                    "COMMIT",
                    "DROP TEMPORARY TABLE x",
                    // Before anything is written.
                    "BEGIN",
                    "SAVEPOINT first",
                    "INSERT INTO m VALUES (2, '')",
                    "INSERT INTO t VALUES (20, '')",
                    "ROLLBACK TO first",
                    "INSERT INTO t VALUES (21, '')",
                    "COMMIT",
                    // Distributed.
                    "XA START 'a'",
                    "INSERT INTO t VALUES (30, '')",
                    "SAVEPOINT s",
                    "INSERT INTO m VALUES (3, '')",
                    "INSERT INTO t VALUES (31, '')",
                    "ROLLBACK TO s",
                    "XA END 'a'",
                    "XA COMMIT 'a' ONE PHASE",
                    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
                    "BEGIN",
                    "INSERT INTO t VALUES (40, '')",
                    "INSERT INTO m VALUES (4, '')",
                    "SAVEPOINT \"q r\"",
                    "INSERT INTO t VALUES (41, '')",
                    "ROLLBACK TO `Q R`",
                    "COMMIT",
                ])
                .await;
            let expected = [
                "m: insert 1",
                "t: insert 1",
                "t: insert 3",
                // The savepoint was replaced by one behind it.
                "t: update 4",
                "t: insert 6",
                "t: insert 8",
                "m: insert 2",
                "t: insert 21",
                "m: insert 3",
                "t: insert 30",
                "m: insert 4",
                "t: insert 40",
            ];
            let ids = server
                .text("SELECT GROUP_CONCAT(id ORDER BY id) FROM t")
                .await;
            assert_eq!(ids, "1,4,6,8,21,30,40");
            assert_read(&server, DATABASE, &place, &expected).await;
            server
                .run_all(&[
                    "SET GLOBAL log_bin_compress = OFF",
                    "SET GLOBAL log_bin_compress_min_len = DEFAULT",
                ])
                .await;
        }
    }
}

#[tokio::test]
async fn a_prepared_transaction_has_no_rows_that_were_rolled_back() {
    const DATABASE: &str = "wlf_savepoints_xa";
    for version in MARIADB {
        let mut server = Server::mariadb(version).await;
        server.with_both_engines(DATABASE).await;
        let place = server.end().await;
        server
            .run_all(&[
                "XA START 'a'",
                "INSERT INTO t VALUES (1, '')",
                "SAVEPOINT s",
                "INSERT INTO m VALUES (1, '')",
                "INSERT INTO t VALUES (2, '')",
                "ROLLBACK TO s",
                "INSERT INTO t VALUES (3, '')",
                "XA END 'a'",
                "XA PREPARE 'a'",
                "XA COMMIT 'a'",
                "XA START 'b'",
                "INSERT INTO m VALUES (2, '')",
                "INSERT INTO t VALUES (4, '')",
                "XA END 'b'",
                "XA ROLLBACK 'b'",
            ])
            .await;
        let reading = server.read_from(DATABASE, &place, LARGE).await;
        let expected = ["m: insert 1", "t: insert 1", "t: insert 3", "m: insert 2"];
        assert_eq!(shown(&reading), expected);
    }
}

/// The same from the server's files, in one go and by looking ahead in them.
#[tokio::test]
async fn files_give_no_rows_that_were_rolled_back() {
    const DATABASE: &str = "wlf_rolled_back_files";
    for version in MARIADB {
        let mut server = Server::mariadb(version).await;
        server
            .run_all(&["SET GLOBAL binlog_row_metadata = FULL", "FLUSH BINARY LOGS"])
            .await;
        server.reconnect().await;
        server.with_both_engines(DATABASE).await;
        let (file, _) = server.end().await;
        let base = server.text("SELECT @@log_bin_basename").await;
        let directory = std::path::Path::new(&base).parent().expect("a directory");
        server
            .run_all(&[
                "BEGIN",
                "INSERT INTO t VALUES (1, REPEAT('x', 100))",
                "SAVEPOINT s",
                "INSERT INTO m VALUES (1, '')",
                "INSERT INTO t VALUES (2, REPEAT('x', 100))",
                "ROLLBACK TO s",
                "INSERT INTO t VALUES (3, REPEAT('x', 100))",
                "COMMIT",
                "BEGIN",
                "INSERT INTO t VALUES (4, REPEAT('x', 1000))",
                "INSERT INTO m VALUES (2, '')",
                "ROLLBACK",
                "INSERT INTO t VALUES (5, '')",
                "SET GLOBAL binlog_row_metadata = DEFAULT",
                "FLUSH BINARY LOGS",
            ])
            .await;
        for transaction in [200, 1 << 20] {
            let limits = Limits {
                rows: 1,
                bytes: 1 << 20,
                transaction,
            };
            let paths = vec![directory.join(&file).to_string_lossy().into_owned()];
            let mut collector = BinlogFileCollector::new(paths, limits);
            collector.connect(None).await.expect("files");
            let mut encoder = Encoder::new(Format::default());
            while let Some(batch) = collector.read(&Desk::alone()).await.expect("reads") {
                for event in batch
                    .events
                    .iter()
                    .filter(|event| event.table.database == DATABASE)
                {
                    encoder.encode(event).expect("a row");
                }
            }
            let rows = encoder.records().map(|row| {
                let row: Value = serde_json::from_slice(row.value.expect("a value")).expect("JSON");
                let table = row["table"].as_str().expect("a table").to_owned();
                format!("{table} {}", row["data"]["id"])
            });
            let rows: Vec<String> = rows.collect();
            assert_eq!(rows, ["m 1", "t 1", "t 3", "m 2", "t 5"], "{transaction}");
        }
    }
}

#[tokio::test]
async fn a_large_transaction_that_was_rolled_back_gives_no_rows() {
    const DATABASE: &str = "wlf_rolled_back";
    for version in MARIADB {
        let mut server = Server::mariadb(version).await;
        server.with_both_engines(DATABASE).await;
        let place = server.end().await;
        // Others read beside it, and a server ends whoever has the id of one that comes.
        let options = json!({"server_id": 4_712});
        let mut live = Reading::with_transaction_buffer(&server, DATABASE, options, 1 << 20);
        live.connect().await;
        server.run("BEGIN").await;
        for id in 1..=6 {
            server
                .run(&format!(
                    "INSERT INTO t VALUES ({id}, REPEAT('x', 1000000))"
                ))
                .await;
        }
        server
            .run_all(&[
                "CREATE TEMPORARY TABLE x (a INT)",
                "ROLLBACK",
                "INSERT INTO t VALUES (7, 'after')",
                "BEGIN",
                "INSERT INTO t VALUES (8, REPEAT('x', 1000000))",
                "SAVEPOINT s",
                "INSERT INTO t VALUES (9, REPEAT('x', 1000000))",
                "DROP TEMPORARY TABLE x",
                "ROLLBACK TO s",
                "INSERT INTO t VALUES (10, REPEAT('x', 1000000))",
                "COMMIT",
            ])
            .await;
        let expected = ["t: insert 7", "t: insert 8", "t: insert 10"];
        live.read_rows(3).await;
        assert_eq!(shown(&live), expected);
        for buffer in [1 << 20, LARGE] {
            let reading = server.read_from(DATABASE, &place, buffer).await;
            assert_eq!(shown(&reading), expected);
        }
        // It is read past for good: the position of what follows is behind it.
        server.run("INSERT INTO t VALUES (11, '')").await;
        live.read_rows(4).await;
        let mut again = Reading::with_transaction_buffer(&server, DATABASE, json!({}), 1 << 20);
        again.position = live.position.clone();
        again.connect().await;
        server.run("INSERT INTO t VALUES (12, '')").await;
        again.read_rows(1).await;
        assert_eq!(shown(&again), ["t: insert 12"]);
        server.run(&format!("DROP DATABASE {DATABASE}")).await;
    }
}

/// Draws transactions.
struct Draw {
    random: StdRng,
    is_mysql: bool,
    /// Whether distributed transactions are prepared, which then have to be held.
    prepares: bool,
}

impl Draw {
    fn statement(&mut self) -> String {
        let id = self.random.gen_range(0..60);
        let size = *[0, 1, 50, 300, 3000]
            .choose(&mut self.random)
            .expect("a size");
        let table = if self.random.gen_ratio(1, 5) {
            "m"
        } else {
            "t"
        };
        let name = *["a", "`B`", "b", "`c d`", "A", "`c``d`", "é"]
            .choose(&mut self.random)
            .expect("a name");
        match self.random.gen_range(0..24) {
            0..=6 => format!("INSERT INTO {table} VALUES ({id}, REPEAT('x', {size}))"),
            7 => format!("INSERT INTO {table} VALUES ({id}, 'y'), ({}, 'y')", id + 1),
            8 | 9 => format!(
                "UPDATE {table} SET v = REPEAT('z', {size}) WHERE id BETWEEN {id} AND {}",
                id + 3
            ),
            10 => format!("DELETE FROM {table} WHERE id BETWEEN {id} AND {}", id + 5),
            11..=14 => format!("SAVEPOINT {name}"),
            15..=18 => format!("ROLLBACK TO {name}"),
            19 => format!("RELEASE SAVEPOINT {name}"),
            20 if self.is_mysql => "INSERT INTO t SELECT id + 100, v FROM m".to_owned(),
            20 => "INSERT INTO t VALUES (NEXT VALUE FOR q, 'q')".to_owned(),
            21 => "CREATE TEMPORARY TABLE x (a INT)".to_owned(),
            22 => "DROP TEMPORARY TABLE x".to_owned(),
            _ => format!("INSERT INTO x VALUES ({id})"),
        }
    }

    /// The statements of a transaction, some of which may fail.
    fn transaction(&mut self, n: usize) -> Vec<String> {
        let count = *[1, 3, 8, 20].choose(&mut self.random).expect("a count");
        let mut statements: Vec<String> = (0..count).map(|_| self.statement()).collect();
        let commits = self.random.gen_ratio(2, 3);
        if !self.is_mysql && self.random.gen_ratio(1, 6) {
            statements.insert(0, format!("XA START 'x{n}'"));
            statements.push(format!("XA END 'x{n}'"));
            if commits && self.random.gen_ratio(1, 2) {
                statements.push(format!("XA COMMIT 'x{n}' ONE PHASE"));
            } else {
                if self.prepares {
                    statements.push(format!("XA PREPARE 'x{n}'"));
                }
                statements.push(format!("XA COMMIT 'x{n}'"));
                statements.push(format!("XA ROLLBACK 'x{n}'"));
            }
            return statements;
        }
        statements.insert(0, "BEGIN".to_owned());
        statements.push(if commits { "COMMIT" } else { "ROLLBACK" }.to_owned());
        statements
    }
}

/// What the rows leave in the tables, by table and id.
type Contents = BTreeMap<(String, i64), String>;

/// Makes the changes; each has to fit what was before.
fn replay(contents: &mut Contents, reading: &Reading) {
    for row in &reading.rows {
        let table = row["table"].as_str().expect("a table").to_owned();
        if table == "q" {
            continue;
        }
        let key = |of: &Value| (table.clone(), of["id"].as_i64().expect("an id"));
        let value = row["data"]["v"].as_str().unwrap_or_default().to_owned();
        match row["type"].as_str() {
            Some("insert") => {
                let before = contents.insert(key(&row["data"]), value);
                assert_eq!(before, None, "inserted twice: {row}");
            }
            Some("update") => {
                let before = contents.insert(key(&row["data"]), value);
                assert!(before.is_some(), "nothing to update: {row}");
                if let Some(old) = row["old"]["v"].as_str() {
                    assert_eq!(before.as_deref(), Some(old));
                }
            }
            Some("delete") => {
                let before = contents.remove(&key(&row["data"]));
                assert!(before.is_some(), "nothing to delete: {row}");
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn contents(server: &mut Server, database: &str) -> Contents {
    let mut contents = Contents::new();
    for table in ["t", "m"] {
        let rows = server
            .run(&format!("SELECT id, v FROM {database}.{table}"))
            .await;
        for row in &rows.rows {
            let id = row.text(0).and_then(|id| id.parse().ok()).expect("an id");
            let value = row.text(1).unwrap_or_default().to_owned();
            contents.insert((table.to_owned(), id), value);
        }
    }
    contents
}

/// Random transactions, for a while: what is read leaves what the server has.
async fn follow(server: &mut Server, database: &str, is_mysql: bool) {
    server.with_both_engines(database).await;
    if !is_mysql {
        server
            .run("CREATE SEQUENCE q START WITH 1000 NOCACHE")
            .await;
    }
    let begun = Instant::now();
    let mut replayed = Contents::new();
    let mut seed = 0;
    while seed < 40 && begun.elapsed() < Duration::from_secs(20) {
        seed += 1;
        let mut draw = Draw {
            random: StdRng::seed_from_u64(seed),
            is_mysql,
            prepares: seed % 3 == 0,
        };
        let small = if draw.prepares { 1 << 20 } else { SMALL };
        let place = server.end().await;
        for n in 0..15 {
            let transaction = draw.transaction(n);
            let statements: Vec<&str> = transaction.iter().map(String::as_str).collect();
            server.try_all(&statements).await;
        }
        // Nothing is left open, and the temporary table with its drop is in the binlog.
        server
            .try_all(&["ROLLBACK", "DROP TEMPORARY TABLE IF EXISTS x"])
            .await;
        let small = server.read_from(database, &place, small).await;
        let large = server.read_from(database, &place, LARGE).await;
        assert_eq!(small.rows.len(), large.rows.len(), "seed {seed}");
        for (small, large) in small.rows.iter().zip(&large.rows) {
            for member in ["type", "table", "data", "old"] {
                assert_eq!(small[member], large[member], "seed {seed}");
            }
        }
        replay(&mut replayed, &small);
        let expected = contents(server, database).await;
        assert!(replayed == expected, "seed {seed}: {:?}", shown(&small));
    }
    assert!(seed >= 3, "{seed}");
    println!("{database}: {seed} seeds");
    server.run(&format!("DROP DATABASE {database}")).await;
}

#[tokio::test]
async fn random_transactions_leave_what_mysql_has() {
    let mut server = Server::take().await;
    follow(&mut server, "wlf_random_t", true).await;
}

#[tokio::test]
async fn random_transactions_leave_what_mysql_has_without_gtids() {
    let mut server = Server::take().await;
    server.gtid_mode("OFF").await;
    follow(&mut server, "wlf_random_t", true).await;
    server.gtid_mode("ON").await;
}

#[tokio::test]
async fn random_transactions_leave_what_mariadb_has() {
    for version in MARIADB {
        let mut server = Server::mariadb(version).await;
        follow(&mut server, "wlf_random_t", false).await;
    }
}
