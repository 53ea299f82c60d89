//! Looks ahead in the binlog for statements that change definitions.
//!
//! What `information_schema` says is what is so now. It is right for rows of an earlier position if no statement between
//! that position and now has changed the table; so the binlog is read to its end once, without a look at its rows.

use std::collections::{HashMap, HashSet};

use crate::binlog::assembler::definition_statement::StatementText;
use crate::binlog::assembler::temporary_tables::{Session, TemporaryTables};
use crate::binlog::events::checksum::Checksum;
use crate::binlog::events::event_type as event;
use crate::binlog::events::format_description::FormatDescription;
use crate::binlog::events::header::Header;
use crate::binlog::events::inflate::Inflater;
use crate::binlog::events::query::{Query, Statement};
use crate::binlog::events::rotate::Rotate;
use crate::collector::replica::Replica;
use crate::collector::stream::{Dump, Item, Stream};
use crate::connection::{Connection, Endpoint};
use crate::ddl::{Clause, Effect, TableName};
use crate::error::Error;
use crate::positions::Coordinates;
use crate::reader::Malformed;
use crate::schema::Owner;
use crate::schema::point::number;

/// Which tables are changed ahead, and where the binlog was read to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterChanges {
    /// Where the next look begins.
    pub end: Coordinates,
    /// By their names as the server looks for them.
    tables: HashMap<TableName, Coordinates>,
    databases: HashMap<String, Coordinates>,
    /// Those of the tables that statements about sequences name.
    sequences: HashSet<TableName>,
    /// Tables that are created if they are not there: one that has rows before is.
    if_missing: HashSet<TableName>,
    /// The last statement that may have changed any table.
    all: Option<Coordinates>,
}

impl LaterChanges {
    fn new(end: Coordinates) -> Self {
        Self {
            end,
            tables: HashMap::new(),
            databases: HashMap::new(),
            sequences: HashSet::new(),
            if_missing: HashSet::new(),
            all: None,
        }
    }

    /// Where, behind a place at which the table is there, the last statement is that may have changed it.
    pub fn change_of(
        &self,
        table: &TableName,
        behind: &Coordinates,
        owner: &Owner,
    ) -> Option<&Coordinates> {
        let table = owner.folded(table);
        let of_table = self.tables.get(&table);
        let of_database = self.databases.get(&table.database);
        [of_table, of_database, self.all.as_ref()]
            .into_iter()
            .flatten()
            .filter(|place| is_behind(place, behind))
            .max_by_key(|place| (number(&place.file), place.position))
    }

    /// Whether the table is a sequence: its columns are what they were, whatever became of it.
    pub fn is_sequence(&self, table: &TableName, owner: &Owner) -> bool {
        self.sequences.contains(&owner.folded(table))
    }

    /// The tables that are changed, but for those of [dropped databases](Self::dropped); `None` if any may be.
    pub fn changed(&self) -> Option<impl Iterator<Item = &TableName>> {
        let is_clear = self.all.is_none();
        is_clear.then(|| self.tables.keys().chain(&self.if_missing))
    }

