//! Statements drawn at random, in sequences in which each meets what the others have left.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use wlf_mysql::connection::Endpoint;

use super::following::Following;
use crate::{Server, endpoint};

const TYPES: &[&str] = &[
    "INT",
    "BIGINT UNSIGNED",
    "TINYINT(1)",
    "DECIMAL(12,3)",
    "FLOAT",
    "DOUBLE UNSIGNED",
    "DATETIME(3)",
    "TIMESTAMP(6) NULL",
    "YEAR",
    "BIT(9)",
    "CHAR(7)",
    "VARCHAR(30)",
    "VARCHAR(30) CHARACTER SET latin1",
    "VARCHAR(12) COLLATE utf8mb4_bin",
    "TEXT",
    "TINYTEXT CHARACTER SET gbk",
    "MEDIUMTEXT",
    "BINARY(9)",
    "BLOB",
    "ENUM('a','b''c','d,e')",
    "SET('x','y') CHARACTER SET koi8r",
    "JSON",
    "POINT",
];

const CHARSETS: &[&str] = &[
    "utf8mb4", "latin1", "utf8mb3", "gbk", "ucs2", "cp1251", "binary",
];

struct Draw {
    random: StdRng,
    database: String,
}

impl Draw {
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.random).expect("something")
    }

    fn chance(&mut self, one_in: u32) -> bool {
        self.random.gen_ratio(1, one_in)
    }

    fn table(&mut self) -> String {
        let n = self.random.gen_range(0..5);
        match self.random.gen_range(0..3) {
            0 => format!("`{}`.`T {n}`", self.database),
            1 => format!("`T {n}`"),
            _ => format!("{}.`T {n}`", self.database),
        }
    }

    fn column(&mut self) -> String {
        format!("c{}", self.random.gen_range(0..12))
    }

    fn definition(&mut self) -> String {
        let mut text = self.one(TYPES).to_owned();
        if self.chance(4) {
            text += " NOT NULL";
        }
        if self.chance(5) {
            text += " COMMENT 'FIRST, AFTER c1'";
        }
        text
    }

    fn placement(&mut self) -> String {
        match self.random.gen_range(0..4) {
            0 => " FIRST".to_owned(),
            1 => format!(" AFTER {}", self.column()),
            _ => String::new(),
        }
    }

    fn create(&mut self) -> String {
        let table = self.table();
        if self.chance(5) {
            return format!("CREATE TABLE {table} LIKE {}", self.table());
        }
        let mut columns: Vec<u32> = (0..12).collect();
        columns.shuffle(&mut self.random);
        let count = self.random.gen_range(1..8);
        let mut items: Vec<String> = columns
            .iter()
            .take(count)
            .map(|n| format!("c{n} {}", self.definition()))
            .collect();
        match self.random.gen_range(0..4) {
            0 => items.push("id INT NOT NULL PRIMARY KEY".to_owned()),
            1 => {
                items.push("id INT, id2 VARCHAR(9), PRIMARY KEY (id2, id)".to_owned());
            }
            _ => {}
        }
        let charset = if self.chance(2) {
            format!(" DEFAULT CHARSET={}", self.one(CHARSETS))
        } else {
            String::new()
        };
        format!("CREATE TABLE {table} ({}){charset}", items.join(", "))
    }

    fn clause(&mut self) -> String {
        match self.random.gen_range(0..15) {
            0..=3 => {
                let (column, definition) = (self.column(), self.definition());
                format!("ADD COLUMN {column} {definition}{}", self.placement())
            }
            4 | 5 => format!("DROP {}", self.column()),
            6 | 7 => {
                let (column, definition) = (self.column(), self.definition());
                format!("MODIFY {column} {definition}{}", self.placement())
            }
            8 | 9 => {
                let (old, new, definition) = (self.column(), self.column(), self.definition());
                format!("CHANGE {old} {new} {definition}{}", self.placement())
            }
            10 => format!("RENAME COLUMN {} TO {}", self.column(), self.column()),
            11 => format!("CONVERT TO CHARACTER SET {}", self.one(CHARSETS)),
            12 => format!("DEFAULT CHARACTER SET {}", self.one(CHARSETS)),
            13 => "DROP PRIMARY KEY".to_owned(),
            _ => format!("ADD PRIMARY KEY ({})", self.column()),
        }
    }

    fn statement(&mut self) -> String {
        match self.random.gen_range(0..20) {
            0..=3 => self.create(),
            4 => format!("DROP TABLE IF EXISTS {}, {}", self.table(), self.table()),
            5 => format!("RENAME TABLE {} TO {}", self.table(), self.table()),
            6 => {
                let (a, b) = (self.table(), self.table());
                format!("RENAME TABLE {a} TO swap, {b} TO {a}, swap TO {b}")
            }
            _ => {
                let count = *[1, 1, 1, 2, 2, 3, 4]
                    .choose(&mut self.random)
                    .expect("a count");
                let clauses: Vec<String> = (0..count).map(|_| self.clause()).collect();
                format!("ALTER TABLE {} {}", self.table(), clauses.join(", "))
            }
        }
    }
}

async fn follow(endpoint: &Endpoint) {
    let database = "schema_random";
    let mut following = Following::new(endpoint, database).await;
    let sql = "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'";
    following.run(sql).await;
    for seed in 1..=6 {
        let mut draw = Draw {
            random: StdRng::seed_from_u64(seed),
            database: database.to_owned(),
        };
        for n in 0..250 {
            let sql = draw.statement();
            if !following.run(&sql).await {
                continue;
            }
            following.catch_up().await;
            let wrong = following.differences().await;
            let wrong = wrong.join("\n");
            assert!(
                wrong.is_empty(),
                "seed {seed}, statement {n}: {sql}\n{wrong}"
            );
        }
    }
    println!(
        "{} statements, {} not worked out",
        following.taken, following.unknown
    );
    assert!(following.taken > 300, "{}", following.taken);
    // CONVERT TO CHARACTER SET beside DEFAULT CHARACTER SET
    assert!(following.unknown < 10, "{}", following.unknown);
    following.run(&format!("DROP DATABASE {database}")).await;
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mysql_has() {
    let server = Server::take().await;
    follow(&server.endpoint).await;
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mariadb_10_11_has() {
    follow(&endpoint("WLF_TEST_MARIADB_1011")).await;
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mariadb_11_8_has() {
    follow(&endpoint("WLF_TEST_MARIADB_118")).await;
}
