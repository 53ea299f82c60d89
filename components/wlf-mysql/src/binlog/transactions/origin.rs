//! Where a transaction comes from: what the events before its rows say of it.

use std::borrow::Cow;
use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;

use super::Transactions;
use crate::positions::TransactionGtid;

/// Where a transaction comes from, or from its next statement on.
#[derive(Debug, Clone, Default)]
pub struct TransactionOrigin {
    pub flavor: Flavor,
    /// Of the connection that made it, from the QUERY that opens it.
    pub thread_id: Option<u32>,
    pub gtid: Option<TransactionGtid>,
    /// When it was committed on the server where it was made, in microseconds since 1970.
    pub committed: Option<NonZero<u64>>,
    /// The statement, from ROWS_QUERY or ANNOTATE_ROWS, in UTF-8.
    pub statement: Option<Arc<Bytes>>,
}

/// Whose server it is: they differ in what GTIDs are, and in the names of settings and rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavor {
    #[default]
    Mysql,
    Mariadb,
}

impl Flavor {
    /// `mysql` or `mariadb`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }
}

impl Transactions {
    /// Whose server wrote what follows.
    pub fn set_flavor(&mut self, flavor: Flavor) {
        self.origin = TransactionOrigin {
            flavor,
            ..TransactionOrigin::default()
        };
        self.noted = None;
    }

    /// What follows is a transaction of this identity.
    #[inline(always)]
    pub fn introduce(&mut self, gtid: Option<TransactionGtid>, committed: Option<NonZero<u64>>) {
        self.origin = TransactionOrigin {
            flavor: self.origin.flavor,
            thread_id: None,
            gtid,
            committed,
            statement: None,
        };
        self.noted = None;
    }

    /// The connection that made the open transaction.
    #[inline(always)]
    pub fn made_by(&mut self, thread_id: u32) {
        self.origin.thread_id = Some(thread_id);
        self.noted = None;
    }

    /// The rows that follow were changed by this statement, of whatever charset: bytes that are no UTF-8 become U+FFFD.
    pub fn statement(&mut self, statement: Bytes) {
        let statement = match String::from_utf8_lossy(&statement) {
            Cow::Borrowed(_) => statement,
            Cow::Owned(mended) => Bytes::from(mended),
        };
        self.origin.statement = Some(Arc::new(statement));
        self.noted = None;
    }

    /// Where the open transaction comes from, or the next.
    pub fn origin(&self) -> &TransactionOrigin {
        &self.origin
    }

    /// The rows that follow are all of one event.
    pub fn begin_payload(&mut self) {
        self.payload_rows = Some(0);
    }

    pub fn end_payload(&mut self) {
        self.payload_rows = None;
    }
}
