//! Where a change comes from, for the formats that say so.

use std::fmt;

/// Where the rows of an event come from, borrowed from their source.
#[derive(Clone, Copy, Default)]
#[expect(
    missing_debug_implementations,
    reason = "a GTID is only known by how it is written"
)]
pub struct Origin<'a> {
    /// The kind of server: `mysql` or `mariadb`; empty for a source that is neither.
    pub server: &'a str,
    /// The binlog file and where in it the rows' event begins.
    pub file: &'a str,
    pub position: u64,
    /// The number, from 0, of the event's first row among those of the binlog's event.
    pub row: u32,
    pub server_id: Option<u32>,
    /// The connection that made the change.
    pub thread_id: Option<u32>,
    /// The transaction's own GTID.
    pub gtid: Option<&'a dyn fmt::Display>,
    /// The statement that made the change, where the server logs it.
    pub query: Option<&'a str>,
    /// When the transaction was committed, in microseconds since 1970, where it is known.
    pub committed: Option<u64>,
}
