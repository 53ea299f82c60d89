//! A table in MySQL whose rows have versions: what has to be in the topic, and in which order, is known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use mysql::prelude::Queryable;

use crate::program::given;

/// How many rows there are, which are updated all the time.
const KEYS: u64 = 60;

/// The version that a row has, which grows.
pub type Version = u64;

pub fn connect() -> mysql::Conn {
    let options = mysql::Opts::from_url(&given("WLF_TEST_MYSQL")).expect("an address");
    mysql::Conn::new(options).expect("MySQL is up")
}

/// The keys of the rows that are given a version.
fn keys(version: Version) -> [u64; 3] {
    let first = version * 7 % KEYS;
    [
        first,
        (first + 1 + version % 19) % KEYS,
        (first + 20 + version % 31) % KEYS,
    ]
}

/// The versions that each key was given, from the first of them up to `last`.
pub fn versions(first: Version, last: Version) -> BTreeMap<u64, Vec<Version>> {
    let mut all: BTreeMap<u64, Vec<Version>> = BTreeMap::new();
    for version in first..=last {
        for key in keys(version) {
            all.entry(key).or_default().push(version);
        }
    }
    all
}

/// Gives rows new versions, again and again.
pub struct Source {
    pub database: String,
    last: Arc<AtomicU64>,
    writing: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Source {
    /// A table `t` in a database of this name, of which it takes the place.
    pub fn new(database: &str) -> Self {
        let mut mysql = connect();
        let mut run = |statement: String| {
            let done = mysql.query_drop(&statement);
            done.unwrap_or_else(|error| panic!("{error}: {statement}"));
        };
        run(format!("DROP DATABASE IF EXISTS {database}"));
        run(format!("CREATE DATABASE {database}"));
        run(format!(
            "CREATE TABLE {database}.t (id INT PRIMARY KEY, v BIGINT, pad VARCHAR(200))"
        ));
        let rows: Vec<_> = (0..KEYS).map(|key| format!("({key}, 0, '')")).collect();
        run(format!(
            "INSERT INTO {database}.t VALUES {}",
            rows.join(", ")
        ));
        Self {
            database: database.to_owned(),
            last: Arc::default(),
            writing: None,
        }
    }

    /// Begins to write, or goes on.
    pub fn go_on(&mut self) {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, last) = (Arc::clone(&stop), Arc::clone(&self.last));
        let database = self.database.clone();
        let thread = std::thread::spawn(move || {
            let mut mysql = connect();
            while !stopped.load(Relaxed) {
                let version = last.load(Relaxed) + 1;
                let [a, b, c] = keys(version);
                let pad = version % 200;
                let statement = format!(
                    "UPDATE {database}.t SET v = {version}, pad = REPEAT('x', {pad}) WHERE id IN ({a}, {b}, {c})"
                );
                mysql.query_drop(&statement).expect("an update");
                last.store(version, Relaxed);
                std::thread::sleep(Duration::from_millis(8));
            }
        });
        self.writing = Some((stop, thread));
    }

    /// Writes no more for now.
    pub fn rest(&mut self) {
        if let Some((stop, thread)) = self.writing.take() {
            stop.store(true, Relaxed);
            thread.join().expect("the writer");
        }
    }

    /// The last version that is in the table.
    pub fn last(&self) -> Version {
        self.last.load(Relaxed)
    }

    /// The number of the last transaction of the server.
    pub fn transaction(&self) -> u64 {
        let set: Option<String> = connect()
            .query_first("SELECT @@GLOBAL.gtid_executed")
            .expect("GTIDs");
        last_of(&set.expect("GTIDs"))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some((stop, _)) = &self.writing {
            stop.store(true, Relaxed);
        }
    }
}

/// The last number in a set of GTIDs of one server.
pub fn last_of(set: &str) -> u64 {
    let last = set.rsplit([':', '-']).next().unwrap_or_default();
    last.trim()
        .parse()
        .unwrap_or_else(|_| panic!("{set}: no GTIDs"))
}
