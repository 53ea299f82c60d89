//! What the server is, how it is set up, and where its binlog stands.

use std::collections::HashMap;

use crate::binlog::Flavor;
use crate::connection::Connection;
use crate::error::Error;
use crate::positions::Executed;

/// The variables that reading the binlog depends on.
const VARIABLES: &[&str] = &[
    "binlog_expire_logs_seconds",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_row_value_options",
    "binlog_storage_engine",
    "gtid_binlog_pos",
    "gtid_mode",
    "log_bin",
    "log_replica_updates",
    "log_slave_updates",
    "lower_case_table_names",
    "server_id",
    "server_uuid",
    "version",
];

/// A server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
    pub patch: u16,
}

impl Version {
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads the numbers in front, as in `8.0.36-28.1`; what is missing is 0.
    pub(super) fn parse(text: &str) -> Self {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            part.get(..digits)
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0)
        });
        let mut next = || numbers.next().unwrap_or(0);
        Self::new(next(), next(), next())
    }
}

/// A server as it says it is.
#[derive(Debug, Clone)]
pub struct Server {
    /// As in `127.0.0.1:3306`.
    pub(super) address: String,
    pub(super) flavor: Flavor,
    pub(super) version: Version,
    /// Tells it apart from all others.
    pub(super) identity: String,
    pub(super) variables: HashMap<String, String>,
}

/// Where a server's binlog ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogStatus {
    pub file: String,
    pub position: u64,
    /// All transactions that the server has ever executed, or the last of each domain of MariaDB; empty without GTIDs.
    pub executed: String,
}

/// A binlog file that the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogFile {
    pub name: String,
    /// In bytes.
    pub size: u64,
}

