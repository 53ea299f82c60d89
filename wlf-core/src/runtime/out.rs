//! What a transformer gives on: to which destinations, refused, or later and made anew.

use std::sync::Arc;

use crate::event::Event;
use crate::fault::{Exit, Fault};
use crate::router::Delivery;
use crate::runtime::receipt::Receipt;

/// Where a [`Transformer`](crate::Transformer) gives what becomes of a batch.
///
/// ```text
/// out.pass(batch.events);      // to every destination
/// out.to(1, few);              // to the second of them alone
/// ```
#[derive(Debug)]
pub struct Out<'a> {
    /// The duty of the batch.
    receipt: &'a Receipt,
    /// Who holds it, if somebody does.
    holder: &'a Arc<()>,
    /// What goes to each destination.
    pub(crate) ports: Vec<Vec<Event>>,
    pub(crate) rejected: Vec<(Event, Fault)>,
    pub(super) rows: u64,
    pub(crate) emissions: Emissions,
}

/// Where a [`Transformer`](crate::Transformer) gives what it made of batches that it holds.
///
/// ```text
/// out.emit(vec![sums], std::mem::take(&mut self.held), 4096);
/// ```
#[derive(Debug, Default)]
pub struct Emissions {
    pub(crate) made: Vec<Delivery>,
    /// What was asked for and makes no sense.
    pub(super) misuse: Option<&'static str>,
}

/// The duty of batches that a [`Transformer`](crate::Transformer) holds: they are not durable before what is made of them is.
///
/// Dropped without [`Emissions::emit`] they count as lost, and the pipeline stops rather than skip rows. While they are held
/// their bytes are in flight (`delivery.max_in_flight`), and they do not count as waiting for a destination.
///
/// ```text
/// self.held.join(out.hold());
/// ```
#[derive(Debug, Default)]
#[must_use = "a duty that is dropped stops the pipeline"]
pub struct Held {
    duties: Vec<Receipt>,
    holder: Option<Arc<()>>,
}

impl<'a> Out<'a> {
    pub(crate) fn new(receipt: &'a Receipt, holder: &'a Arc<()>, destinations: usize) -> Self {
        Self {
            receipt,
            holder,
            ports: vec![Vec::new(); destinations],
            rejected: Vec::new(),
            rows: 0,
            emissions: Emissions::default(),
        }
    }

    /// Gives events of the batch, or others in their place, to every destination, behind those that were given before. With
    /// one destination, or the first time, no event is copied for the last of them.
    pub fn pass(&mut self, events: Vec<Event>) {
        self.rows += rows(&events);
        if let Some((last, others)) = self.ports.split_last_mut() {
            for port in others {
                port.extend_from_slice(&events);
            }
            append(last, events);
        }
    }

    /// Gives events to one destination, by its index in `destinations`.
    pub fn to(&mut self, port: usize, events: Vec<Event>) {
        self.rows += rows(&events);
        match self.ports.get_mut(port) {
            Some(port) => append(port, events),
            None => self.emissions.misuse = Some("there is no destination with this index"),
        }
    }

    /// Refuses rows of the batch, an event or a part of one ([`Event::split_to`]), which go to no destination:
    /// `delivery.on_reject` says what becomes of them. All that are refused of a batch are one line in the log.
    pub fn reject(&mut self, event: Event, fault: Fault) {
        self.rejected.push((event, fault));
    }

    /// Keeps the duty of the batch, besides that of what is passed on of it. May be called again, for a second window.
    pub fn hold(&mut self) -> Held {
        Held {
            duties: vec![self.receipt.hold()],
            holder: Some(Arc::clone(self.holder)),
        }
    }

    /// As [`Emissions::emit`]. It goes on in front of what is passed on of the batch.
    pub fn emit(&mut self, events: Vec<Event>, of: Held, bytes: usize) {
        self.emissions.emit(events, of, bytes);
    }

    /// Where `wake` and `flush` give what they made, for what serves all three.
    pub fn emissions(&mut self) -> &mut Emissions {
        &mut self.emissions
    }
}

impl Emissions {
    /// Gives events that were made of the batches `of` to every destination. The batches are durable when the events are; with
    /// no events they are at once.
    ///
    /// What is made is in no transaction, whatever it says, so it is neither numbered nor held back. Its `bytes`, the memory
    /// that it takes with all that it still shares with the batches, count in place of theirs: for the collector of the
    /// first batch that is in `of`. If one of its rows is refused, all rows of the batches are.
    pub fn emit(&mut self, events: Vec<Event>, of: Held, bytes: usize) {
        if events.is_empty() {
            of.duties.into_iter().for_each(Receipt::delivered);
            return;
        }
        match Receipt::made_of(of.duties, bytes) {
            Some(receipt) => self.made.push(Delivery::made(events, bytes, receipt)),
            None => self.misuse = Some("events were emitted that are made of no batch"),
        }
    }

    /// The fault that ends the program if something was asked for that makes no sense.
    pub(crate) fn check(&self, id: &str) -> Result<(), Fault> {
        match self.misuse {
            None => Ok(()),
            Some(misuse) => Err(Fault::stop(Exit::Software, format!("run `{id}`"), misuse)
                .with_hint("this is a bug in the component; please report it")),
        }
    }
}

impl Held {
    /// Takes another duty in.
    pub fn join(&mut self, other: Held) {
        self.duties.extend(other.duties);
        if other.holder.is_some() {
            self.holder = other.holder;
        }
    }

    /// Whether no duty is held.
    pub fn is_empty(&self) -> bool {
        self.duties.is_empty()
    }
}

fn append(port: &mut Vec<Event>, events: Vec<Event>) {
    if port.is_empty() {
        *port = events;
    } else {
        port.extend(events);
    }
}

pub(super) fn rows(events: &[Event]) -> u64 {
    events.iter().map(|event| u64::from(event.len())).sum()
}
