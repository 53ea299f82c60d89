mod codes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde_json::{Value, json};
use wlf_core::value::{Datum, OwnedRows};
use wlf_core::{Column, Severity, Table};

use super::*;
use crate::testing::{Batch, Broker};

const PARTITIONS: i32 = 3;

/// The largest batch that the broker takes, in bytes.
const LARGEST: usize = 10_000;

const MESSAGE_TOO_LARGE: i16 = 10;
const NOT_ENOUGH_REPLICAS: i16 = 19;

async fn dispatcher(broker: &Broker, options: Value) -> KafkaDispatcher {
    let mut config = json!({"bootstrap_brokers": [broker.address], "topic": "%{/table}"});
    let members = config.as_object_mut().expect("an object");
    members.extend(options.as_object().expect("an object").clone());
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut kafka = config.dispatcher().expect("a dispatcher");
    kafka.connect().await.expect("connect");
    kafka
}

/// Rows of a thousand bytes with the ids from 0 on, of which some are twice as large as the broker takes.
fn rows(table: &str, count: u32, large: &[u32]) -> Event {
    let columns = ["id", "text"].map(Column::untyped);
    let table = Arc::new(Table::new("shop", table, columns.into(), vec![0]));
    let row = |id: u32| {
        let length = if large.contains(&id) {
            2 * LARGEST
        } else {
            1000
        };
        vec![id.into(), Datum::Text("x".repeat(length))]
    };
    OwnedRows::insert(&table, (0..count).map(row))
}

/// The ids of a topic's rows; in each partition they are in order.
fn ids(broker: &Broker, topic: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for partition in 0..PARTITIONS {
        let values = broker.values(topic, partition).into_iter();
        let ids = values.map(|value| {
            let row: Value = serde_json::from_str(&value).expect("JSON");
            row["data"]["id"].as_u64().expect("an id") as u32
        });
        let ids: Vec<u32> = ids.collect();
        assert!(ids.is_sorted(), "{topic} {partition}: {ids:?}");
        all.extend(ids);
    }
    all.sort_unstable();
    all
}

fn refused(error: &WriteError) -> Vec<(usize, u32)> {
    let refused = error.refused.iter();
    refused
        .map(|refusal| (refusal.event, refusal.row))
        .collect()
}

#[tokio::test]
async fn all_rows_that_are_too_large_are_told_by_one_write_and_the_others_are_there_once() {
    const LARGE: [u32; 6] = [0, 20, 123, 124, 200, 299];
    for compression in ["none", "snappy"] {
        let judge = |batch: &Batch| {
            let records = batch.records.iter();
            let bytes: usize = records
                .filter_map(|record| Some(record.value.as_ref()?.len()))
                .sum();
            if bytes > LARGEST {
                MESSAGE_TOO_LARGE
            } else {
                0
            }
        };
        let broker = Broker::start(PARTITIONS, judge).await;
        let mut kafka = dispatcher(&broker, json!({"compression": compression})).await;
        let events = [rows("a", 300, &LARGE), rows("b", 10, &[3])];
        let error = kafka
            .write(&events)
            .await
            .expect_err("rows that are too large");
        assert_eq!((error.durable, error.rows), (2, 0));
        assert!(error.fault.is_none() && error.ahead.is_empty());
        let mut expected: Vec<_> = LARGE.map(|row| (0, row)).to_vec();
        expected.push((1, 3));
        assert_eq!(refused(&error), expected);
        for fault in error.faults() {
            assert_eq!(fault.severity, Severity::Reject);
            let text = fault.to_string();
            assert!(
                text.contains("a row of 20") && text.contains("max.message.bytes"),
                "{text}"
            );
        }
        let all = |count: u32, large: &[u32]| -> Vec<u32> {
            (0..count).filter(|id| !large.contains(id)).collect()
        };
        assert_eq!(ids(&broker, "a"), all(300, &LARGE));
        assert_eq!(ids(&broker, "b"), all(10, &[3]));
        // The numbers go on.
        let more = [rows("c", 300, &[]), rows("b", 10, &[])];
        kafka.write(&more).await.expect("write");
        assert_eq!(ids(&broker, "c"), all(300, &[]));
    }
}

