//! How fast the program is, how soon, and in how much memory: natively, and compiled ahead of time under WasmEdge.

mod case;
mod engine;
mod figures;
mod recording;
mod replayer;
mod run;
mod sink;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use self::case::{CASES, Case, Way};
use self::engine::Engine;
use self::figures::{HEAD, Runs, Spread, grouped, table};
use self::recording::Recording;
use self::replayer::Replayer;
use self::sink::Sink;
use crate::layout;
use crate::servers::{self, Kind, Servers};

/// What is measured, and how often.
#[derive(clap::Args)]
pub struct Options {
    /// Only the cases whose names begin so; `list` prints all names
    names: Vec<String>,
    /// Rows of the sbtest and narrow recordings, to which the others are in proportion
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// How often each case runs
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these engines: native, 0.14, 0.17
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
}

/// Measures and prints the figures.
pub fn bench(options: &Options) -> Result<()> {
    if options.names.iter().any(|name| name == "list") {
        for case in CASES {
            println!("{:<24} {}", case.name, case.about);
        }
        return Ok(());
    }
    let chosen = |name: &str| {
        options.names.is_empty()
            || options
                .names
                .iter()
                .any(|start| name.starts_with(start.as_str()))
    };
    let cases: Vec<_> = CASES.iter().filter(|case| chosen(case.name)).collect();
    ensure!(
        !cases.is_empty(),
        "no case begins so: `cargo xtask bench list` names them"
    );
    let mut bench = Bench::new(options)?;
    println!("{}", machine());
    bench
        .engines
        .iter()
        .for_each(|engine| println!("{}", engine.about));
    if chosen("start") {
        bench.start_up()?;
    }
    println!("\n{HEAD}");
    for case in cases {
        bench
            .measure(case)
            .with_context(|| format!("measuring {}", case.name))?;
    }
    bench.close()
}

/// Everything that cases need, each made when the first of them does.
struct Bench<'a> {
    options: &'a Options,
    home: PathBuf,
    engines: Vec<Engine>,
    /// The one that the last case needed, and what replays it.
    recording: Option<(&'static str, Recording)>,
    replayer: Option<Replayer>,
    sink: Option<Sink>,
    servers: Option<Servers>,
    /// So that no two runs write into the same topic.
    runs: usize,
}

impl<'a> Bench<'a> {
    fn new(options: &'a Options) -> Result<Self> {
        let home = layout::target().join("bench");
        fs::create_dir_all(&home)?;
        let wanted = |name: &str| {
            options.engines.is_empty() || options.engines.iter().any(|engine| engine == name)
        };
        Ok(Self {
            options,
            engines: Engine::all(wanted)?,
            recording: None,
            replayer: None,
            home,
            sink: None,
            servers: None,
            runs: 0,
        })
    }

    /// Runs a case on every engine, in turns, and prints its lines.
    fn measure(&mut self, case: &Case) -> Result<()> {
        if self
            .recording
            .as_ref()
            .is_none_or(|(name, _)| *name != case.recording)
        {
            self.replayer = None;
            let recording = Recording::provide(&self.home, case.recording, self.options.rows)?;
            self.recording = Some((case.recording, recording));
        }
        let engines: Vec<_> = (0..self.engines.len())
            .filter(|engine| case.engines.contains(&self.engines[*engine].name))
            .collect();
        let mut all: Vec<_> = engines
            .iter()
            .map(|engine| Runs {
                engine: self.engines[*engine].name,
                took: Vec::new(),
            })
            .collect();
        for _ in 0..self.options.runs {
            for (engine, runs) in engines.iter().zip(&mut all) {
                runs.took.push(self.once(case, *engine)?);
            }
        }
        let (_, recording) = self.recording.as_ref().context("a recording")?;
        for line in table(case.name, recording.moved()?, &all, case.goal) {
            println!("{line}");
        }
        Ok(())
    }

    fn once(&mut self, case: &Case, engine: usize) -> Result<run::Took> {
        self.runs += 1;
        let addresses = self.addresses(case.way)?;
        let (_, recording) = self.recording.as_ref().context("a recording")?;
        let text = case.configuration(recording, &addresses);
        let mut command = self.engines[engine].command(&self.home, &recording.data(), &text)?;
        let (took, said) = run::timed(&mut command)?;
        let _ = fs::remove_file(&addresses.output);
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
        Ok(took)
    }

    /// Where the case's servers are; starts those that are missing.
    fn addresses(&mut self, way: Way) -> Result<case::Addresses> {
        let mut addresses = case::Addresses {
            output: self.home.join("out.json"),
            topic: format!("bench.{}.{}", std::process::id(), self.runs),
            ..case::Addresses::default()
        };
        let (_, recording) = self.recording.as_mut().context("a recording")?;
        if !matches!(way, Way::File | Way::Files | Way::FanOut) {
            addresses.mysql = recording.port()?;
        }
        match way {
            Way::File | Way::Files | Way::FanOut | Way::Null => {}
            Way::Socket { .. } => {
                let sink = match &mut self.sink {
                    Some(sink) => sink,
                    none => none.insert(Sink::start()?),
                };
                addresses.kafka = sink.address.clone();
                let replayer = match &mut self.replayer {
                    Some(replayer) => replayer,
                    none => none.insert(Replayer::start(recording)?),
                };
                addresses.mysql = replayer.port;
            }
            Way::Kafka | Way::RedisPublish | Way::RedisStream => {
                let servers = match &mut self.servers {
                    Some(servers) => servers,
                    none => none.insert(servers::up(&[Kind::Kafka, Kind::Redis])?),
                };
                let find = |variable: &str| {
                    let found = servers.addresses.iter().find(|(name, _)| *name == variable);
                    found
                        .map(|(_, address)| address.clone())
                        .unwrap_or_default()
                };
                addresses.kafka = find("WLF_TEST_KAFKA");
                addresses.redis = find("WLF_TEST_REDIS");
            }
        }
        Ok(addresses)
    }

    fn start_up(&self) -> Result<()> {
        let shop = layout::workspace().join("configs/quickstart");
        for engine in &self.engines {
            let mut took = Vec::new();
            for _ in 0..self.options.runs {
                took.push(engine.first_row(&self.home, &shop)?);
            }
            println!(
                "start to first row, {}: {} ms",
                engine.name,
                Spread::of(took).show()
            );
        }
        Ok(())
    }

    fn close(self) -> Result<()> {
        match self.servers {
            Some(servers) => servers::down(&servers.started, false),
            None => Ok(()),
        }
    }
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    format!(
        "{cpus} x {}",
        model.map_or("unknown processor", |model| model
            .trim_start_matches(['\t', ':', ' ']))
    )
}
