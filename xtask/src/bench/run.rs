//! A process that is timed from its start to its end.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Took {
    pub wall: Duration,
    /// Of the process alone, in user and system mode.
    pub cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak: u64,
}

/// Runs a command to its end, which has to be a good one; returns what it said on stderr too.
pub fn timed(command: &mut Command) -> Result<(Took, String)> {
    watched(command, |_| ())
}

/// The same, with looks at the process while it runs.
pub fn watched(command: &mut Command, look: impl FnMut(u32) + Send) -> Result<(Took, String)> {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    let mut stderr = child.stderr.take().context("a pipe")?;
    let pid = child.id();
    let ended = AtomicBool::new(false);
    let (read, peak) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(pid, &ended, look));
        let read = stderr.read_to_string(&mut said);
        ended.store(true, Ordering::Relaxed);
        (read, watching.join().unwrap_or_default())
    });
    read?;
    let (status, mut took) = reap(&child)?;
    took.wall = begin.elapsed();
    if peak > 0 {
        took.peak = peak;
    }
    ensure!(status == 0, "{command:?} failed: {said}");
    Ok((took, said))
}

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The most memory that a process has had resident, in bytes, until it has `ended`; 0 if it was too quick.
fn watch(pid: u32, ended: &AtomicBool, mut look: impl FnMut(u32)) -> u64 {
    let mut last = 0;
    while !ended.load(Ordering::Relaxed) {
        // Not the most of all looks: at the first, the process may still be in the memory of this one.
        last = peak(pid).unwrap_or(last);
        look(pid);
        std::thread::sleep(LOOK);
    }
    last
}

/// The most memory that a process has had resident so far, in bytes (proc(5), `VmHWM`).
///
/// `getrusage` counts what this process had when it started that one, which may be a whole recording.
pub fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rest = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes = rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Waits for a process and takes its accounts, as the kernel kept them: wait4(2), getrusage(2).
pub fn reap(child: &Child) -> Result<(i32, Took)> {
    let mut status = 0;
    // SAFETY: all-zero bytes are a valid `rusage`, which has only integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals that outlive the call; the process is our own child.
    let reaped = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    ensure!(reaped == child.id() as i32, std::io::Error::last_os_error());
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    let took = Took {
        wall: Duration::ZERO,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak: usage.ru_maxrss as u64 * 1024,
    };
    Ok((status, took))
}

/// The CPU time that another process has used so far, its threads included (proc(5), `/proc/<pid>/stat`).
pub fn used(pid: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it count from the state, field 3.
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    // utime, stime
    let ticks = ticks()? + ticks()?;
    // SAFETY: sysconf takes no pointer.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// The same to the nanosecond, of the threads that are there (`/proc/<pid>/task/<tid>/schedstat`).
pub fn used_by_threads(pid: u32) -> Option<Duration> {
    let mut all = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        all += Duration::from_nanos(text.split(' ').next()?.parse().ok()?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_time_and_memory_and_may_fail() {
        let (took, said) =
            timed(Command::new("sh").args(["-c", "echo hello >&2; sleep 0.1"])).unwrap();
        assert_eq!(said, "hello\n");
        assert!(took.peak > 100_000 && took.cpu <= took.wall * 2 + Duration::from_millis(50));
        assert!(timed(Command::new("sh").args(["-c", "exit 3"])).is_err());
        assert!(used(std::process::id()).is_some());
    }
}
