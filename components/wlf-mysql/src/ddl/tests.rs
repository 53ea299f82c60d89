//! What statements are read as; whether that is right is compared with servers, in `tests/server/schema`.

use proptest::prelude::*;

use super::*;

const MYSQL: Dialect = Dialect {
    sql_mode: 0,
    version: 90_704,
    is_mariadb: false,
    client: Client::Utf8,
    timestamps_not_null: false,
};
const MARIADB: Dialect = Dialect {
    sql_mode: 0,
    version: 110_806,
    is_mariadb: true,
    client: Client::Utf8,
    timestamps_not_null: false,
};

fn table(name: &TableName) -> String {
    format!("{}.{}", name.database, name.table)
}

fn column(column: &ColumnClause) -> String {
    let charset = match &column.charset {
        Some(CharsetName::Named(name)) => name,
        Some(CharsetName::Default) => "DEFAULT",
        None => "utf8mb4",
    };
    let (data_type, charset) = column.type_name.resolve(charset);
    let charset = charset.map_or_else(String::new, |charset| format!(" {charset}"));
    let null = if column.nullable { "" } else { " not null" };
    let key = if column.primary_key { " key" } else { "" };
    format!("{} {data_type}{charset}{null}{key}", column.name)
}

fn placed(placement: Option<&Placement>) -> String {
    match placement {
        None => String::new(),
        Some(Placement::First) => " first".to_owned(),
        Some(Placement::After(name)) => format!(" after {name}"),
    }
}

fn clause(clause: &Clause) -> String {
    match clause {
        Clause::Add {
            column: added,
            placement,
            ..
        } => format!("add {}{}", column(added), placed(placement.as_ref())),
        Clause::Change {
            old,
            column: new,
            placement,
            ..
        } => format!("change {old} {}{}", column(new), placed(placement.as_ref())),
        Clause::Drop { column, .. } => format!("drop {column}"),
        Clause::RenameColumn { old, new, .. } => format!("rename {old} {new}"),
        Clause::Rename(to) => format!("to {}", table(to)),
        Clause::Convert { charset, .. } => format!("convert {charset:?}"),
        Clause::Charset(charset) => format!("charset {charset:?}"),
        Clause::AddPrimaryKey { columns, .. } => format!("add key {}", columns.join("+")),
        Clause::DropPrimaryKey => "drop key".to_owned(),
        Clause::AddUnique { key, .. } => {
            let columns: Vec<&str> = key.parts.iter().map(|part| &*part.column).collect();
            let hash = if key.hash { " hash" } else { "" };
            format!("add unique {}{hash}", columns.join("+"))
        }
        Clause::AddSystemVersioning => "add versioning".to_owned(),
        Clause::DropSystemVersioning => "drop versioning".to_owned(),
        Clause::DropIndex(name) => format!("drop index {name}"),
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::CreateDatabase { name, charset, .. } => format!("create {name} {charset:?}"),
        Effect::AlterDatabase { name, charset } => format!("alter {name} {charset:?}"),
        Effect::DropDatabase { name } => format!("drop {name}"),
        Effect::CreateTable {
            table: name,
            content,
            if_not_exists,
        } => {
            let content = match content {
                TableContent::Like(model) => format!("like {}", table(model)),
                TableContent::Columns {
                    columns,
                    primary_key,
                    ..
                } => {
                    let columns: Vec<String> = columns.iter().map(column).collect();
                    format!("({}) {}", columns.join(", "), primary_key.join("+"))
                }
            };
            let condition = if *if_not_exists { "if new " } else { "" };
            format!("create {condition}{} {content}", table(name))
        }
        Effect::AlterTable {
            table: name,
            clauses,
        } => {
            let clauses: Vec<String> = clauses.iter().map(clause).collect();
            format!("alter {}: {}", table(name), clauses.join(", "))
        }
        Effect::RenameTable { from, to } => format!("rename {} {}", table(from), table(to)),
        Effect::DropTable { table: name, .. } => format!("drop {}", table(name)),
        Effect::CreateView { view } => format!("view {}", table(view)),
        Effect::DropView { view } => format!("drop view {}", table(view)),
        Effect::AlterIndexes {
            table: name,
            clauses,
        } => {
            let clauses: Vec<String> = clauses.iter().map(clause).collect();
            format!("indexes {}: {}", table(name), clauses.join(", "))
        }
        Effect::TruncateTable { table: name } => format!("truncate {}", table(name)),
        Effect::Unclear { table: None } => "unclear".to_owned(),
        Effect::Unclear { table: Some(name) } => format!("unclear {}", table(name)),
    }
}

