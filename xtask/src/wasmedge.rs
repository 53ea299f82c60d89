//! WasmEdge: the launchers of both supported versions, ahead-of-time compilation, and runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::packages::{Bundle, WASMEDGE_014, WASMEDGE_017};
use crate::{apt, layout};

/// A WasmEdge that can be started.
#[derive(Debug)]
pub struct WasmEdge {
    pub program: PathBuf,
    /// As it says itself, `0.14.1`.
    pub version: String,
}

impl WasmEdge {
    /// Returns the machine's own, or 0.14 from packages when there is none on PATH.
    pub fn find() -> Result<WasmEdge> {
        WasmEdge::at(Path::new("wasmedge")).or_else(|_| WasmEdge::v0_14())
    }

    /// Returns 0.14 from packages.
    pub fn v0_14() -> Result<WasmEdge> {
        WasmEdge::packaged(&WASMEDGE_014)
    }

    /// Returns 0.17 from packages.
    pub fn v0_17() -> Result<WasmEdge> {
        WasmEdge::packaged(&WASMEDGE_017)
    }

    fn packaged(bundle: &Bundle) -> Result<WasmEdge> {
        WasmEdge::at(&bundle.provide()?.root.join("wasmedge"))
    }

    fn at(program: &Path) -> Result<WasmEdge> {
        let said = apt::output(Command::new(program).arg("--version"))?;
        let version = version_in(&said)
            .with_context(|| format!("{} --version printed {said:?}", program.display()))?;
        Ok(WasmEdge {
            program: program.to_path_buf(),
            version: version.to_owned(),
        })
    }

    /// Compiles a module ahead of time and returns the shared object.
    ///
    /// The result is kept under the hash of the module and the version: compiling takes half a minute, and a version
    /// refuses what another compiled.
    pub fn compile(&self, module: &Path) -> Result<PathBuf> {
        let bytes = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
        let name = module
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let hash = hex(&Sha256::digest(&bytes));
        let dir =
            layout::target()
                .join("aot")
                .join(format!("{name}-{}-{}", self.version, &hash[..16]));
        let object = format!("{name}.so");
        layout::built(&dir, &hash, |partial| {
            eprintln!(
                "compiling {} with WasmEdge {} (takes some two minutes)",
                module.display(),
                self.version
            );
            let mut command = Command::new(&self.program);
            command
                .arg("compile")
                .arg(module)
                .arg(partial.join(&object));
            apt::output(&mut command).with_context(|| format!("compiling {}", module.display()))?;
            Ok(())
        })?;
        Ok(dir.join(object))
    }

    /// Makes a command that runs a compiled module; the guest's directories, variables and arguments are still to add.
    pub fn run(&self) -> Command {
        let mut command = Command::new(&self.program);
        if self.needs_run_mode() {
            command.arg("--run-mode=aot");
        }
        command
    }

    /// Tells whether the default is the interpreter even for what was compiled, as it is after 0.14.
    pub fn needs_run_mode(&self) -> bool {
        !self.version.starts_with("0.14.")
    }
}

/// Finds the version in `wasmedge version 0.14.1`; lines about plugins follow it.
fn version_in(said: &str) -> Option<&str> {
    said.split_once(" version ")?.1.split_whitespace().next()
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_is_wasmedges_own_and_not_a_plugins() {
        let said = "/usr/bin/wasmedge version 0.14.1\n (plugin \"wasi_logging\") version 0.1.0.0\n";
        assert_eq!(version_in(said), Some("0.14.1"));
        assert_eq!(version_in("wasmedge version 0.17.1"), Some("0.17.1"));
        assert_eq!(version_in("command not found"), None);
    }
}
