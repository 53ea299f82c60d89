//! The history's log: lines that are only ever appended, in a file or in memory.
//!
//! A line is the CRC32 of what follows in eight hexadecimal digits, a space, JSON, and a line feed. A crash may leave the
//! last lines torn or mixed up; what stands before the last line that says that all before it are on the disk is whole.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wlf_core::checksum::crc32;

/// A log.
#[derive(Debug)]
pub struct Log {
    medium: Medium,
    /// In bytes.
    length: u64,
    /// Appended and not written yet.
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Medium {
    Memory(Vec<u8>),
    File { path: PathBuf, file: File },
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

/// How much is appended before it is written.
const BUFFER: usize = 1 << 20;

impl Log {
    /// An empty log in memory.
    pub fn in_memory() -> Self {
        Self {
            medium: Medium::Memory(Vec::new()),
            length: 0,
            buffer: Vec::new(),
        }
    }

    /// The log in the file, if there is one.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let opened = File::options().read(true).write(true).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            length: file.metadata()?.len(),
            medium: Medium::File {
                path: path.to_owned(),
                file,
            },
            buffer: Vec::new(),
        }))
    }

    /// A new log beside the one in the file, which it replaces once it is [`put`](Self::put) in its place.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let path = PathBuf::from(beside);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        Ok(Self {
            medium: Medium::File { path, file },
            length: 0,
            buffer: Vec::new(),
        })
    }

    /// An empty log of the same kind, to replace this one.
    pub fn successor(&self) -> io::Result<Self> {
        match &self.medium {
            Medium::Memory(_) => Ok(Self::in_memory()),
            Medium::File { path, .. } => Self::beside(path),
        }
    }

    /// Makes this log, which was begun [`beside`](Self::beside) the file, the file's: a crash leaves one or the other whole.
    pub fn put(&mut self, target: &Path) -> io::Result<()> {
        self.sync()?;
        if let Medium::File { path, .. } = &mut self.medium {
            fs::rename(&path, target)?;
            target.clone_into(path);
            if let Some(directory) = target.parent()
                && let Ok(directory) = File::open(directory)
            {
                // WASI cannot open directories for that.
                let _ = directory.sync_all();
            }
        }
        Ok(())
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends a line.
    pub fn append(&mut self, record: &impl Serialize) -> io::Result<Line> {
        let json = serde_json::to_vec(record)?;
        self.append_json(&json)
    }

    /// Appends a line of which the JSON is there already.
    pub fn append_json(&mut self, json: &[u8]) -> io::Result<Line> {
        let begin = self.buffer.len();
        write!(self.buffer, "{:08x} ", crc32(json))?;
        self.buffer.extend_from_slice(json);
        self.buffer.push(b'\n');
        let length = self.buffer.len() - begin;
        let line = Line {
            offset: self.length,
            length: u32::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?,
        };
        self.length += length as u64;
        if self.buffer.len() >= BUFFER {
            self.write()?;
        }
        Ok(line)
    }

    fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        match &mut self.medium {
            Medium::Memory(bytes) => bytes.append(&mut self.buffer),
            Medium::File { file, .. } => {
                file.seek(SeekFrom::Start(self.length - self.buffer.len() as u64))?;
                file.write_all(&self.buffer)?;
            }
        }
        self.buffer.clear();
        Ok(())
    }

    /// Puts everything on the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.write()?;
        match &self.medium {
            Medium::Memory(_) => Ok(()),
            Medium::File { file, .. } => file.sync_data(),
        }
    }

    /// Reads a line's JSON.
    pub fn read(&mut self, line: Line) -> io::Result<Result<Vec<u8>, Damaged>> {
        self.write()?;
        let mut bytes = vec![0; line.length as usize];
        match &mut self.medium {
            Medium::Memory(all) => {
                let begin = usize::try_from(line.offset).unwrap_or(usize::MAX);
                let mut rest = all.get(begin..).unwrap_or_default();
                rest.read_exact(&mut bytes)?;
            }
            Medium::File { file, .. } => {
                file.seek(SeekFrom::Start(line.offset))?;
                file.read_exact(&mut bytes)?;
            }
        }
        let damaged = Damaged {
            offset: line.offset,
        };
        Ok(checked(&bytes).map(<[u8]>::to_vec).ok_or(damaged))
    }

    /// Goes over all lines: each with its JSON, or `None` if it is damaged.
    pub fn lines<E: From<io::Error>>(
        &mut self,
        mut each: impl FnMut(Line, Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.write()?;
        let mut reader: Box<dyn BufRead> = match &mut self.medium {
            Medium::Memory(bytes) => Box::new(&bytes[..]),
            Medium::File { file, .. } => {
                file.seek(SeekFrom::Start(0))?;
                Box::new(BufReader::with_capacity(1 << 16, file))
            }
        };
        let mut offset = 0;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = reader.read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(());
            }
            let line = Line {
                offset,
                length: u32::try_from(read).unwrap_or(u32::MAX),
            };
            each(line, checked(&bytes))?;
            offset += read as u64;
        }
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
