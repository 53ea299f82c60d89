//! A table's definition from elsewhere, for what a binlog does not say of its tables.

use serde::{Deserialize, Serialize};
use wlf_core::data_type::{BlobSize, DataType};

use super::column_type::{self as types, ColumnType, Length, Meta};
use super::declared_type;
use crate::binlog::events::table_map::TableMap;
use crate::charset::Charset;
use crate::schema::TableSchema;

/// What TABLE_MAP leaves out: with `binlog_row_metadata=MINIMAL` the names, labels and charsets, and with every setting
/// which of MariaDB's columns are UUID, INET4, INET6, VECTOR and JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub columns: Vec<ColumnDefinition>,
    /// Indexes of columns, in the key's order.
    pub primary_key: Vec<usize>,
    /// How many columns a row has behind those, in which MariaDB keeps hashes and which are not shown.
    #[serde(default)]
    pub hashes: usize,
}

impl Definition {
    /// What the rows of a table are decoded with, of which a history says this.
    pub fn of(schema: &TableSchema) -> Self {
        let columns = schema.columns.iter().map(|column| {
            ColumnDefinition::from_information_schema(
                &column.name,
                column.readable_type(),
                column.charset.as_deref(),
                column.nullable,
            )
        });
        let mut columns: Vec<_> = columns.collect();
        let key = schema.primary_key.iter();
        let mut primary_key: Vec<_> = key.filter_map(|name| schema.find(name)).collect();
        let shown = schema.hidden.shown().iter().map(|name| {
            ColumnDefinition::from_information_schema(name, "timestamp(6)", None, false)
        });
        columns.extend(shown);
        // The end of a row's time is a part of its key.
        if schema.hidden.system_time && !primary_key.is_empty() {
            primary_key.push(columns.len().saturating_sub(1));
        }
        Self {
            columns,
            primary_key,
            hashes: schema.hidden.hashes(),
        }
    }

    /// Whether rows that a TABLE_MAP describes so may be this table's, as far as it describes them.
    pub fn fits(&self, map: &TableMap) -> bool {
        let columns = map.columns.iter().zip(&self.columns).enumerate();
        self.columns.len().saturating_add(self.hashes) == map.columns.len()
            && map
                .columns
                .iter()
                .skip(self.columns.len())
                .all(|column| column.code == types::LONGLONG)
            && columns.into_iter().all(|(n, (column, declared))| {
                declared.fits(*column) && declared.is_as_described(map, n)
            })
    }
}

/// A column's definition. It is stored as `information_schema.COLUMNS` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct ColumnDefinition {
    pub name: String,
    /// As it was declared; [`DataType::Json`] also stands for MariaDB's, which its binlog has as LONGTEXT.
    pub data_type: DataType,
    pub nullable: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    name: String,
    #[serde(rename = "type")]
    column_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    not_null: bool,
}

impl From<Stored> for ColumnDefinition {
    fn from(stored: Stored) -> Self {
        let Stored {
            name,
            column_type,
            charset,
            not_null,
        } = stored;
        Self::from_information_schema(&name, &column_type, charset.as_deref(), !not_null)
    }
}

impl From<ColumnDefinition> for Stored {
    fn from(column: ColumnDefinition) -> Self {
        Self {
            column_type: column.data_type.to_string(),
            charset: column.data_type.charset().map(str::to_owned),
            name: column.name,
            not_null: !column.nullable,
        }
    }
}

impl ColumnDefinition {
    /// Reads a row of `information_schema.COLUMNS`: COLUMN_NAME, COLUMN_TYPE as in `enum('a','b')` or `int unsigned`,
    /// CHARACTER_SET_NAME, and whether IS_NULLABLE is YES.
    pub fn from_information_schema(
        name: &str,
        column_type: &str,
        character_set: Option<&str>,
        nullable: bool,
    ) -> Self {
        let charset = character_set.map(Charset::named);
        Self {
            name: name.to_owned(),
            data_type: declared_type::parse(column_type, charset.unwrap_or(Charset::UTF8MB4)),
            nullable,
        }
    }

    /// Whether a TABLE_MAP says the same of the column's sign and charset, if it says anything of them.
    pub fn is_as_described(&self, map: &TableMap, n: usize) -> bool {
        let signs = &map.metadata.unsigned;
        let is_unsigned = |unsigned: bool| signs.get(n).is_none_or(|other| *other == unsigned);
        let is_of = |name: &str| map.charset(n).is_none_or(|charset| charset.name == name);
        match &self.data_type {
            DataType::TinyInt { unsigned }
            | DataType::SmallInt { unsigned }
            | DataType::MediumInt { unsigned }
            | DataType::Int { unsigned }
            | DataType::BigInt { unsigned }
            | DataType::Float { unsigned }
            | DataType::Double { unsigned }
            | DataType::Decimal { unsigned, .. } => is_unsigned(*unsigned),
            DataType::Char { charset, .. }
            | DataType::VarChar { charset, .. }
            | DataType::Text { charset, .. } => is_of(charset),
            DataType::Binary(_) | DataType::VarBinary(_) | DataType::Blob(_) => is_of("binary"),
            _ => true,
        }
    }

