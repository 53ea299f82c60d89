use std::num::NonZeroU64;
use std::sync::Arc;

use crate::event::{Column, Event, Table, Transaction};
use crate::format::lanes::tests::{one_lane, read};
use crate::format::{Encoder, Format};
use crate::value::{Date, DateTime, Datum, OwnedRow, OwnedRows, Time};

fn table(columns: &[&str], primary_key: &[usize]) -> Arc<Table> {
    let columns = columns.iter().map(|name| Column::untyped(*name));
    Arc::new(Table::new(
        "shop",
        "t",
        columns.collect(),
        primary_key.to_vec(),
    ))
}

fn encoded(events: &[Event]) -> Vec<(String, String)> {
    let mut encoder = Encoder::new(Format::default()).with_keys();
    for event in events {
        encoder.encode(event).unwrap();
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let records: Vec<_> = encoder
        .records()
        .map(|row| (text(row.value.unwrap()), text(row.key.unwrap())))
        .collect();
    assert_eq!(records, in_lanes(events));
    records
}

/// The same, as rows are written into a lane.
fn in_lanes(events: &[Event]) -> Vec<(String, String)> {
    let (mut encoder, target) = one_lane();
    let mut rest = events;
    while !rest.is_empty() {
        encoder.lanes().aim(target, 0);
        let (whole, encoded) = encoder.encode_in_lanes(rest, usize::MAX);
        encoded.unwrap();
        rest = &rest[whole..];
    }
    encoder.lanes().fill();
    let Some((_, chunk)) = encoder.lanes().take_full() else {
        return Vec::new();
    };
    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
    let records = read(&chunk).into_iter();
    records
        .map(|record| (text(record.value), text(record.key)))
        .collect()
}

fn payloads(event: &Event) -> Vec<String> {
    encoded(std::slice::from_ref(event))
        .into_iter()
        .map(|(payload, _)| payload)
        .collect()
}

fn at(mut event: Event, seconds: i64, xid: u64, commit: bool) -> Event {
    event.time = seconds * 1_000_000;
    event.transaction = Some(Transaction {
        commit,
        ..Transaction::new(NonZeroU64::MIN, Some(xid))
    });
    event
}

fn item(id: u64, name: Datum, price: i64) -> OwnedRow {
    let at = DateTime {
        date: Date {
            year: 2023,
            month: 11,
            day: 14,
        },
        hour: 22,
        minute: 13,
        second: 20,
        microsecond: 125_000,
        digits: 3,
    };
    let price = Datum::Decimal {
        unscaled: price,
        scale: 2,
    };
    vec![id.into(), name, price, at.into()]
}

#[test]
fn writes_maxwells_golden_lines() {
    let table = table(&["id", "name", "price", "at"], &[0]);
    let a = || item(1, "a".into(), 150);
    let b = || item(1, "b".into(), 150);
    let mut second = item(2, Datum::Null, 0);
    second[3] = Datum::Null;
    let lines = encoded(&[
        at(
            OwnedRows::insert(&table, [a(), second]),
            1_700_000_000,
            77,
            true,
        ),
        at(
            OwnedRows::update(&table, [(a(), b())]),
            1_700_000_001,
            78,
            true,
        ),
        at(OwnedRows::delete(&table, [b()]), 1_700_000_002, 79, true),
    ]);
    let expected = [
        r#"{"database":"shop","table":"t","type":"insert","ts":1700000000,"xid":77,"xoffset":0,"data":{"id":1,"name":"a","price":1.50,"at":"2023-11-14 22:13:20.125"}}"#,
        r#"{"database":"shop","table":"t","type":"insert","ts":1700000000,"xid":77,"commit":true,"data":{"id":2,"name":null,"price":0.00,"at":null}}"#,
        r#"{"database":"shop","table":"t","type":"update","ts":1700000001,"xid":78,"commit":true,"data":{"id":1,"name":"b","price":1.50,"at":"2023-11-14 22:13:20.125"},"old":{"name":"a"}}"#,
        r#"{"database":"shop","table":"t","type":"delete","ts":1700000002,"xid":79,"commit":true,"data":{"id":1,"name":"b","price":1.50,"at":"2023-11-14 22:13:20.125"}}"#,
    ];
    let payloads: Vec<_> = lines.iter().map(|(payload, _)| payload.as_str()).collect();
    assert_eq!(payloads, expected);
    assert_eq!(lines[1].1, r#"{"database":"shop","table":"t","pk.id":2}"#);
}

#[test]
fn keys_are_lower_case_and_in_the_keys_order() {
    let table = table(&["Region", "ID"], &[1, 0]);
    let event = OwnedRows::insert(&table, [vec!["eu\"".into(), 7.into()]]);
    assert_eq!(
        encoded(&[event])[0].1,
        r#"{"database":"shop","table":"t","pk.id":7,"pk.region":"eu\""}"#
    );
    let event = OwnedRows::insert(&super::tests::table(&["a"], &[]), [vec![1.into()]]);
    assert_eq!(encoded(&[event])[0].1, r#"{"database":"shop","table":"t"}"#);
}

#[test]
fn minimal_images_give_the_key_in_data_and_old_only_for_columns_in_both() {
    let table = table(&["id", "a", "b", "c"], &[0]);
    let before = vec![1.into(), Datum::Absent, 5.into()];
    let after = vec![Datum::Absent, "x".into(), 6.into(), Datum::Absent];
    let event = OwnedRows::update(&table, [(before, after)]);
    let rows = encoded(&[event]);
    assert!(
        rows[0]
            .0
            .ends_with(r#","data":{"id":1,"a":"x","b":6},"old":{"b":5}}"#),
        "{}",
        rows[0].0
    );
    assert_eq!(rows[0].1, r#"{"database":"shop","table":"t","pk.id":1}"#);
}

#[test]
fn old_has_what_differs_to_the_eye() {
    let table = table(&["a", "b", "c"], &[]);
    let before = vec![Datum::Int(1), Datum::Null, "x".into()];
    let after = vec![Datum::UInt(1), "y".into(), Datum::Null];
    let event = OwnedRows::update(&table, [(before.clone(), after), (before.clone(), before)]);
    let rows = payloads(&event);
    assert!(
        rows[0].ends_with(r#""data":{"a":1,"b":"y","c":null},"old":{"b":null,"c":"x"}}"#),
        "{}",
        rows[0]
    );
    assert!(
        rows[1].ends_with(r#""data":{"a":1,"b":null,"c":"x"}}"#),
        "{}",
        rows[1]
    );
}

#[test]
fn offsets_go_on_where_the_transaction_stands() {
    let table = table(&["a"], &[]);
    let rows = (0..4).map(|n| vec![Datum::Int(n)]);
    let mut event = OwnedRows::insert(&table, rows);
    event.transaction = Some(Transaction {
        offset: 10,
        commit: true,
        ..Transaction::new(NonZeroU64::MIN, None)
    });
    let front = event.split_to(2);
    let lines = [payloads(&front), payloads(&event)].concat();
    let tails: Vec<_> = lines
        .iter()
        .map(|line| &line[line.find("\"ts\"").unwrap()..])
        .collect();
    assert_eq!(
        tails,
        [
            r#""ts":0,"xoffset":10,"data":{"a":0}}"#,
            r#""ts":0,"xoffset":11,"data":{"a":1}}"#,
            r#""ts":0,"xoffset":12,"data":{"a":2}}"#,
            r#""ts":0,"commit":true,"data":{"a":3}}"#,
        ]
    );
}

#[test]
fn renders_owned_values() {
    let table = table(&["a", "b", "c", "d", "e", "f"], &[]);
    let row = vec![
        Datum::Double(1.0),
        vec![0u8, 1, 2, 3].into(),
        Datum::Json(r#"{"a":[1,2]}"#.into()),
        Datum::Json(String::new()),
        Time {
            negative: true,
            second: 1,
            ..Time::default()
        }
        .into(),
        Datum::UInt(u64::MAX),
    ];
    let event = OwnedRows::insert(&table, [row]);
    assert!(payloads(&event)[0].ends_with(
        r#""data":{"a":1.0,"b":"AAECAw==","c":{"a":[1,2]},"d":null,"e":"-00:00:01","f":18446744073709551615}}"#
    ));
    let empty = OwnedRows::insert(&table, [vec![]]);
    assert!(payloads(&empty)[0].ends_with(r#""data":{}}"#));
}

#[test]
fn forgets_old_tables_and_not_the_current_ones() {
    let mut encoder = Encoder::new(Format::default());
    for n in 0..3000u32 {
        let columns = vec![Column::untyped(format!("c{n}"))];
        let table = Arc::new(Table::new("d", "t", columns, vec![]));
        encoder.clear();
        encoder
            .encode(&OwnedRows::insert(&table, [vec![n.into()]]))
            .unwrap();
        let text = String::from_utf8(encoder.payload().to_vec()).unwrap();
        assert!(
            text.ends_with(&format!(r#""data":{{"c{n}":{n}}}}}"#)),
            "{text}"
        );
    }
    assert!(encoder.remembered() <= crate::format::plans::PLANS);
}
