//! The events inside of a TRANSACTION_PAYLOAD, taken like any others.

use bytes::Bytes;

use super::{Assembler, Taken};
use crate::binlog::error::Error;
use crate::binlog::events::event_type as types;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::{Query, Statement};
use crate::binlog::events::transaction_payload::{
    Next, PayloadError, PayloadEvents, TransactionPayload,
};
use crate::binlog::transactions::block::offsets;
use crate::reader::Malformed;

/// So many bytes of events are taken before others get their turn.
const TURN: usize = 256 * 1024;

/// A TRANSACTION_PAYLOAD of which not all events were taken.
#[derive(Debug)]
pub(super) struct OpenPayload {
    events: PayloadEvents,
    start: u64,
    end: u64,
}

impl Assembler {
    /// Begins with the events inside of a TRANSACTION_PAYLOAD.
    #[inline(never)]
    pub(super) fn payload(
        &mut self,
        block: &Bytes,
        body: &[u8],
        start: u64,
        end: u64,
    ) -> Result<Taken, Error> {
        let wrong = |source: PayloadError| Error::Payload {
            place: self.place_at(start),
            source,
        };
        let payload = TransactionPayload::decode(body).map_err(|source| wrong(source.into()))?;
        let compressed = block.slice(offsets(block, payload.payload));
        let events = PayloadEvents::new(&payload, compressed).map_err(wrong)?;
        self.transactions.begin_payload();
        self.payload = Some(Box::new(OpenPayload { events, start, end }));
        self.inside()
    }

    /// Goes on with the events inside of a TRANSACTION_PAYLOAD.
    #[inline(never)]
    pub(super) fn inside(&mut self) -> Result<Taken, Error> {
        let Some(mut payload) = self.payload.take() else {
            return Ok(Taken::Event);
        };
        let taken = self.take_inside(&mut payload)?;
        if taken == Taken::Event {
            self.end = payload.end;
            self.transactions.end_payload();
            self.decoder.rest();
        } else {
            self.payload = Some(payload);
        }
        Ok(taken)
    }

    /// Takes events until all are taken, a batch is full, or others should have their turn.
    fn take_inside(&mut self, payload: &mut OpenPayload) -> Result<Taken, Error> {
        let start = payload.start;
        let mut turn: usize = 0;
        loop {
            let next = payload.events.next(&mut self.decoder);
            let next = next.map_err(|source| Error::Payload {
                place: self.place_at(start),
                source,
            })?;
            let (block, event, is_last) = match next {
                Next::Event {
                    block,
                    event,
                    is_last,
                } => (block, event, is_last),
                Next::Later => return Ok(Taken::More),
                Next::End => return Ok(Taken::Event),
            };
            let bytes = block.get(event.clone()).unwrap_or_default();
            let header = Header::decode(bytes)
                .map_err(|source| self.malformed_at(start, types::TRANSACTION_PAYLOAD, source))?;
            let body = bytes.get(Header::LENGTH..).unwrap_or_default();
            self.refuse_misplaced(&header, body, is_last, start)?;
            // The transaction has ended where the payload does, and everything in it is where the payload begins.
            let end = if is_last { payload.end } else { start };
            match self.event(&block, &header, body, start..end)? {
                Taken::Event | Taken::More => {}
                asks => return Ok(asks),
            }
            payload.events.taken(event.end);
            self.transactions.count(event.len());
            if is_last {
                return Ok(Taken::Event);
            }
            turn = turn.saturating_add(event.len());
            if turn >= TURN || self.is_full() {
                return Ok(Taken::More);
            }
        }
    }

    /// A payload is one transaction, whose end is its last event: anything else would make the place behind it no boundary.
    fn refuse_misplaced(
        &self,
        header: &Header,
        body: &[u8],
        is_last: bool,
        start: u64,
    ) -> Result<(), Error> {
        let is_misplaced = match header.code {
            types::FORMAT_DESCRIPTION
            | types::ROTATE
            | types::STOP
            | types::HEARTBEAT
            | types::HEARTBEAT_V2
            | types::PREVIOUS_GTIDS
            | types::GTID
            | types::ANONYMOUS_GTID
            | types::GTID_TAGGED
            | types::TRANSACTION_PAYLOAD
            | types::MARIADB_GTID
            | types::MARIADB_GTID_LIST => true,
            _ if is_last => false,
            types::XID | types::XA_PREPARE => true,
            types::QUERY => {
                let query = Query::decode(body);
                let query =
                    query.map_err(|source| self.malformed_at(start, header.code, source))?;
                match query.statement() {
                    Statement::Begin | Statement::XaStart(_) => false,
                    Statement::Savepoint(_)
                    | Statement::RollbackTo(_)
                    | Statement::ReleaseSavepoint(_)
                    | Statement::Neutral
                    | Statement::Other => self.transactions.open_at().is_none(),
                    Statement::Commit
                    | Statement::Rollback
                    | Statement::XaCommit(_)
                    | Statement::XaRollback(_) => true,
                }
            }
            _ => false,
        };
        if is_misplaced {
            let source = Malformed::Invalid("its place inside of a TRANSACTION_PAYLOAD");
            return Err(self.malformed_at(start, header.code, source));
        }
        Ok(())
    }
}
