//! What a statement does to a history.

use wlf_core::SchemaChangeKind;

use super::super::entry::TableState;
use super::super::point::Point;
use super::super::table::TableSchema;
use super::{History, HistoryError};
use crate::ddl::{CharsetName, Clause, Effect, TableContent, TableName};

/// What a statement's event says besides the statement.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The place behind it.
    pub point: Point,
    /// `character_set_server` of the session.
    pub server_charset: Option<String>,
}

/// One change that a statement made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: SchemaChangeKind,
    pub database: String,
    pub table: Option<String>,
    pub old: Option<(TableName, TableSchema)>,
    pub new: Option<(TableName, TableSchema)>,
    /// Of a database, where the statement says it.
    pub charset: Option<String>,
}

impl Change {
    fn of_table(kind: SchemaChangeKind, table: &TableName) -> Self {
        Self {
            kind,
            database: table.database.clone(),
            table: Some(table.table.clone()),
            old: None,
            new: None,
            charset: None,
        }
    }

    fn of_database(kind: SchemaChangeKind, name: &str, charset: Option<String>) -> Self {
        Self {
            kind,
            database: name.to_owned(),
            table: None,
            old: None,
            new: None,
            charset,
        }
    }
}

/// A table as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    Known(TableSchema),
    /// It is there, or may be there.
    Unknown,
    /// It is not there.
    Absent,
    /// A view has the name.
    View,
}

/// MySQL's own default since 8.0, where nothing else is said.
const DEFAULT_CHARSET: &str = "utf8mb4";

impl History {
    /// Moves on over one effect of a statement, and says what changed, if anything did.
    pub fn apply(
        &mut self,
        effect: Effect,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        match effect {
            Effect::CreateDatabase {
                name,
                charset,
                if_not_exists,
            } => self.create_database(&self.owner.written(&name), charset, if_not_exists, around),
            Effect::AlterDatabase { name, charset } => {
                self.alter_database(&self.owner.written(&name), charset, around)
            }
            Effect::DropDatabase { name } => self.drop_database(&self.owner.written(&name), around),
            Effect::CreateTable {
                table,
                content,
                if_not_exists,
            } => self.create_table(&self.written(table), &content, if_not_exists, around),
            Effect::AlterTable { table, clauses } => {
                let clauses = clauses.into_iter().map(|clause| match clause {
                    Clause::Rename(to) => Clause::Rename(self.written(to)),
                    clause => clause,
                });
                let clauses: Vec<Clause> = clauses.collect();
                self.alter_table(&self.written(table), &clauses, around)
            }
            Effect::RenameTable { from, to } => {
                let clauses = [Clause::Rename(self.written(to))];
                self.alter_table(&self.written(from), &clauses, around)
            }
            Effect::DropTable { table, if_exists } => {
                self.drop_table(&self.written(table), if_exists, around)
            }
            Effect::CreateView { view } => self.create_view(&self.written(view), around),
            Effect::DropView { view } => self.drop_view(&self.written(view), around),
            Effect::AlterIndexes { table, clauses } => {
                self.alter_indexes(&self.written(table), &clauses, around)
            }
            Effect::TruncateTable { table } => {
                let kind = SchemaChangeKind::TableTruncate;
                Ok(Some(Change::of_table(kind, &self.written(table))))
            }
            Effect::Unclear { table: Some(table) } => self.unclear(&self.written(table), around),
            Effect::Unclear { table: None } => {
                self.forget_all(around.point.clone())?;
                Ok(None)
            }
        }
    }

    fn create_database(
        &mut self,
        name: &str,
        charset: Option<CharsetName>,
        if_not_exists: bool,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if if_not_exists && self.has_database(name) {
            return Ok(None);
        }
        let said = named(charset);
        let charset = said.clone().unwrap_or_else(|| server_charset(around));
        self.set_database(name, Some(charset), Some(around.point.clone()))?;
        let kind = SchemaChangeKind::DatabaseCreate;
        Ok(Some(Change::of_database(kind, name, said)))
    }

