//! Where a transaction comes from: what the events before its rows say of it.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;

use super::gtid_set::Gtid;
use super::mariadb_gtid::MariadbGtid;

/// Where a transaction comes from, or from its next statement on.
#[derive(Debug, Clone, Default)]
pub struct TransactionOrigin {
    pub server: Server,
    /// Of the connection that made it, from the QUERY that opens it.
    pub thread_id: Option<u32>,
    pub gtid: Option<TransactionGtid>,
    /// When it was committed on the server where it was made, in microseconds since 1970.
    pub committed: Option<NonZero<u64>>,
    /// The statement, from ROWS_QUERY or ANNOTATE_ROWS, in UTF-8.
    pub statement: Option<Arc<Bytes>>,
}

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Server {
    #[default]
    Mysql,
    Mariadb,
}

impl Server {
    /// `mysql` or `mariadb`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }
}

/// A transaction's global identity, as its kind of server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionGtid {
    Mysql(Gtid),
    MariaDb(MariadbGtid),
}

impl fmt::Display for TransactionGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(gtid) => gtid.fmt(f),
            Self::MariaDb(gtid) => gtid.fmt(f),
        }
    }
}
