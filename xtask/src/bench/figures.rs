//! Figures of several runs, printed as minimum, median and maximum.

use super::page::Table;
use super::run::Took;

/// The runs of one case on one engine.
#[derive(Debug, Clone)]
pub struct Runs {
    pub engine: &'static str,
    pub took: Vec<Took>,
}

/// What a case moved in each run.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    pub rows: u64,
    /// Of binlog.
    pub bytes: u64,
}

/// The least, the middle and the largest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        Self {
            min: at(0),
            median: at(figures.len() / 2),
            max: at(figures.len().saturating_sub(1)),
        }
    }

    /// Writes `min / median / max`.
    pub fn show(&self) -> String {
        let show = |figure: f64| {
            if figure >= 1000.0 {
                grouped(figure as u64)
            } else if figure >= 10.0 {
                format!("{figure:.1}")
            } else {
                format!("{figure:.3}")
            }
        };
        format!(
            "{} / {} / {}",
            show(self.min),
            show(self.median),
            show(self.max)
        )
    }
}

impl Runs {
    pub fn rows_per_second(&self, moved: Moved) -> Spread {
        let rate = |took: &Took| moved.rows as f64 / took.wall.as_secs_f64();
        Spread::of(self.took.iter().map(rate))
    }

    pub fn megabytes_per_second(&self, moved: Moved) -> Spread {
        let rate = |took: &Took| moved.bytes as f64 / 1e6 / took.wall.as_secs_f64();
        Spread::of(self.took.iter().map(rate))
    }

    /// CPU seconds of the program per million rows.
    pub fn cpu_per_million(&self, moved: Moved) -> Spread {
        let cost = |took: &Took| took.cpu.as_secs_f64() / moved.rows as f64 * 1e6;
        Spread::of(self.took.iter().map(cost))
    }

    /// Megabytes that were resident at most.
    pub fn peak(&self) -> Spread {
        Spread::of(self.took.iter().map(|took| took.peak as f64 / 1e6))
    }
}

/// The table of cases, without lines.
pub fn cases() -> Table {
    Table::new(
        "cases",
        2,
        &[
            "case",
            "engine",
            "rows/s: min / median / max",
            "MB/s of binlog",
            "CPU s per million rows",
            "CPU ÷ native",
            "peak MB",
        ],
    )
}

/// Adds a line for each engine.
pub fn add(table: &mut Table, case: &str, moved: Moved, all: &[Runs]) {
    for runs in all {
        let ratio = beside_native(all, runs.engine, |_| Some(0.0));
        table.line(&[
            case.to_owned(),
            runs.engine.to_owned(),
            runs.rows_per_second(moved).show(),
            runs.megabytes_per_second(moved).show(),
            runs.cpu_per_million(moved).show(),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            format!("{:.0}", runs.peak().max),
        ]);
    }
}

/// CPU time of an engine in that of the native program, from both of which that of starting, in seconds, is taken.
///
/// The median of all turns: both of a turn run one after the other, so that a machine which changes its speed within
/// minutes changes it for both.
pub fn beside_native(
    all: &[Runs],
    engine: &str,
    start: impl Fn(&str) -> Option<f64>,
) -> Option<f64> {
    let cpu = |engine: &str| -> Option<Vec<f64>> {
        let (runs, start) = (
            all.iter().find(|runs| runs.engine == engine)?,
            start(engine)?,
        );
        let cpu = |took: &Took| (took.cpu.as_secs_f64() - start).max(1e-6);
        Some(runs.took.iter().map(cpu).collect())
    };
    let turns = cpu(engine)?.into_iter().zip(cpu("native")?);
    Some(Spread::of(turns.map(|(one, native)| one / native)).median)
}

/// Writes a number with commas between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn figures_are_spread_and_grouped() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
        assert_eq!(grouped(1_234_567), "1,234,567");
        let runs = |engine, cpu| Runs {
            engine,
            took: vec![Took {
                wall: Duration::from_millis(500),
                cpu: Duration::from_millis(cpu),
                peak: 60_000_000,
            }],
        };
        let moved = Moved {
            rows: 1_000_000,
            bytes: 200_000_000,
        };
        let mut table = cases();
        let mut all = [runs("native", 100), runs("0.14", 130)];
        add(&mut table, "x", moved, &all);
        assert_eq!(
            table.lines[1],
            "| x | 0.14 | 2,000,000 / 2,000,000 / 2,000,000 | 400.0 / 400.0 / 400.0 | 0.130 / 0.130 / 0.130 | 1.30 | 60 |"
        );
        // A slow turn is slow for both, and a turn between is one of three.
        for (native, guest) in [(200, 260), (100, 260)] {
            all[0].took.extend(runs("native", native).took);
            all[1].took.extend(runs("0.14", guest).took);
        }
        let ratio = |start| beside_native(&all, "0.14", |_| Some(start)).unwrap();
        assert!((ratio(0.0) - 1.3).abs() < 1e-9);
        assert!((ratio(0.02) - 110.0 / 80.0).abs() < 1e-9);
    }
}
