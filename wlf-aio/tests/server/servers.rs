//! Independent clients of the servers: what they say is right.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use serde_json::Value;

use crate::program::{PATIENCE, given};

static PEACE: RwLock<()> = RwLock::new(());

/// Keeps the tests away, while it lives, that cut everybody's connections or purge binlogs.
pub fn undisturbed() -> RwLockReadGuard<'static, ()> {
    PEACE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody minds a disturbance of the servers.
pub fn disturbing() -> RwLockWriteGuard<'static, ()> {
    PEACE.write().unwrap_or_else(PoisonError::into_inner)
}

/// A host and a port.
#[derive(Debug, Clone)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn address(text: &str, port: u16) -> Address {
    let (host, digits) = text.rsplit_once(':').unwrap_or((text, ""));
    Address {
        host: host.to_owned(),
        port: if digits.is_empty() {
            port
        } else {
            digits.parse().expect("a port")
        },
    }
}

pub fn mysql_address() -> Address {
    let url = given("WLF_TEST_MYSQL");
    address(
        url.rsplit_once('@')
            .map_or(url.as_str(), |(_, address)| address)
            .trim_end_matches('/'),
        3306,
    )
}

pub fn kafka_address() -> Address {
    address(&given("WLF_TEST_KAFKA"), 9092)
}

pub fn redis_address() -> Address {
    address(
        given("WLF_TEST_REDIS")
            .trim_start_matches("redis://")
            .trim_end_matches('/'),
        6379,
    )
}

pub fn mysql() -> mysql::Conn {
    let options = mysql::Opts::from_url(&given("WLF_TEST_MYSQL")).expect("an address");
    mysql::Conn::new(options).expect("MySQL is up")
}

/// Runs statements one after the other.
pub fn execute(connection: &mut mysql::Conn, statements: &[&str]) {
    for statement in statements {
        connection
            .query_drop(statement)
            .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
}

/// Makes a database of this test's own, empty.
pub fn database(name: &str) -> mysql::Conn {
    let mut connection = mysql();
    execute(
        &mut connection,
        &[
            &format!("DROP DATABASE IF EXISTS {name}"),
            &format!("CREATE DATABASE {name}"),
        ],
    );
    execute(&mut connection, &[&format!("USE {name}")]);
    connection
}

/// Everything that a topic with one partition holds, read by a Kafka client.
pub struct Topic {
    runtime: tokio::runtime::Runtime,
    name: String,
}

/// A record's key and value as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub key: Value,
    pub value: Value,
}

