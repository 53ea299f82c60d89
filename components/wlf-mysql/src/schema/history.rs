//! Every table's definition at the position that is being read, kept as far as there is a store.

mod apply;
mod rewrite;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::value::to_raw_value;

pub use self::apply::{Change, Surroundings};
use super::entry::{Entry, Heading, TableState, VERSION};
use super::error::HistoryError;
use super::log::{Line, LoadError, Log};
use super::owner::Owner;
use super::point::{Point, Reached};
use super::table::TableSchema;
use crate::ddl::TableName;
use crate::positions::SavedPosition;

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
/// Definitions are in the log; the index over it takes some 40 bytes for each table.
#[derive(Debug)]
pub struct History {
    owner: Owner,
    log: Log,
    header: Heading,
    index: HashMap<u128, Line>,
    databases: HashMap<String, Database>,
    /// Tables that are not in the index are unknown, since this point or the beginning.
    unknown: bool,
    unknown_since: Option<Point>,
    /// Why the definitions of some tables cannot be known.
    refused: HashMap<TableName, String>,
    /// Tables that were asked for since they changed last.
    asked: HashSet<TableName>,
    /// The last point of what was appended.
    last: Option<Point>,
    /// The log's length when it was written anew.
    live: u64,
    /// Something was appended and is not in the store yet.
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
    pub fn create(owner: Owner, base: SavedPosition, complete: bool) -> Result<Self, HistoryError> {
        let header = Heading {
            schema_history: VERSION,
            collector: owner.collector.clone(),
            base,
            complete,
            views: complete,
        };
        let mut history = Self {
            log: Log::default(),
            owner,
            header,
            index: HashMap::new(),
            databases: HashMap::new(),
            unknown: false,
            unknown_since: None,
            refused: HashMap::new(),
            asked: HashSet::new(),
            last: None,
            live: 0,
            dirty: false,
        };
        let header = history.header.clone();
        let appended = history.log.append(&header);
        appended.map_err(|error| history.owner.failed(error))?;
        Ok(history)
    }

    /// Makes the history that was created the one that the next start finds.
    pub async fn begin(&mut self) -> Result<(), HistoryError> {
        self.append(&Entry::Synced)?;
        if let Some((store, name)) = &self.owner.kept {
            let replaced = self.log.replace(store.as_ref(), name).await;
            replaced.map_err(|error| self.owner.failed(error))?;
        }
        self.live = self.log.length();
        self.dirty = false;
        Ok(())
    }

    /// Opens the history as it was at a position; what came later is forgotten, since it will come again.
    ///
    /// `None` if there is none that goes so far back.
    ///
    /// # Errors
    /// If it cannot be read, or is not what this program has written.
    pub async fn open(owner: Owner, at: &SavedPosition) -> Result<Option<Self>, HistoryError> {
        let Some((store, name)) = &owner.kept else {
            return Ok(None);
        };
        let log = Log::load(store.as_ref(), name).await;
        let log = log.map_err(|error| match error {
            LoadError::Io(error) => owner.failed(error),
            LoadError::Damaged(damaged) => owner.damaged(damaged.offset),
        });
        match log? {
            Some(log) => Self::load(owner, log, &Reached::new(at.clone())).await,
            None => Ok(None),
        }
    }

    /// Goes back to a position, behind which everything comes again; `false` if it is before the beginning.
    pub async fn go_to(&mut self, at: &SavedPosition) -> Result<bool, HistoryError> {
        let reached = Reached::new(at.clone());
        let is_before = reached.includes_position(&self.header.base) != Some(true);
        if is_before {
            return Ok(false);
        }
        let beyond = self.last.as_ref().map(|last| reached.includes(last));
        match beyond {
            None | Some(Some(true)) => Ok(true),
            Some(Some(false)) => {
                self.forget_later(&reached).await?;
                Ok(true)
            }
            Some(None) => Ok(false),
        }
    }

