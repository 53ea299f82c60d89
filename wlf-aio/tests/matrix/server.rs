//! The servers of the matrix and their settings.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use mysql::prelude::Queryable;

use crate::program::given;
use crate::setting::{Image, Metadata, PREFIX, Setting, Writing};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    MySql,
    MariaDb,
}

/// A server of which nobody else has need while the matrix runs: its global settings change.
pub struct Server {
    pub flavour: Flavour,
    pub host: String,
    pub port: u16,
    /// `9.7.4-2`
    pub version: String,
    /// The server's own client program.
    pub client: String,
    url: String,
    /// The statements that put the global settings back.
    restore: Mutex<Vec<String>>,
    _turn: Turn,
}

/// Lets one test at a time have a server.
struct Turn(String);

static TAKEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static FREED: Condvar = Condvar::new();

impl Turn {
    fn wait_for(server: &str) -> Self {
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = FREED
            .wait_while(taken, |taken| taken.contains(server))
            .unwrap_or_else(PoisonError::into_inner);
        taken.insert(server.to_owned());
        Self(server.to_owned())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.0);
        FREED.notify_all();
    }
}

/// For quick turns: only the settings in whose databases' names this variable's text is. The figures show which ran.
const SETTINGS: &str = "WLF_TEST_SETTINGS";

/// Rows of 16 MiB travel as hexadecimal digits too.
const PACKET: u64 = 256 << 20;

impl Server {
    pub fn mysql() -> Self {
        Self::new(Flavour::MySql, "WLF_TEST_MYSQL")
    }

    pub fn mariadb_10_11() -> Self {
        Self::new(Flavour::MariaDb, "WLF_TEST_MARIADB_1011")
    }

    pub fn mariadb_11_8() -> Self {
        Self::new(Flavour::MariaDb, "WLF_TEST_MARIADB_118")
    }

    fn new(flavour: Flavour, variable: &str) -> Self {
        let url = given(variable);
        let options = mysql::Opts::from_url(&url).expect("an address");
        let mut server = Self {
            flavour,
            host: options.get_ip_or_hostname().into_owned(),
            port: options.get_tcp_port(),
            version: String::new(),
            client: given(&format!("{variable}_CLIENT")),
            url,
            restore: Mutex::default(),
            _turn: Turn::wait_for(variable),
        };
        let mut connection = server.connect();
        server.version = one(&mut connection, "SELECT VERSION()");
        server.set(&mut connection, "max_allowed_packet", &PACKET.to_string());
        server
    }

    /// `MySQL 9.7.4-2`
    pub fn title(&self) -> String {
        match self.flavour {
            Flavour::MySql => format!("MySQL {}", self.version),
            Flavour::MariaDb => format!("MariaDB {}", self.version),
        }
    }

    pub fn is_mariadb(&self) -> bool {
        self.flavour == Flavour::MariaDb
    }

    /// The version's first two numbers.
    pub fn release(&self) -> (u32, u32) {
        let [major, minor, _] = self.numbers();
        (major, minor)
    }

    fn numbers(&self) -> [u32; 3] {
        let mut numbers =
            (self.version.split(['.', '-'])).map(|number| number.parse().unwrap_or(0));
        std::array::from_fn(|_| numbers.next().unwrap_or(0))
    }

    /// Whether the image after an UPDATE has no generated columns, whatever binlog_row_image is: seen of MariaDB 11.8.9 and
    /// not of 11.8.6, as its own mariadb-binlog shows it too.
    pub fn leaves_generated_out(&self) -> bool {
        self.is_mariadb() && self.numbers() > [11, 8, 6]
    }

    /// A connection in which zero and partial dates are allowed and times are UTC.
    pub fn connect(&self) -> mysql::Conn {
        let options = mysql::Opts::from_url(&self.url).expect("an address");
        let options = mysql::OptsBuilder::from_opts(options).max_allowed_packet(Some(1 << 30));
        let mut connection = mysql::Conn::new(options)
            .unwrap_or_else(|error| panic!("{} does not answer: {error}", self.url));
        // MySQL rounds fractions up, beyond the last second of a type, where MariaDB cuts them off.
        let mode = match self.flavour {
            Flavour::MySql => "TIME_TRUNCATE_FRACTIONAL,ALLOW_INVALID_DATES",
            Flavour::MariaDb => "ALLOW_INVALID_DATES",
        };
        for statement in [
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00'",
            &format!("SET sql_mode = '{mode}'"),
        ] {
            execute(&mut connection, statement);
        }
        connection
    }

