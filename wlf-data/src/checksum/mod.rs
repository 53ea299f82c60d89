//! CRC-32 and CRC-32C, fast also where the processor's own instructions are out of reach.
//!
//! A binlog's events carry the one and Kafka's record batches the other, so every byte passes through here once on its way
//! in and once on its way out. Natively ready-made crates do it with carry-less multiplication, which WebAssembly does not
//! have; there they are the slowest part of the whole way of a row. What is here instead:
//!
//! - [`sliced`]: sixteen bytes a step through sixteen tables, for short messages and for what the next leaves over;
//! - [`eliminated`]: a sparse multiple of the generator clears a message from its front with nothing but exclusive-ors,
//!   which the compiler makes SIMD of (after "Chorba", arXiv 2412.16398);
//! - [`run`]: many short messages as one long one.

mod eliminated;
mod run;
mod sliced;

pub use self::run::Run;

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
    use super::run::{Run, behind_whole, each_is_whole};
    use super::sliced::SlicingTables;

    /// The generators' polynomials, the lowest power in the highest bit.
    const IEEE: u32 = 0xedb8_8320;
    const CASTAGNOLI: u32 = 0x82f6_3b78;

    /// Shorter messages go through the tables alone.
    const SHORT: usize = 1200;

    /// x^300 + x^155 + x^117 + x^89 + 1 in powers of a byte: a multiple of the generator. Its distances are those of its
    /// terms from the highest.
    const IEEE_MULTIPLE: Multiple<IEEE, 4, 128, 512> = Multiple::new([145, 183, 211, 300]);

    pub fn crc32(bytes: &[u8]) -> u32 {
        !match bytes.len() {
            0..SHORT => SlicingTables::<IEEE>::update(!0, bytes),
            _ => IEEE_MULTIPLE.crc(bytes, &[]),
        }
    }

    /// Whether the messages of a run, of which these are the bytes, end with their own CRC-32.
    pub fn are_whole(bytes: &[u8], run: &Run) -> bool {
        match bytes.len() {
            0..SHORT => each_is_whole(bytes, &run.joints, crc32),
            _ => IEEE_MULTIPLE.crc(bytes, &run.joints) == behind_whole(IEEE),
        }
    }

    pub fn crc32c(bytes: &[u8]) -> u32 {
        /// As for the other, with one term more, and squared.
        const MULTIPLE: Multiple<CASTAGNOLI, 5, 128, 576> =
            Multiple::new([130, 310, 340, 390, 418]);
        !match bytes.len() {
            0..SHORT => SlicingTables::<CASTAGNOLI>::update(!0, bytes),
            _ => MULTIPLE.crc(bytes, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Run, portable};

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

    /// Messages of all lengths with their checksums, and 0 to 12 bytes between them, in some bytes of their own.
    fn messages(seed: usize) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
        let mut bytes = noise(20_000);
        let mut messages = Vec::new();
        let mut at = seed % 5;
        for n in seed.. {
            let Some(byte) = bytes.get(at) else { break };
            let end = at + 16 + *byte as usize * [1, 1, 1, 12][n % 4];
            if end > bytes.len() {
                break;
            }
            let crc = crc32fast::hash(&bytes[at..end - 4]);
            bytes[end - 4..end].copy_from_slice(&crc.to_le_bytes());
            messages.push(at..end);
            at = end + n % 13;
        }
        (bytes, messages)
    }

    fn are_whole(bytes: &[u8], messages: &[std::ops::Range<usize>]) -> bool {
        let mut run = Run::default();
        for message in messages {
            assert!(run.push(message.clone()));
        }
        let whole = run.are_whole(bytes);
        assert_eq!(portable::are_whole(&bytes[run.messages()], &run), whole);
        whole
    }

    #[test]
    fn a_run_of_whole_messages_is_whole() {
        for seed in 0..200 {
            let (bytes, messages) = messages(seed);
            for count in (1..messages.len().min(12)).chain([messages.len()]) {
                assert!(are_whole(&bytes, &messages[..count]), "{seed}, {count}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_shows_in_a_message_and_between_them_does_not() {
        let (mut bytes, messages) = messages(3);
        for bit in (0..bytes.len() * 8).step_by(53) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let is_inside = messages.iter().any(|message| message.contains(&(bit / 8)));
            assert_eq!(are_whole(&bytes, &messages), !is_inside, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_run_takes_what_is_close_behind() {
        let mut run = Run::default();
        assert!(!run.push(5..20), "too short");
        assert!(run.push(5..21));
        assert!(!run.push(20..60), "in the one before");
        assert!(!run.push(34..60), "too far behind");
        assert!(run.push(33..60));
        assert_eq!(run.messages(), 5..60);
        assert!(!run.are_whole(&[0; 59]), "not all bytes are there");
        run.clear();
        assert_eq!(run.messages(), 0..0);
        assert!(!run.are_whole(&[0; 59]), "nothing is nothing");
    }
}
