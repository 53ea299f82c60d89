//! Reads the binlog's basic data types out of an event, and never beyond its end.

/// An event, or a value in it, that is not what the format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it ends inside of {0}")]
    Truncated(&'static str),
    #[error("{0} cannot be right")]
    Invalid(&'static str),
}

/// Bytes that are being read from their front.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads `len` bytes; `field` names them in the error.
    #[inline(always)]
    pub fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (front, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Malformed::Truncated(field))?;
        self.rest = rest;
        Ok(front)
    }

    #[inline(always)]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        self.chunk(field).copied()
    }

    /// The same by reference, for numbers: copies are made piece by piece in WebAssembly.
    #[inline(always)]
    fn chunk<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], Malformed> {
        let (front, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Malformed::Truncated(field))?;
        self.rest = rest;
        Ok(front)
    }

    /// Reads `int<1>`.
    #[inline(always)]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array(field).map(|[byte]| byte)
    }

    /// Reads `int<2>`.
    #[inline(always)]
    pub fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.chunk(field).map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// Reads `int<4>`.
    #[inline(always)]
    pub fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.chunk(field).map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// Reads `int<6>`.
    #[inline(always)]
    pub fn u48(&mut self, field: &'static str) -> Result<u64, Malformed> {
        let [a, b, c, d, e, f] = self.array(field)?;
        Ok(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    /// Reads `int<8>`.
    #[inline(always)]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.chunk(field).map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// Reads `int<lenenc>` that counts something in memory.
    #[inline(always)]
    pub fn lenenc(&mut self, field: &'static str) -> Result<usize, Malformed> {
        let number = self.lenenc_number(field)?;
        usize::try_from(number).map_err(|_| Malformed::Invalid(field))
    }

    /// Reads `int<lenenc>`.
    #[inline(always)]
    pub fn lenenc_number(&mut self, field: &'static str) -> Result<u64, Malformed> {
        Ok(match self.u8(field)? {
            small @ 0..=0xfa => u64::from(small),
            0xfc => u64::from(self.u16(field)?),
            0xfd => {
                let [a, b, c] = self.array(field)?;
                u64::from(u32::from_le_bytes([a, b, c, 0]))
            }
            0xfe => self.u64(field)?,
            _ => return Err(Malformed::Invalid(field)),
        })
    }

    /// Reads a `string<lenenc>`.
    pub fn lenenc_bytes(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.lenenc(field)?;
        self.bytes(len, field)
    }

    /// Reads a name with its length in one byte before it and a zero byte behind it.
    pub fn name(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u8(field)?;
        let name = self.bytes(usize::from(len), field)?;
        self.u8(field)?;
        Ok(name)
    }

    /// Reads an integer of `mysql::serialization`: as many ones as the lowest bits of the first byte begin with, so many
    /// bytes follow.
    pub fn varlen(&mut self, field: &'static str) -> Result<u64, Malformed> {
        let first = self.u8(field)?;
        let more = first.trailing_ones();
        let mut number = 0;
        for n in 0..more {
            number |= u64::from(self.u8(field)?).wrapping_shl(n * 8);
        }
        let low = if more >= 7 {
            0
        } else {
            u64::from(first) >> (more + 1)
        };
        Ok(if more >= 8 {
            number
        } else {
            number.wrapping_shl(7 - more) | low
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_variable_lengths() {
        let read = |bytes: &[u8]| Reader::new(bytes).varlen("n");
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0b1111_1110]), Ok(127));
        assert_eq!(read(&[0b0000_0001, 2]), Ok(128));
        assert_eq!(read(&[0b1111_1101, 0xff]), Ok(0x3fff));
        assert_eq!(read(&[0x7f, 1, 0, 0, 0, 0, 0, 0x80]), Ok(1 | 0x80 << 48));
        assert_eq!(
            read(&[0xff, 1, 2, 3, 4, 5, 6, 7, 8]),
            Ok(0x0807_0605_0403_0201)
        );
        assert_eq!(read(&[0x01]), Err(Malformed::Truncated("n")));
    }

    #[test]
    fn refuses_more_than_there_is() {
        assert_eq!(
            Reader::new(&[0xfc, 1]).lenenc("n"),
            Err(Malformed::Truncated("n"))
        );
        assert_eq!(
            Reader::new(&[0xfb]).lenenc("n"),
            Err(Malformed::Invalid("n"))
        );
        assert_eq!(
            Reader::new(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1]).lenenc_bytes("s"),
            Err(Malformed::Truncated("s"))
        );
    }
}