impl Topic {
    pub fn new(name: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            runtime,
            name: name.to_owned(),
        }
    }

    /// Removes the topic, so that the test begins without it.
    pub fn removed(name: &str) -> Self {
        let topic = Self::new(name);
        topic.runtime.block_on(async {
            let client = ClientBuilder::new(vec![kafka_address().to_string()])
                .build()
                .await
                .expect("Kafka is up");
            let controller = client.controller_client().expect("a controller");
            // It may not exist.
            let _ = controller.delete_topic(name, 5000).await;
            while client
                .list_topics()
                .await
                .expect("topics")
                .iter()
                .any(|topic| topic.name == name)
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        topic
    }

    pub fn exists(&self) -> bool {
        self.runtime.block_on(async {
            let client = ClientBuilder::new(vec![kafka_address().to_string()])
                .build()
                .await
                .expect("Kafka is up");
            client
                .list_topics()
                .await
                .expect("topics")
                .iter()
                .any(|topic| topic.name == self.name)
        })
    }

    /// Reads from the topic's beginning until there are `count` messages.
    #[track_caller]
    pub fn read(&self, count: usize) -> Vec<Message> {
        let until = Instant::now() + PATIENCE;
        while !self.exists() {
            assert!(
                Instant::now() < until,
                "the topic {} does not come into being",
                self.name
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let messages = self.runtime.block_on(self.fetch(count, until));
        assert!(
            messages.len() >= count,
            "{} of {count} messages came: {messages:#?}",
            messages.len()
        );
        messages
    }

    /// Reads what there is.
    pub fn everything(&self) -> Vec<Message> {
        self.runtime.block_on(async {
            let client = ClientBuilder::new(vec![kafka_address().to_string()])
                .build()
                .await
                .expect("Kafka is up");
            let partition = client
                .partition_client(&self.name, 0, UnknownTopicHandling::Retry)
                .await
                .expect("the partition");
            let first = partition
                .get_offset(OffsetAt::Earliest)
                .await
                .expect("an offset");
            let end = partition
                .get_offset(OffsetAt::Latest)
                .await
                .expect("an offset");
            let count = usize::try_from(end - first).expect("a number of messages");
            self.fetch(count, Instant::now() + PATIENCE).await
        })
    }

    async fn fetch(&self, count: usize, until: Instant) -> Vec<Message> {
        let client = ClientBuilder::new(vec![kafka_address().to_string()])
            .build()
            .await
            .expect("Kafka is up");
        let partition = client
            .partition_client(&self.name, 0, UnknownTopicHandling::Retry)
            .await
            .expect("the partition");
        let mut next = partition
            .get_offset(OffsetAt::Earliest)
            .await
            .expect("an offset");
        let mut messages = Vec::new();
        while messages.len() < count && Instant::now() < until {
            let (records, _) = partition
                .fetch_records(next, 1..4_000_000, 500)
                .await
                .expect("records");
            for record in records {
                next = record.offset + 1;
                let parse = |bytes: Option<Vec<u8>>| {
                    serde_json::from_slice(&bytes.expect("bytes")).expect("JSON")
                };
                messages.push(Message {
                    key: parse(record.record.key),
                    value: parse(record.record.value),
                });
            }
        }
        messages
    }
}

/// A Redis client that has subscribed to everything under a prefix before the program starts.
pub struct Subscription {
    received: std::sync::mpsc::Receiver<(String, Value)>,
}

impl Subscription {
    pub fn to(pattern: &str) -> Self {
        let client = redis::Client::open(given("WLF_TEST_REDIS")).expect("an address");
        let mut connection = client.get_connection().expect("Redis is up");
        let (sender, received) = std::sync::mpsc::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let pattern = pattern.to_owned();
        std::thread::spawn(move || {
            let mut subscription = connection.as_pubsub();
            subscription.psubscribe(pattern).expect("subscribed");
            ready.send(()).expect("somebody waits");
            while let Ok(message) = subscription.get_message() {
                let payload: Vec<u8> = message.get_payload().expect("a payload");
                let value = serde_json::from_slice(&payload).expect("JSON");
                if sender
                    .send((message.get_channel_name().to_owned(), value))
                    .is_err()
                {
                    return;
                }
            }
        });
        is_ready.recv().expect("subscribed");
        Self { received }
    }

    #[track_caller]
    pub fn read(&self, count: usize) -> Vec<(String, Value)> {
        let mut messages = Vec::new();
        while messages.len() < count {
            match self.received.recv_timeout(PATIENCE) {
                Ok(message) => messages.push(message),
                Err(error) => panic!(
                    "{} of {count} messages came ({error}): {messages:#?}",
                    messages.len()
                ),
            }
        }
        messages
    }
}

pub fn redis() -> redis::Connection {
    redis::Client::open(given("WLF_TEST_REDIS"))
        .expect("an address")
        .get_connection()
        .expect("Redis is up")
}

/// The table that a series of events leaves behind: the last `data` of each key, unless it was deleted.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Value>, key: &str) -> BTreeMap<u64, Value> {
    let mut rows = BTreeMap::new();
    for event in events {
        let data = &event["data"];
        let id = data[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{event} has no {key}"));
        if event["type"] == "delete" {
            rows.remove(&id);
        } else {
            rows.insert(id, data.clone());
        }
    }
    rows
}
