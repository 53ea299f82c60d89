//! Transformers: what drops, alters or copies events on their way.

pub mod filter;
pub mod replicator;

use wlf_core::config::ComponentType;

pub const COMPONENTS: &[ComponentType] = &[
    ComponentType::of::<filter::Config>(),
    ComponentType::of::<replicator::Config>(),
];
