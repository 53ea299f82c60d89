//! Savepoints: which rows of a transaction were rolled back before it was committed.
//!
//! A server cuts what ROLLBACK TO takes back out of its cache before it writes the transaction, and writes SAVEPOINT and
//! ROLLBACK TO as statements between the rows only where it must not cut: in MariaDB when the transaction, as its session
//! sees it, also changed a table without transactions, or made or dropped a temporary one (`binlog_savepoint_rollback` in
//! `sql/log.cc`), in MySQL when a statement about a table without transactions is in the same cache (`sql/binlog.cc`).
//! Rows of tables without transactions are in transactions of their own (`use_trans_cache`), so that all rows between
//! both statements were never committed. A replica runs the statements as it does those of a session.

use std::ops::Range;

/// The parts of a transaction between its savepoint statements, by their numbers.
#[derive(Debug, Default)]
pub struct Savepoints {
    /// The living ones, the oldest first: each with the part that begins behind it.
    alive: Vec<(String, u32)>,
    /// The number of the part that is read.
    part: u32,
}

impl Savepoints {
    /// The number of the part that is read.
    pub fn part(&self) -> u32 {
        self.part
    }

    /// SAVEPOINT: a part begins. One of the same name is replaced.
    pub fn set(&mut self, name: &str) {
        let name = folded(name);
        self.alive.retain(|(known, _)| *known != name);
        self.part = self.part.saturating_add(1);
        self.alive.push((name, self.part));
    }

    /// ROLLBACK TO: gives the parts that it takes back, and a part begins. `None` if there is no such savepoint.
    pub fn roll_back(&mut self, name: &str) -> Option<Range<u32>> {
        let at = self.find(name)?;
        let (_, first) = self.alive.get(at)?;
        let first = *first;
        // Those behind it are gone with what they stood in.
        self.alive.truncate(at + 1);
        self.part = self.part.saturating_add(1);
        Some(first..self.part)
    }

    /// RELEASE SAVEPOINT: it is gone, and those behind it are.
    pub fn release(&mut self, name: &str) {
        if let Some(at) = self.find(name) {
            self.alive.truncate(at);
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = folded(name);
        self.alive.iter().rposition(|(known, _)| *known == name)
    }

    /// What they take, in bytes.
    pub fn size(&self) -> usize {
        let names: usize = self.alive.iter().map(|(name, _)| name.len()).sum();
        names + self.alive.len() * size_of::<(String, u32)>()
    }
}

/// Servers compare names without regard to case.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_takes_back_what_is_behind_its_savepoint() {
        let mut savepoints = Savepoints::default();
        savepoints.set("a"); // 1
        savepoints.set("B"); // 2
        savepoints.set("c"); // 3
        assert_eq!(savepoints.roll_back("b"), Some(2..4));
        assert_eq!(savepoints.roll_back("c"), None);
        // It stays, and can be rolled back to again.
        assert_eq!(savepoints.roll_back("`"), None);
        assert_eq!(savepoints.roll_back("b"), Some(2..5));
        assert_eq!(savepoints.roll_back("A"), Some(1..6));
        assert_eq!(savepoints.part(), 6);
    }

    #[test]
    fn a_savepoint_of_the_same_name_replaces_the_older() {
        let mut savepoints = Savepoints::default();
        savepoints.set("s"); // 1
        savepoints.set("other"); // 2
        savepoints.set("S"); // 3
        assert_eq!(savepoints.roll_back("s"), Some(3..4));
        // The one between is older now.
        assert_eq!(savepoints.roll_back("other"), Some(2..5));
        assert_eq!(savepoints.roll_back("s"), None);
    }

    #[test]
    fn a_released_savepoint_and_those_behind_it_are_gone() {
        let mut savepoints = Savepoints::default();
        savepoints.set("a");
        savepoints.set("b");
        savepoints.set("c");
        savepoints.release("b");
        assert_eq!(savepoints.roll_back("c"), None);
        assert_eq!(savepoints.roll_back("b"), None);
        assert_eq!(savepoints.roll_back("a"), Some(1..4));
    }
}
