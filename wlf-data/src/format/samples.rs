//! The row of the reference, and encoders of it, for the tests of all formats.

use std::sync::Arc;
use std::time::Duration;

use super::{Encoder, Format};
use crate::data_type::DataType;
use crate::event::{Column, Event, Operation, Table};
use crate::schema_change::ChangePlace;
use crate::value::{Date, DateTime, Datum, OwnedRow, OwnedRows, Row};

pub const UTF8: &str = "utf8mb4";

/// A column as `name`, type and whether it is nullable.
pub fn column(name: &str, data_type: DataType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        data_type,
        nullable,
    }
}

pub fn table(columns: impl IntoIterator<Item = Column>, primary_key: &[usize]) -> Arc<Table> {
    Arc::new(Table::new(
        "shop",
        "t",
        columns.into_iter().collect(),
        primary_key.to_vec(),
    ))
}

/// `id INT UNSIGNED` and `name VARCHAR(20)`, with the key `id`.
pub fn small() -> Arc<Table> {
    let id = column("id", DataType::Int { unsigned: true }, false);
    table([id, column("name", varchar(20), true)], &[0])
}

pub fn varchar(characters: u32) -> DataType {
    DataType::VarChar {
        characters,
        charset: UTF8,
    }
}

pub fn labels() -> Arc<[String]> {
    Arc::from(["x".to_owned(), "y".to_owned()])
}

/// The table of the fixture that the reference gives in all formats.
pub fn fixture() -> Arc<Table> {
    let decimal = DataType::Decimal {
        precision: 5,
        scale: 2,
        unsigned: false,
    };
    let flags = DataType::Set {
        labels: labels(),
        charset: UTF8,
    };
    table(
        [
            column("id", DataType::Int { unsigned: true }, false),
            column("name", varchar(20), true),
            column("price", decimal, true),
            column("at", DataType::DateTime(3), true),
            column("flags", flags, true),
            column("bin", DataType::Binary(3), true),
        ],
        &[0],
    )
}

/// The fixture's row with a name. Its BINARY(3) is complete: the server leaves out zeros at the end.
pub fn fixture_row(name: &str) -> OwnedRow {
    let at = DateTime {
        date: Date {
            year: 2018,
            month: 6,
            day: 20,
        },
        hour: 6,
        minute: 37,
        second: 3,
        microsecond: 125_000,
        digits: 3,
    };
    vec![
        1u32.into(),
        name.into(),
        Datum::Decimal {
            unscaled: 150,
            scale: 2,
        },
        at.into(),
        Datum::Set {
            labels: labels(),
            chosen: 2,
        },
        vec![1u8, 2, 0].into(),
    ]
}

/// Where the reference's sample stands.
pub fn place() -> ChangePlace {
    ChangePlace {
        server: "mysql",
        file: "mysql-bin.000003".into(),
        position: 484,
        server_id: Some(223_344),
        thread_id: Some(7),
        gtid: None,
    }
}

/// An event at [`place`], a second before the clock.
pub fn event(table: &Arc<Table>, operation: Operation, rows: Vec<Row<OwnedRow>>) -> Event {
    let mut event = OwnedRows::at(place(), table, operation, rows);
    event.time = 1_700_000_000_000_000;
    event
}

pub fn insert(table: &Arc<Table>, row: OwnedRow) -> Event {
    event(table, Operation::Insert, vec![Row::Insert(row)])
}

pub fn update(table: &Arc<Table>, before: OwnedRow, after: OwnedRow) -> Event {
    event(
        table,
        Operation::Update,
        vec![Row::Update { before, after }],
    )
}

pub fn delete(table: &Arc<Table>, row: OwnedRow) -> Event {
    event(table, Operation::Delete, vec![Row::Delete(row)])
}

/// The format that a YAML text says, written as in a configuration: a word, or `{type: word, …}` with options.
pub fn format(yaml: &str) -> Format {
    let mut options: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
    let word = match &mut options {
        serde_json::Value::Object(options) => options.remove("type").unwrap(),
        word => std::mem::replace(word, serde_json::json!({})),
    };
    let word = word.as_str().unwrap();
    serde_json::from_value(serde_json::json!({word: options})).unwrap()
}

pub fn encoder(yaml: &str) -> Encoder {
    let clock = || Duration::from_nanos(1_700_000_000_123_456_789);
    Encoder::new(format(yaml)).with_keys().with_clock(clock)
}

/// A record in owned form.
#[derive(Debug, PartialEq, Eq)]
pub struct Owned {
    pub row: usize,
    pub value: Option<String>,
    pub key: Option<String>,
    pub header: Option<(String, String)>,
    pub view: Vec<u8>,
}

pub fn records(mut encoder: Encoder, events: &[Event]) -> Vec<Owned> {
    for event in events {
        encoder.encode(event).unwrap();
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    encoder
        .records()
        .map(|record| Owned {
            row: record.row,
            value: record.value.map(text),
            key: record.key.map(text),
            header: record
                .headers
                .iter()
                .next()
                .map(|(name, value)| (name.to_owned(), text(value))),
            view: record.view.to_vec(),
        })
        .collect()
}

/// The values of an event's records.
pub fn values(yaml: &str, event: &Event) -> Vec<String> {
    records(encoder(yaml), std::slice::from_ref(event))
        .into_iter()
        .filter_map(|record| record.value)
        .collect()
}

/// A value of the column `a` in a message, cut out of it: what is behind `"a":` and before the `}` that ends the row.
pub fn rendered(yaml: &str, data_type: DataType, nullable: bool, datum: Datum) -> String {
    let table = table([column("a", data_type, nullable)], &[]);
    let event = insert(&table, vec![datum]);
    let message = values(yaml, &event).remove(0);
    let (_, value) = message.split_once("\"a\":").unwrap();
    let end = [value.find("},\"source\""), value.find("}],\"database\"")];
    let end = end.into_iter().flatten().next().unwrap();
    value[..end].to_owned()
}
