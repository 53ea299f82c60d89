//! Sessions that log statements: what they do to temporary tables changes no other table, and rows that they change are
//! not passed over.

use serde_json::{Value, json};
use wlf_core::Exit;

use crate::Server;
use crate::collecting::Reading;

const MARIADB: [&str; 2] = ["WLF_TEST_MARIADB_1011", "WLF_TEST_MARIADB_118"];

/// The servers, each with the formats in which its sessions log what they do to temporary tables.
const SERVERS: [(Option<&str>, &[&str]); 3] = [
    (None, &["STATEMENT", "MIXED", "ROW"]),
    (Some(MARIADB[0]), &["STATEMENT", "MIXED", "ROW"]),
    (Some(MARIADB[1]), &["STATEMENT", "MIXED", "ROW"]),
];

async fn take(variable: Option<&str>) -> Server {
    match variable {
        Some(variable) => Server::mariadb(variable).await,
        None => Server::take().await,
    }
}

/// What is compared of the events.
fn shown(rows: &[Value]) -> Vec<Value> {
    let each = |row: &Value| {
        let mut shown = json!([row["type"], row["table"]]);
        if let Some(data) = row.get("data") {
            shown.as_array_mut().expect("an array").push(data.clone());
        }
        shown
    };
    rows.iter().map(each).collect()
}

#[tokio::test]
async fn what_happens_to_temporary_tables_changes_no_other() {
    const DATABASE: &str = "wlf_temporary";
    for (variable, formats) in SERVERS {
        for metadata in ["MINIMAL", "FULL"] {
            for format in formats {
                let mut server = take(variable).await;
                let is_mariadb = variable.is_some();
                server
                    .run(&format!("SET GLOBAL binlog_row_metadata = {metadata}"))
                    .await;
                server.with_table(DATABASE).await;
                server.reconnect().await;
                server
                    .run_all(&[
                        &format!("USE {DATABASE}"),
                        "DROP TABLE t",
                        "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)",
                        "CREATE TABLE u (id INT PRIMARY KEY, a INT)",
                        &format!("SET SESSION binlog_format = {format}"),
                    ])
                    .await;
                let options = json!({"ddl": true, "on_statement": "warn"});
                let mut reading = Reading::new(&server, DATABASE, options);
                reading.connect().await;
                let mut statements = vec![
                    "CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, a INT, b INT)",
                    "ALTER TABLE t RENAME COLUMN a TO q, RENAME COLUMN b TO a",
                    "/* x */ alter table `t` add column z int first",
                    "CREATE INDEX i ON t (id)",
                    "DROP INDEX `PRIMARY` ON t",
                    "TRUNCATE TABLE t",
                    "INSERT INTO t VALUES (1, 2, 3, 4)",
                    "ALTER TABLE t RENAME TO t2",
                    "ALTER TABLE t2 DROP COLUMN z",
                    "ALTER TABLE t2 RENAME t",
                    "CREATE TEMPORARY TABLE tt LIKE u",
                    "CREATE TEMPORARY TABLE t3 SELECT * FROM u",
                ];
                // Its event does not have the flag, and is there in ROW too, where nothing tells that the table is temporary:
                // a replica renames the other one.
                let renames = is_mariadb && *format != "ROW";
                if renames {
                    statements.extend([
                        "RENAME TABLE t TO t9",
                        "ALTER TABLE t9 ADD COLUMN x INT",
                        "RENAME TABLE t9 TO t, u TO u9, u9 TO u",
                        "CREATE OR REPLACE TEMPORARY TABLE t (q INT)",
                    ]);
                }
                statements.extend([
                    "DROP TABLE t, tt",
                    "DROP TEMPORARY TABLE t3",
                    // It is the other one again.
                    "ALTER TABLE t ADD COLUMN c INT",
                    "CREATE TEMPORARY TABLE t (id INT)",
                ]);
                server.run_all(&statements).await;
                // The server drops it at the session's end.
                server.reconnect().await;
                server
                    .run_all(&[
                        &format!("INSERT INTO {DATABASE}.t VALUES (2, 100, 200, 300)"),
                        &format!("INSERT INTO {DATABASE}.u VALUES (1, 2)"),
                    ])
                    .await;
                let mut expected = Vec::new();
                if renames {
                    expected.extend([json!(["table-alter", "u"]), json!(["table-alter", "u9"])]);
                }
                expected.extend([
                    json!(["table-alter", "t"]),
                    json!(["insert", "t", {"id": 2, "a": 100, "b": 200, "c": 300}]),
                    json!(["insert", "u", {"id": 1, "a": 2}]),
                ]);
                reading.read_rows(expected.len()).await;
                assert_eq!(
                    shown(&reading.rows),
                    expected,
                    "{variable:?} {format} {metadata}"
                );
                server.run("SET GLOBAL binlog_row_metadata = DEFAULT").await;
            }
        }
    }
}

