//! A transformer that chooses between destinations.

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::{Batch, ComponentKind, Event, Fault, Operation, Out, Transformer};

/// Sends deletes to one of its destinations and everything else to the others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The destination that gets the deletes.
    deletes: String,
}

impl Build for Config {
    const TYPE: &'static str = "DeletesTransformer";
    const KIND: ComponentKind = ComponentKind::Transformer;

    fn build(self, context: &Context) -> Result<Component, Invalid> {
        let destinations = &context.destinations;
        let Some(deletes) = destinations.iter().position(|id| *id == self.deletes) else {
            let message = format!("`{}` is not one of `destinations`", self.deletes);
            return Err(Invalid::new("deletes", message));
        };
        let others = (0..destinations.len()).filter(|&other| other != deletes);
        Ok(Component::Transformer(Box::new(DeletesTransformer {
            deletes,
            others: others.collect(),
        })))
    }
}

/// Destinations are known by their indexes.
struct DeletesTransformer {
    deletes: usize,
    others: Vec<usize>,
}

impl Transformer for DeletesTransformer {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        let is_delete = |event: &Event| event.operation == Operation::Delete;
        let (deletes, rest): (Vec<_>, Vec<_>) = batch.events.into_iter().partition(is_delete);
        out.to(self.deletes, deletes);
        for &other in &self.others {
            out.to(other, rest.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use wlf_core::config::Delivery;
    use wlf_core::testing::{MemoryCollector, MemoryDispatcher, Step, Stored};
    use wlf_core::value::OwnedRows;
    use wlf_core::{Column, Mark, Pipeline, Table, Transaction};

    use std::num::NonZeroU64;

    use super::*;

    fn to(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|&id| id.to_owned()).collect()
    }

    fn built(destinations: &[&str]) -> Result<Component, Invalid> {
        let config = Config {
            deletes: "gone".to_owned(),
        };
        config.build(&Context {
            id: "split".to_owned(),
            pipeline: "test".to_owned(),
            delivery: Delivery::default(),
            destinations: to(destinations),
            store: None,
        })
    }

    #[test]
    fn deletes_go_to_one_destination_and_the_rest_to_the_others() {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", "orders", columns, vec![0]));
        let mut events = vec![
            OwnedRows::insert(&table, [vec![1.into()], vec![2.into()]]),
            OwnedRows::delete(&table, [vec![1.into()]]),
        ];
        for event in &mut events {
            event.transaction = Some(Transaction::new(NonZeroU64::MIN, None));
        }
        let batch = Batch {
            events,
            mark: Mark::Upto(MemoryCollector::position(0)),
            ..Batch::default()
        };
        let (kept, gone) = (Arc::default(), Arc::default());
        let mut pipeline = Pipeline::new(Delivery::default(), None);
        let mut add = |id: &str, component, destinations: &[&str]| {
            pipeline.add(id, component, to(destinations)).unwrap();
        };
        let collector = MemoryCollector::new(vec![Step::Batch(batch)]);
        add("c", Component::Collector(Box::new(collector)), &["split"]);
        let ids = ["kept", "gone"];
        add("split", built(&ids).unwrap(), &ids);
        for (id, store) in ids.into_iter().zip([&kept, &gone]) {
            let dispatcher = MemoryDispatcher::new(Arc::clone(store));
            add(id, Component::Dispatcher(Box::new(dispatcher)), &[]);
        }

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(pipeline.run()).unwrap();

        // Each destination counts a transaction's rows for itself, and each has a last one.
        let seen = |store: &Mutex<Vec<Stored>>| -> Vec<(u64, bool)> {
            let rows = store.lock().unwrap();
            rows.iter().map(|row| (row.offset, row.commit)).collect()
        };
        assert_eq!(seen(&kept), [(0, false), (1, true)]);
        assert_eq!(seen(&gone), [(0, true)]);
    }

    #[test]
    fn a_destination_that_is_not_one_is_an_error_of_the_configuration() {
        let invalid = built(&["kept", "away"]).err().unwrap();
        assert_eq!(invalid.key, "deletes");
        assert_eq!(invalid.message, "`gone` is not one of `destinations`");
    }
}
