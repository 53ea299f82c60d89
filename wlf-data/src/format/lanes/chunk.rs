//! Records of one lane that go out together, framed as in Kafka's message format 2.
//!
//! Source: <https://kafka.apache.org/documentation/#record>

use super::Begun;
use crate::format::buffer::Buffer;
use crate::message::Headers;

/// Records of one lane that go out together.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Room for the owner, then the records.
    bytes: Buffer,
    room: usize,
    is_open: bool,
    /// The row of each record.
    rows: Vec<u32>,
    /// Where the last record begins.
    last: usize,
    /// How many bytes the lengths of the last record and of its value took; the next one's mostly take as many.
    widths: (usize, usize),
}

impl Chunk {
    pub(super) fn open(&mut self, room: usize) {
        self.bytes.clear();
        self.bytes.skip(room);
        self.room = room;
        self.is_open = true;
        self.rows.clear();
        self.widths = (2, 2);
    }

    pub(super) fn is_closed(&self) -> bool {
        !self.is_open
    }

    /// The memory that it holds, in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.memory() + self.rows.capacity() * size_of::<u32>()
    }

    /// The number of the row of each record.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The records.
    pub fn records(&self) -> &[u8] {
        self.bytes.as_slice().get(self.room..).unwrap_or_default()
    }

    /// The size of the records in bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.bytes.len() - self.room
    }

    /// The owner's room and the records behind it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The owner's room and the records behind it.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.as_mut_slice()
    }

    /// Writes a record up to its value, as if the value were about as long as the one before.
    #[inline(always)]
    pub(super) fn begin(&mut self, key: Option<&[u8]>) -> (&mut Buffer, Begun) {
        let start = self.bytes.len();
        let (length, value_length) = self.widths;
        skip(length, &mut self.bytes);
        self.bytes.array([0, 0]); // attributes, timestampDelta
        varint(self.rows.len() as i32, &mut self.bytes); // offsetDelta
        match key {
            None => varint(-1, &mut self.bytes),
            Some(key) => {
                varint(key.len() as i32, &mut self.bytes);
                self.bytes.put(key);
            }
        }
        skip(value_length, &mut self.bytes);
        let value = self.bytes.len();
        (&mut self.bytes, Begun { start, value })
    }

    /// Ends a record whose value was written, and which has no header; gives its size.
    #[inline(always)]
    pub(super) fn end(&mut self, begun: Begun, row: u32) -> usize {
        let length = (self.bytes.len() - begun.value) as i32;
        self.bytes.byte(0); // headers
        self.close(begun, length, row)
    }

    /// Sets the lengths of a record that is there from its first byte to its last, given that of its value.
    #[inline(always)]
    fn close(&mut self, begun: Begun, value_length: i32, row: u32) -> usize {
        let widths = self.widths;
        let value_width = varint_size(value_length);
        let record = self.bytes.len() - begun.start - widths.0 + value_width - widths.1;
        let record = record as i32;
        if widths != (varint_size(record), value_width) {
            self.shift(begun, (varint_size(record), value_width));
        }
        let value = begun.value + self.widths.0 + self.widths.1 - widths.0 - widths.1;
        let bytes = self.bytes.as_mut_slice();
        self.last = begun.start;
        set_varint(record, begun.start, self.widths.0, bytes);
        set_varint(value_length, value - self.widths.1, self.widths.1, bytes);
        self.rows.push(row);
        self.bytes.len() - begun.start
    }

    /// Moves what is behind the lengths, which take other room than was thought.
    #[cold]
    #[inline(never)]
    fn shift(&mut self, begun: Begun, widths: (usize, usize)) {
        let Begun { start, value } = begun;
        let end = self.bytes.len();
        let head = start + self.widths.0..value - self.widths.1;
        let head_to = start + widths.0;
        let value_to = head_to + head.len() + widths.1;
        let more = value_to.saturating_sub(value);
        self.bytes.skip(more);
        let bytes = self.bytes.as_mut_slice();
        if value_to > value {
            bytes.copy_within(value..end, value_to);
            bytes.copy_within(head, head_to);
        } else {
            bytes.copy_within(head, head_to);
            bytes.copy_within(value..end, value_to);
        }
        self.bytes.truncate(value_to + (end - value));
        self.widths = widths;
    }

    #[cold]
    pub(super) fn take_back(&mut self, begun: Begun) {
        self.bytes.truncate(begun.start);
    }

    /// Appends a record; gives its size.
    pub(super) fn push(
        &mut self,
        row: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: Headers<'_>,
    ) -> usize {
        let (out, begun) = self.begin(key);
        let length = match value {
            Some(value) => {
                out.put(value);
                value.len() as i32
            }
            None => -1,
        };
        if headers.is_empty() {
            out.byte(0);
        } else {
            varint(headers.iter().count() as i32, out);
            for (name, value) in headers.iter() {
                for field in [name.as_bytes(), value] {
                    varint(field.len() as i32, out);
                    out.put(field);
                }
            }
        }
        self.close(begun, length, row)
    }

    /// Moves the last record to the end of another chunk.
    pub(super) fn move_last(&mut self, to: &mut Chunk) {
        let record = self.bytes.as_slice().get(self.last..).unwrap_or_default();
        if let (Some(body), Some(row)) = (Bodies(record).next(), self.rows.pop()) {
            to.append(body, row);
        }
        self.bytes.truncate(self.last);
    }

    /// Moves all records to chunks of which none is larger than `limit` unless a record alone is.
    pub(super) fn split(&self, limit: usize, mut empty: impl FnMut() -> Chunk) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut chunk = empty();
        for (body, row) in Bodies(self.records()).zip(&self.rows) {
            chunk.append(body, *row);
            if chunk.size() > limit && chunk.rows.len() > 1 {
                let mut next = empty();
                chunk.move_last(&mut next);
                chunks.push(std::mem::replace(&mut chunk, next));
            }
        }
        chunks.push(chunk);
        chunks
    }

    /// Appends the records of the rows that are to be kept to another chunk.
    pub(super) fn copy(&self, to: &mut Chunk, keep: impl Fn(u32) -> bool) {
        let records = Bodies(self.records()).zip(&self.rows);
        for (body, row) in records.filter(|(_, row)| keep(**row)) {
            to.append(body, *row);
        }
    }

    /// Appends a record of another chunk, given what is behind its length.
    fn append(&mut self, body: &[u8], row: u32) {
        let delta = self.rows.len() as i32;
        let behind = body.get(2..).unwrap_or_default(); // attributes, timestampDelta
        let Some((_, rest)) = take_varint(behind) else {
            return;
        };
        self.last = self.bytes.len();
        varint(
            (2 + varint_size(delta) + rest.len()) as i32,
            &mut self.bytes,
        );
        self.bytes.put(&[0, 0]);
        varint(delta, &mut self.bytes);
        self.bytes.put(rest);
        self.rows.push(row);
    }
}

