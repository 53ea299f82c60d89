//! What of a collector is durable, and its saved position.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::event::Position;
use crate::fault::{Exit, Fault};
use crate::router::RouterError;
use crate::runtime::desk::Desk;
use crate::runtime::ledger::Ledger;
use crate::runtime::state::save_position;
use crate::store::Store;

/// Saving to files is a sync and a rename; more often than this it would cost more than it gives.
const SAVE_INTERVAL: Duration = Duration::from_millis(200);
/// What holds the only thread while it saves, as a disk does that is slow to sync, may do so for one part in so many of the
/// time.
const SHARE: u32 = 50;
/// But a position is saved as often as this.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// What of a collector is durable but not saved yet.
pub(super) struct Checkpoint {
    id: String,
    store: Option<Arc<dyn Store>>,
    ledger: Arc<Ledger>,
    desk: Arc<Desk>,
    unsaved: Option<Position>,
    save_at: Option<Instant>,
    /// How long after something became durable it is saved.
    interval: Duration,
    saving: Option<Saving>,
}

/// A position on its way to the store. It is kept from turn to turn, since a store may take longer than the next batch.
struct Saving {
    position: Position,
    done: Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>,
    /// How long it has held the thread.
    held: Duration,
}

impl Future for Saving {
    type Output = Result<(), Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let begin = std::time::Instant::now();
        let polled = self.done.as_mut().poll(context);
        self.held = self.held.saturating_add(begin.elapsed());
        polled
    }
}

impl Checkpoint {
    pub fn new(
        id: String,
        store: Option<Arc<dyn Store>>,
        ledger: Arc<Ledger>,
        desk: Arc<Desk>,
    ) -> Self {
        Self {
            id,
            store,
            ledger,
            desk,
            unsaved: None,
            save_at: None,
            interval: SAVE_INTERVAL,
            saving: None,
        }
    }

    /// Saves what becomes durable, for ever; returns why that cannot go on. May be given up at any time and called again.
    pub async fn keep(&mut self) -> Fault {
        loop {
            if let Err(fault) = self.turn().await {
                return fault;
            }
        }
    }

    /// Saves what becomes durable until everything that was read is.
    pub async fn drain(&mut self) -> Result<(), Fault> {
        self.check_lost()?;
        while !self.ledger.is_empty() {
            self.turn().await?;
        }
        self.finish().await
    }

    /// Saves what is durable now.
    pub async fn finish(&mut self) -> Result<(), Fault> {
        self.note();
        loop {
            if let Some(saving) = &mut self.saving {
                let saved = saving.await;
                self.end_saving(saved)?;
            }
            if self.unsaved.is_none() {
                return Ok(());
            }
            self.begin_saving();
        }
    }

    /// Waits for the next thing to happen, and does what it asks for.
    async fn turn(&mut self) -> Result<(), Fault> {
        let (saving, save_at) = (&mut self.saving, self.save_at);
        let due = async {
            match (saving, save_at) {
                (Some(saving), _) => Some(saving.await),
                (None, Some(at)) => {
                    sleep_until(at).await;
                    None
                }
                (None, None) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.ledger.changed() => {
                self.check_lost()?;
                self.note();
                Ok(())
            }
            saved = due => match saved {
                Some(saved) => self.end_saving(saved),
                None => {
                    self.begin_saving();
                    Ok(())
                }
            },
        }
    }

    fn note(&mut self) {
        if let Some(position) = self.ledger.take_durable() {
            self.unsaved = Some(position);
            self.save_at
                .get_or_insert_with(|| Instant::now() + self.interval);
        }
    }

    fn begin_saving(&mut self) {
        self.save_at = None;
        let Some(position) = self.unsaved.take() else {
            return;
        };
        let (store, id, saved) = (self.store.clone(), self.id.clone(), position.clone());
        let done = Box::pin(async move {
            match store {
                Some(store) => save_position(store.as_ref(), &id, &saved).await,
                None => Ok(()),
            }
        });
        self.saving = Some(Saving {
            position,
            done,
            held: Duration::ZERO,
        });
    }

    fn end_saving(&mut self, saved: Result<(), Fault>) -> Result<(), Fault> {
        let Some(Saving { position, held, .. }) = self.saving.take() else {
            return saved;
        };
        let interval = held.saturating_mul(SHARE);
        self.interval = interval.clamp(SAVE_INTERVAL, LONGEST_INTERVAL);
        match saved {
            Ok(()) => self.desk.say_saved(position),
            Err(fault) => {
                // Whoever ends in spite of this tries once more, and says it then.
                self.unsaved.get_or_insert(position);
                return Err(fault);
            }
        }
        Ok(())
    }

    fn check_lost(&self) -> Result<(), Fault> {
        if self.ledger.is_lost() {
            let id = self.id.clone();
            return Err(broken(&self.id, RouterError::Lost { id }));
        }
        Ok(())
    }
}

/// What a collector read cannot go on.
pub(super) fn broken(id: &str, error: RouterError) -> Fault {
    Fault::stop(Exit::Software, format!("send what `{id}` read"), error)
}
