//! The request that writes a batch, and its answer.
//!
//! Source: <https://kafka.apache.org/protocol#The_Messages_Produce>

use std::sync::Arc;

use rskafka::protocol::api_version::ApiVersion;
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::messages::ProduceResponse;
use rskafka::protocol::primitives::Int16;

use crate::compression::Compression;
use crate::record_batch::HEADER;

/// How long the leader may wait for all in-sync replicas.
pub const ACKNOWLEDGE_MS: i32 = 30_000;

/// What a chunk begins with, so that the request and the batch can be made around its records: no name of a topic is
/// longer than 249 bytes.
pub const ROOM: usize = 384;

/// The version of the request.
///
/// From 3 on a request holds batches of version 2, and every broker from 0.11 on knows it; 7 allows zstd, which a broker
/// that does not know 7 would refuse anyway. Later ones say nothing more that is of use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(i16);

impl Version {
    pub fn of(compression: Compression) -> Self {
        match compression {
            Compression::Zstd => Self(7),
            Compression::None | Compression::Gzip | Compression::Snappy | Compression::Lz4 => {
                Self(3)
            }
        }
    }
}

impl From<Version> for ApiVersion {
    fn from(version: Version) -> Self {
        ApiVersion(Int16(version.0))
    }
}

/// What a request begins with: which request it is, and for which partition.
#[derive(Debug, Clone)]
pub struct Head {
    pub version: Version,
    pub correlation: i32,
    pub topic: Arc<str>,
    pub partition: i32,
}

/// Writes what stands before a batch, acknowledged by all in-sync replicas, into the first [`ROOM`] bytes, given the size
/// of the batch, whose header ends there too; says where the request begins.
pub fn write(head: &Head, batch: usize, room: &mut [u8]) -> usize {
    let topic = head.topic.as_bytes();
    let mut bytes = Vec::with_capacity(ROOM);
    bytes.extend_from_slice(&[0; 4]); // size, set below
    bytes.extend_from_slice(&0i16.to_be_bytes()); // api_key
    bytes.extend_from_slice(&head.version.0.to_be_bytes());
    bytes.extend_from_slice(&head.correlation.to_be_bytes());
    bytes.extend_from_slice(&3i16.to_be_bytes());
    bytes.extend_from_slice(b"wlf"); // client_id
    bytes.extend_from_slice(&(-1i16).to_be_bytes()); // transactional_id
    bytes.extend_from_slice(&(-1i16).to_be_bytes()); // acks: all in-sync replicas
    bytes.extend_from_slice(&ACKNOWLEDGE_MS.to_be_bytes());
    bytes.extend_from_slice(&1i32.to_be_bytes()); // topics
    bytes.extend_from_slice(&(topic.len() as i16).to_be_bytes());
    bytes.extend_from_slice(topic);
    bytes.extend_from_slice(&1i32.to_be_bytes()); // partitions
    bytes.extend_from_slice(&head.partition.to_be_bytes());
    bytes.extend_from_slice(&(batch as i32).to_be_bytes());
    let size = (bytes.len() - 4 + batch) as i32;
    bytes[..4].copy_from_slice(&size.to_be_bytes());
    let end = ROOM - HEADER;
    let start = end - bytes.len();
    room[start..end].copy_from_slice(&bytes);
    start
}

/// What the broker says of a request's partition; `None` if it says nothing of it.
pub fn result(answer: &ProduceResponse, head: &Head) -> Option<Option<Code>> {
    let topic = answer.responses.first()?;
    let partition = topic.partition_responses.first()?;
    (*topic.name.0 == *head.topic && partition.index.0 == head.partition).then_some(partition.error)
}
