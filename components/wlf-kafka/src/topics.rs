//! The topics that rows go to, and what is known of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use wlf_core::{Event, Fault, Operation, Template};

use crate::cluster::{Cluster, NewTopic};
use crate::error::Error;

/// The size that a batch has at most, before compression, until a broker says otherwise: the default of
/// `message.max.bytes` is 1,048,588 bytes.
const BATCH: usize = 1_000_000;

/// Table versions that are remembered; more than this and all are looked up anew.
const REMEMBERED: usize = 10_000;

/// A topic that exists.
#[derive(Debug)]
pub struct Topic {
    pub name: String,
    pub partitions: Vec<Partition>,
    /// The largest batch, in bytes.
    pub limit: usize,
}

#[derive(Debug)]
pub struct Partition {
    /// The id of the broker that leads it.
    pub leader: i32,
    /// The next record's sequence number.
    pub sequence: i32,
    /// When the leader last acknowledged something, and so knew the producer.
    pub acknowledged: Option<Instant>,
    /// The records of the write under way that go there.
    pub rows: Vec<u32>,
}

/// Brokers forget a producer that is silent for `producer.id.expiration.ms`, a day by default.
const FORGOTTEN: Duration = Duration::from_secs(600);

impl Partition {
    /// Says whether the leader can be relied on to know the producer.
    pub fn knows_producer(&self, now: Instant) -> bool {
        self.acknowledged
            .is_some_and(|then| now.duration_since(then) < FORGOTTEN)
    }
}

/// The topics that were written to since the cluster was connected.
#[derive(Debug, Default)]
pub struct Topics {
    list: Vec<Topic>,
    by_name: HashMap<String, usize>,
    by_table: HashMap<(u64, Operation), usize>,
}

impl Topics {
    /// The topic of a row, and of all rows of its table version and operation if the template looks at nothing else.
    /// `view` is the row for the template.
    pub async fn of_row(
        &mut self,
        event: &Event,
        view: &[u8],
        template: &Template,
        cluster: &mut Cluster,
        new: Option<NewTopic>,
    ) -> Result<usize, Fault> {
        let id = (event.table.version, event.operation);
        let per_table = template.is_per_table();
        if per_table && let Some(topic) = self.by_table.get(&id) {
            return Ok(*topic);
        }
        let mut name = String::new();
        template.render_row(&event.table, event.operation, view, &mut name)?;
        let topic = self.named(&name, cluster, new).await?;
        if per_table {
            if self.by_table.len() >= REMEMBERED {
                self.by_table.clear();
            }
            self.by_table.insert(id, topic);
        }
        Ok(topic)
    }

    /// The topic of a name, which is created if it is missing and `new` says how.
    async fn named(
        &mut self,
        name: &str,
        cluster: &mut Cluster,
        new: Option<NewTopic>,
    ) -> Result<usize, Error> {
        if let Some(topic) = self.by_name.get(name) {
            return Ok(*topic);
        }
        check(name)?;
        let leaders = cluster.leaders(name, new).await?;
        let partitions = leaders.into_iter().map(|leader| Partition {
            leader,
            sequence: 0,
            acknowledged: None,
            rows: Vec::new(),
        });
        let topic = self.list.len();
        self.list.push(Topic {
            name: name.to_owned(),
            partitions: partitions.collect(),
            limit: BATCH,
        });
        self.by_name.insert(name.to_owned(), topic);
        Ok(topic)
    }

    pub fn get(&mut self, topic: usize) -> &mut Topic {
        &mut self.list[topic]
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &Topic)> {
        self.list.iter().enumerate()
    }

    /// Forgets which rows go where.
    pub fn clear_rows(&mut self) {
        for partition in self.list.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.rows.clear();
        }
    }
}

/// Refuses a name that no broker accepts, so that only the row is rejected.
///
/// Source: `org.apache.kafka.common.internals.Topic.validate`
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    let reason = if name.is_empty() {
        "it is empty"
    } else if name == "." || name == ".." {
        "`.` and `..` are not allowed"
    } else if name.len() > 249 {
        "it has more than 249 characters"
    } else if !name.bytes().all(legal) {
        "it has characters other than letters, digits, `.`, `_` and `-`"
    } else {
        return Ok(());
    };
    Err(Error::TopicName {
        topic: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kafka_takes() {
        let long = "x".repeat(249);
        for name in ["logFlex.shop.orders", "a", "A-1_b", "...", &long] {
            assert!(check(name).is_ok(), "{name}");
        }
        let too_long = "x".repeat(250);
        for name in ["", ".", "..", "shop.my table", "köln", "a/b", &too_long] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
