//! Events between the transactions: how and where a binlog goes on, and what stops its reader.

use std::sync::Arc;

use bytes::Bytes;

use super::{Assembler, Taken};
use crate::binlog::error::Error;
use crate::binlog::events::checksum::Checksum;
use crate::binlog::events::event_type as types;
use crate::binlog::events::format_description::FormatDescription;
use crate::binlog::events::header::Header;
use crate::binlog::events::heartbeat::Heartbeat;
use crate::binlog::events::query::Query;
use crate::binlog::events::rotate::Rotate;
use crate::binlog::events::xa_prepare::XaPrepare;
use crate::binlog::events::{commit_timestamp, gtid, incident};
use crate::binlog::transactions::block::offsets;
use crate::positions::TransactionGtid;
use crate::positions::executed::Executed;
use crate::positions::gtid_set::GtidSet;

impl Assembler {
    /// What stands between transactions, or stops everything.
    #[inline(never)]
    pub(super) fn rarer(
        &mut self,
        block: &Bytes,
        header: &Header,
        body: &[u8],
        start: u64,
        end: u64,
    ) -> Result<(), Error> {
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        match header.code {
            types::ROTATE => return self.rotate(header, body, start, end),
            types::HEARTBEAT | types::HEARTBEAT_V2 => return self.heartbeat(header, body, start),
            _ => self.end = end,
        }
        match header.code {
            types::GTID_TAGGED => {
                let gtid = gtid::decode_tagged(body).map_err(|source| wrong(self, source))?;
                let gtid = TransactionGtid::Mysql(gtid);
                let committed = commit_timestamp::decode_tagged(body);
                self.transactions.introduce(
                    Some(gtid.clone()),
                    committed.map_err(|source| wrong(self, source))?,
                );
                self.gtid = Some(gtid);
                return self.refuse_unfinished();
            }
            types::MARIADB_GTID => return self.mariadb_gtid(header, body, start),
            types::MARIADB_GTID_LIST => self.mariadb_gtid_list(header, body, start)?,
            types::MARIADB_START_ENCRYPTION if self.decrypted => {}
            types::XA_PREPARE => {
                let prepare = XaPrepare::decode(body).map_err(|source| wrong(self, source))?;
                return self.prepare(prepare, start);
            }
            types::PREVIOUS_GTIDS => {
                let set = GtidSet::decode(body).map_err(|source| wrong(self, source))?;
                // A server without GTIDs writes it too, and empty. What is prepared and not decided is in it already.
                if self.transactions.before_prepared().is_none() {
                    self.knows_before = true;
                    match &mut self.executed {
                        Some(Executed::Mysql(known)) => known.merge(&set),
                        _ if set.is_empty() => {}
                        executed => *executed = Some(set.into()),
                    }
                }
            }
            types::PARTIAL_UPDATE_ROWS => return self.partial_update(block, header, body, start),
            types::MARIADB_WRITE_ROWS_COMPRESSED_V1..=types::MARIADB_DELETE_ROWS_COMPRESSED => {
                return self.compressed_rows(header, body, start);
            }
            types::MARIADB_QUERY_COMPRESSED => return self.compressed_query(header, body, start),
            types::INCIDENT => {
                let message = incident::decode(body).map_err(|source| wrong(self, source))?;
                let place = self.place_at(start);
                return Err(Error::Incident { place, message });
            }
            types::ROWS_QUERY => {
                // int<1>: length, which is too short for most
                let statement = body.get(1..).unwrap_or_default();
                self.transactions
                    .statement(block.slice(offsets(block, statement)));
            }
            types::MARIADB_ANNOTATE_ROWS => {
                self.transactions
                    .statement(block.slice(offsets(block, body)));
            }
            types::EXECUTE_LOAD_QUERY => {
                let query = Query::decode_load(body).map_err(|source| wrong(self, source))?;
                self.load_data(&query, header, start)?;
            }
            types::STOP
            | types::INTVAR
            | types::RAND
            | types::USER_VAR
            | types::BEGIN_LOAD_QUERY
            | types::APPEND_BLOCK
            | types::DELETE_FILE
            | types::IGNORABLE
            | types::TRANSACTION_CONTEXT
            | types::VIEW_CHANGE
            | types::MARIADB_BINLOG_CHECKPOINT => {}
            code => match self.refusal(code, start) {
                Some(error) => return Err(error),
                None => self.unknown(header, start)?,
            },
        }
        if self.transactions.open_at().is_none() && self.gtid.is_none() {
            self.advance_boundary();
        }
        Ok(())
    }

