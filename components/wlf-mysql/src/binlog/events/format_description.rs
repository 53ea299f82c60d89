//! FORMAT_DESCRIPTION: the first event of a file.

use super::checksum::Checksum;
use super::event_type;
use super::header::Header;
use crate::binlog::transactions::origin::Flavor;
use crate::reader::{Malformed, Reader};

/// How the events behind it are to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormatDescription {
    pub server_version: String,
    pub checksum: Checksum,
    /// The server was started with this file.
    pub at_start: bool,
    /// Rows events have a table id of 4 bytes, as before MySQL 5.1.4.
    pub short_table_ids: bool,
}

/// Since when the algorithm's number and a checksum stand at the end.
const CHECKSUM_SINCE: (u32, u32, u32) = (5, 6, 1);
const CHECKSUM_SINCE_MARIADB: (u32, u32, u32) = (5, 3, 0);

impl FormatDescription {
    /// Whether MariaDB wrote the events.
    pub fn is_mariadb(&self) -> bool {
        self.server_version.contains("MariaDB")
    }

    /// The kind of server that wrote the events.
    pub fn flavor(&self) -> Flavor {
        if self.is_mariadb() {
            Flavor::Mariadb
        } else {
            Flavor::Mysql
        }
    }

    /// Reads the event, its header and checksum included.
    pub fn decode(event: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(event);
        reader.bytes(Header::LENGTH, "its header")?;
        // int<2>: binlog version
        if reader.u16("the version")? != 4 {
            return Err(Malformed::Invalid("the binlog version, which is not 4,"));
        }
        // string<50>: server version, padded with zero bytes
        let version = reader.bytes(50, "the server's version")?;
        let version = version.split(|byte| *byte == 0).next().unwrap_or_default();
        let server_version = String::from_utf8_lossy(version).into_owned();
        // int<4>: create timestamp
        let created = reader.u32("the timestamp")?;
        // int<1>: header length
        if usize::from(reader.u8("the header length")?) != Header::LENGTH {
            return Err(Malformed::Invalid("the header length, which is not 19,"));
        }
        // string<n>: post-header lengths by event type
        let mut lengths = reader.rest();
        let mut checksum = Checksum::None;
        if has_checksum(&server_version) {
            // int<1>: checksum algorithm, int<4>: checksum
            let (before, _) = lengths
                .split_last_chunk::<{ Checksum::LENGTH }>()
                .ok_or(Malformed::Truncated("its checksum"))?;
            let (algorithm, before) = before
                .split_last()
                .ok_or(Malformed::Truncated("the checksum algorithm"))?;
            checksum = match algorithm {
                // 255 is "undefined", from a server that knows no checksums.
                0 | 255 => Checksum::None,
                1 => Checksum::Crc32,
                _ => return Err(Malformed::Invalid("the checksum algorithm")),
            };
            lengths = before;
        }
        check_post_headers(lengths)?;
        let table_map = usize::from(event_type::TABLE_MAP) - 1;
        Ok(Self {
            server_version,
            checksum,
            at_start: created != 0,
            short_table_ids: lengths.get(table_map) == Some(&6),
        })
    }
}

/// Whether the fixed parts of events are as long as those that are read here; 0 stands for an event that is not written.
fn check_post_headers(lengths: &[u8]) -> Result<(), Malformed> {
    use event_type as types;
    let length = |code: u8| {
        let at = usize::from(code).checked_sub(1);
        at.and_then(|at| lengths.get(at)).copied().unwrap_or(0)
    };
    if !matches!(length(types::QUERY), 0 | 13) {
        return Err(Malformed::Invalid("the length of QUERY's post-header"));
    }
    // A table's id has four bytes or six, which goes for all of its events.
    let table_map = length(types::TABLE_MAP);
    if !matches!(table_map, 0 | 6 | 8) {
        return Err(Malformed::Invalid("the length of TABLE_MAP's post-header"));
    }
    for code in types::PRE_GA_WRITE_ROWS..=types::DELETE_ROWS_V1 {
        if length(code) != 0 && length(code) != table_map {
            return Err(Malformed::Invalid("the length of ROWS_V1's post-header"));
        }
    }
    let second = (types::WRITE_ROWS..=types::DELETE_ROWS).chain([types::PARTIAL_UPDATE_ROWS]);
    for code in second {
        if !matches!(length(code), 0 | 10) {
            return Err(Malformed::Invalid("the length of ROWS's post-header"));
        }
    }
    Ok(())
}

fn has_checksum(server_version: &str) -> bool {
    let mut parts = server_version
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    if server_version.contains("MariaDB") {
        version >= CHECKSUM_SINCE_MARIADB
    } else {
        version >= CHECKSUM_SINCE
    }
}
