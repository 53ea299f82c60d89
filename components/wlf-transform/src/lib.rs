//! Transformers: what drops, alters or copies events on their way.

pub mod filter;
pub mod replicator;

use wlf_core::config::ComponentType;

pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<filter::Config>()
        .with_schema(include_str!("../../../docs/reference/BinlogFilter.json")),
    ComponentType::of::<replicator::Config>()
        .with_schema(include_str!("../../../docs/reference/EventReplicator.json")),
];
