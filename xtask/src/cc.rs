//! The C compiler for WebAssembly, which a library for TLS is partly written for.
//!
//! `.cargo/config.toml` names a script of this directory as the compiler, so that a plain `cargo build --target
//! wasm32-wasip1` finds what was provided here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::packages::CLANG;
use crate::{layout, module};

/// Names the compiler and the archiver to the crate cc, which build scripts use.
const COMPILER: &str = "CC_wasm32_wasip1";
const ARCHIVER: &str = "AR_wasm32_wasip1";

/// Sees to it that cargo finds a compiler: the one that the environment names, the system's, or one from packages.
pub fn provide() -> Result<()> {
    if given().is_none() && !clang_knows_wasm() {
        CLANG.provide()?;
    }
    Ok(())
}

/// Provides the compiler and returns what names it to a cargo that does not read our `.cargo/config.toml`.
pub fn variables() -> Result<[(&'static str, String); 2]> {
    provide()?;
    let compiler = given().unwrap_or(script().into_os_string());
    let archiver = std::env::var(ARCHIVER).unwrap_or("ar".to_owned());
    Ok([
        (COMPILER, compiler.to_string_lossy().into_owned()),
        (ARCHIVER, archiver),
    ])
}

/// The compiler that somebody else names than `.cargo/config.toml`, which counts for us too.
fn given() -> Option<OsString> {
    std::env::var_os(COMPILER).filter(|named| *named != script())
}

fn script() -> PathBuf {
    layout::workspace().join("xtask/clang-wasm")
}

/// Asks the system's clang, as `xtask/clang-wasm` does.
fn clang_knows_wasm() -> bool {
    let mut clang = Command::new("clang");
    clang
        .arg(format!("--target={}", module::TARGET))
        .args(["-x", "c", "-c", "-o", "/dev/null", "/dev/null"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    clang.status().is_ok_and(|status| status.success())
}
