//! A growing run of bytes with room behind it, written in steps of a constant length.
//!
//! The unsafe code of the formats is here and in `base64.rs`, besides what `crate::simd` has. It rests on one invariant: the memory is initialised up to
//! `bytes.len()`, and `len` is never more than that. A write asks for room first, and then goes to memory between `len` and
//! `bytes.len()`. The tests compare what is written with the standard library's `Vec`.

use crate::simd::Sixteen;
use crate::value::Text;

/// Up to this size, in bytes, memory doubles where it is not enough.
const LARGE: usize = 1 << 20;

/// So much memory is kept for what comes next, in bytes.
const KEPT: usize = 4 << 20;

/// A growing run of bytes with room behind it.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Initialised up to its end; what counts ends at `len`.
    bytes: Vec<u8>,
    len: usize,
}

/// How far a text was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    /// So many bytes from its front, which need no escapes.
    pub clean: usize,
    /// Whether one of the bytes that were looked at is from 0x80 on.
    pub high: bool,
}

impl Room {
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            len: 0,
        }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` is at most `bytes.len()`.
        unsafe { self.bytes.get_unchecked(..self.len) }
    }

    #[inline(always)]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: `len` is at most `bytes.len()`.
        unsafe { self.bytes.get_unchecked_mut(..self.len) }
    }

    /// Forgets the bytes behind the first `len`.
    #[inline(always)]
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets all bytes, and gives the memory back if a large row took much.
    pub fn forget(&mut self) {
        self.len = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// The memory that it holds, in bytes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Appends bytes that are to be written later.
    #[inline(always)]
    pub fn skip(&mut self, n: usize) {
        self.reserve(n);
        self.len += n;
    }

    /// Makes room for `more` bytes.
    #[inline(always)]
    pub fn reserve(&mut self, more: usize) {
        if self.bytes.len() - self.len < more {
            self.grow(more);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let old = self.bytes.len();
        // What is large grows in smaller steps: until it has moved, both are in memory.
        let step = if old < LARGE { old } else { old / 4 };
        // What closes a large value finds room.
        let more = more.saturating_add(more / 256);
        let len = self.len.saturating_add(more).max(old + step).max(1024);
        self.bytes.reserve_exact(len - old);
        self.bytes.resize(len, 0);
    }

    /// Appends the first `len` of some bytes.
    ///
    /// Where the next piece goes waits for this one's length and for nothing else: a row is as slow as that chain is long.
    #[inline(always)]
    pub fn put_front<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        self.reserve(N);
        // SAFETY: there is room for `N` bytes behind `len`.
        unsafe { self.store(0, bytes) };
        self.len += len.min(N);
    }

    /// Appends the first `len` bytes of words, whose first byte is the lowest, behind the first so many of two marks.
    #[inline(always)]
    pub fn put_words<const N: usize>(
        &mut self,
        (marks, before): ([u8; 2], usize),
        words: [u64; N],
        len: usize,
    ) {
        let before = before.min(2);
        self.reserve(2 + N * 8);
        // SAFETY: there is room for two bytes and `N` words behind `len`.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len);
            to.cast::<[u8; 2]>().write(marks);
            // The compiler would look after each word whether it was written over the address.
            let to = to.add(before).cast::<[u8; 8]>();
            for (n, word) in words.into_iter().enumerate() {
                to.add(n).write(word.to_le_bytes());
            }
        }
        self.len += before + len.min(N * 8);
    }

    /// Appends the first `len` bytes of words that have a point behind the first `point` bytes, which are less than 16 and
    /// which `len` counts the point with, behind the first so many of two marks.
    #[inline(always)]
    pub fn put_pointed(
        &mut self,
        (marks, before): ([u8; 2], usize),
        words: [u64; 3],
        point: usize,
        len: usize,
    ) {
        const ALL: usize = 25;
        let before = before.min(2);
        self.reserve(2 + ALL);
        let [first, second, last] = words;
        // The word that gets the point.
        let (word, bits) = (if point & 8 == 0 { first } else { second }, point % 8 * 8);
        let behind = u64::MAX << bits;
        let word = word & !behind | u64::from(b'.') << bits | (word & behind) << 8;
        // SAFETY: there is room for two bytes and 25 behind `len`; the last word ends 25 bytes behind the marks.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len);
            to.cast::<[u8; 2]>().write(marks);
            let to = to.add(before);
            let write = |at, word: u64| to.add(at).cast::<[u8; 8]>().write(word.to_le_bytes());
            // All words one byte further back, what is before the point where it belongs, then the word with the point.
            write(17, last);
            write(9, second);
            write(1, first);
            write(0, first);
            write(point & 8, word);
        }
        self.len += before + len.min(ALL);
    }

    /// Appends the fronts of up to `most` pieces, of each of which the first so many bytes count.
    #[inline(always)]
    pub fn put_fronts<const N: usize>(
        &mut self,
        most: usize,
        pieces: impl Iterator<Item = ([u8; N], usize)>,
    ) {
        self.reserve(most.saturating_mul(N));
        // In memory each piece would wait for it.
        let mut end = 0;
        // SAFETY: there is room for `most` pieces, each of which moves the end by `N` bytes at most.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len);
            for (bytes, len) in pieces.take(most) {
                to.add(end).cast::<[u8; N]>().write(bytes);
                end += len.min(N);
            }
        }
        self.len += end;
    }

    /// Writes bytes so far behind the end.
    ///
    /// # Safety
    /// There is room for them.
    #[inline(always)]
    unsafe fn store<const N: usize>(&mut self, ahead: usize, bytes: [u8; N]) {
        // SAFETY: the caller made room.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len + ahead);
            to.cast::<[u8; N]>().write(bytes);
        }
    }

    /// Appends bytes of which there are more than 16.
    #[inline(always)]
    pub fn put_long(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last_chunk::<16>() else {
            return;
        };
        self.reserve(bytes.len());
        // SAFETY: there is room for `bytes.len()` bytes, and no piece reaches beyond them.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len);
            if bytes.len() > 256 {
                to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            } else {
                for (n, piece) in bytes.as_chunks::<16>().0.iter().enumerate() {
                    Sixteen::load(piece).store(&mut *to.add(n * 16).cast());
                }
                Sixteen::load(last).store(&mut *to.add(bytes.len() - 16).cast());
            }
        }
        self.len += bytes.len();
    }

    /// Appends the first `len` bytes of pieces.
    #[inline(always)]
    pub fn put_pieces(&mut self, pieces: &[[u8; 16]], len: usize) {
        self.reserve(pieces.len() * 16);
        // SAFETY: there is room for all pieces.
        unsafe {
            let to = self.bytes.as_mut_ptr().add(self.len);
            for (n, piece) in pieces.iter().enumerate() {
                Sixteen::load(piece).store(&mut *to.add(n * 16).cast());
            }
        }
        self.len += len.min(pieces.len() * 16);
    }

    /// Appends a text up to its first byte that a JSON string cannot hold as it is.
    #[inline(always)]
    pub fn put_clean(&mut self, text: Text<'_>) -> Copied {
        self.reserve(text.len().max(16));
        let copied = self.copy_clean::<true>(text, 0);
        self.len += copied.clean;
        copied
    }

    /// The same with marks before it, and behind it if that is all of the text; each are the first so many of two bytes.
    /// What is 16 bytes or more is copied by a call if it is rare, which is less code.
    #[inline(always)]
    pub fn put_between<const LONG_IS_RARE: bool>(
        &mut self,
        text: Text<'_>,
        (front, before): ([u8; 2], usize),
        (back, behind): ([u8; 2], usize),
    ) -> Copied {
        let (before, behind) = (before.min(2), behind.min(2));
        self.reserve(text.len().max(16) + 4);
        // SAFETY: there is room for the text and four bytes, here and below.
        unsafe { self.store(0, front) };
        let copied = self.copy_clean::<LONG_IS_RARE>(text, before);
        let end = before + copied.clean;
        // SAFETY: as above.
        unsafe { self.store(end, back) };
        let is_all = copied.clean == text.len();
        self.len += end + if is_all { behind } else { 0 };
        copied
    }

    /// Copies a text up to its first byte that a JSON string cannot hold as it is, to `before` bytes behind the end.
    ///
    /// There has to be room for `before` bytes and the text, and for 16 bytes at least if it is shorter.
    #[inline(always)]
    fn copy_clean<const LONG_IS_RARE: bool>(&mut self, text: Text<'_>, before: usize) -> Copied {
        debug_assert!(self.bytes.len() - self.len >= before + text.len().max(16));
        // SAFETY: the caller made room.
        let to = unsafe { self.bytes.as_mut_ptr().add(self.len + before) };
        if text.len() < 16 {
            let found = match text.wide() {
                Some(wide) => Sixteen::load(wide),
                None => Sixteen::load(&padded(&text)),
            };
            // What is behind the text may look as if it had to be escaped too.
            let end = 1 << text.len();
            let clean = (found.marks().zeros().unwrap_or(0) | end).trailing_zeros() as usize;
            // SAFETY: there is room for 16 bytes.
            found.store(unsafe { &mut *to.cast() });
            let high = found.high() & (end - 1) != 0;
            return Copied { clean, high };
        }
        // SAFETY: the caller made room.
        let copied = unsafe {
            if LONG_IS_RARE {
                copy_long_called(&text, to)
            } else {
                copy_long(&text, to)
            }
        };
        Copied {
            clean: copied >> 1,
            high: copied & 1 == 1,
        }
    }
}

/// Copies a text of 16 bytes or more up to its first byte that a JSON string cannot hold as it is. Gives twice the number of
/// bytes that are clean, and one more if there is a byte from 0x80 on: one number stays in a register.
///
/// # Safety
/// From `to` on there is room for the text.
#[inline(always)]
unsafe fn copy_long(text: &[u8], to: *mut u8) -> usize {
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return 0;
    };
    let mut pair = Pair::new();
    let pairs = text.as_chunks::<16>().0.as_chunks::<2>().0;
    for (n, [one, other]) in pairs.iter().enumerate() {
        let at = n * 32;
        // SAFETY: a piece may reach beyond the clean bytes, never beyond the text, for which there is room.
        if let Some(clean) = unsafe { pair.copy([one, other], [at, at + 16], to) } {
            return pair.until(clean);
        }
    }
    // The last pieces overlap those before them, which were clean.
    let at = text.len() - 16;
    let (before, place) = match text.last_chunk::<32>().and_then(|two| two.first_chunk()) {
        Some(before) => (before, at - 16),
        None => (first, 0),
    };
    // SAFETY: as above.
    let clean = unsafe { pair.copy([before, last], [place, at], to) };
    pair.until(clean.unwrap_or(text.len()))
}

/// The same, not inlined.
///
/// # Safety
/// As above.
#[inline(never)]
unsafe fn copy_long_called(text: &[u8], to: *mut u8) -> usize {
    // SAFETY: the caller made room.
    unsafe { copy_long(text, to) }
}

/// Two pieces of a text at once, which cost less than each by itself.
struct Pair {
    nothing: Sixteen,
    /// All bits of what was looked at.
    all: Sixteen,
}

impl Pair {
    #[inline(always)]
    fn new() -> Self {
        Self {
            nothing: Sixteen::nothing(),
            all: Sixteen::zero(),
        }
    }

    /// Copies pieces from their places in a text to the same places in `to`; gives the place of the first byte that has to be
    /// escaped.
    ///
    /// # Safety
    /// From `to` on there is room for 16 bytes at both places.
    #[inline(always)]
    unsafe fn copy(
        &mut self,
        pieces: [&[u8; 16]; 2],
        places: [usize; 2],
        to: *mut u8,
    ) -> Option<usize> {
        let [one, other] = pieces.map(|piece| Sixteen::load(piece).as_one(self.nothing));
        // SAFETY: there is room for them.
        unsafe {
            one.store(&mut *to.add(places[0]).cast());
            other.store(&mut *to.add(places[1]).cast());
        }
        self.all = self.all.or(one.or(other));
        one.marks().least(other.marks()).zeros()?;
        let found = |piece: Sixteen, place| {
            let escaped = piece.marks().zeros()?;
            Some(place + escaped.trailing_zeros() as usize)
        };
        found(one, places[0]).or_else(|| found(other, places[1]))
    }

    /// What [`copy_long`] says where it ends.
    #[inline(always)]
    fn until(&self, clean: usize) -> usize {
        clean << 1 | usize::from(self.all.high() != 0)
    }
}

/// Up to 16 bytes at the front of 16; zeros behind them.
#[inline(always)]
pub(super) fn padded(bytes: &[u8]) -> [u8; 16] {
    let len = bytes.len();
    let wide = if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        // The last eight hold some of the first eight too. Halves are shifted, since a shift of 128 bits is a call.
        let twice = 8 * (16 - u32::try_from(len.min(16)).unwrap_or(16));
        let back = u64::from_le_bytes(*back).unbounded_shr(twice);
        u128::from(u64::from_le_bytes(*front)) | u128::from(back) << 64
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_what_a_vec_holds(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..20)) {
            let (mut room, mut expected) = (Room::new(), Vec::new());
            for piece in &pieces {
                if piece.len() > 16 {
                    room.put_long(piece);
                } else {
                    room.put_front(padded(piece), piece.len());
                }
                expected.extend_from_slice(piece);
                let (chunks, _) = piece.as_chunks::<16>();
                let len = chunks.len() * 16 - chunks.len().min(7);
                room.put_pieces(chunks, len);
                expected.extend_from_slice(&piece[..len]);
                room.put_front([1, 2, 3], 2);
                expected.extend_from_slice(&[1, 2]);
                let words = [0x0807_0605_0403_0201, 0x100f_0e0d_0c0b_0a09];
                room.put_words((*b",-", len % 3), words, len % 17);
                expected.extend_from_slice(&b",-"[..len % 3]);
                expected.extend((1..=16).take(len % 17));
                let point = len % 16;
                let words = [words[0], words[1], 0x1817_1615_1413_1211];
                room.put_pointed((*b",-", len % 3), words, point, len % 27);
                let mut pointed: Vec<u8> = (1..=24).collect();
                pointed.insert(point, b'.');
                expected.extend_from_slice(&b",-"[..len % 3]);
                expected.extend_from_slice(&pointed[..(len % 27).min(25)]);
                room.put_fronts(2, [([1, 2, 3], len % 3), ([4, 5, 6], 9), ([7; 3], 1)].into_iter());
                expected.extend((1..=3).take(len % 3));
                expected.extend_from_slice(&[4, 5, 6]);
                prop_assert_eq!(room.as_slice(), &expected[..]);
            }
            room.truncate(pieces.len());
            expected.truncate(pieces.len());
            prop_assert_eq!(room.as_mut_slice(), &expected[..]);
        }

        #[test]
        fn copies_what_is_clean(before in 0..40usize, len in 0..100usize, text in proptest::collection::vec(prop_oneof![9 => 0x20..=0x7eu8, 1 => any::<u8>()], 0..100)) {
            let mut room = Room::new();
            room.put_pieces(&[[b'x'; 16]; 3], before);
            let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
            let text = Text::at_front(&text, len.min(text.len())).unwrap();
            let clean = text.iter().position(is_special).unwrap_or(text.len());
            let copied = room.put_clean(text);
            prop_assert_eq!(copied.clean, clean);
            // Of what is behind the first special byte some was looked at.
            prop_assert!(copied.high || text[..clean].is_ascii());
            prop_assert!(!copied.high || !text.is_ascii());
            prop_assert_eq!(&room.as_slice()[before..], &text[..clean]);
        }
    }
}
