//! Compressed transactions in all forms, and what is said of those that are wrong.

use bytes::Bytes;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::recorded::{LIMITS, batches, history};
use super::rewritten_events::{bare, inner, read, shown, whole};
use crate::binlog::events::event_type as types;
use crate::binlog::events::transaction_payload::{
    Decoder, Next, PayloadEvents, TransactionPayload,
};
use crate::binlog::{Assembler, Limits, Taken};
use crate::schema::TableSchema;

const TINY: Limits = Limits {
    rows: 10,
    bytes: 1000,
    transaction: 1000,
};

const ZSTD: u64 = 0;
const NONE: u64 = 255;

/// The event as the server writes it.
fn payload(compression: u64, uncompressed: usize, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut field = |kind: u8, value: u64| {
        body.extend([kind, 9, 0xfe]);
        body.extend(value.to_le_bytes());
    };
    field(2, compression);
    field(3, uncompressed as u64);
    field(1, payload.len() as u64);
    body.push(0);
    body.extend(payload);
    body
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// What is in a recorded TRANSACTION_PAYLOAD.
fn decompressed(body: &[u8]) -> Vec<u8> {
    let event = TransactionPayload::decode(body).unwrap();
    let mut events = PayloadEvents::new(&event, event.payload.to_vec().into()).unwrap();
    let mut decoder = Decoder::default();
    let mut all = Vec::new();
    loop {
        match events.next(&mut decoder).unwrap() {
            Next::Event { block, event, .. } => {
                all.extend(&block[event.clone()]);
                events.taken(event.end);
            }
            Next::Later => {}
            Next::End => return all,
        }
    }
}

/// Recorded events, with every payload made anew.
fn rewritten(form: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<Vec<u8>> {
    let events = bare("compressed").into_iter();
    let anew = events.map(|(code, body)| {
        if code == types::TRANSACTION_PAYLOAD {
            whole(code, &form(body), 0)
        } else {
            whole(code, &body, 0)
        }
    });
    anew.collect()
}

#[test]
fn payloads_in_every_form_give_the_same_rows() {
    let (expected, error) = read(rewritten(|body| body), LIMITS);
    assert!(error.is_none() && expected.len() > 400, "{error:?}");
    let forms: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |body| {
            let events = decompressed(&body);
            payload(NONE, events.len(), &events)
        },
        |body| {
            let events = decompressed(&body);
            payload(ZSTD, events.len(), &zstd(&events))
        },
        // Several frames, which end inside of events.
        |body| {
            let events = decompressed(&body);
            let frames: Vec<_> = events.chunks(50_001).flat_map(zstd).collect();
            payload(ZSTD, events.len(), &frames)
        },
        // Without the fields that can be left out, and with one that is not known.
        |body| {
            let events = decompressed(&body);
            [&[2, 1, 0, 77, 2, 1, 2, 0][..], &zstd(&events)].concat()
        },
    ];
    for form in forms {
        for limits in [LIMITS, TINY] {
            let (rows, error) = read(rewritten(form), limits);
            assert!(error.is_none(), "{error:?}");
            assert_eq!(rows.len(), expected.len());
            if limits == LIMITS {
                assert!(rows == expected);
            }
        }
    }
}

/// A recorded binlog with each of its transactions in a payload.
fn wrapped(name: &str) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut inside = Vec::new();
    for (code, body) in bare(name) {
        let opens = code == types::QUERY && body.ends_with(b"BEGIN");
        if opens || !inside.is_empty() {
            inside.extend(inner(code, &body, 0));
            if code == types::XID {
                let body = payload(ZSTD, inside.len(), &zstd(&inside));
                events.push(whole(types::TRANSACTION_PAYLOAD, &body, 0));
                inside.clear();
            }
        } else {
            events.push(whole(code, &body, 0));
        }
    }
    events
}

/// What uncompressed transactions give, compressed ones do.
#[test]
fn any_transaction_can_be_in_a_payload() {
    for name in [
        "types",
        "minimal-image",
        "large-transaction",
        "many-columns",
    ] {
        let plain = bare(name).into_iter();
        let plain = plain.map(|(code, body)| whole(code, &body, 0));
        let (expected, error) = read(plain, LIMITS);
        assert!(error.is_none() && !expected.is_empty(), "{error:?}");
        let (rows, error) = read(wrapped(name), LIMITS);
        assert!(error.is_none(), "{error:?}");
        assert!(rows == expected, "{name}");
    }
}

