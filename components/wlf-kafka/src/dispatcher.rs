//! Writes each row as a record of a Kafka topic.

use std::ops::Range;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use wlf_core::component::encode;
use wlf_core::format::{EncodedRecord, Encoder, KeyFormat};
use wlf_core::{Ahead, Dispatcher, Event, Fault, Operation, Template, WriteError};

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

/// The keys that a template made.
#[derive(Debug, Default)]
struct Keys {
    text: String,
    /// For each record where its key is, if there is a template; `None` for one that keeps its own.
    places: Vec<Option<Range<usize>>>,
}

impl Keys {
    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// Notes the next record's key, which a template makes if there is one and the record is a row's.
    fn of<'a>(
        &'a mut self,
        config: &Config,
        event: &Event,
        record: EncodedRecord<'a>,
    ) -> Result<Option<&'a [u8]>, Fault> {
        let Some(template) = &config.key else {
            return Ok(record.key);
        };
        if event.operation == Operation::Ddl {
            self.places.push(None);
            return Ok(record.key);
        }
        let start = self.text.len();
        template.render_row(&event.table, event.operation, record.view, &mut self.text)?;
        self.places.push(Some(start..self.text.len()));
        Ok(self.text.as_bytes().get(start..))
    }

    /// Passes over a record that is not sent.
    fn skip(&mut self, config: &Config) {
        if config.key.is_some() {
            self.places.push(None);
        }
    }

    /// The key of a record, given its number.
    fn get<'a>(&'a self, number: usize, record: &EncodedRecord<'a>) -> Option<&'a [u8]> {
        match self.places.get(number) {
            Some(Some(place)) => self.text.as_bytes().get(place.clone()),
            _ => record.key,
        }
    }
}

impl KafkaDispatcher {
    pub fn new(config: Config) -> Self {
        Self {
            encoder: encoder(&config),
            config,
            keys: Keys::default(),
            cluster: None,
            topics: Topics::default(),
            producer: None,
            ahead: Ahead::default(),
            text: String::new(),
        }
    }

    /// Notes for each record where it goes, and makes the keys of a template.
    ///
    /// # Errors
    /// The first row that goes nowhere, and why; the rows before it are noted.
    async fn route(&mut self, events: &[Event]) -> Result<(), (usize, Fault)> {
        let Some(cluster) = &mut self.cluster else {
            return Err((0, Error::NotConnected.into()));
        };
        let config = &self.config;
        let new_topic = config.create_topics.new_topic();
        let mut records = self.encoder.records().zip(0u32..).peekable();
        let mut row = 0;
        for event in events {
            let mut of_all = None;
            let template = config.topic_of(event);
            for index in 0..event.len() {
                let ahead = self.ahead.contains(event, index);
                while let Some((record, number)) = records.next_if(|(record, _)| record.row == row)
                {
                    if ahead {
                        self.keys.skip(config);
                        continue;
                    }
                    let at = |fault: Fault| (row, fault);
                    let topic = match of_all {
                        Some(topic) => topic,
                        None => {
                            let topics = &mut self.topics;
                            let topic = topics
                                .of_row(event, record.view, template, cluster, new_topic)
                                .await
                                .map_err(at)?;
                            of_all = template.is_per_table().then_some(topic);
                            topic
                        }
                    };
                    let key = self.keys.of(config, event, record).map_err(at)?;
                    let bytes = key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
                    if bytes > REQUEST {
                        let limit = REQUEST;
                        return Err(at(Error::RequestTooLarge { bytes, limit }.into()));
                    }
                    let partitions = &mut self.topics.get(topic).partitions;
                    self.text.clear();
                    let text = partition_text(config, event, record, key, &mut self.text);
                    let partition = config.partitioner.partition(
                        text.map_err(at)?,
                        partitions.len().try_into().unwrap_or(i32::MAX),
                    );
                    partitions[partition as usize].rows.push(number);
                }
                row += 1;
            }
        }
        Ok(())
    }

