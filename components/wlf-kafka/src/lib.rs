//! Kafka as a destination.
//!
//! The protocol's messages, connections with pipelined requests and version negotiation are rskafka's. Its own
//! `PartitionClient` is not used: it holds a connection for each partition, repeats requests by itself, also behind
//! others that are in flight, and sends a throttled batch twice. Batches are written here, straight from the encoder's
//! buffer, with a producer id and sequence numbers, so that the broker itself refuses what comes out of order.

mod cluster;
mod compression;
mod config;
mod connection;
mod dispatcher;
mod error;
mod hash;
mod key;
mod message;
mod partition;
mod record_batch;
mod send;
mod topics;

use wlf_core::config::ComponentType;

pub use config::{Config, CreateTopics, TopicNumbers};
pub use dispatcher::KafkaDispatcher;
pub use partition::{PartitionBy, Partitioner};

pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()];
