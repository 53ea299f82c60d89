//! The dispatcher against the real broker at `WLF_TEST_KAFKA`, read back with rskafka's own consumer.

mod broker;
mod formats;
mod message;
mod oauth;
mod renewal;
mod sasl;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Broker;
use serde_json::{Value, json};
use wlf_core::value::{Datum, OwnedRows};
use wlf_core::{Column, Dispatcher, Event, Exit, Severity, Table};
use wlf_kafka::{Config, KafkaDispatcher, Partitioner};

fn table(database: &str, name: &str) -> Arc<Table> {
    let columns = ["id", "text"].map(Column::untyped);
    Arc::new(Table::new(database, name, columns.into(), vec![0]))
}

fn inserts(table: &Arc<Table>, ids: std::ops::Range<u32>) -> Event {
    let row = |id: u32| vec![id.into(), format!("text {id}").into()];
    OwnedRows::insert(table, ids.map(row))
}

fn dispatcher(broker: &Broker, options: Value) -> KafkaDispatcher {
    let mut config = json!({"bootstrap_brokers": [broker.address]});
    let members = config.as_object_mut().expect("an object");
    members.extend(options.as_object().expect("an object").clone());
    let config: Config = serde_json::from_value(config).expect("a configuration");
    config.dispatcher().expect("a dispatcher")
}

/// Connects as the runtime does, through the outage that a broker's first seconds are.
async fn connect(kafka: &mut KafkaDispatcher) {
    let until = Instant::now() + Duration::from_secs(60);
    while let Err(fault) = kafka.connect().await {
        let outage = matches!(fault.severity, Severity::Retry { .. });
        assert!(outage && Instant::now() < until, "{fault}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The ids of rows, in order.
fn ids(records: &[(String, String)]) -> Vec<u64> {
    let id = |value: &str| {
        let row: Value = serde_json::from_str(value).expect("JSON");
        row["data"]["id"].as_u64().expect("an id")
    };
    records.iter().map(|(_, value)| id(value)).collect()
}

#[tokio::test]
async fn rows_of_a_key_arrive_in_order_in_the_partition_that_kafka_would_choose() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("order"), "t");
    let mut kafka = dispatcher(&broker, json!({"create_topics": {"partitions": 3}}));
    connect(&mut kafka).await;
    // Each id comes three times, in three writes of several events.
    for _ in 0..3 {
        let events = [inserts(&table, 0..300), inserts(&table, 300..1000)];
        kafka.write(&events).await.expect("write");
    }
    let topic = format!("logFlex.{}.t", table.database);
    let partitions = broker.read(&topic).await;
    assert_eq!(partitions.len(), 3);
    let mut rows = 0;
    for (number, records) in (0..).zip(&partitions) {
        assert!(!records.is_empty(), "partition {number} got nothing");
        for (key, value) in records {
            let row: Value = serde_json::from_str(value).expect("JSON");
            let expected = format!(
                r#"{{"database":"{}","table":"t","pk.id":{}}}"#,
                table.database, row["data"]["id"]
            );
            assert_eq!(*key, expected);
            assert_eq!(Partitioner::Murmur2.partition(key.as_bytes(), 3), number);
        }
        let ids = ids(records);
        let round = &ids[..ids.len() / 3];
        assert!(round.is_sorted(), "partition {number}");
        assert_eq!(ids, [round, round, round].concat());
        rows += ids.len();
    }
    assert_eq!(rows, 3000);
}

#[tokio::test]
async fn every_compression_is_understood_by_the_broker() {
    let broker = Broker::connect().await;
    for compression in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let table = table(&broker.database(compression), "t");
        let topic = format!("logFlex.{}.t", table.database);
        // The broker takes the batches apart and stores their records uncompressed.
        let config = [("compression.type", "uncompressed")];
        broker.create(&topic, &config).await;
        let mut kafka = dispatcher(&broker, json!({"compression": compression}));
        connect(&mut kafka).await;
        let events = [inserts(&table, 0..5000)];
        kafka.write(&events).await.expect(compression);
        let partitions = broker.read(&topic).await;
        assert_eq!(
            ids(&partitions[0]),
            (0..5000).collect::<Vec<_>>(),
            "{compression}"
        );
    }
}

#[tokio::test]
async fn compressed_batches_are_stored_as_they_were_sent() {
    let broker = Broker::connect().await;
    for compression in ["gzip", "snappy"] {
        let table = table(&broker.database(compression), "stored");
        let mut kafka = dispatcher(&broker, json!({"compression": compression}));
        connect(&mut kafka).await;
        kafka
            .write(&[inserts(&table, 0..5000)])
            .await
            .expect(compression);
        let topic = format!("logFlex.{}.stored", table.database);
        let partitions = broker.read(&topic).await;
        assert_eq!(
            ids(&partitions[0]),
            (0..5000).collect::<Vec<_>>(),
            "{compression}"
        );
    }
}

