//! Where the instructions of a row go, by stage.
//!
//! The program is built natively with the names of its lines, and callgrind counts the instructions at each address. What
//! is inlined into what the debug information says, so an instruction belongs to the innermost function of ours that it
//! was written for, and that function's file says the stage.

mod callgrind;
mod inlined;
mod stage;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use self::stage::Stage;
use self::table::Profile;
use crate::bench::case::{Addresses, CASES, Case, Way};
use crate::bench::figures::grouped;
use crate::bench::page::{self, Page};
use crate::bench::recorder::{Recorder, Script};
use crate::bench::replayer::Replayer;
use crate::bench::sink::Sink;
use crate::bench::{machine, run};
use crate::packages::VALGRIND;
use crate::{apt, layout, module};

/// How often the time is taken.
const RUNS: usize = 5;

/// What is profiled.
#[derive(clap::Args)]
pub struct Options {
    /// Cases of `bench` that read a file or a replayed server
    #[arg(default_value = "file-sbtest")]
    cases: Vec<String>,
    /// Rows of the recording
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// Functions that are shown of each stage
    #[arg(long, default_value_t = 6)]
    top: usize,
    /// Writes the stages into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Instructions of a function, under the stage and the place that it has.
type Functions = BTreeMap<(Stage, String), u64>;

/// Profiles cases and prints a table of each.
pub fn profile(options: &Options) -> Result<()> {
    let known: Vec<_> = CASES.iter().filter(|case| is_alone(case)).collect();
    let mut cases = Vec::new();
    for name in &options.cases {
        let case = known.iter().find(|case| case.name == name);
        cases.push(*case.with_context(|| {
            let names: Vec<_> = known.iter().map(|case| case.name).collect();
            format!(
                "no case {name}; those without real servers are {}",
                names.join(", ")
            )
        })?);
    }
    let home = layout::target().join("bench");
    fs::create_dir_all(&home)?;
    let mut profiler = Profiler {
        program: build()?,
        recorder: Recorder::new(&home),
        home,
    };
    let mut table = table::stages();
    for case in cases {
        // Two sizes: what both have is the start, and no row's.
        let all = profiler.count(case, options.rows)?;
        let few = profiler.count(case, options.rows / 10)?;
        let profile = Profile::between(all, few);
        profile.print(case, options.top);
        profile.add(case, &mut table);
    }
    if options.write {
        Page::new(page::note(&machine::about())?, false).write(&table)?;
    }
    Ok(())
}

/// Whether no real server is in the case.
fn is_alone(case: &Case) -> bool {
    matches!(
        case.way,
        Way::File | Way::Files | Way::FanOut | Way::Socket { .. }
    )
}

struct Profiler {
    program: PathBuf,
    recorder: Recorder,
    home: PathBuf,
}

/// What a run of a case took.
struct Counted {
    rows: u64,
    functions: Functions,
    /// Without callgrind.
    cpu: Duration,
}

impl Profiler {
    /// Runs a case with so many rows.
    fn count(&mut self, case: &Case, rows: u64) -> Result<Counted> {
        let script = Script::known(case.recording, rows)?;
        let recorded = self.recorder.provide(&script)?;
        let mut at = Addresses {
            output: self.home.join("profile.json"),
            topic: "profile".to_owned(),
            ..Addresses::default()
        };
        if let Way::Socket { .. } = case.way {
            self.recorder.begin_second()?;
            let (end, port) = (self.recorder.end()?, self.recorder.port()?);
            at.mysql = Replayer::start(&recorded.file, &end, port)?.port;
            at.kafka = Sink::start()?.address;
        }
        let configuration = self.home.join("profile.yaml");
        let text = case.over(&recorded.file, "binlog.000001", &at);
        fs::write(&configuration, text)?;
        let cpu = self.cpu(&configuration, recorded.moved.rows)?;
        let counts = self.home.join("callgrind.out");
        let mut command = valgrind()?;
        command
            .args(["--tool=callgrind", "--dump-instr=yes", "--quiet"])
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(&self.program)
            .arg("--config")
            .arg(&configuration);
        eprintln!("counting the instructions of {rows} rows");
        apt::output(&mut command)?;
        let _ = fs::remove_file(&at.output);
        let counts = callgrind::read(&fs::read_to_string(&counts)?)?;
        Ok(Counted {
            rows: recorded.moved.rows,
            functions: self.functions(&counts)?,
            cpu,
        })
    }

    /// The least CPU time of some runs without callgrind.
    fn cpu(&self, configuration: &Path, rows: u64) -> Result<Duration> {
        let mut least = Duration::MAX;
        for _ in 0..RUNS {
            let mut command = Command::new(&self.program);
            let (took, said) = run::timed(command.arg("--config").arg(configuration))?;
            ensure!(
                said.contains(&grouped(rows)),
                "it did not read {rows} rows: {said}"
            );
            least = least.min(took.cpu);
        }
        Ok(least)
    }

    fn functions(&self, counts: &callgrind::Counts) -> Result<Functions> {
        let ours = counts.of(&self.program);
        ensure!(!ours.is_empty(), "callgrind counted nothing of ours");
        let addresses: Vec<u64> = ours.keys().copied().collect();
        let places = inlined::places(&self.program, &addresses)?;
        let mut functions = Functions::new();
        for (instructions, frames) in ours.values().zip(&places) {
            *functions.entry(stage::of(frames)).or_default() += instructions;
        }
        for (library, instructions) in counts.elsewhere(&self.program) {
            *functions.entry((Stage::Library, library)).or_default() += instructions;
        }
        Ok(functions)
    }
}

/// Makes a command of the machine's own valgrind, or of one from packages.
fn valgrind() -> Result<Command> {
    if Command::new("valgrind").arg("--version").output().is_ok() {
        return Ok(Command::new("valgrind"));
    }
    let prefix = VALGRIND.provide()?;
    let mut command = prefix.command("usr/bin/valgrind.bin")?;
    command.env("VALGRIND_LIB", prefix.root.join("usr/libexec/valgrind"));
    Ok(command)
}

/// Builds the program as it ships, but with the names of its lines, and at fixed addresses.
fn build() -> Result<PathBuf> {
    let shell = module::shell()?;
    let package = module::PROGRAM;
    let target = layout::target().join("profile");
    // The last step makes the code of all crates, so the flag is needed there only; a procedural macro could not have it.
    cmd!(
        shell,
        "cargo rustc --profile profiling --package {package} --bin {package} --target-dir {target} -- -C relocation-model=static"
    )
    .quiet()
    .run()?;
    // As valgrind names it.
    Ok(fs::canonicalize(target.join("profiling").join(package))?)
}
