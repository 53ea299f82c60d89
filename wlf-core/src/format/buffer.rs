//! The bytes that formats write, with room behind them, so that small pieces are copied 16 bytes at a time.
//!
//! A copy of unknown small length is a call that costs more than the copy; one of a constant length is a single
//! instruction. So pieces are written in steps of a constant length, and what lies behind them is overwritten later.

use super::simd::specials;
use crate::replaced;

/// A growing run of bytes.
#[derive(Debug, Default)]
pub struct Buffer {
    /// Initialised up to its end; what counts ends at `len`.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Forgets the bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets the bytes behind the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Makes room for `more` bytes.
    #[inline(always)]
    fn reserve(&mut self, more: usize) {
        if self.bytes.len() - self.len < more {
            self.grow(more);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let len = (self.len + more).max(self.bytes.len() * 2).max(1024);
        self.bytes.resize(len, 0);
    }

    /// The next `N` bytes, of which [`advance`](Self::advance) takes those that were written.
    #[inline(always)]
    pub(super) fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        self.reserve(N);
        match self.bytes[self.len..].first_chunk_mut() {
            Some(room) => room,
            None => unreachable!("room was made"),
        }
    }

    /// The next `n` bytes, none of which is taken yet.
    #[inline(always)]
    fn room_of(&mut self, n: usize) -> &mut [u8] {
        self.reserve(n);
        &mut self.bytes[self.len..self.len + n]
    }

