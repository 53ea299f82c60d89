//! The table of figures: how many cells agree with the server.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use crate::fold::Folded;
use crate::format::Format;
use crate::run::Place;
use crate::setting::Setting;

/// What became of all cells of one server.
pub struct Figures {
    server: String,
    lines: BTreeMap<(String, Setting), Vec<(Format, Folded)>>,
    begin: Instant,
    /// How long each step took.
    steps: String,
}

impl Figures {
    pub fn new(server: String) -> Self {
        Self {
            server,
            lines: BTreeMap::new(),
            begin: Instant::now(),
            steps: String::new(),
        }
    }

    /// Notes how long a step took that has just ended.
    pub fn step(&mut self, what: &str) {
        self.steps.push_str(&format!(
            " {what} {:.1} s",
            self.begin.elapsed().as_secs_f64()
        ));
        self.begin = Instant::now();
    }

    pub fn add(&mut self, place: &Place, setting: Setting, format: Format, folded: Folded) {
        let line = self.lines.entry((place.title(), setting)).or_default();
        line.push((format, folded));
    }

    fn all(&self) -> impl Iterator<Item = &Folded> {
        self.lines.values().flatten().map(|(_, folded)| folded)
    }

    /// Prints the table where it is seen also when the test passes.
    pub fn print(&self) {
        let mut text = format!(
            "\n{}: cells that agree with the server / do not / are in no row image\n{:<14} {:<8} {:<8} {:<12}",
            self.server, "run by", "image", "metadata", "writing"
        );
        for format in Format::ALL {
            text.push_str(&format!(" {:>20}", format.name()));
        }
        text.push('\n');
        for ((place, setting), formats) in &self.lines {
            let Setting {
                image,
                metadata,
                writing,
            } = setting;
            text.push_str(&format!(
                "{place:<14} {image:<8} {metadata:<8} {writing:<12}"
            ));
            for (_, folded) in formats {
                let figures = format!(
                    "{} / {} / {}",
                    folded.agreed, folded.disagreed, folded.absent
                );
                text.push_str(&format!(" {figures:>20}"));
            }
            text.push('\n');
        }
        let sum = |count: fn(&Folded) -> usize| self.all().map(count).sum::<usize>();
        text.push_str(&format!(
            "all: {} agree, {} do not, {} are in no row image\n",
            sum(|folded| folded.agreed),
            sum(|folded| folded.disagreed),
            sum(|folded| folded.absent),
        ));
        text.push_str(&format!("took:{}\n", self.steps));
        // Not `print!`, which a test that passes keeps to itself.
        std::io::stdout()
            .write_all(text.as_bytes())
            .expect("printed");
    }

    #[track_caller]
    pub fn assert_agreement(&self) {
        let mut told = String::new();
        for (place, (count, first)) in self.all().flat_map(|folded| &folded.disagreements) {
            told.push_str(&format!("{place}, {count} times: {first}\n"));
        }
        assert!(
            told.is_empty(),
            "{} and the events disagree:\n{told}",
            self.server
        );
        assert!(
            self.all().all(|folded| folded.agreed > 0),
            "nothing was compared"
        );
    }
}
