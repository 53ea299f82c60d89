//! Writes each row as a record of a Kafka topic.

use async_trait::async_trait;
use wlf_core::component::Incoming;
use wlf_core::format::{EncodedRecord, Encoder, KeyFormat, Lanes, Target};
use wlf_core::{Ahead, Dispatcher, Event, Fault, Operation, Template, WriteError, turn};

use crate::cluster::{Acquaintance, Cluster};
use crate::config::Config;
use crate::dial::Dial;
use crate::error::Error;
use crate::flow::Flow;
use crate::key;
use crate::partition::{PartitionBy, Partitioner};
use crate::produce::ROOM;
use crate::record_batch::Producer;
use crate::topics::{Finding, Topics};

/// What is encoded before it is looked whether others should get a turn, in bytes: about 100 µs of work.
const TURN: usize = 128 << 10;

/// How many batches of the runtime are written together: so many times as often a write would wait for its last answer.
const AT_ONCE: u32 = 4;

/// Writes each row as a record of a Kafka topic.
#[derive(Debug)]
pub struct KafkaDispatcher {
    config: Config,
    /// Its lanes are the partitions.
    encoder: Encoder,
    /// Whether the encoder writes rows to their partitions by itself.
    in_lanes: bool,
    dial: Dial,
    connected: Option<Connected>,
    /// The cluster that was connected last.
    known: Option<Acquaintance>,
    topics: Topics,
    producer: Option<Producer>,
    /// Rows that their partitions have although another partition has not all rows before them.
    ahead: Ahead,
    /// The key of a row that a template makes, and what a partition is chosen by; made anew for each row.
    key: String,
    text: String,
}

/// A cluster that answers, and what is on its way to it.
#[derive(Debug)]
struct Connected {
    cluster: Cluster,
    flow: Flow,
}

impl KafkaDispatcher {
    pub(crate) fn new(config: Config, dial: Dial) -> Self {
        let encoder = encoder(&config);
        let by_lane = match (&config.partition_by, config.partitioner) {
            (PartitionBy::PrimaryKey, Partitioner::Murmur2) => true,
            (PartitionBy::Database | PartitionBy::Table, _) => true,
            (PartitionBy::PrimaryKey | PartitionBy::Template(_), _) => false,
        };
        Self {
            in_lanes: by_lane
                && encoder.fits_lanes()
                && config.key.is_none()
                && config.topic.is_per_table(),
            encoder,
            config,
            dial,
            connected: None,
            known: None,
            topics: Topics::default(),
            producer: None,
            ahead: Ahead::default(),
            key: String::new(),
            text: String::new(),
        }
    }

    /// Encodes events into the lanes of their partitions, and sends what is full. The first row is number `row` of the write;
    /// returns the number behind the last.
    ///
    /// # Errors
    /// The first row that goes nowhere, and why; the rows before it are in their lanes.
    async fn encode(&mut self, events: &[Event], mut row: u32) -> Result<u32, (u32, Fault)> {
        let mut next = self.encoder.lanes().written() + TURN;
        let mut rest = events;
        while let [event, ..] = rest {
            let (done, encoded) =
                if self.in_lanes && self.ahead.is_empty() && event.operation != Operation::Ddl {
                    let topic = match self.topics.known(event) {
                        Some(topic) => topic,
                        None => self.find(event).await.map_err(|fault| (row, fault))?,
                    };
                    let target = whole(&self.config, event, topic);
                    self.encoder.lanes().aim(target, row);
                    self.encoder.encode_in_lanes(rest, next)
                } else {
                    self.route(event, row).await?;
                    (1, Ok(()))
                };
            let (whole_events, behind) = rest.split_at(done);
            row += whole_events.iter().map(Event::len).sum::<u32>();
            encoded.map_err(|error| (row + error.row, error.fault))?;
            rest = behind;
            if self.encoder.lanes().has_full() || self.encoder.lanes().written() >= next {
                self.send_full().await;
                next = self.encoder.lanes().written() + TURN;
                turn::pass_on().await;
            }
        }
        Ok(row)
    }

