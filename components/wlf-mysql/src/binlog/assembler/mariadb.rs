//! Events that only MariaDB writes, between and around the transactions.

use super::Assembler;
use crate::binlog::error::Error;
use crate::binlog::events::header::Header;
use crate::binlog::events::mariadb_gtid::{self, Group, GtidEvent};
use crate::positions::TransactionGtid;
use crate::positions::executed::Executed;

impl Assembler {
    /// GTID: opens a transaction, or stands before a statement.
    pub(super) fn mariadb_gtid(
        &mut self,
        header: &Header,
        body: &[u8],
        start: u64,
    ) -> Result<(), Error> {
        let event = GtidEvent::decode(body, header.server_id)
            .map_err(|source| self.malformed_at(start, header.code, source))?;
        // It ended with nothing that says so, if the server died while it wrote it.
        self.gtid = None;
        self.refuse_unfinished()?;
        let gtid = TransactionGtid::MariaDb(event.gtid);
        self.transactions.introduce(Some(gtid.clone()), None);
        if let Some(thread_id) = event.thread_id {
            self.transactions.made_by(thread_id);
        }
        self.gtid = Some(gtid);
        self.undecided_statement = false;
        let place = self.place_at(start);
        match event.group {
            Group::Statement => {}
            Group::UndecidedStatement => self.undecided_statement = true,
            Group::Transaction => self.transactions.begin(&place),
            Group::Prepared(id) => self.transactions.begin_xa(&place, id.as_bytes()),
        }
        Ok(())
    }

    /// GTID_LIST: what was executed before the file. A server also makes such events up while it looks for the place
    /// where a stream begins.
    pub(super) fn mariadb_gtid_list(
        &mut self,
        header: &Header,
        body: &[u8],
        start: u64,
    ) -> Result<(), Error> {
        let listed = mariadb_gtid::decode_list(body)
            .map_err(|source| self.malformed_at(start, header.code, source))?;
        if header.flags & Header::ARTIFICIAL != 0 {
            return Ok(());
        }
        match &mut self.executed {
            Some(Executed::Mariadb(known)) => known.add_missing(&listed),
            _ => self.executed = Some(listed.into()),
        }
        self.knows_before = true;
        Ok(())
    }
}
