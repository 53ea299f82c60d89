//! Numbers the rows that a destination gets of each transaction, and finds the last.

use std::collections::HashMap;

use crate::event::{Batch, Ended, Event, Mark};
use crate::runtime::receipt::Receipt;

/// Gives every event its offset in its transaction and marks the last one, after filters, as Maxwell does.
///
/// A transaction that ends inside its batch is marked at once. Of one that goes on in later batches the last row is held
/// back until either the next row or the transaction's end is known, and with it the duty to bring its batch.
#[derive(Debug, Default)]
pub struct Numbering {
    open: HashMap<usize, OpenTransaction>,
}

/// The transaction that one collector is in.
#[derive(Debug, Default)]
struct OpenTransaction {
    number: u64,
    offset: u64,
    /// What is held back of a transaction whose end was not in its batch.
    held: Option<HeldBack>,
}

/// The last row so far of a transaction, and what came behind it and is in none.
#[derive(Debug)]
pub struct HeldBack {
    pub events: Vec<Event>,
    pub receipt: Receipt,
}

/// What goes out of a batch.
#[derive(Debug, Default)]
pub struct Numbered {
    /// What was held back of earlier batches and goes first.
    pub released: Option<HeldBack>,
    pub events: Vec<Event>,
    /// What was held back and is dropped, since its source gives it again.
    pub repeated: Option<HeldBack>,
}

impl Numbering {
    /// Numbers the events of a batch that can go out now. `is_end` says that nothing more comes of an open transaction.
    ///
    /// Receipts tell the collectors apart, whose batches may come mixed.
    pub fn take(&mut self, batch: Batch, receipt: &Receipt, is_end: bool) -> Numbered {
        let source = self.open.entry(receipt.source()).or_default();
        source.take(batch, receipt, is_end)
    }
}

impl OpenTransaction {
    fn take(&mut self, mut batch: Batch, receipt: &Receipt, is_end: bool) -> Numbered {
        batch.events.retain(|event| !event.is_empty());
        let mut out = Numbered::default();
        let first = batch.events.iter().find_map(|event| event.transaction);
        if let Some(held) = self.held.take() {
            let ends = batch
                .ended
                .is_some_and(|ended| ended.number.get() == self.number);
            let goes_on = first.is_some_and(|first| first.number.get() == self.number);
            let is_in_between = batch.mark.is_inside() && first.is_none();
            let is_beside = matches!(batch.mark, Mark::Token(_)) && first.is_none();
            if ends || goes_on || is_end || is_in_between && !batch.events.is_empty() {
                out.released = Some(held);
            } else if is_in_between || is_beside {
                // Nothing of this batch follows the row, but the transaction is still open.
                self.held = Some(held);
            } else {
                // The source began anew after an outage: it repeats the transaction, this row included.
                out.repeated = Some(held);
            }
        }
        let mut last = out
            .released
            .as_mut()
            .and_then(|held| held.events.first_mut());
        for event in &mut batch.events {
            let is_last = match &mut event.transaction {
                None => false,
                Some(transaction) => {
                    if transaction.number.get() != self.number {
                        commit(last.take(), batch.ended);
                        self.number = transaction.number.get();
                        self.offset = 0;
                    }
                    transaction.offset = self.offset;
                    transaction.commit = false;
                    self.offset += u64::from(event.rows.end.saturating_sub(event.rows.start));
                    true
                }
            };
            if is_last {
                last = Some(event);
            }
        }
        if batch.mark.is_inside() {
            if first.is_some() && !is_end {
                self.hold(&mut batch.events, receipt);
            }
        } else {
            commit(last, batch.ended);
        }
        out.events = batch.events;
        out
    }

    /// Holds the last row of a transaction back, and what is behind it.
    fn hold(&mut self, events: &mut Vec<Event>, receipt: &Receipt) {
        let Some(last) = events.iter().rposition(|event| event.transaction.is_some()) else {
            return;
        };
        let mut held = events.split_off(last);
        if let Some(event) = held.first_mut() {
            let rest = event.split_to(event.len() - 1);
            if !rest.is_empty() {
                events.push(rest);
            }
        }
        let mut receipt = receipt.another();
        receipt.release();
        self.held = Some(HeldBack {
            events: held,
            receipt,
        });
    }
}

