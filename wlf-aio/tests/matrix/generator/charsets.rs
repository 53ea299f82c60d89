//! Every charset of the server, with the characters that the server says it has.

use mysql::prelude::Queryable;

use crate::column::{Column, Kind, quoted};
use crate::server::Server;
use crate::table::Table;

/// Characters of a value in the tables that hold all of them.
const CHUNK: usize = 400;

pub fn tables(server: &Server) -> Vec<Table> {
    let mut connection = server.connect();
    let charsets: Vec<String> = connection
        .query("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1")
        .expect("charsets");
    let mut samples = Vec::new();
    let mut tables = vec![strings()];
    for charset in &charsets {
        let characters = characters(&mut connection, charset);
        samples.push(Column::new(
            format!("in_{charset}"),
            format!("VARCHAR(40) CHARACTER SET {charset}"),
            Kind::Text,
            sample(&characters).iter().map(|text| quoted(text)),
        ));
        let chunks: Vec<String> = (characters.chunks(CHUNK))
            .map(|chunk| quoted(&chunk.iter().collect::<String>()))
            .collect();
        let column = |name: &str, definition: &str| {
            Column::new(
                name,
                format!("{definition} CHARACTER SET {charset}"),
                Kind::Text,
                chunks.clone(),
            )
        };
        let all = [
            column("v", &format!("VARCHAR({CHUNK})")),
            column("t", "TEXT"),
        ];
        tables.push(Table::new(&format!("all_of_{charset}"), all).large());
    }
    tables.push(Table::new("charsets", samples));
    tables
}

/// The characters that come back from the charset as they went in.
fn characters(connection: &mut mysql::Conn, charset: &str) -> Vec<char> {
    let plane = (1..0xD800_u32).chain(0xE000..0x10000);
    // Emoji, ideographs, and the last of all; not each of a million.
    let beyond = (0x1_F300..0x1_FB00)
        .chain((0x2_0000..0x2_A6E0).step_by(53))
        .chain(0x10_FFF0..0x11_0000);
    let candidates: Vec<char> = plane.chain(beyond).filter_map(char::from_u32).collect();
    let mut characters = Vec::new();
    for chunk in candidates.chunks(4096) {
        let text: String = chunk.iter().collect();
        let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
        let back: Option<Vec<u8>> = connection
            .query_first(format!(
                "SELECT CONVERT(CONVERT(_utf8mb4 x'{hex}' USING {charset}) USING utf8mb4)"
            ))
            .expect("an answer");
        let back = String::from_utf8(back.expect("a text")).expect("UTF-8");
        assert_eq!(back.chars().count(), chunk.len(), "{charset}");
        let pairs = chunk.iter().zip(back.chars());
        characters.extend(
            pairs
                .filter(|(one, other)| **one == *other)
                .map(|(char, _)| *char),
        );
    }
    characters
}

/// A few texts with characters from all over the charset.
fn sample(characters: &[char]) -> Vec<String> {
    let step = (characters.len() / 80).max(1);
    let picked: Vec<char> = characters.iter().copied().step_by(step).collect();
    let last: String = characters[characters.len() - 20..].iter().collect();
    picked
        .chunks(30)
        .map(|chunk| chunk.iter().collect())
        .chain([last, "plain".to_owned(), String::new()])
        .collect()
}

fn strings() -> Table {
    let column = |name: &str, definition: &str, values: &[&str]| {
        Column::new(
            name,
            definition,
            Kind::Text,
            values.iter().map(|value| quoted(value)),
        )
    };
    let controls: String = (0..32_u8).chain([127]).map(char::from).collect();
    let long = |text: &str, count: usize| text.repeat(count);
    Table::new(
        "strings",
        [
            column("c0", "CHAR(0)", &[""]),
            column("c1", "CHAR(1)", &["a", "😀", ""]),
            column(
                "c10",
                "CHAR(10)",
                &["abc", "日本語😀", "padded   ", "quote\"s", " lead"],
            ),
            column("c255", "CHAR(255)", &[&long("😀", 255), "back\\slash", ""]),
            column("v1", "VARCHAR(1)", &["x", "\"", " "]),
            column(
                "v63",
                "VARCHAR(63)",
                &[&long("é", 63), &long("😀", 63), "new\nline"],
            ),
            column(
                "v64",
                "VARCHAR(64)",
                &[&long("é", 64), &long("😀", 64), "tab\tcr\r"],
            ),
            column(
                "v1000",
                "VARCHAR(1000)",
                &[
                    &long("ab", 500),
                    &controls,
                    "trailing  ",
                    "\u{2028}\u{2029}",
                ],
            ),
            column("tiny", "TINYTEXT", &[&long("x", 255), "</script>", ""]),
            column("normal", "TEXT", &[&long("é", 300), "'", "\\"]),
            column("medium", "MEDIUMTEXT", &[&long("日", 300), "", "{}"]),
            column("long_one", "LONGTEXT", &[&long("😀", 300), "null", "0"]),
            column(
                "latin",
                "CHAR(255) CHARACTER SET latin1",
                &[&long("ß", 255), "Größe €", "\u{81}"],
            ),
            column(
                "u16",
                "CHAR(200) CHARACTER SET utf16",
                &[&long("é", 200), "日本😀", ""],
            ),
            column(
                "bin_collation",
                "VARCHAR(20) COLLATE utf8mb4_bin",
                &["CaSe", "\\", " "],
            ),
            column("bytes", "VARCHAR(20) COLLATE utf8mb3_bin", &["é日", "x"]),
            column("required", "VARCHAR(20)", &["", "x"]).not_null(),
        ],
    )
}