fn read(sql: &str, dialect: Dialect) -> String {
    let effects: Vec<String> = parse(sql, "d", dialect).iter().map(effect).collect();
    effects.join("; ")
}

/// Statements and what they are read as.
const STATEMENTS: &[(&str, &str)] = &[
    (
        "CREATE TABLE t (a INT, b VARCHAR(3) NOT NULL)",
        "create d.t (a int, b varchar(3) utf8mb4 not null) ",
    ),
    (
        "create table if not exists x.t (id serial)",
        "create if new x.t (id bigint unsigned not null) ",
    ),
    (
        "CREATE TABLE t (a INT PRIMARY KEY, b INT UNIQUE KEY)",
        "create d.t (a int not null key, b int) a",
    ),
    (
        "CREATE TABLE t (a INT, PRIMARY KEY (b(5) DESC, a), b TEXT)",
        "create d.t (a int, b text utf8mb4) b+a",
    ),
    ("CREATE TABLE t LIKE x.u", "create d.t like x.u"),
    ("CREATE TABLE t (LIKE u)", "create d.t like d.u"),
    ("CREATE TABLE t SELECT 1", "unclear d.t"),
    ("CREATE TABLE t (a INT) AS SELECT 1 AS a", "unclear d.t"),
    ("CREATE TABLE t (a INT) IGNORE SELECT 1 AS a", "unclear d.t"),
    (
        "CREATE TABLE t (a INT) START TRANSACTION",
        "create d.t (a int) ",
    ),
    ("CREATE TABLE t (a NEWTYPE)", "unclear d.t"),
    ("CREATE TABLE t (a INT", "unclear d.t"),
    ("CREATE TABLE", "unclear"),
    ("CREATE TEMPORARY TABLE t (a INT)", ""),
    ("DROP TEMPORARY TABLE IF EXISTS t", ""),
    ("CREATE VIEW t AS SELECT 1", "view d.t"),
    (
        "CREATE OR REPLACE ALGORITHM=UNDEFINED DEFINER=`a`@`%` SQL SECURITY DEFINER VIEW x.`t` AS SELECT 1",
        "view x.t",
    ),
    (
        "CREATE DEFINER=`root`@`%` PROCEDURE p() ALTER TABLE t ADD b INT",
        "",
    ),
    (
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW DROP TABLE t",
        "",
    ),
    ("CREATE USER a@b IDENTIFIED BY 'DROP TABLE t'", ""),
    ("GRANT ALTER ON d.t TO a", ""),
    ("ANALYZE TABLE t", ""),
    ("INSERT INTO t VALUES (1)", ""),
    ("ALTER VIEW v AS SELECT 1", "view d.v"),
    ("ALTER EVENT e RENAME TO f", ""),
    ("CREATE INDEX i ON t (a)", ""),
    ("DROP INDEX i ON t", ""),
    ("DROP INDEX `PRIMARY` ON x.t", "alter x.t: drop key"),
    (
        "DROP VIEW IF EXISTS t, x.u CASCADE",
        "drop view d.t; drop view x.u",
    ),
    (
        "DROP TABLE a, `b`.`c d`, `e.f`",
        "drop d.a; drop b.c d; drop d.e.f",
    ),
    ("DROP TABLES IF EXISTS a CASCADE", "drop d.a"),
    (
        "RENAME TABLE a TO b, x.c TO y.c",
        "rename d.a d.b; rename x.c y.c",
    ),
    ("RENAME USER a TO b", ""),
    ("TRUNCATE t", "truncate d.t"),
    ("TRUNCATE TABLE x.t", "truncate x.t"),
    (
        "CREATE DATABASE x CHARSET latin1",
        "create x Some(Named(\"latin1\"))",
    ),
    (
        "CREATE SCHEMA x DEFAULT COLLATE = utf8_bin",
        "create x Some(Named(\"utf8mb3\"))",
    ),
    (
        "ALTER DATABASE CHARACTER SET = DEFAULT",
        "alter d Some(Default)",
    ),
    ("ALTER DATABASE x READ ONLY = 1", "alter x None"),
    ("DROP DATABASE IF EXISTS `x y`", "drop x y"),
    (
        "ALTER TABLE t ADD b INT FIRST, DROP COLUMN c",
        "alter d.t: add b int first, drop c",
    ),
    (
        "ALTER TABLE t ADD (b INT, c INT), ADD INDEX (b)",
        "alter d.t: add b int, add c int",
    ),
    (
        "ALTER TABLE t MODIFY b INT AFTER `x y`",
        "alter d.t: change b b int after x y",
    ),
    (
        "ALTER TABLE t CHANGE COLUMN b c TEXT CHARSET latin1",
        "alter d.t: change b c text latin1",
    ),
    (
        "ALTER TABLE t RENAME COLUMN a TO b, RENAME INDEX i TO j",
        "alter d.t: rename a b",
    ),
    ("ALTER TABLE t RENAME x.u", "alter d.t: to x.u"),
    (
        "ALTER TABLE t RENAME AS u, ADD b INT",
        "alter d.t: to d.u, add b int",
    ),
    (
        "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a, b)",
        "alter d.t: drop key, add key a+b",
    ),
    (
        "ALTER TABLE t CONVERT TO CHARACTER SET utf8",
        "alter d.t: convert Named(\"utf8mb3\")",
    ),
    (
        "ALTER TABLE t ENGINE=x CHARSET latin1",
        "alter d.t: charset Named(\"latin1\")",
    ),
    ("ALTER TABLE t COMMENT='CHARSET latin1'", "alter d.t: "),
    ("ALTER TABLE t ORDER BY a, b", "alter d.t: "),
    ("ALTER TABLE t DROP PARTITION a, b", "alter d.t: "),
    (
        "ALTER TABLE t REORGANIZE PARTITION a, b INTO (PARTITION c VALUES LESS THAN (1))",
        "alter d.t: ",
    ),
    (
        "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u",
        "alter d.t: ",
    ),
    ("ALTER TABLE t DISCARD TABLESPACE", "alter d.t: "),
    (
        "ALTER TABLE t DROP FOREIGN KEY f, DROP CHECK c, DROP CONSTRAINT e",
        "alter d.t: ",
    ),
    ("ALTER TABLE t DO SOMETHING", "unclear d.t"),
    ("ALTER TABLE t DO SOMETHING, RENAME TO u", "unclear"),
    (
        "ALTER TABLE t ADD COLUMN b INT DEFAULT 'a, b' COMMENT ') FIRST'",
        "alter d.t: add b int",
    ),
    (
        "ALTER TABLE t ADD b ENUM('a'',', \"it's\\n\") DEFAULT 'a'",
        "alter d.t: add b enum('a'',','it''s\\n') utf8mb4",
    ),
    (
        "ALTER TABLE t ADD b INT REFERENCES u (id) ON DELETE SET NULL NOT NULL",
        "alter d.t: add b int not null",
    ),
    (
        "ALTER TABLE t /* , ADD x INT */ ADD b INT -- , ADD y INT\n, ADD c INT # end",
        "alter d.t: add b int, add c int",
    ),
    (
        "ALTER TABLE t ADD b INT /*!80000 UNSIGNED */ /*!100000 NOT NULL */",
        "alter d.t: add b int unsigned",
    ),
    ("ALTER TABLE t ADD b INT--1", "unclear d.t"),
    (
        "ALTER TABLE t ADD b INT PARTITION BY KEY (a) PARTITIONS 4",
        "alter d.t: add b int",
    ),
    (
        "ALTER TABLE t DROP b, MODIFY c INT UNSIGNED REMOVE PARTITIONING",
        "alter d.t: drop b, change c c int unsigned",
    ),
    ("ALTER TABLE t ADD b INT SOMETHING", "unclear d.t"),
    (
        "ALTER TABLE t /*!99999 ADD a INT /* x */ , */ ADD b INT",
        "alter d.t: add b int",
    ),
    (
        "ALTER TABLE t ADD a INT DEFAULT -1.5e-3 COMMENT 'x', ADD b DATETIME(3) DEFAULT NOW(3) ON UPDATE NOW(3) NOT NULL",
        "alter d.t: add a int, add b datetime(3) not null",
    ),
    (
        "ALTER TABLE t ADD a INT REFERENCES u (a) ON DELETE SET NULL ON UPDATE NO ACTION NOT NULL",
        "alter d.t: add a int not null",
    ),
    (
        "ALTER TABLE `t😀` ADD `a😀` ENUM('é', '日 ') CHARACTER SET latin1",
        "alter d.t?: add a? enum('é','?') latin1",
    ),
    (
        "ALTER TABLE t ADD a SET('x ') CHARACTER SET binary",
        "alter d.t: add a set('x ')",
    ),
];

