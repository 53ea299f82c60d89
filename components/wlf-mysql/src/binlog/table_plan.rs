//! How the rows of one version of a table are decoded: prepared once from its TABLE_MAP.

use std::sync::Arc;

use wlf_core::{Column, Table};

use super::charset::Charset;
use super::column_type::{self as types, ColumnType, Length, Meta};
use super::definition::{ColumnDefinition, Definition};
use super::table_map::{TableMap, UnknownType};

/// How the rows of one version of a table are decoded.
#[derive(Debug)]
pub struct TablePlan {
    pub table: Arc<Table>,
    pub columns: Vec<ColumnPlan>,
    /// Why the rows cannot be decoded.
    pub undecodable: Option<Undecodable>,
    /// What was taken from elsewhere is right only until the next DDL.
    pub borrowed: bool,
}

/// Why the rows of a table cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    pub reason: String,
    pub hint: Option<&'static str>,
}

/// How a column's values are decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnPlan {
    pub length: Length,
    pub kind: Kind,
}

/// What a column's bytes mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Int8,
    Int16,
    Int24,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt24,
    UInt32,
    UInt64,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Bit,
    Year,
    Date,
    Time2(u8),
    DateTime2(u8),
    Timestamp2(u8),
    Time,
    DateTime,
    Timestamp,
    Text(Charset),
    /// BINARY(n), which comes without the zero bytes at its end.
    Binary(usize),
    Bytes,
    Enum(Vec<String>),
    Set(Vec<String>),
    Json,
    Geometry,
    Vector,
    Null,
}

const NO_NAMES: Undecodable = Undecodable {
    reason: String::new(),
    hint: Some(
        "set binlog_row_metadata=FULL on the server, so that binlogs have the columns' names, or exclude the table with \
         a filter",
    ),
};

impl TablePlan {
    /// Prepares a table whose TABLE_MAP says everything.
    pub fn from_metadata(map: &TableMap) -> Self {
        let metadata = &map.metadata;
        if metadata.names.len() != map.columns.len() {
            let reason = format!(
                "its TABLE_MAP has {} names for {} columns",
                metadata.names.len(),
                map.columns.len()
            );
            return Self::undecodable(map, Undecodable { reason, hint: None });
        }
        let columns = map.columns.iter().enumerate().map(|(n, column)| {
            let charset = metadata.collations.get(n).copied().flatten();
            let charset = charset.map(Charset::of_collation);
            let labels = metadata.labels.get(n).and_then(Option::as_ref);
            let labels = labels.map(|labels| {
                let charset = charset.unwrap_or(Charset::Utf8);
                labels.iter().map(|label| charset.decode(label)).collect()
            });
            let unsigned = metadata.unsigned.get(n).copied().unwrap_or(false);
            ColumnPlan::new(*column, unsigned, charset, labels.unwrap_or_default())
        });
        Self {
            table: table(map, metadata.names.iter().cloned(), &metadata.primary_key),
            columns: columns.collect(),
            undecodable: None,
            borrowed: false,
        }
    }

    /// Prepares a table that has no names in the binlog from what its server says of it.
    pub fn from_definition(map: &TableMap, definition: &Definition) -> Self {
        if definition.columns.len() != map.columns.len() {
            let reason = format!(
                "its rows have {} columns, and the server's information_schema has {}: the table was changed since",
                map.columns.len(),
                definition.columns.len()
            );
            return Self::undecodable(map, Undecodable { reason, ..NO_NAMES });
        }
        let pairs = || map.columns.iter().zip(&definition.columns);
        if let Some((_, wrong)) = pairs().find(|(column, definition)| !fits(**column, definition)) {
            let reason = format!(
                "column {} has another type in its rows than in the server's information_schema: the table was changed since",
                wrong.name
            );
            return Self::undecodable(map, Undecodable { reason, ..NO_NAMES });
        }
        let names = definition.columns.iter().map(|column| column.name.clone());
        Self {
            table: table(map, names, &definition.primary_key),
            columns: pairs()
                .map(|(column, definition)| {
                    ColumnPlan::new(
                        *column,
                        definition.unsigned,
                        definition.charset,
                        definition.labels.clone(),
                    )
                })
                .collect(),
            undecodable: None,
            borrowed: true,
        }
    }

