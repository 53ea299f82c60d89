//! The program between a source and a cluster, which is killed and started again as a test likes.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::brokers::Brokers;
use crate::oracle::{self, Judgement, Record};
use crate::program::{Ended, PATIENCE, Run, Runtime};
use crate::source::{self, Source, Version, last_of};
use crate::watch::Watch;

/// Names the native program that runs instead of the module.
const NATIVE: &str = "WLF_TEST_NATIVE";

/// Rows on their way from MySQL to three brokers.
pub struct Pipeline {
    pub brokers: Brokers,
    pub source: Source,
    pub topic: String,
    place: TempDir,
    listed: usize,
    options: String,
    run: Option<Run>,
    /// How often it was started.
    starts: usize,
    watch: Option<Watch>,
    /// What has happened, by its name.
    happened: Vec<(&'static str, usize)>,
    /// What every run so far has said.
    said: String,
    /// Three brokers are enough for a machine at a time.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Pipeline {
    /// Starts all of it, with `options` of the dispatcher besides and `settings` of the brokers. So many brokers are
    /// `listed` for the program: one that starts finds the cluster by those alone.
    pub fn start(name: &str, listed: usize, options: &str, settings: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let brokers = Brokers::start(settings);
        let source = Source::new(&format!("wlf_cluster_{name}"));
        let mut pipeline = Self {
            topic: format!("{}.t", source.database),
            brokers,
            source,
            place: tempfile::tempdir().expect("a directory"),
            listed,
            options: options.to_owned(),
            run: None,
            starts: 0,
            watch: None,
            happened: Vec::new(),
            said: String::new(),
            _alone: alone,
        };
        pipeline.begin();
        // Without a saved position a crash would skip what comes before the restart.
        pipeline.source.go_on();
        pipeline.wait_for_position(pipeline.source.transaction());
        pipeline.watch = Some(Watch::start(&pipeline.brokers, &pipeline.topic));
        pipeline
    }

    fn begin(&mut self) {
        self.run = Some(Run::start(self.command()));
        self.starts += 1;
        if self.starts == 1 {
            self.run = self.run.take().map(Run::ready);
        }
    }

    /// What runs: the module, under one version of WasmEdge after the other.
    fn command(&self) -> Command {
        if let Some(program) = std::env::var_os(NATIVE) {
            let path = self.place.path().join("wlf.yaml");
            let root = self.place.path().display().to_string();
            std::fs::write(&path, self.configuration(&root)).expect("written");
            let mut command = Command::new(PathBuf::from(program));
            command.arg("--config").arg(path);
            return command;
        }
        let runtime = match self.starts % 2 {
            0 => Runtime::v0_14(),
            _ => Runtime::v0_17(),
        };
        runtime.in_directory(self.place.path(), &self.configuration("/wlf"))
    }

    fn configuration(&self, root: &str) -> String {
        let (host, port) = mysql_address();
        let database = &self.source.database;
        let listed = 0..self.listed;
        let listed: Vec<_> = listed
            .map(|number| format!("'{}'", self.brokers.address(number)))
            .collect();
        format!(
            "name: {database}
state: {{directory: {root}/state}}
collectors:
  - {{id: mysql, type: BinlogCollector, host: {host}, port: {port}, user: root, password: password, destination: filter}}
transformers:
  - id: filter
    type: BinlogFilter
    destination: kafka
    rules: [{{exclude: {{database: '*'}}}}, {{include: {{database: {database}}}}}]
dispatchers:
  - {{id: kafka, type: KafkaDispatcher, bootstrap_brokers: [{}], topic: '%{{/database}}.%{{/table}}'{}}}
",
            listed.join(", "),
            self.options,
        )
    }

    /// Starts it with other options of the dispatcher.
    pub fn restart_with(&mut self, options: &str) {
        options.clone_into(&mut self.options);
        self.kill_program();
    }

    /// Waits for the program's own end; says what it said.
    #[track_caller]
    pub fn ends_with(&mut self, code: i32) -> String {
        let ended = self.run.take().expect("a run").end().with_code(code);
        let said = ended.stderr.clone();
        self.keep(ended);
        said
    }

    /// Starts the program after its end.
    pub fn start_again(&mut self) {
        assert!(self.run.is_none(), "it runs");
        self.begin();
    }

    pub fn run(&self) -> &Run {
        self.run.as_ref().expect("a run")
    }

    /// Kills the program and starts it again.
    pub fn kill_program(&mut self) {
        let run = self.run.take().expect("a run");
        self.note("the program killed");
        self.keep(run.kill());
        self.begin();
    }

    fn keep(&mut self, ended: Ended) {
        self.said.push_str(&ended.stderr);
        self.said.push_str("\n--- the next run\n");
    }

    pub fn note(&mut self, what: &'static str) {
        match self.happened.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count += 1,
            None => self.happened.push((what, 1)),
        }
    }

