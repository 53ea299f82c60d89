//! How the rows of one version of a table are decoded: prepared once from its TABLE_MAP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wlf_core::data_type::DataType;
use wlf_core::{Column, Table};

use super::column_type::{self as types, ColumnType, Length};
use super::definition::{ColumnDefinition, Definition};
use super::described_type;
use crate::binlog::events::table_map::{TableMap, UnknownType};
use crate::binlog::images::extent::{Extent, Strides};
use crate::binlog::values::address::Address;
use crate::binlog::values::old_temporal;
use crate::charset::{Charset, Encoding};

/// How the rows of one version of a table are decoded.
#[derive(Debug)]
pub struct TablePlan {
    pub table: Arc<Table>,
    /// Those of the table, and behind them those that are in its rows and shown to nobody.
    pub columns: Vec<ColumnPlan>,
    /// How many of them are shown.
    pub shown: usize,
    /// Where an image ends that holds all columns.
    pub strides: Option<Strides>,
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
    pub extent: Extent,
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
    /// As before MySQL 5.6.4, with MariaDB's digits of a fraction; so are the next two.
    OldTime(u8),
    OldDateTime(u8),
    OldTimestamp(u8),
    Text(Encoding),
    /// BINARY(n), which comes without the zero bytes at its end.
    Binary(usize),
    Bytes,
    Enum(Arc<[String]>),
    Set(Arc<[String]>),
    Json,
    /// MariaDB's: text that should be a document.
    JsonText,
    Address(Address),
    /// MariaDB's.
    Compressed(Unpacked),
    Geometry,
    Vector,
    Null,
}

