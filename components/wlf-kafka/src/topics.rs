//! The topics that rows go to, and what is known of them.

use std::collections::HashMap;
use std::sync::Arc;

use wlf_core::format::{Lanes, Target};
use wlf_core::{Event, Fault, Operation, Template};

use crate::cluster::{Cluster, NewTopic};
use crate::error::Error;
use crate::flow::Flow;
use crate::record_batch::HEADER;

/// The size that a batch has at most, before compression, until a broker says otherwise, unless a row alone is larger.
///
/// A broker takes a megabyte (`message.max.bytes`), but its collector of garbage keeps what is as large as half a region
/// apart, with a heap of up to 2 GB that is half a megabyte, and looks through the whole heap for it again and again.
pub const BATCH: usize = 500_000;

/// Table versions that are remembered; more than this and all are looked up anew.
const REMEMBERED: usize = 10_000;

/// The topics that were written to since the cluster was connected, each with the lanes of its partitions.
#[derive(Debug, Default)]
pub struct Topics {
    list: Vec<Target>,
    by_name: HashMap<Arc<str>, usize>,
    by_table: HashMap<(u64, Operation), usize>,
    /// What was found last in `by_table`, for each operation: in a transaction they take turns.
    last: [Option<(u64, usize)>; Operation::Ddl as usize + 1],
}

/// What is needed to find a topic that was not written to yet.
#[derive(Debug)]
pub struct Finding<'a> {
    pub cluster: &'a mut Cluster,
    /// How it is created if it is missing.
    pub new: Option<NewTopic>,
    pub flow: &'a mut Flow,
    pub lanes: &'a mut Lanes,
}

impl Topics {
    /// The topic of all rows of the event, if it is known and depends on nothing else.
    #[inline]
    pub fn known(&mut self, event: &Event) -> Option<Target> {
        let version = event.table.version;
        let last = &mut self.last[event.operation as usize];
        let topic = match *last {
            Some((known, topic)) if known == version => topic,
            _ => {
                let topic = *self.by_table.get(&(version, event.operation))?;
                *last = Some((version, topic));
                topic
            }
        };
        Some(self.list[topic])
    }

    /// The topic of a row, and of all rows of its table version and operation if the template looks at nothing else.
    /// `view` is the row for the template.
    pub async fn of_row(
        &mut self,
        event: &Event,
        view: &[u8],
        template: &Template,
        finding: &mut Finding<'_>,
    ) -> Result<Target, Fault> {
        let id = (event.table.version, event.operation);
        let per_table = template.is_per_table();
        if per_table && let Some(topic) = self.known(event) {
            return Ok(topic);
        }
        let mut name = String::new();
        template.render_row(&event.table, event.operation, view, &mut name)?;
        let topic = self.named(&name, finding).await?;
        if per_table {
            if self.by_table.len() >= REMEMBERED {
                self.by_table.clear();
                self.last = Default::default();
            }
            self.by_table.insert(id, topic);
        }
        Ok(self.list[topic])
    }

    /// The topic of a name.
    async fn named(&mut self, name: &str, finding: &mut Finding<'_>) -> Result<usize, Error> {
        if let Some(topic) = self.by_name.get(name) {
            return Ok(*topic);
        }
        check(name)?;
        let leaders = finding.cluster.leaders(name, finding.new).await?;
        let name: Arc<str> = name.into();
        finding.flow.add_topic(&name, &leaders);
        let topic = self.list.len();
        self.list.push(Target {
            first: finding.lanes.add(leaders.len()),
            lanes: leaders.len(),
            limit: BATCH - HEADER,
        });
        self.by_name.insert(name, topic);
        Ok(topic)
    }

    /// Takes note that a topic takes no larger batches than this.
    pub fn narrow(&mut self, topic: &str, limit: usize) {
        if let Some(topic) = self.by_name.get(topic) {
            let topic = &mut self.list[*topic];
            topic.limit = topic.limit.min(limit);
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
    use wlf_core::format::Encoder;
    use wlf_core::{Changes, Column, EncodeError, Table};

    use super::*;

    #[derive(Debug)]
    struct NoRows;

    impl Changes for NoRows {
        fn encode(&self, _: &Event, _: &mut Encoder) -> Result<(), EncodeError> {
            Ok(())
        }
    }

    #[test]
    fn tables_and_operations_that_take_turns_keep_their_topics() {
        let tables = ["a", "b"].map(|name| {
            let columns = vec![Column::untyped("id")];
            Arc::new(Table::new("shop", name, columns, vec![0]))
        });
        let event = |table: usize, operation| Event {
            table: tables[table].clone(),
            operation,
            time: 0,
            transaction: None,
            changes: Arc::new(NoRows),
            part: 0,
            rows: 0..1,
        };
        let known = [
            (0, Operation::Insert),
            (0, Operation::Update),
            (1, Operation::Insert),
        ];
        let mut topics = Topics::default();
        for (first, (table, operation)) in known.into_iter().enumerate() {
            let target = Target {
                first,
                ..Target::default()
            };
            topics.list.push(target);
            topics
                .by_table
                .insert((tables[table].version, operation), first);
        }
        for _ in 0..2 {
            for (first, (table, operation)) in known.into_iter().enumerate() {
                let found = topics.known(&event(table, operation));
                assert_eq!(found.map(|target| target.first), Some(first));
                assert_eq!(topics.known(&event(table, Operation::Delete)), None);
            }
        }
    }

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
