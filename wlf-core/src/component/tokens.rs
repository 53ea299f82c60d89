//! What a collector's tokens stand for.

use std::collections::BTreeMap;

use crate::event::Mark;
use crate::runtime::Settled;

/// What a collector needs to acknowledge each of its batches, by their tokens: a receipt handle, a delivery tag, a file.
///
/// ```
/// use wlf_core::{Mark, Settled, Tokens};
///
/// let mut under_way = Tokens::default();
/// assert_eq!(under_way.give("a handle"), Mark::Token(0));      // the mark of the batch that it came with
/// let settled = Settled::Done { token: 0, refused: vec![] };   // what the desk tells later
/// assert_eq!(under_way.settle(settled), Some(("a handle", vec![])));
/// assert!(under_way.is_empty());
/// ```
#[derive(Debug)]
pub struct Tokens<T> {
    under_way: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Tokens<T> {
    fn default() -> Self {
        Self {
            under_way: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Tokens<T> {
    /// Keeps a handle while its batch is under way, and gives the batch's mark.
    pub fn give(&mut self, handle: T) -> Mark {
        let token = self.next;
        self.next += 1;
        self.under_way.insert(token, handle);
        Mark::Token(token)
    }

    /// The handle of a batch that is done with, and the numbers of its rows that were refused; `None` for what else settles.
    pub fn settle(&mut self, settled: Settled) -> Option<(T, Vec<u32>)> {
        let Settled::Done { token, refused } = settled else {
            return None;
        };
        Some((self.under_way.remove(&token)?, refused))
    }

    /// The handles that are under way, the oldest first: those whose leases are to be made longer.
    pub fn under_way(&self) -> impl Iterator<Item = &T> {
        self.under_way.values()
    }

    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}
