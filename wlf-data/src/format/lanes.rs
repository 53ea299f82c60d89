//! Records that are framed where they are written, in lanes that fill up side by side.
//!
//! A lane is what reaches one place in order, such as a partition of a topic. Its records stand one behind the other in a
//! chunk, with room in front for what their owner sends before them, so that a chunk leaves as it was written.

mod chunk;
mod murmur2;

use std::collections::VecDeque;

pub use chunk::Chunk;
pub use murmur2::murmur2;

use super::buffer::Buffer;
use super::record::EncodedRecord;
use crate::message::Headers;

/// The memory of chunks that is kept for later ones, in bytes.
const SPARE: usize = 4 << 20;

/// Where the rows of an event go: into one of some lanes that stand side by side, by the row's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    pub first: usize,
    /// How many lanes; with one the key chooses nothing.
    pub lanes: usize,
    /// A chunk has no more bytes of records than this, unless a record alone has more.
    pub limit: usize,
}

/// All lanes of a destination.
#[derive(Debug, Default)]
pub struct Lanes {
    /// The chunk that each lane fills; one without memory for a lane that has nothing.
    open: Vec<Chunk>,
    /// The lanes whose chunks have memory.
    filling: Vec<usize>,
    full: VecDeque<(usize, Chunk)>,
    spare: Vec<Chunk>,
    spare_bytes: usize,
    /// The bytes that chunks begin with, for their owner.
    room: usize,
    target: Target,
    /// The number of the next event's first row.
    row: u32,
    /// The bytes of all records since the last `clear`.
    written: usize,
    /// How many records had no key.
    keyless: usize,
    /// The key of the row under way.
    pub(super) key: Buffer,
}

impl Lanes {
    /// Lanes whose chunks begin with `room` bytes for their owner.
    pub fn new(room: usize) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// Makes more lanes and gives the number of the first.
    pub fn add(&mut self, lanes: usize) -> usize {
        let first = self.open.len();
        self.open.resize_with(first + lanes, Chunk::default);
        first
    }

    /// Lets the rows of the next events go to `target`, the first of them with the number `row`.
    #[inline]
    pub fn aim(&mut self, target: Target, row: u32) {
        debug_assert!(target.first + target.lanes.max(1) <= self.open.len());
        self.target = target;
        self.row = row;
    }

    /// Takes so many rows for written.
    #[inline(always)]
    pub(super) fn pass(&mut self, rows: u32) {
        self.row += rows;
    }

    /// The lane for the row whose key is in `self.key`.
    #[inline(always)]
    pub(super) fn choose(&mut self) -> usize {
        let Target { first, lanes, .. } = self.target;
        let lane = if lanes > 1 {
            first + (murmur2(&self.key) & i32::MAX) as usize % lanes
        } else {
            first
        };
        if self.open[lane].is_closed() {
            self.open_chunk(lane);
        }
        lane
    }

    /// Begins a record of `lane`, with the key in `self.key`; its value goes to the buffer.
    #[inline(always)]
    pub(super) fn begin(&mut self, lane: usize) -> (&mut Buffer, Begun) {
        self.open[lane].begin(Some(&self.key))
    }

    /// Ends the record of the row with this number in its event.
    #[inline(always)]
    pub(super) fn end(&mut self, lane: usize, begun: Begun, number: u32) {
        let row = self.row + number;
        self.written += self.open[lane].end(begun, row);
        if self.open[lane].size() > self.target.limit {
            self.overflow(lane);
        }
    }

    /// Forgets a record that was begun.
    #[cold]
    pub(super) fn take_back(&mut self, lane: usize, begun: Begun) {
        self.open[lane].take_back(begun);
    }

    /// Appends a record of the row `row` to a lane, whose chunks have no more bytes than `limit`.
    pub fn push(
        &mut self,
        lane: usize,
        limit: usize,
        row: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Headers<'_>,
    ) {
        if self.open[lane].is_closed() {
            self.open_chunk(lane);
        }
        self.written += self.open[lane].push(row, key, value, headers);
        if self.open[lane].size() > limit {
            self.overflow(lane);
        }
    }

