//! Writes each row as a record of a Kafka topic.

use async_trait::async_trait;
use wlf_core::component::Incoming;
use wlf_core::format::{EncodedRecord, Encoder, KeyFormat, Lanes, Target};
use wlf_core::template::View;
use wlf_core::{Dispatcher, Event, Fault, Operation, Refusal, Severity, WriteError, turn};

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
    /// The rows of the write under way that go nowhere, by their numbers.
    refused: Vec<(u32, Fault)>,
    /// How many messages had no key.
    keyless: usize,
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
            refused: Vec::new(),
            keyless: 0,
            key: String::new(),
            text: String::new(),
        }
    }

    /// Encodes events into the lanes of their partitions, and sends what is full. The first row is number `row` of the write;
    /// returns the number behind the last. Rows that are refused are noted and passed over.
    ///
    /// # Errors
    /// The first row that goes nowhere for another reason, and why; the rows before it are in their lanes.
    async fn encode(&mut self, events: &[Event], mut row: u32) -> Result<u32, (u32, Fault)> {
        let mut next = self.encoder.lanes().written() + TURN;
        let mut rest = events;
        // What is behind a refused row of its event.
        let mut behind: Option<Event> = None;
        loop {
            let front = behind.as_ref().map_or(rest, std::slice::from_ref);
            if front.is_empty() {
                return Ok(row);
            }
            let (done, encoded) = self.encode_front(front, row, next).await;
            let whole = front.get(..done).unwrap_or_default();
            row += whole.iter().map(Event::len).sum::<u32>();
            let mut passed = done;
            let mut left = None;
            if let Err((within, fault)) = encoded {
                row += within;
                if fault.severity != Severity::Reject {
                    return Err((row, fault));
                }
                self.refused.push((row, fault));
                row += 1;
                passed += 1;
                left = front.get(done).cloned().and_then(|mut event| {
                    event.split_to(within + 1);
                    (!event.is_empty()).then_some(event)
                });
            }
            if behind.is_none() {
                rest = rest.get(passed..).unwrap_or_default();
            }
            behind = left;
            if self.encoder.lanes().has_full() || self.encoder.lanes().written() >= next {
                self.send_full().await;
                next = self.encoder.lanes().written() + TURN;
                turn::pass_on().await;
            }
        }
    }

    /// Encodes the first event, and those behind it that go the same way, until there are `enough` bytes in all lanes. Returns
    /// how many events were encoded as a whole.
    ///
    /// # Errors
    /// The number of the first row that goes nowhere in the event behind those, and why.
    async fn encode_front(
        &mut self,
        events: &[Event],
        row: u32,
        enough: usize,
    ) -> (usize, Result<(), (u32, Fault)>) {
        let Some(event) = events.first() else {
            return (0, Ok(()));
        };
        if !self.in_lanes || event.operation == Operation::Ddl {
            return match self.route(event, row).await {
                Ok(()) => (1, Ok(())),
                Err(failed) => (0, Err(failed)),
            };
        }
        let topic = match self.topics.known(event) {
            Some(topic) => topic,
            None => match self.find(event).await {
                Ok(topic) => topic,
                Err(fault) => return (0, Err((0, fault))),
            },
        };
        let target = whole(&self.config, event, topic);
        self.encoder.lanes().aim(target, row);
        let (done, encoded) = self.encoder.encode_in_lanes(events, enough);
        (done, encoded.map_err(|error| (error.row, error.fault)))
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
        let mut view = View::of_table(event);
        topics
            .of_record(event, &mut view, template, &mut finding)
            .await
    }

    /// Encodes an event whose first row has the number `first`, and copies each record to where it goes.
    ///
    /// # Errors
    /// The number of the first row in the event that goes nowhere, and why; those that are refused by themselves are noted.
    async fn route(&mut self, event: &Event, first: u32) -> Result<(), (u32, Fault)> {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return Err((0, Error::NotConnected.into()));
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
        let mut refused = None;
        for record in records {
            let index = record.row as u32;
            // A row goes out whole or not at all, as far as that is known in time.
            if refused == Some(index) {
                continue;
            }
            let mut view = View::of_record(event, &record);
            let topic = match of_all {
                Some(topic) => Ok(topic),
                None => {
                    let topics = &mut self.topics;
                    let found = topics.of_record(event, &mut view, template, &mut finding);
                    found.await
                }
            };
            let placed = topic.and_then(|topic| {
                of_all = template.is_per_table().then_some(topic);
                let mut place = Placing {
                    config,
                    event,
                    view: &mut view,
                    keyless: &mut self.keyless,
                };
                let (key, text) = (&mut self.key, &mut self.text);
                let (key, lane) = place.place(record, topic, key, text)?;
                Ok((key, lane, topic.limit))
            });
            match placed {
                Ok((key, lane, limit)) => {
                    let (value, headers) = (record.value, record.headers);
                    let row = first + index;
                    finding.lanes.push(lane, limit, row, key, value, headers);
                }
                Err(fault) if fault.severity == Severity::Reject => {
                    refused = Some(index);
                    self.refused.push((first + index, fault));
                }
                Err(fault) => return Err((index, fault)),
            }
        }
        encoded.map_err(|error| (error.row, error.fault))
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
    let mut encoder = Encoder::new(config.format.clone()).with_messages_as(config.messages);
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
    encoder.with_templates(templates.into_iter().flatten())
}

/// The rows with these numbers among all of a write, which are in order: the index of the event and the number in it.
fn places(events: &[Event], rows: impl Iterator<Item = u32>) -> Vec<(usize, u32)> {
    let mut rows = rows.peekable();
    let mut start = 0;
    let mut places = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let end = start + event.len();
        while let Some(row) = rows.next_if(|row| *row < end) {
            places.push((index, row - start));
        }
        start = end;
    }
    places
}

/// Chooses where a record goes.
struct Placing<'p, 'a> {
    config: &'p Config,
    event: &'a Event,
    view: &'p mut View<'a>,
    keyless: &'p mut usize,
}

impl<'a> Placing<'_, 'a> {
    /// The record's key and the lane of its partition. `key` and `text` are memory for those that are made.
    fn place<'k>(
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

    fn session(&self) -> Option<String> {
        let session = self.connected.as_ref()?.cluster.session()?;
        Some(session.to_string())
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
        self.refused.clear();
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
            let outcome = flow.end();
            failed = outcome.failed;
            let refused = outcome.refused.into_iter();
            self.refused
                .extend(refused.map(|(row, error)| (row, error.into())));
            if outcome.is_narrowed {
                self.topics.forget();
            }
        }
        self.refused.sort_by_key(|(row, _)| *row);
        self.refused.dedup_by_key(|(row, _)| *row);
        let refused = std::mem::take(&mut self.refused);
        // Rows that were not sent stand behind all that were.
        let error = match (failed, encoded) {
            (Some(failed), _) => {
                if failed.error.ends_producer() {
                    self.producer = None;
                }
                let ahead = places(events, failed.ahead.into_iter());
                WriteError {
                    ahead,
                    ..WriteError::at_row(events, failed.row as usize, failed.error.into())
                }
            }
            (None, Err((row, fault))) => WriteError::at_row(events, row as usize, fault),
            (None, Ok(())) if refused.is_empty() => return Ok(()),
            (None, Ok(())) => WriteError::all(events),
        };
        let rows = places(events, refused.iter().map(|(row, _)| *row));
        let refused = rows.into_iter().zip(refused);
        Err(
            error.and_refused(refused.map(|((event, row), (_, fault))| Refusal {
                event,
                row,
                fault,
            })),
        )
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

#[cfg(test)]
mod tests;
