//! The lines of a write, by the files that they go to.

use std::collections::HashMap;

use crate::lines::Lines;

/// So much is held for a file that all rows of a write have gone to so far, in bytes: a part more and it is written.
pub const HELD: usize = 256 << 10;

/// The memory of lines that is kept for later ones, in bytes.
const KEPT: usize = 4 << 20;

/// The lines of a write, by the files that they go to, in the order of their first rows.
#[derive(Debug, Default)]
pub struct Groups {
    list: Vec<Group>,
    by_path: HashMap<String, usize>,
    /// Without lines, kept for their memory.
    spare: Vec<Lines>,
    /// How much that is, in bytes.
    kept: usize,
}

/// The lines that go to one file.
#[derive(Debug)]
pub struct Group {
    pub path: String,
    /// Its first row: the index of the event and the number in it.
    pub first_row: (usize, u32),
    pub lines: Lines,
}

impl Groups {
    /// Forgets all lines. What they took is kept for others up to a limit: a write may go to any number of files, and the
    /// next to as many that are not the same.
    pub fn clear(&mut self) {
        self.by_path.clear();
        // The first comes last, and is the first that is used again.
        while let Some(Group { mut lines, .. }) = self.list.pop() {
            let memory = lines.memory();
            if self.kept + memory <= KEPT {
                lines.clear();
                self.kept += memory;
                self.spare.push(lines);
            }
        }
    }

    /// All that have lines.
    pub fn list(&self) -> &[Group] {
        &self.list
    }

    /// The only one so far, if it is one.
    pub fn only(&mut self) -> Option<&mut Group> {
        match &mut self.list[..] {
            [group] => Some(group),
            _ => None,
        }
    }

    /// The number of a path's group; `row` is the first if there was none.
    pub fn number(&mut self, path: &str, row: (usize, u32)) -> usize {
        if let Some(group) = self.by_path.get(path) {
            return *group;
        }
        let lines = self.spare.pop().unwrap_or_default();
        self.kept -= lines.memory();
        let number = self.list.len();
        self.list.push(Group {
            path: path.to_owned(),
            first_row: row,
            lines,
        });
        self.by_path.insert(path.to_owned(), number);
        number
    }

    /// Adds a line of a row to the group of this number.
    pub fn push(&mut self, group: usize, row: (usize, u32), line: &[u8]) {
        if let Some(group) = self.list.get_mut(group) {
            group.lines.push(row, line);
        }
    }

    /// The memory of all lines, in bytes.
    #[cfg(test)]
    pub fn memory(&self) -> usize {
        let lines = self.list.iter().map(|group| &group.lines);
        lines.chain(&self.spare).map(Lines::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_over_thousands_of_files() {
        let mut groups = Groups::default();
        let line = [b'x'; 2_000];
        for write in 0..20 {
            for file in 0..5_000 {
                let path = format!("{write}/{file}");
                let group = groups.number(&path, (0, file));
                assert_eq!(groups.number(&path, (1, file)), group);
                groups.push(group, (0, file), &line);
            }
            let files = groups.list().iter().zip(0..);
            for (group, file) in files {
                assert_eq!(group.path, format!("{write}/{file}"));
                assert_eq!(group.first_row, (0, file));
                assert_eq!(group.lines.len(), line.len() + 1);
            }
            groups.clear();
            assert_eq!(groups.list().len(), 0);
            assert_eq!(groups.memory(), groups.kept);
            assert!(groups.kept <= KEPT && groups.kept > KEPT / 2);
        }
    }

    #[test]
    fn files_that_come_again_get_memory_of_their_size() {
        let mut groups = Groups::default();
        let mut memories = Vec::new();
        for _ in 0..3 {
            for (path, size) in [("large", 100_000), ("small", 10)] {
                let group = groups.number(path, (0, 0));
                groups.push(group, (0, 0), &vec![b'x'; size]);
            }
            memories.push(groups.memory());
            groups.clear();
        }
        assert!(memories.iter().all(|memory| *memory == memories[0]));
    }
}
