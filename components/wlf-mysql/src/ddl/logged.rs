//! Whether a statement that was logged as text may have changed rows.

use super::TableName;
use super::cursor::{Cursor, NotUnderstood};
use super::lexer::{Dialect, Lexer, Token};

/// What a statement that was logged as text does to rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged {
    /// Nothing that events of rows would say.
    NoRows,
    /// It may have changed rows: whatever is not known to change none counts as such.
    Rows(RowsStatement),
}

/// A statement that may have changed rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsStatement {
    /// Its first words, of which none is a value.
    pub words: String,
    /// The table that it says it changes; `None` where it cannot be told, or where there are several.
    pub table: Option<TableName>,
}

/// So many tokens have the table's name among them.
const FRONT: usize = 64;

/// Begin statements that change definitions, rights, or nothing. TRUNCATE is one of them: it has no rows in any format.
const NO_ROWS: [&str; 38] = [
    "ALTER",
    "BACKUP",
    "CACHE",
    "CHANGE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "DEALLOCATE",
    "DESC",
    "DESCRIBE",
    "DROP",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "HELP",
    "IMPORT",
    "INSTALL",
    "KILL",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "RESET",
    "RESTART",
    "REVOKE",
    "SAVEPOINT",
    "SHOW",
    "SHUTDOWN",
    "SIGNAL",
    "START",
    "STOP",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
    "USE",
];

/// Says what the statement does to rows; `database` is the default one.
pub fn logged(sql: &str, database: &str, dialect: Dialect) -> Logged {
    let front: Vec<Token> = Lexer::new(sql, dialect).take(FRONT).collect();
    let mut cursor = Cursor::new(&front);
    let words = words(cursor);
    let rows = |table: Result<TableName, NotUnderstood>| {
        Logged::Rows(RowsStatement {
            words: words.clone(),
            table: table.ok(),
        })
    };
    // MariaDB: SET STATEMENT variable=value FOR …, ANALYZE FORMAT=JSON UPDATE …
    if cursor.is_at("SET") {
        if !cursor.eat("SET STATEMENT") {
            return Logged::NoRows;
        }
        while !cursor.is_empty() && !cursor.eat("FOR") {
            cursor.next();
        }
        if cursor.is_empty() {
            return rows(Err(NotUnderstood));
        }
    }
    if cursor.eat("ANALYZE") {
        if ["TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"]
            .iter()
            .any(|word| cursor.is_at(word))
        {
            return Logged::NoRows;
        }
        if cursor.eat("FORMAT") {
            cursor.eat_symbol('=');
            cursor.next();
        }
    }
    if cursor.is_empty() || NO_ROWS.iter().any(|word| cursor.is_at(word)) {
        return Logged::NoRows;
    }
    if cursor.is_at("CREATE") {
        return match created_with_rows(sql, database, dialect) {
            Some(table) => rows(table),
            None => Logged::NoRows,
        };
    }
    if cursor.eat("INSERT") || cursor.eat("REPLACE") {
        while cursor.eat_any(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE"]) {}
        cursor.eat("INTO");
        return rows(cursor.table_name(database));
    }
    if cursor.eat("UPDATE") {
        return rows(updated(cursor, database));
    }
    if cursor.eat("DELETE") {
        if is_emptied_in_memory(sql, &front) {
            return Logged::NoRows;
        }
        return rows(deleted_from(cursor, database));
    }
    if cursor.eat("LOAD") {
        if cursor.is_at("INDEX") {
            return Logged::NoRows;
        }
        while !cursor.is_empty() && !cursor.eat("INTO TABLE") {
            cursor.next();
        }
        return rows(cursor.table_name(database));
    }
    rows(Err(NotUnderstood))
}

/// The statement's first word.
pub fn first_word(sql: &str, dialect: Dialect) -> Option<String> {
    match Lexer::new(sql, dialect).next() {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    }
}

/// The first words, up to something that may be a value.
fn words(mut cursor: Cursor<'_>) -> String {
    let mut words = String::new();
    for _ in 0..2 {
        match cursor.next() {
            Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                if !words.is_empty() {
                    words.push(' ');
                }
                words.extend(word.chars().take(30));
            }
            _ => break,
        }
    }
    words
}

/// `UPDATE t SET …`; not one of several tables.
fn updated(mut cursor: Cursor<'_>, database: &str) -> Result<TableName, NotUnderstood> {
    while cursor.eat_any(&["LOW_PRIORITY", "IGNORE"]) {}
    let table = cursor.table_name(database)?;
    if cursor.eat("PARTITION") {
        cursor.parenthesized()?;
    }
    if !cursor.is_at("SET") && !cursor.is_at("FOR PORTION") {
        cursor.eat("AS");
        cursor.name()?;
    }
    if cursor.is_at("SET") || cursor.is_at("FOR PORTION") {
        Ok(table)
    } else {
        Err(NotUnderstood)
    }
}

