//! The first thing that a newcomer runs: a recorded binlog through filter and replicator, under WasmEdge.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::wasmedge::WasmEdge;
use crate::{layout, module};

const CONFIGURATION: &str = "configs/quickstart.yaml";

/// Where the configuration has its files written; emptied first, since they are appended to.
const OUTPUT: &str = "target/quickstart";

/// Sets up WasmEdge, builds and compiles the program, and runs the quick start: rows to stdout, all else to stderr.
pub fn demo() -> Result<()> {
    let begin = Instant::now();
    let step = |number: usize, what: &str| {
        eprintln!("[{number}/4] {:>4} s  {what}", begin.elapsed().as_secs())
    };
    step(
        1,
        "WasmEdge: the one on PATH, else from Debian packages (40 MB, once)",
    );
    let wasmedge = WasmEdge::find()?;
    eprintln!(
        "      WasmEdge {} ({})",
        wasmedge.version,
        wasmedge.program.display()
    );
    step(2, "building the program (some minutes the first time)");
    let module = module::build(module::PROGRAM)?;
    step(
        3,
        "compiling it ahead of time (some two minutes, once per build)",
    );
    let object = wasmedge.compile(&module)?;
    step(4, &format!("running {CONFIGURATION}"));

    let output = layout::workspace().join(OUTPUT);
    layout::remove(&output)?;
    fs::create_dir_all(&output)?;
    let took = run(&wasmedge, &object)?;
    let files = list(&output)?;
    ensure!(
        !files.is_empty(),
        "the program ended well but wrote no row into {OUTPUT}"
    );
    eprintln!("\n{}", report(&wasmedge, took, &files));
    Ok(())
}

/// Says what ran and what to try next.
fn report(wasmedge: &WasmEdge, took: Duration, files: &str) -> String {
    format!(
        "What ran, in {} ms: the binlog of a small shop, recorded from a real MySQL (configs/quickstart/), went\n\
         through wlf-aio.wasm under WasmEdge {}, compiled ahead of time. BinlogFileCollector read it, BinlogFilter\n\
         left out the table shop.sessions, EventReplicator sent each row to stdout (above) and to files:\n\
         {files}\n\
         Try next:\n  \
         - change the rules in {CONFIGURATION} and run this again, or the program alone, which `./wlf` finds:\n      \
         ./wlf --config {CONFIGURATION}\n  \
         - `cargo xtask servers up mysql kafka redis` brings up real servers, and `./wlf` takes every change from\n    \
         the first to the others, live; README.md has a first row and a consumer\n  \
         - `cargo xtask test` runs every test against them",
        took.as_millis(),
        wasmedge.version,
    )
}

/// Lists the files below `output`, each with its number of rows.
fn list(output: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(output)? {
        let path = entry?.path();
        let rows = fs::read_to_string(&path)?.lines().count();
        let name = path.file_name().unwrap_or_default().display();
        lines.push(format!("    {rows:>3} rows  {OUTPUT}/{name}\n"));
    }
    lines.sort();
    Ok(lines.concat())
}

fn run(wasmedge: &WasmEdge, object: &Path) -> Result<Duration> {
    let begin = Instant::now();
    let status = wasmedge
        .run()
        .args(["--dir", "configs", "--dir", OUTPUT])
        .arg(object)
        .args(["--config", CONFIGURATION])
        .current_dir(layout::workspace())
        .status()
        .context("running WasmEdge")?;
    ensure!(status.success(), "the program ended with {status}");
    Ok(begin.elapsed())
}
