use std::future::poll_fn;
use std::sync::Arc;

use rskafka::protocol::error::Error as Code;
use rskafka::protocol::record::{ControlBatchOrRecords, RecordBatch};
use rskafka::protocol::traits::ReadType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wlf_core::Headers;
use wlf_core::format::Lanes;
use wlf_net::{Connector, Tls};

use super::*;
use crate::compression::Compression;
use crate::produce::{ROOM, Version};
use crate::record_batch::{BatchHeader, HEADER};

const TOPIC: &str = "shop.orders";

/// A connection, and the broker's end of it.
async fn connected() -> (Outlet, TcpStream) {
    let (outlet, broker, _) = listened(false).await;
    (outlet, broker)
}

/// The same, and where the broker listens.
async fn listened(repeats: bool) -> (Outlet, TcpStream, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    let plain = Connector::new(&Tls::default()).expect("no section");
    let dial = Dial::new(plain, None);
    let address = address.to_string().parse().expect("an address");
    let outlet = Outlet::open(&dial, address, None, repeats)
        .await
        .expect("connect");
    let (broker, _) = listener.accept().await.expect("accept");
    (outlet, broker, listener)
}

/// A request with one record.
fn request(correlation: i32, value: &[u8]) -> Request {
    let mut lanes = Lanes::new(ROOM);
    lanes.add(1);
    lanes.push(
        0,
        usize::MAX,
        0,
        Some(b"key"),
        Some(value),
        Headers::default(),
    );
    lanes.fill();
    let (lane, mut chunk) = lanes.take_full().expect("a chunk");
    let head = Head {
        version: Version::of(Compression::None),
        correlation,
        topic: Arc::from(TOPIC),
        partition: 3,
    };
    let header = BatchHeader {
        producer: None,
        sequence: 0,
        timestamp: 0,
        compression: Compression::None,
        records: 1,
    };
    let batch = chunk.size() + HEADER;
    let bytes = chunk.bytes_mut();
    header.write(&mut bytes[ROOM - HEADER..]).expect("a header");
    let start = produce::write(&head, batch, bytes);
    Request {
        lane,
        chunk,
        packed: Vec::new(),
        start,
        head,
        sequence: 0,
    }
}

/// Reads a request as a broker does: its number and the value of its record.
async fn read(broker: &mut TcpStream) -> (i32, Vec<u8>) {
    let size = broker.read_i32().await.expect("a size") as usize;
    let mut bytes = vec![0; size];
    broker.read_exact(&mut bytes).await.expect("a request");
    let (head, batch) = bytes.split_at(39 + TOPIC.len());
    assert_eq!(head[..4], [0, 0, 0, 3], "Produce, version 3");
    let number = i32::from_be_bytes(head[4..8].try_into().expect("four bytes"));
    assert!(
        head.windows(TOPIC.len())
            .any(|part| part == TOPIC.as_bytes())
    );
    let batch = RecordBatch::read(&mut Cursor::new(batch)).expect("a batch");
    let ControlBatchOrRecords::Records(mut records) = batch.records else {
        panic!("a control batch");
    };
    (number, records.remove(0).value.expect("a value"))
}

/// An answer to the request of a number.
fn answer(number: i32, code: i16) -> Vec<u8> {
    let mut body = number.to_be_bytes().to_vec();
    body.extend_from_slice(&1i32.to_be_bytes()); // topics
    body.extend_from_slice(&(TOPIC.len() as i16).to_be_bytes());
    body.extend_from_slice(TOPIC.as_bytes());
    body.extend_from_slice(&1i32.to_be_bytes()); // partitions
    body.extend_from_slice(&3i32.to_be_bytes());
    body.extend_from_slice(&code.to_be_bytes());
    body.extend_from_slice(&[0; 16]); // base_offset, log_append_time_ms
    body.extend_from_slice(&[0; 4]); // throttle_time_ms
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.append(&mut body);
    bytes
}

async fn next(outlet: &mut Outlet) -> Option<(i32, Answer)> {
    let answered = poll_fn(|context| outlet.poll(context)).await;
    answered.map(|(request, answer)| (request.head.correlation, answer))
}

