//! All that is on its way of a write, to all partitions of all brokers.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rskafka::protocol::error::Error as Code;
use tokio::time::timeout_at;
use wlf_core::format::{Chunk, Lanes};
use wlf_core::turn;

use crate::cluster::Cluster;
use crate::compression::Compression;
use crate::error::Error;
use crate::outlet::{Outlet, Request};
use crate::packing::{Packed, Packing};
use crate::partitions::{BATCH, Partition, Partitions};
use crate::produce::{Head, Version};
use crate::record_batch::{BatchHeader, Producer};
use crate::window::{Failure, IN_FLIGHT, REQUEST, RefusedRecord};

/// What is encoded and not acknowledged, in bytes, at which encoding waits: as much as one partition has under way.
const HELD: usize = IN_FLIGHT * BATCH;

/// The partitions, and the connections to their leaders.
#[derive(Debug)]
pub struct Flow {
    pub partitions: Partitions,
    /// `None` writes without idempotence.
    producer: Option<Producer>,
    compression: Compression,
    packing: Packing,
    outlets: HashMap<i32, Outlet>,
    correlation: i32,
    /// When the write under way began.
    began: Instant,
    /// The same in milliseconds since 1970.
    timestamp: i64,
    /// The partitions that have rows of the write under way.
    touched: Vec<usize>,
    /// The bytes of it that are not acknowledged.
    held: usize,
}

/// What became of a write.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was not acknowledged, if something was not that may be another time.
    pub failed: Option<Failed>,
    /// The rows that no broker will ever take, and why; a row may be there twice.
    pub refused: Vec<(u32, Error)>,
    /// A topic takes less at once than was thought.
    pub is_narrowed: bool,
}

/// Where a write failed.
#[derive(Debug)]
pub struct Failed {
    /// The first row that was not acknowledged, and why.
    pub row: u32,
    pub error: Error,
    /// The rows behind it that need not be sent again, in order.
    pub ahead: Vec<u32>,
}

impl Flow {
    pub fn new(producer: Option<Producer>, compression: Compression) -> Self {
        Self {
            producer,
            compression,
            packing: Packing::default(),
            partitions: Partitions::default(),
            outlets: HashMap::new(),
            correlation: 0,
            began: Instant::now(),
            timestamp: 0,
            touched: Vec::new(),
            held: 0,
        }
    }

    /// Begins a write.
    pub fn begin(&mut self) {
        self.held = 0;
        self.outlets.retain(|_, outlet| !outlet.is_old());
        self.began = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.timestamp = since.map_or(0, |since| since.as_millis().try_into().unwrap_or(i64::MAX));
    }

    /// Lets a chunk go to its partition; connects to its leader if that was not done.
    pub async fn add(&mut self, lane: usize, chunk: Chunk, cluster: &Cluster, lanes: &mut Lanes) {
        let partition = &mut self.partitions[lane];
        if !partition.is_touched {
            partition.is_touched = true;
            self.touched.push(lane);
            partition.window.begin(lanes);
        }
        let size = chunk.size();
        if let Some(refused) = partition.window.add(chunk) {
            return lanes.recycle(refused);
        }
        self.held += size;
        let leader = partition.leader;
        if !self.outlets.contains_key(&leader) && !partition.window.has_failed() {
            let opened = match cluster.address(leader) {
                Ok(address) => {
                    let (dial, id) = (cluster.dial(), cluster.id());
                    Outlet::open(dial, address, id, self.producer.is_some()).await
                }
                Err(error) => Err(error),
            };
            match opened {
                Ok(outlet) => {
                    self.outlets.insert(leader, outlet);
                }
                Err(error) => self.partitions[lane].window.fail(Failure::Error(error)),
            }
        }
        self.feed(lane, lanes);
        if !self.packing.is_idle() {
            self.turn(lanes).await;
        }
    }

