//! Small binlog files for what is measured without a server: one MySQL writes them all, and only when one is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::figures::{Moved, grouped};
use super::recording;
use super::scripts::{self, PREPARE};
use crate::servers::process::Process;
use crate::servers::{free_port, mysql};
use crate::wasmedge::hex;
use crate::{apt, layout};

/// What writes a recording.
pub struct Script {
    /// The file's name; two scripts never share one.
    pub name: String,
    /// What is there before it: tables.
    pub before: String,
    pub sql: String,
    /// Rows that the binlog then has.
    pub rows: u64,
}

impl Script {
    /// One of the scripts that the cases use, with its own number of rows.
    pub fn known(name: &str, rows: u64) -> Result<Script> {
        let (sql, count) =
            scripts::script(name, rows).with_context(|| format!("no recording `{name}`"))?;
        Ok(Script {
            name: format!("{name}-{rows}"),
            before: String::new(),
            sql,
            rows: count,
        })
    }
}

/// How long may be waited for somebody who reads the binlog.
const PATIENCE: Duration = Duration::from_secs(30);

/// A recorded file.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub file: PathBuf,
    pub moved: Moved,
}

impl Recorded {
    /// The same file so many times, under names of their own: hard links, so that a small recording lasts longer.
    pub fn repeated(&self, times: usize) -> Result<Vec<PathBuf>> {
        let mut files = vec![self.file.clone()];
        for n in 2..=times {
            let link = self.file.with_extension(format!("{n:06}"));
            if !link.exists() {
                fs::hard_link(&self.file, &link)
                    .with_context(|| format!("linking {}", link.display()))?;
            }
            files.push(link);
        }
        Ok(files)
    }
}

/// What is kept beside a file.
#[derive(Serialize, Deserialize, PartialEq)]
struct Manifest {
    /// The hash of the script: with another one the file is of no use.
    script: String,
    rows: u64,
}

/// Writes the files that are missing.
pub struct Recorder {
    home: PathBuf,
    running: Option<(mysql::Mysql, Process, u16)>,
}

impl Recorder {
    /// Files go below `home`.
    pub fn new(home: &Path) -> Self {
        Self {
            home: home.to_path_buf(),
            running: None,
        }
    }

    /// The directory of all files.
    pub fn files(&self) -> PathBuf {
        self.home.join("files")
    }

    /// The port of its server, which is started if it does not run.
    pub fn port(&mut self) -> Result<u16> {
        self.server().map(|(.., port)| *port)
    }

    /// Takes the recording, or makes it.
    pub fn provide(&mut self, script: &Script) -> Result<Recorded> {
        let dir = self.files().join(&script.name);
        let hash = Sha256::digest(format!("{}{}", script.before, script.sql));
        let wanted = Manifest {
            script: hex(&hash),
            rows: script.rows,
        };
        let manifest = dir.join("recording.json");
        let file = dir.join("binlog.000001");
        let known = fs::read(&manifest).ok();
        let known = known.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
        if known != Some(wanted) || !file.is_file() {
            layout::remove(&dir)?;
            fs::create_dir_all(&dir)?;
            self.record(script, &file)
                .with_context(|| format!("recording {}", script.name))?;
            let made = Manifest {
                script: hex(&hash),
                rows: script.rows,
            };
            fs::write(&manifest, serde_json::to_vec_pretty(&made)?)?;
        }
        let moved = Moved {
            rows: script.rows,
            bytes: fs::metadata(&file)?.len(),
        };
        Ok(Recorded { file, moved })
    }

    /// Begins a binlog in which nothing is yet, behind what is there before it.
    pub fn begin(&mut self, before: &str) -> Result<()> {
        let before = format!(
            "SET SESSION sql_log_bin = 0;\nDROP DATABASE IF EXISTS bench;\n{PREPARE}{before}"
        );
        self.end_followers()?;
        self.run(&before)?;
        self.run("RESET BINARY LOGS AND GTIDS")
    }

    /// Begins a second binlog: whoever reads a replayed first one up to the server's end reads all of it.
    pub fn begin_second(&mut self) -> Result<()> {
        self.begin("")?;
        self.run("FLUSH BINARY LOGS")
    }

    /// The binlog that was begun.
    pub fn written(&mut self) -> Result<PathBuf> {
        let (server, ..) = self.server()?;
        Ok(server.data().join("binlog.000001"))
    }

    /// Where that binlog ends.
    pub fn end(&mut self) -> Result<(String, u64)> {
        recording::end(self.client()?)
    }

    /// A client of its server.
    pub fn client(&mut self) -> Result<Command> {
        let (server, _, port) = self.server()?;
        server.client(*port)
    }

    /// Waits until somebody reads the binlog.
    pub fn until_followed(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.followers()?.is_empty() {
            ensure!(begin.elapsed() < PATIENCE, "nobody reads the binlog");
        }
        Ok(())
    }

    /// The connections that read the binlog; a server notices late that one is gone.
    fn followers(&mut self) -> Result<Vec<String>> {
        const QUESTION: &str =
            "SELECT id FROM performance_schema.processlist WHERE command LIKE 'Binlog Dump%'";
        let mut command = self.client()?;
        command.args(["--batch", "--skip-column-names", "--execute", QUESTION]);
        let ids = apt::output(&mut command)?;
        Ok(ids.split_whitespace().map(str::to_owned).collect())
    }

    fn end_followers(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            let followers = self.followers()?;
            if followers.is_empty() {
                return Ok(());
            }
            ensure!(begin.elapsed() < PATIENCE, "a reader does not go");
            for id in followers {
                // It may have gone meanwhile.
                let _ = self.run(&format!("KILL {id}"));
            }
        }
    }

    fn record(&mut self, script: &Script, file: &Path) -> Result<()> {
        eprintln!("{}: writing {} rows", script.name, grouped(script.rows));
        self.begin(&script.before)?;
        self.run(&script.sql)?;
        self.run("FLUSH BINARY LOGS")?;
        let written = self.written()?;
        fs::copy(&written, file).with_context(|| format!("copying {}", written.display()))?;
        self.run("SET SESSION sql_log_bin = 0; DROP DATABASE bench; RESET BINARY LOGS AND GTIDS")
    }

    fn run(&mut self, sql: &str) -> Result<()> {
        let script = self.home.join("recorder.sql");
        fs::write(&script, sql)?;
        let (server, _, port) = self.server()?;
        let mut command = server.client(*port)?;
        command.stdin(fs::File::open(&script)?);
        let said = apt::output(&mut command)?;
        ensure!(
            said.is_empty() || !said.contains("ERROR"),
            "MySQL said: {said}"
        );
        Ok(())
    }

    fn server(&mut self) -> Result<&(mysql::Mysql, Process, u16)> {
        let running = match self.running.take() {
            Some(running) => running,
            None => {
                let server = mysql::Mysql::new(&self.home.join("recorder"))?;
                let port = free_port()?;
                // One file, however large.
                let settings = [mysql::SETTINGS, &["--max-binlog-size=1G"]].concat();
                let process = server.start(port, &settings)?;
                (server, process, port)
            }
        };
        Ok(self.running.insert(running))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some((_, process, _)) = &self.running {
            // What it wrote was copied; the next start mends what is left.
            let _ = process.stop(std::time::Duration::from_secs(60));
        }
    }
}
