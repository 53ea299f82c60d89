//! Runs the project's tasks: `cargo xtask <name>`.

mod apt;
mod bench;
mod cc;
mod certs;
mod charsets;
mod demo;
mod dist;
mod fuzz;
mod java;
mod layout;
mod module;
mod packages;
mod profile;
mod record;
mod servers;
mod test;
mod wasmedge;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use wasmedge::WasmEdge;

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the program and runs the quick start: a recorded binlog, as JSON on stdout
    Demo,
    /// Checks format and lints and runs all tests, those of the wasm and against real servers too
    Test {
        /// Only the stages whose names begin so, e.g. `format clippy unit wasm speed real`; `cluster` runs only if it is named
        stages: Vec<String>,
    },
    /// Starts, stops or shows the MySQL, MariaDB, Kafka and Redis that tests use
    #[command(subcommand)]
    Servers(Servers),
    /// Records the binlogs of fixtures and of the quick start anew, or only one of them
    Record { name: Option<String> },
    /// Writes the tables of charsets anew, as a fresh MySQL converts each of their codes
    Charsets,
    /// Builds what is shipped into target/dist: the module, its compiled forms, an OCI image layout
    Dist,
    /// Measures the shipped form: size, start, rows a second, memory
    Bench(bench::Options),
    /// Counts the instructions of a row by stage, natively, with callgrind
    Profile(profile::Options),
    /// Gives each decoder what a coverage-guided fuzzer thinks of, and prints executions, coverage and crashes
    Fuzz(fuzz::Options),
    /// Provides a C compiler for WebAssembly, if this machine has none, and prints the variables that name it to cargo
    Cc,
    /// Provides WasmEdge 0.14 and 0.17 and prints where they are
    Wasmedge,
}

#[derive(Subcommand)]
enum Servers {
    /// Brings up what is not up yet and prints the addresses as WLF_TEST_…=… lines
    Up {
        /// Their names, as `status` shows them; all without a name
        names: Vec<String>,
    },
    /// Stops what `up` started
    Down {
        /// Remove their data as well
        #[arg(long)]
        purge: bool,
    },
    /// Shows which servers are up, and where
    Status,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match Arguments::parse().task {
        Task::Servers(Servers::Up { names }) => {
            for (variable, address) in servers::up(&servers::Kind::of(&names)?)?.addresses {
                println!("{variable}={address}");
            }
        }
        Task::Servers(Servers::Down { purge }) => servers::down(&servers::Kind::ALL, purge)?,
        Task::Servers(Servers::Status) => print!("{}", servers::status()),
        Task::Demo => demo::demo()?,
        Task::Test { stages } => test::test(&stages)?,
        Task::Bench(options) => bench::bench(&options)?,
        Task::Profile(options) => profile::profile(&options)?,
        Task::Charsets => charsets::charsets()?,
        Task::Fuzz(options) => fuzz::fuzz(&options)?,
        Task::Dist => dist::dist()?,
        Task::Record { name } => record::record(name.as_deref())?,
        Task::Cc => {
            for (variable, program) in cc::variables()? {
                println!("{variable}={program}");
            }
        }
        Task::Wasmedge => {
            for (name, wasmedge) in [("014", WasmEdge::v0_14()?), ("017", WasmEdge::v0_17()?)] {
                eprintln!("WasmEdge {}", wasmedge.version);
                println!("WLF_TEST_WASMEDGE_{name}={}", wasmedge.program.display());
            }
        }
    }
    Ok(())
}