/// What a compressed value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpacked {
    Text(Encoding),
    Bytes,
    /// Text that should be a document.
    Json,
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
        let names = metadata.names.iter().cloned();
        let types = described_type::of_columns(map);
        Self::of(map, names, types, &metadata.primary_key, false)
    }

    /// Prepares a table from what its server says of it: one that has no names in the binlog, or one of whose columns
    /// MariaDB's binlog does not say everything.
    pub fn from_definition(map: &TableMap, definition: &Definition) -> Self {
        if !map.metadata.names.is_empty() {
            return Self::completed(map, &definition.columns);
        }
        let known = definition.columns.len().saturating_add(definition.hashes);
        if known != map.columns.len() {
            let reason = format!(
                "its rows have {} columns, and its definition has {known}",
                map.columns.len(),
            );
            return Self::undecodable(map, Undecodable { reason, ..NO_NAMES });
        }
        let columns = &definition.columns;
        let pairs = || map.columns.iter().zip(columns);
        if let Some((_, wrong)) = pairs().find(|(column, declared)| !declared.fits(**column)) {
            let reason = format!(
                "column {} has another type in its rows than in its definition ({})",
                wrong.name, wrong.data_type
            );
            return Self::undecodable(map, Undecodable { reason, ..NO_NAMES });
        }
        let is_unknown = |(column, declared): &(&ColumnType, &ColumnDefinition)| {
            column.is_character() && declared.data_type == DataType::Unknown
        };
        if let Some((_, unknown)) = pairs().find(is_unknown) {
            let reason = format!(
                "column {} has a type that this program does not know",
                unknown.name
            );
            return Self::undecodable(map, Undecodable { reason, ..NO_NAMES });
        }
        let mut types = described_type::of_columns(map);
        for (n, (data_type, declared)) in types.iter_mut().zip(columns).enumerate() {
            // What the binlog says is so at this position.
            if declared.data_type != DataType::Unknown && declared.is_as_described(map, n) {
                *data_type = declared.data_type.clone();
            }
        }
        let names = columns.iter().map(|column| column.name.clone());
        Self::of(map, names, types, &definition.primary_key, true)
    }

    /// Prepares a table that has names in the binlog, and takes from `declared` what MariaDB's binlog hides. The names and
    /// all else are right at this position, which the definition need not be.
    fn completed(map: &TableMap, declared: &[ColumnDefinition]) -> Self {
        let mut plan = Self::from_metadata(map);
        if plan.undecodable.is_some() {
            return plan;
        }
        let mut types = described_type::of_columns(map);
        let names = &map.metadata.names;
        let is_declared = |name: &String| declared.iter().any(|column| column.name == *name);
        let last = names.iter().rev().take(map.hashes());
        let hidden = last.take_while(|name| !is_declared(name)).count();
        let shown = names.len().saturating_sub(hidden);
        let columns = map.columns.iter().zip(names).zip(&mut types);
        for (n, ((column, name), data_type)) in columns.enumerate() {
            if !map.hides(n, *column) {
                continue;
            }
            let declared = declared.iter().find(|declared| declared.name == *name);
            match declared.filter(|declared| declared.fits(*column)) {
                Some(declared) => *data_type = declared.data_type.clone(),
                None if column.is_old_temporal() => {
                    plan.undecodable = Some(Undecodable {
                        reason: format!(
                            "column {name} has the form that MariaDB had before 10.1, for which the binlog does not say how \
                             many digits the fraction of a second has, and the table's definition is not known"
                        ),
                        hint: Some(
                            "exclude the table with a filter, or let `ALTER TABLE … FORCE` rewrite it with \
                             mysql56_temporal_format=ON",
                        ),
                    });
                    // Not even the rows' lengths are known.
                    plan.columns.clear();
                    return plan;
                }
                None => {}
            }
        }
        Self::of(
            map,
            names.iter().take(shown).cloned(),
            types,
            &map.metadata.primary_key,
            true,
        )
    }

    fn of(
        map: &TableMap,
        names: impl Iterator<Item = String>,
        types: Vec<DataType>,
        primary_key: &[usize],
        borrowed: bool,
    ) -> Self {
        let plans = map.columns.iter().zip(&types);
        let plans: Vec<_> = plans
            .map(|(column, data_type)| ColumnPlan::new(*column, data_type))
            .collect();
        let nullable = map.nullable.iter().copied();
        let columns = names.zip(types).zip(nullable);
        let columns = columns.map(|((name, data_type), nullable)| Column {
            name,
            data_type,
            nullable,
        });
        let table = table(map, columns, primary_key);
        Self {
            shown: table.columns.len(),
            table,
            strides: strides(&plans),
            columns: plans,
            undecodable: None,
            borrowed,
        }
    }

    /// A table of which nothing is known but what the binlog says; it cannot be decoded if that has no names.
    pub fn nameless(map: &TableMap) -> Self {
        if !map.metadata.names.is_empty() {
            let columns = map.columns.iter().enumerate();
            if columns.into_iter().any(|(n, column)| map.hides(n, *column)) {
                warn_of_guess(map);
            }
            return Self::completed(map, &[]);
        }
        let reason = "the binlog has no column names (binlog_row_metadata=MINIMAL)".to_owned();
        Self::undecodable(map, Undecodable { reason, ..NO_NAMES })
    }

    /// A table that has no names in the binlog, and whose definition cannot be known.
    pub fn refused(map: &TableMap, reason: String) -> Self {
        if !map.metadata.names.is_empty() {
            tracing::warn!(
                database = map.database,
                table = map.table,
                reason,
                "{GUESSED}"
            );
            return Self::completed(map, &[]);
        }
        Self::undecodable(map, Undecodable { reason, ..NO_NAMES })
    }

    fn undecodable(map: &TableMap, why: Undecodable) -> Self {
        let columns = (1..=map.columns.len()).map(|n| Column::untyped(format!("@{n}")));
        let plans = map.columns.iter().map(|column| ColumnPlan {
            extent: column.length.into(),
            kind: Kind::Null,
        });
        let plans: Vec<_> = plans.collect();
        Self {
            table: table(map, columns, &[]),
            strides: strides(&plans),
            shown: plans.len(),
            columns: plans,
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
            shown: 0,
            strides: None,
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

const GUESSED: &str = "the binlog of MariaDB does not tell UUID, INET4 and INET6 from BINARY, VECTOR from VARBINARY and \
                       JSON from LONGTEXT, and the table's definition is not known: such columns come as what they look like";

/// Says once that nobody can be asked.
fn warn_of_guess(map: &TableMap) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            database = map.database,
            table = map.table,
            "{GUESSED}; this is said of the first table only"
        );
    }
}

