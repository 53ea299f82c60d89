//! Numbers the rows that a destination gets of each transaction, and finds the last.

use std::collections::HashMap;

use crate::event::{Batch, Ended, Event};

/// Gives every event its offset in its transaction and marks the last one, after filters, as Maxwell does.
///
/// A transaction that ends inside its batch is marked at once. Of one that goes on in later batches the last row is held
/// back until either the next row or the transaction's end is known.
#[derive(Debug, Default)]
pub struct Numbering {
    sources: HashMap<usize, Source>,
}

/// The transaction that one collector is in.
#[derive(Debug, Default)]
struct Source {
    number: u64,
    offset: u64,
    /// The last row so far of a transaction whose end was not in its batch.
    held: Option<Event>,
}

impl Numbering {
    /// Appends the events of a batch that can go out now to `out`.
    ///
    /// `source` tells the collectors apart, whose batches may come mixed.
    pub fn take(&mut self, source: usize, batch: Batch, out: &mut Vec<Event>) {
        self.sources.entry(source).or_default().take(batch, out);
    }
}

impl Source {
    fn take(&mut self, mut batch: Batch, out: &mut Vec<Event>) {
        let mut last = self.resume(&batch, out);
        batch.events.retain(|event| !event.is_empty());
        let first = out.len();
        out.append(&mut batch.events);
        for n in first..out.len() {
            let number = out[n].transaction.number;
            if number != self.number {
                commit(last, batch.ended, out);
                self.number = number;
                self.offset = 0;
            }
            let event = &mut out[n];
            event.transaction.offset = self.offset;
            event.transaction.commit = false;
            self.offset += u64::from(event.len());
            last = Some(n);
        }
        if batch.position.is_some() {
            commit(last, batch.ended, out);
        } else if last.is_some() {
            self.hold(out);
        }
    }

    /// Lets the held row go if its transaction goes on or ends in this batch, and returns where it stands.
    fn resume(&mut self, batch: &Batch, out: &mut Vec<Event>) -> Option<usize> {
        let held = self.held.take()?;
        let ends = batch.ended.is_some_and(|ended| ended.number == self.number);
        match batch.events.iter().find(|event| !event.is_empty()) {
            _ if ends => {}
            Some(event) if event.transaction.number == self.number => {}
            // Nothing of this batch comes here, but the transaction is still open.
            None if batch.position.is_none() => {
                self.held = Some(held);
                return None;
            }
            // The source began anew after an outage: it repeats the transaction, this row included.
            Some(_) | None => return None,
        }
        out.push(held);
        Some(out.len() - 1)
    }

    fn hold(&mut self, out: &mut Vec<Event>) {
        if let Some(mut event) = out.pop() {
            let rest = event.split_to(event.len() - 1);
            if !rest.is_empty() {
                out.push(rest);
            }
            self.held = Some(event);
        }
    }
}

/// Marks the event at `last` as the one that ends its transaction.
fn commit(last: Option<usize>, ended: Option<Ended>, out: &mut [Event]) {
    let Some(event) = last.and_then(|last| out.get_mut(last)) else {
        return;
    };
    event.transaction.commit = true;
    if let Some(ended) = ended
        && ended.number == event.transaction.number
    {
        event.transaction.xid = ended.xid;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Changes, Column, EncodeError, Operation, Position, Table, Transaction};
    use crate::format::Encoder;

    #[derive(Debug)]
    struct Nothing;

    impl Changes for Nothing {
        fn encode(&self, _: &Event, _: &mut Encoder) -> Result<(), EncodeError> {
            Ok(())
        }
    }

    fn event(
        table: &Arc<Table>,
        changes: &Arc<dyn Changes>,
        number: u64,
        xid: Option<u64>,
        rows: u32,
    ) -> Event {
        Event {
            table: Arc::clone(table),
            operation: Operation::Insert,
            timestamp: 0,
            transaction: Transaction {
                number,
                xid,
                ..Transaction::default()
            },
            changes: Arc::clone(changes),
            part: 0,
            rows: 0..rows,
        }
    }

    /// What goes out, as (transaction, xid, offset, first row, rows, commit).
    type Row = (u64, Option<u64>, u64, u32, u32, bool);

    /// A batch as (events of (transaction, xid, rows), whether it ends at a boundary, the streamed end).
    type Given<'a> = (&'a [(u64, Option<u64>, u32)], bool, Option<(u64, u64)>);

    fn run(batches: &[Given<'_>]) -> Vec<Vec<Row>> {
        let table = Arc::new(Table::new("d", "t", vec![Column::untyped("c")], vec![]));
        let changes: Arc<dyn Changes> = Arc::new(Nothing);
        let mut numbering = Numbering::default();
        batches
            .iter()
            .map(|(events, boundary, ended)| {
                let batch = Batch {
                    events: events
                        .iter()
                        .map(|&(n, xid, rows)| event(&table, &changes, n, xid, rows))
                        .collect(),
                    position: boundary.then(|| Position(serde_json::Value::Null)),
                    ended: ended.map(|(number, xid)| Ended {
                        number,
                        xid: Some(xid),
                    }),
                    bytes: 0,
                };
                let mut out = Vec::new();
                numbering.take(1, batch, &mut out);
                out.iter()
                    .map(|event| {
                        let Transaction {
                            number,
                            xid,
                            offset,
                            commit,
                        } = event.transaction;
                        (number, xid, offset, event.rows.start, event.len(), commit)
                    })
                    .collect()
            })
            .collect()
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
