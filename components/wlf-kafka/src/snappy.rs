//! Snappy in the frames of Java's `SnappyOutputStream`, as Kafka's own producers write it.
//!
//! Source: <https://github.com/google/snappy/blob/main/format_description.txt>

use std::ops::Range;

use crate::matches::{BLOCK, MATCH, Match, Matches, SLACK, Tokens, copy};

/// What stands before the blocks: a magic number, the version, and the oldest version that reads it.
pub const FRAME: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// The kinds of elements, in the two lowest bits of their first byte.
const LITERALS: u8 = 0;
const SHORT_COPY: u8 = 1;
const COPY: u8 = 2;

/// The most literals whose number is in the first byte, and what says there that it is in the next byte or the next two.
const FEW: usize = 60;
const ONE_BYTE: u8 = 60;
const TWO_BYTES: u8 = 61;

/// The most bytes that one element copies, and the most of a short one and how far before they may be.
const LONGEST: usize = 64;
const SHORT: usize = 11;
const NEAR: usize = 1 << 11;

/// Begins a frame.
pub fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&FRAME);
}

/// Appends blocks that hold `plain` to a frame, each behind its length.
pub fn compress(plain: &[u8], matches: &mut Matches, out: &mut Vec<u8>) {
    for plain in plain.chunks(BLOCK) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        size(plain.len(), out);
        match matches.compress::<Snappy>(plain) {
            Some(block) => out.extend_from_slice(block),
            None => {
                let (head, length) = head(plain.len());
                out.extend_from_slice(&head[..length]);
                out.extend_from_slice(plain);
            }
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Writes how many bytes a block has: seven bits in each byte, the lowest first.
fn size(mut size: usize, out: &mut Vec<u8>) {
    while size > 0x7f {
        out.push(size as u8 | 0x80);
        size >>= 7;
    }
    out.push(size as u8);
}

struct Snappy;

impl Tokens for Snappy {
    #[inline(always)]
    fn sequence(
        plain: &[u8],
        run: Range<usize>,
        found: Match,
        out: &mut [u8],
        at: usize,
    ) -> Option<usize> {
        let mut at = if run.is_empty() {
            at
        } else {
            literals(plain, run, out, at)?
        };
        let Match { offset, mut length } = found;
        if at + 3 * (length / LONGEST) + SLACK > out.len() {
            return None;
        }
        // No element copies fewer bytes than a short one can.
        while length >= LONGEST + MATCH {
            at = element(offset, LONGEST, out, at);
            length -= LONGEST;
        }
        if length > LONGEST {
            at = element(offset, LONGEST - MATCH, out, at);
            length -= LONGEST - MATCH;
        }
        if length <= SHORT && offset < NEAR {
            let first = SHORT_COPY | ((length - MATCH) as u8) << 2 | ((offset >> 8) as u8) << 5;
            out[at..at + 2].copy_from_slice(&[first, offset as u8]);
            return Some(at + 2);
        }
        Some(element(offset, length, out, at))
    }

    #[inline(always)]
    fn last(plain: &[u8], run: Range<usize>, out: &mut [u8], at: usize) -> Option<usize> {
        if run.is_empty() {
            return Some(at);
        }
        literals(plain, run, out, at)
    }
}

/// Writes an element that copies up to [`LONGEST`] bytes.
#[inline(always)]
fn element(offset: usize, length: usize, out: &mut [u8], at: usize) -> usize {
    let [low, high] = (offset as u16).to_le_bytes();
    let first = COPY | ((length - 1) as u8) << 2;
    out[at..at + 3].copy_from_slice(&[first, low, high]);
    at + 3
}

/// Writes literals, of which there is at least one; leaves room for an element and a head.
#[inline(always)]
fn literals(plain: &[u8], run: Range<usize>, out: &mut [u8], at: usize) -> Option<usize> {
    if at + run.len() + SLACK > out.len() {
        return None;
    }
    let (head, length) = head(run.len());
    out[at..at + 3].copy_from_slice(&head);
    Some(copy(plain, run, out, at + length))
}

/// What stands before so many literals, up to a block of them, and how many bytes that is.
#[inline(always)]
fn head(literals: usize) -> ([u8; 3], usize) {
    let more = literals.saturating_sub(1);
    let [low, high] = (more as u16).to_le_bytes();
    if more < FEW {
        ([LITERALS | low << 2, 0, 0], 1)
    } else if more < 1 << 8 {
        ([LITERALS | ONE_BYTE << 2, low, 0], 2)
    } else {
        ([LITERALS | TWO_BYTES << 2, low, high], 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::samples::{check, noise};

    /// What another decoder makes of a frame of `plain`, and the frame's length.
    fn read_back(matches: &mut Matches, plain: &[u8]) -> (Vec<u8>, usize) {
        let mut out = b"before".to_vec();
        begin(&mut out);
        compress(plain, matches, &mut out);
        let mut rest = out.strip_prefix(b"before").expect("what was before");
        rest = rest.strip_prefix(&FRAME).expect("a head");
        let mut read = Vec::new();
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (block, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
            let block = snap::raw::Decoder::new().decompress_vec(block);
            read.extend(block.expect("a block"));
            rest = behind;
        }
        (read, out.len() - 6)
    }

    #[test]
    fn another_decoder_reads_what_was_written() {
        check(read_back);
    }

    /// Copies of each length from each place where their elements differ.
    #[test]
    fn every_length_and_distance_of_a_copy_is_right() {
        let mut matches = Matches::default();
        let noise = noise(4096);
        for distance in [4, 60, 61, 2047, 2048, 2049, 4000] {
            for length in 0..200 {
                let (before, again) = (&noise[..distance], &noise[..length.min(distance)]);
                let plain = [before, again, &noise[4000..]].concat();
                assert!(
                    read_back(&mut matches, &plain).0 == plain,
                    "{distance} {length}"
                );
            }
        }
    }
}
