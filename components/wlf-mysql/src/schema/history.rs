//! Every table's definition at the position that is being read, on disk as far as there is a state directory.

mod apply;
mod error;
mod rewrite;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use serde_json::value::to_raw_value;

pub use self::apply::{Change, Surroundings};
pub use self::error::HistoryError;
use super::log::{Line, Log};
use super::point::{Point, Reached};
use super::record::{Header, Record, TableState, VERSION};
use super::table::TableSchema;
use crate::binlog::SavedPosition;
use crate::ddl::TableName;

/// Whose history it is, and where it is kept.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub collector: String,
    /// `None`: in memory.
    pub path: Option<PathBuf>,
    /// The server takes names that differ in case only for the same (`lower_case_table_names`).
    pub folds_case: bool,
    /// The server writes all names in lower case (`lower_case_table_names=1`).
    pub lowers_case: bool,
}

/// What is known of a table at the position that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    Known(TableSchema),
    /// The server is to be asked.
    Unknown,
    /// It cannot be known, for this reason.
    Refused(String),
}

/// Every table's definition at the position that is being read.
///
/// Definitions are in the log; memory holds some 40 bytes for each table.
#[derive(Debug)]
pub struct History {
    source: Source,
    log: Log,
    header: Header,
    index: HashMap<u128, Line>,
    databases: HashMap<String, Database>,
    /// Tables that are not in the index are unknown, since this point or the beginning.
    unknown: bool,
    unknown_since: Option<Point>,
    /// Why the definitions of some tables cannot be known.
    refused: HashMap<TableName, String>,
    /// The last point of what was appended.
    last: Option<Point>,
    /// The log's length when it was written anew.
    live: u64,
    /// Something was appended and is not on the disk yet.
    dirty: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Database {
    /// `None`: it was dropped.
    charset: Option<String>,
    /// Tables whose lines are before this offset were dropped with it.
    since: u64,
}

/// How many reasons are remembered.
const REFUSED: usize = 4096;

impl History {
    /// Begins a history at a position, in the place of any other; it counts once it [`is begun`](Self::begin).
    ///
    /// `complete`: every table that the server has will be [added](Self::add_table).
    pub fn create(
        source: Source,
        base: SavedPosition,
        complete: bool,
    ) -> Result<Self, HistoryError> {
        let header = Header {
            schema_history: VERSION,
            collector: source.collector.clone(),
            base,
            complete,
        };
        let log = match &source.path {
            Some(path) => Log::beside(path),
            None => Ok(Log::in_memory()),
        };
        let mut history = Self {
            log: log.map_err(|error| source.failed(error))?,
            source,
            header,
            index: HashMap::new(),
            databases: HashMap::new(),
            unknown: false,
            unknown_since: None,
            refused: HashMap::new(),
            last: None,
            live: 0,
            dirty: false,
        };
        let header = history.header.clone();
        let appended = history.log.append(&header);
        appended.map_err(|error| history.source.failed(error))?;
        Ok(history)
    }

    /// Makes the history that was created the one that the next start finds.
    pub fn begin(&mut self) -> Result<(), HistoryError> {
        self.append(&Record::Synced)?;
        let put = match &self.source.path {
            Some(path) => self.log.put(path),
            None => self.log.sync(),
        };
        put.map_err(|error| self.source.failed(error))?;
        self.live = self.log.length();
        self.dirty = false;
        Ok(())
    }

    /// Opens the history as it was at a position; what came later is forgotten, since it will come again.
    ///
    /// `None` if there is none that goes so far back.
    ///
    /// # Errors
    /// If the file cannot be read, or is not what this program has written.
    pub fn open(source: Source, at: &SavedPosition) -> Result<Option<Self>, HistoryError> {
        let Some(path) = &source.path else {
            return Ok(None);
        };
        let log = Log::open(path).map_err(|error| source.failed(error))?;
        match log {
            Some(log) => Self::load(source, log, &Reached::new(at.clone())),
            None => Ok(None),
        }
    }

