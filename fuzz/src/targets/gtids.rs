//! Global transaction ids and sets of them.

use wlf_mysql::binlog::events::event_type as types;
use wlf_mysql::binlog::events::gtid as event;
use wlf_mysql::binlog::events::mariadb_gtid::{self, GtidEvent};
use wlf_mysql::positions::{GtidSet, MariadbPosition};

use crate::allocation::justified;
use crate::recorded;

/// What opens a transaction: its number is one that a set can have.
pub fn gtid(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    let decoded = justified(bytes.len(), 2, 1024, || {
        if kind & 1 == 0 {
            event::decode(body)
        } else {
            event::decode_tagged(body)
        }
    });
    if let Ok(gtid) = decoded {
        assert!((1..=i64::MAX.cast_unsigned()).contains(&gtid.number));
        let mut set = GtidSet::new();
        set.add(&gtid);
        assert!(set.has(&gtid), "{gtid} is not in {set}");
    }
}

pub fn gtid_seeds() -> Vec<Vec<u8>> {
    let of = |kind: u8, codes: &[u8]| {
        let bodies = recorded::bodies(codes).into_iter().take(50);
        bodies
            .map(move |body| [&[kind], &body[..]].concat())
            .collect::<Vec<_>>()
    };
    let mut seeds = of(0, &[types::GTID]);
    seeds.extend(of(1, &[types::GTID_TAGGED]));
    seeds
}

/// What opens a transaction of MariaDB, and what its files begin with.
pub fn mariadb_gtid(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    if kind & 1 == 0 {
        let decoded = justified(bytes.len(), 8, 4096, || GtidEvent::decode(body, 1));
        if let Ok(event) = decoded {
            let mut position = MariadbPosition::default();
            position.add(event.gtid);
            mariadb_comes_back(&position);
        }
    } else if let Ok(position) =
        justified(bytes.len(), 64, 4096, || mariadb_gtid::decode_list(body))
    {
        mariadb_comes_back(&position);
    }
}

pub fn mariadb_gtid_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = vec![
        b"\0\x0e\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
        b"\0\x0e\x01\0\0\0\0\0\0\x07\0\0\0\x03\x09\0\0\0\0\0\0\0\x10\x05\0\0\0".to_vec(),
        b"\0\x0e\x01\0\0\0\0\0\0\0\0\0\0\x48\x01\0\0\0\x03\x02onebr\0".to_vec(),
        b"\x01\x02\0\0\0\0\0\0\0\x01\0\0\0\x63\0\0\0\0\0\0\0\x07\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0"
            .to_vec(),
    ];
    for (kind, code) in [(0, types::MARIADB_GTID), (1, types::MARIADB_GTID_LIST)] {
        let bodies = recorded::bodies(&[code]).into_iter().take(50);
        seeds.extend(bodies.map(|body| [&[kind], &body[..]].concat()));
    }
    seeds
}

fn mariadb_comes_back(position: &MariadbPosition) {
    let text = position.to_string();
    let again: MariadbPosition = text.parse().expect("what was printed");
    assert_eq!(again.to_string(), text);
    assert!(position.is_at_or_behind(&again) && again.is_at_or_behind(position));
}

/// A set in its binary form, which its text and its own bytes give again.
pub fn gtid_set(bytes: &[u8]) {
    let decoded = justified(bytes.len(), 64, 4096, || GtidSet::decode(bytes));
    if let Ok(set) = decoded {
        comes_back(&set);
        let again = GtidSet::decode(&set.encode()).expect("what was encoded");
        assert_eq!(again.to_string(), set.to_string());
    }
}

pub fn gtid_set_seeds() -> Vec<Vec<u8>> {
    let texts = gtid_set_text_seeds();
    let sets = texts
        .iter()
        .filter_map(|text| std::str::from_utf8(text).ok()?.parse::<GtidSet>().ok());
    sets.map(|set| set.encode())
        .chain(recorded::bodies(&[types::PREVIOUS_GTIDS]))
        .collect()
}

/// A set as text, as a person or a saved position has it.
pub fn gtid_set_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(set) = justified(bytes.len(), 64, 4096, || text.parse::<GtidSet>()) {
        comes_back(&set);
    }
    if let Ok(position) = justified(bytes.len(), 64, 4096, || text.parse::<MariadbPosition>()) {
        mariadb_comes_back(&position);
    }
}

fn comes_back(set: &GtidSet) {
    let text = set.to_string();
    let again: GtidSet = text.parse().expect("what was printed");
    assert_eq!(again.to_string(), text);
    assert!(set.contains(&again) && again.contains(set));
}

pub fn gtid_set_text_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "5ec0d3d0-0000-11f1-8000-0242ac110002:1-77",
        "5ec0d3d0-0000-11f1-8000-0242ac110002:1-3:5-7:9, 00000000-0000-0000-0000-000000000001:1",
        "5EC0D3D0-0000-11F1-8000-0242AC110002:nightly:4-6:8:other:1-9223372036854775806",
        "5ec0d3d0-0000-11f1-8000-0242ac110002:7-9:1-3:4-6",
        "0-1-100,1-2-50",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
