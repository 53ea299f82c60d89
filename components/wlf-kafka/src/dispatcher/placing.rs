//! Where a record goes: its key, and the lane of its partition.

use wlf_core::format::{EncodedRecord, Target};
use wlf_core::template::View;
use wlf_core::{Event, Fault, Operation};

use crate::config::Config;
use crate::key;
use crate::partition::{PartitionBy, Partitioner};

/// The lanes of an event's rows, of which the encoder chooses by their keys.
pub fn whole(config: &Config, event: &Event, topic: Target) -> Target {
    let text = match config.partition_by {
        PartitionBy::PrimaryKey | PartitionBy::Template(_) => return topic,
        PartitionBy::Database => &event.table.database,
        PartitionBy::Table => &event.table.name,
    };
    let partitions = topic.lanes.try_into().unwrap_or(i32::MAX);
    let partition = config.partitioner.partition(text.as_bytes(), partitions);
    Target {
        first: topic.first + partition as usize,
        lanes: 1,
        ..topic
    }
}

/// Chooses where a record goes.
pub struct Placing<'p, 'a> {
    pub config: &'p Config,
    pub event: &'a Event,
    pub view: &'p mut View<'a>,
    /// How many messages had no key.
    pub keyless: &'p mut usize,
}

impl<'a> Placing<'_, 'a> {
    /// The record's key and the lane of its partition. `key` and `text` are memory for those that are made.
    pub fn place<'k>(
        &mut self,
        record: EncodedRecord<'a>,
        topic: Target,
        key: &'k mut String,
        text: &mut String,
    ) -> Result<(Option<&'k [u8]>, usize), Fault>
    where
        'a: 'k,
    {
        /// So many messages without a key go to one partition before the next has its turn.
        const TOGETHER: usize = 256;
        let config = self.config;
        let key = match &config.key {
            Some(template) if self.event.operation != Operation::Ddl => {
                key.clear();
                template.render(self.view, key)?;
                Some(key.as_bytes())
            }
            _ => record.key,
        };
        let by_key = matches!(config.partition_by, PartitionBy::PrimaryKey);
        if by_key && key.is_none() && self.event.operation == Operation::Message {
            *self.keyless += 1;
            let lane = topic.first + *self.keyless / TOGETHER % topic.lanes.max(1);
            return Ok((key, lane));
        }
        text.clear();
        let text = partition_text(config, self.event, record, self.view, key, text)?;
        let partitions = topic.lanes.try_into().unwrap_or(i32::MAX);
        let partition = config.partitioner.partition(text, partitions);
        Ok((key, topic.first + partition as usize))
    }
}

/// Appends the text that a record's partition is chosen by to `out`, unless it stands somewhere already.
fn partition_text<'a>(
    config: &Config,
    event: &'a Event,
    record: EncodedRecord<'a>,
    view: &mut View<'_>,
    key: Option<&'a [u8]>,
    out: &'a mut String,
) -> Result<&'a [u8], Fault> {
    let table = &event.table;
    let is_ddl = event.operation == Operation::Ddl;
    match (&config.partition_by, config.partitioner) {
        (PartitionBy::Database, _) => return Ok(table.database.as_bytes()),
        (PartitionBy::Table, _) => return Ok(table.name.as_bytes()),
        (PartitionBy::Template(template), _) if !is_ddl || template.is_per_table() => {
            template.render(view, out)?;
        }
        (PartitionBy::PrimaryKey | PartitionBy::Template(_), Partitioner::Murmur2) => {
            return Ok(key.unwrap_or(record.identity));
        }
        (
            PartitionBy::PrimaryKey | PartitionBy::Template(_),
            Partitioner::Hash | Partitioner::Murmur3,
        ) => {
            key::concatenated(config.key_form(record), record.identity, table, out)
                .map_err(|error| Fault::reject("choose a partition by the row's key", error))?;
        }
    }
    Ok(out.as_bytes())
}
