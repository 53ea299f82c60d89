//! What runs the program: the processor itself, or a version of WasmEdge.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::figures::grouped;
use crate::wasmedge::WasmEdge;
use crate::{layout, module};

/// Something that runs the program.
pub struct Engine {
    /// `native`, `0.14`, `0.17` or `against`.
    pub name: &'static str,
    pub about: String,
    /// Bytes of the module and of its compiled form.
    pub sizes: Option<(u64, u64)>,
    program: PathBuf,
    wasmedge: Option<WasmEdge>,
}

impl Engine {
    /// Builds the program for every engine that is wanted.
    pub fn all(wanted: impl Fn(&str) -> bool) -> Result<Vec<Engine>> {
        let mut engines = Vec::new();
        if wanted("native") {
            engines.push(Self::native()?);
        }
        for (name, provide) in [
            ("0.14", WasmEdge::v0_14 as fn() -> Result<WasmEdge>),
            ("0.17", WasmEdge::v0_17),
        ] {
            if wanted(name) {
                engines.push(Self::wasm(name, provide()?)?);
            }
        }
        ensure!(
            !engines.is_empty(),
            "there are the engines native, 0.14 and 0.17"
        );
        Ok(engines)
    }

    fn native() -> Result<Engine> {
        let shell = module::shell()?;
        let package = module::PROGRAM;
        cmd!(shell, "cargo build --release --package {package}")
            .quiet()
            .run()?;
        let program = layout::target().join("release").join(package);
        Ok(Engine {
            name: "native",
            about: "native: built for this machine's architecture".to_owned(),
            sizes: None,
            program,
            wasmedge: None,
        })
    }

    fn wasm(name: &'static str, wasmedge: WasmEdge) -> Result<Engine> {
        let module = module::build(module::PROGRAM)?;
        let program = wasmedge.compile(&module)?;
        let sizes = (fs::metadata(&module)?.len(), fs::metadata(&program)?.len());
        let about = format!(
            "{name}: WasmEdge {}; module {} bytes, compiled ahead of time {} bytes",
            wasmedge.version,
            grouped(sizes.0),
            grouped(sizes.1),
        );
        Ok(Engine {
            name,
            about,
            sizes: Some(sizes),
            program,
            wasmedge: Some(wasmedge),
        })
    }

    /// Another compiled form, beside that of this source.
    pub fn against(program: &Path) -> Result<Engine> {
        let program = program
            .canonicalize()
            .with_context(|| format!("there is no {}", program.display()))?;
        Ok(Engine {
            name: "against",
            about: format!("against: {}", program.display()),
            sizes: None,
            program,
            wasmedge: Some(WasmEdge::v0_14()?),
        })
    }

    /// Makes a command that runs the program with a configuration; it sees `home` and `data` under their own names.
    pub fn command(&self, home: &Path, data: &Path, configuration: &str) -> Result<Command> {
        let file = home.join("case.yaml");
        fs::write(&file, configuration)?;
        let mut command = match &self.wasmedge {
            None => Command::new(&self.program),
            Some(wasmedge) => {
                let mut command = wasmedge.run();
                for dir in [home, data] {
                    let dir = dir.display();
                    command.arg("--dir").arg(format!("{dir}:{dir}"));
                }
                command.arg(&self.program);
                command
            }
        };
        command.arg("--config").arg(&file);
        Ok(command)
    }

    /// Milliseconds from the start of the process to the first byte of its first row.
    pub fn first_row(&self, home: &Path, data: &Path) -> Result<f64> {
        let text = format!(
            "collectors: [{{id: c, type: BinlogFileCollector, paths: ['{}/binlog.000001'], destination: d}}]\n\
             dispatchers: [{{id: d, type: StdoutDispatcher}}]\n",
            data.display()
        );
        let mut command = self.command(home, data, &text)?;
        let begin = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut byte = [0];
        let stdout = child.stdout.as_mut().context("a pipe")?;
        stdout.read_exact(&mut byte).context("no row came")?;
        let took = begin.elapsed();
        child.wait_with_output()?;
        Ok(took.as_secs_f64() * 1000.0)
    }
}
