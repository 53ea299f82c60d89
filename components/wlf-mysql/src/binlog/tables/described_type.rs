//! The declared types of columns, as far as TABLE_MAP says them.

use wlf_core::data_type::{DataType, GeometryType};

use super::column_type::{self as types, ColumnType, Meta};
use crate::binlog::events::table_map::TableMap;
use crate::charset::{Charset, Encoding};

/// The type of each column. Without `binlog_row_metadata=FULL` ENUM and SET have no labels.
pub fn of_columns(map: &TableMap) -> Vec<DataType> {
    let metadata = &map.metadata;
    let mut geometry_types = metadata.geometry_types.iter().copied();
    let mut dimensions = metadata.dimensions.iter().copied();
    let columns = map.columns.iter().enumerate();
    columns
        .map(|(n, column)| {
            let charset = metadata.collations.get(n).copied().flatten();
            let charset = charset.map_or(Charset::UTF8MB4, Charset::of_collation);
            let labels = || {
                let labels = metadata.labels.get(n).and_then(Option::as_ref);
                let labels = labels.into_iter().flatten();
                labels.map(|label| charset.decode(label)).collect()
            };
            match column.code {
                types::ENUM => DataType::Enum {
                    labels: labels(),
                    charset: charset.name,
                },
                types::SET => DataType::Set {
                    labels: labels(),
                    charset: charset.name,
                },
                types::GEOMETRY => {
                    let kind = geometry_types.next();
                    DataType::Geometry(kind.unwrap_or(GeometryType::Geometry))
                }
                types::VECTOR => DataType::Vector(dimensions.next().unwrap_or(0)),
                _ => {
                    let unsigned = metadata.unsigned.get(n).copied().unwrap_or(false);
                    of_column(*column, unsigned, charset)
                }
            }
        })
        .collect()
}

/// The type of a column that is none of ENUM, SET, GEOMETRY and VECTOR.
fn of_column(column: ColumnType, unsigned: bool, charset: Charset) -> DataType {
    let fraction = match column.meta {
        Meta::Fraction(digits) => digits,
        _ => 0,
    };
    let is_binary = charset.encoding == Encoding::Binary;
    let bytes = match column.meta {
        Meta::Bytes(bytes) => u32::from(bytes),
        _ => 0,
    };
    let characters = bytes / u32::from(charset.longest);
    let charset = charset.name;
    if let Some(size) = column.blob() {
        return match is_binary {
            true => DataType::Blob(size),
            false => DataType::Text { size, charset },
        };
    }
    if column.is_varying() {
        return match is_binary {
            true => DataType::VarBinary(bytes),
            false => DataType::VarChar {
                characters,
                charset,
            },
        };
    }
    match (column.code, column.meta) {
        (types::TINY, _) => DataType::TinyInt { unsigned },
        (types::SHORT, _) => DataType::SmallInt { unsigned },
        (types::INT24, _) => DataType::MediumInt { unsigned },
        (types::LONG, _) => DataType::Int { unsigned },
        (types::LONGLONG, _) => DataType::BigInt { unsigned },
        (types::FLOAT, _) => DataType::Float { unsigned },
        (types::DOUBLE, _) => DataType::Double { unsigned },
        (_, Meta::Decimal { precision, scale }) => DataType::Decimal {
            precision,
            scale,
            unsigned,
        },
        (_, Meta::Bits(bits)) => DataType::Bit(bits),
        (types::YEAR, _) => DataType::Year,
        (types::DATE | types::NEWDATE, _) => DataType::Date,
        (types::TIME | types::TIME2, _) => DataType::Time(fraction),
        (types::DATETIME | types::DATETIME2, _) => DataType::DateTime(fraction),
        (types::TIMESTAMP | types::TIMESTAMP2, _) => DataType::Timestamp(fraction),
        (types::JSON, _) => DataType::Json,
        (types::STRING, _) if is_binary => DataType::Binary(bytes),
        (types::STRING, _) => DataType::Char {
            characters,
            charset,
        },
        _ => DataType::Unknown,
    }
}
