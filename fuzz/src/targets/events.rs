//! Whole events, as the assembler is given them.

use bytes::Bytes;
use wlf_core::Batch;
use wlf_core::format::{CanalOptions, DebeziumOptions, Encoder, Format, MaxwellOptions};
use wlf_mysql::binlog::events::checksum::Checksum;
use wlf_mysql::binlog::events::event_type as types;
use wlf_mysql::binlog::events::format_description::FormatDescription;
use wlf_mysql::binlog::events::header::Header;
use wlf_mysql::binlog::events::inflate::Inflater;
use wlf_mysql::binlog::events::query::Query;
use wlf_mysql::binlog::events::transaction_payload::{
    Decoder, Next, PayloadEvents, TransactionPayload,
};
use wlf_mysql::binlog::{Assembler, Fate, Limits, Taken};
use wlf_mysql::ddl::{self, Dialect};
use wlf_mysql::positions::SavedPosition;
use wlf_mysql::schema::{History, Owner};

use crate::allocation::{justified, peak};
use crate::recorded::{self, Event, MAGIC};

const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 1 << 20,
    transaction: 4 << 20,
};

/// A history in memory that knows nothing.
fn history() -> Option<History> {
    let base = SavedPosition {
        file: "binlog.000001".to_owned(),
        position: 4,
        gtid_set: None,
        server_uuid: None,
    };
    let mut history = History::create(Owner::default(), base, false).ok()?;
    wlf_core::testing::at_once(history.begin()).ok()?;
    Some(history)
}

/// Small enough that transactions are streamed and blocks are closed all the time.
const TINY: Limits = Limits {
    rows: 3,
    bytes: 200,
    transaction: 300,
};

/// An event in few bytes: its type, its flags, its length in two bytes, its body. Header and checksum are made for it, so
/// that they never hide what is behind them.
#[derive(Debug, Clone)]
pub struct Step {
    code: u8,
    flags: u8,
    body: Vec<u8>,
}

impl Step {
    pub fn of(event: &Event) -> Self {
        let [flags, _] = event.header.flags.to_le_bytes();
        Self {
            code: event.header.code,
            flags,
            body: event.body.clone(),
        }
    }

    fn all(mut bytes: &[u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let ([code, flags, low, high], rest) = bytes.split_first_chunk()?;
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
            let (body, rest) = rest.split_at(length);
            bytes = rest;
            Some(Self {
                code: *code,
                flags: *flags,
                body: body.to_vec(),
            })
        })
    }

    /// `None` if the body is too long for two bytes.
    fn put(&self, bytes: &mut Vec<u8>) -> Option<()> {
        let length = u16::try_from(self.body.len()).ok()?;
        bytes.extend([self.code, self.flags]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.body);
        Some(())
    }

    /// The event with its header, and with a checksum where one is expected.
    fn event(&self, checksum: Checksum, end: usize) -> Vec<u8> {
        // What describes the format has one always, and its length in front of it.
        let with_checksum = checksum == Checksum::Crc32 || self.code == types::FORMAT_DESCRIPTION;
        let length = Header::LENGTH + self.body.len() + if with_checksum { 4 } else { 0 };
        let mut event = 1_700_000_000_u32.to_le_bytes().to_vec();
        event.push(self.code);
        event.extend(1_u32.to_le_bytes());
        event.extend((length as u32).to_le_bytes());
        event.extend(((end + length) as u32).to_le_bytes());
        event.extend([self.flags, 0]);
        event.extend(&self.body);
        if with_checksum {
            event.extend(wlf_core::checksum::crc32(&event).to_le_bytes());
        }
        event
    }
}

/// What the assembler and the table's plan may take for each byte, and besides: a column is a byte in a TABLE_MAP, and has
/// a name, a type, and text that each row begins it with.
const EACH: usize = 1024;
const FIXED: usize = 256 << 10;
/// What compressed transactions may take besides: the window that is kept, and as much of the transaction as is held.
const PAYLOAD: usize = 32 << 20;
/// How many pieces of one event are read; few bytes may be gigabytes that were compressed.
const PIECES: usize = 12;

/// A binlog in steps: the first byte chooses limits and whether names are looked up.
pub fn events(bytes: &[u8]) {
    let Some((choice, steps)) = bytes.split_first() else {
        return;
    };
    super::values::read_charset_tables();
    let mut assembler = Assembler::new(if choice & 1 == 0 { LIMITS } else { TINY });
    if choice & 2 != 0 {
        assembler = assembler.with_definitions();
        assembler.set_history(history());
    }
    assembler.next_file("binlog.000001");
    let mut batches = Vec::new();
    let fixed = match Step::all(steps).any(|step| step.code == types::TRANSACTION_PAYLOAD) {
        true => FIXED + PAYLOAD,
        false => FIXED,
    };
    justified(bytes.len(), EACH, fixed, || {
        for step in Step::all(steps) {
            let end = usize::try_from(assembler.coordinates().position).unwrap_or(0);
            let event = step.event(assembler.format().checksum, end);
            if !take(&mut assembler, event, None, &mut batches) {
                break;
            }
        }
        batches.extend(assembler.cut());
    });
    encode(&batches, bytes.len());
}