/// A start before them finds the tables as they are, and not changed since.
#[tokio::test]
async fn a_start_before_a_temporary_table_knows_the_other() {
    const DATABASE: &str = "wlf_temporary_past";
    for (variable, _) in SERVERS {
        let mut server = take(variable).await;
        server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
        server.with_table(DATABASE).await;
        server.reconnect().await;
        let (file, position) = server.end().await;
        server
            .run_all(&[
                &format!("USE {DATABASE}"),
                "INSERT INTO t VALUES (1, 'a')",
                "SET SESSION binlog_format = STATEMENT",
                "CREATE TEMPORARY TABLE t (id INT)",
                "ALTER TABLE t ADD COLUMN name INT FIRST",
                "DROP TABLE t",
                "SET SESSION binlog_format = ROW",
                "INSERT INTO t VALUES (2, 'b')",
            ])
            .await;
        let options = json!({"start": {"file": file, "position": position}, "stop_at_end": true});
        let mut reading = Reading::new(&server, DATABASE, options);
        reading.connect().await.read_all().await;
        assert_eq!(reading.column("name"), ["a", "b"]);
        server.run("SET GLOBAL binlog_row_metadata = DEFAULT").await;
    }
}

/// In a procedure that uses a temporary table every statement is marked as one that does.
#[tokio::test]
async fn a_table_that_is_changed_beside_a_temporary_one_is_known_by_its_rows() {
    const DATABASE: &str = "wlf_temporary_base";
    for (variable, _) in SERVERS {
        for format in ["STATEMENT", "ROW"] {
            let mut server = take(variable).await;
            server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
            server.with_table(DATABASE).await;
            server.reconnect().await;
            server
                .run_all(&[
                    &format!("USE {DATABASE}"),
                    "CREATE TABLE model (id INT PRIMARY KEY, z INT)",
                    "CREATE PROCEDURE p() BEGIN CREATE TEMPORARY TABLE x (q INT, r INT); \
                     ALTER TABLE t DROP COLUMN name, ADD COLUMN more INT FIRST; \
                     ALTER TABLE x ADD s INT; CREATE TABLE l LIKE x; END",
                    &format!("SET SESSION binlog_format = {format}"),
                ])
                .await;
            let mut reading = Reading::new(&server, DATABASE, json!({"ddl": true}));
            reading.connect().await;
            server.run_all(&["CALL p()", "DROP TABLE x"]).await;
            server.reconnect().await;
            server
                .run_all(&[
                    &format!("INSERT INTO {DATABASE}.t VALUES (7, 1)"),
                    &format!("INSERT INTO {DATABASE}.l VALUES (1, 2, 3)"),
                ])
                .await;
            reading.read_rows(4).await;
            let expected = [
                json!(["table-alter", "t"]),
                json!(["table-create", "l"]),
                json!(["insert", "t", {"more": 7, "id": 1}]),
                json!(["insert", "l", {"q": 1, "r": 2, "s": 3}]),
            ];
            assert_eq!(shown(&reading.rows), expected, "{variable:?} {format}");
            server.run("SET GLOBAL binlog_row_metadata = DEFAULT").await;
        }
    }
}

/// Statements that change rows of `t` in a session that logs statements, and whether the table is told with them.
const ROWS: &[(&str, bool)] = &[
    ("/* app */ UPDATE t SET name = 'secret'", true),
    ("INSERT\nINTO t VALUES (2, 'secret')", true),
    ("DELETE\tFROM t WHERE name = 'secret'", true),
    ("REPLACE LOW_PRIORITY INTO t VALUES (1, 'secret')", true),
    ("INSERT INTO t SELECT id + 10, name FROM t", true),
    ("INSERT INTO a (name) VALUES ('secret')", true),
    ("UPDATE t SET name = @secret", true),
    ("CREATE TABLE made SELECT * FROM t", true),
    (
        "UPDATE t x, t y SET x.name = 'secret' WHERE x.id = y.id",
        false,
    ),
    (
        "DELETE x FROM t x JOIN t y USING (id) WHERE x.id = 1000 OR x.id = 1",
        false,
    ),
    ("SELECT f('secret')", false),
    ("DO f('secret')", false),
    ("CALL p('secret')", true),
    (
        "LOAD DATA INFILE '{file}' INTO TABLE t FIELDS TERMINATED BY ','",
        true,
    ),
];

/// What only one of them has.
const ROWS_OF_MYSQL: &[(&str, bool)] = &[(
    "WITH x AS (SELECT 1 AS id) UPDATE t JOIN x USING (id) SET t.name = 'secret'",
    false,
)];
const ROWS_OF_MARIADB: &[(&str, bool)] = &[
    (
        "SET STATEMENT max_statement_time = 10 FOR UPDATE t SET name = 'secret'",
        true,
    ),
    ("ANALYZE UPDATE t SET name = 'secret'", true),
    ("EXECUTE IMMEDIATE 'UPDATE t SET name = ''secret'''", true),
    ("ANALYZE FORMAT=JSON DELETE FROM t WHERE id = 1", true),
];

