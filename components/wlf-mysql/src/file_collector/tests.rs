use std::path::{Path, PathBuf};

use wlf_core::component::Progress;
use wlf_core::format::{Encoder, Format};
use wlf_core::{Batch, Collector, Exit, Fault, Position};

use super::blocks::BLOCK;
use super::*;
use crate::binlog::events::header::Header;

const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 1 << 20,
    transaction: 4 << 20,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn glob_of(directory: &Path) -> Vec<String> {
    vec![directory.join("binlog.*").to_str().unwrap().to_owned()]
}

/// Reads to the end, and gives what was read before it, and the fault that was the end.
fn read(paths: &[String], limits: Limits, after: Option<&Position>) -> (Vec<Batch>, Option<Fault>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut collector = BinlogFileCollector::new(paths.to_vec(), limits);
        collector.on_statement = OnStatement::Warn;
        let mut batches = Vec::new();
        if let Err(fault) = collector.connect(after).await {
            return (batches, Some(fault));
        }
        loop {
            match collector.read(&Desk::alone()).await {
                Ok(Some(batch)) => batches.push(batch),
                Ok(None) => {
                    let Progress { done, total } = collector.progress().unwrap();
                    assert_eq!(done, total);
                    return (batches, None);
                }
                Err(fault) => {
                    assert!(collector.read(&Desk::alone()).await.unwrap().is_none());
                    return (batches, Some(fault));
                }
            }
        }
    })
}

fn lines(batches: &[Batch]) -> Vec<String> {
    let mut encoder = Encoder::new(Format::default());
    for event in batches.iter().flat_map(|batch| &batch.events) {
        encoder.encode(event).unwrap();
    }
    let text = |row: &[u8]| String::from_utf8(row.to_vec()).unwrap();
    encoder
        .records()
        .map(|row| text(row.value.unwrap()))
        .collect()
}

fn whole(name: &str) -> Vec<String> {
    let (batches, fault) = read(&glob_of(&fixture(name)), LIMITS, None);
    assert!(fault.is_none(), "{}", fault.unwrap());
    lines(&batches)
}

/// The ranges of a file's events.
fn events(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut at = 4;
    let mut events = Vec::new();
    while at < file.len() {
        let length = Header::decode(&file[at..]).unwrap().length as usize;
        events.push(at..at + length);
        at += length;
    }
    events
}

fn shown(fault: &Fault) -> String {
    format!(
        "{} {fault}\nhint: {}",
        fault.exit().code(),
        fault.hint.as_deref().unwrap_or("-")
    )
}

#[test]
fn goes_on_at_every_position_without_loss_or_repetition() {
    for name in ["rotation", "control", "no-gtid", "no-checksum"] {
        let all = whole(name);
        let small = Limits {
            rows: 1,
            bytes: 1,
            ..LIMITS
        };
        let paths = glob_of(&fixture(name));
        let (batches, _) = read(&paths, small, None);
        assert_eq!(lines(&batches), all);
        let mut before = 0;
        for batch in &batches {
            before += usize::try_from(batch.rows()).unwrap();
            let position = batch.mark.position().unwrap();
            let (rest, fault) = read(&paths, LIMITS, Some(position));
            assert!(fault.is_none());
            let rest = lines(&rest);
            if name == "control" {
                // A distributed transaction that is prepared holds the position back.
                assert!(
                    all.ends_with(&rest) && rest.len() >= all.len() - before,
                    "{position}"
                );
            } else {
                assert_eq!(rest, all[before..], "{name} {position}");
            }
        }
        let (rest, fault) = read(&paths, LIMITS, batches.last().unwrap().mark.position());
        assert!(fault.is_none());
        assert_eq!(rest.len(), 0, "{rest:?}");
    }
}

#[test]
fn orders_files_by_number() {
    let directory = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("000001", "999999"),
        ("000002", "1000000"),
        ("000003", "1000001"),
        ("000004", "1000002"),
        ("000005", "1000003"),
    ] {
        let from = fixture("rotation").join(format!("binlog.{from}"));
        std::fs::copy(from, directory.path().join(format!("binlog.{to}"))).unwrap();
    }
    std::fs::write(directory.path().join("binlog.index"), "./binlog.999999\n").unwrap();
    let (batches, fault) = read(&glob_of(directory.path()), LIMITS, None);
    assert!(fault.is_none());
    assert_eq!(lines(&batches), whole("rotation"));
    let position = batches.last().unwrap().mark.position().cloned().unwrap();
    assert_eq!(position.0["file"], "binlog.1000003");
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_what_is_before_is_delivered() {
    let all = whole("minimal-image");
    let name = "binlog.000001";
    let file = std::fs::read(fixture("minimal-image").join(name)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    for event in events(&file) {
        // In the header's type, in the body and in the checksum.
        for at in [event.start + 4, event.end - 5, event.end - 1] {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, damaged).unwrap();
            let (batches, fault) = read(&glob_of(directory.path()), LIMITS, None);
            let fault = fault.unwrap_or_else(|| panic!("nothing was found at {at}"));
            assert_eq!(fault.exit(), Exit::Data);
            let place = format!("{name}:{}", event.start);
            assert!(fault.to_string().contains(&place), "{fault} not at {place}");
            let rows = lines(&batches);
            assert!(all.starts_with(&rows));
            let seen = batches
                .last()
                .and_then(|batch| batch.mark.position().cloned());
            assert!(event.start < 1000 || seen.is_some_and(|seen| seen.0["position"].as_u64() <= Some(event.start as u64)));
        }
    }
}

