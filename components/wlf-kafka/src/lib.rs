//! Kafka as a destination.
//!
//! The protocol's messages, connections with pipelined requests and version negotiation are rskafka's. Its own
//! `PartitionClient` is not used: it holds a connection for each partition, repeats requests by itself, also behind
//! others that are in flight, and sends a throttled batch twice. Batches are written here, straight from the encoder's
//! buffer, with a producer id and sequence numbers, so that the broker itself refuses what comes out of order.

mod compression;
mod hash;
mod partition;
mod record_batch;
mod cluster;
mod connection;
mod error;
mod message;
