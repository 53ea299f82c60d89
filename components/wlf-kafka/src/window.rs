//! The chunks of one partition on their way: several at once, and in order through every refusal.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rskafka::protocol::error::Error as Code;
use wlf_core::format::{Chunk, Lanes};

use crate::error::Error;

/// How many requests may be under way for a partition. A broker remembers as many batches of a producer.
pub const IN_FLIGHT: usize = 5;

/// Brokers forget a producer that is silent for `producer.id.expiration.ms`, a day by default.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The largest request that a broker reads with its default of `socket.request.max.bytes`, less room for what is around
/// a row.
const REQUEST: usize = (100 << 20) - 4096;

/// What became of a chunk that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Acknowledged,
    Refused(Code),
    /// The connection broke, or the answer was none.
    Lost,
}

/// Why a partition takes no more of a write.
#[derive(Debug)]
pub enum Failure {
    Error(Error),
    Refused { code: Code, bytes: usize },
    Lost,
}

/// The chunks of one partition.
#[derive(Debug, Default)]
pub struct Window {
    /// The next record's sequence number.
    sequence: i32,
    /// When the leader last acknowledged something, and so knew the producer.
    acknowledged: Option<Instant>,
    /// What was not sent yet.
    waiting: VecDeque<Chunk>,
    under_way: usize,
    /// The chunk that was refused and those that were under way behind it, each with its first sequence number.
    returned: VecDeque<(Chunk, i32)>,
    /// The rows that are acknowledged, of the write under way.
    done: Vec<u32>,
    /// Chunks that are larger are cut before they go.
    limit: Option<usize>,
    /// The size that the broker was found to take, where it is less than was thought.
    taken: Option<usize>,
    failed: Option<Failure>,
}

impl Window {
    /// Forgets the write before.
    pub fn begin(&mut self, lanes: &mut Lanes) {
        let returned = self.returned.drain(..).map(|(chunk, _)| chunk);
        for chunk in returned.chain(self.waiting.drain(..)) {
            lanes.recycle(chunk);
        }
        self.done.clear();
        self.limit = None;
        self.taken = None;
        self.failed = None;
    }

    /// Lets a chunk wait for its turn.
    pub fn add(&mut self, chunk: Chunk) {
        self.waiting.push_back(chunk);
    }

    pub fn fail(&mut self, failure: Failure) {
        self.failed.get_or_insert(failure);
    }

    /// The next chunk that may go, and its first record's sequence number.
    ///
    /// A leader that does not know the producer takes any sequence number for its first: until then, and without a
    /// producer, one request goes after the other. None goes behind one that was refused, and the broker refuses those
    /// that are under way behind it because of their numbers.
    pub fn next(
        &mut self,
        idempotent: bool,
        now: Instant,
        lanes: &mut Lanes,
    ) -> Option<(Chunk, i32)> {
        if self.failed.is_some() || (!self.returned.is_empty() && self.under_way > 0) {
            return None;
        }
        self.rewind();
        let known = self
            .acknowledged
            .is_some_and(|then| now.duration_since(then) < FORGOTTEN);
        let window = if idempotent && known { IN_FLIGHT } else { 1 };
        if self.under_way >= window {
            return None;
        }
        let mut chunk = self.waiting.pop_front()?;
        if let Some(limit) = self.limit
            && chunk.size() > limit
            && chunk.rows().len() > 1
        {
            let mut parts = lanes.split(chunk, limit).into_iter();
            chunk = parts.next()?;
            for part in parts.rev() {
                self.waiting.push_front(part);
            }
        }
        if chunk.size() > REQUEST {
            if self.under_way > 0 {
                // What is before it is heard of first.
                self.waiting.push_front(chunk);
                return None;
            }
            self.failed = Some(Failure::Error(Error::RequestTooLarge {
                bytes: chunk.size(),
                limit: REQUEST,
            }));
            self.waiting.push_front(chunk);
            return None;
        }
        let sequence = self.sequence;
        self.sequence = after(sequence, chunk.rows().len());
        self.under_way += 1;
        Some((chunk, sequence))
    }

    /// Puts what came back in front of what waits.
    fn rewind(&mut self) {
        if let Some((_, sequence)) = self.returned.front() {
            self.sequence = *sequence;
        }
        while let Some((chunk, _)) = self.returned.pop_back() {
            self.waiting.push_front(chunk);
        }
    }

    /// Takes the answer to the oldest chunk under way; gives the chunk back if it is done.
    pub fn answered(
        &mut self,
        chunk: Chunk,
        sequence: i32,
        answer: Answer,
        now: Instant,
    ) -> Option<Chunk> {
        self.under_way -= 1;
        let first = self.returned.is_empty();
        match answer {
            Answer::Acknowledged if first => {
                self.acknowledged = Some(now);
                self.done.extend_from_slice(chunk.rows());
                return Some(chunk);
            }
            Answer::Refused(code) if first => match narrower(&chunk, code) {
                Some(limit) => {
                    self.limit = Some(limit);
                    // Singling out a bad row says nothing about sizes.
                    self.taken = if limit > 0 { Some(limit) } else { self.taken };
                }
                None => {
                    let bytes = chunk.size();
                    self.failed = Some(Failure::Refused { code, bytes });
                }
            },
            Answer::Lost if first => self.failed = Some(Failure::Lost),
            Answer::Acknowledged | Answer::Refused(_) | Answer::Lost => {}
        }
        self.returned.push_back((chunk, sequence));
        None
    }

    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The first row that was not acknowledged and why, if one was not; the rest of the write is not sent.
    pub fn take_failure(&mut self) -> Option<(u32, Failure)> {
        let failure = self.failed.take()?;
        self.rewind();
        let first = self.waiting.front().and_then(|chunk| chunk.rows().first());
        Some((first.copied().unwrap_or(u32::MAX), failure))
    }

    /// The rows that are acknowledged.
    pub fn done(&self) -> &[u32] {
        &self.done
    }

    /// The rows that are not, once it has failed.
    pub fn left(&self) -> impl Iterator<Item = u32> {
        let chunks = self.waiting.iter();
        chunks.flat_map(|chunk| chunk.rows().iter().copied())
    }

    /// The size that the broker was found to take in this write.
    pub fn taken(&self) -> Option<usize> {
        self.taken
    }
}

/// The limit with which a refused chunk may pass in parts; `None` if parts will not do.
fn narrower(chunk: &Chunk, code: Code) -> Option<usize> {
    if chunk.rows().len() < 2 {
        return None;
    }
    match code {
        Code::MessageTooLarge | Code::RecordListTooLarge => Some(chunk.size() / 2),
        // One of the rows is meant, and only it is to be rejected.
        Code::InvalidRecord => Some(0),
        _ => None,
    }
}

/// Sequence numbers go around from `i32::MAX` to 0.
fn after(sequence: i32, records: usize) -> i32 {
    sequence.wrapping_add(records as i32) & i32::MAX
}

#[cfg(test)]
mod tests;
