//! The real MySQL, Kafka and Redis: from addresses, from a Docker engine, or from packages.

mod compose;
mod kafka;
pub mod mysql;
mod probe;
pub mod process;
mod redis;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::layout::{self, Lock};
use mysql::Mysql;
use process::Process;

/// How long a server may take to shut down before it is killed.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// Names one of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Mysql,
    Kafka,
    Redis,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Mysql, Kind::Kafka, Kind::Redis];

    /// Returns the service's name in `docker-compose.yaml`, and its directory's below `target/servers`.
    fn name(self) -> &'static str {
        match self {
            Kind::Mysql => "mysql",
            Kind::Kafka => "kafka",
            Kind::Redis => "redis",
        }
    }

    /// Returns the variable that holds the server's address, for us and for the tests.
    pub fn variable(self) -> &'static str {
        match self {
            Kind::Mysql => "WLF_TEST_MYSQL",
            Kind::Kafka => "WLF_TEST_KAFKA",
            Kind::Redis => "WLF_TEST_REDIS",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Kind::Mysql => 3306,
            Kind::Kafka => 9092,
            Kind::Redis => 6379,
        }
    }

    /// Writes an address as the tests want it.
    fn address(self, port: u16) -> String {
        match self {
            Kind::Mysql => format!("mysql://root:{}@127.0.0.1:{port}", mysql::PASSWORD),
            Kind::Kafka => format!("127.0.0.1:{port}"),
            Kind::Redis => format!("redis://127.0.0.1:{port}"),
        }
    }

    /// Tells whether the server at `address` answers in its protocol.
    fn answers(self, address: &str) -> bool {
        let host = host_and_port(address, self.default_port());
        match self {
            Kind::Mysql => probe::mysql(&host),
            Kind::Kafka => probe::kafka(&host),
            Kind::Redis => probe::redis(&host),
        }
    }

    fn start(self, home: &Path, port: u16) -> Result<Process> {
        match self {
            Kind::Mysql => Mysql::new(home)?.start(port, mysql::SETTINGS),
            Kind::Kafka => kafka::start(home, port),
            Kind::Redis => redis::start(home, port),
        }
    }
}

/// A server that was brought up.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Running {
    address: String,
    /// `None` for one that runs in a container.
    process: Option<Process>,
}

impl Running {
    fn is_up(&self, kind: Kind) -> bool {
        self.process.as_ref().is_none_or(Process::is_alive) && kind.answers(&self.address)
    }
}

/// The servers that we brought up ourselves, as remembered in `target/servers/state.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State(BTreeMap<Kind, Running>);

