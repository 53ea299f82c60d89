//! XA_PREPARE: the end of a distributed transaction's rows, before it is known whether they count.

use crate::reader::{Malformed, Reader};

/// The end of a distributed transaction's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XaPrepare {
    /// The transaction is committed with it.
    pub one_phase: bool,
}

impl XaPrepare {
    /// Reads the event without header and checksum.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        // int<1>: one phase, int<4>: format id, int<4>: length of gtrid, int<4>: length of bqual, both
        let one_phase = reader.u8("the phase")? != 0;
        reader.u32("the format's id")?;
        let global = reader.u32("the transaction's id")?;
        let branch = reader.u32("the branch")?;
        for len in [global, branch] {
            let len = usize::try_from(len).map_err(|_| Malformed::Invalid("the id"))?;
            reader.bytes(len, "the transaction's id")?;
        }
        Ok(Self { one_phase })
    }
}