#[test]
fn statements_are_read_as_what_they_do() {
    for (sql, expected) in STATEMENTS {
        assert_eq!(read(sql, MYSQL), *expected, "{sql}");
    }
}

#[test]
fn statements_of_mariadb() {
    for (sql, expected) in [
        (
            "CREATE OR REPLACE TABLE t (j JSON)",
            "create d.t (j json utf8mb4) ",
        ),
        (
            "SET STATEMENT max_statement_time=1 FOR DROP TABLE t",
            "drop d.t",
        ),
        (
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS b INT",
            "alter d.t: add b int",
        ),
        (
            "ALTER TABLE t ADD b INT /*!50701 NOT NULL */ /*M!100000 UNSIGNED */",
            "alter d.t: add b int unsigned",
        ),
        (
            "ALTER TABLE t ADD SYSTEM VERSIONING",
            "alter d.t: add versioning",
        ),
        (
            "CREATE TABLE t (a INT) WITH SYSTEM VERSIONING",
            "create d.t (a int) ",
        ),
        (
            "ALTER TABLE t ADD UNIQUE KEY u USING HASH (a, b(5)), DROP INDEX v",
            "alter d.t: add unique a+b hash, drop index v",
        ),
        (
            "CREATE UNIQUE INDEX u USING HASH ON t (a)",
            "indexes d.t: add unique a hash",
        ),
        (
            "ALTER TABLE t ADD a SERIAL, MODIFY b INT SERIAL DEFAULT VALUE UNIQUE",
            "alter d.t: add a bigint unsigned not null, add unique a, change b b int not null, add unique b",
        ),
        ("DROP INDEX i ON t", "indexes d.t: drop index i"),
        ("ALTER TABLE t CONVERT PARTITION p TO TABLE u", "unclear"),
        ("CREATE SEQUENCE s", "unclear d.s"),
    ] {
        assert_eq!(read(sql, MARIADB), expected, "{sql}");
    }
    let oracle = Dialect {
        sql_mode: 512,
        ..MARIADB
    };
    assert_eq!(read("CREATE TABLE t (a NUMBER)", oracle), "unclear d.t");
    assert_eq!(read("CREATE TABLE t (a INT)", oracle), "unclear d.t");
}

