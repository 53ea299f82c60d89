//! Runs a [`Collector`]: reads, sends on, saves positions, connects again.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::component::{Collector, ComponentApi, ComponentKind};
use crate::event::{Batch, Position};
use crate::fault::{Exit, Fault, Severity};
use crate::router::{EventRouter, RouterError};
use crate::runtime::backoff::Backoff;
use crate::runtime::receipt::Ledger;
use crate::runtime::state::StateDirectory;
use crate::runtime::status::ComponentStatus;
use crate::runtime::stop::Stop;

/// Saving is a file, a sync and a rename; more often than this it would cost more than it gives.
const SAVE_INTERVAL: Duration = Duration::from_millis(200);

/// A [`Collector`] with the duties that the runtime takes from it.
pub(crate) struct Collecting {
    pub id: String,
    pub destinations: Vec<String>,
    pub collector: Mutex<Box<dyn Collector>>,
    pub state: Option<StateDirectory>,
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
        let read = match &self.state {
            Some(state) => state.load(&self.id)?,
            None => None,
        };
        let mut course = Course {
            component: self,
            router: &router,
            collector: collector.as_mut(),
            checkpoint: Checkpoint {
                ledger,
                unsaved: None,
                save_at: None,
            },
            read,
        };
        course.run().await.map_err(Into::into)
    }
}

/// One run of a collector.
struct Course<'a> {
    component: &'a Collecting,
    router: &'a EventRouter,
    collector: &'a mut dyn Collector,
    checkpoint: Checkpoint,
    /// The last transaction boundary that was read.
    read: Option<Position>,
}

/// What is durable but not saved yet.
struct Checkpoint {
    ledger: Arc<Ledger>,
    unsaved: Option<Position>,
    save_at: Option<Instant>,
}

/// Why reading paused.
enum Pause {
    Ended,
    /// An outage: connect again.
    Outage(Fault),
    /// Somebody else failed, or asked for the end.
    Stopped,
}

impl Course<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        let mut backoff = Backoff::default();
        let result = loop {
            match self.connect_and_read(&mut backoff).await {
                Ok(Pause::Ended) => break Ok(()),
                Ok(Pause::Stopped) => {
                    self.checkpoint.note();
                    return self.save().await;
                }
                Ok(Pause::Outage(fault)) => {
                    self.component.status.set_ready(false);
                    self.component.status.add_retry();
                    if !self.wait_before_retry(&mut backoff, &fault).await? {
                        self.checkpoint.note();
                        return self.save().await;
                    }
                }
                Err(fault) => break Err(fault),
            }
        };
        // What was read before the end or before the fault is delivered first.
        self.drain().await?;
        result
    }

    async fn connect_and_read(&mut self, backoff: &mut Backoff) -> Result<Pause, Fault> {
        let connected = tokio::select! {
            connected = self.collector.connect(self.read.as_ref()) => connected,
            () = self.component.stop.asked() => return Ok(Pause::Stopped),
        };
        if let Err(fault) = connected {
            return outage(fault);
        }
        let at = self.collector.position().or_else(|| self.read.clone());
        self.component
            .status
            .set_place(at, self.collector.progress());
        self.component.status.set_ready(true);
        loop {
            let ledger = &self.checkpoint.ledger;
            let room = ledger.in_flight() < self.component.max_in_flight
                && ledger.waiting() < self.component.read_ahead;
            tokio::select! {
                biased;
                () = self.component.stop.asked() => return Ok(Pause::Stopped),
                () = self.checkpoint.ledger.changed() => {
                    self.check_lost()?;
                    self.checkpoint.note();
                }
                () = self.checkpoint.due() => self.save().await?,
                batch = self.collector.read(), if room => match batch {
                    Ok(Some(batch)) => {
                        backoff.reset();
                        self.send(batch).await?;
                    }
                    Ok(None) => return Ok(Pause::Ended),
                    Err(fault) => return outage(fault),
                },
            }
        }
    }

    async fn send(&mut self, batch: Batch) -> Result<(), Fault> {
        let status = &self.component.status;
        status.add(batch.rows(), batch.bytes as u64);
        if batch.position.is_some() {
            self.read.clone_from(&batch.position);
        }
        status.set_place(self.read.clone(), self.collector.progress());
        let id = &self.component.id;
        let sent = match self.router.admit(id, batch).await {
            Ok(delivery) => {
                self.router
                    .send_to_all(delivery, &self.component.destinations)
                    .await
            }
            Err(error) => Err(error),
        };
        sent.map_err(|error| self.broken(error))
    }

    /// Waits until everything that was sent is durable, and saves the last position.
    async fn drain(&mut self) -> Result<(), Fault> {
        while !self.checkpoint.ledger.is_empty() {
            tokio::select! {
                biased;
                () = self.component.stop.asked() => break,
                () = self.checkpoint.ledger.changed() => {
                    self.check_lost()?;
                    self.checkpoint.note();
                }
                () = self.checkpoint.due() => self.save().await?,
            }
        }
        self.checkpoint.note();
        self.save().await
    }

    /// Waits with backoff, still saving what becomes durable; `false` if the pipeline stops meanwhile.
    async fn wait_before_retry(
        &mut self,
        backoff: &mut Backoff,
        fault: &Fault,
    ) -> Result<bool, Fault> {
        let after = if let Severity::Retry { after } = fault.severity {
            after
        } else {
            None
        };
        let wait = backoff.next(after);
        warn_of_outage(&self.component.id, fault, wait);
        let ready = sleep(wait);
        tokio::pin!(ready);
        loop {
            tokio::select! {
                biased;
                () = self.component.stop.asked() => return Ok(false),
                () = self.checkpoint.ledger.changed() => {
                    self.check_lost()?;
                    self.checkpoint.note();
                }
                () = self.checkpoint.due() => self.save().await?,
                () = &mut ready => return Ok(true),
            }
        }
    }

    fn check_lost(&self) -> Result<(), Fault> {
        if self.checkpoint.ledger.is_lost() {
            return Err(self.broken(RouterError::Lost {
                id: self.component.id.clone(),
            }));
        }
        Ok(())
    }

    fn broken(&self, error: RouterError) -> Fault {
        Fault::stop(
            Exit::Software,
            format!("send what `{}` read", self.component.id),
            error,
        )
    }

    async fn save(&mut self) -> Result<(), Fault> {
        self.checkpoint.save_at = None;
        let Some(position) = self.checkpoint.unsaved.take() else {
            return Ok(());
        };
        if let Some(state) = &self.component.state {
            state.save(&self.component.id, &position)?;
        }
        self.collector.commit(&position).await
    }
}

impl Checkpoint {
    fn note(&mut self) {
        if let Some(position) = self.ledger.take_durable() {
            self.unsaved = Some(position);
            self.save_at
                .get_or_insert_with(|| Instant::now() + SAVE_INTERVAL);
        }
    }

    async fn due(&self) {
        match self.save_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

fn outage(fault: Fault) -> Result<Pause, Fault> {
    match fault.severity {
        Severity::Retry { .. } => Ok(Pause::Outage(fault)),
        Severity::Reject | Severity::Stop(_) => Err(fault),
    }
}

/// Says once for each try that something is tried again, and when.
pub(crate) fn warn_of_outage(id: &str, fault: &Fault, wait: Duration) {
    match &fault.hint {
        Some(hint) => tracing::warn!(
            component = id,
            %hint,
            "{fault}; trying again in {wait:.1?}"
        ),
        None => tracing::warn!(component = id, "{fault}; trying again in {wait:.1?}"),
    }
}