    /// Goes back to a position, behind which everything comes again; `false` if it is before the beginning.
    pub fn go_to(&mut self, at: &SavedPosition) -> Result<bool, HistoryError> {
        let reached = Reached::new(at.clone());
        let is_before = reached.includes_position(&self.header.base) != Some(true);
        if is_before {
            return Ok(false);
        }
        let beyond = self.last.as_ref().map(|last| reached.includes(last));
        match beyond {
            None | Some(Some(true)) => Ok(true),
            Some(Some(false)) => {
                self.forget_later(&reached)?;
                Ok(true)
            }
            Some(None) => Ok(false),
        }
    }

    fn load(source: Source, mut log: Log, at: &Reached) -> Result<Option<Self>, HistoryError> {
        let mut loading = rewrite::Loading::new(&source, at);
        let read = log.lines(|line, json| loading.take(line, json));
        read.map_err(|error| error.of(&source))?;
        let rewrite::Loading {
            header,
            index,
            databases,
            unknown,
            unknown_since,
            last,
            is_stale,
            is_foreign,
            ..
        } = loading;
        let Some(header) = header else {
            return Err(source.damaged(0));
        };
        if is_foreign || at.includes_position(&header.base) != Some(true) {
            return Ok(None);
        }
        let mut history = Self {
            live: log.length(),
            source,
            log,
            header,
            index,
            databases,
            unknown,
            unknown_since,
            refused: HashMap::new(),
            last,
            dirty: false,
        };
        if is_stale {
            history.forget_later(at)?;
        }
        Ok(Some(history))
    }

    /// What is known of a table.
    pub fn lookup(&mut self, table: &TableName) -> Result<Lookup, HistoryError> {
        if let Some(reason) = self.refused.get(&self.source.folded(table)) {
            return Ok(Lookup::Refused(reason.clone()));
        }
        Ok(match self.state(table)? {
            Some((_, TableState::Known(schema))) => Lookup::Known(schema),
            _ => Lookup::Unknown,
        })
    }

    /// What a table is, and since when; `None` if nothing was ever heard of it.
    fn state(
        &mut self,
        table: &TableName,
    ) -> Result<Option<(Option<Point>, TableState)>, HistoryError> {
        let folded = self.source.folded(table);
        let Some(line) = self.index.get(&key(&folded)).copied() else {
            return Ok(None);
        };
        if let Some(database) = self.databases.get(&folded.database)
            && line.offset < database.since
        {
            return Ok(None);
        }
        let json = self
            .log
            .read(line)
            .map_err(|error| self.source.failed(error))?;
        let json = json.map_err(|damaged| self.source.damaged(damaged.offset))?;
        let damaged = || self.source.damaged(line.offset);
        match serde_json::from_slice(&json) {
            Ok(Record::Table { name, at, is })
                if name.0 == folded.database && name.1 == folded.table =>
            {
                let state = serde_json::from_str(is.get()).map_err(|_| damaged())?;
                Ok(Some((at, state)))
            }
            _ => Err(damaged()),
        }
    }

    /// Adds a database as it is at the beginning.
    pub fn add_database(&mut self, name: &str, charset: &str) -> Result<(), HistoryError> {
        self.set_database(name, Some(charset.to_owned()), None)
    }

    /// Adds a table as it is at the beginning.
    pub fn add_table(
        &mut self,
        table: &TableName,
        schema: TableSchema,
    ) -> Result<(), HistoryError> {
        self.set(table, &TableState::Known(schema), None)
    }

    /// Learns what a table has been since it was unknown.
    pub fn learn(&mut self, table: &TableName, schema: TableSchema) -> Result<(), HistoryError> {
        let since = match self.state(table)? {
            Some((since, _)) => since,
            None => self.unknown_since.clone(),
        };
        self.set(table, &TableState::Known(schema), since)
    }

    /// Learns that a table's definition cannot be known before it changes again.
    pub fn refuse(&mut self, table: &TableName, reason: String) {
        if self.refused.len() >= REFUSED {
            self.refused.clear();
        }
        self.refused.insert(self.source.folded(table), reason);
    }

    fn set(
        &mut self,
        table: &TableName,
        state: &TableState,
        at: Option<Point>,
    ) -> Result<(), HistoryError> {
        let folded = self.source.folded(table);
        let is = to_raw_value(state).map_err(|error| self.source.failed(error.into()))?;
        let line = self.append(&Record::Table {
            name: (
                folded.database.as_str().into(),
                folded.table.as_str().into(),
            ),
            at: at.clone(),
            is: &is,
        })?;
        self.index.insert(key(&folded), line);
        self.refused.remove(&folded);
        self.note(at);
        Ok(())
    }

