//! Single values.

use std::sync::Once;

use wlf_core::format::{Buffer, Encoder, Format};
use wlf_core::value::{Columns, Geometry, Row, Rows, Value, Visitor};
use wlf_core::{Column, Table};
use wlf_mysql::binlog::json::document::Node;
use wlf_mysql::binlog::json::{jsonb as json, path};
use wlf_mysql::binlog::tables::table_plan::Kind;
use wlf_mysql::binlog::values::{decimal as decimals, old_temporal, temporal as times};
use wlf_mysql::charset::Charset;
use wlf_mysql::reader::Malformed;

use super::{joined, parts};
use crate::allocation::justified;
use crate::recorded;

/// How many seeds of one target are enough.
const SEEDS: usize = 300;

/// The values of the recorded rows for which `seed` has bytes, each once.
fn seeds(seed: impl Fn(&Kind, &[u8]) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    recorded::values(|kind, value| seeds.extend(seed(kind, value)));
    seeds.retain(|seed| seed.len() < 10_000);
    seeds.sort();
    seeds.dedup();
    assert!(!seeds.is_empty());
    let step = seeds.len().div_ceil(SEEDS);
    seeds.into_iter().step_by(step).collect()
}

/// A document is JSON, or an error.
pub fn jsonb(bytes: &[u8]) {
    justified(bytes.len(), 128, 4096, || {
        let mut out = Buffer::new();
        if json::write(bytes, &mut out).is_ok() {
            let value = serde_json::from_slice::<&serde_json::value::RawValue>(&out);
            assert!(value.is_ok(), "{}", String::from_utf8_lossy(&out));
        }
    });
}

pub fn jsonb_seeds() -> Vec<Vec<u8>> {
    seeds(|kind, value| matches!(kind, Kind::Json).then(|| value.to_vec()))
}

/// A document in which a value is replaced, put in and taken out: what is written of it can be opened again.
pub fn json_document(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (Some(document), Some(path), Some(value)) = (parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    justified(bytes.len(), 256, 16 << 10, || {
        let Ok(path) = path::path(path) else {
            return;
        };
        for change in 0..3 {
            let (Ok(mut node), Ok(value)) = (Node::stored(document), Node::stored(value)) else {
                return;
            };
            let changed = match change {
                0 => node.replace(&path, value),
                1 => node.insert(&path, value),
                _ => node.remove(&path),
            };
            if changed.is_ok()
                && let Ok(encoded) = node.encode()
            {
                assert!(Node::stored(&encoded).is_ok(), "{encoded:?}");
            }
        }
    });
}

pub fn json_document_seeds() -> Vec<Vec<u8>> {
    let paths = ["$", "$.a", "$[0]", "$[last-1]", "$.\"two words\"[3].b"];
    let documents = jsonb_seeds().into_iter().zip(paths.iter().cycle());
    let value = b"\x0c\x05value";
    documents
        .map(|(document, path)| joined([&document[..], path.as_bytes(), value]))
        .collect()
}

/// A number has its scale's digits behind the point, and both ways to read it agree.
pub fn decimal(bytes: &[u8]) {
    let [precision @ 1..=65, scale @ 0..=30, packed @ ..] = bytes else {
        return;
    };
    let (precision, scale) = (*precision, *scale);
    if scale > precision || packed.len() != usize::from(decimals::packed_length(precision, scale)) {
        return;
    }
    let mut out = Buffer::new();
    let written = justified(bytes.len(), 16, 1024, || {
        decimals::write(packed, precision, scale, &mut out)
    });
    let unscaled = decimals::unscaled(packed, precision, scale);
    if written.is_err() {
        return assert_eq!(unscaled, None);
    }
    let text = std::str::from_utf8(&out).expect("text");
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(
        !whole.is_empty() && fraction.len() == usize::from(scale),
        "{text}"
    );
    assert!(
        (whole.bytes().chain(fraction.bytes())).all(|digit| digit.is_ascii_digit()),
        "{text}"
    );
    if precision <= 18 {
        let plain: i64 = text.replace('.', "").parse().expect("a number");
        assert_eq!(Some(plain), unscaled, "{text}");
    }
}

pub fn decimal_seeds() -> Vec<Vec<u8>> {
    seeds(|kind, value| match kind {
        Kind::Decimal { precision, scale } => Some([&[*precision, *scale], value].concat()),
        _ => None,
    })
}

/// A date or time is text of digits and a few marks.
pub fn temporal(bytes: &[u8]) {
    let [kind, digits @ 0..=6, value @ ..] = bytes else {
        return;
    };
    let mut out = Buffer::new();
    let value = match kind % 8 {
        0 => times::datetime2(value, *digits).map(Value::DateTime),
        1 => times::timestamp2(value, *digits).map(Value::Timestamp),
        2 => times::time2(value, *digits).map(Value::Time),
        3 => value
            .first_chunk()
            .map(|value| Value::Date(times::date(*value))),
        4 => old_temporal::time(value, *digits).map(Value::Time),
        5 => old_temporal::datetime(value, *digits).map(Value::DateTime),
        6 => old_temporal::timestamp(value, *digits).map(Value::Timestamp),
        _ => match value.split_first_chunk() {
            Some((packed, [code, ..])) => times::in_json(*code, *packed),
            _ => None,
        },
    };
    let Some(value) = value else { return };
    justified(bytes.len(), 64, 16 << 10, || one_value(value, &mut out));
    let text = std::str::from_utf8(&out).expect("text");
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ' ' | '"');
    assert!(text.chars().all(is_part) && text.len() <= 32, "{text}");
}

