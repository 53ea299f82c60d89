//! Whether a server is set up to be read, and whether the user may read it.

use super::server::{Server, Version};
use crate::binlog::Flavor;
use crate::connection::Connection;
use crate::error::Error;

impl Server {
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
        let (name, oldest) = match self.flavor {
            Flavor::Mysql => ("MySQL", Version::new(5, 6, 0)),
            Flavor::Mariadb => ("MariaDB", Version::new(10, 2, 0)),
        };
        if self.version < oldest {
            return vec![Problem::new(
                format!(
                    "it is {name} {}, and {}.{} is the oldest that can be read",
                    self.variable("version"),
                    oldest.major,
                    oldest.minor
                ),
                "upgrade the server",
            )];
        }
        let mut problems = Vec::new();
        // MariaDB forgets what is set by SQL when it is restarted.
        let (set, kept) = match self.flavor {
            Flavor::Mysql => ("SET PERSIST", ""),
            Flavor::Mariadb => ("SET GLOBAL", ", and in my.cnf"),
        };
        if !self.is("log_bin", "ON") {
            problems.push(Problem::new(
                "log_bin is OFF: there is no binlog",
                "log_bin = binlog (in my.cnf, then restart)",
            ));
        }
        if self.is("server_id", "0") {
            problems.push(Problem::new(
                "server_id is 0, with which a server sends no binlog",
                format!("{set} server_id = 1{kept}"),
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
                format!("{set} binlog_format = 'ROW'{kept}"),
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
                format!("{set} binlog_row_image = 'FULL'{kept}"),
            ));
        }
        problems
    }

    async fn is_replica(&self, connection: &mut Connection) -> Result<bool, Error> {
        let sql = match self.flavor {
            Flavor::Mysql if self.version >= Version::new(8, 0, 22) => "SHOW REPLICA STATUS",
            Flavor::Mysql => "SHOW SLAVE STATUS",
            Flavor::Mariadb => "SHOW ALL SLAVES STATUS",
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
        let lacks = |right: &str, why: &str| {
            Problem::new(
                format!("user {who} lacks {right}{why}"),
                format!("GRANT {right} ON *.* TO {}", quoted(who)),
            )
        };
        let lacking = lacking(&grants).into_iter();
        let mut problems: Vec<Problem> = lacking.map(|right| lacks(right, "")).collect();
        if !self.has_full_metadata() && !sees_tables(&grants) {
            problems.push(lacks(
                "SELECT",
                ", without which the server shows it no table's columns, and with binlog_row_metadata=MINIMAL the binlog does \
                 not have them",
            ));
        }
        Ok(problems)
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

/// The rights that none of the lines of `SHOW GRANTS` gives. MariaDB shows REPLICATION CLIENT under a name of its own,
/// since 10.5.
fn lacking(grants: &[&str]) -> Vec<&'static str> {
    let global: Vec<&str> = grants
        .iter()
        .filter_map(|line| {
            let (rights, _) = line.strip_prefix("GRANT ")?.split_once(" ON *.* TO ")?;
            Some(rights)
        })
        .flat_map(|rights| rights.split(", "))
        .collect();
    let has = |right: &&str| {
        global.contains(right)
            || global.contains(&"ALL PRIVILEGES")
            || *right == "REPLICATION CLIENT" && global.contains(&"BINLOG MONITOR")
    };
    ["REPLICATION SLAVE", "REPLICATION CLIENT"]
        .into_iter()
        .filter(|right| !has(right))
        .collect()
}

/// Whether one of the lines of `SHOW GRANTS` may give a right to some table, without which `information_schema` does not
/// show it.
fn sees_tables(grants: &[&str]) -> bool {
    const OF_TABLES: [&str; 8] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "ALTER",
        "CREATE",
        "DROP",
        "ALL PRIVILEGES",
    ];
    grants.iter().any(|line| {
        let Some(rights) = line.strip_prefix("GRANT ") else {
            return false;
        };
        match rights.split_once(" ON *.* TO ") {
            Some((rights, _)) => rights.split(", ").any(|right| OF_TABLES.contains(&right)),
            // Of a database or a table, or a role.
            None => !rights.starts_with("PROXY "),
        }
    })
}

/// Writes `name@host` as SQL wants it.
fn quoted(account: &str) -> String {
    match account.rsplit_once('@') {
        Some((name, host)) => format!("'{name}'@'{host}'"),
        None => format!("'{account}'"),
    }
}

fn join<'a>(parts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

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
        let flavor = if all["version"].contains("MariaDB") {
            Flavor::Mariadb
        } else {
            Flavor::Mysql
        };
        Server {
            address: "db:3306".to_owned(),
            flavor,
            version: Version::parse(&all["version"]),
            identity: String::new(),
            variables: all,
        }
    }

    fn problems(variables: &[(&str, &str)]) -> Vec<String> {
        let problems = server(variables).wrong_settings(4_000_000_000);
        problems.into_iter().map(|problem| problem.what).collect()
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
    }

    #[test]
    fn mariadb_is_asked_for_the_same_in_its_own_words() {
        let mariadb = |name, value| server(&[("version", "11.8.6-MariaDB-log"), (name, value)]);
        assert!(mariadb("log_bin", "ON").wrong_settings(7).is_empty());
        let problems = mariadb("binlog_format", "MIXED").wrong_settings(7);
        assert_eq!(problems[0].what, "binlog_format is MIXED and must be ROW");
        assert_eq!(
            problems[0].remedy,
            "SET GLOBAL binlog_format = 'ROW', and in my.cnf"
        );
        let old = mariadb("version", "10.1.48-MariaDB").wrong_settings(7);
        assert_eq!(
            old[0].what,
            "it is MariaDB 10.1.48-MariaDB, and 10.2 is the oldest that can be read"
        );
    }

    #[test]
    fn tables_are_shown_to_who_has_a_right_to_some() {
        for grants in [
            &[
                "GRANT USAGE ON *.* TO `r`@`%`",
                "GRANT SELECT ON `shop`.* TO `r`@`%`",
            ][..],
            &["GRANT SELECT, REPLICATION SLAVE ON *.* TO `r`@`%`"],
            &["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"],
            &[
                "GRANT REPLICATION SLAVE ON *.* TO `r`@`%`",
                "GRANT `reader`@`%` TO `r`@`%`",
            ],
            &["GRANT SELECT (`id`) ON `shop`.`t` TO `r`@`%`"],
        ] {
            assert!(sees_tables(grants), "{grants:?}");
        }
        for grants in [
            &["GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `r`@`%`"][..],
            &[
                "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `r`@`%` IDENTIFIED BY 'x'",
                "GRANT PROXY ON ''@'%' TO 'r'@'%'",
            ],
            &["GRANT USAGE ON *.* TO `r`@`%`"],
        ] {
            assert!(!sees_tables(grants), "{grants:?}");
        }
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
        // MariaDB 10.11.18
        assert_eq!(
            lacking(&[
                "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `repl`@`%` IDENTIFIED BY"
            ]),
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