/// As where `a.b_c` is to be made and there is `a_b.c`.
#[tokio::test]
async fn a_topic_that_the_broker_refuses_is_asked_for_once() {
    // Rows go straight to their lanes, or one by one.
    for options in [json!({}), json!({"key": "%{/data/id}"})] {
        let broker = Broker::start(PARTITIONS, |_| 0).await;
        broker.bar("a");
        let mut kafka = dispatcher(&broker, options.clone()).await;
        let events = [rows("a", 50, &[]), rows("b", 50, &[]), rows("a", 50, &[])];
        let both = |index| (0..50).map(move |row| (index, row));
        // A description and the attempt to create it, in each connection.
        for (is_new, asked) in [(false, 2), (false, 2), (true, 4)] {
            if is_new {
                kafka.connect().await.expect("connect");
            }
            let error = kafka.write(&events).await.expect_err("a refused topic");
            assert_eq!((error.durable, error.rows), (3, 0));
            assert!(refused(&error).into_iter().eq(both(0).chain(both(2))));
            for fault in error.faults() {
                assert_eq!(fault.severity, Severity::Reject);
                let text = fault.to_string();
                assert!(
                    text.ends_with("topic `a`: the broker says InvalidTopicException (it collides with another)"),
                    "{text}"
                );
            }
            assert_eq!(broker.asked("a"), asked, "{options}");
        }
        broker.unbar();
        kafka.write(&events).await.expect_err("it is remembered");
        kafka.config.metadata_max_age = wlf_core::config::Duration::from_secs(0);
        kafka.write(&events).await.expect("it is there now");
        let partitions = 0..PARTITIONS;
        let written = partitions.map(|partition| broker.values("a", partition).len());
        assert_eq!(written.sum::<usize>(), 100);
    }
}

/// What the runtime writes again is what is not there, and nothing else.
#[tokio::test]
async fn an_outage_and_refused_rows_come_to_one_account() {
    let is_away = Arc::new(AtomicBool::new(true));
    let away = is_away.clone();
    let judge = move |batch: &Batch| match batch.bytes {
        bytes if bytes > LARGEST => MESSAGE_TOO_LARGE,
        _ if batch.topic == "b" && batch.partition == 1 && away.load(Relaxed) => {
            NOT_ENOUGH_REPLICAS
        }
        _ => 0,
    };
    let broker = Broker::start(PARTITIONS, judge).await;
    let mut kafka = dispatcher(&broker, json!({})).await;
    let events = [
        rows("a", 50, &[7, 8]),
        rows("b", 50, &[9, 30]),
        rows("c", 50, &[49]),
    ];
    let error = kafka.write(&events).await.expect_err("an outage");
    assert!(
        error
            .fault
            .as_ref()
            .is_some_and(|fault| fault.severity == Severity::Retry { after: None })
    );
    let refused = refused(&error);
    for row in [(0, 7), (0, 8), (2, 49)] {
        assert!(refused.contains(&row), "{row:?} of {refused:?}");
    }
    let decided: BTreeSet<_> = refused.iter().chain(&error.ahead).copied().collect();
    assert_eq!(decided.len(), refused.len() + error.ahead.len());
    let mut again = Vec::new();
    for (index, event) in events.iter().enumerate() {
        for row in 0..event.len() {
            if (index, row) >= (error.durable, error.rows) && !decided.contains(&(index, row)) {
                let mut event = event.clone();
                event.split_to(row);
                again.push(event.split_to(1));
            }
        }
    }
    assert!(again.len() > 5, "{}", again.len());
    is_away.store(false, Relaxed);
    let left = match kafka.write(&again).await {
        Ok(()) => Vec::new(),
        Err(error) => self::refused(&error),
    };
    assert_eq!(left.len() + refused.len(), 5);
    for (topic, large) in [("a", &[7, 8][..]), ("b", &[9, 30]), ("c", &[49])] {
        let expected: Vec<u32> = (0..50).filter(|id| !large.contains(id)).collect();
        assert_eq!(ids(&broker, topic), expected, "{topic}");
    }
}

/// A row of which one record is there and another was refused is refused, and not there.
#[tokio::test]
async fn a_row_is_refused_as_a_whole() {
    let judge = |batch: &Batch| match batch.bytes {
        bytes if bytes > LARGEST => MESSAGE_TOO_LARGE,
        _ if batch.topic == "id-9" => NOT_ENOUGH_REPLICAS,
        _ => 0,
    };
    let broker = Broker::start(1, judge).await;
    let options = json!({"format": {"debezium": {}}, "topic": "id-%{/data/id}"});
    let mut kafka = dispatcher(&broker, options).await;
    let columns = ["id", "text"].map(Column::untyped);
    let table = Arc::new(Table::new("shop", "t", columns.into(), vec![0]));
    let row = |id: u32, length: usize| vec![id.into(), "x".repeat(length).into()];
    let events = [
        OwnedRows::insert(&table, [row(9, 9)]),
        // The delete of 1 passes and the insert of 2 does not.
        OwnedRows::update(&table, [(row(1, 9), row(2, 2 * LARGEST))]),
        OwnedRows::insert(&table, [row(3, 9)]),
        // Neither passes.
        OwnedRows::update(&table, [(row(4, 2 * LARGEST), row(5, 2 * LARGEST))]),
    ];
    let error = kafka.write(&events).await.expect_err("an outage");
    assert_eq!((error.durable, error.rows), (0, 0));
    assert!(error.fault.is_some());
    assert_eq!(refused(&error), [(1, 0), (3, 0)]);
    assert_eq!(error.ahead, [(2, 0)]);
    assert_eq!(broker.values("id-1", 0).len(), 2);
}
