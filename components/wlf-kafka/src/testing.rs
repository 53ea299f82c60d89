//! A broker in this process, which keeps what it takes and refuses what a test tells it to.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use rskafka::protocol::record::{ControlBatchOrRecords, Record, RecordBatch};
use rskafka::protocol::traits::ReadType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use wlf_net::{Connector, Tls};

use crate::dial::Dial;

/// The id of a broker, and of the first of several.
pub const LEADER: i32 = 1;

/// The id of the first producer; others have those behind it.
pub const PRODUCER: i64 = 77;

/// A batch that is to be written.
#[derive(Debug)]
pub struct Batch {
    pub topic: String,
    pub partition: i32,
    /// Its size as it was sent.
    pub bytes: usize,
    pub records: Vec<Record>,
    /// The id and the epoch of who sends it.
    pub producer: (i64, i16),
}

/// Says with which error code a batch is answered; with 0 it is taken.
type Judge = Box<dyn Fn(&Batch) -> i16 + Send + Sync>;

/// A broker that leads all partitions of any topic that is not barred.
pub struct Broker {
    pub address: String,
    log: Arc<Mutex<Log>>,
    cluster: Arc<Mutex<View>>,
    accepting: JoinHandle<()>,
}

/// What brokers say of their cluster.
#[derive(Debug, Default)]
struct View {
    /// The port of each, the first of which has the id [`LEADER`].
    ports: Vec<u16>,
    /// Which one leads everything, as an index.
    leader: usize,
    /// How often it was built anew.
    age: u32,
}

/// What a broker has, by topic and partition.
#[derive(Debug, Default)]
struct Log {
    records: HashMap<(String, i32), Vec<Record>>,
    /// The number that the next record of the producer has to have, which begins anew with each epoch.
    sequences: HashMap<(String, i32, i64, i16), i32>,
    /// How many batches came.
    batches: usize,
    /// The topics that are not there and cannot be created.
    barred: HashSet<String>,
    /// How often each topic was described or was to be created.
    asked: HashMap<String, usize>,
    /// The codes with which topics are described, and producers are not given ids.
    topic_code: i16,
    producer_code: i16,
    /// How many producers have ids.
    producers: i64,
    /// It takes requests to write, and says nothing.
    is_silent: bool,
    /// It ends the connection of the next who writes.
    cuts: bool,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Broker {
    /// One whose topics have so many partitions.
    pub async fn start(
        partitions: i32,
        judge: impl Fn(&Batch) -> i16 + Send + Sync + 'static,
    ) -> Self {
        Self::in_cluster(Arc::default(), partitions, judge).await
    }

    /// Another one of the same cluster, which leads nothing.
    pub async fn beside(
        &self,
        partitions: i32,
        judge: impl Fn(&Batch) -> i16 + Send + Sync + 'static,
    ) -> Self {
        Self::in_cluster(self.cluster.clone(), partitions, judge).await
    }

    async fn in_cluster(
        cluster: Arc<Mutex<View>>,
        partitions: i32,
        judge: impl Fn(&Batch) -> i16 + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Mutex::new(Log::default()));
        cluster.lock().expect("a view").ports.push(address.port());
        let serving = Arc::new(Serving {
            cluster: cluster.clone(),
            partitions,
            judge: Box::new(judge),
            log: log.clone(),
        });
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serving.clone().serve(client));
            }
        });
        Self {
            address: address.to_string(),
            log,
            cluster,
            accepting,
        }
    }

    /// How it is reached.
    pub fn dial() -> Dial {
        let plain = Connector::new(&Tls::default()).expect("no section");
        Dial::new(plain, None)
    }

    /// The values of a partition's records, in order.
    pub fn values(&self, topic: &str, partition: i32) -> Vec<String> {
        let log = self.log.lock().expect("a log");
        let records = log.records.get(&(topic.to_owned(), partition));
        let value = |record: &Record| {
            let value = record.value.clone().unwrap_or_default();
            String::from_utf8(value).expect("text")
        };
        records.into_iter().flatten().map(value).collect()
    }

    /// How many batches came, also of those that were refused.
    pub fn batches(&self) -> usize {
        self.log.lock().expect("a log").batches
    }
}

impl Broker {
    /// Takes no such topic from now on.
    pub fn bar(&self, topic: &str) {
        let mut log = self.log.lock().expect("a log");
        log.barred.insert(topic.to_owned());
    }

    /// Takes all topics from now on.
    pub fn unbar(&self) {
        self.log.lock().expect("a log").barred.clear();
    }

