//! A pipeline as a whole: its components, how they are joined, and their common end.

use std::collections::HashMap;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use crate::component::{ComponentApi, ComponentKind};
use crate::config::{Component, Delivery, OnReject, Places};
use crate::fault::{Exit, Fault};
use crate::router::{EventRouter, RouterError};
use crate::runtime::collect::Collecting;
use crate::runtime::dispatch::Dispatching;
use crate::runtime::refusals::Refusals;
use crate::runtime::status::{ComponentStatus, Status};
use crate::runtime::stop::Stop;
use crate::runtime::transform::Transforming;
use crate::store::Store;

/// How long the others have to deliver what they have when a component ends with a fault; `delivery.drain` if that is less.
const DRAIN_AFTER_A_FAULT: Duration = Duration::from_secs(5);

/// How long components have to end, close connections and save positions once the time of what is under way is over.
const GRACE: Duration = Duration::from_secs(1);

/// Components that are joined and do not run yet.
pub struct Pipeline {
    router: EventRouter,
    delivery: Delivery,
    store: Option<Arc<dyn Store>>,
    members: Vec<Member>,
    refusals: Arc<Refusals>,
    stop: Stop,
}

struct Member {
    component: Box<dyn ComponentApi>,
    /// Where its events and its dead letters go.
    destinations: Vec<String>,
    status: Arc<ComponentStatus>,
}

impl Pipeline {
    pub fn new(delivery: Delivery, store: Option<Arc<dyn Store>>) -> Self {
        let router = EventRouter::new(delivery.max_in_flight.as_usize());
        let stop = Stop::new(delivery.drain.get());
        Self {
            router,
            delivery,
            store,
            members: Vec::new(),
            refusals: Arc::default(),
            stop,
        }
    }

    /// Adds a component; its destinations may be added before or after it.
    ///
    /// # Errors
    /// If its id is taken.
    pub fn add(
        &mut self,
        id: &str,
        component: Component,
        destinations: Vec<String>,
    ) -> Result<(), RouterError> {
        let delivery = self.delivery.clone();
        self.add_with(id, component, destinations, delivery)
    }

    /// As [`add`](Self::add), with what holds for a dispatcher instead of what holds for all: batches and `on_reject`.
    ///
    /// # Errors
    /// If its id is taken.
    pub fn add_with(
        &mut self,
        id: &str,
        component: Component,
        destinations: Vec<String>,
        delivery: Delivery,
    ) -> Result<(), RouterError> {
        let id = id.to_owned();
        let status = |kind| ComponentStatus::new(id.clone(), kind);
        let (component, destinations, status): (Box<dyn ComponentApi>, _, _) = match component {
            Component::Collector(collector) => {
                let status = status(ComponentKind::Collector);
                let collecting = Collecting {
                    id,
                    destinations: destinations.clone(),
                    collector: Mutex::new(collector),
                    store: self.store.clone(),
                    max_in_flight: self.delivery.max_in_flight.as_usize(),
                    // One write's worth may wait for each that is under way, and another is being read.
                    read_ahead: self.delivery.batch.bytes.as_usize().saturating_mul(2),
                    status: Arc::clone(&status),
                    stop: self.stop.clone(),
                };
                (Box::new(collecting), destinations, status)
            }
            Component::Transformer(transformer) => {
                let status = status(ComponentKind::Transformer);
                let transforming = Transforming {
                    id,
                    destinations: destinations.clone(),
                    transformer: Mutex::new(transformer),
                    on_reject: self.delivery.on_reject.clone(),
                    // The other half is for what comes while that is on its way.
                    most_held: self.delivery.max_in_flight.as_usize() / 2,
                    status: Arc::clone(&status),
                    refusals: Arc::clone(&self.refusals),
                };
                let mut destinations = destinations;
                if let OnReject::DeadLetter(letters) = &self.delivery.on_reject {
                    destinations.push(letters.clone());
                }
                (Box::new(transforming), destinations, status)
            }
            Component::Dispatcher(dispatcher) => {
                let letters = match &delivery.on_reject {
                    OnReject::DeadLetter(letters) if *letters != id => vec![letters.clone()],
                    OnReject::DeadLetter(_) | OnReject::Stop | OnReject::Skip | OnReject::Nack => {
                        Vec::new()
                    }
                };
                let status = status(ComponentKind::Dispatcher);
                let dispatching = Dispatching {
                    id,
                    dispatcher: Mutex::new(dispatcher),
                    settings: delivery,
                    status: Arc::clone(&status),
                    refusals: Arc::clone(&self.refusals),
                    stop: self.stop.clone(),
                };
                (Box::new(dispatching), letters, status)
            }
            Component::Custom(component) => {
                let status = status(component.kind());
                // The runtime does not see into it; it counts as ready from the start.
                status.set_ready(true);
                (component, destinations, status)
            }
        };
        self.router.register_component(component.as_ref())?;
        self.members.push(Member {
            component,
            destinations,
            status,
        });
        Ok(())
    }

