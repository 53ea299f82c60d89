//! The way that wlf does not go, to be compared with: each row becomes a `serde_json::Value`, which is kept until the
//! transaction's end and then written as text: `cargo run --release --example naive -- data/binlog.000002`.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use wlf_core::Operation;
use wlf_core::value::{Columns, DateTime, Value};
use wlf_mysql::binlog::events::format_description::FormatDescription;
use wlf_mysql::binlog::events::header::Header;
use wlf_mysql::binlog::events::rows::RowsEvent;
use wlf_mysql::binlog::events::table_map::{self, TableMap};
use wlf_mysql::binlog::events::{event_type as types, xid};
use wlf_mysql::binlog::images::row_image::{Present, RowImage};
use wlf_mysql::binlog::tables::table_plan::TablePlan;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which binlog?")?;
    let mut out = BufWriter::new(match arguments.next() {
        Some(path) => Box::new(File::create(path)?) as Box<dyn Write>,
        None => Box::new(std::io::sink()),
    });
    let file = std::fs::read(path)?;
    let mut rest = file.strip_prefix(b"\xfebin").ok_or("not a binlog")?;
    let mut naive = Naive::default();
    let (mut rows, mut bytes) = (0, 0);
    while !rest.is_empty() {
        let header = Header::decode(rest)?;
        let (event, behind) = rest.split_at(usize::try_from(header.length)?);
        rest = behind;
        for row in naive.event(header, event)? {
            let text = row.to_string();
            rows += 1;
            bytes += text.len() + 1;
            writeln!(out, "{text}")?;
        }
    }
    out.flush()?;
    println!("{rows} rows, {bytes} bytes of JSON");
    Ok(())
}

#[derive(Default)]
struct Naive {
    format: FormatDescription,
    tables: HashMap<u64, Arc<TablePlan>>,
    /// Those of the transaction so far.
    rows: Vec<Map<String, Json>>,
}

impl Naive {
    /// Takes an event and gives the rows of the transaction that it ends.
    fn event(&mut self, header: Header, event: &[u8]) -> Result<Vec<Json>, Box<dyn Error>> {
        if header.code == types::FORMAT_DESCRIPTION {
            self.format = FormatDescription::decode(event)?;
            return Ok(Vec::new());
        }
        let checked = self.format.checksum.verify(event)?;
        let body = &checked.map_err(|_| "a damaged event")?[Header::LENGTH..];
        match header.code {
            types::TABLE_MAP => {
                let (id, body) = table_map::split_id(body, false)?;
                let map = TableMap::decode(body, false)?.map_err(|_| "an unknown type")?;
                self.tables
                    .insert(id, Arc::new(TablePlan::from_metadata(&map)));
            }
            types::WRITE_ROWS..=types::DELETE_ROWS => {
                let rows = RowsEvent::decode(header.code, body, &self.format)?;
                let plan = self.tables.get(&rows.table_id).ok_or("an unknown table")?;
                self.rows
                    .extend(of_event(&rows, &plan.clone(), header.timestamp)?);
            }
            types::XID => return Ok(self.ended(xid::decode(body)?)),
            _ => {}
        }
        Ok(Vec::new())
    }

    /// Only now is known what the transaction's number is, and which of its rows is the last.
    fn ended(&mut self, xid: u64) -> Vec<Json> {
        let rows = std::mem::take(&mut self.rows);
        let last = rows.len().saturating_sub(1);
        let finish = |(n, mut row): (usize, Map<String, Json>)| {
            let data = row.remove("data");
            let old = row.remove("old");
            row.insert("xid".to_owned(), xid.into());
            if n == last {
                row.insert("commit".to_owned(), true.into());
            } else {
                row.insert("xoffset".to_owned(), n.into());
            }
            row.extend(data.map(|data| ("data".to_owned(), data)));
            row.extend(old.map(|old| ("old".to_owned(), old)));
            Json::Object(row)
        };
        rows.into_iter().enumerate().map(finish).collect()
    }
}

/// The rows of an event, each a value of its own.
fn of_event(
    rows: &RowsEvent<'_>,
    plan: &TablePlan,
    timestamp: u32,
) -> Result<Vec<Map<String, Json>>, Box<dyn Error>> {
    let present = Present::new(rows.present, rows.columns);
    let mut images = Vec::new();
    rows.walk(plan, |offset| images.push(offset))?;
    let image = |offset: usize| -> Result<Map<String, Json>, Box<dyn Error>> {
        let mut image = RowImage::new(plan, present, &rows.rows[offset..])?;
        let mut data = Map::new();
        while let Some(column) = image.next()? {
            let name = plan.table.columns[column].name.to_string();
            data.insert(name, of_value(image.value()?));
        }
        Ok(data)
    };
    let (operation, each) = match rows.operation {
        Operation::Update => ("update", 2),
        Operation::Insert => ("insert", 1),
        _ => ("delete", 1),
    };
    let mut out = Vec::new();
    for offsets in images.chunks(each) {
        let mut row = Map::new();
        row.insert(
            "database".to_owned(),
            plan.table.database.to_string().into(),
        );
        row.insert("table".to_owned(), plan.table.name.to_string().into());
        row.insert("type".to_owned(), operation.into());
        row.insert("ts".to_owned(), timestamp.into());
        let mut data = image(offsets[offsets.len() - 1])?;
        if each == 2 {
            let mut old = image(offsets[0])?;
            old.retain(|name, value| data.get(name) != Some(value));
            row.insert("old".to_owned(), Json::Object(old));
        }
        row.insert("data".to_owned(), Json::Object(std::mem::take(&mut data)));
        out.push(row);
    }
    Ok(out)
}

/// A value as most programs hold it. A decimal loses its last zeros here, and what is rare is left out.
fn of_value(value: Value<'_>) -> Json {
    match value {
        Value::Int(number) => number.into(),
        Value::UInt(number) => number.into(),
        Value::Double(number) => number.into(),
        Value::Decimal { unscaled, scale } => {
            json!(unscaled as f64 / 10f64.powi(scale.into()))
        }
        Value::Text(text) => String::from_utf8_lossy(&text).into_owned().into(),
        Value::DateTime(at) => datetime(at).into(),
        _ => Json::Null,
    }
}

fn datetime(at: DateTime) -> String {
    let DateTime { date, .. } = at;
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year, date.month, date.day, at.hour, at.minute, at.second
    )
}
