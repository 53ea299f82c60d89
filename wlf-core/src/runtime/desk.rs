//! What the runtime tells a collector while it reads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Position;
use crate::runtime::ledger::Ledger;

/// Where a collector learns whether it may read more, and what became of what it read.
///
/// ```text
/// desk.room().await;                        // until more may be read; heartbeats may go on beside it
/// match desk.settled().await { … }          // what is to be acknowledged at the source
/// ```
#[derive(Debug)]
pub struct Desk {
    ledger: Arc<Ledger>,
    /// Nothing more is read while so many bytes are under way.
    max_in_flight: usize,
    /// Nothing more is read while so many bytes wait for a destination that has not begun to write them.
    read_ahead: usize,
    stopping: AtomicBool,
    saved: Mutex<Option<Position>>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Everything up to the position is durable in every destination, and the position is saved if there is a `state`. Of
    /// several positions only the last is told.
    Saved(Position),
    /// The batch with this token is done with.
    Done {
        token: u64,
        /// The numbers of its rows, counted over all of the batch's events from 0, that a destination refused and
        /// `delivery.on_reject: nack` gives back to the source. All others are durable in every destination.
        refused: Vec<u32>,
    },
}

impl Desk {
    pub(crate) fn new(ledger: Arc<Ledger>, max_in_flight: usize, read_ahead: usize) -> Self {
        Self {
            ledger,
            max_in_flight,
            read_ahead,
            stopping: AtomicBool::new(false),
            saved: Mutex::default(),
        }
    }

    /// Whether more may be read now.
    pub fn has_room(&self) -> bool {
        !self.is_stopping() && self.fits()
    }

    /// Whether what was read already can go on.
    pub(crate) fn fits(&self) -> bool {
        self.ledger.in_flight() < self.max_in_flight && self.ledger.waiting() < self.read_ahead
    }

    /// Waits until more may be read. Cancel-safe.
    ///
    /// Once the pipeline is stopping it waits for ever: nothing that is read then is delivered.
    pub async fn room(&self) {
        self.ledger.look(|| self.has_room().then_some(())).await;
    }

    /// Waits until what was read already can go on.
    pub(crate) async fn room_for_read(&self) {
        self.ledger.look(|| self.fits().then_some(())).await;
    }

    /// Waits until something is settled, and takes it. Cancel-safe.
    pub async fn settled(&self) -> Settled {
        self.ledger.look(|| self.take_settled()).await
    }

    /// Waits until something is settled, which it takes, or else until more may be read: `None`. Cancel-safe.
    ///
    /// ```text
    /// while let Some(settled) = desk.settled_or_room().await { self.acknowledge(settled).await?; }
    /// ```
    pub async fn settled_or_room(&self) -> Option<Settled> {
        let look = || match self.take_settled() {
            None if self.has_room() => Some(None),
            settled => settled.map(Some),
        };
        self.ledger.look(look).await
    }

    /// Takes what is settled, if something is.
    pub fn take_settled(&self) -> Option<Settled> {
        if let Some((token, refused)) = self.ledger.take_settled() {
            return Some(Settled::Done { token, refused });
        }
        let saved = self.saved.lock();
        let saved = saved.unwrap_or_else(PoisonError::into_inner).take();
        saved.map(Settled::Saved)
    }

    /// Whether the pipeline is stopping: what is under way is still delivered and told here, and nothing more is to be
    /// read.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn say_saved(&self, position: Position) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = Some(position);
        drop(saved);
        self.ledger.notify();
    }

    /// A desk for a collector that runs without a pipeline, as in its own tests: there is always room, and nothing settles.
    #[cfg(any(test, feature = "testing"))]
    pub fn alone() -> Self {
        Self::new(Arc::default(), usize::MAX, usize::MAX)
    }

    /// Such a desk on which it stands that everything up to the position is saved.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_saved(position: Position) -> Self {
        let desk = Self::alone();
        desk.say_saved(position);
        desk
    }
}
