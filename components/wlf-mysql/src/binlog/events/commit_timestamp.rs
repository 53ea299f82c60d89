//! When a transaction was committed, as GTID, ANONYMOUS_GTID and GTID_TAGGED say it since MySQL 8.0
//! (mysql-server, `libs/mysql/binlog/event/control_events.h`).

use std::num::NonZero;

use crate::reader::{Malformed, Reader};

/// The logical clock behind a GTID is there.
const LOGICAL_CLOCK: u8 = 2;
/// The highest of 56 bits: a second timestamp follows, since the transaction was made on another server.
const HAS_ORIGINAL: u64 = 1 << 55;

/// Reads it from a GTID or ANONYMOUS_GTID without header and checksum, in microseconds since 1970; `None` before MySQL 8.0.
#[inline(always)]
pub fn decode(body: &[u8]) -> Option<NonZero<u64>> {
    // int<1>: flags, string<16>: UUID, int<8>: number, int<1>: kind of logical clock, int<8>: last committed, int<8>: sequence
    // number, int<7>: when it was committed here, int<7>: where it was made
    let clock = body.get(25..)?;
    let (kind, clock) = clock.split_first()?;
    if *kind != LOGICAL_CLOCK {
        return None;
    }
    let here = micros(clock.get(16..23)?)?;
    let original = if here & HAS_ORIGINAL == 0 {
        here
    } else {
        micros(clock.get(23..30)?)?
    };
    NonZero::new(original)
}

fn micros(bytes: &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f, g] = *<&[u8; 7]>::try_from(bytes).ok()?;
    Some(u64::from_le_bytes([a, b, c, d, e, f, g, 0]))
}

/// Reads it from a GTID_TAGGED without header and checksum: a message of `mysql::serialization`.
pub fn decode_tagged(body: &[u8]) -> Result<Option<NonZero<u64>>, Malformed> {
    let mut reader = Reader::new(body);
    reader.varlen("the serialization's version")?;
    reader.varlen("the message's size")?;
    reader.varlen("the last field's number")?;
    let mut committed = None;
    while !reader.is_empty() {
        match reader.varlen("a field's number")? {
            1 => {
                for _ in 0..16 {
                    reader.varlen("the source's UUID")?;
                }
            }
            3 => {
                let len = usize::try_from(reader.varlen("the tag")?)
                    .map_err(|_| Malformed::Invalid("the tag"))?;
                reader.bytes(len, "the tag")?;
            }
            // 6: when it was committed here, 7: where it was made, if that is another server
            6 | 7 => committed = Some(reader.varlen("a timestamp")?),
            // flags, number, last committed, sequence number
            0 | 2 | 4 | 5 => {
                reader.varlen("a field")?;
            }
            _ => break,
        }
    }
    Ok(committed.and_then(NonZero::new))
}
