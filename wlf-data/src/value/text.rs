//! Text, and the memory that it is at the front of.

use std::ops::Deref;

/// Text, and the 16 bytes that begin where it does, if there are so many: shorter text is copied with them at once, where it
/// would otherwise be put together from pieces.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    bytes: &'a [u8],
    wide: Option<&'a [u8; 16]>,
}

impl<'a> Text<'a> {
    /// The text that is the first `len` bytes of some memory; `None` if it has fewer.
    #[inline(always)]
    pub fn at_front(memory: &'a [u8], len: usize) -> Option<Self> {
        Some(Self {
            bytes: memory.get(..len)?,
            wide: memory.first_chunk(),
        })
    }

    #[inline(always)]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The 16 bytes at its beginning, of which the last may be behind it.
    #[inline(always)]
    pub(crate) fn wide(self) -> Option<&'a [u8; 16]> {
        self.wide
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    #[inline(always)]
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            wide: bytes.first_chunk(),
        }
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

/// What is behind it makes no difference.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
