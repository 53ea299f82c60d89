//! Many short messages, each with its CRC-32 at its end, checked as one.
//!
//! Whatever a message is, the register behind it and its own checksum has the same value. So the next one can go on from
//! there instead of beginning anew, if its first four bytes make up for the difference: they are changed by the same value
//! each time. What is between two messages counts as zeros.

use std::ops::Range;

/// Where a message ends, from the front of the first, and how many bytes further the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joint {
    pub at: usize,
    pub between: usize,
}

impl Joint {
    /// So many bytes may be between two messages: with four of the next they are one load.
    const FURTHEST: usize = 12;

    /// By how much the sixteen bytes that begin at a joint are changed for the register to be what it was at the beginning.
    #[inline(always)]
    pub fn change<const GENERATOR: u32>(self, bytes: &[u8; 16]) -> u128 {
        let [mask, change] = Changes::<GENERATOR>::ALL[self.between.min(Self::FURTHEST)];
        u128::from_le_bytes(*bytes) & mask ^ change
    }
}

/// What the register is behind a message and its checksum, all of whose bits were set at the beginning.
pub const fn behind_whole(generator: u32) -> u32 {
    behind_zeros(generator, !0, 4)
}

const fn behind_zeros(generator: u32, mut register: u32, bytes: usize) -> u32 {
    let mut bit = 0;
    while bit < bytes * 8 {
        register = register >> 1 ^ if register & 1 == 1 { generator } else { 0 };
        bit += 1;
    }
    register
}

struct Changes<const GENERATOR: u32>;

impl<const GENERATOR: u32> Changes<GENERATOR> {
    /// By the number of bytes between two messages: which bits of theirs become zero, and what is then changed.
    const ALL: [[u128; 2]; Joint::FURTHEST + 1] = {
        let mut all = [[0; 2]; Joint::FURTHEST + 1];
        let mut between = 0;
        while between < all.len() {
            let register = behind_zeros(GENERATOR, behind_whole(GENERATOR), between);
            let change = (!register as u128) << (between * 8);
            all[between] = [(1 << (between * 8)) - 1, change];
            between += 1;
        }
        all
    };
}

/// Messages that lie one behind the other.
#[derive(Debug, Default)]
pub struct Run {
    messages: Range<usize>,
    pub(super) joints: Vec<Joint>,
}

impl Run {
    /// A message has to be at least this long, in bytes.
    pub const SHORTEST: usize = 16;

    /// Begins anew, without messages.
    pub fn clear(&mut self) {
        self.messages = 0..0;
        self.joints.clear();
    }

    /// Adds a message with its checksum, by where it is in the bytes that [`are_whole`](Self::are_whole) is given.
    ///
    /// `false` if it cannot be: it is not close behind the last one, or too short.
    #[inline(always)]
    pub fn push(&mut self, message: Range<usize>) -> bool {
        if message.end < message.start.saturating_add(Self::SHORTEST) {
            return false;
        }
        if self.messages.is_empty() {
            self.messages = message;
            return true;
        }
        let Some(between) = message.start.checked_sub(self.messages.end) else {
            return false;
        };
        if between > Joint::FURTHEST {
            return false;
        }
        self.joints.push(Joint {
            at: self.messages.end - self.messages.start,
            between,
        });
        self.messages.end = message.end;
        true
    }

    /// From the first message's beginning to the last one's end.
    pub fn messages(&self) -> Range<usize> {
        self.messages.clone()
    }

    /// Whether all of them end with their own CRC-32. That a damaged message goes unseen is as unlikely as for each by
    /// itself, one in 2^32; which one it is, nobody knows.
    pub fn are_whole(&self, bytes: &[u8]) -> bool {
        let Some(bytes) = bytes.get(self.messages.clone()) else {
            return false;
        };
        #[cfg(target_arch = "wasm32")]
        return super::portable::are_whole(bytes, self);
        #[cfg(not(target_arch = "wasm32"))]
        each_is_whole(bytes, &self.joints, crc32fast::hash)
    }
}

/// The same, one by one.
pub fn each_is_whole(bytes: &[u8], joints: &[Joint], crc32: impl Fn(&[u8]) -> u32) -> bool {
    let mut start = 0;
    let end = Joint {
        at: bytes.len(),
        between: 0,
    };
    joints.iter().chain([&end]).all(|joint| {
        let message = bytes.get(start..joint.at).unwrap_or_default();
        start = joint.at + joint.between;
        message
            .split_last_chunk()
            .is_some_and(|(message, stored)| crc32(message) == u32::from_le_bytes(*stored))
    })
}
