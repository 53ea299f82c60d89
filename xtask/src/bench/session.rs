//! What all measurements share: engines, servers, the recording of the last case.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Options;
use super::beside::{Beside, Together};
use super::case::{self, Case, Way};
use super::engine::Engine;
use super::figures::{Moved, Runs, grouped};
use super::machine;
use super::recorder::Recorder;
use super::recording::Recording;
use super::replayer::Replayer;
use super::run::{self, Took};
use super::sink::Sink;
use super::topic;
use super::waits::Looks;
use crate::layout;
use crate::servers::{self, Kind, Servers};

/// So many runs come before the first that is counted of a broker that was just started: a virtual machine for Java
/// compiles what is used much only after a while, on the cores that everything else needs too.
const WARM_UP: usize = 3;

/// What the processes of a run need at once beside its recording, page cache included, as a multiple of it.
const MEMORY: u64 = 4;

/// Everything that measurements need, each made when the first of them does.
pub struct Session<'a> {
    pub options: &'a Options,
    pub home: PathBuf,
    pub engines: Vec<Engine>,
    pub recorder: Recorder,
    /// The one that the last case needed, and what replays it.
    recording: Option<((&'static str, u64), Recording)>,
    replayer: Option<Replayer>,
    sink: Option<Sink>,
    servers: Option<Servers>,
    /// So that no two runs write into the same topic.
    runs: usize,
    /// Whether the broker has had its first million records.
    warm: bool,
}

/// What the runs of a case took.
pub struct Measured {
    pub moved: Moved,
    pub all: Vec<Runs>,
    /// What happened beside the program, on the engine in which it ships.
    pub beside: Together,
}

impl<'a> Session<'a> {
    pub fn new(options: &'a Options) -> Result<Self> {
        let home = layout::target().join("bench");
        fs::create_dir_all(&home)?;
        let wanted = |name: &str| {
            options.engines.is_empty() || options.engines.iter().any(|engine| engine == name)
        };
        let mut engines = Engine::all(wanted)?;
        if let Some(program) = &options.against {
            engines.push(Engine::against(program)?);
        }
        Ok(Self {
            options,
            engines,
            recorder: Recorder::new(&home),
            recording: None,
            replayer: None,
            home,
            sink: None,
            servers: None,
            runs: 0,
            warm: false,
        })
    }

    /// The engine in which the program ships, or the first that is measured.
    pub fn shipped(&self) -> Result<&Engine> {
        let shipped = self.engines.iter().find(|engine| engine.name == "0.14");
        shipped.or(self.engines.first()).context("no engine")
    }

    /// Runs a case on every engine, in turns.
    pub fn measure(&mut self, case: &Case) -> Result<Measured> {
        let wanted = (case.recording, self.options.rows * case.times);
        let is_other = |(kept, _): &((&str, u64), Recording)| *kept != wanted;
        if self.recording.as_ref().is_none_or(is_other) {
            self.replayer = None;
            let recording = Recording::provide(&self.home, wanted.0, wanted.1)?;
            self.recording = Some((wanted, recording));
        }
        if let Some((_, recording)) = &self.recording {
            machine::fetch_file(&recording.file)?;
        }
        let shipped = self.shipped()?.name;
        let runs = |engine: &Engine| Runs {
            engine: engine.name,
            took: Vec::new(),
        };
        let mut all: Vec<_> = self.engines.iter().map(runs).collect();
        let mut beside = Together::default();
        if case.way.has_kafka() && !self.warm {
            println!(
                "warming up the broker, which compiles itself while it gets its first records"
            );
            for _ in 0..WARM_UP {
                self.once(case, 0)?;
            }
            self.warm = true;
        }
        for _ in 0..self.options.runs {
            for (engine, runs) in all.iter_mut().enumerate() {
                let (took, run) = self.once(case, engine)?;
                runs.took.push(took);
                if let Some(run) = run.filter(|_| runs.engine == shipped) {
                    beside.add(&took, &run);
                }
            }
        }
        let (_, recording) = self.recording.as_ref().context("a recording")?;
        Ok(Measured {
            moved: recording.moved()?,
            all,
            beside,
        })
    }

    fn once(&mut self, case: &Case, engine: usize) -> Result<(Took, Option<Beside>)> {
        self.runs += 1;
        let addresses = self.addresses(case)?;
        let (_, recording) = self.recording.as_ref().context("a recording")?;
        let text = case.configuration(recording, &addresses);
        if case.saved {
            layout::remove(&addresses.state)?;
            fs::create_dir_all(&addresses.state)?;
        }
        let mut command = self.engines[engine].command(&self.home, &recording.data(), &text)?;
        // What nobody keeps needs none.
        if case.way.is_live() || case.way == Way::Files {
            machine::fetch_memory(recording.moved()?.bytes * MEMORY)?;
        }
        let before = self.servers_cpu(case.way);
        let mut looks = before.map(|_| Looks::new(addresses.mysql));
        let (took, said) = run::watched(&mut command, |pid| {
            if let Some(looks) = &mut looks {
                looks.look(pid);
            }
        })?;
        let beside = match (looks, before, self.servers_cpu(case.way)) {
            (Some(looks), Some(before), Some(now)) => Some(Beside {
                servers: [0, 1].map(|server| now[server].saturating_sub(before[server])),
                waits: looks.waits,
            }),
            _ => None,
        };
        let _ = fs::remove_file(&addresses.output);
        if case.way.has_kafka() {
            topic::delete(&self.address("WLF_TEST_KAFKA")?, &addresses.topic)?;
        }
        let (_, recording) = self.recording.as_ref().context("a recording")?;
        ensure!(
            said.contains(&grouped(recording.rows)),
            "it did not read {} rows: {said}",
            recording.rows
        );
        if let (Way::Socket { .. }, Some(sink)) = (case.way, &self.sink) {
            let came = sink.take_records();
            ensure!(
                came == recording.rows,
                "{came} records came of {}",
                recording.rows
            );
        }
        Ok((took, beside))
    }

    /// The CPU time that MySQL and the destination of a live case have used so far, if both run as processes of ours.
    fn servers_cpu(&self, way: Way) -> Option<[Duration; 2]> {
        let other = match way {
            Way::Kafka { .. } => Kind::Kafka,
            Way::RedisPublish | Way::RedisStream => Kind::Redis,
            _ => return None,
        };
        let mysql = self.recording.as_ref().and_then(|(_, r)| r.pid());
        Some([run::used(mysql?)?, run::used(servers::pid(other)?)?])
    }

    /// Where the case's servers are; starts those that are missing.
    fn addresses(&mut self, Case { way, tls, .. }: &Case) -> Result<case::Addresses> {
        let (way, tls) = (*way, *tls);
        let mut addresses = case::Addresses {
            output: self.home.join("out.json"),
            state: self.home.join("state"),
            topic: format!("bench.{}.{}", std::process::id(), self.runs),
            ..case::Addresses::default()
        };
        if way.is_live() {
            let at = |variable: &str| match tls {
                true => format!("{variable}_TLS"),
                false => variable.to_owned(),
            };
            addresses.kafka = self.address(&at("WLF_TEST_KAFKA"))?;
            addresses.redis = self.address(&at("WLF_TEST_REDIS"))?;
            addresses.nats = self.address(&at("WLF_TEST_NATS"))?;
        }
        let (_, recording) = self.recording.as_mut().context("a recording")?;
        if !matches!(way, Way::File | Way::Files | Way::FanOut) {
            addresses.mysql = recording.port()?;
        }
        if let Way::Socket { .. } = way {
            let sink = match &mut self.sink {
                Some(sink) => sink,
                none => none.insert(Sink::start()?),
            };
            addresses.kafka = sink.address.clone();
            let replayer = match &mut self.replayer {
                Some(replayer) => replayer,
                none => {
                    let (end, port) = (recording.end()?, recording.port()?);
                    none.insert(Replayer::start(&recording.file, &end, port)?)
                }
            };
            addresses.mysql = replayer.port;
        }
        Ok(addresses)
    }

    /// The address that a variable names, of Kafka, Redis or NATS, which are started if they do not run.
    pub fn address(&mut self, variable: &str) -> Result<String> {
        let servers = match &mut self.servers {
            Some(servers) => servers,
            none => none.insert(servers::up(&[
                Kind::Kafka,
                Kind::Redis,
                Kind::Nats,
                Kind::NatsTls,
            ])?),
        };
        let mut addresses = servers.addresses.iter();
        let found = addresses.find(|(name, _)| *name == variable);
        let (_, address) = found.with_context(|| format!("no {variable}"))?;
        Ok(address.clone())
    }

    /// Stops what was started.
    pub fn close(self) -> Result<()> {
        match self.servers {
            Some(servers) => servers::down(&servers.started, false),
            None => Ok(()),
        }
    }
}
