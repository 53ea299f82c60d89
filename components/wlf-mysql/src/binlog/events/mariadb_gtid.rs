//! MariaDB's GTID and GTID_LIST: what opens each of its transactions, and what its files begin with.

use std::fmt::Write;

use crate::positions::{MariadbGtid, MariadbPosition};
use crate::reader::{Malformed, Reader};

/// What follows a GTID event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// One statement without rows: DDL, mostly, or the decision over a distributed transaction.
    Statement,
    /// A statement that is not done yet, or never will be: ALTER TABLE as a replica is told of it beforehand
    /// (`binlog_alter_two_phase`).
    UndecidedStatement,
    /// Rows, up to a commit.
    Transaction,
    /// Rows of a distributed transaction under this id, written as XA COMMIT has it, up to XA_PREPARE.
    Prepared(String),
}

/// A GTID event (MariaDB server, `Gtid_log_event`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    pub gtid: MariadbGtid,
    pub group: Group,
    /// The connection that made it; only since 11.5.
    pub thread_id: Option<u32>,
}

const STANDALONE: u8 = 0x01;
const GROUP_COMMIT_ID: u8 = 0x02;
const PREPARED_XA: u8 = 0x40;
const COMPLETED_XA: u8 = 0x80;

const MULTI_ENGINE: u8 = 0x01;
const START_ALTER: u8 = 0x02;
const COMMIT_ALTER: u8 = 0x04;
const ROLLBACK_ALTER: u8 = 0x08;
const THREAD_ID: u8 = 0x10;

impl GtidEvent {
    /// Reads the event without header and checksum; the server's id is in the header.
    pub fn decode(body: &[u8], server_id: u32) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        // int<8>: sequence number, int<4>: domain
        let sequence = reader.u64("the sequence number")?;
        let domain = reader.u32("the domain")?;
        // int<1>: flags
        let flags = reader.u8("the flags")?;
        if flags & GROUP_COMMIT_ID != 0 {
            reader.u64("the group commit id")?;
        }
        let xa = match flags & (PREPARED_XA | COMPLETED_XA) {
            0 => None,
            _ => Some(xa_id(&mut reader)?),
        };
        // int<1>: more flags, which older servers leave out; or zeros that fill the event up
        let more = if reader.is_empty() {
            0
        } else {
            reader.u8("the flags")?
        };
        if more & MULTI_ENGINE != 0 {
            reader.u8("the number of engines")?;
        }
        if more & (COMMIT_ALTER | ROLLBACK_ALTER) != 0 {
            reader.u64("the sequence number of the ALTER TABLE")?;
        }
        let thread_id = if more & THREAD_ID != 0 {
            Some(reader.u32("the thread id")?)
        } else {
            None
        };
        let group = match xa {
            _ if more & (START_ALTER | ROLLBACK_ALTER) != 0 => Group::UndecidedStatement,
            _ if flags & (STANDALONE | COMPLETED_XA) != 0 => Group::Statement,
            Some(id) => Group::Prepared(id),
            None => Group::Transaction,
        };
        Ok(Self {
            gtid: MariadbGtid {
                domain,
                server_id,
                sequence,
            },
            group,
            thread_id,
        })
    }
}

