//! The real broker, with a client of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::messenger::Messenger;
use rskafka::protocol::messages::{
    CreateTopicConfig, CreateTopicRequest, CreateTopicsRequest, FetchRequest,
    FetchRequestPartition, FetchRequestTopic, IsolationLevel, MetadataRequest, NORMAL_CONSUMER,
    ProduceRequest, ProduceRequestPartitionData, ProduceRequestTopicData,
};
use rskafka::protocol::primitives::{
    Boolean, Int16, Int32, Int64, NullableString, Records, String_,
};
use rskafka::protocol::record::{
    ControlBatchOrRecords, Record as RawRecord, RecordBatch, RecordBatchCompression,
    RecordBatchTimestampType,
};
use rskafka::record::Record;
use tokio::io::BufStream;
use tokio::net::TcpStream;

use super::message::CreatePartitions;

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
        let messenger = self.messenger().await;
        let answer = messenger.request(request).await.expect("create");
        assert_eq!(answer.topics[0].error, None);
    }

    /// A connection of its own.
    async fn messenger(&self) -> Messenger<BufStream<TcpStream>> {
        let stream = TcpStream::connect(&self.address).await.expect("connect");
        let mut messenger = Messenger::new(BufStream::new(stream), 1 << 20, "test".into());
        messenger.sync_versions().await.expect("versions");
        messenger
    }

    /// The cluster's id.
    pub async fn cluster(&self) -> String {
        let request = MetadataRequest {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: Some(Boolean(false)),
        };
        let answer = self.messenger().await.request(request).await;
        let id = answer.expect("metadata").cluster_id.and_then(|id| id.0);
        id.expect("a cluster's id")
    }

    /// Gives a topic more partitions.
    pub async fn raise(&self, topic: &str, count: i32) {
        let request = CreatePartitions {
            topic: topic.to_owned(),
            count,
        };
        let answer = self.messenger().await.request(request).await;
        assert_eq!(answer.expect("create partitions").0, 0);
        while self.partitions(topic).await != Some(count as usize) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The batches of a partition, as they are stored.
    pub async fn batches(&self, topic: &str, partition: i32) -> Vec<RecordBatch> {
        let request = FetchRequest {
            replica_id: NORMAL_CONSUMER,
            max_wait_ms: Int32(100),
            min_bytes: Int32(1),
            max_bytes: Some(Int32(1 << 20)),
            isolation_level: Some(IsolationLevel::ReadUncommitted),
            topics: vec![FetchRequestTopic {
                topic: String_(topic.to_owned()),
                partitions: vec![FetchRequestPartition {
                    partition: Int32(partition),
                    fetch_offset: Int64(0),
                    partition_max_bytes: Int32(1 << 20),
                }],
            }],
        };
        let answer = self.messenger().await.request(request).await;
        let mut topics = answer.expect("fetch").responses;
        topics.remove(0).partitions.remove(0).records.0
    }

    /// Writes a record as the producer of an id and an epoch, the first of that epoch.
    pub async fn write_as(&self, topic: &str, id: i64, epoch: i16) {
        let record = RawRecord {
            timestamp_delta: 0,
            offset_delta: 0,
            key: None,
            value: Some(b"another's".to_vec()),
            headers: Vec::new(),
        };
        let batch = RecordBatch {
            base_offset: 0,
            partition_leader_epoch: -1,
            last_offset_delta: 0,
            first_timestamp: 0,
            max_timestamp: 0,
            producer_id: id,
            producer_epoch: epoch,
            base_sequence: 0,
            records: ControlBatchOrRecords::Records(vec![record]),
            compression: RecordBatchCompression::NoCompression,
            is_transactional: false,
            timestamp_type: RecordBatchTimestampType::CreateTime,
        };
        let request = ProduceRequest {
            transactional_id: NullableString(None),
            acks: Int16(-1),
            timeout_ms: Int32(10_000),
            topic_data: vec![ProduceRequestTopicData {
                name: String_(topic.to_owned()),
                partition_data: vec![ProduceRequestPartitionData {
                    index: Int32(0),
                    records: Records(vec![batch]),
                }],
            }],
        };
        let answer = self.messenger().await.request(request).await;
        let answer = answer.expect("produce");
        assert_eq!(answer.responses[0].partition_responses[0].error, None);
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
