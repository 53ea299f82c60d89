//! HEARTBEAT: the server has nothing to send and says how far it has come.

use crate::reader::{Malformed, Reader};

/// How far the server has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub file: String,
    /// Only version 2 has it; the other has the lower 32 bits of it in its header.
    pub position: Option<u64>,
}

impl Heartbeat {
    /// Reads version 1 without header and checksum.
    pub fn decode(body: &[u8]) -> Self {
        Self {
            file: String::from_utf8_lossy(body).into_owned(),
            position: None,
        }
    }

    /// Reads version 2 without header and checksum: fields of a type, a length and a value.
    pub fn decode_v2(body: &[u8]) -> Result<Self, Malformed> {
        let mut heartbeat = Self {
            file: String::new(),
            position: None,
        };
        let mut reader = Reader::new(body);
        while !reader.is_empty() {
            match reader.u8("a field")? {
                0 => break,
                1 => {
                    let name = reader.lenenc_bytes("the file")?;
                    heartbeat.file = String::from_utf8_lossy(name).into_owned();
                }
                2 => {
                    let mut value = Reader::new(reader.lenenc_bytes("the position")?);
                    // The value is itself an int<lenenc>.
                    heartbeat.position = Some(value.lenenc_number("the position")?);
                }
                _ => {
                    reader.lenenc_bytes("a field")?;
                }
            }
        }
        Ok(heartbeat)
    }
}
