use std::sync::Arc;

use super::*;
use crate::event::Table;
use crate::format::Format;
use crate::format::lanes::Lanes;
use crate::format::lanes::tests::read;
use crate::format::{LetterForm, Target};
use crate::message::{HeaderList, MessageBlock};
use crate::value::OwnedRows;
use crate::{Column, DeadLetter, Reason};

fn header_list(headers: &[(&str, &[u8])]) -> HeaderList {
    let mut list = HeaderList::default();
    for (name, value) in headers {
        list.push(name, value);
    }
    list
}

/// One message of the stream `orders`.
fn event(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, &[u8])]) -> Event {
    let headers = header_list(headers);
    let message = Message {
        key,
        value,
        headers: headers.headers(),
        time: 1_700_000_000_123_456,
    };
    let block = MessageBlock::single(&message);
    block
        .into_events(&Arc::new(Table::stream("orders")))
        .remove(0)
}

fn encoder(form: MessageFormat) -> Encoder {
    Encoder::new(Format::default())
        .with_keys()
        .with_messages_as(form)
}

fn json(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, &[u8])]) -> String {
    let mut encoder = encoder(MessageFormat::Json);
    encoder.encode(&event(key, value, headers)).unwrap();
    String::from_utf8(encoder.payload().to_vec()).unwrap()
}

#[test]
fn raw_messages_go_on_as_they_came() {
    let headers: [(&str, &[u8]); 3] = [("a", b"1"), ("b", b"\xff"), ("a", b"2")];
    let mut encoder = encoder(MessageFormat::Raw);
    encoder
        .encode(&event(Some(b"k\xff"), Some(b"v\n"), &headers))
        .unwrap();
    encoder.encode(&event(None, None, &[])).unwrap();
    encoder.encode(&event(Some(b""), Some(b""), &[])).unwrap();
    let records: Vec<_> = encoder.records().collect();
    assert_eq!(records[0].value, Some(&b"v\n"[..]));
    assert_eq!(records[0].key, Some(&b"k\xff"[..]));
    assert_eq!(records[0].headers.iter().collect::<Vec<_>>(), headers);
    assert_eq!(records[0].time, 1_700_000_000_123_456);
    assert_eq!(
        (records[1].row, records[1].value, records[1].key),
        (1, None, None)
    );
    assert!(records[1].headers.is_empty());
    assert_eq!(records[2].value, Some(&b""[..]));
    // What was passed takes its headers along.
    encoder.pass();
    encoder
        .encode(&event(None, Some(b"x"), &headers[..1]))
        .unwrap();
    let (mut new, _) = encoder.new_records();
    assert_eq!(new.next().unwrap().headers.find("a"), Some(&b"1"[..]));
}

