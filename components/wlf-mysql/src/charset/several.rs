//! The charsets of several bytes a character whose lower half is ASCII.
//!
//! Their tables are those of MySQL 9.7.4, with which MariaDB 10.11 and 11.8 agree in every character; `cargo xtask charsets`
//! reads them out of a server. They lie compressed in the program and are unpacked when the first text needs them.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;
use wlf_core::format::Buffer;

use super::{behind_ascii, of_table, put};
use crate::reader::{Malformed, Reader};

static PACKED: &[u8] = include_bytes!("several.deflate");

/// How large the tables are when they are unpacked, at most.
const UNPACKED: u64 = 1 << 20;

/// A charset of several bytes a character. Its number is that of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    Big5,
    Euckr,
    Gb2312,
    Gbk,
    Gb18030,
    Sjis,
    Cp932,
    Ujis,
    Eucjpms,
}

/// How many charsets there are, and how many planes: ujis and eucjpms have another behind the byte 0x8F.
const CHARSETS: usize = 9;
const PLANES: usize = 11;

/// What codes of two bytes stand for.
#[derive(Debug, Default)]
struct Plane {
    /// By the first byte, from 0x80 on.
    rows: Vec<Row>,
    /// 0 for a code that is not well-formed, U+FFFD for one without a character.
    units: Vec<u16>,
}

/// The codes that begin with a byte: the second byte of the first and of the last, and where in the units they begin.
#[derive(Debug, Clone, Copy)]
struct Row {
    first: u8,
    last: u8,
    start: usize,
}

#[derive(Debug, Default)]
struct CodeTables {
    planes: Vec<Plane>,
    /// For each charset what the bytes from 0x80 on stand for, 0 if nothing.
    bytes: Vec<Vec<u16>>,
    /// Of gb18030's codes of four bytes: the number of the first, its character, and how many follow each other.
    runs: Vec<[u16; 3]>,
}

impl Several {
    /// Writes the text as UTF-8. A code without a character becomes U+FFFD, as does each byte that is no part of a code.
    pub fn write(self, text: &[u8], out: &mut Buffer) {
        let tables = tables();
        let mut rest = text;
        loop {
            let behind = behind_ascii(rest, out);
            if behind.is_empty() {
                return;
            }
            let (character, length) = self.character(tables, behind).unwrap_or((None, 1));
            put(character, out);
            rest = behind.get(length..).unwrap_or_default();
        }
    }

    /// Whether one of its codes stands for the character.
    pub(super) fn has(self, c: char) -> bool {
        if self == Self::Gb18030 {
            return true;
        }
        let Ok(unit) = u16::try_from(u32::from(c)) else {
            return false;
        };
        if matches!(c, '\0' | char::REPLACEMENT_CHARACTER) {
            return false;
        }
        let tables = tables();
        let planes = [Some(self.number()), self.behind_8f()]
            .into_iter()
            .flatten();
        let mut planes = planes.filter_map(|number| tables.planes.get(number));
        let bytes = tables.bytes.get(self.number());
        bytes.is_some_and(|units| units.contains(&unit))
            || planes.any(|plane| plane.units.contains(&unit))
    }

    /// The character that the text begins with, and its length in bytes; `None` if it does not begin with a code.
    fn character(self, tables: &CodeTables, text: &[u8]) -> Option<(Option<char>, usize)> {
        let mut reader = Reader::new(text);
        let mut next = || reader.u8("a character").ok();
        let first = next()?;
        match tables.byte(self, first) {
            0 => {}
            unit => return Some((of_table(Some(&unit)), 1)),
        }
        let second = next()?;
        if self == Self::Gb18030 && second.is_ascii_digit() {
            let code = [first, second, next()?, next()?];
            return Some((tables.of_four(code)?, 4));
        }
        if first == 0x8f
            && let Some(plane) = self.behind_8f()
        {
            return Some((tables.of_two(plane, second, next()?)?, 3));
        }
        Some((tables.of_two(self.number(), first, second)?, 2))
    }

    fn number(self) -> usize {
        match self {
            Self::Big5 => 0,
            Self::Euckr => 1,
            Self::Gb2312 => 2,
            Self::Gbk => 3,
            Self::Gb18030 => 4,
            Self::Sjis => 5,
            Self::Cp932 => 6,
            Self::Ujis => 7,
            Self::Eucjpms => 8,
        }
    }

    fn behind_8f(self) -> Option<usize> {
        match self {
            Self::Ujis => Some(9),
            Self::Eucjpms => Some(10),
            _ => None,
        }
    }
}

impl CodeTables {
    fn byte(&self, charset: Several, byte: u8) -> u16 {
        let units = self.bytes.get(charset.number());
        let unit = units.and_then(|units| units.get(usize::from(byte.wrapping_sub(0x80))));
        unit.copied().unwrap_or(0)
    }

    /// `None` if the code is not well-formed.
    fn of_two(&self, plane: usize, first: u8, second: u8) -> Option<Option<char>> {
        let plane = self.planes.get(plane)?;
        let row = plane.rows.get(usize::from(first.checked_sub(0x80)?))?;
        if second > row.last {
            return None;
        }
        let place = usize::from(second.checked_sub(row.first)?);
        let unit = *plane.units.get(row.start.checked_add(place)?)?;
        (unit != 0).then(|| of_table(Some(&unit)))
    }

