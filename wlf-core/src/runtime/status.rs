//! What the pipeline is doing, for the ready line, progress and the summary.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::component::{ComponentKind, Progress};
use crate::event::Position;

/// What all components are doing, shared between the runtime and whoever shows it.
#[derive(Debug)]
pub struct Status {
    pub components: Vec<Arc<ComponentStatus>>,
    pub started: Instant,
}

/// What one component is doing.
#[derive(Debug)]
pub struct ComponentStatus {
    pub id: String,
    pub kind: ComponentKind,
    /// Connected and at work; a transformer always is.
    ready: AtomicBool,
    rows: AtomicU64,
    bytes: AtomicU64,
    /// Tries that failed and were repeated.
    retries: AtomicU64,
    /// Rows that the destination refused, skipped or sent to the dead letter.
    rejected: AtomicU64,
    read: Mutex<ReadSoFar>,
    session: Mutex<Option<String>>,
}

/// How far a collector has read.
#[derive(Debug, Default, Clone)]
pub struct ReadSoFar {
    pub position: Option<Position>,
    pub progress: Option<Progress>,
    /// How old the last change was when it was read; `None` before the first.
    pub behind: Option<Duration>,
}

impl Status {
    pub fn new(components: Vec<Arc<ComponentStatus>>) -> Self {
        Self {
            components,
            started: Instant::now(),
        }
    }

    /// Whether every collector streams and every dispatcher is connected.
    pub fn is_ready(&self) -> bool {
        self.components.iter().all(|component| component.is_ready())
    }

    /// The components of one kind, in the order of the configuration.
    pub fn of(&self, kind: ComponentKind) -> impl Iterator<Item = &ComponentStatus> {
        self.components
            .iter()
            .map(Arc::as_ref)
            .filter(move |component| component.kind == kind)
    }

    /// The rows that all components of one kind handled.
    pub fn rows(&self, kind: ComponentKind) -> u64 {
        self.of(kind).map(ComponentStatus::rows).sum()
    }
}

impl ComponentStatus {
    pub fn new(id: impl Into<String>, kind: ComponentKind) -> Arc<Self> {
        Arc::new(Self {
            id: id.into(),
            kind,
            ready: AtomicBool::new(kind == ComponentKind::Transformer),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            read: Mutex::default(),
            session: Mutex::default(),
        })
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Rows read by a collector, or made durable by a dispatcher.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes of the batches of a collector.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// How far a collector has read.
    pub fn read(&self) -> ReadSoFar {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How its connection is secured, as in `TLS 1.3, ChaCha20-Poly1305`; `None` if it is not, or was not made yet.
    pub fn session(&self) -> Option<String> {
        let session = self.session.lock();
        session.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that it is connected, and how that is secured.
    pub(crate) fn set_connected(&self, session: Option<String>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
        self.set_ready(true);
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_rejected(&self, rows: u64) {
        self.rejected.fetch_add(rows, Ordering::Relaxed);
    }

    /// Notes how far it has read. `time` is when the last change was made, in microseconds since 1970.
    pub(crate) fn set_read(
        &self,
        position: Option<Position>,
        progress: Option<Progress>,
        time: Option<i64>,
    ) {
        let behind = time.filter(|time| *time > 0).map(|time| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let made = Duration::from_micros(time.unsigned_abs());
            now.unwrap_or_default().saturating_sub(made)
        });
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        *read = ReadSoFar {
            position,
            progress,
            behind: behind.or(read.behind),
        };
    }
}
