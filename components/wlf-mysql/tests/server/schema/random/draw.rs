//! Statements drawn at random.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use wlf_mysql::ddl::TableName;
use wlf_mysql::schema::TableSchema;

/// Types that have no charset.
const PLAIN: &[&str] = &[
    "INT",
    "INTEGER(5)",
    "BIGINT UNSIGNED",
    "TINYINT(1)",
    "SMALLINT SIGNED",
    "MEDIUMINT ZEROFILL",
    "BOOL",
    "INT2",
    "DECIMAL(12,3)",
    "NUMERIC UNSIGNED",
    "DEC(7)",
    "FLOAT",
    "FLOAT(30)",
    "DOUBLE PRECISION UNSIGNED",
    "REAL",
    "DATE",
    "TIME(2)",
    "DATETIME(3)",
    "TIMESTAMP(6) NULL",
    "TIMESTAMP",
    "YEAR",
    "BIT(9)",
    "BINARY(9)",
    "VARBINARY(40)",
    "BLOB",
    "TINYBLOB",
    "LONG VARBINARY",
    "JSON",
    "POINT",
    "GEOMETRYCOLLECTION",
    "SERIAL",
];

/// Types that have one.
const TEXTS: &[&str] = &[
    "CHAR",
    "CHAR(7)",
    "VARCHAR(30)",
    "VARCHAR(300)",
    "CHARACTER VARYING(12)",
    "TEXT",
    "TEXT(70)",
    "TINYTEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
    "LONG",
    "ENUM('a','b''c','d,e')",
    "ENUM('é ','日',' (x')",
    "SET('x','y ')",
    "SET(\"q\",'ß','Ж')",
];

const NATIONAL: &[&str] = &["NCHAR(3)", "NATIONAL VARCHAR(5)", "NVARCHAR(6)"];

const MYSQL_TYPES: &[&str] = &["VECTOR(3)", "GEOMCOLLECTION", "POINT SRID 4326"];
const MARIADB_TYPES: &[&str] = &[
    "UUID",
    "INET4",
    "INET6",
    "LONGTEXT CHECK (json_valid({c}))",
    "LONGTEXT CHECK ((JSON_VALID(`{c}`)))",
    "VARCHAR(20) COMPRESSED",
    "BLOB COMPRESSED=zlib",
];

const CHARSETS: &[&str] = &[
    "utf8mb4", "latin1", "utf8mb3", "utf8", "gbk", "ucs2", "cp1251", "binary", "koi8r", "ujis",
    "swe7",
];

const COLLATIONS: &[&str] = &[
    "utf8mb4_bin",
    "latin1_swedish_ci",
    "utf8mb3_general_ci",
    "gbk_chinese_ci",
    "binary",
    "cp1251_bin",
];

/// Names of columns; some differ in case alone.
const COLUMNS: &[&str] = &[
    "c0",
    "c1",
    "c2",
    "c3",
    "c4",
    "c5",
    "C6",
    "über",
    "ÜBER",
    "ΟΔΟΣ",
    "a``b",
    "select",
    "first",
    "comment",
    "period",
    "vector",
    "my_row_id",
    "x y",
    "s😀",
    "key.1",
    "DB_ROW_HASH_1",
    "check",
    "partition",
];

/// What can follow a column's type and changes nothing of it.
const ATTRIBUTES: &[&str] = &[
    "COMMENT 'FIRST, AFTER c1'",
    "COMMENT 'it''s \\' PRIMARY KEY'",
    "CHECK (1 IN (1, 2))",
    "CONSTRAINT CHECK (2 > 1)",
    "DEFAULT NULL",
    "UNIQUE KEY",
    "INVISIBLE",
];

const MYSQL_ATTRIBUTES: &[&str] = &[
    "COLUMN_FORMAT FIXED",
    "COLUMN_FORMAT DEFAULT STORAGE DEFAULT",
    "VISIBLE",
    "CHECK (1 < 2) NOT ENFORCED",
    "/*!80023 INVISIBLE */",
];

