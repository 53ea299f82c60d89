//! LZ4 frames.
//!
//! Source: <https://github.com/lz4/lz4/tree/dev/doc>, `lz4_Frame_format.md` and `lz4_Block_format.md`

use std::ops::Range;

use crate::matches::{BLOCK, MATCH, Match, Matches, SLACK, Tokens, copy};

/// The magic number; version 1 with independent blocks and no checksums, since Kafka's Java client reads independent
/// blocks only and the batch has a checksum of its own; blocks of up to 64 KiB; the descriptor's checksum.
const FRAME: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];

/// Marks a block's size if the block is not compressed.
const PLAIN: u32 = 1 << 31;

/// Appends blocks that hold `plain` to a frame.
pub fn compress(plain: &[u8], matches: &mut Matches, out: &mut Vec<u8>) {
    for plain in plain.chunks(BLOCK) {
        let (size, block) = match matches.compress::<Lz4>(plain) {
            Some(block) => (block.len() as u32, block),
            None => (plain.len() as u32 | PLAIN, plain),
        };
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(block);
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

struct Lz4;

impl Tokens for Lz4 {
    #[inline(always)]
    fn sequence(
        plain: &[u8],
        run: Range<usize>,
        found: Match,
        out: &mut [u8],
        at: usize,
    ) -> Option<usize> {
        let more = found.length - MATCH;
        let mut at = literals(plain, run, more.min(15) as u8, out, at)?;
        // Room was left for the offset, and for more of the length.
        out[at..at + 2].copy_from_slice(&(found.offset as u16).to_le_bytes());
        at += 2;
        if more >= 15 {
            at = extended(more - 15, out, at)?;
        }
        Some(at)
    }

    #[inline(always)]
    fn last(plain: &[u8], run: Range<usize>, out: &mut [u8], at: usize) -> Option<usize> {
        literals(plain, run, 0, out, at)
    }
}

/// Writes a token, given its lower half, and the literals behind it; leaves room for an offset and a token.
#[inline(always)]
fn literals(
    plain: &[u8],
    run: Range<usize>,
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
    Some(copy(plain, run, out, at))
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::matches::samples::check;

    /// What another decoder makes of a frame of `plain`, and the frame's length.
    fn read_back(matches: &mut Matches, plain: &[u8]) -> (Vec<u8>, usize) {
        let mut out = b"before".to_vec();
        begin(&mut out);
        compress(plain, matches, &mut out);
        end(&mut out);
        assert_eq!(&out[..6], b"before");
        let mut read = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&out[6..])
            .read_to_end(&mut read)
            .expect("a frame");
        (read, out.len() - 6)
    }

    #[test]
    fn another_decoder_reads_what_was_written() {
        check(read_back);
    }
}