#[tokio::test]
async fn topics_are_created_when_their_first_row_comes() {
    let broker = Broker::connect().await;
    let database = broker.database("create");
    let options = json!({"create_topics": {"partitions": 5, "replication_factor": 1}});
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    kafka.write(&[]).await.expect("write nothing");
    let topic = format!("logFlex.{database}.t");
    assert_eq!(broker.partitions(&topic).await, None);
    kafka
        .write(&[inserts(&table(&database, "t"), 0..1)])
        .await
        .expect("write");
    assert_eq!(broker.partitions(&topic).await, Some(5));
}

#[tokio::test]
async fn more_replicas_than_there_are_brokers_end_the_program() {
    let broker = Broker::connect().await;
    let database = broker.database("replicas");
    let mut kafka = dispatcher(
        &broker,
        json!({"create_topics": {"replication_factor": 99}}),
    );
    connect(&mut kafka).await;
    let events = [inserts(&table(&database, "t"), 0..1)];
    let error = kafka.write(&events).await.expect_err("99 replicas");
    assert_eq!(error.durable, 0);
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Stop(Exit::Unavailable)
    );
    let said = error.faults().next().unwrap().to_string();
    assert!(
        said.starts_with(&format!(
            "write to Kafka: topic `logFlex.{database}.t` cannot be created: the broker says InvalidReplicationFactor"
        )),
        "{said}"
    );
}

#[tokio::test]
async fn without_creation_a_missing_topic_ends_the_program_after_the_rows_before_it() {
    let broker = Broker::connect().await;
    let database = broker.database("missing");
    broker
        .create(&format!("logFlex.{database}.there"), &[])
        .await;
    let there = format!("logFlex.{database}.there");
    while broker.partitions(&there).await.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut kafka = dispatcher(&broker, json!({"create_topics": false}));
    connect(&mut kafka).await;
    let events = [
        inserts(&table(&database, "there"), 0..3),
        inserts(&table(&database, "missing"), 0..3),
    ];
    // A broker that has just started may know the topic and not its leader.
    let error = loop {
        let error = kafka.write(&events).await.expect_err("a missing topic");
        if error.durable > 0
            || !matches!(
                error.faults().next().unwrap().severity,
                Severity::Retry { .. }
            )
        {
            break error;
        }
        connect(&mut kafka).await;
    };
    assert_eq!((error.durable, error.rows), (1, 0));
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Stop(Exit::Unavailable)
    );
    assert_eq!(
        error.faults().next().unwrap().to_string(),
        format!("write to Kafka: topic `logFlex.{database}.missing` does not exist")
    );
    let there = broker.read(&there).await;
    assert_eq!(ids(&there[0]), [0, 1, 2]);
    assert_eq!(
        broker
            .partitions(&format!("logFlex.{database}.missing"))
            .await,
        None
    );
}

