//! Schema changes in Maxwell's JSON.

use serde_json::{Map, Value, json};

use super::options::Options;
use crate::data_type::DataType;
use crate::event::{Column, Event};
use crate::schema_change::{SchemaChange, SchemaChangeKind, TableDefinition};

/// The change as Maxwell writes it; `None` for one that it has no message for.
pub(in crate::format) fn message(
    event: &Event,
    change: &SchemaChange,
    options: &Options,
) -> Option<Value> {
    let mut message = Map::new();
    let mut put = |key: &str, value: Value| {
        message.insert(key.to_owned(), value);
    };
    let kind = match change.kind {
        SchemaChangeKind::TableCreate => "table-create",
        SchemaChangeKind::TableAlter => "table-alter",
        SchemaChangeKind::TableDrop => "table-drop",
        SchemaChangeKind::TableTruncate => return None,
        SchemaChangeKind::DatabaseCreate => "database-create",
        SchemaChangeKind::DatabaseAlter => "database-alter",
        SchemaChangeKind::DatabaseDrop => "database-drop",
    };
    put("type", json!(kind));
    put("database", json!(change.database));
    match change.kind {
        SchemaChangeKind::DatabaseCreate | SchemaChangeKind::DatabaseAlter => {
            put("charset", json!(change.charset));
        }
        _ => {}
    }
    if let Some(table) = &change.table {
        put("table", json!(table));
    }
    if change.kind == SchemaChangeKind::TableAlter {
        put("old", change.old.as_ref().map_or(Value::Null, definition));
    }
    if matches!(
        change.kind,
        SchemaChangeKind::TableCreate | SchemaChangeKind::TableAlter
    ) {
        put("def", change.new.as_ref().map_or(Value::Null, definition));
    }
    // Milliseconds here, and seconds in rows.
    put("ts", json!(event.milliseconds()));
    put("sql", json!(change.sql));
    let place = &change.place;
    if options.output_binlog_position && !place.file.is_empty() {
        put(
            "position",
            json!(format!("{}:{}", place.file, place.position)),
        );
    }
    if options.output_gtid_position {
        put("gtid", json!(place.gtid));
    }
    Some(Value::Object(message))
}

fn definition(definition: &TableDefinition) -> Value {
    let table = &definition.table;
    let key = table.primary_key.iter();
    let key = key.filter_map(|column| table.columns.get(*column));
    json!({
        "database": table.database,
        "charset": definition.charset,
        "table": table.name,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "primary-key": key.map(|column| &column.name).collect::<Vec<_>>(),
    })
}

fn column(column: &Column) -> Value {
    let data_type = &column.data_type;
    let mut entry = json!({"type": data_type.name(), "name": column.name});
    let (key, value) = match data_type {
        DataType::TinyInt { unsigned }
        | DataType::SmallInt { unsigned }
        | DataType::MediumInt { unsigned }
        | DataType::Int { unsigned }
        | DataType::BigInt { unsigned } => ("signed", json!(!unsigned)),
        DataType::Enum { labels, .. } | DataType::Set { labels, .. } => {
            ("enum-values", json!(&labels[..]))
        }
        DataType::Time(digits) | DataType::DateTime(digits) | DataType::Timestamp(digits) => {
            ("column-length", json!(digits))
        }
        DataType::Binary(_) | DataType::VarBinary(_) | DataType::Blob(_) => {
            ("charset", json!("binary"))
        }
        DataType::Char { charset, .. }
        | DataType::VarChar { charset, .. }
        | DataType::Text { charset, .. } => ("charset", json!(charset)),
        _ => return entry,
    };
    entry[key] = value;
    entry
}
