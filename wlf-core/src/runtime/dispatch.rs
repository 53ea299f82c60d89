//! Runs a [`Dispatcher`]: gathers batches, numbers rows, writes, repeats what failed, confirms.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::component::{ComponentApi, ComponentKind, Dispatcher, Incoming, WriteError};
use crate::config::{Delivery as Settings, OnReject};
use crate::event::Event;
use crate::fault::{Exit, Fault, Severity};
use crate::router::{Delivery, EventRouter, RouterError};
use crate::runtime::backoff::Backoff;
use crate::runtime::collect::warn_of_outage;
use crate::runtime::numbering::Numbering;
use crate::runtime::receipt::Receipt;
use crate::runtime::status::ComponentStatus;

/// A [`Dispatcher`] with the duties that the runtime takes from it.
pub(crate) struct Dispatching {
    pub id: String,
    pub dispatcher: Mutex<Box<dyn Dispatcher>>,
    pub settings: Settings,
    pub status: Arc<ComponentStatus>,
}

#[async_trait]
impl ComponentApi for Dispatching {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Dispatcher
    }

    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>> {
        let mut dispatcher = self.dispatcher.lock().await;
        let mut course = Course {
            component: self,
            router: &router,
            dispatcher: dispatcher.as_mut(),
            backoff: Backoff::default(),
            numbering: Numbering::default(),
            next: None,
        };
        course.connect().await?;
        let mut load = Load::default();
        while course.gather(&mut load).await? {
            course.write(&mut load).await?;
            load.confirm();
        }
        course.dispatcher.close().await?;
        Ok(())
    }
}

/// One run of a dispatcher.
struct Course<'a> {
    component: &'a Dispatching,
    router: &'a EventRouter,
    dispatcher: &'a mut dyn Dispatcher,
    backoff: Backoff,
    numbering: Numbering,
    /// What came while a write was under way, and was too little to go with it.
    next: Option<Delivery>,
}

/// What is written together.
#[derive(Default)]
struct Load {
    events: Vec<Event>,
    /// For each event the index of the receipt that it belongs to.
    origins: Vec<usize>,
    receipts: Vec<Receipt>,
    rows: u64,
    bytes: usize,
}

impl Load {
    fn add(&mut self, delivery: Delivery, numbering: &mut Numbering) {
        let Delivery {
            batch,
            receipt,
            numbered,
        } = delivery;
        self.rows += batch.rows();
        self.bytes += batch.bytes;
        if numbered {
            self.events.extend(batch.events);
        } else {
            // A row that is held back belongs to the batch that lets it go: no position can be saved before that one,
            // because the transaction is still open.
            numbering.take(receipt.source(), batch, &mut self.events);
        }
        self.origins.resize(self.events.len(), self.receipts.len());
        self.receipts.push(receipt);
    }

    /// Whether it is as large as so many batches.
    fn is_full(&self, settings: &Settings, batches: u32) -> bool {
        let (rows, bytes) = (settings.batch.rows, settings.batch.bytes.as_usize());
        self.rows >= u64::from(rows) * u64::from(batches)
            || self.bytes >= bytes.saturating_mul(batches as usize)
    }

    /// States that all of it is durable.
    fn confirm(&mut self) {
        for receipt in self.receipts.drain(..) {
            receipt.delivered();
        }
        self.events.clear();
        self.origins.clear();
        self.rows = 0;
        self.bytes = 0;
    }
}

/// The events of a write that is under way.
struct Arriving<'a> {
    id: &'a str,
    router: &'a EventRouter,
    settings: &'a Settings,
    most: u32,
    numbering: &'a mut Numbering,
    next: &'a mut Option<Delivery>,
    load: &'a mut Load,
    /// Which events of the load they are.
    range: Range<usize>,
}

#[async_trait]
impl Incoming for Arriving<'_> {
    fn events(&self) -> &[Event] {
        self.load.events.get(self.range.clone()).unwrap_or_default()
    }

    async fn more(&mut self) -> bool {
        let is_all = self.range.end == self.load.events.len();
        if !is_all || self.next.is_some() || self.load.is_full(self.settings, self.most) {
            return false;
        }
        // Whatever is wrong is wrong when the next load is gathered too.
        let Ok(delivery) = self.router.poll_event(self.id).await else {
            return false;
        };
        let Delivery { batch, .. } = &delivery;
        let limits = &self.settings.batch;
        // A few rows wait for others, as they do where nothing is under way.
        if batch.bytes < limits.bytes.as_usize() / 2 && batch.rows() < u64::from(limits.rows) / 2 {
            *self.next = Some(delivery);
            return false;
        }
        self.load.add(delivery, self.numbering);
        self.range.end = self.load.events.len();
        true
    }
}