#[test]
fn an_envelope_has_json_as_it_is_text_as_text_and_bytes_in_base64() {
    let begin = r#"{"topic":"orders","key":"k","ts":1700000000,"ts_us":1700000000123456,"headers":{},"data":"#;
    for (value, expected) in [
        (
            &br#"{"a": [1,
  "x\ny"], "big": 12345678901234567890.10}"#[..],
            r#"{"a": [1,  "x\ny"], "big": 12345678901234567890.10}}"#,
        ),
        (b"7", "7}"),
        (b"{\"a\":", r#""{\"a\":"}"#),
        (b"", r#"""}"#),
        (b"h\xffi", r#""aP9p","encoding":"base64"}"#),
        ("né".as_bytes(), r#""né"}"#),
    ] {
        assert_eq!(
            json(Some(b"k"), Some(value), &[]),
            format!("{begin}{expected}")
        );
    }
    let all: [(&str, &[u8]); 4] = [("a", b"1"), ("b", b"\xff"), ("a", b"2"), ("q\"", b"")];
    assert_eq!(
        json(Some(b"\xff"), None, &all),
        r#"{"topic":"orders","key":"/w==","key_encoding":"base64","ts":1700000000,"ts_us":1700000000123456,"headers":{"a":["1","2"],"b":{"base64":"/w=="},"q\"":""},"data":null}"#
    );
}

#[test]
fn a_cloud_event_is_what_its_message_says_of_it() {
    let cloud = |value: &[u8], headers: &[(&str, &[u8])]| {
        let mut encoder = encoder(MessageFormat::CloudEvents);
        encoder.encode(&event(None, Some(value), headers)).unwrap();
        let record = encoder.records().next().unwrap();
        let content_type: [(&str, &[u8]); 1] = [("content-type", b"application/cloudevents+json")];
        assert_eq!(record.headers.iter().collect::<Vec<_>>(), content_type);
        serde_json::from_slice::<serde_json::Value>(record.value.unwrap()).unwrap()
    };
    let plain = cloud(b"{\"a\":1}", &[]);
    assert_eq!(plain["data"]["a"], 1);
    assert_eq!(
        (plain["type"].as_str(), plain["source"].as_str()),
        (Some("wlf.message"), Some("/orders"))
    );
    assert_eq!(plain["time"], "2023-11-14T22:13:20.123456Z");
    assert_eq!(plain["id"], cloud(b"{\"a\":1}", &[])["id"]);
    assert_ne!(plain["id"], cloud(b"{\"a\":2}", &[])["id"]);
    let said = cloud(
        b"\xff",
        &[("ce_id", b"7"), ("ce_type", b"t"), ("ce-source", b"s")],
    );
    assert_eq!(
        (said["id"].as_str(), said["type"].as_str()),
        (Some("7"), Some("t"))
    );
    assert_eq!(
        (said["source"].as_str(), said["data_base64"].as_str()),
        (Some("s"), Some("/w=="))
    );
}

#[test]
fn messages_and_dead_letters_go_into_lanes_with_their_headers() {
    let mut encoder = encoder(MessageFormat::Raw).with_lanes(Lanes::new(0));
    let first = encoder.lanes().add(1);
    let target = Target {
        first,
        lanes: 1,
        limit: usize::MAX,
    };
    encoder.lanes().aim(target, 5);
    let table = Arc::new(Table::new(
        "shop",
        "t",
        vec![Column::untyped("id")],
        vec![0],
    ));
    let row = OwnedRows::insert(&table, [vec![1.into()]]);
    let events = [
        event(Some(b"k"), Some(b"v"), &[("a", b"1")]),
        DeadLetter::of(row, reason()),
        DeadLetter::of(event(None, None, &[("a", b"1")]), reason()),
    ];
    for event in &events {
        let (whole, encoded) = encoder.encode_in_lanes(std::slice::from_ref(event), usize::MAX);
        encoded.unwrap();
        assert_eq!(whole, 1);
    }
    assert!(encoder.is_empty());
    encoder.lanes().fill();
    let (_, chunk) = encoder.lanes().take_full().unwrap();
    let records = read(&chunk);
    assert_eq!(
        records.iter().map(|record| record.row).collect::<Vec<_>>(),
        [5, 6, 7]
    );
    assert_eq!(records[0].headers, [(b"a".to_vec(), b"1".to_vec())]);
    let names: Vec<_> = records[1]
        .headers
        .iter()
        .map(|(name, _)| name.as_slice())
        .collect();
    assert_eq!(
        names,
        [&b"wlf-error"[..], b"wlf-component", b"wlf-position"]
    );
    assert_eq!(records[2].headers.len(), 4);
}

fn reason() -> Reason {
    Reason {
        error: "write: too \"large\"".to_owned(),
        component: "kafka".to_owned(),
        position: "binlog.000001:4".to_owned(),
        time: 1_700_000_000_000_000,
    }
}

#[test]
fn a_dead_letter_without_headers_is_a_json_object() {
    let table = Arc::new(Table::new(
        "shop",
        "t",
        vec![Column::untyped("id")],
        vec![0],
    ));
    let row = OwnedRows::insert(&table, [vec![1.into()], vec![2.into()]]);
    let mut encoder = encoder(MessageFormat::Raw).with_letters_as(LetterForm::Json);
    encoder.encode(&row).unwrap();
    encoder.encode(&DeadLetter::of(row, reason())).unwrap();
    encoder
        .encode(&DeadLetter::of(event(None, Some(b"h\xffi"), &[]), reason()))
        .unwrap();
    let values: Vec<_> = encoder
        .records()
        .map(|record| std::str::from_utf8(record.value.unwrap()).unwrap())
        .collect();
    assert!(values[0].starts_with(r#"{"database":"shop""#));
    let begin = r#"{"reason":"write: too \"large\"","component":"kafka","position":"binlog.000001:4","time":"2023-11-14T22:13:20.000000Z","event":"#;
    let row = |id: u8| {
        format!(
            r#"{begin}{{"database":"shop","table":"t","type":"insert","ts":0,"data":{{"id":{id}}}}}}}"#
        )
    };
    assert_eq!(values[2..4], [row(1), row(2)]);
    assert!(
        values[4].ends_with(r#","event":"aP9p","encoding":"base64"}"#),
        "{}",
        values[4]
    );
    assert_eq!(values.len(), 5);
}
