//! A dispatcher that remembers what it was given.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::component::{Dispatcher, Incoming, WriteError};
use crate::event::Event;
use crate::fault::Fault;
use crate::runtime::LONGEST_WAIT;

/// A row as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub table: String,
    /// The row's number, as [`numbers`](super::numbers) gave it.
    pub row: u32,
    pub xid: Option<u64>,
    /// The row's offset in its transaction.
    pub offset: u64,
    pub commit: bool,
}

/// How a [`MemoryDispatcher`] answers a write.
#[derive(Debug)]
pub enum Answer {
    /// So many rows are durable, then the fault.
    Fail(u32, Fault),
    /// Nothing is written and no answer comes.
    Silence,
}

/// A dispatcher that stores rows outside itself, so that they outlive it, and fails as it is told.
#[derive(Debug, Default)]
pub struct MemoryDispatcher {
    stored: Arc<Mutex<Vec<Stored>>>,
    answers: VecDeque<Answer>,
    connected: bool,
    largest: Arc<AtomicU64>,
    joined: Arc<AtomicU64>,
    /// One less than the batches that a write takes.
    further_batches: u32,
    session: Option<&'static str>,
    longest_wait: Option<Duration>,
}

impl MemoryDispatcher {
    pub fn new(stored: Arc<Mutex<Vec<Stored>>>) -> Self {
        Self {
            stored,
            ..Self::default()
        }
    }

    /// Answers the first writes so; then every write succeeds.
    #[must_use]
    pub fn answering(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.extend(answers);
        self
    }

    /// Takes so many batches together.
    #[must_use]
    pub fn taking(mut self, batches: u32) -> Self {
        self.further_batches = batches.saturating_sub(1);
        self
    }

    /// Lets no wait grow beyond this.
    #[must_use]
    pub fn waiting_at_most(mut self, longest: Duration) -> Self {
        self.longest_wait = Some(longest);
        self
    }

    /// Says that its connections are secured so.
    #[must_use]
    pub fn secured(mut self, session: &'static str) -> Self {
        self.session = Some(session);
        self
    }

    /// The most rows that one write was given, kept up while it runs.
    pub fn largest_write(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.largest)
    }

    /// How many events came while the write that they went with was under way.
    pub fn joined(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.joined)
    }

    fn store(&self, events: &[Event], most: u32) -> (usize, u32) {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = most;
        for (index, event) in events.iter().enumerate() {
            for n in 0..event.len() {
                if left == 0 {
                    return (index, n);
                }
                left -= 1;
                stored.push(Stored {
                    table: event.table.name.clone(),
                    row: event.rows.start + n,
                    xid: event.xid(),
                    offset: event
                        .transaction
                        .map_or(0, |transaction| transaction.offset + u64::from(n)),
                    commit: n + 1 == event.len()
                        && event
                            .transaction
                            .is_some_and(|transaction| transaction.commit),
                });
            }
        }
        (events.len(), 0)
    }
}

#[async_trait]
impl Dispatcher for MemoryDispatcher {
    async fn connect(&mut self) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        self.connected = true;
        Ok(())
    }

    fn session(&self) -> Option<String> {
        self.session.map(str::to_owned)
    }

    fn batches_at_once(&self) -> u32 {
        self.further_batches + 1
    }

    fn longest_wait(&self) -> Duration {
        self.longest_wait.unwrap_or(LONGEST_WAIT)
    }

    async fn write_incoming(&mut self, incoming: &mut dyn Incoming) -> Result<(), WriteError> {
        // What comes within a few turns of others comes while answers are waited for.
        let answered = async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        };
        tokio::pin!(answered);
        let first = incoming.events().len();
        loop {
            tokio::select! {
                biased;
                true = incoming.more() => {}
                () = &mut answered => break,
            }
        }
        let events = incoming.events();
        let joined = (events.len() - first) as u64;
        self.joined.fetch_add(joined, Ordering::Relaxed);
        self.write(events).await
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        assert!(
            self.connected,
            "the runtime connects before it writes, and again after an outage"
        );
        let rows = events.iter().map(|event| u64::from(event.len())).sum();
        self.largest.fetch_max(rows, Ordering::Relaxed);
        tokio::task::yield_now().await;
        match self.answers.pop_front() {
            None => {
                self.store(events, u32::MAX);
                tokio::task::yield_now().await;
                Ok(())
            }
            Some(Answer::Fail(most, fault)) => {
                let (durable, rows) = self.store(events, most);
                self.connected = false;
                tokio::task::yield_now().await;
                // Where a row is refused the connection is still good.
                self.connected |= fault.severity == crate::fault::Severity::Reject;
                Err(WriteError::at(durable, rows, fault))
            }
            Some(Answer::Silence) => std::future::pending().await,
        }
    }
}
