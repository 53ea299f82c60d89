//! Programs as WebAssembly modules: `wlf-aio.wasm`, and one that is built upon it.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{cc, layout};

pub const TARGET: &str = "wasm32-wasip1";

/// The program that ships.
pub const PROGRAM: &str = "wlf-aio";

/// What it can be built with, each a feature of its package: systems, and Kafka's logins with OAuth tokens.
pub const FEATURES: [&str; 7] = [
    "kafka",
    "local",
    "mysql",
    "nats",
    "oauth",
    "redis",
    "transform",
];

/// Those that a small program has: rows from MySQL to Kafka, Redis and files.
const SMALL: &str = "kafka,local,mysql,redis,transform";

/// Builds the program with no more than the systems of a small one, and returns the path of a copy of it.
pub fn small() -> Result<PathBuf> {
    let options = [
        "--package",
        PROGRAM,
        "--no-default-features",
        "--features",
        SMALL,
    ];
    let module = built(&options, PROGRAM)?;
    // The next build of the whole program takes its place.
    let small = layout::target()
        .join("small")
        .join(format!("{PROGRAM}.wasm"));
    std::fs::create_dir_all(small.parent().context("a directory")?)?;
    std::fs::copy(&module, &small).with_context(|| format!("copying {}", module.display()))?;
    Ok(small)
}

/// Builds a package's release module and returns its path.
pub fn build(package: &str) -> Result<PathBuf> {
    built(&["--package", package], package)
}

/// Builds an example of a package as a release module and returns its path.
pub fn example(package: &str, features: &str, name: &str) -> Result<PathBuf> {
    let options = [
        "--package",
        package,
        "--features",
        features,
        "--example",
        name,
    ];
    built(&options, &format!("examples/{name}"))
}

fn built(options: &[&str], path: &str) -> Result<PathBuf> {
    prepare()?;
    let shell = shell()?;
    cmd!(
        shell,
        "cargo build --release --target {TARGET} {options...}"
    )
    .quiet()
    .run()?;
    let module = layout::target()
        .join(TARGET)
        .join("release")
        .join(path)
        .with_extension("wasm");
    ensure!(module.is_file(), "cargo built no {}", module.display());
    Ok(module)
}

/// Builds the example of `wlf-net` that tests run as a guest, and returns its path.
pub fn build_exchange() -> Result<PathBuf> {
    prepare()?;
    let shell = shell()?;
    cmd!(
        shell,
        "cargo build --release --package wlf-net --features http --example exchange --target {TARGET}"
    )
    .quiet()
    .run()?;
    let examples = layout::target().join(TARGET).join("release/examples");
    let module = examples.join("exchange.wasm");
    ensure!(module.is_file(), "cargo built no {}", module.display());
    Ok(module)
}

/// Provides what cargo needs for modules: the toolchain's target, and a C compiler.
pub fn prepare() -> Result<()> {
    install_target()?;
    cc::provide()
}

/// Returns a shell in the workspace's root.
pub fn shell() -> Result<Shell> {
    let shell = Shell::new()?;
    shell.change_dir(layout::workspace());
    Ok(shell)
}

/// Installs the toolchain's WebAssembly target if it is missing.
fn install_target() -> Result<()> {
    let shell = shell()?;
    let sysroot = PathBuf::from(cmd!(shell, "rustc --print sysroot").quiet().read()?);
    if !sysroot.join("lib/rustlib").join(TARGET).exists() {
        eprintln!("installing the Rust target {TARGET}");
        cmd!(shell, "rustup target add {TARGET}")
            .quiet()
            .run()
            .with_context(|| format!("the toolchain in {} has no {TARGET}", sysroot.display()))?;
    }
    Ok(())
}
