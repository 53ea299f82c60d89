//! Statements drawn at random, in sequences in which each meets what the others have left.

mod draw;

use std::env;
use std::time::{Duration, Instant};

use wlf_mysql::connection::Endpoint;

use self::draw::Draw;
use super::following::Following;
use crate::Server;

/// How long the statements of one server go on, in seconds, unless `WLF_FUZZ_SECONDS` says it.
const SECONDS: u64 = 20;

/// How many sessions there are then at most, so that a suite draws the same on every machine.
const SESSIONS: u64 = 10;

/// How many statements are drawn before a session and its tables begin anew.
const SESSION: usize = 400;

async fn follow(endpoint: &Endpoint, server: &str, is_mariadb: bool) {
    let given = |variable: &str| env::var(variable).ok().and_then(|text| text.parse().ok());
    let seconds = given("WLF_FUZZ_SECONDS");
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(SECONDS));
    let first = given("WLF_FUZZ_SEED").unwrap_or(1);
    let sessions = seconds.map_or(SESSIONS, |_| u64::MAX);
    let database = "schema_random";
    let (mut drawn, mut taken, mut asked, mut rows) = (0, 0, 0, 0);
    let mut seed = first;
    while Instant::now() < end && seed - first < sessions {
        let mut following = Following::new(endpoint, database).await;
        following
            .run("SET sql_mode = 'NO_ENGINE_SUBSTITUTION'")
            .await;
        let mut draw = Draw::new(seed, database, is_mariadb);
        let mut story = Vec::new();
        for n in 0..SESSION {
            draw.look_at(&following.tables);
            let sql = draw.statement();
            drawn += 1;
            if following.run(&sql).await {
                story.push(sql.clone());
            }
            // One that failed may have been logged all the same, in parts.
            following.catch_up().await;
            if n % 4 == 3 {
                following.insert(&draw.table()).await;
            }
            let wrong = following.differences().await.join("\n");
            assert!(
                wrong.is_empty(),
                "{server}, WLF_FUZZ_SEED={seed}, statement {n}: {sql}\n{wrong}\nbehind:\n{}",
                story.join(";\n")
            );
            if Instant::now() >= end {
                break;
            }
        }
        taken += following.taken;
        asked += following.unknown;
        rows += following.rows;
        following.run(&format!("DROP DATABASE {database}")).await;
        seed += 1;
    }
    println!(
        "{server}: {drawn} statements from seed {first} on, of which the server took {taken}, without a difference; {asked} \
         definitions were not worked out, and {rows} rows were read"
    );
    // A machine that is busy still has to show something.
    assert!(taken > 100, "{taken}");
    assert!(rows > 10, "{rows}");
    assert!(asked * 10 < taken, "{asked} of {taken} are asked for");
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mysql_has() {
    let mut server = Server::take().await;
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    follow(&server.endpoint, "MySQL", false).await;
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mariadb_10_11_has() {
    let mut server = Server::mariadb("WLF_TEST_MARIADB_1011").await;
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    follow(&server.endpoint, "MariaDB 10.11", true).await;
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}

#[tokio::test]
async fn random_statements_leave_the_definitions_that_mariadb_11_8_has() {
    let mut server = Server::mariadb("WLF_TEST_MARIADB_118").await;
    server.run("SET GLOBAL binlog_row_metadata = MINIMAL").await;
    follow(&server.endpoint, "MariaDB 11.8", true).await;
    server.run("SET GLOBAL binlog_row_metadata = FULL").await;
}