    /// Describes topics with an error code from now on.
    pub fn describe_with(&self, code: i16) {
        self.log.lock().expect("a log").topic_code = code;
    }

    /// Refuses ids for producers with an error code from now on.
    pub fn identify_with(&self, code: i16) {
        self.log.lock().expect("a log").producer_code = code;
    }

    /// Does not answer who writes from now on, as a process that is frozen.
    pub fn fall_silent(&self) {
        self.log.lock().expect("a log").is_silent = true;
    }

    /// Takes the next batch for nothing, and ends its connection without an answer.
    pub fn cut(&self) {
        self.log.lock().expect("a log").cuts = true;
    }

    /// Is another cluster from now on, which knows none of the producers.
    pub fn rebuild(&self) {
        self.cluster.lock().expect("a view").age += 1;
        self.log.lock().expect("a log").sequences.clear();
    }

    /// Lets the broker of an index lead everything from now on.
    pub fn elect(&self, leader: usize) {
        self.cluster.lock().expect("a view").leader = leader;
    }

    /// How often a topic was described or was to be created.
    pub fn asked(&self, topic: &str) -> usize {
        let log = self.log.lock().expect("a log");
        log.asked.get(topic).copied().unwrap_or_default()
    }
}

struct Serving {
    cluster: Arc<Mutex<View>>,
    partitions: i32,
    judge: Judge,
    log: Arc<Mutex<Log>>,
}

impl Serving {
    /// Answers the requests of a connection, one after the other.
    async fn serve(self: Arc<Self>, mut client: TcpStream) {
        while let Ok(size) = client.read_i32().await {
            let mut bytes = vec![0; size as usize];
            client.read_exact(&mut bytes).await.expect("a request");
            let mut request = Reader(&bytes);
            let (key, version) = (request.int16(), request.int16());
            let correlation = request.int32();
            request.text(); // client_id
            let mut answer = correlation.to_be_bytes().to_vec();
            match (key, version) {
                (0, 3 | 7) if self.log.lock().expect("a log").is_silent => continue,
                (0, 3 | 7) if std::mem::take(&mut self.log.lock().expect("a log").cuts) => return,
                (0, 3 | 7) => self.produce(&mut request, version, &mut answer),
                (3, 4) => self.metadata(&mut request, &mut answer),
                (19, 1) => self.create(&mut request, &mut answer),
                (18, 2) => versions(&mut answer),
                (18, 3..) => answer.extend([0, 35, 1, 0, 0, 0, 0, 0]), // UNSUPPORTED_VERSION
                (22, 0) => self.identify(&mut answer),
                other => panic!("a request that was not thought of: {other:?}"),
            }
            let size = (answer.len() as u32).to_be_bytes();
            // Who has asked may be gone.
            let _ = client.write_all(&[&size[..], &answer].concat()).await;
        }
    }

    /// Gives a producer the next id.
    fn identify(&self, out: &mut Vec<u8>) {
        let mut log = self.log.lock().expect("a log");
        out.extend([0; 4]); // throttle_time_ms
        out.extend(log.producer_code.to_be_bytes());
        out.extend((PRODUCER + log.producers).to_be_bytes());
        out.extend([0; 2]); // producer_epoch
        log.producers += 1;
    }

    fn metadata(&self, request: &mut Reader<'_>, out: &mut Vec<u8>) {
        let (ports, leader, age) = {
            let cluster = self.cluster.lock().expect("a view");
            let leader = LEADER + cluster.leader as i32;
            (cluster.ports.clone(), leader, cluster.age)
        };
        let code_of_all = self.log.lock().expect("a log").topic_code;
        out.extend([0; 4]); // throttle_time_ms
        out.extend((ports.len() as i32).to_be_bytes());
        for (id, port) in (LEADER..).zip(ports) {
            out.extend(id.to_be_bytes());
            text("127.0.0.1", out);
            out.extend(i32::from(port).to_be_bytes());
            out.extend((-1i16).to_be_bytes()); // rack
        }
        text(&format!("cluster {age}"), out);
        out.extend(LEADER.to_be_bytes()); // controller_id
        let topics = request.int32().max(0);
        out.extend(topics.to_be_bytes());
        for _ in 0..topics {
            let topic = request.text();
            let is_barred = self.is_barred(topic);
            let code = if is_barred { 3 } else { code_of_all }; // UNKNOWN_TOPIC_OR_PARTITION
            out.extend(code.to_be_bytes());
            text(topic, out);
            out.push(0); // is_internal
            if code != 0 {
                out.extend([0; 4]); // partitions
                continue;
            }
            out.extend(self.partitions.to_be_bytes());
            for partition in 0..self.partitions {
                out.extend([0; 2]); // error_code
                out.extend(partition.to_be_bytes());
                out.extend(leader.to_be_bytes());
                out.extend([0; 8]); // replica_nodes, isr_nodes
            }
        }
    }

