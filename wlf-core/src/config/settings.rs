//! The parts of the file that are not components.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::schema::{Schema, SchemaDocument};
use super::{BatchLimits, ByteSize, Delivery, Duration, Invalid, OnReject, Shared};

/// What the file says besides its components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The pipeline's name, in logs and in what components are called at servers.
    pub name: String,
    pub state: Option<State>,
    pub delivery: Delivery,
    pub log: Log,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: default_name(),
            state: None,
            delivery: Delivery::default(),
            log: Log::default(),
        }
    }
}

fn default_name() -> String {
    "wlf".to_owned()
}

/// The keys of the file besides its components.
#[derive(JsonSchema)]
#[allow(
    dead_code,
    reason = "it is there for its schema; the sections are read one by one"
)]
struct TopLevel {
    /// The pipeline's name, in logs and in what components are called at servers.
    #[schemars(default = "default_name")]
    name: Option<String>,
    /// Where positions are saved. Without it the program starts from each collector's `start` every time.
    state: Option<State>,
    /// How events are passed on.
    delivery: Option<DeliverySection>,
    /// What the program tells about itself, on stderr.
    log: Option<Log>,
}

/// The JSON Schema of the file's keys besides its components.
pub fn settings_schema() -> serde_json::Value {
    Schema::of::<TopLevel>()
        .written(include_str!("../../../docs/reference/pipeline.json"))
        .document()
        .resolved()
}

/// Where positions are saved. Without it the program starts from each collector's `start` every time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The folder that holds `<id>.json` for each collector; it is created.
    #[serde(deserialize_with = "folder")]
    #[schemars(length(min = 1))]
    pub directory: PathBuf,
}

fn folder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.as_os_str().is_empty() {
        return Err(D::Error::custom(
            "the folder has no name\nwrite a path, as in `configs/state`",
        ));
    }
    Ok(path)
}

/// What the program tells about itself, on stderr.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least severe message that is shown.
    #[serde(default)]
    pub level: Level,
    /// The form of a message.
    #[serde(default)]
    pub format: LogFormat,
}

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

/// The form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    /// A line for a person.
    #[default]
    Text,
    /// A JSON object on a line.
    Json,
}

/// How events are passed on, as the file has it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliverySection {
    /// The most memory that events on their way may take.
    #[serde(default = "max_in_flight")]
    max_in_flight: ByteSize,
    /// The largest transaction, in bytes of the binlog, that is read to its end before its first row goes on. Every row
    /// of such a transaction has its `xid`; a larger one streams. Never above `max_in_flight`.
    #[schemars(default = "transaction_buffer")]
    transaction_buffer: Option<ByteSize>,
    /// When a batch is full.
    #[serde(default)]
    batch: BatchSection,
    /// What becomes of an event that its destination will never accept.
    #[serde(default)]
    on_reject: OnRejectSection,
    /// How long what is under way has to become durable once the program is asked to stop. What is not by then is read again
    /// at the next start.
    #[serde(default = "drain")]
    drain: Duration,
}

/// How events are passed on to one dispatcher, as its entry has it: what it does not say is that of the file's `delivery`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = Shared("delivery"))]
pub(crate) struct DispatcherDelivery {
    /// When a batch is full.
    #[serde(default)]
    batch: DispatcherBatch,
    /// What becomes of an event that this destination will never accept.
    on_reject: Option<OnRejectSection>,
}

/// When a batch for one dispatcher is full.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DispatcherBatch {
    /// The most rows in a batch.
    rows: Option<NonZeroU32>,
    /// The most bytes in a batch.
    bytes: Option<ByteSize>,
    /// How long a batch that is not full waits for more.
    linger: Option<Duration>,
}

/// What a module has for [`dispatcher_delivery_schema`].
pub(super) const DISPATCHER_DELIVERY: &str =
    r#"{"allOf":[{"$ref":"shared.json#/$defs/delivery"}]}"#;

/// The JSON Schema of a dispatcher's `delivery`: a reference.
pub fn dispatcher_delivery_schema() -> SchemaDocument {
    Schema::of::<DispatcherDelivery>()
        .written(DISPATCHER_DELIVERY)
        .document()
}

