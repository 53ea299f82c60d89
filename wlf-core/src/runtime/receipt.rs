//! The proof that a batch is durable, and the ledger that turns such proofs into positions that may be saved.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::event::Position;

/// A batch never counts for less than this, so that many empty ones cannot pile up without bound.
const LEAST_BYTES: usize = 1024;

/// The batches of one collector that are under way, in order.
///
/// It knows which of them are durable everywhere, up to which position that holds without a gap, and how many bytes are
/// under way.
#[derive(Debug, Default)]
pub struct Ledger {
    pages: Mutex<Pages>,
    /// One waiter at most: the collector's own task.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Pages {
    /// The number of the batch at the front of `open`.
    first: u64,
    open: VecDeque<Entry>,
    in_flight: usize,
    /// The bytes of the batches that some destination has not begun to write.
    waiting: usize,
    durable: Option<Position>,
    lost: bool,
}

#[derive(Debug)]
struct Entry {
    receipts: usize,
    /// How many of the receipts are of destinations that have not begun to write.
    waiting: usize,
    bytes: usize,
    position: Option<Position>,
}

impl Ledger {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        // A panic elsewhere leaves the numbers as they were between two calls, which is consistent.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a batch of `bytes` after which the source stands at `position`.
    pub fn enter(self: &Arc<Self>, position: Option<Position>, bytes: usize) -> Receipt {
        let bytes = bytes.max(LEAST_BYTES);
        let mut pages = self.pages();
        let number = pages.first + pages.open.len() as u64;
        pages.in_flight += bytes;
        pages.waiting += bytes;
        pages.open.push_back(Entry {
            receipts: 1,
            waiting: 1,
            bytes,
            position,
        });
        Receipt {
            ledger: Arc::clone(self),
            number,
            open: true,
            waiting: true,
        }
    }

    /// The bytes of the batches that some destination has not begun to write.
    pub fn waiting(&self) -> usize {
        self.pages().waiting
    }

    /// The bytes of the batches that are not durable yet.
    pub fn in_flight(&self) -> usize {
        self.pages().in_flight
    }

    /// Whether a receipt was dropped without `delivered`.
    pub fn is_lost(&self) -> bool {
        self.pages().lost
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.pages().open.is_empty()
    }

    /// Takes the newest position before which everything is durable, if it has moved since the last call.
    pub fn take_durable(&self) -> Option<Position> {
        self.pages().durable.take()
    }

    /// Waits until something became durable or was lost, or a destination has begun to write, since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A destination begins to write a batch.
    fn begin(&self, number: u64) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let index = number
            .checked_sub(pages.first)
            .and_then(|index| usize::try_from(index).ok());
        let entry = index.and_then(|index| pages.open.get_mut(index));
        let Some(entry) = entry else {
            return;
        };
        entry.waiting -= 1;
        if entry.waiting == 0 {
            pages.waiting -= entry.bytes;
            self.changed.notify_one();
        }
    }

    fn settle(&self, number: u64, delivered: bool) {
        let mut pages = self.pages();
        let Some(index) = number
            .checked_sub(pages.first)
            .and_then(|index| usize::try_from(index).ok())
        else {
            return;
        };
        if !delivered {
            pages.lost = true;
        } else if let Some(entry) = pages.open.get_mut(index) {
            entry.receipts -= 1;
        }
        // After a loss nothing is durable any more: the lost batch stays at the front for ever.
        while pages.open.front().is_some_and(|entry| entry.receipts == 0) {
            if let Some(entry) = pages.open.pop_front() {
                pages.first += 1;
                pages.in_flight -= entry.bytes;
                if entry.position.is_some() {
                    pages.durable = entry.position;
                }
            }
        }
        drop(pages);
        self.changed.notify_one();
    }

    fn add(&self, number: u64) {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let index = number
            .checked_sub(pages.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| pages.open.get_mut(index)) {
            entry.receipts += 1;
            if entry.waiting == 0 {
                pages.waiting += entry.bytes;
            }
            entry.waiting += 1;
        }
    }
}

/// The duty to bring one batch to one destination.
///
/// Dropped without [`delivered`](Receipt::delivered) it counts as lost, and the pipeline stops rather than skip rows.
#[derive(Debug)]
#[must_use = "a receipt that is dropped stops the pipeline"]
pub struct Receipt {
    ledger: Arc<Ledger>,
    number: u64,
    open: bool,
    /// Its destination has not begun to write.
    waiting: bool,
}

impl Receipt {
    /// Makes a second duty for the same batch, for a second destination.
    pub fn another(&self) -> Receipt {
        self.ledger.add(self.number);
        Receipt {
            ledger: Arc::clone(&self.ledger),
            number: self.number,
            open: true,
            waiting: true,
        }
    }

    /// States that the destination begins to write the batch.
    pub(crate) fn begin(&mut self) {
        if std::mem::replace(&mut self.waiting, false) {
            self.ledger.begin(self.number);
        }
    }

    /// States that the batch is durable at its destination, or that nothing of it was to go there.
    pub fn delivered(mut self) {
        self.begin();
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
            self.begin();
            self.ledger.settle(self.number, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(n: u64) -> Option<Position> {
        Some(Position(json!(n)))
    }

    #[test]
    fn a_position_is_durable_once_everything_before_it_is() {
        let ledger = Arc::new(Ledger::default());
        let first = ledger.enter(at(1), 5000);
        let second = ledger.enter(at(2), 5000);
        let third = ledger.enter(None, 5000);
        second.delivered();
        assert_eq!(ledger.take_durable(), None);
        first.delivered();
        assert_eq!(ledger.take_durable(), at(2));
        third.delivered();
        assert_eq!(
            ledger.take_durable(),
            None,
            "inside a transaction there is no position to save"
        );
        assert_eq!(ledger.in_flight(), 0);
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_batch_waits_until_every_destination_has_begun_to_write() {
        let ledger = Arc::new(Ledger::default());
        let mut redis = ledger.enter(at(1), 5000);
        let mut kafka = redis.another();
        let other = ledger.enter(at(2), 3000);
        redis.begin();
        redis.begin();
        assert_eq!(ledger.waiting(), 8000);
        kafka.begin();
        assert_eq!(ledger.waiting(), 3000);
        other.delivered();
        assert_eq!(ledger.waiting(), 0);
        assert_eq!(ledger.in_flight(), 8000);
        let late = kafka.another();
        assert_eq!(ledger.waiting(), 5000);
        for receipt in [redis, kafka, late] {
            receipt.delivered();
        }
        assert_eq!((ledger.waiting(), ledger.in_flight()), (0, 0));
    }

    #[test]
    fn a_fan_out_waits_for_every_destination() {
        let ledger = Arc::new(Ledger::default());
        let redis = ledger.enter(at(1), 1);
        let kafka = redis.another();
        redis.delivered();
        assert_eq!(ledger.take_durable(), None);
        assert_eq!(ledger.in_flight(), LEAST_BYTES);
        kafka.delivered();
        assert_eq!(ledger.take_durable(), at(1));
    }

    #[test]
    fn a_dropped_receipt_is_a_loss_and_nothing_behind_it_becomes_durable() {
        let ledger = Arc::new(Ledger::default());
        let first = ledger.enter(at(1), 1);
        let second = ledger.enter(at(2), 1);
        drop(first);
        second.delivered();
        assert!(ledger.is_lost());
        assert_eq!(ledger.take_durable(), None);
        assert!(!ledger.is_empty());
    }
}
