//! The brokers of a cluster and the topics that they lead.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::messages::{
    CreateTopicRequest, CreateTopicsRequest, IsolationLevel, ListOffsetsRequest,
    ListOffsetsRequestPartition, ListOffsetsRequestTopic, MetadataRequest, MetadataRequestTopic,
    MetadataResponse, MetadataResponseTopic, NORMAL_CONSUMER,
};
use rskafka::protocol::primitives::{Boolean, Int16, Int32, Int64, String_};
use tokio::time::{sleep, timeout};
use wlf_core::config::HostPort;
use wlf_net::Session;

use crate::connection::Connection;
use crate::dial::Dial;
use crate::error::Error;
use crate::init_producer_id::InitProducerId;
use crate::record_batch::Producer;

/// How long the cluster itself may take to create a topic.
const CREATE_MS: i32 = 30_000;
/// How often and how long a new topic is looked for: the brokers hear of it one after the other.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
const LOOKS: usize = 200;
/// How long a broker may take to describe the cluster, which it does from memory.
const DESCRIBE: Duration = Duration::from_secs(10);
/// After how long another broker is tried beside one that has not answered, and asked instead of one.
const STAGGER: Duration = Duration::from_secs(1);

/// How topics are created: with these numbers, or the brokers' own default where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewTopic {
    pub partitions: Option<i32>,
    pub replication_factor: Option<i16>,
}

/// A topic's name and the leaders of its partitions, if there still is such a topic.
pub type Described = (String, Option<Vec<i32>>);

/// A cluster that answers.
#[derive(Debug)]
pub struct Cluster {
    dial: Dial,
    /// What tells it from all others; old ones have no id.
    id: Option<String>,
    /// Each broker, by its id.
    brokers: HashMap<i32, HostPort>,
    controller: Option<i32>,
    /// The one that was reached first; any broker can describe topics.
    any: Arc<Connection>,
    connections: HashMap<i32, Arc<Connection>>,
    /// When all topics that are written to were described last.
    described: Instant,
}

/// What is known of a cluster from one connection to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquaintance {
    id: String,
    brokers: Vec<HostPort>,
}

impl Cluster {
    /// Connects to the first of the `bootstrap` brokers that answers, or of those that are known of the same cluster. The
    /// next is tried when one has failed, or beside it when it has not answered for a while: one that is frozen takes
    /// connections and says nothing.
    ///
    /// # Errors
    /// What the last of the `bootstrap` brokers said, or the first that will say the same again.
    pub async fn connect(
        dial: &Dial,
        bootstrap: &[HostPort],
        known: Option<&Acquaintance>,
    ) -> Result<Self, Error> {
        let learned = known.into_iter().flat_map(|known| &known.brokers);
        let learned = learned.filter(|broker| !bootstrap.contains(broker));
        let mut rest = bootstrap.iter().chain(learned).enumerate();
        let mut trying = FuturesUnordered::new();
        let mut last = (0, Error::NotConnected);
        let mut next = rest.next();
        loop {
            let has_more = next.is_some();
            if let Some((number, broker)) = next.take() {
                trying.push(async move { (number, Self::open(dial, broker.clone()).await) });
            }
            let patience = async {
                match has_more {
                    true => sleep(STAGGER).await,
                    false => pending().await,
                }
            };
            let (number, opened) = tokio::select! {
                biased;
                Some(opened) = trying.next() => opened,
                () = patience => {
                    next = rest.next();
                    continue;
                }
            };
            let is_listed = number < bootstrap.len();
            match opened {
                // Another cluster may have the address of a broker that was learned by now.
                Ok(cluster) if !is_listed && cluster.is_another_than(known) => {}
                Ok(cluster) => return Ok(cluster),
                Err(error) if is_listed && error.is_final() => return Err(error),
                Err(error) if is_listed && number >= last.0 => last = (number, error),
                Err(_) => {}
            }
            next = rest.next();
            if next.is_none() && trying.is_empty() {
                return Err(last.1);
            }
        }
    }

