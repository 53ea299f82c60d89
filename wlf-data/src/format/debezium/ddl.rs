//! Schema changes as Debezium has them: events of its schema change topic, and the truncate event.

use serde_json::{Value, json};

use super::envelope::{SourceBlock, connector, moment};
use super::options::Options;
use super::schema;
use crate::data_type::DataType;
use crate::event::{Column, Event};
use crate::format::buffer::Buffer;
use crate::format::row_format::Moment;
use crate::schema_change::{SchemaChange, SchemaChangeKind, TableDefinition};

/// A change as a record.
pub(in crate::format) struct Message {
    /// `None` for a truncate event.
    pub key: Option<String>,
    pub value: Buffer,
}

/// The change as Debezium writes it.
pub(in crate::format) fn message(
    event: &Event,
    change: &SchemaChange,
    options: &Options,
    now: Moment,
) -> Message {
    let origin = change.place.origin();
    let source = SourceBlock::new(event, &origin, options);
    if change.kind == SchemaChangeKind::TableTruncate && !options.skips_truncate() {
        return Message {
            key: None,
            value: truncate(event, &source, options, now),
        };
    }
    let connector = connector(origin.server);
    let mut key = json!({"databaseName": change.database}).to_string();
    let mut value = Buffer::new();
    if options.schemas_enable {
        let wrap = schema::wrapped(schema::change_key(connector));
        key = format!("{}{key}}}", String::from_utf8_lossy(&wrap));
        value.put(&schema::wrapped(schema::change(connector)));
    }
    value.put(b"{\"source\":");
    source.write(options, &mut value);
    value.put(b",\"ts_ms\":");
    value.unsigned(now.milliseconds());
    value.put(b",\"databaseName\":");
    value.string(change.database.as_bytes());
    value.put(b",\"schemaName\":null,\"ddl\":");
    value.string(change.sql.as_bytes());
    value.put(b",\"tableChanges\":");
    value.put(table_changes(change).to_string().as_bytes());
    value.put(if options.schemas_enable { b"}}" } else { b"}" });
    Message {
        key: Some(key),
        value,
    }
}

fn truncate(event: &Event, source: &SourceBlock<'_>, options: &Options, now: Moment) -> Buffer {
    let mut out = Buffer::new();
    if options.schemas_enable {
        let envelope = schema::envelope(&event.table, options, source.connector);
        out.put(&schema::wrapped(envelope));
    }
    out.put(b"{\"before\":null,\"after\":null,\"source\":");
    source.write(options, &mut out);
    out.put(b",\"transaction\":null,\"op\":\"t\",");
    moment(now, &mut out);
    out.put(if options.schemas_enable { b"}}" } else { b"}" });
    out
}

fn table_changes(change: &SchemaChange) -> Value {
    let (kind, definition) = match change.kind {
        SchemaChangeKind::TableCreate => ("CREATE", &change.new),
        SchemaChangeKind::TableAlter => ("ALTER", &change.new),
        SchemaChangeKind::TableDrop => ("DROP", &None),
        SchemaChangeKind::TableTruncate
        | SchemaChangeKind::DatabaseCreate
        | SchemaChangeKind::DatabaseAlter
        | SchemaChangeKind::DatabaseDrop => return json!([]),
    };
    let (database, name) = match definition {
        Some(definition) => (&definition.table.database, definition.table.name.as_str()),
        None => (
            &change.database,
            change.table.as_deref().unwrap_or_default(),
        ),
    };
    json!([{
        "type": kind,
        "id": format!("\"{database}\".\"{name}\""),
        "table": definition.as_ref().map(table),
    }])
}

fn table(definition: &TableDefinition) -> Value {
    let table = &definition.table;
    let key = table.primary_key.iter();
    let key = key.filter_map(|column| table.columns.get(*column));
    let columns = (1u32..).zip(&table.columns);
    json!({
        "defaultCharsetName": definition.charset,
        "primaryKeyColumnNames": key.map(|column| &column.name).collect::<Vec<_>>(),
        "columns": columns.map(|(position, column)| self::column(position, column)).collect::<Vec<_>>(),
        "comment": null,
    })
}

fn column(position: u32, column: &Column) -> Value {
    let data_type = &column.data_type;
    let mut name = data_type.name().to_uppercase();
    if data_type.is_unsigned() {
        name.push_str(" UNSIGNED");
    }
    let (length, scale) = lengths(data_type);
    let labels = match data_type {
        DataType::Enum { labels, .. } | DataType::Set { labels, .. } => &labels[..],
        _ => &[],
    };
    json!({
        "name": column.name,
        "jdbcType": jdbc_type(data_type),
        "nativeType": null,
        "typeName": name,
        "typeExpression": name,
        "charsetName": data_type.charset(),
        "length": length,
        "scale": scale,
        "position": position,
        "optional": column.nullable,
        "autoIncremented": null,
        "generated": null,
        "comment": null,
        "defaultValueExpression": null,
        "enumValues": labels,
    })
}

/// What stands in the type's brackets.
fn lengths(data_type: &DataType) -> (Option<u32>, Option<u8>) {
    match data_type {
        DataType::Decimal {
            precision, scale, ..
        } => (Some((*precision).into()), Some(*scale)),
        DataType::Bit(length) => (Some((*length).into()), None),
        DataType::Time(digits) | DataType::DateTime(digits) | DataType::Timestamp(digits)
            if *digits > 0 =>
        {
            (Some((*digits).into()), None)
        }
        DataType::Char { characters, .. } | DataType::VarChar { characters, .. } => {
            (Some(*characters), None)
        }
        DataType::Binary(length) | DataType::VarBinary(length) => (Some(*length), None),
        DataType::Vector(length) if *length > 0 => (Some(*length), None),
        _ => (None, None),
    }
}

/// The number in `java.sql.Types` that Debezium's parser gives the type.
fn jdbc_type(data_type: &DataType) -> i32 {
    match data_type {
        DataType::TinyInt { .. } | DataType::SmallInt { .. } => 5,
        DataType::MediumInt { .. } | DataType::Int { .. } | DataType::Year => 4,
        DataType::BigInt { .. } => -5,
        DataType::Float { .. } => 6,
        DataType::Double { .. } => 8,
        DataType::Decimal { .. } => 3,
        DataType::Bit(_) => -7,
        DataType::Date => 91,
        DataType::Time(_) => 92,
        DataType::DateTime(_) => 93,
        DataType::Timestamp(_) => 2014,
        DataType::Char { .. } | DataType::Enum { .. } | DataType::Set { .. } => 1,
        DataType::VarChar { .. } | DataType::Text { .. } => 12,
        DataType::Binary(_) => -2,
        DataType::VarBinary(_) => -3,
        DataType::Blob(_) => 2004,
        DataType::Unknown
        | DataType::Json
        | DataType::Geometry(_)
        | DataType::Vector(_)
        | DataType::Uuid
        | DataType::Inet4
        | DataType::Inet6 => 1111,
    }
}
