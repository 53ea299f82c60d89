//! Writes each row as a record of a Kafka topic.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use wlf_core::component::encode;
use wlf_core::format::{EncodedRow, Encoder};
use wlf_core::{Ahead, Dispatcher, Event, Fault, WriteError};

use crate::cluster::Cluster;
use crate::config::Config;
use crate::error::Error;
use crate::key;
use crate::partition::{PartitionBy, Partitioner};
use crate::record_batch::{Producer, Record};
use crate::send::Sending;
use crate::topics::Topics;

/// The largest request that a broker reads with its default of `socket.request.max.bytes`, less room for what is around
/// a row.
const REQUEST: usize = (100 << 20) - 4096;

/// Writes each row as a record of a Kafka topic.
#[derive(Debug)]
pub struct KafkaDispatcher {
    config: Config,
    encoder: Encoder,
    keys: Keys,
    cluster: Option<Cluster>,
    topics: Topics,
    producer: Option<Producer>,
    /// Rows that their partitions have although another partition has not all rows before them.
    ahead: Ahead,
    /// What a partition is chosen by, made anew for each row.
    text: String,
}

/// The keys that a template made, one behind the other.
#[derive(Debug, Default)]
struct Keys {
    text: String,
    ends: Vec<usize>,
}

impl Keys {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn get(&self, row: usize) -> &[u8] {
        let start = match row {
            0 => 0,
            row => self.ends.get(row - 1).copied().unwrap_or_default(),
        };
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.text.as_bytes().get(start..end).unwrap_or_default()
    }
}

impl KafkaDispatcher {
    pub fn new(config: Config) -> Self {
        let by_key = config.partition_by == PartitionBy::PrimaryKey;
        let mut encoder = Encoder::new(config.format);
        if config.key.is_none() || (by_key && config.partitioner != Partitioner::Murmur2) {
            encoder = encoder.with_keys();
        }
        Self {
            config,
            encoder,
            keys: Keys::default(),
            cluster: None,
            topics: Topics::default(),
            producer: None,
            ahead: Ahead::default(),
            text: String::new(),
        }
    }

    /// Notes for each row where it goes, and makes the keys of a template.
    ///
    /// # Errors
    /// The first row that goes nowhere, and why; the rows before it are noted.
    async fn route(&mut self, events: &[Event]) -> Result<(), (usize, Fault)> {
        let Some(cluster) = &mut self.cluster else {
            return Err((0, Error::NotConnected.into()));
        };
        let config = &self.config;
        let new_topic = config.create_topics.new_topic();
        let mut rows = self.encoder.rows();
        let mut number = 0;
        for event in events {
            let mut of_all = None;
            for index in 0..event.len() {
                let Some(row) = rows.next() else {
                    return Ok(());
                };
                if self.ahead.contains(event, index) {
                    self.keys.ends.push(self.keys.text.len());
                    number += 1;
                    continue;
                }
                let at = |fault: Fault| (number, fault);
                let topic = match of_all {
                    Some(topic) => topic,
                    None => {
                        let topics = &mut self.topics;
                        let topic = topics
                            .of_row(event, row.payload, &config.topic, cluster, new_topic)
                            .await
                            .map_err(at)?;
                        of_all = config.topic.is_per_table().then_some(topic);
                        topic
                    }
                };
                if let Some(template) = &config.key {
                    let text = &mut self.keys.text;
                    template
                        .render_row(&event.table, event.operation, row.payload, text)
                        .map_err(|error| at(error.into()))?;
                    self.keys.ends.push(self.keys.text.len());
                }
                let key = match config.key {
                    Some(_) => self.keys.get(number),
                    None => row.key,
                };
                let bytes = key.len() + row.payload.len();
                if bytes > REQUEST {
                    let limit = REQUEST;
                    return Err(at(Error::RequestTooLarge { bytes, limit }.into()));
                }
                let partitions = &mut self.topics.get(topic).partitions;
                self.text.clear();
                let text = partition_text(config, event, row, key, &mut self.text).map_err(at)?;
                let partition = config
                    .partitioner
                    .partition(text, partitions.len().try_into().unwrap_or(i32::MAX));
                partitions[partition as usize].rows.push(number as u32);
                number += 1;
            }
        }
        Ok(())
    }

