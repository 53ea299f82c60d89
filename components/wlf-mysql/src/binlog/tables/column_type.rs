//! The types that TABLE_MAP gives columns, and how long their values are.

use wlf_core::data_type::BlobSize;

use crate::binlog::values::decimal;
use crate::reader::{Malformed, Reader};

pub const TINY: u8 = 1;
pub const SHORT: u8 = 2;
pub const LONG: u8 = 3;
pub const FLOAT: u8 = 4;
pub const DOUBLE: u8 = 5;
pub const NULL: u8 = 6;
pub const TIMESTAMP: u8 = 7;
pub const LONGLONG: u8 = 8;
pub const INT24: u8 = 9;
pub const DATE: u8 = 10;
pub const TIME: u8 = 11;
pub const DATETIME: u8 = 12;
pub const YEAR: u8 = 13;
pub const NEWDATE: u8 = 14;
pub const VARCHAR: u8 = 15;
pub const BIT: u8 = 16;
pub const TIMESTAMP2: u8 = 17;
pub const DATETIME2: u8 = 18;
pub const TIME2: u8 = 19;
/// MariaDB's BLOB COMPRESSED and VARCHAR COMPRESSED.
pub const BLOB_COMPRESSED: u8 = 140;
pub const VARCHAR_COMPRESSED: u8 = 141;
pub const VECTOR: u8 = 242;
pub const JSON: u8 = 245;
pub const NEWDECIMAL: u8 = 246;
pub const ENUM: u8 = 247;
pub const SET: u8 = 248;
pub const TINY_BLOB: u8 = 249;
pub const MEDIUM_BLOB: u8 = 250;
pub const LONG_BLOB: u8 = 251;
pub const BLOB: u8 = 252;
pub const VAR_STRING: u8 = 253;
pub const STRING: u8 = 254;
pub const GEOMETRY: u8 = 255;

/// A column's type as TABLE_MAP has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnType {
    /// One of this module's numbers; ENUM and SET, which stand in the event as STRING, are already themselves.
    pub code: u8,
    pub meta: Meta,
    pub length: Length,
}

/// What the type's number leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    None,
    /// The digits of a fraction of a second.
    Fraction(u8),
    Decimal {
        precision: u8,
        scale: u8,
    },
    Bits(u8),
    /// The longest value, in bytes.
    Bytes(u16),
}

/// How many bytes a value takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Fixed(u16),
    /// The value's length stands before it, in so many bytes.
    Prefixed(u8),
}

impl ColumnType {
    /// Reads a type's metadata, which stand in the event behind all types.
    pub fn decode(code: u8, metadata: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "the columns' metadata";
        let (meta, length) = match code {
            TINY | YEAR => (Meta::None, Length::Fixed(1)),
            SHORT => (Meta::None, Length::Fixed(2)),
            INT24 | DATE | TIME | NEWDATE => (Meta::None, Length::Fixed(3)),
            LONG | TIMESTAMP => (Meta::None, Length::Fixed(4)),
            LONGLONG | DATETIME => (Meta::None, Length::Fixed(8)),
            NULL => (Meta::None, Length::Fixed(0)),
            FLOAT | DOUBLE => {
                let size = metadata.u8(FIELD)?;
                if size != if code == FLOAT { 4 } else { 8 } {
                    return Err(Malformed::Invalid(FIELD));
                }
                (Meta::None, Length::Fixed(u16::from(size)))
            }
            TIMESTAMP2 | DATETIME2 | TIME2 => {
                let digits = metadata.u8(FIELD)?;
                if digits > 6 {
                    return Err(Malformed::Invalid(FIELD));
                }
                let whole: u16 = match code {
                    TIMESTAMP2 => 4,
                    DATETIME2 => 5,
                    _ => 3,
                };
                let fraction = u16::from(digits.div_ceil(2));
                (Meta::Fraction(digits), Length::Fixed(whole + fraction))
            }
            NEWDECIMAL => {
                let (precision, scale) = (metadata.u8(FIELD)?, metadata.u8(FIELD)?);
                // MySQL allows a scale of 30, MariaDB of 38.
                if precision == 0 || precision > 65 || scale > 38 || scale > precision {
                    return Err(Malformed::Invalid(FIELD));
                }
                let length = decimal::packed_length(precision, scale);
                (Meta::Decimal { precision, scale }, Length::Fixed(length))
            }
            BIT => {
                let (bits, bytes) = (metadata.u8(FIELD)?, metadata.u8(FIELD)?);
                let length = u16::from(bytes) + u16::from(bits > 0);
                if length > 8 {
                    return Err(Malformed::Invalid(FIELD));
                }
                let bits = bytes.saturating_mul(8).saturating_add(bits);
                (Meta::Bits(bits), Length::Fixed(length))
            }
            VARCHAR_COMPRESSED => {
                // A byte more than the longest value: how it is compressed.
                let longest = metadata.u16(FIELD)?;
                (Meta::Bytes(longest.saturating_sub(1)), prefix_for(longest))
            }
            VARCHAR | VAR_STRING => {
                let longest = metadata.u16(FIELD)?;
                (Meta::Bytes(longest), prefix_for(longest))
            }
            TINY_BLOB | MEDIUM_BLOB | LONG_BLOB | BLOB | BLOB_COMPRESSED | JSON | GEOMETRY
            | VECTOR => {
                let prefix = metadata.u8(FIELD)?;
                if !(1..=4).contains(&prefix) {
                    return Err(Malformed::Invalid(FIELD));
                }
                (Meta::None, Length::Prefixed(prefix))
            }
            STRING | ENUM | SET => return Self::string(metadata.u8(FIELD)?, metadata.u8(FIELD)?),
            _ => return Err(Malformed::Invalid("a column's type, which is not known,")),
        };
        Ok(Self { code, meta, length })
    }