/// Writes a distributed transaction's id as the server does: `X'616263',X'',1`.
fn xa_id(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    // int<4>: format id, int<1>: length of gtrid, int<1>: length of bqual, both
    let format = reader.u32("the format's id")?;
    let global = reader.u8("the transaction's id")?;
    let branch = reader.u8("the branch")?;
    let mut id = String::new();
    for len in [global, branch] {
        id.push_str("X'");
        for byte in reader.bytes(usize::from(len), "the transaction's id")? {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        id.push_str("',");
    }
    let _ = write!(id, "{format}");
    Ok(id)
}

/// Reads a GTID_LIST event without header and checksum: how far each domain had come before the file.
///
/// It has the last transaction of each server in each domain, that of the domain behind the others.
pub fn decode_list(body: &[u8]) -> Result<MariadbPosition, Malformed> {
    let mut reader = Reader::new(body);
    // int<4>: number of GTIDs, and flags in its upper four bits
    let count = reader.u32("the number of GTIDs")? & 0x0FFF_FFFF;
    let mut position = MariadbPosition::default();
    for _ in 0..count {
        position.add(MariadbGtid {
            domain: reader.u32("a domain")?,
            server_id: reader.u32("a server's id")?,
            sequence: reader.u64("a sequence number")?,
        });
    }
    Ok(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Events of MariaDB 10.11.18 and 11.8.6, and what `SHOW BINLOG EVENTS` says of them.
    #[test]
    fn groups_are_what_the_server_says() {
        let prepared = || Group::Prepared("X'616263',X'',1".to_owned());
        for (hex, gtid, group, thread_id) in [
            // GTID 0-9-20 and a CREATE DATABASE
            (
                "14000000000000000000000029000000000000",
                "0-9-20",
                Group::Statement,
                None,
            ),
            (
                "14000000000000000000000029103b00000000",
                "0-9-20",
                Group::Statement,
                Some(59),
            ),
            // BEGIN GTID 0-9-23
            (
                "1700000000000000000000000c000000000000",
                "0-9-23",
                Group::Transaction,
                None,
            ),
            (
                "1700000000000000000000000c103b00000000",
                "0-9-23",
                Group::Transaction,
                Some(59),
            ),
            // Of a table without transactions
            (
                "19000000000000000000000008000000000000",
                "0-9-25",
                Group::Transaction,
                None,
            ),
            // XA START X'616263',X'',1 GTID 0-9-27
            (
                "1b00000000000000000000004c01000000030061626301ff",
                "0-9-27",
                prepared(),
                None,
            ),
            (
                "1b00000000000000000000004c01000000030061626311ff3b000000",
                "0-9-27",
                prepared(),
                Some(59),
            ),
            // GTID 0-9-28 and XA COMMIT
            (
                "1c00000000000000000000008d010000000300616263",
                "0-9-28",
                Group::Statement,
                None,
            ),
            (
                "1c00000000000000000000008d010000000300616263103b000000",
                "0-9-28",
                Group::Statement,
                Some(59),
            ),
            // CREATE TABLE … SELECT
            (
                "20000000000000000000000028000000000000",
                "0-9-32",
                Group::Transaction,
                None,
            ),
            // GTID 0-9-33 START ALTER, GTID 0-9-34 COMMIT ALTER id=33
            (
                "21000000000000000000000029123b00000000",
                "0-9-33",
                Group::UndecidedStatement,
                Some(59),
            ),
            (
                "22000000000000000000000029042100000000000000",
                "0-9-34",
                Group::Statement,
                None,
            ),
            (
                "220000000000000000000000291421000000000000003b000000",
                "0-9-34",
                Group::Statement,
                Some(59),
            ),
            // In another domain
            (
                "0100000000000000070000000c000000000000",
                "7-9-1",
                Group::Transaction,
                None,
            ),
        ] {
            let body = bytes(hex);
            let event = GtidEvent::decode(&body, 9).unwrap();
            assert_eq!(event.gtid.to_string(), gtid, "{hex}");
            assert_eq!((event.group, event.thread_id), (group, thread_id), "{hex}");
        }
    }

    #[test]
    fn a_group_commit_has_its_id_between() {
        let event = bytes("1700000000000000000000000e0500000000000000103b000000");
        let event = GtidEvent::decode(&event, 9).unwrap();
        assert_eq!(
            (event.group, event.thread_id),
            (Group::Transaction, Some(59))
        );
    }

    #[test]
    fn a_list_has_the_domains_last_transaction_at_the_end() {
        let mut body = 3_u32.to_le_bytes().to_vec();
        for (domain, server, sequence) in [(0, 1, 30_u64), (0, 2, 20), (7, 1, 5)] {
            body.extend([domain, server].map(u32::to_le_bytes).concat());
            body.extend(sequence.to_le_bytes());
        }
        assert_eq!(decode_list(&body).unwrap().to_string(), "0-2-20,7-1-5");
    }

    #[test]
    fn any_prefix_is_an_error_or_without_what_is_at_the_end() {
        let xa = bytes("1b00000000000000000000004c01000000030061626311ff3b000000");
        for end in 0..xa.len() {
            let decoded = GtidEvent::decode(&xa[..end], 9);
            assert!(decoded.is_err() || end == 22, "{end}: {decoded:?}");
        }
        let mut huge = u32::MAX.to_le_bytes().to_vec();
        huge.extend([1; 16]);
        assert!(decode_list(&huge).is_err());
    }
}
