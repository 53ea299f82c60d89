//! Finds what repeats in a block, made for text of many short repetitions inside a WebAssembly guest.
//!
//! A ready-made encoder copies pieces of a few bytes with calls that cost more than the copies. Here they are copied in
//! steps of 16 bytes, and what is written too much is overwritten by what comes next. LZ4 and Snappy differ in how they
//! write what was found.

use std::ops::Range;

/// The bytes of a block before compression. Every place in one is within reach of every other.
pub const BLOCK: usize = 64 << 10;

/// The fewest bytes that are copied from an earlier place.
pub const MATCH: usize = 4;
/// A match does not reach into the last 5 bytes, nor begin in the last 12: LZ4 wants that, and Snappy loses nothing by it.
const LAST_LITERALS: usize = 5;
const LAST_MATCH: usize = 12;

/// How many places are remembered.
const PLACES: usize = 1 << 13;

/// Room behind the compressed bytes of a block, which are never more than the plain ones.
pub const SLACK: usize = 64;

/// How a format writes a block.
pub trait Tokens {
    /// Writes literals and the match behind them at a place; gives the place behind them, `None` if there is no room.
    fn sequence(
        plain: &[u8],
        literals: Range<usize>,
        found: Match,
        out: &mut [u8],
        at: usize,
    ) -> Option<usize>;

    /// Writes the last literals.
    fn last(plain: &[u8], literals: Range<usize>, out: &mut [u8], at: usize) -> Option<usize>;
}

/// Bytes that occurred before.
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// How far before.
    pub offset: usize,
    /// How many, at least [`MATCH`].
    pub length: usize,
}

/// What is kept from batch to batch to save its allocation.
#[derive(Debug)]
pub struct Matches {
    /// Where in the block each of some words of six bytes was last.
    places: Box<[u16; PLACES]>,
    block: Vec<u8>,
}

impl Default for Matches {
    fn default() -> Self {
        Self {
            places: Box::new([0; PLACES]),
            block: vec![0; BLOCK + SLACK],
        }
    }
}

impl Matches {
    /// Up to [`BLOCK`] bytes in compressed form; `None` if that would not make them fewer.
    pub fn compress<T: Tokens>(&mut self, plain: &[u8]) -> Option<&[u8]> {
        self.places.fill(0);
        let length = block::<T>(plain, &mut self.places, &mut self.block)?;
        self.block.get(..length)
    }
}

/// Writes a block in compressed form and gives its length; `None` if that would not make it smaller.
fn block<T: Tokens>(plain: &[u8], places: &mut [u16; PLACES], out: &mut [u8]) -> Option<usize> {
    let mut at = 0;
    // What was not written yet begins here.
    let mut start = 0;
    if plain.len() > LAST_MATCH {
        let last = plain.len() - LAST_MATCH;
        let end = plain.len() - LAST_LITERALS;
        let mut next = 1;
        // Where nothing repeats, fewer and fewer places are looked at.
        let mut misses = 0;
        while next < last {
            let word = word(plain, next);
            let place = &mut places[hash(word)];
            let mut found = usize::from(*place);
            *place = next as u16;
            if found >= next || self::word(plain, found) as u32 != word as u32 {
                misses += 1;
                next += 1 + (misses >> 5);
                continue;
            }
            misses = 0;
            let mut length = MATCH + same(&plain[found + MATCH..], &plain[next + MATCH..end]);
            while next > start && found > 0 && plain[next - 1] == plain[found - 1] {
                next -= 1;
                found -= 1;
                length += 1;
            }
            let offset = next - found;
            at = T::sequence(plain, start..next, Match { offset, length }, out, at)?;
            next += length;
            start = next;
            if next < last {
                places[hash(self::word(plain, next - 2))] = (next - 2) as u16;
            }
        }
    }
    T::last(plain, start..plain.len(), out, at).filter(|length| *length < plain.len())
}

/// Copies literals to a place, behind which there is room for [`SLACK`] bytes more; gives the place behind them.
#[inline(always)]
pub fn copy(plain: &[u8], literals: Range<usize>, out: &mut [u8], at: usize) -> usize {
    let length = literals.len();
    let room = &mut out[at..];
    let from = &plain[literals.start..];
    if length + 16 <= from.len() {
        let steps = from.as_chunks::<16>().0.iter();
        let places = room.as_chunks_mut::<16>().0.iter_mut();
        for (place, step) in places.zip(steps).take(length / 16 + 1) {
            *place = *step;
        }
    } else {
        room[..length].copy_from_slice(&from[..length]);
    }
    at + length
}