    /// Events that hold rows in a form which cannot be read here: passing them over would lose the rows.
    fn refusal(&self, code: u8, start: u64) -> Option<Error> {
        let (what, hint) = match code {
            types::MARIADB_PARTIAL_ROW_DATA => (
                "a piece of a rows event (PARTIAL_ROW_DATA), which cannot be read yet",
                "SET GLOBAL binlog_row_event_fragment_threshold to more than the largest row on the server; load the \
                 table anew and begin behind this place",
            ),
            types::MARIADB_START_ENCRYPTION => (
                "the events behind it are encrypted (START_ENCRYPTION)",
                "read from the live server, which decrypts what it sends, or set encrypt_binlog = OFF in its configuration",
            ),
            _ => return None,
        };
        Some(Error::Unsupported {
            place: self.place_at(start),
            what,
            hint,
        })
    }

    pub(super) fn format_description(
        &mut self,
        bytes: &[u8],
        header: &Header,
        start: u64,
        end: u64,
    ) -> Result<Taken, Error> {
        let wrong = |this: &Self, source| this.malformed_at(start, header.code, source);
        let format = FormatDescription::decode(bytes).map_err(|source| wrong(self, source))?;
        if format.checksum == Checksum::Crc32 {
            let verified = format.checksum.verify_format_description(bytes);
            if let Err(damaged) = verified.map_err(|source| wrong(self, source))? {
                return Err(Error::Checksum {
                    place: self.place_at(start),
                    event: types::name(header.code),
                    stored: damaged.stored,
                    computed: damaged.computed,
                });
            }
        }
        self.transactions.set_flavor(format.flavor());
        self.tables.set_mariadb(format.is_mariadb());
        if format.at_start && header.flags & Header::ARTIFICIAL == 0 {
            self.temporary.forget();
        }
        self.format = format;
        self.gtid = None;
        self.refuse_unfinished()?;
        // One that is in no file has no end.
        if end > start {
            self.end = end;
            self.advance_boundary();
        }
        Ok(Taken::Event)
    }

    fn rotate(&mut self, header: &Header, body: &[u8], start: u64, end: u64) -> Result<(), Error> {
        let rotate = Rotate::decode(body);
        let rotate = rotate.map_err(|source| self.malformed_at(start, header.code, source))?;
        if header.flags & Header::ARTIFICIAL == 0 && header.timestamp != 0 {
            // The last event of a file: the reader says when the next begins.
            self.end = end;
            self.refuse_unfinished()?;
            self.advance_boundary();
            return Ok(());
        }
        // The first event of a stream, and of each file in it.
        if *self.file != *rotate.file {
            self.file = Arc::from(rotate.file);
        }
        self.end = rotate.position;
        if self.transactions.open_at().is_none() {
            self.advance_boundary();
        }
        Ok(())
    }

    /// Moves the position of a reader whose tables are idle, and never back.
    fn heartbeat(&mut self, header: &Header, body: &[u8], start: u64) -> Result<(), Error> {
        let heartbeat = if header.code == types::HEARTBEAT {
            Heartbeat::decode(body)
        } else {
            Heartbeat::decode_v2(body)
                .map_err(|source| self.malformed_at(start, header.code, source))?
        };
        let position = heartbeat
            .position
            .unwrap_or_else(|| self.same_4_gib(header.end));
        if *heartbeat.file == *self.file
            && position > self.end
            && self.transactions.open_at().is_none()
            && self.gtid.is_none()
        {
            self.end = position;
            self.advance_boundary();
        }
        Ok(())
    }
}
