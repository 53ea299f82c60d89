//! CRC-32 and CRC-32C, fast also where the processor's own instructions are out of reach.
//!
//! A binlog's events carry the one and Kafka's record batches the other, so every byte passes through here once on its way
//! in and once on its way out. Natively ready-made crates do it with carry-less multiplication, which WebAssembly does not
//! have; there they are the slowest part of the whole way of a row. What is here instead:
//!
//! - [`sliced`]: sixteen bytes a step through sixteen tables, for short messages and for what the next leaves over;
//! - [`eliminated`]: a sparse multiple of the generator clears a message from its front with nothing but exclusive-ors,
//!   which the compiler makes SIMD of (after "Chorba", arXiv 2412.16398).

mod eliminated;
mod sliced;

/// The CRC-32 of IEEE 802.3, that of zlib and of MySQL's binlog.
#[inline]
pub fn crc32(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "wasm32")]
    return portable::crc32(bytes);
    #[cfg(not(target_arch = "wasm32"))]
    crc32fast::hash(bytes)
}

/// The CRC-32C of Castagnoli, that of iSCSI and of Kafka.
#[inline]
pub fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "wasm32")]
    return portable::crc32c(bytes);
    #[cfg(not(target_arch = "wasm32"))]
    crc32c::crc32c(bytes)
}

/// What runs in WebAssembly. It is built natively too, for the fuzzer to compare with the ready-made crates.
#[doc(hidden)]
pub mod portable {
    use super::eliminated::Multiple;
    use super::sliced::Tables;

    /// The generators' polynomials, the lowest power in the highest bit.
    const IEEE: u32 = 0xedb8_8320;
    const CASTAGNOLI: u32 = 0x82f6_3b78;

    /// Shorter messages go through the tables alone.
    const SHORT: usize = 1200;

    pub fn crc32(bytes: &[u8]) -> u32 {
        /// x^300 + x^155 + x^117 + x^89 + 1 in powers of a byte: a multiple of the generator. Its distances are those of
        /// its terms from the highest.
        const MULTIPLE: Multiple<IEEE, 4, 128, 512> = Multiple::new([145, 183, 211, 300]);
        !match bytes.len() {
            0..SHORT => Tables::<IEEE>::update(!0, bytes),
            _ => MULTIPLE.crc(bytes),
        }
    }

    pub fn crc32c(bytes: &[u8]) -> u32 {
        /// As for [`crc32`], with one term more, and squared.
        const MULTIPLE: Multiple<CASTAGNOLI, 5, 128, 576> =
            Multiple::new([130, 310, 340, 390, 418]);
        !match bytes.len() {
            0..SHORT => Tables::<CASTAGNOLI>::update(!0, bytes),
            _ => MULTIPLE.crc(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::portable;

    /// Bytes without a pattern, the same each time.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| byte()).collect()
    }

    #[test]
    fn known_answers() {
        // The check values of the catalogue of parametrised CRC algorithms.
        assert_eq!(portable::crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(portable::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(portable::crc32(b""), 0);
        assert_eq!(portable::crc32c(b""), 0);
    }

    #[test]
    fn every_length_is_that_of_the_reference() {
        let bytes = noise(40_000);
        let lengths = (0..6000).chain([8191, 8192, 8193, 16_383, 16_384, 16_385, 32_768, 40_000]);
        for length in lengths {
            let bytes = &bytes[40_000 - length..];
            assert_eq!(
                portable::crc32(bytes),
                crc32fast::hash(bytes),
                "{length} bytes"
            );
            assert_eq!(
                portable::crc32c(bytes),
                crc32c::crc32c(bytes),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn every_flipped_bit_shows() {
        let mut bytes = noise(1500);
        let (ieee, castagnoli) = (portable::crc32(&bytes), portable::crc32c(&bytes));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(portable::crc32(&bytes), ieee);
            assert_ne!(portable::crc32c(&bytes), castagnoli);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
