//! A MariaDB server from packages, with the binary log as wlf wants it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::mysql::PASSWORD;
use super::probe;
use super::process::{Process, last_lines};
use crate::layout;
use crate::packages::{Bundle, MARIADB_118, MARIADB_1011, Prefix};

/// A release that is followed for years, as a Debian suite has it.
pub struct Version {
    bundle: &'static Bundle,
    /// The directory below `usr/share` that holds messages, character sets and the scripts of the system tables.
    share: &'static str,
    /// How the names of those scripts begin.
    scripts: &'static str,
    server_id: u32,
}

pub const V10_11: Version = Version {
    bundle: &MARIADB_1011,
    share: "mysql",
    scripts: "mysql",
    server_id: 1011,
};
pub const V11_8: Version = Version {
    bundle: &MARIADB_118,
    share: "mariadb",
    scripts: "mariadb",
    server_id: 118,
};

impl Version {
    /// Returns the server's name, `mariadb-10.11`.
    pub fn name(&self) -> &'static str {
        self.bundle.name
    }

    /// Returns what the servers of tests are started with.
    pub fn settings(&self) -> Vec<String> {
        let mut settings = [
            "--log-bin=binlog",
            "--binlog-format=ROW",
            "--binlog-row-metadata=FULL",
            // As MySQL has it; 10.11 would take latin1.
            "--character-set-server=utf8mb4",
        ]
        .map(str::to_owned)
        .to_vec();
        settings.push(format!("--server-id={}", self.server_id));
        settings
    }
}

/// What a server is started with to encrypt its binlog.
pub const ENCRYPTION: &[&str] = &[
    "--plugin-load-add=file_key_management",
    "--file-key-management-filename=keys.txt",
    "--encrypt-binlog=ON",
];

/// A MariaDB installation with a data directory.
pub struct Mariadb {
    version: &'static Version,
    prefix: Prefix,
    home: PathBuf,
}

impl Mariadb {
    /// Takes the server from packages; its files go below `home`.
    pub fn new(version: &'static Version, home: &Path) -> Result<Mariadb> {
        Ok(Mariadb {
            version,
            prefix: version.bundle.provide()?,
            home: home.to_path_buf(),
        })
    }

    /// Returns the server's version, `1:10.11.18-0+deb12u1`.
    pub fn version(&self) -> Result<String> {
        self.prefix.version(self.version.bundle.version.0)
    }

    /// Makes a command of the `mariadb` client, logged in as root.
    pub fn client(&self, port: u16) -> Result<Command> {
        let mut command = self.prefix.command("usr/bin/mariadb")?;
        command
            .args([
                "--no-defaults",
                "--host=127.0.0.1",
                "--user=root",
                "--skip-ssl",
                "--default-character-set=utf8mb4",
            ])
            .arg(format!("--port={port}"))
            .env("MYSQL_PWD", PASSWORD);
        Ok(command)
    }

    /// Returns the data directory, where the binary log is too.
    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Writes a key for [`ENCRYPTION`], below the data directory.
    pub fn write_key(&self) -> Result<()> {
        let key = "770a8a65da156d24ee2a093277530142770a8a65da156d24ee2a093277530142";
        Ok(fs::write(
            self.data().join("keys.txt"),
            format!("1;{key}\n"),
        )?)
    }

    /// Starts the server on 127.0.0.1, with a fresh data directory if there is none, and waits until it answers.
    ///
    /// `settings` stand behind those of [`Version::settings`], so they win.
    pub fn start(&self, port: u16, settings: &[&str]) -> Result<Process> {
        if !self.data().exists() {
            self.initialize()?;
        }
        let log = self.home.join("mariadbd.log");
        let mut command = self.mariadbd(&self.data())?;
        command
            .args([
                "--bind-address=127.0.0.1",
                "--secure-file-priv=",
                "--pid-file=mariadbd.pid",
            ])
            // Relative to the data directory: a socket's path may have 107 bytes only.
            .arg("--socket=mariadb.sock")
            // A test server has nothing to lose in a power cut.
            .args(["--sync-binlog=0", "--innodb-flush-log-at-trx-commit=2"])
            .arg("--innodb-buffer-pool-size=32M")
            .arg(format!("--port={port}"))
            .args(self.version.settings())
            .args(settings);
        let process = Process::start(&mut command, &log)?;
        let address = format!("127.0.0.1:{port}");
        process.wait_until(|| probe::mysql(&address), Duration::from_secs(120), &log)?;
        Ok(process)
    }