    async fn load(owner: Owner, log: Log, at: &Reached) -> Result<Option<Self>, HistoryError> {
        let mut loading = rewrite::Loading::new(&owner, at);
        let read = log.lines(|line, json| loading.take(line, json)).await;
        read.map_err(|error| error.of(&owner))?;
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
            return Err(owner.damaged(0));
        };
        if is_foreign || at.includes_position(&header.base) != Some(true) {
            return Ok(None);
        }
        let mut history = Self {
            live: log.length(),
            owner,
            log,
            header,
            index,
            databases,
            unknown,
            unknown_since,
            refused: HashMap::new(),
            asked: HashSet::new(),
            last,
            dirty: false,
        };
        if is_stale {
            history.forget_later(at).await?;
        }
        Ok(Some(history))
    }

    /// What is known of a table.
    pub fn lookup(&mut self, table: &TableName) -> Result<Lookup, HistoryError> {
        if let Some(reason) = self.refused.get(&self.owner.folded(table)) {
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
        let folded = self.owner.folded(table);
        let Some(line) = self.index.get(&key(&folded)).copied() else {
            return Ok(None);
        };
        if let Some(database) = self.databases.get(&folded.database)
            && line.offset < database.since
        {
            return Ok(None);
        }
        let json = self.log.read(line);
        let json = json.map_err(|damaged| self.owner.damaged(damaged.offset))?;
        let damaged = || self.owner.damaged(line.offset);
        match serde_json::from_slice(&json) {
            Ok(Entry::Table { name, at, is })
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

    /// Adds a view that is there at the beginning.
    pub fn add_view(&mut self, view: &TableName) -> Result<(), HistoryError> {
        self.set(view, &TableState::View, None)
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
        self.set(table, &TableState::Known(schema), since)?;
        if self.asked.len() >= REFUSED {
            self.asked.clear();
        }
        self.asked.insert(self.owner.folded(table));
        Ok(())
    }

    /// A table's rows do not go with its definition: the server is to be asked what it is.
    ///
    /// `false` if it was asked for that already.
    pub fn doubt(&mut self, table: &TableName) -> Result<bool, HistoryError> {
        if self.asked.contains(&self.owner.folded(table)) {
            return Ok(false);
        }
        let since = self.state(table)?.and_then(|(since, _)| since);
        self.set(table, &TableState::Unknown, since)?;
        Ok(true)
    }

    /// Learns that a table's definition cannot be known before it changes again.
    pub fn refuse(&mut self, table: &TableName, reason: String) {
        if self.refused.len() >= REFUSED {
            self.refused.clear();
        }
        self.refused.insert(self.owner.folded(table), reason);
    }

    fn set(
        &mut self,
        table: &TableName,
        state: &TableState,
        at: Option<Point>,
    ) -> Result<(), HistoryError> {
        let folded = self.owner.folded(table);
        let is = to_raw_value(state).map_err(|error| self.owner.failed(error.into()))?;
        let line = self.append(&Entry::Table {
            name: (
                folded.database.as_str().into(),
                folded.table.as_str().into(),
            ),
            at: at.clone(),
            is: &is,
        })?;
        self.index.insert(key(&folded), line);
        self.refused.remove(&folded);
        self.asked.remove(&folded);
        self.note(at);
        Ok(())
    }

    fn set_database(
        &mut self,
        name: &str,
        charset: Option<String>,
        at: Option<Point>,
    ) -> Result<(), HistoryError> {
        let name = self.owner.folded_name(name);
        let line = self.append(&Entry::Database {
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
        self.append(&Entry::AllUnknown { at: None })?;
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
    pub async fn remove(owner: &Owner) -> Result<(), HistoryError> {
        let Some((store, name)) = &owner.kept else {
            return Ok(());
        };
        let removed = store.remove(name).await;
        removed.map_err(|error| owner.failed(error))
    }

    fn forget_all(&mut self, at: Point) -> Result<(), HistoryError> {
        self.append(&Entry::AllUnknown {
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

    fn append(&mut self, record: &Entry<'_>) -> Result<Line, HistoryError> {
        let appended = self.log.append(record);
        appended.map_err(|error| self.owner.failed(error))
    }

    /// Puts what was learned into the store; to be called before a position behind it is given away.
    pub async fn sync(&mut self) -> Result<(), HistoryError> {
        if !self.dirty {
            return Ok(());
        }
        self.append(&Entry::Synced)?;
        if let Some((store, name)) = &self.owner.kept {
            let synced = self.log.sync(store.as_ref(), name).await;
            synced.map_err(|error| self.owner.failed(error))?;
        }
        self.dirty = false;
        Ok(())
    }

    /// Drops the versions that are older than a position behind which nothing will be read again.
    ///
    /// It is done once the log has grown to more than twice its size.
    pub async fn commit(&mut self, position: &SavedPosition) -> Result<(), HistoryError> {
        /// What may be there besides.
        const SLACK: u64 = 1 << 20;
        if self.log.length() <= 2 * self.live + SLACK {
            return Ok(());
        }
        let reached = Reached::new(position.clone());
        self.forget_earlier(&reached, position.clone()).await
    }

    /// The log's length in bytes.
    pub fn length(&self) -> u64 {
        self.log.length()
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
