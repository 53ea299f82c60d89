//! Base64, twelve bytes at a time.

use super::buffer::Buffer;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes for which room is made at once.
const LONG: usize = 1 << 10;

/// The two digits of every twelve bits.
static PAIRS: [[u8; 2]; 4096] = {
    let mut pairs = [[0; 2]; 4096];
    let mut n = 0;
    while n < 4096 {
        pairs[n] = [DIGITS[n >> 6], DIGITS[n & 63]];
        n += 1;
    }
    pairs
};

/// The digits of three bytes.
#[inline(always)]
fn quad([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let [[d, e], [f, g]] = [PAIRS[bits >> 12], PAIRS[bits & 0xfff]];
    [d, e, f, g]
}

/// The digits of the first twelve of sixteen bytes.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn twelve(bytes: &[u8; 16]) -> [u8; 16] {
    let mut digits = [0; 16];
    let places = digits.as_chunks_mut::<4>().0.iter_mut();
    for (place, group) in places.zip(bytes.as_chunks::<3>().0) {
        *place = quad(*group);
    }
    digits
}

/// The digits of the first twelve of sixteen bytes: each lane of 32 bits takes three bytes apart into four, and what turns
/// the number of a digit into its character is looked up by its range (Muła, Lemire: arXiv 1704.00605).
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn twelve(bytes: &[u8; 16]) -> [u8; 16] {
    use core::arch::wasm32::{
        i8x16, i8x16_shuffle, i8x16_swizzle, u8x16_add, u8x16_lt, u8x16_splat, u8x16_sub_sat,
        u32x4_shl, u32x4_shr, u32x4_splat, v128, v128_and, v128_load, v128_or, v128_store,
    };
    // SAFETY: the reference is valid for 16 bytes, and v128_load wants no alignment.
    let bytes = unsafe { v128_load(bytes.as_ptr().cast::<v128>()) };
    // Each lane as a number: its three bytes from the highest to the lowest.
    let lanes = i8x16_shuffle::<2, 1, 0, 2, 5, 4, 3, 5, 8, 7, 6, 8, 11, 10, 9, 11>(bytes, bytes);
    let first = v128_and(u32x4_shr(lanes, 18), u32x4_splat(0x3f));
    let second = v128_and(u32x4_shr(lanes, 4), u32x4_splat(0x3f00));
    let third = v128_and(u32x4_shl(lanes, 10), u32x4_splat(0x3f_0000));
    let fourth = v128_and(u32x4_shl(lanes, 24), u32x4_splat(0x3f00_0000));
    let numbers = v128_or(v128_or(first, second), v128_or(third, fourth));
    // 0: lower case, 1 to 10: digits, 11: plus, 12: slash, 13: upper case.
    let upper = v128_and(u8x16_lt(numbers, u8x16_splat(26)), u8x16_splat(13));
    let range = v128_or(u8x16_sub_sat(numbers, u8x16_splat(51)), upper);
    let offsets = i8x16(
        71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0,
    );
    let digits = u8x16_add(numbers, i8x16_swizzle(offsets, range));
    let mut out = [0; 16];
    // SAFETY: the array has 16 bytes, and v128_store wants no alignment.
    unsafe { v128_store(out.as_mut_ptr().cast::<v128>(), digits) };
    out
}

impl Buffer {
    /// Appends bytes in base64 (RFC 4648 §4, padded), as if zero bytes followed up to a length of `padded`.
    pub fn base64(&mut self, bytes: &[u8], padded: usize) {
        let len = bytes.len().max(padded);
        if bytes.len() > LONG {
            // Else what is large is moved again and again until it fits, and stays in memory twice meanwhile.
            self.reserve(len.div_ceil(3).saturating_mul(4).saturating_add(16));
        }
        let mut rest = bytes;
        while let Some(chunk) = rest.first_chunk() {
            self.array(twelve(chunk));
            rest = &rest[12..];
        }
        let (groups, _) = rest.as_chunks::<3>();
        for group in groups {
            self.array(quad(*group));
        }
        let mut at = bytes.len() - rest.len() + groups.len() * 3;
        while at < len {
            let byte = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
            let mut digits = quad([byte(0), byte(1), byte(2)]);
            let missing = (at + 3).saturating_sub(len);
            digits[4 - missing..].fill(b'=');
            self.array(digits);
            at += 3;
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_large_gets_its_memory_at_once() {
        let mut buffer = Buffer::new();
        let bytes = vec![7; 10_000_000];
        buffer.base64(&bytes, 0);
        let memory = buffer.memory();
        assert_eq!(buffer.len(), 13_333_336);
        assert!(memory < 14_000_000, "{memory}");
        buffer.clear();
        buffer.base64(&bytes, 0);
        assert_eq!(buffer.memory(), memory);
    }

    proptest! {
        #[test]
        fn pads_before_base64(bytes in proptest::collection::vec(any::<u8>(), 0..100), more in 0..20usize) {
            let mut padded = bytes.clone();
            padded.resize(bytes.len() + more, 0);
            let mut buffer = Buffer::new();
            buffer.base64(&bytes, padded.len());
            prop_assert_eq!(std::str::from_utf8(&buffer).unwrap(), STANDARD.encode(&padded));
        }
    }
}