    async fn open(dial: &Dial, broker: HostPort) -> Result<Self, Error> {
        let mut cluster = Self {
            dial: dial.clone(),
            id: None,
            brokers: HashMap::new(),
            controller: None,
            any: Arc::new(Connection::open(dial, broker).await?),
            connections: HashMap::new(),
            described: Instant::now(),
        };
        match cluster.metadata(&[]).await {
            Ok(_) => Ok(cluster),
            Err(error) if error.is_end() => Err(Error::Closed {
                broker: cluster.any.broker().clone(),
            }),
            Err(error) => Err(error),
        }
    }

    /// What helps to find it again, if it has an id.
    pub fn acquaintance(&self) -> Option<Acquaintance> {
        Some(Acquaintance {
            id: self.id.clone()?,
            brokers: self.brokers.values().cloned().collect(),
        })
    }

    /// Whether it is not the one that was known.
    pub fn is_another_than(&self, known: Option<&Acquaintance>) -> bool {
        let other = |(known, id): (&Acquaintance, &String)| known.id != *id;
        known.zip(self.id.as_ref()).is_some_and(other)
    }

    /// What it is, for a person.
    pub fn described(&self) -> String {
        let brokers = match self.brokers.len() {
            1 => "1 broker".to_owned(),
            brokers => format!("{brokers} brokers"),
        };
        let broker = self.any.broker();
        match &self.id {
            Some(id) => format!("Kafka cluster {id} of {brokers}, by {broker}"),
            None => format!("a Kafka cluster of {brokers}, by {broker}"),
        }
    }

    /// How many partitions a topic has; `None` if it is not there.
    pub async fn partitions(&mut self, topic: &str) -> Result<Option<usize>, Error> {
        let leaders = self.look_up(topic).await?;
        Ok(leaders.map(|leaders| leaders.len()))
    }

    /// How the connection to the broker that was reached first is secured, if it is.
    pub fn session(&self) -> Option<Session> {
        self.any.session()
    }

    /// What tells it from all others, if it has an id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How its brokers are reached.
    pub fn dial(&self) -> &Dial {
        &self.dial
    }

    /// How long ago the topics that are written to were described.
    pub fn age(&self) -> Duration {
        self.described.elapsed()
    }

    /// The leaders of topics that are known already, by partition, anew; `None` for one that is gone. Topics of which
    /// a leader is unknown just now are left out.
    pub async fn describe(&mut self, topics: &[&str]) -> Result<Vec<Described>, Error> {
        let answer = self.metadata(topics).await?;
        self.described = Instant::now();
        Ok(described(answer))
    }

    /// What brokers other than the `silent` ones say of these topics, if one of them says something soon.
    pub async fn ask_others(&mut self, silent: &[i32], topics: &[&str]) -> Vec<Described> {
        let mut others: Vec<i32> = self.brokers.keys().copied().collect();
        others.retain(|id| !silent.contains(id));
        others.sort_unstable();
        for id in others {
            match timeout(STAGGER, self.ask(id, topics)).await {
                Ok(Ok(answer)) => return described(answer),
                Ok(Err(error)) => tracing::debug!("{error}"),
                Err(_) => tracing::debug!(broker = id, "no word of the cluster"),
            }
            // It may have been another life of the broker's.
            self.connections.remove(&id);
        }
        Vec::new()
    }

    async fn ask(&mut self, id: i32, topics: &[&str]) -> Result<MetadataResponse, Error> {
        let connection = self.connection(id).await?;
        self.metadata_from(&connection, topics).await
    }