#[test]
fn sql_mode_decides_what_quotes_and_backslashes_mean() {
    let sql = "ALTER TABLE \"t\" ADD \"b\" INT";
    let ansi = Dialect {
        sql_mode: 4,
        ..MYSQL
    };
    assert_eq!(read(sql, ansi), "alter d.t: add b int");
    assert_eq!(read(sql, MYSQL), "unclear");
    let plain = Dialect {
        sql_mode: 1 << 20,
        ..MYSQL
    };
    let sql = r"ALTER TABLE t ADD b ENUM('\', 'c')";
    assert_eq!(read(sql, plain), r"alter d.t: add b enum('\\','c') utf8mb4");
}

#[test]
fn versions_are_those_that_comments_name() {
    for (text, version, is_mariadb) in [
        ("9.7.4", 90_704, false),
        ("8.0.36-28.1", 80_036, false),
        ("11.8.6-MariaDB-log", 110_806, true),
        ("5.5.5-10.6.12-MariaDB", 100_612, true),
        ("", 0, false),
    ] {
        let dialect = Dialect::of_server(text, 0);
        assert_eq!(
            (dialect.version, dialect.is_mariadb),
            (version, is_mariadb),
            "{text}"
        );
    }
}

#[test]
fn types_of_information_schema_are_written_alike() {
    for (theirs, ours) in [
        ("int(11) unsigned zerofill", "int unsigned zerofill"),
        ("tinyint(1)", "tinyint"),
        ("year(4)", "year"),
        ("geometrycollection", "geomcollection"),
        ("varchar(20) /*M!100301 COMPRESSED*/", "varchar(20)"),
        ("enum('INT(11)','/*x')", "enum('INT(11)','/*x')"),
        ("decimal(10,2) unsigned", "decimal(10,2) unsigned"),
    ] {
        assert_eq!(plain_type(theirs), ours);
    }
}

proptest! {
    /// Whatever stands there, it ends without a panic.
    #[test]
    fn no_text_makes_it_panic(sql in ".{0,80}", front in 0..STATEMENTS.len(), cut in 0..120_usize) {
        let (statement, _) = STATEMENTS[front];
        let cut = statement.char_indices().nth(cut).map_or(statement.len(), |(at, _)| at);
        for dialect in [MYSQL, MARIADB] {
            parse(&sql, "d", dialect);
            parse(&format!("{}{sql}", &statement[..cut]), "d", dialect);
            parse(&format!("ALTER TABLE t {sql}"), "d", dialect);
            parse(&format!("CREATE TABLE t ({sql}"), "", dialect);
        }
    }
}
