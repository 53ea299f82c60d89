use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::data_type::DataType;
use crate::event::{Changes, EncodeError, Event, Operation, Transaction};
use crate::format::pointed::{Member, find};
use crate::format::samples::*;
use crate::format::{Buffer, Encoder, Format};
use crate::origin::Origin;
use crate::schema_change::{ChangePlace, SchemaChange, SchemaChangeKind};
use crate::template::Template;
use crate::value::{
    Columns, Date, DateTime, Datum, OwnedRow, OwnedRows, Row, Rows, Timestamp, Value, Visitor,
};

/// An insert as in Maxwell's own test of all options, `RowMapTest.testToJSONWithRawJSONData`.
fn maxwells(data: OwnedRow) -> Event {
    let names = ["id", "first_name", "json"];
    let columns = names.map(|name| column(name, DataType::Unknown, true));
    let table = table(columns, &[0, 1]);
    let place = ChangePlace {
        server: "mysql",
        file: "binlog-0001".into(),
        position: 1,
        server_id: Some(7_653_213),
        thread_id: Some(6_532_312),
        gtid: None,
    };
    let mut event = OwnedRows::at(place, &table, Operation::Insert, [Row::Insert(data)]);
    event.time = 1_496_712_943_000_000;
    event.transaction = Some(transaction(None, true));
    event
}

