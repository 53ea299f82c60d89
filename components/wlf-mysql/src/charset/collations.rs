//! Which charset a collation belongs to, by its number.

/// The name of the collation's charset; `None` for a number that no server known here has given.
///
/// The numbers are those of `information_schema.COLLATIONS` of MySQL 9.7.4, and of `COLLATION_CHARACTER_SET_APPLICABILITY`
/// of MariaDB 10.11 and 11.8, which agree on those that both have.
pub fn charset(collation: u16) -> Option<&'static str> {
    Some(match collation {
        // MariaDB numbers a NO PAD collation 1024 above the one it is made from.
        1025..=2047 => return charset(collation - 1024),
        // MariaDB numbers its UCA 14.0.0 collations by blocks of 256.
        2048..=2303 => "utf8mb3",
        2304..=2559 => "utf8mb4",
        2560..=2815 => "ucs2",
        2816..=3071 => "utf16",
        3072..=3327 => "utf32",
        32 | 64 => "armscii8",
        11 | 65 => "ascii",
        1 | 84 => "big5",
        63 => "binary",
        26 | 34 | 44 | 66 | 99 => "cp1250",
        14 | 23 | 50..=52 => "cp1251",
        57 | 67 => "cp1256",
        29 | 58 | 59 => "cp1257",
        4 | 80 => "cp850",
        40 | 81 => "cp852",
        36 | 68 => "cp866",
        95 | 96 => "cp932",
        3 | 69 => "dec8",
        97 | 98 => "eucjpms",
        19 | 85 => "euckr",
        248..=250 => "gb18030",
        24 | 86 => "gb2312",
        28 | 87 => "gbk",
        92 | 93 => "geostd8",
        25 | 70 => "greek",
        16 | 71 => "hebrew",
        6 | 72 => "hp8",
        37 | 73 => "keybcs2",
        7 | 74 => "koi8r",
        22 | 75 => "koi8u",
        5 | 8 | 15 | 31 | 47..=49 | 94 => "latin1",
        2 | 9 | 21 | 27 | 77 => "latin2",
        30 | 78 => "latin5",
        20 | 41 | 42 | 79 => "latin7",
        38 | 43 => "macce",
        39 | 53 => "macroman",
        13 | 88 => "sjis",
        10 | 82 => "swe7",
        18 | 89 => "tis620",
        12 | 91 => "ujis",
        35 | 90 | 128..=151 | 159 | 640..=671 => "ucs2",
        54 | 55 | 101..=124 | 672..=703 => "utf16",
        56 | 62 => "utf16le",
        60 | 61 | 160..=183 | 736..=767 => "utf32",
        33 | 76 | 83 | 192..=215 | 223 | 576..=607 => "utf8mb3",
        45 | 46 | 224..=247 | 255..=323 | 608..=639 => "utf8mb4",
        _ => return None,
    })
}
