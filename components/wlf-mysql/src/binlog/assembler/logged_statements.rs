//! Statements that changed rows and are in the binlog as text, where the rows themselves should be.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wlf_core::event::Transaction;
use wlf_core::format::Encoder;
use wlf_core::{Changes, EncodeError, Event, Operation, Table};

use super::Assembler;
use super::definition_statement::StatementText;
use super::temporary_tables::Session;
use crate::binlog::error::Error;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::Query;
use crate::binlog::transactions::origin::Flavor;
use crate::ddl::{self, Logged, RowsStatement};
use crate::positions::coordinates::Coordinates;

/// What becomes of a statement that changed rows and is in the binlog as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStatement {
    /// It ends the program, unless a filter drops what happens in the table that it names.
    #[default]
    Stop,
    /// It is passed over with a warning.
    Warn,
}

/// Warnings are so far apart.
const APART: Duration = Duration::from_secs(10);

/// Statements that changed rows and are in the binlog as text.
#[derive(Debug, Default)]
pub struct LoggedStatements {
    pub on_statement: OnStatement,
    /// The server writes all names in lower case.
    pub lowers_case: bool,
    /// How many were passed over, and how many of them were told of, when.
    passed_over: u64,
    told: Option<(u64, Instant)>,
}

impl Assembler {
    /// Takes a statement that may have changed rows, or may not.
    pub(super) fn logged_statement(
        &mut self,
        statement: &StatementText,
        query: &Query<'_>,
        header: &Header,
        start: u64,
    ) -> Result<(), Error> {
        match ddl::logged(statement.text(), &statement.database, statement.dialect) {
            Logged::NoRows => Ok(()),
            Logged::Rows(rows) => self.rows_as_text(rows, query, header, start),
        }
    }

    /// Takes LOAD DATA, whose rows are in other events, as the client's file has them.
    #[cold]
    pub(super) fn load_data(
        &mut self,
        query: &Query<'_>,
        header: &Header,
        start: u64,
    ) -> Result<(), Error> {
        let statement = StatementText::decode(query, &self.format.server_version);
        self.logged_statement(&statement, query, header, start)
    }

    #[cold]
    fn rows_as_text(
        &mut self,
        mut rows: RowsStatement,
        query: &Query<'_>,
        header: &Header,
        start: u64,
    ) -> Result<(), Error> {
        let session = Session::of(header, query);
        if let Some(table) = &mut rows.table {
            if self.temporary.has(session, table) {
                return Ok(());
            }
            if self.logged.lowers_case {
                table.database = table.database.to_lowercase();
                table.table = table.table.to_lowercase();
            }
        }
        let place = self.place_at(start);
        if self.logged.on_statement == OnStatement::Warn {
            self.logged.pass_over(&place, &rows);
            return Ok(());
        }
        let flavor = self.format.flavor();
        let Some(table) = rows.table.clone() else {
            return Err(Error::Statement {
                place,
                words: rows.words,
                table: None,
                flavor,
            });
        };
        let time = header.microseconds();
        let statement = LoggedStatement {
            place,
            rows,
            flavor,
        };
        let table = Table::new(table.database, table.table, Vec::new(), Vec::new());
        let event = |number: NonZeroU64| Event {
            table: table.into(),
            operation: Operation::Update,
            time,
            transaction: Some(Transaction::new(number, None)),
            changes: Arc::new(statement),
            part: 0,
            rows: 0..1,
        };
        self.transactions
            .change(event, query.sql.len().min(1 << 10));
        Ok(())
    }
}

impl LoggedStatements {
    fn pass_over(&mut self, place: &Coordinates, rows: &RowsStatement) {
        self.passed_over += 1;
        let now = Instant::now();
        let told = match self.told {
            Some((_, when)) if now.saturating_duration_since(when) < APART => return,
            Some((told, _)) => told,
            None => 0,
        };
        self.told = Some((self.passed_over, now));
        tracing::warn!(
            %place,
            statement = rows.words,
            table = rows.table.as_ref().map(|table| format!("`{}`.`{}`", table.database, table.table)),
            count = self.passed_over - told,
            total = self.passed_over,
            "statements that may have changed rows are in the binlog as text and are passed over: set binlog_format=ROW"
        );
    }
}

/// A statement that changed rows of a table that may be filtered out: whoever would write its rows fails.
#[derive(Debug)]
struct LoggedStatement {
    place: Coordinates,
    rows: RowsStatement,
    flavor: Flavor,
}

impl Changes for LoggedStatement {
    fn encode(&self, _: &Event, _: &mut Encoder) -> Result<(), EncodeError> {
        let error = Error::Statement {
            place: self.place.clone(),
            words: self.rows.words.clone(),
            table: self.rows.table.clone(),
            flavor: self.flavor,
        };
        Err(EncodeError {
            row: 0,
            fault: error.into(),
        })
    }

    fn place(&self, _: &Event) -> Option<String> {
        Some(self.place.to_string())
    }
}

/// The table as an error names it.
pub(in crate::binlog) struct Of<'a>(pub &'a Option<ddl::TableName>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(table) => write!(f, "rows of `{}`.`{}`", table.database, table.table),
            None => f.write_str("rows"),
        }
    }
}
