//! Measures the cases, and compares them with what is aimed at.

use anyhow::Result;

use super::Report;
use super::beside;
use super::case::{CASES, Case};
use super::figures::{self, Runs};
use super::goal::{Goal, Limit};
use super::session::{Measured, Session};
use super::turns;

/// Natively to WebAssembly, in CPU time without that of starting, for cases without sockets: the kernel's part would make
/// it look better.
const RATIO: f64 = 1.4;
/// Megabytes that the process may have resident.
const PEAK: f64 = 80.0;

/// Runs all cases that are chosen.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let chosen = |case: &&Case| session.options.chosen(case.name);
    let chosen: Vec<_> = CASES.iter().filter(chosen).collect();
    if chosen.is_empty() {
        return Ok(());
    }
    let starts = starts(session)?;
    let mut table = figures::cases();
    let mut servers = beside::table();
    let mut peak: f64 = 0.0;
    for case in chosen {
        eprintln!("{}: {}", case.name, case.about);
        match session.measure(case) {
            Ok(measured) => {
                let Measured { moved, ref all, .. } = measured;
                let before = table.lines.len();
                figures::add(&mut table, case.name, moved, all);
                println!("{}", table.lines[before..].join("\n"));
                beside::add(&mut servers, case, moved, &measured.beside);
                if let Some(runs) = shipped(all) {
                    peak = peak.max(runs.peak().max);
                }
                goals(case, &measured, &starts, &mut report.goals);
            }
            Err(error) => report.attempt(case.name, Err(error)),
        }
    }
    let goal = Goal::new(
        "peak resident memory of the cases that were run",
        Limit::AtMost(PEAK),
        peak,
        "MB",
    );
    report.goals.push(goal);
    report.table(&table)?;
    match servers.lines.is_empty() {
        true => Ok(()),
        false => report.table(&servers),
    }
}

fn shipped(all: &[Runs]) -> Option<&Runs> {
    all.iter().find(|runs| runs.engine == "0.14")
}

/// What the case is aimed at, in the form that ships.
fn goals(case: &Case, measured: &Measured, starts: &Starts, goals: &mut Vec<Goal>) {
    let Measured { moved, all, .. } = measured;
    let Some(runs) = shipped(all) else { return };
    if let Some(goal) = case.goal {
        // The least time, which is the highest rate.
        let rate = runs.rows_per_second(*moved).max;
        let what = format!("{}: {}", case.name, case.about);
        goals.push(Goal::new(what, Limit::AtLeast(goal), rate, "rows/s"));
    }
    if let Some(most) = case.cpu_goal {
        let cpu = runs.cpu_per_million(*moved).min;
        let what = format!("{}: CPU time for a million rows", case.name);
        goals.push(Goal::new(what, Limit::AtMost(most), cpu, "s"));
    }
    let is_bare = case.name.starts_with("file-");
    let start = |engine: &str| {
        let start = starts.iter().find(|(name, _)| *name == engine)?;
        Some(start.1)
    };
    if let Some(ratio) = figures::beside_native(all, runs.engine, start).filter(|_| is_bare) {
        let what = format!(
            "{}: CPU time beside native, without that of starting",
            case.name
        );
        goals.push(Goal::new(what, Limit::AtMost(RATIO), ratio, "×"));
    }
}

/// CPU seconds that an engine takes to start, by its name.
type Starts = Vec<(&'static str, f64)>;

fn starts(session: &mut Session<'_>) -> Result<Starts> {
    let jobs = [turns::start(session)?];
    let mut starts = Vec::new();
    for engine in &session.engines {
        for least in turns::least(engine, session, &jobs)? {
            starts.push((engine.name, least.cpu.as_secs_f64()));
        }
    }
    Ok(starts)
}
