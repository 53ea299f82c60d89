//! The checksums of WebAssembly beside the crates that are used natively.

use wlf_core::checksum::{Run, crc32, crc32c, portable};

/// Both ways give the same, whatever the length: the first two bytes say how often the others are repeated, since long
/// messages go another way than short ones.
pub fn checksum(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes(*length)).max(bytes.len());
    let message: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
    assert_eq!(portable::crc32(&message), crc32(&message));
    assert_eq!(portable::crc32c(&message), crc32c(&message));
    assert_run(message, bytes);
}

/// Cut into messages with checksums of their own, as long and as far from each other as `bytes` say, they are whole, or not
/// once one is damaged; for both ways the same.
fn assert_run(mut message: Vec<u8>, bytes: &[u8]) {
    let mut run = Run::default();
    let mut begin = 0;
    for byte in bytes.iter().cycle() {
        let end = begin + Run::SHORTEST + usize::from(*byte);
        if end > message.len() {
            break;
        }
        let sum = crc32(&message[begin..end - 4]);
        message[end - 4..end].copy_from_slice(&sum.to_le_bytes());
        assert!(run.push(begin..end));
        begin = end + usize::from(*byte) % 13;
    }
    let messages = run.messages();
    if messages.is_empty() {
        return;
    }
    assert!(portable::are_whole(&message[messages.clone()], &run));
    assert!(run.are_whole(&message));
    // The last byte is never one that lies between two messages.
    message[messages.end - 1] ^= 1;
    assert!(!portable::are_whole(&message[messages], &run));
    assert!(!run.are_whole(&message));
}

/// Lengths on both sides of where the way changes.
pub fn checksum_seeds() -> Vec<Vec<u8>> {
    let lengths = [
        0, 1, 15, 16, 17, 1279, 1280, 1536, 8191, 8192, 16_385, 65_535u16,
    ];
    let seed = |length: u16| {
        [
            &length.to_le_bytes(),
            &b"not a multiple of it: 37 bytes of text"[..],
        ]
        .concat()
    };
    lengths.map(seed).to_vec()
}
