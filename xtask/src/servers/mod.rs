//! The real MySQL, MariaDB, Kafka, Redis and NATS: from addresses, from a Docker engine, or from packages.

mod compose;
pub mod kafka;
mod kind;
pub mod mariadb;
pub mod mysql;
mod nats;
mod probe;
pub mod process;
mod redis;
mod state;
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::certs;
use crate::layout::{self, Lock};
pub use kind::{Kind, free_port};
use state::{Running, State};

/// How long a server may take to shut down before it is killed.
const SHUTDOWN: Duration = Duration::from_secs(60);

/// Servers that are up.
pub struct Servers {
    /// The variable of each with its address, and that of the certificates for its port for TLS.
    pub addresses: Vec<(&'static str, String)>,
    /// Those that were not up before.
    pub started: Vec<Kind>,
}

/// Brings up those of `kinds` that are not up yet.
pub fn up(kinds: &[Kind]) -> Result<Servers> {
    let _lock = Lock::hold(&home().join("lock"))?;
    let mut state = State::load();
    let mut addresses = Vec::new();
    let mut own = Vec::new();
    for kind in kinds {
        match given(*kind)? {
            Some(address) => addresses.push((kind.variable(), address)),
            None => own.push(*kind),
        }
    }
    let is_up = |kind: &Kind| {
        state
            .0
            .get(kind)
            .is_some_and(|running| running.is_up(*kind))
    };
    let started: Vec<_> = own.iter().copied().filter(|kind| !is_up(kind)).collect();
    start(&mut state, &started)?;
    for kind in own {
        let running = state
            .0
            .get(&kind)
            .with_context(|| format!("{} did not come up", kind.name()))?;
        addresses.push((kind.variable(), running.address.clone()));
        let home = home().join(kind.name());
        match kind {
            Kind::Kafka => addresses.extend(kafka::variables(&home)?),
            Kind::Redis => addresses.extend(redis::variables(&home)?),
            Kind::Mysql
            | Kind::Mariadb1011
            | Kind::Mariadb118
            | Kind::MysqlLower
            | Kind::MariadbLower
            | Kind::Nats
            | Kind::NatsTls
            | Kind::NatsMutual => {}
        }
    }
    addresses.push((certs::VARIABLE, certs::provide()?.display().to_string()));
    Ok(Servers { addresses, started })
}

/// Stops the servers of `kinds` that `up` started; with `purge` their data goes too.
pub fn down(kinds: &[Kind], purge: bool) -> Result<()> {
    let _lock = Lock::hold(&home().join("lock"))?;
    let mut state = State::load();
    for kind in kinds {
        match state.0.remove(kind) {
            Some(Running {
                process: Some(process),
                ..
            }) if process.is_alive() => {
                eprintln!("{}: stopping process {}", kind.name(), process.pid);
                process.stop(SHUTDOWN)?;
            }
            Some(Running { process: None, .. }) => compose::down(*kind, purge)?,
            _ => {}
        }
        state.save()?;
        if purge {
            layout::remove(&home().join(kind.name()))?;
        }
    }
    Ok(())
}

/// The process of a server that `up` started from packages.
pub fn pid(kind: Kind) -> Option<u32> {
    let state = State::load();
    let running = state.0.get(&kind)?;
    running.process.as_ref().map(|process| process.pid)
}

/// Says for each server where it is and whether it answers.
pub fn status() -> String {
    let state = State::load();
    let mut lines = format!("{:<13} {:<5} {:<41} {}\n", "server", "up", "address", "how");
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
        lines += &format!("{:<13} {up:<5} {address:<41} {how}\n", kind.name());
    }
    lines
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

/// Starts servers in Docker, or from packages where no engine can, and remembers what runs.
fn start(state: &mut State, kinds: &[Kind]) -> Result<()> {
    for kind in kinds {
        // What is left of one that no longer answers.
        if let Some(Running {
            process: Some(process),
            ..
        }) = state.0.remove(kind)
        {
            process.stop(SHUTDOWN)?;
        }
    }
    let mut outcomes = Vec::new();
    let (mut from_packages, in_docker): (Vec<_>, Vec<_>) =
        (kinds.iter()).partition(|kind| kind.is_from_packages());
    if !in_docker.is_empty() && compose::engine_runs() {
        match start_in_docker(&in_docker) {
            Ok(running) => outcomes = running,
            Err(error) => {
                eprintln!("Docker could not start them, so they come from packages: {error:#}")
            }
        }
    }
    if outcomes.is_empty() {
        from_packages.extend(in_docker);
    }
    outcomes.extend(start_from_packages(&from_packages));
    let mut failure = None;
    for (kind, outcome) in outcomes {
        match outcome.with_context(|| format!("starting {}", kind.name())) {
            Ok(running) => drop(state.0.insert(kind, running)),
            Err(error) => failure = Some(error),
        }
    }
    // Those that did start are remembered, so that `down` finds them.
    state.save()?;
    failure.map_or(Ok(()), Err)
}

type Outcomes = Vec<(Kind, Result<Running>)>;

fn start_in_docker(kinds: &[Kind]) -> Result<Outcomes> {
    let ports = kinds
        .iter()
        .map(|kind| Ok((*kind, kind.free_port()?)))
        .collect::<Result<Vec<_>>>()?;
    compose::up(&ports)?;
    let running = |(kind, port): (Kind, u16)| {
        let running = Running {
            address: kind.address(port),
            process: None,
        };
        ensure!(
            running.is_up(kind),
            "no {} answers at {}",
            kind.name(),
            running.address
        );
        Ok((kind, Ok(running)))
    };
    ports.into_iter().map(running).collect()
}

/// Starts servers side by side: the first time most of it is waiting for downloads.
fn start_from_packages(kinds: &[Kind]) -> Outcomes {
    let start = |kind: Kind| -> Result<Running> {
        let (name, home) = (kind.name(), home().join(kind.name()));
        let port = kind.free_port()?;
        eprintln!("{name}: starting on port {port}");
        let process = kind.start(&home, port).or_else(|error| {
            // Data that was damaged, for one by a `target` deleted half-way; there is nothing of value in it.
            ensure!(home.join("data").exists(), error);
            eprintln!("{name}: {error:#}\n{name}: starting again with fresh data");
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
        let joined = threads.into_iter().map(|(kind, thread)| {
            (
                kind,
                thread
                    .join()
                    .unwrap_or_else(|_| bail!("its thread panicked")),
            )
        });
        joined.collect()
    })
}

fn home() -> PathBuf {
    layout::target().join("servers")
}
