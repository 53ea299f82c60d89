//! Measures each type, and compares it with ASCII text of as many bytes of JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::column::{ASCII, OTHERS};
use super::{ROWS, Type, bare};
use crate::bench::Report;
use crate::bench::engine::Engine;
use crate::bench::goal::{Goal, Limit, plain};
use crate::bench::page::Table;
use crate::bench::recorder::{Recorded, Script};
use crate::bench::run;
use crate::bench::session::Session;
use crate::bench::turns::{self, Job};

/// A recording is read so many times over in one run, or starting would be most of it.
const TIMES: usize = 10;

/// How much more than ASCII text of the same length a value may cost.
const MOST: f64 = 3.0;

/// A type's figures.
struct Cost {
    name: &'static str,
    /// Of JSON, with the column's name.
    bytes: f64,
    /// Nanoseconds of CPU time for a value, on each engine.
    nanoseconds: Vec<f64>,
}

/// Measures every type on all engines.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let engines: Vec<&str> = session.engines.iter().map(|engine| engine.name).collect();
    let mut headings = vec!["type".to_owned(), "bytes of JSON".to_owned()];
    headings.extend(engines.iter().map(|engine| format!("{engine}: ns a value")));
    headings.push("ns a byte".to_owned());
    headings.push("beside ASCII text".to_owned());
    let headings: Vec<_> = headings.iter().map(String::as_str).collect();
    let mut table = Table::new("types", 1, &headings);

    let costs = costs(session, report)?;
    let (ascii, _) = costs.split_at_checked(ASCII.len()).context("no ASCII")?;
    // The form that ships decides.
    let shipped = engines.iter().position(|engine| *engine == "0.14");
    let shipped = shipped.unwrap_or_default();
    let mut most: f64 = 0.0;
    for cost in &costs {
        let nanoseconds = cost.nanoseconds.get(shipped).copied().unwrap_or_default();
        let beside = nanoseconds / of_ascii(ascii, shipped, cost.bytes).max(0.1);
        let mut cells = vec![cost.name.to_owned(), plain(cost.bytes)];
        cells.extend(cost.nanoseconds.iter().map(|cost| plain(*cost)));
        cells.push(plain(nanoseconds / cost.bytes));
        cells.push(plain(beside));
        table.line(&cells);
        most = most.max(beside);
    }
    report.goals.push(Goal::new(
        "what a value costs beside ASCII text of as many bytes of JSON: the most of all types",
        Limit::AtMost(MOST),
        most,
        "×",
    ));
    report.table(&table)
}

/// What every type that can be recorded costs, ASCII text first.
fn costs(session: &mut Session<'_>, report: &mut Report) -> Result<Vec<Cost>> {
    let mut jobs = Vec::new();
    let mut sizes = Vec::new();
    let none = session.recorder.provide(&bare())?;
    let bare_size = written(session, &none)?;
    jobs.push(job(&bare(), &none)?);
    let mut types: Vec<&'static Type> = Vec::new();
    for each in ASCII.iter().chain(OTHERS) {
        let script = each.script();
        let recorded = session.recorder.provide(&script).and_then(|recorded| {
            let size = written(session, &recorded)?;
            Ok((job(&script, &recorded)?, size))
        });
        match recorded {
            Ok((job, size)) => {
                types.push(each);
                jobs.push(job);
                sizes.push(size);
            }
            // Without it there is nothing to compare with.
            Err(error) if ASCII.iter().any(|ascii| ascii.name == each.name) => return Err(error),
            Err(error) => report.attempt(each.name, Err(error)),
        }
    }
    let mut costs: Vec<Cost> = types
        .iter()
        .zip(sizes)
        .map(|(each, size)| Cost {
            name: each.name,
            bytes: size.saturating_sub(bare_size) as f64 / (ROWS * each.values()) as f64,
            nanoseconds: Vec::new(),
        })
        .collect();
    for engine in &session.engines {
        let all = turns::least(engine, session, &jobs)?;
        let (bare, all) = all.split_first().context("no run")?;
        for ((cost, least), each) in costs.iter_mut().zip(all).zip(&types) {
            let values = ROWS * each.values() * TIMES as u64;
            cost.nanoseconds.push(least.beyond(bare) / values as f64);
        }
    }
    Ok(costs)
}

fn job(script: &Script, recorded: &Recorded) -> Result<Job> {
    Ok(Job {
        name: script.name.clone(),
        text: turns::to_null(&recorded.repeated(TIMES)?, 1),
    })
}

/// Bytes of JSON that a recording becomes.
fn written(session: &Session<'_>, recorded: &Recorded) -> Result<u64> {
    let output = session.home.join("types.json");
    let _ = fs::remove_file(&output);
    let engine: &Engine = session.engines.first().context("no engine")?;
    let text = to_file(&recorded.file, &output);
    run::timed(&mut engine.command(&session.home, &session.recorder.files(), &text)?)?;
    let size = fs::metadata(&output)?.len();
    fs::remove_file(&output)?;
    Ok(size)
}

fn to_file(file: &Path, output: &Path) -> String {
    format!(
        "collectors: [{{id: c, type: BinlogFileCollector, paths: ['{}'], destination: d}}]\n\
         dispatchers: [{{id: d, type: FileDispatcher, path: '{}'}}]\n",
        file.display(),
        output.display()
    )
}

/// What ASCII text of so many bytes costs: between two lengths as on a straight line, beyond them as the nearest.
fn of_ascii(ascii: &[Cost], engine: usize, bytes: f64) -> f64 {
    let points = || {
        ascii
            .iter()
            .filter_map(|cost| Some((cost.bytes, *cost.nanoseconds.get(engine)?)))
    };
    let pairs = points().zip(points().skip(1));
    for ((low, at_low), (high, at_high)) in pairs {
        if bytes <= high {
            let part = ((bytes - low) / (high - low)).max(0.0);
            return at_low + part * (at_high - at_low);
        }
    }
    // Longer than all: by the byte.
    points()
        .next_back()
        .map_or(0.0, |(longest, cost)| cost * bytes / longest)
}

#[test]
fn text_between_two_lengths_is_on_a_straight_line() {
    let cost = |bytes: f64, nanoseconds: f64| Cost {
        name: "",
        bytes,
        nanoseconds: vec![nanoseconds],
    };
    let ascii = [cost(10.0, 10.0), cost(20.0, 12.0), cost(100.0, 40.0)];
    assert_eq!(of_ascii(&ascii, 0, 5.0), 10.0);
    assert_eq!(of_ascii(&ascii, 0, 15.0), 11.0);
    assert_eq!(of_ascii(&ascii, 0, 60.0), 26.0);
    assert_eq!(of_ascii(&ascii, 0, 200.0), 80.0);
}