/// Marks an event as the one that ends its transaction.
fn commit(last: Option<&mut Event>, ended: Option<Ended>) {
    let Some(transaction) = last.and_then(|last| last.transaction.as_mut()) else {
        return;
    };
    transaction.commit = true;
    if let Some(ended) = ended
        && ended.number == transaction.number
    {
        transaction.xid = ended.xid;
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use super::*;
    use crate::event::{Position, Transaction};
    use crate::runtime::ledger::Ledger;
    use crate::testing::numbers;

    /// What goes out, as (transaction, xid, offset, first row, rows, commit).
    type Row = (u64, Option<u64>, u64, u32, u32, bool);

    /// A batch as (events of (transaction, xid, rows), whether it ends at a boundary, the streamed end).
    type Given<'a> = (&'a [(u64, Option<u64>, u32)], bool, Option<(u64, u64)>);

    fn run(batches: &[Given<'_>]) -> Vec<Vec<Row>> {
        let mut numbering = Numbering::default();
        let ledger = Arc::new(Ledger::default());
        let out = batches.iter().map(|(events, boundary, ended)| {
            let batch = Batch {
                events: events
                    .iter()
                    .map(|&(n, xid, rows)| numbers("t", n, xid, 0, rows))
                    .collect(),
                mark: match boundary {
                    true => Mark::Upto(Position(serde_json::Value::Null)),
                    false => Mark::Inside,
                },
                ended: ended.map(|(number, xid)| Ended {
                    number: NonZeroU64::new(number).expect("a number"),
                    xid: Some(xid),
                }),
                bytes: 0,
            };
            let receipt = ledger.enter(&batch);
            let Numbered {
                released,
                events,
                repeated,
            } = numbering.take(batch, &receipt, false);
            receipt.delivered();
            if let Some(held) = repeated {
                held.receipt.delivered();
            }
            let mut all = Vec::new();
            if let Some(held) = released {
                all.extend(held.events);
                held.receipt.delivered();
            }
            all.extend(events);
            let row = |event: &Event| match event.transaction {
                Some(Transaction {
                    number,
                    xid,
                    offset,
                    commit,
                }) => (
                    number.get(),
                    xid,
                    offset,
                    event.rows.start,
                    event.len(),
                    commit,
                ),
                None => (0, None, 0, event.rows.start, event.len(), false),
            };
            all.iter().map(row).collect()
        });
        let out = out.collect();
        // What is still held keeps its batch from being durable.
        let held = numbering.open.values().any(|source| source.held.is_some());
        assert_eq!(ledger.is_empty(), !held);
        for held in numbering
            .open
            .into_values()
            .filter_map(|source| source.held)
        {
            held.receipt.delivered();
        }
        assert!(ledger.is_empty() && !ledger.is_lost());
        out
    }

    #[test]
    fn what_is_in_no_transaction_is_neither_numbered_nor_held() {
        let out = run(&[
            (&[(0, None, 2)], false, None),
            (&[(0, None, 1), (1, None, 2), (0, None, 3)], false, None),
            (&[(0, None, 1)], false, None),
            (&[(1, None, 1), (0, None, 1)], true, Some((1, 9))),
        ]);
        assert_eq!(
            out,
            [
                vec![(0, None, 0, 0, 2, false)],
                vec![(0, None, 0, 0, 1, false), (1, None, 0, 0, 1, false)],
                vec![
                    (1, None, 1, 1, 1, false),
                    (0, None, 0, 0, 3, false),
                    (0, None, 0, 0, 1, false)
                ],
                vec![(1, Some(9), 2, 0, 1, true), (0, None, 0, 0, 1, false)],
            ]
        );
    }

    #[test]
    fn whole_transactions_are_numbered_from_zero_and_their_last_event_commits() {
        let out = run(&[(
            &[
                (1, Some(7), 3),
                (1, Some(7), 0),
                (1, Some(7), 2),
                (2, Some(8), 1),
            ],
            true,
            None,
        )]);
        assert_eq!(
            out,
            [vec![
                (1, Some(7), 0, 0, 3, false),
                (1, Some(7), 3, 0, 2, true),
                (2, Some(8), 0, 0, 1, true)
            ]]
        );
    }

    #[test]
    fn a_streamed_transaction_holds_its_last_row_back_until_its_end() {
        let out = run(&[
            (&[(1, Some(7), 1), (2, None, 3)], false, None),
            (&[(2, None, 2)], false, None),
            (&[], false, None),
            (&[], true, Some((2, 9))),
            (&[(3, Some(10), 1)], true, None),
        ]);
        assert_eq!(
            out,
            [
                vec![(1, Some(7), 0, 0, 1, true), (2, None, 0, 0, 2, false)],
                vec![(2, None, 2, 2, 1, false), (2, None, 3, 0, 1, false)],
                vec![],
                vec![(2, Some(9), 4, 1, 1, true)],
                vec![(3, Some(10), 0, 0, 1, true)],
            ]
        );
    }

    #[test]
    fn the_end_of_a_streamed_transaction_may_stand_before_others_in_its_batch() {
        let out = run(&[
            (&[(1, None, 1)], false, None),
            (&[(2, Some(8), 1)], true, Some((1, 7))),
            (&[(3, None, 2)], false, None),
            (&[(3, None, 1), (4, Some(11), 1)], true, Some((3, 10))),
        ]);
        assert_eq!(
            out,
            [
                vec![],
                vec![(1, Some(7), 0, 0, 1, true), (2, Some(8), 0, 0, 1, true)],
                vec![(3, None, 0, 0, 1, false)],
                vec![
                    (3, None, 1, 1, 1, false),
                    (3, Some(10), 2, 0, 1, true),
                    (4, Some(11), 0, 0, 1, true)
                ],
            ]
        );
    }

    #[test]
    fn a_half_read_transaction_that_the_source_begins_anew_drops_the_held_row() {
        let out = run(&[
            (&[(1, None, 2)], false, None),
            (&[(2, Some(7), 3)], true, None),
        ]);
        assert_eq!(
            out,
            [
                vec![(1, None, 0, 0, 1, false)],
                vec![(2, Some(7), 0, 0, 3, true)]
            ]
        );
    }
}
