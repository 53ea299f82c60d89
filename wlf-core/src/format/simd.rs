//! Finds, 16 bytes at a time, the bytes of a string that JSON cannot hold as they are.
//!
//! The only unsafe code of the formats: 16 bytes are loaded from a reference to 16 bytes, which is always valid, whatever
//! its alignment. `reference` says what the others compute, and the tests compare them.

/// What is special in 16 bytes: bit n stands for byte n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Specials {
    /// `"`, `\` and everything below 0x20.
    pub escaped: u32,
    /// Everything from 0x80 on.
    pub high: u32,
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn specials(bytes: &[u8; 16]) -> Specials {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128, v128_load, v128_or,
    };
    // SAFETY: the reference is valid for 16 bytes, and v128_load wants no alignment.
    let bytes = unsafe { v128_load(bytes.as_ptr().cast::<v128>()) };
    let quotes = v128_or(
        u8x16_eq(bytes, u8x16_splat(b'"')),
        u8x16_eq(bytes, u8x16_splat(b'\\')),
    );
    let escaped = v128_or(quotes, u8x16_lt(bytes, u8x16_splat(0x20)));
    Specials {
        escaped: u32::from(i8x16_bitmask(escaped)),
        high: u32::from(i8x16_bitmask(bytes)),
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn specials(bytes: &[u8; 16]) -> Specials {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    // SAFETY: the reference is valid for 16 bytes, _mm_loadu_si128 wants no alignment, and every x86-64 has SSE2.
    unsafe {
        let bytes = _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
        let quotes = _mm_or_si128(
            _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed())),
            _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed())),
        );
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        Specials {
            escaped: _mm_movemask_epi8(_mm_or_si128(quotes, control)).cast_unsigned(),
            high: _mm_movemask_epi8(bytes).cast_unsigned(),
        }
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(super) use reference as specials;

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
pub(super) fn reference(bytes: &[u8; 16]) -> Specials {
    let mut found = Specials {
        escaped: 0,
        high: 0,
    };
    for (n, byte) in bytes.iter().enumerate() {
        if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
            found.escaped |= 1 << n;
        }
        if *byte >= 0x80 {
            found.high |= 1 << n;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_each_byte_at_each_place() {
        for byte in 0..=255u8 {
            for place in 0..16 {
                let mut bytes = [b'a'; 16];
                bytes[place] = byte;
                assert_eq!(specials(&bytes), reference(&bytes), "{byte:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn finds_what_the_reference_finds(bytes: [u8; 16]) {
            prop_assert_eq!(specials(&bytes), reference(&bytes));
        }
    }
}
