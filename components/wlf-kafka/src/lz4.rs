//! LZ4 frames, made for text of many short repetitions inside a WebAssembly guest.
//!
//! A ready-made encoder copies pieces of a few bytes with calls that cost more than the copies. Here they are copied in
//! steps of 16 bytes, and what is written too much is overwritten by what comes next.
//!
//! Source: <https://github.com/lz4/lz4/tree/dev/doc>, `lz4_Frame_format.md` and `lz4_Block_format.md`

/// The magic number; version 1 with independent blocks and no checksums, since Kafka's Java client reads independent
/// blocks only and the batch has a checksum of its own; blocks of up to 64 KiB; the descriptor's checksum.
const FRAME: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];

/// The bytes of a block before compression. Every place in one is within reach of every other.
const BLOCK: usize = 64 << 10;

/// Marks a block's size if the block is not compressed.
const PLAIN: u32 = 1 << 31;

/// The fewest bytes that are copied from an earlier place.
const MATCH: usize = 4;
/// A match does not reach into the last 5 bytes, nor begin in the last 12.
const LAST_LITERALS: usize = 5;
const LAST_MATCH: usize = 12;

/// How many places are remembered.
const PLACES: usize = 1 << 13;

/// Room behind the compressed bytes of a block, which are never more than the plain ones.
const SLACK: usize = 64;

/// What is kept from batch to batch to save its allocation.
#[derive(Debug)]
pub struct Lz4 {
    /// Where in the block each of some words of six bytes was last.
    places: Box<[u16; PLACES]>,
    block: Vec<u8>,
}

impl Default for Lz4 {
    fn default() -> Self {
        Self {
            places: Box::new([0; PLACES]),
            block: vec![0; BLOCK + SLACK],
        }
    }
}

impl Lz4 {
    /// Appends blocks that hold `plain` to a frame.
    pub fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        for plain in plain.chunks(BLOCK) {
            self.places.fill(0);
            match block(plain, &mut self.places, &mut self.block) {
                Some(length) => {
                    out.extend_from_slice(&(length as u32).to_le_bytes());
                    out.extend_from_slice(&self.block[..length]);
                }
                None => {
                    out.extend_from_slice(&(plain.len() as u32 | PLAIN).to_le_bytes());
                    out.extend_from_slice(plain);
                }
            }
        }
    }
}

/// Begins a frame.
pub fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&FRAME);
}

/// Ends a frame.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 4]);
}

/// Writes a block in compressed form and gives its length; `None` if that would not make it smaller.
fn block(plain: &[u8], places: &mut [u16; PLACES], out: &mut [u8]) -> Option<usize> {
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
            at = sequence(plain, start..next, next - found, length, out, at)?;
            next += length;
            start = next;
            if next < last {
                places[hash(self::word(plain, next - 2))] = (next - 2) as u16;
            }
        }
    }
    literals(plain, start..plain.len(), 0, out, at).filter(|length| *length < plain.len())
}

/// Writes literals and the match behind them.
#[inline(always)]
fn sequence(
    plain: &[u8],
    run: std::ops::Range<usize>,
    offset: usize,
    length: usize,
    out: &mut [u8],
    at: usize,
) -> Option<usize> {
    let more = length - MATCH;
    let mut at = literals(plain, run, more.min(15) as u8, out, at)?;
    // Room was left for the offset, and for more of the length.
    out[at..at + 2].copy_from_slice(&(offset as u16).to_le_bytes());
    at += 2;
    if more >= 15 {
        at = extended(more - 15, out, at)?;
    }
    Some(at)
}

/// Writes a token, given its lower half, and the literals behind it; leaves room for an offset and a token.
#[inline(always)]
fn literals(
    plain: &[u8],
    run: std::ops::Range<usize>,
    lower: u8,
    out: &mut [u8],
    mut at: usize,
) -> Option<usize> {
    let length = run.len();
    if at + length + length / 255 + SLACK > out.len() {
        return None;
    }
    out[at] = (length.min(15) as u8) << 4 | lower;
    at += 1;
    if length >= 15 {
        at = extended(length - 15, out, at)?;
    }
    let room = &mut out[at..];
    let from = &plain[run.start..];
    if length + 16 <= from.len() {
        let steps = from.as_chunks::<16>().0.iter();
        let places = room.as_chunks_mut::<16>().0.iter_mut();
        for (place, step) in places.zip(steps).take(length / 16 + 1) {
            *place = *step;
        }
    } else {
        room[..length].copy_from_slice(&from[..length]);
    }
    Some(at + length)
}

/// Writes what a length has more than its half of a token can say.
#[inline(never)]
fn extended(mut more: usize, out: &mut [u8], mut at: usize) -> Option<usize> {
    if at + more / 255 + 16 > out.len() {
        return None;
    }
    while more >= 255 {
        out[at] = 255;
        at += 1;
        more -= 255;
    }
    out[at] = more as u8;
    Some(at + 1)
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    /// What another decoder makes of a frame of `plain`, and the frame's length.
    fn read_back(lz4: &mut Lz4, plain: &[u8]) -> (Vec<u8>, usize) {
        let mut out = b"before".to_vec();
        begin(&mut out);
        lz4.compress(plain, &mut out);
        end(&mut out);
        assert_eq!(&out[..6], b"before");
        let mut read = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&out[6..])
            .read_to_end(&mut read)
            .expect("a frame");
        (read, out.len() - 6)
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn another_decoder_reads_what_was_written(
            a in text(), b in text(), repeat in 0..400usize, cut in 0..70_000usize
        ) {
            let mut lz4 = Lz4::default();
            let mut plain = a.clone();
            plain.extend_from_slice(&b);
            plain.extend_from_slice(&a[..cut.min(a.len())]);
            plain.resize(plain.len() + repeat, b'x');
            prop_assert!(read_back(&mut lz4, &plain).0 == plain);
            // What one batch leaves behind is nothing to the next.
            prop_assert!(read_back(&mut lz4, &b).0 == b);
        }
    }

    #[test]
    fn every_length_around_the_ends_of_literals_matches_and_blocks_is_right() {
        let mut lz4 = Lz4::default();
        let mixed: Vec<u8> = (0..400u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for length in 0..400 {
            assert_eq!(read_back(&mut lz4, &vec![b'x'; length]).0.len(), length);
            let twice = [&mixed[..length], &mixed[..length]].concat();
            assert_eq!(read_back(&mut lz4, &twice).0, twice, "{length}");
        }
        for length in BLOCK - 20..BLOCK + 20 {
            let plain: Vec<u8> = mixed.iter().copied().cycle().take(length).collect();
            assert_eq!(read_back(&mut lz4, &plain).0, plain, "{length}");
        }
    }

    #[test]
    fn what_does_not_repeat_hardly_grows_and_what_does_shrinks() {
        let mut lz4 = Lz4::default();
        let mut random = 1u32;
        let mut noise = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        let plain: Vec<u8> = (0..1_000_000).map(|_| noise()).collect();
        let (read, length) = read_back(&mut lz4, &plain);
        assert!(read == plain && length < plain.len() + 200, "{length}");
        let rows = (0..20_000).map(|n| format!(r#"{{"database":"shop","id":{n},"name":"x"}}"#));
        let plain = rows.collect::<String>().into_bytes();
        let (read, length) = read_back(&mut lz4, &plain);
        assert!(read == plain && length * 3 < plain.len(), "{length}");
    }
}
