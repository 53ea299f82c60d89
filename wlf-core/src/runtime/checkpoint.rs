//! What of a collector is durable, and its saved position.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::event::Position;
use crate::fault::{Exit, Fault};
use crate::router::RouterError;
use crate::runtime::desk::Desk;
use crate::runtime::ledger::Ledger;
use crate::runtime::state::StateDirectory;

/// Saving is a file, a sync and a rename; more often than this it would cost more than it gives.
const SAVE_INTERVAL: Duration = Duration::from_millis(200);

/// What of a collector is durable but not saved yet.
pub(super) struct Checkpoint {
    pub id: String,
    pub state: Option<StateDirectory>,
    pub ledger: Arc<Ledger>,
    pub desk: Arc<Desk>,
    pub unsaved: Option<Position>,
    pub save_at: Option<Instant>,
}

impl Checkpoint {
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
        self.finish()
    }

    /// Saves what is durable now.
    pub fn finish(&mut self) -> Result<(), Fault> {
        self.note();
        self.save()
    }

    /// Waits for the next thing to happen, and does what it asks for.
    async fn turn(&mut self) -> Result<(), Fault> {
        let due = async {
            match self.save_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.ledger.changed() => {
                self.check_lost()?;
                self.note();
                Ok(())
            }
            () = due => self.save(),
        }
    }

    fn note(&mut self) {
        if let Some(position) = self.ledger.take_durable() {
            self.unsaved = Some(position);
            self.save_at
                .get_or_insert_with(|| Instant::now() + SAVE_INTERVAL);
        }
    }

    fn save(&mut self) -> Result<(), Fault> {
        self.save_at = None;
        let Some(position) = self.unsaved.take() else {
            return Ok(());
        };
        if let Some(state) = &self.state {
            state.save(&self.id, &position)?;
        }
        self.desk.say_saved(position);
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
