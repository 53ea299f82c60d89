//! Connections that are kept for the next request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

/// A connection to a server.
pub type Sender = SendRequest<Full<Bytes>>;

/// What a connection can be used for: a server, or a proxy for all that goes through it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PoolKey {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
}

/// Connections that nobody uses, those used last at the end.
#[derive(Default)]
pub struct Pool(Mutex<HashMap<PoolKey, Vec<(Instant, Sender)>>>);

/// As many connections to one server are kept.
const MOST: usize = 16;

impl Pool {
    /// Takes a connection that is likely to be open.
    pub fn take(&self, key: &PoolKey, idle: Duration) -> Option<Sender> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(key)?;
        kept.retain(|(since, sender)| since.elapsed() < idle && !sender.is_closed());
        kept.pop().map(|(_, sender)| sender)
    }

    pub fn give(&self, key: PoolKey, sender: Sender) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(key).or_default();
        if kept.len() < MOST && !sender.is_closed() {
            kept.push((Instant::now(), sender));
        }
    }
}
