//! OK_Packet: a command has succeeded.

use super::reader::{DecodeError, Reader};

/// The packet's first byte.
pub const HEADER: u8 = 0x00;

/// What a command that returns no rows did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OkPacket {
    pub affected_rows: u64,
    pub warnings: u16,
}

impl OkPacket {
    /// Reads the packet as `CLIENT_PROTOCOL_41` lays it out.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("OK", packet);
        // int<1>: header
        let header = reader.u8("header")?;
        if header != HEADER {
            return Err(DecodeError::UnexpectedHeader {
                expected: "an OK packet",
                header,
            });
        }
        // int<lenenc>: affected rows
        let affected_rows = reader
            .lenenc("affected rows")?
            .ok_or_else(|| reader.invalid("affected rows"))?;
        // int<lenenc>: last insert id
        reader.lenenc("last insert id")?;
        // int<2>: status flags
        reader.u16("status flags")?;
        // int<2>: warnings
        let warnings = reader.u16("warnings")?;
        Ok(Self {
            affected_rows,
            warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_manuals_example() {
        let packet = [0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00];
        assert_eq!(
            OkPacket::decode(&packet),
            Ok(OkPacket {
                affected_rows: 0,
                warnings: 0
            })
        );
    }
}
