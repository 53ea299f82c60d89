//! How components are written: the trait that everything is, and the three that are easier to write.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;

use crate::event::{Batch, Event, Position};
use crate::fault::Fault;
use crate::format::Encoder;
use crate::router::EventRouter;
use crate::turn;

/// What a component does in the pipeline.
#[derive(Debug, PartialEq, Eq, Clone, Copy, Hash)]
pub enum ComponentKind {
    Collector,
    Transformer,
    Dispatcher,
}

impl ComponentKind {
    pub fn name(self) -> &'static str {
        match self {
            ComponentKind::Collector => "collector",
            ComponentKind::Transformer => "transformer",
            ComponentKind::Dispatcher => "dispatcher",
        }
    }
}

/// A running part of the pipeline.
///
/// Most components implement [`Collector`], [`Transformer`] or [`Dispatcher`] instead, and the runtime makes them into
/// this; one that needs something else implements it directly and takes over the duties that
/// [`Delivery`](crate::router::Delivery) describes.
#[async_trait]
pub trait ComponentApi: 'static + Send + Sync {
    /// The unique id that the configuration gives the component.
    fn id(&self) -> &str;
    /// The component's kind.
    fn kind(&self) -> ComponentKind;
    /// Runs until the input has ended; `router` receives from and sends to other components.
    async fn run(&self, router: Arc<EventRouter>) -> Result<(), Box<dyn Error>>;
}

/// A source of events.
#[async_trait]
pub trait Collector: Send {
    /// Connects and goes to the place right after `after`, or to the configured start without one.
    ///
    /// Called again after a fault, with the position of the last batch that was read to a transaction's end.
    async fn connect(&mut self, after: Option<&Position>) -> Result<(), Fault>;

    /// Reads the next batch; `None` once the source has ended.
    ///
    /// Cancel-safe: a dropped call loses nothing.
    async fn read(&mut self) -> Result<Option<Batch>, Fault>;

    /// Learns that everything up to `position` is durable in every destination and saved.
    async fn commit(&mut self, position: &Position) -> Result<(), Fault> {
        let _ = position;
        Ok(())
    }

    /// Where reading goes on, once connected, for the ready line.
    fn position(&self) -> Option<Position> {
        None
    }

    /// How much of a bounded source has been read, in bytes; `None` for one without end.
    fn progress(&self) -> Option<Progress> {
        None
    }
}

/// How much of a bounded source has been read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// A change to what flows: it drops, alters or copies events and does no input or output.
pub trait Transformer: Send {
    /// Gives the batch back as it goes on; its position, end and size stay.
    fn apply(&mut self, batch: Batch) -> Result<Batch, Fault>;
}

/// A destination of events.
#[async_trait]
pub trait Dispatcher: Send {
    /// Connects; called again after each fault that is an outage.
    async fn connect(&mut self) -> Result<(), Fault>;

    /// Writes events and returns when they are durable.
    ///
    /// # Errors
    /// The error says how many of the events are durable all the same; only a prefix counts.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError>;

    /// Writes events and those that come meanwhile, and returns when all are durable.
    ///
    /// For what sends while it encodes: instead of waiting for the last answer it takes more, as far as
    /// [`batches_at_once`](Self::batches_at_once) lets it.
    ///
    /// # Errors
    /// As those of [`write`](Self::write), over all events that have come.
    async fn write_incoming(&mut self, incoming: &mut dyn Incoming) -> Result<(), WriteError> {
        self.write(incoming.events()).await
    }

    /// How many batches (`delivery.batch`) a write takes, if so many come in time.
    ///
    /// More than one is for what sends while it encodes: it waits less often for the last of a write to be durable, and
    /// its memory does not grow with a write.
    fn batches_at_once(&self) -> u32 {
        1
    }

    /// Ends in good order after the last event.
    async fn close(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The events of a write, and those that come while it is under way.
#[async_trait]
pub trait Incoming: Send {
    /// All that have come so far, in order.
    fn events(&self) -> &[Event];

    /// Waits until more have come; `false` if no more will. Cancel-safe.
    async fn more(&mut self) -> bool;
}

/// A write that failed, and how far it came.
#[derive(Debug)]
pub struct WriteError {
    /// How many events from the front are durable.
    pub durable: usize,
    /// How many rows of the event behind those are durable; with [`Severity::Reject`](crate::Severity::Reject) the row
    /// behind them is the one that was rejected.
    pub rows: u32,
    pub fault: Fault,
}

impl WriteError {
    /// The rows before `row` are durable, counted over all of the events.
    pub fn at_row(events: &[Event], row: usize, fault: Fault) -> Self {
        let mut left = row;
        for (durable, event) in events.iter().enumerate() {
            let rows = event.len() as usize;
            if left < rows {
                return Self {
                    durable,
                    rows: left as u32,
                    fault,
                };
            }
            left -= rows;
        }
        Self {
            durable: events.len(),
            rows: 0,
            fault,
        }
    }

    /// None of the events is durable.
    pub fn nothing(fault: Fault) -> Self {
        Self {
            durable: 0,
            rows: 0,
            fault,
        }
    }
}

/// Encodes what one write brings, and lets others run in between.
///
/// # Errors
/// If a row cannot be encoded. The rows before it stay in the encoder and are to be written before the error is returned.
pub async fn encode(encoder: &mut Encoder, events: &[Event]) -> Result<(), WriteError> {
    encode_in_parts(encoder, events, |_| ()).await
}

/// The same, and gives about each 128 KiB away.
///
/// # Errors
/// If a row cannot be encoded. The rows before it stay in the encoder or were given away.
pub async fn encode_in_parts(
    encoder: &mut Encoder,
    events: &[Event],
    mut give: impl FnMut(&mut Encoder),
) -> Result<(), WriteError> {
    let mut parts = Parts::of(events);
    while parts.encode_next(encoder)? {
        give(encoder);
        turn::pass_on().await;
    }
    Ok(())
}

/// What one write brings, in parts that are encoded one after the other.
#[derive(Debug)]
pub struct Parts<'e> {
    events: &'e [Event],
    /// Those of the part that was encoded last.
    part: Range<usize>,
}

impl<'e> Parts<'e> {
    pub fn of(events: &'e [Event]) -> Self {
        Self { events, part: 0..0 }
    }

    /// Which of the events are in the part that was encoded last. After an error the last of them is not there as a whole.
    pub fn last(&self) -> Range<usize> {
        self.part.clone()
    }

    /// Encodes the next part, about 128 KiB, behind what is in the encoder; `false` if there were not that many left.
    ///
    /// # Errors
    /// If a row cannot be encoded. The rows before it stay in the encoder.
    pub fn encode_next(&mut self, encoder: &mut Encoder) -> Result<bool, WriteError> {
        /// About 100 µs of work.
        const PART: usize = 128 << 10;
        let full = encoder.payload().len() + PART;
        self.part.start = self.part.end;
        while let Some(rest @ [_, ..]) = self.events.get(self.part.end..) {
            let (whole, encoded) = encoder.encode_some(rest, full);
            let durable = self.part.end + whole;
            self.part.end = durable + usize::from(encoded.is_err());
            encoded.map_err(|error| WriteError {
                durable,
                rows: error.row,
                fault: error.fault,
            })?;
            if encoder.payload().len() >= full {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
