//! The proof that a batch is durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// A transformer keeps it.
    held: bool,
    /// The duties that are done with this batch, if a transformer made it.
    made_of: Option<Arc<MadeOf>>,
}

/// The duties of batches of which a transformer made another, which settles them.
#[derive(Debug)]
struct MadeOf(Mutex<Vec<Receipt>>);

impl MadeOf {
    fn duties(&self) -> MutexGuard<'_, Vec<Receipt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<Receipt> {
        std::mem::take(&mut *self.duties())
    }
}

impl Receipt {
    pub(super) fn new(ledger: Arc<Ledger>, number: Number) -> Self {
        Self {
            ledger,
            number,
            open: true,
            waiting: true,
            holding: true,
            held: false,
            made_of: None,
        }
    }

    /// The duty to bring what was made of the batches of `duties`, which are settled with it; `None` if there are none.
    ///
    /// Its bytes count as in flight in the ledger of the first.
    pub(super) fn made_of(mut duties: Vec<Receipt>, bytes: usize) -> Option<Self> {
        let ledger = Arc::clone(&duties.first()?.ledger);
        let mut made = ledger.enter_made(bytes);
        // Behind `enter_made`, so that nothing is read in between.
        duties.iter_mut().for_each(Receipt::release);
        made.made_of = Some(Arc::new(MadeOf(Mutex::new(duties))));
        Some(made)
    }

    /// Makes a second duty for the same batch, for a second destination.
    pub fn another(&self) -> Receipt {
        self.ledger.add(self.number);
        let mut another = Self::new(Arc::clone(&self.ledger), self.number);
        another.made_of = self.made_of.clone();
        another
    }

    /// Makes a second duty for the same batch, which a transformer keeps: it waits for no destination, and the batch's memory
    /// counts as needed.
    pub(super) fn hold(&self) -> Receipt {
        let mut held = self.another();
        held.begin();
        held.held = true;
        held.ledger.hold(held.number);
        held
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
        if std::mem::replace(&mut self.held, false) {
            self.ledger.give_on(self.number);
        }
        if std::mem::replace(&mut self.holding, false) {
            self.ledger.release(self.number);
        }
    }

    /// States that the destination refused rows of the batch for good, and that their source is to hear it.
    pub(crate) fn refuse(&self, events: &[Event]) {
        match &self.made_of {
            None => self.ledger.refuse(self.number, events),
            Some(_) => self.refuse_all(),
        }
    }

    /// States the same of all rows of the batch.
    pub(crate) fn refuse_all(&self) {
        match &self.made_of {
            None => self.ledger.refuse_all(self.number),
            Some(of) => of.duties().iter().for_each(Receipt::refuse_all),
        }
    }

    /// Whether the source can hear of refused rows.
    pub(crate) fn has_token(&self) -> bool {
        match &self.made_of {
            None => self.ledger.has_token(self.number),
            Some(of) => of.duties().iter().all(Receipt::has_token),
        }
    }

    /// States that the batch is durable at its destination, or that nothing of it was to go there.
    pub fn delivered(mut self) {
        self.release();
        self.open = false;
        self.ledger.settle(self.number, true);
        // The last of its destinations.
        if let Some(of) = self.made_of.take().and_then(Arc::into_inner) {
            of.take().into_iter().for_each(Receipt::delivered);
        }
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
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
            if let Some(of) = &self.made_of {
                drop(of.take());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Batch, Mark, Position};
    use crate::testing::numbers;

    fn enter(ledger: &Arc<Ledger>, mark: Mark) -> Receipt {
        ledger.enter(&Batch {
            events: vec![numbers("t", 0, None, 0, 3)],
            mark,
            bytes: 5000,
            ..Batch::default()
        })
    }

    fn at(n: u32) -> Position {
        Position(n.into())
    }

    #[test]
    fn what_was_made_settles_its_batches_once_all_destinations_have_it() {
        let (rows, queue) = (Arc::new(Ledger::default()), Arc::new(Ledger::default()));
        let row = enter(&rows, Mark::Upto(at(1)));
        let message = enter(&queue, Mark::Token(7));
        let held = vec![row.hold(), message.hold()];
        row.delivered();
        message.delivered();
        assert_eq!(
            (rows.held(), rows.waiting(), rows.in_flight()),
            (5000, 0, 5000)
        );
        let made = Receipt::made_of(held, 9000).expect("of something");
        assert_eq!(
            (rows.held(), rows.waiting(), rows.in_flight()),
            (0, 9000, 9000)
        );
        assert_eq!((queue.held(), queue.in_flight()), (0, 0));
        // What was made of that in turn.
        let again = Receipt::made_of(vec![made.hold()], 2000).expect("of something");
        let kafka = made.another();
        made.delivered();
        kafka.delivered();
        assert!(!again.has_token(), "one of them is read from positions");
        assert_eq!((rows.take_durable(), queue.take_settled()), (None, None));
        again.refuse(&[numbers("t", 0, None, 0, 1)]);
        again.delivered();
        assert_eq!(rows.take_durable(), Some(at(1)));
        assert_eq!(queue.take_settled(), Some((7, vec![0, 1, 2])));
        assert!(rows.is_empty() && queue.is_empty());
        assert_eq!((rows.in_flight(), rows.waiting()), (0, 0));
    }

    #[test]
    fn what_one_destination_loses_is_lost_to_all_of_its_sources() {
        let ledgers = [Arc::new(Ledger::default()), Arc::new(Ledger::default())];
        let held = ledgers.iter().map(|ledger| {
            let receipt = enter(ledger, Mark::Upto(at(1)));
            let held = receipt.hold();
            receipt.delivered();
            held
        });
        let made = Receipt::made_of(held.collect(), 0).expect("of something");
        let other = made.another();
        drop(made);
        other.delivered();
        for ledger in &ledgers {
            assert!(ledger.is_lost());
            assert_eq!(ledger.take_durable(), None);
        }
    }
}