    /// Refuses to create a topic; those that may be are there.
    fn create(&self, request: &mut Reader<'_>, out: &mut Vec<u8>) {
        assert_eq!(request.int32(), 1, "a topic");
        let topic = request.text();
        assert!(self.is_barred(topic), "{topic} is there");
        out.extend(1i32.to_be_bytes()); // topics
        text(topic, out);
        out.extend(17i16.to_be_bytes()); // INVALID_TOPIC_EXCEPTION
        text("it collides with another", out);
    }

    /// Whether there cannot be such a topic; who wants to know is counted.
    fn is_barred(&self, topic: &str) -> bool {
        let mut log = self.log.lock().expect("a log");
        *log.asked.entry(topic.to_owned()).or_default() += 1;
        log.barred.contains(topic)
    }

    fn produce(&self, request: &mut Reader<'_>, version: i16, out: &mut Vec<u8>) {
        request.text(); // transactional_id
        request.int16(); // acks
        request.int32(); // timeout_ms
        assert_eq!(request.int32(), 1, "a topic");
        let topic = request.text().to_owned();
        assert_eq!(request.int32(), 1, "a partition");
        let partition = request.int32();
        let bytes = request.int32() as usize;
        assert_eq!(request.0.len(), bytes, "the batch is the rest");
        let batch = RecordBatch::read(&mut Cursor::new(request.0)).expect("a batch");
        let code = self.take(topic.clone(), partition, bytes, batch);
        out.extend(1i32.to_be_bytes()); // topics
        text(&topic, out);
        out.extend(1i32.to_be_bytes()); // partitions
        out.extend(partition.to_be_bytes());
        out.extend(code.to_be_bytes());
        out.extend([0; 16]); // base_offset, log_append_time_ms
        if version >= 5 {
            out.extend([0; 8]); // log_start_offset
        }
        out.extend([0; 4]); // throttle_time_ms
    }

    /// Keeps a batch unless it is refused or comes out of order; gives the error code. As in Kafka, what is wrong with the
    /// batch itself is seen first.
    fn take(&self, topic: String, partition: i32, bytes: usize, batch: RecordBatch) -> i16 {
        let ControlBatchOrRecords::Records(records) = batch.records else {
            panic!("a control batch");
        };
        let place = (topic.clone(), partition);
        let judged = Batch {
            topic,
            partition,
            bytes,
            records,
            producer: (batch.producer_id, batch.producer_epoch),
        };
        let mut log = self.log.lock().expect("a log");
        log.batches += 1;
        let code = (self.judge)(&judged);
        if code != 0 {
            return code;
        }
        let (topic, partition) = place.clone();
        let next = log
            .sequences
            .entry((topic, partition, batch.producer_id, batch.producer_epoch));
        let next = next.or_insert(batch.base_sequence);
        if *next != batch.base_sequence {
            return 45; // OUT_OF_ORDER_SEQUENCE_NUMBER
        }
        *next += judged.records.len() as i32;
        log.records.entry(place).or_default().extend(judged.records);
        0
    }
}

/// The versions of the requests that are answered.
fn versions(out: &mut Vec<u8>) {
    let known = [(0, 3, 7), (3, 4, 4), (18, 0, 2), (19, 1, 1), (22, 0, 0)];
    out.extend([0; 2]); // error_code
    out.extend((known.len() as i32).to_be_bytes());
    for (key, min, max) in known {
        out.extend([key, min, max].map(i16::to_be_bytes).concat());
    }
    out.extend([0; 4]); // throttle_time_ms
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as i16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Reads a request.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    fn int16(&mut self) -> i16 {
        i16::from_be_bytes(self.bytes(2).try_into().expect("two bytes"))
    }

    fn int32(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes(4).try_into().expect("four bytes"))
    }

    /// A text, which is empty if it is null.
    fn text(&mut self) -> &'a str {
        let length = self.int16().max(0) as usize;
        std::str::from_utf8(self.bytes(length)).expect("text")
    }
}
