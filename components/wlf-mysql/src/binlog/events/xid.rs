//! XID: the commit of a transaction in a storage engine that has transactions.

use std::io::Cursor;

use mysql_cdc::events::xid_event::XidEvent;

use crate::reader::Malformed;

/// Reads the transaction's number from the event without header and checksum.
#[inline(always)]
pub fn decode(body: &[u8]) -> Result<u64, Malformed> {
    XidEvent::parse(&mut Cursor::new(body))
        .map(|event| event.xid)
        .map_err(|_| Malformed::Truncated("the transaction's number"))
}