/// A table without names in a payload is asked for, and the payload goes on where it stopped.
#[test]
fn definitions_are_asked_for_inside_of_a_payload() {
    let mut assembler = Assembler::new(LIMITS).with_definitions();
    assembler.set_history(Some(history()));
    assembler.next_file("binlog.000001");
    let schema = TableSchema {
        charset: "utf8mb4".to_owned(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        ..TableSchema::default()
    };
    let mut asked = 0;
    // Without the statements that define the table.
    let events = wrapped("minimal-metadata").into_iter();
    for event in events.filter(|event| event[4] != types::QUERY) {
        let block = Bytes::from(event);
        while assembler.take(&block, 0..block.len(), None).unwrap() == Taken::NeedsDefinition {
            asked += 1;
            let table = assembler.needed().unwrap().clone();
            let history = assembler.history().unwrap();
            history.learn(&table, schema.clone()).unwrap();
        }
    }
    assert_eq!(asked, 1);
    let rows = assembler.cut().unwrap().rows();
    let plain = batches("minimal-metadata", LIMITS).unwrap();
    assert_eq!(rows, plain.iter().map(|batch| batch.rows()).sum::<u64>());
    assert!(rows > 3);
}

/// The events up to the first large payload, and what is in it.
fn up_to_payload() -> (Vec<Vec<u8>>, Vec<u8>) {
    let events = bare("compressed");
    let is_large =
        |event: &(u8, Vec<u8>)| event.0 == types::TRANSACTION_PAYLOAD && event.1.len() > 1000;
    let at = events.iter().position(is_large).unwrap();
    let before = events[..at].iter();
    let before = before.map(|(code, body)| whole(*code, body, 0)).collect();
    (before, decompressed(&events[at].1))
}

/// What is said when the payload is this; two rows are before it.
fn refused(body: &[u8]) -> String {
    let (mut events, _) = up_to_payload();
    events.push(whole(types::TRANSACTION_PAYLOAD, body, 0));
    let (rows, error) = read(events, LIMITS);
    assert_eq!(rows.len(), 2);
    shown(error.unwrap())
}

#[test]
fn says_what_is_wrong_with_a_payload() {
    let (_, events) = up_to_payload();
    let good = zstd(&events);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x55;
    let mut short = payload(ZSTD, events.len(), &good);
    short.truncate(short.len() - 10);
    let nested = inner(types::TRANSACTION_PAYLOAD, &payload(NONE, 0, &[]), 0);
    let gtid = inner(types::ANONYMOUS_GTID, &[0; 42], 0);
    let twice = [&events[..], &events[..]].concat();
    // The frame's header says a window of 256 MiB.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x90, 0x01, 0x00, 0x00];
    let cases: [(&str, Vec<u8>); 13] = [
        ("method", payload(7, events.len(), &good)),
        ("declared one more", payload(ZSTD, events.len() + 1, &good)),
        ("declared one less", payload(ZSTD, events.len() - 1, &good)),
        ("bomb", payload(ZSTD, 50, &zstd(&vec![0; 50_000_000]))),
        ("size", short),
        ("torn frame", payload(ZSTD, events.len(), &good[..middle])),
        ("no frame", payload(ZSTD, events.len(), &events)),
        ("window", payload(ZSTD, events.len(), &window)),
        ("torn event", payload(NONE, 100, &events[..100])),
        ("nested", payload(NONE, nested.len(), &nested)),
        ("gtid", payload(NONE, gtid.len(), &gtid)),
        ("behind the commit", payload(NONE, twice.len(), &twice)),
        ("fields", vec![2, 1]),
    ];
    let mut report = String::new();
    for (name, body) in cases {
        report += &format!("{name}: {}", refused(&body));
    }
    insta::assert_snapshot!(report);
    // One bit of the compressed bytes gives an error of zstd or of what comes out.
    refused(&payload(ZSTD, events.len(), &flipped));
}

/// What a frame says of its content is compared with it.
#[test]
fn the_checksum_of_a_frame_is_verified() {
    let (_, events) = up_to_payload();
    // A frame with a checksum, and one raw block: RFC 8878, 3.1.1.
    let frame = |checksum: u32| {
        let piece = &events[..1000];
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x64];
        frame.extend((piece.len() as u16 - 256).to_le_bytes());
        frame.extend(&(((piece.len() as u32) << 3) | 1).to_le_bytes()[..3]);
        frame.extend(piece);
        frame.extend(checksum.to_le_bytes());
        frame.extend(zstd(&events[1000..]));
        payload(ZSTD, events.len(), &frame)
    };
    let said = refused(&frame(0));
    let (_, computed) = said.split_once("another checksum (").unwrap();
    let right = u32::from_str_radix(&computed[..8], 16).unwrap();
    let (mut before, _) = up_to_payload();
    before.push(whole(types::TRANSACTION_PAYLOAD, &frame(right), 0));
    let (rows, error) = read(before, LIMITS);
    assert!(error.is_none(), "{error:?}");
    assert!(rows.len() > 400);
}

/// Rows before a mistake in a transaction that streams are gone on already; the ones behind it are not.
#[test]
fn a_streaming_payload_stops_at_its_mistake() {
    let (mut before, events) = up_to_payload();
    let torn = &events[..events.len() - 40];
    before.push(whole(
        types::TRANSACTION_PAYLOAD,
        &payload(NONE, torn.len(), torn),
        0,
    ));
    let (rows, error) = read(before, TINY);
    assert!(rows.len() > 300, "{}", rows.len());
    assert!(shown(error.unwrap()).contains("binlog.000001:"));
}
