//! What changes in the cluster while it is written to: partitions, addresses, the cluster itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use wlf_core::{Dispatcher, Severity};
use wlf_kafka::{Config, KafkaDispatcher};

use super::broker::Broker;
use super::{connect, dispatcher, ids, inserts, table};

/// Hands connections on to the broker, at another address.
struct Relay {
    address: String,
    accepting: JoinHandle<()>,
    /// It gives the cluster another id.
    renames: Arc<AtomicBool>,
    /// It keeps the next answer for itself, and ends the connection.
    cuts: Arc<AtomicBool>,
}

impl Relay {
    /// One that the broker does not know of.
    async fn beside(broker: &Broker) -> Self {
        Self::new(broker, false).await
    }

    /// One through which all goes, because the broker is said to be there.
    async fn around(broker: &Broker) -> Self {
        Self::new(broker, true).await
    }

    async fn new(broker: &Broker, is_told: bool) -> Self {
        let id = broker.cluster().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("an address").to_string();
        let broker = broker.address.clone();
        let renames = Arc::new(AtomicBool::new(false));
        let cuts = Arc::new(AtomicBool::new(false));
        let (renaming, cutting) = (renames.clone(), cuts.clone());
        let told = located(&broker);
        let said = if is_told {
            located(&address)
        } else {
            told.clone()
        };
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&broker).await.expect("connect");
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let (renaming, cutting, id) = (renaming.clone(), cutting.clone(), id.clone());
                let (told, said) = (told.clone(), said.clone());
                let there = connections.spawn(async move {
                    let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                });
                connections.spawn(async move {
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
                        if cutting.swap(false, Relaxed) {
                            there.abort();
                            break;
                        }
                        if renaming.load(Relaxed) {
                            put(&mut bytes[..read], id.as_bytes(), &[b'x'; 22]);
                        }
                        put(&mut bytes[..read], &told, &said);
                        if to_client.write_all(&bytes[..read]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self {
            address,
            accepting,
            renames,
            cuts,
        }
    }

    /// Ends all connections, and takes no more.
    async fn stop(self) {
        self.accepting.abort();
        let _ = self.accepting.await;
    }
}

/// An address as brokers give their own: int16 length, host, int32 port.
fn located(address: &str) -> Vec<u8> {
    let (host, port) = address.rsplit_once(':').expect("a port");
    let port: i32 = port.parse().expect("a port");
    let length = (host.len() as i16).to_be_bytes();
    [&length[..], host.as_bytes(), &port.to_be_bytes()].concat()
}

/// Puts other bytes of the same length in the place of some.
fn put(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let found = bytes.windows(old.len()).position(|window| window == old);
    if let Some(found) = found {
        bytes[found..found + old.len()].copy_from_slice(new);
    }
}

/// A dispatcher that knows the relay alone.
fn through(relay: &Relay, mut options: Value) -> KafkaDispatcher {
    options["bootstrap_brokers"] = json!([relay.address]);
    let config: Config = serde_json::from_value(options).expect("a configuration");
    config.dispatcher().expect("a dispatcher")
}

#[tokio::test]
async fn partitions_that_a_topic_gets_meanwhile_are_used() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("raised"), "t");
    let topic = format!("logFlex.{}.t", table.database);
    let options = json!({"metadata_max_age": "1s", "create_topics": {"partitions": 2}});
    let mut kafka = dispatcher(&broker, options);
    connect(&mut kafka).await;
    let first = [inserts(&table, 0..500)];
    kafka.write(&first).await.expect("write");
    broker.raise(&topic, 8).await;
    let until = Instant::now() + Duration::from_secs(20);
    let mut sent = 500;
    let mut used = 0;
    while used < 8 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let event = inserts(&table, sent..sent + 100);
        kafka.write(&[event]).await.expect("write");
        sent += 100;
        let partitions = broker.read(&topic).await;
        used = partitions.iter().filter(|rows| !rows.is_empty()).count();
    }
    assert_eq!(used, 8, "partitions that have rows");
    // All rows are there once, and those of a partition that was there before in order.
    let partitions = broker.read(&topic).await;
    let mut all = Vec::new();
    for partition in &partitions {
        let ids = ids(partition);
        assert!(ids.is_sorted());
        all.extend(ids);
    }
    all.sort_unstable();
    assert_eq!(all, (0..u64::from(sent)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_topic_that_is_deleted_meanwhile_is_made_anew() {
    let broker = Broker::connect().await;
    let database = broker.database("anew");
    let (gone, stays) = (table(&database, "gone"), table(&database, "stays"));
    let topic = format!("logFlex.{database}.gone");
    let mut kafka = dispatcher(&broker, json!({"metadata_max_age": "1s"}));
    connect(&mut kafka).await;
    let events = [inserts(&gone, 0..1), inserts(&stays, 0..1)];
    kafka.write(&events).await.expect("write");
    broker.delete(&topic).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    // Without an outage: that it is gone is known before it is written to.
    let events = [inserts(&gone, 1..2), inserts(&stays, 1..2)];
    kafka.write(&events).await.expect("write");
    assert_eq!(ids(&broker.read(&topic).await[0]), [1]);
    let stays = broker.read(&format!("logFlex.{database}.stays")).await;
    assert_eq!(ids(&stays[0]), [0, 1]);
}

#[tokio::test]
async fn brokers_that_were_learned_are_used_when_the_listed_ones_are_away() {
    let broker = Broker::connect().await;
    let relay = Relay::beside(&broker).await;
    let table = table(&broker.database("learned"), "t");
    let mut kafka = through(&relay, json!({}));
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 0..1)]).await.expect("write");
    relay.stop().await;
    // As after an outage.
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 1..2)]).await.expect("write");
    let topic = format!("logFlex.{}.t", table.database);
    assert_eq!(ids(&broker.read(&topic).await[0]), [0, 1]);
}

