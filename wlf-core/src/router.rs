//! Carries batches from component to component, each with the receipt that says when it is durable.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Mutex, mpsc};

use crate::component::{ComponentApi, ComponentKind};
use crate::event::{Batch, Event};
use crate::runtime::ledger::Ledger;
use crate::runtime::receipt::Receipt;

/// A batch on its way to one component.
///
/// Whoever receives one passes it on, with [`EventRouter::send_event`], or makes it durable and then calls
/// [`delivered`](Delivery::delivered). Dropping it stops the pipeline: rows are never skipped in silence.
#[derive(Debug)]
#[must_use = "a delivery that is dropped stops the pipeline"]
pub struct Delivery {
    pub batch: Batch,
    pub(crate) receipt: Receipt,
    /// Whether the events have their numbers in the transaction already.
    pub(crate) numbered: bool,
    /// Whether nothing more comes of the transaction that is under way, although it has not ended.
    pub(crate) is_end: bool,
}

impl Delivery {
    pub(crate) fn new(batch: Batch, receipt: Receipt) -> Self {
        Self {
            batch,
            receipt,
            numbered: false,
            is_end: false,
        }
    }

    /// Makes a second one, for a second destination; no row is copied.
    pub fn another(&self) -> Delivery {
        Delivery {
            batch: self.batch.clone(),
            receipt: self.receipt.another(),
            ..*self
        }
    }

    /// States that the batch is durable at its destination, or that nothing of it was to go there.
    pub fn delivered(self) {
        self.receipt.delivered();
    }

    /// What a transformer made: it is in no transaction, and so not numbered.
    pub(crate) fn made(mut events: Vec<Event>, bytes: usize, receipt: Receipt) -> Delivery {
        for event in &mut events {
            event.transaction = None;
        }
        let mut made = Delivery::letters(events, receipt);
        made.batch.bytes = bytes;
        made
    }

    /// Rows that one destination refused, for another; they keep the numbers that they had.
    pub(crate) fn letters(events: Vec<Event>, receipt: Receipt) -> Delivery {
        let batch = Batch {
            events,
            ..Batch::default()
        };
        Delivery {
            numbered: true,
            ..Delivery::new(batch, receipt)
        }
    }
}

/// Why a batch could not be sent or received.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouterError {
    #[error("there is no component `{id}`")]
    NoSuchComponent { id: String },
    #[error("the {} `{id}` {fails}", .kind.name())]
    WrongComponentKind {
        id: String,
        kind: ComponentKind,
        fails: &'static str,
    },
    #[error("`{id}` is registered already")]
    AlreadyRegistered { id: String },
    /// Every component that leads to this one has ended, or this one has.
    #[error("nothing more comes to `{id}`")]
    Closed { id: String },
    /// A batch that was under way was dropped.
    #[error("a batch of `{id}` was dropped before it was durable")]
    Lost { id: String },
}

/// The mailboxes of all components.
///
/// A mailbox holds any number of batches; what bounds their bytes is that a collector waits for room before each batch
/// (`delivery.max_in_flight`).
#[derive(Debug, Default)]
pub struct EventRouter {
    registry: HashMap<String, Registered>,
    max_in_flight: usize,
}

#[derive(Debug)]
enum Registered {
    Collector(Arc<Ledger>),
    Other(ComponentKind, Mailbox),
}

#[derive(Debug)]
struct Mailbox {
    // Taken when the last component that leads here has ended.
    sender: std::sync::Mutex<Option<mpsc::UnboundedSender<Delivery>>>,
    receiver: Mutex<mpsc::UnboundedReceiver<Delivery>>,
}

impl EventRouter {
    /// A router whose collectors have at most about `max_in_flight` bytes under way each.
    pub fn new(max_in_flight: usize) -> Self {
        Self {
            registry: HashMap::new(),
            max_in_flight,
        }
    }

