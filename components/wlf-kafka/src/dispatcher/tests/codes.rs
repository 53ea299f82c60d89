//! What each error code of a broker leads to: the number of each that an answer may have, and some that nobody knows.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rskafka::protocol::error::Error as Code;
use wlf_core::Exit;

use super::*;
use crate::testing::PRODUCER;

/// What becomes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// They go again, as a newer epoch of the same producer.
    Again,
    /// They go again, as another producer.
    Anew,
    Refused,
    Stopped(Exit),
}

/// All codes that a broker may answer: up to some that are not given yet.
fn codes() -> impl Iterator<Item = i16> {
    (-1..=140).filter(|code| *code != 0)
}

/// What is done about the code of a partition in the answer to what was written, and what Java's producer does.
///
/// Its `RetriableException`s it repeats, with new metadata where they are `InvalidMetadataException`s; for the codes of
/// the producer itself it takes a newer epoch (`TransactionManager.handleFailedBatch`); all else is an error of the send,
/// that is, of the application. Repeating more than it does loses nothing here: the rows wait.
fn of_produce(code: i16) -> End {
    match code {
        // OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, UNKNOWN_PRODUCER_ID: Java's
        // takes a newer epoch of its id, or another id where epochs have run out.
        45 | 47 | 49 | 59 => End::Anew,
        // DUPLICATE_SEQUENCE_NUMBER: Java's counts it as written; here it is written again, which repeats it at most.
        46 => End::Anew,
        // PRODUCER_FENCED: fatal in Java, where an application may have used one transactional id twice.
        90 => End::Anew,
        // MESSAGE_TOO_LARGE, INVALID_TOPIC_EXCEPTION, RECORD_LIST_TOO_LARGE, INVALID_RECORD: errors of the send in Java,
        // which cuts what is too large as is done here.
        10 | 17 | 18 | 87 => End::Refused,
        // Rights, and logins: errors of the send.
        29..=31 | 33 | 34 | 53 | 54 | 58 | 61..=67 | 93 | 97 => End::Stopped(Exit::Login),
        // INVALID_TIMESTAMP
        32 => End::Stopped(Exit::Unavailable),
        // INVALID_REQUIRED_ACKS, UNSUPPORTED_VERSION, INVALID_REQUEST, UNSUPPORTED_FOR_MESSAGE_FORMAT
        21 | 35 | 42 | 43 => End::Stopped(Exit::Unavailable),
        // INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, POLICY_VIOLATION, UNSUPPORTED_COMPRESSION_TYPE
        37 | 39 | 40 | 44 | 76 => End::Stopped(Exit::Config),
        // Answers of consumers' groups, fetches, transactions and the cluster's own business.
        1 | 4 | 12 | 22..=28 | 48 | 50 | 52 | 68..=71 | 73 | 79 | 81 | 82 | 84..=86 | 88 => {
            End::Stopped(Exit::Software)
        }
        91 | 92 | 94..=96 | 98 | 99 | 101 | 104 | 105 => End::Stopped(Exit::Software),
        // UNKNOWN_SERVER_ERROR (an error of the send in Java), CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION,
        // LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT, BROKER_NOT_AVAILABLE, NETWORK_EXCEPTION,
        // COORDINATOR_*, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND, KAFKA_STORAGE_ERROR, FENCED_LEADER_EPOCH,
        // UNKNOWN_LEADER_EPOCH, THROTTLING_QUOTA_EXCEEDED, and codes of later versions. All of them ask for metadata.
        _ => End::Again,
    }
}

fn end_of(fault: &Fault) -> End {
    match fault.severity {
        Severity::Retry { .. } => End::Again,
        Severity::Reject => End::Refused,
        Severity::Stop(exit) => End::Stopped(exit),
    }
}

