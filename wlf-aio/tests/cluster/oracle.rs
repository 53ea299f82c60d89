//! What Kafka's own consumer reads, held against what the table was given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::brokers::Brokers;
use crate::source::Version;
use crate::watch::Millis;

const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";

/// What a line of a record begins with.
const STAMP: &str = "LogAppendTime:";

/// A record as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    pub partition: i32,
    pub offset: u64,
    /// When the leader took it.
    pub at: Millis,
    pub key: u64,
    pub version: Version,
}

/// All updates that a topic holds to which nothing is added any more, by partition and offset.
pub fn read(brokers: &Brokers, topic: &str) -> Vec<Record> {
    let properties = ["timestamp", "partition", "offset"].map(|name| format!("print.{name}=true"));
    let mut arguments = vec!["--topic", topic, "--from-beginning", "--timeout-ms", "6000"];
    for property in &properties {
        arguments.extend(["--formatter-property", property]);
    }
    let text = brokers.tool(CONSUMER, &arguments);
    // Between them stands what the consumer logs, as that no more came.
    let lines = text.lines().filter(|line| line.starts_with(STAMP));
    let mut records: Vec<Record> = lines.filter_map(record).collect();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// `LogAppendTime:1764… Partition:3 Offset:17 {…}`, with tabs; `None` for what is no update.
fn record(line: &str) -> Option<Record> {
    let mut parts = line.splitn(4, '\t');
    let mut number = |name: &str| -> u64 {
        let part = parts.next().unwrap_or_default();
        let number = part
            .strip_prefix(name)
            .and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no {name} in {line}"))
    };
    let (at, partition) = (number(STAMP), number("Partition:"));
    let offset = number("Offset:");
    let value = parts.next().unwrap_or_else(|| panic!("no value in {line}"));
    let value: Value = serde_json::from_str(value).unwrap_or_else(|_| panic!("{line}"));
    let data = &value["data"];
    (value["type"] == "update").then(|| Record {
        partition: partition as i32,
        offset,
        at,
        key: data["id"].as_u64().expect("an id"),
        version: data["v"].as_u64().expect("a version"),
    })
}

/// What came out.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Updates, each counted once.
    pub rows: usize,
    /// Records of rows that were there before.
    pub repeated: usize,
    /// Keys with versions that are not there.
    pub missing: Vec<(u64, Version)>,
    /// Keys with versions that come, for the first time, behind a later one.
    pub disordered: Vec<(u64, Version)>,
}

impl Judgement {
    /// Of all records against all versions of each key.
    ///
    /// A key may move to another partition where a topic got more; its versions there come after those that were before.
    pub fn of(records: &[Record], expected: &BTreeMap<u64, Vec<Version>>) -> Self {
        let mut judgement = Self::default();
        // By key and partition, in the order of the offsets.
        let mut first: BTreeMap<(u64, i32), Vec<Version>> = BTreeMap::new();
        let mut seen: BTreeMap<u64, BTreeSet<Version>> = BTreeMap::new();
        for record in records {
            if seen.entry(record.key).or_default().insert(record.version) {
                let versions = first.entry((record.key, record.partition)).or_default();
                versions.push(record.version);
            } else {
                judgement.repeated += 1;
            }
        }
        let mut of_key: BTreeMap<u64, Vec<Vec<Version>>> = BTreeMap::new();
        for ((key, _), versions) in first {
            of_key.entry(key).or_default().push(versions);
        }
        for (key, mut parts) in of_key {
            parts.sort_by_key(|versions| versions[0]);
            let versions = parts.concat();
            let mut newest = 0;
            for version in &versions {
                if *version < newest {
                    judgement.disordered.push((key, *version));
                }
                newest = newest.max(*version);
            }
            judgement.rows += versions.len();
        }
        for (key, versions) in expected {
            let there = seen.get(key);
            let missing = versions
                .iter()
                .filter(|version| !there.is_some_and(|there| there.contains(version)));
            judgement
                .missing
                .extend(missing.map(|version| (*key, *version)));
        }
        judgement
    }

    /// Fails unless all is there and in order.
    #[track_caller]
    pub fn is_whole(&self) {
        let some = |all: &[(u64, Version)]| format!("{:?}", &all[..all.len().min(20)]);
        assert!(
            self.missing.is_empty() && self.disordered.is_empty(),
            "{} missing: {}\n{} out of order: {}",
            self.missing.len(),
            some(&self.missing),
            self.disordered.len(),
            some(&self.disordered)
        );
        assert!(self.rows > 0, "nothing is there");
    }
}

/// How long it took from each time at which a partition could be written to until it was, if nothing came between.
///
/// A cluster without a majority of controllers names leaders that are frozen: so faults count as what comes between too.
pub fn waits(records: &[Record], openings: &[(i32, Millis)], faults: &[Millis]) -> Vec<Duration> {
    let mut waits = Vec::new();
    for (partition, opened) in openings {
        let next = openings
            .iter()
            .filter(|(other, at)| other == partition && at > opened)
            .map(|(_, at)| *at)
            .chain(faults.iter().copied().filter(|at| at > opened))
            .min();
        let written = records
            .iter()
            .filter(|record| record.partition == *partition && record.at >= *opened)
            .map(|record| record.at)
            .min();
        // The cluster may have changed its mind before anybody noticed.
        if let Some(written) = written
            && next.is_none_or(|next| written <= next)
        {
            waits.push(Duration::from_millis(written - opened));
        }
    }
    waits.sort_unstable();
    waits
}
