//! A server process in the background that outlives the command that started it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

const POLL: Duration = Duration::from_millis(50);

/// A process, told apart from a later one of the same id by the time it started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// Clock ticks after the machine started (`/proc/<pid>/stat`, field 22).
    started: u64,
}

impl Process {
    /// Starts `command` in a session of its own, away from the terminal's signals; what it prints goes to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Result<Process> {
        let mut detached = Command::new("setsid");
        detached.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => detached.env(name, value),
                None => detached.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            detached.current_dir(dir);
        }
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let child = detached
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("starting setsid (package util-linux)")?;
        let pid = child.id();
        let (_, started) = stat(pid).with_context(|| format!("process {pid} was gone at once"))?;
        Ok(Process { pid, started })
    }

    /// Tells whether the process still runs; one that has ended but was not reaped (state Z) does not.
    pub fn is_alive(&self) -> bool {
        matches!(stat(self.pid), Some((state, started)) if started == self.started && !"ZX".contains(state))
    }

    /// Waits until `ready`, which is asked again and again; fails with the end of the log when the process ends first.
    pub fn wait_until(
        &self,
        ready: impl Fn() -> bool,
        patience: Duration,
        log: &Path,
    ) -> Result<()> {
        let begin = Instant::now();
        while !ready() {
            let why = if !self.is_alive() {
                "it ended".to_owned()
            } else if begin.elapsed() > patience {
                self.stop(Duration::from_secs(5))?;
                format!("it did not answer within {patience:?}")
            } else {
                std::thread::sleep(POLL);
                continue;
            };
            bail!(
                "{why}; the end of {}:\n{}",
                log.display(),
                last_lines(log, 25)
            );
        }
        Ok(())
    }

    /// Asks the process to end, and kills it when it has not after `patience`.
    pub fn stop(&self, patience: Duration) -> Result<()> {
        self.signal("TERM", patience)?;
        self.kill()
    }

    /// Ends the process without asking.
    pub fn kill(&self) -> Result<()> {
        self.signal("KILL", Duration::from_secs(5))?;
        ensure!(!self.is_alive(), "process {} does not end", self.pid);
        Ok(())
    }

    /// Sends a signal and waits for the end.
    fn signal(&self, signal: &str, patience: Duration) -> Result<()> {
        if self.is_alive() {
            // The shell's own `kill`: not every machine has it as a program.
            let script = ["-c", "kill -s $0 $1", signal, &self.pid.to_string()];
            let _ = Command::new("sh").args(script).status()?;
        }
        let begin = Instant::now();
        while self.is_alive() && begin.elapsed() < patience {
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

/// Reads a process's state letter and start time.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it count from the state, field 3.
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    Some((
        fields.first()?.chars().next()?,
        fields.get(19)?.parse().ok()?,
    ))
}

pub fn last_lines(path: &Path, count: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_but_was_not_reaped_is_not_alive() {
        let log = std::env::temp_dir().join(format!("wlf-xtask-process-{}", std::process::id()));
        let process = Process::start(Command::new("sleep").arg("600"), &log).unwrap();
        assert!(process.is_alive());
        process.stop(Duration::from_secs(5)).unwrap();
        // Nobody waited for it, so it is still in the table, as a zombie.
        assert_eq!(stat(process.pid).map(|(state, _)| state), Some('Z'));
        assert!(!process.is_alive());
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_later_process_of_the_same_id_is_another_one() {
        let own = std::process::id();
        let (_, started) = stat(own).unwrap();
        assert!(Process { pid: own, started }.is_alive());
        assert!(
            !Process {
                pid: own,
                started: started + 1
            }
            .is_alive()
        );
    }
}
