//! Runs a [`Transformer`]: gives it batches and turns, and sends on what it makes of them.

mod rejected;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::select_all;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::component::{ComponentApi, ComponentKind, Transformer};
use crate::config::OnReject;
use crate::event::Batch;
use crate::fault::{Exit, Fault, Severity};
use crate::router::{Delivery, EventRouter, RouterError};
use crate::runtime::ledger::Ledger;
use crate::runtime::out::{Emissions, Out, rows};
use crate::runtime::refusals::Refusals;
use crate::runtime::status::ComponentStatus;
use crate::turn;

/// A [`Transformer`] with the duties that the runtime takes from it.
pub(crate) struct Transforming {
    pub id: String,
    pub destinations: Vec<String>,
    pub transformer: Mutex<Box<dyn Transformer>>,
    pub on_reject: OnReject,
    /// Everything is flushed when batches of so many bytes are held, of one collector.
    pub most_held: usize,
    pub status: Arc<ComponentStatus>,
    pub refusals: Arc<Refusals>,
}

#[async_trait]
impl ComponentApi for Transforming {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transformer
    }

    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>> {
        let mut transformer = self.transformer.lock().await;
        let mut task = Task {
            component: self,
            router: &router,
            transformer: transformer.as_mut(),
            holder: Arc::default(),
            held: Vec::new(),
        };
        task.run().await.map_err(Into::into)
    }
}

/// A transformer's life from its first batch to its end.
struct Task<'a> {
    component: &'a Transforming,
    router: &'a EventRouter,
    transformer: &'a mut dyn Transformer,
    /// Shared with every duty that the transformer holds.
    holder: Arc<()>,
    /// Whose batches it may hold.
    held: Vec<Arc<Ledger>>,
}

/// What happens next.
enum Next {
    Batch(Delivery),
    Flush,
    Wake,
    Ended,
}