/// The code once, for rows behind some that were taken; then the broker takes all.
async fn produced(code: i16) -> End {
    let answers = Arc::new(Mutex::new(vec![0, code]));
    let producers = Arc::new(Mutex::new(Vec::new()));
    let noted = producers.clone();
    let judge = move |batch: &Batch| {
        noted.lock().expect("producers").push(batch.producer);
        let mut answers = answers.lock().expect("answers");
        // What is refused for a row goes again in parts, and each part is refused.
        let stays = matches!(code, 10 | 18 | 87) && *answers == [code];
        match stays {
            true => code,
            false if answers.is_empty() => 0,
            false => answers.remove(0),
        }
    };
    let broker = Broker::start(1, judge).await;
    let mut kafka = dispatcher(&broker, json!({})).await;
    let event = rows("t", 20, &[]);
    let (mut first, mut rest) = (event.clone(), event);
    rest.split_to(10);
    let first = first.split_to(10);
    kafka.write(&[first]).await.expect("taken");
    let asked = broker.asked("t");
    let error = kafka.write(&[rest.clone()]).await.expect_err("a code");
    let fault = error.faults().next().expect("a fault");
    let end = end_of(fault);
    assert!(
        fault
            .to_string()
            .contains(&Code::new(code).expect("one").to_string()),
        "{fault}"
    );
    match end {
        End::Again | End::Anew => {}
        // Nothing of it is sent again.
        End::Refused => {
            assert_eq!(error.refused.len(), 10, "{code}");
            return end;
        }
        End::Stopped(_) => {
            assert_eq!((error.durable, error.rows), (0, 0));
            return end;
        }
    }
    assert_eq!((error.durable, error.rows), (0, 0), "{code}");
    kafka.connect().await.expect("connect");
    kafka.write(&[rest]).await.expect("taken");
    assert_eq!(ids(&broker, "t"), (0..20).collect::<Vec<_>>(), "{code}");
    assert!(broker.asked("t") > asked, "{code}: the old metadata");
    let producers = producers.lock().expect("producers");
    assert_eq!(producers[..2], [(PRODUCER, 0); 2]);
    match producers[2] {
        (PRODUCER, 1) => End::Again,
        (id, 0) if id == PRODUCER + 1 => End::Anew,
        other => panic!("{code}: the producer {other:?}"),
    }
}

#[tokio::test]
async fn each_code_of_a_write_leads_to_what_it_means() {
    let mut wrong = BTreeMap::new();
    for code in codes() {
        let end = produced(code).await;
        if end != of_produce(code) {
            wrong.insert(code, (Code::new(code), end, of_produce(code)));
        }
    }
    assert!(
        wrong.is_empty(),
        "code, what came, what should have: {wrong:#?}"
    );
}

/// A topic whose description has a code is asked for again, unless its rows or our rights are what is wrong.
#[tokio::test]
async fn each_code_of_a_description_leads_to_what_it_means() {
    for code in codes() {
        let broker = Broker::start(1, |_| 0).await;
        broker.describe_with(code);
        let mut kafka = dispatcher(&broker, json!({"create_topics": false})).await;
        let events = [rows("t", 5, &[])];
        let error = kafka.write(&events).await.expect_err("a code");
        let end = end_of(error.faults().next().expect("a fault"));
        let expected = match (code, of_produce(code)) {
            // UNKNOWN_TOPIC_OR_PARTITION: topics are not created.
            (3, _) => End::Stopped(Exit::Unavailable),
            (_, End::Anew) => End::Again,
            (_, end) => end,
        };
        assert_eq!(end, expected, "{code}");
        if end == End::Again {
            broker.describe_with(0);
            kafka.connect().await.expect("connect");
            kafka.write(&events).await.expect("taken");
            assert_eq!(ids(&broker, "t"), [0, 1, 2, 3, 4]);
        }
    }
}