#[test]
fn all_options_are_in_maxwells_order() {
    let event = maxwells(vec![
        9001.into(),
        "foo".into(),
        Datum::Json(r#"{"a":[1]}"#.into()),
    ]);
    let yaml = "{type: maxwell, output_binlog_position: true, output_gtid_position: true, \
                output_server_id: true, output_thread_id: true, output_primary_keys: true, \
                output_primary_key_columns: true, output_push_timestamp: true}";
    let expected = r#"{"database":"shop","table":"t","type":"insert","ts":1496712943,"commit":true,"position":"binlog-0001:1","gtid":null,"server_id":7653213,"thread_id":6532312,"push_ts":1700000000.123456,"primary_key":[9001,"foo"],"primary_key_columns":["id","first_name"],"data":{"id":9001,"first_name":"foo","json":{"a":[1]}}}"#;
    assert_eq!(values(yaml, &event), [expected]);
}

#[test]
fn names_are_in_camel_case_and_those_in_lists_and_keys_are_not() {
    let event = maxwells(vec![1.into(), "x".into(), Datum::Null]);
    let yaml = "{type: maxwell, output_server_id: true, output_thread_id: true, \
                output_push_timestamp: true, output_primary_keys: true, \
                output_primary_key_columns: true, output_naming_strategy: underscore_to_camelcase}";
    let expected = r#"{"database":"shop","table":"t","type":"insert","ts":1496712943,"commit":true,"serverId":7653213,"threadId":6532312,"pushTs":1700000000.123456,"primaryKey":[1,"x"],"primaryKeyColumns":["id","first_name"],"data":{"id":1,"firstName":"x","json":null}}"#;
    let found = records(encoder(yaml), &[event]);
    assert_eq!(found[0].value.as_deref(), Some(expected));
    let key = r#"{"database":"shop","table":"t","pk.id":1,"pk.first_name":"x"}"#;
    assert_eq!(found[0].key.as_deref(), Some(key));
}

fn transaction(xid: Option<u64>, commit: bool) -> Transaction {
    Transaction {
        commit,
        ..Transaction::new(NonZeroU64::MIN, xid)
    }
}

/// The message from its place in the transaction on.
fn tail(yaml: &str, event: &Event) -> String {
    let mut event = event.clone();
    let commit = event
        .transaction
        .is_some_and(|transaction| transaction.commit);
    event.transaction = Some(transaction(Some(77), commit));
    let message = values(yaml, &event).remove(0);
    let (_, tail) = message.split_once("\"ts\":1700000000").unwrap();
    tail.to_owned()
}

#[test]
fn the_place_in_the_transaction_may_be_left_out() {
    let event = insert(&small(), vec![1.into()]);
    let data = r#","data":{"id":1}}"#;
    for (option, expected) in [
        ("output_commit_info: false", ""),
        ("output_commit_info: false, output_xoffset: true", ""),
        ("output_xoffset: false", r#","xid":77"#),
        ("output_nulls: false", r#","xid":77,"xoffset":0"#),
    ] {
        let yaml = format!("{{type: maxwell, {option}}}");
        assert_eq!(tail(&yaml, &event), format!("{expected}{data}"), "{option}");
    }
    let mut last = event;
    last.transaction = Some(transaction(None, true));
    let found = tail("{type: maxwell, output_xoffset: false}", &last);
    assert_eq!(found, format!(r#","xid":77,"commit":true{data}"#));
}

/// One row without columns, which comes with its statement.
#[derive(Debug, Clone)]
struct Stated {
    rows: u32,
}

impl Rows for Stated {
    type Error = Infallible;
    type Columns = Self;

    fn next(&mut self) -> Result<Option<Row<Self>>, Infallible> {
        self.rows += 1;
        Ok((self.rows == 1).then(|| Row::Insert(self.clone())))
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            query: Some("INSERT \"ü\""),
            ..Origin::default()
        }
    }
}

impl Columns for Stated {
    type Error = Infallible;

    fn next(&mut self) -> Result<Option<usize>, Infallible> {
        Ok(None)
    }

    fn visit<'a, V: Visitor<'a>>(&'a self, visitor: V) -> Result<V::Output, Infallible> {
        Ok(visitor.visit(Value::Null))
    }

    fn same(&self, _: &Self) -> bool {
        true
    }

    fn write(&self, _: &mut Buffer) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Changes for Stated {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        encoder
            .encode_rows(event, &mut self.clone())
            .map_err(|failed| match failed.error {})
    }
}

#[test]
fn the_statement_is_cut_to_characters() {
    let mut event = insert(&small(), vec![]);
    event.changes = Arc::new(Stated { rows: 0 });
    for (length, expected) in [
        (0, r#""query":"INSERT \"ü\"","#),
        (9, r#""query":"INSERT \"ü","#),
        (7, r#""query":"INSERT ","#),
        (100, r#""query":"INSERT \"ü\"","#),
    ] {
        let yaml =
            format!("{{type: maxwell, output_row_query: true, row_query_max_length: {length}}}");
        let message = &values(&yaml, &event)[0];
        let expected = format!(r#"{{"database":"shop","table":"t",{expected}"type":"insert","#);
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn nulls_may_be_left_out_of_data_and_old() {
    let yaml = "{type: maxwell, output_nulls: false, output_commit_info: false}";
    let names = ["id", "a", "b"];
    let columns = names.map(|name| column(name, DataType::Unknown, true));
    let table = table(columns, &[0]);
    let row = |a: Option<&str>, b: Option<&str>| vec![1.into(), a.into(), b.into()];
    for (before, after, expected) in [
        (
            row(None, Some("x")),
            row(Some("y"), None),
            r#""data":{"id":1,"a":"y"},"old":{"b":"x"}}"#,
        ),
        (
            row(None, None),
            row(Some("y"), None),
            r#""data":{"id":1,"a":"y"},"old":{}}"#,
        ),
        (row(None, None), row(None, None), r#""data":{"id":1}}"#),
    ] {
        let message = &values(yaml, &update(&table, before, after))[0];
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn zero_dates_may_be_null() {
    let yaml = "{type: maxwell, output_null_zerodates: true, output_commit_info: false}";
    let date = |year, month, day| Date { year, month, day };
    let names = ["a", "b", "c", "d"];
    let columns = names.map(|name| column(name, DataType::Unknown, true));
    let table = table(columns, &[]);
    let row: OwnedRow = vec![
        date(0, 0, 0).into(),
        DateTime {
            date: date(2024, 0, 1),
            ..DateTime::default()
        }
        .into(),
        Datum::Timestamp(Timestamp::default()),
        date(2024, 2, 29).into(),
    ];
    let message = &values(yaml, &insert(&table, row.clone()))[0];
    let expected = r#""data":{"a":null,"b":null,"c":null,"d":"2024-02-29"}}"#;
    assert!(message.ends_with(expected), "{message}");
    let mut after = row.clone();
    after[0] = Datum::Null;
    after[2] = Datum::Timestamp(Timestamp {
        second: 1,
        ..Timestamp::default()
    });
    let message = &values(yaml, &update(&table, row, after))[0];
    assert!(message.ends_with(r#","old":{"c":null}}"#), "{message}");
}

#[test]
fn excluded_columns_are_in_neither_data_nor_old_but_in_the_primary_key() {
    let yaml = "{type: maxwell, exclude_columns: [id, /^sec/], output_primary_keys: true, \
                output_commit_info: false}";
    let names = ["id", "secret", "a"];
    let columns = names.map(|name| column(name, DataType::Unknown, true));
    let table = table(columns, &[0]);
    let row = |secret: &str, a: &str| vec![1.into(), secret.into(), a.into()];
    for (after, expected) in [
        (
            row("y", "b"),
            r#""primary_key":[1],"data":{"a":"b"},"old":{"a":"a"}}"#,
        ),
        (row("y", "a"), r#""primary_key":[1],"data":{"a":"a"}}"#),
    ] {
        let message = &values(yaml, &update(&table, row("x", "a"), after))[0];
        assert!(message.ends_with(expected), "{message}");
    }
}

/// Options that change nothing that these rows have give the same bytes as the plain way does.
#[test]
fn both_ways_write_the_same() {
    let table = fixture();
    let mut minimal = fixture_row("x");
    minimal[2] = Datum::Absent;
    let events = [
        insert(&table, fixture_row("a")),
        update(&table, fixture_row("a"), fixture_row("b")),
        update(&table, fixture_row("a"), minimal.clone()),
        update(&table, minimal, fixture_row("b")),
        delete(&table, fixture_row("\"")),
    ];
    let plain = records(encoder("maxwell"), &events);
    let others = records(
        encoder("{type: maxwell, output_null_zerodates: true}"),
        &events,
    );
    for (plain, other) in plain.iter().zip(&others) {
        assert_eq!(plain.value, other.value);
        assert_eq!(plain.key, other.key);
    }
}

#[test]
fn writes_the_references_fixture() {
    let event = update(&fixture(), fixture_row("a"), fixture_row("b"));
    let message = &values("maxwell", &event)[0];
    // BINARY is padded, as SELECT shows it.
    let expected = r#""data":{"id":1,"name":"b","price":1.50,"at":"2018-06-20 06:37:03.125","flags":["y"],"bin":"AQIA"},"old":{"name":"a"}}"#;
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn every_format_shows_its_rows_to_templates_as_maxwells_json() {
    let table = fixture();
    let mut events = [
        insert(&table, fixture_row("a")),
        update(&table, fixture_row("a"), fixture_row("b")),
        delete(&table, fixture_row("b")),
    ];
    for (event, commit) in events.iter_mut().zip([false, true, false]) {
        event.transaction = Some(Transaction {
            number: NonZeroU64::MIN,
            xid: Some(77),
            offset: 3,
            commit,
        });
    }
    let plain = records(Encoder::new(Format::default()), &events);
    let pointers = table
        .columns
        .iter()
        .flat_map(|column| ["data", "old"].map(|of| format!("%{{/{of}/{}}}", column.name)));
    let templates: Vec<Template> = pointers
        .chain(["%{/ts}".to_owned()])
        .map(|template| template.parse().unwrap())
        .collect();
    for yaml in [
        "maxwell",
        "debezium",
        "canal",
        "cloudevents",
        "{type: maxwell, exclude_columns: [id], output_naming_strategy: underscore_to_camelcase}",
    ] {
        let mut found = records(encoder(yaml).with_templates(&templates), &events);
        found.dedup_by_key(|record| record.row);
        assert_eq!(found.len(), plain.len(), "{yaml}");
        for (found, plain) in found.iter().zip(&plain) {
            let whole = plain.value.as_deref().unwrap();
            let whole: BTreeMap<&str, &RawValue> = serde_json::from_str(whole).unwrap();
            for (of, parent) in [(Member::Data, "data"), (Member::Old, "old")] {
                let members: BTreeMap<&str, &RawValue> = match whole.get(parent) {
                    Some(object) => serde_json::from_str(object.get()).unwrap(),
                    None => BTreeMap::new(),
                };
                for column in &table.columns {
                    let name = column.name.as_str();
                    let expected = members.get(name).map(|value| value.get().as_bytes());
                    let value = find(&found.view, of, name);
                    assert_eq!(value, expected, "{yaml}: /{parent}/{name}");
                }
            }
            for name in ["ts", "xid", "xoffset", "commit"] {
                let expected = whole.get(name).map(|value| value.get().as_bytes());
                assert_eq!(
                    find(&found.view, Member::Event, name),
                    expected,
                    "{yaml}: /{name}"
                );
            }
        }
    }
}

#[test]
fn changes_of_definitions_have_their_place_if_options_say_so() {
    let change = SchemaChange {
        kind: SchemaChangeKind::DatabaseDrop,
        database: "shop".to_owned(),
        table: None,
        old: None,
        new: None,
        charset: None,
        sql: "DROP DATABASE shop".to_owned(),
        place: place(),
    };
    let event = change.into_event(std::num::NonZeroU64::MIN, 1_700_000_001_000_000);
    let yaml = "{type: maxwell, output_binlog_position: true, output_gtid_position: true}";
    for (yaml, more) in [
        ("maxwell", ""),
        (yaml, r#","position":"mysql-bin.000003:484","gtid":null"#),
    ] {
        let found = &records(encoder(yaml), std::slice::from_ref(&event))[0];
        let expected = format!(
            r#"{{"type":"database-drop","database":"shop","ts":1700000001000,"sql":"DROP DATABASE shop"{more}}}"#
        );
        assert_eq!(found.value, Some(expected));
        let key = r#"{"database":"shop","table":""}"#;
        assert_eq!(found.key.as_deref(), Some(key));
    }
}