/// Another producer took over the id, as a broker sees it: the epoch is lower than the one it knows.
#[tokio::test]
async fn a_producer_that_the_broker_does_not_know_as_such_begins_anew() {
    let broker = Broker::connect().await;
    let table = table(&broker.database("fenced"), "t");
    let topic = format!("logFlex.{}.t", table.database);
    let mut kafka = dispatcher(&broker, json!({}));
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 0..10)]).await.expect("write");
    let batch = broker.batches(&topic, 0).await.remove(0);
    let (id, epoch) = (batch.producer_id, batch.producer_epoch);
    assert!(id >= 0, "an idempotent producer");
    broker.write_as(&topic, id, epoch + 5).await;
    let events = [inserts(&table, 10..20)];
    let error = kafka.write(&events).await.expect_err("fenced");
    assert_eq!((error.durable, error.rows), (0, 0));
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Retry { after: None }
    );
    assert!(
        error
            .faults()
            .next()
            .unwrap()
            .to_string()
            .contains("InvalidProducerEpoch")
    );
    // One connection later, not as many as epochs were passed over.
    connect(&mut kafka).await;
    kafka.write(&events).await.expect("write");
    let batches = broker.batches(&topic, 0).await;
    let last = batches.last().expect("a batch");
    assert_ne!(last.producer_id, id);
    let rows: u32 = batches
        .iter()
        .map(|batch| batch.last_offset_delta as u32 + 1)
        .sum();
    assert_eq!(rows, 10 + 1 + 10);
}

/// What a producer's id and epoch mean is known to the cluster alone that gave them.
#[tokio::test]
async fn a_producer_begins_anew_in_another_cluster() {
    let broker = Broker::connect().await;
    let relay = Relay::beside(&broker).await;
    let table = table(&broker.database("cluster"), "t");
    let topic = format!("logFlex.{}.t", table.database);
    let mut kafka = through(&relay, json!({"metadata_max_age": "1s"}));
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 0..10)]).await.expect("write");
    let id = broker.batches(&topic, 0).await[0].producer_id;
    relay.renames.store(true, Relaxed);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let events = [inserts(&table, 10..20)];
    let error = kafka.write(&events).await.expect_err("another cluster");
    assert_eq!((error.durable, error.rows), (0, 0));
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Retry { after: None }
    );
    let expected = format!("{} belongs to another cluster now", relay.address);
    let said = error.faults().next().unwrap().to_string();
    assert!(said.ends_with(&expected), "{said}");
    connect(&mut kafka).await;
    kafka.write(&events).await.expect("write");
    let batches = broker.batches(&topic, 0).await;
    assert_eq!(batches.len(), 2);
    let last = &batches[1];
    assert_ne!(last.producer_id, id);
    assert_eq!((last.producer_epoch, last.base_sequence), (0, 0));
    assert_eq!(
        ids(&broker.read(&topic).await[0]),
        (0..20).collect::<Vec<_>>()
    );
}

/// The rows are there, and nobody heard of it: what goes again is known to the broker.
#[tokio::test]
async fn a_request_whose_answer_is_lost_leaves_one_record() {
    let broker = Broker::connect().await;
    let relay = Relay::around(&broker).await;
    let table = table(&broker.database("lost"), "t");
    let mut kafka = through(&relay, json!({}));
    connect(&mut kafka).await;
    kafka.write(&[inserts(&table, 0..10)]).await.expect("write");
    for round in 1..4 {
        relay.cuts.store(true, Relaxed);
        let event = inserts(&table, round * 10..round * 10 + 10);
        kafka.write(&[event]).await.expect("write again");
        assert!(!relay.cuts.load(Relaxed), "no answer was lost");
    }
    let topic = format!("logFlex.{}.t", table.database);
    assert_eq!(
        ids(&broker.read(&topic).await[0]),
        (0..40).collect::<Vec<_>>()
    );
}
