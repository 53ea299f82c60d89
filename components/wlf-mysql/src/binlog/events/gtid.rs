//! GTID, ANONYMOUS_GTID and GTID_TAGGED: what opens each transaction.

use crate::positions::gtid::{Gtid, read_tag};
use crate::reader::{Malformed, Reader};

/// Reads a GTID event without header and checksum.
#[inline(always)]
pub fn decode(body: &[u8]) -> Result<Gtid, Malformed> {
    let mut reader = Reader::new(body);
    // int<1>: flags
    reader.u8("the flags")?;
    // string<16>: UUID of the server where the transaction was made
    let source = reader.array("the source's UUID")?;
    // int<8>: number of the transaction
    let number = number(reader.u64("the transaction's number")?)?;
    Ok(Gtid {
        source,
        tag: None,
        number,
    })
}

/// Reads a GTID_TAGGED event without header and checksum: a message of `mysql::serialization`.
///
/// Each field is its number and its value; those that are not known stand at the end.
pub fn decode_tagged(body: &[u8]) -> Result<Gtid, Malformed> {
    let mut reader = Reader::new(body);
    reader.varlen("the serialization's version")?;
    reader.varlen("the message's size")?;
    reader.varlen("the last field's number")?;
    let mut source = [0; 16];
    let mut transaction = 0;
    let mut tag = None;
    while !reader.is_empty() {
        match reader.varlen("a field's number")? {
            0 => {
                reader.varlen("the flags")?;
            }
            1 => {
                for byte in &mut source {
                    *byte = u8::try_from(reader.varlen("the source's UUID")?)
                        .map_err(|_| Malformed::Invalid("the source's UUID"))?;
                }
            }
            // A signed number: the sign is in the lowest bit.
            2 => transaction = reader.varlen("the transaction's number")? >> 1,
            3 => tag = read_tag(&mut reader)?.map(Box::from),
            _ => break,
        }
    }
    Ok(Gtid {
        source,
        tag,
        number: number(transaction)?,
    })
}

/// Transactions are numbered from 1 and below 2^63.
#[inline(always)]
fn number(number: u64) -> Result<u64, Malformed> {
    if number == 0 || number > i64::MAX.cast_unsigned() {
        return Err(Malformed::Invalid("the transaction's number"));
    }
    Ok(number)
}
