//! A CRC by elimination with a sparse multiple of its generator.
//!
//! A multiple of the generator may be added to a message without changing its checksum. With one that has few terms, far
//! apart, every byte can be moved to a handful of places further on: `w[p] ^= w[p - d1] ^ w[p - d2] ^ …` from the front to
//! the back leaves only the last `max(d)` bytes to be divided.

use std::cell::RefCell;

use super::sliced::Tables;
use crate::simd::Sixteen;

/// How many bytes of a message are worked on between two moves of the window.
const WINDOW: usize = 8192;
/// No multiple reaches back further.
const REACH: usize = 1024;

thread_local! {
    /// What the bytes before have become: `REACH` bytes of the past, and those that are worked on.
    static CLEARED: RefCell<[u8; REACH + WINDOW]> = const { RefCell::new([0; REACH + WINDOW]) };
}

/// A multiple of a generator: the distances, in bytes, at which a byte is found again. `BLOCK` bytes are cleared at once,
/// none of which is needed by another of them; less than `LEFT` are left in the end.
#[derive(Debug)]
pub struct Multiple<const GENERATOR: u32, const TERMS: usize, const BLOCK: usize, const LEFT: usize>
{
    distances: [usize; TERMS],
}

impl<const GENERATOR: u32, const TERMS: usize, const BLOCK: usize, const LEFT: usize>
    Multiple<GENERATOR, TERMS, BLOCK, LEFT>
{
    /// `distances` ascend.
    pub const fn new(distances: [usize; TERMS]) -> Self {
        assert!(BLOCK <= distances[0] && distances[TERMS - 1] <= REACH);
        assert!(distances[TERMS - 1] + BLOCK <= LEFT);
        assert!(WINDOW.is_multiple_of(BLOCK));
        Self { distances }
    }

    const fn furthest(&self) -> usize {
        self.distances[TERMS - 1]
    }

    /// The checksum's register behind the message, begun with all bits set.
    ///
    /// # Panics
    /// If the message is not longer than the furthest distance and a block.
    #[inline(never)]
    pub fn crc(&self, bytes: &[u8]) -> u32 {
        let cut = (bytes.len() - self.furthest()) / BLOCK * BLOCK;
        let (front, back) = bytes.split_at(cut);
        CLEARED.with_borrow_mut(|cleared| {
            cleared[REACH - self.furthest()..REACH].fill(0);
            let mut at = REACH;
            for (n, block) in front.as_chunks::<BLOCK>().0.iter().enumerate() {
                if at == cleared.len() {
                    cleared.copy_within(WINDOW.., 0);
                    at = REACH;
                }
                self.clear(block, cleared, at);
                if n == 0 {
                    // The register's first value is as good as other first bytes.
                    for byte in &mut cleared[at..at + 4] {
                        *byte ^= 0xff;
                    }
                }
                at += BLOCK;
            }
            self.divide(back, cleared, at)
        })
    }

    /// Clears a block: what it has become is `at` in the window.
    #[inline(always)]
    fn clear(&self, block: &[u8; BLOCK], cleared: &mut [u8], at: usize) {
        let (past, now) = cleared.split_at_mut(at);
        let Some(now) = now.first_chunk_mut::<BLOCK>() else {
            return;
        };
        let mut before = [&[0; BLOCK]; TERMS];
        for (before, distance) in before.iter_mut().zip(self.distances) {
            // A block is never longer than the shortest distance.
            if let Some(chunk) = past[at - distance..].first_chunk() {
                *before = chunk;
            }
        }
        let pieces = block.as_chunks::<16>().0.iter();
        for (n, (piece, now)) in pieces.zip(now.as_chunks_mut::<16>().0).enumerate() {
            let mut piece = Sixteen::load(piece);
            for before in before {
                piece = piece.xor(Sixteen::load(&before.as_chunks().0[n]));
            }
            piece.store(now);
        }
    }

    /// Divides what is left behind the cleared bytes, which end `at` in the window.
    fn divide(&self, back: &[u8], cleared: &[u8], at: usize) -> u32 {
        let mut left = [0; LEFT];
        let left = &mut left[..back.len()];
        left.copy_from_slice(back);
        for distance in self.distances {
            // Those of the cleared bytes that reach this far.
            for (byte, before) in left.iter_mut().zip(&cleared[at - distance..at]) {
                *byte ^= before;
            }
        }
        Tables::<GENERATOR>::update(0, left)
    }
}
