//! Sixteen bytes at once: copies them, adds them for checksums, and finds those that a JSON string cannot hold as they are.
//!
//! The unsafe code loads 16 bytes from a reference to 16 bytes and stores them to one, which is always valid, whatever its
//! alignment. `reference` says what the others compute, and the tests compare them.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use wasm::Sixteen;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::Sixteen;

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
pub(crate) use reference::Sixteen;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use core::arch::wasm32::{
        i8x16_bitmask, i64x2_add, u8x16_eq, u8x16_min, u8x16_splat, u8x16_sub_sat, u64x2,
        u64x2_splat, v128, v128_load, v128_or, v128_store, v128_xor,
    };

    /// What no compiler knows to be zero.
    static NOTHING: v128 = u64x2(0, 0);

    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen(v128);

    impl Sixteen {
        #[inline(always)]
        pub fn zero() -> Self {
            Self(u64x2_splat(0))
        }

        #[inline(always)]
        pub fn load(bytes: &[u8; 16]) -> Self {
            // SAFETY: the reference is valid for 16 bytes, and v128_load wants no alignment.
            Self(unsafe { v128_load(bytes.as_ptr().cast::<v128>()) })
        }

        #[inline(always)]
        pub fn store(self, bytes: &mut [u8; 16]) {
            // SAFETY: the reference is valid for 16 bytes, and v128_store wants no alignment.
            unsafe { v128_store(bytes.as_mut_ptr().cast::<v128>(), self.0) }
        }

        /// Zero, which no compiler knows to be zero: for [`as_one`](Self::as_one).
        #[inline(always)]
        pub fn nothing() -> Self {
            // SAFETY: it is there, and never written.
            Self(unsafe { (&raw const NOTHING).read_volatile() })
        }

        /// Keeps the bytes in one register; `nothing` is added.
        ///
        /// WasmEdge loads and stores 16 bytes as an integer. What comes from memory and is stored, and has met others only
        /// bit by bit in between, its compiler takes for a number in two registers: it is loaded and stored by halves, which
        /// are put together for what else is done with them. An addition cannot be made of halves.
        #[inline(always)]
        pub fn as_one(self, nothing: Self) -> Self {
            Self(i64x2_add(self.0, nothing.0))
        }

        /// All bits that one of them has.
        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }

        /// The bytes from 0x80 on: bit n stands for byte n.
        #[inline(always)]
        pub fn high(self) -> u32 {
            i8x16_bitmask(self.0).into()
        }

        /// A byte is zero where it is one that is escaped: `"`, `\` or below 0x20.
        #[inline(always)]
        pub fn marks(self) -> Self {
            // Of all bytes, `"` and those below 0x20 are below 0x21 with this bit turned.
            let turned = v128_xor(self.0, u8x16_splat(0x02));
            Self(u8x16_min(
                u8x16_sub_sat(turned, u8x16_splat(0x20)),
                v128_xor(self.0, u8x16_splat(b'\\')),
            ))
        }

        /// The lesser byte of the two at each place.
        #[inline(always)]
        pub fn least(self, other: Self) -> Self {
            Self(u8x16_min(self.0, other.0))
        }

        /// The bytes that are zero: bit n stands for byte n. `None` if there are none.
        #[inline(always)]
        pub fn zeros(self) -> Option<u32> {
            let zeros = i8x16_bitmask(u8x16_eq(self.0, u8x16_splat(0)));
            (zeros != 0).then_some(zeros.into())
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_setzero_si128, _mm_storeu_si128, _mm_subs_epu8, _mm_xor_si128,
    };

    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen(__m128i);

    impl Sixteen {
        #[inline(always)]
        pub fn zero() -> Self {
            // SAFETY: every x86-64 has SSE2, here and below.
            Self(unsafe { _mm_setzero_si128() })
        }

        #[inline(always)]
        pub fn load(bytes: &[u8; 16]) -> Self {
            // SAFETY: the reference is valid for 16 bytes, and _mm_loadu_si128 wants no alignment.
            Self(unsafe { _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>()) })
        }

        #[inline(always)]
        pub fn store(self, bytes: &mut [u8; 16]) {
            // SAFETY: the reference is valid for 16 bytes, and _mm_storeu_si128 wants no alignment.
            unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast::<__m128i>(), self.0) }
        }

        /// Zero.
        #[inline(always)]
        pub fn nothing() -> Self {
            Self::zero()
        }

        /// As it is, since the compiler takes a vector for a vector.
        #[inline(always)]
        pub fn as_one(self, _nothing: Self) -> Self {
            self
        }

        /// All bits that one of them has.
        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm_or_si128(self.0, other.0) })
        }

        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm_xor_si128(self.0, other.0) })
        }

        /// The bytes from 0x80 on: bit n stands for byte n.
        #[inline(always)]
        pub fn high(self) -> u32 {
            // SAFETY: as above.
            unsafe { _mm_movemask_epi8(self.0) }.cast_unsigned()
        }

        /// A byte is zero where it is one that is escaped: `"`, `\` or below 0x20.
        #[inline(always)]
        pub fn marks(self) -> Self {
            // Of all bytes, `"` and those below 0x20 are below 0x21 with this bit turned.
            // SAFETY: as above.
            Self(unsafe {
                let turned = _mm_xor_si128(self.0, _mm_set1_epi8(0x02));
                _mm_min_epu8(
                    _mm_subs_epu8(turned, _mm_set1_epi8(0x20)),
                    _mm_xor_si128(self.0, _mm_set1_epi8(b'\\'.cast_signed())),
                )
            })
        }

        /// The lesser byte of the two at each place.
        #[inline(always)]
        pub fn least(self, other: Self) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm_min_epu8(self.0, other.0) })
        }

        /// The bytes that are zero: bit n stands for byte n. `None` if there are none.
        #[inline(always)]
        pub fn zeros(self) -> Option<u32> {
            // SAFETY: as above.
            let zeros = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, _mm_setzero_si128())) };
            (zeros != 0).then_some(zeros.cast_unsigned())
        }
    }
}

