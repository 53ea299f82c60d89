//! Runs a [`Collector`]: reads, sends on, saves positions, connects again.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::component::{Collector, ComponentApi, ComponentKind};
use crate::event::{Batch, Mark, Position};
use crate::fault::{Fault, Severity};
use crate::router::{Delivery, EventRouter, RouterError};
use crate::runtime::backoff::Backoff;
use crate::runtime::checkpoint::{Checkpoint, broken};
use crate::runtime::desk::Desk;
use crate::runtime::outage::Outage;
use crate::runtime::state::load_position;
use crate::runtime::status::ComponentStatus;
use crate::runtime::stop::Stop;
use crate::store::Store;

/// A [`Collector`] with the duties that the runtime takes from it.
pub(crate) struct Collecting {
    pub id: String,
    pub destinations: Vec<String>,
    pub collector: Mutex<Box<dyn Collector>>,
    pub store: Option<Arc<dyn Store>>,
    pub max_in_flight: usize,
    /// Nothing is read while so many bytes wait for a destination that has not begun to write them.
    pub read_ahead: usize,
    pub status: Arc<ComponentStatus>,
    pub stop: Stop,
}

#[async_trait]
impl ComponentApi for Collecting {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Collector
    }

    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>> {
        let mut collector = self.collector.lock().await;
        let ledger = Arc::clone(router.ledger(&self.id)?);
        let read = match &self.store {
            Some(store) => load_position(store.as_ref(), &self.id).await?,
            None => None,
        };
        let desk = Desk::new(Arc::clone(&ledger), self.max_in_flight, self.read_ahead);
        let desk = Arc::new(desk);
        let mut task = Task {
            component: self,
            router: &router,
            collector: collector.as_mut(),
            checkpoint: Checkpoint::new(
                self.id.clone(),
                self.store.clone(),
                ledger,
                Arc::clone(&desk),
            ),
            desk,
            read,
            backoff: Backoff::default(),
            outage: Outage::default(),
        };
        task.run().await.map_err(Into::into)
    }
}

/// A collector's life from its first connection to its end.
struct Task<'a> {
    component: &'a Collecting,
    router: &'a EventRouter,
    collector: &'a mut dyn Collector,
    checkpoint: Checkpoint,
    desk: Arc<Desk>,
    /// The last transaction boundary that was read.
    read: Option<Position>,
    backoff: Backoff,
    outage: Outage,
}

/// Why reading paused.
enum Pause {
    Ended,
    /// An outage: connect again.
    Outage(Fault),
    /// Somebody else failed, or asked for the end.
    Stopped,
}