const MARIADB_ATTRIBUTES: &[&str] = &[
    "WITHOUT SYSTEM VERSIONING",
    "/*M!100000 COMMENT 'm' */",
    "/*!50701 NOT NULL */",
    "DEFAULT (1 + 1)",
    "COLLATE DEFAULT",
];

const COMMENTS: &[&str] = &[
    " /* , ADD x INT */ ",
    " /**/ ",
    " -- DROP c1\n",
    " # FIRST\n",
    "\t",
    "\n\r\n",
    " /*!99999 NONSENSE /* in */ it */ ",
    " /*!10000*/ ",
];

const TABLE_OPTIONS: &[&str] = &[
    "ENGINE=InnoDB",
    "ENGINE = MyISAM",
    "COMMENT='x, ADD y INT PRIMARY KEY'",
    "COMMENT 'CHARSET utf8'",
    "ROW_FORMAT=DYNAMIC",
    "AUTO_INCREMENT 7",
    "MAX_ROWS=1000",
    "STATS_PERSISTENT=1",
    "CHECKSUM = 1",
];

const MODES: &[&str] = &[
    "NO_ENGINE_SUBSTITUTION",
    "NO_ENGINE_SUBSTITUTION",
    "NO_ENGINE_SUBSTITUTION",
    "ANSI_QUOTES,NO_ENGINE_SUBSTITUTION",
    "NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION",
    "REAL_AS_FLOAT,PIPES_AS_CONCAT,IGNORE_SPACE,NO_ENGINE_SUBSTITUTION",
    "ANSI,STRICT_TRANS_TABLES",
];

/// Draws statements of one session, each in words of its own.
pub struct Draw {
    random: StdRng,
    database: String,
    is_mariadb: bool,
    ansi_quotes: bool,
    /// What tables of the database there are, each with the names of its columns.
    tables: Vec<(String, Vec<String>)>,
    /// The number of the one that the statement is about.
    about: Option<usize>,
}

