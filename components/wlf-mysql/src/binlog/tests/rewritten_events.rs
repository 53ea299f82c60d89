//! Recorded events written anew in the forms that other servers give them: their rows stay the same.

use std::io::Write;

use bytes::Bytes;

use super::recorded::{LIMITS, events, files, lines};
use crate::binlog::events::event_type as types;
use crate::binlog::events::format_description::FormatDescription;
use crate::binlog::events::header::Header;
use crate::binlog::events::query::Query;
use crate::binlog::events::rows::RowsEvent;
use crate::binlog::{Assembler, Error, Fate, Limits, Taken};

/// An event without header and checksum.
pub(super) type Bare = (u8, Vec<u8>);

/// A recorded file's events.
pub(super) fn bare(name: &str) -> Vec<Bare> {
    let (_, file) = files(name).remove(0);
    let end = |code: u8, end: usize| {
        if code == types::FORMAT_DESCRIPTION {
            end
        } else {
            end - 4
        }
    };
    let ranges = events(&file).into_iter();
    ranges
        .map(|event| {
            let code = file[event.start + 4];
            let body = &file[event.start + Header::LENGTH..end(code, event.end)];
            (code, body.to_vec())
        })
        .collect()
}

/// The event with a header, and without a checksum.
pub(super) fn inner(code: u8, body: &[u8], flags: u16) -> Vec<u8> {
    let mut event = 1_767_323_045_u32.to_le_bytes().to_vec();
    event.push(code);
    event.extend(1_u32.to_le_bytes());
    event.extend(((Header::LENGTH + body.len()) as u32).to_le_bytes());
    event.extend(0_u32.to_le_bytes());
    event.extend(flags.to_le_bytes());
    event.extend(body);
    event
}

/// The event as it is in a file.
pub(super) fn whole(code: u8, body: &[u8], flags: u16) -> Vec<u8> {
    if code == types::FORMAT_DESCRIPTION {
        let body = &body[..body.len() - 4];
        return checked(inner(code, body, flags));
    }
    checked(inner(code, body, flags))
}

fn checked(mut event: Vec<u8>) -> Vec<u8> {
    let length = (event.len() + 4) as u32;
    event[9..13].copy_from_slice(&length.to_le_bytes());
    let checksum = wlf_core::checksum::crc32(&event);
    event.extend(checksum.to_le_bytes());
    event
}

/// Reads the events as the file `binlog.000001`; what was read before an error is there too.
pub(super) fn read(
    events: impl IntoIterator<Item = Vec<u8>>,
    limits: Limits,
) -> (Vec<String>, Option<Error>) {
    let mut assembler = Assembler::new(limits);
    assembler.next_file("binlog.000001");
    let mut batches = Vec::new();
    let mut at = 4;
    let mut error = None;
    'events: for event in events {
        let block = Bytes::from(event);
        loop {
            let taken = assembler.take(&block, 0..block.len(), Some(at));
            while assembler.is_full() {
                if assembler.needs_fate() {
                    let dropped = Vec::new();
                    assembler.decide(Fate::Committed { dropped });
                }
                match assembler.cut() {
                    Some(batch) => batches.push(batch),
                    None => break,
                }
            }
            match taken {
                Ok(Taken::More) => {}
                Ok(_) => break,
                Err(failed) => {
                    error = Some(failed);
                    break 'events;
                }
            }
        }
        at += block.len() as u64;
    }
    batches.extend(assembler.cut());
    (lines(&batches), error)
}

/// The same rows come out when every event is written anew by `form`.
fn assert_same_rows(name: &str, form: impl Fn(Bare) -> Bare) {
    let original = bare(name);
    let anew = original.clone().into_iter().map(form);
    let anew: Vec<_> = anew.map(|(code, body)| whole(code, &body, 0)).collect();
    let original = original
        .into_iter()
        .map(|(code, body)| whole(code, &body, 0));
    let (expected, error) = read(original, LIMITS);
    assert!(error.is_none() && expected.len() > 10, "{error:?}");
    let (rows, error) = read(anew, LIMITS);
    assert!(error.is_none(), "{error:?}");
    assert!(rows == expected, "{name}");
}

fn is_rows(code: u8) -> bool {
    (types::WRITE_ROWS..=types::DELETE_ROWS).contains(&code)
}

/// Table id and flags, then without the extra data what is behind it.
fn without_extra(body: &[u8]) -> (Vec<u8>, &[u8]) {
    let extra = usize::from(u16::from_le_bytes([body[8], body[9]]));
    (body[..8].to_vec(), &body[8 + extra..])
}

#[test]
fn rows_events_of_the_first_versions() {
    for name in ["types", "minimal-image", "many-columns"] {
        for first in [types::WRITE_ROWS_V1, types::PRE_GA_WRITE_ROWS] {
            assert_same_rows(name, |(code, body)| {
                if !is_rows(code) {
                    return (code, body);
                }
                let (mut front, rest) = without_extra(&body);
                front.extend(rest);
                (first + code - types::WRITE_ROWS, front)
            });
        }
    }
}