/// Records, each without its length.
struct Bodies<'a>(&'a [u8]);

impl<'a> Iterator for Bodies<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = take_varint(self.0)?;
        let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(body)
    }
}

fn zigzag(n: i32) -> u32 {
    ((n << 1) ^ (n >> 31)) as u32
}

#[inline(always)]
fn varint_size(n: i32) -> usize {
    match zigzag(n) {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

#[inline(always)]
fn varint(n: i32, out: &mut Buffer) {
    let rest = zigzag(n);
    if rest < 0x80 {
        out.byte(rest as u8);
    } else if rest < 0x4000 {
        out.array([rest as u8 | 0x80, (rest >> 7) as u8]);
    } else {
        long_varint(n, out);
    }
}

#[cold]
#[inline(never)]
fn long_varint(n: i32, out: &mut Buffer) {
    let width = varint_size(n);
    let at = out.len();
    skip(width, out);
    set_varint(n, at, width, out.as_mut_slice());
}

/// Writes a number of which the size is known at `at`.
#[inline(always)]
fn set_varint(n: i32, at: usize, width: usize, bytes: &mut [u8]) {
    let mut rest = zigzag(n);
    for byte in &mut bytes[at..at + width] {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    bytes[at + width - 1] &= 0x7f;
}

fn take_varint(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let mut n = 0u32;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        n |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let n = (n >> 1) as i32 ^ -((n & 1) as i32);
            return Some((n, &bytes[at + 1..]));
        }
    }
    None
}

/// Leaves up to 8 bytes to be written later.
#[inline(always)]
fn skip(n: usize, out: &mut Buffer) {
    out.front([0; 8], n);
}