    pub fn watch(&self) -> &Watch {
        self.watch.as_ref().expect("a watch")
    }

    /// The number of the last transaction up to which all counts as delivered.
    pub fn position(&self) -> Option<u64> {
        let state = std::fs::read(self.place.path().join("state/mysql.json")).ok()?;
        let state: Value = serde_json::from_slice(&state).ok()?;
        Some(last_of(state["position"]["gtid_set"].as_str()?))
    }

    /// Waits until a transaction counts as delivered.
    #[track_caller]
    pub fn wait_for_position(&self, transaction: u64) {
        let until = Instant::now() + PATIENCE;
        while self.position().is_none_or(|saved| saved < transaction) {
            assert!(
                Instant::now() < until,
                "{:?} is saved, not {transaction}",
                self.position()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until rows that come from now on are delivered.
    #[track_caller]
    pub fn flows(&self) {
        self.wait_for_position(self.source.transaction());
    }

    /// Writes no more, and waits until all counts as delivered.
    #[track_caller]
    pub fn settle(&mut self) {
        self.source.rest();
        self.wait_for_position(self.source.transaction());
    }

    /// All that the topic holds, and what is to be said of it, of the versions from `first` on.
    pub fn judge(&self, first: Version) -> (Vec<Record>, Judgement) {
        let records = oracle::read(&self.brokers, &self.topic);
        let expected = source::versions(first, self.source.last());
        let judgement = Judgement::of(&records, &expected);
        (records, judgement)
    }

    /// Ends everything: all from version `first` on is there and in order, and it went on within `patience` after it could.
    #[track_caller]
    pub fn ends_whole(mut self, title: &str, first: Version, patience: Duration) {
        self.settle();
        let (openings, faults) = self.watch.take().expect("a watch").end();
        let (records, judgement) = self.judge(first);
        let waits = oracle::waits(&records, &openings, &faults);
        let run = self.run.take().expect("a run");
        self.keep(run.kill());
        self.report(title, &judgement, &waits);
        if let Err(panic) = std::panic::catch_unwind(|| judgement.is_whole()) {
            println!("{}", self.said);
            std::panic::resume_unwind(panic);
        }
        let longest = waits.last().copied().unwrap_or_default();
        assert!(
            longest <= patience,
            "it went on {longest:?} after it could\n{}",
            self.said
        );
    }

    /// Prints the figures.
    pub fn report(&self, title: &str, judgement: &Judgement, waits: &[Duration]) {
        let happened: Vec<_> = self
            .happened
            .iter()
            .map(|(what, count)| format!("{count} × {what}"))
            .collect();
        let times = match waits {
            [] => String::new(),
            [.., longest] => format!(
                "; it went on {} times, median {:.2} s, longest {:.2} s",
                waits.len(),
                waits[waits.len() / 2].as_secs_f64(),
                longest.as_secs_f64()
            ),
        };
        let line = format!(
            "{title}: {}; {} rows, {} missing, {} out of order, {} repeated{times}\n",
            happened.join(", "),
            judgement.rows,
            judgement.missing.len(),
            judgement.disordered.len(),
            judgement.repeated,
        );
        // Not `print!`, which a test that passes keeps to itself.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// Where MySQL is.
fn mysql_address() -> (String, u16) {
    let options = mysql::Opts::from_url(&crate::program::given("WLF_TEST_MYSQL"));
    let options = options.expect("an address");
    (
        options.get_ip_or_hostname().into_owned(),
        options.get_tcp_port(),
    )
}