/// As before MySQL 5.1.4: FORMAT_DESCRIPTION has the lengths that say so.
#[test]
fn table_ids_of_four_bytes() {
    assert_same_rows("minimal-image", |(code, mut body)| {
        let short = |body: &[u8]| [&body[..4], &body[6..]].concat();
        match code {
            types::FORMAT_DESCRIPTION => {
                // int<2>, string<50>, int<4>, int<1>, and a length for each type
                for code in [types::TABLE_MAP, 20, 21, 22, 23, 24, 25] {
                    body[57 + usize::from(code) - 1] = 6;
                }
                (code, body)
            }
            types::TABLE_MAP => (code, short(&body)),
            code if is_rows(code) => {
                let (mut front, rest) = without_extra(&body);
                front.extend(rest);
                (code - 10, short(&front))
            }
            code => (code, body),
        }
    });
}

/// NDB's information, that of partitions, and whatever comes next.
#[test]
fn extra_data_is_passed_over() {
    let extras: [&[u8]; 4] = [
        &[0, 4, 0, 7],
        &[1, 3, 0],
        &[1, 3, 0, 1, 0, 0, 5, 0, 1, 2, 3],
        &[0xff; 300],
    ];
    for extra in extras {
        assert_same_rows("minimal-image", |(code, body)| {
            if !is_rows(code) {
                return (code, body);
            }
            let (mut front, rest) = without_extra(&body);
            front.extend((extra.len() as u16 + 2).to_le_bytes());
            front.extend(extra);
            front.extend(rest);
            (code, front)
        });
    }
}

/// As MariaDB's `binlog_buf_compress` does.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x84];
    out.extend((bytes.len() as u32).to_be_bytes());
    let mut zlib = flate2::write::ZlibEncoder::new(out, flate2::Compression::default());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

#[test]
fn compressed_events_of_mariadb() {
    let squeeze = |code: u8, body: &[u8], new: u8| {
        let format = FormatDescription::default();
        let rows = RowsEvent::decode(code, body, &format).unwrap();
        let front = &body[..body.len() - rows.rows.len()];
        (new, [front, &compressed(rows.rows)].concat())
    };
    for name in [
        "types",
        "minimal-image",
        "many-columns",
        "large-transaction",
    ] {
        assert_same_rows(name, |(code, body)| match code {
            types::QUERY => {
                let sql = Query::decode(&body).unwrap().sql;
                let front = &body[..body.len() - sql.len()];
                let body = [front, &compressed(sql)].concat();
                (types::MARIADB_QUERY_COMPRESSED, body)
            }
            code if is_rows(code) => {
                let new = types::MARIADB_WRITE_ROWS_COMPRESSED + code - types::WRITE_ROWS;
                squeeze(code, &body, new)
            }
            code => (code, body),
        });
        assert_same_rows(name, |(code, body)| {
            if !is_rows(code) {
                return (code, body);
            }
            let (mut front, rest) = without_extra(&body);
            front.extend(rest);
            let v1 = types::WRITE_ROWS_V1 + code - types::WRITE_ROWS;
            let new = types::MARIADB_WRITE_ROWS_COMPRESSED_V1 + code - types::WRITE_ROWS;
            squeeze(v1, &front, new)
        });
    }
}

#[test]
fn says_what_is_wrong_with_compressed_events() {
    let original = bare("minimal-image");
    let at = original
        .iter()
        .position(|(code, _)| is_rows(*code))
        .unwrap();
    let (code, body) = &original[at];
    let format = FormatDescription::default();
    let rows = RowsEvent::decode(*code, body, &format).unwrap();
    let front = &body[..body.len() - rows.rows.len()];
    let right = compressed(rows.rows);
    let mut long = right.clone();
    long[4] += 1;
    let mut method = right.clone();
    method[0] |= 0x20;
    let mut report = String::new();
    for tail in [&right[..right.len() - 1], &long, &method, &[]] {
        let before = original[..at]
            .iter()
            .map(|(code, body)| whole(*code, body, 0));
        let body = [front, tail].concat();
        let event = whole(types::MARIADB_WRITE_ROWS_COMPRESSED, &body, 0);
        let (rows, error) = read(before.chain([event]), LIMITS);
        assert_eq!(rows, [""; 0]);
        report += &shown(error.unwrap());
    }
    insta::assert_snapshot!(report);
}

/// The error with all that caused it, and the hint.
pub(super) fn shown(error: Error) -> String {
    let fault = wlf_core::Fault::from(error);
    assert_eq!(fault.exit(), wlf_core::Exit::Data);
    let mut text = fault.to_string();
    let mut source = std::error::Error::source(&fault);
    while let Some(cause) = source {
        if !text.ends_with(&cause.to_string()) {
            text += &format!(": {cause}");
        }
        source = cause.source();
    }
    format!("{text}\n  hint: {}\n", fault.hint.as_deref().unwrap_or("-"))
}

