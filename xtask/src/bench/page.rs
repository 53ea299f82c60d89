//! The tables of `docs/performance.md`, which a run writes anew between marks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{apt, layout};

/// A table in Markdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its mark in the page.
    pub name: &'static str,
    /// The line of headings, and the one below it.
    pub head: String,
    pub lines: Vec<String>,
    /// How many of the first cells tell its lines apart.
    pub keys: usize,
}

impl Table {
    pub fn new(name: &'static str, keys: usize, headings: &[&str]) -> Self {
        let rule = vec!["---"; headings.len()].join(" | ");
        Self {
            name,
            head: format!("| {} |\n| {rule} |", headings.join(" | ")),
            lines: Vec::new(),
            keys,
        }
    }

    pub fn line(&mut self, cells: &[String]) {
        self.lines.push(format!("| {} |", cells.join(" | ")));
    }

    /// The lines of a table in the page with those of this one in their places, and new ones behind them.
    fn over(&self, old: &str) -> Vec<String> {
        let key = |line: &str| -> Vec<String> {
            let cells = line.split('|').skip(1).take(self.keys);
            cells.map(|cell| cell.trim().to_owned()).collect()
        };
        let mut all: Vec<String> = Vec::new();
        // Behind the table's head, if it is still the same one.
        if let Some((_, lines)) = old.split_once(&self.head) {
            let lines = lines.lines().filter(|line| line.starts_with("| "));
            all.extend(lines.map(str::to_owned));
        }
        for line in &self.lines {
            match all.iter_mut().find(|other| key(other) == key(line)) {
                Some(other) => *other = line.clone(),
                None => all.push(line.clone()),
            }
        }
        all
    }
}

/// The page with its marks.
#[derive(Debug)]
pub struct Page {
    path: PathBuf,
    /// Which machine, when, and by which command.
    note: String,
    /// Lines of earlier runs go.
    whole: bool,
}

impl Page {
    /// `whole` says that everything is measured anew.
    pub fn new(note: String, whole: bool) -> Self {
        Self {
            path: layout::workspace().join("docs/performance.md"),
            note,
            whole,
        }
    }

    /// Writes a table between its marks.
    pub fn write(&self, table: &Table) -> Result<()> {
        let text = fs::read_to_string(&self.path)
            .with_context(|| format!("reading {}", self.path.display()))?;
        let text = replaced(&text, table, &self.note, self.whole)
            .with_context(|| format!("{} has no mark {}", self.path.display(), table.name))?;
        fs::write(&self.path, text).with_context(|| format!("writing {}", self.path.display()))
    }

    /// The directory of the page's pictures.
    pub fn pictures(&self) -> PathBuf {
        self.path.with_extension("")
    }
}

fn replaced(text: &str, table: &Table, note: &str, whole: bool) -> Option<String> {
    let begin = format!("<!-- figures: {} -->\n", table.name);
    let end = format!("<!-- end of {} -->", table.name);
    let (before, rest) = text.split_once(&begin)?;
    let (old, after) = rest.split_once(&end)?;
    let lines = table.over(if whole { "" } else { old }).join("\n");
    let head = &table.head;
    Some(format!(
        "{before}{begin}{note}\n\n{head}\n{lines}\n{end}{after}"
    ))
}

/// What a run says of itself: `Measured on 2026-01-31, 2 x …, by cargo xtask bench …`.
pub fn note(machine: &str) -> Result<String> {
    let date = apt::output(Command::new("date").args(["--utc", "+%F"]))?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    Ok(format!(
        "Measured on {} with `cargo xtask {}`: {machine}.",
        date.trim(),
        arguments.join(" ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_replaced_by_their_keys_and_a_whole_run_drops_others() {
        let mut table = Table::new("t", 1, &["case", "figure"]);
        table.line(&["b".to_owned(), "3".to_owned()]);
        table.line(&["c".to_owned(), "4".to_owned()]);
        let page = "x\n<!-- figures: t -->\nold\n\n| case | figure |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n<!-- end of t -->\ny\n";
        let merged = "x\n<!-- figures: t -->\nnew\n\n| case | figure |\n| --- | --- |\n| a | 1 |\n| b | 3 |\n| c | 4 |\n<!-- end of t -->\ny\n";
        assert_eq!(
            replaced(page, &table, "new", false).as_deref(),
            Some(merged)
        );
        let anew = merged.replace("| a | 1 |\n", "");
        assert_eq!(
            replaced(page, &table, "new", true).as_deref(),
            Some(&anew[..])
        );
        assert_eq!(replaced("no marks", &table, "new", true), None);
    }
}