    /// Appends a record that was encoded elsewhere to the lane of its key. Those without a key take turns, some hundred to
    /// each lane.
    pub(super) fn push_by_key(&mut self, record: &EncodedRecord<'_>) {
        const TOGETHER: usize = 256;
        let lane = if record.key.is_some() || !record.identity.is_empty() {
            self.key.clear();
            self.key.put(record.identity);
            self.choose()
        } else {
            self.keyless += 1;
            self.target.first + self.keyless / TOGETHER % self.target.lanes.max(1)
        };
        let row = self.row + u32::try_from(record.row).unwrap_or(u32::MAX);
        let limit = self.target.limit;
        let (key, value, headers) = (record.key, record.value, record.headers);
        self.push(lane, limit, row, key, value, headers);
    }

    #[cold]
    #[inline(never)]
    fn open_chunk(&mut self, lane: usize) {
        self.open[lane] = self.spare_chunk();
        self.filling.push(lane);
    }

    /// A chunk without records, with memory of an earlier one if there is some.
    fn spare_chunk(&mut self) -> Chunk {
        let mut chunk = self.spare.pop().unwrap_or_default();
        self.spare_bytes -= chunk.memory();
        chunk.open(self.room);
        chunk
    }

    /// Takes the memory of a chunk that is done.
    pub fn recycle(&mut self, chunk: Chunk) {
        let memory = chunk.memory();
        if self.spare_bytes + memory <= SPARE {
            self.spare_bytes += memory;
            self.spare.push(chunk);
        }
    }

    /// Lets a chunk go that the last record made larger than it may be; the record begins the next one, unless it is the
    /// only one.
    #[cold]
    #[inline(never)]
    fn overflow(&mut self, lane: usize) {
        let mut next = self.spare_chunk();
        let chunk = &mut self.open[lane];
        if chunk.rows().len() > 1 {
            chunk.move_last(&mut next);
        }
        let full = std::mem::replace(chunk, next);
        self.full.push_back((lane, full));
    }

    /// Moves the records of a chunk to smaller ones.
    pub fn split(&mut self, chunk: Chunk, limit: usize) -> Vec<Chunk> {
        let parts = chunk.split(limit, || self.spare_chunk());
        self.recycle(chunk);
        parts
    }

    /// Moves the records of the rows that are to be kept to another chunk, which is empty if there are none.
    pub fn retain(&mut self, chunk: Chunk, keep: impl Fn(u32) -> bool) -> Chunk {
        let mut kept = self.spare_chunk();
        chunk.copy(&mut kept, keep);
        self.recycle(chunk);
        kept
    }

    pub fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// The bytes of all records since the last `clear`.
    pub fn written(&self) -> usize {
        self.written
    }

    /// A chunk that is full and its lane, in the order in which they filled.
    pub fn take_full(&mut self) -> Option<(usize, Chunk)> {
        self.full.pop_front()
    }

    /// Takes all chunks for full that have records.
    pub fn fill(&mut self) {
        while let Some(lane) = self.filling.pop() {
            let chunk = std::mem::take(&mut self.open[lane]);
            if chunk.rows().is_empty() {
                self.recycle(chunk);
            } else {
                self.full.push_back((lane, chunk));
            }
        }
    }

    /// Forgets all records, and keeps the lanes.
    pub fn clear(&mut self) {
        self.written = 0;
        self.fill();
        while let Some((_, chunk)) = self.full.pop_front() {
            self.recycle(chunk);
        }
    }

    /// Forgets all lanes too.
    pub fn remove(&mut self) {
        self.clear();
        self.open.clear();
    }
}

/// Where a record begins in its chunk, and its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    start: usize,
    value: usize,
}

#[cfg(test)]
pub(super) mod tests;
