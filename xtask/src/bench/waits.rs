//! What a program that reads from MySQL waits for.

use std::fs;
use std::time::{Duration, Instant};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);

/// What the busiest thread of a process did while it ran.
#[derive(Debug, Default, Clone, Copy)]
pub struct Waits {
    /// On a core.
    pub running: Duration,
    /// Ready to be, while others were on all of them.
    pub ready: Duration,
    /// Looks at which it slept, although bytes from the server waited: so it waited for its destination.
    pub with_bytes: u32,
    /// Looks at which it slept and had nothing to read.
    pub without: u32,
}

/// Finds that out.
#[derive(Debug)]
pub struct Looks {
    /// The server's port.
    mysql: u16,
    last: Option<Instant>,
    pub waits: Waits,
}

impl Looks {
    pub fn new(mysql: u16) -> Self {
        Self {
            mysql,
            last: None,
            waits: Waits::default(),
        }
    }

    /// Looks at a process, if the last look was some time ago. One that has ended changes nothing.
    pub fn look(&mut self, pid: u32) {
        if self.last.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        self.last = Some(Instant::now());
        let waits = &mut self.waits;
        // At its end a process may have no other thread left than one that has only waited for the others.
        let Some((running, ready, is_asleep)) =
            busiest(pid).filter(|(running, ..)| *running >= waits.running)
        else {
            return;
        };
        waits.running = running;
        waits.ready = ready;
        if is_asleep && let Some(bytes) = unread(pid, self.mysql) {
            let count = match bytes {
                0 => &mut waits.without,
                _ => &mut waits.with_bytes,
            };
            *count += 1;
        }
    }
}

/// How long a process's busiest thread was on a core and was ready to be so far, and whether it sleeps now (proc(5),
/// `/proc/<pid>/task/<tid>/schedstat` and `stat`).
fn busiest(pid: u32) -> Option<(Duration, Duration, bool)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let figures = threads.filter_map(|thread| {
        let path = thread.ok()?.path();
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        let mut fields = text.split(' ');
        let mut nanoseconds = || Some(Duration::from_nanos(fields.next()?.parse().ok()?));
        Some((nanoseconds()?, nanoseconds()?, path))
    });
    let (running, ready, path) = figures.max_by_key(|(running, _, _)| *running)?;
    let stat = fs::read_to_string(path.join("stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, state) = stat.rsplit_once(") ")?;
    Some((running, ready, state.starts_with('S')))
}

/// The bytes that wait in the fullest connection to a port, as a process sees the network (proc(5), `/proc/<pid>/net/tcp`).
fn unread(pid: u32, port: u16) -> Option<u64> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    fullest(&table, port)
}

fn fullest(table: &str, port: u16) -> Option<u64> {
    let remote = format!(":{port:04X}");
    let waiting = table.lines().filter_map(|line| {
        // sl, local address, remote address, state, bytes to send:bytes to read
        let mut fields = line.split_whitespace().skip(2);
        let is_ours = fields.next()?.ends_with(&remote);
        let (_, unread) = fields.nth(1)?.split_once(':')?;
        is_ours.then(|| u64::from_str_radix(unread, 16).ok())?
    });
    waiting.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_connection_to_a_port_is_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n   \
            0: 0100007F:8235 0100007F:0CEA 01 00000000:0000010A 00:00000000 00000000\n   \
            1: 0100007F:8236 0100007F:0CEA 01 00000000:00000002 00:00000000 00000000\n   \
            2: 0100007F:0CEA 0100007F:8236 01 00000000:0000FFFF 00:00000000 00000000\n";
        assert_eq!(fullest(table, 3306), Some(266));
        assert_eq!(fullest(table, 9092), None);
    }

    #[test]
    fn a_thread_that_works_is_seen() {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(50) {}
        let (running, ..) = busiest(std::process::id()).unwrap();
        assert!(running > Duration::from_millis(10), "{running:?}");
    }
}