#[tokio::test]
async fn requests_arrive_whole_and_answers_belong_to_them_in_order() {
    let (mut outlet, mut broker) = connected().await;
    // More than a socket takes at once.
    let values: Vec<_> = (0..5u8).map(|n| vec![n; 3_000_000]).collect();
    for (number, value) in (1..).zip(&values) {
        outlet.send(request(number, value));
    }
    let broker = async {
        for (number, value) in (1..).zip(&values) {
            let (came, read) = read(&mut broker).await;
            assert!(came == number && read == *value);
        }
        let codes = [0, 0, 10, 45, 45];
        let answers = (1..).zip(codes).map(|(number, code)| answer(number, code));
        let bytes = answers.collect::<Vec<_>>().concat();
        // Answers may come in any pieces.
        for piece in bytes.chunks(7) {
            broker.write_all(piece).await.expect("write");
        }
    };
    let answers = async {
        let mut answers = Vec::new();
        while !outlet.is_idle() {
            answers.extend(next(&mut outlet).await);
        }
        answers
    };
    let ((), answers) = futures_util::future::join(broker, answers).await;
    let refused = |code| Answer::Refused(code);
    assert_eq!(
        answers,
        [
            (1, Answer::Acknowledged),
            (2, Answer::Acknowledged),
            (3, refused(Code::MessageTooLarge)),
            (4, refused(Code::OutOfOrderSequenceNumber)),
            (5, refused(Code::OutOfOrderSequenceNumber)),
        ]
    );
}

#[tokio::test]
async fn all_that_is_under_way_is_lost_with_the_connection() {
    let (mut outlet, mut broker) = connected().await;
    (1..=3).for_each(|number| outlet.send(request(number, b"value")));
    let broker = async move {
        read(&mut broker).await;
        broker.write_all(&answer(1, 0)).await.expect("write");
        read(&mut broker).await;
    };
    let answers = async {
        let mut answers = Vec::new();
        while !outlet.is_idle() {
            answers.extend(next(&mut outlet).await);
        }
        answers
    };
    let ((), answers) = futures_util::future::join(broker, answers).await;
    let expected = [
        (1, Answer::Acknowledged),
        (2, Answer::Lost),
        (3, Answer::Lost),
    ];
    assert_eq!(answers, expected);
    assert!(matches!(outlet.take_error(), Some(Error::Request { .. })));
    // It stays so: what comes later is lost at once.
    outlet.send(request(4, b"value"));
    assert_eq!(next(&mut outlet).await, Some((4, Answer::Lost)));
}

#[tokio::test]
async fn what_had_no_answer_goes_again_over_another_connection_and_no_further() {
    let (mut outlet, mut broker, listener) = listened(true).await;
    let values = [b"a", b"b", b"c"];
    for (number, value) in (1..).zip(values) {
        outlet.send(request(number, value));
    }
    let broker = async move {
        assert_eq!(read(&mut broker).await, (1, b"a".to_vec()));
        broker.write_all(&answer(1, 0)).await.expect("write");
        read(&mut broker).await;
        drop(broker);
        let (mut broker, _) = listener.accept().await.expect("accept");
        assert_eq!(read(&mut broker).await, (2, b"b".to_vec()));
        assert_eq!(read(&mut broker).await, (3, b"c".to_vec()));
        broker.write_all(&answer(2, 0)).await.expect("write");
        drop(broker);
        // And once more after an answer, but not twice without.
        let (mut broker, _) = listener.accept().await.expect("accept");
        assert_eq!(read(&mut broker).await, (3, b"c".to_vec()));
        listener
    };
    let answers = async {
        let mut answers = Vec::new();
        while !outlet.is_idle() {
            answers.extend(next(&mut outlet).await);
        }
        answers
    };
    let (_listener, answers) = futures_util::future::join(broker, answers).await;
    let expected = [
        (1, Answer::Acknowledged),
        (2, Answer::Acknowledged),
        (3, Answer::Lost),
    ];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn an_answer_that_is_none_breaks_the_connection_off() {
    let mut long = answer(1, 0);
    long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut elsewhere = answer(1, 0);
    elsewhere[14] = b'x';
    for bytes in [answer(2, 0), long, elsewhere, vec![0, 0, 0, 2, 1, 1]] {
        let (mut outlet, mut broker) = connected().await;
        outlet.send(request(1, b"value"));
        let broker = async {
            read(&mut broker).await;
            broker.write_all(&bytes).await.expect("write");
        };
        let ((), answer) = futures_util::future::join(broker, next(&mut outlet)).await;
        assert_eq!(answer, Some((1, Answer::Lost)));
        assert!(matches!(outlet.take_error(), Some(Error::Answer { .. })));
    }
}
