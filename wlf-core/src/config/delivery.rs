//! How events are passed on: how many at once, how much in memory, and what becomes of one that is refused.

use super::{ByteSize, Duration};

/// The file's `delivery`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The most memory that events on their way may take.
    pub max_in_flight: ByteSize,
    /// The largest transaction that is read to its end before its first row goes on; never above `max_in_flight`.
    pub transaction_buffer: ByteSize,
    pub batch: BatchLimits,
    pub on_reject: OnReject,
    /// How long what is under way has to become durable once the pipeline is asked to stop.
    pub drain: Duration,
}

/// When a batch is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchLimits {
    pub rows: u32,
    pub bytes: ByteSize,
    /// How long a batch that is not full waits for more.
    pub linger: Duration,
}

/// What becomes of an event that its destination will never accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnReject {
    /// The program ends with an error.
    Stop,
    /// The event is counted and left out.
    Skip,
    /// The event goes to the dispatcher with this id.
    DeadLetter(String),
    /// The event goes back to its source, a queue, which gives it again or to its own dead-letter queue.
    Nack,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            max_in_flight: ByteSize::mib(16),
            transaction_buffer: ByteSize::mib(4),
            batch: BatchLimits::default(),
            on_reject: OnReject::Stop,
            drain: Duration::from_secs(10),
        }
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            rows: 10_000,
            bytes: ByteSize::mib(1),
            linger: Duration::from_millis(5),
        }
    }
}
