//! What the formats make of records: keys, null values and headers.

use std::sync::Arc;

use rskafka::record::Record;
use serde_json::{Value, json};
use wlf_core::value::OwnedRows;
use wlf_core::{
    ChangePlace, Column, DataType, Dispatcher, Event, SchemaChange, SchemaChangeKind, Severity,
    Table,
};
use wlf_kafka::Partitioner;

use super::broker::Broker;
use super::{connect, dispatcher};

fn table(database: &str) -> Arc<Table> {
    let columns = ["id", "text"].map(|name| Column {
        name: name.to_owned(),
        data_type: match name {
            "id" => DataType::Int { unsigned: true },
            _ => DataType::Unknown,
        },
        nullable: name != "id",
    });
    Arc::new(Table::new(database, "t", columns.into(), vec![0]))
}

/// An insert of 1, its update to 2, and the delete of 2.
fn life(table: &Arc<Table>) -> [Event; 3] {
    let row = |id: u32| vec![id.into(), "a".into()];
    [
        OwnedRows::insert(table, [row(1)]),
        OwnedRows::update(table, [(row(1), row(2))]),
        OwnedRows::delete(table, [row(2)]),
    ]
}

fn text(bytes: &Option<Vec<u8>>) -> Option<&str> {
    bytes
        .as_ref()
        .map(|bytes| std::str::from_utf8(bytes).expect("UTF-8"))
}

fn ops(records: &[Record]) -> Vec<String> {
    let op = |record: &Record| match &record.value {
        None => "tombstone".to_owned(),
        Some(value) => {
            let value: Value = serde_json::from_slice(value).expect("JSON");
            let op = value.get("op").or(value.get("iodebeziumop"));
            op.and_then(Value::as_str).expect("an op").to_owned()
        }
    };
    records.iter().map(op).collect()
}

#[tokio::test]
async fn debeziums_records_have_their_keys_tombstones_and_headers() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("debezium"));
    let topic = format!("logFlex.{}.t", table.database);
    broker
        .create(&topic, &[("cleanup.policy", "compact")])
        .await;
    let mut kafka = dispatcher(&broker, json!({"format": {"debezium": {}}}));
    connect(&mut kafka).await;
    kafka.write(&life(&table)).await.expect("write");
    let records = broker.records(&topic, 0).await;
    let expected = ["c", "d", "tombstone", "c", "d", "tombstone"];
    assert_eq!(ops(&records), expected);
    let keys: Vec<_> = records
        .iter()
        .map(|r| text(&r.key).expect("a key"))
        .collect();
    let (one, two) = (r#"{"id":1}"#, r#"{"id":2}"#);
    assert_eq!(keys, [one, one, one, two, two, two]);
    let headers: Vec<_> = (records.iter())
        .map(|record| {
            let header = record.headers.iter().next();
            header.map(|(name, value)| (name.as_str(), std::str::from_utf8(value).expect("UTF-8")))
        })
        .collect();
    let new = Some(("__debezium.newkey", two));
    let old = Some(("__debezium.oldkey", one));
    assert_eq!(headers, [None, new, new, old, None, None]);
}

#[tokio::test]
async fn records_of_a_key_go_to_its_partition_also_where_the_record_has_none() {
    let broker = Broker::connect().await;
    for (format, form) in [
        (json!({"canal": {}}), "hash"),
        (json!({"debezium": {}}), "struct"),
        (json!({"maxwell": {}}), "hash"),
    ] {
        let table = table(&broker.database("partition"));
        let create = json!({"partitions": 5});
        let options = json!({"format": format, "create_topics": create});
        let mut kafka = dispatcher(&broker, options);
        connect(&mut kafka).await;
        let rows = (0..50u32).map(|id| vec![id.into(), "a".into()]);
        kafka
            .write(&[OwnedRows::insert(&table, rows)])
            .await
            .expect("write");
        let mut read = 0;
        for partition in 0..5 {
            let topic = format!("logFlex.{}.t", table.database);
            for record in broker.records(&topic, partition).await {
                read += 1;
                let value: Value =
                    serde_json::from_slice(&record.value.expect("a value")).expect("JSON");
                let id = match &format {
                    format if format.get("canal").is_some() => {
                        assert_eq!(record.key, None);
                        value["data"][0]["id"].as_str().expect("text").to_owned()
                    }
                    format if format.get("debezium").is_some() => value["after"]["id"].to_string(),
                    _ => value["data"]["id"].to_string(),
                };
                let key = match form {
                    "struct" => format!(r#"{{"id":{id}}}"#),
                    _ => format!(
                        r#"{{"database":"{}","table":"t","pk.id":{id}}}"#,
                        table.database
                    ),
                };
                assert_eq!(Partitioner::Murmur2.partition(key.as_bytes(), 5), partition);
            }
        }
        assert_eq!(read, 50, "{format}");
    }
}

#[tokio::test]
async fn cloud_events_say_their_content_type() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("cloudevents"));
    let mut kafka = dispatcher(&broker, json!({"format": {"cloudevents": {}}}));
    connect(&mut kafka).await;
    kafka.write(&life(&table)[..1]).await.expect("write");
    let topic = format!("logFlex.{}.t", table.database);
    let records = broker.records(&topic, 0).await;
    assert_eq!(ops(&records), ["c"]);
    let headers: Vec<_> = records[0].headers.iter().collect();
    let value = b"application/cloudevents+json".to_vec();
    assert_eq!(headers, [(&"content-type".to_owned(), &value)]);
}

