//! A store in memory, and what is in a store.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::sleep;

use crate::event::Position;
use crate::fault::Fault;
use crate::runtime::load_position;
use crate::store::{Pieces, Store};

/// Values in memory, behind a way that takes some time, as a store in a network has it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    values: Mutex<HashMap<String, Vec<u8>>>,
    delay: Duration,
}

impl MemoryStore {
    /// A store in which a value takes so long to be written.
    pub fn slow(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    async fn wait(&self) {
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
    }

    fn with<T>(&self, then: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T) -> T {
        let mut values = self.values.lock().unwrap_or_else(|torn| torn.into_inner());
        then(&mut values)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn place(&self, name: &str) -> String {
        format!("{name} in memory")
    }

    async fn read(&self, name: &str, from: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        Ok(self.with(|values| {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let rest = values.get(name)?.iter().skip(from);
            Some(rest.take(most).copied().collect())
        }))
    }

    async fn replace(&self, name: &str, pieces: &mut Pieces<'_>) -> io::Result<()> {
        let mut whole = Vec::new();
        for piece in pieces {
            whole.extend(piece?);
        }
        self.wait().await;
        self.with(|values| values.insert(name.to_owned(), whole));
        Ok(())
    }

    async fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.wait().await;
        self.with(|values| {
            let value = values.entry(name.to_owned()).or_default();
            value.extend_from_slice(bytes);
        });
        Ok(())
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        self.with(|values| values.remove(name));
        Ok(())
    }
}

/// The position that is saved for a collector, read at once.
///
/// # Errors
/// As when a pipeline reads it.
pub fn saved_position(store: &dyn Store, collector: &str) -> Result<Option<Position>, Fault> {
    at_once(load_position(store, collector))
}

/// Polls until it is done: for what only ever gives others a turn.
pub fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
    }
}
