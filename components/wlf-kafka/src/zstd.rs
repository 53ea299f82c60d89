//! Zstandard frames that are made block by block.
//!
//! The encoder makes whole frames only. Each of its frames holds what one of ours has in one block, and its blocks become
//! ours: they refer to nothing before them, since the encoder starts anew with each frame and never uses the offsets that a
//! decoder remembers.
//!
//! Source: RFC 8878 (3.1.1)

use std::io;

use ruzstd::encoding::CompressionLevel;

/// The most bytes that a block holds.
pub const BLOCK: usize = 128 << 10;

/// The magic number; a descriptor without size, checksum and dictionary, since the batch has a checksum of its own; a
/// window of 128 KiB.
const FRAME: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];

/// A raw block without content, the last of its frame.
const LAST: [u8; 3] = [1, 0, 0];

/// What a descriptor must not have, so that a frame's head has as many bytes as ours: a size, a single segment, a dictionary.
const LONGER: u8 = 0b1110_0011;

/// Begins a frame.
pub fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&FRAME);
}

/// Appends up to [`BLOCK`] bytes to a frame.
///
/// # Errors
/// If the encoder makes a frame of another form than it does today.
pub fn compress(plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let frame = ruzstd::encoding::compress_to_vec(plain, CompressionLevel::Fastest);
    append_blocks(&frame, out).ok_or_else(|| io::Error::other("a frame of another form"))
}

/// Ends a frame.
pub fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&LAST);
}

/// Appends the blocks of a frame, none of them as the last; `None` if it is no frame as the encoder makes them.
fn append_blocks(frame: &[u8], out: &mut Vec<u8>) -> Option<()> {
    /// A block of one byte that is repeated.
    const RLE: u32 = 1;
    let (head, mut rest) = frame.split_first_chunk::<{ FRAME.len() }>()?;
    if head[4] & LONGER != 0 || head[5] > FRAME[5] {
        return None;
    }
    loop {
        let (header, behind) = rest.split_first_chunk::<3>()?;
        let [low, middle, high] = *header;
        let number = u32::from_le_bytes([low, middle, high, 0]);
        let size = match number >> 1 & 3 {
            RLE => 1,
            _ => usize::try_from(number >> 3).ok()?,
        };
        let (content, behind) = behind.split_at_checked(size)?;
        if size > 0 {
            out.extend_from_slice(&[low & !1, middle, high]);
            out.extend_from_slice(content);
        }
        if number & 1 == 1 {
            return Some(());
        }
        rest = behind;
    }
}
