//! MySQL's charsets and how text in them becomes UTF-8.

mod tables;

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS};
use mysql_common::collations::{Collation, CollationId};
use wlf_core::format::Buffer;

/// A column's charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Bytes, not text.
    Binary,
    /// utf8mb4, utf8mb3.
    Utf8,
    Ascii,
    /// A charset of one byte a character whose lower half is ASCII.
    OneByte(&'static tables::Upper),
    Swe7,
    /// utf16 and ucs2.
    Utf16,
    Utf16Le,
    Utf32,
    /// cp932 but for its backslash.
    Sjis,
    /// A charset of several bytes a character whose lower half is ASCII.
    Encoding(&'static Encoding),
}

impl Charset {
    /// The charset of a collation's number; one that is not known, newer than this program, is taken for UTF-8.
    pub fn of_collation(collation: u16) -> Self {
        Self::named(Collation::resolve(CollationId::from(collation)).charset())
    }

    /// The charset that MySQL calls so; one that is not known is taken for UTF-8.
    pub fn named(name: &str) -> Self {
        match name {
            "binary" => Self::Binary,
            "ascii" => Self::Ascii,
            "swe7" => Self::Swe7,
            "utf16" | "ucs2" => Self::Utf16,
            "utf16le" => Self::Utf16Le,
            "utf32" => Self::Utf32,
            "big5" => Self::Encoding(BIG5),
            "gbk" | "gb2312" => Self::Encoding(GBK),
            "gb18030" => Self::Encoding(GB18030),
            "sjis" => Self::Sjis,
            "cp932" => Self::Encoding(SHIFT_JIS),
            "ujis" | "eucjpms" => Self::Encoding(EUC_JP),
            "euckr" => Self::Encoding(EUC_KR),
            _ => Self::one_byte(name),
        }
    }

    fn one_byte(name: &str) -> Self {
        Self::OneByte(match name {
            "armscii8" => &tables::ARMSCII8,
            "cp1250" => &tables::CP1250,
            "cp1251" => &tables::CP1251,
            "cp1256" => &tables::CP1256,
            "cp1257" => &tables::CP1257,
            "cp850" => &tables::CP850,
            "cp852" => &tables::CP852,
            "cp866" => &tables::CP866,
            "dec8" => &tables::DEC8,
            "geostd8" => &tables::GEOSTD8,
            "greek" => &tables::GREEK,
            "hebrew" => &tables::HEBREW,
            "hp8" => &tables::HP8,
            "keybcs2" => &tables::KEYBCS2,
            "koi8r" => &tables::KOI8R,
            "koi8u" => &tables::KOI8U,
            "latin1" => &tables::LATIN1,
            "latin2" => &tables::LATIN2,
            "latin5" => &tables::LATIN5,
            "latin7" => &tables::LATIN7,
            "macce" => &tables::MACCE,
            "macroman" => &tables::MACROMAN,
            "tis620" => &tables::TIS620,
            _ => return Self::Utf8,
        })
    }

    /// Whether the text is UTF-8 as it stands, up to bytes that are wrong.
    #[inline(always)]
    pub fn is_utf8(self, text: &[u8]) -> bool {
        match self {
            Self::Utf8 => true,
            Self::Ascii | Self::OneByte(_) | Self::Encoding(_) | Self::Sjis => text.is_ascii(),
            Self::Binary | Self::Swe7 | Self::Utf16 | Self::Utf16Le | Self::Utf32 => false,
        }
    }

    /// Writes the text as UTF-8; bytes that are wrong become U+FFFD.
    pub fn write(self, text: &[u8], out: &mut Buffer) {
        match self {
            Self::Utf8 | Self::Binary => out.text(text),
            Self::Ascii => one_byte(text, out, |_| u16::MAX),
            Self::OneByte(upper) => one_byte(text, out, |byte| {
                upper
                    .get(usize::from(byte & 0x7f))
                    .copied()
                    .unwrap_or(u16::MAX)
            }),
            Self::Swe7 => {
                for byte in text {
                    let unit = tables::SWE7.get(usize::from(*byte));
                    put(unit.map_or(u32::MAX, |unit| u32::from(*unit)), out);
                }
            }
            Self::Utf16 => utf16(text, out, u16::from_be_bytes),
            Self::Utf16Le => utf16(text, out, u16::from_le_bytes),
            Self::Utf32 => {
                let (characters, rest) = text.as_chunks();
                for bytes in characters {
                    put(u32::from_be_bytes(*bytes), out);
                }
                if !rest.is_empty() {
                    put(u32::MAX, out);
                }
            }
            Self::Sjis => {
                let (text, _) = SHIFT_JIS.decode_without_bom_handling(text);
                out.put(text.replace('\u{ff3c}', "\\").as_bytes());
            }
            Self::Encoding(encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(text);
                out.put(text.as_bytes());
            }
        }
    }

    /// The text as UTF-8, for names and labels.
    pub fn decode(self, text: &[u8]) -> String {
        let mut out = Buffer::new();
        self.write(text, &mut out);
        String::from_utf8_lossy(out.as_slice()).into_owned()
    }
}

fn put(character: u32, out: &mut Buffer) {
    let character = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.put(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn one_byte(text: &[u8], out: &mut Buffer, upper: impl Fn(u8) -> u16) {
    let mut rest = text;
    loop {
        let ascii = rest
            .iter()
            .position(|byte| *byte >= 0x80)
            .unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(ascii).unwrap_or((rest, &[]));
        out.put(run);
        let Some((byte, behind)) = behind.split_first() else {
            return;
        };
        put(
            match upper(*byte) {
                u16::MAX => u32::MAX,
                unit => u32::from(unit),
            },
            out,
        );
        rest = behind;
    }
}

fn utf16(text: &[u8], out: &mut Buffer, unit: fn([u8; 2]) -> u16) {
    let (units, rest) = text.as_chunks();
    for character in char::decode_utf16(units.iter().map(|bytes| unit(*bytes))) {
        put(character.map_or(u32::MAX, u32::from), out);
    }
    if !rest.is_empty() {
        put(u32::MAX, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_collations() {
        assert_eq!(Charset::of_collation(255), Charset::Utf8);
        assert_eq!(Charset::of_collation(63), Charset::Binary);
        assert_eq!(Charset::of_collation(8), Charset::OneByte(&tables::LATIN1));
        assert_eq!(Charset::of_collation(35), Charset::Utf16);
        assert_eq!(Charset::of_collation(60_000), Charset::Utf8);
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