/// `DELETE FROM t …`; not one of several tables.
fn deleted_from(mut cursor: Cursor<'_>, database: &str) -> Result<TableName, NotUnderstood> {
    const BEHIND: [&str; 6] = ["WHERE", "ORDER", "LIMIT", "RETURNING", "FOR", "BEFORE"];
    while cursor.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]) {}
    if !cursor.eat("FROM") {
        return Err(NotUnderstood);
    }
    let table = cursor.table_name(database)?;
    if cursor.eat("PARTITION") {
        cursor.parenthesized()?;
    }
    let is_behind = |cursor: &Cursor<'_>| {
        cursor.is_empty()
            || cursor.is_at_symbol(';')
            || BEHIND.iter().any(|word| cursor.is_at(word))
    };
    if !is_behind(&cursor) && !cursor.is_at("USING") {
        cursor.eat("AS");
        cursor.name()?;
    }
    if is_behind(&cursor) {
        Ok(table)
    } else {
        Err(NotUnderstood)
    }
}

/// A table of the MEMORY engine is empty when its server was started, which is logged when it is first opened, in whatever
/// format (`open_table_entry_fini`); as with TRUNCATE, there are no events of its rows.
fn is_emptied_in_memory(sql: &str, tokens: &[Token]) -> bool {
    let mut cursor = Cursor::new(tokens);
    cursor.eat("DELETE FROM")
        && cursor.table_name("d").is_ok()
        && cursor.is_empty()
        && sql.contains("/* generated by server")
}