    fn alter_database(
        &mut self,
        name: &str,
        charset: Option<CharsetName>,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        let said = match charset {
            Some(CharsetName::Default) => Some(server_charset(around)),
            charset => named(charset),
        };
        if let Some(charset) = &said {
            self.set_database(name, Some(charset.clone()), Some(around.point.clone()))?;
        }
        let kind = SchemaChangeKind::DatabaseAlter;
        Ok(Some(Change::of_database(kind, name, said)))
    }

    fn drop_database(
        &mut self,
        name: &str,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if self.header.complete && !self.has_database(name) {
            return Ok(None);
        }
        self.set_database(name, None, Some(around.point.clone()))?;
        let kind = SchemaChangeKind::DatabaseDrop;
        Ok(Some(Change::of_database(kind, name, None)))
    }

    fn drop_table(
        &mut self,
        table: &TableName,
        if_exists: bool,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        match self.before(table)? {
            Before::Absent if if_exists && self.header.complete => return Ok(None),
            // IF EXISTS too leaves a view alone.
            Before::View => return Ok(None),
            _ => {}
        }
        self.set(table, &TableState::Dropped, Some(around.point.clone()))?;
        Ok(Some(Change::of_table(SchemaChangeKind::TableDrop, table)))
    }

    fn create_view(
        &mut self,
        view: &TableName,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if !matches!(self.before(view)?, Before::Known(_)) {
            self.set(view, &TableState::View, Some(around.point.clone()))?;
        }
        Ok(None)
    }

    fn drop_view(
        &mut self,
        view: &TableName,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if self.before(view)? == Before::View {
            self.set(view, &TableState::Dropped, Some(around.point.clone()))?;
        }
        Ok(None)
    }

    fn alter_indexes(
        &mut self,
        table: &TableName,
        clauses: &[Clause],
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if let Before::Known(old) = self.before(table)? {
            // A key needs no charset.
            match old.alter(clauses, DEFAULT_CHARSET) {
                Ok(new) if new == old => {}
                new => {
                    self.become_of(table, new.ok(), around)?;
                }
            }
        }
        Ok(None)
    }

    fn written(&self, table: TableName) -> TableName {
        TableName {
            database: self.owner.written(&table.database),
            table: self.owner.written(&table.table),
        }
    }

    fn before(&mut self, table: &TableName) -> Result<Before, HistoryError> {
        Ok(match self.state(table)? {
            Some((_, TableState::Known(schema))) => Before::Known(schema),
            Some((_, TableState::Unknown)) => Before::Unknown,
            Some((_, TableState::Dropped)) => Before::Absent,
            Some((_, TableState::View)) => Before::View,
            None if self.unknown || !self.header.complete => Before::Unknown,
            None => Before::Absent,
        })
    }

    fn has_database(&self, name: &str) -> bool {
        let database = self.databases.get(&self.owner.folded_name(name));
        database.is_some_and(|database| database.charset.is_some())
    }

    fn database_charset(&self, name: &str, around: &Surroundings) -> String {
        let database = self.databases.get(&self.owner.folded_name(name));
        database
            .and_then(|database| database.charset.clone())
            .unwrap_or_else(|| server_charset(around))
    }

    fn create_table(
        &mut self,
        table: &TableName,
        content: &TableContent,
        if_not_exists: bool,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        if if_not_exists && self.before(table)? != Before::Absent {
            return Ok(None);
        }
        let created = match content {
            // The name may be that of a view which nothing is known of, and then nothing was created.
            _ if if_not_exists && !self.header.views => None,
            TableContent::Like(model) => match self.before(model)? {
                Before::Known(schema) => Some(schema.rebuilt()),
                Before::Unknown | Before::Absent | Before::View => None,
            },
            TableContent::Columns {
                columns,
                primary_key,
                charset,
                extras,
            } => {
                let charset = match charset {
                    Some(CharsetName::Named(name)) => name.clone(),
                    Some(CharsetName::Default) | None => {
                        self.database_charset(&table.database, around)
                    }
                };
                TableSchema::create(columns, primary_key, &charset, extras).ok()
            }
        };
        let mut change = Change::of_table(SchemaChangeKind::TableCreate, table);
        change.new = self.become_of(table, created, around)?;
        Ok(Some(change))
    }