    /// Says where the entry of a component stands, for what is said of the rows that it refuses.
    pub fn add_places(&mut self, id: &str, places: Places) {
        self.refusals.add_places(id.to_owned(), places);
    }

    /// What the components are doing, to be looked at while the pipeline runs.
    pub fn status(&self) -> Arc<Status> {
        Arc::new(Status::new(
            self.members
                .iter()
                .map(|member| Arc::clone(&member.status))
                .collect(),
        ))
    }

    /// A way to end the pipeline: collectors read no more, what is under way has `delivery.drain` to become durable, and
    /// positions are saved.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs until every collector has ended and everything is delivered, or until somebody asks it to stop.
    ///
    /// # Errors
    /// The first fault that a component cannot go on after. What is durable by then is saved.
    pub async fn run(self) -> Result<(), Fault> {
        let refusals = Arc::clone(&self.refusals);
        let result = {
            let running = pin!(self.run_all());
            let telling = pin!(refusals.sum_up());
            match select(running, telling).await {
                Either::Left((result, _)) => result,
                Either::Right(((), running)) => running.await,
            }
        };
        refusals.tell();
        result
    }

    async fn run_all(self) -> Result<(), Fault> {
        let mut upstream: HashMap<String, usize> = HashMap::new();
        for destination in self.members.iter().flat_map(|member| &member.destinations) {
            *upstream.entry(destination.clone()).or_default() += 1;
        }
        let router = Arc::new(self.router);
        let mut tasks = JoinSet::new();
        for Member {
            component,
            destinations,
            ..
        } in self.members
        {
            if !upstream.contains_key(component.id()) {
                router.close(component.id());
            }
            let router = Arc::clone(&router);
            let kind = component.kind();
            tasks.spawn(async move {
                let id = component.id().to_owned();
                let result = component
                    .run(router)
                    .await
                    .map_err(|error| as_fault(&id, error));
                (id, kind, destinations, result)
            });
        }
        let mut first: Option<Fault> = None;
        // What is under way has its time; who does not end then is not waited for.
        let given_up = async {
            self.stop.over().await;
            sleep(GRACE).await;
        };
        tokio::pin!(given_up);
        loop {
            let joined = tokio::select! {
                biased;
                joined = tasks.join_next() => joined,
                () = &mut given_up => None,
            };
            let Some(joined) = joined else {
                return first.map_or(Ok(()), Err);
            };
            let (kind, result) = match joined {
                Ok((id, kind, destinations, result)) => {
                    if result.is_err() {
                        // Nobody waits for what it has not taken.
                        router.abandon(&id);
                    }
                    for destination in destinations {
                        let left = upstream.entry(destination.clone()).or_insert(1);
                        *left = left.saturating_sub(1);
                        if *left == 0 {
                            router.close(&destination);
                        }
                    }
                    (Some(kind), result)
                }
                Err(error) => (None, Err(crashed(error))),
            };
            let Err(fault) = result else { continue };
            if first.is_none() {
                first = Some(fault);
                self.stop.ask_within(DRAIN_AFTER_A_FAULT);
            } else if kind == Some(ComponentKind::Collector) && !fault.source.is::<RouterError>() {
                // That nobody took what it sent follows from the first fault.
                tracing::warn!("while stopping: {fault}");
            }
        }
    }
}

/// What the component failed with, as a fault; errors of components that bring their own `run` stop the program.
fn as_fault(id: &str, error: Box<dyn Error>) -> Fault {
    match error.downcast::<Fault>() {
        Ok(fault) => *fault,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            Fault::stop(Exit::Software, format!("run `{id}`"), text)
        }
    }
}

fn crashed(error: JoinError) -> Fault {
    Fault::stop(Exit::Software, "run a component", error)
        .with_hint("this is a bug in the component; please report it")
}