/// Gives the event to the assembler; `false` if nothing can follow.
fn take(
    assembler: &mut Assembler,
    event: Vec<u8>,
    at: Option<u64>,
    batches: &mut Vec<Batch>,
) -> bool {
    let block = Bytes::from(event);
    for _ in 0..PIECES {
        let taken = assembler.take(&block, 0..block.len(), at);
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
            Err(_) => return false,
            Ok(Taken::Event) => return true,
            Ok(Taken::More) => {}
            Ok(Taken::NeedsDefinition) => {
                let table = assembler.needed().cloned();
                let (Some(table), Some(history)) = (table, assembler.history()) else {
                    return false;
                };
                history.refuse(&table, "unknown".to_owned());
            }
        }
    }
    false
}

/// Encodes all events in each format: a row more or less, all of them JSON, none longer than its bytes and its table's
/// justify.
fn encode(batches: &[Batch], input: usize) {
    let formats = [
        Format::Maxwell(MaxwellOptions::default()),
        Format::Debezium(DebeziumOptions::default()),
        Format::Canal(CanalOptions::default()),
        Format::CloudEvents(DebeziumOptions::default()),
    ];
    let events = batches.iter().flat_map(|batch| &batch.events);
    for (event, format) in
        events.flat_map(|event| formats.iter().map(move |format| (event, format)))
    {
        let mut encoder = Encoder::new(format.clone()).with_keys();
        let (encoded, peak) = peak(|| encoder.encode(event));
        if let Err(error) = encoded {
            assert!(error.row <= event.len());
        }
        let rows = encoder.len() + 1;
        let most = input.saturating_mul(rows).saturating_mul(EACH) + FIXED;
        assert!(
            peak <= most,
            "{peak} bytes for {rows} rows in an input of {input}"
        );
        for record in encoder.records() {
            for json in record.value.iter().chain(&record.key) {
                let value = serde_json::from_slice::<&serde_json::value::RawValue>(json);
                assert!(value.is_ok(), "{}", String::from_utf8_lossy(json));
            }
        }
    }
}

pub fn events_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (n, transaction) in recorded::transactions().into_iter().enumerate() {
        let mut bytes = vec![n as u8 & 3];
        let fits = transaction.iter().try_for_each(|step| step.put(&mut bytes));
        if fits.is_some() {
            seeds.push(bytes);
        }
    }
    seeds
}

/// A whole file, without checksums unless it says that it has them.
pub fn file(bytes: &[u8]) {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return;
    };
    super::values::read_charset_tables();
    let mut assembler = Assembler::new(TINY);
    assembler.next_file("binlog.000001");
    let mut batches = Vec::new();
    justified(bytes.len(), EACH, FIXED + PAYLOAD, || {
        while let Ok(header) = Header::decode(rest) {
            let at = (bytes.len() - rest.len()) as u64;
            let Some((event, behind)) = rest.split_at_checked(header.length as usize) else {
                break;
            };
            if !take(&mut assembler, event.to_vec(), Some(at), &mut batches) {
                break;
            }
            rest = behind;
        }
        batches.extend(assembler.cut());
    });
    let end = bytes.len() as u64;
    for position in batches.iter().filter_map(|batch| batch.mark.position()) {
        assert!(
            position.0["position"].as_u64() <= Some(end),
            "{position} is behind the end"
        );
    }
    encode(&batches, bytes.len());
}

pub fn file_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for events in recorded::files() {
        let mut file = MAGIC.to_vec();
        for event in events {
            let mut step = Step::of(event);
            if step.code == types::FORMAT_DESCRIPTION
                && let Some(algorithm) = step.body.last_mut()
            {
                *algorithm = 0;
            }
            let event = step.event(Checksum::None, file.len());
            if file.len() + event.len() < 20_000 {
                file.extend(event);
            }
        }
        seeds.push(file);
    }
    seeds
}

/// The event that says how the others are read, with its header.
pub fn format_description(bytes: &[u8]) {
    let decoded = justified(bytes.len(), 4, 1024, || FormatDescription::decode(bytes));
    if decoded.is_ok() {
        let _ = Checksum::Crc32.verify_format_description(bytes);
    }
}

pub fn format_description_seeds() -> Vec<Vec<u8>> {
    let bodies = recorded::bodies(&[types::FORMAT_DESCRIPTION]);
    let event = |body: Vec<u8>| {
        let step = Step {
            code: types::FORMAT_DESCRIPTION,
            flags: 0,
            body,
        };
        step.event(Checksum::Crc32, 4)
    };
    bodies.into_iter().map(event).collect()
}

