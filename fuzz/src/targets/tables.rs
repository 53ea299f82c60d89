//! Tables and the images of their rows.

use wlf_mysql::binlog::events::event_type as types;
use wlf_mysql::binlog::events::format_description::FormatDescription;
use wlf_mysql::binlog::events::metadata::Metadata;
use wlf_mysql::binlog::events::partial_update::{self, Completed};
use wlf_mysql::binlog::events::rows::RowsEvent;
use wlf_mysql::binlog::events::table_map::{TableMap, split_id};
use wlf_mysql::binlog::tables::column_type::{self, ColumnType};
use wlf_mysql::binlog::tables::table_plan::TablePlan;
use wlf_mysql::reader::Reader;

use super::{joined, parts};
use crate::allocation::justified;
use crate::recorded;

/// A TABLE_MAP, and what is prepared for its rows.
pub fn table_map(bytes: &[u8]) {
    super::values::read_charset_tables();
    justified(bytes.len(), 1024, 16 << 10, || {
        for is_mariadb in [false, true] {
            if let Some(plan) = plan(bytes, is_mariadb) {
                assert!(plan.columns.len() <= bytes.len());
            }
        }
    });
}

fn plan(body: &[u8], is_mariadb: bool) -> Option<TablePlan> {
    let (_, body) = split_id(body, false).ok()?;
    Some(match TableMap::decode(body, is_mariadb).ok()? {
        Ok(map) if map.metadata.names.is_empty() => TablePlan::nameless(&map),
        Ok(map) => TablePlan::from_metadata(&map),
        Err(unknown) => TablePlan::unknown_type(unknown),
    })
}

pub fn table_map_seeds() -> Vec<Vec<u8>> {
    recorded::bodies(&[types::TABLE_MAP])
}

/// The optional metadata of a table of many types.
pub fn metadata(bytes: &[u8]) {
    let columns = columns();
    justified(bytes.len(), 128, 16 << 10, || {
        for is_mariadb in [false, true] {
            if let Ok(metadata) = Metadata::decode(bytes, &columns, is_mariadb) {
                assert_eq!(metadata.collations.len(), columns.len());
                assert!(metadata.names.len() <= bytes.len());
            }
        }
    });
}

fn columns() -> Vec<ColumnType> {
    let of = |code: u8, metadata: &[u8]| {
        ColumnType::decode(code, &mut Reader::new(metadata)).expect("a column's type")
    };
    vec![
        of(column_type::LONG, &[]),
        of(column_type::VARCHAR, &[40, 0]),
        of(column_type::STRING, &[column_type::ENUM, 1]),
        of(column_type::STRING, &[column_type::SET, 2]),
        of(column_type::TINY, &[]),
        of(column_type::BLOB, &[2]),
        of(column_type::GEOMETRY, &[4]),
        of(column_type::NEWDECIMAL, &[10, 2]),
        of(column_type::STRING, &[column_type::STRING, 20]),
    ]
}

pub fn metadata_seeds() -> Vec<Vec<u8>> {
    let fields: [(u8, &[u8]); 13] = [
        (1, b"\xa0"),
        (2, b"\x2d\x01\x08"),
        (3, b"\x2d\x3f\xfc\xff\0"),
        (
            4,
            b"\x02id\x04name\x05state\x04tags\x04tiny\x04text\x05place\x05price\x05fixed",
        ),
        (5, b"\x02\x01a\x02bc"),
        (6, b"\x03\x03new\x03old\x00"),
        (7, b"\x01"),
        (8, b"\x00\x04"),
        (9, b"\x01\x05"),
        (10, b"\x2d"),
        (11, b"\x2d\xfc\xff\0"),
        (12, b"\xff\x80"),
        (200, b"of a later version"),
    ];
    let field = |(field, value): &(u8, &[u8])| [&[*field, value.len() as u8], *value].concat();
    let mut seeds: Vec<Vec<u8>> = fields.iter().map(field).collect();
    seeds.push(fields.iter().flat_map(field).collect());
    seeds
}

/// A TABLE_MAP, and a rows event with its type before it. Rows cut short are fewer, or an error.
pub fn rows(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (Some(map), Some([code, body @ ..])) = (parts.next(), parts.next()) else {
        return;
    };
    let decoded = RowsEvent::decode(*code, body, &FormatDescription::default());
    let (Some(plan), Ok(mut rows)) = (plan(map, false), decoded) else {
        return;
    };
    let mut images = 0;
    let walked = justified(bytes.len(), 1, 1024, || {
        rows.walk(&plan, |offset| {
            assert!(offset <= rows.rows.len());
            images += 1;
        })
    });
    let Ok(count) = walked else { return };
    let each = if rows.present_after.is_empty() { 1 } else { 2 };
    assert_eq!(images, count * each);
    let Some((_, short)) = rows.rows.split_last() else {
        return assert_eq!(count, 0);
    };
    rows.rows = short;
    if let Ok(fewer) = rows.walk(&plan, |_| {}) {
        assert!(fewer < count);
    }
}

pub fn rows_seeds() -> Vec<Vec<u8>> {
    with_tables(recorded::is_rows)
}

/// An update whose documents are differences becomes one that says the same and can be read.
pub fn partial_update(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (Some(map), Some([_, body @ ..])) = (parts.next(), parts.next()) else {
        return;
    };
    let format = FormatDescription::default();
    let decoded = RowsEvent::decode(types::PARTIAL_UPDATE_ROWS, body, &format);
    let (Some(plan), Ok(rows)) = (plan(map, false), decoded) else {
        return;
    };
    if plan.columns.len() != rows.columns {
        // The assembler refuses such an event before its rows are looked at.
        return;
    }
    let completed = justified(bytes.len(), 256, 16 << 10, || {
        partial_update::complete(&rows, &plan)
    });
    if let Ok(Completed::Rows(whole)) = completed {
        let rows = RowsEvent {
            rows: &whole,
            ..rows
        };
        rows.walk(&plan, |_| {}).expect("rows that can be read");
    }
}

pub fn partial_update_seeds() -> Vec<Vec<u8>> {
    with_tables(|code| code == types::PARTIAL_UPDATE_ROWS)
}

/// The rows events of these types, each with the TABLE_MAP before it.
fn with_tables(is_wanted: fn(u8) -> bool) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for events in recorded::files() {
        let mut map: Option<&[u8]> = None;
        for event in events {
            match event.header.code {
                types::TABLE_MAP => map = Some(&event.body),
                code if is_wanted(code) && event.body.len() < 10_000 => {
                    let rows = [&[code], &event.body[..]].concat();
                    seeds.extend(map.map(|map| joined([map, &rows])));
                }
                _ => {}
            }
        }
    }
    seeds
}
