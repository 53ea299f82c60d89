//! Compares every code of every charset with what the real servers make of it that `WLF_TEST_MYSQL`,
//! `WLF_TEST_MARIADB_1011` and `WLF_TEST_MARIADB_118` name, as in `mysql://root:password@127.0.0.1:3306`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use wlf_core::config::Secret;
use wlf_core::format::Buffer;
use wlf_core::{Fault, replaced};
use wlf_mysql::charset::Charset;
use wlf_mysql::connection::{Connection, Endpoint};

/// The charsets of one byte a character.
const ONE_BYTE: [&str; 26] = [
    "armscii8", "ascii", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "dec8",
    "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5",
    "latin7", "macce", "macroman", "swe7", "tis620", "binary",
];

#[tokio::test(flavor = "current_thread")]
async fn mysql() {
    assert_same("WLF_TEST_MYSQL").await;
}

#[tokio::test(flavor = "current_thread")]
async fn mariadb_10_11() {
    assert_same("WLF_TEST_MARIADB_1011").await;
}

#[tokio::test(flavor = "current_thread")]
async fn mariadb_11_8() {
    assert_same("WLF_TEST_MARIADB_118").await;
}

async fn assert_same(variable: &str) {
    let mut server = Connection::open(&endpoint(variable)).await.unwrap();
    let names = "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS";
    let names = query(&mut server, names).await;
    assert!(names.len() >= 40, "{names:?}");
    let mut compared = 0;
    for row in &names {
        let (name, longest) = (row[0].clone().unwrap(), row[1].clone().unwrap());
        let charset = Charset::named(&name);
        assert_eq!(
            (charset.name, charset.longest.to_string()),
            (&*name, longest)
        );
        for codes in codes(&name) {
            compared += compare(&mut server, charset, &codes).await;
        }
    }
    let collations = collations(&mut server).await;
    for (collation, charset) in &collations {
        let ours = Charset::of_collation(*collation).name;
        assert_eq!(ours, charset, "collation {collation}");
    }
    println!(
        "{variable}: {compared} codes of {} charsets, {} collations",
        names.len(),
        collations.len()
    );
    assert!(compared > 500_000);
}

/// Numbers of codes, and how the server and we make the bytes of a code of its number.
struct Codes {
    count: u32,
    sql: String,
    bytes: fn(u32) -> Vec<u8>,
}

fn codes(charset: &str) -> Vec<Codes> {
    let of = |count, sql: &str, bytes| Codes {
        count,
        sql: sql.to_owned(),
        bytes,
    };
    let one = of(0x100, "CHAR(n)", |n| vec![n as u8]);
    let two = of(0x1_0000, "UNHEX(LPAD(HEX(n), 4, '0'))", |n| {
        (n as u16).to_be_bytes().to_vec()
    });
    let behind_8f = of(0x8000, "CONCAT(0x8F, UNHEX(HEX(n + 32768)))", |n| {
        [0x8f]
            .into_iter()
            .chain((n as u16 + 0x8000).to_be_bytes())
            .collect()
    });
    // Every code of gb18030 that has four bytes.
    let four = of(
        126 * 12_600,
        "CHAR(129 + n DIV 12600, 48 + n DIV 1260 % 10, 129 + n DIV 10 % 126, 48 + n % 10)",
        |n| {
            let byte = |divisor, modulus, lowest| (n / divisor % modulus) as u8 + lowest;
            vec![
                byte(12_600, 126, 129),
                byte(1260, 10, 48),
                byte(10, 126, 129),
                byte(1, 10, 48),
            ]
        },
    );
    let unicode = of(
        0x11_0000 / 16,
        "UNHEX(LPAD(HEX(n * 16 + n % 16), 8, '0'))",
        |n| (n * 16 + n % 16).to_be_bytes().to_vec(),
    );
    match charset {
        name if ONE_BYTE.contains(&name) => vec![one],
        "utf32" => vec![unicode],
        "ucs2" | "utf16" | "utf16le" => vec![two],
        "ujis" | "eucjpms" => vec![one, two, behind_8f],
        "gb18030" => vec![one, two, four],
        _ => vec![one, two],
    }
}

