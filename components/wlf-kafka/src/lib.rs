//! Kafka as a destination.
//!
//! What the cluster is asked besides writing goes through rskafka: its messages, connections and version negotiation. Its
//! own `PartitionClient` is not used: it holds a connection for each partition, repeats requests by itself, also behind
//! others that are in flight, and sends a throttled batch twice. Rows take a way of their own (docs/design/in-place.md):
//! the encoder writes them as records into the chunk of their partition (`topics`), which is sent from there (`outlet`),
//! several at once (`window`), with a producer id and sequence numbers, so that the broker itself refuses what comes out
//! of order.

mod cluster;
mod code;
mod compression;
mod config;
mod connection;
mod dial;
mod dispatcher;
mod error;
mod flow;
mod hash;
mod init_producer_id;
mod key;
mod lz4;
mod matches;
mod outlet;
mod packing;
mod partition;
mod partitions;
mod produce;
mod record_batch;
mod sasl;
mod snappy;
#[cfg(test)]
mod testing;
mod topics;
mod window;
mod zstd;

use wlf_core::ComponentKind;
use wlf_core::config::{Build, Component, ComponentType, Context, Invalid};

pub use config::{Config, CreateTopics, TopicNumbers};
pub use dispatcher::KafkaDispatcher;
pub use partition::{PartitionBy, Partitioner};
pub use sasl::{Mechanism, Sasl, scram};

pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()
    .with_schema(include_str!("../../../docs/reference/KafkaDispatcher.json"))];

impl Build for Config {
    const TYPE: &'static str = "KafkaDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(self.dispatcher()?)))
    }
}
