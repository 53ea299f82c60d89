//! Text with bytes that are none in its charset: replaced, and counted once for each row.

use bytes::Bytes;
use wlf_core::format::{Encoder, Format};
use wlf_core::replaced;

use super::recorded::{LIMITS, events, files};
use crate::binlog::Assembler;

#[test]
fn invalid_bytes_are_counted_once_for_each_row() {
    let (_, file) = files("no-checksum").remove(0);
    let mut file = file.to_vec();
    // `drei äöü`, whose `ä` loses its first byte: what is left of it is none either.
    let at = file
        .windows(7)
        .position(|bytes| bytes == "drei ä".as_bytes())
        .unwrap();
    file[at + 5] = 0xff;
    let file = Bytes::from(file);
    let mut assembler = Assembler::new(LIMITS);
    assembler.next_file("patched.000001");
    for event in events(&file) {
        let at = Some(event.start as u64);
        assembler.take(&file, event, at).unwrap();
    }
    let batch = assembler.cut().unwrap();
    let counted = || {
        let columns = replaced::columns();
        let found = columns.iter().find(|(name, _)| name == "bare.items.name");
        found.map_or(0, |(_, characters)| *characters)
    };
    assert_eq!(counted(), 0);
    let mut encoder = Encoder::new(Format::default());
    for _ in 0..3 {
        encoder.clear();
        for event in &batch.events {
            encoder.encode(event).unwrap();
        }
    }
    let text = String::from_utf8_lossy(encoder.payload()).into_owned();
    assert!(text.contains("\"drei \u{fffd}\u{fffd}öü\""), "{text}");
    assert_eq!(counted(), 2);
}
