//! The one walk over what is written: part by part, row by row, with the records of each row.

use crate::component::{Refusal, WriteError, sort_by_place};
use crate::event::Event;
use crate::fault::{Fault, Severity};
use crate::format::{EncodedRecord, EncodedRecords, Encoder};
use crate::turn;

/// What is encoded before others get their turn, in bytes: about 100 µs of work.
const PART: usize = 128 << 10;

/// The events of one write on their way through an encoder, and what became of their rows.
///
/// A row that cannot be encoded, or that whoever takes it refuses, is noted and passed over; all other faults end the walk.
///
/// ```text
/// let mut walk = Walk::of(events);
/// while walk.encode(&mut encoder).await {
///     walk.rows(&encoder, |row| { for record in row.records() { … } Ok(()) });
/// }
/// walk.outcome()
/// ```
#[derive(Debug)]
pub struct Walk<'e> {
    events: &'e [Event],
    /// The next event to be encoded, and how many of its rows are passed.
    next: (usize, u32),
    /// What stands in the encoder: events by their indexes, the first row of each and how many rows.
    part: Vec<(usize, u32, u32)>,
    has_begun: bool,
    refused: Vec<Refusal>,
    /// What ended the walk, and the row that it is of.
    end: Option<((usize, u32), Fault)>,
}

/// A row, and the records that it became.
#[derive(Debug)]
pub struct EncodedRow<'r, 'e> {
    pub event: &'e Event,
    /// The index of the event in what is written.
    pub index: usize,
    /// The row's number in the event.
    pub row: u32,
    /// The records of this row and of those behind it.
    rest: &'r mut std::iter::Peekable<EncodedRecords<'e>>,
    /// The row's number in the encoder.
    number: usize,
}

impl<'e> EncodedRow<'_, 'e> {
    /// The row's records that are not taken yet: one as a rule, none for what the format leaves out.
    pub fn records(&mut self) -> impl Iterator<Item = EncodedRecord<'e>> {
        let number = self.number;
        std::iter::from_fn(move || self.rest.next_if(|record| record.row == number))
    }
}

impl<'e> Walk<'e> {
    pub fn of(events: &'e [Event]) -> Self {
        Self {
            events,
            next: (0, 0),
            part: Vec::new(),
            has_begun: false,
            refused: Vec::new(),
            end: None,
        }
    }

    /// Encodes the next part, about 128 KiB, in place of the one before, and lets others run in between; `false` if there was
    /// nothing left.
    pub async fn encode(&mut self, encoder: &mut Encoder) -> bool {
        if self.has_begun {
            encoder.forget();
            turn::pass_on().await;
        } else {
            encoder.clear();
            self.has_begun = true;
        }
        self.part.clear();
        while self.end.is_none()
            && encoder.payload().len() < PART
            && let Some(rest @ [first, ..]) = self.events.get(self.next.0..)
        {
            let (index, row) = self.next;
            if row == 0 {
                let (whole, encoded) = encoder.encode_some(rest, PART);
                let events = (index..).zip(rest).take(whole);
                self.part
                    .extend(events.map(|(index, event)| (index, 0, event.len())));
                self.next.0 = index + whole;
                if let Err(error) = encoded {
                    self.part.push((index + whole, 0, error.row));
                    self.fail((index + whole, error.row), error.fault);
                }
                continue;
            }
            // What is behind a row that could not be encoded.
            let mut event = first.clone();
            event.split_to(row);
            match encoder.encode(&event) {
                Ok(()) => {
                    self.part.push((index, row, event.len()));
                    self.next = (index + 1, 0);
                }
                Err(error) => {
                    self.part.push((index, row, error.row));
                    self.fail((index, row + error.row), error.fault);
                }
            }
        }
        !self.part.is_empty()
    }

