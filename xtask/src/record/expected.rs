//! What the server itself says its tables hold: the oracle for a decoder of its binlog.

use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::source::Server;
use crate::apt;

/// A table with its columns and all of its rows.
pub struct Table {
    database: String,
    name: String,
    primary_key: Vec<String>,
    columns: Vec<Column>,
    /// One object per row, of strings and nulls, its keys in no special order.
    rows: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Column {
    database: String,
    table: String,
    name: String,
    /// `decimal`, without length and attributes.
    kind: String,
    /// `decimal(10,2) unsigned`
    r#type: String,
    charset: Option<String>,
    /// Its place in the primary key, from 1.
    key: Option<usize>,
}

/// Reads all tables of all databases that are not the server's own.
pub fn tables(server: &Server, port: u16) -> Result<Vec<Table>> {
    let client = || server.client(port);
    let mut tables: Vec<Table> = Vec::new();
    for line in query(client()?, COLUMNS)?.lines() {
        let column: Column =
            serde_json::from_str(line).with_context(|| format!("column {line}"))?;
        match tables.last_mut() {
            Some(table) if table.name == column.table && table.database == column.database => {
                table.columns.push(column)
            }
            _ => tables.push(Table {
                database: column.database.clone(),
                name: column.table.clone(),
                primary_key: Vec::new(),
                columns: vec![column],
                rows: Vec::new(),
            }),
        }
    }
    for table in &mut tables {
        let mut key: Vec<_> = table
            .columns
            .iter()
            .filter_map(|column| Some((column.key?, &column.name)))
            .collect();
        key.sort();
        table.primary_key = key.into_iter().map(|(_, name)| name.clone()).collect();
        for line in query(client()?, &table.select(server))?.lines() {
            table.rows.push(
                serde_json::from_str(line)
                    .with_context(|| format!("row of {}: {line}", table.name))?,
            );
        }
    }
    Ok(tables)
}

/// Lists the columns as a client sees them, so without the hidden ones of functional indexes.
const COLUMNS: &str = "\
    SELECT JSON_OBJECT('database', c.table_schema, 'table', c.table_name, 'name', c.column_name, 'kind', c.data_type,
                       'type', c.column_type, 'charset', c.character_set_name, 'key', s.seq_in_index)
    FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    LEFT JOIN information_schema.statistics s
           ON s.table_schema = c.table_schema AND s.table_name = c.table_name
          AND s.column_name = c.column_name AND s.index_name = 'PRIMARY'
    WHERE c.table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')
      AND t.table_type = 'BASE TABLE'
    ORDER BY c.table_schema, c.table_name, c.ordinal_position";

impl Table {
    pub fn file_name(&self) -> String {
        let plain = |name: &str| -> String {
            name.chars()
                .map(|char| {
                    if char.is_ascii_alphanumeric() {
                        char
                    } else {
                        '_'
                    }
                })
                .collect()
        };
        format!("{}.{}.json", plain(&self.database), plain(&self.name))
    }

    /// Writes the table with a line per column and per row, so that a diff shows what changed.
    pub fn to_json(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|column| json!({ "name": column.name, "type": column.r#type, "charset": column.charset }));
        let rows = self.rows.iter().map(|row| {
            let value = |column: &Column| {
                (
                    column.name.clone(),
                    row.get(&column.name).cloned().unwrap_or_default(),
                )
            };
            Value::Object(self.columns.iter().map(value).collect())
        });
        let lines = |values: Vec<Value>| -> String {
            values
                .iter()
                .map(|value| format!("\n    {value}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        format!(
            "{{\n  \"database\": {},\n  \"table\": {},\n  \"primary_key\": {},\n  \"columns\": [{}\n  ],\n  \"rows\": [{}\n  ]\n}}\n",
            json!(self.database),
            json!(self.name),
            json!(self.primary_key),
            lines(columns.collect()),
            lines(rows.collect()),
        )
    }

    /// Makes the statement that gives each row as one JSON object of strings.
    fn select(&self, server: &Server) -> String {
        let values: Vec<_> = self
            .columns
            .iter()
            .map(|column| format!("{}, {}", quoted(&column.name), column.text(server)))
            .collect();
        let mut select = format!(
            "SELECT JSON_OBJECT({}) FROM {}.{}",
            values.join(", "),
            identifier(&self.database),
            identifier(&self.name)
        );
        if !self.primary_key.is_empty() {
            let key: Vec<_> = self
                .primary_key
                .iter()
                .map(|name| identifier(name))
                .collect();
            select += &format!(" ORDER BY {}", key.join(", "));
        }
        select
    }
}

impl Column {
    /// Makes the expression that shows a value as text, without loss.
    fn text(&self, server: &Server) -> String {
        let name = identifier(&self.name);
        match self.kind.as_str() {
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "vector" => {
                format!("HEX({name})")
            }
            "bit" => format!("CAST(CAST({name} AS UNSIGNED) AS CHAR)"),
            // FLOAT alone is shown with six digits.
            "float" => format!("CAST(CAST({name} AS DOUBLE) AS CHAR)"),
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geomcollection" | "geometrycollection" => server.geometry(&name),
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum"
            | "set" => server.text(&name),
            _ => format!("CAST({name} AS CHAR)"),
        }
    }
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Runs a statement and returns its rows of one column, a line each.
fn query(mut client: Command, statement: &str) -> Result<String> {
    apt::output(client.args([
        "--batch",
        "--raw",
        "--skip-column-names",
        "--execute",
        statement,
    ]))
}
