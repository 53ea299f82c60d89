//! The servers' charsets and how text in them becomes UTF-8.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

mod collations;
mod several;
mod tables;

pub use several::Several;
use wlf_core::format::Buffer;
use wlf_core::replaced;

/// A charset of the server.
#[derive(Debug, Clone, Copy)]
pub struct Charset {
    /// As `information_schema.CHARACTER_SETS` has it.
    pub name: &'static str,
    /// How many bytes a character takes at most; a CHAR(n) has n times as many.
    pub longest: u8,
    pub encoding: Encoding,
}

/// How the bytes of a charset become UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes, not text.
    Binary,
    /// utf8mb4, utf8mb3.
    Utf8,
    Ascii,
    /// A charset of one byte a character whose lower half is ASCII.
    OneByte(&'static tables::Upper),
    Swe7,
    /// Without pairs of surrogates.
    Ucs2,
    Utf16,
    Utf16Le,
    Utf32,
    Several(Several),
}

impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Charset {}

impl Charset {
    pub const BINARY: Self = Self::new("binary", 1, Encoding::Binary);
    pub const UTF8MB4: Self = Self::new("utf8mb4", 4, Encoding::Utf8);

    const fn new(name: &'static str, longest: u8, encoding: Encoding) -> Self {
        Self {
            name,
            longest,
            encoding,
        }
    }

    /// The charset of a collation's number; one that is not known, newer than this program, is taken for utf8mb4, which is
    /// what servers give new collations to.
    pub fn of_collation(collation: u16) -> Self {
        collations::charset(collation).map_or(Self::UTF8MB4, Self::named)
    }

    /// The charset that the server calls so; one that is not known is taken for utf8mb4.
    pub fn named(name: &str) -> Self {
        let name = if name == "utf8" { "utf8mb3" } else { name };
        CHARSETS
            .iter()
            .copied()
            .find(|charset| charset.name == name)
            .unwrap_or(Self::UTF8MB4)
    }

    /// The text as the server converts it to the charset: a character that this does not have becomes `?`.
    pub fn converted(self, text: &str) -> String {
        let kept = |c| {
            if self.encoding.has(c, self.longest) {
                c
            } else {
                '?'
            }
        };
        text.chars().map(kept).collect()
    }

    /// The text as UTF-8, for names and labels.
    pub fn decode(self, text: &[u8]) -> String {
        let mut out = Buffer::new();
        self.encoding.write(text, &mut out);
        String::from_utf8_lossy(out.as_slice()).into_owned()
    }
}

const fn one(name: &'static str, upper: &'static tables::Upper) -> Charset {
    Charset::new(name, 1, Encoding::OneByte(upper))
}

const fn several(name: &'static str, longest: u8, charset: Several) -> Charset {
    Charset::new(name, longest, Encoding::Several(charset))
}

/// All charsets of MySQL and MariaDB.
static CHARSETS: [Charset; 41] = [
    Charset::UTF8MB4,
    Charset::BINARY,
    Charset::new("utf8mb3", 3, Encoding::Utf8),
    one("latin1", &tables::LATIN1),
    Charset::new("ascii", 1, Encoding::Ascii),
    one("armscii8", &tables::ARMSCII8),
    one("cp1250", &tables::CP1250),
    one("cp1251", &tables::CP1251),
    one("cp1256", &tables::CP1256),
    one("cp1257", &tables::CP1257),
    one("cp850", &tables::CP850),
    one("cp852", &tables::CP852),
    one("cp866", &tables::CP866),
    one("dec8", &tables::DEC8),
    one("geostd8", &tables::GEOSTD8),
    one("greek", &tables::GREEK),
    one("hebrew", &tables::HEBREW),
    one("hp8", &tables::HP8),
    one("keybcs2", &tables::KEYBCS2),
    one("koi8r", &tables::KOI8R),
    one("koi8u", &tables::KOI8U),
    one("latin2", &tables::LATIN2),
    one("latin5", &tables::LATIN5),
    one("latin7", &tables::LATIN7),
    one("macce", &tables::MACCE),
    one("macroman", &tables::MACROMAN),
    one("tis620", &tables::TIS620),
    Charset::new("swe7", 1, Encoding::Swe7),
    Charset::new("ucs2", 2, Encoding::Ucs2),
    Charset::new("utf16", 4, Encoding::Utf16),
    Charset::new("utf16le", 4, Encoding::Utf16Le),
    Charset::new("utf32", 4, Encoding::Utf32),
    several("big5", 2, Several::Big5),
    several("gbk", 2, Several::Gbk),
    several("gb2312", 2, Several::Gb2312),
    several("gb18030", 4, Several::Gb18030),
    several("sjis", 2, Several::Sjis),
    several("cp932", 2, Several::Cp932),
    several("ujis", 3, Several::Ujis),
    several("eucjpms", 3, Several::Eucjpms),
    several("euckr", 2, Several::Euckr),
];

