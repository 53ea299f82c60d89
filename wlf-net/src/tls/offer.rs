//! Which ciphers are offered, and what is remembered of servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, ring};
use tokio::time::Instant;

/// How long a server is taken for one that does not speak TLS.
const PLAIN: Duration = Duration::from_secs(600);

/// Which ciphers are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// ChaCha20 alone, which is some seven times faster here than AES, without a processor's instructions for it. Left the
    /// choice, servers take AES.
    ChaCha20,
    All,
}

/// The suites of ChaCha20.
pub const CHACHA20: [CipherSuite; 3] = [
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

impl Offer {
    pub fn provider(self) -> Arc<CryptoProvider> {
        let mut provider = ring::default_provider();
        if self == Offer::ChaCha20 {
            let suites = &mut provider.cipher_suites;
            suites.retain(|suite| CHACHA20.contains(&suite.suite()));
        }
        Arc::new(provider)
    }
}

/// What was learnt of a server.
#[derive(Debug, Clone, Copy, Default)]
struct Learnt {
    wants_all: bool,
    plain_since: Option<Instant>,
}

/// What was learnt of servers.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<(String, u16), Learnt>>);

impl Memory {
    pub fn offer(&self, host: &str, port: u16) -> Offer {
        if self.of(host, port).wants_all {
            Offer::All
        } else {
            Offer::ChaCha20
        }
    }

    pub fn is_plain(&self, host: &str, port: u16) -> bool {
        let since = self.of(host, port).plain_since;
        since.is_some_and(|since| since.elapsed() < PLAIN)
    }

    pub fn wants_all(&self, host: &str, port: u16) {
        self.learn(host, port, |learnt| learnt.wants_all = true);
    }

    pub fn plain(&self, host: &str, port: u16) {
        let now = Instant::now();
        self.learn(host, port, |learnt| learnt.plain_since = Some(now));
    }

    fn of(&self, host: &str, port: u16) -> Learnt {
        let servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let learnt = servers.get(&(host.to_owned(), port));
        learnt.copied().unwrap_or_default()
    }

    fn learn(&self, host: &str, port: u16, what: impl FnOnce(&mut Learnt)) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        what(servers.entry((host.to_owned(), port)).or_default());
    }
}