impl Task<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        let result = self.read_to_the_end().await;
        if let Err(fault) = &result {
            tracing::debug!(
                component = self.component.id,
                "ends once what was read is delivered: {fault}"
            );
        }
        // What was read before the end or before the fault is delivered first.
        let drained = self.drain().await;
        let desk = Arc::clone(&self.desk);
        let closed = self.collector.close(&desk).await;
        if let Err(fault) = &closed {
            tracing::warn!(component = self.component.id, "while closing: {fault}");
        }
        result.and(drained)
    }

    async fn read_to_the_end(&mut self) -> Result<(), Fault> {
        loop {
            let pause = match self.connect().await? {
                None => self.read().await?,
                Some(pause) => pause,
            };
            match pause {
                Pause::Ended | Pause::Stopped => return Ok(()),
                Pause::Outage(fault) => {
                    self.component.status.set_ready(false);
                    self.component.status.add_retry();
                    if !self.wait_before_retry(&fault).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Connects once; `None` if that went well.
    async fn connect(&mut self) -> Result<Option<Pause>, Fault> {
        let connected = tokio::select! {
            biased;
            () = self.component.stop.asked() => return Ok(Some(Pause::Stopped)),
            fault = self.checkpoint.keep() => return Err(fault),
            connected = self.collector.connect(self.read.as_ref()) => connected,
        };
        if let Err(fault) = connected {
            return outage(fault).map(Some);
        }
        let at = self.collector.position().or_else(|| self.read.clone());
        let status = &self.component.status;
        status.set_read(at, self.collector.progress(), None);
        status.set_connected(self.collector.session());
        self.outage.connected();
        Ok(None)
    }

    async fn read(&mut self) -> Result<Pause, Fault> {
        let stop = &self.component.stop;
        loop {
            let mut reading = self.collector.read(&self.desk);
            let outcome = loop {
                tokio::select! {
                    biased;
                    () = stop.asked() => break None,
                    fault = self.checkpoint.keep() => return Err(fault),
                    outcome = &mut reading => break Some(outcome),
                    () = self.outage.lasted() => self.outage.over(&self.component.id),
                }
            };
            let Some(outcome) = outcome else {
                self.desk.stop();
                end(self.component, self.router).await?;
                // The collector goes on to acknowledge what becomes durable. What it reads now was never entered: its source
                // gives it again.
                let mut is_on_its_way = true;
                loop {
                    let outcome = tokio::select! {
                        biased;
                        () = stop.over() => None,
                        // What went wrong is said once more when all is saved at the end.
                        _ = self.checkpoint.drain() => None,
                        outcome = &mut reading => Some(outcome),
                    };
                    // One batch may have been on its way. Who gives more does not wait for room, and is read no further.
                    let Some(Ok(Some(_))) = outcome.filter(|_| is_on_its_way) else {
                        break;
                    };
                    is_on_its_way = false;
                    drop(reading);
                    reading = self.collector.read(&self.desk);
                }
                return Ok(Pause::Stopped);
            };
            drop(reading);
            match outcome {
                Ok(Some(batch)) => {
                    self.backoff.reset();
                    self.outage.over(&self.component.id);
                    self.send(batch).await?;
                }
                Ok(None) => {
                    self.outage.over(&self.component.id);
                    return Ok(Pause::Ended);
                }
                Err(fault) => return outage(fault),
            }
        }
    }

    async fn send(&mut self, batch: Batch) -> Result<(), Fault> {
        let Collecting { id, status, .. } = self.component;
        status.add(batch.rows(), batch.bytes as u64);
        if let Mark::Upto(position) = &batch.mark {
            self.read = Some(position.clone());
        }
        let time = batch.events.last().map(|event| event.time);
        status.set_read(self.read.clone(), self.collector.progress(), time);
        // A collector asks its desk for room before it reads. One that does not waits here, and is not polled meanwhile.
        if !self.desk.fits() {
            tokio::select! {
                biased;
                () = self.component.stop.over() => return Ok(()),
                fault = self.checkpoint.keep() => return Err(fault),
                () = self.desk.room_for_read() => {}
            }
        }
        let delivery = self.router.enter(id, batch);
        pass_on(self.component, self.router, delivery).await
    }

    /// Waits until everything that was sent is durable, and saves the last position.
    async fn drain(&mut self) -> Result<(), Fault> {
        end(self.component, self.router).await?;
        let stop = &self.component.stop;
        let drained = tokio::select! {
            biased;
            () = stop.over() => Ok(()),
            drained = self.checkpoint.drain() => drained,
        };
        // After somebody else's fault, or when the time is over, others drop what they have: it is read again.
        let drained = if stop.is_asked() { Ok(()) } else { drained };
        drained.and(self.checkpoint.finish().await)
    }

    /// Waits with backoff, still saving what becomes durable; `false` if the pipeline stops meanwhile.
    async fn wait_before_retry(&mut self, fault: &Fault) -> Result<bool, Fault> {
        let after = if let Severity::Retry { after } = fault.severity {
            after
        } else {
            None
        };
        let wait = self.backoff.next(after);
        self.outage.failed(&self.component.id, fault);
        tokio::select! {
            biased;
            () = self.component.stop.asked() => Ok(false),
            fault = self.checkpoint.keep() => Err(fault),
            () = sleep(wait) => Ok(true),
        }
    }
}

/// Says behind all that was read that nothing more comes, if somebody may wait for more: a destination for the next row of a
/// transaction, a transformer for more to go with what it holds.
async fn end(component: &Collecting, router: &EventRouter) -> Result<(), Fault> {
    let sent = |error| broken(&component.id, error);
    let ledger = router.ledger(&component.id).map_err(sent)?;
    // Whoever waits for more has a receipt.
    if ledger.is_lost() || ledger.is_empty() {
        return Ok(());
    }
    pass_on(component, router, router.enter_end(&component.id)).await
}

/// Sends a batch to the collector's destinations.
async fn pass_on(
    component: &Collecting,
    router: &EventRouter,
    delivery: Result<Delivery, RouterError>,
) -> Result<(), Fault> {
    let sent = match delivery {
        Ok(delivery) => {
            let destinations = &component.destinations;
            router.send_to_all(delivery, destinations).await
        }
        Err(error) => Err(error),
    };
    sent.map_err(|error| broken(&component.id, error))
}

fn outage(fault: Fault) -> Result<Pause, Fault> {
    match fault.severity {
        Severity::Retry { .. } => Ok(Pause::Outage(fault)),
        Severity::Reject | Severity::Stop(_) => Err(fault),
    }
}
