//! Passes everything on to each of its destinations.

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::{Batch, ComponentKind, Fault, Out, Transformer};

/// Passes every event on to each of its `destinations`.
///
/// A position counts as reached when all of them have what comes before it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Build for Config {
    const TYPE: &'static str = "EventReplicator";
    const KIND: ComponentKind = ComponentKind::Transformer;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Transformer(Box::new(EventReplicator)))
    }
}

/// Passes every event on; the copies are the runtime's, which sends to each destination.
#[derive(Debug, Clone, Copy)]
pub struct EventReplicator;

impl Transformer for EventReplicator {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        out.pass(batch.events);
        Ok(())
    }
}
