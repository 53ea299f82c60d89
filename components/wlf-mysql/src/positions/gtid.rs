//! A transaction's global identity: the server where it was made, a tag, and a number.

use std::fmt;

use mysql_cdc::providers::mysql::gtid::uuid::Uuid;

use crate::reader::{Malformed, Reader};

/// A transaction's global identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gtid {
    /// UUID of the server where the transaction was made.
    pub source: [u8; 16],
    pub tag: Option<Box<str>>,
    /// From 1.
    pub number: u64,
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            name(self.source, self.tag.as_deref()),
            self.number
        )
    }
}

/// Reads a tag with its length before it; an empty one is none.
pub(crate) fn read_tag<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    const FIELD: &str = "a tag";
    let length = reader.varlen(FIELD)?;
    let length = usize::try_from(length).map_err(|_| Malformed::Invalid(FIELD))?;
    match reader.bytes(length, FIELD)? {
        [] => Ok(None),
        tag => match std::str::from_utf8(tag) {
            Ok(tag) if is_tag(tag) => Ok(Some(tag)),
            _ => Err(Malformed::Invalid(FIELD)),
        },
    }
}

/// A tag is a letter or `_`, and up to 31 of those and of digits (manual: "GTID Format and Storage").
pub(super) fn is_tag(text: &str) -> bool {
    let of_a_tag = |byte: u8| matches!(byte, b'a'..=b'z' | b'_' | b'0'..=b'9');
    text.bytes().all(of_a_tag)
        && (1..=32).contains(&text.len())
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

pub(super) fn name(uuid: [u8; 16], tag: Option<&str>) -> String {
    let mut name = Uuid::new(uuid).uuid;
    if let Some(tag) = tag {
        name.push(':');
        name.push_str(tag);
    }
    name
}

/// The UUID and the tag of a source's name.
pub(super) fn split(name: &str) -> (Option<[u8; 16]>, Option<&str>) {
    let (uuid, tag) = match name.split_once(':') {
        Some((uuid, tag)) => (uuid, Some(tag)),
        None => (name, None),
    };
    (parse_uuid(uuid), tag)
}

pub(super) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let text = std::str::from_utf8(&digits).ok()?;
    // `Uuid::parse` panics on a text that is too short.
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    Uuid::parse(text.to_owned()).ok().map(|uuid| uuid.data)
}

/// A transaction's global identity on MariaDB, `0-1-270`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MariadbGtid {
    /// Transactions of one domain are in one order everywhere.
    pub domain: u32,
    /// The server where the transaction was made.
    pub server_id: u32,
    /// Mostly growing within a domain.
    pub sequence: u64,
}

impl fmt::Display for MariadbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            server_id,
            sequence,
        } = self;
        write!(f, "{domain}-{server_id}-{sequence}")
    }
}

/// A transaction's global identity, as its kind of server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionGtid {
    Mysql(Gtid),
    MariaDb(MariadbGtid),
}

impl fmt::Display for TransactionGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mysql(gtid) => gtid.fmt(f),
            Self::MariaDb(gtid) => gtid.fmt(f),
        }
    }
}