/// A recorded binlog with other events at its beginning, between its transactions, and inside of them.
fn with_others(others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    for (code, body) in bare("minimal-image") {
        let is_place = matches!(code, types::GTID | types::TABLE_MAP | types::XID);
        if is_place {
            events.extend_from_slice(others);
        }
        events.push(whole(code, &body, 0));
    }
    events
}

#[test]
fn events_without_rows_are_passed_over() {
    let (expected, _) = read(with_others(&[]), LIMITS);
    let ignorable = whole(99, b"what nobody knows", Header::IGNORABLE);
    let others = [
        ignorable,
        whole(types::IGNORABLE, b"", Header::IGNORABLE),
        whole(types::INTVAR, &[0; 9], 0),
        whole(types::RAND, &[0; 16], 0),
        whole(types::USER_VAR, &[1, 0, 0, 0, b'a', 1], 0),
        whole(types::APPEND_BLOCK, &[0; 8], 0),
        whole(types::DELETE_FILE, &[0; 4], 0),
        whole(types::MARIADB_BINLOG_CHECKPOINT, &[0; 4], 0),
    ];
    let (rows, error) = read(with_others(&others), LIMITS);
    assert!(error.is_none(), "{error:?}");
    assert!(rows == expected && rows.len() > 10);
}

#[test]
fn ignorable_events_are_counted() {
    let mut assembler = Assembler::new(LIMITS);
    assembler.next_file("binlog.000001");
    let ignorable = whole(99, b"what nobody knows", Header::IGNORABLE);
    for event in with_others(&[ignorable]) {
        let block = Bytes::from(event);
        let taken = assembler.take(&block, 0..block.len(), None);
        assert_eq!(taken.unwrap(), Taken::Event);
    }
    let places = bare("minimal-image");
    let places = places
        .iter()
        .filter(|(code, _)| matches!(*code, types::GTID | types::TABLE_MAP | types::XID));
    assert_eq!(assembler.ignored(), places.count() as u64);
}

/// Events that may hold rows stop the reader with their place, and so does what says that rows are missing.
#[test]
fn says_which_events_cannot_be_read() {
    let cases = [
        (99, &b"what nobody knows"[..]),
        (types::MARIADB_START_ENCRYPTION, &[1, 1, 0, 0, 0]),
        (types::MARIADB_PARTIAL_ROW_DATA, &[0; 20]),
        (types::INCIDENT, b"\x01\x00\x04lost"),
        (
            types::WRITE_ROWS,
            &[9, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 1, 0, 5],
        ),
    ];
    let mut report = String::new();
    for (code, body) in cases {
        let mut events = with_others(&[]);
        events.truncate(events.len() - 1);
        events.push(whole(code, body, 0));
        let (rows, error) = read(events, LIMITS);
        assert!(rows.len() > 10);
        report += &shown(error.unwrap());
    }
    insta::assert_snapshot!(report);
}

/// The length of an event's fixed part is another than any server gives it.
#[test]
fn other_post_headers_are_not_guessed_at() {
    for (at, length) in [(2, 14), (19, 9), (23, 10), (30, 12), (39, 8)] {
        let (code, mut body) = bare("minimal-image").remove(0);
        body[57 + at - 1] = length;
        let (_, error) = read([whole(code, &body, 0)], LIMITS);
        let shown = shown(error.unwrap());
        assert!(shown.contains("post-header cannot be right"), "{shown}");
    }
}

/// A file's own FORMAT_DESCRIPTION says how its events are protected, whatever those of the file before were.
#[test]
fn checksums_may_change_from_file_to_file() {
    let (_, without) = files("no-checksum").remove(0);
    let (_, with) = files("minimal-image").remove(0);
    let all = |file: &Bytes| -> Vec<_> {
        let ranges = events(file).into_iter();
        ranges.map(|event| file[event].to_vec()).collect()
    };
    let (first, error) = read(all(&without), LIMITS);
    assert!(error.is_none() && !first.is_empty(), "{error:?}");
    let (second, error) = read(all(&with), LIMITS);
    assert!(error.is_none() && !second.is_empty(), "{error:?}");
    for (one, other, rows) in [
        (&without, &with, [&first[..], &second[..]].concat()),
        (&with, &without, [&second[..], &first[..]].concat()),
    ] {
        let (read, error) = read([all(one), all(other)].concat(), LIMITS);
        assert!(error.is_none(), "{error:?}");
        assert!(read == rows);
        // A bit that changed is found only where there are checksums.
        let mut damaged = all(other);
        let last = damaged.last_mut().unwrap();
        last[0] ^= 1;
        let (_, error) = self::read([all(one), damaged].concat(), LIMITS);
        assert_eq!(
            error.is_some_and(|error| shown(error).contains("CRC32")),
            std::ptr::eq(other, &with)
        );
    }
}
