//! The bytes that formats write, with room behind them, so that small pieces are copied 16 bytes at a time.
//!
//! A copy of unknown small length is a call that costs more than the copy; one of a constant length is a single
//! instruction. So pieces are written in steps of a constant length, and what lies behind them is overwritten later.

use super::room::{Copied, Room, padded};
use crate::replaced;
use crate::value::Text;

/// In which case the digits of `\u001f` are.
const LOWER: bool = false;
const UPPER: bool = true;

/// From so many bytes on, room for a text is made at once.
const LONG: usize = 1 << 20;

/// A quotation mark, as [`Room::put_between`] wants it.
const QUOTE: ([u8; 2], usize) = (*b"\"\"", 1);

/// What a string begins with: what separates it from what is before it, and a quotation mark.
#[inline(always)]
fn opening(separator: Option<u8>) -> ([u8; 2], usize) {
    match separator {
        Some(separator) => ([separator, b'"'], 2),
        None => QUOTE,
    }
}

/// What stands before the digits of a number: what separates it from what is before it, and a minus, if there are any.
#[inline(always)]
pub(super) fn marks(separator: Option<u8>, is_negative: bool) -> ([u8; 2], usize) {
    let marks = [separator.unwrap_or(b'-'), b'-'];
    let count = usize::from(separator.is_some()) + usize::from(is_negative);
    (marks, count)
}

/// A growing run of bytes.
#[derive(Debug, Default)]
pub struct Buffer(Room);

impl Buffer {
    pub const fn new() -> Self {
        Self(Room::new())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }

