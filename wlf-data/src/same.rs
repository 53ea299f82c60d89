//! Whether bytes are the same, without a call.
//!
//! The comparison that the standard library makes of slices is a call to `memcmp`, which in WebAssembly goes byte by byte.

use crate::simd::Sixteen;

/// Whether both hold the same bytes.
#[inline]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    if let (Some(last), Some(other_last)) = (one.last_chunk(), other.last_chunk()) {
        let nothing = Sixteen::nothing();
        let differ = |one, other| {
            let one = Sixteen::load(one).as_one(nothing);
            one.xor(Sixteen::load(other))
        };
        // The last piece overlaps the one before it, so that it is not shorter.
        let pairs = one.as_chunks().0.iter().zip(other.as_chunks().0);
        let all = pairs.fold(differ(last, other_last), |all, (one, other)| {
            all.or(differ(one, other))
        });
        return all.zeros() == Some(0xffff);
    }
    match (ends::<8>(one), ends::<8>(other)) {
        (Some(one), Some(other)) => one.map(u64::from_le_bytes) == other.map(u64::from_le_bytes),
        _ => match (ends::<4>(one), ends::<4>(other)) {
            (Some(one), Some(other)) => {
                one.map(u32::from_le_bytes) == other.map(u32::from_le_bytes)
            }
            _ => one.iter().zip(other).all(|(one, other)| one == other),
        },
    }
}

/// The first and the last `N` bytes.
#[inline(always)]
fn ends<const N: usize>(bytes: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*bytes.first_chunk()?, *bytes.last_chunk()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_byte_at_any_place_shows() {
        let bytes: Vec<u8> = (0..70).collect();
        for length in 0..bytes.len() {
            let one = &bytes[..length];
            let copy = one.to_vec();
            assert!(same(one, &copy), "{length} bytes");
            assert!(!same(one, &bytes[..=length]), "{length} bytes and one more");
            for place in 0..length {
                let mut other = one.to_vec();
                other[place] ^= 0x10;
                assert!(!same(one, &other), "{place} of {length}");
            }
        }
    }
}