impl Task<'_> {
    async fn run(&mut self) -> Result<(), Fault> {
        loop {
            // One who always has something due still gets what comes.
            let is_due = |at: Instant| at <= Instant::now();
            if self.transformer.wake_at().is_some_and(is_due) {
                self.wake().await?;
            }
            match self.next().await? {
                Next::Batch(delivery) if delivery.is_end => {
                    self.flush().await?;
                    self.send_to_all(delivery).await?;
                }
                Next::Batch(delivery) => self.apply(delivery).await?,
                Next::Flush => self.flush().await?,
                Next::Wake => {}
                Next::Ended => return self.flush().await,
            }
            turn::pass_on().await;
        }
    }

    async fn next(&mut self) -> Result<Next, Fault> {
        let wake_at = self.transformer.wake_at();
        let due = async {
            match wake_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let id = &self.component.id;
        tokio::select! {
            biased;
            () = too_much(&self.held, self.component.most_held) => Ok(Next::Flush),
            polled = self.router.poll_event(id) => match polled {
                Ok(delivery) => Ok(Next::Batch(delivery)),
                Err(RouterError::Closed { .. }) => Ok(Next::Ended),
                Err(error) => Err(self.unsent(error)),
            },
            () = due => Ok(Next::Wake),
        }
    }

    /// Has the transformer take a batch. One that became empty goes on to each destination all the same, with its mark and
    /// the end of a transaction.
    async fn apply(&mut self, delivery: Delivery) -> Result<(), Fault> {
        let Delivery {
            batch,
            receipt,
            numbered,
            is_end,
        } = delivery;
        let whole = self.kept(&batch);
        let mut rest = Batch {
            events: Vec::new(),
            mark: batch.mark.clone(),
            ..batch
        };
        let component = self.component;
        let destinations = &component.destinations;
        let mut out = Out::new(&receipt, &self.holder, destinations.len());
        let applied = self.transformer.apply(batch, &mut out);
        let Out {
            mut ports,
            rejected,
            rows,
            emissions,
            ..
        } = out;
        match applied {
            Ok(()) => self.reject(rejected, &receipt).await?,
            Err(fault) if fault.severity == Severity::Reject => {
                ports.iter_mut().for_each(Vec::clear);
                self.reject_whole(whole, fault, &receipt).await?;
            }
            Err(fault) => return Err(ended_by(fault)),
        }
        self.note_held(receipt.ledger());
        self.component.status.add(rows, 0);
        self.send_made(emissions).await?;
        let last = ports.pop();
        for (events, destination) in ports.into_iter().zip(destinations) {
            let delivery = Delivery {
                batch: Batch {
                    events,
                    ..rest.clone()
                },
                receipt: receipt.another(),
                numbered,
                is_end,
            };
            self.send(delivery, destination).await?;
        }
        rest.events = last.unwrap_or_default();
        let delivery = Delivery {
            batch: rest,
            receipt,
            numbered,
            is_end,
        };
        match destinations.last() {
            Some(destination) => self.send(delivery, destination).await,
            None => {
                delivery.delivered();
                Ok(())
            }
        }
    }

    async fn wake(&mut self) -> Result<(), Fault> {
        let mut emissions = Emissions::default();
        self.transformer.wake(&mut emissions).map_err(ended_by)?;
        self.send_made(emissions).await
    }

    /// Has the transformer give on all that it holds.
    async fn flush(&mut self) -> Result<(), Fault> {
        let mut emissions = Emissions::default();
        self.transformer.flush(&mut emissions).map_err(ended_by)?;
        if self.holds() {
            let why = "batches are still held that had to go on";
            let doing = format!("flush `{}`", self.component.id);
            return Err(Fault::stop(Exit::Software, doing, why)
                .with_hint("this is a bug in the component; please report it"));
        }
        self.held.clear();
        self.send_made(emissions).await
    }

    fn holds(&self) -> bool {
        Arc::strong_count(&self.holder) > 1
    }

    fn note_held(&mut self, ledger: &Arc<Ledger>) {
        if !self.holds() {
            self.held.clear();
        } else if !self.held.iter().any(|held| Arc::ptr_eq(held, ledger)) {
            self.held.push(Arc::clone(ledger));
        }
    }

    async fn send_made(&mut self, emissions: Emissions) -> Result<(), Fault> {
        emissions.check(&self.component.id)?;
        for made in emissions.made {
            self.component.status.add(rows(&made.batch.events), 0);
            self.send_to_all(made).await?;
        }
        Ok(())
    }

    async fn send_to_all(&mut self, delivery: Delivery) -> Result<(), Fault> {
        let destinations = &self.component.destinations;
        let sent = self.router.send_to_all(delivery, destinations).await;
        sent.map_err(|error| self.unsent(error))
    }

    async fn send(&mut self, delivery: Delivery, destination: &str) -> Result<(), Fault> {
        let sent = self.router.send_event(delivery, destination).await;
        sent.map_err(|error| self.unsent(error))
    }

    fn unsent(&self, error: RouterError) -> Fault {
        Fault::stop(
            Exit::Software,
            format!("run `{}`", self.component.id),
            error,
        )
    }
}

/// Waits until batches of so many bytes are held of one of the collectors, by whomever.
async fn too_much(held: &[Arc<Ledger>], most: usize) {
    if held.is_empty() {
        return std::future::pending().await;
    }
    let looks = held.iter().map(|ledger| {
        let is_too_much = || (ledger.held() >= most).then_some(());
        Box::pin(ledger.look(is_too_much))
    });
    select_all(looks).await;
}

/// The fault as one that ends the program: nothing here is an outage.
fn ended_by(fault: Fault) -> Fault {
    match fault.severity {
        Severity::Stop(_) | Severity::Reject => fault,
        Severity::Retry { .. } => Fault {
            severity: Severity::Stop(Exit::Software),
            ..fault.with_hint("a transformer has no outages; this is a bug in the component")
        },
    }
}