    /// Asks for a producer id, which makes writing idempotent; `None` where the cluster refuses or does not know that.
    pub async fn producer_id(&self) -> Result<Option<Producer>, Error> {
        use rskafka::client::error::RequestError;
        match self.any.request(InitProducerId).await {
            Ok(answer) => match answer.error {
                None => Ok(Some(answer.producer)),
                Some(Code::ClusterAuthorizationFailed | Code::UnsupportedVersion) => Ok(None),
                Some(code) => Err(Error::ProducerId { code }),
            },
            Err(Error::Request {
                error: RequestError::NoVersionMatch { .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ids of the brokers that lead the partitions of `topic`, by partition; creates the topic if it is missing.
    ///
    /// # Errors
    /// If there is no such topic and `new` is `None`, or if it cannot be created or has no leaders yet.
    pub async fn leaders(&mut self, topic: &str, new: Option<NewTopic>) -> Result<Vec<i32>, Error> {
        if let Some(leaders) = self.look_up(topic).await? {
            return Ok(leaders);
        }
        let Some(new) = new else {
            return Err(Error::MissingTopic {
                topic: topic.to_owned(),
            });
        };
        self.create(topic, new).await?;
        let mut last = None;
        for _ in 0..LOOKS {
            match self.ready(topic).await {
                Ok(leaders) => return Ok(leaders),
                Err(error) if is_young(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
            sleep(LOOK_AGAIN).await;
        }
        Err(last.unwrap_or(Error::NotConnected))
    }

    /// The leaders of a topic, each of which knows that it is one.
    async fn ready(&mut self, topic: &str) -> Result<Vec<i32>, Error> {
        let leaders = self.look_up(topic).await?;
        let leaders = leaders.ok_or_else(|| Error::MissingTopic {
            topic: topic.to_owned(),
        })?;
        for (partition, leader) in (0i32..).zip(&leaders) {
            let connection = self.connection(*leader).await?;
            let answer = connection.request(newest(topic, partition)).await?;
            let mut partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
            if let Some(code) = partitions.find_map(|partition| partition.error_code) {
                return Err(Error::Partition {
                    topic: topic.to_owned(),
                    partition,
                    code,
                });
            }
        }
        Ok(leaders)
    }

    /// The leaders of an existing topic; `None` without the topic.
    async fn look_up(&mut self, topic: &str) -> Result<Option<Vec<i32>>, Error> {
        let answer = self.metadata(&[topic]).await?;
        let Some(found) = answer
            .topics
            .into_iter()
            .find(|found| found.name.0 == topic)
        else {
            return Err(self.any.wrong_answer("the topic is not in the description"));
        };
        match found.error {
            None => leaders(found).map(Some),
            Some(Code::UnknownTopicOrPartition) => Ok(None),
            Some(code) => Err(Error::Topic {
                topic: topic.to_owned(),
                code,
                message: None,
            }),
        }
    }

    async fn metadata(&mut self, topics: &[&str]) -> Result<MetadataResponse, Error> {
        let any = self.any().await?.clone();
        self.metadata_from(&any, topics).await
    }

    async fn metadata_from(
        &mut self,
        connection: &Connection,
        topics: &[&str],
    ) -> Result<MetadataResponse, Error> {
        let topics = topics.iter().map(|name| MetadataRequestTopic {
            name: String_((*name).to_owned()),
        });
        let request = MetadataRequest {
            topics: Some(topics.collect()),
            allow_auto_topic_creation: Some(Boolean(false)),
        };
        let answer = connection.request_within(DESCRIBE, request).await?;
        let id = answer.cluster_id.as_ref().and_then(|id| id.0.clone());
        if self.id.is_some() && self.id != id {
            return Err(Error::OtherCluster {
                broker: connection.broker().clone(),
            });
        }
        self.id = id;
        if !answer.brokers.is_empty() {
            self.brokers.clear();
        }
        for broker in &answer.brokers {
            let address = HostPort {
                host: broker.host.0.clone(),
                // None has a number that is no port's, and nothing listens at 0.
                port: broker.port.0.try_into().unwrap_or(0),
            };
            self.brokers.insert(broker.node_id.0, address);
        }
        self.controller = answer.controller_id.map(|id| id.0).filter(|id| *id >= 0);
        Ok(answer)
    }

    async fn create(&mut self, topic: &str, new: NewTopic) -> Result<(), Error> {
        let controller = match self.controller {
            Some(id) => self.connection(id).await?,
            None => {
                self.any().await?;
                self.any.clone()
            }
        };
        let request = CreateTopicsRequest {
            topics: vec![CreateTopicRequest {
                name: String_(topic.to_owned()),
                num_partitions: Int32(new.partitions.unwrap_or(-1)),
                replication_factor: Int16(new.replication_factor.unwrap_or(-1)),
                assignments: Vec::new(),
                configs: Vec::new(),
                tagged_fields: None,
            }],
            timeout_ms: Int32(CREATE_MS),
            validate_only: None,
            tagged_fields: None,
        };
        let answer = controller.request(request).await?;
        let Some(created) = answer.topics.into_iter().find(|t| t.name.0 == topic) else {
            return Err(controller.wrong_answer("the topic is not among the created ones"));
        };
        match created.error {
            None | Some(Code::TopicAlreadyExists) => Ok(()),
            Some(code @ Code::InvalidReplicationFactor) if new.replication_factor.is_some() => {
                Err(Error::ReplicationFactor {
                    topic: topic.to_owned(),
                    code,
                    message: created.error_message.and_then(|message| message.0),
                })
            }
            Some(code) => Err(Error::Topic {
                topic: topic.to_owned(),
                code,
                message: created.error_message.and_then(|message| message.0),
            }),
        }
    }

    /// The connection to the broker that was reached first.
    async fn any(&mut self) -> Result<&Arc<Connection>, Error> {
        if self.any.is_stale() {
            let broker = self.any.broker().clone();
            self.any = Arc::new(Connection::open(&self.dial, broker).await?);
        }
        Ok(&self.any)
    }

    /// A connection to a broker.
    async fn connection(&mut self, id: i32) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.connections.get(&id)
            && !connection.is_stale()
        {
            return Ok(connection.clone());
        }
        let connection = Arc::new(Connection::open(&self.dial, self.address(id)?).await?);
        self.connections.insert(id, connection.clone());
        Ok(connection)
    }

    /// Where a broker is.
    pub fn address(&self, id: i32) -> Result<HostPort, Error> {
        let broker = self.brokers.get(&id).cloned();
        broker.ok_or(Error::UnknownBroker { id })
    }
}

/// Fails unless a broker belongs to the cluster of this id.
pub async fn belongs(dial: &Dial, broker: &HostPort, id: &str) -> Result<(), Error> {
    let cluster = Cluster::open(dial, broker.clone()).await?;
    match cluster.id.as_deref() == Some(id) {
        true => Ok(()),
        false => Err(Error::OtherCluster {
            broker: broker.clone(),
        }),
    }
}

/// The leaders of the topics of an answer. Topics of which a leader is unknown just now are left out.
fn described(answer: MetadataResponse) -> Vec<Described> {
    let described = answer.topics.into_iter().filter_map(|topic| {
        let name = topic.name.0.clone();
        match topic.error {
            None => Some((name, Some(leaders(topic).ok()?))),
            Some(Code::UnknownTopicOrPartition) => Some((name, None)),
            Some(_) => None,
        }
    });
    described.collect()
}

/// Says whether an error is the like of what brokers say of a topic that they have not all heard of.
fn is_young(error: &Error) -> bool {
    match error {
        Error::MissingTopic { .. } | Error::NoLeader { .. } => true,
        Error::Topic { code, .. } | Error::Partition { code, .. } => matches!(
            code,
            Code::UnknownTopicOrPartition
                | Code::NotLeaderOrFollower
                | Code::LeaderNotAvailable
                | Code::OffsetNotAvailable
        ),
        _ => false,
    }
}

/// Asks for the end of a partition, which only its leader knows.
fn newest(topic: &str, partition: i32) -> ListOffsetsRequest {
    ListOffsetsRequest {
        replica_id: NORMAL_CONSUMER,
        isolation_level: Some(IsolationLevel::ReadUncommitted),
        topics: vec![ListOffsetsRequestTopic {
            name: String_(topic.to_owned()),
            partitions: vec![ListOffsetsRequestPartition {
                partition_index: Int32(partition),
                timestamp: Int64(-1),
                max_num_offsets: Some(Int32(1)),
            }],
        }],
    }
}

/// The leader of each partition, in the order of the partitions' numbers.
fn leaders(topic: MetadataResponseTopic) -> Result<Vec<i32>, Error> {
    let name = topic.name.0;
    let mut leaders = vec![-1; topic.partitions.len()];
    for partition in topic.partitions {
        let place = usize::try_from(partition.partition_index.0).ok();
        if let Some(leader) = place.and_then(|place| leaders.get_mut(place)) {
            *leader = partition.leader_id.0;
        }
    }
    let mut without = (0..).zip(&leaders).filter(|(_, leader)| **leader < 0);
    let first = without.next().map(|(partition, _)| partition);
    // A topic without partitions has no first one either.
    match first.or(leaders.is_empty().then_some(0)) {
        None => Ok(leaders),
        Some(partition) => Err(Error::NoLeader {
            topic: name,
            partition,
        }),
    }
}