    /// Notes what a table is now; one that could not be worked out is asked for when its next rows come.
    fn become_of(
        &mut self,
        table: &TableName,
        schema: Option<TableSchema>,
        around: &Surroundings,
    ) -> Result<Option<(TableName, TableSchema)>, HistoryError> {
        let state = schema.map_or(TableState::Unknown, TableState::Known);
        self.set(table, &state, Some(around.point.clone()))?;
        Ok(match state {
            TableState::Known(schema) => Some((table.clone(), schema)),
            TableState::Unknown | TableState::Dropped | TableState::View => None,
        })
    }

    fn alter_table(
        &mut self,
        table: &TableName,
        clauses: &[Clause],
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        let old = match self.before(table)? {
            Before::Known(schema) => Some(schema),
            Before::Unknown | Before::Absent => None,
            Before::View => return self.rename_view(table, clauses, around),
        };
        let mut change = Change::of_table(SchemaChangeKind::TableAlter, table);
        change.old = old.clone().map(|schema| (table.clone(), schema));
        if clauses.is_empty() {
            // What changes no column may change how MariaDB keeps keys.
            let rebuilt = old.clone().map(TableSchema::rebuilt);
            if rebuilt == old {
                change.new.clone_from(&change.old);
            } else {
                change.new = self.become_of(table, rebuilt, around)?;
            }
            return Ok(Some(change));
        }
        let target = new_name(clauses);
        let charset = self.database_charset(&table.database, around);
        let new = old.and_then(|old| old.alter(clauses, &charset).ok());
        if let Some(to) = target
            && self.owner.folded(to) != self.owner.folded(table)
        {
            self.set(table, &TableState::Dropped, Some(around.point.clone()))?;
        }
        change.new = self.become_of(target.unwrap_or(table), new, around)?;
        Ok(Some(change))
    }

    /// RENAME TABLE renames views too.
    fn rename_view(
        &mut self,
        view: &TableName,
        clauses: &[Clause],
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        let at = || Some(around.point.clone());
        if let Some(to) = new_name(clauses) {
            self.set(view, &TableState::Dropped, at())?;
            self.set(to, &TableState::View, at())?;
        }
        Ok(None)
    }

    fn unclear(
        &mut self,
        table: &TableName,
        around: &Surroundings,
    ) -> Result<Option<Change>, HistoryError> {
        let (kind, old) = match self.before(table)? {
            Before::Known(schema) => (SchemaChangeKind::TableAlter, Some((table.clone(), schema))),
            Before::Unknown => (SchemaChangeKind::TableAlter, None),
            // As IF NOT EXISTS does.
            Before::View => return Ok(None),
            Before::Absent => (SchemaChangeKind::TableCreate, None),
        };
        self.set(table, &TableState::Unknown, Some(around.point.clone()))?;
        let mut change = Change::of_table(kind, table);
        change.old = old;
        Ok(Some(change))
    }
}

/// The name that the last of the clauses gives.
fn new_name(clauses: &[Clause]) -> Option<&TableName> {
    clauses.iter().rev().find_map(|clause| match clause {
        Clause::Rename(to) => Some(to),
        _ => None,
    })
}

fn named(charset: Option<CharsetName>) -> Option<String> {
    match charset {
        Some(CharsetName::Named(name)) => Some(name),
        Some(CharsetName::Default) | None => None,
    }
}

fn server_charset(around: &Surroundings) -> String {
    let charset = around.server_charset.clone();
    charset.unwrap_or_else(|| DEFAULT_CHARSET.to_owned())
}
