use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::format::{Encoder, Format};
use crate::message::Headers;
use crate::testing::numbers;
use crate::value::OwnedRows;
use crate::{Column, Event, Operation, Table};

/// A record as a reader has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub row: u32,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Takes a number, which has to take no more bytes than it needs.
fn number(bytes: &mut &[u8]) -> i64 {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let (number, rest) = bytes.split_at(end + 1);
    assert!(number.len() == 1 || number[end] != 0, "{number:?}");
    *bytes = rest;
    let digits = number.iter().rev();
    let zigzag = digits.fold(0u64, |n, byte| n << 7 | u64::from(byte & 0x7f));
    (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)
}

fn field(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let length = number(bytes);
    if length < 0 {
        assert_eq!(length, -1);
        return None;
    }
    let (field, rest) = bytes.split_at(length as usize);
    *bytes = rest;
    Some(field.to_vec())
}

/// Reads a chunk's records as Kafka's format says.
pub fn read(chunk: &Chunk) -> Vec<Read> {
    let mut rest = chunk.records();
    let mut records = Vec::new();
    for (n, row) in chunk.rows().iter().enumerate() {
        let length = number(&mut rest);
        let (mut record, behind) = rest.split_at(length as usize);
        rest = behind;
        assert_eq!(record[..2], [0, 0]);
        record = &record[2..];
        assert_eq!(number(&mut record), n as i64);
        let (key, value) = (field(&mut record), field(&mut record));
        let headers = (0..number(&mut record)).map(|_| {
            let (name, value) = (field(&mut record), field(&mut record));
            (name.unwrap(), value.unwrap())
        });
        let headers = headers.collect();
        assert!(record.is_empty());
        records.push(Read {
            row: *row,
            key,
            value,
            headers,
        });
    }
    assert!(rest.is_empty());
    records
}

/// Takes all chunks, each with its lane.
fn chunks(lanes: &mut Lanes) -> Vec<(usize, Chunk)> {
    lanes.fill();
    std::iter::from_fn(|| lanes.take_full()).collect()
}

/// Writes records in place, as a format does.
fn write(lanes: &mut Lanes, target: Target, records: &[(Vec<u8>, Vec<u8>)]) {
    lanes.aim(target, 0);
    for (row, (key, value)) in (0..).zip(records) {
        lanes.key.clear();
        lanes.key.put(key);
        let lane = lanes.choose();
        let (out, begun) = lanes.begin(lane);
        out.put(value);
        lanes.end(lane, begun, row);
    }
}

