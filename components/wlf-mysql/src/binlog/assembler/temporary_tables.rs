//! The temporary tables of sessions that log statements, as far as the binlog tells of them.
//!
//! A session in `binlog_format=STATEMENT`, and in MariaDB's MIXED, logs what it does to its temporary tables. They hide the
//! tables of their names, and neither the statement nor its event says which of both it is about: the event's flag
//! `LOG_EVENT_THREAD_SPECIFIC_F` says that some temporary table was used, in a procedure also by a statement before, and
//! MariaDB's RENAME TABLE of a temporary table does not have it.

use std::collections::{HashMap, HashSet};

use super::definition_statement::StatementText;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::Query;
use crate::ddl::{self, Clause, Effect, TableContent, TableName, Temporary};

/// So many are remembered. More can only come to be where their ends are missing.
const REMEMBERED: usize = 50_000;

/// The session that gave a statement.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    id: (u32, u32),
    /// Whether some temporary table was used.
    uses_temporary: bool,
}

impl Session {
    pub fn of(header: &Header, query: &Query<'_>) -> Self {
        Self {
            id: (header.server_id, query.thread_id),
            uses_temporary: header.flags & Header::THREAD_SPECIFIC != 0,
        }
    }
}

/// The temporary tables of sessions that log statements.
#[derive(Debug, Default)]
pub struct TemporaryTables {
    sessions: HashMap<(u32, u32), HashSet<TableName>>,
    count: usize,
    /// Names that differ in case only are the same.
    pub folds_case: bool,
}

impl TemporaryTables {
    /// The server was started: all of them are gone.
    pub fn forget(&mut self) {
        self.sessions.clear();
        self.count = 0;
    }

    /// Learns what a statement does to them.
    pub fn note(&mut self, session: Session, statement: &StatementText) {
        match ddl::temporary(statement.text(), &statement.database, statement.dialect) {
            Some(Temporary::Create(table)) => self.add(session, &table),
            Some(Temporary::Drop(tables)) => {
                for table in &tables {
                    self.remove(session, table);
                }
            }
            None => {}
        }
    }

    /// Whether a name is that of a temporary table of the session.
    pub fn has(&self, session: Session, table: &TableName) -> bool {
        let tables = self.sessions.get(&session.id);
        tables.is_some_and(|tables| tables.contains(&self.folded(table)))
    }

    /// What is left of a statement's effects on tables that are not temporary.
    pub fn settle(
        &mut self,
        session: Session,
        statement: &StatementText,
        effects: Vec<Effect>,
    ) -> Vec<Effect> {
        if self.sessions.is_empty() && !session.uses_temporary {
            return effects;
        }
        let creates = statement.starts_with("CREATE");
        let mut settled = Vec::new();
        for effect in effects {
            match effect {
                // What is made has no temporary table in its way.
                effect @ Effect::Unclear { .. } if creates => settled.push(effect),
                effect => {
                    let is_mariadb = statement.dialect.is_mariadb;
                    self.settle_one(session, is_mariadb, effect, &mut settled);
                }
            }
        }
        settled
    }

    fn settle_one(
        &mut self,
        session: Session,
        is_mariadb: bool,
        effect: Effect,
        settled: &mut Vec<Effect>,
    ) {
        match effect {
            Effect::AlterTable { table, clauses } if self.has(session, &table) => {
                let renames = clauses.iter().rev().find_map(|clause| match clause {
                    Clause::Rename(to) => Some(to),
                    _ => None,
                });
                if let Some(to) = renames {
                    self.rename(session, &table, to);
                }
            }
            // It was made before the binlog was read from, or another one was used.
            Effect::AlterTable { table, clauses } if session.uses_temporary => {
                for clause in clauses {
                    if let Clause::Rename(to) = clause {
                        settled.push(Effect::Unclear { table: Some(to) });
                    }
                }
                settled.push(Effect::Unclear { table: Some(table) });
            }
            // MySQL renames no temporary table so.
            Effect::RenameTable { from, to } if is_mariadb && self.has(session, &from) => {
                self.rename(session, &from, &to);
            }
            Effect::TruncateTable { table } if self.has(session, &table) => {}
            Effect::Unclear { table: Some(table) } if self.has(session, &table) => {}
            Effect::CreateTable {
                table,
                content: TableContent::Like(model),
                ..
            } if session.uses_temporary || self.has(session, &model) => {
                settled.push(Effect::Unclear { table: Some(table) });
            }
            effect => settled.push(effect),
        }
    }

    fn add(&mut self, session: Session, table: &TableName) {
        if self.count >= REMEMBERED {
            self.forget();
        }
        let table = self.folded(table);
        if self.sessions.entry(session.id).or_default().insert(table) {
            self.count += 1;
        }
    }

    fn remove(&mut self, session: Session, table: &TableName) {
        let table = self.folded(table);
        if let Some(tables) = self.sessions.get_mut(&session.id) {
            self.count -= usize::from(tables.remove(&table));
            if tables.is_empty() {
                self.sessions.remove(&session.id);
            }
        }
    }

    fn rename(&mut self, session: Session, from: &TableName, to: &TableName) {
        self.remove(session, from);
        self.add(session, to);
    }

    fn folded(&self, table: &TableName) -> TableName {
        if !self.folds_case {
            return table.clone();
        }
        TableName {
            database: table.database.to_lowercase(),
            table: table.table.to_lowercase(),
        }
    }
}
