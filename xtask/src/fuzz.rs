//! Gives the decoders what a coverage-guided fuzzer thinks of.
//!
//! `docs/design/fuzzing.md` says why it is done so.

mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{apt, layout};

/// What is run, and for how long.
#[derive(clap::Args)]
pub struct Options {
    /// Only these targets; all of them if none is named
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Draws statements instead, and compares what becomes of them with MySQL and MariaDB
    #[arg(long)]
    server: bool,
    /// With --server: which statements to begin with; each number is a session of its own
    #[arg(long, requires = "server")]
    seed: Option<u64>,
}

/// What makes the compiler note which branches ran, and what was compared: stable options, unlike those of a sanitizer,
/// which code without `unsafe` hardly needs.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// An input may not take longer, in seconds, or more memory of the process, in MiB.
const TIMEOUT: u64 = 10;
const MEMORY: u64 = 1024;

/// What became of a target's turn.
#[derive(Debug, PartialEq, Eq)]
struct Turn {
    executions: u64,
    /// Branches that were taken, as the fuzzer counts them.
    coverage: u64,
    corpus: u64,
}

/// Runs the targets one after the other and prints a line for each.
pub fn fuzz(options: &Options) -> Result<()> {
    if options.server {
        return server::fuzz(options);
    }
    let home = layout::target().join("fuzz");
    let program = build(&home)?;
    let seeds = home.join("seeds");
    layout::remove(&seeds)?;
    let status = Command::new(&program)
        .env("WLF_FUZZ_SEEDS", &seeds)
        .status()
        .context("writing the seeds")?;
    ensure!(status.success(), "writing the seeds ended with {status}");
    let all = names(&seeds)?;
    if let Some(unknown) = options.targets.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{unknown}`, only {}", all.join(", "));
    }
    let chosen = all
        .iter()
        .filter(|name| options.targets.is_empty() || options.targets.contains(name));
    println!(
        "{:<20} {:>12} {:>9} {:>9} {:>7}  crashes",
        "target", "executions", "a second", "coverage", "corpus"
    );
    let (mut executions, mut crashed) = (0, 0);
    for name in chosen {
        let begin = Instant::now();
        let (turn, crash) = run(&program, &home, name, options.seconds)?;
        let seconds = begin.elapsed().max(Duration::from_secs(1)).as_secs();
        println!(
            "{name:<20} {:>12} {:>9} {:>9} {:>7}  {}",
            turn.executions,
            turn.executions / seconds,
            turn.coverage,
            turn.corpus,
            u8::from(crash.is_some())
        );
        executions += turn.executions;
        if let Some(crash) = crash {
            crashed += 1;
            println!("{crash}");
        }
    }
    println!("{executions} executions, {crashed} crashes");
    ensure!(crashed == 0, "{crashed} targets crashed");
    Ok(())
}

/// Builds the program with the fuzzer in it, beside everything else, since nothing else is compiled so.
fn build(home: &Path) -> Result<PathBuf> {
    let version = apt::output(Command::new("rustc").arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc names no host")?;
    let directory = home.join("build");
    // With a target named, flags are not for build scripts and procedural macros.
    let status = Command::new("cargo")
        .args(["build", "--package", "wlf-fuzz", "--features", "libfuzzer"])
        .args(["--profile", "fuzz", "--target", host, "--target-dir"])
        .arg(&directory)
        .env("RUSTFLAGS", COVERAGE.join(" "))
        .current_dir(layout::workspace())
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "building the fuzzer ended with {status}");
    Ok(directory.join(host).join("fuzz/wlf-fuzz"))
}

/// The targets, each of which has a directory of seeds.
fn names(seeds: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(seeds).context("looking for seeds")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Gives a target its turn; what was found before stays in its corpus and is where the next turn begins.
fn run(program: &Path, home: &Path, name: &str, seconds: u64) -> Result<(Turn, Option<String>)> {
    let (corpus, crashes) = (home.join("corpus").join(name), home.join("crashes"));
    for directory in [&corpus, &crashes, &home.join("logs")] {
        fs::create_dir_all(directory)?;
    }
    let log = home.join("logs").join(format!("{name}.log"));
    let status = Command::new(program)
        .arg(&corpus)
        .arg(home.join("seeds").join(name))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/{name}-", crashes.display()))
        .env("WLF_FUZZ_TARGET", name)
        .env("RUST_BACKTRACE", "0")
        .stderr(File::create(&log)?)
        .status()
        .with_context(|| format!("starting {}", program.display()))?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let turn = turn(&said);
    if status.success() {
        let turn = turn.with_context(|| format!("no figures are in {}", log.display()))?;
        return Ok((turn, None));
    }
    let crash = crash(&said, program, name, &log);
    let nothing = Turn {
        executions: 0,
        coverage: 0,
        corpus: 0,
    };
    Ok((turn.unwrap_or(nothing), Some(crash)))
}

/// The figures of the last line of progress, and of the statistics.
fn turn(said: &str) -> Option<Turn> {
    let last = said.lines().rev().find(|line| line.contains(" cov: "))?;
    let after = |line: &str, word: &str| {
        let (_, rest) = line.split_once(word)?;
        let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit());
        digits.into_iter().next()?.parse().ok()
    };
    let executions = after(said, "stat::number_of_executed_units:").or_else(|| {
        let digits = last.strip_prefix('#')?;
        after(digits, "")
    });
    Some(Turn {
        executions: executions?,
        coverage: after(last, " cov: ")?,
        corpus: after(last, " corp: ")?,
    })
}

/// What is said of a crash: the panic, and how to see it again.
fn crash(said: &str, program: &Path, name: &str, log: &Path) -> String {
    let why = said
        .lines()
        .skip_while(|line| !line.contains("panicked at") && !line.contains("ERROR: libFuzzer"))
        .take(3)
        .collect::<Vec<_>>()
        .join("\n    ");
    let input = said
        .lines()
        .find_map(|line| line.split_once("Test unit written to "))
        .map_or("", |(_, path)| path);
    format!(
        "    {why}\n    see {}\n    again: WLF_FUZZ_TARGET={name} {} {input}",
        log.display(),
        program.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
INFO: Running with entropic power schedule (0xFF, 100).
#2\tINITED cov: 52 ft: 53 corp: 1/1b exec/s: 0 rss: 114Mb
#1193\tNEW    cov: 60 ft: 71 corp: 4/9b lim: 4 exec/s: 0 rss: 114Mb L: 4/4 MS: 1 ChangeByte-

thread '<unnamed>' (7) panicked at fuzz/src/targets/values.rs:72:9:
assertion failed
artifact_prefix='/t/'; Test unit written to /t/crash-43
";

    #[test]
    fn figures_are_read_from_what_the_fuzzer_says() {
        let figures = |executions| Turn {
            executions,
            coverage: 60,
            corpus: 4,
        };
        assert_eq!(turn(LOG), Some(figures(1193)));
        let whole = format!("{LOG}stat::number_of_executed_units: 1200\n");
        assert_eq!(turn(&whole), Some(figures(1200)));
        assert_eq!(turn("no figures"), None);
    }

    #[test]
    fn a_crash_says_how_to_see_it_again() {
        let crash = crash(LOG, Path::new("wlf-fuzz"), "decimal", Path::new("/t/log"));
        assert!(crash.contains("values.rs:72:9"), "{crash}");
        assert!(
            crash.ends_with("again: WLF_FUZZ_TARGET=decimal wlf-fuzz /t/crash-43"),
            "{crash}"
        );
    }
}