    /// The databases that are dropped; of these names there may be others now.
    pub fn dropped(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    fn note(&mut self, effect: Effect, place: &Coordinates, owner: &Owner) {
        let mut changed = |table: &TableName| {
            self.tables.insert(owner.folded(table), place.clone());
        };
        match effect {
            // What a key is kept in shows in the number of a row's columns.
            Effect::CreateDatabase { .. }
            | Effect::AlterDatabase { .. }
            | Effect::TruncateTable { .. }
            | Effect::CreateView { .. }
            | Effect::DropView { .. }
            | Effect::AlterIndexes { .. } => {}
            Effect::DropDatabase { name } => {
                self.databases
                    .insert(owner.folded_name(&name), place.clone());
            }
            Effect::CreateTable {
                table,
                if_not_exists: true,
                ..
            } => {
                self.if_missing.insert(owner.folded(&table));
            }
            Effect::CreateTable { table, .. }
            | Effect::DropTable { table, .. }
            | Effect::Unclear { table: Some(table) } => changed(&table),
            Effect::AlterTable { table, clauses } => {
                for clause in &clauses {
                    if let Clause::Rename(to) = clause {
                        changed(to);
                    }
                }
                if !clauses.iter().all(Clause::is_about_indexes) {
                    changed(&table);
                }
            }
            Effect::RenameTable { from, to } => {
                changed(&from);
                changed(&to);
            }
            Effect::Unclear { table: None } => self.all = Some(place.clone()),
        }
    }
}

/// Whether the first place is behind the second.
fn is_behind(place: &Coordinates, other: &Coordinates) -> bool {
    (number(&place.file), place.position) > (number(&other.file), other.position)
}

/// Reads the binlog from a place to its end.
///
/// `from` is where it begins, and `dump` how the server is asked for that.
pub async fn look(
    endpoint: &Endpoint,
    replica: &Replica,
    dump: &Dump,
    from: Coordinates,
    owner: &Owner,
    before: Option<LaterChanges>,
) -> Result<LaterChanges, Error> {
    let connection = Connection::open(endpoint).await?;
    let mut stream = Stream::open(connection, replica, dump, true, from.to_string()).await?;
    let mut look = Look {
        later: before.unwrap_or_else(|| LaterChanges::new(from.clone())),
        place: from,
        format: None,
        inflater: Inflater::default(),
        temporary: TemporaryTables::default(),
        owner,
    };
    loop {
        while let Some(item) = stream.received()? {
            let Item::Event(event) = item else {
                look.later.end = look.place;
                return Ok(look.later);
            };
            let bytes = stream.block().get(event).unwrap_or_default();
            if let Err(source) = look.see(bytes) {
                return Err(Error::NotFound {
                    server: endpoint.to_string(),
                    position: look.place.to_string(),
                    source: source.into(),
                });
            }
        }
        stream.receive().await?;
        tokio::task::yield_now().await;
    }
}

/// Events as they go by.
struct Look<'a> {
    later: LaterChanges,
    /// Where the next event begins.
    place: Coordinates,
    format: Option<FormatDescription>,
    inflater: Inflater,
    temporary: TemporaryTables,
    owner: &'a Owner,
}

impl Look<'_> {
    fn see(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let header = Header::decode(bytes)?;
        match header.code {
            event::HEARTBEAT | event::HEARTBEAT_V2 => return Ok(()),
            event::ROTATE => {
                let rotate = Rotate::decode(self.body(bytes)?)?;
                // The one at a file's end is followed by one that is in no file.
                if header.flags & Header::ARTIFICIAL != 0 || header.timestamp == 0 {
                    self.place = Coordinates {
                        file: rotate.file.into(),
                        position: rotate.position,
                    };
                }
                return Ok(());
            }
            event::FORMAT_DESCRIPTION => self.format = Some(FormatDescription::decode(bytes)?),
            event::QUERY => self.query(&header, &Query::decode(self.body(bytes)?)?),
            event::MARIADB_QUERY_COMPRESSED => {
                let mut query = Query::decode(self.body(bytes)?)?;
                let sql = self.inflater.inflate(query.sql)?;
                query.sql = &sql;
                self.query(&header, &query);
            }
            _ => {}
        }
        // A stream that begins inside of a file has the file's first event before, out of its place.
        let is_copy = header.end == 0 && header.code == event::FORMAT_DESCRIPTION;
        if !is_copy && header.flags & Header::ARTIFICIAL == 0 {
            self.place.position += u64::from(header.length);
        }
        Ok(())
    }

    fn query(&mut self, header: &Header, query: &Query<'_>) {
        if query.statement() != Statement::Other {
            return;
        }
        let version = self.format.as_ref().map(|format| &*format.server_version);
        let statement = StatementText::decode(query, version.unwrap_or_default());
        let session = Session::of(header, query);
        self.temporary.note(session, &statement);
        let effects = statement.effects();
        let is_of_sequences = statement.about_sequences().is_some();
        for effect in self.temporary.settle(session, &statement, effects) {
            if let Effect::DropTable { table, .. } | Effect::Unclear { table: Some(table) } =
                &effect
                && is_of_sequences
            {
                self.later.sequences.insert(self.owner.folded(table));
            }
            self.later.note(effect, &self.place, self.owner);
        }
    }

    /// The event without header and checksum.
    fn body<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let checksum = match &self.format {
            Some(format) => format.checksum,
            None => Checksum::found_in(bytes),
        };
        let end = match checksum {
            Checksum::None => bytes.len(),
            Checksum::Crc32 => bytes.len().saturating_sub(Checksum::LENGTH),
        };
        bytes
            .get(Header::LENGTH..end)
            .ok_or(Malformed::Truncated("its header"))
    }
}