/// How many bytes two texts have in common at their fronts.
#[inline(always)]
fn same(earlier: &[u8], later: &[u8]) -> usize {
    let mut length = 0;
    let (earlier_words, _) = earlier.as_chunks::<8>();
    let (later_words, _) = later.as_chunks::<8>();
    for (earlier, later) in earlier_words.iter().zip(later_words) {
        let differs = u64::from_le_bytes(*earlier) ^ u64::from_le_bytes(*later);
        if differs != 0 {
            return length + differs.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = later[length..].iter().zip(&earlier[length..]);
    length + rest.take_while(|(later, earlier)| later == earlier).count()
}

/// The next eight bytes.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |word| u64::from_le_bytes(*word))
}

/// Where a word's place is remembered, by its first six bytes: to look for four finds so many short matches in random
/// digits that they cost twice the time, for a seventh of the size.
#[inline(always)]
fn hash(word: u64) -> usize {
    ((word << 16).wrapping_mul(0x9e37_79b1_85eb_ca87) >> (64 - PLACES.trailing_zeros())) as usize
}

/// What the tests of both formats compress.
#[cfg(test)]
pub mod samples {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::{BLOCK, Matches};

    /// Checks a compression: `read_back` writes a frame and returns what another decoder makes of it, and its length.
    pub fn check(read_back: impl Fn(&mut Matches, &[u8]) -> (Vec<u8>, usize)) {
        let mut matches = Matches::default();
        for plain in around_ends() {
            let read = read_back(&mut matches, &plain).0;
            assert!(read == plain, "{} bytes", plain.len());
        }
        let plain = noise(1_000_000);
        let (read, length) = read_back(&mut matches, &plain);
        assert!(read == plain && length < plain.len() + 200, "{length}");
        let plain = rows();
        let (read, length) = read_back(&mut matches, &plain);
        assert!(read == plain && length * 3 < plain.len(), "{length}");

        let drawn = (text(), text(), 0..400usize, 0..70_000usize);
        TestRunner::new(ProptestConfig::with_cases(128))
            .run(&drawn, |(a, b, repeat, cut)| {
                let mut matches = Matches::default();
                let mut plain = [&a, &*b, &a[..cut.min(a.len())]].concat();
                plain.resize(plain.len() + repeat, b'x');
                prop_assert!(read_back(&mut matches, &plain).0 == plain);
                // What one batch leaves behind is nothing to the next.
                prop_assert!(read_back(&mut matches, &b).0 == b);
                Ok(())
            })
            .expect("what was written is read");
    }

    /// Bytes of which a number of different ones occur, of any length around the ends of blocks and lengths.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let near = |n: usize| n.saturating_sub(20)..n + 20;
        let lengths = prop_oneof![0..64usize, near(270), near(BLOCK), near(2 * BLOCK)];
        (lengths, 1..=255u8, any::<u64>()).prop_map(|(length, different, seed)| {
            let mut random = seed | 1;
            let byte = |_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 32) as u8 % different
            };
            (0..length).map(byte).collect()
        })
    }

    /// Bytes that do not repeat.
    pub fn noise(length: usize) -> Vec<u8> {
        let mut random = 1u32;
        let byte = |_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        (0..length).map(byte).collect()
    }

    /// Text that repeats.
    fn rows() -> Vec<u8> {
        let rows = (0..20_000).map(|n| format!(r#"{{"database":"shop","id":{n},"name":"x"}}"#));
        rows.collect::<String>().into_bytes()
    }

    /// What lies around the ends of literals, matches and blocks.
    fn around_ends() -> Vec<Vec<u8>> {
        let mixed: Vec<u8> = (0..400u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut all = Vec::new();
        for length in 0..400 {
            all.push(vec![b'x'; length]);
            all.push([&mixed[..length], &mixed[..length]].concat());
        }
        for length in BLOCK - 20..BLOCK + 20 {
            all.push(mixed.iter().copied().cycle().take(length).collect());
        }
        all
    }
}