    #[inline(always)]
    pub(super) fn advance(&mut self, n: usize) {
        debug_assert!(n <= self.bytes.len() - self.len);
        self.len += n;
    }

    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.room::<1>()[0] = byte;
        self.len += 1;
    }

    /// Replaces a byte that was written.
    #[inline(always)]
    pub(super) fn patch(&mut self, at: usize, byte: u8) {
        if let Some(old) = self.bytes[..self.len].get_mut(at) {
            *old = byte;
        }
    }

    /// Appends bytes of any number.
    #[inline(always)]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= 16 {
            *self.room::<16>() = padded(bytes);
            self.len += bytes.len();
        } else {
            self.put_long(bytes);
        }
    }

    #[inline(always)]
    fn put_long(&mut self, bytes: &[u8]) {
        let room = self.room_of(bytes.len());
        if bytes.len() <= 128 {
            let chunks = bytes.as_chunks::<16>().0.iter();
            for (chunk, place) in chunks.zip(room.as_chunks_mut::<16>().0) {
                *place = *chunk;
            }
            if let (Some(chunk), Some(place)) =
                (bytes.last_chunk::<16>(), room.last_chunk_mut::<16>())
            {
                *place = *chunk;
            }
        } else {
            room.copy_from_slice(bytes);
        }
        self.len += bytes.len();
    }

    /// Appends a piece that was prepared.
    #[inline(always)]
    pub(super) fn fragment(&mut self, fragment: &Fragment) {
        *self.room() = fragment.front;
        if fragment.len > 16 {
            let room = self.room_of(fragment.more.len() * 16 + 16);
            let places = room.as_chunks_mut::<16>().0.iter_mut().skip(1);
            for (place, chunk) in places.zip(&fragment.more) {
                *place = *chunk;
            }
        }
        self.len += fragment.len;
    }

    /// Appends bytes that were written before.
    pub(super) fn repeat(&mut self, range: std::ops::Range<usize>, from: &Buffer) {
        self.put(from.as_slice().get(range).unwrap_or_default());
    }

    /// Appends text as a JSON string, in quotes; what is not UTF-8 becomes U+FFFD.
    #[inline(never)]
    pub fn string(&mut self, text: &[u8]) {
        self.string_inline(text);
    }

    /// The same for what is written for each value: a kilobyte of code wherever it stands.
    #[inline(always)]
    pub(super) fn string_inline(&mut self, text: &[u8]) {
        self.byte(b'"');
        self.escaped_inline(text);
        self.byte(b'"');
    }

    /// Appends text escaped as inside of a JSON string; what is not UTF-8 becomes U+FFFD.
    #[inline(never)]
    pub fn escaped(&mut self, text: &[u8]) {
        self.escaped_inline(text);
    }

    /// The same for what is written for each value.
    #[inline(always)]
    pub fn escaped_inline(&mut self, text: &[u8]) {
        let start = self.len;
        if self.escape(text) && std::str::from_utf8(text).is_err() {
            self.len = start;
            self.escape_invalid(text);
        }
    }

    /// Copies and escapes in one pass; whether there was a byte from 0x80 on.
    #[inline(always)]
    fn escape(&mut self, text: &[u8]) -> bool {
        let mut high = 0;
        let Some(last) = text.last_chunk::<16>() else {
            let chunk = padded(text);
            let found = specials(&chunk);
            *self.room() = chunk;
            // The zeros behind the text look like control characters.
            if found.escaped & ((1 << text.len()) - 1) != 0 {
                return self.escape_rest(text, found.high, found.escaped.trailing_zeros() as usize);
            }
            self.len += text.len();
            return found.high != 0;
        };
        let room = self.room_of(text.len());
        let chunks = text.as_chunks::<16>().0.iter();
        for (n, (chunk, place)) in chunks.zip(room.as_chunks_mut::<16>().0).enumerate() {
            let found = specials(chunk);
            *place = *chunk;
            high |= found.high;
            if found.escaped != 0 {
                let clean = n * 16 + found.escaped.trailing_zeros() as usize;
                return self.escape_rest(text, high, clean);
            }
        }
        // The last chunk overlaps the one before it, which was clean.
        let found = specials(last);
        if let Some(place) = room.last_chunk_mut::<16>() {
            *place = *last;
        }
        high |= found.high;
        if found.escaped != 0 {
            let clean = text.len() - 16 + found.escaped.trailing_zeros() as usize;
            return self.escape_rest(text, high, clean);
        }
        self.len += text.len();
        high != 0
    }

    /// Goes on with a text whose first `clean` bytes were copied, and whose next byte is escaped.
    #[inline(never)]
    fn escape_rest(&mut self, text: &[u8], mut high: u32, clean: usize) -> bool {
        self.len += clean;
        let (mut rest, mut clean) = (&text[clean..], 0);
        loop {
            self.len += clean;
            if clean == rest.len() {
                return high != 0;
            }
            self.escape_byte(rest[clean]);
            rest = &rest[clean + 1..];
            clean = 0;
            // Copies what is clean.
            while clean < rest.len() {
                let behind = &rest[clean..];
                let chunk = behind
                    .first_chunk()
                    .copied()
                    .unwrap_or_else(|| padded(behind));
                let found = specials(&chunk);
                let room = self.room_of(clean + 16);
                room[clean..].copy_from_slice(&chunk);
                high |= found.high;
                let step = (found.escaped | 1 << 16).trailing_zeros() as usize;
                clean += step.min(behind.len());
                if step < 16 {
                    break;
                }
            }
        }
    }

    #[inline(never)]
    fn escape_byte(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => {
                let (upper, lower) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                *self.room() = [b'\\', b'u', b'0', b'0', upper, lower];
                self.len += 6;
                return;
            }
        };
        *self.room() = [b'\\', short];
        self.len += 2;
    }

    #[cold]
    #[inline(never)]
    fn escape_invalid(&mut self, text: &[u8]) {
        for chunk in text.utf8_chunks() {
            self.escape(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.put("\u{fffd}".as_bytes());
                replaced::note();
            }
        }
    }

    /// Appends text as UTF-8, not escaped; what is not UTF-8 becomes U+FFFD.
    pub fn text(&mut self, text: &[u8]) {
        for chunk in text.utf8_chunks() {
            self.put(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.put("\u{fffd}".as_bytes());
                replaced::note();
            }
        }
    }

    /// Appends bytes in base64 (RFC 4648 §4, padded), as if zero bytes followed up to a length of `padded`.
    pub fn base64(&mut self, bytes: &[u8], padded: usize) {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let quad = |[a, b, c]: [u8; 3]| {
            let bits = u32::from_be_bytes([0, a, b, c]);
            [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize])
        };
        let len = bytes.len().max(padded);
        self.reserve(len.div_ceil(3) * 4);
        let (groups, rest) = bytes.as_chunks::<3>();
        for group in groups {
            *self.room() = quad(*group);
            self.len += 4;
        }
        let mut at = bytes.len() - rest.len();
        while at < len {
            let byte = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
            let mut digits = quad([byte(0), byte(1), byte(2)]);
            let missing = (at + 3).saturating_sub(len);
            digits[4 - missing..].fill(b'=');
            *self.room() = digits;
            self.len += 4;
            at += 3;
        }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// Up to 16 bytes at the front of 16; zeros behind them.