fn expected(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<Read> {
    let records = (0..).zip(records);
    let read = records.map(|(row, (key, value))| Read {
        row,
        key: Some(key.clone()),
        value: Some(value.clone()),
        headers: Vec::new(),
    });
    read.collect()
}

const ONE: Target = Target {
    first: 0,
    lanes: 1,
    limit: usize::MAX,
};

fn lengths() -> impl Strategy<Value = usize> {
    let near = |length: usize| length.saturating_sub(40)..length + 40;
    prop_oneof![0..200usize, near(64), near(8192), near(1 << 20)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lengths_take_as_many_bytes_as_they_need(
        lengths in proptest::collection::vec((0..100usize, lengths()), 1..12)
    ) {
        let records: Vec<_> = (lengths.into_iter())
            .map(|(key, value)| (vec![b'k'; key], (0..value).map(|n| n as u8).collect()))
            .collect();
        let mut lanes = Lanes::new(7);
        lanes.add(1);
        write(&mut lanes, ONE, &records);
        let chunks = chunks(&mut lanes);
        prop_assert_eq!(chunks.len(), 1);
        prop_assert_eq!(read(&chunks[0].1), expected(&records));
        prop_assert_eq!(chunks[0].1.bytes().len(), 7 + chunks[0].1.size());
    }

    #[test]
    fn chunks_are_not_larger_than_they_may_be_unless_a_record_is(
        lengths in proptest::collection::vec(0..300usize, 1..60), limit in 1..1000usize, smaller in 0..400usize,
    ) {
        let records: Vec<_> = (lengths.into_iter())
            .map(|length| (b"key".to_vec(), vec![b'v'; length]))
            .collect();
        let mut lanes = Lanes::new(7);
        lanes.add(1);
        write(&mut lanes, Target { limit, ..ONE }, &records);
        let whole = chunks(&mut lanes);
        let mut parts = Vec::new();
        for (_, chunk) in whole {
            prop_assert!(chunk.size() <= limit || chunk.rows().len() == 1);
            parts.extend(lanes.split(chunk, smaller));
        }
        let mut all = Vec::new();
        for part in parts {
            prop_assert!(!part.rows().is_empty());
            prop_assert!(part.size() <= smaller || part.rows().len() == 1);
            all.extend(read(&part));
        }
        prop_assert_eq!(all, expected(&records));
    }
}

#[test]
fn rows_can_be_left_out() {
    let records: Vec<_> = (0..300u32)
        .map(|n| (b"key".to_vec(), n.to_string().into_bytes()))
        .collect();
    let mut lanes = Lanes::new(7);
    lanes.add(1);
    write(&mut lanes, ONE, &records);
    let (_, chunk) = chunks(&mut lanes).remove(0);
    let chunk = lanes.retain(chunk, |row| row % 3 == 0);
    let kept = expected(&records).into_iter();
    assert_eq!(read(&chunk), kept.step_by(3).collect::<Vec<_>>());
    let none = lanes.retain(chunk, |_| false);
    assert_eq!((none.size(), none.rows().len()), (0, 0));
}

#[test]
fn keys_choose_lanes_and_rows_keep_their_order() {
    let records: Vec<_> = (0..1000u32)
        .map(|n| (n.to_string().into_bytes(), b"value".to_vec()))
        .collect();
    let mut lanes = Lanes::new(0);
    lanes.add(2);
    let target = Target {
        first: lanes.add(3),
        lanes: 3,
        limit: 4000,
    };
    write(&mut lanes, target, &records);
    let mut seen = 0;
    let mut last = [None; 5];
    for (lane, chunk) in chunks(&mut lanes) {
        for record in read(&chunk) {
            let key = record.key.unwrap();
            assert_eq!(2 + (murmur2(&key) & i32::MAX) as usize % 3, lane);
            assert!(last[lane] < Some(record.row));
            last[lane] = Some(record.row);
            seen += 1;
        }
    }
    assert_eq!(seen, 1000);
    assert!(last[2..].iter().all(Option::is_some));
}

#[test]
fn a_record_that_failed_leaves_nothing() {
    let mut lanes = Lanes::new(3);
    lanes.add(1);
    lanes.aim(ONE, 0);
    let lane = lanes.choose();
    let (out, begun) = lanes.begin(lane);
    out.put(b"half a val");
    lanes.take_back(lane, begun);
    assert!(chunks(&mut lanes).is_empty());
    let records = [(b"k".to_vec(), b"v".to_vec())];
    write(&mut lanes, ONE, &records);
    assert_eq!(read(&chunks(&mut lanes)[0].1), expected(&records));
}

#[test]
fn memory_is_used_again_and_is_bounded() {
    let mut lanes = Lanes::new(0);
    lanes.add(100);
    let value = vec![0; 1 << 18];
    for lane in 0..100 {
        lanes.push(lane, usize::MAX, 0, None, Some(&value), Headers::default());
    }
    lanes.clear();
    let kept: usize = lanes.spare.iter().map(Chunk::memory).sum();
    assert_eq!(kept, lanes.spare_bytes);
    assert!(kept <= SPARE && kept > SPARE / 2, "{kept}");
    let spare = lanes.spare.len();
    lanes.push(0, usize::MAX, 0, None, Some(&value), Headers::default());
    assert_eq!(lanes.spare.len(), spare - 1);
}

/// An event of so many rows.
fn rows(count: i64) -> Event {
    let columns = vec![Column::untyped("id")];
    let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
    OwnedRows::insert(&table, (0..count).map(|n| vec![n.into()]))
}

/// The rows as events of the same changes, one for each.
fn split(mut event: Event) -> Vec<Event> {
    let mut events = Vec::new();
    while !event.is_empty() {
        events.push(event.split_to(1));
    }
    events
}

/// An encoder with one lane, and what aims at it.
pub fn one_lane() -> (Encoder, Target) {
    let mut encoder = Encoder::new(Format::default())
        .with_keys()
        .with_lanes(Lanes::new(0));
    let target = Target {
        first: encoder.lanes().add(1),
        lanes: 1,
        limit: usize::MAX,
    };
    (encoder, target)
}

#[test]
fn a_run_numbers_its_rows_and_ends_where_the_event_is_another() {
    let mut events = split(rows(3));
    events.extend(split(rows(2)));
    let (mut encoder, target) = one_lane();
    encoder.lanes().aim(target, 7);
    let (whole, encoded) = encoder.encode_in_lanes(&events, usize::MAX);
    encoded.unwrap();
    // The others are of other changes.
    assert_eq!(whole, 3);
    events[1].operation = Operation::Delete;
    encoder.lanes().aim(target, 10);
    assert_eq!(encoder.encode_in_lanes(&events, usize::MAX).0, 1);
    encoder.lanes().fill();
    let (_, chunk) = encoder.lanes().take_full().unwrap();
    let numbers: Vec<_> = read(&chunk).iter().map(|record| record.row).collect();
    assert_eq!(numbers, [7, 8, 9, 10]);
}

#[test]
fn a_run_ends_where_there_is_enough() {
    let events = split(rows(8));
    let (mut encoder, target) = one_lane();
    encoder.lanes().aim(target, 0);
    assert_eq!(encoder.encode_in_lanes(&events, 1).0, 1);
    let one = encoder.lanes().written();
    assert_eq!(encoder.encode_in_lanes(&events[1..5], 3 * one).0, 2);
    assert_eq!(encoder.encode_in_lanes(&[], usize::MAX).0, 0);
    assert_eq!(encoder.encode_some(&events, 1).0, 1);
    let one = encoder.payload().len();
    assert_eq!(encoder.encode_some(&events[1..], 3 * one).0, 2);
    assert_eq!(encoder.encode_some(&events[3..], usize::MAX).0, 5);
    assert_eq!(encoder.records().count(), 8);
    let others = [split(rows(2)), split(rows(1))].concat();
    assert_eq!(encoder.encode_some(&others, usize::MAX).0, 2);
    // Of what fails nothing is whole.
    let (whole, failed) = encoder.encode_some(&[numbers("t", 1, None, 5, 1)], 1);
    assert_eq!((whole, failed.unwrap_err().row), (0, 5));
}