impl Server {
    /// Asks the server for its version and settings.
    pub async fn inspect(connection: &mut Connection) -> Result<Self, Error> {
        let sql = format!(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('{}')",
            VARIABLES.join("', '")
        );
        let rows = connection.query(&sql).await?;
        let variables: HashMap<String, String> = rows
            .rows
            .iter()
            .filter_map(|row| Some((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
            .collect();
        let version = variables
            .get("version")
            .ok_or_else(|| Error::Answer {
                server: connection.server().to_owned(),
                sql,
                missing: "version",
            })
            .map(|text| Version::parse(text))?;
        // A server can be told to show another version than it has.
        let is_mariadb =
            connection.handshake().is_mariadb() || variables.contains_key("gtid_binlog_pos");
        let flavor = if is_mariadb {
            Flavor::Mariadb
        } else {
            Flavor::Mysql
        };
        let variable = |name| variables.get(name).map_or("", String::as_str);
        let identity = match flavor {
            Flavor::Mysql => variable("server_uuid").to_owned(),
            // It has no UUID: servers that replicate from each other differ in their ids, which are in their GTIDs.
            Flavor::Mariadb => format!("mariadb-{}", variable("server_id")),
        };
        Ok(Self {
            address: connection.server().to_owned(),
            flavor,
            version,
            identity,
            variables,
        })
    }

    pub fn flavor(&self) -> Flavor {
        self.flavor
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// As in `9.7.4`.
    pub fn version(&self) -> &str {
        self.variable("version")
    }

    /// What it is and how it is set up, for a person.
    pub fn described(&self) -> String {
        let name = match self.flavor {
            Flavor::Mysql => "MySQL",
            Flavor::Mariadb => "MariaDB",
        };
        let mut said = format!("{name} {} at {}", self.version(), self.address);
        for variable in [
            "server_id",
            "binlog_format",
            "binlog_row_image",
            "binlog_row_metadata",
            "gtid_mode",
        ] {
            let value = self.variable(variable);
            if !value.is_empty() {
                said.push_str(&format!(", {variable} {value}"));
            }
        }
        said
    }

    /// What tells the server apart from all others: its UUID, or of MariaDB its id.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether every transaction has a GTID.
    pub fn has_gtids(&self) -> bool {
        self.flavor == Flavor::Mariadb || self.is("gtid_mode", "ON")
    }

    /// Whether a place in the binlog can be named by a file and an offset. Of MariaDB's binlog inside of InnoDB, since
    /// 12.3, only GTIDs can be named.
    pub fn has_files(&self) -> bool {
        self.variable("binlog_storage_engine").is_empty()
    }

    /// Reads what a server of this kind says was executed.
    pub fn executed(&self, text: &str) -> Result<Executed, Error> {
        let executed = match self.flavor {
            Flavor::Mysql => text.parse().map(Executed::Mysql),
            Flavor::Mariadb => text.parse().map(Executed::Mariadb),
        };
        executed.map_err(|source| Error::GtidSet {
            server: self.address.clone(),
            source,
        })
    }

    /// Whether the binlog itself says what a table's columns are.
    pub fn has_full_metadata(&self) -> bool {
        self.is("binlog_row_metadata", "FULL")
    }

    /// 0: names differ in case; 1: they are written in lower case; 2: they are only compared so.
    pub fn lower_case_table_names(&self) -> u8 {
        self.variable("lower_case_table_names").parse().unwrap_or(0)
    }

    pub(super) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.variable(name).eq_ignore_ascii_case(value)
    }

    /// Where the binlog ends now.
    pub async fn status(&self, connection: &mut Connection) -> Result<BinlogStatus, Error> {
        let sql = match self.flavor {
            Flavor::Mysql if self.version >= Version::new(8, 2, 0) => "SHOW BINARY LOG STATUS",
            Flavor::Mysql | Flavor::Mariadb => "SHOW MASTER STATUS",
        };
        let before = self.binlog_pos(connection).await?;
        let rows = connection.query(sql).await?;
        let answer = |missing| Error::Answer {
            server: self.address.clone(),
            sql: sql.to_owned(),
            missing,
        };
        let row = rows.rows.first().ok_or_else(|| answer("File"))?;
        let text = |name| rows.text(row, name).ok_or_else(|| answer(name));
        let mut status = BinlogStatus {
            file: text("File")?.to_owned(),
            position: text("Position")?.parse().map_err(|_| answer("Position"))?,
            executed: without_spaces(rows.text(row, "Executed_Gtid_Set").unwrap_or_default()),
        };
        if let Some(before) = before {
            let after = self.binlog_pos(connection).await?;
            status.executed = if after.as_ref() == Some(&before) {
                before
            } else {
                let sql = binlog_gtid_pos(&status.file, status.position);
                let exact = connection.query(&sql).await?;
                let exact = exact.rows.first().and_then(|row| row.text(0));
                exact.ok_or_else(|| answer("Position"))?.to_owned()
            };
        }
        Ok(status)
    }

    /// The last transaction of each of MariaDB's domains in the binlog; `None` of MySQL.
    async fn binlog_pos(&self, connection: &mut Connection) -> Result<Option<String>, Error> {
        if self.flavor == Flavor::Mysql {
            return Ok(None);
        }
        let rows = connection.query("SELECT @@GLOBAL.gtid_binlog_pos").await?;
        let row = rows.rows.first();
        Ok(row.and_then(|row| row.text(0)).map(str::to_owned))
    }

    /// The binlog files that the server has, oldest first.
    pub async fn binlogs(&self, connection: &mut Connection) -> Result<Vec<BinlogFile>, Error> {
        let sql = "SHOW BINARY LOGS";
        let rows = connection.query(sql).await?;
        let files: Vec<BinlogFile> = rows
            .rows
            .iter()
            .filter_map(|row| {
                Some(BinlogFile {
                    name: row.text(0)?.to_owned(),
                    size: row.text(1)?.parse().ok()?,
                })
            })
            .collect();
        if files.is_empty() {
            return Err(Error::Answer {
                server: self.address.clone(),
                sql: sql.to_owned(),
                missing: "Log_name",
            });
        }
        Ok(files)
    }
}

/// The statement that asks MariaDB what was executed before a place of its binlog; NULL if there is no such place.
pub fn binlog_gtid_pos(file: &str, position: u64) -> String {
    let file: String = file.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("SELECT BINLOG_GTID_POS(X'{file}', {position})")
}

/// Removes the line breaks that servers put into sets of GTIDs.
pub fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_their_numbers() {
        assert_eq!(Version::parse("9.7.4-2"), Version::new(9, 7, 4));
        assert_eq!(Version::parse("8.0.36-28.1"), Version::new(8, 0, 36));
        assert_eq!(Version::parse("5.7"), Version::new(5, 7, 0));
        assert_eq!(Version::parse("nonsense"), Version::new(0, 0, 0));
        assert!(Version::new(8, 10, 0) > Version::new(8, 2, 0));
    }
}
