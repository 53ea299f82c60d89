//! The schemas that stand beside payloads.
//!
//! Source: Debezium's `SchemaFactory` and `TableSchemaBuilder`

use serde_json::{Value, json};

use super::field::{Schema, of_column};
use super::options::Options;
use crate::event::Table;

/// `{"schema":…,"payload":`, which `}` ends.
pub(super) fn wrapped(schema: Value) -> Vec<u8> {
    format!("{{\"schema\":{schema},\"payload\":").into_bytes()
}

/// The beginning of the names of a table's schemas.
fn name(table: &Table, options: &Options) -> String {
    format!("{}.{}.{}", options.topic_prefix, table.database, table.name)
}

/// The schema of a row as the member of a struct.
fn row(table: &Table, options: &Options, field: &str) -> Value {
    let columns = table.columns.iter();
    let columns = columns.map(|column| of_column(column, options).field(&column.name));
    Schema::structure(columns.collect())
        .optional(true)
        .named(format!("{}.Value", name(table, options)), 0)
        .field(field)
}

pub(super) fn key(table: &Table, options: &Options) -> Value {
    let columns = table.primary_key.iter();
    let columns = columns.filter_map(|column| table.columns.get(*column));
    let fields = columns.map(|column| of_column(column, options).field(&column.name));
    Schema::structure(fields.collect())
        .named(format!("{}.Key", name(table, options)), 0)
        .finish()
}

/// The schema of Debezium's change event.
pub(super) fn envelope(table: &Table, options: &Options, connector: &str) -> Value {
    let int64 = |optional, name| Schema::new("int64").optional(optional).field(name);
    let transaction = Schema::structure(vec![
        Schema::new("string").field("id"),
        int64(false, "total_order"),
        int64(false, "data_collection_order"),
    ])
    .optional(true)
    .named("event.block", 1)
    .field("transaction");
    Schema::structure(vec![
        row(table, options, "before"),
        row(table, options, "after"),
        source(connector),
        transaction,
        Schema::new("string").field("op"),
        int64(true, "ts_ms"),
        int64(true, "ts_us"),
        int64(true, "ts_ns"),
    ])
    .named(format!("{}.Envelope", name(table, options)), 2)
    .finish()
}

/// The schema of the `data` of a cloud event.
pub(super) fn cloud_event_data(table: &Table, options: &Options, connector: &str) -> Value {
    Schema::structure(vec![
        row(table, options, "before"),
        row(table, options, "after"),
    ])
    .named(format!("io.debezium.connector.{connector}.Data"), 0)
    .finish()
}

/// The schema of `source` as the member of a struct.
fn source(connector: &str) -> Value {
    let string = |optional, name| Schema::new("string").optional(optional).field(name);
    let int64 = |optional, name| Schema::new("int64").optional(optional).field(name);
    let snapshot = Schema::new("string")
        .optional(true)
        .named("io.debezium.data.Enum", 1)
        .parameter(
            "allowed",
            "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental",
        )
        .default_value(json!("false"))
        .field("snapshot");
    Schema::structure(vec![
        string(false, "version"),
        string(false, "connector"),
        string(false, "name"),
        int64(false, "ts_ms"),
        snapshot,
        string(false, "db"),
        string(true, "sequence"),
        int64(true, "ts_us"),
        int64(true, "ts_ns"),
        string(true, "table"),
        int64(false, "server_id"),
        string(true, "gtid"),
        string(false, "file"),
        int64(false, "pos"),
        Schema::new("int32").field("row"),
        int64(true, "thread"),
        string(true, "query"),
    ])
    .named(format!("io.debezium.connector.{connector}.Source"), 1)
    .field("source")
}

/// The schema of the key of a schema change.
pub(super) fn change_key(connector: &str) -> Value {
    Schema::structure(vec![Schema::new("string").field("databaseName")])
        .named(
            format!("io.debezium.connector.{connector}.SchemaChangeKey"),
            1,
        )
        .finish()
}

/// The schema of a schema change.
pub(super) fn change(connector: &str) -> Value {
    let optional = |kind, name| Schema::new(kind).optional(true).field(name);
    let strings = || Schema::array(Schema::new("string").finish()).optional(true);
    let column = Schema::structure(vec![
        Schema::new("string").field("name"),
        Schema::new("int32").field("jdbcType"),
        optional("int32", "nativeType"),
        Schema::new("string").field("typeName"),
        optional("string", "typeExpression"),
        optional("string", "charsetName"),
        optional("int32", "length"),
        optional("int32", "scale"),
        Schema::new("int32").field("position"),
        optional("boolean", "optional"),
        optional("boolean", "autoIncremented"),
        optional("boolean", "generated"),
        optional("string", "comment"),
        optional("string", "defaultValueExpression"),
        strings().field("enumValues"),
    ])
    .named("io.debezium.connector.schema.Column", 1)
    .finish();
    let table = Schema::structure(vec![
        optional("string", "defaultCharsetName"),
        strings().field("primaryKeyColumnNames"),
        Schema::array(column).field("columns"),
        optional("string", "comment"),
    ])
    .optional(true)
    .named("io.debezium.connector.schema.Table", 1)
    .field("table");
    let change = Schema::structure(vec![
        Schema::new("string").field("type"),
        Schema::new("string").field("id"),
        table,
    ])
    .named("io.debezium.connector.schema.Change", 1)
    .finish();
    Schema::structure(vec![
        source(connector),
        Schema::new("int64").field("ts_ms"),
        optional("string", "databaseName"),
        optional("string", "schemaName"),
        optional("string", "ddl"),
        Schema::array(change).field("tableChanges"),
    ])
    .named(
        format!("io.debezium.connector.{connector}.SchemaChangeValue"),
        1,
    )
    .finish()
}
