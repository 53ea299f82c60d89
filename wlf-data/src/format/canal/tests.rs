use std::sync::Arc;

use crate::data_type::{BlobSize, DataType, GeometryType};
use crate::format::samples::*;
use crate::schema_change::{SchemaChange, SchemaChangeKind, TableDefinition};
use crate::value::{Datum, Time, Timestamp};

#[test]
fn writes_the_references_sample() {
    let event = update(
        &small(),
        vec![1.into(), "a".into()],
        vec![1.into(), "b".into()],
    );
    let mut encoder = encoder("canal");
    (0..9).for_each(|_| encoder.clear());
    let record = &records(encoder, &[event])[0];
    let expected = r#"{"data":[{"id":"1","name":"b"}],"database":"shop","es":1700000000000,"gtid":"","id":9,"isDdl":false,"mysqlType":{"id":"int unsigned","name":"varchar(20)"},"old":[{"name":"a"}],"pkNames":["id"],"sql":"","sqlType":{"id":4,"name":12},"table":"t","ts":1700000000123,"type":"UPDATE"}"#;
    assert_eq!(record.value.as_deref(), Some(expected));
    assert_eq!(record.key, None);
}

#[test]
fn writes_the_references_fixture() {
    let event = update(&fixture(), fixture_row("a"), fixture_row("b"));
    let message = &values("canal", &event)[0];
    let front = r#"{"data":[{"id":"1","name":"b","price":"1.50","at":"2018-06-20 06:37:03.125","flags":"2","bin":"\u0001\u0002\u0000"}],"database":"shop","#;
    assert!(message.starts_with(front), "{message}");
    let types = r#""mysqlType":{"id":"int unsigned","name":"varchar(20)","price":"decimal(5,2)","at":"datetime(3)","flags":"set('x','y')","bin":"binary(3)"},"old":[{"name":"a"}],"pkNames":["id"],"sql":"","sqlType":{"id":4,"name":12,"price":3,"at":93,"flags":-7,"bin":2004},"#;
    assert!(message.contains(types), "{message}");
}