/// `CREATE TABLE … SELECT`, which a server that logs rows writes as a table with columns; not of a temporary table.
fn created_with_rows(
    sql: &str,
    database: &str,
    dialect: Dialect,
) -> Option<Result<TableName, NotUnderstood>> {
    const QUERY: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
    let tokens: Vec<Token> = Lexer::new(sql, dialect).collect();
    let mut cursor = Cursor::new(&tokens);
    while !cursor.is_empty() && !cursor.is_at("CREATE") {
        cursor.next();
    }
    cursor.eat("CREATE");
    cursor.eat("OR REPLACE");
    if !cursor.eat("TABLE") {
        return None;
    }
    cursor.eat("IF NOT EXISTS");
    let table = cursor.table_name(database);
    while !cursor.is_empty() {
        if cursor.is_at_symbol('(') {
            let Ok(mut inside) = cursor.parenthesized() else {
                return Some(table);
            };
            while inside.eat_symbol('(') {}
            if QUERY.iter().any(|word| inside.is_at(word)) {
                return Some(table);
            }
            continue;
        }
        let is_option = cursor.is_at("WITH SYSTEM") || cursor.is_at("WITH PARSER");
        if !is_option && (cursor.is_at("AS") || QUERY.iter().any(|word| cursor.is_at(word))) {
            return Some(table);
        }
        cursor.next();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Logged {
        logged(sql, "d", Dialect::of_server("11.8.6-MariaDB", 0))
    }

    fn table(sql: &str) -> Option<String> {
        match read(sql) {
            Logged::Rows(rows) => {
                let table = rows
                    .table
                    .map(|name| format!("{}.{}", name.database, name.table));
                Some(table.unwrap_or_default())
            }
            Logged::NoRows => None,
        }
    }

    #[test]
    fn what_changes_rows_is_known_in_every_spelling() {
        for (sql, expected) in [
            ("INSERT INTO t VALUES (1)", "d.t"),
            ("/* app */ UPDATE t SET v = 2", "d.t"),
            ("INSERT\nINTO t VALUES (2, 2)", "d.t"),
            ("DELETE\tFROM t WHERE id = 1", "d.t"),
            (
                "-- x\n# y\n/*!40000 replace */ low_priority `e`.`t` SET a = 1",
                "e.t",
            ),
            ("insert ignore t select * from u", "d.t"),
            ("INSERT DELAYED INTO e . t () VALUES ()", "e.t"),
            ("UPDATE IGNORE e.t AS x SET x.v = 1", "e.t"),
            ("UPDATE t x SET v = 1", "d.t"),
            ("UPDATE t PARTITION (p0) SET v = 1", "d.t"),
            ("UPDATE t, u SET t.v = u.v", ""),
            ("UPDATE t JOIN u USING (id) SET t.v = 1", ""),
            ("UPDATE (SELECT 1) x JOIN t SET t.v = 1", ""),
            ("DELETE QUICK FROM e.t", "e.t"),
            ("DELETE FROM t ORDER BY id LIMIT 1", "d.t"),
            ("DELETE FROM t RETURNING id", "d.t"),
            ("DELETE HISTORY FROM t BEFORE SYSTEM_TIME NOW()", "d.t"),
            ("DELETE a, b FROM a JOIN b", ""),
            ("DELETE FROM a USING a JOIN b", ""),
            ("DELETE FROM a, b USING a JOIN b", ""),
            ("WITH x AS (SELECT 1) UPDATE t SET v = 1", ""),
            (
                "LOAD DATA LOCAL INFILE '/tmp/a' REPLACE INTO TABLE `t` FIELDS TERMINATED BY ','",
                "d.t",
            ),
            ("LOAD XML INFILE 'x' INTO TABLE e.t", "e.t"),
            ("CALL p(1)", ""),
            ("SELECT `d`.`f`(1)", ""),
            ("DO f()", ""),
            ("EXECUTE IMMEDIATE 'DELETE FROM t'", ""),
            ("BEGIN NOT ATOMIC DELETE FROM t; END", ""),
            (
                "SET STATEMENT max_statement_time=1 FOR UPDATE t SET v = 1",
                "d.t",
            ),
            (
                "SET STATEMENT sql_mode='' FOR CREATE TABLE e.t SELECT 1",
                "e.t",
            ),
            ("ANALYZE UPDATE t SET v = 1", "d.t"),
            ("ANALYZE FORMAT=JSON DELETE FROM t", "d.t"),
            ("CREATE TABLE t SELECT 1", "d.t"),
            (
                "CREATE OR REPLACE TABLE e.t (a INT) ENGINE=InnoDB IGNORE AS SELECT 1",
                "e.t",
            ),
            ("CREATE TABLE t (SELECT 1)", "d.t"),
            ("CREATE TABLE t ((SELECT 1) UNION (SELECT 2))", "d.t"),
            (
                "CREATE TABLE IF NOT EXISTS t AS WITH x AS (SELECT 1) SELECT * FROM x",
                "d.t",
            ),
            ("CREATE TABLE t VALUES (1)", "d.t"),
            ("BINLOG 'abc'", ""),
            ("\u{fffd} no SQL at all (((", ""),
        ] {
            assert_eq!(table(sql).as_deref(), Some(expected), "{sql}");
        }
    }

    #[test]
    fn what_changes_no_rows_is_known_too() {
        for sql in [
            "CREATE TABLE t (id INT, v INT AS (id + 1)) WITH SYSTEM VERSIONING",
            "CREATE TABLE t (id INT) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (1))",
            "CREATE TABLE t LIKE u",
            "CREATE TEMPORARY TABLE t SELECT 1",
            "CREATE OR REPLACE TEMPORARY TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW DELETE FROM u",
            "CREATE DEFINER=`root`@`localhost` PROCEDURE p() BEGIN INSERT INTO t VALUES (1); END",
            "CREATE USER u IDENTIFIED BY 'x'",
            "TRUNCATE TABLE t",
            "ALTER TABLE t ADD COLUMN a INT",
            "/* x */ drop table t",
            "RENAME TABLE t TO u",
            "GRANT SELECT ON d.* TO u",
            "REVOKE ALL ON *.* FROM u",
            "SET PASSWORD FOR u = 'x'",
            "SET STATEMENT max_statement_time=1 FOR ALTER TABLE t FORCE",
            "ANALYZE TABLE t",
            "ANALYZE NO_WRITE_TO_BINLOG TABLE t",
            "OPTIMIZE TABLE t",
            "FLUSH PRIVILEGES",
            "LOAD INDEX INTO CACHE t",
            "DELETE FROM `d`.`m` /* generated by server, implicitly emptying in-memory table */",
            "/* nothing */",
            "",
        ] {
            assert_eq!(read(sql), Logged::NoRows, "{sql}");
        }
    }

    #[test]
    fn no_value_is_among_the_words() {
        for (sql, words) in [
            ("/* secret */ UPDATE t SET v = 'secret'", "UPDATE t"),
            ("SELECT 'secret'", "SELECT"),
            ("SELECT 0xABCD", "SELECT"),
            ("EXECUTE IMMEDIATE 'secret'", "EXECUTE IMMEDIATE"),
            ("CALL p('secret')", "CALL p"),
            ("\u{fffd}\u{fffd}", ""),
        ] {
            match read(sql) {
                Logged::Rows(rows) => assert_eq!(rows.words, words, "{sql}"),
                Logged::NoRows => panic!("{sql}"),
            }
        }
    }
}
