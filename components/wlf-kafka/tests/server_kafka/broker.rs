//! The real broker, with a client of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::messenger::Messenger;
use rskafka::protocol::messages::{CreateTopicConfig, CreateTopicRequest, CreateTopicsRequest};
use rskafka::protocol::primitives::{Int16, Int32, NullableString, String_};
use rskafka::record::Record;
use tokio::io::BufStream;
use tokio::net::TcpStream;

pub struct Broker {
    pub address: String,
    client: Client,
}

impl Broker {
    pub async fn connect() -> Self {
        let address = std::env::var("WLF_TEST_KAFKA")
            .expect("WLF_TEST_KAFKA is to name a Kafka broker, as in 127.0.0.1:9092");
        let client = ClientBuilder::new(vec![address.clone()])
            .build()
            .await
            .expect("connect to WLF_TEST_KAFKA");
        Self { address, client }
    }

    /// A database's name that no other run of the tests has.
    pub fn database(&self, test: &str) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        format!("test_{test}_{}", since.expect("a clock").as_nanos())
    }

    /// Creates a topic with one partition.
    pub async fn create(&self, topic: &str, config: &[(&str, &str)]) {
        let stream = TcpStream::connect(&self.address).await.expect("connect");
        let mut messenger = Messenger::new(BufStream::new(stream), 1 << 20, "test".into());
        messenger.sync_versions().await.expect("versions");
        let configs = config.iter().map(|(name, value)| CreateTopicConfig {
            name: String_((*name).into()),
            value: NullableString(Some((*value).into())),
            tagged_fields: None,
        });
        let request = CreateTopicsRequest {
            topics: vec![CreateTopicRequest {
                name: String_(topic.into()),
                num_partitions: Int32(1),
                replication_factor: Int16(1),
                assignments: Vec::new(),
                configs: configs.collect(),
                tagged_fields: None,
            }],
            timeout_ms: Int32(10_000),
            validate_only: None,
            tagged_fields: None,
        };
        let answer = messenger.request(request).await.expect("create");
        assert_eq!(answer.topics[0].error, None);
    }

    pub async fn delete(&self, topic: &str) {
        let controller = self.client.controller_client().expect("a controller");
        controller
            .delete_topic(topic, 10_000)
            .await
            .expect("delete");
        while self.partitions(topic).await.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number of a topic's partitions; `None` without the topic.
    pub async fn partitions(&self, topic: &str) -> Option<usize> {
        let topics = self.client.list_topics().await.expect("topics");
        let found = topics.into_iter().find(|found| found.name == topic);
        found.map(|topic| topic.partitions.len())
    }

    /// All records, as key and value, by partition.
    pub async fn read(&self, topic: &str) -> Vec<Vec<(String, String)>> {
        let partitions = self.partitions(topic).await.expect("the topic exists");
        let mut read = Vec::new();
        for partition in 0..partitions {
            read.push(self.read_partition(topic, partition as i32).await);
        }
        read
    }

    async fn read_partition(&self, topic: &str, partition: i32) -> Vec<(String, String)> {
        let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap_or_default());
        let records = self.records(topic, partition).await.into_iter();
        let records = records.map(|record| {
            let key = text(record.key).expect("a key in UTF-8");
            (key, text(record.value).expect("a value in UTF-8"))
        });
        records.collect()
    }

    /// All records of a partition, as they are.
    pub async fn records(&self, topic: &str, partition: i32) -> Vec<Record> {
        let partition = self
            .client
            .partition_client(topic, partition, UnknownTopicHandling::Retry)
            .await
            .expect("a partition");
        let end = partition
            .get_offset(OffsetAt::Latest)
            .await
            .expect("the end");
        let mut records = Vec::new();
        let mut offset = 0;
        while offset < end {
            let (fetched, _) = partition
                .fetch_records(offset, 1..50_000_000, 1000)
                .await
                .expect("records");
            for record in fetched {
                offset = record.offset + 1;
                records.push(record.record);
            }
        }
        records
    }
}