/// Compares all codes and gives how many there were.
async fn compare(server: &mut Connection, charset: Charset, codes: &Codes) -> u32 {
    let name = charset.name;
    if name == "binary" {
        return 0;
    }
    let is_unicode = ["ucs2", "utf16", "utf16le", "utf32"].contains(&name);
    let numbers = numbers(codes.count);
    let sql = &codes.sql;
    let answers = query(
        server,
        &format!(
            "SELECT HEX(CONVERT(CONVERT({sql} USING {name}) USING utf32)) FROM ({numbers}) AS numbers ORDER BY n"
        ),
    )
    .await;
    assert_eq!(answers.len(), codes.count as usize);
    for (n, answer) in (0..).zip(&answers) {
        let bytes = (codes.bytes)(n);
        let before = replaced::noted();
        let mut out = Buffer::new();
        charset.encoding.write(&bytes, &mut out);
        let ours = String::from_utf8(out.as_slice().to_vec()).unwrap();
        let is_replaced = replaced::noted() > before;
        let theirs = answer[0]
            .as_deref()
            .and_then(|answer| text(answer, &bytes, is_unicode));
        match theirs {
            // MySQL leaves a character of eucjpms out that is cut off at the end.
            Some(theirs) if name == "eucjpms" && ours == theirs.clone() + "\u{fffd}" => {
                assert!(is_replaced, "{bytes:02x?}");
            }
            Some(theirs) => assert_eq!((ours, is_replaced), (theirs, false), "{name} {bytes:02x?}"),
            None => assert!(
                is_replaced && ours.contains('\u{fffd}'),
                "{name} {bytes:02x?} {ours}"
            ),
        }
    }
    codes.count
}

/// The server's text, in UTF-32; `None` if it shows `?` for a code that has no character, or nothing for one that is none, or
/// U+FFFD, which big5 has for a few.
fn text(utf32: &str, bytes: &[u8], is_unicode: bool) -> Option<String> {
    let digits = utf32.as_bytes().chunks(8);
    let text: Option<String> = digits
        .map(|digits| {
            let digits = std::str::from_utf8(digits).unwrap();
            char::from_u32(u32::from_str_radix(digits, 16).unwrap())
        })
        .collect();
    let questions = bytes.iter().filter(|byte| **byte == b'?').count();
    let is_question = |text: &str| text.matches('?').count() > questions;
    let is_replacement = |text: &str| text.contains('\u{fffd}') && !is_unicode;
    text.filter(|text| !text.is_empty() && !is_question(text) && !is_replacement(text))
}

/// A query of the numbers below `count` that every server understands.
fn numbers(count: u32) -> String {
    let digits = (0..16).map(|digit| format!("SELECT {digit} AS d"));
    let digits = digits.collect::<Vec<_>>().join(" UNION ALL ");
    let mut places = vec!["0".to_owned()];
    let mut tables = Vec::new();
    let mut place = 1u64;
    while place < u64::from(count) {
        let alias = format!("d{place}");
        places.push(format!("{alias}.d * {place}"));
        tables.push(format!("({digits}) AS {alias}"));
        place *= 16;
    }
    format!(
        "SELECT n FROM (SELECT {} AS n FROM {}) AS all_numbers WHERE n < {count}",
        places.join(" + "),
        tables.join(", ")
    )
}

/// The number of every collation, and its charset.
async fn collations(server: &mut Connection) -> Vec<(u16, String)> {
    let version = query(server, "SELECT VERSION()").await;
    let table = if version[0][0].as_deref().unwrap().contains("MariaDB") {
        "COLLATION_CHARACTER_SET_APPLICABILITY"
    } else {
        "COLLATIONS"
    };
    let sql = format!("SELECT ID, CHARACTER_SET_NAME FROM information_schema.{table}");
    let rows = query(server, &sql).await;
    let collations = rows.into_iter().map(|mut row| {
        let charset = row[1].take().unwrap();
        (row[0].take().unwrap().parse().unwrap(), charset)
    });
    collations.collect()
}

async fn query(server: &mut Connection, sql: &str) -> Vec<Vec<Option<String>>> {
    let rows = match server.query(sql).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {}", Fault::from(error)),
    };
    let columns = rows.columns.len();
    let text = |row: &wlf_mysql::protocol::text_resultset::Row| {
        (0..columns)
            .map(|n| row.text(n).map(str::to_owned))
            .collect()
    };
    rows.rows.iter().map(text).collect()
}

fn endpoint(variable: &str) -> Endpoint {
    let form = "must name a server, as in mysql://root:password@127.0.0.1:3306";
    let url = std::env::var(variable).unwrap_or_else(|_| panic!("{variable} {form}"));
    let parts = url
        .strip_prefix("mysql://")
        .and_then(|rest| rest.rsplit_once('@'))
        .and_then(|(who, at)| Some((who.split_once(':')?, at.rsplit_once(':')?)));
    let Some(((user, password), (host, port))) = parts else {
        panic!("{variable} {form}");
    };
    Endpoint {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        user: user.to_owned(),
        password: Secret::new(password),
        connector: std::sync::Arc::new(
            wlf_net::Connector::new(&wlf_net::Tls::default()).expect("no TLS on this machine"),
        ),
    }
}
