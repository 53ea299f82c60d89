//! Distributed transactions (XA): their rows are held from XA PREPARE until they are decided, and saved positions stay
//! before them, so that no row goes on that is rolled back later, and none is lost.

use wlf_core::Event;

use super::{Size, Transactions};
use crate::binlog::error::Error;
use crate::positions::TransactionGtid;
use crate::positions::coordinates::Coordinates;
use crate::positions::executed::Executed;
use crate::positions::saved_position::Boundary;

/// A distributed transaction that is prepared and neither committed nor rolled back.
#[derive(Debug)]
pub(super) struct Prepared {
    id: Box<[u8]>,
    events: Vec<Event>,
    size: Size,
    gtid: Option<TransactionGtid>,
    before: Before,
}

/// The place before a prepared transaction: reading begins there as long as it is not decided.
#[derive(Debug)]
pub struct Before {
    pub boundary: Boundary,
    /// What was executed before, where that is not simply what was executed so far: MariaDB's positions have no gaps.
    pub executed: Option<Executed>,
}

impl Transactions {
    /// A distributed transaction cannot go on before it is decided.
    #[inline(always)]
    pub(super) fn refuse_large_xa(&self) -> Result<(), Error> {
        match &self.open {
            Some(open) if open.xa.is_some() && open.size.bytes > self.limits.transaction => {
                Err(self.too_large_xa(&open.place))
            }
            _ => Ok(()),
        }
    }

    #[cold]
    fn too_large_xa(&self, place: &Coordinates) -> Error {
        Error::TooLarge {
            place: place.clone(),
            transaction: "a distributed transaction (XA), together with others that are prepared,",
            limit: self.limits.transaction,
            problem: "must be held until it is committed or rolled back",
        }
    }

    /// Puts the open transaction aside until it is decided.
    pub fn prepare(
        &mut self,
        before: Before,
        gtid: Option<TransactionGtid>,
        place: &Coordinates,
    ) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let held: usize = self
            .prepared
            .iter()
            .map(|prepared| prepared.size.bytes)
            .sum();
        if open.streaming || held + open.size.bytes > self.limits.transaction {
            return Err(self.too_large_xa(place));
        }
        self.close_block();
        self.prepared.push(Prepared {
            id: open.xa.unwrap_or_default(),
            events: std::mem::take(&mut self.held),
            size: open.size,
            gtid,
            before,
        });
        Ok(())
    }

    /// Lets the rows of a prepared transaction go on, and gives its GTID; `None` if it was prepared before the start.
    pub fn commit_prepared(&mut self, id: &[u8]) -> Option<Option<TransactionGtid>> {
        let prepared = self.take_prepared(id)?;
        // What is pending was read before.
        self.close_block();
        self.number = self.number.saturating_add(1);
        for mut event in prepared.events {
            if let Some(transaction) = &mut event.transaction {
                transaction.number = self.number;
            }
            self.ready.push(event);
        }
        self.ready_size.add(prepared.size);
        Some(prepared.gtid)
    }

    /// Forgets a prepared transaction, and gives its GTID.
    pub fn rollback_prepared(&mut self, id: &[u8]) -> Option<Option<TransactionGtid>> {
        self.take_prepared(id).map(|prepared| prepared.gtid)
    }

    fn take_prepared(&mut self, id: &[u8]) -> Option<Prepared> {
        let id = id.strip_suffix(b" ONE PHASE").unwrap_or(id);
        let at = self
            .prepared
            .iter()
            .position(|prepared| *prepared.id == *id)?;
        Some(self.prepared.remove(at))
    }

    /// The place before the first transaction that is prepared and not decided.
    pub fn before_prepared(&self) -> Option<&Before> {
        self.prepared.first().map(|prepared| &prepared.before)
    }
}
