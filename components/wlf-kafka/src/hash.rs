//! The hash functions by which producers choose partitions.

/// Java's `String.hashCode`: over UTF-16 code units.
pub fn java_string(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// MurmurHash3 x86-32 with Maxwell's seed 25342.
pub fn murmur3(bytes: &[u8]) -> i32 {
    const SEED: u32 = 25342;
    fn mixed(word: u32) -> u32 {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    }
    let mut hash = SEED;
    let mut blocks = bytes.chunks_exact(4);
    for block in &mut blocks {
        hash = (hash ^ mixed(word(block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        hash ^= mixed(word(rest));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)) as i32
}

/// Up to four bytes as a little-endian number.
fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by Maxwell's own classes.
    #[test]
    fn the_other_hashes_are_those_of_maxwell() {
        for (text, java, murmur) in [
            ("shop", 3529462, 226172948),
            ("orders", -1008770331, 190045300),
            ("9001example", 1422162706, 2004205145),
            ("1", 49, -1155099792),
        ] {
            assert_eq!(java_string(text), java, "{text}");
            assert_eq!(murmur3(text.as_bytes()), murmur, "{text}");
        }
        assert_eq!(murmur3("é😁".as_bytes()), -1180864630);
    }
}
