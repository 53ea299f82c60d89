//! Where the values of an entry stand, for what is said of it while the pipeline runs.

use super::tree::{Node, Provenance, Value};
use crate::Fault;

/// The lines of an entry's options and templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    file: String,
    /// The line where the entry begins.
    begins: usize,
    keys: Vec<(String, usize)>,
    /// Texts with pointers, `%{…}`, in them.
    templates: Vec<(String, usize)>,
}

impl Places {
    pub(crate) fn of(file: &str, entry: &Node) -> Self {
        let mut places = Self {
            file: file.to_owned(),
            begins: entry.span.line,
            ..Self::default()
        };
        places.add(entry);
        places
    }

    fn add(&mut self, node: &Node) {
        match &node.value {
            Value::Scalar(scalar) => {
                let is_written = scalar.provenance == Provenance::Written;
                if is_written && scalar.text.contains("%{") {
                    let line = node.span.line;
                    self.templates.push((scalar.text.clone(), line));
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| self.add(item)),
            Value::Mapping(entries) => {
                for entry in entries {
                    self.keys.push((entry.key.clone(), entry.key_span.line));
                    self.add(&entry.value);
                }
            }
        }
    }

    /// The line, as `file:line`, of what a fault speaks of, or else where the entry begins.
    pub fn of_fault(&self, fault: &Fault) -> String {
        let hint = fault.hint.as_deref().unwrap_or_default();
        self.spoken_of(&fault.to_string())
            .or_else(|| self.spoken_of(hint))
            .unwrap_or_else(|| format!("{}:{}", self.file, self.begins))
    }

    /// The line, as `file:line`, of the template or option that a message names between backticks.
    pub fn spoken_of(&self, message: &str) -> Option<String> {
        let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let template = |name: &&str| {
            let pointer = name.strip_prefix("%{").unwrap_or(name);
            let pointer = format!("%{{{}", pointer.trim_end_matches('}'));
            let mut templates = self.templates.iter();
            let begins = |rest: &str| rest.starts_with('}') || rest.starts_with(":-");
            templates.find(|(text, _)| {
                text.match_indices(&pointer)
                    .any(|(at, _)| text.get(at + pointer.len()..).is_some_and(begins))
            })
        };
        let key = |name: &&str| {
            let name = name.split(": ").next().unwrap_or(name);
            self.keys.iter().find(|(key, _)| key == name)
        };
        let named = || named.iter();
        let found = named().find_map(template).or_else(|| named().find_map(key));
        found.map(|(_, line)| format!("{}:{line}", self.file))
    }
}