/// Who may not have an id writes without one; all else is as with other answers.
#[tokio::test]
async fn each_code_in_the_place_of_an_id_leads_to_what_it_means() {
    for code in codes() {
        let broker = Broker::start(1, |_| 0).await;
        let mut kafka = dispatcher(&broker, json!({})).await;
        broker.identify_with(code);
        kafka.producer = None;
        match kafka.connect().await {
            // CLUSTER_AUTHORIZATION_FAILED, UNSUPPORTED_VERSION
            Ok(()) => {
                assert!(
                    matches!(code, 31 | 35) && kafka.producer.is_none(),
                    "{code}"
                );
                kafka.write(&[rows("t", 5, &[])]).await.expect("taken");
                assert_eq!(ids(&broker, "t"), [0, 1, 2, 3, 4]);
            }
            Err(fault) => {
                let end = end_of(&fault);
                let expected = match of_produce(code) {
                    End::Anew => End::Again,
                    end => end,
                };
                assert_eq!(end, expected, "{code}");
                assert!(!matches!(code, 31 | 35), "{code}");
            }
        }
    }
}

/// A frozen leader takes requests and says nothing, and others know of another leader.
#[tokio::test]
async fn a_silent_leader_is_left_when_others_say_that_it_leads_no_more() {
    let first = Broker::start(PARTITIONS, |_| 0).await;
    let second = first.beside(PARTITIONS, |_| 0).await;
    let mut kafka = dispatcher(&first, json!({})).await;
    kafka.write(&[rows("t", 50, &[])]).await.expect("taken");
    first.fall_silent();
    let events = [rows("t", 80, &[])];
    let begin = std::time::Instant::now();
    let electing = async {
        // It is asked more than once.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        second.elect(1);
    };
    let (error, ()) = futures_util::future::join(kafka.write(&events), electing).await;
    let error = error.expect_err("another leader");
    let took = begin.elapsed();
    assert!(took < std::time::Duration::from_secs(8), "{took:?}");
    let fault = error.faults().next().expect("a fault");
    assert_eq!(end_of(fault), End::Again);
    let text = fault.to_string();
    assert!(
        text.starts_with(
            "write to Kafka: broker 1 is silent, and broker 2 leads topic `t`, partition "
        ),
        "{text}"
    );
    kafka.connect().await.expect("connect");
    kafka.write(&events).await.expect("taken");
    assert_eq!(ids(&second, "t"), (0..80).collect::<Vec<_>>());
}

/// The first of the list takes connections and says nothing.
#[tokio::test]
async fn a_broker_that_does_not_answer_keeps_nobody_from_the_next() {
    let frozen = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let frozen = frozen.local_addr().expect("an address").to_string();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let silent = silent.local_addr().expect("an address").to_string();
    let broker = Broker::start(1, |_| 0).await;
    let config = json!({"bootstrap_brokers": [silent, frozen, broker.address], "topic": "t"});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut kafka = config.dispatcher().expect("a dispatcher");
    let begin = std::time::Instant::now();
    kafka.connect().await.expect("connect");
    let took = begin.elapsed();
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
}

/// Of a rebuilt cluster nobody is told: the address is the same, and a connection is lost.
#[tokio::test]
async fn nothing_goes_again_to_another_cluster() {
    let producers = Arc::new(Mutex::new(Vec::new()));
    let noted = producers.clone();
    let judge = move |batch: &Batch| {
        noted.lock().expect("producers").push(batch.producer);
        0
    };
    let broker = Broker::start(1, judge).await;
    let mut kafka = dispatcher(&broker, json!({})).await;
    let mut all = rows("t", 30, &[]);
    let mut ten = || [all.split_to(10)];
    kafka.write(&ten()).await.expect("taken");
    // The same cluster: what had no answer goes again as it was.
    broker.cut();
    kafka
        .write(&ten())
        .await
        .expect("taken over another connection");
    broker.cut();
    broker.rebuild();
    let events = ten();
    let error = kafka.write(&events).await.expect_err("another cluster");
    let text = error.faults().next().expect("a fault").to_string();
    let expected = format!("{} belongs to another cluster now", broker.address);
    assert!(text.ends_with(&expected), "{text}");
    kafka.connect().await.expect("connect");
    kafka.write(&events).await.expect("taken");
    let producers = producers.lock().expect("producers");
    assert_eq!(
        *producers,
        [(PRODUCER, 0), (PRODUCER, 0), (PRODUCER + 1, 0)]
    );
    assert_eq!(ids(&broker, "t"), (0..30).collect::<Vec<_>>());
}