    /// Gives the partition's connection what may go.
    fn feed(&mut self, lane: usize, lanes: &mut Lanes) {
        let partition = &mut self.partitions[lane];
        let Some(outlet) = self.outlets.get_mut(&partition.leader) else {
            return;
        };
        let idempotent = self.producer.is_some();
        while let Some((chunk, sequence)) = partition.window.next(idempotent, self.began, lanes) {
            self.correlation = self.correlation.wrapping_add(1);
            let head = Head {
                version: Version::of(self.compression),
                correlation: self.correlation,
                topic: partition.topic.clone(),
                partition: partition.number,
            };
            let header = BatchHeader {
                producer: self.producer,
                sequence,
                timestamp: self.timestamp,
                compression: self.compression,
                records: chunk.rows().len(),
            };
            let request = Request {
                lane,
                chunk,
                packed: Vec::new(),
                start: 0,
                head,
                sequence,
            };
            if let Some(packed) = self.packing.pack(header, request) {
                send(outlet, packed);
            }
        }
    }

    /// Compresses the first chunk that may go, while others get their turns. Cancel-safe.
    async fn pack(&mut self) {
        while !self.packing.is_idle() {
            if let Some(packed) = self.packing.work() {
                let leader = self.partitions[packed.0.lane].leader;
                if let Some(outlet) = self.outlets.get_mut(&leader) {
                    send(outlet, packed);
                }
                return turn::pass_on().await;
            }
            turn::pass_on().await;
        }
    }

    /// Sends and receives as much as goes at once; pending if nothing was answered.
    fn poll(&mut self, lanes: &mut Lanes, context: &mut Context<'_>) -> Poll<()> {
        let mut answered = Vec::new();
        for outlet in self.outlets.values_mut() {
            while let Poll::Ready(Some((request, answer))) = outlet.poll(context) {
                let Request {
                    lane,
                    chunk,
                    packed,
                    sequence,
                    ..
                } = request;
                self.packing.recycle(packed);
                let window = &mut self.partitions[lane].window;
                if let Some(done) = window.answered(chunk, sequence, answer, self.began, lanes) {
                    self.held = self.held.saturating_sub(done.size());
                    lanes.recycle(done);
                }
                answered.push(lane);
            }
        }
        if answered.is_empty() {
            return Poll::Pending;
        }
        for lane in answered {
            self.feed(lane, lanes);
        }
        Poll::Ready(())
    }

    /// Sends and receives as much as goes without waiting, and compresses what may go, while others get their turns.
    /// Cancel-safe.
    pub async fn turn(&mut self, lanes: &mut Lanes) {
        loop {
            poll_fn(|context| {
                while self.poll(lanes, context).is_ready() {}
                Poll::Ready(())
            })
            .await;
            if self.packing.is_idle() {
                return;
            }
            self.pack().await;
        }
    }

    /// Returns when there is room for more.
    pub async fn make_room(&mut self, cluster: &mut Cluster, lanes: &mut Lanes) {
        // With its compressed form a batch takes about twice the memory until it is acknowledged.
        let most = match self.compression {
            Compression::None => HELD,
            _ => HELD / 2,
        };
        while self.held > most && !self.is_idle() {
            self.wait(cluster, lanes).await;
        }
    }

    /// Returns when everything is acknowledged, or cannot be.
    pub async fn finish(&mut self, cluster: &mut Cluster, lanes: &mut Lanes) {
        while !self.is_idle() {
            self.wait(cluster, lanes).await;
        }
    }

