//! A CRC by elimination with a sparse multiple of its generator.
//!
//! A multiple of the generator may be added to a message without changing its checksum. With one that has few terms, far
//! apart, every byte can be moved to a handful of places further on: `w[p] ^= w[p - d1] ^ w[p - d2] ^ …` from the front to
//! the back leaves only the last `max(d)` bytes to be divided.

use std::cell::RefCell;

use super::run::Joint;
use super::sliced::SlicingTables;
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

    /// The checksum's register behind the message, begun with all bits set. Where the message has `joints`, which ascend, it
    /// is several, and the register is behind the last; behind the others it is expected to be what it has to be.
    ///
    /// # Panics
    /// If the message is not longer than the furthest distance and a block.
    #[inline(never)]
    pub fn crc(&self, bytes: &[u8], joints: &[Joint]) -> u32 {
        let cut = (bytes.len() - self.furthest()) / BLOCK * BLOCK;
        let (front, back) = bytes.split_at(cut);
        let mut changes = Changes::<GENERATOR, BLOCK>::new(bytes, joints);
        CLEARED.with_borrow_mut(|cleared| {
            cleared[REACH - self.furthest()..REACH].fill(0);
            let mut at = REACH;
            for (n, block) in front.as_chunks::<BLOCK>().0.iter().enumerate() {
                if at == cleared.len() {
                    cleared.copy_within(WINDOW.., 0);
                    at = REACH;
                }
                self.clear(block, cleared, at);
                if n == changes.block {
                    changes.make(&mut cleared[at..at + BLOCK]);
                }
                at += BLOCK;
            }
            let mut left = [0; LEFT];
            let left = &mut left[..back.len()];
            left.copy_from_slice(back);
            changes.make_in_rest(left, cut);
            self.divide(left, cleared, at)
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
        let nothing = Sixteen::nothing();
        let pieces = block.as_chunks::<16>().0.iter();
        for (n, (piece, now)) in pieces.zip(now.as_chunks_mut::<16>().0).enumerate() {
            let mut piece = Sixteen::load(piece).as_one(nothing);
            for before in before {
                piece = piece.xor(Sixteen::load(&before.as_chunks().0[n]));
            }
            piece.as_one(nothing).store(now);
        }
    }

    /// Divides what is left behind the cleared bytes, which end `at` in the window.
    fn divide(&self, left: &mut [u8], cleared: &[u8], at: usize) -> u32 {
        for distance in self.distances {
            // Those of the cleared bytes that reach this far.
            for (byte, before) in left.iter_mut().zip(&cleared[at - distance..at]) {
                *byte ^= before;
            }
        }
        SlicingTables::<GENERATOR>::update(0, left)
    }
}

/// What is changed in a message: its first four bytes, since the register's first value is as good as other first bytes,
/// and what is at its joints.
struct Changes<'a, const GENERATOR: u32, const BLOCK: usize> {
    bytes: &'a [u8],
    joints: std::slice::Iter<'a, Joint>,
    /// The number of the block in which the next change begins, and where in it.
    block: usize,
    at: usize,
    change: u128,
}

impl<'a, const GENERATOR: u32, const BLOCK: usize> Changes<'a, GENERATOR, BLOCK> {
    fn new(bytes: &'a [u8], joints: &'a [Joint]) -> Self {
        Self {
            bytes,
            joints: joints.iter(),
            block: 0,
            at: 0,
            change: u32::MAX.into(),
        }
    }

    #[inline(always)]
    fn next(&mut self) {
        let next = self.joints.next();
        let joined = next.and_then(|next| Some((next, self.bytes.get(next.at..)?.first_chunk()?)));
        let Some((joint, joined)) = joined else {
            self.block = usize::MAX;
            return;
        };
        self.block = joint.at / BLOCK;
        self.at = joint.at % BLOCK;
        self.change = joint.change::<GENERATOR>(joined);
    }

    /// Makes the changes in a block.
    #[inline(always)]
    fn make(&mut self, block: &mut [u8]) {
        let now = self.block;
        while self.block == now {
            let rest = &mut block[self.at..];
            if let Some(bytes) = rest.first_chunk_mut() {
                *bytes = (u128::from_le_bytes(*bytes) ^ self.change).to_le_bytes();
                self.next();
            } else {
                change_front(rest, self.change);
                // The rest of it, before what begins in the next block.
                self.block += 1;
                self.change >>= rest.len() * 8;
                self.at = 0;
            }
        }
    }

    /// Makes those that are left in the bytes from `begin` on.
    fn make_in_rest(&mut self, rest: &mut [u8], begin: usize) {
        while let Some(at) = self.block.checked_mul(BLOCK) {
            change_front(&mut rest[at + self.at - begin..], self.change);
            self.next();
        }
    }
}

fn change_front(bytes: &mut [u8], change: u128) {
    for (byte, change) in bytes.iter_mut().zip(change.to_le_bytes()) {
        *byte ^= change;
    }
}
