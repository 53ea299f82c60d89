//! How large the program is, how soon it works, and what it takes while it waits.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::engine::Engine;
use super::figures::Spread;
use super::goal::{Goal, Limit, plain};
use super::page::Table;
use super::run;
use super::session::Session;
use super::{Options, Report};
use crate::servers::mysql;
use crate::wasmedge::WasmEdge;
use crate::{layout, module};

/// The module with all systems, and with those of a small program, in megabytes.
const MODULE: f64 = 6.0;
const SMALL: f64 = 4.3;
/// The compiled form of the small one, of which TLS takes some 3 MB.
const COMPILED: f64 = 12.0;
const START: f64 = 100.0;
/// CPU time of an idle program in a second of time, in milliseconds.
const IDLE: f64 = 5.0;

/// How long a program waits before it is looked at, and until it is looked at again.
const SETTLE: Duration = Duration::from_secs(3);
const WAIT: Duration = Duration::from_secs(10);

/// Measures every engine.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let port = session.recorder.port()?;
    let mut table = Table::new(
        "footprint",
        1,
        &[
            "engine",
            "module MB",
            "compiled MB",
            "start to first row, ms: min / median / max",
            "waiting: CPU ms a second",
            "waiting: resident MB",
        ],
    );
    for engine in &session.engines {
        let start = start(engine, session)?;
        let idle = Idle::of(engine, session, port)?;
        let megabytes = |bytes: u64| plain(bytes as f64 / 1e6);
        let (module, compiled) = engine.sizes.map_or_else(Default::default, |(module, so)| {
            (megabytes(module), megabytes(so))
        });
        table.line(&[
            engine.name.to_owned(),
            module,
            compiled,
            start.show(),
            plain(idle.cpu),
            plain(idle.resident),
        ]);
        if engine.name == "0.14" {
            if let Some((module, _)) = engine.sizes {
                let (small, compiled) = small()?;
                println!(
                    "with MySQL, Kafka, Redis, files and transformers alone: module {} MB, compiled {} MB",
                    megabytes(small),
                    megabytes(compiled)
                );
                let sizes = [
                    ("size of the module", MODULE, module),
                    ("size of the small module", SMALL, small),
                    ("size of its compiled form", COMPILED, compiled),
                ];
                let goal = |(what, most, bytes): (&str, f64, u64)| {
                    Goal::new(what, Limit::AtMost(most), bytes as f64 / 1e6, "MB")
                };
                report.goals.extend(sizes.map(goal));
            }
            let least = [
                ("start to the first row", START, start.min, "ms"),
                ("CPU time while waiting, a second", IDLE, idle.cpu, "ms"),
            ];
            let goal = |(what, most, measured, unit): (&str, f64, f64, _)| {
                Goal::new(what, Limit::AtMost(most), measured, unit)
            };
            report.goals.extend(least.map(goal));
        }
    }
    report.table(&table)
}

/// Bytes of the small program's module and of its compiled form.
fn small() -> Result<(u64, u64)> {
    let module = module::small()?;
    let compiled = WasmEdge::v0_14()?.compile(&module)?;
    Ok((fs::metadata(&module)?.len(), fs::metadata(compiled)?.len()))
}

/// Holds the sizes of the module and of the small one to their limits, and returns how many there are.
pub fn check() -> Result<u32> {
    // One is built where the other was.
    let megabytes = |module: PathBuf| anyhow::Ok(fs::metadata(module)?.len() as f64 / 1e6);
    let whole = megabytes(module::build(module::PROGRAM)?)?;
    let sizes = [
        ("module", MODULE, whole),
        ("small module", SMALL, megabytes(module::small()?)?),
    ];
    for (what, most, size) in &sizes {
        println!("{what}: {} MB ≤ {most} MB", plain(*size));
        ensure!(
            size <= most,
            "the {what} has {size:.2} MB, more than {most}"
        );
    }
    Ok(u32::try_from(sizes.len())?)
}

/// Milliseconds from the start of the process to its first row.
fn start(engine: &Engine, session: &Session<'_>) -> Result<Spread> {
    let Options { runs, .. } = session.options;
    let shop = layout::workspace().join("configs/quickstart");
    let mut took = Vec::new();
    for _ in 0..*runs {
        took.push(engine.first_row(&session.home, &shop)?);
    }
    Ok(Spread::of(took))
}

/// A program that follows a server on which nothing happens.
struct Idle {
    /// Milliseconds in a second.
    cpu: f64,
    /// Megabytes.
    resident: f64,
}

impl Idle {
    fn of(engine: &Engine, session: &Session<'_>, port: u16) -> Result<Idle> {
        let text = format!(
            "collectors: [{{id: c, type: BinlogCollector, port: {port}, user: root, password: {}, destination: d}}]\n\
             dispatchers: [{{id: d, type: NullDispatcher}}]\n",
            mysql::PASSWORD
        );
        let mut command = engine.command(&session.home, &session.home, &text)?;
        let mut child = Waiting::start(&mut command)?;
        std::thread::sleep(SETTLE);
        let before = child.used()?;
        std::thread::sleep(WAIT);
        let used = child.used()?.saturating_sub(before);
        let (_, took) = child.end()?;
        Ok(Idle {
            cpu: used.as_secs_f64() * 1000.0 / WAIT.as_secs_f64(),
            resident: took.peak as f64 / 1e6,
        })
    }
}

/// A program that runs until it is ended.
pub struct Waiting(Child);

impl Waiting {
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// The CPU time that it has used, to the nanosecond: that of each of its threads.
    pub fn used(&mut self) -> Result<Duration> {
        if let Some(status) = self.0.try_wait()? {
            anyhow::bail!("it ended with {status}");
        }
        run::used_by_threads(self.0.id()).context("it has no threads")
    }

    /// Kills it; a guest of WasmEdge does not hear any other signal.
    pub fn end(mut self) -> Result<(i32, run::Took)> {
        let peak = run::peak(self.0.id());
        self.0.kill()?;
        let (status, mut took) = run::reap(&self.0)?;
        took.peak = peak.unwrap_or(took.peak);
        Ok((status, took))
    }
}
