//! What a dispatcher is given to write, and what is left of it after a write that failed.

use crate::config::Delivery as Settings;
use crate::event::Event;
use crate::router::Delivery;
use crate::runtime::numbering::{HeldBack, Numbering};
use crate::runtime::receipt::Receipt;

/// Events that are written together, and whose they are.
#[derive(Default)]
pub(super) struct Load {
    pub events: Vec<Event>,
    /// For each event the index of its receipt.
    origins: Vec<usize>,
    receipts: Vec<Receipt>,
    rows: u64,
    bytes: usize,
}

impl Load {
    pub fn add(&mut self, delivery: Delivery, numbering: &mut Numbering) {
        let Delivery {
            batch,
            receipt,
            numbered,
            is_end,
        } = delivery;
        self.rows += batch.rows();
        self.bytes += batch.bytes;
        if numbered {
            self.put(batch.events, receipt);
            return;
        }
        let out = numbering.take(batch, &receipt, is_end);
        if let Some(HeldBack { events, receipt }) = out.released {
            self.put(events, receipt);
        }
        if let Some(held) = out.repeated {
            held.receipt.delivered();
        }
        self.put(out.events, receipt);
    }

    fn put(&mut self, events: Vec<Event>, receipt: Receipt) {
        self.events.extend(events);
        self.origins.resize(self.events.len(), self.receipts.len());
        self.receipts.push(receipt);
    }

    /// Whether it is as large as so many batches.
    pub fn is_full(&self, settings: &Settings, batches: u32) -> bool {
        let (rows, bytes) = (settings.batch.rows, settings.batch.bytes.as_usize());
        self.rows >= u64::from(rows) * u64::from(batches)
            || self.bytes >= bytes.saturating_mul(batches as usize)
    }

    /// Tells which batch the event with this index is of.
    pub fn origin(&self, event: usize) -> Option<usize> {
        self.origins.get(event).copied()
    }

    /// The receipt of the batch that the event with this index is of.
    pub fn receipt(&self, event: usize) -> Option<&Receipt> {
        self.receipts.get(self.origin(event)?)
    }

    /// Takes rows out of the events from the one with the index `first` on: `done`, in order, each by the index of its event
    /// and its number in it.
    pub fn leave_out(&mut self, first: usize, done: &[(usize, u32)]) {
        let mut done = done.iter().peekable();
        if done.peek().is_none() {
            return;
        }
        let events = self.events.split_off(first.min(self.events.len()));
        let origins = self.origins.split_off(self.events.len());
        for (index, (mut event, origin)) in (first..).zip(events.into_iter().zip(origins)) {
            let mut passed = 0;
            while let Some((_, row)) = done.next_if(|(of, _)| *of == index) {
                let Some(before) = row.checked_sub(passed) else {
                    continue;
                };
                let front = event.split_to(before);
                self.push(front, origin);
                event.split_to(1);
                passed = row + 1;
            }
            self.push(event, origin);
        }
    }

    fn push(&mut self, event: Event, origin: usize) {
        if !event.is_empty() {
            self.events.push(event);
            self.origins.push(origin);
        }
    }

    /// States that all of it is durable.
    pub fn confirm(&mut self) {
        for receipt in self.receipts.drain(..) {
            receipt.delivered();
        }
        self.events.clear();
        self.origins.clear();
        self.rows = 0;
        self.bytes = 0;
    }
}