    /// Sends all records that are noted; says which row failed first, of those that failed.
    async fn send(&mut self, events: &[Event]) -> Option<(usize, Error)> {
        let Some(cluster) = &mut self.cluster else {
            return Some((0, Error::NotConnected));
        };
        let keys = &self.keys;
        let mut rows = Vec::new();
        let records: Vec<Record<'_>> = (self.encoder.records().enumerate())
            .map(|(number, record)| {
                rows.push(record.row as u32);
                Record {
                    key: keys.get(number, &record),
                    value: record.value,
                    header: record.header,
                }
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
        let mut done = Vec::new();
        for (index, partition, sent) in finished {
            let topic = self.topics.get(index);
            topic.limit = topic.limit.min(sent.limit);
            let partition = &mut topic.partitions[partition as usize];
            partition.sequence = sent.sequence;
            partition.acknowledged = sent.known.then_some(started);
            done.extend(partition.rows.iter().take(sent.acknowledged));
            keep_first(&mut first, sent.failed);
        }
        let row_of = |record: usize| rows.get(record).map_or(usize::MAX, |row| *row as usize);
        let first = first.map(|(record, error)| (row_of(record), error));
        if let Some((row, _)) = first {
            let ahead = whole_rows(&rows, done).filter(|whole| *whole as usize > row);
            note_ahead(&mut self.ahead, events, ahead);
        }
        first
    }
}

/// The encoder that the options need.
fn encoder(config: &Config) -> Encoder {
    let mut encoder = Encoder::new(config.format.clone());
    let by_key = config.partition_by == PartitionBy::PrimaryKey;
    if let Some(format) = config.key_format {
        encoder = encoder.with_keys_as(format);
    } else if config.key.is_none() {
        encoder = encoder.with_keys();
    } else if by_key && config.partitioner != Partitioner::Murmur2 {
        encoder = encoder.with_keys_as(KeyFormat::Hash);
    }
    let partition = match &config.partition_by {
        PartitionBy::Template(template) => Some(template),
        PartitionBy::PrimaryKey | PartitionBy::Database | PartitionBy::Table => None,
    };
    let templates = [
        Some(&config.topic),
        config.ddl_topic.as_ref(),
        config.key.as_ref(),
        partition,
    ];
    if templates.into_iter().flatten().all(Template::is_per_table) {
        encoder
    } else {
        encoder.with_views()
    }
}

/// The rows all of whose records are done, given the row of each record and the numbers of those that are done.
fn whole_rows(rows: &[u32], mut done: Vec<u32>) -> impl Iterator<Item = u32> {
    done.sort_unstable();
    let mut done = done.into_iter().peekable();
    let mut number = 0;
    rows.chunk_by(|row, next| row == next)
        .filter_map(move |records| {
            let end = number + records.len() as u32;
            let mut missing = records.len();
            while done.next_if(|record| *record < end).is_some() {
                missing -= 1;
            }
            number = end;
            records.first().copied().filter(|_| missing == 0)
        })
}

/// Notes rows, given by their numbers among all of a write and in order, that need not be sent again.
fn note_ahead(ahead: &mut Ahead, events: &[Event], rows: impl Iterator<Item = u32>) {
    let mut rows = rows.peekable();
    let mut start = 0;
    for event in events {
        let end = start + event.len();
        while let Some(row) = rows.next_if(|row| *row < end) {
            ahead.note(event, row - start);
        }
        start = end;
    }
}

/// Appends the text that a record's partition is chosen by to `out`, unless it stands somewhere already.
fn partition_text<'a>(
    config: &Config,
    event: &'a Event,
    record: EncodedRecord<'a>,
    key: Option<&'a [u8]>,
    out: &'a mut String,
) -> Result<&'a [u8], Fault> {
    let table = &event.table;
    let is_ddl = event.operation == Operation::Ddl;
    match (&config.partition_by, config.partitioner) {
        (PartitionBy::Database, _) => return Ok(table.database.as_bytes()),
        (PartitionBy::Table, _) => return Ok(table.name.as_bytes()),
        (PartitionBy::Template(template), _) if !is_ddl || template.is_per_table() => {
            template.render_row(table, event.operation, record.view, out)?;
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
