//! What the server is, how it is set up, and where its binlog stands.

use std::collections::HashMap;

use crate::connection::Connection;
use crate::error::Error;

/// The variables that reading the binlog depends on.
const VARIABLES: &[&str] = &[
    "binlog_expire_logs_seconds",
    "binlog_format",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_row_value_options",
    "gtid_mode",
    "log_bin",
    "log_replica_updates",
    "log_slave_updates",
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
    fn parse(text: &str) -> Self {
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
    address: String,
    version: Version,
    variables: HashMap<String, String>,
}

/// Where a server's binlog ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogStatus {
    pub file: String,
    pub position: u64,
    /// All transactions that the server has ever executed; empty without GTIDs.
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
        Ok(Self {
            address: connection.server().to_owned(),
            version,
            variables,
        })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// As in `9.7.4`.
    pub fn version(&self) -> &str {
        self.variable("version")
    }

    /// The server's UUID, which tells it apart from all others; empty before MySQL 5.6.
    pub fn uuid(&self) -> &str {
        self.variable("server_uuid")
    }

    /// Whether every transaction has a GTID.
    pub fn has_gtids(&self) -> bool {
        self.is("gtid_mode", "ON")
    }

    /// Whether the binlog itself says what a table's columns are.
    pub fn has_full_metadata(&self) -> bool {
        self.is("binlog_row_metadata", "FULL")
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.variable(name).eq_ignore_ascii_case(value)
    }

    /// Where the binlog ends now.
    pub async fn status(&self, connection: &mut Connection) -> Result<BinlogStatus, Error> {
        let sql = if self.version >= Version::new(8, 2, 0) {
            "SHOW BINARY LOG STATUS"
        } else {
            "SHOW MASTER STATUS"
        };
        let rows = connection.query(sql).await?;
        let answer = |missing| Error::Answer {
            server: self.address.clone(),
            sql: sql.to_owned(),
            missing,
        };
        let row = rows.rows.first().ok_or_else(|| answer("File"))?;
        let text = |name| rows.text(row, name).ok_or_else(|| answer(name));
        Ok(BinlogStatus {
            file: text("File")?.to_owned(),
            position: text("Position")?.parse().map_err(|_| answer("Position"))?,
            executed: without_spaces(rows.text(row, "Executed_Gtid_Set").unwrap_or_default()),
        })
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

    /// Refuses a server from which nothing can be read, naming everything that is wrong with it at once.
    pub async fn check(&self, connection: &mut Connection, server_id: u32) -> Result<(), Error> {
        let mut settings = self.wrong_settings(server_id);
        if settings.is_empty()
            && !self.is("log_replica_updates", "ON")
            && !self.is("log_slave_updates", "ON")
            && self.is_replica(connection).await?
        {
            settings.push(Problem::new(
                "log_replica_updates is OFF on a replica, whose binlog then lacks what it replicates",
                "log_replica_updates = ON (in my.cnf, then restart)",
            ));
        }
        let rights = self.missing_rights(connection).await?;
        if settings.is_empty() && rights.is_empty() {
            self.warn_of_short_retention();
            return Ok(());
        }
        let rights_only = settings.is_empty();
        settings.extend(rights);
        Err(Error::Settings {
            server: self.address.clone(),
            problems: join(settings.iter().map(|problem| &*problem.what), "; "),
            remedy: join(settings.iter().map(|problem| &*problem.remedy), "; "),
            rights_only,
        })
    }

    fn wrong_settings(&self, server_id: u32) -> Vec<Problem> {
        let version = self.variable("version");
        if version.to_ascii_lowercase().contains("mariadb") {
            return vec![Problem::new(
                format!("it is MariaDB ({version}), whose binlog cannot be read yet"),
                "connect to a MySQL server",
            )];
        }
        if self.version < Version::new(5, 6, 0) {
            return vec![Problem::new(
                format!("it is MySQL {version}, and 5.6 is the oldest that can be read"),
                "upgrade the server",
            )];
        }
        let mut problems = Vec::new();
        if !self.is("log_bin", "ON") {
            problems.push(Problem::new(
                "log_bin is OFF: there is no binlog",
                "log_bin = binlog (in my.cnf, then restart)",
            ));
        }
        if self.is("server_id", "0") {
            problems.push(Problem::new(
                "server_id is 0, with which a server sends no binlog",
                "SET PERSIST server_id = 1",
            ));
        }
        if self.variable("server_id").parse() == Ok(server_id) {
            problems.push(Problem::new(
                format!("server_id {server_id} is the server's own"),
                "give the collector another `server_id`",
            ));
        }
        if !self.is("binlog_format", "ROW") {
            problems.push(Problem::new(
                format!(
                    "binlog_format is {} and must be ROW",
                    self.variable("binlog_format")
                ),
                "SET PERSIST binlog_format = 'ROW'",
            ));
        }
        // Images without the documents before leave nothing that the differences could be applied to.
        let is_full = self.is("binlog_row_image", "FULL");
        if !self.variable("binlog_row_value_options").is_empty() && !is_full {
            problems.push(Problem::new(
                format!(
                    "binlog_row_value_options is {} and binlog_row_image is {}: together they leave out what JSON documents \
                     were before",
                    self.variable("binlog_row_value_options"),
                    self.variable("binlog_row_image")
                ),
                "SET PERSIST binlog_row_image = 'FULL'",
            ));
        }
        problems
    }

    async fn is_replica(&self, connection: &mut Connection) -> Result<bool, Error> {
        let sql = if self.version >= Version::new(8, 0, 22) {
            "SHOW REPLICA STATUS"
        } else {
            "SHOW SLAVE STATUS"
        };
        match connection.query(sql).await {
            Ok(rows) => Ok(!rows.rows.is_empty()),
            // The missing right is named with the others.
            Err(Error::Query { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn missing_rights(&self, connection: &mut Connection) -> Result<Vec<Problem>, Error> {
        let who = connection.query("SELECT CURRENT_USER()").await?;
        let who = who.rows.first().and_then(|row| row.text(0)).unwrap_or("");
        let grants = match connection.query("SHOW GRANTS").await {
            Ok(grants) => grants,
            // A server with --skip-grant-tables gives every right and has no list of them.
            Err(Error::Query { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let grants: Vec<&str> = grants.rows.iter().filter_map(|row| row.text(0)).collect();
        Ok(lacking(&grants)
            .into_iter()
            .map(|right| {
                Problem::new(
                    format!("user {who} lacks {right}"),
                    format!("GRANT {right} ON *.* TO {}", quoted(who)),
                )
            })
            .collect())
    }

    fn warn_of_short_retention(&self) {
        const DAY: u64 = 86_400;
        match self.variable("binlog_expire_logs_seconds").parse::<u64>() {
            Ok(seconds) if (1..DAY).contains(&seconds) => tracing::warn!(
                server = self.address,
                "the server keeps its binlog for {seconds} s only (binlog_expire_logs_seconds): a stop that lasts \
                 longer loses rows"
            ),
            _ => {}
        }
    }
}

/// Something that is wrong, and the statement that makes it right.
struct Problem {
    what: String,
    remedy: String,
}

impl Problem {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// The rights that none of the lines of `SHOW GRANTS` gives.
fn lacking(grants: &[&str]) -> Vec<&'static str> {
    let global: Vec<&str> = grants
        .iter()
        .filter_map(|line| {
            let (rights, _) = line.strip_prefix("GRANT ")?.split_once(" ON *.* TO ")?;
            Some(rights)
        })
        .flat_map(|rights| rights.split(", "))
        .collect();
    ["REPLICATION SLAVE", "REPLICATION CLIENT"]
        .into_iter()
        .filter(|right| !global.contains(right) && !global.contains(&"ALL PRIVILEGES"))
        .collect()
}

/// Writes `name@host` as SQL wants it.
fn quoted(account: &str) -> String {
    match account.rsplit_once('@') {
        Some((name, host)) => format!("'{name}'@'{host}'"),
        None => format!("'{account}'"),
    }
}

/// Removes the line breaks that servers put into sets of GTIDs.
pub fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

fn join<'a>(parts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(variables: &[(&str, &str)]) -> Server {
        let mut all: HashMap<String, String> = [
            ("version", "9.7.4"),
            ("log_bin", "ON"),
            ("server_id", "1"),
            ("binlog_format", "ROW"),
            ("binlog_row_image", "FULL"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        for (name, value) in variables {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        Server {
            address: "db:3306".to_owned(),
            version: Version::parse(&all["version"]),
            variables: all,
        }
    }

    fn problems(variables: &[(&str, &str)]) -> Vec<String> {
        let problems = server(variables).wrong_settings(4_000_000_000);
        problems.into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn versions_are_their_numbers() {
        assert_eq!(Version::parse("9.7.4-2"), Version::new(9, 7, 4));
        assert_eq!(Version::parse("8.0.36-28.1"), Version::new(8, 0, 36));
        assert_eq!(Version::parse("5.7"), Version::new(5, 7, 0));
        assert_eq!(Version::parse("nonsense"), Version::new(0, 0, 0));
        assert!(Version::new(8, 10, 0) > Version::new(8, 2, 0));
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        assert_eq!(problems(&[]), [""; 0]);
        assert_eq!(
            problems(&[
                ("log_bin", "OFF"),
                ("server_id", "0"),
                ("binlog_format", "MIXED"),
                ("binlog_row_image", "MINIMAL"),
                ("binlog_row_value_options", "PARTIAL_JSON"),
            ]),
            [
                "log_bin is OFF: there is no binlog",
                "server_id is 0, with which a server sends no binlog",
                "binlog_format is MIXED and must be ROW",
                "binlog_row_value_options is PARTIAL_JSON and binlog_row_image is MINIMAL: together they leave out what JSON \
                 documents were before",
            ]
        );
        assert_eq!(
            problems(&[("binlog_row_value_options", "PARTIAL_JSON")]),
            [""; 0]
        );
        assert_eq!(
            problems(&[("server_id", "4000000000")]),
            ["server_id 4000000000 is the server's own"]
        );
        assert_eq!(
            problems(&[("version", "11.8.6-MariaDB-log"), ("log_bin", "OFF")]),
            ["it is MariaDB (11.8.6-MariaDB-log), whose binlog cannot be read yet"]
        );
    }

    #[test]
    fn rights_are_those_on_everything() {
        assert_eq!(
            lacking(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`%`"]),
            [""; 0]
        );
        assert_eq!(
            lacking(&["GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `repl`@`%`"]),
            [""; 0]
        );
        assert_eq!(
            lacking(&[
                "GRANT REPLICATION SLAVE ON *.* TO `repl`@`%`",
                "GRANT ALL PRIVILEGES ON `shop`.* TO `repl`@`%`",
            ]),
            ["REPLICATION CLIENT"]
        );
        assert_eq!(quoted("repl@10.%"), "'repl'@'10.%'");
    }
}