    /// The memory that it holds, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.0.memory()
    }

    /// Makes room for `more` bytes.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    /// Appends bytes that are to be written later.
    pub(super) fn skip(&mut self, n: usize) {
        self.0.skip(n);
    }

    /// Forgets the bytes and keeps the memory.
    pub fn clear(&mut self) {
        self.0.truncate(0);
    }

    /// Forgets the bytes, and gives the memory back if a large row took much.
    pub(super) fn forget(&mut self) {
        self.0.forget();
    }

    /// Forgets the bytes behind the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Appends the first `len` of some bytes.
    #[inline(always)]
    pub(super) fn front<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        self.0.put_front(bytes, len);
    }

    /// Appends bytes of a constant number.
    #[inline(always)]
    pub(super) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.put_front(bytes, N);
    }

    /// Appends the first `len` bytes of words, whose first byte is the lowest, behind marks of [`marks`].
    #[inline(always)]
    pub(super) fn words<const N: usize>(
        &mut self,
        marks: ([u8; 2], usize),
        words: [u64; N],
        len: usize,
    ) {
        self.0.put_words(marks, words, len);
    }

    /// The same with a point behind the first `point` bytes, of which there are less than 16; `len` counts it.
    #[inline(always)]
    pub(super) fn pointed(
        &mut self,
        marks: ([u8; 2], usize),
        words: [u64; 3],
        point: usize,
        len: usize,
    ) {
        self.0.put_pointed(marks, words, point, len);
    }

    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.array([byte]);
    }

    /// Appends a character as UTF-8, without a branch by its length, which of text with letters of both one byte and two
    /// would mostly be taken wrong.
    #[inline(always)]
    pub fn character(&mut self, character: char) {
        let (bytes, len) = utf8(character);
        self.front(bytes, len);
    }

    /// Appends a character for each of some bytes as UTF-8.
    #[inline(always)]
    pub fn characters(&mut self, bytes: &[u8], character: impl Fn(u8) -> char) {
        let fronts = bytes.iter().map(|byte| utf8(character(*byte)));
        self.0.put_fronts(bytes.len(), fronts);
    }

    /// Replaces a byte that was written.
    #[inline(always)]
    pub(super) fn patch(&mut self, at: usize, byte: u8) {
        if let Some(old) = self.0.as_mut_slice().get_mut(at) {
            *old = byte;
        }
    }

    /// Appends bytes of any number.
    #[inline(always)]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= 16 {
            self.0.put_front(padded(bytes), bytes.len());
        } else {
            self.0.put_long(bytes);
        }
    }

    /// Appends a piece that was prepared.
    #[inline(always)]
    pub(super) fn fragment(&mut self, fragment: &Fragment) {
        if fragment.len <= 16 {
            self.0.put_front(fragment.front, fragment.len);
        } else {
            self.0.put_pieces(&fragment.all, fragment.len);
        }
    }

    /// Appends bytes that were written before.
    pub(super) fn repeat(&mut self, range: std::ops::Range<usize>, from: &Buffer) {
        self.put(from.as_slice().get(range).unwrap_or_default());
    }

    /// Appends text as a JSON string, in quotes; what is not UTF-8 becomes U+FFFD.
    #[inline(never)]
    pub fn string(&mut self, text: &[u8]) {
        self.string_inline(text.into());
    }

    /// The same for text that is known to be UTF-8.
    #[inline(never)]
    pub fn utf8_string(&mut self, text: &[u8]) {
        let start = self.len() + 1;
        let copied = self.0.put_between::<true>(text.into(), QUOTE, QUOTE);
        if copied.clean < text.len() {
            self.quote_rest::<UPPER>(text, copied, start);
        }
    }

    /// The same for what is written for each value: a kilobyte of code wherever it stands.
    #[inline(always)]
    pub(super) fn string_inline(&mut self, text: Text<'_>) {
        self.quote_with::<UPPER, false>(text, QUOTE);
    }

    /// The same for what is short as a rule, in half of the code.
    #[inline(always)]
    pub(super) fn short_string(&mut self, text: Text<'_>) {
        self.quote_with::<UPPER, true>(text, QUOTE);
    }

    /// Appends text as a JSON string as MySQL prints it: as [`string`](Self::string), but `\u001f` in lower case. It is one
    /// piece with what separates it from what is before it.
    #[inline(always)]
    pub fn string_in_lower_case(&mut self, text: Text<'_>, separator: Option<u8>) {
        self.quote_with::<LOWER, true>(text, opening(separator));
    }

    /// Appends the name of a member of an object as MySQL prints it, with its colon and with what separates it from what is
    /// before it: one piece instead of three.
    #[inline(always)]
    pub fn name_in_lower_case(&mut self, name: Text<'_>, separator: u8) {
        let front = opening(Some(separator));
        let start = self.len() + front.1;
        let copied = self.0.put_between::<true>(name, front, (*b"\":", 2));
        if copied.clean < name.len() || copied.high {
            self.quote_rest::<LOWER>(&name, copied, start);
            self.byte(b':');
        }
    }

    /// Appends text escaped as inside of a JSON string; what is not UTF-8 becomes U+FFFD.
    #[inline(never)]
    pub fn escaped(&mut self, text: &[u8]) {
        self.escape_with::<UPPER>(text);
    }

    #[inline(always)]
    fn quote_with<const DIGITS: bool, const LONG_IS_RARE: bool>(
        &mut self,
        text: Text<'_>,
        front: ([u8; 2], usize),
    ) {
        let start = self.len() + front.1;
        let copied = self.0.put_between::<LONG_IS_RARE>(text, front, QUOTE);
        if copied.clean < text.len() || copied.high {
            self.quote_rest::<DIGITS>(&text, copied, start);
        }
    }

    /// Goes on with a string that is not all clean ASCII.
    #[inline(never)]
    fn quote_rest<const DIGITS: bool>(&mut self, text: &[u8], copied: Copied, start: usize) {
        self.truncate(start + copied.clean);
        self.escape_rest::<DIGITS>(text, copied, start);
        self.byte(b'"');
    }

    #[inline(always)]
    fn escape_with<const DIGITS: bool>(&mut self, text: &[u8]) {
        let start = self.len();
        let copied = self.0.put_clean(text.into());
        if copied.clean < text.len() || copied.high {
            self.escape_rest::<DIGITS>(text, copied, start);
        }
    }

    /// Goes on with a text that is not all clean ASCII: its clean front was copied to `start`.
    #[inline(never)]
    fn escape_rest<const DIGITS: bool>(&mut self, text: &[u8], copied: Copied, start: usize) {
        let mut high = copied.high;
        let mut rest = text.get(copied.clean..).unwrap_or_default();
        if rest.len() > LONG {
            self.reserve_escaped(rest);
        }
        while let Some((special, behind)) = rest.split_first() {
            self.escape_byte::<DIGITS>(*special);
            let copied = self.0.put_clean(behind.into());
            high |= copied.high;
            rest = behind.get(copied.clean..).unwrap_or_default();
        }
        if high && std::str::from_utf8(text).is_err() {
            self.truncate(start);
            self.escape_invalid::<DIGITS>(text);
        }
    }

    /// Makes room for a long text at once. What is large would else be moved for each quarter that it grows by, and be in memory twice
    /// meanwhile.
    #[cold]
    #[inline(never)]
    fn reserve_escaped(&mut self, text: &[u8]) {
        let more = |byte: &u8| match byte {
            b'"' | b'\\' | 0x08 | b'\t' | b'\n' | 0x0c | b'\r' => 2,
            ..0x20 => 6,
            _ => 1,
        };
        self.reserve(text.iter().map(more).sum());
    }

    #[inline(never)]
    fn escape_byte<const DIGITS: bool>(&mut self, byte: u8) {
        let digits = if DIGITS == LOWER {
            b"0123456789abcdef"
        } else {
            b"0123456789ABCDEF"
        };
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => {
                let [upper, lower] = [byte >> 4, byte & 15].map(|n| digits[usize::from(n)]);
                self.array([b'\\', b'u', b'0', b'0', upper, lower]);
                return;
            }
        };
        self.array([b'\\', short]);
    }

    #[cold]
    #[inline(never)]
    fn escape_invalid<const DIGITS: bool>(&mut self, text: &[u8]) {
        for chunk in text.utf8_chunks() {
            self.escape_with::<DIGITS>(chunk.valid().as_bytes());
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
}

/// A character as UTF-8, and how many of the bytes that is.
#[inline(always)]
fn utf8(character: char) -> ([u8; 4], usize) {
    let code = u32::from(character);
    // The last byte has the lowest six bits, and so on; the first one has a mark for how many there are.
    let part = |n: u32| 0x80 | code >> (6 * n) & 0x3f;
    let (one, two) = (code, 0xc0 | code >> 6 | part(0) << 8);
    let three = 0xe0 | code >> 12 | part(1) << 8 | part(0) << 16;
    let four = 0xf0 | code >> 18 | part(2) << 8 | part(1) << 16 | part(0) << 24;
    let bytes = if code < 0x80 { one } else { two };
    let bytes = if code < 0x800 { bytes } else { three };
    let bytes = if code < 0x1_0000 { bytes } else { four };
    let len = 1 + usize::from(code >= 0x80) + usize::from(code >= 0x800);
    (bytes.to_le_bytes(), len + usize::from(code >= 0x1_0000))
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// A piece of output that is written again and again.
#[derive(Debug, Clone, Default)]
pub(super) struct Fragment {
    front: [u8; 16],
    /// In pieces of 16 bytes, the last of which is padded.
    all: Vec<[u8; 16]>,
    len: usize,
}

impl Fragment {
    pub fn new(bytes: &[u8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        let all = [whole, &[padded(rest)]].concat();
        Self {
            front: all.first().copied().unwrap_or_default(),
            all,
            len: bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
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
        fn what_is_known_to_be_utf8_is_a_string_too(text in "[ -~\u{0}-\u{20}\"\\\\é😁]{0,70}") {
            let mut buffer = Buffer::new();
            buffer.utf8_string(text.as_bytes());
            prop_assert_eq!(String::from_utf8(buffer.as_slice().to_vec()).unwrap(), escaped(text.as_bytes()));
        }

        #[test]
        fn characters_are_utf8(text: Vec<char>) {
            let mut buffer = Buffer::new();
            text.iter().for_each(|character| buffer.character(*character));
            let bytes: Vec<u8> = (0..text.len()).map(|n| n as u8).collect();
            buffer.characters(&bytes, |n| text[usize::from(n)]);
            let twice = String::from_iter(&text).repeat(2);
            prop_assert_eq!(buffer.as_slice(), twice.as_bytes());
        }

        #[test]
        fn a_name_is_a_string_and_its_marks(name in prop_oneof![
            "[ -~\u{0}-\u{20}\"\\\\é]{0,40}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40),
        ]) {
            let name = Text::from(&name[..]);
            for separator in *b"{," {
                let (mut named, mut string, mut expected) = (Buffer::new(), Buffer::new(), Buffer::new());
                expected.byte(separator);
                expected.string_in_lower_case(name, None);
                string.string_in_lower_case(name, Some(separator));
                prop_assert_eq!(string.as_slice(), expected.as_slice());
                expected.byte(b':');
                named.name_in_lower_case(name, separator);
                prop_assert_eq!(named.as_slice(), expected.as_slice());
            }
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
    }
}
