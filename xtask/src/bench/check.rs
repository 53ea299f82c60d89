//! A small guard against regressions: wide limits on ratios, which hold on any machine, also on a busy one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::slice;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::engine::Engine;
use super::recorder::{Recorded, Recorder, Script};
use super::{run, turns};
use crate::{layout, module};

/// The engines that are compared.
const ENGINES: [&str; 2] = ["native", "0.14"];

/// Rows of the smaller recordings; the larger have `TIMES` as many.
const ROWS: u64 = 100_000;
const TIMES: u64 = 4;

/// Everything runs so often in turns, and more often while a limit does not hold: the least time counts, and what others
/// do on the machine only ever adds to it.
const ROUNDS: usize = 4;
const AT_MOST: usize = 16;

/// CPU time under WasmEdge in that of the native program, starting left out. It is some 1.2 to 1.5.
const WASM: f64 = 2.2;
/// CPU time of rows that each become a `serde_json::Value`, in that of the program. It is some 8 to 20.
const NAIVE: f64 = 3.0;
/// CPU time of four times the rows. It is 4, and more would mean that a row costs more where there are many.
const GROWTH: f64 = 4.8;
/// Memory of four times the rows. It is 1.
const MEMORY: f64 = 1.1;

/// What ran: CPU seconds and bytes, the least of each.
type Least = BTreeMap<(String, &'static str), (f64, f64)>;

/// A limit, and what was measured.
struct Limit {
    what: String,
    measured: f64,
    limit: f64,
    is_least: bool,
}

impl Limit {
    fn holds(&self) -> bool {
        match self.is_least {
            true => self.measured >= self.limit,
            false => self.measured <= self.limit,
        }
    }

    fn line(&self) -> String {
        let sign = if self.is_least { '≥' } else { '≤' };
        let said = if self.holds() { "ok" } else { "FAILED" };
        let Limit {
            what,
            measured,
            limit,
            ..
        } = self;
        format!("limit {what} ... {said}: {measured:.2} {sign} {limit}")
    }
}

/// Measures and compares; returns how many limits hold if all of them do.
pub fn run() -> Result<u32> {
    let home = layout::target().join("bench");
    fs::create_dir_all(&home)?;
    let engines = Engine::all(|name| ENGINES.contains(&name))?;
    let naive = naive()?;
    let mut recorder = Recorder::new(&home);
    let mut recorded = Vec::new();
    for (name, rows) in [
        ("sbtest", 100),
        ("sbtest", ROWS),
        ("sbtest", ROWS * TIMES),
        ("narrow", ROWS),
        ("narrow", ROWS * TIMES),
        ("mixed", ROWS),
    ] {
        let recording = recorder.provide(&Script::known(name, rows)?)?;
        recorded.push((format!("{name}-{rows}"), recording));
    }
    let files = recorder.files();
    drop(recorder);
    let check = Check {
        home,
        files,
        engines,
        naive,
        recorded,
    };
    check.same_text()?;
    let mut least = Least::new();
    let mut round = 0;
    loop {
        check.round(&mut least)?;
        round += 1;
        let limits = limits(&least)?;
        let hold = limits.iter().all(Limit::holds);
        if round < ROUNDS || (!hold && round < AT_MOST) {
            continue;
        }
        for limit in &limits {
            println!("{}", limit.line());
        }
        ensure!(
            hold,
            "a limit does not hold, after {round} rounds: `cargo xtask profile` shows where the time goes"
        );
        return Ok(u32::try_from(limits.len())? + 1);
    }
}

struct Check {
    home: PathBuf,
    files: PathBuf,
    engines: Vec<Engine>,
    naive: PathBuf,
    recorded: Vec<(String, Recorded)>,
}

impl Check {
    /// Runs everything once.
    fn round(&self, least: &mut Least) -> Result<()> {
        for (name, recording) in &self.recorded {
            for engine in &self.engines {
                let text = turns::to_null(slice::from_ref(&recording.file), 1);
                let mut command = engine.command(&self.home, &self.files, &text)?;
                enter(least, name, engine.name, &mut command)?;
            }
            if name.starts_with("mixed") || !name.ends_with(&(ROWS * TIMES).to_string()) {
                continue;
            }
            let mut command = Command::new(&self.naive);
            enter(least, name, "naive", command.arg(&recording.file))?;
        }
        Ok(())
    }

    /// The naive way and the program write the same text, or the comparison would be of two different things.
    fn same_text(&self) -> Result<()> {
        let (_, recording) = self.recorded.first().context("a recording")?;
        let engine = self.engines.first().context("an engine")?;
        let outputs = ["fused.json", "naive.json"].map(|name| self.home.join(name));
        let [fused, naive] = &outputs;
        let text = format!(
            "collectors: [{{id: c, type: BinlogFileCollector, paths: ['{}'], destination: d}}]\n\
             dispatchers: [{{id: d, type: FileDispatcher, path: '{}'}}]\n",
            recording.file.display(),
            fused.display()
        );
        for output in &outputs {
            let _ = fs::remove_file(output);
        }
        run::timed(&mut engine.command(&self.home, &self.files, &text)?)?;
        run::timed(Command::new(&self.naive).args([&recording.file, naive]))?;
        let (fused, naive) = (fs::read(fused)?, fs::read(naive)?);
        ensure!(
            !fused.is_empty() && fused == naive,
            "the naive way writes something else than the program: compare {} and {}",
            outputs[0].display(),
            outputs[1].display()
        );
        Ok(())
    }
}

fn enter(least: &mut Least, name: &str, engine: &'static str, command: &mut Command) -> Result<()> {
    let (took, _) = run::timed(command)?;
    let (cpu, peak) = least
        .entry((name.to_owned(), engine))
        .or_insert((f64::MAX, f64::MAX));
    *cpu = cpu.min(took.cpu.as_secs_f64());
    *peak = peak.min(took.peak as f64);
    Ok(())
}

fn limits(least: &Least) -> Result<Vec<Limit>> {
    let found = |name: &str, rows: u64, engine: &'static str| {
        let figures = least.get(&(format!("{name}-{rows}"), engine));
        figures.copied().context("it did not run")
    };
    // Starting costs the same whatever comes then.
    let cpu = |name: &str, rows: u64, engine: &'static str| -> Result<f64> {
        let start = match engine {
            "naive" => 0.0,
            engine => found("sbtest", 100, engine)?.0,
        };
        Ok((found(name, rows, engine)?.0 - start).max(1e-6))
    };
    let most = |what: String, measured: f64, limit: f64| Limit {
        what,
        measured,
        limit,
        is_least: false,
    };
    let mut limits = Vec::new();
    for (name, rows) in [
        ("sbtest", ROWS * TIMES),
        ("narrow", ROWS * TIMES),
        ("mixed", ROWS),
    ] {
        limits.push(most(
            format!("WasmEdge beside native, {name}"),
            cpu(name, rows, "0.14")? / cpu(name, rows, "native")?,
            WASM,
        ));
    }
    for name in ["sbtest", "narrow"] {
        let (small, large) = (ROWS, ROWS * TIMES);
        limits.push(Limit {
            what: format!("a value for each row beside the program, {name}"),
            measured: cpu(name, large, "naive")? / cpu(name, large, "native")?,
            limit: NAIVE,
            is_least: true,
        });
        for engine in ENGINES {
            limits.push(most(
                format!("{TIMES} times the rows, {name}, {engine}"),
                cpu(name, large, engine)? / cpu(name, small, engine)?,
                GROWTH,
            ));
            limits.push(most(
                format!("memory of {TIMES} times the rows, {name}, {engine}"),
                found(name, large, engine)?.1 / found(name, small, engine)?.1,
                MEMORY,
            ));
        }
    }
    Ok(limits)
}