fn table(
    map: &TableMap,
    columns: impl Iterator<Item = Column>,
    primary_key: &[usize],
) -> Arc<Table> {
    let columns: Vec<_> = columns.collect();
    let key = primary_key.iter().copied();
    let key = key.filter(|column| *column < columns.len()).collect();
    Arc::new(Table::new(
        map.database.clone(),
        map.table.clone(),
        columns,
        key,
    ))
}

impl ColumnPlan {
    fn new(column: ColumnType, data_type: &DataType) -> Self {
        let kind = Kind::new(column, data_type);
        let length = match kind {
            Kind::OldTime(digits) | Kind::OldDateTime(digits) | Kind::OldTimestamp(digits) => {
                old_temporal::length(column.code, digits).map(Length::Fixed)
            }
            _ => None,
        };
        Self {
            extent: length.unwrap_or(column.length).into(),
            kind,
        }
    }
}

impl Kind {
    fn new(column: ColumnType, data_type: &DataType) -> Self {
        match data_type {
            DataType::TinyInt { unsigned } => pick(*unsigned, Self::Int8, Self::UInt8),
            DataType::SmallInt { unsigned } => pick(*unsigned, Self::Int16, Self::UInt16),
            DataType::MediumInt { unsigned } => pick(*unsigned, Self::Int24, Self::UInt24),
            DataType::Int { unsigned } => pick(*unsigned, Self::Int32, Self::UInt32),
            DataType::BigInt { unsigned } => pick(*unsigned, Self::Int64, Self::UInt64),
            DataType::Float { .. } => Self::Float,
            DataType::Double { .. } => Self::Double,
            DataType::Decimal {
                precision, scale, ..
            } => Self::Decimal {
                precision: *precision,
                scale: *scale,
            },
            DataType::Bit(_) => Self::Bit,
            DataType::Year => Self::Year,
            DataType::Date => Self::Date,
            DataType::Time(digits) if column.code == types::TIME => Self::OldTime(*digits),
            DataType::Time(digits) => Self::Time2(*digits),
            DataType::DateTime(digits) if column.code == types::DATETIME => {
                Self::OldDateTime(*digits)
            }
            DataType::DateTime(digits) => Self::DateTime2(*digits),
            DataType::Timestamp(digits) if column.code == types::TIMESTAMP => {
                Self::OldTimestamp(*digits)
            }
            DataType::Timestamp(digits) => Self::Timestamp2(*digits),
            DataType::Char { charset, .. }
            | DataType::VarChar { charset, .. }
            | DataType::Text { charset, .. } => {
                let encoding = Charset::named(charset).encoding;
                pick(
                    column.is_compressed(),
                    Self::Text(encoding),
                    Self::Compressed(Unpacked::Text(encoding)),
                )
            }
            DataType::Binary(bytes) => Self::Binary(usize::try_from(*bytes).unwrap_or(0)),
            DataType::VarBinary(_) | DataType::Blob(_) => pick(
                column.is_compressed(),
                Self::Bytes,
                Self::Compressed(Unpacked::Bytes),
            ),
            DataType::Enum { labels, .. } => Self::Enum(labels.clone()),
            DataType::Set { labels, .. } => Self::Set(labels.clone()),
            DataType::Json if column.is_compressed() => Self::Compressed(Unpacked::Json),
            DataType::Json if column.code == types::JSON => Self::Json,
            DataType::Json => Self::JsonText,
            DataType::Geometry(_) => Self::Geometry,
            DataType::Vector(_) => Self::Vector,
            DataType::Uuid => Self::Address(Address::Uuid),
            DataType::Inet4 => Self::Address(Address::Inet4),
            DataType::Inet6 => Self::Address(Address::Inet6),
            DataType::Unknown => Self::Null,
        }
    }
}

fn strides(columns: &[ColumnPlan]) -> Option<Strides> {
    Strides::new(columns.iter().map(|column| column.extent))
}

fn pick(second: bool, first_kind: Kind, second_kind: Kind) -> Kind {
    if second { second_kind } else { first_kind }
}
