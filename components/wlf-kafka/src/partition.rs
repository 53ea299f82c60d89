//! Which partition a row goes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wlf_core::Template;
use wlf_core::format::murmur2;

use crate::hash;

/// What chooses a row's partition. All rows of one primary key go to one partition, so that they keep their order;
/// with a template that is so only if it gives the same text for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartitionBy {
    /// The primary key. With `partitioner: murmur2` it is the record's key as it is written, as Kafka's own producers do
    /// it; with the others the text of the key's values, as Maxwell does it.
    #[default]
    PrimaryKey,
    /// The database's name: all of its rows keep their order.
    Database,
    /// The table's name.
    Table,
    /// A text made from the row, as in `{template: "%{/data/customer_id}"}`.
    Template(Template),
}

/// How a partition is computed from what `partition_by` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Partitioner {
    /// As Kafka's own Java producer does: MurmurHash2 of the bytes, its sign bit cleared, modulo the number of
    /// partitions.
    #[default]
    Murmur2,
    /// Maxwell's `default`: Java's `String.hashCode` modulo the number of partitions.
    Hash,
    /// Maxwell's `murmur3`: MurmurHash3 modulo the number of partitions.
    Murmur3,
}

impl Partitioner {
    /// The partition, below `partitions`, which is at least 1.
    pub fn partition(self, text: &[u8], partitions: i32) -> i32 {
        let partitions = partitions.max(1);
        match self {
            Partitioner::Murmur2 => (murmur2(text) & i32::MAX) % partitions,
            Partitioner::Hash => {
                (hash::java_string(&String::from_utf8_lossy(text)) % partitions).abs()
            }
            Partitioner::Murmur3 => (hash::murmur3(text) % partitions).abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_those_of_maxwell() {
        for (text, java, murmur) in [
            ("shop", 2, 8),
            ("orders", 11, 0),
            ("9001example", 6, 5),
            ("1", 9, 12),
        ] {
            assert_eq!(Partitioner::Hash.partition(text.as_bytes(), 20), java);
            assert_eq!(Partitioner::Murmur3.partition(text.as_bytes(), 20), murmur);
        }
        assert_eq!(Partitioner::Murmur3.partition("é😁".as_bytes(), 20), 10);
    }

    #[test]
    fn partitions_are_those_of_kafka() {
        // -973932308 & 0x7fffffff = 1173551340
        assert_eq!(Partitioner::Murmur2.partition(b"21", 1000), 340);
        assert_eq!(Partitioner::Murmur2.partition(b"anything", 1), 0);
    }
}
