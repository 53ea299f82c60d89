//! Recorded rows that are compressed, partial, or of many columns.

use wlf_core::format::{Encoder, Format};

use super::recorded::{LIMITS, Line, assert_given_same, assert_same, batches, expected, lines};
use crate::binlog::Limits;

/// Compressed transactions give the same rows, whether they are held or stream, in batches of any size.
#[test]
fn compressed_transactions() {
    assert_same("compressed", LIMITS);
    for transaction in [1000, 5000, 30_000] {
        let small = Limits {
            rows: 10,
            bytes: 1000,
            transaction,
        };
        assert_same("compressed", small);
        let all = lines(&batches("compressed", LIMITS).unwrap());
        let pieces = batches("compressed", small).unwrap();
        let streamed = pieces.iter().filter(|batch| batch.mark.is_inside());
        assert!(streamed.count() > 3);
        assert!(pieces.iter().any(|batch| batch.ended.is_some()));
        assert_eq!(rows_alone(&lines(&pieces)), rows_alone(&all));
    }
}

/// The lines without what is known of a transaction only when it is held.
fn rows_alone(lines: &[String]) -> Vec<serde_json::Value> {
    let value = |line: &String| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["xid", "xoffset", "commit"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value
    };
    lines.iter().map(value).collect()
}

/// Documents are what the server stored, though the binlog has only their differences.
#[test]
fn partial_updates() {
    assert_same("partial-json", LIMITS);
    let all = lines(&batches("partial-json", LIMITS).unwrap());
    let changed = all.iter().filter(|line| {
        let line: Line = serde_json::from_str(line).unwrap();
        line.r#type == "update" && line.old.contains_key("j")
    });
    assert!(changed.count() > 40);
}

/// A difference to a document that is not there is not guessed at, and the rows before it go on.
#[test]
fn partial_updates_of_documents_that_are_not_there() {
    let batches = batches("partial-json-minimal", LIMITS).unwrap();
    let mut encoder = Encoder::new(Format::default());
    let events: Vec<_> = batches.iter().flat_map(|batch| &batch.events).collect();
    let (last, before) = events.split_last().unwrap();
    for event in before {
        encoder.encode(event).unwrap();
    }
    let shown: Vec<_> = encoder
        .records()
        .map(|record| record.value.unwrap().to_vec())
        .collect();
    let update: Line = serde_json::from_slice(&shown[1]).unwrap();
    assert_eq!(update.data.keys().collect::<Vec<_>>(), ["id", "n"]);
    let fault = encoder.encode(last).unwrap_err().fault;
    assert_eq!(fault.exit(), wlf_core::Exit::Data);
    insta::assert_snapshot!(format!("{fault}\n{}", fault.hint.as_ref().unwrap()));
}

#[test]
fn more_columns_than_a_byte_has_bits_or_counts() {
    let lines = lines(&batches("many-columns", LIMITS).unwrap());
    assert_given_same(&lines, &expected("many-columns"));
    let line = |table: &str, kind: &str| {
        let found = lines
            .iter()
            .map(|line| serde_json::from_str::<Line>(line).unwrap());
        let mut found = found.filter(|line| line.table == table && line.r#type == kind);
        found.next_back().unwrap()
    };
    // Of the last rows, in images of which most columns are absent.
    let update = line("hundreds", "update");
    assert_eq!(
        update.data.keys().collect::<Vec<_>>(),
        ["c255", "c257", "id"]
    );
    assert_eq!(update.data["c257"].get(), "null");
    // Of the columns that were not given, NOBLOB leaves out the ten of TEXT alone.
    let insert = line("thousand", "insert");
    assert_eq!(insert.data.len(), 990);
    let delete = line("hundreds", "delete");
    assert_eq!(delete.data.keys().collect::<Vec<_>>(), ["id"]);
}
