//! Rebuilds the recorded binlogs: a fresh server, a script of ours, and the files that the server wrote.

mod expected;
mod source;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::layout;
use crate::servers::free_port;
use crate::servers::mariadb::{self, V10_11, V11_8};
use crate::wasmedge::hex;
use source::{Server, Source};

/// A binlog in the repository and how it came to be.
struct Recording {
    name: &'static str,
    source: Source,
    /// The script, below `xtask/record`, without `.sql`.
    script: &'static str,
    /// What it is good for, for its README.
    about: &'static str,
    /// The directory it goes into, below the workspace.
    into: &'static str,
    /// What the server is started with besides the settings of its source.
    settings: &'static [&'static str],
    ending: Ending,
}

/// How the server ends, which shows in the last file.
#[derive(PartialEq)]
enum Ending {
    /// It shuts down and writes a STOP event.
    Shutdown,
    /// It is killed: the last file has no end, and its header says that it is in use.
    Kill,
}

const GTID: &[&str] = &[
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--binlog-row-metadata=FULL",
];

/// What recordings of MariaDB have in common.
const FULL: &[&str] = &["--binlog-row-metadata=FULL"];

/// A line of a script after which the server is restarted.
const RESTART: &str = "-- RESTART\n";

const FIXTURES: &str = "components/wlf-mysql/tests/fixtures";

const RECORDINGS: &[Recording] = &[
    Recording {
        name: "shop",
        source: Source::Mysql,
        script: "shop",
        about: "The binlog of a small shop, which `cargo xtask demo` reads.",
        into: "configs/quickstart",
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "types",
        source: Source::Mysql,
        script: "types",
        about: "Every column type, with the values at the edges; full row images and full metadata.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "minimal-image",
        source: Source::Mysql,
        script: "minimal-image",
        about: "Row images of `binlog_row_image` MINIMAL and NOBLOB.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "minimal-metadata",
        source: Source::Mysql,
        script: "minimal-metadata",
        about: "`binlog_row_metadata=MINIMAL`, the server's default: no column names.",
        into: FIXTURES,
        settings: &[
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--binlog-row-metadata=MINIMAL",
        ],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "no-checksum",
        source: Source::Mysql,
        script: "no-checksum",
        about: "`binlog_checksum=NONE`: events end without a CRC32.",
        into: FIXTURES,
        settings: &[
            "--gtid-mode=ON",
            "--enforce-gtid-consistency=ON",
            "--binlog-row-metadata=FULL",
            "--binlog-checksum=NONE",
        ],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "no-gtid",
        source: Source::Mysql,
        script: "no-gtid",
        about: "`gtid_mode=OFF`: transactions are anonymous. Statement-based events are here too.",
        into: FIXTURES,
        settings: &[
            "--gtid-mode=OFF",
            "--enforce-gtid-consistency=OFF",
            "--binlog-row-metadata=FULL",
        ],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "large-transaction",
        source: Source::Mysql,
        script: "large-transaction",
        about: "One transaction of many rows events, between two small ones.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "control",
        source: Source::Mysql,
        script: "control",
        about: "What is not a row: DDL, non-transactional tables, rollbacks, savepoints, XA, tagged GTIDs.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "compressed",
        source: Source::Mysql,
        script: "compressed",
        about: "`binlog_transaction_compression=ON`: TRANSACTION_PAYLOAD events (zstd).",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "partial-json",
        source: Source::Mysql,
        script: "partial-json",
        about: "`binlog_row_value_options=PARTIAL_JSON`: PARTIAL_UPDATE_ROWS events.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "partial-json-minimal",
        source: Source::Mysql,
        script: "partial-json-minimal",
        about: "PARTIAL_UPDATE_ROWS with `binlog_row_image=MINIMAL`: differences to documents that are not in the binlog.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "many-columns",
        source: Source::Mysql,
        script: "many-columns",
        about: "Tables of 9, 300 and 1000 columns, in FULL, MINIMAL and NOBLOB images.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "rotation",
        source: Source::Mysql,
        script: "rotation",
        about: "Consecutive files: rotated by command, and by a restart.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "crashed",
        source: Source::Mysql,
        script: "crashed",
        about: "A server that was killed: the file has no STOP event and is marked as in use.",
        into: FIXTURES,
        settings: GTID,
        ending: Ending::Kill,
    },
    Recording {
        name: "mariadb-11.8-encrypted",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-encrypted",
        about: "`encrypt_binlog=ON`: nothing behind START_ENCRYPTION can be read without the server's key.",
        into: FIXTURES,
        settings: mariadb::ENCRYPTION,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-10.11-types",
        source: Source::Mariadb(&V10_11),
        script: "mariadb-types",
        about: "Every column type of MariaDB, with the values at the edges; temporal columns of the old format too; full metadata.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-10.11-compressed",
        source: Source::Mariadb(&V10_11),
        script: "mariadb-compressed",
        about: "`log_bin_compress=ON`: compressed QUERY and rows events.",
        into: FIXTURES,
        settings: &[
            "--binlog-row-metadata=FULL",
            "--log-bin-compress=ON",
            "--log-bin-compress-min-len=10",
        ],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-10.11-minimal-image",
        source: Source::Mariadb(&V10_11),
        script: "mariadb-minimal-image",
        about: "Row images of `binlog_row_image` MINIMAL and NOBLOB.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-10.11-no-metadata",
        source: Source::Mariadb(&V10_11),
        script: "mariadb-no-metadata",
        about: "`binlog_row_metadata=NO_LOG`, MariaDB's default, and MINIMAL: no column names.",
        into: FIXTURES,
        settings: &["--binlog-row-metadata=NO_LOG"],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-10.11-control",
        source: Source::Mariadb(&V10_11),
        script: "mariadb-control",
        about: "What is not a row: DDL, two-phase ALTER, non-transactional tables, savepoints, XA, several domains and servers, \
                and a restart.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-11.8-types",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-types",
        about: "Every column type of MariaDB, with the values at the edges; temporal columns of the old format too; full metadata.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-11.8-compressed",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-compressed",
        about: "`log_bin_compress=ON`: compressed QUERY and rows events.",
        into: FIXTURES,
        settings: &[
            "--binlog-row-metadata=FULL",
            "--log-bin-compress=ON",
            "--log-bin-compress-min-len=10",
        ],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-11.8-minimal-image",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-minimal-image",
        about: "Row images of `binlog_row_image` MINIMAL and NOBLOB.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-11.8-no-metadata",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-no-metadata",
        about: "`binlog_row_metadata=NO_LOG`, MariaDB's default, and MINIMAL: no column names.",
        into: FIXTURES,
        settings: &["--binlog-row-metadata=NO_LOG"],
        ending: Ending::Shutdown,
    },
    Recording {
        name: "mariadb-11.8-control",
        source: Source::Mariadb(&V11_8),
        script: "mariadb-control",
        about: "What is not a row: DDL, two-phase ALTER, non-transactional tables, savepoints, XA, several domains and servers, \
                and a restart.",
        into: FIXTURES,
        settings: FULL,
        ending: Ending::Shutdown,
    },
];