pub fn temporal_seeds() -> Vec<Vec<u8>> {
    let plain = seeds(|kind, value| {
        let (number, digits) = match kind {
            Kind::DateTime2(digits) => (0, *digits),
            Kind::Timestamp2(digits) => (1, *digits),
            Kind::Time2(digits) => (2, *digits),
            Kind::Date => (3, 0),
            _ => return None,
        };
        Some([&[number, digits], value].concat())
    });
    // As they stood before MySQL 5.6.4, and in a JSON document.
    let old = [
        &[4, 0, 0x4f, 0xc3, 0x03][..],
        &[5, 0, 0x3e, 0xd6, 0xb5, 0x8c, 0x56, 0x12, 0, 0],
    ];
    let in_json = [7, 0, 0, 0, 0, 0x80, 0x1e, 0x5f, 0xb2, 0x19, 12];
    plain
        .into_iter()
        .chain(old.map(<[u8]>::to_vec))
        .chain([in_json.to_vec()])
        .collect()
}

/// One collation of each charset (`SHOW CHARACTER SET`).
const COLLATIONS: [u16; 47] = [
    1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 19, 22, 23, 24, 25, 26, 28, 29, 30, 32, 33,
    35, 36, 37, 38, 39, 40, 41, 45, 50, 51, 54, 56, 57, 59, 60, 63, 92, 95, 97, 248, 255,
];

/// Reads the tables of all charsets, which happens once in a process and is no matter of its input.
pub fn read_charset_tables() {
    static READ: Once = Once::new();
    READ.call_once(|| {
        for collation in COLLATIONS {
            Charset::of_collation(collation).decode(&[0xb0, 0xa1, 0xb0, 0xa1]);
        }
    });
}

/// Text becomes UTF-8, whatever its charset, and stays what it is if it was UTF-8 already.
pub fn charset(bytes: &[u8]) {
    let Some((collation, text)) = bytes.split_first_chunk() else {
        return;
    };
    read_charset_tables();
    let encoding = Charset::of_collation(u16::from_le_bytes(*collation)).encoding;
    let mut out = Buffer::new();
    justified(bytes.len(), 16, 4096, || encoding.write(text, &mut out));
    let written = std::str::from_utf8(&out).expect("UTF-8");
    if encoding.is_utf8(text) {
        assert_eq!(written, String::from_utf8_lossy(text));
    }
}

pub fn charset_seeds() -> Vec<Vec<u8>> {
    let text = "a€é漢字\u{1f600}~\\".as_bytes();
    let bytes = [
        0x80, 0x81, 0x5c, 0x7e, 0xa1, 0xa1, 0xd8, 0, 0xdc, 0, 0xff, 0x8e, 0xb1,
    ];
    let seed = |collation: u16| [&collation.to_le_bytes(), text, &bytes].concat();
    COLLATIONS.map(seed).to_vec()
}

/// A shape is text, or the bytes that it could not be read from.
pub fn geometry(bytes: &[u8]) {
    let mut out = Buffer::new();
    // A number of 8 bytes may have more than 300 digits, since it is written without exponent.
    justified(bytes.len(), 128, 16 << 10, || {
        one_value(
            Value::Geometry(Geometry {
                srid: 0,
                wkb: bytes,
            }),
            &mut out,
        )
    });
    let text = serde_json::from_slice::<String>(&out);
    assert!(text.is_ok(), "{}", String::from_utf8_lossy(&out));
}

pub fn geometry_seeds() -> Vec<Vec<u8>> {
    seeds(|kind, value| match kind {
        Kind::Geometry => value.get(4..).map(<[u8]>::to_vec),
        _ => None,
    })
}

/// Writes the value as a row's only column is written.
fn one_value(value: Value<'_>, out: &mut Buffer) {
    let table = Table::new("d", "t", vec![Column::untyped("c")], Vec::new());
    let event = wlf_core::value::OwnedRows::insert(&table.into(), []);
    let mut encoder = Encoder::new(Format::default());
    let encoded = encoder.encode_rows(&event, &mut OneValue(Some(value)));
    assert!(encoded.is_ok());
    let row = encoder.payload();
    let begin = row
        .windows(4)
        .position(|window| window == b"\"c\":")
        .expect("the column")
        + 4;
    out.put(&row[begin..row.len() - 2]);
}

/// A row of one column.
struct OneValue<'a>(Option<Value<'a>>);

impl<'a> Rows for OneValue<'a> {
    type Error = Malformed;
    type Columns = OneColumn<'a>;

    fn next(&mut self) -> Result<Option<Row<OneColumn<'a>>>, Malformed> {
        let column = |value| {
            Row::Insert(OneColumn {
                value,
                is_read: false,
            })
        };
        Ok(self.0.take().map(column))
    }
}

#[derive(Clone)]
struct OneColumn<'a> {
    value: Value<'a>,
    is_read: bool,
}

impl Columns for OneColumn<'_> {
    type Error = Malformed;

    fn next(&mut self) -> Result<Option<usize>, Malformed> {
        Ok((!std::mem::replace(&mut self.is_read, true)).then_some(0))
    }

    fn visit<'a, V: Visitor<'a>>(&'a self, visitor: V) -> Result<V::Output, Malformed> {
        Ok(visitor.visit(self.value))
    }

    fn same(&self, _: &Self) -> bool {
        false
    }

    fn write(&self, _: &mut Buffer) -> Result<(), Malformed> {
        Ok(())
    }
}
