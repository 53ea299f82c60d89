//! What is prepared once for each table version.

use std::collections::HashMap;

use crate::event::Table;

/// How many table versions an encoder remembers its preparations for.
pub(super) const PLANS: usize = 1024;

/// What was prepared for each table version.
#[derive(Debug)]
pub(super) struct Plans<P> {
    /// The version that was asked for last, and the index of its plan.
    last: (u64, usize),
    indexes: HashMap<u64, usize>,
    plans: Vec<P>,
}

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Self {
            last: (0, 0),
            indexes: HashMap::new(),
            plans: Vec::new(),
        }
    }
}

impl<P> Plans<P> {
    /// The table's plan, which `make` makes if it is not there.
    #[inline(always)]
    pub fn of(&mut self, table: &Table, make: impl FnOnce(&Table) -> P) -> &P {
        let index = if self.last.0 == table.version && self.last.1 < self.plans.len() {
            self.last.1
        } else {
            self.look_up(table, make)
        };
        &self.plans[index]
    }

    /// The plan of the table that was asked for last.
    pub fn last(&self) -> Option<&P> {
        self.plans.get(self.last.1)
    }

    #[inline(never)]
    fn look_up(&mut self, table: &Table, make: impl FnOnce(&Table) -> P) -> usize {
        if self.plans.len() >= PLANS && !self.indexes.contains_key(&table.version) {
            self.plans.clear();
            self.indexes.clear();
        }
        let index = *self.indexes.entry(table.version).or_insert_with(|| {
            self.plans.push(make(table));
            self.plans.len() - 1
        });
        self.last = (table.version, index);
        index
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.plans.len()
    }
}
