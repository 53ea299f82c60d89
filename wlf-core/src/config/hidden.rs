//! What no message shows, whatever it is about: what came from variables and files, and what stands where secrets do.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::interpolate::Environment;
use super::problem::Problem;
use super::read_error::without;
use super::source::Source;
use crate::store::Store;

/// Shorter texts are in anything.
const SHORTEST: usize = 4;

/// Another environment, with what it gave.
pub(crate) struct Remembering<'a> {
    inner: &'a dyn Environment,
    given: RefCell<Vec<String>>,
}

impl<'a> Remembering<'a> {
    pub fn new(inner: &'a dyn Environment) -> Self {
        Self {
            inner,
            given: RefCell::default(),
        }
    }

    /// What it gave, less what is public by its place: `names`.
    pub fn given(self, names: &[String]) -> Vec<String> {
        let mut given = self.given.into_inner();
        given.retain(|text| !names.contains(text));
        given
    }

    fn note(&self, text: &str) {
        let lines = text.lines().map(str::trim);
        self.given.borrow_mut().extend(lines.map(str::to_owned));
    }
}

impl Environment for Remembering<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let value = self.inner.variable(name);
        value.inspect(|value| self.note(value))
    }

    fn file(&self, path: &str) -> io::Result<String> {
        let text = self.inner.file(path);
        text.inspect(|text| self.note(text))
    }

    fn store(&self, directory: &Path) -> Arc<dyn Store> {
        self.inner.store(directory)
    }

    fn reaches(&self, path: &Path) -> bool {
        self.inner.reaches(path)
    }
}

/// Leaves secrets out of what is said, and gives those that have to be left out of lines that are shown.
pub(crate) fn hide(source: &Source, given: Vec<String>, problems: &mut [Problem]) -> Vec<String> {
    let keys = |text: &str| source.text.contains(&format!("{text}:"));
    let is_secret = |text: &String| text.chars().count() >= SHORTEST && !keys(text);
    let placed: Vec<String> = source.secrets().into_iter().filter(is_secret).collect();
    let given: Vec<String> = given.into_iter().filter(is_secret).collect();
    for problem in problems {
        for text in &placed {
            problem.message = left_out(&without(&problem.message, text), text);
            problem.label = left_out(&without(&problem.label, text), text);
            problem.part = left_out(&problem.part, text);
        }
        for text in &given {
            problem.message = left_out(&problem.message, text);
            problem.label = left_out(&problem.label, text);
        }
    }
    placed.into_iter().chain(given).collect()
}

fn left_out(said: &str, text: &str) -> String {
    match said.contains(text) {
        true => said.replace(text, "…"),
        false => said.to_owned(),
    }
}
