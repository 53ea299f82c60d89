//! What is known of a transaction that does not simply go on as a whole: its savepoints, and how it ends.

use std::ops::Range;

use super::origin::Flavor;
use super::savepoints::Savepoints;
use super::{Open, Size, Transactions};
use crate::binlog::error::Error;
use crate::binlog::fate::Fate;

/// What is known of a transaction that does not simply go on as a whole.
#[derive(Debug, Default)]
pub(super) struct Partial {
    savepoints: Savepoints,
    /// How many of the transaction's events, and of their rows, were held when each part began, as long as they are held.
    begins: Vec<(usize, u64)>,
    /// There are statements other than those of savepoints in it.
    has_statements: bool,
    /// How it ends, once that was looked for.
    pub(super) fate: Option<Fate>,
}

impl Open {
    fn partial(&mut self) -> &mut Partial {
        self.partial.get_or_insert_with(Box::default)
    }

    fn fate(&self) -> Option<&Fate> {
        self.partial.as_ref()?.fate.as_ref()
    }

    /// Whether it has to go on before its end, or to be looked for it first.
    #[inline(always)]
    pub(super) fn is_large(&self, limit: usize) -> bool {
        self.size.bytes > limit && self.xa.is_none() && !self.skips_all()
    }

    #[cold]
    fn skips_all(&self) -> bool {
        matches!(self.fate(), Some(Fate::RolledBack))
    }
}

impl Transactions {
    /// Whether the open transaction is too large to be held, and it is not known how it ends: [`decide`](Self::decide).
    pub fn needs_fate(&self) -> bool {
        let Some(open) = &self.open else { return false };
        open.is_large(self.limits.transaction) && !open.streaming && self.is_undecided(open)
    }

    /// Whether the transaction may be rolled back, as far as is known. In MySQL one of which the binlog has nothing but
    /// rows cannot: what it did to tables without transactions is in others, and temporary tables are not logged with
    /// rows. Nor is one that is compressed.
    pub(super) fn is_undecided(&self, open: &Open) -> bool {
        let has_statements = || {
            let partial = open.partial.as_ref();
            partial.is_some_and(|partial| partial.has_statements)
        };
        open.fate().is_none()
            && self.payload_rows.is_none()
            && (self.origin.flavor == Flavor::Mariadb || has_statements())
    }

    /// A statement is between the rows of the open transaction.
    #[cold]
    pub fn note_statement(&mut self) {
        if let Some(open) = &mut self.open {
            open.partial().has_statements = true;
        }
    }

    /// Says how the open transaction ends.
    pub fn decide(&mut self, fate: Fate) {
        self.close_block();
        let Some(open) = &mut self.open else { return };
        match &fate {
            Fate::RolledBack => {
                self.held.clear();
                open.size = Size::default();
                open.skips = true;
            }
            Fate::Committed { .. } => {
                let partial = open.partial();
                let begins = std::mem::take(&mut partial.begins);
                let part = |event: usize| {
                    let behind = begins.partition_point(|(begin, _)| *begin <= event);
                    u32::try_from(behind).unwrap_or(u32::MAX)
                };
                let mut event = 0;
                self.held.retain(|_| {
                    let is_kept = !fate.drops(part(event));
                    event += 1;
                    is_kept
                });
                open.skips = fate.drops(open.partial().savepoints.part());
            }
        }
        open.partial().fate = Some(fate);
    }

    /// How many events of the open transaction are held.
    fn held_events(&self) -> usize {
        self.held.len() + self.pending.len().saturating_sub(self.whole)
    }

    /// SAVEPOINT.
    #[cold]
    pub fn savepoint(&mut self, name: &str) {
        let held = self.held_events();
        let Some(open) = &mut self.open else { return };
        let rows = open.size.rows;
        let partial = open.partial();
        partial.savepoints.set(name);
        self.next_part(held, rows);
    }

    /// ROLLBACK TO: forgets the rows behind the savepoint.
    ///
    /// # Errors
    /// If there is no such savepoint: then it is not known which rows were rolled back.
    #[cold]
    pub fn roll_back_to(&mut self, name: &str) -> Result<(), Error> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let place = open.place.clone();
        let is_streaming = open.streaming;
        let partial = open.partial();
        let Some(parts) = partial.savepoints.roll_back(name) else {
            return Err(Error::UnknownSavepoint { place });
        };
        if partial.fate.is_some() {
            self.next_part(0, 0);
            return Ok(());
        }
        if is_streaming {
            return Err(Error::TooLarge {
                place,
                transaction: "a transaction",
                limit: self.limits.transaction,
                problem: "was rolled back in part after its first rows had gone on",
            });
        }
        // The first part is before the first savepoint.
        let first = usize::try_from(parts.start).unwrap_or(usize::MAX);
        let begin = partial.begins.get(first.saturating_sub(1));
        let (events, rows) = begin.copied().unwrap_or_default();
        for begin in partial.begins.iter_mut().skip(first) {
            *begin = (events, rows);
        }
        open.size.rows = rows;
        let pending = events.saturating_sub(self.held.len());
        self.held.truncate(events);
        self.pending.truncate(self.whole + pending);
        self.block.parts.truncate(self.whole + pending);
        self.next_part(events, rows);
        Ok(())
    }

    /// RELEASE SAVEPOINT.
    #[cold]
    pub fn release_savepoint(&mut self, name: &str) {
        if let Some(open) = &mut self.open {
            open.partial().savepoints.release(name);
        }
    }

    fn next_part(&mut self, held: usize, rows: u64) {
        let Some(open) = &mut self.open else { return };
        let partial = open.partial();
        let part = partial.savepoints.part();
        match &partial.fate {
            Some(fate) => open.skips = fate.drops(part),
            None => partial.begins.push((held, rows)),
        }
    }
}

/// Whether one of the ranges, which are in their order and do not meet, has the number.
pub(in crate::binlog) fn has(ranges: &[Range<u32>], number: u32) -> bool {
    let behind = ranges.partition_point(|range| range.end <= number);
    ranges
        .get(behind)
        .is_some_and(|range| range.contains(&number))
}