impl Encoding {
    /// Whether the charset has the character; `longest` is how many bytes one takes at most.
    fn has(self, c: char, longest: u8) -> bool {
        let is_in = |table: &[u16]| u16::try_from(u32::from(c)).is_ok_and(|c| table.contains(&c));
        match self {
            Self::Binary | Self::Utf16 | Self::Utf16Le | Self::Utf32 => true,
            Self::Utf8 => longest == 4 || c <= '\u{ffff}',
            Self::Ucs2 => c <= '\u{ffff}',
            Self::Ascii => c.is_ascii(),
            Self::OneByte(upper) => {
                c.is_ascii() || c != char::REPLACEMENT_CHARACTER && is_in(upper)
            }
            Self::Swe7 => is_in(&tables::SWE7),
            Self::Several(charset) => c.is_ascii() || charset.has(c),
        }
    }

    /// Whether the text is UTF-8 as it stands, up to bytes that are wrong.
    #[inline(always)]
    pub fn is_utf8(self, text: &[u8]) -> bool {
        match self {
            Self::Utf8 => true,
            Self::Ascii | Self::OneByte(_) | Self::Several(_) => text.is_ascii(),
            Self::Binary | Self::Swe7 | Self::Ucs2 | Self::Utf16 | Self::Utf16Le | Self::Utf32 => {
                false
            }
        }
    }

    /// Writes the text as UTF-8; bytes without a character in the charset become U+FFFD and are [noted](replaced::note).
    pub fn write(self, text: &[u8], out: &mut Buffer) {
        match self {
            Self::Utf8 | Self::Binary => out.text(text),
            Self::Ascii => one_byte(text, out, |_| None),
            Self::OneByte(upper) => one_byte(text, out, |byte| {
                of_table(upper.get(usize::from(byte & 0x7f)))
            }),
            Self::Swe7 => {
                for byte in text {
                    put(of_table(tables::SWE7.get(usize::from(*byte))), out);
                }
            }
            Self::Ucs2 => {
                let (units, rest) = text.as_chunks();
                for unit in units {
                    put(char::from_u32(u16::from_be_bytes(*unit).into()), out);
                }
                torn(rest, out);
            }
            Self::Utf16 => utf16(text, out, u16::from_be_bytes),
            Self::Utf16Le => utf16(text, out, u16::from_le_bytes),
            Self::Utf32 => {
                let (units, rest) = text.as_chunks();
                for unit in units {
                    put(char::from_u32(u32::from_be_bytes(*unit)), out);
                }
                torn(rest, out);
            }
            Self::Several(charset) => charset.write(text, out),
        }
    }
}

/// Writes a character, or U+FFFD for bytes that are none.
#[inline(always)]
fn put(character: Option<char>, out: &mut Buffer) {
    out.character(or_replacement(character));
}

#[inline(always)]
fn or_replacement(character: Option<char>) -> char {
    character.unwrap_or_else(|| {
        replaced::note();
        char::REPLACEMENT_CHARACTER
    })
}

/// The character of a table, which has U+FFFD where there is none.
#[inline(always)]
fn of_table(unit: Option<&u16>) -> Option<char> {
    let character = char::from_u32(u32::from(*unit?));
    character.filter(|character| *character != char::REPLACEMENT_CHARACTER)
}

/// Bytes at the end that are not a whole character.
fn torn(rest: &[u8], out: &mut Buffer) {
    if !rest.is_empty() {
        put(None, out);
    }
}

/// From so many bytes on, room for a text is made at once: in steps what is large is moved again and again.
const LONG: usize = 1 << 20;

