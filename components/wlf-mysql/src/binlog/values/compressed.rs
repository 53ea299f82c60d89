//! MariaDB's COMPRESSED columns (mariadb-server, `sql/field_comp.cc`).

use flate2::Decompress;

use crate::binlog::events::inflate;
use crate::reader::{Malformed, Reader};

/// The value is an empty one, or its first byte says how the rest is stored: the upper four bits are the method, bit 3 says
/// that zlib's frame is missing, and the lower three how many bytes of the value's length follow, big-endian.
const STORED: u8 = 0;
const ZLIB: u8 = 8;
const BARE: u8 = 8;
const LENGTH: u8 = 7;

/// The value that was compressed.
pub fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    const FIELD: &str = "a compressed value";
    let Some((first, rest)) = bytes.split_first() else {
        return Ok(Vec::new());
    };
    match first >> 4 {
        STORED => Ok(rest.to_vec()),
        ZLIB => {
            let mut reader = Reader::new(rest);
            let length = reader.bytes(usize::from(first & LENGTH), FIELD)?;
            let length = length
                .iter()
                .fold(0, |length: u64, byte| length << 8 | u64::from(*byte));
            let length = usize::try_from(length).map_err(|_| Malformed::Invalid(FIELD))?;
            inflate::unpack(
                &mut Decompress::new(first & BARE == 0),
                reader.rest(),
                length,
            )
        }
        _ => Err(Malformed::Invalid("how a value is compressed")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    /// As MariaDB 10.11.18 wrote them.
    #[test]
    fn unpacks_what_mariadb_packed() {
        let short = unpack(b"\x00short").unwrap();
        assert_eq!(short, b"short");
        let blob = [
            0x89, 0xc8, 0x4b, 0xca, 0xc9, 0x4f, 0x4a, 0x1a, 0x06, 0x18, 0x00,
        ];
        assert_eq!(unpack(&blob).unwrap(), b"blob".repeat(50));
        assert_eq!(unpack(&[]).unwrap(), b"");
    }

    #[test]
    fn refuses_lengths_that_are_wrong() {
        let mut blob = [
            0x89, 0xc8, 0x4b, 0xca, 0xc9, 0x4f, 0x4a, 0x1a, 0x06, 0x18, 0x00,
        ];
        for end in 1..blob.len() {
            assert!(unpack(&blob[..end]).is_err(), "{end}");
        }
        blob[1] = 0xc7;
        assert!(unpack(&blob).is_err());
        blob[1] = 0xc9;
        assert!(unpack(&blob).is_err());
        // Four billion bytes, which are not there.
        assert!(unpack(&[0x8c, 0xff, 0xff, 0xff, 0xff, 0x03, 0x00]).is_err());
        assert!(unpack(&[0x10, 1]).is_err());
    }

    proptest! {
        #[test]
        fn unpacks_what_was_packed(value in proptest::collection::vec(0..4u8, 0..4_000), framed: bool) {
            let packed = if framed {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&value).unwrap();
                encoder.finish().unwrap()
            } else {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&value).unwrap();
                encoder.finish().unwrap()
            };
            let first = 0x84 | if framed { 0 } else { BARE };
            let length = u32::try_from(value.len()).unwrap().to_be_bytes();
            let bytes = [&[first][..], &length, &packed].concat();
            prop_assert_eq!(unpack(&bytes).unwrap(), value);
        }

        #[test]
        fn survives_hostile_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }
}
