//! Reads out of a real server what the bytes of its charsets stand for, and writes the tables that the program has of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::servers::{free_port, mysql::Mysql};
use crate::{apt, layout};

const CHARSETS: &str = "components/wlf-mysql/src/charset";

/// The charsets of one byte a character, and swe7 aside those whose lower half is ASCII.
const ONE_BYTE: [&str; 23] = [
    "armscii8", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "dec8",
    "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5",
    "latin7", "macce", "macroman", "tis620",
];

/// The charsets of several bytes a character, in the order of the file. Those that resemble each other are neighbours, which
/// makes it smaller.
const SEVERAL: [&str; 9] = [
    "big5", "euckr", "gb2312", "gbk", "gb18030", "sjis", "cp932", "ujis", "eucjpms",
];

/// The charsets that have characters of two bytes behind a byte 0x8F.
const BEHIND_8F: [&str; 2] = ["ujis", "eucjpms"];

/// What the file has for a well-formed code that has no character.
const NO_CHARACTER: u16 = 0xfffd;

/// What the bytes that a code is made of stand for.
type Plane = BTreeMap<(u8, u8), u16>;

/// Writes `tables.rs` and `several.deflate` anew.
pub fn charsets() -> Result<()> {
    let home = layout::target().join("charsets");
    layout::remove(&home)?;
    let mysql = Mysql::new(&home)?;
    let port = free_port()?;
    let _server = mysql.start(port, &[])?;
    let server = Server {
        version: mysql.version()?,
        mysql,
        port,
    };
    let into = layout::workspace().join(CHARSETS);
    one_byte(&server, &into)?;
    several(&server, &into)
}

struct Server {
    mysql: Mysql,
    port: u16,
    version: String,
}

impl Server {
    /// The UTF-32 of codes, each of which is `code`, an expression over the numbers `n` below `count`; `None` for one that is
    /// not well-formed.
    fn characters(&self, charset: &str, code: &str, count: u32) -> Result<Vec<Option<Vec<u32>>>> {
        let query = format!(
            "SET cte_max_recursion_depth = {count}; \
             WITH RECURSIVE codes AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM codes WHERE n + 1 < {count}) \
             SELECT HEX(CONVERT(CONVERT({code} USING {charset}) USING utf32)) FROM codes ORDER BY n"
        );
        let mut command = self.mysql.client(self.port)?;
        command.args(["--skip-column-names", "--raw", "--execute", &query]);
        let text = apt::output(&mut command).with_context(|| format!("asking for {charset}"))?;
        let lines: Vec<_> = text.lines().map(characters).collect::<Result<_>>()?;
        ensure!(
            lines.len() == count as usize,
            "{charset}: {} codes",
            lines.len()
        );
        Ok(lines)
    }
}

fn characters(line: &str) -> Result<Option<Vec<u32>>> {
    if line == "NULL" || line.is_empty() {
        return Ok(None);
    }
    let digits = line.as_bytes().chunks(8);
    let characters = digits.map(|digits| {
        let digits = std::str::from_utf8(digits)?;
        Ok(u32::from_str_radix(digits, 16)?)
    });
    characters.collect::<Result<_>>().map(Some)
}

/// The only character; what the server has none for it turns into `?`, which no code of two bytes stands for.
fn unit(characters: Option<Vec<u32>>, question: bool) -> Option<u16> {
    match characters?.as_slice() {
        [0x3f] if !question => Some(NO_CHARACTER),
        [character] => u16::try_from(*character).ok(),
        _ => None,
    }
}

fn one_byte(server: &Server, into: &Path) -> Result<()> {
    let mut text = format!(
        "//! What the bytes of the servers' one-byte charsets stand for; `cargo xtask charsets` writes this file.\n\
         //!\n\
         //! As MySQL {} converts them: `SELECT HEX(CONVERT(_cp850 x'80' USING utf32))` for each byte; U+FFFD is what it does \
         not\n//! convert.\n\n\
         /// The characters of the bytes 0x80 to 0xFF.\n\
         pub type Upper = [u16; 128];\n",
        server.version
    );
    let mut table = |name: &str, about: &str, units: &[u16]| -> Result<()> {
        write!(
            text,
            "\n{about}pub static {}: Upper = [",
            name.to_uppercase()
        )?;
        for unit in units {
            write!(text, "0x{unit:04x},")?;
        }
        writeln!(text, "];")?;
        Ok(())
    };
    for charset in ONE_BYTE {
        let units = bytes(server, charset)?;
        let (lower, upper) = units.split_at(128);
        ensure!(
            (0..128).eq(lower.iter().copied()),
            "{charset} is not ASCII below"
        );
        table(charset, "", upper)?;
    }
    let units = bytes(server, "swe7")?;
    let about = "/// The characters of the bytes 0x00 to 0x7F in swe7, the only charset where they are not those of ASCII. It \
                 has no others.\n";
    table("swe7", about, units.split_at(128).0)?;
    let path = into.join("tables.rs");
    fs::write(&path, text)?;
    apt::output(
        std::process::Command::new("rustfmt")
            .arg("--edition=2024")
            .arg(&path),
    )?;
    Ok(())
}