    /// Whether rows of a column that a TABLE_MAP describes so may be this column's.
    pub fn fits(&self, column: ColumnType) -> bool {
        let longest = |bytes: u32| column.meta == Meta::Bytes(u16::try_from(bytes).unwrap_or(0));
        let text = |characters: u32, charset: &str| {
            longest(characters.saturating_mul(Charset::named(charset).longest.into()))
        };
        let choices = |code: u8, bytes: usize| {
            column.code == code && column.length == Length::Fixed(u16::try_from(bytes).unwrap_or(0))
        };
        let fraction =
            |code: u8, digits: u8| column.code == code && column.meta == Meta::Fraction(digits);
        match &self.data_type {
            DataType::Unknown => true,
            DataType::TinyInt { .. } => column.code == types::TINY,
            DataType::SmallInt { .. } => column.code == types::SHORT,
            DataType::MediumInt { .. } => column.code == types::INT24,
            DataType::Int { .. } => column.code == types::LONG,
            DataType::BigInt { .. } => column.code == types::LONGLONG,
            DataType::Float { .. } => column.code == types::FLOAT,
            DataType::Double { .. } => column.code == types::DOUBLE,
            DataType::Decimal {
                precision, scale, ..
            } => {
                let (precision, scale) = (*precision, *scale);
                column.meta == Meta::Decimal { precision, scale }
            }
            DataType::Bit(bits) => column.meta == Meta::Bits(*bits),
            DataType::Year => column.code == types::YEAR,
            DataType::Date => matches!(column.code, types::DATE | types::NEWDATE),
            DataType::Time(digits) => column.code == types::TIME || fraction(types::TIME2, *digits),
            DataType::DateTime(digits) => {
                column.code == types::DATETIME || fraction(types::DATETIME2, *digits)
            }
            DataType::Timestamp(digits) => {
                column.code == types::TIMESTAMP || fraction(types::TIMESTAMP2, *digits)
            }
            DataType::Char {
                characters,
                charset,
            } => column.code == types::STRING && text(*characters, charset),
            DataType::VarChar {
                characters,
                charset,
            } => column.is_varying() && text(*characters, charset),
            DataType::Binary(bytes) => column.code == types::STRING && longest(*bytes),
            DataType::VarBinary(bytes) => column.is_varying() && longest(*bytes),
            DataType::Text { size, .. } | DataType::Blob(size) => column.blob() == Some(*size),
            DataType::Enum { labels, .. } => {
                choices(types::ENUM, if labels.len() < 256 { 1 } else { 2 })
            }
            DataType::Set { labels, .. } => choices(
                types::SET,
                match labels.len().div_ceil(8) {
                    5..=7 => 8,
                    bytes => bytes,
                },
            ),
            DataType::Json => column.code == types::JSON || column.blob() == Some(BlobSize::Long),
            DataType::Geometry(_) => column.code == types::GEOMETRY,
            DataType::Vector(numbers) => {
                column.code == types::VECTOR
                    || column.is_varying() && longest(numbers.saturating_mul(4))
            }
            DataType::Uuid | DataType::Inet6 => column.code == types::STRING && longest(16),
            DataType::Inet4 => column.code == types::STRING && longest(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reader;

    #[test]
    fn stays_the_same_when_it_is_stored() {
        for (column_type, charset) in [
            ("enum('s,m','it''s','\\\\','')", Some("latin1")),
            ("int unsigned", None),
            ("decimal(65,30)", None),
            ("varchar(20)", Some("gbk")),
            ("json", None),
            ("vector(3)", None),
            ("multipolygon", None),
            ("datetime(6)", None),
        ] {
            for nullable in [true, false] {
                let column =
                    ColumnDefinition::from_information_schema("a", column_type, charset, nullable);
                assert_eq!(column.data_type.to_string(), column_type);
                assert_eq!(column.data_type.charset(), charset);
                let stored = serde_json::to_string(&column).unwrap();
                let back: ColumnDefinition = serde_json::from_str(&stored).unwrap();
                assert_eq!(back, column, "{stored}");
            }
        }
    }

    #[test]
    fn tells_changed_columns() {
        let column = |code, meta: &[u8]| ColumnType::decode(code, &mut Reader::new(meta)).unwrap();
        let fits = |text: &str, column| {
            ColumnDefinition::from_information_schema("a", text, Some("utf8mb4"), true).fits(column)
        };
        let varchar = column(types::VARCHAR, &[80, 0]);
        assert!(fits("varchar(20)", varchar));
        assert!(!fits("varchar(21)", varchar));
        assert!(!fits("varbinary(20)", varchar));
        assert!(!fits("char(20)", varchar));
        let text = column(types::BLOB, &[2]);
        assert!(fits("text", text) && fits("blob", text));
        assert!(!fits("longtext", text));
        let choice = column(types::STRING, &[types::SET, 8]);
        let labels: Vec<_> = (0..40).map(|n| format!("'{n}'")).collect();
        assert!(fits(&format!("set({})", labels.join(",")), choice));
        assert!(!fits("set('a')", choice));
        assert!(fits("bit(10)", column(types::BIT, &[2, 1])));
        assert!(!fits("bit(9)", column(types::BIT, &[2, 1])));
        assert!(fits("uuid", column(types::STRING, &[types::STRING, 16])));
    }
}
