//! What became of the rows of a write, from the answers to its requests.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::component::{Refusal, WriteError};
use crate::event::Event;
use crate::fault::{Exit, Fault, Severity};

/// What a sink says to a request.
pub(super) type Answer = Result<Vec<(usize, Fault)>, Fault>;

/// A record in a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// The index of its event and the row's number in it.
    pub row: (usize, u32),
    pub key: u64,
    /// How many bytes the request has up to its end.
    pub end: usize,
}

/// What became of the rows so far.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The last row that was given.
    last: Option<(usize, u32)>,
    /// The keys of the rows that have several records.
    keys: BTreeMap<(usize, u32), Vec<u64>>,
    /// Rows that were given and are not durable, unless they are refused.
    undone: BTreeSet<(usize, u32)>,
    undone_keys: HashSet<u64>,
    refused: BTreeMap<(usize, u32), Fault>,
    /// Why rows are not durable; one that stops before one that is an outage.
    fault: Option<Fault>,
    is_failed: bool,
}

impl Verdict {
    /// Notes a row whose records, which have these keys, are in requests.
    pub(super) fn given(&mut self, row: (usize, u32), keys: Vec<u64>) {
        self.last = Some(row);
        if keys.len() > 1 {
            self.keys.insert(row, keys);
        }
    }

    /// Whether no further request may go.
    pub(super) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// Looks whether an answer says that no further request may go.
    pub(super) fn hear(&mut self, answer: &Answer) {
        let is_failure = |fault: &Fault| fault.severity != Severity::Reject;
        self.is_failed |= match answer {
            Ok(faults) => faults.iter().any(|(_, fault)| is_failure(fault)),
            Err(fault) => is_failure(fault),
        };
    }

    /// Notes what became of a request; all that were sent before it are judged.
    pub(super) fn judge(&mut self, slots: &[Slot], answer: Answer) {
        match answer {
            Ok(faults) => self.judge_each(slots, faults),
            Err(fault) if fault.severity == Severity::Reject => self.refuse_all(slots, fault),
            Err(fault) => {
                self.unsent(slots);
                self.fail(fault);
            }
        }
    }

    fn judge_each(&mut self, slots: &[Slot], faults: Vec<(usize, Fault)>) {
        if let Some((number, _)) = faults.iter().find(|(number, _)| *number >= slots.len()) {
            let why = format!(
                "record {number} of a request of {} is said to be at fault",
                slots.len()
            );
            self.unsent(slots);
            self.fail(Fault::stop(Exit::Software, "send a request", why));
            return;
        }
        let mut of_record = BTreeMap::new();
        for (number, fault) in faults {
            of_record.entry(number).or_insert(fault);
        }
        for (number, slot) in slots.iter().enumerate() {
            match of_record.remove(&number) {
                Some(fault) if fault.severity == Severity::Reject => {
                    self.refused.entry(slot.row).or_insert(fault);
                }
                Some(fault) => {
                    self.undone(slot);
                    self.fail(fault);
                }
                // It has overtaken one of its key.
                None if self.undone_keys.contains(&slot.key) => self.undone(slot),
                None => {}
            }
        }
    }

    /// Refuses all rows of a request: the fault is of them as a whole.
    fn refuse_all(&mut self, slots: &[Slot], fault: Fault) {
        let (doing, hint, text) = (fault.doing.clone(), fault.hint.clone(), {
            let all = fault.to_string();
            let said = all.strip_prefix(&format!("{}: ", fault.doing));
            said.map_or(all.clone(), str::to_owned)
        });
        let mut fault = Some(fault);
        for slot in slots {
            self.refused.entry(slot.row).or_insert_with(|| {
                let again = || Fault {
                    hint: hint.clone(),
                    ..Fault::reject(doing.clone(), text.clone())
                };
                fault.take().unwrap_or_else(again)
            });
        }
    }

    /// Notes rows that did not go, or of which it is not known that they are durable.
    pub(super) fn unsent(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.undone(slot);
        }
    }

    /// Notes a row that has to be written again, with all of its records.
    fn undone(&mut self, slot: &Slot) {
        self.undone.insert(slot.row);
        self.undone_keys.insert(slot.key);
        self.undone_keys
            .extend(self.keys.get(&slot.row).into_iter().flatten());
    }

    fn fail(&mut self, fault: Fault) {
        let stops = |fault: &Fault| matches!(fault.severity, Severity::Stop(_));
        if self
            .fault
            .as_ref()
            .is_none_or(|first| !stops(first) && stops(&fault))
        {
            self.fault = Some(fault);
        }
        self.is_failed = true;
    }

    /// What the write of `events` comes to, if `walked` is what it came to before anything was sent.
    ///
    /// # Errors
    /// If a row is refused or not durable.
    pub(super) fn outcome(
        mut self,
        events: &[Event],
        walked: Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let refused = std::mem::take(&mut self.refused);
        let refused = refused.into_iter();
        let mut refused: Vec<Refusal> = refused
            .map(|((event, row), fault)| Refusal { event, row, fault })
            .collect();
        if self.fault.is_none() {
            return match walked {
                Ok(()) if refused.is_empty() => Ok(()),
                Ok(()) => Err(WriteError::all(events).and_refused(refused)),
                Err(error) => Err(error.and_refused(refused)),
            };
        }
        if let Err(error) = walked {
            refused.extend(error.refused);
        }
        for refusal in &refused {
            self.undone.remove(&(refusal.event, refusal.row));
        }
        let end = self.last.map_or((0, 0), |last| behind(events, last));
        let (durable, rows) = self.undone.first().copied().unwrap_or(end);
        let decided: BTreeSet<_> = refused.iter().map(|of| (of.event, of.row)).collect();
        let mut ahead = Vec::new();
        let mut row = (durable, rows);
        while row < end {
            if !self.undone.contains(&row) && !decided.contains(&row) {
                ahead.push(row);
            }
            row = behind(events, row);
        }
        let error = WriteError {
            durable,
            rows,
            ahead,
            refused: Vec::new(),
            fault: self.fault,
        };
        Err(error.and_refused(refused))
    }
}

/// The place of the row behind this one: events without rows are passed.
fn behind(events: &[Event], (event, row): (usize, u32)) -> (usize, u32) {
    match events.get(event) {
        Some(of) if row + 1 < of.len() => (event, row + 1),
        _ => {
            let rest = events.get(event + 1..).unwrap_or_default();
            let empty = rest.iter().take_while(|event| event.is_empty()).count();
            (event + 1 + empty, 0)
        }
    }
}
