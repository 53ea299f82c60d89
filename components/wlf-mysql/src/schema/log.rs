//! The history's log: lines that are only ever appended, in memory, and in a store as far as there is one.
//!
//! A line is the CRC32 of what follows in eight hexadecimal digits, a space, JSON, and a line feed. A crash may leave the
//! last lines torn or mixed up; what stands before the last line that says that all before it are in the store is whole.
//!
//! Lines are looked up while rows are decoded, which cannot wait for a store. So memory has them too, in blocks that are
//! compressed: definitions are much alike, and a block takes about a tenth of its length.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use tokio::task::yield_now;
use wlf_core::Store;
use wlf_core::checksum::crc32;
use wlf_core::store::PIECE;

/// A log.
#[derive(Debug, Default)]
pub struct Log {
    blocks: Vec<Block>,
    /// What is behind the last block.
    tail: Vec<u8>,
    /// How much of the tail was searched for where a block may end.
    searched: usize,
    /// How many bytes are in the blocks.
    folded: u64,
    /// How many bytes the store has; `None` if it has none of this log, or it is not known how many.
    stored: Option<u64>,
    /// The block that was looked into last, by its number, and its bytes.
    unfolded: Option<(usize, Vec<u8>)>,
}

/// Some whole lines.
#[derive(Debug)]
struct Block {
    offset: u64,
    length: u32,
    deflated: Box<[u8]>,
}

/// A line's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub offset: u64,
    pub length: u32,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line at byte {offset} is damaged")]
pub struct Damaged {
    pub offset: u64,
}

/// Why a log cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// How long a block is at least, in bytes.
const BLOCK: usize = 1 << 16;

/// How long a line is at most, in bytes: what is longer is none, and all of it would be in memory. A definition of MySQL's
/// 4096 columns has some hundred thousand.
const LONGEST: usize = 16 << 20;

impl Block {
    fn fold(offset: u64, lines: &[u8]) -> io::Result<Self> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(lines)?;
        Ok(Self {
            offset,
            length: u32::try_from(lines.len()).map_err(|_| io::ErrorKind::FileTooLarge)?,
            deflated: encoder.finish()?.into(),
        })
    }

    fn unfold(&self) -> io::Result<Vec<u8>> {
        let mut lines = Vec::with_capacity(self.length as usize);
        DeflateDecoder::new(&*self.deflated).read_to_end(&mut lines)?;
        Ok(lines)
    }
}

impl Log {
    /// The log that the store has under this name, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, or has something in it that is too long to be a line.
    pub async fn load(store: &dyn Store, name: &str) -> Result<Option<Self>, LoadError> {
        let mut log = Self::default();
        loop {
            match store.read(name, log.length(), PIECE).await? {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => break,
                Some(piece) => log.tail.extend_from_slice(&piece),
            }
            log.fold()?;
            log.check_length()?;
            yield_now().await;
        }
        log.stored = Some(log.length());
        Ok(Some(log))
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.folded + self.tail.len() as u64
    }

    /// What it takes in memory, in bytes.
    #[cfg(test)]
    pub fn footprint(&self) -> usize {
        let blocks = self.blocks.iter().map(|block| block.deflated.len());
        blocks.sum::<usize>() + self.blocks.capacity() * size_of::<Block>() + self.tail.capacity()
    }

    /// Appends a line.
    pub fn append(&mut self, record: &impl Serialize) -> io::Result<Line> {
        let json = serde_json::to_vec(record)?;
        self.append_json(&json)
    }

    /// Appends a line of which the JSON is there already.
    pub fn append_json(&mut self, json: &[u8]) -> io::Result<Line> {
        if json.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let offset = self.length();
        let begin = self.tail.len();
        write!(self.tail, "{:08x} ", crc32(json))?;
        self.tail.extend_from_slice(json);
        self.tail.push(b'\n');
        let length = self.tail.len() - begin;
        let line = Line {
            offset,
            length: u32::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?,
        };
        self.fold()?;
        Ok(line)
    }

    /// Makes blocks of the whole lines of a tail that is long enough.
    fn fold(&mut self) -> io::Result<()> {
        let mut begin = 0;
        loop {
            let from = self.searched.max(begin + BLOCK);
            let rest = self.tail.get(from..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                break;
            };
            let end = from + end + 1;
            let lines = self.tail.get(begin..end).unwrap_or_default();
            self.blocks.push(Block::fold(self.folded, lines)?);
            self.folded += lines.len() as u64;
            begin = end;
        }
        self.tail.drain(..begin);
        self.searched = self.tail.len();
        Ok(())
    }

