//! The chunks of one partition on their way: several at once, and in order through every refusal.
//!
//! A broker refuses a batch as a whole. If it is for one of its rows, the batch goes again in parts until only that row is
//! left, and the others pass; the row is noted, and nothing of it is sent any more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rskafka::protocol::error::Error as Code;
use wlf_core::Severity;
use wlf_core::format::{Chunk, Lanes};

use crate::code::verdict;
use crate::error::Error;

/// How many requests may be under way for a partition. A broker remembers as many batches of a producer.
pub const IN_FLIGHT: usize = 5;

/// Brokers forget a producer that is silent for `producer.id.expiration.ms`, a day by default.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// The largest request that a broker reads with its default of `socket.request.max.bytes`, less room for what is around
/// a row.
pub const REQUEST: usize = (100 << 20) - 4096;

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
    Refused(Code),
    Lost,
}

/// A row that will never be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRecord {
    pub row: u32,
    /// The size of what was sent of it.
    pub bytes: usize,
    /// What the broker says of it; `None` if it is larger than a request may be.
    pub code: Option<Code>,
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
    /// What was refused and is to go again, and all that was under way behind it.
    returned: VecDeque<Chunk>,
    /// The first sequence number of what was refused: with it the rest goes on, once nothing is under way any more.
    resume: Option<i32>,
    /// The rows that are acknowledged, of the write under way.
    done: Vec<u32>,
    /// The rows of it that will never be, in order.
    refused: Vec<RefusedRecord>,
    /// Chunks that are larger are cut before they go.
    limit: Option<usize>,
    /// The size that the broker was found to take, where it is less than was thought.
    taken: Option<usize>,
    failed: Option<Failure>,
}

impl Window {
    /// Forgets the write before.
    pub fn begin(&mut self, lanes: &mut Lanes) {
        let returned = self.returned.drain(..);
        for chunk in returned.chain(self.waiting.drain(..)) {
            lanes.recycle(chunk);
        }
        self.done.clear();
        self.refused.clear();
        self.limit = None;
        self.taken = None;
        self.failed = None;
    }

    /// Lets a chunk wait for its turn; gives it back if it is larger than any request may be.
    pub fn add(&mut self, chunk: Chunk) -> Option<Chunk> {
        if chunk.size() > REQUEST {
            self.refuse(&chunk, None);
            return Some(chunk);
        }
        self.waiting.push_back(chunk);
        None
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
        if self.failed.is_some() || (self.resume.is_some() && self.under_way > 0) {
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
        let mut chunk = self.next_waiting(lanes)?;
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
        let sequence = self.sequence;
        self.sequence = after(sequence, chunk.rows().len());
        self.under_way += 1;
        Some((chunk, sequence))
    }

    /// The chunk that waits for the longest time, without more records of a row of which one was refused.
    fn next_waiting(&mut self, lanes: &mut Lanes) -> Option<Chunk> {
        loop {
            let chunk = self.waiting.pop_front()?;
            // The records of a row follow each other.
            let first = chunk.rows().first();
            if !first.is_some_and(|row| self.is_refused(*row)) {
                return Some(chunk);
            }
            let kept = lanes.retain(chunk, |row| !self.is_refused(row));
            if !kept.rows().is_empty() {
                return Some(kept);
            }
            lanes.recycle(kept);
        }
    }

    /// Puts what came back in front of what waits.
    fn rewind(&mut self) {
        if let Some(sequence) = self.resume.take() {
            self.sequence = sequence;
        }
        while let Some(chunk) = self.returned.pop_back() {
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
        lanes: &mut Lanes,
    ) -> Option<Chunk> {
        self.under_way -= 1;
        let is_first = self.resume.is_none();
        match answer {
            Answer::Acknowledged if is_first => {
                self.acknowledged = Some(now);
                self.done.extend_from_slice(chunk.rows());
                return Some(chunk);
            }
            // The broker looks at the rows first, so that it says this of what is out of order too.
            Answer::Refused(code) if rejects(code) => {
                self.resume.get_or_insert(sequence);
                return self.take_apart(chunk, code, lanes);
            }
            Answer::Refused(code) if is_first => self.failed = Some(Failure::Refused(code)),
            Answer::Lost if is_first => self.failed = Some(Failure::Lost),
            Answer::Acknowledged | Answer::Refused(_) | Answer::Lost => {}
        }
        self.resume.get_or_insert(sequence);
        self.returned.push_back(chunk);
        None
    }

    /// Lets the parts of a chunk go again that was refused for one of its rows; gives the chunk back if it has no parts.
    fn take_apart(&mut self, chunk: Chunk, code: Code, lanes: &mut Lanes) -> Option<Chunk> {
        let is_large = matches!(code, Code::MessageTooLarge | Code::RecordListTooLarge);
        let is_of_one = is_large || code == Code::InvalidRecord;
        if chunk.rows().len() < 2 || !is_of_one {
            self.refuse(&chunk, Some(code));
            return Some(chunk);
        }
        let limit = chunk.size() / 2;
        // A bad row says nothing about sizes.
        if is_large {
            self.limit = Some(limit);
            self.taken = Some(limit);
        }
        self.returned.extend(lanes.split(chunk, limit));
        None
    }

    /// Notes the rows of a chunk as refused, each once.
    fn refuse(&mut self, chunk: &Chunk, code: Option<Code>) {
        let bytes = chunk.size();
        for row in chunk.rows() {
            if let Err(at) = self.place_of_refused(*row) {
                let row = *row;
                self.refused.insert(at, RefusedRecord { row, bytes, code });
            }
        }
    }

    fn is_refused(&self, row: u32) -> bool {
        self.place_of_refused(row).is_ok()
    }

    fn place_of_refused(&self, row: u32) -> Result<usize, usize> {
        self.refused
            .binary_search_by_key(&row, |refused| refused.row)
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

    /// The rows that will never be, in order.
    pub fn refused(&self) -> &[RefusedRecord] {
        &self.refused
    }

    /// The rows that are neither, once it has failed.
    pub fn left(&self) -> impl Iterator<Item = u32> {
        let chunks = self.waiting.iter();
        chunks.flat_map(|chunk| chunk.rows().iter().copied())
    }

    /// The size that the broker was found to take in this write.
    pub fn taken(&self) -> Option<usize> {
        self.taken
    }
}

/// Whether a broker says this of rows that it will never take.
fn rejects(code: Code) -> bool {
    verdict(code).0 == Severity::Reject
}

/// Sequence numbers go around from `i32::MAX` to 0.
fn after(sequence: i32, records: usize) -> i32 {
    sequence.wrapping_add(records as i32) & i32::MAX
}

#[cfg(test)]
mod tests;