/// Makes one recording anew, or all of them.
pub fn record(name: Option<&str>) -> Result<()> {
    let chosen: Vec<_> = RECORDINGS
        .iter()
        .filter(|recording| name.is_none_or(|name| name == recording.name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = RECORDINGS.iter().map(|recording| recording.name).collect();
        bail!(
            "there is no recording `{}`, only {}",
            name.unwrap_or_default(),
            names.join(", ")
        );
    }
    for recording in chosen {
        let dir = recording
            .make()
            .with_context(|| format!("recording {}", recording.name))?;
        println!("{dir}");
    }
    Ok(())
}

impl Recording {
    /// Returns the directory that it goes into, below the workspace.
    fn directory(&self) -> String {
        match self.into {
            FIXTURES => format!("{FIXTURES}/{}", self.name),
            other => other.to_owned(),
        }
    }

    /// Runs the script on a fresh server and takes over what it wrote; returns the directory.
    fn make(&self) -> Result<String> {
        let home = layout::target().join("record").join(self.name);
        layout::remove(&home)?;
        let server = self.source.provide(&home)?;
        let version = server.version()?;
        eprintln!("{}: recording from {version}", self.name);
        let settings = [&self.source.settings(), self.settings].concat();
        let script = format!("xtask/record/{}.sql", self.script);
        let text = fs::read_to_string(layout::workspace().join(&script))
            .with_context(|| format!("reading {script}"))?;
        let tables = run(&server, &settings, &text, &self.ending)?;

        let into = self.directory();
        let dir = layout::workspace().join(&into);
        layout::remove(&dir)?;
        fs::create_dir_all(&dir)?;
        let mut readme = format!(
            "# {}\n\n{}\n\n\
             Recorded from {version} (Debian) by `cargo xtask record {}`, which runs `{script}` on a fresh server.\n\
             Settings: `{}`.\n\n| file | bytes | sha256 |\n| --- | --- | --- |\n",
            self.name,
            self.about,
            self.name,
            settings.join(" "),
        );
        for (name, bytes) in binlogs(&server.data())? {
            let digest = hex(&Sha256::digest(&bytes));
            readme += &format!("| {name} | {} | {digest} |\n", bytes.len());
            fs::write(dir.join(name), bytes)?;
        }
        fs::write(dir.join("README.md"), readme)?;
        if self.into == FIXTURES {
            fs::create_dir_all(dir.join("expected"))?;
            for table in tables {
                fs::write(
                    dir.join("expected").join(table.file_name()),
                    table.to_json(),
                )?;
            }
        }
        layout::remove(&home)?;
        Ok(into)
    }
}

/// Runs the script's parts, with a restart between them, and returns what all tables hold at the end.
fn run(
    server: &Server,
    settings: &[&str],
    script: &str,
    ending: &Ending,
) -> Result<Vec<expected::Table>> {
    let mut tables = Vec::new();
    let mut parts = script.split(RESTART).peekable();
    while let Some(part) = parts.next() {
        let port = free_port()?;
        let process = server.start(port, settings)?;
        let outcome =
            feed(server.client(port)?, part).and_then(|()| expected::tables(server, port));
        if *ending == Ending::Kill && parts.peek().is_none() {
            process.kill()?;
        } else {
            process.stop(Duration::from_secs(60))?;
        }
        tables = outcome?;
    }
    Ok(tables)
}

/// Gives a script to the server's client.
fn feed(mut client: Command, script: &str) -> Result<()> {
    let mut child = client
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("the client has no stdin")?;
    // The client stops reading at the first error, which its stderr tells better than our broken pipe.
    let written = std::io::Write::write_all(&mut stdin, script.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    written.context("writing to the client")
}

/// Reads the binlog files of a data directory, in their order.
fn binlogs(data: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name
            .strip_prefix("binlog.")
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        {
            files.push((name, fs::read(entry.path())?));
        }
    }
    ensure!(!files.is_empty(), "the server wrote no binlog");
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the directory of each recording.
    fn directories() -> Vec<(&'static str, std::path::PathBuf)> {
        let workspace = layout::workspace();
        RECORDINGS
            .iter()
            .map(|recording| (recording.name, workspace.join(recording.directory())))
            .collect()
    }

    #[test]
    fn every_recording_is_there_as_its_readme_says() {
        for (name, dir) in directories() {
            let readme = fs::read_to_string(dir.join("README.md")).unwrap();
            for (file, bytes) in binlogs(&dir).unwrap() {
                let row = format!(
                    "| {file} | {} | {} |\n",
                    bytes.len(),
                    hex(&Sha256::digest(&bytes))
                );
                assert!(
                    readme.contains(&row),
                    "{name}/{file} is not what was recorded"
                );
                assert!(
                    bytes.len() < 300_000,
                    "{name}/{file} is too large for the repository"
                );
            }
        }
    }

    #[test]
    fn every_fixture_and_every_script_belongs_to_a_recording() {
        let named = |path: &Path, name: fn(&Recording) -> &str| {
            let last = path.file_name().unwrap().to_string_lossy().into_owned();
            let plain = last.trim_end_matches(".sql");
            assert!(
                RECORDINGS.iter().any(|recording| name(recording) == plain),
                "{} is left over",
                path.display()
            );
        };
        for entry in fs::read_dir(layout::workspace().join("xtask/record")).unwrap() {
            named(&entry.unwrap().path(), |recording| recording.script);
        }
        for entry in fs::read_dir(layout::workspace().join(FIXTURES)).unwrap() {
            let path = entry.unwrap().path();
            if path.join("binlog.000001").exists() {
                named(&path, |recording| recording.name);
            }
        }
    }
}
