//! The servers whose binlogs are recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::servers::mariadb::{self, Mariadb};
use crate::servers::mysql::Mysql;
use crate::servers::process::Process;

/// Which server a recording is from.
#[derive(Clone, Copy)]
pub enum Source {
    Mysql,
    Mariadb(&'static mariadb::Version),
}

/// A server's installation with a fresh data directory.
pub enum Server {
    Mysql(Mysql),
    Mariadb(Mariadb),
}

/// The identity of every recording's MySQL, so that its GTIDs stay the same.
const SERVER_UUID: &str = "5ec0d3d0-0000-11f1-8000-0242ac110002";

/// Every recording's server is started with these.
const SETTINGS: &[&str] = &[
    "--log-bin=binlog",
    "--server-id=1",
    "--default-time-zone=+00:00",
];

/// What MariaDB's are started with besides.
const MARIADB: &[&str] = &["--binlog-format=ROW", "--character-set-server=utf8mb4"];

impl Source {
    /// Returns what every recording's server is started with.
    pub fn settings(self) -> Vec<&'static str> {
        match self {
            Source::Mysql => SETTINGS.to_vec(),
            Source::Mariadb(_) => [SETTINGS, MARIADB].concat(),
        }
    }

    /// Takes the server from packages and makes its data directory below `home`.
    pub fn provide(self, home: &Path) -> Result<Server> {
        match self {
            Source::Mysql => {
                let server = Mysql::new(home)?;
                server.initialize()?;
                fs::write(
                    server.data().join("auto.cnf"),
                    format!("[auto]\nserver-uuid={SERVER_UUID}\n"),
                )?;
                Ok(Server::Mysql(server))
            }
            Source::Mariadb(version) => {
                let server = Mariadb::new(version, home)?;
                server.initialize()?;
                server.write_key()?;
                Ok(Server::Mariadb(server))
            }
        }
    }
}

impl Server {
    /// Returns the server's name and version, `MySQL 9.7.4-2`.
    pub fn version(&self) -> Result<String> {
        Ok(match self {
            Server::Mysql(server) => format!("MySQL {}", server.version()?),
            Server::Mariadb(server) => format!("MariaDB {}", server.version()?),
        })
    }

    pub fn data(&self) -> PathBuf {
        match self {
            Server::Mysql(server) => server.data(),
            Server::Mariadb(server) => server.data(),
        }
    }

    pub fn start(&self, port: u16, settings: &[&str]) -> Result<Process> {
        match self {
            Server::Mysql(server) => server.start(port, settings),
            Server::Mariadb(server) => server.start(port, settings),
        }
    }

    /// Makes a command of the server's own client, logged in as root.
    pub fn client(&self, port: u16) -> Result<Command> {
        match self {
            Server::Mysql(server) => server.client(port),
            Server::Mariadb(server) => server.client(port),
        }
    }

    /// Returns the expression that shows a text of any character set.
    pub fn text(&self, name: &str) -> String {
        match self {
            Server::Mysql(_) => format!("CONVERT({name} USING utf8mb4)"),
            // Else a column of MariaDB's JSON would not be a string in the row's object, but a document.
            Server::Mariadb(_) => format!("CONCAT(CONVERT({name} USING utf8mb4), '')"),
        }
    }

    /// Returns the expression that shows a geometry as text, its coordinates as they are stored.
    pub fn geometry(&self, name: &str) -> String {
        match self {
            // The geographic reference systems would show latitude first.
            Server::Mysql(_) => format!("ST_AsText({name}, 'axis-order=long-lat')"),
            Server::Mariadb(_) => format!("ST_AsText({name})"),
        }
    }
}
