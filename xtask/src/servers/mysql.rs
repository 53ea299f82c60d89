//! A MySQL server from packages, with the binary log as wlf wants it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{probe, process::Process};
use crate::packages::{MYSQL, Prefix};
use crate::{apt, layout};

/// The password of `root`, which the seed configuration uses too.
pub const PASSWORD: &str = "password";

/// What the servers of tests and demonstrations are started with.
pub const SETTINGS: &[&str] = &[
    "--log-bin=binlog",
    "--server-id=1",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--binlog-row-metadata=FULL",
];

/// A MySQL installation with a data directory.
pub struct Mysql {
    prefix: Prefix,
    home: PathBuf,
    /// All names are in lower case, which is decided when the data directory is made.
    lowers_names: bool,
}

impl Mysql {
    /// Takes the server from packages; its files go below `home`.
    pub fn new(home: &Path) -> Result<Mysql> {
        let prefix = MYSQL.provide()?;
        Ok(Mysql {
            prefix,
            home: home.to_path_buf(),
            lowers_names: false,
        })
    }

    /// The same with `lower_case_table_names=1`.
    pub fn lowering_names(self) -> Mysql {
        Mysql {
            lowers_names: true,
            ..self
        }
    }

    /// Returns the server's version, `9.7.4-2`.
    pub fn version(&self) -> Result<String> {
        self.prefix.version(MYSQL.version.0)
    }

    /// Returns the data directory, where the binary log is too.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Starts the server on 127.0.0.1, with a fresh data directory if there is none, and waits until it answers.
    pub fn start(&self, port: u16, settings: &[&str]) -> Result<Process> {
        if !self.data().join("mysql.ibd").exists() {
            self.initialize()?;
        }
        let log = self.home.join("mysqld.log");
        let mut command = self.mysqld(&self.data())?;
        command
            .args([
                "--bind-address=127.0.0.1",
                "--mysqlx=OFF",
                "--secure-file-priv=",
                "--pid-file=mysqld.pid",
            ])
            // Relative to the data directory: a socket's path may have 107 bytes only.
            .arg("--socket=mysql.sock")
            // A test server has nothing to lose in a power cut.
            .args(["--sync-binlog=0", "--innodb-flush-log-at-trx-commit=2"])
            .arg(format!("--port={port}"))
            .args(settings);
        let process = Process::start(&mut command, &log)?;
        let address = format!("127.0.0.1:{port}");
        process.wait_until(|| probe::mysql(&address), Duration::from_secs(120), &log)?;
        Ok(process)
    }

    /// Makes a command of the `mysql` client, logged in as root.
    pub fn client(&self, port: u16) -> Result<Command> {
        let mut command = self.prefix.command("usr/bin/mysql")?;
        command
            .args([
                "--no-defaults",
                "--host=127.0.0.1",
                "--user=root",
                "--default-character-set=utf8mb4",
            ])
            .arg(format!("--port={port}"))
            .arg(format!("--character-sets-dir={}", self.share("charsets")))
            .env("MYSQL_PWD", PASSWORD);
        Ok(command)
    }

    /// Makes a fresh data directory, in which `root` has the password.
    pub fn initialize(&self) -> Result<()> {
        eprintln!("mysql: initializing a data directory");
        let partial = self.home.join("data.partial");
        layout::remove(&partial)?;
        layout::remove(&self.data())?;
        fs::create_dir_all(&self.home)?;
        let accounts = self.home.join("accounts.sql");
        fs::write(
            &accounts,
            format!(
                "ALTER USER root@localhost IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}';\n\
                 CREATE USER root@'%' IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}';\n\
                 GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;\n"
            ),
        )?;
        let mut command = self.mysqld(&partial)?;
        command
            .arg("--initialize-insecure")
            .arg(format!("--init-file={}", accounts.display()));
        apt::output(&mut command).context("initializing MySQL's data directory")?;
        fs::rename(&partial, self.data()).context("naming MySQL's data directory")
    }

    fn mysqld(&self, data: &Path) -> Result<Command> {
        let mut command = self.prefix.command("usr/sbin/mysqld")?;
        command
            .arg("--no-defaults")
            .arg(format!(
                "--basedir={}",
                self.prefix.root.join("usr").display()
            ))
            .arg(format!("--lc-messages-dir={}", self.share("")))
            .arg(format!("--character-sets-dir={}", self.share("charsets")))
            .arg(format!(
                "--plugin-dir={}",
                self.prefix.root.join("usr/lib/mysql/plugin").display()
            ))
            .arg(format!("--datadir={}", data.display()));
        if self.lowers_names {
            command.arg("--lower-case-table-names=1");
        }
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.arg("--user=root");
        }
        Ok(command)
    }

    fn share(&self, name: &str) -> String {
        self.prefix
            .root
            .join("usr/share/mysql")
            .join(name)
            .display()
            .to_string()
    }
}
