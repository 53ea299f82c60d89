//! The proof that a batch is durable.

use std::sync::Arc;

use crate::event::Event;
use crate::runtime::ledger::{Ledger, Number};

/// The duty to bring one batch to one destination.
///
/// Dropped without [`delivered`](Receipt::delivered) it counts as lost, and the pipeline stops rather than skip rows.
#[derive(Debug)]
#[must_use = "a receipt that is dropped stops the pipeline"]
pub struct Receipt {
    ledger: Arc<Ledger>,
    number: Number,
    open: bool,
    /// Its destination has not begun to write.
    waiting: bool,
    /// Its destination needs the batch's memory.
    holding: bool,
}

impl Receipt {
    pub(super) fn new(ledger: Arc<Ledger>, number: Number) -> Self {
        Self {
            ledger,
            number,
            open: true,
            waiting: true,
            holding: true,
        }
    }

    /// Makes a second duty for the same batch, for a second destination.
    pub fn another(&self) -> Receipt {
        self.ledger.add(self.number);
        Self::new(Arc::clone(&self.ledger), self.number)
    }

    /// States that the destination begins to write the batch.
    pub(crate) fn begin(&mut self) {
        if std::mem::replace(&mut self.waiting, false) {
            self.ledger.begin(self.number);
        }
    }

    /// States that the batch's memory is needed no more, although the duty stays: all but a row or so has gone on.
    pub(crate) fn release(&mut self) {
        self.begin();
        if std::mem::replace(&mut self.holding, false) {
            self.ledger.release(self.number);
        }
    }

    /// States that the destination refused rows of the batch for good, and that their source is to hear it.
    pub(crate) fn refuse(&self, events: &[Event]) {
        self.ledger.refuse(self.number, events);
    }

    /// Whether the source can hear of refused rows.
    pub(crate) fn has_token(&self) -> bool {
        self.ledger.has_token(self.number)
    }

    /// States that the batch is durable at its destination, or that nothing of it was to go there.
    pub fn delivered(mut self) {
        self.release();
        self.open = false;
        self.ledger.settle(self.number, true);
    }

    /// Tells the collectors apart that batches come from.
    pub(crate) fn source(&self) -> usize {
        Arc::as_ptr(&self.ledger) as usize
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if self.open {
            self.release();
            self.ledger.settle(self.number, false);
        }
    }
}

/// The duties to bring what was made of one or several batches to one destination.
///
/// As a rule there is one; a window that made its events of many batches has one for each of them.
#[derive(Debug)]
#[must_use = "receipts that are dropped stop the pipeline"]
pub struct Receipts {
    first: Receipt,
    further: Vec<Receipt>,
}

impl From<Receipt> for Receipts {
    fn from(first: Receipt) -> Self {
        Self {
            first,
            further: Vec::new(),
        }
    }
}

impl Receipts {
    /// Of several; `None` of none.
    pub(crate) fn of(mut all: Vec<Receipt>) -> Option<Self> {
        let further = all.split_off(all.len().min(1));
        let first = all.pop()?;
        Some(Self { first, further })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Receipt> {
        std::iter::once(&self.first).chain(&self.further)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Receipt> {
        std::iter::once(&mut self.first).chain(&mut self.further)
    }

    pub(crate) fn into_vec(self) -> Vec<Receipt> {
        let mut all = self.further;
        all.insert(0, self.first);
        all
    }

    /// Makes second duties for a second destination.
    pub(crate) fn another(&self) -> Receipts {
        Self {
            first: self.first.another(),
            further: self.further.iter().map(Receipt::another).collect(),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.iter_mut().for_each(Receipt::begin);
    }

    pub(crate) fn release(&mut self) {
        self.iter_mut().for_each(Receipt::release);
    }

    pub(crate) fn delivered(self) {
        self.first.delivered();
        self.further.into_iter().for_each(Receipt::delivered);
    }

    /// The collector of the first.
    pub(crate) fn source(&self) -> usize {
        self.first.source()
    }
}