#[test]
fn a_file_that_ends_anywhere_gives_the_transactions_before_and_says_where() {
    let all = whole("no-checksum");
    let (_, ends): (Vec<_>, Vec<_>) = {
        let small = Limits {
            rows: 1,
            bytes: 1,
            ..LIMITS
        };
        let path = fixture("no-checksum")
            .join("binlog.000001")
            .to_str()
            .unwrap()
            .to_owned();
        let (batches, _) = read(&[path], small, None);
        let position = |batch: &Batch| batch.mark.position().unwrap().0["position"].as_u64();
        batches
            .iter()
            .map(|batch| (batch.rows(), position(batch).unwrap()))
            .unzip()
    };
    let file = std::fs::read(fixture("no-checksum").join("binlog.000001")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("binlog.000001");
    for end in 5..file.len() {
        std::fs::write(&path, &file[..end]).unwrap();
        let (batches, fault) = read(&glob_of(directory.path()), LIMITS, None);
        assert!(all.starts_with(&lines(&batches)));
        match fault {
            Some(fault) => {
                assert_eq!(fault.exit(), Exit::Data);
                assert!(fault.to_string().contains("binlog.000001:"), "{fault}");
            }
            None => assert!(
                ends.contains(&(end as u64)) || events(&file).iter().any(|event| event.end == end),
                "{end}"
            ),
        }
    }
}

#[test]
fn an_event_larger_than_a_block_is_read_whole() {
    let file = std::fs::read(fixture("crashed").join("binlog.000001")).unwrap();
    let all = whole("crashed");
    let directory = tempfile::tempdir().unwrap();
    for size in [BLOCK - 100, BLOCK, 3 * BLOCK + 5] {
        let mut event = vec![0; size];
        // An IGNORABLE event (28) of this length, behind the first event of the file.
        event[4] = 28;
        event[9..13].copy_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
        let checksum = wlf_core::checksum::crc32(&event[..size - 4]);
        event[size - 4..].copy_from_slice(&checksum.to_le_bytes());
        let first = events(&file)[0].end;
        let long = [&file[..first], &event, &event, &file[first..]].concat();
        std::fs::write(directory.path().join("binlog.000001"), &long).unwrap();
        let (batches, fault) = read(&glob_of(directory.path()), LIMITS, None);
        assert!(fault.is_none(), "{}", fault.unwrap());
        assert_eq!(lines(&batches), all);
        let end = batches.last().unwrap().mark.position().unwrap().0["position"].as_u64();
        assert_eq!(end, Some(long.len() as u64));
    }
}

#[test]
fn says_what_is_wrong_with_files() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let header: &[u8] = &[
        0xfe, b'b', b'i', b'n', 0, 0, 0, 0, 15, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let huge: &[u8] = &[
        0xfe, b'b', b'i', b'n', 0, 0, 0, 0, 15, 1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0,
    ];
    let cases = [
        vec![directory.path().join("none.*").to_str().unwrap().to_owned()],
        vec![directory.path().join("none").to_str().unwrap().to_owned()],
        vec![write("encrypted.000001", b"\xfdbin more")],
        vec![write("dump.sql", b"-- MySQL dump")],
        vec![write("empty.000001", b"")],
        vec![write("a/b.000001", b"x"), write("c/b.000001", b"x")],
        vec![write("short.000001", header)],
        vec![write("huge.000001", huge)],
    ];
    let mut report = String::new();
    for paths in cases {
        let (_, fault) = read(&paths, LIMITS, None);
        report += &shown(&fault.unwrap());
        report += "\n\n";
    }
    let report = report.replace(directory.path().to_str().unwrap(), "<directory>");
    insta::assert_snapshot!(report);
}

#[test]
fn says_what_is_wrong_with_a_saved_position() {
    let paths = glob_of(&fixture("rotation"));
    let mut report = String::new();
    for saved in [
        serde_json::json!({"file": "binlog.000009", "position": 4}),
        serde_json::json!({"file": "binlog.000001", "position": 99_999}),
        serde_json::json!({"offset": 3}),
        serde_json::json!({"file": "binlog.000001", "position": 4, "gtid_set": "x"}),
        serde_json::json!({"file": "binlog.000001", "position": 200}),
    ] {
        let (_, fault) = read(&paths, LIMITS, Some(&Position(saved)));
        report += &shown(&fault.unwrap());
        report += "\n\n";
    }
    insta::assert_snapshot!(report);
}

#[test]
fn rows_without_names_are_refused_by_the_formats_so_that_filters_can_exclude_them() {
    let (batches, fault) = read(&glob_of(&fixture("minimal-metadata")), LIMITS, None);
    assert!(fault.is_none());
    let event = &batches[0].events[0];
    assert!(!event.is_empty());
    let error = Encoder::new(Format::default()).encode(event).unwrap_err();
    insta::assert_snapshot!(shown(&error.fault));
}

#[test]
fn its_configuration_wants_paths() {
    let context = Context {
        id: "files".into(),
        pipeline: String::new(),
        delivery: wlf_core::config::Delivery::default(),
        destinations: vec!["x".into()],
        store: None,
    };
    let build = |json: &str| {
        let config = serde_json::from_str::<Config>(json).unwrap();
        BinlogFileCollector::configured(config, &context)
    };
    assert!(build(r#"{"paths": ["data/binlog.*"]}"#).is_ok());
    for json in [r#"{"paths": []}"#, r#"{"paths": ["a***"]}"#] {
        assert_eq!(
            build(json).err().map(|invalid| invalid.key),
            Some("paths".to_owned())
        );
    }
}
