//! Runs a [`Dispatcher`]: gathers batches, numbers rows, writes, repeats what failed, confirms.

mod load;
mod refused;

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use self::load::Load;
use crate::component::{ComponentApi, ComponentKind, Dispatcher, Incoming, WriteError};
use crate::config::Delivery as Settings;
use crate::event::Event;
use crate::fault::{Exit, Fault, Severity};
use crate::router::{Delivery, EventRouter, RouterError};
use crate::runtime::backoff::Backoff;
use crate::runtime::numbering::Numbering;
use crate::runtime::outage::Outage;
use crate::runtime::refusals::Refusals;
use crate::runtime::status::ComponentStatus;
use crate::runtime::stop::Stop;

/// A [`Dispatcher`] with the duties that the runtime takes from it.
pub(crate) struct Dispatching {
    pub id: String,
    pub dispatcher: Mutex<Box<dyn Dispatcher>>,
    pub settings: Settings,
    pub status: Arc<ComponentStatus>,
    pub refusals: Arc<Refusals>,
    pub stop: Stop,
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
        let backoff = Backoff::up_to(dispatcher.longest_wait());
        let mut task = Task {
            component: self,
            router: &router,
            dispatcher: dispatcher.as_mut(),
            backoff,
            outage: Outage::default(),
            numbering: Numbering::default(),
            next: None,
        };
        tokio::select! {
            biased;
            // What is not durable by then is dropped, and is read again at the next start.
            () = self.stop.over() => Ok(()),
            ended = task.run() => ended.map_err(Into::into),
        }
    }
}

/// A dispatcher's life from its first connection to its end.
struct Task<'a> {
    component: &'a Dispatching,
    router: &'a EventRouter,
    dispatcher: &'a mut dyn Dispatcher,
    backoff: Backoff,
    outage: Outage,
    numbering: Numbering,
    /// What came while a write was under way, and was too little to go with it.
    next: Option<Delivery>,
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

