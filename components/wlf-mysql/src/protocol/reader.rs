//! Reads the protocol's basic data types out of a packet, and never beyond its end.

/// A packet that is not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the {packet} packet ends inside its field `{field}`, at byte {at}")]
    Truncated {
        packet: &'static str,
        field: &'static str,
        at: usize,
    },
    #[error("the {packet} packet has an invalid field `{field}` at byte {at}")]
    Invalid {
        packet: &'static str,
        field: &'static str,
        at: usize,
    },
    #[error("expected {expected}, got a packet that begins with {header:#04x}")]
    UnexpectedHeader { expected: &'static str, header: u8 },
    #[error("expected {expected}, got an empty packet")]
    Empty { expected: &'static str },
    #[error("packets came out of order: expected sequence number {expected}, got {got}")]
    OutOfOrder { expected: u8, got: u8 },
    #[error("a message of more than {limit} bytes")]
    TooLarge { limit: usize },
}

/// A packet that is being read from its front.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    packet: &'static str,
    all: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte; errors call the packet `packet`.
    pub fn new(packet: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            packet,
            all: bytes.len(),
            rest: bytes,
        }
    }

    /// The bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn at(&self) -> usize {
        self.all.saturating_sub(self.rest.len())
    }

    /// The error for a field whose value cannot be right.
    pub fn invalid(&self, field: &'static str) -> DecodeError {
        DecodeError::Invalid {
            packet: self.packet,
            field,
            at: self.at(),
        }
    }

    fn truncated(&self, field: &'static str) -> DecodeError {
        DecodeError::Truncated {
            packet: self.packet,
            field,
            at: self.at(),
        }
    }

    /// Reads `string<len>`.
    pub fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (front, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or_else(|| self.truncated(field))?;
        self.rest = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let (front, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.truncated(field))?;
        self.rest = rest;
        Ok(*front)
    }

    /// Reads `int<1>`.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Reads `int<2>`.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    /// Reads `int<4>`.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// Reads `int<lenenc>`; `None` is the byte 0xFB, which stands for NULL in a text row.
    pub fn lenenc(&mut self, field: &'static str) -> Result<Option<u64>, DecodeError> {
        let begin = self.clone();
        Ok(match self.u8(field)? {
            small @ 0..=0xFA => Some(u64::from(small)),
            0xFB => None,
            0xFC => Some(u64::from(self.u16(field)?)),
            0xFD => {
                let [a, b, c] = self.array(field)?;
                Some(u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            0xFE => Some(u64::from_le_bytes(self.array(field)?)),
            0xFF => return Err(begin.invalid(field)),
        })
    }

    /// Reads `string<lenenc>`; `None` is NULL.
    pub fn lenenc_bytes(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, DecodeError> {
        let Some(len) = self.lenenc(field)? else {
            return Ok(None);
        };
        let len = usize::try_from(len).map_err(|_| self.truncated(field))?;
        self.bytes(len, field).map(Some)
    }

    /// Reads `string<NUL>`, without its end.
    pub fn nul_bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self
            .rest
            .iter()
            .position(|&byte| byte == 0)
            .ok_or_else(|| self.truncated(field))?;
        let value = self.bytes(len, field)?;
        self.u8(field)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_width_of_a_length_encoded_integer() {
        for (bytes, value) in [
            (&[0xFA][..], Some(0xFA)),
            (&[0xFB], None),
            (&[0xFC, 0xFB, 0x00], Some(0xFB)),
            (&[0xFD, 1, 2, 3], Some(0x03_02_01)),
            (
                &[0xFE, 1, 2, 3, 4, 5, 6, 7, 8],
                Some(0x08_07_06_05_04_03_02_01),
            ),
        ] {
            let mut reader = Reader::new("test", bytes);
            assert_eq!(reader.lenenc("n"), Ok(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn says_where_a_packet_ends() {
        let mut reader = Reader::new("OK", &[1, 0xFC, 7]);
        reader.u8("header").unwrap();
        let error = reader.lenenc("affected rows").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the OK packet ends inside its field `affected rows`, at byte 2"
        );
    }

    #[test]
    fn refuses_a_string_longer_than_the_packet() {
        let mut reader = Reader::new(
            "test",
            &[0xFE, 255, 255, 255, 255, 255, 255, 255, 255, b'x'],
        );
        assert!(matches!(
            reader.lenenc_bytes("s"),
            Err(DecodeError::Truncated { .. })
        ));
        assert!(matches!(
            Reader::new("test", b"no end").nul_bytes("s"),
            Err(DecodeError::Truncated { .. })
        ));
    }
}
