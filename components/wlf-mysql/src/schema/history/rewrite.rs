//! Reading a history's log from its front, and writing it anew without what is not wanted any more.

use std::collections::{HashMap, HashSet};
use std::io;

use super::super::log::Line;
use super::super::point::{Point, Reached};
use super::super::record::{Header, Record, VERSION};
use super::{Database, History, HistoryError, Source, key, put_database};
use crate::binlog::SavedPosition;
use crate::ddl::TableName;

/// Why a log cannot be read.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    Other(HistoryError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failure {
    pub(super) fn of(self, source: &Source) -> HistoryError {
        match self {
            Self::Io(error) => source.failed(error),
            Self::Other(error) => error,
        }
    }
}

/// A log that is being read.
#[derive(Debug)]
pub(super) struct Loading<'a> {
    source: &'a Source,
    at: &'a Reached,
    pub header: Option<Header>,
    pub index: HashMap<u128, Line>,
    pub databases: HashMap<String, Database>,
    pub unknown: bool,
    pub unknown_since: Option<Point>,
    pub last: Option<Point>,
    /// There is something in it that is to be forgotten.
    pub is_stale: bool,
    /// There are points of another server, which cannot be compared.
    pub is_foreign: bool,
    damaged_at: Option<u64>,
}

impl<'a> Loading<'a> {
    pub fn new(source: &'a Source, at: &'a Reached) -> Self {
        Self {
            source,
            at,
            header: None,
            index: HashMap::new(),
            databases: HashMap::new(),
            unknown: false,
            unknown_since: None,
            last: None,
            is_stale: false,
            is_foreign: false,
            damaged_at: None,
        }
    }

    /// Takes the next line.
    pub fn take(&mut self, line: Line, json: Option<&[u8]>) -> Result<(), Failure> {
        let damaged = |offset| Failure::Other(self.source.damaged(offset));
        if self.header.is_none() {
            let header = json.ok_or_else(|| damaged(line.offset))?;
            self.header = Some(self.read_header(header)?);
            return Ok(());
        }
        let record = match json.map(serde_json::from_slice::<Record<'_>>) {
            Some(Ok(record)) => record,
            _ => {
                self.damaged_at.get_or_insert(line.offset);
                self.is_stale = true;
                return Ok(());
            }
        };
        match (self.damaged_at, &record) {
            (Some(offset), Record::Synced) => return Err(damaged(offset)),
            // It never was on the disk for certain, so that no position behind it was given away.
            (Some(_), _) => return Ok(()),
            (None, _) => {}
        }
        match record.at().map(|point| self.at.includes(point)) {
            None | Some(Some(true)) => self.apply(line, record),
            Some(Some(false)) => self.is_stale = true,
            Some(None) => self.is_foreign = true,
        }
        Ok(())
    }

    fn read_header(&self, json: &[u8]) -> Result<Header, Failure> {
        let damaged = || Failure::Other(self.source.damaged(0));
        // Another version may have other fields.
        let fields: serde_json::Value = serde_json::from_slice(json).map_err(|_| damaged())?;
        let version = fields
            .get("schema_history")
            .and_then(|version| version.as_u64());
        match version {
            Some(found) if found != u64::from(VERSION) => {
                let found = u32::try_from(found).unwrap_or(u32::MAX);
                return Err(Failure::Other(self.source.of_version(found)));
            }
            Some(_) => {}
            None => return Err(damaged()),
        }
        let header: Header = serde_json::from_value(fields).map_err(|_| damaged())?;
        if header.collector != self.source.collector {
            return Err(Failure::Other(self.source.of_other(header.collector)));
        }
        Ok(header)
    }

    fn apply(&mut self, line: Line, record: Record<'_>) {
        if let Some(point) = record.at() {
            self.last = Some(point.clone());
        }
        match record {
            Record::Table { name, .. } => {
                self.index.insert(key(&table_name(&name)), line);
            }
            Record::Database { name, charset, .. } => {
                put_database(&mut self.databases, name.into_owned(), charset, line);
            }
            Record::AllUnknown { at } => {
                self.index.clear();
                self.unknown = true;
                self.unknown_since = at;
            }
            Record::Synced => {}
        }
    }

    /// The offsets of all lines that say what is so now.
    fn current(
        &self,
        tables: &HashMap<u128, String>,
        databases: &HashMap<String, u64>,
    ) -> HashSet<u64> {
        let mut current: HashSet<u64> = databases.values().copied().collect();
        for (key, line) in &self.index {
            let database = tables.get(key).and_then(|name| self.databases.get(name));
            if database.is_none_or(|database| line.offset >= database.since) {
                current.insert(line.offset);
            }
        }
        current
    }
}