impl Draw {
    pub fn new(seed: u64, database: &str, is_mariadb: bool) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            database: database.to_owned(),
            is_mariadb,
            ansi_quotes: false,
            tables: Vec::new(),
            about: None,
        }
    }

    /// Learns what tables there are.
    pub fn look_at(&mut self, tables: &[(TableName, TableSchema)]) {
        let own = tables
            .iter()
            .filter(|(name, _)| name.database == self.database);
        let tables = own.map(|(name, schema)| {
            let columns = schema
                .columns
                .iter()
                .map(|column| column.name.replace('`', "``"));
            (name.table.clone(), columns.collect())
        });
        self.tables = tables.collect();
        self.about = None;
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.random).expect("something")
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.random.gen_ratio(1, one_in)
    }

    fn number(&mut self, below: u32) -> u32 {
        self.random.gen_range(0..below)
    }

    /// A name in one of the ways to write it.
    fn named(&mut self, name: &str) -> String {
        let is_plain = name.starts_with(|c: char| c.is_alphabetic())
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !["select", "key", "check", "partition"].contains(&name);
        if is_plain && self.chance(2) {
            return name.to_owned();
        }
        if self.ansi_quotes && self.chance(2) {
            return format!("\"{}\"", name.replace("``", "`"));
        }
        format!("`{name}`")
    }

    /// A table's name, of one that is there or not, or a view's.
    pub fn table(&mut self) -> String {
        let n = self.number(6);
        if !self.tables.is_empty() && !self.chance(5) {
            self.about = Some(self.random.gen_range(0..self.tables.len()));
        }
        let about = self.about.filter(|_| !self.chance(8));
        let table = match about {
            Some(about) => self.tables[about].0.clone(),
            None if self.chance(6) => format!("T😀{}", n / 2),
            None => format!("T {n}"),
        };
        self.placed(&table)
    }

    /// The name of a table that is to be made.
    fn new_table(&mut self) -> String {
        let names: Vec<String> = (0..6).map(|n| format!("T {n}")).collect();
        let mut free: Vec<String> = names
            .into_iter()
            .filter(|name| self.tables.iter().all(|(table, _)| table != name))
            .collect();
        if !self.is_mariadb {
            free.push("T😀1".to_owned());
        }
        match free.choose(&mut self.random).cloned() {
            Some(name) if !self.chance(5) => self.placed(&name),
            _ => self.table(),
        }
    }

    fn placed(&mut self, table: &str) -> String {
        let table = self.named(table);
        match self.number(4) {
            0 => format!("{}.{table}", self.database),
            1 => format!("`{}` . {table}", self.database),
            _ => table,
        }
    }

    fn column(&mut self) -> String {
        let mut name = self.one(COLUMNS).to_owned();
        if let Some(about) = self.about
            && !self.chance(4)
            && let Some(column) = self.tables[about].1.choose(&mut self.random)
        {
            name.clone_from(column);
        }
        if self.chance(3) {
            name = name.to_uppercase();
        }
        self.named(&name)
    }

    fn charset(&mut self) -> String {
        let charset = self.one(CHARSETS);
        match self.number(4) {
            0 => format!("CHARSET {charset}"),
            1 => format!("CHARACTER SET '{charset}'"),
            2 => format!("CHAR SET {}", charset.to_uppercase()),
            _ => format!("CHARACTER SET {charset}"),
        }
    }

    fn type_of(&mut self, column: &str) -> String {
        match self.number(12) {
            0..=4 => self.one(PLAIN).to_owned(),
            5..=9 => {
                let mut text = self.one(TEXTS).to_owned();
                match self.number(8) {
                    0 | 1 => {
                        let charset = self.charset();
                        let _ = write!(text, " {charset}");
                    }
                    2 => {
                        let collation = self.one(COLLATIONS);
                        let _ = write!(text, " COLLATE {collation}");
                    }
                    3 => {
                        text +=
                            self.one(&[" BINARY", " ASCII", " UNICODE", " BYTE", " ASCII BINARY"])
                    }
                    _ => {}
                }
                text
            }
            10 => self.one(NATIONAL).to_owned(),
            _ if self.is_mariadb => {
                let bare = column.trim_matches(['`', '"']);
                self.one(MARIADB_TYPES).replace("{c}", bare)
            }
            _ => self.one(MYSQL_TYPES).to_owned(),
        }
    }

    fn definition(&mut self, column: &str) -> String {
        let mut text = self.type_of(column);
        let mut attributes = Vec::new();
        if self.chance(4) {
            attributes.push(self.one(&["NOT NULL", "NULL"]).to_owned());
        }
        for _ in 0..2 {
            if self.chance(5) {
                attributes.push(self.one(ATTRIBUTES).to_owned());
            }
        }
        if self.chance(6) {
            let own = if self.is_mariadb {
                MARIADB_ATTRIBUTES
            } else {
                MYSQL_ATTRIBUTES
            };
            attributes.push(self.one(own).to_owned());
        }
        if self.chance(25) {
            attributes.push("PRIMARY KEY".to_owned());
        }
        if self.chance(12) {
            return format!(
                "INT {}",
                self.one(&[
                    "AS (1 + (2 * 3)) VIRTUAL",
                    "GENERATED ALWAYS AS (7) STORED",
                    "DEFAULT -1.5e+1 NOT NULL",
                    "DEFAULT b'101'",
                    "DEFAULT 0x1F COMMENT 'x'"
                ])
            );
        }
        attributes.shuffle(&mut self.random);
        for attribute in attributes {
            let _ = write!(text, " {attribute}");
        }
        text
    }

    fn placement(&mut self) -> String {
        match self.number(4) {
            0 => " FIRST".to_owned(),
            1 => format!(" AFTER {}", self.column()),
            _ => String::new(),
        }
    }

    fn partitioning(&mut self) -> String {
        let column = self.column();
        match self.number(3) {
            0 => "PARTITION BY KEY () PARTITIONS 3".to_owned(),
            1 => format!("PARTITION BY HASH ({column}) PARTITIONS 2"),
            _ => format!(
                "PARTITION BY RANGE ({column}) (PARTITION p0 VALUES LESS THAN (10) COMMENT = 'a, b', PARTITION p1 VALUES LESS THAN MAXVALUE)"
            ),
        }
    }

    fn key(&mut self) -> String {
        let (a, b) = (self.column(), self.column());
        let part = |column: &str, length: bool| {
            if length {
                format!("{column}(5)")
            } else {
                column.to_owned()
            }
        };
        let (one, two) = (self.chance(3), self.chance(3));
        let parts = match self.number(3) {
            0 => format!("{}, {}", part(&a, one), part(&b, two)),
            _ => part(&a, one),
        };
        let named = if self.chance(3) {
            format!("k{}", self.number(3))
        } else {
            String::new()
        };
        match self.number(8) {
            0 => format!("PRIMARY KEY ({parts})"),
            1 => format!("CONSTRAINT `primary` PRIMARY KEY USING BTREE ({parts}) COMMENT 'x'"),
            2 | 3 => format!("UNIQUE KEY {named} ({parts})"),
            4 => format!(
                "UNIQUE {named} ({parts}) USING {}",
                if self.is_mariadb { "HASH" } else { "BTREE" }
            ),
            5 => format!("CHECK ({a} IS NOT NULL OR 1)"),
            6 => format!(
                "FOREIGN KEY ({a}) REFERENCES {} ({b}) ON DELETE SET NULL",
                self.table()
            ),
            _ => format!("INDEX {named} ({parts})"),
        }
    }

    fn options(&mut self) -> String {
        let mut options = Vec::new();
        if self.chance(3) {
            let charset = self.charset();
            options.push(format!("{}{charset}", self.one(&["", "DEFAULT "])));
        }
        if self.chance(6) {
            options.push(format!("COLLATE = {}", self.one(COLLATIONS)));
        }
        for _ in 0..2 {
            if self.chance(4) {
                options.push(self.one(TABLE_OPTIONS).to_owned());
            }
        }
        if self.is_mariadb && self.chance(12) {
            options.push("WITH SYSTEM VERSIONING".to_owned());
        }
        options.shuffle(&mut self.random);
        if self.chance(10) {
            options.push(self.partitioning());
        }
        options.join(self.one(&[" ", ", ", "  "]))
    }

    fn create(&mut self) -> String {
        let front = match self.number(8) {
            0 => "CREATE TABLE IF NOT EXISTS",
            1 if self.is_mariadb => "CREATE OR REPLACE TABLE",
            _ => "CREATE TABLE",
        };
        let table = self.new_table();
        match self.number(12) {
            0 => return format!("{front} {table} LIKE {}", self.table()),
            1 => return format!("{front} {table} (LIKE {})", self.table()),
            2 => return format!("{front} {table} AS SELECT * FROM {}", self.table()),
            _ => {}
        }
        let mut columns: Vec<&str> = COLUMNS.to_vec();
        columns.shuffle(&mut self.random);
        let count = 1 + self.number(7);
        let mut items = Vec::new();
        for name in columns.into_iter().take(count.try_into().expect("few")) {
            let column = self.named(name);
            let definition = self.definition(&column);
            items.push(format!("{column} {definition}"));
        }
        match self.number(5) {
            0 => items.push("id INT NOT NULL PRIMARY KEY".to_owned()),
            1 => items.push("id INT, id2 VARCHAR(9), PRIMARY KEY (id2, id)".to_owned()),
            2 => items.push(self.key()),
            _ => {}
        }
        format!("{front} {table} ({}) {}", items.join(", "), self.options())
    }

    /// The name of a column that is to be made.
    fn new_column(&mut self) -> String {
        let about = self.about.take();
        let name = self.column();
        self.about = about;
        name
    }

    fn clause(&mut self) -> String {
        let if_exists = if self.is_mariadb && self.chance(4) {
            "IF EXISTS "
        } else {
            ""
        };
        let if_not_exists = if self.is_mariadb && self.chance(4) {
            "IF NOT EXISTS "
        } else {
            ""
        };
        match self.number(24) {
            0..=4 => {
                let column = self.new_column();
                let definition = self.definition(&column);
                let word = self.one(&["ADD COLUMN", "ADD"]);
                format!(
                    "{word} {if_not_exists}{column} {definition}{}",
                    self.placement()
                )
            }
            5 => {
                let (a, b) = (self.new_column(), self.new_column());
                let (x, y) = (self.definition(&a), self.definition(&b));
                format!("ADD {if_not_exists}({a} {x}, {b} {y})")
            }
            6 | 7 => format!(
                "DROP {}{if_exists}{}",
                self.one(&["", "COLUMN "]),
                self.column()
            ),
            8 | 9 => {
                let column = self.column();
                let definition = self.definition(&column);
                format!(
                    "MODIFY {if_exists}{column} {definition}{}",
                    self.placement()
                )
            }
            10 | 11 => {
                let (old, new) = (self.column(), self.new_column());
                let definition = self.definition(&new);
                format!(
                    "CHANGE COLUMN {if_exists}{old} {new} {definition}{}",
                    self.placement()
                )
            }
            12 | 13 => format!(
                "RENAME COLUMN {if_exists}{} TO {}",
                self.column(),
                self.column()
            ),
            14 => format!("CONVERT TO {}", self.charset()),
            15 => {
                let charset = self.charset();
                format!("{}{charset}", self.one(&["", "DEFAULT "]))
            }
            16 => "DROP PRIMARY KEY".to_owned(),
            17 => format!("ADD PRIMARY KEY ({})", self.column()),
            18 => format!("ADD {}", self.key()),
            19 => format!(
                "DROP {} k{}",
                self.one(&["INDEX", "KEY", "CONSTRAINT"]),
                self.number(3)
            ),
            20 => format!(
                "ALTER COLUMN {} {}",
                self.column(),
                self.one(&["SET DEFAULT 5", "DROP DEFAULT", "SET DEFAULT (1 + 1)"])
            ),
            21 => self
                .one(&[
                    "FORCE",
                    "COMMENT 'x, DROP c1'",
                    "ALGORITHM=COPY",
                    "LOCK=SHARED",
                    "ENGINE=InnoDB",
                    "DISABLE KEYS",
                    "ROW_FORMAT=COMPACT",
                ])
                .to_owned(),
            22 if self.is_mariadb => self
                .one(&["ADD SYSTEM VERSIONING", "DROP SYSTEM VERSIONING"])
                .to_owned(),
            22 => format!(
                "ALTER COLUMN {} SET {}",
                self.column(),
                self.one(&["VISIBLE", "INVISIBLE"])
            ),
            _ => format!(
                "RENAME {}{}",
                self.one(&["TO ", "AS ", ""]),
                self.new_table()
            ),
        }
    }

    fn alter(&mut self) -> String {
        let table = self.table();
        let count = *[1, 1, 1, 2, 2, 3, 4]
            .choose(&mut self.random)
            .expect("a count");
        let mut clauses: Vec<String> = (0..count).map(|_| self.clause()).collect();
        if self.chance(12) {
            let last = clauses.last_mut().expect("a clause");
            let partitioning = match self.random.gen_ratio(1, 2) {
                true => "REMOVE PARTITIONING".to_owned(),
                false => self.partitioning(),
            };
            let _ = write!(last, " {partitioning}");
        }
        if self.chance(25) {
            let column = self.column();
            clauses.push(format!("ORDER BY {column}, {column} DESC"));
        }
        let words = if self.is_mariadb && self.chance(8) {
            self.one(&[
                "ALTER ONLINE TABLE",
                "ALTER IGNORE TABLE",
                "ALTER TABLE IF EXISTS",
            ])
        } else {
            "ALTER TABLE"
        };
        format!("{words} {table} {}", clauses.join(", "))
    }

    /// Settings of the session, each of which changes how statements are read, or what they do.
    fn setting(&mut self) -> String {
        match self.number(6) {
            0 | 1 => {
                let mode = self.one(MODES);
                self.ansi_quotes = mode.contains("ANSI");
                format!("SET sql_mode = '{mode}'")
            }
            // Of several bytes none has these texts in it.
            2 => format!(
                "SET NAMES {}",
                self.one(&["utf8mb4", "latin1", "utf8mb4", "cp1251", "koi8r", "utf8mb3"])
            ),
            3 => format!(
                "SET explicit_defaults_for_timestamp = {}",
                self.one(&["ON", "OFF"])
            ),
            4 if self.is_mariadb => self
                .one(&[
                    "SET system_versioning_alter_history = KEEP",
                    "SET SESSION binlog_alter_two_phase = ON",
                    "SET SESSION binlog_alter_two_phase = OFF",
                ])
                .to_owned(),
            4 => format!(
                "SET sql_generate_invisible_primary_key = {}",
                self.one(&["ON", "OFF", "OFF"])
            ),
            _ => {
                let charset = self.charset();
                format!("ALTER DATABASE {} {charset}", self.database)
            }
        }
    }

    fn plain_statement(&mut self) -> String {
        match self.number(34) {
            0..=6 => self.create(),
            7 | 8 if self.tables.len() < 4 => self.create(),
            9 => format!("DROP TABLE IF EXISTS {}, {}", self.table(), self.table()),
            10 => format!("RENAME TABLE {} TO {}", self.table(), self.new_table()),
            11 => {
                let (a, b) = (self.table(), self.table());
                format!("RENAME TABLE {a} TO swap, {b} TO {a}, swap TO {b}")
            }
            12 => format!(
                "CREATE {}VIEW {} AS SELECT 1 AS a",
                self.one(&[
                    "",
                    "OR REPLACE ",
                    "DEFINER=CURRENT_USER SQL SECURITY INVOKER "
                ]),
                self.new_table()
            ),
            13 => format!("DROP VIEW {}", self.table()),
            14 => format!(
                "DROP TABLE {}{}",
                self.one(&["", "IF EXISTS "]),
                self.table()
            ),
            15 => format!(
                "CREATE {}INDEX k{} ON {} ({})",
                self.one(&["UNIQUE ", ""]),
                self.number(3),
                self.table(),
                self.column()
            ),
            16 => format!("DROP INDEX k{} ON {}", self.number(3), self.table()),
            18 => format!("TRUNCATE TABLE {}", self.table()),
            19 | 20 => self.setting(),
            _ => self.alter(),
        }
    }

    /// The next statement.
    pub fn statement(&mut self) -> String {
        let sql = self.plain_statement();
        if self.chance(3) {
            return self.with_comments(&sql);
        }
        sql
    }

    /// The same with comments and other white space here and there, outside of quotes.
    fn with_comments(&mut self, sql: &str) -> String {
        let mut text = String::new();
        let mut quote = None;
        let mut after_escape = false;
        for c in sql.chars() {
            match quote {
                Some(_) if after_escape => after_escape = false,
                Some(_) if c == '\\' => after_escape = true,
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
                None if c == ' ' && self.chance(6) => {
                    text += self.one(COMMENTS);
                    continue;
                }
                None => {}
            }
            text.push(c);
        }
        text
    }
}