#[inline(always)]
fn padded(bytes: &[u8]) -> [u8; 16] {
    let len = bytes.len();
    let wide = if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // Both halves hold the bytes in the middle, so `or` joins them.
        let back = u64::from_le_bytes(*back);
        u128::from(u64::from_le_bytes(*front)) | u128::from(back) << ((len.min(16) - 8) * 8)
    } else if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let back = u64::from(u32::from_le_bytes(*back)) << ((len - 4) * 8);
        u128::from(u64::from(u32::from_le_bytes(*front)) | back)
    } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
        let middle = bytes[len / 2];
        u128::from(
            u32::from(*first)
                | u32::from(middle) << (len / 2 * 8)
                | u32::from(*last) << ((len - 1) * 8),
        )
    } else {
        0
    };
    wide.to_le_bytes()
}

/// A piece of output that is written again and again.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    front: [u8; 16],
    /// What is behind the first 16 bytes, padded.
    more: Vec<[u8; 16]>,
    len: usize,
}

impl Fragment {
    pub fn new(bytes: &[u8]) -> Self {
        let mut fragment = Self::default();
        fragment.set(bytes);
        fragment
    }

    /// Takes other bytes and keeps the memory.
    pub fn set(&mut self, bytes: &[u8]) {
        self.len = bytes.len();
        let mut chunks = bytes.chunks(16).map(padded);
        self.front = chunks.next().unwrap_or_default();
        self.more.clear();
        self.more.extend(chunks);
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &[u8]) -> String {
        let mut buffer = Buffer::new();
        buffer.string(text);
        String::from_utf8(buffer.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn escapes_as_jackson_does() {
        assert_eq!(
            escaped(b"\"\\\x08\t\n\x0c\r\x00\x1f/\x7f<>&'"),
            r#""\"\\\b\t\n\f\r\u0000\u001F/"#.to_owned() + "\x7f<>&'\""
        );
        assert_eq!(escaped("\u{2028}é😁".as_bytes()), "\"\u{2028}é😁\"");
    }

    #[test]
    fn replaces_what_is_not_utf8() {
        assert_eq!(escaped(b"a\xffb\"\xe9"), "\"a\u{fffd}b\\\"\u{fffd}\"");
        assert_eq!(escaped(b"\xed\xa0\x80"), "\"\u{fffd}\u{fffd}\u{fffd}\"");
    }

    proptest! {
        #[test]
        fn reads_back_what_was_escaped(text in "[ -~\u{0}-\u{20}\"\\\\é😁]{0,70}") {
            let back: String = serde_json::from_str(&escaped(text.as_bytes())).unwrap();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn replaces_as_the_standard_library_does(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let back: String = serde_json::from_str(&escaped(&bytes)).unwrap();
            prop_assert_eq!(back, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn appends_pieces_of_any_length(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20)) {
            let mut buffer = Buffer::new();
            for piece in &pieces {
                buffer.put(piece);
                buffer.fragment(&Fragment::new(piece));
            }
            let expected: Vec<u8> = pieces.iter().flat_map(|piece| [&piece[..], &piece[..]].concat()).collect();
            prop_assert_eq!(buffer.as_slice(), &expected[..]);
        }

        #[test]
        fn pads_before_base64(bytes in proptest::collection::vec(any::<u8>(), 0..70), more in 0..20usize) {
            let mut padded = bytes.clone();
            padded.resize(bytes.len() + more, 0);
            let mut buffer = Buffer::new();
            buffer.base64(&bytes, padded.len());
            let expected = base64::engine::general_purpose::STANDARD.encode(&padded);
            prop_assert_eq!(std::str::from_utf8(&buffer).unwrap(), expected);
        }
    }
}
