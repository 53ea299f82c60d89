//! A transformer alone, without a pipeline around it.

use std::sync::Arc;

use crate::component::Transformer;
use crate::event::{Batch, Event};
use crate::fault::Fault;
use crate::runtime::Out;
use crate::runtime::ledger::Ledger;

/// What a transformer made of a batch.
#[derive(Debug)]
pub struct Transformed {
    /// What each destination gets.
    pub to: Vec<Vec<Event>>,
    pub rejected: Vec<(Event, Fault)>,
    /// What it made of batches that it held, for each time the events.
    pub emitted: Vec<Vec<Event>>,
}

/// Has a transformer with so many destinations take a batch.
///
/// # Errors
/// As [`Transformer::apply`], and if it gives events where they cannot go.
pub fn transform(
    transformer: &mut dyn Transformer,
    batch: Batch,
    destinations: usize,
) -> Result<Transformed, Fault> {
    let receipt = Arc::new(Ledger::default()).enter(&batch);
    let holder = Arc::default();
    let mut out = Out::new(&receipt, &holder, destinations);
    transformer.apply(batch, &mut out)?;
    out.emissions.check("the transformer")?;
    let emitted = out.emissions.made.into_iter().map(|made| {
        let events = made.batch.events.clone();
        made.delivered();
        events
    });
    let transformed = Transformed {
        emitted: emitted.collect(),
        to: out.ports,
        rejected: out.rejected,
    };
    receipt.delivered();
    Ok(transformed)
}
