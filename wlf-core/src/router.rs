//! Carries batches from component to component, each with the receipt that says when it is durable.

/// Carries batches from component to component.
#[derive(Debug, Default)]
pub struct EventRouter {}