    /// Makes the component known, so that others can send to it.
    ///
    /// # Errors
    /// If its id is taken.
    pub fn register_component(&mut self, component: &dyn ComponentApi) -> Result<(), RouterError> {
        let id = component.id().to_owned();
        if self.registry.contains_key(&id) {
            return Err(RouterError::AlreadyRegistered { id });
        }
        let registered = match component.kind() {
            ComponentKind::Collector => Registered::Collector(Arc::default()),
            kind @ (ComponentKind::Transformer | ComponentKind::Dispatcher) => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let sender = std::sync::Mutex::new(Some(sender));
                Registered::Other(
                    kind,
                    Mailbox {
                        sender,
                        receiver: Mutex::new(receiver),
                    },
                )
            }
        };
        self.registry.insert(id, registered);
        Ok(())
    }

    /// Enters a batch of a collector, once there is room for it.
    ///
    /// # Errors
    /// If the collector is unknown, or an earlier batch of it was lost.
    pub async fn admit(&self, collector: &str, batch: Batch) -> Result<Delivery, RouterError> {
        let ledger = self.ledger(collector)?;
        let may_enter = || ledger.in_flight() < self.max_in_flight || ledger.is_lost();
        ledger.look(|| may_enter().then_some(())).await;
        if ledger.is_lost() {
            return Err(RouterError::Lost {
                id: collector.to_owned(),
            });
        }
        self.enter(collector, batch)
    }

    /// Enters a batch of a collector at once.
    pub(crate) fn enter(&self, collector: &str, batch: Batch) -> Result<Delivery, RouterError> {
        let receipt = self.ledger(collector)?.enter(&batch);
        Ok(Delivery::new(batch, receipt))
    }

    /// Enters the news that the transaction which a collector has under way will not end.
    pub(crate) fn enter_end(&self, collector: &str) -> Result<Delivery, RouterError> {
        let mut end = self.enter(collector, Batch::default())?;
        end.is_end = true;
        Ok(end)
    }

    /// Sends a batch to the component `destination`.
    ///
    /// # Errors
    /// If there is no such transformer or dispatcher, or if it has ended.
    pub async fn send_event(
        &self,
        delivery: Delivery,
        destination: &str,
    ) -> Result<(), RouterError> {
        let mailbox = self.mailbox(destination, "receives nothing")?;
        let sender = mailbox
            .sender
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        let closed = || RouterError::Closed {
            id: destination.to_owned(),
        };
        sender
            .ok_or_else(closed)?
            .send(delivery)
            .map_err(|_| closed())
    }

    /// Sends a batch to each of `destinations`, of which there is at least one.
    ///
    /// # Errors
    /// As [`send_event`](Self::send_event); the batch then counts as lost.
    pub async fn send_to_all(
        &self,
        delivery: Delivery,
        destinations: &[String],
    ) -> Result<(), RouterError> {
        let Some((last, others)) = destinations.split_last() else {
            delivery.delivered();
            return Ok(());
        };
        for destination in others {
            self.send_event(delivery.another(), destination).await?;
        }
        self.send_event(delivery, last).await
    }

    /// Receives the next batch that was sent to the component `id`.
    ///
    /// # Errors
    /// [`RouterError::Closed`] when nothing more will come.
    pub async fn poll_event(&self, id: &str) -> Result<Delivery, RouterError> {
        let mailbox = self.mailbox(id, "sends only")?;
        let delivery = mailbox.receiver.lock().await.recv().await;
        let delivery = delivery.ok_or_else(|| RouterError::Closed { id: id.to_owned() })?;
        Ok(self.received(id, delivery))
    }

    /// A batch that a dispatcher has does not wait any more; one that a transformer has goes on to wait elsewhere.
    fn received(&self, id: &str, mut delivery: Delivery) -> Delivery {
        if let Some(Registered::Other(ComponentKind::Dispatcher, _)) = self.registry.get(id) {
            delivery.receipt.begin();
        }
        delivery
    }

    /// Receives the next batch if one is there already.
    ///
    /// # Errors
    /// As [`poll_event`](Self::poll_event).
    pub fn try_poll_event(&self, id: &str) -> Result<Option<Delivery>, RouterError> {
        let mailbox = self.mailbox(id, "sends only")?;
        let Ok(mut receiver) = mailbox.receiver.try_lock() else {
            return Ok(None);
        };
        match receiver.try_recv() {
            Ok(delivery) => Ok(Some(self.received(id, delivery))),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
        }
    }

    /// Lets the component's `poll_event` end once it has received what was sent so far.
    pub(crate) fn close(&self, id: &str) {
        if let Some(Registered::Other(_, mailbox)) = self.registry.get(id) {
            mailbox
                .sender
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take();
        }
    }

    /// Drops what was sent to a component that has failed: it counts as lost, and is read again at the next start.
    pub(crate) fn abandon(&self, id: &str) {
        self.close(id);
        if let Some(Registered::Other(_, mailbox)) = self.registry.get(id)
            && let Ok(mut receiver) = mailbox.receiver.try_lock()
        {
            while let Ok(delivery) = receiver.try_recv() {
                drop(delivery);
            }
        }
    }

    /// The batches of a collector that are under way.
    pub(crate) fn ledger(&self, collector: &str) -> Result<&Arc<Ledger>, RouterError> {
        match self.registry.get(collector) {
            Some(Registered::Collector(ledger)) => Ok(ledger),
            Some(Registered::Other(kind, _)) => {
                let fails = "is not a collector";
                Err(RouterError::WrongComponentKind {
                    id: collector.to_owned(),
                    kind: *kind,
                    fails,
                })
            }
            None => Err(RouterError::NoSuchComponent {
                id: collector.to_owned(),
            }),
        }
    }

    fn mailbox(&self, id: &str, fails: &'static str) -> Result<&Mailbox, RouterError> {
        match self.registry.get(id) {
            Some(Registered::Other(_, mailbox)) => Ok(mailbox),
            Some(Registered::Collector(_)) => Err(RouterError::WrongComponentKind {
                id: id.to_owned(),
                kind: ComponentKind::Collector,
                fails,
            }),
            None => Err(RouterError::NoSuchComponent { id: id.to_owned() }),
        }
    }
}
