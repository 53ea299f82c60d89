//! How fast the program is, how soon, and in how much memory: natively, and compiled ahead of time under WasmEdge.

mod beside;
pub mod case;
mod cases;
pub mod check;
mod curves;
pub mod engine;
pub mod figures;
mod footprint;
mod goal;
mod handshakes;
mod latency;
pub mod machine;
pub mod page;
pub mod recorder;
mod recording;
pub mod replayer;
pub mod run;
mod scripts;
mod session;
mod several;
pub mod sink;
mod svg;
mod topic;
mod turns;
mod types;
mod waits;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use self::case::CASES;
use self::goal::Goal;
use self::page::{Page, Table};
use self::session::Session;

/// What is measured, and how often.
#[derive(clap::Args)]
pub struct Options {
    /// Only what begins so; `list` prints all names
    names: Vec<String>,
    /// Rows of the sbtest and narrow recordings, to which the others are in proportion
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How often each case runs
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these engines: native, 0.14, 0.17
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Another compiled form for WasmEdge 0.14, of before a change as a rule, which runs in turns with the others
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    against: Option<PathBuf>,
    /// Writes the figures into docs/performance.md
    #[arg(long)]
    write: bool,
    /// Checks small recordings against wide limits instead: what `cargo xtask test` does
    #[arg(long, exclusive = true)]
    check: bool,
}

impl Options {
    fn chosen(&self, name: &str) -> bool {
        let begins = |start: &String| name.starts_with(start.as_str());
        self.names.is_empty() || self.names.iter().any(begins)
    }
}

/// Something that is measured besides the cases.
struct Measurement {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session<'_>, &mut Report) -> Result<()>,
}

const fn measurement(
    name: &'static str,
    about: &'static str,
    run: fn(&mut Session<'_>, &mut Report) -> Result<()>,
) -> Measurement {
    Measurement { name, about, run }
}

const MEASUREMENTS: &[Measurement] = &[
    measurement(
        "footprint",
        "sizes, start to the first row, memory and CPU time of a program that waits",
        footprint::measure,
    ),
    measurement(
        "latency",
        "from the commit in MySQL to a consumer of Kafka and of Redis",
        latency::measure,
    ),
    measurement(
        "types",
        "what a value costs by the type of its column, beside ASCII text",
        types::measure,
    ),
    measurement(
        "curves",
        "how the cost of a row grows with tables, columns, size, transaction and destinations",
        curves::measure,
    ),
    measurement(
        "handshakes",
        "what a TLS handshake takes with each server",
        handshakes::measure,
    ),
    measurement(
        "several",
        "1, 2 and 4 instances beside each other",
        several::measure,
    ),
];

/// Takes what is measured: prints it, and writes it into the page if that is wanted.
struct Report {
    page: Option<Page>,
    goals: Vec<Goal>,
    /// What could not be measured; the others go on.
    failed: Vec<String>,
}

impl Report {
    fn table(&self, table: &Table) -> Result<()> {
        println!("\n{}\n{}", table.head, table.lines.join("\n"));
        match &self.page {
            Some(page) => page.write(table),
            None => Ok(()),
        }
    }

    fn attempt(&mut self, name: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            eprintln!("{name} failed: {error:#}");
            self.failed.push(name.to_owned());
        }
    }
}

/// Measures and prints the figures.
pub fn bench(options: &Options) -> Result<()> {
    if options.check {
        return check::run().map(|passed| println!("{passed} limits hold"));
    }
    if options.names.iter().any(|name| name == "list") {
        let cases = CASES.iter().map(|case| (case.name, case.about));
        for (name, about) in cases.chain(MEASUREMENTS.iter().map(|m| (m.name, m.about))) {
            println!("{name:<20} {about}");
        }
        return Ok(());
    }
    let known = CASES.iter().map(|case| case.name);
    let mut known = known.chain(MEASUREMENTS.iter().map(|measurement| measurement.name));
    ensure!(
        known.any(|name| options.chosen(name)),
        "nothing begins so: `cargo xtask bench list` names everything"
    );
    let mut session = Session::new(options)?;
    let machine = machine::about();
    println!("{machine}");
    for engine in &session.engines {
        println!("{}", engine.about);
    }
    let page = match options.write {
        true => Some(Page::new(page::note(&machine)?, options.names.is_empty())),
        false => None,
    };
    let mut report = Report {
        page,
        goals: Vec::new(),
        failed: Vec::new(),
    };
    let outcome = cases::measure(&mut session, &mut report);
    report.attempt("the cases", outcome);
    for measurement in MEASUREMENTS {
        if options.chosen(measurement.name) {
            let outcome = (measurement.run)(&mut session, &mut report);
            report.attempt(measurement.name, outcome);
        }
    }
    if !report.goals.is_empty() {
        let outcome = report.table(&goal::table(&report.goals));
        report.attempt("the goals", outcome);
    }
    session.close()?;
    if !report.failed.is_empty() {
        bail!("not measured: {}", report.failed.join(", "));
    }
    Ok(())
}