/// Pieces of ASCII are copied; in others each byte goes the same way, since a branch by its kind would mostly be taken wrong.
fn one_byte(text: &[u8], out: &mut Buffer, upper: impl Fn(u8) -> Option<char>) {
    if text.len() > LONG {
        let length = |byte: &u8| match byte.is_ascii() {
            true => 1,
            false => upper(*byte).map_or(3, char::len_utf8),
        };
        out.reserve(text.iter().map(length).sum());
    }
    let (pieces, rest) = text.as_chunks::<16>();
    for piece in pieces {
        if piece.is_ascii() {
            out.put(piece);
        } else {
            each_byte(piece, out, &upper);
        }
    }
    each_byte(rest, out, &upper);
}

#[inline(always)]
fn each_byte(text: &[u8], out: &mut Buffer, upper: impl Fn(u8) -> Option<char>) {
    out.characters(text, |byte| {
        let other = upper(byte);
        or_replacement(if byte.is_ascii() {
            Some(char::from(byte))
        } else {
            other
        })
    });
}

/// Writes the ASCII that the text begins with and gives the rest.
fn behind_ascii<'a>(text: &'a [u8], out: &mut Buffer) -> &'a [u8] {
    let ascii = text.iter().position(|byte| *byte >= 0x80);
    let (run, behind) = text
        .split_at_checked(ascii.unwrap_or(text.len()))
        .unwrap_or((text, &[]));
    out.put(run);
    behind
}

fn utf16(text: &[u8], out: &mut Buffer, unit: fn([u8; 2]) -> u16) {
    let (units, rest) = text.as_chunks();
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        put(character.ok(), out);
    }
    torn(rest, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_collations() {
        for (collation, name, longest) in [
            (255, "utf8mb4", 4),
            (33, "utf8mb3", 3),
            (63, "binary", 1),
            (8, "latin1", 1),
            (35, "ucs2", 2),
            // MariaDB's utf8mb4_uca1400_ai_ci, and the same of other charsets.
            (2304, "utf8mb4", 4),
            (2048, "utf8mb3", 3),
            (2816, "utf16", 4),
            (60_000, "utf8mb4", 4),
        ] {
            let charset = Charset::of_collation(collation);
            assert_eq!(
                (charset.name, charset.longest),
                (name, longest),
                "{collation}"
            );
        }
    }

    /// As MySQL 9.7.4 and MariaDB 11.8 convert labels.
    #[test]
    fn what_a_charset_lacks_becomes_a_question_mark() {
        let converted = |name, text| Charset::named(name).converted(text);
        assert_eq!(converted("latin1", "日é€😀"), "?é€?");
        assert_eq!(converted("utf8mb3", "日😀"), "日?");
        assert_eq!(converted("ucs2", "ß😀"), "ß?");
        assert_eq!(converted("utf8mb4", "日😀"), "日😀");
        assert_eq!(converted("gbk", "Ыß你😀"), "Ы?你?");
        assert_eq!(converted("swe7", "é[É"), "é?É");
        assert_eq!(converted("gb18030", "ß😀"), "ß😀");
        assert_eq!(converted("ascii", "é"), "?");
        assert_eq!(converted("ujis", "丂é☃"), "丂é?");
    }

    #[test]
    fn decodes_each_family() {
        let decode = |name, text: &[u8]| Charset::named(name).decode(text);
        assert_eq!(decode("latin1", b"a\x80\x81\xe9b"), "a€\u{81}éb");
        assert_eq!(decode("ascii", b"a\xe9"), "a\u{fffd}");
        assert_eq!(decode("swe7", b"a{b"), "aäb");
        assert_eq!(decode("cp1251", b"\xcf\x98"), "П\u{fffd}");
        assert_eq!(
            decode("utf16", b"\x00a\xd8\x3d\xde\x01\xd8\x00"),
            "a😁\u{fffd}"
        );
        assert_eq!(decode("utf16le", b"a\0\xe9"), "a\u{fffd}");
        assert_eq!(decode("utf32", b"\0\x01\xf6\x01\0\0\xd8\0"), "😁\u{fffd}");
        assert_eq!(decode("gbk", b"\xc4\xe3\xff"), "你\u{fffd}");
        assert_eq!(decode("sjis", b"\x93\xfa"), "日");
        assert_eq!(decode("ujis", b"\xc6\xfc"), "日");
        assert_eq!(decode("euckr", b"\xc7\xd1"), "한");
        assert_eq!(decode("big5", b"\xa7\x41"), "你");
        assert_eq!(decode("utf8mb4", b"\xf0\x9f\x98\x81\xff"), "😁\u{fffd}");
    }
}
