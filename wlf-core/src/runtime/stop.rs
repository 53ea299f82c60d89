//! The request to end, which any task may make and every task hears.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// A request to end that is made once and heard by everybody, also by those who ask later.
///
/// Collectors then read no more; what is under way has a limited time to become durable, after which nobody waits for it any
/// longer.
#[derive(Debug, Clone)]
pub struct Stop {
    /// How long what is under way has.
    drain: Duration,
    sender: Arc<watch::Sender<Option<Instant>>>,
    receiver: watch::Receiver<Option<Instant>>,
}

impl Stop {
    /// A request that leaves what is under way `drain` to become durable.
    pub fn new(drain: Duration) -> Self {
        let (sender, receiver) = watch::channel(None);
        Self {
            drain,
            sender: Arc::new(sender),
            receiver,
        }
    }

    /// Asks everybody to end. Asked again it changes nothing.
    pub fn ask(&self) {
        self.ask_within(self.drain);
    }

    /// Asks everybody to end, and leaves what is under way no more than `limit`.
    pub(crate) fn ask_within(&self, limit: Duration) {
        if self.receiver.borrow().is_none() {
            let limit = limit.min(self.drain);
            self.sender.send_replace(Some(Instant::now() + limit));
        }
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.receiver.borrow().is_some()
    }

    /// Waits until somebody has asked.
    pub async fn asked(&self) {
        self.limit().await;
    }

    /// Waits until somebody has asked and the time of what is under way is over.
    pub async fn over(&self) {
        let limit = self.limit().await;
        sleep_until(limit).await;
    }

    /// Whether somebody has asked and the time of what is under way is over.
    pub fn is_over(&self) -> bool {
        self.receiver
            .borrow()
            .is_some_and(|limit| limit <= Instant::now())
    }

    async fn limit(&self) -> Instant {
        let mut receiver = self.receiver.clone();
        loop {
            let limit = *receiver.borrow_and_update();
            if let Some(limit) = limit {
                return limit;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
