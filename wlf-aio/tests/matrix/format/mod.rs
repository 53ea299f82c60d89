//! How each format's events are read back, by its documented rules alone.

mod calendar;
mod canal;
mod debezium;
mod maxwell;

pub use calendar::is_date;

use crate::agreement::Value;
use crate::column::Column;
use crate::json::Json;
use crate::setting::Image;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Maxwell,
    Debezium,
    Canal,
    CloudEvents,
}

/// Columns and their rendered values.
pub type Fields = Vec<(String, Json)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

/// What an event says of one row.
#[derive(Debug)]
pub struct Change {
    pub table: String,
    pub operation: Operation,
    /// What is known of the row before.
    pub before: Fields,
    pub after: Fields,
    /// Where in the binlog the row stands, in formats that make two events of a change of the key.
    pub place: Option<String>,
}

impl Format {
    pub const ALL: [Format; 4] = [
        Format::Maxwell,
        Format::Debezium,
        Format::Canal,
        Format::CloudEvents,
    ];

    /// As the configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Maxwell => "maxwell",
            Self::Debezium => "debezium",
            Self::Canal => "canal",
            Self::CloudEvents => "cloudevents",
        }
    }

    /// Reads an event.
    ///
    /// # Errors
    /// Why it is none of this format.
    pub fn changes(self, line: &str, image: Image) -> Result<Vec<Change>, String> {
        let event = Json::parse(line)?;
        match self {
            Self::Maxwell => Ok(vec![maxwell::change(&event, image)?]),
            Self::Debezium => Ok(vec![debezium::change(&event)?]),
            Self::Canal => canal::changes(&event, image),
            Self::CloudEvents => Ok(vec![debezium::cloud_event(&event)?]),
        }
    }

    /// Reads a column's rendered value.
    ///
    /// # Errors
    /// Why the format's rules do not allow it.
    pub fn value(self, column: &Column, rendered: &Json) -> Result<Value, String> {
        match self {
            Self::Maxwell => maxwell::value(column, rendered),
            Self::Debezium | Self::CloudEvents => debezium::value(column, rendered),
            Self::Canal => canal::value(column, rendered),
        }
    }
}

/// The fields of an object.
fn fields(object: &Json) -> Result<Fields, String> {
    let members = object
        .members()
        .ok_or_else(|| format!("no object: {object:?}"))?;
    Ok(members.to_vec())
}

/// What is known of a row before an update: `old`, and, if images are whole, what is not in it as it is now.
fn whole(old: Fields, new: &Fields, image: Image) -> Fields {
    let mut before = old;
    if image == Image::Full {
        let changed: Vec<String> = before.iter().map(|(name, _)| name.clone()).collect();
        let same = (new.iter()).filter(|(name, _)| !changed.contains(name));
        before.extend(same.cloned());
    }
    before
}

fn string(value: &Json) -> Result<&str, String> {
    value
        .text()
        .ok_or_else(|| format!("a string was expected, and not {value:?}"))
}

fn number(value: &Json) -> Result<&str, String> {
    match value {
        Json::Number(text) => Ok(text),
        _ => Err(format!("a number was expected, and not {value:?}")),
    }
}

/// Decodes base64 with its padding.
fn base64(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("`{text}` is not base64");
    let digit = |byte: u8| -> Option<u32> {
        Some(u32::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    if !text.len().is_multiple_of(4) {
        return Err(wrong());
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 {
        return Err(wrong());
    }
    for group in digits.as_bytes().chunks(4) {
        let mut bits = 0;
        for byte in group {
            bits = bits << 6 | digit(*byte).ok_or_else(wrong)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, high, middle, low] = bits.to_be_bytes();
        bytes.extend_from_slice(&[high, middle, low][..group.len() - 1]);
    }
    Ok(bytes)
}

#[test]
fn base64_is_decoded() {
    for (text, bytes) in [("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man")] {
        assert_eq!(base64(text).as_deref(), Ok(bytes.as_bytes()));
    }
    assert!(base64("TQ=").is_err());
    assert!(base64("T!==").is_err());
}
