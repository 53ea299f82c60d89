//! Where transactions begin and end.

use super::Assembler;
use super::definition_statement::StatementText;
use super::temporary_tables::Session;
use crate::binlog::error::Error;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::{Query, Statement};
use crate::binlog::events::xa_prepare::XaPrepare;
use crate::binlog::transactions::Before;
use crate::positions::TransactionGtid;
use crate::positions::executed::Executed;

impl Assembler {
    #[inline(always)]
    pub(super) fn query(
        &mut self,
        query: &Query<'_>,
        header: &Header,
        start: u64,
    ) -> Result<(), Error> {
        match query.statement() {
            Statement::Begin => {
                let place = self.place_at(start);
                self.refuse_unfinished()?;
                self.transactions.begin(&place);
                self.transactions.made_by(query.thread_id);
            }
            Statement::Commit => self.commit(None),
            Statement::Rollback => {
                self.transactions.rollback()?;
                self.finish();
            }
            Statement::XaStart(id) => {
                let place = self.place_at(start);
                self.refuse_unfinished()?;
                self.transactions.begin_xa(&place, id);
                self.transactions.made_by(query.thread_id);
            }
            Statement::XaCommit(id) => {
                match self.transactions.commit_prepared(id) {
                    Some(gtid) => self.execute(gtid),
                    None => tracing::warn!(
                        place = %self.place_at(start),
                        "a distributed transaction is committed that was prepared before the start: its rows are not read"
                    ),
                }
                self.finish();
            }
            Statement::XaRollback(id) => {
                if let Some(gtid) = self.transactions.rollback_prepared(id) {
                    self.execute(gtid);
                }
                self.finish();
            }
            Statement::Savepoint(name) => self.transactions.savepoint(&name.unquoted()),
            Statement::RollbackTo(name) => self.transactions.roll_back_to(&name.unquoted())?,
            Statement::ReleaseSavepoint(name) => {
                self.transactions.release_savepoint(&name.unquoted())
            }
            // One that is empty stands alone.
            Statement::Neutral => self.alone(),
            Statement::Other => self.other(query, header, start)?,
        }
        Ok(())
    }

    #[inline(never)]
    fn other(&mut self, query: &Query<'_>, header: &Header, start: u64) -> Result<(), Error> {
        if std::mem::take(&mut self.undecided_statement) {
            // It comes again when it is done.
            self.finish();
            return Ok(());
        }
        self.transactions.note_statement();
        let statement = StatementText::decode(query, &self.format.server_version);
        self.temporary.note(Session::of(header, query), &statement);
        if self.emits_ddl || self.definitions.history.is_some() {
            self.definition_statement(&statement, query, header, start)?;
        }
        self.logged_statement(&statement, query, header, start)?;
        self.alone();
        Ok(())
    }

    /// A statement that stands alone, unless it is inside of a transaction, as that of CREATE TABLE … SELECT is.
    fn alone(&mut self) {
        if self.transactions.open_at().is_none() {
            self.finish();
        }
    }

    pub(super) fn prepare(&mut self, prepare: XaPrepare, start: u64) -> Result<(), Error> {
        if prepare.one_phase {
            self.commit(None);
            return Ok(());
        }
        let place = self.place_at(start);
        let mut before = Before {
            boundary: self.boundary.clone(),
            executed: None,
        };
        // It is missing in MySQL's set until it is decided; a position of MariaDB cannot have gaps.
        let mut missing = None;
        if let Some(TransactionGtid::MariaDb(_)) = &self.gtid {
            before.executed = self.executed.clone();
        } else {
            missing = self.gtid.take();
        }
        self.transactions.prepare(before, missing, &place)?;
        self.finish();
        Ok(())
    }

    #[inline(always)]
    pub(super) fn commit(&mut self, xid: Option<u64>) {
        self.transactions.commit(xid);
        self.finish();
    }

    /// A transaction, or a statement that stands alone, has ended here.
    #[inline(always)]
    pub(super) fn finish(&mut self) {
        if let Some(gtid) = self.gtid.take() {
            self.execute(Some(gtid));
        }
        self.tables.next_transaction();
        self.advance_boundary();
    }

    #[inline(always)]
    pub(super) fn execute(&mut self, gtid: Option<TransactionGtid>) {
        if let Some(gtid) = gtid
            && self.knows_before
        {
            Executed::add(&mut self.executed, &gtid);
        }
    }

    /// A transaction cannot begin inside of another: the server died while it wrote that one.
    #[inline(always)]
    pub(super) fn refuse_unfinished(&self) -> Result<(), Error> {
        match self.transactions.open_at() {
            None => Ok(()),
            Some(place) => Err(Error::TornTransaction {
                place,
                end: self.coordinates(),
            }),
        }
    }
}
