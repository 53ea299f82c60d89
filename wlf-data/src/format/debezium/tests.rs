use std::sync::Arc;

use serde_json::{Value, json};

use crate::data_type::{DataType, GeometryType};
use crate::event::Event;
use crate::format::pointed::{Member, find};
use crate::format::samples::*;
use crate::schema_change::{SchemaChange, SchemaChangeKind, TableDefinition};
use crate::value::{Date, DateTime, Datum, OwnedRow, Time, Timestamp};

const SRV: &str = "{type: debezium, topic_prefix: srv}";

fn parsed(text: &Option<String>) -> Value {
    serde_json::from_str(text.as_deref().unwrap()).unwrap()
}

#[test]
fn writes_the_references_golden_value() {
    let mut table = table(
        [
            column("id", DataType::Int { unsigned: false }, false),
            column("first_name", varchar(255), false),
        ],
        &[0],
    );
    Arc::get_mut(&mut table).unwrap().name = "customers".to_owned();
    let event = insert(&table, vec![1004.into(), "Anne".into()]);
    let record = &records(encoder(SRV), &[event])[0];
    let expected = r#"{"before":null,"after":{"id":1004,"first_name":"Anne"},"source":{"version":"3.7.0","connector":"mysql","name":"srv","ts_ms":1700000000000,"snapshot":"false","db":"shop","sequence":null,"ts_us":1700000000000000,"ts_ns":1700000000000000000,"table":"customers","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":484,"row":0,"thread":7,"query":null},"transaction":null,"op":"c","ts_ms":1700000000123,"ts_us":1700000000123456,"ts_ns":1700000000123456789}"#;
    let expected = expected.replace("3.7.0", env!("CARGO_PKG_VERSION"));
    assert_eq!(record.value, Some(expected));
    assert_eq!(record.key.as_deref(), Some(r#"{"id":1004}"#));
}

#[test]
fn writes_the_references_fixture() {
    let table = fixture();
    let event = update(&table, fixture_row("a"), fixture_row("b"));
    let message = &values(SRV, &event)[0];
    let row = |name| {
        format!(
            r#"{{"id":1,"name":"{name}","price":"AJY=","at":1529476623125,"flags":"y","bin":"AQIA"}}"#
        )
    };
    let images = format!(r#"{{"before":{},"after":{},"source":"#, row("a"), row("b"));
    assert!(message.starts_with(&images), "{message}");
    assert!(message.contains(r#","op":"u","#), "{message}");
}

#[test]
fn a_delete_has_its_row_before_it_and_a_tombstone_behind_it() {
    let event = delete(&small(), vec![1.into(), "a".into()]);
    let found = records(encoder("debezium"), std::slice::from_ref(&event));
    assert_eq!(found.len(), 2);
    let value = parsed(&found[0].value);
    assert_eq!(value["before"], json!({"id": 1, "name": "a"}));
    assert_eq!((&value["after"], &value["op"]), (&Value::Null, &json!("d")));
    assert_eq!(found[1].value, None);
    for record in &found {
        assert_eq!(record.key.as_deref(), Some(r#"{"id":1}"#));
        assert_eq!((record.row, &record.header), (0, &None));
    }
    let found = records(
        encoder("{type: debezium, tombstones_on_delete: false}"),
        &[event],
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn a_new_key_is_a_delete_a_tombstone_and_an_insert_that_name_each_other() {
    let event = update(
        &small(),
        vec![1.into(), "a".into()],
        vec![2.into(), "a".into()],
    );
    let encoder = encoder("debezium").with_templates([&"%{/data/id}".parse().unwrap()]);
    let found = records(encoder, &[event.clone(), event]);
    assert_eq!(found.len(), 6);
    for (row, records) in found.chunks(3).enumerate() {
        let ops = records.iter().map(|record| match &record.value {
            Some(_) => parsed(&record.value)["op"].clone(),
            None => Value::Null,
        });
        assert_eq!(
            ops.collect::<Vec<_>>(),
            [json!("d"), Value::Null, json!("c")]
        );
        let keys = records.iter().map(|record| record.key.as_deref().unwrap());
        assert_eq!(
            keys.collect::<Vec<_>>(),
            [r#"{"id":1}"#, r#"{"id":1}"#, r#"{"id":2}"#]
        );
        let new = Some(("__debezium.newkey".to_owned(), r#"{"id":2}"#.to_owned()));
        let old = Some(("__debezium.oldkey".to_owned(), r#"{"id":1}"#.to_owned()));
        let headers = records.iter().map(|record| record.header.clone());
        assert_eq!(headers.collect::<Vec<_>>(), [new.clone(), new, old]);
        assert!(records.iter().all(|record| record.row == row));
        let ids = (records.iter()).map(|record| find(&record.view, Member::Data, "id").unwrap());
        assert_eq!(ids.collect::<Vec<_>>(), [b"1", b"1", b"2"]);
        assert_eq!(parsed(&records[2].value)["before"], Value::Null);
    }
}

#[test]
fn a_key_that_looks_the_same_is_the_same() {
    let event = update(
        &small(),
        vec![Datum::Int(1), "a".into()],
        vec![Datum::UInt(1), "b".into()],
    );
    let found = records(encoder("debezium"), &[event]);
    assert_eq!(found.len(), 1);
    assert_eq!(parsed(&found[0].value)["op"], "u");
}

#[test]
fn without_a_primary_key_there_is_neither_key_nor_tombstone() {
    let table = table([column("a", varchar(9), true)], &[]);
    let mut encoder = encoder("debezium");
    encoder.encode(&delete(&table, vec!["x".into()])).unwrap();
    let found: Vec<_> = encoder.records().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, None);
    assert_eq!(found[0].identity, br#"{"database":"shop","table":"t"}"#);
}

#[test]
fn what_minimal_images_leave_out_is_taken_from_the_other_one_or_absent() {
    let columns = ["id", "a", "b", "c"];
    let columns = columns.map(|name| column(name, DataType::Int { unsigned: false }, true));
    let table = table(columns, &[0]);
    let before = || vec![1.into(), Datum::Absent, 5.into()];
    let event = update(&table, before(), vec![Datum::Absent, 7.into(), 6.into()]);
    let found = records(encoder("debezium"), &[event]);
    let value = parsed(&found[0].value);
    assert_eq!(value["before"], json!({"id": 1, "b": 5}));
    assert_eq!(value["after"], json!({"id": 1, "a": 7, "b": 6}));
    assert_eq!(found[0].key.as_deref(), Some(r#"{"id":1}"#));
    let event = update(&table, before(), vec![2.into(), 7.into()]);
    let found = records(encoder("debezium"), &[event]);
    assert_eq!(
        parsed(&found[2].value)["after"],
        json!({"id": 2, "a": 7, "b": 5})
    );
}

#[test]
fn rows_of_an_event_are_numbered_also_in_its_parts() {
    let rows = (0..4).map(|id| crate::value::Row::Insert(vec![Datum::Int(id)]));
    let mut event = event(&small(), crate::event::Operation::Insert, rows.collect());
    let front = event.split_to(3);
    let numbers: Vec<_> = (records(encoder("debezium"), &[front, event]).iter())
        .map(|record| parsed(&record.value)["source"]["row"].clone())
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn skipped_operations_give_no_record_and_count_as_rows() {
    let mut encoder = encoder("{type: debezium, skipped_operations: [d, t]}");
    encoder.encode(&delete(&small(), vec![1.into()])).unwrap();
    encoder.encode(&insert(&small(), vec![2.into()])).unwrap();
    assert_eq!(encoder.len(), 2);
    let rows: Vec<_> = encoder.records().map(|record| record.row).collect();
    assert_eq!(rows, [1]);
}

#[test]
fn values_are_those_of_the_default_modes() {
    let value = |data_type, datum| rendered("debezium", data_type, true, datum);
    let unsigned = true;
    let decimal = || DataType::Decimal {
        precision: 65,
        scale: 2,
        unsigned: false,
    };
    let number = |unscaled| Datum::Decimal { unscaled, scale: 2 };
    for (data_type, datum, expected) in [
        (DataType::Bit(1), Datum::UInt(1), "true"),
        (DataType::Bit(1), Datum::UInt(0), "false"),
        (DataType::Bit(10), Datum::UInt(0x0201), "\"AQI=\""),
        (DataType::TinyInt { unsigned }, Datum::UInt(255), "255"),
        (
            DataType::BigInt { unsigned },
            Datum::UInt(u64::MAX),
            "18446744073709551615",
        ),
        (
            DataType::Float { unsigned: false },
            Datum::Float(1.1),
            "1.1",
        ),
        (decimal(), number(150), "\"AJY=\""),
        (decimal(), number(-150), "\"/2o=\""),
        (decimal(), number(0), "\"AA==\""),
        (decimal(), number(12_345_678), "\"ALxhTg==\""),
        (decimal(), number(-1), "\"/w==\""),
        (decimal(), number(-128), "\"gA==\""),
        (decimal(), Datum::Number("1.50".into()), "\"AJY=\""),
        (decimal(), Datum::Number("-1.50".into()), "\"/2o=\""),
        (
            decimal(),
            Datum::Number("123456789012345678901234567890.12".into()),
            "\"AJvTCjxkWUPdFpCgOhQ=\"",
        ),
        (
            decimal(),
            Datum::Number("-123456789012345678901234567890.12".into()),
            "\"/2Qs9cObprwi6W9fxew=\"",
        ),
        (
            decimal(),
            Datum::Number(format!("-{}", "9".repeat(65))),
            "\"/wzp2OOAPG91dBC5sca6EIXayfYAAAAAAAAAAQ==\"",
        ),
        (DataType::Year, Datum::Year(2007), "2007"),
        (
            DataType::Json,
            Datum::Json(r#"{"a":1}"#.into()),
            r#""{\"a\":1}""#,
        ),
        (DataType::Json, Datum::Json(String::new()), "null"),
        (DataType::Uuid, "a".into(), "\"a\""),
        (DataType::Int { unsigned }, Datum::Null, "null"),
    ] {
        assert_eq!(value(data_type, datum), expected);
    }
}

#[test]
fn times_are_numbers_since_1970_or_text_in_utc() {
    let date = |year, month, day| Date { year, month, day };
    let datetime = |date, digits| {
        Datum::DateTime(DateTime {
            date,
            hour: 12,
            second: 1,
            microsecond: 120_000,
            digits,
            ..DateTime::default()
        })
    };
    let time = |negative, hour| {
        Datum::Time(Time {
            negative,
            hour,
            second: 1,
            ..Time::default()
        })
    };
    let instant = |second, digits| {
        Datum::Timestamp(Timestamp {
            second,
            digits,
            ..Timestamp::default()
        })
    };
    for (data_type, nullable, datum, expected) in [
        (DataType::Date, true, date(2018, 1, 1).into(), "17532"),
        (DataType::Date, true, date(1969, 12, 31).into(), "-1"),
        (DataType::Date, true, date(1, 1, 1).into(), "-719162"),
        (DataType::Date, true, date(9999, 12, 31).into(), "2932896"),
        (DataType::Date, true, date(2000, 2, 29).into(), "11016"),
        (DataType::Date, true, date(2024, 0, 0).into(), "null"),
        (DataType::Date, false, date(0, 0, 0).into(), "0"),
        (DataType::Date, true, date(2023, 2, 29).into(), "null"),
        (
            DataType::DateTime(2),
            true,
            datetime(date(1970, 1, 1), 2),
            "43201120",
        ),
        (
            DataType::DateTime(6),
            true,
            datetime(date(1970, 1, 1), 6),
            "43201120000",
        ),
        (
            DataType::DateTime(0),
            true,
            datetime(date(1969, 12, 31), 2),
            "-43198880",
        ),
        (
            DataType::DateTime(0),
            false,
            datetime(date(0, 0, 0), 0),
            "0",
        ),
        (DataType::Time(0), true, time(false, 12), "43201000000"),
        (DataType::Time(0), true, time(true, 838), "-3016801000000"),
        (
            DataType::Timestamp(0),
            true,
            instant(1_529_501_823, 0),
            "\"2018-06-20T13:37:03Z\"",
        ),
        (
            DataType::Timestamp(3),
            true,
            instant(1_529_501_823, 3),
            "\"2018-06-20T13:37:03.000Z\"",
        ),
        (DataType::Timestamp(0), true, instant(0, 0), "null"),
        (
            DataType::Timestamp(0),
            false,
            instant(0, 0),
            "\"1970-01-01T00:00:00Z\"",
        ),
        (
            DataType::Timestamp(3),
            false,
            instant(0, 3),
            "\"1970-01-01T00:00:00.000Z\"",
        ),
    ] {
        let shown = format!("{datum:?}");
        assert_eq!(
            rendered("debezium", data_type, nullable, datum),
            expected,
            "{shown}"
        );
    }
}

#[test]
fn shapes_are_structs() {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend([1.5f64, -2.0].map(f64::to_le_bytes).concat());
    let shape = |srid| Datum::Geometry {
        srid,
        wkb: wkb.clone(),
    };
    let point = DataType::Geometry(GeometryType::Point);
    assert_eq!(
        rendered("debezium", point, true, shape(0)),
        r#"{"x":1.5,"y":-2.0,"wkb":"AQEAAAAAAAAAAAD4PwAAAAAAAADA","srid":null}"#
    );
    let any = DataType::Geometry(GeometryType::Geometry);
    assert_eq!(
        rendered("debezium", any, true, shape(4326)),
        r#"{"wkb":"AQEAAAAAAAAAAAD4PwAAAAAAAADA","srid":4326}"#
    );
    let vector = [1.0f32, 2.5].map(f32::to_le_bytes).concat();
    assert_eq!(
        rendered("debezium", DataType::Vector(2), true, Datum::Vector(vector)),
        "[1.0,2.5]"
    );
}

#[test]
fn modes_change_decimals_integers_and_bytes() {
    let decimal = DataType::Decimal {
        precision: 5,
        scale: 2,
        unsigned: false,
    };
    let number = || Datum::Decimal {
        unscaled: 150,
        scale: 2,
    };
    let bytes = || Datum::Bytes(vec![0xfb, 0xff]);
    let blob = DataType::VarBinary(9);
    let big = DataType::BigInt { unsigned: true };
    for (options, data_type, datum, expected) in [
        ("decimal_handling_mode: double", &decimal, number(), "1.5"),
        (
            "decimal_handling_mode: string",
            &decimal,
            number(),
            "\"1.50\"",
        ),
        (
            "decimal_handling_mode: string",
            &decimal,
            Datum::Number("1.50".into()),
            "\"1.50\"",
        ),
        (
            "decimal_handling_mode: precise",
            &decimal,
            number(),
            "\"AJY=\"",
        ),
        (
            "bigint_unsigned_handling_mode: precise",
            &big,
            Datum::UInt(128),
            "\"AIA=\"",
        ),
        (
            "bigint_unsigned_handling_mode: long",
            &big,
            Datum::UInt(128),
            "128",
        ),
        ("binary_handling_mode: bytes", &blob, bytes(), "\"+/8=\""),
        ("binary_handling_mode: base64", &blob, bytes(), "\"+/8=\""),
        (
            "binary_handling_mode: base64-url-safe",
            &blob,
            bytes(),
            "\"-_8=\"",
        ),
        ("binary_handling_mode: hex", &blob, bytes(), "\"fbff\""),
    ] {
        let yaml = format!("{{type: debezium, {options}}}");
        assert_eq!(
            rendered(&yaml, data_type.clone(), true, datum),
            expected,
            "{options}"
        );
    }
}

/// Compares a payload with its schema as Kafka Connect's converter does when it reads both.
fn conforms(schema: &Value, value: &Value, at: &str) {
    if value.is_null() {
        assert_eq!(schema["optional"], true, "{at} is null");
        return;
    }
    match schema["type"].as_str().unwrap() {
        "struct" => {
            let members = value.as_object().unwrap_or_else(|| panic!("{at}: {value}"));
            let fields = schema["fields"].as_array().unwrap();
            let names: Vec<_> = fields
                .iter()
                .map(|f| f["field"].as_str().unwrap())
                .collect();
            assert_eq!(members.keys().collect::<Vec<_>>(), names, "{at}");
            for field in fields {
                let name = field["field"].as_str().unwrap();
                conforms(field, &value[name], &format!("{at}.{name}"));
            }
        }
        "array" => {
            for item in value.as_array().unwrap_or_else(|| panic!("{at}: {value}")) {
                conforms(&schema["items"], item, at);
            }
        }
        "string" | "bytes" => assert!(value.is_string(), "{at}: {value}"),
        "boolean" => assert!(value.is_boolean(), "{at}: {value}"),
        "float" | "double" => assert!(value.is_number(), "{at}: {value}"),
        kind => {
            let bits: u32 = kind.strip_prefix("int").unwrap().parse().unwrap();
            let number = value.as_i64().unwrap_or_else(|| panic!("{at}: {value}"));
            assert!(number.unsigned_abs() >> (bits - 1) == 0, "{at}: {value}");
        }
    }
}

#[test]
fn payloads_are_what_their_schemas_say() {
    let types: Vec<(DataType, Datum)> = vec![
        (
            DataType::Int { unsigned: true },
            Datum::UInt(u32::MAX.into()),
        ),
        (DataType::TinyInt { unsigned: true }, Datum::UInt(255)),
        (DataType::SmallInt { unsigned: true }, Datum::UInt(65_535)),
        (
            DataType::MediumInt { unsigned: true },
            Datum::UInt(0xff_ffff),
        ),
        (DataType::Bit(1), Datum::UInt(1)),
        (DataType::Bit(9), Datum::UInt(1)),
        (DataType::Double { unsigned: false }, Datum::Double(1.0)),
        (DataType::Date, Date::default().into()),
        (
            DataType::Timestamp(0),
            Datum::Timestamp(Timestamp::default()),
        ),
        (DataType::Json, Datum::Json("{}".into())),
        (DataType::Unknown, Datum::Int(5)),
        (DataType::Unknown, "text".into()),
        (DataType::Vector(1), Datum::Vector(vec![0; 4])),
        (
            DataType::Geometry(GeometryType::Polygon),
            Datum::Geometry {
                srid: 1,
                wkb: vec![1],
            },
        ),
    ];
    let columns = types.iter().enumerate();
    let columns = columns.map(|(n, (kind, _))| column(&format!("c{n}"), kind.clone(), n > 0));
    let table = table(columns, &[0]);
    let row: OwnedRow = types.into_iter().map(|(_, datum)| datum).collect();
    let events = [insert(&table, row.clone()), delete(&table, row)];
    for yaml in [
        "{type: debezium, schemas_enable: true}",
        "{type: cloudevents, schemas_enable: true}",
    ] {
        for record in records(encoder(yaml), &events) {
            let key = parsed(&record.key);
            conforms(&key["schema"], &key["payload"], "key");
            if record.value.is_some() {
                let value = parsed(&record.value);
                let value = value.get("data").unwrap_or(&value);
                conforms(&value["schema"], &value["payload"], "value");
            }
        }
    }
}

#[test]
fn schemas_are_those_of_debezium() {
    let yaml = "{type: debezium, topic_prefix: srv, schemas_enable: true}";
    let event = insert(&fixture(), fixture_row("a"));
    let record = &records(encoder(yaml), &[event])[0];
    assert_eq!(
        record.key.as_deref(),
        Some(
            r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"optional":false,"name":"srv.shop.t.Key"},"payload":{"id":1}}"#
        )
    );
    let value = record.value.as_deref().unwrap();
    let row = r#"{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"},{"type":"string","optional":true,"field":"name"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"5"},"field":"price"},{"type":"int64","optional":true,"name":"io.debezium.time.Timestamp","version":1,"field":"at"},{"type":"string","optional":true,"name":"io.debezium.data.EnumSet","version":1,"parameters":{"allowed":"x,y"},"field":"flags"},{"type":"bytes","optional":true,"field":"bin"}],"optional":true,"name":"srv.shop.t.Value","field":"before"}"#;
    let front = format!(
        r#"{{"schema":{{"type":"struct","fields":[{row},{},{{"type":"struct","fields":[{{"type":"string","optional":false,"field":"version"}},"#,
        row.replace("\"before\"", "\"after\"")
    );
    assert!(value.starts_with(&front), "{value}");
    let back = r#""optional":false,"name":"srv.shop.t.Envelope","version":2},"payload":{"before":null,"after":{"id":1,"#;
    assert!(value.contains(back), "{value}");
    assert!(value.ends_with("}}"), "{value}");
}

#[test]
fn a_cloud_event_has_the_source_in_its_attributes() {
    let event = insert(&small(), vec![1.into(), "a".into()]);
    let encoder = encoder("{type: cloudevents, topic_prefix: srv}");
    let record = &records(encoder, &[event])[0];
    let expected = r#"{"id":"name:srv;file:mysql-bin.000003;pos:484;row:0;op:c","source":"/debezium/mysql/srv","specversion":"1.0","type":"io.debezium.connector.mysql.DataChangeEvent","time":"2023-11-14T22:13:20.000Z","datacontenttype":"application/json","iodebeziumop":"c","iodebeziumversion":"3.7.0","iodebeziumconnector":"mysql","iodebeziumname":"srv","iodebeziumtsms":"1700000000000","iodebeziumsnapshot":"false","iodebeziumdb":"shop","iodebeziumsequence":null,"iodebeziumtsus":"1700000000000000","iodebeziumtsns":"1700000000000000000","iodebeziumtable":"t","iodebeziumserverid":"223344","iodebeziumgtid":null,"iodebeziumfile":"mysql-bin.000003","iodebeziumpos":"484","iodebeziumrow":0,"iodebeziumthread":"7","iodebeziumquery":null,"iodebeziumtxid":null,"iodebeziumtxtotalorder":null,"iodebeziumtxdatacollectionorder":null,"data":{"before":null,"after":{"id":1,"name":"a"}}}"#;
    let expected = expected.replace("3.7.0", env!("CARGO_PKG_VERSION"));
    assert_eq!(record.value, Some(expected));
    assert_eq!(record.key.as_deref(), Some(r#"{"id":1}"#));
    let header = (
        "content-type".to_owned(),
        "application/cloudevents+json".to_owned(),
    );
    assert_eq!(record.header, Some(header));
}

#[test]
fn each_cloud_event_has_an_id_of_its_own() {
    let row = |id: i32| vec![id.into(), "a".into()];
    let rows = (0..3).map(|id| crate::value::Row::Insert(row(id)));
    let inserts = event(&small(), crate::event::Operation::Insert, rows.collect());
    for (event, messages) in [(inserts, 3), (update(&small(), row(1), row(2)), 2)] {
        let found = records(encoder("cloudevents"), &[event]);
        let ids: Vec<_> = (found.iter())
            .filter(|record| record.value.is_some())
            .map(|record| parsed(&record.value)["id"].to_string())
            .collect();
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), unique.len()), (messages, messages), "{ids:?}");
    }
}

fn change(kind: SchemaChangeKind, sql: &str) -> Event {
    let definition = TableDefinition {
        table: small(),
        charset: Some("utf8mb4".to_owned()),
    };
    let change = SchemaChange {
        kind,
        database: "shop".to_owned(),
        table: Some("t".to_owned()),
        old: None,
        new: Some(definition),
        charset: None,
        sql: sql.to_owned(),
        place: place(),
    };
    change.into_event(std::num::NonZeroU64::MIN, 1_700_000_000_000_000)
}

#[test]
fn a_change_of_definitions_is_an_event_of_the_schema_change_topic() {
    let event = change(SchemaChangeKind::TableCreate, "CREATE TABLE t (…)");
    let record = &records(encoder(SRV), std::slice::from_ref(&event))[0];
    assert_eq!(record.key.as_deref(), Some(r#"{"databaseName":"shop"}"#));
    let value = parsed(&record.value);
    let members: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "source",
            "ts_ms",
            "databaseName",
            "schemaName",
            "ddl",
            "tableChanges"
        ]
    );
    assert_eq!(value["ddl"], "CREATE TABLE t (…)");
    assert_eq!(value["source"]["pos"], 484);
    let table = &value["tableChanges"][0];
    assert_eq!(
        (&table["type"], &table["id"]),
        (&json!("CREATE"), &json!("\"shop\".\"t\""))
    );
    assert_eq!(table["table"]["primaryKeyColumnNames"], json!(["id"]));
    assert_eq!(
        table["table"]["columns"][1],
        json!({"name": "name", "jdbcType": 12, "nativeType": null, "typeName": "VARCHAR", "typeExpression": "VARCHAR", "charsetName": "utf8mb4", "length": 20, "scale": null, "position": 2, "optional": true, "autoIncremented": null, "generated": null, "comment": null, "defaultValueExpression": null, "enumValues": []})
    );
    let yaml = "{type: debezium, schemas_enable: true}";
    let record = &records(encoder(yaml), &[event])[0];
    for text in [&record.key, &record.value] {
        let wrapped = parsed(text);
        conforms(&wrapped["schema"], &wrapped["payload"], "change");
    }
}

#[test]
fn truncate_is_an_event_of_its_own_if_it_is_not_skipped() {
    let event = change(SchemaChangeKind::TableTruncate, "TRUNCATE t");
    let record = &records(encoder(SRV), std::slice::from_ref(&event))[0];
    assert_eq!(parsed(&record.value)["tableChanges"], json!([]));
    let yaml = "{type: debezium, skipped_operations: []}";
    let record = &records(encoder(yaml), std::slice::from_ref(&event))[0];
    let value = parsed(&record.value);
    assert_eq!(record.key, None);
    assert_eq!(
        (&value["op"], &value["before"]),
        (&json!("t"), &Value::Null)
    );
    assert_eq!(value["source"]["table"], "t");
    let mut encoder = encoder("cloudevents");
    encoder.encode(&event).unwrap();
    assert_eq!((encoder.len(), encoder.records().count()), (1, 0));
}
