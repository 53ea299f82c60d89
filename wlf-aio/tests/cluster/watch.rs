//! Notes when partitions can be written to again, as the brokers say it.
#![allow(dead_code, reason = "each of the two test binaries uses a part")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::brokers::{Brokers, COUNT};
use crate::metadata::{self, Partition};

/// How often each broker is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// Milliseconds since 1970, as Kafka counts.
pub type Millis = u64;

pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock").as_millis() as Millis
}

/// A thread for each broker that asks it about a topic all the time.
pub struct Watch {
    notes: Arc<Mutex<Notes>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Notes {
    /// How many replicas are to be in sync (`min.insync.replicas`).
    least: usize,
    /// What was last said of each partition.
    partitions: BTreeMap<i32, Partition>,
    /// When a partition could be written to again, under another leader or after it could not.
    openings: Vec<(i32, Millis)>,
    /// When something was done to a broker.
    faults: Vec<Millis>,
}

impl Watch {
    pub fn start(brokers: &Brokers, topic: &str) -> Self {
        let notes = Notes {
            least: 2,
            ..Notes::default()
        };
        let notes = Arc::new(Mutex::new(notes));
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..COUNT).map(|number| {
            let (address, topic) = (brokers.address(number), topic.to_owned());
            let (notes, stop) = (Arc::clone(&notes), Arc::clone(&stop));
            std::thread::spawn(move || {
                while !stop.load(Relaxed) {
                    if let Ok(said) = metadata::ask(&address, Some(&topic)) {
                        notes.lock().expect("notes").take(&said.partitions, now());
                    }
                    std::thread::sleep(PAUSE);
                }
            })
        });
        Self {
            threads: threads.collect(),
            notes,
            stop,
        }
    }

    /// Which broker leads a partition, if one does.
    pub fn leader(&self, partition: i32) -> Option<i32> {
        let notes = self.notes.lock().expect("notes");
        let leader = notes.partitions.get(&partition)?.leader;
        (leader >= 0).then_some(leader)
    }

    /// How many replicas are to be in sync from now on.
    pub fn needs(&self, least: usize) {
        self.notes.lock().expect("notes").least = least;
    }

    /// Notes that something is done to a broker now.
    pub fn fault(&self) {
        self.notes.lock().expect("notes").faults.push(now());
    }

    /// Ends it; says when which partition could be written to again, and when something was done to a broker.
    pub fn end(self) -> (Vec<(i32, Millis)>, Vec<Millis>) {
        self.stop.store(true, Relaxed);
        for thread in self.threads {
            thread.join().expect("the watch");
        }
        let notes = std::mem::take(&mut *self.notes.lock().expect("notes"));
        (notes.openings, notes.faults)
    }
}

impl Notes {
    fn take(&mut self, said: &[Partition], now: Millis) {
        for partition in said {
            let known = self.partitions.insert(partition.number, *partition);
            let Some(known) = known else {
                continue;
            };
            // One that was frozen tells of a past.
            if known.epoch > partition.epoch {
                self.partitions.insert(partition.number, known);
                continue;
            }
            let is_other = known.leader != partition.leader;
            if partition.takes(self.least) && (is_other || !known.takes(self.least)) {
                self.openings.push((partition.number, now));
            }
        }
    }
}
