//! Events that were tampered with, their checksums made right again: each gives rows or an error, and never a panic.

use bytes::Bytes;
use proptest::prelude::*;
use wlf_core::format::{Encoder, Format};

use super::header::Header;
use super::recorded::{LIMITS, events, files};
use super::{Assembler, Limits, Taken};

const RECORDED: [&str; 6] = [
    "types",
    "control",
    "minimal-image",
    "minimal-metadata",
    "compressed",
    "partial-json",
];

/// Small enough that transactions are streamed and blocks are closed all the time.
const TINY: Limits = Limits {
    rows: 3,
    bytes: 200,
    transaction: 300,
};

/// Makes the event's length and checksum right.
fn mended(mut event: Vec<u8>) -> Vec<u8> {
    event.truncate(event.len().saturating_sub(4));
    let length = (event.len() + 4) as u32;
    if let Some(place) = event.get_mut(9..13) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    let checksum = wlf_core::checksum::crc32(&event);
    event.extend(checksum.to_le_bytes());
    event
}

/// Gives the events to an assembler, and everything that it makes of them to a format.
fn read(events: impl Iterator<Item = Vec<u8>>, limits: Limits) {
    let mut assembler = Assembler::new(limits);
    assembler.next_file("binlog.000001");
    let mut encoder = Encoder::new(Format::default()).with_keys();
    let mut all = Vec::new();
    'events: for event in events {
        let block = Bytes::from(event);
        let range = 0..block.len();
        loop {
            let taken = assembler.take(&block, range.clone(), None);
            if assembler.is_full() {
                all.extend(assembler.cut());
            }
            match taken {
                Ok(Taken::More) => {}
                Ok(_) => break,
                Err(_) => break 'events,
            }
        }
    }
    all.extend(assembler.cut());
    for event in all.iter().flat_map(|batch| &batch.events) {
        if let Err(error) = encoder.encode(event) {
            assert!(error.row <= event.len());
        }
    }
    for row in encoder.records() {
        let text = std::str::from_utf8(row.value.unwrap()).unwrap();
        serde_json::from_str::<serde_json::Value>(text)
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }
}

fn recorded(name: &str) -> Vec<Vec<u8>> {
    let (_, file) = files(name).remove(0);
    let ranges = events(&file);
    ranges
        .into_iter()
        .map(|range| file[range].to_vec())
        .collect()
}

#[test]
fn every_prefix_of_every_event() {
    for name in RECORDED {
        let events = recorded(name);
        for (n, event) in events.iter().enumerate().skip(1) {
            // The event that introduces the table of a rows event stands at most three before it.
            let context = || events[n.saturating_sub(3).max(1)..n].iter().cloned();
            let step = event.len() / 25 + 1;
            for end in (0..event.len()).step_by(step) {
                let short = mended(event[..end.max(Header::LENGTH + 4)].to_vec());
                let all = events.iter().take(1).cloned().chain(context());
                read(all.chain([short]), TINY);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_of_any_event(
        name in proptest::sample::select(&RECORDED[..]),
        at: proptest::sample::Index,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        tiny: bool,
    ) {
        let mut events = recorded(name);
        let event = at.get(&events).clone();
        let n = at.index(events.len());
        let mut event = event;
        let body = Header::LENGTH.min(event.len() - 1);
        for (place, byte) in changes {
            let place = body + place.index(event.len() - body);
            event[place] = byte;
        }
        events[n] = if n == 0 { event } else { mended(event) };
        read(events.into_iter(), if tiny { TINY } else { LIMITS });
    }

    #[test]
    fn bytes_that_are_no_events(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read([bytes.clone(), mended(bytes)].into_iter(), TINY);
    }
}
