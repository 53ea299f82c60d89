//! Writes each row as a record of a Kafka topic.

mod encoding;
mod placing;

use std::time::Duration;

use async_trait::async_trait;
use wlf_core::component::Incoming;
use wlf_core::config::Invalid;
use wlf_core::format::Encoder;
use wlf_core::{Dispatcher, Event, Fault, Refusal, WriteError};

use wlf_net::Connector;

use self::encoding::encoder;
use crate::cluster::{Acquaintance, Cluster};
use crate::config::{Config, CreateTopics};
use crate::dial::Dial;
use crate::error::Error;
use crate::flow::Flow;
use crate::partition::{PartitionBy, Partitioner};
use crate::record_batch::Producer;
use crate::topics::Topics;

/// How many batches of the runtime are written together: so many times as often a write would wait for its last answer.
const AT_ONCE: u32 = 4;

/// How long it takes at most until a cluster that may have new leaders is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

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

impl Config {
    /// Makes the dispatcher.
    ///
    /// # Errors
    /// If values that are right by themselves do not go together.
    pub fn dispatcher(mut self) -> Result<KafkaDispatcher, Invalid> {
        self.check()?;
        let login = self.sasl.take().map(|sasl| sasl.into_login(&self.tls));
        let login = login.transpose()?;
        let connector = Connector::new(&self.tls)?;
        Ok(KafkaDispatcher::new(self, Dial::new(connector, login)))
    }
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

    /// Waits for more events or for the last answer, whichever comes first.
    async fn has_more(&mut self, incoming: &mut dyn Incoming) -> bool {
        let Some(Connected { cluster, flow }) = &mut self.connected else {
            return false;
        };
        let lanes = self.encoder.lanes();
        while !flow.is_idle() && !flow.has_failed() {
            tokio::select! {
                biased;
                more = incoming.more() => return more,
                () = flow.wait(cluster, lanes) => {}
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
        flow.make_room(cluster, lanes).await;
    }
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

    async fn probe(&mut self) -> Result<Vec<String>, Fault> {
        let brokers = &self.config.bootstrap_brokers;
        let mut cluster = Cluster::connect(&self.dial, brokers, None).await?;
        let mut found = vec![cluster.described()];
        let topics = [Some(&self.config.topic), self.config.ddl_topic.as_ref()];
        for topic in topics.into_iter().flatten() {
            if !topic.is_constant() {
                continue;
            }
            let topic = topic.as_str();
            match cluster.partitions(topic).await? {
                Some(partitions) => {
                    found.push(format!("topic `{topic}` has {partitions} partitions"));
                }
                None if self.config.create_topics == CreateTopics::No => {
                    let topic = topic.to_owned();
                    return Err(Error::MissingTopic { topic }.into());
                }
                None => found.push(format!("there is no topic `{topic}` yet")),
            }
        }
        found.extend(cluster.session().map(|session| session.to_string()));
        Ok(found)
    }

    fn session(&self) -> Option<String> {
        let session = self.connected.as_ref()?.cluster.session()?;
        Some(session.to_string())
    }

    /// A cluster finds other leaders by itself, within seconds.
    fn longest_wait(&self) -> Duration {
        LONGEST_WAIT
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
        if let Some(Connected { cluster, flow }) = &mut self.connected {
            flow.finish(cluster, self.encoder.lanes()).await;
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