    /// Makes a fresh data directory, in which `root` has the password (mysql_native_password).
    pub fn initialize(&self) -> Result<()> {
        let name = self.version.name();
        eprintln!("{name}: initializing a data directory");
        let partial = self.home.join("data.partial");
        layout::remove(&partial)?;
        layout::remove(&self.data())?;
        fs::create_dir_all(&partial)?;
        let statements = self.home.join("bootstrap.sql");
        fs::write(&statements, self.bootstrap()?)?;
        let log = self.home.join("bootstrap.log");
        let output = File::create(&log)?;
        let status = self
            .mariadbd(&partial)?
            .args(["--bootstrap", "--skip-log-bin"])
            .stdin(Stdio::from(File::open(&statements)?))
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()?;
        ensure!(
            status.success(),
            "{name} --bootstrap ended with {status}; the end of {}:\n{}",
            log.display(),
            last_lines(&log, 20)
        );
        fs::rename(&partial, self.data()).context("naming MariaDB's data directory")
    }

    /// Writes the statements that make the system tables and the accounts, as mariadb-install-db does.
    ///
    /// `--bootstrap` takes a statement to end where a line ends with a semicolon, so each has a line of its own.
    fn bootstrap(&self) -> Result<String> {
        let mut statements = "CREATE DATABASE mysql;\nUSE mysql;\n\
             SET @auth_root_socket = NULL;\nSET @skip_auth_anonymous = 1;\n"
            .to_owned();
        let scripts = [
            "system_tables",
            "performance_tables",
            "system_tables_data",
            "sys_schema",
        ];
        for script in scripts {
            let path = self.share(&format!("{}_{script}.sql", self.version.scripts));
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            statements += &text;
            statements += "\nUSE mysql;\n";
        }
        statements += "DELETE FROM global_priv WHERE User = 'root';\nFLUSH PRIVILEGES;\n";
        for host in ["localhost", "%"] {
            statements += &format!(
                "CREATE USER root@'{host}' IDENTIFIED VIA mysql_native_password USING PASSWORD('{PASSWORD}');\n\
                 GRANT ALL ON *.* TO root@'{host}' WITH GRANT OPTION;\n"
            );
        }
        Ok(statements)
    }

    fn mariadbd(&self, data: &Path) -> Result<Command> {
        // Its own: a server that starts removes all temporary tables that it finds there (mysql_rm_tmp_tables), also
        // those that another server has open.
        let temporary = self.home.join("tmp");
        fs::create_dir_all(&temporary)?;
        let mut command = self.prefix.command("usr/sbin/mariadbd")?;
        let path = |option: &str, path: &Path| format!("--{option}={}", path.to_string_lossy());
        let root = &self.prefix.root;
        command
            .arg("--no-defaults")
            .arg(path("basedir", &root.join("usr")))
            .arg(path("lc-messages-dir", &self.share("")))
            .arg(path("character-sets-dir", &self.share("charsets")))
            .arg(path("plugin-dir", &root.join("usr/lib/mysql/plugin")))
            .arg(path("datadir", data))
            .arg(path("tmpdir", &temporary));
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.arg("--user=root");
        }
        Ok(command)
    }

    fn share(&self, name: &str) -> PathBuf {
        let share = self.prefix.root.join("usr/share");
        share.join(self.version.share).join(name)
    }
}
