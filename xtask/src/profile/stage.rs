//! The stages of a row's way, by the files that do their work.

use super::inlined::Frame;

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Read,
    Checksum,
    Split,
    TableMap,
    Walk,
    Encode,
    Key,
    Batch,
    Kafka,
    Redis,
    Transform,
    Runtime,
    Library,
    Other,
}

impl Stage {
    pub const ALL: [Stage; 14] = [
        Stage::Read,
        Stage::Checksum,
        Stage::Split,
        Stage::TableMap,
        Stage::Walk,
        Stage::Encode,
        Stage::Key,
        Stage::Batch,
        Stage::Kafka,
        Stage::Redis,
        Stage::Transform,
        Stage::Runtime,
        Stage::Library,
        Stage::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Read => "read a block",
            Stage::Checksum => "checksums",
            Stage::Split => "split into events and transactions",
            Stage::TableMap => "table maps and plans",
            Stage::Walk => "walk over rows",
            Stage::Encode => "decode and encode values",
            Stage::Key => "keys",
            Stage::Batch => "batches of records",
            Stage::Kafka => "Kafka",
            Stage::Redis => "Redis",
            Stage::Transform => "filter and replicator",
            Stage::Runtime => "runtime, mailboxes, receipts",
            Stage::Library => "libraries: memcpy, allocator, system calls",
            Stage::Other => "other",
        }
    }
}

/// Which files are which stage's: the first that a path contains decides.
const FILES: &[(&str, Stage)] = &[
    ("/checksum", Stage::Checksum),
    ("crc32fast", Stage::Checksum),
    ("crc32c", Stage::Checksum),
    ("wlf-mysql/src/file_collector", Stage::Read),
    ("wlf-mysql/src/protocol", Stage::Read),
    ("wlf-mysql/src/connection", Stage::Read),
    ("wlf-mysql/src/binlog/transactions/block", Stage::Read),
    ("wlf-mysql/src/binlog/events/table_map", Stage::TableMap),
    ("wlf-mysql/src/binlog/tables", Stage::TableMap),
    ("wlf-mysql/src/binlog/events/metadata", Stage::TableMap),
    ("wlf-mysql/src/binlog/events/rows.rs", Stage::Walk),
    ("wlf-mysql/src/binlog/images", Stage::Walk),
    ("wlf-mysql/src/binlog/values/decimal", Stage::Encode),
    ("wlf-mysql/src/binlog/values/temporal", Stage::Encode),
    ("wlf-mysql/src/binlog/json", Stage::Encode),
    ("wlf-mysql/src/charset", Stage::Encode),
    ("wlf-mysql/src/binlog/", Stage::Split),
    ("wlf-mysql/src/", Stage::Split),
    ("wlf-data/src/format/key", Stage::Key),
    ("wlf-data/src/format/lanes", Stage::Batch),
    ("wlf-data/src/format/record", Stage::Batch),
    ("wlf-kafka/src/record_batch", Stage::Batch),
    ("wlf-data/src/format", Stage::Encode),
    ("wlf-data/src/value", Stage::Encode),
    ("wlf-data/src/simd", Stage::Encode),
    ("wlf-data/src/same", Stage::Encode),
    ("wlf-data/src/replaced", Stage::Encode),
    ("wlf-kafka/", Stage::Kafka),
    ("rskafka", Stage::Kafka),
    ("wlf-redis/", Stage::Redis),
    ("wlf-transform/", Stage::Transform),
    ("wlf-core/src/", Stage::Runtime),
    ("wlf-aio/", Stage::Runtime),
    ("wlf-local/", Stage::Runtime),
    ("/tokio", Stage::Runtime),
];

/// The stage of an address, and the function that is shown: of the frames from the inside, the first whose file is known.
///
/// `Reader` reads for all, so what it does belongs to who calls it.
pub fn of(frames: &[Frame]) -> (Stage, String) {
    let shared = |frame: &&Frame| !frame.file.contains("wlf-mysql/src/reader");
    for frame in frames.iter().filter(shared) {
        let found = FILES.iter().find(|(part, _)| frame.file.contains(part));
        if let Some((_, stage)) = found {
            return (*stage, short(&frame.function));
        }
    }
    let outermost = frames.last();
    let name = outermost.map_or_else(String::new, |frame| short(&frame.function));
    let is_library = outermost.is_some_and(|frame| {
        frame.file.starts_with("/rustc/") || frame.file.contains("/library/") || frame.file == "??"
    });
    let stage = if is_library {
        Stage::Library
    } else {
        Stage::Other
    };
    (stage, name)
}

/// A function's name without its generic arguments and the crate's hash, so that it fits on a line.
fn short(function: &str) -> String {
    let mut depth = 0usize;
    let mut name = String::new();
    for c in function.chars() {
        match c {
            '<' => depth += 1,
            '>' if !name.ends_with('-') => depth = depth.saturating_sub(1),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    let name = match name.is_empty() || name.starts_with("::") {
        // `<T as Trait>::method`: what is in the brackets says more.
        true => function.replace(['<', '>'], ""),
        false => name,
    };
    let parts: Vec<_> = name
        .split("::")
        .filter(|part| !part.is_empty() && !is_hash(part))
        .collect();
    let from = parts.len().saturating_sub(3);
    let name = parts[from..].join("::");
    name.chars().take(54).collect()
}

fn is_hash(part: &str) -> bool {
    part.len() == 17 && part.starts_with('h') && part[1..].bytes().all(|b| b.is_ascii_hexdigit())
}

#[test]
fn an_instruction_belongs_to_the_innermost_known_file() {
    let frame = |function: &str, file: &str| Frame {
        function: function.to_owned(),
        file: file.to_owned(),
    };
    let frames = [
        frame("core::slice::get", "/rustc/x/library/core/src/slice/mod.rs"),
        frame(
            "wlf_mysql::reader::Reader::u8",
            "/w/components/wlf-mysql/src/reader.rs",
        ),
        frame(
            "wlf_mysql::binlog::images::row_image::split",
            "/w/components/wlf-mysql/src/binlog/images/row_image.rs",
        ),
        frame(
            "wlf_core::format::encode",
            "/w/wlf-data/src/format/maxwell.rs",
        ),
    ];
    assert_eq!(
        of(&frames),
        (Stage::Walk, "images::row_image::split".to_owned())
    );
    assert_eq!(of(&frames[3..]).0, Stage::Encode);
    assert_eq!(of(&frames[..1]).0, Stage::Library);
    assert_eq!(
        short("alloc::vec::Vec<T,A>::push::h0123456789abcdef"),
        "vec::Vec::push"
    );
}
