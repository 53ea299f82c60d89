//! The declared types of columns, as far as a source knows them.

use std::fmt::{self, Write};
use std::sync::Arc;

/// A column's declared type, in MySQL's terms.
///
/// `Display` writes it as `information_schema.COLUMNS.COLUMN_TYPE` does, without display widths: `int unsigned`,
/// `varchar(20)`, `enum('a','b')`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType {
    /// The source says nothing of it.
    Unknown,
    TinyInt {
        unsigned: bool,
    },
    SmallInt {
        unsigned: bool,
    },
    MediumInt {
        unsigned: bool,
    },
    Int {
        unsigned: bool,
    },
    BigInt {
        unsigned: bool,
    },
    Float {
        unsigned: bool,
    },
    Double {
        unsigned: bool,
    },
    /// `precision` 1 to 65, `scale` 0 to 30.
    Decimal {
        precision: u8,
        scale: u8,
        unsigned: bool,
    },
    /// 1 to 64 bits.
    Bit(u8),
    Year,
    Date,
    /// With so many digits of the fraction of a second, 0 to 6; so are the next two.
    Time(u8),
    DateTime(u8),
    Timestamp(u8),
    Char {
        characters: u32,
        charset: &'static str,
    },
    VarChar {
        characters: u32,
        charset: &'static str,
    },
    Text {
        size: BlobSize,
        charset: &'static str,
    },
    /// In bytes.
    Binary(u32),
    VarBinary(u32),
    Blob(BlobSize),
    Enum {
        labels: Arc<[String]>,
        charset: &'static str,
    },
    Set {
        labels: Arc<[String]>,
        charset: &'static str,
    },
    Json,
    Geometry(GeometryType),
    /// With so many numbers at most; 0 if it is not known.
    Vector(u32),
    /// MariaDB's.
    Uuid,
    Inet4,
    Inet6,
}

/// How long a BLOB or TEXT may be: its length takes 1 to 4 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobSize {
    Tiny,
    Normal,
    Medium,
    Long,
}

/// The subtypes of GEOMETRY, numbered as WKB does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeometryType {
    Geometry,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
    GeometryCollection,
}

impl DataType {
    /// The type's name without length, sign and labels, in lower case: `int`, `mediumtext`, `enum`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::TinyInt { .. } => "tinyint",
            Self::SmallInt { .. } => "smallint",
            Self::MediumInt { .. } => "mediumint",
            Self::Int { .. } => "int",
            Self::BigInt { .. } => "bigint",
            Self::Float { .. } => "float",
            Self::Double { .. } => "double",
            Self::Decimal { .. } => "decimal",
            Self::Bit(_) => "bit",
            Self::Year => "year",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::DateTime(_) => "datetime",
            Self::Timestamp(_) => "timestamp",
            Self::Char { .. } => "char",
            Self::VarChar { .. } => "varchar",
            Self::Text { size, .. } => match size {
                BlobSize::Tiny => "tinytext",
                BlobSize::Normal => "text",
                BlobSize::Medium => "mediumtext",
                BlobSize::Long => "longtext",
            },
            Self::Binary(_) => "binary",
            Self::VarBinary(_) => "varbinary",
            Self::Blob(size) => match size {
                BlobSize::Tiny => "tinyblob",
                BlobSize::Normal => "blob",
                BlobSize::Medium => "mediumblob",
                BlobSize::Long => "longblob",
            },
            Self::Enum { .. } => "enum",
            Self::Set { .. } => "set",
            Self::Json => "json",
            Self::Geometry(kind) => match kind {
                GeometryType::Geometry => "geometry",
                GeometryType::Point => "point",
                GeometryType::LineString => "linestring",
                GeometryType::Polygon => "polygon",
                GeometryType::MultiPoint => "multipoint",
                GeometryType::MultiLineString => "multilinestring",
                GeometryType::MultiPolygon => "multipolygon",
                GeometryType::GeometryCollection => "geomcollection",
            },
            Self::Vector(_) => "vector",
            Self::Uuid => "uuid",
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
        }
    }

    /// Whether the type is a number declared UNSIGNED.
    pub fn is_unsigned(&self) -> bool {
        match self {
            Self::TinyInt { unsigned }
            | Self::SmallInt { unsigned }
            | Self::MediumInt { unsigned }
            | Self::Int { unsigned }
            | Self::BigInt { unsigned }
            | Self::Float { unsigned }
            | Self::Double { unsigned }
            | Self::Decimal { unsigned, .. } => *unsigned,
            _ => false,
        }
    }

    /// The charset of text and labels.
    pub fn charset(&self) -> Option<&'static str> {
        match self {
            Self::Char { charset, .. }
            | Self::VarChar { charset, .. }
            | Self::Text { charset, .. }
            | Self::Enum { charset, .. }
            | Self::Set { charset, .. } => Some(charset),
            _ => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Decimal {
                precision, scale, ..
            } => write!(f, "({precision},{scale})")?,
            Self::Bit(length) => write!(f, "({length})")?,
            Self::Time(digits) | Self::DateTime(digits) | Self::Timestamp(digits)
                if *digits > 0 =>
            {
                write!(f, "({digits})")?;
            }
            Self::Char { characters, .. } | Self::VarChar { characters, .. } => {
                write!(f, "({characters})")?;
            }
            Self::Binary(length) | Self::VarBinary(length) => write!(f, "({length})")?,
            Self::Vector(length) if *length > 0 => write!(f, "({length})")?,
            Self::Enum { labels, .. } | Self::Set { labels, .. } => {
                for (n, label) in labels.iter().enumerate() {
                    f.write_str(if n == 0 { "(" } else { "," })?;
                    quoted(label, f)?;
                }
                f.write_str(")")?;
            }
            _ => {}
        }
        if self.is_unsigned() {
            f.write_str(" unsigned")?;
        }
        Ok(())
    }
}

/// Writes a label as `information_schema` has it.
fn quoted(label: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("'")?;
    for c in label.chars() {
        match c {
            '\'' => f.write_str("''")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\0' => f.write_str("\\0")?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_the_server_does() {
        let labels: Arc<[String]> =
            Arc::from(["a".to_owned(), "it's".to_owned(), "\\\n".to_owned()]);
        let charset = "utf8mb4";
        for (data_type, text) in [
            (DataType::Int { unsigned: true }, "int unsigned"),
            (
                DataType::Decimal {
                    precision: 10,
                    scale: 2,
                    unsigned: true,
                },
                "decimal(10,2) unsigned",
            ),
            (
                DataType::VarChar {
                    characters: 20,
                    charset,
                },
                "varchar(20)",
            ),
            (
                DataType::Enum { labels, charset },
                r"enum('a','it''s','\\\n')",
            ),
            (DataType::DateTime(0), "datetime"),
            (DataType::DateTime(6), "datetime(6)"),
            (DataType::Bit(1), "bit(1)"),
            (DataType::Blob(BlobSize::Medium), "mediumblob"),
        ] {
            assert_eq!(data_type.to_string(), text);
        }
    }
}
