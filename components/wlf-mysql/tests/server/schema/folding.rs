//! Servers that take names in any case for the same, and write them in lower case.

use serde_json::{Value, json};
use wlf_core::Exit;

use crate::Server;
use crate::collecting::Reading;

const DATABASE: &str = "schema_folding";

const BEFORE: &[&str] = &[
    "CREATE TABLE `über` (id INT PRIMARY KEY, a INT, b INT)",
    "CREATE TABLE t (id INT PRIMARY KEY)",
    "CREATE TABLE `οδοσ` (id INT PRIMARY KEY, a INT, b INT)",
    "CREATE TABLE quiet (id INT PRIMARY KEY, a INT)",
];

/// A server of this kind, with an empty database.
async fn server(variable: &str) -> Server {
    let mut server = match variable {
        "WLF_TEST_MARIADB_LOWER" => Server::mariadb(variable).await,
        _ => Server::named(variable).await,
    };
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    server.reconnect().await;
    for sql in [
        format!("DROP DATABASE IF EXISTS {DATABASE}"),
        format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"),
        format!("USE {DATABASE}"),
    ] {
        server.run(&sql).await;
    }
    server.run_all(BEFORE).await;
    server
}

fn data(reading: &Reading) -> Vec<Value> {
    let rows = reading.rows.iter();
    rows.map(|row| json!([row["table"], row["data"]])).collect()
}

const SERVERS: [&str; 2] = ["WLF_TEST_MYSQL_LOWER", "WLF_TEST_MARIADB_LOWER"];

#[tokio::test]
async fn tables_are_followed_whatever_the_case_of_their_names() {
    for variable in SERVERS {
        let mut server = server(variable).await;
        let mut reading = Reading::new(&server, DATABASE, json!({"start": "latest"}));
        reading.connect().await;
        server
            .run_all(&[
                "INSERT INTO `Über` VALUES (1, 10, 20)",
                "ALTER TABLE `ÜBER` RENAME COLUMN a TO c, RENAME COLUMN b TO a",
                "INSERT INTO `über` VALUES (2, 10, 20)",
                "ALTER TABLE Schema_Folding.`ΟΔΟΣ` RENAME COLUMN A TO c, RENAME COLUMN b TO a",
                "INSERT INTO `οδοσ` VALUES (3, 10, 20)",
                "RENAME TABLE `ΟΔΟΣ` TO `Neu`",
                "CREATE TABLE Other LIKE NEU",
                "CREATE TABLE IF NOT EXISTS OTHER (x INT)",
                "INSERT INTO other VALUES (4, 10, 20)",
            ])
            .await;
        let expected = [
            json!(["über", {"id": 1, "a": 10, "b": 20}]),
            json!(["über", {"id": 2, "c": 10, "a": 20}]),
            json!(["οδοσ", {"id": 3, "c": 10, "a": 20}]),
            json!(["other", {"id": 4, "c": 10, "a": 20}]),
        ];
        reading.read_rows(expected.len()).await;
        assert_eq!(data(&reading), expected, "{variable}");
    }
}

#[tokio::test]
async fn a_start_in_the_past_sees_later_changes_whatever_the_case_of_their_names() {
    for variable in SERVERS {
        for (table, change) in [
            (
                "`über`",
                "ALTER TABLE `ÜBER` RENAME COLUMN a TO c, RENAME COLUMN b TO a",
            ),
            (
                "`οδοσ`",
                "ALTER TABLE `ΟΔΟΣ` RENAME COLUMN a TO c, RENAME COLUMN b TO a",
            ),
            ("`οδοσ`", "RENAME TABLE `ΟΔΟΣ` TO gone, quiet TO `Οδοσ`"),
        ] {
            let mut server = server(variable).await;
            let (file, position) = server.end().await;
            let values = format!("INSERT INTO {table} VALUES (1, 10, 20)");
            server
                .run_all(&["INSERT INTO quiet VALUES (1, 2)", &values, change])
                .await;
            let start = json!({"start": {"file": file, "position": position}});
            let mut reading = Reading::new(&server, DATABASE, start);
            reading.connect().await;
            let fault = reading.read_to_unencodable().await;
            let said = fault.to_string();
            assert!(said.contains("it was changed later"), "{said}");
            assert_eq!(fault.exit(), Exit::Data);
        }
        // A table of which nothing was changed is read; so is one that is made unless it is there.
        let mut server = server(variable).await;
        let (file, position) = server.end().await;
        server
            .run_all(&[
                "INSERT INTO Quiet VALUES (1, 2)",
                "CREATE TABLE IF NOT EXISTS QUIET (id INT PRIMARY KEY, a INT)",
                "INSERT INTO quiet VALUES (3, 4)",
                "ALTER TABLE `über` ADD x INT",
            ])
            .await;
        let start = json!({"start": {"file": file, "position": position}});
        let mut reading = Reading::new(&server, DATABASE, start);
        reading.connect().await;
        reading.read_rows(2).await;
        assert_eq!(
            data(&reading),
            [
                json!(["quiet", {"id": 1, "a": 2}]),
                json!(["quiet", {"id": 3, "a": 4}])
            ]
        );
    }
}