#[tokio::test]
async fn keys_are_in_the_form_that_is_asked_for() {
    let broker = Broker::connect().await;
    for (options, expected) in [
        (json!({"key_format": "array"}), r#"["{db}","t",[{"id":1}]]"#),
        (
            json!({"key_format": "hash", "format": {"debezium": {}}}),
            r#"{"database":"{db}","table":"t","pk.id":1}"#,
        ),
        (
            json!({"key": "%{/data/text}", "format": {"debezium": {}}}),
            "a",
        ),
        (
            json!({"format": {"debezium": {"schemas_enable": true}}}),
            r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],"optional":false,"name":"logFlex.{db}.t.Key"},"payload":{"id":1}}"#,
        ),
    ] {
        let table = table(&broker.database("keys"));
        let mut kafka = dispatcher(&broker, options);
        connect(&mut kafka).await;
        kafka.write(&life(&table)[..1]).await.expect("write");
        let topic = format!("logFlex.{}.t", table.database);
        let records = broker.records(&topic, 0).await;
        let expected = expected.replace("{db}", &table.database);
        assert_eq!(text(&records[0].key), Some(&*expected));
    }
}

#[tokio::test]
async fn topics_and_partitions_may_look_into_the_rows_of_every_format() {
    let broker = Broker::connect().await;
    for format in ["debezium", "canal", "cloudevents", "maxwell"] {
        let table = table(&broker.database(format));
        let options = json!({
            "format": {format: {}},
            "topic": "%{/database}.of.%{/data/id}",
            "partition_by": {"template": "%{/data/text}"},
        });
        let mut kafka = dispatcher(&broker, options);
        connect(&mut kafka).await;
        kafka.write(&life(&table)).await.expect(format);
        let mut counts = Vec::new();
        for id in 1..=2 {
            let topic = format!("{}.of.{id}", table.database);
            counts.push(broker.records(&topic, 0).await.len());
        }
        let expected = match format {
            "debezium" | "cloudevents" => [3, 3],
            // Of an update Maxwell's `data` is the row after it.
            _ => [1, 2],
        };
        assert_eq!(counts, expected, "{format}");
    }
}

fn change(database: &str, kind: SchemaChangeKind, sql: &str) -> Event {
    let change = SchemaChange {
        kind,
        database: database.to_owned(),
        table: Some("t".to_owned()),
        old: None,
        new: None,
        charset: None,
        sql: sql.to_owned(),
        place: ChangePlace::default(),
    };
    change.into_event(std::num::NonZeroU64::MIN, 1_700_000_000_000_000)
}

#[tokio::test]
async fn changes_of_definitions_have_their_topic_and_rows_that_give_no_record_are_written() {
    let broker = Broker::connect().await;
    let database = broker.database("ddl");
    let options = json!({
        "topic": "%{/database}.rows.%{/data/id}",
        "ddl_topic": "%{/database}.%{/type}",
        "key": "%{/data/id}",
        "partition_by": {"template": "%{/data/text}"},
    });
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    let events = [
        change(&database, SchemaChangeKind::TableDrop, "DROP TABLE t"),
        // Maxwell has no message for it.
        change(&database, SchemaChangeKind::TableTruncate, "TRUNCATE t"),
        change(
            &database,
            SchemaChangeKind::TableDrop,
            "DROP TABLE IF EXISTS t",
        ),
    ];
    kafka.write(&events).await.expect("write");
    let records = broker.records(&format!("{database}.ddl"), 0).await;
    let sql = |record: &Record| {
        let value = record.value.as_ref().expect("a value");
        let value: Value = serde_json::from_slice(value).expect("JSON");
        value["sql"].as_str().expect("sql").to_owned()
    };
    let statements: Vec<_> = records.iter().map(sql).collect();
    assert_eq!(statements, ["DROP TABLE t", "DROP TABLE IF EXISTS t"]);
    let key = format!(r#"{{"database":"{database}","table":"t"}}"#);
    assert_eq!(text(&records[0].key), Some(&*key));
}

#[tokio::test]
async fn a_row_is_durable_when_all_of_its_records_are() {
    let broker = Broker::connect().await;
    let database = broker.database("whole");
    let narrow = format!("{database}.of.2");
    broker
        .create(&narrow, &[("max.message.bytes", "600")])
        .await;
    let table = table(&database);
    let options = json!({"format": {"debezium": {}}, "topic": "%{/database}.of.%{/data/id}"});
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    let row = |id: u32, length: usize| vec![id.into(), "x".repeat(length).into()];
    let events = [
        OwnedRows::insert(&table, [row(1, 9)]),
        // The delete of 1 passes and the insert of 2 does not.
        OwnedRows::update(&table, [(row(1, 9), row(2, 2000))]),
        OwnedRows::insert(&table, [row(3, 9)]),
    ];
    let error = kafka.write(&events).await.expect_err("too large a record");
    assert_eq!((error.durable, error.rows), (3, 0), "{error:?}");
    let refused = error.refused.iter();
    let refused: Vec<_> = refused
        .map(|refusal| (refusal.event, refusal.row))
        .collect();
    assert_eq!(refused, [(1, 0)]);
    assert_eq!(error.refused[0].fault.severity, Severity::Reject);
    let records = broker.records(&format!("{database}.of.1"), 0).await;
    assert_eq!(ops(&records), ["c", "d", "tombstone"]);
    assert_eq!(broker.records(&narrow, 0).await.len(), 0);
    let records = broker.records(&format!("{database}.of.3"), 0).await;
    assert_eq!(ops(&records), ["c"]);
}
