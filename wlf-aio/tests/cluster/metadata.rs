//! What a broker says of its cluster, asked without any client: who leads, and how many follow.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A broker that is frozen says nothing at all.
const PATIENCE: Duration = Duration::from_millis(400);

#[derive(Debug, Default)]
pub struct Metadata {
    /// The ids of the brokers that live.
    pub brokers: Vec<i32>,
    /// Those of the topic that was asked for.
    pub partitions: Vec<Partition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    pub number: i32,
    /// -1 if there is none.
    pub leader: i32,
    pub epoch: i32,
    /// How many replicas are in sync.
    pub in_sync: usize,
}

impl Partition {
    /// Whether it takes rows, where so many replicas are to be in sync.
    pub fn takes(&self, least: usize) -> bool {
        self.leader >= 0 && self.in_sync >= least
    }
}

/// Asks by Metadata, version 7.
///
/// Source: <https://kafka.apache.org/protocol#The_Messages_Metadata>
pub fn ask(address: &str, topic: Option<&str>) -> io::Result<Metadata> {
    let address = address.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = vec![0, 3, 0, 7, 0, 0, 0, 1, 0xff, 0xff]; // key, version, correlation id, no client id
    match topic {
        None => request.extend([0; 4]),
        Some(topic) => {
            request.extend(1i32.to_be_bytes());
            request.extend((topic.len() as i16).to_be_bytes());
            request.extend(topic.as_bytes());
        }
    }
    request.push(0); // allow_auto_topic_creation
    let size = (request.len() as i32).to_be_bytes();
    stream.write_all(&[&size[..], &request].concat())?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let mut answer = vec![0; i32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer)?;
    let mut answer = Reader(&answer);
    answer.int32(); // correlation id
    answer.int32(); // throttle_time_ms
    let mut metadata = Metadata::default();
    for _ in 0..answer.int32() {
        metadata.brokers.push(answer.int32());
        answer.text(); // host
        answer.int32(); // port
        answer.text(); // rack
    }
    answer.text(); // cluster_id
    answer.int32(); // controller_id
    for _ in 0..answer.int32() {
        let code = answer.int16();
        answer.text(); // name
        answer.bytes(1); // is_internal
        for _ in 0..answer.int32() {
            answer.int16(); // error_code
            let (number, leader) = (answer.int32(), answer.int32());
            let epoch = answer.int32();
            answer.numbers(); // replica_nodes
            let in_sync = answer.numbers();
            answer.numbers(); // offline_replicas
            metadata.partitions.push(Partition {
                number,
                leader,
                epoch,
                in_sync,
            });
        }
        if code != 0 {
            return Err(io::Error::other(format!("error code {code}")));
        }
    }
    Ok(metadata)
}

/// Reads an answer.
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

    fn text(&mut self) {
        let length = self.int16().max(0) as usize;
        self.bytes(length);
    }

    /// Passes over an array, and says how many it has.
    fn numbers(&mut self) -> usize {
        let count = self.int32().max(0) as usize;
        self.bytes(4 * count);
        count
    }
}