    /// Sends all rows that are noted; says which row failed first, of those that failed.
    async fn send(&mut self, events: &[Event]) -> Option<(usize, Error)> {
        let Some(cluster) = &mut self.cluster else {
            return Some((0, Error::NotConnected));
        };
        let templated = self.config.key.is_some();
        let keys = &self.keys;
        let records: Vec<Record<'_>> = (self.encoder.rows().enumerate())
            .map(|(number, row)| Record {
                key: if templated { keys.get(number) } else { row.key },
                value: row.payload,
            })
            .collect();
        let timestamp = now();
        let started = Instant::now();
        let mut first: Option<(usize, Error)> = None;
        let mut under_way = FuturesUnordered::new();
        for (index, topic) in self.topics.iter() {
            for (number, partition) in (0i32..).zip(&topic.partitions) {
                let Some(row) = partition.rows.first() else {
                    continue;
                };
                let connection = match cluster.connection(partition.leader).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        keep_first(&mut first, Some((*row as usize, error)));
                        continue;
                    }
                };
                let sending = Sending {
                    connection,
                    topic: &topic.name,
                    partition: number,
                    records: &records,
                    rows: &partition.rows,
                    producer: self.producer,
                    sequence: partition.sequence,
                    known: partition.knows_producer(started),
                    timestamp,
                    compression: self.config.compression,
                    limit: topic.limit,
                };
                under_way.push(async move { (index, number, sending.send().await) });
            }
        }
        let mut finished = Vec::with_capacity(under_way.len());
        while let Some(sent) = under_way.next().await {
            finished.push(sent);
        }
        drop(under_way);
        let mut acknowledged = Vec::new();
        for (index, partition, sent) in finished {
            let topic = self.topics.get(index);
            topic.limit = topic.limit.min(sent.limit);
            let partition = &mut topic.partitions[partition as usize];
            partition.sequence = sent.sequence;
            partition.acknowledged = sent.known.then_some(started);
            acknowledged.extend(partition.rows.iter().take(sent.acknowledged));
            keep_first(&mut first, sent.failed);
        }
        if let Some((row, _)) = first {
            acknowledged.retain(|acknowledged| *acknowledged as usize > row);
            self.note_ahead(events, acknowledged);
        }
        first
    }

    /// Notes rows, given by their numbers among all of a write, that need not be sent again.
    fn note_ahead(&mut self, events: &[Event], mut rows: Vec<u32>) {
        rows.sort_unstable();
        let mut rows = rows.into_iter().peekable();
        let mut start = 0;
        for event in events {
            let end = start + event.len();
            while let Some(row) = rows.next_if(|row| *row < end) {
                self.ahead.note(event, row - start);
            }
            start = end;
        }
    }
}

/// Appends the text that a row's partition is chosen by to `out`, unless it stands somewhere already.
fn partition_text<'a>(
    config: &Config,
    event: &'a Event,
    row: EncodedRow<'a>,
    key: &'a [u8],
    out: &'a mut String,
) -> Result<&'a [u8], Fault> {
    let table = &event.table;
    match (&config.partition_by, config.partitioner) {
        (PartitionBy::PrimaryKey, Partitioner::Murmur2) => return Ok(key),
        (PartitionBy::PrimaryKey, Partitioner::Hash | Partitioner::Murmur3) => {
            key::concatenated(row.key, &table.database, &table.name, out)
                .map_err(|error| Fault::reject("choose a partition by the row's key", error))?;
        }
        (PartitionBy::Database, _) => return Ok(table.database.as_bytes()),
        (PartitionBy::Table, _) => return Ok(table.name.as_bytes()),
        (PartitionBy::Template(template), _) => {
            template.render_row(table, event.operation, row.payload, out)?;
        }
    }
    Ok(out.as_bytes())
}

/// Keeps the failure of the earlier row.
fn keep_first(first: &mut Option<(usize, Error)>, other: Option<(usize, Error)>) {
    if let Some((row, _)) = &other
        && first.as_ref().is_none_or(|(earlier, _)| row < earlier)
    {
        *first = other;
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(i64::MAX))
}

#[async_trait]
impl Dispatcher for KafkaDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.cluster = None;
        self.topics = Topics::default();
        let cluster = Cluster::connect(&self.config.bootstrap_brokers).await?;
        // What is still on its way from before must not come after what is sent from now on. With a higher epoch the
        // brokers refuse it (KIP-360).
        self.producer = match self.producer {
            Some(Producer { id, epoch }) if epoch < i16::MAX => Some(Producer {
                id,
                epoch: epoch + 1,
            }),
            _ => cluster.producer_id().await?,
        };
        self.cluster = Some(cluster);
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.encoder.clear();
        self.keys.clear();
        self.topics.clear_rows();
        let encoded = encode(&mut self.encoder, events).await;
        let routed = self.route(events).await;
        let sent = self.send(events).await;
        // Rows that were not sent stand behind all that were.
        let failed = match (sent, routed) {
            (Some((row, error)), _) => Some((row, error.into())),
            (None, Err(failed)) => Some(failed),
            (None, Ok(())) => None,
        };
        match failed {
            Some((row, fault)) => Err(WriteError::at_row(events, row, fault)),
            None => {
                encoded?;
                self.ahead.clear();
                Ok(())
            }
        }
    }
}