#[tokio::test]
async fn rows_that_are_too_large_are_refused_and_the_others_are_delivered_by_one_write() {
    const LARGE: [u32; 4] = [0, 123, 124, 250];
    let broker = Broker::connect().await;
    let table = table(&broker.database("large"), "t");
    let topic = format!("logFlex.{}.t", table.database);
    broker
        .create(&topic, &[("max.message.bytes", "10000")])
        .await;
    let mut kafka = dispatcher(&broker, json!({}));
    connect(&mut kafka).await;
    let rows = (0..300u32).map(|id| {
        let length = if LARGE.contains(&id) { 20_000 } else { 1000 };
        vec![id.into(), Datum::Text("x".repeat(length))]
    });
    let events = [OwnedRows::insert(&table, rows)];
    let error = kafka.write(&events).await.expect_err("rows too large");
    assert_eq!((error.durable, error.rows), (1, 0), "{error:?}");
    assert!(error.fault.is_none(), "{error:?}");
    let refused = error.refused.iter().map(|refusal| refusal.row);
    assert_eq!(refused.collect::<Vec<_>>(), LARGE);
    for fault in error.faults() {
        assert_eq!(fault.severity, Severity::Reject);
        assert!(fault.to_string().contains("a row of 20"), "{fault}");
    }
    kafka
        .write(&[inserts(&table, 300..400)])
        .await
        .expect("write others");
    let partitions = broker.read(&topic).await;
    let expected = (0..400).filter(|id| !LARGE.contains(id)).map(u64::from);
    assert_eq!(ids(&partitions[0]), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_other_topics_have_are_not_sent_twice() {
    let broker = Broker::connect().await;
    let database = broker.database("ahead");
    let narrow = format!("logFlex.{database}.narrow");
    broker
        .create(&narrow, &[("max.message.bytes", "1000")])
        .await;
    let long = vec![1.into(), Datum::Text("x".repeat(2000))];
    let rest = [
        inserts(&table(&database, "wide"), 0..10),
        OwnedRows::insert(&table(&database, "narrow"), [long]),
        inserts(&table(&database, "wide"), 10..20),
        inserts(&table(&database, "wide2"), 0..10),
    ];
    let mut kafka = dispatcher(&broker, json!({"key": "%{/data/id}"}));
    connect(&mut kafka).await;
    let error = kafka
        .write(&rest)
        .await
        .expect_err("a row that is too large");
    assert_eq!((error.durable, error.rows), (4, 0), "{error:?}");
    let refused = error.refused.iter();
    let refused: Vec<_> = refused
        .map(|refusal| (refusal.event, refusal.row))
        .collect();
    assert_eq!(refused, [(1, 0)]);
    // Rows that are new: what is durable behind the refused one is not written again.
    let new = [inserts(&table(&database, "wide2"), 10..20)];
    kafka.write(&new).await.expect("write the others");
    for table in ["wide", "wide2"] {
        let partitions = broker.read(&format!("logFlex.{database}.{table}")).await;
        assert_eq!(ids(&partitions[0]), (0..20).collect::<Vec<_>>(), "{table}");
        let keys = partitions[0].iter().map(|(key, _)| key.parse::<u64>());
        assert!(keys.map(|key| key.expect("an id")).eq(0..20));
    }
}

#[tokio::test]
async fn a_table_whose_name_no_topic_can_have_is_rejected() {
    let broker = Broker::connect().await;
    let database = broker.database("names");
    let mut kafka = dispatcher(&broker, json!({}));
    connect(&mut kafka).await;
    let events = [
        inserts(&table(&database, "good"), 0..2),
        inserts(&table(&database, "my table"), 0..2),
    ];
    let error = kafka.write(&events).await.expect_err("no such name");
    assert_eq!((error.durable, error.rows), (2, 0));
    let refused = error.refused.iter();
    let refused: Vec<_> = refused
        .map(|refusal| (refusal.event, refusal.row))
        .collect();
    assert_eq!(refused, [(1, 0), (1, 1)]);
    assert_eq!(error.faults().next().unwrap().severity, Severity::Reject);
    assert_eq!(
        ids(&broker.read(&format!("logFlex.{database}.good")).await[0]),
        [0, 1]
    );
}

#[tokio::test]
async fn templates_may_look_into_the_row() {
    let broker = Broker::connect().await;
    let database = broker.database("rows");
    let options = json!({
        "topic": format!("{database}.%{{/type}}.%{{/data/id}}"),
        "key": "%{/data/text}",
        "partition_by": {"template": "%{/data/text}"},
        "partitioner": "murmur3",
        "create_topics": {"partitions": 4},
    });
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    kafka
        .write(&[inserts(&table(&database, "t"), 7..9)])
        .await
        .expect("write");
    for id in [7, 8] {
        let text = format!("text {id}");
        let partitions = broker.read(&format!("{database}.insert.{id}")).await;
        let partition = Partitioner::Murmur3.partition(text.as_bytes(), 4) as usize;
        assert_eq!(partitions[partition].len(), 1);
        assert_eq!(partitions[partition][0].0, text);
    }
}

#[tokio::test]
async fn maxwells_partitions_are_chosen_by_the_keys_values() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("maxwell"), "t");
    let options = json!({"partitioner": "hash", "create_topics": {"partitions": 20}});
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 1..2)]).await.expect("write");
    let partitions = broker.read(&format!("logFlex.{}.t", table.database)).await;
    // Java's "1".hashCode() is 49.
    assert_eq!(ids(&partitions[9]), [1]);
}

#[tokio::test]
async fn many_batches_keep_their_order_and_connecting_again_goes_on() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("batches"), "t");
    let mut kafka = dispatcher(&broker, json!({}));
    for round in 0..3u32 {
        connect(&mut kafka).await;
        // About 12 MB, so a dozen requests for the one partition.
        let row = |id: u32| vec![id.into(), Datum::Text("x".repeat(4000))];
        let rows = (round * 3000..(round + 1) * 3000).map(row);
        let events = [OwnedRows::insert(&table, rows)];
        kafka.write(&events).await.expect("write");
    }
    let partitions = broker.read(&format!("logFlex.{}.t", table.database)).await;
    assert_eq!(ids(&partitions[0]), (0..9000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_an_outage_and_comes_back() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("deleted"), "t");
    let topic = format!("logFlex.{}.t", table.database);
    let mut kafka = dispatcher(&broker, json!({}));
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 0..1)]).await.expect("write");
    broker.delete(&topic).await;
    let events = [inserts(&table, 1..2)];
    let error = kafka.write(&events).await.expect_err("a deleted topic");
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Retry { after: None }
    );
    connect(&mut kafka).await;
    kafka.write(&events).await.expect("write");
    assert_eq!(ids(&broker.read(&topic).await[0]), [1]);
}

#[tokio::test]
async fn an_unreachable_broker_is_an_outage_reported_at_once() {
    // Nothing listens on the port of a listener that was dropped.
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("bind");
        listener.local_addr().expect("an address").port()
    };
    let address = format!("127.0.0.1:{port}");
    let config = json!({"bootstrap_brokers": [address]});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut kafka = config.dispatcher().expect("a dispatcher");
    let started = Instant::now();
    let fault = kafka.connect().await.expect_err("nobody there");
    assert_eq!(fault.severity, Severity::Retry { after: None });
    assert!(fault.to_string().contains(&address), "{fault}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
