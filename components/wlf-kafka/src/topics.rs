//! Which topic rows go to, remembered for each table.

use std::collections::HashMap;

use wlf_core::format::{Lanes, Target};
use wlf_core::template::View;
use wlf_core::{Event, Fault, Operation, Template};

use crate::cluster::{Cluster, NewTopic};
use crate::error::Error;
use crate::flow::Flow;

/// Table versions that are remembered; more than this and all are looked up anew.
const REMEMBERED: usize = 10_000;

/// The topics of tables whose rows were written since the cluster was connected.
#[derive(Debug, Default)]
pub struct Topics {
    by_table: HashMap<(u64, Operation), Target>,
    /// What was found last in `by_table`, for each operation: in a transaction they take turns.
    last: [Option<(u64, Target)>; Operation::Message as usize + 1],
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
        match *last {
            Some((known, topic)) if known == version => Some(topic),
            _ => {
                let topic = *self.by_table.get(&(version, event.operation))?;
                *last = Some((version, topic));
                Some(topic)
            }
        }
    }

    /// The topic of a record, and of all records of its table version and operation if the template looks at nothing else.
    pub async fn of_record(
        &mut self,
        event: &Event,
        view: &mut View<'_>,
        template: &Template,
        finding: &mut Finding<'_>,
    ) -> Result<Target, Fault> {
        let per_table = template.is_per_table();
        if per_table && let Some(topic) = self.known(event) {
            return Ok(topic);
        }
        let mut name = String::new();
        template.render(view, &mut name)?;
        let topic = finding.named(&name).await?;
        if per_table {
            if self.by_table.len() >= REMEMBERED {
                self.forget();
            }
            let id = (event.table.version, event.operation);
            self.by_table.insert(id, topic);
        }
        Ok(topic)
    }

    /// Forgets all, because topics have other partitions or limits now.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Finding<'_> {
    /// The topic of a name.
    async fn named(&mut self, name: &str) -> Result<Target, Error> {
        if let Some(topic) = self.flow.partitions.topic(name) {
            return Ok(topic);
        }
        if let Some(refusal) = self.flow.partitions.refusal(name) {
            return Err(refusal);
        }
        check(name)?;
        let leaders = self.cluster.leaders(name, self.new).await;
        let leaders = leaders.inspect_err(|error| self.flow.partitions.note(error))?;
        Ok(self.flow.partitions.add(name, &leaders, self.lanes))
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
    use std::sync::Arc;

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
            let id = (tables[table].version, operation);
            topics.by_table.insert(id, target);
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