#[test]
fn inserts_and_deletes_have_null_for_old() {
    let row = || vec![1.into(), Datum::Null];
    for (event, kind) in [
        (insert(&small(), row()), "INSERT"),
        (delete(&small(), row()), "DELETE"),
    ] {
        let message = &values("canal", &event)[0];
        assert!(
            message.starts_with(r#"{"data":[{"id":"1","name":null}],"#),
            "{message}"
        );
        assert!(message.contains(r#","old":null,"#), "{message}");
        assert!(
            message.ends_with(&format!("\"type\":\"{kind}\"}}")),
            "{message}"
        );
    }
    let without_key = table([column("a", varchar(9), true)], &[]);
    let message = &values("canal", &insert(&without_key, vec!["x".into()]))[0];
    assert!(message.contains(r#","pkNames":null,"#), "{message}");
}

#[test]
fn records_have_no_key_and_their_partition_is_chosen_by_the_primary_key() {
    let mut encoder = encoder("canal");
    encoder
        .encode(&insert(&small(), vec![1.into(), "a".into()]))
        .unwrap();
    let record = encoder.records().next().unwrap();
    assert_eq!(record.key, None);
    assert_eq!(
        record.identity,
        br#"{"database":"shop","table":"t","pk.id":1}"#
    );
}

#[test]
fn values_are_text() {
    let blob = || DataType::Blob(BlobSize::Normal);
    let time = Time {
        negative: true,
        hour: 1,
        microsecond: 500_000,
        digits: 1,
        ..Time::default()
    };
    let label = Datum::Enum {
        index: 2,
        label: "y".to_owned(),
    };
    let labels_type = || DataType::Enum {
        labels: labels(),
        charset: UTF8,
    };
    for (data_type, datum, expected) in [
        (DataType::Year, Datum::Year(0), "\"0000\""),
        (
            DataType::Double { unsigned: false },
            Datum::Double(1.5),
            "\"1.5\"",
        ),
        (
            DataType::Bit(64),
            Datum::UInt(u64::MAX),
            "\"18446744073709551615\"",
        ),
        (
            DataType::Timestamp(0),
            Datum::Timestamp(Timestamp::default()),
            "\"0000-00-00 00:00:00\"",
        ),
        (DataType::Time(1), time.into(), "\"-01:00:00.5\""),
        (
            blob(),
            vec![0xffu8, b'a', b'"', 1, 0x80].into(),
            "\"ÿa\\\"\\u0001\u{80}\"",
        ),
        (
            DataType::Geometry(GeometryType::Point),
            Datum::Geometry {
                srid: 1,
                wkb: vec![1, 0xe9],
            },
            "\"\\u0001\\u0000\\u0000\\u0000\\u0001é\"",
        ),
        (labels_type(), label, "\"2\""),
        (
            DataType::Json,
            Datum::Json("{\"a\":1}".into()),
            "\"{\\\"a\\\":1}\"",
        ),
        (
            DataType::Unknown,
            Datum::Number("1".repeat(70)),
            &format!("\"{}\"", "1".repeat(70)),
        ),
    ] {
        assert_eq!(rendered("canal", data_type, true, datum), expected);
    }
}

#[test]
fn the_type_of_an_unsigned_integer_follows_its_value() {
    for (data_type, most, number, raised) in [
        (DataType::TinyInt { unsigned: true }, 127, -6, 5),
        (DataType::SmallInt { unsigned: true }, 32_767, 5, 4),
        (DataType::Int { unsigned: true }, i32::MAX as u64, 4, -5),
        (DataType::BigInt { unsigned: true }, i64::MAX as u64, -5, 3),
    ] {
        let table = table([column("a", data_type, true)], &[]);
        for (value, number) in [(most, number), (most + 1, raised)] {
            let message = &values("canal", &insert(&table, vec![Datum::UInt(value)]))[0];
            let expected = format!("\"sqlType\":{{\"a\":{number}}},");
            assert!(message.contains(&expected), "{message}");
        }
    }
}

#[test]
fn statements_are_messages_of_their_kind() {
    let renamed = {
        let mut table = small();
        Arc::get_mut(&mut table).unwrap().name = "u".to_owned();
        table
    };
    for (kind, sql, new, expected) in [
        (
            SchemaChangeKind::TableCreate,
            "CREATE TABLE t (id int)",
            None,
            "CREATE",
        ),
        (
            SchemaChangeKind::TableAlter,
            "ALTER TABLE t ADD x int",
            Some(small()),
            "ALTER",
        ),
        (
            SchemaChangeKind::TableAlter,
            "RENAME TABLE t TO u",
            Some(renamed.clone()),
            "RENAME",
        ),
        (
            SchemaChangeKind::TableAlter,
            "ALTER TABLE t RENAME u",
            Some(renamed),
            "RENAME",
        ),
        (
            SchemaChangeKind::TableAlter,
            "create unique index i on t (a)",
            None,
            "CINDEX",
        ),
        (
            SchemaChangeKind::TableAlter,
            "DROP INDEX i ON t",
            None,
            "DINDEX",
        ),
        (SchemaChangeKind::TableDrop, "DROP TABLE t", None, "ERASE"),
        (
            SchemaChangeKind::TableTruncate,
            "TRUNCATE t",
            None,
            "TRUNCATE",
        ),
        (
            SchemaChangeKind::DatabaseCreate,
            "CREATE DATABASE shop",
            None,
            "QUERY",
        ),
    ] {
        let change = SchemaChange {
            kind,
            database: "shop".to_owned(),
            table: Some("t".to_owned()),
            old: None,
            new: new.map(|table| TableDefinition {
                table,
                charset: None,
            }),
            charset: None,
            sql: sql.to_owned(),
            place: place(),
        };
        let event = change.into_event(std::num::NonZeroU64::MIN, 1_700_000_001_000_000);
        let record = &records(encoder("canal"), &[event])[0];
        let message = format!(
            r#"{{"data":null,"database":"shop","es":1700000001000,"gtid":"","id":0,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"{sql}","sqlType":null,"table":"t","ts":1700000000123,"type":"{expected}"}}"#
        );
        assert_eq!(
            (record.value.as_ref(), &record.key),
            (Some(&message), &None)
        );
    }
}
