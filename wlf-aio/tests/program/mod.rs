//! Runs the program as it ships: compiled ahead of time, under WasmEdge.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing in these tests takes longer on a machine with two busy cores.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A WasmEdge and the program compiled for it.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub version: &'static str,
    launcher: PathBuf,
    object: PathBuf,
}

/// The value of an environment variable that `cargo xtask test` sets.
pub fn given(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run these tests with `cargo xtask test`"))
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("wlf-aio lies in the root")
}

impl Runtime {
    pub fn v0_14() -> Self {
        Self {
            version: "0.14",
            launcher: given("WLF_TEST_WASMEDGE_014").into(),
            object: given("WLF_TEST_SO_014").into(),
        }
    }

    pub fn v0_17() -> Self {
        Self {
            version: "0.17",
            launcher: given("WLF_TEST_WASMEDGE_017").into(),
            object: given("WLF_TEST_SO_017").into(),
        }
    }

    /// The program that a person calls `wasmedge`.
    pub fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// The module, compiled for it.
    pub fn object(&self) -> &Path {
        &self.object
    }

    /// The module as it is, for the interpreter.
    pub fn interpreted(self) -> Self {
        Self {
            object: given("WLF_TEST_WASM").into(),
            ..self
        }
    }

    /// `wasmedge --dir … program`, to which arguments are added.
    pub fn command(&self, directories: &[(&str, &Path)], environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.launcher);
        if self.version == "0.17"
            && self
                .object
                .extension()
                .is_some_and(|extension| extension == "so")
        {
            command.arg("--run-mode=aot");
        }
        for (guest, host) in directories {
            command
                .arg("--dir")
                .arg(format!("{guest}:{}", host.display()));
        }
        for (name, value) in environment {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.arg(&self.object);
        command
    }

    /// The example `probe` of `shims/tokio`, interpreted.
    pub fn probe(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.launcher);
        command.arg(given("WLF_TEST_PROBE")).args(arguments);
        command
    }

    /// A directory with the configuration `wlf.yaml`, mounted as `/wlf`, and the command that runs it.
    pub fn in_directory(&self, place: &Path, configuration: &str) -> Command {
        std::fs::write(place.join("wlf.yaml"), configuration).expect("written");
        let mut command = self.command(&[("/wlf", place)], &[]);
        command.args(["--config", "/wlf/wlf.yaml"]);
        command
    }
}

/// A run of the program and what it has printed so far.
pub struct Run {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// What came out of one pipe.
struct Output {
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines: Arc<(Mutex<Vec<String>>, Condvar)> = Arc::default();
        let filled = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                let Ok(line) = line else { return };
                filled
                    .0
                    .lock()
                    .expect("the lines")
                    .push(String::from_utf8_lossy(&line).into_owned());
                filled.1.notify_all();
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    fn wait_for(&self, enough: impl Fn(&[String]) -> bool) -> Result<Vec<String>, Vec<String>> {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.lines.0.lock().expect("the lines");
        while !enough(&lines) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(lines.clone());
            }
            lines = self.lines.1.wait_timeout(lines, left).expect("the lines").0;
        }
        Ok(lines.clone())
    }

    fn rest(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the pipe is read");
        }
        self.lines.0.lock().expect("the lines").clone()
    }
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: Vec<String>,
    pub stderr: String,
}

impl Ended {
    /// Fails unless the program ended with this exit code, showing what it said.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.stderr);
        self
    }
}

impl Run {
    pub fn start(command: Command) -> Self {
        Self::start_saying_to(command, Stdio::piped())
    }

    /// The same with another stderr, of which nothing is known afterwards.
    pub fn start_saying_to(mut command: Command, stderr: impl Into<Stdio>) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdout = Output::of(child.stdout.take().expect("a pipe"));
        let stderr = match child.stderr.take() {
            Some(pipe) => Output::of(pipe),
            None => Output::of(std::io::empty()),
        };
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits until every collector streams and every dispatcher is connected.
    #[track_caller]
    pub fn ready(self) -> Self {
        let ready = self
            .stderr
            .wait_for(|lines| lines.iter().any(|line| line.starts_with("ready")));
        if let Err(lines) = ready {
            panic!("it did not become ready:\n{}", lines.join("\n"));
        }
        self
    }

