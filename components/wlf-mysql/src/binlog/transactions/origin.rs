//! Where the open transaction comes from, as the events before its rows say it.

use std::borrow::Cow;
use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;

use super::Transactions;
use crate::binlog::transaction_origin::{Server, TransactionGtid, TransactionOrigin};

impl Transactions {
    /// The kind of server that wrote what follows.
    pub fn set_server(&mut self, server: Server) {
        self.origin = TransactionOrigin {
            server,
            ..TransactionOrigin::default()
        };
        self.noted = None;
    }

    /// What follows is a transaction of this identity.
    #[inline(always)]
    pub fn introduce(&mut self, gtid: Option<TransactionGtid>, committed: Option<NonZero<u64>>) {
        self.origin = TransactionOrigin {
            server: self.origin.server,
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
