//! How long a row is on its way, from the commit in MySQL to a consumer of Kafka or Redis.

mod arrivals;
mod commits;
mod writer;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::arrivals::Arrivals;
use self::writer::Writer;
use super::Report;
use super::engine::Engine;
use super::footprint::Waiting;
use super::goal::plain;
use super::page::Table;
use super::session::Session;
use super::topic;
use crate::servers::mysql;

/// What is written while the time is taken.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    about: &'static str,
    transactions: u64,
    /// Rows of each.
    rows: u64,
    /// From the begin of a transaction to that of the next.
    every: Duration,
}

const LOADS: [Load; 2] = [
    Load {
        about: "1,000 transactions a second of one row",
        transactions: 10_000,
        rows: 1,
        every: Duration::from_millis(1),
    },
    Load {
        about: "a transaction of 1,000 rows each half second",
        transactions: 20,
        rows: 1000,
        every: Duration::from_millis(500),
    },
];

/// The destinations: which variable says where they are.
const DESTINATIONS: [(&str, &str); 2] = [("Kafka", "WLF_TEST_KAFKA"), ("Redis", "WLF_TEST_REDIS")];

/// How long may be waited for the next row.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures each load to each destination.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let mut table = Table::new(
        "latency",
        2,
        &[
            "to",
            "load",
            "ms: p50",
            "p99",
            "max",
            "CPU ms of wlf a second",
            "peak MB",
        ],
    );
    for (destination, variable) in DESTINATIONS {
        let address = session.address(variable)?;
        for (n, load) in LOADS.iter().enumerate() {
            eprintln!("latency: to {destination}, {}", load.about);
            let name = format!("latency.{}.{n}", std::process::id());
            let outcome = once(session, destination, &address, &name, load);
            if destination == "Kafka" {
                let _ = topic::delete(&address, &name);
            }
            match outcome {
                Ok(latency) => table.line(&latency.cells(destination, load)),
                Err(error) => report.attempt(&format!("latency to {destination}"), Err(error)),
            }
        }
    }
    report.table(&table)
}

/// What one run found.
struct Latency {
    /// Of each row, sorted.
    milliseconds: Vec<f64>,
    /// Milliseconds in a second.
    cpu: f64,
    peak: f64,
}

impl Latency {
    /// The value below which so many hundredths of all are.
    fn percentile(&self, hundredths: usize) -> f64 {
        let index = (self.milliseconds.len() * hundredths).div_ceil(100);
        let value = self.milliseconds.get(index.saturating_sub(1));
        value.copied().unwrap_or_default()
    }

    fn cells(&self, destination: &str, load: &Load) -> Vec<String> {
        let mut cells = vec![destination.to_owned(), load.about.to_owned()];
        let figures = [50, 99, 100].map(|hundredths| self.percentile(hundredths));
        cells.extend(figures.map(plain));
        cells.extend([plain(self.cpu), format!("{:.0}", self.peak)]);
        cells
    }
}

fn once(
    session: &mut Session<'_>,
    destination: &str,
    address: &str,
    name: &str,
    load: &Load,
) -> Result<Latency> {
    session
        .recorder
        .begin("CREATE TABLE latency (id INT PRIMARY KEY, note VARCHAR(50), at DATETIME(6));\n")?;
    let port = session.recorder.port()?;
    let arrivals = match destination {
        "Kafka" => Arrivals::from_kafka(address, name)?,
        _ => Arrivals::from_redis(address, name)?,
    };
    let dispatcher = match destination {
        "Kafka" => {
            format!("type: KafkaDispatcher, bootstrap_brokers: ['{address}'], topic: '{name}'")
        }
        _ => {
            format!("type: RedisDispatcher, url: '{address}', mode: {{type: Pub, channel: {name}}}")
        }
    };
    let mut program = follow(session.shipped()?, session, port, &dispatcher)?;
    session.recorder.until_followed()?;
    let mut writer = Writer::start(session.recorder.client()?)?;
    // The first row makes the topic; it does not count.
    let mut arrived = HashMap::new();
    writer.write(&Load {
        transactions: 1,
        rows: 1,
        ..*load
    })?;
    arrivals.take(1, PATIENCE, &mut arrived)?;
    let (begin, before) = (Instant::now(), program.used()?);
    writer.write(load)?;
    let rows = load.transactions * load.rows + 1;
    arrivals.take(usize::try_from(rows)?, PATIENCE, &mut arrived)?;
    let seconds = begin.elapsed().as_secs_f64();
    let used = program.used()?.saturating_sub(before);
    let (_, took) = program.end()?;
    writer.end()?;
    let committed = commits::read(&session.recorder.written()?)?;
    Ok(Latency {
        milliseconds: differences(&arrived, &committed, load)?,
        cpu: used.as_secs_f64() * 1000.0 / seconds,
        peak: took.peak as f64 / 1e6,
    })
}

/// Follows the recorder's server to a destination.
fn follow(engine: &Engine, session: &Session<'_>, port: u16, dispatcher: &str) -> Result<Waiting> {
    let text = format!(
        "collectors: [{{id: c, type: BinlogCollector, port: {port}, user: root, password: {}, destination: d}}]\n\
         dispatchers: [{{id: d, {dispatcher}}}]\n",
        mysql::PASSWORD
    );
    Waiting::start(&mut engine.command(&session.home, &session.home, &text)?)
}

/// Arrival minus commit, in milliseconds, of each row but the first; both clocks are this machine's.
fn differences(arrived: &HashMap<u64, u64>, committed: &[u64], load: &Load) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    for row in 0..load.transactions * load.rows {
        let Some(arrival) = arrived.get(&(row + 1)) else {
            bail!("row {} did not arrive", row + 1);
        };
        let transaction = usize::try_from(row / load.rows)? + 1;
        let commit = committed.get(transaction).context("a commit is missing")?;
        ensure!(arrival >= commit, "row {row} arrived before its commit");
        all.push((arrival - commit) as f64 / 1000.0);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

#[test]
fn a_row_is_compared_with_the_commit_of_its_transaction() {
    let load = Load {
        about: "",
        transactions: 2,
        rows: 2,
        every: Duration::ZERO,
    };
    let arrived = [(0, 5), (1, 2000), (2, 2500), (3, 9000), (4, 10_000)].into();
    let milliseconds = differences(&arrived, &[1, 1000, 8000], &load).unwrap();
    assert_eq!(milliseconds, [1.0, 1.0, 1.5, 2.0]);
    let latency = Latency {
        milliseconds,
        cpu: 0.0,
        peak: 0.0,
    };
    assert_eq!(
        [50, 99, 100].map(|n| latency.percentile(n)),
        [1.0, 2.0, 2.0]
    );
}
