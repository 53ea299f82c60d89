//! What is aimed at, beside what was measured.

use super::figures::grouped;
use super::page::Table;

/// One aim.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    pub what: String,
    pub limit: Limit,
    pub measured: f64,
    pub unit: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub fn new(what: impl Into<String>, limit: Limit, measured: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            limit,
            measured,
            unit,
        }
    }

    pub fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.measured >= least,
            Limit::AtMost(most) => self.measured <= most,
        }
    }

    fn cells(&self) -> [String; 4] {
        let (sign, limit) = match self.limit {
            Limit::AtLeast(limit) => ("≥", limit),
            Limit::AtMost(limit) => ("≤", limit),
        };
        let unit = self.unit;
        [
            self.what.clone(),
            format!("{sign} {} {unit}", plain(limit)),
            format!("{} {unit}", plain(self.measured)),
            if self.is_met() { "met" } else { "**not met**" }.to_owned(),
        ]
    }
}

/// The table of all aims.
pub fn table(goals: &[Goal]) -> Table {
    let mut table = Table::new("goals", 1, &["what", "goal", "measured", ""]);
    for goal in goals {
        table.line(&goal.cells());
    }
    table
}

/// A figure with as many digits as are of use.
pub fn plain(figure: f64) -> String {
    match figure {
        figure if figure >= 1000.0 => grouped(figure as u64),
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}

#[test]
fn an_aim_says_whether_it_is_met() {
    let goal = Goal::new("rows", Limit::AtLeast(4e6), 5e6, "rows/s");
    assert_eq!(
        goal.cells(),
        ["rows", "≥ 4,000,000 rows/s", "5,000,000 rows/s", "met"]
    );
    let missed = Goal::new("memory", Limit::AtMost(80.0), 93.25, "MB");
    assert_eq!(missed.cells()[2..], ["93.2 MB", "**not met**"]);
}
