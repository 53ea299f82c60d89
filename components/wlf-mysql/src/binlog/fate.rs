//! How a transaction ends that is too large to be held: found out before its first rows go on.
//!
//! A server writes a transaction that was rolled back where it must not be left out, with a ROLLBACK at its end, and with
//! SAVEPOINT and ROLLBACK TO between its rows. Nothing at its beginning says so: MariaDB's GTID has a flag for groups that
//! can be rolled back (`FL_TRANSACTIONAL`), which those that were have as well as others. So a transaction that is larger
//! than what may be held is read twice: first only for these statements.

use std::ops::Range;

use super::error::Error;
use super::events::checksum::Checksum;
use super::events::event_type as types;
use super::events::format_description::FormatDescription;
use super::events::header::Header;
use super::events::inflate::Inflater;
use super::events::query::{Query, Statement};
use super::transactions::partial::has;
use super::transactions::savepoints::Savepoints;
use crate::positions::coordinates::Coordinates;
use crate::reader::Malformed;

/// How a transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// With a commit; these of the parts between its savepoint statements were rolled back before.
    Committed { dropped: Vec<Range<u32>> },
    /// With a rollback, or not at all.
    RolledBack,
}

impl Fate {
    /// Whether the rows of a part do not go on.
    pub fn drops(&self, part: u32) -> bool {
        match self {
            Self::Committed { dropped } => has(dropped, part),
            Self::RolledBack => true,
        }
    }
}

/// Looks for the end of a transaction: it is given its events, and others before.
#[derive(Debug)]
pub struct FateSearch {
    /// The lower half of where the transaction begins; what comes before is passed over.
    begins: u32,
    state: State,
    format: FormatDescription,
    inflater: Inflater,
    savepoints: Savepoints,
    dropped: Vec<Range<u32>>,
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    /// Behind its GTID.
    Introduced,
    Inside,
}

/// Why it cannot be known how a transaction ends.
#[derive(Debug)]
pub enum Unknowable {
    Malformed(Malformed),
    /// Its savepoints take more than may be held.
    TooManySavepoints,
    UnknownSavepoint,
}

impl Unknowable {
    /// The error, of the transaction that begins there.
    pub fn at(self, place: Coordinates, limit: usize) -> Error {
        match self {
            Self::Malformed(source) => Error::Malformed {
                place,
                event: "QUERY or another",
                source,
            },
            Self::TooManySavepoints => Error::TooLarge {
                place,
                transaction: "the savepoints of a transaction, which is",
                limit,
                problem: "must be held until it is known how it ends",
            },
            Self::UnknownSavepoint => Error::UnknownSavepoint { place },
        }
    }
}

impl From<Malformed> for Unknowable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl FateSearch {
    /// Looks for the end of the transaction that begins there in a file. `format` is how events are read, until one says
    /// it. `limit` is for what may be held, in bytes.
    pub fn new(begins: u64, format: FormatDescription, limit: usize) -> Self {
        Self {
            begins: u32::try_from(begins & u64::from(u32::MAX)).unwrap_or_default(),
            state: State::Before,
            format,
            inflater: Inflater::default(),
            savepoints: Savepoints::default(),
            dropped: Vec::new(),
            limit,
        }
    }

    /// Takes an event with header and checksum; gives what was looked for, once it is known.
    pub fn see(&mut self, bytes: &[u8]) -> Result<Option<Fate>, Unknowable> {
        let header = Header::decode(bytes)?;
        if header.code == types::FORMAT_DESCRIPTION {
            self.format = FormatDescription::decode(bytes)?;
            // One that is in the file is behind a transaction that was never ended.
            let is_copy = header.end == 0 || header.flags & Header::ARTIFICIAL != 0;
            return Ok((self.state == State::Inside && !is_copy).then_some(Fate::RolledBack));
        }
        if header.flags & Header::ARTIFICIAL != 0 {
            return Ok(None);
        }
        if self.state == State::Before {
            if header.end.wrapping_sub(header.length) != self.begins || header.end == 0 {
                return Ok(None);
            }
            self.state = State::Introduced;
        }
        match header.code {
            types::XID | types::XA_PREPARE => return Ok(Some(self.committed())),
            types::QUERY => {
                let query = Query::decode(self.body(bytes)?)?;
                return self.query(&query);
            }
            types::MARIADB_QUERY_COMPRESSED => {
                let mut query = Query::decode(self.body(bytes)?)?;
                let sql = self.inflater.inflate(query.sql)?;
                query.sql = &sql;
                return self.query(&query);
            }
            // The next begins, or the file ends.
            types::GTID
            | types::ANONYMOUS_GTID
            | types::GTID_TAGGED
            | types::MARIADB_GTID
            | types::STOP
            | types::ROTATE
                if self.state == State::Inside =>
            {
                return Ok(Some(Fate::RolledBack));
            }
            types::GTID | types::ANONYMOUS_GTID | types::GTID_TAGGED | types::MARIADB_GTID => {}
            _ => self.state = State::Inside,
        }
        Ok(None)
    }

    fn query(&mut self, query: &Query<'_>) -> Result<Option<Fate>, Unknowable> {
        match query.statement() {
            Statement::Begin | Statement::XaStart(_) if self.state == State::Inside => {
                return Ok(Some(Fate::RolledBack));
            }
            Statement::Commit => return Ok(Some(self.committed())),
            Statement::Rollback => return Ok(Some(Fate::RolledBack)),
            Statement::Savepoint(name) => self.savepoints.set(&name.unquoted()),
            Statement::RollbackTo(name) => {
                let parts = self.savepoints.roll_back(&name.unquoted());
                self.drop(parts.ok_or(Unknowable::UnknownSavepoint)?);
            }
            Statement::ReleaseSavepoint(name) => self.savepoints.release(&name.unquoted()),
            _ => {}
        }
        self.state = State::Inside;
        let dropped = self.dropped.len() * size_of::<Range<u32>>();
        if self.savepoints.size() + dropped > self.limit {
            return Err(Unknowable::TooManySavepoints);
        }
        Ok(None)
    }

    /// Notes parts that were rolled back: what is in them already is one with them.
    fn drop(&mut self, parts: Range<u32>) {
        while self
            .dropped
            .last()
            .is_some_and(|last| last.start >= parts.start)
        {
            self.dropped.pop();
        }
        match self.dropped.last_mut() {
            Some(last) if last.end >= parts.start => last.end = parts.end,
            _ => self.dropped.push(parts),
        }
    }

    fn committed(&mut self) -> Fate {
        Fate::Committed {
            dropped: std::mem::take(&mut self.dropped),
        }
    }

    /// The event without header and checksum.
    fn body<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let end = match self.format.checksum {
            Checksum::None => bytes.len(),
            Checksum::Crc32 => bytes.len().saturating_sub(Checksum::LENGTH),
        };
        bytes
            .get(Header::LENGTH..end)
            .ok_or(Malformed::Truncated("its header"))
    }
}