    /// Finds a last line that is longer than any that was written; what a crash left of a block may be one line too.
    fn check_length(&self) -> Result<(), Damaged> {
        if self.tail.len() <= LONGEST + 2 * BLOCK {
            return Ok(());
        }
        // Behind the length of a block there is no line's end in a tail.
        let whole = self.tail.get(..BLOCK).unwrap_or_default();
        let end = whole.iter().rposition(|byte| *byte == b'\n');
        let begin = end.map_or(0, |end| end + 1);
        Err(Damaged {
            offset: self.folded + begin as u64,
        })
    }

    /// Puts behind what the store has of it what it has not, durably.
    pub async fn sync(&mut self, store: &dyn Store, name: &str) -> io::Result<()> {
        // An error or a crash leaves a part behind, and nothing may be put behind that.
        let Some(stored) = self.stored.take() else {
            return self.replace(store, name).await;
        };
        for piece in self.pieces(stored) {
            store.append(name, &piece?).await?;
        }
        self.stored = Some(self.length());
        Ok(())
    }

    /// Puts it in the place of what the store has under this name: a crash leaves one or the other whole.
    pub async fn replace(&mut self, store: &dyn Store, name: &str) -> io::Result<()> {
        store.replace(name, &mut self.pieces(0)).await?;
        self.stored = Some(self.length());
        Ok(())
    }

    /// All bytes from an offset on.
    fn pieces(&self, from: u64) -> impl Iterator<Item = io::Result<Vec<u8>>> + Send {
        let behind = move |offset: u64, mut bytes: Vec<u8>| {
            let before = usize::try_from(from.saturating_sub(offset)).unwrap_or(usize::MAX);
            bytes.drain(..before.min(bytes.len()));
            bytes
        };
        let blocks = self
            .blocks
            .iter()
            .filter(move |block| block.offset + u64::from(block.length) > from)
            .map(move |block| Ok(behind(block.offset, block.unfold()?)));
        let tail = std::iter::once_with(move || Ok(behind(self.folded, self.tail.clone())));
        blocks.chain(tail)
    }

    /// Reads a line's JSON.
    pub fn read(&mut self, line: Line) -> Result<Vec<u8>, Damaged> {
        let damaged = Damaged {
            offset: line.offset,
        };
        let (offset, bytes) = self.around(line.offset).ok_or(damaged)?;
        let begin = usize::try_from(line.offset - offset).map_err(|_| damaged)?;
        let bytes = bytes.get(begin..begin.saturating_add(line.length as usize));
        let json = bytes.and_then(checked).ok_or(damaged)?;
        Ok(json.to_vec())
    }

    /// The block or the tail that has an offset, and its own.
    fn around(&mut self, offset: u64) -> Option<(u64, &[u8])> {
        if offset >= self.folded {
            return Some((self.folded, &self.tail));
        }
        let behind = self.blocks.partition_point(|block| block.offset <= offset);
        let number = behind.checked_sub(1)?;
        let block = self.blocks.get(number)?;
        if !matches!(&self.unfolded, Some((at, _)) if *at == number) {
            self.unfolded = Some((number, block.unfold().ok()?));
        }
        let (_, bytes) = self.unfolded.as_ref()?;
        Some((block.offset, bytes))
    }

    /// Goes over all lines: each with its JSON, or `None` if it is damaged. Others have their turn between blocks.
    pub async fn lines<E: From<io::Error>>(
        &self,
        mut each: impl FnMut(Line, Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut offset = 0;
        for piece in self.pieces(0) {
            for bytes in piece?.split_inclusive(|byte| *byte == b'\n') {
                let line = Line {
                    offset,
                    length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                };
                each(line, checked(bytes))?;
                offset += bytes.len() as u64;
            }
            yield_now().await;
        }
        Ok(())
    }
}

/// A whole line's JSON.
fn checked(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (checksum, json) = line.split_at_checked(9)?;
    let checksum = std::str::from_utf8(checksum).ok()?.strip_suffix(' ')?;
    let checksum = u32::from_str_radix(checksum, 16).ok()?;
    (checksum == crc32(json)).then_some(json)
}
