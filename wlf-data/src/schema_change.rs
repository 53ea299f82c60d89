//! Schema changes as events.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::event::{Changes, EncodeError, Event, Operation, Table, Transaction};
use crate::format::Encoder;
use crate::origin::Origin;

/// A statement that changed definitions.
///
/// One statement with several effects (`DROP TABLE a, b`) is several of these with the same `sql`.
#[derive(Debug, Clone)]
pub struct SchemaChange {
    pub kind: SchemaChangeKind,
    pub database: String,
    /// `None` for a change of a whole database. Of a renamed table, the old name.
    pub table: Option<String>,
    /// The table before, where it is known.
    pub old: Option<TableDefinition>,
    /// The table after, where it is known.
    pub new: Option<TableDefinition>,
    /// Of a database: its charset, where the statement says it.
    pub charset: Option<String>,
    /// The whole statement.
    pub sql: String,
    pub place: ChangePlace,
}

/// Where a change stands in the binlog, in owned form.
#[derive(Debug, Clone, Default)]
pub struct ChangePlace {
    /// `mysql` or `mariadb`.
    pub server: &'static str,
    pub file: Arc<str>,
    /// Where the statement's event begins.
    pub position: u64,
    pub server_id: Option<u32>,
    pub thread_id: Option<u32>,
    pub gtid: Option<String>,
}

impl ChangePlace {
    /// The same, borrowed.
    pub fn origin(&self) -> Origin<'_> {
        Origin {
            server: self.server,
            file: &self.file,
            position: self.position,
            server_id: self.server_id,
            thread_id: self.thread_id,
            gtid: self.gtid.as_ref().map(|gtid| gtid as &dyn fmt::Display),
            ..Origin::default()
        }
    }
}

/// A table as it is defined before or after a statement.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    pub table: Arc<Table>,
    /// The table's default charset, where it is known.
    pub charset: Option<String>,
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaChangeKind {
    TableCreate,
    /// Also a rename.
    TableAlter,
    TableDrop,
    TableTruncate,
    DatabaseCreate,
    DatabaseAlter,
    DatabaseDrop,
}

impl SchemaChange {
    /// An event for the change; `number` is that of its transaction, `time` in microseconds since 1970.
    pub fn into_event(self, number: NonZeroU64, time: i64) -> Event {
        let name = self.table.clone().unwrap_or_default();
        let database = self.database.clone();
        Event {
            table: Arc::new(Table::new(database, name, Vec::new(), Vec::new())),
            operation: Operation::Ddl,
            time,
            transaction: Some(Transaction::new(number, None)),
            changes: Arc::new(self),
            part: 0,
            rows: 0..1,
        }
    }
}

impl Changes for SchemaChange {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder.encode_schema_change(event, self)
    }
}