    /// Whether nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.packing.is_idle() && self.outlets.values().all(Outlet::is_idle)
    }

    /// Whether a partition has rows of the write under way that cannot go.
    pub fn has_failed(&self) -> bool {
        let mut touched = self.touched.iter();
        touched.any(|lane| self.partitions[*lane].window.has_failed())
    }

    /// Waits for an answer, or until what may go is compressed. Cancel-safe.
    pub async fn wait(&mut self, cluster: &mut Cluster, lanes: &mut Lanes) {
        if !self.packing.is_idle() {
            return self.turn(lanes).await;
        }
        let deadlines = self.outlets.values().filter_map(Outlet::deadline);
        let Some(deadline) = deadlines.min() else {
            return;
        };
        let turn = poll_fn(|context| self.poll(lanes, context));
        if timeout_at(deadline.into(), turn).await.is_err() {
            self.look_after_silent(cluster).await;
        }
    }

    /// Asks about brokers that owe answers: others may lead their partitions by now, and a broker that is frozen, or cut
    /// off, does not say so.
    async fn look_after_silent(&mut self, cluster: &mut Cluster) {
        let now = Instant::now();
        let silent = self.outlets.iter_mut();
        let silent: Vec<i32> = silent
            .filter_map(|(id, outlet)| outlet.is_silent(now).then_some(*id))
            .collect();
        if silent.is_empty() {
            return;
        }
        let owed = self.touched.iter().map(|lane| &self.partitions[*lane]);
        let owed = owed.filter(|partition| silent.contains(&partition.leader));
        let mut topics: Vec<Arc<str>> = owed.map(|partition| partition.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        let names: Vec<&str> = topics.iter().map(|name| &**name).collect();
        let described = cluster.ask_others(&silent, &names).await;
        for (topic, partition, old, new) in self.partitions.moved(&described) {
            if silent.contains(&old)
                && let Some(outlet) = self.outlets.get_mut(&old)
            {
                outlet.break_off(Error::Moved {
                    topic: topic.to_string(),
                    partition,
                    old,
                    new,
                });
            }
        }
    }

    /// Ends the write.
    pub fn end(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut first: Option<(u32, usize, Failure)> = None;
        // The rows of which a record is not acknowledged. A row may have several, and is there when all of them are.
        let mut left = Vec::new();
        for lane in &self.touched {
            let Partition { topic, window, .. } = &mut self.partitions[*lane];
            left.extend(window.refused().iter().map(|refused| refused.row));
            if let Some((row, failure)) = window.take_failure() {
                left.extend(window.left());
                if first.as_ref().is_none_or(|(earlier, ..)| row < *earlier) {
                    first = Some((row, *lane, failure));
                }
            }
            if let Some(taken) = window.taken() {
                let topic = topic.clone();
                outcome.is_narrowed |= self.partitions.narrow(&topic, taken);
            }
        }
        for lane in &self.touched {
            let partition = &self.partitions[*lane];
            let refused = partition.window.refused().iter();
            let refused = refused.map(|refused| (refused.row, refusal(partition, *refused)));
            outcome.refused.extend(refused);
        }
        outcome.failed = first.map(|(row, lane, failure)| {
            let done = self.touched.iter().map(|lane| &self.partitions[*lane]);
            let done = done.flat_map(|partition| partition.window.done());
            let mut ahead: Vec<u32> = done.copied().filter(|done| *done > row).collect();
            ahead.sort_unstable();
            ahead.dedup();
            left.sort_unstable();
            ahead.retain(|row| left.binary_search(row).is_err());
            Failed {
                row,
                error: self.error(lane, failure),
                ahead,
            }
        });
        for lane in self.touched.drain(..) {
            self.partitions[lane].is_touched = false;
        }
        outcome
    }

    fn error(&mut self, lane: usize, failure: Failure) -> Error {
        let partition = &self.partitions[lane];
        match failure {
            Failure::Error(error) => error,
            Failure::Lost => {
                let outlet = self.outlets.get_mut(&partition.leader);
                let error = outlet.and_then(Outlet::take_error);
                error.unwrap_or(Error::NotConnected)
            }
            Failure::Refused(code) => partition_error(partition, code),
        }
    }
}

/// Why a row will never be taken.
fn refusal(partition: &Partition, refused: RefusedRecord) -> Error {
    let RefusedRecord { bytes, code, .. } = refused;
    match code {
        None => Error::RequestTooLarge {
            bytes,
            limit: REQUEST,
        },
        Some(code @ (Code::MessageTooLarge | Code::RecordListTooLarge)) => Error::RowTooLarge {
            topic: partition.topic.to_string(),
            bytes,
            code,
        },
        Some(code) => partition_error(partition, code),
    }
}

fn partition_error(partition: &Partition, code: Code) -> Error {
    Error::Partition {
        topic: partition.topic.to_string(),
        partition: partition.number,
        code,
    }
}

/// Lets a request go; one that could not be made ends the use of the connection, so that nothing of it counts as sent.
fn send(outlet: &mut Outlet, (request, made): Packed) {
    if let Err(source) = made {
        outlet.break_off(Error::Batch { source });
    }
    outlet.send(request);
}

#[cfg(test)]
mod tests;