    /// Asks the cluster for its brokers and partitions anew if that was long ago; nothing may be under way.
    async fn renew(&mut self) -> Result<(), Fault> {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return Ok(());
        };
        if cluster.age() < self.config.metadata_max_age.get() {
            return Ok(());
        }
        let names = flow.partitions.topics();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let described = cluster.describe(&names).await?;
        if flow.partitions.renew(&described, self.encoder.lanes()) {
            self.topics.forget();
        }
        self.known = cluster.acquaintance();
        Ok(())
    }

    /// Looks the topic of an event's rows up, which depends on nothing else.
    async fn find(&mut self, event: &Event) -> Result<Target, Fault> {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return Err(Error::NotConnected.into());
        };
        let mut finding = Finding {
            cluster,
            new: self.config.create_topics.new_topic(),
            flow,
            lanes: self.encoder.lanes(),
        };
        let template = self.config.topic_of(event);
        let topics = &mut self.topics;
        topics.of_row(event, &[], template, &mut finding).await
    }

    /// Encodes an event whose first row has the number `first`, and copies each record to where it goes.
    ///
    /// # Errors
    /// The first row that goes nowhere, and why.
    async fn route(&mut self, event: &Event, first: u32) -> Result<(), (u32, Fault)> {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return Err((first, Error::NotConnected.into()));
        };
        let config = &self.config;
        self.encoder.pass();
        let encoded = self.encoder.encode(event);
        let (records, lanes) = self.encoder.new_records();
        let mut finding = Finding {
            cluster,
            new: config.create_topics.new_topic(),
            flow,
            lanes,
        };
        let mut of_all = None;
        let template = config.topic_of(event);
        for record in records {
            let index = record.row as u32;
            let row = first + index;
            if self.ahead.contains(event, index) {
                continue;
            }
            let at = |fault: Fault| (row, fault);
            let topic = match of_all {
                Some(topic) => topic,
                None => {
                    let topics = &mut self.topics;
                    let found = topics.of_row(event, record.view, template, &mut finding);
                    let topic = found.await.map_err(at)?;
                    of_all = template.is_per_table().then_some(topic);
                    topic
                }
            };
            self.key.clear();
            let key = match &config.key {
                Some(template) if event.operation != Operation::Ddl => {
                    let (table, operation) = (&event.table, event.operation);
                    template
                        .render_row(table, operation, record.view, &mut self.key)
                        .map_err(|error| at(error.into()))?;
                    Some(self.key.as_bytes())
                }
                _ => record.key,
            };
            self.text.clear();
            let text = partition_text(config, event, record, key, &mut self.text).map_err(at)?;
            let partitions = topic.lanes.try_into().unwrap_or(i32::MAX);
            let lane = topic.first + config.partitioner.partition(text, partitions) as usize;
            let lanes = &mut finding.lanes;
            lanes.push(lane, topic.limit, row, key, record.value, record.header);
        }
        encoded.map_err(|error| (first + error.row, error.fault))
    }

    /// Waits for more events or for the last answer, whichever comes first.
    async fn has_more(&mut self, incoming: &mut dyn Incoming) -> bool {
        let Some(Connected { flow, .. }) = &mut self.connected else {
            return false;
        };
        let lanes = self.encoder.lanes();
        while !flow.is_idle() && !flow.has_failed() {
            tokio::select! {
                biased;
                more = incoming.more() => return more,
                () = flow.wait(lanes) => {}
            }
        }
        false
    }

    /// Sends the chunks that are full; waits only if too many are not acknowledged.
    async fn send_full(&mut self) {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return;
        };
        let lanes = self.encoder.lanes();
        while let Some((lane, chunk)) = lanes.take_full() {
            flow.add(lane, chunk, cluster, lanes).await;
        }
        flow.turn(lanes).await;
        flow.make_room(lanes).await;
    }
}

/// The lanes of an event's rows, of which the encoder chooses by their keys.
fn whole(config: &Config, event: &Event, topic: Target) -> Target {
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
    let encoder = encoder.with_lanes(Lanes::new(ROOM));
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

#[async_trait]
impl Dispatcher for KafkaDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        self.connected = None;
        self.topics.forget();
        self.encoder.lanes().remove();
        let brokers = &self.config.bootstrap_brokers;
        let cluster = Cluster::connect(&self.dial, brokers, self.known.as_ref()).await?;
        if cluster.is_another_than(self.known.as_ref()) {
            tracing::warn!("the brokers of Kafka belong to another cluster than before");
            self.producer = None;
            self.ahead.clear();
        }
        self.known = cluster.acquaintance();
        // What is still on its way from before must not come after what is sent from now on. With a higher epoch the
        // brokers refuse it (KIP-360).
        self.producer = match self.producer {
            Some(Producer { id, epoch }) if epoch < i16::MAX => Some(Producer {
                id,
                epoch: epoch + 1,
            }),
            _ => cluster.producer_id().await?,
        };
        let flow = Flow::new(self.producer, self.config.compression);
        self.connected = Some(Connected { cluster, flow });
        Ok(())
    }

    fn batches_at_once(&self) -> u32 {
        if self.in_lanes { AT_ONCE } else { 1 }
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.write_incoming(&mut Alone(events)).await
    }

    async fn write_incoming(&mut self, incoming: &mut dyn Incoming) -> Result<(), WriteError> {
        self.encoder.clear();
        self.encoder.lanes().clear();
        self.renew().await.map_err(WriteError::nothing)?;
        if let Some(Connected { flow, .. }) = &mut self.connected {
            flow.begin();
        }
        let (mut done, mut row) = (0, 0);
        let encoded = loop {
            let events = incoming.events().get(done..).unwrap_or_default();
            done += events.len();
            let encoded = self.encode(events, row).await;
            self.encoder.lanes().fill();
            self.send_full().await;
            match encoded {
                Ok(behind) => row = behind,
                Err(failed) => break Err(failed),
            }
            if !self.has_more(incoming).await {
                break Ok(());
            }
        };
        let events = incoming.events();
        let mut failed = None;
        if let Some(Connected { flow, .. }) = &mut self.connected {
            flow.finish(self.encoder.lanes()).await;
            let narrowed;
            (failed, narrowed) = flow.end();
            if narrowed {
                self.topics.forget();
            }
        }
        // Rows that were not sent stand behind all that were.
        let (row, fault) = match (failed, encoded) {
            (Some(failed), _) => {
                note_ahead(&mut self.ahead, events, failed.ahead.into_iter());
                if failed.error.ends_producer() {
                    self.producer = None;
                }
                (failed.row, failed.error.into())
            }
            (None, Err(failed)) => failed,
            (None, Ok(())) => {
                self.ahead.clear();
                return Ok(());
            }
        };
        Err(WriteError::at_row(events, row as usize, fault))
    }
}

/// Events to which no more come.
struct Alone<'a>(&'a [Event]);

#[async_trait]
impl Incoming for Alone<'_> {
    fn events(&self) -> &[Event] {
        self.0
    }

    async fn more(&mut self) -> bool {
        false
    }
}