    /// CHAR, ENUM and SET share a number: the first byte of their metadata has the true one, into which the upper two
    /// bits of a CHAR's length are mixed.
    fn string(first: u8, second: u8) -> Result<Self, Malformed> {
        let (code, longest) = if first & 0x30 == 0x30 {
            (first, u16::from(second))
        } else {
            let upper = u16::from((first & 0x30) ^ 0x30) << 4;
            (first | 0x30, u16::from(second) | upper)
        };
        let length = match code {
            ENUM if longest == 1 || longest == 2 => Length::Fixed(longest),
            SET if (1..=8).contains(&longest) => Length::Fixed(longest),
            STRING | VAR_STRING => prefix_for(longest),
            _ => return Err(Malformed::Invalid("a string's type")),
        };
        Ok(Self {
            code,
            meta: Meta::Bytes(longest),
            length,
        })
    }

    /// Whether the optional metadata speak of its sign. They do of YEAR, which has none.
    pub fn is_numeric(self) -> bool {
        matches!(
            self.code,
            TINY | SHORT | INT24 | LONG | LONGLONG | NEWDECIMAL | FLOAT | DOUBLE | YEAR
        )
    }

    /// Whether the type has a charset, ENUM and SET aside.
    pub fn is_character(self) -> bool {
        matches!(
            self.code,
            STRING
                | VAR_STRING
                | VARCHAR
                | VARCHAR_COMPRESSED
                | BLOB
                | TINY_BLOB
                | MEDIUM_BLOB
                | LONG_BLOB
                | BLOB_COMPRESSED
        )
    }

    /// Whether it is VARCHAR or VARBINARY.
    pub fn is_varying(self) -> bool {
        matches!(self.code, VAR_STRING | VARCHAR | VARCHAR_COMPRESSED)
    }

    /// Whether it is one of MariaDB's COMPRESSED.
    pub fn is_compressed(self) -> bool {
        matches!(self.code, BLOB_COMPRESSED | VARCHAR_COMPRESSED)
    }

    /// Whether it is TIME, DATETIME or TIMESTAMP as before MySQL 5.6.4 and MariaDB 10.1.
    pub fn is_old_temporal(self) -> bool {
        matches!(self.code, TIME | DATETIME | TIMESTAMP)
    }

    /// How long values of a BLOB or TEXT may be.
    pub fn blob(self) -> Option<BlobSize> {
        let is_blob = matches!(
            self.code,
            BLOB | TINY_BLOB | MEDIUM_BLOB | LONG_BLOB | BLOB_COMPRESSED
        );
        match self.length {
            Length::Prefixed(bytes) if is_blob => Some(match bytes {
                1 => BlobSize::Tiny,
                2 => BlobSize::Normal,
                3 => BlobSize::Medium,
                _ => BlobSize::Long,
            }),
            _ => None,
        }
    }
}

fn prefix_for(longest: u16) -> Length {
    Length::Prefixed(if longest > 255 { 2 } else { 1 })
}
