//! A transformer that chooses between destinations, which takes a [`ComponentApi`] of its own.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Invalid};
use wlf_core::{ComponentApi, ComponentKind, Event, EventRouter, Operation, RouterError};

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
        let Config { deletes } = self;
        let (chosen, others): (Vec<_>, _) =
            (context.destinations.iter().cloned()).partition(|destination| *destination == deletes);
        if chosen.is_empty() {
            let message = format!("`{deletes}` is not one of `destinations`");
            return Err(Invalid::new("deletes", message));
        }
        let id = context.id.clone();
        Ok(Component::Custom(Box::new(DeletesTransformer {
            id,
            deletes,
            others,
        })))
    }
}

struct DeletesTransformer {
    id: String,
    deletes: String,
    others: Vec<String>,
}

#[async_trait]
impl ComponentApi for DeletesTransformer {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transformer
    }

    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>> {
        let is_delete = |event: &Event| event.operation == Operation::Delete;
        loop {
            let mut rest = match router.poll_event(&self.id).await {
                Ok(delivery) => delivery,
                Err(RouterError::Closed { .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let mut deletes = rest.another();
            deletes.batch.events.retain(is_delete);
            rest.batch.events.retain(|event| !is_delete(event));
            // A batch that became empty goes on all the same: it may carry the end of a transaction.
            router.send_event(deletes, &self.deletes).await?;
            router.send_to_all(rest, &self.others).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use wlf_core::config::Delivery;
    use wlf_core::testing::{MemoryCollector, MemoryDispatcher, Step, Stored};
    use wlf_core::value::Records;
    use wlf_core::{Batch, Column, Mark, Pipeline, Table, Transaction};

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
            state: None,
        })
    }

    #[test]
    fn deletes_go_to_one_destination_and_the_rest_to_the_others() {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", "orders", columns, vec![0]));
        let mut events = vec![
            Records::insert(&table, [vec![1.into()], vec![2.into()]]),
            Records::delete(&table, [vec![1.into()]]),
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