    /// The same for a code of gb18030 with four bytes.
    fn of_four(&self, [a, b, c, d]: [u8; 4]) -> Option<Option<char>> {
        let above = |byte: u8, lowest: u8, highest: u8| {
            (byte <= highest).then(|| byte.checked_sub(lowest).map(u32::from))?
        };
        let number = above(a, 0x81, 0xfe)? * 12_600
            + above(b, 0x30, 0x39)? * 1260
            + above(c, 0x81, 0xfe)? * 10
            + above(d, 0x30, 0x39)?;
        // 0x90308130
        if let Some(beyond) = number.checked_sub(15 * 12_600) {
            return Some(char::from_u32(beyond + 0x1_0000));
        }
        let Ok(number) = u16::try_from(number) else {
            return Some(None);
        };
        let behind = self.runs.partition_point(|[start, ..]| *start <= number);
        let run = behind.checked_sub(1).and_then(|n| self.runs.get(n));
        Some(run.and_then(|[start, first, length]| {
            let place = number.checked_sub(*start)?;
            (place < *length).then(|| of_table(Some(&first.wrapping_add(place))))?
        }))
    }

    /// Reads what `cargo xtask charsets` has written.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "a table of charsets";
        let mut reader = Reader::new(bytes);
        let mut tables = Self::default();
        tables.planes.resize_with(PLANES, Plane::default);
        for _ in 0x80..=0xff {
            for plane in &mut tables.planes {
                let (first, last) = (reader.u8(FIELD)?, reader.u8(FIELD)?);
                let start = plane.units.len();
                plane.rows.push(Row { first, last, start });
                let mut unit = 0u16;
                for _ in first..=last {
                    unit = unit.wrapping_add(reader.u16(FIELD)?);
                    plane.units.push(unit);
                }
            }
        }
        for _ in 0..CHARSETS {
            let units = (0x80..=0xff).map(|_| reader.u16(FIELD));
            tables.bytes.push(units.collect::<Result<_, _>>()?);
        }
        for _ in 0..reader.u16(FIELD)? {
            let run = [reader.u16(FIELD)?, reader.u16(FIELD)?, reader.u16(FIELD)?];
            tables.runs.push(run);
        }
        if reader.is_empty() {
            Ok(tables)
        } else {
            Err(Malformed::Invalid(FIELD))
        }
    }

    fn unpack() -> Option<Self> {
        let mut bytes = Vec::new();
        let mut decoder = DeflateDecoder::new(PACKED).take(UNPACKED);
        decoder.read_to_end(&mut bytes).ok()?;
        Self::decode(&bytes).ok()
    }
}

fn tables() -> &'static CodeTables {
    static TABLES: OnceLock<CodeTables> = OnceLock::new();
    // A test shows that they can be unpacked.
    TABLES.get_or_init(|| CodeTables::unpack().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use wlf_core::replaced;

    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let tables = CodeTables::unpack().unwrap();
        assert_eq!(tables.planes.len(), PLANES);
        assert!(tables.runs.len() > 200, "{}", tables.runs.len());
    }

    fn decode(charset: Several, text: &[u8]) -> (String, u64) {
        let mut out = Buffer::new();
        let before = replaced::noted();
        charset.write(text, &mut out);
        let text = String::from_utf8(out.as_slice().to_vec()).unwrap();
        (text, replaced::noted() - before)
    }

    #[test]
    fn decodes_each_charset() {
        let valid = |text: &str| (text.to_owned(), 0);
        assert_eq!(decode(Several::Big5, b"a\xa7\x41b"), valid("a你b"));
        assert_eq!(decode(Several::Euckr, b"\xc7\xd1"), valid("한"));
        assert_eq!(decode(Several::Gb2312, b"\xa1\xa4"), valid("・"));
        assert_eq!(decode(Several::Gbk, b"\xa1\xa4"), valid("·"));
        assert_eq!(decode(Several::Gb18030, b"\x94\x39\xda\x33"), valid("💩"));
        assert_eq!(decode(Several::Gb18030, b"\x81\x30\x86\x30"), valid("¸"));
        assert_eq!(decode(Several::Sjis, b"\x81\x5f\xb1"), valid("\\ｱ"));
        assert_eq!(decode(Several::Cp932, b"\x81\x5f\xb1"), valid("＼ｱ"));
        assert_eq!(decode(Several::Ujis, b"\x8f\xb0\xa1\x8e\xb1"), valid("丂ｱ"));
        assert_eq!(decode(Several::Eucjpms, b"\x8f\xf3\xf3"), valid("ⅰ"));
    }

    #[test]
    fn replaces_codes_without_character_and_bytes_without_code() {
        // A well-formed code without a character, a code whose second byte is none, and one that is cut off.
        assert_eq!(
            decode(Several::Gbk, b"a\xfe\xa0b\x81 c\x81"),
            ("a\u{fffd}b\u{fffd} c\u{fffd}".to_owned(), 3)
        );
        assert_eq!(
            decode(
                Several::Gb18030,
                b"\x84\x31\xa5\x30\xfd\x30\x81\x30\x81\x30"
            ),
            ("\u{fffd}\u{fffd}\u{fffd}0".to_owned(), 3)
        );
    }
}