fn table_name(name: &(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> TableName {
    TableName {
        database: name.0.to_string(),
        table: name.1.to_string(),
    }
}

impl History {
    /// Writes the log anew: for each table what it is at the position, and, with a new base, what it becomes later.
    pub(super) fn rewrite(
        &mut self,
        at: &Reached,
        base: Option<SavedPosition>,
    ) -> Result<(), HistoryError> {
        let source = self.source.clone();
        let keeps_later = base.is_some();
        let mut header = self.header.clone();
        if let Some(base) = base {
            header.base = base;
        }
        // Which database a table is in, and which line last said what a database is.
        let mut tables = HashMap::new();
        let mut databases = HashMap::new();
        let mut unknown = None;
        let mut loading = Loading::new(&source, at);
        let read = self.log.lines(|line, json| {
            let is_past = match json.map(serde_json::from_slice::<Record<'_>>) {
                Some(Ok(record)) => {
                    let point = record.at();
                    let is_past = point.is_none_or(|point| at.includes(point) == Some(true));
                    if is_past && loading.damaged_at.is_none() {
                        match &record {
                            Record::Table { name, .. } => {
                                let name = table_name(name);
                                tables.insert(key(&name), name.database);
                            }
                            Record::Database { name, charset, .. } => {
                                databases.insert(name.to_string(), line.offset);
                                if charset.is_none() {
                                    databases.remove(&**name);
                                }
                            }
                            Record::AllUnknown { .. } => unknown = Some(line.offset),
                            Record::Synced => {}
                        }
                    }
                    is_past
                }
                _ => true,
            };
            if is_past {
                loading.take(line, json)
            } else {
                Ok(())
            }
        });
        read.map_err(|error: Failure| error.of(&source))?;
        let mut current = loading.current(&tables, &databases);
        current.extend(unknown);
        drop((tables, databases));
        let damaged_at = loading.damaged_at.unwrap_or(u64::MAX);
        drop(loading);

        let failed = |error| source.failed(error);
        let mut successor = self.log.successor().map_err(failed)?;
        successor.append(&header).map_err(failed)?;
        // AllUnknown would take away what stands before it: it comes first.
        let mut written = Ok(());
        for is_first in [true, false] {
            let read = self.log.lines(|line, json| {
                let Some(json) = json else { return Ok(()) };
                if line.offset >= damaged_at || line.offset == 0 {
                    return Ok(());
                }
                let Ok(record) = serde_json::from_slice::<Record<'_>>(json) else {
                    return Ok(());
                };
                let is_later = record
                    .at()
                    .is_some_and(|point| at.includes(point) == Some(false));
                let is_kept = current.contains(&line.offset) || keeps_later && is_later;
                let comes_first =
                    Some(line.offset) == unknown && matches!(record, Record::AllUnknown { .. });
                if is_kept && comes_first == is_first && !matches!(record, Record::Synced) {
                    successor.append_json(json)?;
                }
                Ok(())
            });
            written = written.and(read);
        }
        written.map_err(|error: io::Error| source.failed(error))?;
        successor.append(&Record::Synced).map_err(failed)?;
        match &source.path {
            Some(path) => successor.put(path).map_err(failed)?,
            None => successor.sync().map_err(failed)?,
        }
        self.take_over(source, successor, header, at)
    }

    /// Goes on with a log that was written anew; what is later than the position counts again.
    fn take_over(
        &mut self,
        source: Source,
        mut log: super::super::log::Log,
        header: Header,
        at: &Reached,
    ) -> Result<(), HistoryError> {
        let mut loading = Loading::new(&source, at);
        let read = log.lines(|line, json| loading.take_all(line, json));
        read.map_err(|error| error.of(&source))?;
        self.index = loading.index;
        self.databases = loading.databases;
        self.unknown = loading.unknown;
        self.unknown_since = loading.unknown_since;
        self.last = loading.last;
        self.header = header;
        self.live = log.length();
        self.log = log;
        self.dirty = false;
        Ok(())
    }
}

impl Loading<'_> {
    /// Takes the next line, whichever position it is of.
    fn take_all(&mut self, line: Line, json: Option<&[u8]>) -> Result<(), Failure> {
        let damaged = || Failure::Other(self.source.damaged(line.offset));
        let json = json.ok_or_else(damaged)?;
        if line.offset > 0 {
            let record = serde_json::from_slice(json).map_err(|_| damaged())?;
            self.apply(line, record);
        }
        Ok(())
    }
}
