//! Asks the server for tables' definitions where the binlog does not have them.

use wlf_core::Fault;

use super::beginning::{Beginning, executed};
use super::fate;
use super::later_changes::{self, LaterChanges};
use super::read_back;
use super::replica::Replica;
use super::server::Server;
use super::stream::Dump;
use crate::binlog::Assembler;
use crate::connection::{Connection, Endpoint};
use crate::ddl::TableName;
use crate::error::Error;
use crate::positions::executed::Executed;
use crate::positions::{Coordinates, SavedPosition};
use crate::schema::{History, Lookup, Owner, TableSchema};

/// Asks the server for tables' definitions.
#[derive(Debug)]
pub struct Definitions {
    endpoint: Endpoint,
    /// Looks ahead beside the stream, which a replica of the same name would end.
    scout: Replica,
    owner: Owner,
    /// Made when it is needed.
    connection: Option<Connection>,
    later: Option<LaterChanges>,
}

impl Definitions {
    pub fn new(endpoint: Endpoint, scout: Replica, owner: Owner) -> Self {
        Self {
            endpoint,
            scout,
            owner,
            connection: None,
            later: None,
        }
    }

    /// Gives the assembler, which is about to begin, the history as it was there.
    ///
    /// `resumes`: it goes on at a saved position. `is_wanted`: there has to be a history from here on.
    pub async fn prepare(
        &mut self,
        assembler: &mut Assembler,
        server: &Server,
        beginning: &Beginning,
        resumes: bool,
        is_wanted: bool,
    ) -> Result<(), Error> {
        // Another server has other files.
        self.later = None;
        self.connection = None;
        self.owner.folds_case = server.lower_case_table_names() > 0;
        self.owner.lowers_case = server.lower_case_table_names() == 1;
        let place = &beginning.place;
        if let Some(history) = assembler.history() {
            if history.go_to(place).await? {
                return Ok(());
            }
        } else if resumes && let Some(history) = History::open(self.owner.clone(), place).await? {
            assembler.set_history(Some(history));
            return Ok(());
        }
        assembler.set_history(None);
        if !is_wanted {
            // It would miss what comes now, if it were found again later.
            return Ok(History::remove(&self.owner).await?);
        }
        let history = self.read_everything(place.clone(), &beginning.dump).await?;
        assembler.set_history(Some(history));
        Ok(())
    }

    /// Begins a history with what the server says now, as far as it is right for the place.
    async fn read_everything(
        &mut self,
        place: SavedPosition,
        dump: &Dump,
    ) -> Result<History, Error> {
        let from = Coordinates {
            file: place.file.as_str().into(),
            position: place.position,
        };
        let mut history = History::create(self.owner.clone(), place, true)?;
        let mut connection = self.connected().await?;
        read_back::everything(&mut connection, &mut history).await?;
        let later =
            later_changes::look(&self.endpoint, &self.scout, dump, from, &self.owner, None).await?;
        match later.changed() {
            Some(tables) => {
                for table in tables {
                    history.forget_table(table)?;
                }
                for database in later.dropped() {
                    for (table, _) in read_back::tables_of(&mut connection, database).await? {
                        let database = database.to_owned();
                        history.forget_table(&TableName { database, table })?;
                    }
                }
            }
            None => history.forget_everything()?,
        }
        self.connection = Some(connection);
        history.begin().await?;
        self.later = Some(later);
        tracing::info!(
            server = %self.endpoint,
            tables = history.tables(),
            "has read the tables' definitions, which the binlog does not have"
        );
        Ok(history)
    }

    /// Tells the assembler what the table is that it needs, whose rows come next, or that it cannot be known.
    pub async fn answer(&mut self, assembler: &mut Assembler) -> Result<(), Error> {
        let Some(table) = assembler.needed().cloned() else {
            return Ok(());
        };
        let place = assembler.coordinates();
        if assembler.history().is_none() {
            let position = super::beginning::saved(&assembler.position())?;
            let dump = self.dump(&position)?;
            let history = self.read_everything(position, &dump).await?;
            assembler.set_history(Some(history));
        }
        let Some(history) = assembler.history() else {
            return Ok(());
        };
        if history.lookup(&table)? != Lookup::Unknown {
            return Ok(());
        }
        let mut connection = self.connected().await?;
        let schema = match read_back::table(&mut connection, &table).await {
            // The server closes connections that were idle for long.
            Err(Error::Lost { .. }) => {
                connection = Connection::open(&self.endpoint).await?;
                read_back::table(&mut connection, &table).await?
            }
            other => other?,
        };
        self.connection = Some(connection);
        let later = self.look_ahead(&place, assembler).await?;
        let change = later.change_of(&table, &place, &self.owner).cloned();
        let is_sequence = later.is_sequence(&table, &self.owner);
        self.later = Some(later);
        let Some(history) = assembler.history() else {
            return Ok(());
        };
        match (schema, change) {
            (_, Some(_)) if is_sequence => history.learn(&table, TableSchema::sequence())?,
            (_, Some(change)) => history.refuse(
                &table,
                format!("it was changed later, at {change}, and what it was before is not known"),
            ),
            (Some(schema), None) => history.learn(&table, schema)?,
            (None, None) => history.refuse(
                &table,
                format!(
                    "the server has no such table now, or does not show it to this user, who then needs GRANT SELECT ON \
                     `{}`.`{}`",
                    table.database, table.table
                ),
            ),
        }
        Ok(())
    }

    /// Tells the assembler how its unfinished transaction ends, which is too large to be held.
    pub async fn decide(&mut self, assembler: &mut Assembler) -> Result<(), Fault> {
        let (Some(before), Some(place)) = (assembler.before_unfinished(), assembler.unfinished())
        else {
            return Ok(());
        };
        let dump = self.dump(&before)?;
        let limit = assembler.transaction_limit();
        let fate = fate::find(&self.endpoint, &self.scout, &dump, &place, limit).await?;
        assembler.decide(fate);
        Ok(())
    }

    /// Reads on from where it was looked last.
    async fn look_ahead(
        &mut self,
        place: &Coordinates,
        assembler: &Assembler,
    ) -> Result<LaterChanges, Error> {
        let before = self.later.take();
        let from = before.as_ref().map_or(place, |later| &later.end).clone();
        let position = super::beginning::saved(&assembler.position())?;
        let dump = self.dump(&SavedPosition {
            file: from.file.to_string(),
            position: from.position,
            ..position
        })?;
        later_changes::look(
            &self.endpoint,
            &self.scout,
            &dump,
            from,
            &self.owner,
            before,
        )
        .await
    }

    /// How a stream from the place is asked for.
    fn dump(&self, place: &SavedPosition) -> Result<Dump, Error> {
        if let Ok(position) = u32::try_from(place.position) {
            return Ok(Dump::Position {
                file: place.file.clone(),
                position,
            });
        }
        match &place.gtid_set {
            Some(set) => Ok(match executed(&self.endpoint.to_string(), set)? {
                Executed::Mysql(set) => Dump::Gtids(set.encode()),
                Executed::Mariadb(position) => Dump::Mariadb(position),
            }),
            None => Err(Error::TooFar {
                file: place.file.clone(),
                position: place.position,
            }),
        }
    }

    /// A connection whose answer was not waited for must not be used again, so it is put back only afterwards.
    async fn connected(&mut self) -> Result<Connection, Error> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.endpoint).await,
        }
    }
}
