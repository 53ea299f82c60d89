//! What MariaDB compresses inside of events with `log_bin_compress` (mariadb-server, `sql/log_event.cc`,
//! `binlog_buf_compress`).

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use crate::reader::{Malformed, Reader};

/// The longest event, and so the longest that one is when it is no longer compressed.
const LONGEST: usize = 1 << 30;
/// No byte of zlib stands for more than so many.
const RATIO: usize = 1032;

/// The method's bits: always set, and zlib.
const METHOD: u8 = 0b1110_0000;
const ZLIB: u8 = 0b1000_0000;

/// Decompresses one event after the other, with the memory of the one before.
#[derive(Default)]
pub struct Inflater(Option<Decompress>);

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

impl Inflater {
    /// Decompresses the rows or the statement of an event.
    ///
    /// # Errors
    /// If it is not what it should be, or not as long as it says; nothing is taken from memory that it cannot fill.
    pub fn inflate(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
        const LENGTH: &str = "the length of what is compressed";
        let mut reader = Reader::new(bytes);
        // int<1>: method, and of how many bytes the length behind it is, the highest first
        let head = reader.u8(LENGTH)?;
        if head & METHOD != ZLIB {
            return Err(Malformed::Invalid("the method of compression"));
        }
        let digits = usize::from(head & 7);
        if !(1..=4).contains(&digits) {
            return Err(Malformed::Invalid(LENGTH));
        }
        let length = reader.bytes(digits, LENGTH)?;
        let length = length
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let compressed = reader.rest();
        let zlib = match &mut self.0 {
            Some(zlib) => {
                zlib.reset(true);
                zlib
            }
            none => none.insert(Decompress::new(true)),
        };
        unpack(zlib, compressed, length)
    }
}

/// Decompresses what is `length` bytes long when it is no longer compressed.
///
/// # Errors
/// If it is not what it should be, or not so long; nothing is taken from memory that it cannot fill.
pub fn unpack(
    zlib: &mut Decompress,
    compressed: &[u8],
    length: usize,
) -> Result<Vec<u8>, Malformed> {
    const WRONG: Malformed = Malformed::Invalid("what is compressed");
    const LENGTH: Malformed = Malformed::Invalid("the length of what is compressed");
    if length > LONGEST || length / RATIO > compressed.len() {
        return Err(LENGTH);
    }
    // One more, so that what is longer shows.
    let mut out = Vec::with_capacity(length + 1);
    let status = zlib
        .decompress_vec(compressed, &mut out, FlushDecompress::Finish)
        .map_err(|_| WRONG)?;
    if status != Status::StreamEnd {
        return Err(WRONG);
    }
    if out.len() != length {
        return Err(LENGTH);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// As the server compresses it.
    fn compressed(bytes: &[u8], length: usize) -> Vec<u8> {
        let mut out = match length {
            0..=0xff => vec![0x81],
            0x100..=0xffff => vec![0x82],
            0x1_0000..=0xff_ffff => vec![0x83],
            _ => vec![0x84],
        };
        let digits = usize::from(out[0] & 7);
        out.extend(&(length as u32).to_be_bytes()[4 - digits..]);
        let mut zlib = flate2::write::ZlibEncoder::new(out, flate2::Compression::default());
        zlib.write_all(bytes).unwrap();
        zlib.finish().unwrap()
    }

    #[test]
    fn gives_what_was_compressed() {
        let mut inflater = Inflater::default();
        for length in [0, 1, 255, 256, 70_000, 1 << 24] {
            let bytes: Vec<u8> = (0..length).map(|n| (n / 7) as u8).collect();
            let given = inflater.inflate(&compressed(&bytes, length)).unwrap();
            assert!(given == bytes, "{length}");
        }
    }

    #[test]
    fn refuses_what_is_not_as_long_as_it_says() {
        let bytes = [7; 300];
        let mut inflater = Inflater::default();
        for length in [1, 299, 301, 70_000, 1 << 24, u32::MAX as usize] {
            assert!(
                inflater.inflate(&compressed(&bytes, length)).is_err(),
                "{length}"
            );
        }
        // And goes on with what is right.
        assert_eq!(inflater.inflate(&compressed(&bytes, 300)).unwrap(), bytes);
    }

    #[test]
    fn refuses_what_is_damaged() {
        let whole = compressed(b"some rows, some rows, some rows", 31);
        let mut inflater = Inflater::default();
        for end in 0..whole.len() {
            assert!(inflater.inflate(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            // The header of zlib has bits that do not matter.
            if let Ok(given) = inflater.inflate(&damaged) {
                assert_eq!(given, b"some rows, some rows, some rows", "{at}");
            }
        }
    }
}
