//! From events to records in the lanes of their partitions.

use wlf_core::format::{Encoder, KeyFormat, Lanes, Target};
use wlf_core::template::View;
use wlf_core::{Event, Fault, Operation, Severity, turn};

use super::placing::{Placing, whole};
use super::{Connected, KafkaDispatcher};
use crate::config::Config;
use crate::error::Error;
use crate::partition::{PartitionBy, Partitioner};
use crate::produce::ROOM;
use crate::topics::Finding;

/// What is encoded before it is looked whether others should get a turn, in bytes: about 100 µs of work.
const TURN: usize = 128 << 10;

impl KafkaDispatcher {
    /// Encodes events into the lanes of their partitions, and sends what is full. The first row is number `row` of the write;
    /// returns the number behind the last. Rows that are refused are noted and passed over.
    ///
    /// # Errors
    /// The first row that goes nowhere for another reason, and why; the rows before it are in their lanes.
    pub(super) async fn encode(
        &mut self,
        events: &[Event],
        mut row: u32,
    ) -> Result<u32, (u32, Fault)> {
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
}

/// The encoder that the options need.
pub(super) fn encoder(config: &Config) -> Encoder {
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