impl Course<'_> {
    /// Fills `load` with at least one batch; `false` once nothing more comes.
    async fn gather(&mut self, load: &mut Load) -> Result<bool, RouterError> {
        let settings = &self.component.settings;
        let id = &self.component.id;
        let first = match self.next.take() {
            Some(delivery) => Ok(delivery),
            None => self.router.poll_event(id).await,
        };
        match first {
            Ok(delivery) => load.add(delivery, &mut self.numbering),
            Err(RouterError::Closed { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        let until = Instant::now() + settings.batch.linger.get();
        while !load.is_full(settings, 1) {
            if let Some(delivery) = self.router.try_poll_event(id)? {
                load.add(delivery, &mut self.numbering);
                continue;
            }
            match timeout_at(until, self.router.poll_event(id)).await {
                Ok(Ok(delivery)) => load.add(delivery, &mut self.numbering),
                Ok(Err(RouterError::Closed { .. })) | Err(_) => break,
                Ok(Err(error)) => return Err(error),
            }
        }
        let most = self.dispatcher.batches_at_once();
        while !load.is_full(settings, most)
            && let Some(delivery) = self.router.try_poll_event(id)?
        {
            load.add(delivery, &mut self.numbering);
        }
        Ok(true)
    }

    async fn write(&mut self, load: &mut Load) -> Result<(), Fault> {
        let settings = &self.component.settings;
        let most = self.dispatcher.batches_at_once();
        let mut start = 0;
        while let Some(events) = load.events.get(start..)
            && let Some(first) = events.first()
        {
            if first.is_empty() {
                start += 1;
                continue;
            }
            // A batch may be as large as a transaction; what is encoded at once stays small all the same.
            let together = at_once(events, settings.batch.rows.saturating_mul(most));
            let mut arriving = Arriving {
                id: &self.component.id,
                router: self.router,
                settings,
                most,
                numbering: &mut self.numbering,
                next: &mut self.next,
                range: start..start + together,
                load,
            };
            let outcome = self.dispatcher.write_incoming(&mut arriving).await;
            let end = arriving.range.end;
            let events = load.events.get_mut(start..end).unwrap_or_default();
            let Err(WriteError {
                durable,
                rows,
                fault,
            }) = outcome
            else {
                self.count(events);
                self.backoff.reset();
                start = end;
                continue;
            };
            let durable = durable.min(events.len());
            let (done, rest) = events.split_at_mut(durable);
            self.count(done);
            start += durable;
            if let Some(front) = rest.first_mut() {
                let done = front.split_to(rows);
                self.count(std::slice::from_ref(&done));
            }
            if durable > 0 || rows > 0 {
                self.backoff.reset();
            }
            match fault.severity {
                Severity::Retry { after } => {
                    self.wait(&fault, after).await;
                    self.connect().await?;
                }
                Severity::Reject => {
                    let origin = load
                        .origins
                        .get(start)
                        .and_then(|&origin| load.receipts.get(origin));
                    if let Some(front) = load.events.get_mut(start) {
                        let row = front.split_to(1);
                        self.reject(row, fault, origin).await?;
                    }
                }
                Severity::Stop(_) => return Err(fault),
            }
        }
        Ok(())
    }

    fn count(&self, events: &[Event]) {
        self.component
            .status
            .add(events.iter().map(|event| u64::from(event.len())).sum(), 0);
    }

    /// Does with a row that the destination refuses what `delivery.on_reject` says.
    async fn reject(
        &mut self,
        row: Event,
        fault: Fault,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let table = format!("{}.{}", row.table.database, row.table.name);
        match &self.component.settings.on_reject {
            OnReject::Stop => Err(if fault.hint.is_some() {
                fault
            } else {
                fault.with_hint(
                    "`delivery.on_reject` can be `skip` or `{dead_letter: <dispatcher>}`",
                )
            }),
            OnReject::Skip => {
                self.component.status.add_rejected();
                tracing::warn!(
                    component = self.component.id,
                    table,
                    row = row.rows.start,
                    "skipped a row: {fault}"
                );
                Ok(())
            }
            OnReject::DeadLetter(id) if *id != self.component.id => {
                self.component.status.add_rejected();
                tracing::warn!(
                    component = self.component.id,
                    table,
                    row = row.rows.start,
                    "to `{id}`: {fault}"
                );
                let Some(receipt) = receipt else {
                    return Err(fault);
                };
                let doing = format!("send a rejected row of {table} to `{id}`");
                let stop = |error| Fault::stop(Exit::Software, doing, error);
                self.router
                    .send_event(Delivery::letter(row, receipt), id)
                    .await
                    .map_err(stop)
            }
            OnReject::DeadLetter(_) => {
                Err(fault.with_hint("the dead-letter dispatcher itself refused the row"))
            }
        }
    }

    /// Connects, again and again through outages.
    async fn connect(&mut self) -> Result<(), Fault> {
        loop {
            match self.dispatcher.connect().await {
                Ok(()) => {
                    self.component.status.set_ready(true);
                    return Ok(());
                }
                Err(fault) => match fault.severity {
                    Severity::Retry { after } => self.wait(&fault, after).await,
                    Severity::Reject | Severity::Stop(_) => return Err(fault),
                },
            }
        }
    }

    async fn wait(&mut self, fault: &Fault, after: Option<std::time::Duration>) {
        self.component.status.set_ready(false);
        self.component.status.add_retry();
        let wait = self.backoff.next(after);
        warn_of_outage(&self.component.id, fault, wait);
        sleep(wait).await;
    }
}

/// How many events from the front have `most` rows together, but at least one.
fn at_once(events: &[Event], most: u32) -> usize {
    let mut rows = 0;
    let fits = events.iter().take_while(|event| {
        rows += u64::from(event.len());
        rows <= u64::from(most)
    });
    fits.count().max(1).min(events.len())
}