impl State {
    fn load() -> State {
        // A state that cannot be read is as good as none: the servers are then started anew, on other ports.
        fs::read(home().join("state.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    fn save(&self) -> Result<()> {
        let path = home().join("state.json");
        let partial = path.with_added_extension("partial");
        fs::write(&partial, serde_json::to_string_pretty(self)? + "\n")?;
        fs::rename(partial, path).context("writing target/servers/state.json")
    }
}

/// The addresses of all servers, as variables for the tests.
pub struct Addresses(pub Vec<(&'static str, String)>);

/// Brings up every server that is not up yet and returns all addresses.
pub fn up() -> Result<Addresses> {
    let _lock = Lock::hold(&home().join("lock"))?;
    let mut state = State::load();
    let mut missing = Vec::new();
    let mut addresses = Vec::new();
    for kind in Kind::ALL {
        if let Some(address) = given(kind)? {
            addresses.push((kind.variable(), address));
        } else if !state
            .0
            .get(&kind)
            .is_some_and(|running| running.is_up(kind))
        {
            missing.push(kind);
        }
    }
    for kind in &missing {
        if let Some(Running {
            process: Some(process),
            ..
        }) = state.0.remove(kind)
        {
            process.stop(SHUTDOWN)?;
        }
    }
    if !missing.is_empty() && compose::engine_runs() {
        let ports = missing
            .iter()
            .map(|kind| Ok((*kind, port_for(*kind)?)))
            .collect::<Result<Vec<_>>>()?;
        compose::up(&ports)?;
        state.0.extend(ports.iter().map(|(kind, port)| {
            (
                *kind,
                Running {
                    address: kind.address(*port),
                    process: None,
                },
            )
        }));
        state.save()?;
    } else {
        let outcomes = start_from_packages(&missing);
        for (kind, outcome) in &outcomes {
            if let Ok(running) = outcome {
                state.0.insert(*kind, running.clone());
            }
        }
        state.save()?;
        for (kind, outcome) in outcomes {
            outcome.with_context(|| format!("starting {}", kind.name()))?;
        }
    }
    for kind in Kind::ALL {
        if !addresses
            .iter()
            .any(|(variable, _)| *variable == kind.variable())
        {
            let running = state
                .0
                .get(&kind)
                .with_context(|| format!("{} did not come up", kind.name()))?;
            addresses.push((kind.variable(), running.address.clone()));
        }
    }
    Ok(Addresses(addresses))
}

/// Stops the servers that `up` started; with `purge` their data goes too.
pub fn down(purge: bool) -> Result<()> {
    let _lock = Lock::hold(&home().join("lock"))?;
    let mut state = State::load();
    if state.0.values().any(|running| running.process.is_none()) {
        compose::down(purge)?;
    }
    while let Some((kind, running)) = state.0.pop_first() {
        if let Some(process) = running.process.filter(Process::is_alive) {
            eprintln!("{}: stopping process {}", kind.name(), process.pid);
            process.stop(SHUTDOWN)?;
        }
        state.save()?;
    }
    if purge {
        for kind in Kind::ALL {
            layout::remove(&home().join(kind.name()))?;
        }
    }
    Ok(())
}

/// Says for each server where it is and whether it answers.
pub fn status() -> Result<String> {
    let state = State::load();
    let mut lines = format!("{:<6} {:<5} {:<41} {}\n", "server", "up", "address", "how");
    for kind in Kind::ALL {
        let (address, up, how) = if let Ok(address) = std::env::var(kind.variable()) {
            let up = kind.answers(&address);
            (address, up, format!("given by {}", kind.variable()))
        } else if let Some(running) = state.0.get(&kind) {
            let how = match &running.process {
                Some(process) => format!(
                    "process {}, {}",
                    process.pid,
                    home().join(kind.name()).display()
                ),
                None => "Docker".to_owned(),
            };
            (running.address.clone(), running.is_up(kind), how)
        } else {
            (
                "-".to_owned(),
                false,
                "not started: cargo xtask servers up".to_owned(),
            )
        };
        let up = if up { "yes" } else { "no" };
        lines += &format!("{:<6} {up:<5} {address:<41} {how}\n", kind.name());
    }
    Ok(lines)
}

/// Returns the address that the environment gives, which must answer.
fn given(kind: Kind) -> Result<Option<String>> {
    let Ok(address) = std::env::var(kind.variable()) else {
        return Ok(None);
    };
    ensure!(
        kind.answers(&address),
        "no {} answers at {address}, which {} names; unset it to have one started",
        kind.name(),
        kind.variable()
    );
    Ok(Some(address))
}

/// Starts servers side by side: the first time most of it is waiting for downloads.
fn start_from_packages(kinds: &[Kind]) -> Vec<(Kind, Result<Running>)> {
    let start = |kind: Kind| -> Result<Running> {
        let home = home().join(kind.name());
        let port = port_for(kind)?;
        eprintln!("{}: starting on port {port}", kind.name());
        let process = kind.start(&home, port).or_else(|error| {
            // Data that was damaged, for one by a `target` deleted half-way; there is nothing of value in it.
            ensure!(home.join("data").exists(), error);
            eprintln!(
                "{}: {error:#}\n{}: starting again with fresh data",
                kind.name(),
                kind.name()
            );
            layout::remove(&home)?;
            kind.start(&home, port)
        })?;
        Ok(Running {
            address: kind.address(port),
            process: Some(process),
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = kinds
            .iter()
            .map(|kind| (*kind, scope.spawn(move || start(*kind))))
            .collect();
        let join = |(kind, thread): (Kind, std::thread::ScopedJoinHandle<'_, Result<Running>>)| {
            (
                kind,
                thread
                    .join()
                    .unwrap_or_else(|_| bail!("its thread panicked")),
            )
        };
        threads.into_iter().map(join).collect()
    })
}

/// Returns the server's usual port if nothing listens there, else any free one.
fn port_for(kind: Kind) -> Result<u16> {
    match TcpListener::bind(("127.0.0.1", kind.default_port())) {
        Ok(_) => Ok(kind.default_port()),
        Err(_) => free_port(),
    }
}

/// Returns a port on which nothing listens.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))
        .context("looking for a free port")?
        .local_addr()?
        .port())
}

/// Takes `host:port` out of an address that may be a URL.
fn host_and_port(address: &str, default_port: u16) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if has_port {
        host.to_owned()
    } else {
        format!("{host}:{default_port}")
    }
}

fn home() -> PathBuf {
    layout::target().join("servers")
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
