//! The servers by name: their variables, ports and addresses.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::mariadb::{self, Mariadb};
use super::mysql::{self, Mysql};
use super::process::Process;
use super::{kafka, nats, probe, redis, tls};

/// Names one of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Mysql,
    #[serde(rename = "mariadb-10.11")]
    Mariadb1011,
    #[serde(rename = "mariadb-11.8")]
    Mariadb118,
    /// Servers that write all names of tables in lower case (`lower_case_table_names=1`).
    MysqlLower,
    MariadbLower,
    Kafka,
    Redis,
    Nats,
    NatsTls,
    NatsMutual,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Mysql,
        Kind::Mariadb1011,
        Kind::Mariadb118,
        Kind::MysqlLower,
        Kind::MariadbLower,
        Kind::Kafka,
        Kind::Redis,
        Kind::Nats,
        Kind::NatsTls,
        Kind::NatsMutual,
    ];

    /// Returns those of the names, or all.
    pub fn of(names: &[String]) -> Result<Vec<Kind>> {
        let of = |name: &String| {
            let known = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            known.with_context(|| format!("no server is called `{name}`"))
        };
        match names.is_empty() {
            true => Ok(Kind::ALL.to_vec()),
            false => names.iter().map(of).collect(),
        }
    }

    /// Tells whether the server is not one of `docker-compose.yaml`, or has ports for tests that the one there has not.
    pub fn is_from_packages(self) -> bool {
        match self {
            Kind::MysqlLower
            | Kind::MariadbLower
            | Kind::Kafka
            | Kind::Redis
            | Kind::NatsTls
            | Kind::NatsMutual => true,
            Kind::Mysql | Kind::Mariadb1011 | Kind::Mariadb118 | Kind::Nats => false,
        }
    }

    /// Returns the service's name in `docker-compose.yaml`, and its directory's below `target/servers`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mysql => "mysql",
            Kind::Mariadb1011 => mariadb::V10_11.name(),
            Kind::Mariadb118 => mariadb::V11_8.name(),
            Kind::MysqlLower => "mysql-lower",
            Kind::MariadbLower => "mariadb-lower",
            Kind::Kafka => "kafka",
            Kind::Redis => "redis",
            Kind::Nats => "nats",
            Kind::NatsTls => "nats-tls",
            Kind::NatsMutual => "nats-mutual",
        }
    }

    /// Returns the variable that holds the server's address, for us and for the tests.
    pub fn variable(self) -> &'static str {
        match self {
            Kind::Mysql => "WLF_TEST_MYSQL",
            Kind::Mariadb1011 => "WLF_TEST_MARIADB_1011",
            Kind::Mariadb118 => "WLF_TEST_MARIADB_118",
            Kind::MysqlLower => "WLF_TEST_MYSQL_LOWER",
            Kind::MariadbLower => "WLF_TEST_MARIADB_LOWER",
            Kind::Kafka => "WLF_TEST_KAFKA",
            Kind::Redis => "WLF_TEST_REDIS",
            Kind::Nats => "WLF_TEST_NATS",
            Kind::NatsTls => "WLF_TEST_NATS_TLS",
            Kind::NatsMutual => "WLF_TEST_NATS_MUTUAL",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Kind::Mysql => 3306,
            Kind::Mariadb1011 => 3310,
            Kind::Mariadb118 => 3311,
            Kind::MysqlLower => 3312,
            Kind::MariadbLower => 3313,
            Kind::Kafka => 9092,
            Kind::Redis => 6379,
            Kind::Nats => 4222,
            Kind::NatsTls => 4223,
            Kind::NatsMutual => 4224,
        }
    }

    /// Writes an address as the tests want it.
    pub fn address(self, port: u16) -> String {
        match self {
            Kind::Mysql
            | Kind::Mariadb1011
            | Kind::Mariadb118
            | Kind::MysqlLower
            | Kind::MariadbLower => {
                format!("mysql://root:{}@127.0.0.1:{port}", mysql::PASSWORD)
            }
            Kind::Kafka | Kind::Nats | Kind::NatsTls | Kind::NatsMutual => {
                format!("127.0.0.1:{port}")
            }
            Kind::Redis => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// Tells whether the server at `address` answers in its protocol.
    pub fn answers(self, address: &str) -> bool {
        let host = host_and_port(address, self.default_port());
        match self {
            Kind::Mysql
            | Kind::Mariadb1011
            | Kind::Mariadb118
            | Kind::MysqlLower
            | Kind::MariadbLower => probe::mysql(&host),
            Kind::Kafka => probe::kafka(&host),
            Kind::Redis => probe::redis(&host),
            Kind::Nats | Kind::NatsTls | Kind::NatsMutual => probe::nats(&host),
        }
    }

    /// Returns the server's usual port if nothing listens there, else any free one.
    pub fn free_port(self) -> Result<u16> {
        match TcpListener::bind(("127.0.0.1", self.default_port())) {
            Ok(_) => Ok(self.default_port()),
            Err(_) => free_port(),
        }
    }

    /// Starts the server from packages and waits until it answers.
    pub fn start(self, home: &Path, port: u16) -> Result<Process> {
        match self {
            Kind::Mysql => {
                let tls = tls::settings(home)?;
                let settings = mysql::SETTINGS.iter().copied();
                let settings: Vec<_> = settings.chain(tls.iter().map(String::as_str)).collect();
                Mysql::new(home)?.start(port, &settings)
            }
            Kind::Mariadb1011 => start_mariadb(&mariadb::V10_11, home, port, &[]),
            Kind::Mariadb118 => start_mariadb(&mariadb::V11_8, home, port, &[]),
            Kind::MysqlLower => {
                // Little memory: it has few small tables.
                let settings = [mysql::SETTINGS, &["--innodb-buffer-pool-size=32M"]].concat();
                Mysql::new(home)?.lowering_names().start(port, &settings)
            }
            Kind::MariadbLower => {
                let settings = ["--lower-case-table-names=1"];
                start_mariadb(&mariadb::V11_8, home, port, &settings)
            }
            Kind::Kafka => kafka::start(home, port),
            Kind::Redis => redis::start(home, port),
            Kind::Nats => nats::start(home, port, nats::Security::None),
            Kind::NatsTls => nats::start(home, port, nats::Security::Offered),
            Kind::NatsMutual => nats::start(home, port, nats::Security::Mutual),
        }
    }
}

fn start_mariadb(
    version: &'static mariadb::Version,
    home: &Path,
    port: u16,
    settings: &[&str],
) -> Result<Process> {
    let tls = tls::settings(home)?;
    let tls = tls.iter().map(String::as_str);
    let settings: Vec<_> = tls.chain(settings.iter().copied()).collect();
    Mariadb::new(version, home)?.start(port, &settings)
}

/// Returns a port on which nothing listens.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// Takes `host:port` out of an address that may be a URL.
fn host_and_port(address: &str, default_port: u16) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if host
        .rsplit_once(':')
        .is_some_and(|(_, port)| is_number(port))
    {
        host.to_owned()
    } else {
        format!("{host}:{default_port}")
    }
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn an_address_gives_its_host_and_port() {
        for (address, expected) in [
            ("mysql://root:p@ss@db:3307", "db:3307"),
            ("mysql://db/shop?x=1", "db:3306"),
            ("127.0.0.1:9092", "127.0.0.1:9092"),
            ("redis://127.0.0.1", "127.0.0.1:3306"),
            ("[::1]:6379", "[::1]:6379"),
        ] {
            assert_eq!(host_and_port(address, 3306), expected);
        }
    }
}