    /// Gives each row of the part to `take`, which may refuse it.
    pub fn rows<'r>(
        &'r mut self,
        encoder: &'r Encoder,
        mut take: impl FnMut(&mut EncodedRow<'_, 'r>) -> Result<(), Fault>,
    ) {
        let mut rest = encoder.records().peekable();
        let mut number = 0;
        let part = std::mem::take(&mut self.part);
        'part: for (index, first, rows) in &part {
            let Some(event) = self.events.get(*index) else {
                break;
            };
            for row in *first..first.saturating_add(*rows) {
                let mut encoded = EncodedRow {
                    event,
                    index: *index,
                    row,
                    rest: &mut rest,
                    number,
                };
                let taken = take(&mut encoded);
                // What was not looked at.
                encoded.records().for_each(drop);
                if let Err(fault) = taken {
                    let is_refused = fault.severity == Severity::Reject;
                    self.fail((*index, row), fault);
                    if !is_refused {
                        break 'part;
                    }
                }
                number += 1;
            }
        }
        self.part = part;
    }

    /// Notes rows that were given and are refused after all, each once.
    pub fn refuse(&mut self, rows: impl Iterator<Item = (usize, u32)>, fault: impl Fn() -> Fault) {
        let mut last = None;
        for (event, row) in rows {
            if last.replace((event, row)) != Some((event, row)) {
                let fault = fault();
                self.refused.push(Refusal { event, row, fault });
            }
        }
        sort_by_place(&mut self.refused);
    }

    fn fail(&mut self, (event, row): (usize, u32), fault: Fault) {
        if fault.severity == Severity::Reject {
            self.refused.push(Refusal { event, row, fault });
            if self.next.0 == event {
                self.next = self.after(event, row);
            }
        } else if self.end.as_ref().is_none_or(|(at, _)| (event, row) < *at) {
            self.end = Some(((event, row), fault));
        }
    }

    /// The place of the row behind this one.
    fn after(&self, event: usize, row: u32) -> (usize, u32) {
        match self.events.get(event) {
            Some(of) if row + 1 < of.len() => (event, row + 1),
            _ => (event + 1, 0),
        }
    }

    /// What the write comes to, if all rows that were given are durable.
    ///
    /// # Errors
    /// If rows were refused, or something ended the walk.
    pub fn outcome(self) -> Result<(), WriteError> {
        match self.end {
            None if self.refused.is_empty() => Ok(()),
            None => Err(WriteError {
                refused: self.refused,
                ..WriteError::all(self.events)
            }),
            Some(((durable, rows), fault)) => Err(WriteError {
                refused: self.refused,
                ..WriteError::at(durable, rows, fault)
            }),
        }
    }

    /// What the write comes to, if of the rows that were given all before this one are durable, and why no more are.
    pub fn ended_at(mut self, (event, row): (usize, u32), fault: Fault) -> WriteError {
        if fault.severity == Severity::Reject {
            self.refused.push(Refusal { event, row, fault });
            let refused = std::mem::take(&mut self.refused);
            let (durable, rows) = self.after(event, row);
            return WriteError {
                durable,
                rows,
                refused,
                ..WriteError::all(&[])
            };
        }
        // What was refused behind it is decided too.
        WriteError {
            refused: self.refused,
            ..WriteError::at(event, row, fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Column, Table};
    use crate::fault::Exit;
    use crate::format::Format;
    use crate::testing::numbers;
    use crate::value::OwnedRows;

    fn rows(ids: std::ops::Range<i32>) -> Event {
        let table = Table::new("shop", "t", vec![Column::untyped("id")], vec![0]);
        let text = "x".repeat(1000);
        OwnedRows::insert(
            &Arc::new(table),
            ids.map(|id| vec![id.into(), text.as_str().into()]),
        )
    }

    /// What was given, and what the write came to.
    async fn walk(
        events: &[Event],
        mut take: impl FnMut(usize, u32) -> Result<(), Fault>,
    ) -> (Vec<(usize, u32)>, Result<(), WriteError>) {
        let mut encoder = Encoder::new(Format::default());
        let mut walk = Walk::of(events);
        let mut given = Vec::new();
        while walk.encode(&mut encoder).await {
            walk.rows(&encoder, |row| {
                take(row.index, row.row)?;
                assert_eq!(row.records().count(), 1);
                given.push((row.index, row.row));
                Ok(())
            });
        }
        (given, walk.outcome())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn all_rows_come_in_order_and_in_parts() {
        let events = [rows(0..300), rows(300..301), rows(301..500)];
        let (given, outcome) = walk(&events, |_, _| Ok(())).await;
        outcome.expect("all");
        let expected = [(0, 300), (1, 1), (2, 199)];
        let expected = expected.map(|(event, rows)| (0..rows).map(move |row| (event, row)));
        assert_eq!(given, expected.into_iter().flatten().collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn refused_rows_are_passed_over_and_other_faults_end_the_walk() {
        let no = || Fault::reject("write", "no");
        let full = || Fault::stop(Exit::Io, "write", "full");
        let events = [rows(0..300), rows(300..310)];
        let odd = |event, row| match (event, row) {
            (_, row) if row % 2 == 1 => Err(no()),
            (1, 4) => Err(full()),
            _ => Ok(()),
        };
        let (given, outcome) = walk(&events, odd).await;
        assert_eq!(given.len(), 152);
        let error = outcome.expect_err("rows were refused");
        assert_eq!((error.durable, error.rows), (1, 4));
        assert_eq!(error.refused.len(), 152);
        assert_eq!(error.fault.map(|fault| fault.exit()), Some(Exit::Io));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_row_that_cannot_be_encoded_ends_the_walk_in_front_of_it() {
        // Rows of numbers have no columns, which is a bug of whoever encodes them.
        let events = [rows(0..3), numbers("t", 1, None, 0, 2)];
        let (given, outcome) = walk(&events, |_, _| Ok(())).await;
        assert_eq!(given, [(0, 0), (0, 1), (0, 2)]);
        let error = outcome.expect_err("a bug");
        assert_eq!((error.durable, error.rows, error.refused.len()), (1, 0, 0));
    }
}
