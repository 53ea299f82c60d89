//! The binlogs that are measured with: written once by a MySQL of the harness's own, and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::figures::{Moved, grouped};
use super::scripts::{PREPARE, script};
use crate::apt;
use crate::servers::process::Process;
use crate::servers::{free_port, mysql};

/// A binlog file of its own, in the data directory of a MySQL of its own.
pub struct Recording {
    server: mysql::Mysql,
    /// Runs while a case needs it.
    running: Option<(Process, u16)>,
    pub file: PathBuf,
    pub rows: u64,
}

/// What is kept beside the data.
#[derive(Serialize, Deserialize)]
struct Manifest {
    file: String,
    rows: u64,
}

impl Recording {
    /// Takes the recording from `home`, or makes it; `rows` is the size of the whole run.
    pub fn provide(home: &Path, name: &str, rows: u64) -> Result<Recording> {
        let home = home.join(format!("{name}-{rows}"));
        let mut recording = Recording {
            server: mysql::Mysql::new(&home)?,
            running: None,
            file: PathBuf::new(),
            rows: 0,
        };
        let manifest = home.join("recording.json");
        let known: Manifest = match fs::read(&manifest) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(_) => {
                let made = recording.make(name, rows)?;
                fs::write(&manifest, serde_json::to_vec_pretty(&made)?)?;
                made
            }
        };
        recording.file = recording.server.data().join(known.file);
        recording.rows = known.rows;
        Ok(recording)
    }

    pub fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The directory that the binlog is in.
    pub fn data(&self) -> PathBuf {
        self.server.data()
    }

    pub fn moved(&self) -> Result<Moved> {
        Ok(Moved {
            rows: self.rows,
            bytes: fs::metadata(&self.file)?.len(),
        })
    }

    /// The port of the server that has the recording, which is started if it does not run.
    pub fn port(&mut self) -> Result<u16> {
        if let Some((_, port)) = &self.running {
            return Ok(*port);
        }
        let port = free_port()?;
        let keep = ["--binlog-expire-logs-seconds=0"];
        let process = self
            .server
            .start(port, &[mysql::SETTINGS, &keep].concat())?;
        self.running = Some((process, port));
        Ok(port)
    }

    /// The server's process, if it runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|(process, _)| process.pid)
    }

    /// The file and position that the server's binlog ends at.
    pub fn end(&mut self) -> Result<(String, u64)> {
        let port = self.port()?;
        end(self.server.client(port)?)
    }

    fn make(&mut self, name: &str, rows: u64) -> Result<Manifest> {
        let (sql, rows) = script(name, rows).with_context(|| format!("no recording `{name}`"))?;
        eprintln!("{name}: writing {} rows", grouped(rows));
        self.run(PREPARE)?;
        self.run("FLUSH BINARY LOGS")?;
        let (file, _) = self.end()?;
        self.run(&sql)?;
        self.run("FLUSH BINARY LOGS")?;
        Ok(Manifest { file, rows })
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        let script = self.server.data().with_file_name("script.sql");
        let port = self.port()?;
        fs::write(&script, sql)?;
        let mut command = self.server.client(port)?;
        command.stdin(fs::File::open(&script)?);
        apt::output(&mut command).map(drop)
    }
}

/// The file and position that a server's binlog ends at, by a client of it.
pub fn end(mut client: Command) -> Result<(String, u64)> {
    client.args([
        "--batch",
        "--skip-column-names",
        "--execute",
        "SHOW BINARY LOG STATUS",
    ]);
    let status = apt::output(&mut client)?;
    let mut fields = status.split_whitespace();
    let file = fields.next().context("the server names no binlog")?;
    let position = fields.next().context("the server gives no position")?;
    Ok((file.to_owned(), position.parse()?))
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some((process, _)) = &self.running {
            // It keeps its data, so it ends in an orderly way; one that does not is mended by the next start.
            let _ = process.stop(std::time::Duration::from_secs(60));
        }
    }
}
