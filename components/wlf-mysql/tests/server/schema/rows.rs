//! Rows of tables whose definitions the binlog does not have, behind statements that are easily misread.

use serde_json::{Value, json};

use crate::Server;
use crate::collecting::Reading;
use crate::mariadb::VERSIONS;

const DATABASE: &str = "schema_rows";

/// Servers that take a story.
#[derive(Debug, Clone, Copy, PartialEq)]
enum On {
    Mysql,
    Mariadb,
    All,
}

/// What happens before a collector begins, and while it reads; and the rows that it has to read.
struct Story {
    on: On,
    before: &'static [&'static str],
    during: &'static [&'static str],
    /// Tables and their rows, in order.
    rows: &'static [(&'static str, &'static str)],
}

const STORIES: &[Story] = &[
    Story {
        // The key that MySQL generates stays before all others.
        on: On::Mysql,
        before: &[
            "SET SESSION sql_generate_invisible_primary_key = ON",
            "CREATE TABLE g (a INT)",
            "INSERT INTO g VALUES (1)",
            "SET SESSION sql_generate_invisible_primary_key = OFF",
        ],
        during: &[
            "ALTER TABLE g ADD b BIGINT UNSIGNED NOT NULL DEFAULT 77 FIRST",
            "INSERT INTO g (b, a) VALUES (500, 6)",
            "SET SESSION sql_generate_invisible_primary_key = ON",
            "CREATE TABLE g2 (a INT)",
            "ALTER TABLE g2 MODIFY a INT FIRST, ADD c BIGINT UNSIGNED FIRST",
            "INSERT INTO g2 (c, a) VALUES (5, 6)",
            "ALTER TABLE g2 ALTER COLUMN my_row_id SET VISIBLE, ADD d BIGINT UNSIGNED FIRST",
            "INSERT INTO g2 (my_row_id, d, c, a) VALUES (9, 4, 5, 6)",
            "SET SESSION sql_generate_invisible_primary_key = OFF",
            "ALTER TABLE g2 DROP my_row_id, DROP PRIMARY KEY, ADD my_row_id BIGINT UNSIGNED, ADD e BIGINT UNSIGNED FIRST",
            "INSERT INTO g2 (e, d, c, a, my_row_id) VALUES (1, 2, 3, 4, 5)",
        ],
        rows: &[
            ("g", r#"{"my_row_id": 2, "b": 500, "a": 6}"#),
            ("g2", r#"{"my_row_id": 1, "c": 5, "a": 6}"#),
            ("g2", r#"{"my_row_id": 9, "d": 4, "c": 5, "a": 6}"#),
            ("g2", r#"{"e": 1, "d": 2, "c": 3, "a": 4, "my_row_id": 5}"#),
        ],
    },
    Story {
        // What follows a column is no attribute of it.
        on: On::All,
        before: &["CREATE TABLE p (id INT PRIMARY KEY, a INT)"],
        during: &[
            "ALTER TABLE p ADD COLUMN c INT PARTITION BY KEY (id) PARTITIONS 4",
            "INSERT INTO p VALUES (1, 1, 3)",
            "ALTER TABLE p MODIFY c BIGINT FIRST REMOVE PARTITIONING",
            "INSERT INTO p VALUES (3, 2, 1)",
            "ALTER TABLE p DROP COLUMN c PARTITION BY HASH (id) PARTITIONS 2",
            "INSERT INTO p VALUES (4, 1)",
        ],
        rows: &[
            ("p", r#"{"id": 1, "a": 1, "c": 3}"#),
            ("p", r#"{"c": 3, "id": 2, "a": 1}"#),
            ("p", r#"{"id": 4, "a": 1}"#),
        ],
    },
    Story {
        // Hashes of keys that are too long for an index are columns that nobody sees.
        on: On::Mariadb,
        before: &["CREATE TABLE h (id INT PRIMARY KEY, url TEXT, UNIQUE (url))"],
        during: &[
            "INSERT INTO h VALUES (1, 'a')",
            "UPDATE h SET url = 'b'",
            "DELETE FROM h",
            "ALTER TABLE h ADD d TEXT UNIQUE FIRST, ADD e VARCHAR(1000), ADD UNIQUE (e)",
            "INSERT INTO h VALUES ('d', 2, 'u', 'e')",
            "CREATE TABLE h2 (id INT PRIMARY KEY, v VARCHAR(3000) UNIQUE, w INT, UNIQUE (w) USING HASH, UNIQUE (id, w))",
            "INSERT INTO h2 VALUES (1, 'v', 3)",
            "CREATE UNIQUE INDEX i USING HASH ON h2 (id)",
            "INSERT INTO h2 VALUES (2, 'v2', 4)",
            "DROP INDEX v ON h2",
            "INSERT INTO h2 VALUES (3, 'v3', 5)",
            "ALTER TABLE h2 ADD f INT AFTER id, ALGORITHM=COPY",
            "INSERT INTO h2 VALUES (4, 0, 'v4', 6)",
            "CREATE TABLE h3 (id INT, v VARCHAR(30), UNIQUE (v) USING HASH) ENGINE = MEMORY",
            "INSERT INTO h3 VALUES (1, 'm')",
            "CREATE TABLE h4 (id INT PRIMARY KEY, `DB_ROW_HASH_1` BIGINT UNSIGNED)",
            "INSERT INTO h4 VALUES (1, 5)",
            // SERIAL is UNIQUE without the word.
            "CREATE TABLE h5 (id SERIAL, x INT)",
            "ALTER TABLE h5 MODIFY id TEXT",
            "INSERT INTO h5 VALUES ('a', 5)",
            "CREATE TABLE h6 (id INT SERIAL DEFAULT VALUE, x INT)",
            "ALTER TABLE h6 MODIFY id TEXT",
            "INSERT INTO h6 VALUES ('b', 6)",
        ],
        rows: &[
            ("h", r#"{"id": 1, "url": "a"}"#),
            ("h", r#"{"id": 1, "url": "b"}"#),
            ("h", r#"{"id": 1, "url": "b"}"#),
            ("h", r#"{"d": "d", "id": 2, "url": "u", "e": "e"}"#),
            ("h2", r#"{"id": 1, "v": "v", "w": 3}"#),
            ("h2", r#"{"id": 2, "v": "v2", "w": 4}"#),
            ("h2", r#"{"id": 3, "v": "v3", "w": 5}"#),
            ("h2", r#"{"id": 4, "f": 0, "v": "v4", "w": 6}"#),
            ("h3", r#"{"id": 1, "v": "m"}"#),
            ("h4", r#"{"id": 1, "DB_ROW_HASH_1": 5}"#),
            ("h5", r#"{"id": "a", "x": 5}"#),
            ("h6", r#"{"id": "b", "x": 6}"#),
        ],
    },
    Story {
        // A table that keeps its history has columns for it, whether they are named or not.
        on: On::Mariadb,
        before: &[
            "SET SESSION system_versioning_alter_history = KEEP",
            "CREATE TABLE v (id INT PRIMARY KEY, x INT) WITH SYSTEM VERSIONING",
        ],
        during: &[
            "SET SESSION timestamp = 1700000000.25",
            "INSERT INTO v VALUES (1, 1)",
            "ALTER TABLE v ADD y TEXT UNIQUE FIRST",
            "INSERT INTO v VALUES ('y', 2, 2)",
            "CREATE TABLE v2 (id INT PRIMARY KEY, x INT WITH SYSTEM VERSIONING)",
            "INSERT INTO v2 VALUES (1, 1)",
            "CREATE TABLE v3 (id INT PRIMARY KEY, s TIMESTAMP(6) AS ROW START INVISIBLE, \
             e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
            "INSERT INTO v3 (id) VALUES (1)",
            "ALTER TABLE v2 DROP SYSTEM VERSIONING",
            "INSERT INTO v2 VALUES (2, 2)",
        ],
        rows: &[
            (
                "v",
                r#"{"id": 1, "x": 1, "row_start": "2023-11-14 22:13:20.250000", "row_end": "2106-02-07 06:28:15.999999"}"#,
            ),
            (
                "v",
                r#"{"y": "y", "id": 2, "x": 2, "row_start": "2023-11-14 22:13:20.250000", "row_end": "2106-02-07 06:28:15.999999"}"#,
            ),
            (
                "v2",
                r#"{"id": 1, "x": 1, "row_start": "2023-11-14 22:13:20.250000", "row_end": "2106-02-07 06:28:15.999999"}"#,
            ),
            (
                "v3",
                r#"{"id": 1, "s": "2023-11-14 22:13:20.250000", "e": "2106-02-07 06:28:15.999999"}"#,
            ),
            ("v2", r#"{"id": 2, "x": 2}"#),
        ],
    },
    Story {
        // COLLATE DEFAULT, and charsets that come from the database.
        on: On::Mariadb,
        before: &["ALTER DATABASE schema_rows CHARACTER SET latin1"],
        during: &[
            "CREATE TABLE c (id INT PRIMARY KEY, v TEXT COLLATE DEFAULT)",
            "INSERT INTO c VALUES (1, 'né€ü')",
            "CREATE TABLE c2 (id INT PRIMARY KEY, v VARCHAR(10) COLLATE DEFAULT, w CHAR(3) CHARACTER SET koi8r COLLATE DEFAULT)",
            "INSERT INTO c2 VALUES (1, 'é', 'Ж')",
            "ALTER TABLE c2 ADD x VARCHAR(3) COLLATE DEFAULT, MODIFY v VARCHAR(9) CHARACTER SET utf8mb4 COLLATE DEFAULT",
            "INSERT INTO c2 VALUES (2, '日', 'Ж', 'ü')",
            "CREATE TABLE c3 (v VARCHAR(3)) COLLATE DEFAULT",
            "INSERT INTO c3 VALUES ('ß')",
        ],
        rows: &[
            ("c", r#"{"id": 1, "v": "né€ü"}"#),
            ("c2", r#"{"id": 1, "v": "é", "w": "Ж"}"#),
            ("c2", r#"{"id": 2, "v": "日", "w": "Ж", "x": "ü"}"#),
            ("c3", r#"{"v": "ß"}"#),
        ],
    },
    Story {
        // Names of characters that names cannot have, in which MySQL writes question marks.
        on: On::Mysql,
        before: &[],
        during: &[
            "CREATE TABLE n (id INT PRIMARY KEY, `a😀` INT, e ENUM('日','b') CHARACTER SET latin1)",
            "INSERT INTO n VALUES (1, 5, 1)",
            "CREATE TABLE `t😀` (id INT PRIMARY KEY, a INT, b INT)",
            "INSERT INTO `t😀` VALUES (1, 1, 2)",
            "ALTER TABLE `t😀` MODIFY b INT AFTER id",
            "INSERT INTO `t😀` (id, a, b) VALUES (2, 1, 2)",
            "ALTER TABLE `t?` RENAME TO `u😀😀`, CHANGE a `😀` INT",
            "INSERT INTO `u??` (id, `?`, b) VALUES (3, 1, 2)",
        ],
        rows: &[
            ("n", r#"{"id": 1, "a?": 5, "e": "?"}"#),
            ("t?", r#"{"id": 1, "a": 1, "b": 2}"#),
            ("t?", r#"{"id": 2, "b": 2, "a": 1}"#),
            ("u??", r#"{"id": 3, "b": 2, "?": 1}"#),
        ],
    },
    Story {
        // To MySQL a VECTOR has a charset too.
        on: On::Mysql,
        before: &[],
        during: &[
            "CREATE TABLE x (v VECTOR(2), a VARCHAR(3) CHARACTER SET latin1, p POINT, w VECTOR(1), b TEXT CHARACTER SET koi8r, \
             c VARCHAR(9), d BINARY(2))",
            "INSERT INTO x VALUES (NULL, 'é', NULL, NULL, 'Ж', '日', NULL)",
            "ALTER TABLE x DROP a, DROP d",
            "INSERT INTO x VALUES (NULL, NULL, NULL, 'Ж', '日')",
        ],
        rows: &[
            (
                "x",
                r#"{"v": null, "a": "é", "p": null, "w": null, "b": "Ж", "c": "日", "d": null}"#,
            ),
            (
                "x",
                r#"{"v": null, "p": null, "w": null, "b": "Ж", "c": "日"}"#,
            ),
        ],
    },
    Story {
        // A key that grows too long for an index becomes a hash.
        on: On::Mariadb,
        before: &["CREATE TABLE k (a INT UNIQUE, b VARCHAR(700), UNIQUE u (b))"],
        during: &[
            "INSERT INTO k VALUES (1, 'x')",
            "ALTER TABLE k MODIFY a TEXT, CHANGE b c VARCHAR(1700)",
            "INSERT INTO k VALUES ('y', 'z')",
            "ALTER TABLE k DROP KEY u, MODIFY a TEXT FIRST",
            "INSERT INTO k VALUES ('w', 'v')",
            "ALTER TABLE k ADD COLUMN IF NOT EXISTS c INT UNIQUE, MODIFY a CHAR(2)",
            "INSERT INTO k VALUES ('t', 's')",
        ],
        rows: &[
            ("k", r#"{"a": 1, "b": "x"}"#),
            ("k", r#"{"a": "y", "c": "z"}"#),
            ("k", r#"{"a": "w", "c": "v"}"#),
            ("k", r#"{"a": "t", "c": "s"}"#),
        ],
    },
    Story {
        // A table that is not made in the place of another is gone, too.
        on: On::Mariadb,
        before: &["CREATE TABLE r (a INT, b INT)"],
        during: &[
            "? CREATE OR REPLACE TABLE r (c INT) PARTITION BY HASH (d)",
            "CREATE TABLE IF NOT EXISTS r (b INT, a INT)",
            "INSERT INTO r (a, b) VALUES (1, 2)",
        ],
        rows: &[("r", r#"{"b": 2, "a": 1}"#)],
    },
    Story {
        // Labels in other charsets.
        on: On::All,
        before: &[],
        during: &[
            "CREATE TABLE e (id INT PRIMARY KEY, e ENUM('a ','b') CHARACTER SET binary, s SET('x ','y') CHARACTER SET binary, \
             f ENUM('f ', 'g') CHARACTER SET latin1, g SET('日 ', 'é ') CHARACTER SET latin1, h ENUM('日', '本') CHARACTER SET ujis)",
            "INSERT INTO e VALUES (1, 1, 1, 1, 3, 2)",
            "ALTER TABLE e MODIFY e ENUM('a ','b') CHARACTER SET ascii",
            "INSERT INTO e VALUES (2, 1, 1, 1, 3, 2)",
        ],
        rows: &[
            (
                "e",
                r#"{"id": 1, "e": "a ", "s": ["x "], "f": "f", "g": ["?", "é"], "h": "本"}"#,
            ),
            (
                "e",
                r#"{"id": 2, "e": "a", "s": ["x "], "f": "f", "g": ["?", "é"], "h": "本"}"#,
            ),
        ],
    },
    Story {
        // To the server a backtick is one in swe7 too, where it stands for a letter.
        on: On::All,
        before: &[],
        during: &[
            "SET NAMES swe7",
            "CREATE TABLE w (id INT PRIMARY KEY, `a[b]` INT, e ENUM('[','|') CHARACTER SET latin1, [x] INT)",
            "INSERT INTO w VALUES (1, 2, 2, 3)",
            "SET NAMES utf8mb4",
        ],
        rows: &[("w", r#"{"id": 1, "aÄbÅ": 2, "e": "ö", "[x]": 3}"#)],
    },
    Story {
        // A check of a column makes MariaDB's JSON, and one of the table does not.
        on: On::Mariadb,
        before: &[
            "CREATE TABLE j1 (id INT PRIMARY KEY, j LONGTEXT, CHECK (json_valid(j)))",
            "CREATE TABLE j2 (id INT PRIMARY KEY, j LONGTEXT CHECK (JSON_VALID(J)))",
        ],
        during: &[
            "INSERT INTO j1 VALUES (1, '[1]')",
            "INSERT INTO j2 VALUES (1, '[1]')",
            "CREATE TABLE j3 (id INT PRIMARY KEY, j LONGTEXT, CHECK (json_valid(j)))",
            "INSERT INTO j3 VALUES (1, '[1]')",
            "CREATE TABLE j4 (id INT PRIMARY KEY, J LONGTEXT CHECK ((JSON_VALID(`j`))))",
            "INSERT INTO j4 VALUES (1, '[1]')",
            "CREATE TABLE j5 (id INT PRIMARY KEY, j LONGTEXT CHECK (json_valid(j) AND 1))",
            "INSERT INTO j5 VALUES (1, '[1]')",
        ],
        rows: &[
            ("j1", r#"{"id": 1, "j": "[1]"}"#),
            ("j2", r#"{"id": 1, "j": [1]}"#),
            ("j3", r#"{"id": 1, "j": "[1]"}"#),
            ("j4", r#"{"id": 1, "J": [1]}"#),
            ("j5", r#"{"id": 1, "j": "[1]"}"#),
        ],
    },
    Story {
        // Statements that do nothing, and are logged all the same.
        on: On::All,
        before: &[
            "CREATE TABLE base (a INT)",
            "CREATE VIEW v AS SELECT a FROM base",
        ],
        during: &[
            "CREATE TABLE IF NOT EXISTS v (a INT, b INT)",
            "DROP TABLE IF EXISTS v",
            "DROP VIEW v",
            "CREATE TABLE IF NOT EXISTS v (b INT, a INT)",
            "INSERT INTO v (a, b) VALUES (1, 2)",
            "CREATE TABLE IF NOT EXISTS v (x INT, y INT)",
            "DROP VIEW IF EXISTS v",
            "INSERT INTO v (a, b) VALUES (3, 4)",
            "CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW w AS SELECT a FROM base",
            "CREATE TABLE IF NOT EXISTS w LIKE v",
            "RENAME TABLE w TO w2",
            "CREATE TABLE IF NOT EXISTS w (b INT, c INT)",
            "CREATE TABLE IF NOT EXISTS w2 (b INT, c INT)",
            "INSERT INTO w VALUES (5, 6)",
            "DROP VIEW w2",
            "CREATE TABLE IF NOT EXISTS w2 LIKE w",
            "INSERT INTO w2 VALUES (7, 8)",
        ],
        rows: &[
            ("v", r#"{"b": 2, "a": 1}"#),
            ("v", r#"{"b": 4, "a": 3}"#),
            ("w", r#"{"b": 5, "c": 6}"#),
            ("w2", r#"{"b": 7, "c": 8}"#),
        ],
    },
    Story {
        // Conditions are looked for in the table before the statement.
        on: On::Mariadb,
        before: &[
            "CREATE TABLE i (id INT PRIMARY KEY, a INT)",
            "CREATE TABLE i2 (id INT PRIMARY KEY, a INT)",
        ],
        during: &[
            "ALTER TABLE i RENAME COLUMN a TO b, ADD COLUMN IF NOT EXISTS a INT",
            "INSERT INTO i VALUES (1, 2)",
            "ALTER TABLE i2 DROP COLUMN IF EXISTS a, ADD COLUMN IF NOT EXISTS a BIGINT",
            "INSERT INTO i2 (id) VALUES (1)",
            "ALTER TABLE i2 ADD COLUMN IF NOT EXISTS x INT, ADD COLUMN IF NOT EXISTS x BIGINT, DROP COLUMN IF EXISTS x, \
             MODIFY COLUMN IF EXISTS x TEXT, CHANGE COLUMN IF EXISTS x y INT, RENAME COLUMN IF EXISTS x TO z",
            "INSERT INTO i2 VALUES (2, 3)",
        ],
        rows: &[
            ("i", r#"{"id": 1, "b": 2}"#),
            ("i2", r#"{"id": 1}"#),
            ("i2", r#"{"id": 2, "x": 3}"#),
        ],
    },
];

/// Follows the stories that the server takes.
async fn follow(server: &mut Server, on: On, metadata: &str) {
    server
        .run(&format!("SET GLOBAL binlog_row_metadata = {metadata}"))
        .await;
    for story in STORIES
        .iter()
        .filter(|story| story.on == on || story.on == On::All)
    {
        server.reconnect().await;
        for sql in [
            format!("DROP DATABASE IF EXISTS {DATABASE}"),
            format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4"),
            format!("USE {DATABASE}"),
        ] {
            server.run(&sql).await;
        }
        server.run_all(story.before).await;
        let mut reading = Reading::new(server, DATABASE, json!({"start": "latest"}));
        reading.connect().await;
        // Each is read before the next: what has to be asked for can be asked for.
        for sql in story.during {
            match sql.strip_prefix("? ") {
                // It fails.
                Some(sql) => assert!(server.admin.query(sql).await.is_err(), "{sql}"),
                None => drop(server.run(sql).await),
            }
        }
        reading.read_rows(story.rows.len()).await;
        let expected: Vec<Value> = story
            .rows
            .iter()
            .map(|(table, row)| json!([table, serde_json::from_str::<Value>(row).unwrap()]))
            .collect();
        let read: Vec<Value> = reading
            .rows
            .iter()
            .map(|row| json!([row["table"], row["data"]]))
            .collect();
        let (read, expected) = (json!(read).to_string(), json!(expected).to_string());
        // Where a row's time has no end, before MariaDB 11.5.
        let read = read.replace("2038-01-19 03:14:07.999999", "2106-02-07 06:28:15.999999");
        assert_eq!(read, expected, "{metadata}: {:#?}", story.during);
    }
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

#[tokio::test]
async fn rows_are_what_mysql_says_without_names_in_the_binlog() {
    let mut server = Server::take().await;
    follow(&mut server, On::Mysql, "MINIMAL").await;
}

#[tokio::test]
async fn rows_are_what_mysql_says_with_names_in_the_binlog() {
    let mut server = Server::take().await;
    follow(&mut server, On::Mysql, "FULL").await;
}

#[tokio::test]
async fn rows_are_what_mariadb_says_however_much_is_in_the_binlog() {
    for version in VERSIONS {
        let mut server = Server::mariadb(version).await;
        for metadata in ["NO_LOG", "MINIMAL", "FULL"] {
            follow(&mut server, On::Mariadb, metadata).await;
        }
    }
}
