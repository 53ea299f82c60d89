//! The statements that write the recordings.

use std::fmt::Write;

/// What is there before each recording: it is in none of them.
pub const PREPARE: &str = "CREATE DATABASE bench; USE bench;
    SET SESSION cte_max_recursion_depth = 100000;
    CREATE TABLE hundred (n INT PRIMARY KEY);
    INSERT INTO hundred WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100) SELECT n FROM s;
    CREATE TABLE thousand (n INT PRIMARY KEY);
    INSERT INTO thousand WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n FROM s;
    CREATE TABLE sbtest (id BIGINT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60));
    CREATE TABLE narrow (id BIGINT PRIMARY KEY, a INT, b VARCHAR(20), d DECIMAL(10,2), t DATETIME);
    CREATE TABLE orders (
        id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED NOT NULL, status ENUM('new', 'paid', 'sent', 'done') NOT NULL,
        total DECIMAL(12,2) NOT NULL, currency CHAR(3) NOT NULL, note VARCHAR(255), address TEXT, placed DATETIME(6) NOT NULL,
        shipped DATETIME(6), items JSON NOT NULL, quantity SMALLINT UNSIGNED NOT NULL, rating TINYINT);
";

/// What writes a recording, and how many rows of a binlog it gives.
pub fn script(name: &str, rows: u64) -> Option<(String, u64)> {
    let mut sql = String::from("USE bench;\n");
    let rows = match name {
        "sbtest" => {
            for done in (0..rows).step_by(100) {
                let _ = writeln!(sql, "INSERT INTO sbtest {} FROM hundred;", sbtest(done));
            }
            rows.next_multiple_of(100)
        }
        "live" => {
            // Of a thousand rows nine hundred come by the hundred, and a hundred alone.
            let _ = writeln!(sql, "{ALONE}");
            for done in (0..rows).step_by(1000) {
                for part in 0..9 {
                    let first = done + part * 100;
                    let _ = writeln!(sql, "INSERT INTO sbtest {} FROM hundred;", sbtest(first));
                }
                let _ = writeln!(sql, "CALL alone({});", done + 900);
            }
            rows.next_multiple_of(1000)
        }
        "single" => {
            let _ = writeln!(sql, "{SINGLE}CALL single({rows});");
            rows
        }
        "narrow" => {
            for done in (0..rows).step_by(1000) {
                let _ = writeln!(sql, "INSERT INTO narrow {} FROM thousand;", narrow(done));
            }
            rows.next_multiple_of(1000)
        }
        "large" => {
            let rows = rows * 5;
            sql += "BEGIN;\n";
            for done in (0..rows).step_by(100_000) {
                let _ = writeln!(
                    sql,
                    "INSERT INTO narrow SELECT {done} + (h.n - 1) * 1000 + t.n, t.n, CONCAT('row ', h.n), 1.50, NULL FROM hundred h, thousand t;"
                );
            }
            sql += "COMMIT;\n";
            rows.next_multiple_of(100_000)
        }
        "mixed" => {
            let tenth = rows / 10;
            let _ = writeln!(sql, "{MIXED}CALL mixed({tenth});");
            tenth * 7
        }
        "tables" => {
            for table in 0..1000 {
                let _ = writeln!(sql, "CREATE TABLE t{table} LIKE narrow;");
            }
            let rounds = (rows / 10_000).max(1);
            for round in 0..rounds {
                for table in 0..1000 {
                    let _ = writeln!(
                        sql,
                        "INSERT INTO t{table} SELECT {round} * 10 + n, n, 'row', 1.50, NULL FROM hundred WHERE n <= 10;"
                    );
                }
            }
            rounds * 10_000
        }
        _ => return None,
    };
    Some((sql, rows))
}

/// A row of sbtest for each `n` of a table.
fn sbtest(done: u64) -> String {
    format!(
        "SELECT {done} + n, CRC32({done} + n) % 1000000, LEFT(REPEAT(SHA2({done} + n, 256), 2), 119), \
         LEFT(SHA2({done} - n, 256), 59)"
    )
}

/// A narrow row for each `n`: of ten texts one is not ASCII, of a hundred one has to be escaped, some are NULL.
fn narrow(done: u64) -> String {
    format!(
        "SELECT {done} + n, n * 7919 % 100000, CASE WHEN n % 100 = 1 THEN CONCAT('a \"b\\\\c', n) WHEN n % 10 = 2 \
         THEN CONCAT('Größe ', n) WHEN n % 10 = 3 THEN NULL ELSE CONCAT('text ', n) END, n * 1.25, \
         '2024-01-01 00:00:00' + INTERVAL {done} + n SECOND"
    )
}

/// Rows of sbtest, each a transaction of its own. A procedure, since a statement from the client takes six times as long.
const SINGLE: &str = "DELIMITER //
CREATE PROCEDURE single(count INT)
BEGIN
    DECLARE n INT DEFAULT 0;
    WHILE n < count DO
        SET n = n + 1;
        INSERT INTO sbtest VALUES (n, CRC32(n) % 1000000, LEFT(REPEAT(SHA2(n, 256), 2), 119), LEFT(SHA2(-n, 256), 59));
    END WHILE;
END//
DELIMITER ;
";

/// A hundred rows of sbtest behind a number, each a transaction of its own.
const ALONE: &str = "DELIMITER //
CREATE PROCEDURE alone(first BIGINT)
BEGIN
    DECLARE n BIGINT DEFAULT first;
    WHILE n < first + 100 DO
        SET n = n + 1;
        INSERT INTO sbtest VALUES (n, CRC32(n) % 1000000, LEFT(REPEAT(SHA2(n, 256), 2), 119), LEFT(SHA2(-n, 256), 59));
    END WHILE;
END//
DELIMITER ;
";

/// Three inserts, three updates and one delete, each a statement of its own, and again.
const MIXED: &str = "DELIMITER //
CREATE PROCEDURE mixed(turns INT)
BEGIN
    DECLARE turn INT DEFAULT 0;
    DECLARE first BIGINT;
    DECLARE part INT;
    WHILE turn < turns DO
        IF turn % 10 = 0 THEN START TRANSACTION; END IF;
        SET part = 0;
        WHILE part < 3 DO
            INSERT INTO orders (customer, status, total, currency, note, address, placed, shipped, items, quantity, rating) VALUES (
                turn * 7 % 50000, 1 + turn % 4, turn * 1.37, 'EUR', IF(part = 1, NULL, CONCAT('please ring at door ', turn)),
                LEFT(REPEAT(SHA2(turn, 256), 4), 200), '2024-05-06 07:08:09.123456' + INTERVAL turn SECOND, NULL,
                JSON_OBJECT('sku', CONCAT('A-', turn % 1000), 'count', turn % 9, 'price', turn * 0.5, 'tags', JSON_ARRAY('new', 'sale', NULL)),
                turn % 100, IF(part = 2, NULL, turn % 5));
            SET part = part + 1;
        END WHILE;
        SET first = LAST_INSERT_ID() - 2;
        UPDATE orders SET status = 2, shipped = placed + INTERVAL 1 DAY WHERE id = first;
        UPDATE orders SET total = total + 1, note = 'changed' WHERE id = first + 1;
        UPDATE orders SET items = JSON_OBJECT('sku', 'B-1', 'count', 2, 'price', 9.5), rating = 5 WHERE id = first + 2;
        DELETE FROM orders WHERE id = first;
        SET turn = turn + 1;
        IF turn % 10 = 0 THEN COMMIT; END IF;
    END WHILE;
    COMMIT;
END//
DELIMITER ;
";