    /// A connection that writes as the setting says.
    pub fn writing(&self, setting: &Setting) -> mysql::Conn {
        let mut connection = self.connect();
        self.set(
            &mut connection,
            "binlog_row_metadata",
            match setting.metadata {
                Metadata::Full => "'FULL'",
                Metadata::Minimal => "'MINIMAL'",
                Metadata::NoLog => "'NO_LOG'",
            },
        );
        let image = match setting.image {
            Image::Full => "FULL",
            Image::NoBlob => "NOBLOB",
            Image::Minimal => "MINIMAL",
        };
        execute(
            &mut connection,
            &format!("SET binlog_row_image = '{image}'"),
        );
        match self.flavour {
            Flavour::MySql => {
                let compression = setting.writing == Writing::Compressed;
                let partial = setting.writing == Writing::PartialJson;
                execute(
                    &mut connection,
                    &format!(
                        "SET binlog_transaction_compression = {compression}, binlog_row_value_options = '{}'",
                        if partial { "PARTIAL_JSON" } else { "" }
                    ),
                );
            }
            Flavour::MariaDb => {
                let compressed = setting.writing == Writing::Compressed;
                self.set(&mut connection, "log_bin_compress", &compressed.to_string());
                self.set(&mut connection, "log_bin_compress_min_len", "10");
            }
        }
        connection
    }

    /// Sets a global variable until the matrix ends.
    fn set(&self, connection: &mut mysql::Conn, variable: &str, value: &str) {
        let before = one(connection, &format!("SELECT QUOTE(@@GLOBAL.{variable})"));
        let digits = before.trim_matches('\'');
        let before = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.to_owned()
        } else {
            before
        };
        let restore = format!("SET GLOBAL {variable} = {before}");
        let mut restores = self.restore.lock().expect("the settings");
        let head = format!("SET GLOBAL {variable} =");
        if !restores.iter().any(|restore| restore.starts_with(&head)) {
            restores.push(restore);
        }
        execute(connection, &format!("{head} {value}"));
    }

    /// The file and the offset at which the binlog ends.
    pub fn end(&self) -> (String, u64) {
        let statement = match self.flavour {
            Flavour::MySql => "SHOW BINARY LOG STATUS",
            Flavour::MariaDb => "SHOW MASTER STATUS",
        };
        let row: Option<mysql::Row> = self.connect().query_first(statement).expect("an answer");
        let mut row = row.expect("log_bin is on");
        (
            row.take(0).expect("a file"),
            row.take(1).expect("an offset"),
        )
    }

    /// Removes what an earlier matrix has left.
    pub fn clear(&self) {
        let mut connection = self.connect();
        let databases: Vec<String> = connection.query("SHOW DATABASES").expect("databases");
        for database in databases.iter().filter(|name| name.starts_with(PREFIX)) {
            execute(&mut connection, &format!("DROP DATABASE {database}"));
        }
    }

    pub fn settings(&self) -> Vec<Setting> {
        let (metadata, writings): (&[Metadata], &[Writing]) = match self.flavour {
            Flavour::MySql => (
                &[Metadata::Full, Metadata::Minimal],
                &[Writing::Plain, Writing::Compressed, Writing::PartialJson],
            ),
            Flavour::MariaDb => (
                &[Metadata::Full, Metadata::Minimal, Metadata::NoLog],
                &[Writing::Plain, Writing::Compressed],
            ),
        };
        let mut settings = Vec::new();
        // Metadata changes least: it is a global setting.
        for metadata in metadata {
            for writing in writings {
                for image in [Image::Full, Image::NoBlob, Image::Minimal] {
                    settings.push(Setting {
                        image,
                        metadata: *metadata,
                        writing: *writing,
                    });
                }
            }
        }
        if let Ok(part) = std::env::var(SETTINGS) {
            settings.retain(|setting| setting.database().contains(&part));
        }
        settings
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut connection = self.connect();
        for statement in self.restore.lock().expect("the settings").iter() {
            if let Err(error) = connection.query_drop(statement) {
                println!("{error}: {statement}");
            }
        }
    }
}

/// Runs a statement.
#[track_caller]
pub fn execute(connection: &mut mysql::Conn, statement: &str) {
    if let Err(error) = connection.query_drop(statement) {
        let shown: String = statement.chars().take(2000).collect();
        panic!("{error}: {shown}");
    }
}

/// The one value that a statement gives.
#[track_caller]
pub fn one(connection: &mut mysql::Conn, statement: &str) -> String {
    let value: Option<String> =
        (connection.query_first(statement)).unwrap_or_else(|error| panic!("{error}: {statement}"));
    value.unwrap_or_else(|| panic!("no value: {statement}"))
}
