//! Several instances beside each other, as one for each server or set of tables would be.

use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use super::Report;
use super::figures::grouped;
use super::goal::plain;
use super::page::Table;
use super::recorder::Script;
use super::run::{self, Took};
use super::session::Session;
use super::turns;

const INSTANCES: [usize; 3] = [1, 2, 4];
/// Of an instance, and how often they are read.
const ROWS: u64 = 100_000;
const TIMES: usize = 10;

/// Measures on the engine that ships.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let recorded = session.recorder.provide(&Script::known("sbtest", ROWS)?)?;
    let text = turns::to_null(&recorded.repeated(TIMES)?, 1);
    let mut table = Table::new(
        "several",
        1,
        &[
            "instances",
            "rows/s of all together",
            "CPU s per million rows, each",
            "peak MB, each",
        ],
    );
    for instances in INSTANCES {
        // The run that took the least time counts.
        let mut best: Option<(f64, Vec<Took>)> = None;
        for _ in 0..session.options.runs {
            let run = together(session, &text, instances)?;
            if best.as_ref().is_none_or(|(seconds, _)| run.0 < *seconds) {
                best = Some(run);
            }
        }
        let Some((seconds, all)) = best else { continue };
        let million = recorded.moved.rows as f64 * TIMES as f64 / 1e6;
        let rate = million * 1e6 * instances as f64 / seconds;
        let cpu: f64 = all.iter().map(|took| took.cpu.as_secs_f64()).sum();
        let peak = all.iter().map(|took| took.peak).max().unwrap_or_default();
        table.line(&[
            instances.to_string(),
            grouped(rate as u64),
            plain(cpu / instances as f64 / million),
            format!("{:.0}", peak as f64 / 1e6),
        ]);
    }
    report.table(&table)
}

/// Seconds until the last has ended, and what each took.
fn together(session: &Session<'_>, text: &str, instances: usize) -> Result<(f64, Vec<Took>)> {
    let engine = session.shipped()?;
    let files = session.recorder.files();
    let mut commands = Vec::new();
    for _ in 0..instances {
        commands.push(engine.command(&session.home, &files, text)?);
    }
    let begin = Instant::now();
    let all = thread::scope(|scope| {
        let threads: Vec<_> = commands
            .iter_mut()
            .map(|command| scope.spawn(move || run::timed(command)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<(Took, String)>>| {
            let outcome = thread.join().map_err(|_| anyhow!("a thread panicked"))?;
            outcome.map(|(took, _)| took)
        };
        threads.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    Ok((begin.elapsed().as_secs_f64(), all))
}
