//! The instructions of a row by stage, printed and as a table.

use super::stage::Stage;
use super::{Counted, Functions};
use crate::bench::case::Case;
use crate::bench::page::Table;

/// What a row takes.
pub struct Profile {
    rows: u64,
    functions: Functions,
    /// Nanoseconds.
    cpu: f64,
}

impl Profile {
    /// What more rows took than few.
    pub fn between(all: Counted, few: Counted) -> Self {
        let rows = all.rows - few.rows;
        let mut functions = all.functions;
        for (key, instructions) in &mut functions {
            let start = few.functions.get(key).copied().unwrap_or_default();
            *instructions = instructions.saturating_sub(start);
        }
        let cpu = all.cpu.saturating_sub(few.cpu);
        Self {
            rows,
            functions,
            cpu: cpu.as_secs_f64() * 1e9 / rows as f64,
        }
    }

    fn a_row(&self, instructions: u64) -> f64 {
        instructions as f64 / self.rows as f64
    }

    /// Of all instructions.
    fn part(&self, instructions: u64) -> f64 {
        let all: u64 = self.functions.values().sum();
        instructions as f64 / all.max(1) as f64
    }

    /// The functions of a stage, the largest first, and their sum.
    fn of(&self, stage: Stage) -> (u64, Vec<(&str, u64)>) {
        let of_stage = self.functions.iter().filter(|((of, _), _)| *of == stage);
        let mut all: Vec<_> = of_stage
            .map(|((_, name), instructions)| (name.as_str(), *instructions))
            .collect();
        all.sort_by_key(|(_, instructions)| std::cmp::Reverse(*instructions));
        (all.iter().map(|(_, instructions)| instructions).sum(), all)
    }

    /// Prints the stages, each with its largest functions.
    pub fn print(&self, case: &Case, top: usize) {
        let all = self.functions.values().sum();
        println!(
            "\n{}: {}: {:.0} instructions and {:.0} ns of CPU time a row, natively, start left out\n",
            case.name,
            case.about,
            self.a_row(all),
            self.cpu
        );
        println!("{:<58} {:>12} {:>7}", "stage", "instr. a row", "%");
        let line = |name: &str, instructions: u64| {
            let (a_row, percent) = (self.a_row(instructions), self.part(instructions) * 100.0);
            println!("{name:<58} {a_row:>12.1} {percent:>7.1}");
        };
        for stage in Stage::ALL {
            let (sum, functions) = self.of(stage);
            if self.part(sum) < 0.0005 {
                continue;
            }
            line(stage.name(), sum);
            for (name, instructions) in functions.into_iter().take(top) {
                if self.part(instructions) >= 0.003 {
                    line(&format!("    {name}"), instructions);
                }
            }
        }
    }

    /// Adds a line for each stage that is more than nothing.
    pub fn add(&self, case: &Case, table: &mut Table) {
        for stage in Stage::ALL {
            let (sum, _) = self.of(stage);
            if self.part(sum) >= 0.005 {
                table.line(&[
                    case.name.to_owned(),
                    stage.name().to_owned(),
                    format!("{:.0}", self.a_row(sum)),
                    format!("{:.0}", self.part(sum) * 100.0),
                    format!("{:.0}", self.part(sum) * self.cpu),
                ]);
            }
        }
    }
}

/// The table of stages, without lines.
pub fn stages() -> Table {
    let headings = ["case", "stage", "instructions a row", "%", "ns a row"];
    Table::new("stages", 2, &headings)
}

#[test]
fn what_few_rows_take_is_the_start() {
    let counted = |rows, encode, start, milliseconds| Counted {
        rows,
        functions: [
            ((Stage::Encode, "row".to_owned()), encode),
            ((Stage::Runtime, "main".to_owned()), start),
        ]
        .into(),
        cpu: std::time::Duration::from_millis(milliseconds),
    };
    let profile = Profile::between(
        counted(1100, 110_000, 5000, 12),
        counted(100, 10_000, 5000, 2),
    );
    assert_eq!(profile.of(Stage::Encode), (100_000, vec![("row", 100_000)]));
    assert_eq!(profile.of(Stage::Runtime).0, 0);
    let mut table = stages();
    profile.add(&super::CASES[0], &mut table);
    assert_eq!(
        table.lines,
        ["| file-sbtest | decode and encode values | 100 | 100 | 10000 |"]
    );
}