/// What each byte stands for.
fn bytes(server: &Server, charset: &str) -> Result<Vec<u16>> {
    let characters = server.characters(charset, "CHAR(n)", 256)?;
    let numbered = (0u16..).zip(characters);
    Ok(numbered
        .map(|(n, characters)| unit(characters, n == 0x3f).unwrap_or(NO_CHARACTER))
        .collect())
}

/// The file: for each byte from 0x80 on and each plane the first and the last byte that may follow, and for each from the
/// first to the last the character's distance from the one before, 0 for none at first; then for each charset what the bytes
/// from 0x80 on stand for that are characters themselves; then how many runs gb18030 has, and of each the number of its
/// first code of four bytes, its first character and its length. Everything in 16 bits, little-endian, the bytes aside, and
/// compressed by DEFLATE (RFC 1951).
fn several(server: &Server, into: &Path) -> Result<()> {
    let mut planes = Vec::new();
    for charset in SEVERAL {
        planes.push(plane(server, charset, "")?);
    }
    for charset in BEHIND_8F {
        planes.push(plane(server, charset, "8F")?);
    }
    let mut file = Vec::new();
    for first in 0x80..=0xff {
        for plane in &planes {
            row(plane, first, &mut file);
        }
    }
    for charset in SEVERAL {
        let characters = server.characters(charset, "CHAR(n + 128)", 128)?;
        for characters in characters {
            let unit = unit(characters, false).filter(|unit| *unit != NO_CHARACTER);
            file.extend(unit.unwrap_or(0).to_le_bytes());
        }
    }
    let runs = runs(server)?;
    file.extend(u16::try_from(runs.len())?.to_le_bytes());
    for run in runs {
        file.extend(run.into_iter().flat_map(u16::to_le_bytes));
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&file)?;
    fs::write(into.join("several.deflate"), encoder.finish()?)?;
    Ok(())
}

/// What codes of two bytes stand for.
fn plane(server: &Server, charset: &str, before: &str) -> Result<Plane> {
    let code = format!("UNHEX(CONCAT('{before}', HEX(n + 32768)))");
    let characters = server.characters(charset, &code, 0x8000)?;
    let numbered = (0x8000..=u16::MAX).zip(characters);
    Ok(numbered
        .filter_map(|(code, characters)| {
            let [first, second] = code.to_be_bytes();
            Some(((first, second), unit(characters, false)?))
        })
        .collect())
}

fn row(plane: &Plane, first: u8, file: &mut Vec<u8>) {
    let codes = || plane.range((first, 0)..=(first, 0xff));
    let (Some(low), Some(high)) = (codes().next(), codes().next_back()) else {
        file.extend([1, 0]);
        return;
    };
    let (low, high) = (low.0.1, high.0.1);
    file.extend([low, high]);
    let mut before = 0u16;
    for second in low..=high {
        let unit = plane.get(&(first, second)).copied().unwrap_or(0);
        file.extend(unit.wrapping_sub(before).to_le_bytes());
        before = unit;
    }
}

/// The runs of gb18030's codes of four bytes below 0x85 whose characters follow each other. Beyond, the codes from 0x90308130
/// on stand for the characters from U+10000 on.
fn runs(server: &Server) -> Result<Vec<[u16; 3]>> {
    let code = "CHAR(129 + n DIV 12600, 48 + n DIV 1260 % 10, 129 + n DIV 10 % 126, 48 + n % 10)";
    let characters = server.characters("gb18030", code, 4 * 12_600)?;
    let mut runs: Vec<[u16; 3]> = Vec::new();
    for (n, characters) in (0u16..).zip(characters) {
        let Some(unit) = unit(characters, false).filter(|unit| *unit != NO_CHARACTER) else {
            continue;
        };
        match runs.last_mut() {
            Some([start, first, length]) if n == *start + *length && unit == *first + *length => {
                *length += 1;
            }
            _ => runs.push([n, unit, 1]),
        }
    }
    Ok(runs)
}
