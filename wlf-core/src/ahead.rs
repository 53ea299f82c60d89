//! What a destination has already of rows that come again.

use std::collections::HashSet;
use std::sync::Arc;

use crate::event::{Changes, Event};

/// Rows that a destination has although it has not all rows before them.
///
/// A write that fails in the middle says how many rows from the front are durable, and the runtime brings all others
/// again. A dispatcher that sends to several places at once notes here which of those it need not send twice.
#[derive(Debug, Default)]
pub struct Ahead {
    rows: HashSet<Id>,
    /// Keeps the rows where they are, since their address is what they are known by.
    sources: Vec<Arc<dyn Changes>>,
}

/// A row: the address of its source, the part of it and the number in that.
type Id = (usize, u32, u32);

fn id(event: &Event, row: u32) -> Id {
    let source = Arc::as_ptr(&event.changes).cast::<()>().addr();
    (source, event.part, event.rows.start.saturating_add(row))
}

impl Ahead {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Notes the row of an event, counted from the event's first.
    pub fn note(&mut self, event: &Event, row: u32) {
        let last = self.sources.last();
        if !last
            .is_some_and(|last| std::ptr::addr_eq(Arc::as_ptr(last), Arc::as_ptr(&event.changes)))
        {
            self.sources.push(event.changes.clone());
        }
        self.rows.insert(id(event, row));
    }

    /// Says whether the row was noted.
    pub fn contains(&self, event: &Event, row: u32) -> bool {
        !self.rows.is_empty() && self.rows.contains(&id(event, row))
    }

    /// Forgets all rows: to be called when a write has succeeded.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.sources.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Column, Table};
    use crate::value::Records;

    #[test]
    fn rows_are_known_again_in_the_rest_of_their_event() {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
        let rows = || (0..10).map(|id: i32| vec![id.into()]);
        let mut event = Records::insert(&table, rows());
        let mut ahead = Ahead::default();
        ahead.note(&event, 5);
        ahead.note(&event, 7);
        event.split_to(4);
        let known = (0..6).filter(|row| ahead.contains(&event, *row));
        assert_eq!(known.collect::<Vec<_>>(), [1, 3]);
        assert!(!ahead.contains(&Records::insert(&table, rows()), 5));
        ahead.clear();
        assert!(ahead.is_empty());
        assert!(!ahead.contains(&event, 1));
    }
}
