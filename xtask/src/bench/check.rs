//! A small guard against regressions: wide limits on ratios, which hold on any machine, also on a busy one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::engine::Engine;
use super::recorder::{Recorder, Script};
use super::{footprint, run, turns};
use crate::{layout, module};

/// The engines that are compared.
const ENGINES: [&str; 2] = ["native", "0.14"];

/// Rows of the smaller recordings; the larger have `TIMES` as many.
const ROWS: u64 = 100_000;
const TIMES: u64 = 4;
const LARGE: u64 = ROWS * TIMES;
/// Of sbtest the larger one is read so many times over, which is enough for all buffers to be in use before that.
const LARGEST: u64 = LARGE * TIMES;

/// Everything runs so often in turns, and more often while a limit does not hold: the least time counts, and what others
/// do on the machine only ever adds to it.
const ROUNDS: usize = 4;
const AT_MOST: usize = 12;
/// The naive way runs less often: it is slow, and no limit depends on a little of it.
const NAIVE_ROUNDS: usize = 2;

/// CPU time under WasmEdge in that of the native program, starting left out. It is some 1.2 to 2.
const WASM: f64 = 3.0;
/// CPU time of rows that each become a `serde_json::Value`, in that of the program. It is some 15 to 20.
const NAIVE: f64 = 3.0;
/// CPU time of four times the rows. It is 4, and more would mean that a row costs more where there are many: 16, if each
/// looks at all others. Between two moments of a shared machine lies up to a half.
const GROWTH: f64 = 8.0;
/// Memory of four times the rows. It is 1.
const MEMORY: f64 = 1.25;

/// Rows of a recording that is little more than a start.
const START: u64 = 100;

/// What the naive way is compared with.
const COMPARED: [&str; 2] = ["sbtest", "narrow"];

fn input(name: &str, rows: u64) -> String {
    format!("{name}-{rows}")
}

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
    let mut inputs = Vec::new();
    for (name, rows) in [
        ("sbtest", START),
        ("sbtest", LARGE),
        ("narrow", ROWS),
        ("narrow", LARGE),
        ("mixed", ROWS),
    ] {
        let recorded = recorder.provide(&Script::known(name, rows)?)?;
        if (name, rows) == ("sbtest", LARGE) {
            let files = recorded.repeated(usize::try_from(TIMES)?)?;
            inputs.push((input(name, LARGEST), files));
        }
        inputs.push((input(name, rows), vec![recorded.file]));
    }
    let files = recorder.files();
    drop(recorder);
    let check = Check {
        home,
        files,
        engines,
        naive,
        inputs,
    };
    check.same_text()?;
    let mut least = Least::new();
    let mut round = 0;
    loop {
        check.round(round, &mut least)?;
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
        return Ok(u32::try_from(limits.len())? + 1 + footprint::check()?);
    }
}

struct Check {
    home: PathBuf,
    files: PathBuf,
    engines: Vec<Engine>,
    naive: PathBuf,
    /// Files by name.
    inputs: Vec<(String, Vec<PathBuf>)>,
}

impl Check {
    /// Runs everything once.
    fn round(&self, round: usize, least: &mut Least) -> Result<()> {
        for (name, files) in &self.inputs {
            for engine in &self.engines {
                let text = turns::to_null(files, 1);
                let mut command = engine.command(&self.home, &self.files, &text)?;
                enter(least, name, engine.name, &mut command)?;
            }
            let is_compared = COMPARED
                .iter()
                .any(|compared| input(compared, LARGE) == *name);
            if let ([file], true) = (&files[..], is_compared && round < NAIVE_ROUNDS) {
                let mut command = Command::new(&self.naive);
                enter(least, name, "naive", command.arg(file))?;
            }
        }
        Ok(())
    }

    /// The naive way and the program write the same text, or the comparison would be of two different things.
    fn same_text(&self) -> Result<()> {
        let files = self.inputs.first().and_then(|(_, files)| files.first());
        let file = files.context("a recording")?;
        let engine = self.engines.first().context("an engine")?;
        let outputs = ["fused.json", "naive.json"].map(|name| self.home.join(name));
        let [fused, naive] = &outputs;
        let text = format!(
            "collectors: [{{id: c, type: BinlogFileCollector, paths: ['{}'], destination: d}}]\n\
             dispatchers: [{{id: d, type: FileDispatcher, path: '{}'}}]\n",
            file.display(),
            fused.display()
        );
        for output in &outputs {
            let _ = fs::remove_file(output);
        }
        run::timed(&mut engine.command(&self.home, &self.files, &text)?)?;
        run::timed(Command::new(&self.naive).args([file, naive]))?;
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
        let figures = least.get(&(input(name, rows), engine));
        figures
            .copied()
            .with_context(|| format!("{name} did not run"))
    };
    // Starting costs the same whatever comes then.
    let cpu = |name: &str, rows: u64, engine: &'static str| -> Result<f64> {
        let start = match engine {
            "naive" => 0.0,
            engine => found("sbtest", START, engine)?.0,
        };
        Ok((found(name, rows, engine)?.0 - start).max(1e-6))
    };
    let limit = |what: String, measured: f64, limit: f64| Limit {
        what,
        measured,
        limit,
        is_least: false,
    };
    let mut limits = Vec::new();
    for (name, rows) in [("sbtest", LARGE), ("narrow", LARGE), ("mixed", ROWS)] {
        let measured = cpu(name, rows, "0.14")? / cpu(name, rows, "native")?;
        let what = format!("WasmEdge beside native, {name}");
        limits.push(limit(what, measured, WASM));
    }
    for name in COMPARED {
        let measured = cpu(name, LARGE, "naive")? / cpu(name, LARGE, "native")?;
        let what = format!("a value for each row beside the program, {name}");
        limits.push(Limit {
            is_least: true,
            ..limit(what, measured, NAIVE)
        });
    }
    for engine in ENGINES {
        for (name, rows) in [("sbtest", LARGE), ("narrow", ROWS)] {
            let measured = cpu(name, rows * TIMES, engine)? / cpu(name, rows, engine)?;
            let what = format!("{TIMES} times the rows, {name}, {engine}");
            limits.push(limit(what, measured, GROWTH));
        }
        let peak = |rows: u64| found("sbtest", rows, engine).map(|(_, peak)| peak);
        let what = format!("memory of {TIMES} times the rows, {engine}");
        limits.push(limit(what, peak(LARGEST)? / peak(LARGE)?, MEMORY));
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
    enter("sbtest", START, 0.0);
    enter("sbtest", LARGE, 0.1);
    enter("sbtest", LARGEST, 0.4);
    enter("narrow", ROWS, 0.1);
    enter("narrow", LARGE, 0.4);
    enter("mixed", ROWS, 0.1);
    let limits = limits(&least).unwrap();
    assert_eq!(limits.len(), 11);
    assert!(limits.iter().all(Limit::holds));
    assert_eq!(
        limits[0].line(),
        "limit WasmEdge beside native, sbtest ... ok: 1.50 ≤ 3"
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
