//! Many short runs in turns, of which the least counts: what else the machine does only ever adds to a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::engine::Engine;
use super::recorder::Script;
use super::run;
use super::session::Session;

/// Something to run: its name, and its configuration.
pub struct Job {
    pub name: String,
    pub text: String,
}

/// The least that a job took.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    pub cpu: Duration,
    pub peak: u64,
}

impl Least {
    /// Nanoseconds of CPU time beyond those of another job.
    pub fn beyond(&self, other: &Least) -> f64 {
        (self.cpu.as_secs_f64() - other.cpu.as_secs_f64()).max(0.0) * 1e9
    }

    pub fn megabytes(&self) -> f64 {
        self.peak as f64 / 1e6
    }
}

/// Runs every job on an engine so many times.
pub fn least(engine: &Engine, session: &Session<'_>, jobs: &[Job]) -> Result<Vec<Least>> {
    let files = session.recorder.files();
    let mut all: Vec<Option<Least>> = vec![None; jobs.len()];
    for _ in 0..session.options.runs {
        for (job, least) in jobs.iter().zip(&mut all) {
            let mut command = engine.command(&session.home, &files, &job.text)?;
            let (took, _) = run::timed(&mut command).with_context(|| job.name.clone())?;
            let before = least.unwrap_or(Least {
                cpu: took.cpu,
                peak: took.peak,
            });
            *least = Some(Least {
                cpu: before.cpu.min(took.cpu),
                peak: before.peak.min(took.peak),
            });
        }
    }
    all.into_iter()
        .map(|least| least.context("no run"))
        .collect()
}

/// A job that does nothing but start: what it takes is part of every other.
pub fn start(session: &mut Session<'_>) -> Result<Job> {
    let recorded = session.recorder.provide(&Script::known("sbtest", 100)?)?;
    Ok(Job {
        name: "start".to_owned(),
        text: to_null(&[recorded.file], 1),
    })
}

/// From files through a filter into nothing, so many times over.
pub fn to_null(files: &[PathBuf], destinations: usize) -> String {
    let quoted = |path: &PathBuf| format!("'{}'", Path::new(path).display());
    let paths: Vec<_> = files.iter().map(quoted).collect();
    let ids: Vec<_> = (1..=destinations).map(|n| format!("d{n}")).collect();
    let nothing = |id: &String| format!("{{id: {id}, type: NullDispatcher}}");
    let dispatchers: Vec<_> = ids.iter().map(nothing).collect();
    let filter = "type: BinlogFilter, rules: [{exclude: {database: x}}]";
    let transformers = match destinations {
        1 => format!("{{id: f, {filter}, destination: d1}}"),
        _ => format!(
            "{{id: f, {filter}, destination: r}}, {{id: r, type: EventReplicator, destinations: [{}]}}",
            ids.join(", ")
        ),
    };
    format!(
        "collectors: [{{id: c, type: BinlogFileCollector, paths: [{}], destination: f}}]\n\
         transformers: [{transformers}]\ndispatchers: [{}]\n",
        paths.join(", "),
        dispatchers.join(", ")
    )
}