#[tokio::test]
async fn rows_that_were_changed_by_statements_are_not_passed_over() {
    const DATABASE: &str = "wlf_logged";
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "5,secret\n").expect("written");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(file.path(), permissions).expect("readable");
    for (variable, _) in SERVERS {
        let own = match variable {
            None => ROWS_OF_MYSQL,
            Some(_) => ROWS_OF_MARIADB,
        };
        for (sql, is_told) in ROWS.iter().chain(own) {
            let sql = sql.replace("{file}", &file.path().to_string_lossy());
            let mut server = take(variable).await;
            server.with_table(DATABASE).await;
            server
                .run_all(&[
                    &format!("USE {DATABASE}"),
                    "INSERT INTO t VALUES (1, 'n')",
                    "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT)",
                    "CREATE PROCEDURE p(x TEXT) UPDATE t SET name = x",
                    "CREATE FUNCTION f(x TEXT) RETURNS INT DETERMINISTIC BEGIN UPDATE t SET name = x; RETURN 1; END",
                    "SET @secret = 'secret'",
                    "SET SESSION binlog_format = STATEMENT",
                ])
                .await;
            let (binlog, position) = server.end().await;
            let start = json!({"file": binlog, "position": position});
            server.run(&sql).await;
            server.reconnect().await;
            let insert = format!("INSERT INTO {DATABASE}.t VALUES (1000, 'row')");
            server.run(&insert).await;
            let options = json!({"start": start});
            let mut stops = Reading::new(&server, DATABASE, options);
            stops.connect().await;
            // Where its table is told, a filter may drop it.
            let fault = match is_told {
                true => stops.read_to_unencodable().await,
                false => stops.read_to_fault().await,
            };
            assert_eq!(fault.exit(), Exit::Data, "{sql}");
            let said = fault.to_string();
            assert!(said.contains("may have changed rows"), "{sql}: {said}");
            assert!(said.contains("binlog.0"), "{sql}: {said}");
            assert_eq!(said.contains(&format!("`{DATABASE}`.")), *is_told, "{said}");
            let hint = fault.hint.as_deref().unwrap_or_default();
            assert!(hint.contains("binlog_format = 'ROW'"), "{hint}");
            assert!(!format!("{said} {hint}").contains("secret"), "{said}");
            drop(stops);
            let options = json!({"start": start, "on_statement": "warn", "stop_at_end": true});
            let mut warns = Reading::new(&server, DATABASE, options);
            warns.connect().await.read_all().await;
            assert_eq!(warns.column("id"), [1000], "{sql}");
        }
    }
}

#[tokio::test]
async fn statements_that_change_no_rows_go_by() {
    const DATABASE: &str = "wlf_logged_ddl";
    for (variable, _) in SERVERS {
        let mut server = take(variable).await;
        server.with_table(DATABASE).await;
        server.run(&format!("USE {DATABASE}")).await;
        let mut reading = Reading::new(&server, DATABASE, json!({}));
        reading.connect().await;
        for format in ["STATEMENT", "ROW"] {
            server
                .run_all(&[
                    &format!("SET SESSION binlog_format = {format}"),
                    "DROP USER IF EXISTS wlf_go_by",
                    "CREATE USER wlf_go_by",
                    "GRANT SELECT ON wlf_logged_ddl.* TO wlf_go_by",
                    "REVOKE SELECT ON wlf_logged_ddl.* FROM wlf_go_by",
                    "SET PASSWORD FOR wlf_go_by = ''",
                    "DROP USER wlf_go_by",
                    "CREATE TABLE u (id INT, v INT AS (id + 1)) PARTITION BY HASH (id) PARTITIONS 2",
                    "CREATE VIEW v AS SELECT * FROM u",
                    "CREATE TRIGGER tr BEFORE INSERT ON u FOR EACH ROW SET NEW.id = 1",
                    "CREATE PROCEDURE p() DELETE FROM u",
                    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM wlf_logged_ddl.u",
                    "ALTER EVENT e DISABLE",
                    "DROP EVENT e",
                    "DROP PROCEDURE p",
                    "DROP VIEW v",
                    "ANALYZE TABLE u",
                    "OPTIMIZE TABLE u",
                    "REPAIR TABLE u",
                    "TRUNCATE u",
                    "DROP TABLE u",
                    "FLUSH PRIVILEGES",
                    "FLUSH TABLES",
                    "CREATE TEMPORARY TABLE x (id INT)",
                    "INSERT INTO x VALUES (1)",
                    "INSERT INTO x SELECT id FROM t",
                    "UPDATE x SET id = 2",
                    "DELETE FROM x",
                    "DROP TABLE x",
                ])
                .await;
        }
        server.run("INSERT INTO t VALUES (1, 'n')").await;
        reading.read_rows(1).await;
        assert_eq!(reading.column("id"), [1]);
    }
}