impl Task<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        self.connect().await?;
        self.outage.over(&self.component.id);
        let mut load = Load::default();
        while self.gather(&mut load).await? {
            self.write(&mut load).await?;
            load.confirm();
        }
        self.dispatcher.close().await
    }

    /// Waits for the first batch of a load, and keeps the connection alive meanwhile; `None` once nothing more comes.
    async fn first(&mut self) -> Result<Option<Delivery>, Fault> {
        if let Some(delivery) = self.next.take() {
            return Ok(Some(delivery));
        }
        let id = &self.component.id;
        loop {
            let fault = tokio::select! {
                biased;
                polled = self.router.poll_event(id) => match polled {
                    Ok(delivery) => return Ok(Some(delivery)),
                    Err(RouterError::Closed { .. }) => return Ok(None),
                    Err(error) => return Err(self.unreceived(error)),
                },
                fault = self.dispatcher.idle() => fault,
            };
            match fault.severity {
                Severity::Retry { after } => {
                    self.wait(&fault, after).await;
                    self.connect().await?;
                    // Nothing waits to be written, which would show what the connection is worth.
                    self.outage.over(&self.component.id);
                }
                Severity::Reject | Severity::Stop(_) => return Err(fault),
            }
        }
    }

    fn unreceived(&self, error: RouterError) -> Fault {
        let doing = format!("receive what comes to `{}`", self.component.id);
        Fault::stop(Exit::Software, doing, error)
    }

    /// Fills `load` with at least one batch; `false` once nothing more comes.
    async fn gather(&mut self, load: &mut Load) -> Result<bool, Fault> {
        let Some(first) = self.first().await? else {
            return Ok(false);
        };
        load.add(first, &mut self.numbering);
        let settings = &self.component.settings;
        let id = &self.component.id;
        let until = Instant::now() + settings.batch.linger.get();
        while !load.is_full(settings, 1) {
            if let Some(delivery) = self.try_next()? {
                load.add(delivery, &mut self.numbering);
                continue;
            }
            match timeout_at(until, self.router.poll_event(id)).await {
                Ok(Ok(delivery)) => load.add(delivery, &mut self.numbering),
                Ok(Err(RouterError::Closed { .. })) | Err(_) => break,
                Ok(Err(error)) => return Err(self.unreceived(error)),
            }
        }
        let most = self.dispatcher.batches_at_once();
        while !load.is_full(settings, most)
            && let Some(delivery) = self.try_next()?
        {
            load.add(delivery, &mut self.numbering);
        }
        Ok(true)
    }

    fn try_next(&self) -> Result<Option<Delivery>, Fault> {
        let next = self.router.try_poll_event(&self.component.id);
        next.map_err(|error| self.unreceived(error))
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
            let written = arriving.range;
            match outcome {
                Ok(()) => {
                    self.count(load.events.get(written.clone()).unwrap_or_default());
                    self.backoff.reset();
                    self.outage.over(&self.component.id);
                    start = written.end;
                }
                Err(error) => start = self.after(error, written, load).await?,
            }
        }
        Ok(())
    }

    /// Does what a write that did not go through asks for, and returns where the events begin that are still to be written.
    async fn after(
        &mut self,
        error: WriteError,
        written: Range<usize>,
        load: &mut Load,
    ) -> Result<usize, Fault> {
        let WriteError {
            durable,
            rows,
            mut ahead,
            refused,
            fault,
        } = error;
        let start = written.start + durable.min(written.len());
        let is_progress = durable > 0 || rows > 0 || !refused.is_empty() || !ahead.is_empty();
        let done = load.events.get(written.start..start).unwrap_or_default();
        let mut count = done.iter().map(|event| u64::from(event.len())).sum();
        count += u64::from(rows) + ahead.len() as u64;
        let is_before = |event: usize, row: u32| (event, row) < (durable, rows);
        let behind = |refused: &&crate::component::Refusal| !is_before(refused.event, refused.row);
        count -= refused.iter().filter(|refused| !behind(refused)).count() as u64;
        self.component.status.add(count, 0);
        // All that is done with, as it stands in the load.
        ahead.extend(
            refused
                .iter()
                .filter(behind)
                .map(|refused| (refused.event, refused.row)),
        );
        ahead.extend((0..rows).map(|row| (durable, row)));
        ahead.sort_unstable();
        ahead.dedup();
        for (event, _) in &mut ahead {
            *event += written.start;
        }
        self.refuse(refused, written.start, load).await?;
        load.leave_out(start, &ahead);
        if is_progress {
            self.backoff.reset();
            self.outage.over(&self.component.id);
        }
        match fault {
            None if is_progress => {}
            None => {
                let doing = format!("write to `{}`", self.component.id);
                let why = "the write failed and did not say why";
                return Err(Fault::stop(Exit::Software, doing, why));
            }
            Some(fault) => match fault.severity {
                Severity::Retry { after } => {
                    self.wait(&fault, after).await;
                    self.connect().await?;
                }
                Severity::Reject | Severity::Stop(_) => return Err(fault),
            },
        }
        Ok(start)
    }

    fn count(&self, events: &[Event]) {
        let rows = events.iter().map(|event| u64::from(event.len())).sum();
        self.component.status.add(rows, 0);
    }

    /// Connects, again and again through outages.
    async fn connect(&mut self) -> Result<(), Fault> {
        loop {
            match self.dispatcher.connect().await {
                Ok(()) => {
                    let session = self.dispatcher.session();
                    self.component.status.set_connected(session);
                    self.outage.connected();
                    return Ok(());
                }
                Err(fault) => match fault.severity {
                    Severity::Retry { after } => self.wait(&fault, after).await,
                    Severity::Reject | Severity::Stop(_) => return Err(fault),
                },
            }
        }
    }

    async fn wait(&mut self, fault: &Fault, after: Option<Duration>) {
        self.component.status.set_ready(false);
        self.component.status.add_retry();
        let wait = self.backoff.next(after);
        self.outage.failed(&self.component.id, fault);
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