/// Builds the naive way, natively, with the same settings as the program.
fn naive() -> Result<PathBuf> {
    let shell = module::shell()?;
    cmd!(
        shell,
        "cargo build --release --package wlf-mysql --example naive"
    )
    .quiet()
    .run()?;
    Ok(layout::target().join("release/examples/naive"))
}

#[test]
fn limits_are_ratios_without_the_start() {
    let mut least = Least::new();
    let mut enter = |name: &str, rows: u64, native: f64| {
        for (engine, factor) in [("native", 1.0), ("0.14", 1.5), ("naive", 10.0)] {
            let cpu = native * factor + if engine == "naive" { 0.0 } else { 0.02 };
            least.insert((format!("{name}-{rows}"), engine), (cpu, 5e7));
        }
    };
    enter("sbtest", 100, 0.0);
    for name in ["sbtest", "narrow", "mixed"] {
        enter(name, ROWS, 0.1);
        enter(name, ROWS * TIMES, 0.4);
    }
    let limits = limits(&least).unwrap();
    assert_eq!(limits.len(), 13);
    assert!(limits.iter().all(Limit::holds));
    assert_eq!(
        limits[0].line(),
        "limit WasmEdge beside native, sbtest ... ok: 1.50 ≤ 2.2"
    );
    assert_eq!(
        limits[3].line(),
        "limit a value for each row beside the program, sbtest ... ok: 10.00 ≥ 3"
    );
    let slow = Limit {
        limit: 1.2,
        ..limits.into_iter().next().unwrap()
    };
    assert!(slow.line().contains("FAILED"));
}
