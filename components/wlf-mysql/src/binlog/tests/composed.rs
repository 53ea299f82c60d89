//! Events that no server here writes any more or yet, or not at will, composed as the manual describes them.

mod control;
mod rows;

use bytes::Bytes;
use serde_json::Value;

use super::recorded::{LIMITS, lines};
use crate::binlog::events::event_type as types;
use crate::binlog::events::header::Header;
use crate::binlog::tables::column_type;
use crate::binlog::{Assembler, Error, Taken};
use crate::positions::SavedPosition;

/// A binlog to which one event is added after the other, as a stream gives them.
pub(crate) struct Binlog {
    assembler: Assembler,
    /// Where the next event begins.
    pub(crate) end: u64,
    has_checksums: bool,
    version: &'static str,
}

/// The lengths of events' fixed parts, by type, as MySQL 9.7.4 gives them, and those of v1 rows events, which it writes no
/// more.
const POST_HEADERS: [u8; 42] = [
    0, 13, 0, 8, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 99, 0, 4, 26, 8, 8, 8, 8, 8, 8, 8, 2, 0, 0, 0, 10,
    10, 10, 42, 42, 0, 18, 52, 0, 10, 40, 0, 0,
];

impl Binlog {
    fn new() -> Self {
        Self::at(4)
    }

    /// Begins there in a file, with the description of its events.
    pub(crate) fn at(position: u64) -> Self {
        let mut binlog = Self {
            assembler: Assembler::new(LIMITS),
            end: position,
            has_checksums: true,
            version: "9.7.4",
        };
        binlog.assembler.start("binlog.000001", position, None);
        binlog.describe(true);
        binlog
    }

    /// Says how the events behind it are protected.
    fn describe(&mut self, checksums: bool) {
        self.has_checksums = true;
        let event = self.description_of(checksums);
        self.give(event).unwrap();
        self.has_checksums = checksums;
    }

    fn description(&mut self) -> Vec<u8> {
        self.description_of(true)
    }

    fn description_of(&mut self, checksums: bool) -> Vec<u8> {
        let mut body = vec![4, 0];
        body.extend(self.version.as_bytes());
        body.resize(2 + 50, 0);
        body.extend([0; 4]);
        body.push(Header::LENGTH as u8);
        body.extend(POST_HEADERS);
        body.push(u8::from(checksums));
        // It is protected itself, whatever it says.
        self.event(types::FORMAT_DESCRIPTION, 0, &body)
    }

    pub(crate) fn event(&mut self, code: u8, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = Header::LENGTH + body.len() + if self.has_checksums { 4 } else { 0 };
        let length = u32::try_from(length).unwrap();
        self.end += u64::from(length);
        // int<4>: the end, of which the upper half is lost
        let end = (self.end & u64::from(u32::MAX)) as u32;
        let mut event = 1_700_000_000_u32.to_le_bytes().to_vec();
        event.push(code);
        event.extend([1_u32, length, end].map(u32::to_le_bytes).concat());
        event.extend(flags.to_le_bytes());
        event.extend(body);
        if self.has_checksums {
            event.extend(wlf_core::checksum::crc32(&event).to_le_bytes());
        }
        event
    }

    fn give(&mut self, event: Vec<u8>) -> Result<(), Error> {
        let block = Bytes::from(event);
        let taken = self.assembler.take(&block, 0..block.len(), None)?;
        assert_eq!(taken, Taken::Event);
        Ok(())
    }

    fn take(&mut self, code: u8, body: &[u8]) -> Result<(), Error> {
        let event = self.event(code, 0, body);
        self.give(event)
    }

    fn query(&mut self, sql: &str) {
        self.take(types::QUERY, &query(sql)).unwrap();
    }

    /// A transaction of a TABLE_MAP and rows events.
    fn transaction(&mut self, map: &[u8], rows: &[(u8, Vec<u8>)]) -> Result<(), Error> {
        self.query("BEGIN");
        self.take(types::TABLE_MAP, map)?;
        for (code, rows) in rows {
            self.take(*code, rows)?;
        }
        self.take(types::XID, &7_u64.to_le_bytes())
    }

    /// The rows since the last time, and where they end.
    fn rows(&mut self) -> Vec<Value> {
        let batch = self.assembler.cut();
        let lines = lines(&batch.into_iter().collect::<Vec<_>>());
        let rows = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        rows.collect()
    }

    /// What `data` and `old` are of those rows.
    fn images(&mut self) -> Vec<(String, Value, Value)> {
        let image = |mut row: Value| {
            let kind = row["type"].as_str().unwrap().to_owned();
            (kind, row["data"].take(), row["old"].take())
        };
        self.rows().into_iter().map(image).collect()
    }

    fn position(&self) -> u64 {
        let saved: SavedPosition = serde_json::from_value(self.assembler.position().0).unwrap();
        saved.position
    }
}

/// A QUERY of the database `d`.
pub(crate) fn query(sql: &str) -> Vec<u8> {
    let mut body = vec![0; 8];
    // The database's name and its length, no error, no variables.
    body.extend([1, 0, 0, 0, 0, b'd', 0]);
    body.extend(sql.as_bytes());
    body
}

fn lenenc(number: usize) -> Vec<u8> {
    match u8::try_from(number) {
        Ok(small @ 0..=250) => vec![small],
        _ => {
            let [low, high] = u16::try_from(number).unwrap().to_le_bytes();
            vec![0xfc, low, high]
        }
    }
}

/// A TABLE_MAP of columns without type metadata, such as TINYINT, called c0, c1 and so on.
pub(crate) fn table_map(id: u64, table: &str, codes: &[u8]) -> Vec<u8> {
    let mut body = id.to_le_bytes()[..6].to_vec();
    body.extend([1, 0, 1, b'd', 0, table.len() as u8]);
    body.extend(table.as_bytes());
    body.push(0);
    body.extend(lenenc(codes.len()));
    body.extend(codes);
    body.extend(lenenc(0));
    body.resize(body.len() + codes.len().div_ceil(8), 0xff);
    let names = (0..codes.len()).flat_map(|n| {
        let name = format!("c{n}");
        [&[name.len() as u8], name.as_bytes()].concat()
    });
    body.extend(metadata(4, &names.collect::<Vec<u8>>()));
    body
}

/// A field of the optional metadata.
fn metadata(field: u8, value: &[u8]) -> Vec<u8> {
    [&[field], &lenenc(value.len())[..], value].concat()
}

/// What a rows event begins with; all columns are there in all images.
pub(crate) fn front(code: u8, id: u64, columns: usize) -> Vec<u8> {
    let mut body = id.to_le_bytes()[..6].to_vec();
    body.extend([1, 0]);
    if code >= types::WRITE_ROWS {
        body.extend([2, 0]);
    }
    body.extend(lenenc(columns));
    let is_update = [
        types::UPDATE_ROWS,
        types::UPDATE_ROWS_V1,
        types::PRE_GA_UPDATE_ROWS,
    ]
    .contains(&code);
    for _ in 0..if is_update { 2 } else { 1 } {
        body.extend(bits(columns, |_| true));
    }
    body
}

fn bits(count: usize, is_set: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut bits = vec![0; count.div_ceil(8)];
    for n in (0..count).filter(|n| is_set(*n)) {
        bits[n / 8] |= 1 << (n % 8);
    }
    bits
}

pub(crate) const TINY: u8 = column_type::TINY;

fn inserted(data: Value) -> (String, Value, Value) {
    ("insert".to_owned(), data, Value::Null)
}