/// The events of a compressed transaction: each whole, none behind the last.
pub fn transaction_payload(bytes: &[u8]) {
    let Ok(payload) = TransactionPayload::decode(bytes) else {
        return;
    };
    let compressed = Bytes::copy_from_slice(payload.payload);
    justified(bytes.len(), 4, PAYLOAD, || {
        let Ok(mut events) = PayloadEvents::new(&payload, compressed) else {
            return;
        };
        let mut decoder = Decoder::default();
        let mut ended = false;
        let mut pieces = 0;
        while pieces < PIECES {
            match events.next(&mut decoder) {
                Ok(Next::Event {
                    block,
                    event,
                    is_last,
                }) => {
                    assert!(!ended && event.end <= block.len());
                    assert!(event.len() >= Header::LENGTH);
                    ended = is_last;
                    events.taken(event.end);
                }
                Ok(Next::Later) => {
                    assert!(!ended);
                    pieces += 1;
                }
                Ok(Next::End) | Err(_) => return,
            }
        }
    });
}

pub fn transaction_payload_seeds() -> Vec<Vec<u8>> {
    recorded::bodies(&[types::TRANSACTION_PAYLOAD])
}

/// A statement, and what it means for the rows around it.
pub fn query(bytes: &[u8]) {
    justified(bytes.len(), 16, 4096, || {
        if let Ok(query) = Query::decode(bytes) {
            assert!(query.sql.len() < bytes.len());
            query.statement();
        }
    });
}

pub fn query_seeds() -> Vec<Vec<u8>> {
    recorded::bodies(&[types::QUERY])
}

/// A statement's effects on definitions; the first byte chooses who wrote it, and how quotes and backslashes are read.
pub fn ddl(bytes: &[u8]) {
    let Some((choice, sql)) = bytes.split_first() else {
        return;
    };
    const ANSI_QUOTES: u64 = 4;
    const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;
    let version = ["9.7.4", "11.8.6-MariaDB-log"][usize::from(choice & 1)];
    let mode = [
        0,
        ANSI_QUOTES,
        NO_BACKSLASH_ESCAPES,
        ANSI_QUOTES | NO_BACKSLASH_ESCAPES,
    ];
    let dialect = Dialect::of_server(version, mode[usize::from(choice >> 1 & 3)]);
    let sql = String::from_utf8_lossy(sql);
    let effects = justified(sql.len(), 256, 16 << 10, || ddl::parse(&sql, "d", dialect));
    assert!(effects.len() <= sql.len());
}

pub fn ddl_seeds() -> Vec<Vec<u8>> {
    let recorded = recorded::bodies(&[types::QUERY])
        .into_iter()
        .filter_map(|body| {
            let sql = Query::decode(&body).ok()?.sql.to_vec();
            Some([&[0], &sql[..]].concat())
        });
    let more = [
        "ALTER TABLE `a`.`b` ADD COLUMN c VARCHAR(20) CHARACTER SET latin1 NOT NULL DEFAULT 'x,y' COMMENT '(' FIRST, DROP d",
        "ALTER TABLE t MODIFY COLUMN a ENUM('x','y''z') AFTER b, RENAME COLUMN c TO d, RENAME TO u, CONVERT TO CHARACTER SET utf8mb4",
        "RENAME TABLE a TO b, `c d`.e TO f",
        "CREATE TABLE IF NOT EXISTS t (id BIGINT UNSIGNED PRIMARY KEY, KEY k (id), CHECK (id > 0)) PARTITION BY HASH (id)",
        "CREATE TABLE t LIKE u",
        "DROP TABLE IF EXISTS `a`, b.c /* generated by server */",
        "/*!50100 ALTER TABLE \"t\" CHANGE a b SET('x') */",
    ];
    let more = (0..8)
        .zip(more)
        .map(|(n, sql)| [&[n], sql.as_bytes()].concat());
    recorded.chain(more).collect()
}

/// What MariaDB compresses inside of events.
pub fn inflate(bytes: &[u8]) {
    // No byte stands for more than 1032, and the tables of zlib take some 64 KiB.
    let inflated = justified(bytes.len(), 2100, 128 << 10, || {
        Inflater::default().inflate(bytes)
    });
    assert!(inflated.is_err() || bytes.len() > 2);
}

pub fn inflate_seeds() -> Vec<Vec<u8>> {
    // Neither is compressed: one block of five bytes as they are; and one byte and its repetition.
    vec![
        b"\x81\x05\x78\x01\x01\x05\0\xfa\xffhello\x06\x2c\x02\x15".to_vec(),
        b"\x82\x01\0\x78\x9c\x4b\x1c\x05\xa3\x00".to_vec(),
    ]
}
