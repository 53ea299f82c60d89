//! Reading a history's log from its front, and writing it anew without what is not wanted any more.

use std::collections::{HashMap, HashSet};
use std::io;

use super::super::entry::{Entry, Heading, VERSION};
use super::super::log::{Line, Log};
use super::super::owner::Owner;
use super::super::point::{Point, Reached};
use super::{Database, History, HistoryError, key, put_database};
use crate::ddl::TableName;
use crate::positions::SavedPosition;

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
    pub(super) fn of(self, owner: &Owner) -> HistoryError {
        match self {
            Self::Io(error) => owner.failed(error),
            Self::Other(error) => error,
        }
    }
}

/// A log that is being read.
#[derive(Debug)]
pub(super) struct Loading<'a> {
    owner: &'a Owner,
    at: &'a Reached,
    pub header: Option<Heading>,
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
    pub fn new(owner: &'a Owner, at: &'a Reached) -> Self {
        Self {
            owner,
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
        let damaged = |offset| Failure::Other(self.owner.damaged(offset));
        if self.header.is_none() {
            let header = json.ok_or_else(|| damaged(line.offset))?;
            self.header = Some(self.read_header(header)?);
            return Ok(());
        }
        let record = match json.map(serde_json::from_slice::<Entry<'_>>) {
            Some(Ok(record)) => record,
            _ => {
                self.damaged_at.get_or_insert(line.offset);
                self.is_stale = true;
                return Ok(());
            }
        };
        match (self.damaged_at, &record) {
            (Some(offset), Entry::Synced) => return Err(damaged(offset)),
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

    fn read_header(&self, json: &[u8]) -> Result<Heading, Failure> {
        let damaged = || Failure::Other(self.owner.damaged(0));
        // Another version may have other fields.
        let fields: serde_json::Value = serde_json::from_slice(json).map_err(|_| damaged())?;
        let version = fields
            .get("schema_history")
            .and_then(|version| version.as_u64());
        match version {
            Some(found) if found != u64::from(VERSION) => {
                let found = u32::try_from(found).unwrap_or(u32::MAX);
                return Err(Failure::Other(self.owner.of_version(found)));
            }
            Some(_) => {}
            None => return Err(damaged()),
        }
        let header: Heading = serde_json::from_value(fields).map_err(|_| damaged())?;
        if header.collector != self.owner.collector {
            return Err(Failure::Other(self.owner.of_other(header.collector)));
        }
        Ok(header)
    }

    fn apply(&mut self, line: Line, record: Entry<'_>) {
        if let Some(point) = record.at() {
            self.last = Some(point.clone());
        }
        match record {
            Entry::Table { name, .. } => {
                self.index.insert(key(&table_name(&name)), line);
            }
            Entry::Database { name, charset, .. } => {
                put_database(&mut self.databases, name.into_owned(), charset, line);
            }
            Entry::AllUnknown { at } => {
                self.index.clear();
                self.unknown = true;
                self.unknown_since = at;
            }
            Entry::Synced => {}
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

/// The lines that stay when older versions go.
struct Current {
    lines: HashSet<u64>,
    /// The last line that left all tables unknown. It comes first, since it takes away what stands before it.
    all_unknown: Option<u64>,
}

impl History {
    /// Writes the log anew without what is behind the position.
    pub(super) async fn forget_later(&mut self, at: &Reached) -> Result<(), HistoryError> {
        let owner = self.owner.clone();
        let failed = |error| owner.failed(error);
        let mut successor = Log::default();
        let mut is_whole = true;
        let read = self.log.lines(|_, json| {
            is_whole &= json.is_some();
            match json.filter(|_| is_whole) {
                Some(json) if !is_later(json, at) => successor.append_json(json).map(|_| ()),
                _ => Ok(()),
            }
        });
        read.await.map_err(failed)?;
        let header = self.header.clone();
        self.take_over(owner, successor, header, at).await
    }

    /// Writes the log anew: for each table what it is at the position, and what it becomes later.
    pub(super) async fn forget_earlier(
        &mut self,
        at: &Reached,
        base: SavedPosition,
    ) -> Result<(), HistoryError> {
        let owner = self.owner.clone();
        let failed = |error| owner.failed(error);
        let current = self.current(at, &owner).await?;
        let mut header = self.header.clone();
        header.base = base;
        let mut successor = Log::default();
        successor.append(&header).map_err(failed)?;
        for is_first in [true, false] {
            let read = self.log.lines(|line, json| {
                let Some(json) = json.filter(|_| line.offset > 0) else {
                    return Ok(());
                };
                let comes_first = Some(line.offset) == current.all_unknown;
                let is_kept = current.lines.contains(&line.offset) || is_later(json, at);
                if comes_first == is_first && is_kept {
                    successor.append_json(json)?;
                }
                Ok(())
            });
            read.await.map_err(failed)?;
        }
        self.take_over(owner, successor, header, at).await
    }

    /// Finds the lines that say what is so at the position.
    async fn current(&mut self, at: &Reached, owner: &Owner) -> Result<Current, HistoryError> {
        // Which database a table is in, and which line last said what a database is.
        let mut tables = HashMap::new();
        let mut databases = HashMap::new();
        let mut all_unknown = None;
        let mut loading = Loading::new(owner, at);
        let read = self.log.lines(|line, json| {
            if json.is_some_and(|json| is_later(json, at)) {
                return Ok(());
            }
            match json.map(serde_json::from_slice::<Entry<'_>>) {
                Some(Ok(Entry::Table { name, .. })) => {
                    let name = table_name(&name);
                    tables.insert(key(&name), name.database);
                }
                Some(Ok(Entry::Database {
                    name,
                    charset: Some(_),
                    ..
                })) => {
                    databases.insert(name.into_owned(), line.offset);
                }
                Some(Ok(Entry::Database { name, .. })) => {
                    databases.remove(&*name);
                }
                Some(Ok(Entry::AllUnknown { .. })) => all_unknown = Some(line.offset),
                Some(Ok(Entry::Synced) | Err(_)) | None => {}
            }
            loading.take(line, json)
        });
        read.await.map_err(|error: Failure| error.of(owner))?;
        let mut lines = loading.current(&tables, &databases);
        lines.extend(all_unknown);
        Ok(Current { lines, all_unknown })
    }

    /// Goes on with a log that was written anew; what is later than the position counts again.
    async fn take_over(
        &mut self,
        owner: Owner,
        mut log: Log,
        header: Heading,
        at: &Reached,
    ) -> Result<(), HistoryError> {
        let failed = |error| owner.failed(error);
        log.append(&Entry::Synced).map_err(failed)?;
        if let Some((store, name)) = &owner.kept {
            log.replace(store.as_ref(), name).await.map_err(failed)?;
        }
        let mut loading = Loading::new(&owner, at);
        let read = log.lines(|line, json| loading.take_all(line, json));
        read.await.map_err(|error| error.of(&owner))?;
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

/// Whether the line is of a place behind the position.
fn is_later(json: &[u8], at: &Reached) -> bool {
    let record = serde_json::from_slice::<Entry<'_>>(json).ok();
    let point = record.as_ref().and_then(Entry::at);
    point.is_some_and(|point| at.includes(point) == Some(false))
}

impl Loading<'_> {
    /// Takes the next line, whichever position it is of.
    fn take_all(&mut self, line: Line, json: Option<&[u8]>) -> Result<(), Failure> {
        let damaged = || Failure::Other(self.owner.damaged(line.offset));
        let json = json.ok_or_else(damaged)?;
        if line.offset > 0 {
            let record = serde_json::from_slice(json).map_err(|_| damaged())?;
            self.apply(line, record);
        }
        Ok(())
    }
}
