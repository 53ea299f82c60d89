//! The request to end, which any task may make and every task hears.

use std::sync::Arc;

use tokio::sync::watch;

/// A request to end that is made once and heard by everybody, also by those who ask later.
#[derive(Debug, Clone)]
pub struct Stop {
    sender: Arc<watch::Sender<bool>>,
    receiver: watch::Receiver<bool>,
}

impl Default for Stop {
    fn default() -> Self {
        let (sender, receiver) = watch::channel(false);
        Self {
            sender: Arc::new(sender),
            receiver,
        }
    }
}

impl Stop {
    /// Asks everybody to end.
    pub fn ask(&self) {
        self.sender.send_replace(true);
    }

    /// Waits until somebody has asked.
    pub async fn asked(&self) {
        let mut receiver = self.receiver.clone();
        while !*receiver.borrow_and_update() {
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