    fn set_database(
        &mut self,
        name: &str,
        charset: Option<String>,
        at: Option<Point>,
    ) -> Result<(), HistoryError> {
        let name = self.source.folded_name(name);
        let line = self.append(&Record::Database {
            name: name.as_str().into(),
            at: at.clone(),
            charset: charset.clone(),
        })?;
        put_database(&mut self.databases, name, charset, line);
        self.note(at);
        Ok(())
    }

    /// Nothing is known of a table at the beginning.
    pub fn forget_table(&mut self, table: &TableName) -> Result<(), HistoryError> {
        self.set(table, &TableState::Unknown, None)
    }

    /// Nothing is known of any table at the beginning.
    pub fn forget_everything(&mut self) -> Result<(), HistoryError> {
        self.append(&Record::AllUnknown { at: None })?;
        self.index.clear();
        self.unknown = true;
        self.dirty = true;
        Ok(())
    }

    /// The number of tables that it has heard of.
    pub fn tables(&self) -> usize {
        self.index.len()
    }

    /// Removes the history that an earlier run has left.
    pub fn remove(source: &Source) -> Result<(), HistoryError> {
        let Some(path) = &source.path else {
            return Ok(());
        };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(source.failed(error)),
            _ => Ok(()),
        }
    }

    fn forget_all(&mut self, at: Point) -> Result<(), HistoryError> {
        self.append(&Record::AllUnknown {
            at: Some(at.clone()),
        })?;
        self.index.clear();
        self.refused.clear();
        self.unknown = true;
        self.unknown_since = Some(at.clone());
        self.note(Some(at));
        Ok(())
    }

    fn note(&mut self, at: Option<Point>) {
        self.dirty = true;
        if at.is_some() {
            self.last = at;
        }
    }

    fn append(&mut self, record: &Record<'_>) -> Result<Line, HistoryError> {
        let appended = self.log.append(record);
        appended.map_err(|error| self.source.failed(error))
    }

    /// Puts what was learned on the disk; to be called before a position behind it is given away.
    pub fn sync(&mut self) -> Result<(), HistoryError> {
        if !self.dirty {
            return Ok(());
        }
        self.append(&Record::Synced)?;
        self.log.sync().map_err(|error| self.source.failed(error))?;
        self.dirty = false;
        Ok(())
    }

    /// Drops the versions that are older than a position behind which nothing will be read again.
    ///
    /// It is done once the log has grown to more than twice its size.
    pub fn commit(&mut self, position: &SavedPosition) -> Result<(), HistoryError> {
        /// What may be there besides.
        const SLACK: u64 = 1 << 20;
        if self.log.length() <= 2 * self.live + SLACK {
            return Ok(());
        }
        let reached = Reached::new(position.clone());
        self.forget_earlier(&reached, position.clone())
    }

    /// The log's length in bytes.
    pub fn length(&self) -> u64 {
        self.log.length()
    }
}

impl Source {
    fn folded_name(&self, name: &str) -> String {
        if self.folds_case {
            name.to_lowercase()
        } else {
            name.to_owned()
        }
    }

    /// The table's name as it is looked for.
    fn folded(&self, table: &TableName) -> TableName {
        TableName {
            database: self.folded_name(&table.database),
            table: self.folded_name(&table.table),
        }
    }

    /// A name as the server writes it.
    fn written(&self, name: &str) -> String {
        if self.lowers_case {
            name.to_lowercase()
        } else {
            name.to_owned()
        }
    }
}

/// A name's hash: of so many bits that two names never share one.
fn key(table: &TableName) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, table).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn put_database(
    databases: &mut HashMap<String, Database>,
    name: String,
    charset: Option<String>,
    line: Line,
) {
    let since = match (databases.get(&name), &charset) {
        (_, None) => line.offset,
        (Some(database), Some(_)) => database.since,
        (None, Some(_)) => 0,
    };
    databases.insert(name, Database { charset, since });
}

#[cfg(test)]
mod tests;