    /// A table that has no names in the binlog, and of which nothing else is known.
    pub fn nameless(map: &TableMap) -> Self {
        let reason = "the binlog has no column names (binlog_row_metadata=MINIMAL)".to_owned();
        Self::undecodable(map, Undecodable { reason, ..NO_NAMES })
    }

    fn undecodable(map: &TableMap, why: Undecodable) -> Self {
        let names = (1..=map.columns.len()).map(|n| format!("@{n}"));
        let plans = map.columns.iter().map(|column| ColumnPlan {
            length: column.length,
            kind: Kind::Null,
        });
        Self {
            table: table(map, names, &[]),
            columns: plans.collect(),
            undecodable: Some(why),
            borrowed: true,
        }
    }

    /// A table with a column of a type that is not known: not even the rows' lengths are.
    pub fn unknown_type(unknown: UnknownType) -> Self {
        let UnknownType {
            database,
            table,
            column,
            code,
        } = unknown;
        let reason = format!("column @{column} has a type (number {code}) that is not known");
        Self {
            table: Arc::new(Table::new(database, table, Vec::new(), Vec::new())),
            columns: Vec::new(),
            undecodable: Some(Undecodable {
                reason,
                hint: Some(
                    "exclude the table with a filter, or use a newer version of this program",
                ),
            }),
            borrowed: false,
        }
    }
}

fn table(map: &TableMap, names: impl Iterator<Item = String>, primary_key: &[usize]) -> Arc<Table> {
    let columns: Vec<_> = names.map(Column::untyped).collect();
    let key = primary_key.iter().copied();
    let key = key.filter(|column| *column < columns.len()).collect();
    Arc::new(Table::new(
        map.database.clone(),
        map.table.clone(),
        columns,
        key,
    ))
}

/// Whether labels and charset are there exactly where the binlog's type has them.
fn fits(column: ColumnType, definition: &ColumnDefinition) -> bool {
    let has_labels = matches!(column.code, types::ENUM | types::SET);
    has_labels != definition.labels.is_empty()
        && (has_labels || column.is_character() == definition.charset.is_some())
}

impl ColumnPlan {
    fn new(
        column: ColumnType,
        unsigned: bool,
        charset: Option<Charset>,
        labels: Vec<String>,
    ) -> Self {
        let fraction = match column.meta {
            Meta::Fraction(digits) => digits,
            _ => 0,
        };
        let kind = match column.code {
            types::TINY => pick(unsigned, Kind::Int8, Kind::UInt8),
            types::SHORT => pick(unsigned, Kind::Int16, Kind::UInt16),
            types::INT24 => pick(unsigned, Kind::Int24, Kind::UInt24),
            types::LONG => pick(unsigned, Kind::Int32, Kind::UInt32),
            types::LONGLONG => pick(unsigned, Kind::Int64, Kind::UInt64),
            types::FLOAT => Kind::Float,
            types::DOUBLE => Kind::Double,
            types::BIT => Kind::Bit,
            types::YEAR => Kind::Year,
            types::DATE | types::NEWDATE => Kind::Date,
            types::TIME => Kind::Time,
            types::DATETIME => Kind::DateTime,
            types::TIMESTAMP => Kind::Timestamp,
            types::TIME2 => Kind::Time2(fraction),
            types::DATETIME2 => Kind::DateTime2(fraction),
            types::TIMESTAMP2 => Kind::Timestamp2(fraction),
            types::NEWDECIMAL => match column.meta {
                Meta::Decimal { precision, scale } => Kind::Decimal { precision, scale },
                _ => Kind::Null,
            },
            types::ENUM => Kind::Enum(labels),
            types::SET => Kind::Set(labels),
            types::JSON => Kind::Json,
            types::GEOMETRY => Kind::Geometry,
            types::VECTOR => Kind::Vector,
            types::NULL => Kind::Null,
            code => match (charset.unwrap_or(Charset::Utf8), column.meta) {
                (Charset::Binary, Meta::Bytes(longest)) if code == types::STRING => {
                    Kind::Binary(usize::from(longest))
                }
                (Charset::Binary, _) => Kind::Bytes,
                (charset, _) => Kind::Text(charset),
            },
        };
        Self {
            length: column.length,
            kind,
        }
    }
}

fn pick(unsigned: bool, signed_kind: Kind, unsigned_kind: Kind) -> Kind {
    if unsigned { unsigned_kind } else { signed_kind }
}