#[cfg(any(
    test,
    not(any(
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod reference {
    /// Sixteen bytes.
    #[derive(Debug, Clone, Copy)]
    pub struct Sixteen([u8; 16]);

    impl Sixteen {
        pub fn zero() -> Self {
            Self([0; 16])
        }

        pub fn load(bytes: &[u8; 16]) -> Self {
            Self(*bytes)
        }

        pub fn store(self, bytes: &mut [u8; 16]) {
            *bytes = self.0;
        }

        pub fn nothing() -> Self {
            Self::zero()
        }

        pub fn as_one(self, _nothing: Self) -> Self {
            self
        }

        /// All bits that one of them has.
        pub fn or(self, other: Self) -> Self {
            Self(std::array::from_fn(|n| self.0[n] | other.0[n]))
        }

        pub fn xor(self, other: Self) -> Self {
            Self(std::array::from_fn(|n| self.0[n] ^ other.0[n]))
        }

        /// The bytes from 0x80 on: bit n stands for byte n.
        pub fn high(self) -> u32 {
            let bits = self.0.iter().enumerate();
            bits.fold(0, |high, (n, byte)| high | u32::from(byte >> 7) << n)
        }

        /// A byte is zero where it is one that is escaped: `"`, `\` or below 0x20. What others are is not said.
        pub fn marks(self) -> Self {
            let is_escaped = |byte| byte < 0x20 || byte == b'"' || byte == b'\\';
            Self(self.0.map(|byte| u8::from(!is_escaped(byte))))
        }

        /// The lesser byte of the two at each place.
        pub fn least(self, other: Self) -> Self {
            Self(std::array::from_fn(|n| self.0[n].min(other.0[n])))
        }

        /// The bytes that are zero: bit n stands for byte n. `None` if there are none.
        pub fn zeros(self) -> Option<u32> {
            let bytes = self.0.iter().enumerate();
            let zeros = bytes.fold(0, |zeros, (n, byte)| zeros | u32::from(*byte == 0) << n);
            (zeros != 0).then_some(zeros)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_as_the_reference(bytes: [u8; 16], other: [u8; 16]) {
        let (ours, others) = (Sixteen::load(&bytes), Sixteen::load(&other));
        let (said, others_said) = (
            reference::Sixteen::load(&bytes),
            reference::Sixteen::load(&other),
        );
        assert_eq!(ours.zeros(), said.zeros(), "{bytes:x?}");
        assert_eq!(ours.marks().zeros(), said.marks().zeros(), "{bytes:x?}");
        let least = ours.marks().least(others.marks()).zeros();
        let expected = said.marks().least(others_said.marks()).zeros();
        assert_eq!(least, expected, "{bytes:x?} {other:x?}");
        assert_eq!(ours.high(), said.high(), "{bytes:x?}");
        let (mut stored, mut expected) = ([0; 16], [1; 16]);
        ours.or(others).or(Sixteen::zero()).store(&mut stored);
        let zero = reference::Sixteen::zero();
        said.or(others_said).or(zero).store(&mut expected);
        assert_eq!(stored, expected);
        let nothing = Sixteen::nothing();
        let ours = ours.as_one(nothing).xor(others);
        ours.as_one(nothing).store(&mut stored);
        let nothing = reference::Sixteen::nothing();
        let said = said.as_one(nothing).xor(others_said);
        said.as_one(nothing).store(&mut expected);
        assert_eq!(stored, expected);
    }

    #[test]
    fn finds_each_byte_at_each_place() {
        for byte in 0..=255u8 {
            for place in 0..16 {
                let mut bytes = [b'a'; 16];
                bytes[place] = byte;
                assert_as_the_reference(bytes, [0; 16]);
            }
        }
    }

    proptest! {
        #[test]
        fn finds_what_the_reference_finds(bytes: [u8; 16], other: [u8; 16]) {
            assert_as_the_reference(bytes, other);
        }
    }
}
