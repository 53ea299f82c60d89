//! Statements that change definitions: they move the history on, and are events of their own if they are wanted.

use wlf_core::schema_change::{ChangePlace, SchemaChange, TableDefinition};
use wlf_core::{Column, Table};

use super::Assembler;
use crate::binlog::assembler::definition_statement::StatementText;
use crate::binlog::assembler::temporary_tables::Session;
use crate::binlog::error::Error;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::Query;
use crate::binlog::tables::definition::Definition;
use crate::ddl::{Clause, Effect, SequenceStatement, TableName, same};
use crate::schema::{Change, Point, Surroundings, TableSchema};

impl Assembler {
    /// Takes a statement that stands where those that change definitions do; the end is behind it already.
    pub(super) fn definition_statement(
        &mut self,
        statement: &StatementText,
        query: &Query<'_>,
        header: &Header,
        start: u64,
    ) -> Result<(), Error> {
        let effects = statement.effects();
        let session = Session::of(header, query);
        let effects = self.temporary.settle(session, statement, effects);
        if effects.is_empty() {
            return Ok(());
        }
        let gtid = self
            .transactions
            .origin()
            .gtid
            .as_ref()
            .map(ToString::to_string);
        let around = Surroundings {
            point: Point {
                file: self.file.to_string(),
                position: self.end,
                gtid: gtid.clone(),
                server: self.server_uuid.clone(),
            },
            server_charset: statement.server_charset.clone(),
        };
        let place = ChangePlace {
            server: self.format.flavor().name(),
            file: self.file.clone(),
            position: start,
            server_id: Some(header.server_id),
            thread_id: Some(query.thread_id),
            gtid,
        };
        let sequences = statement.about_sequences();
        for effect in effects {
            let made = match (&effect, sequences) {
                (Effect::Unclear { table }, Some(SequenceStatement::Create)) => table.clone(),
                _ => None,
            };
            if let Effect::Unclear { table } = &effect
                && made.is_none()
            {
                let table = table.as_ref().map_or_else(
                    || "any table".to_owned(),
                    |table| format!("`{}`.`{}`", table.database, table.table),
                );
                tracing::warn!(
                    place = %self.place_at(start),
                    table,
                    "a statement that may change a definition is not understood: the server is asked for it when the \
                     next rows come"
                );
            }
            self.forget_changed(&effect);
            let change = match &mut self.definitions.history {
                Some(history) => {
                    let change = history.apply(effect, &around)?;
                    if let Some(sequence) = &made {
                        history.learn(sequence, TableSchema::sequence())?;
                    }
                    change
                }
                None => None,
            };
            if let Some(change) = change
                && self.emits_ddl
            {
                let change = schema_change(change, &statement.sql, &place);
                let time = header.microseconds();
                let size = statement.sql.len();
                self.transactions
                    .change(|number| change.into_event(number, time), size);
            }
        }
        Ok(())
    }

    /// Forgets how the rows of tables are decoded that an effect may have changed.
    fn forget_changed(&mut self, effect: &Effect) {
        let is = |name: &TableName, database: &str, table: &str| {
            same(&name.database, database) && same(&name.table, table)
        };
        match effect {
            Effect::CreateDatabase { .. }
            | Effect::AlterDatabase { .. }
            | Effect::TruncateTable { .. }
            | Effect::CreateView { .. }
            | Effect::DropView { .. } => {}
            Effect::DropDatabase { name } => self
                .tables
                .forget_definitions(|database, _| same(name, database)),
            Effect::CreateTable { table: name, .. }
            | Effect::DropTable { table: name, .. }
            | Effect::AlterIndexes { table: name, .. }
            | Effect::Unclear { table: Some(name) } => self
                .tables
                .forget_definitions(|database, table| is(name, database, table)),
            Effect::RenameTable { from, to } => {
                self.tables.forget_definitions(|database, table| {
                    is(from, database, table) || is(to, database, table)
                })
            }
            Effect::AlterTable {
                table: name,
                clauses,
            } => self.tables.forget_definitions(|database, table| {
                let is_target = |clause: &Clause| match clause {
                    Clause::Rename(to) => is(to, database, table),
                    _ => false,
                };
                is(name, database, table) || clauses.iter().any(is_target)
            }),
            Effect::Unclear { table: None } => self.tables.forget_definitions(|_, _| true),
        }
    }
}

fn schema_change(change: Change, sql: &str, place: &ChangePlace) -> SchemaChange {
    SchemaChange {
        kind: change.kind,
        database: change.database,
        table: change.table,
        old: change.old.map(table_definition),
        new: change.new.map(table_definition),
        charset: change.charset,
        sql: sql.to_owned(),
        place: place.clone(),
    }
}

fn table_definition((name, schema): (TableName, TableSchema)) -> TableDefinition {
    let definition = Definition::of(&schema);
    let columns = definition.columns.into_iter().map(|column| Column {
        name: column.name,
        data_type: column.data_type,
        nullable: column.nullable,
    });
    let table = Table::new(
        name.database,
        name.table,
        columns.collect(),
        definition.primary_key,
    );
    TableDefinition {
        table: table.into(),
        charset: Some(schema.charset),
    }
}