    /// Waits until a line on stderr holds `text`.
    #[track_caller]
    pub fn says(&self, text: &str) {
        if let Err(lines) = self
            .stderr
            .wait_for(|lines| lines.iter().any(|line| line.contains(text)))
        {
            panic!("it did not say `{text}`:\n{}", lines.join("\n"));
        }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.stderr.lines.0.lock().expect("the lines").join("\n")
    }

    /// Waits until stdout has at least `count` lines.
    #[track_caller]
    pub fn prints(&self, count: usize) -> Vec<String> {
        match self.stdout.wait_for(|lines| lines.len() >= count) {
            Ok(lines) => lines,
            Err(lines) => panic!(
                "{} of {count} lines came:\n{}",
                lines.len(),
                lines.join("\n")
            ),
        }
    }

    /// The largest resident memory so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        self.peak_memory_if_running().expect("a running process")
    }

    /// The same; `None` if the program has ended.
    pub fn peak_memory_if_running(&self) -> Option<usize> {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).expect("a child");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: usize = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        Some(kilobytes * 1024)
    }

    /// Waits until all threads of the process wait for something.
    #[track_caller]
    pub fn parks(&self) {
        self.wait_for_threads('S');
    }

    /// Stops the process as a debugger or a freezer does, and lets it go on when it has stopped.
    #[track_caller]
    pub fn stop_and_continue(&self) {
        self.signal(libc::SIGSTOP);
        self.wait_for_threads('T');
        self.signal(libc::SIGCONT);
    }

    /// The id of the process.
    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).expect("an id")
    }

    /// The id of its only child.
    #[track_caller]
    pub fn child(&self) -> i32 {
        let children = format!("/proc/{0}/task/{0}/children", self.id());
        let children = std::fs::read_to_string(children).expect("a running process");
        children.trim().parse().expect("one child")
    }

    fn signal(&self, signal: libc::c_int) {
        let id = i32::try_from(self.child.id()).expect("an id");
        // SAFETY: it takes no pointers; the child is not reaped before this value is dropped or ends.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0, "a running process");
    }

    /// Waits until each thread is in this state, as proc(5) names it.
    #[track_caller]
    fn wait_for_threads(&self, state: char) {
        let until = Instant::now() + PATIENCE;
        let state_of = |thread: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // The name before it may hold anything but a closing bracket at its end.
            stat.rsplit_once(") ")?.1.chars().next()
        };
        let threads = || {
            std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a running process")
        };
        loop {
            let states: Vec<_> = threads().map(state_of).collect();
            assert!(!states.contains(&Some('Z')), "the program has ended");
            if states.iter().all(|found| *found == Some(state)) {
                return;
            }
            assert!(Instant::now() < until, "the threads are in {states:?}");
            std::thread::yield_now();
        }
    }

    /// Ends the process as a crash would.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("killed");
        self.end()
    }

    /// Waits for the program's own end.
    #[track_caller]
    pub fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// The same for a run that has more to do than others.
    #[track_caller]
    pub fn end_within(mut self, patience: Duration) -> Ended {
        let until = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if Instant::now() >= until {
                self.child.kill().expect("killed");
                panic!("it did not end:\n{}", self.stderr.rest().join("\n"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ended {
            status,
            stdout: self.stdout.rest(),
            stderr: self.stderr.rest().join("\n"),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("the program said:\n{}", self.stderr.rest().join("\n"));
        }
    }
}

/// Makes each function a test under both versions of WasmEdge.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod wasmedge_0_14 {
            $(#[test] fn $name() { super::$name(&$crate::program::Runtime::v0_14()); })*
        }
        mod wasmedge_0_17 {
            $(#[test] fn $name() { super::$name(&$crate::program::Runtime::v0_17()); })*
        }
    };
}
