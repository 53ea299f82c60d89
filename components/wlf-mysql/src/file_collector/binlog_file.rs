//! One binlog file, read block by block and event by event.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;

use super::blocks::{BLOCK, Blocks};
use super::error::Error;
use super::listing::Listed;
use crate::binlog::events::header::Header;
use crate::binlog::{self, Assembler};
use crate::positions::Coordinates;

const MAGIC: [u8; 4] = [0xfe, b'b', b'i', b'n'];
const ENCRYPTED: [u8; 4] = [0xfd, b'b', b'i', b'n'];

/// A binlog file that is being read.
#[derive(Debug)]
pub struct BinlogFile {
    path: PathBuf,
    file: File,
    /// What was read last, and where in it the next event begins.
    block: Bytes,
    next: usize,
    /// How much of the block was read; what is behind it is left over from its last use.
    filled: usize,
    /// The position of the block's first byte in the file.
    base: u64,
}

/// An event: its block, where in it the event is, and the event's position in the file.
type Found<'a> = (&'a Bytes, Range<usize>, u64);

impl BinlogFile {
    /// Opens the file at its first event.
    pub fn open(listed: &Listed) -> Result<Self, Error> {
        let path = || listed.path.clone();
        let mut file = File::open(&listed.path).map_err(|source| Error::Open {
            path: path(),
            source,
        })?;
        let mut magic = [0; 4];
        match read_full(&mut file, &mut magic) {
            Ok(4) => {}
            Ok(0) => return Err(Error::Empty { path: path() }),
            Ok(_) => return Err(Error::NotBinlog { path: path() }),
            Err(source) => {
                return Err(Error::Read {
                    path: path(),
                    source,
                });
            }
        }
        match magic {
            MAGIC => {}
            ENCRYPTED => return Err(Error::Encrypted { path: path() }),
            _ => return Err(Error::NotBinlog { path: path() }),
        }
        Ok(Self {
            path: path(),
            file,
            block: Bytes::new(),
            next: 0,
            filled: 0,
            base: 4,
        })
    }

    /// The position of the next event.
    pub fn position(&self) -> u64 {
        self.base + self.next as u64
    }

    /// Gives the file's first event, which says how the others are read, to the assembler.
    pub fn take_format(&mut self, assembler: &mut Assembler) -> Result<(), Error> {
        let mut blocks = Blocks::default();
        self.read(&mut blocks)?;
        if let Some((block, event, at)) = self.next_event()? {
            assembler.take(block, event, Some(at))?;
        }
        Ok(())
    }

    /// Goes to an event's beginning.
    pub fn go_to(&mut self, position: u64) -> Result<(), Error> {
        // The first event is behind the magic number.
        self.base = position.max(4);
        self.block = Bytes::new();
        self.next = 0;
        self.filled = 0;
        let sought = self.file.seek(SeekFrom::Start(self.base));
        sought.map_err(|source| self.unreadable(source))?;
        Ok(())
    }

    /// The next whole events of the block, up to one that cannot be.
    pub fn events(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut next = self.next;
        std::iter::from_fn(move || {
            let event = self.event_at(next).ok()??;
            next = event.end;
            Some(event)
        })
    }

    /// The next whole event of the block.
    #[inline]
    pub fn next_event(&self) -> Result<Option<Found<'_>>, binlog::Error> {
        let event = self.event_at(self.next)?;
        Ok(event.map(|event| (&self.block, event, self.position())))
    }

    #[inline(always)]
    fn event_at(&self, at: usize) -> Result<Option<Range<usize>>, binlog::Error> {
        let length = self.length_at(at)?;
        let event = length.map(|length| at..at + length);
        Ok(event.filter(|event| event.end <= self.filled))
    }

    /// The event was taken; the next one is behind it.
    pub fn taken(&mut self, event: Range<usize>) {
        self.next = event.end;
    }

    /// How long the event is that begins somewhere in the block, if that much of it was read.
    #[inline]
    fn length_at(&self, at: usize) -> Result<Option<usize>, binlog::Error> {
        let rest = self.block.get(at..self.filled).unwrap_or_default();
        if rest.len() < Header::LENGTH {
            return Ok(None);
        }
        let malformed = |source| binlog::Error::Malformed {
            place: self.place_at(at),
            event: "binlog",
            source,
        };
        let header = Header::decode(rest).map_err(malformed)?;
        match usize::try_from(header.length) {
            Ok(length) if length > Header::LONGEST => Err(binlog::Error::LargeEvent {
                place: self.place_at(at),
                length: header.length,
            }),
            Ok(length) if length >= Header::LENGTH => Ok(Some(length)),
            _ => Err(malformed(crate::reader::Malformed::Invalid("its length"))),
        }
    }

    /// Reads the next block; what is left of the last one, less than an event, goes to its front. `false` at the end.
    pub fn read(&mut self, blocks: &mut Blocks) -> Result<bool, Error> {
        let rest = self.block.slice(self.next..self.filled);
        let mut size = BLOCK;
        if let Some(length) = self.length_at(self.next)?
            && length > BLOCK
        {
            // No memory for an event that is not there.
            let metadata = self.file.metadata();
            let end = metadata.map_err(|source| self.unreadable(source))?.len();
            if self.position() + length as u64 > end {
                return Ok(false);
            }
            size = length;
        }
        let mut block = blocks.fresh(size);
        block[..rest.len()].copy_from_slice(&rest);
        let read = read_full(&mut self.file, &mut block[rest.len()..]);
        let read = read.map_err(|source| self.unreadable(source))?;
        self.base = self.position();
        self.next = 0;
        self.filled = rest.len() + read;
        self.block = blocks.give(block);
        Ok(read > 0)
    }

    /// Nothing may be left at the end.
    pub fn check_end(&self, place: Coordinates) -> Result<(), binlog::Error> {
        if self.next == self.filled {
            return Ok(());
        }
        Err(binlog::Error::TornEvent {
            place: Coordinates {
                position: self.position(),
                ..place
            },
        })
    }

    fn place_at(&self, at: usize) -> Coordinates {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        Coordinates {
            file: name.to_string_lossy().into(),
            position: self.base + at as u64,
        }
    }

    fn unreadable(&self, source: io::Error) -> Error {
        Error::Read {
            path: self.path.clone(),
            source,
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
