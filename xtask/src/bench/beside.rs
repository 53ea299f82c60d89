//! What the processes of a live case take, which says who is the narrow end.

use std::time::Duration;

use super::case::Case;
use super::figures::Moved;
use super::goal::plain;
use super::machine;
use super::page::Table;
use super::run::Took;
use super::waits::Waits;

/// What happened beside the program in one run of a live case.
#[derive(Debug)]
pub struct Beside {
    /// CPU time of MySQL and of the destination.
    pub servers: [Duration; 2],
    pub waits: Waits,
}

/// The same of all runs of the form that is measured last.
#[derive(Debug, Default)]
pub struct Together {
    runs: u32,
    wall: Duration,
    cpu: Duration,
    servers: [Duration; 2],
    waits: Waits,
}

impl Together {
    pub fn add(&mut self, took: &Took, run: &Beside) {
        self.runs += 1;
        self.wall += took.wall;
        self.cpu += took.cpu;
        for (all, one) in self.servers.iter_mut().zip(run.servers) {
            *all += one;
        }
        self.waits.running += run.waits.running;
        self.waits.ready += run.waits.ready;
        self.waits.with_bytes += run.waits.with_bytes;
        self.waits.without += run.waits.without;
    }

    /// Of the program's wall time: on a core, ready to be, waiting for the destination, waiting for MySQL.
    fn shares(&self) -> [f64; 4] {
        let wall = self.wall.as_secs_f64();
        let [running, ready] =
            [self.waits.running, self.waits.ready].map(|time| time.as_secs_f64() / wall);
        let asleep = (1.0 - running - ready).max(0.0);
        let looks = f64::from((self.waits.with_bytes + self.waits.without).max(1));
        let with_bytes = asleep * f64::from(self.waits.with_bytes) / looks;
        [running, ready, with_bytes, asleep - with_bytes]
    }
}

/// CPU time of each process of a live case, and what wlf did: at a rate all cores have so many seconds for a million rows,
/// and what the servers take of them is not there for the program.
pub fn table() -> Table {
    Table::new(
        "servers",
        1,
        &[
            "case",
            "wlf, CPU s per million rows",
            "MySQL",
            "Kafka or Redis",
            "wall s per million rows",
            "left for wlf at the rate aimed at",
            "wlf: on a core, % of the time",
            "ready, others on all cores",
            "waits for Kafka or Redis",
            "waits for MySQL",
        ],
    )
}

/// Adds the line of a case whose servers are processes of ours.
pub fn add(table: &mut Table, case: &Case, moved: Moved, all: &Together) {
    if all.runs == 0 {
        return;
    }
    let [mysql, other] = all.servers;
    let million = moved.rows as f64 / 1e6 * f64::from(all.runs);
    let seconds = [all.cpu, mysql, other, all.wall].map(|time| time.as_secs_f64() / million);
    let mut cells = vec![case.name.to_owned()];
    cells.extend(seconds.map(plain));
    let [_, mysql, other, _] = seconds;
    let left = case
        .goal
        .map(|rate| machine::cores() * 1e6 / rate - mysql - other);
    cells.push(left.map_or_else(String::new, |left| format!("{left:.2}")));
    cells.extend(all.shares().map(|share| format!("{:.0}", share * 100.0)));
    table.line(&cells);
}

#[test]
fn what_is_not_on_a_core_and_not_ready_is_shared_out_by_the_looks() {
    let seconds = Duration::from_secs;
    let mut all = Together::default();
    for _ in 0..2 {
        let took = Took {
            wall: seconds(10),
            cpu: seconds(4),
            peak: 1,
        };
        let waits = Waits {
            running: seconds(4),
            ready: seconds(2),
            with_bytes: 30,
            without: 10,
        };
        let servers = [seconds(1), seconds(3)];
        all.add(&took, &Beside { servers, waits });
    }
    let rounded = all.shares().map(|share| (share * 100.0).round());
    assert_eq!(rounded, [40.0, 20.0, 30.0, 10.0]);
    assert_eq!(all.servers, [seconds(2), seconds(6)]);
}