impl DispatcherDelivery {
    /// The file's `delivery` with what it says for one dispatcher.
    pub(crate) fn over(self, mut delivery: Delivery) -> Result<Delivery, Invalid> {
        let DispatcherBatch {
            rows,
            bytes,
            linger,
        } = self.batch;
        let batch = &mut delivery.batch;
        if let Some(rows) = rows {
            batch.rows = rows.get();
        }
        if let Some(bytes) = bytes {
            if bytes.bytes() == 0 {
                return Err(Invalid::new("batch.bytes", "a batch has at least 1 byte"));
            }
            batch.bytes = bytes.min(delivery.max_in_flight);
        }
        if let Some(linger) = linger {
            batch.linger = linger;
        }
        if let Some(on_reject) = self.on_reject {
            delivery.on_reject = on_reject.into();
        }
        Ok(delivery)
    }
}

impl From<OnRejectSection> for OnReject {
    fn from(section: OnRejectSection) -> Self {
        match section {
            OnRejectSection::Stop => OnReject::Stop,
            OnRejectSection::Skip => OnReject::Skip,
            OnRejectSection::DeadLetter(id) => OnReject::DeadLetter(id),
            OnRejectSection::Nack => OnReject::Nack,
        }
    }
}

/// When a batch is full.
#[derive(Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BatchSection {
    /// The most rows in a batch.
    #[serde(default = "rows")]
    rows: NonZeroU32,
    /// The most bytes in a batch.
    #[serde(default = "bytes")]
    bytes: ByteSize,
    /// How long a batch that is not full waits for more.
    #[serde(default = "linger")]
    linger: Duration,
}

/// What becomes of an event that its destination will never accept.
#[derive(Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnRejectSection {
    /// The program ends with an error.
    #[default]
    Stop,
    /// The event is counted and left out.
    Skip,
    /// The event goes to the dispatcher with this id.
    DeadLetter(String),
    /// The event goes back to its source, which gives it again or to a dead-letter queue of its own: for queues.
    Nack,
}

fn drain() -> Duration {
    Delivery::default().drain
}

fn max_in_flight() -> ByteSize {
    Delivery::default().max_in_flight
}

fn transaction_buffer() -> ByteSize {
    Delivery::default().transaction_buffer
}

fn rows() -> NonZeroU32 {
    NonZeroU32::new(BatchLimits::default().rows).unwrap_or(NonZeroU32::MIN)
}

fn bytes() -> ByteSize {
    BatchLimits::default().bytes
}

fn linger() -> Duration {
    BatchLimits::default().linger
}

impl Default for BatchSection {
    fn default() -> Self {
        Self {
            rows: rows(),
            bytes: bytes(),
            linger: linger(),
        }
    }
}

/// Smaller limits than this would spend all time on passing on next to nothing.
const LEAST_IN_FLIGHT: ByteSize = ByteSize::kib(64);

impl TryFrom<DeliverySection> for Delivery {
    type Error = Invalid;

    fn try_from(section: DeliverySection) -> Result<Self, Invalid> {
        let max_in_flight = section.max_in_flight;
        if max_in_flight < LEAST_IN_FLIGHT {
            return Err(Invalid::new(
                "max_in_flight",
                format!("`max_in_flight` is at least {LEAST_IN_FLIGHT}"),
            ));
        }
        if let Some(buffer) = section.transaction_buffer
            && buffer > max_in_flight
        {
            return Err(Invalid::new(
                "transaction_buffer",
                format!("`transaction_buffer` is larger than `max_in_flight`, {max_in_flight}"),
            )
            .with_hint("a transaction that is waited for is in flight as a whole"));
        }
        if section.batch.bytes.bytes() == 0 {
            return Err(Invalid::new("batch.bytes", "a batch has at least 1 byte"));
        }
        Ok(Delivery {
            max_in_flight,
            transaction_buffer: section
                .transaction_buffer
                .unwrap_or_else(transaction_buffer)
                .min(max_in_flight),
            batch: BatchLimits {
                rows: section.batch.rows.get(),
                bytes: section.batch.bytes.min(max_in_flight),
                linger: section.batch.linger,
            },
            on_reject: section.on_reject.into(),
            drain: section.drain,
        })
    }
}
