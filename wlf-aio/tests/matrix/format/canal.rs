//! Canal's flat messages: all values are text, bytes are characters of ISO-8859-1, labels are numbers.

use crate::agreement::Value;
use crate::column::{Column, Kind};
use crate::json::Json;
use crate::setting::Image;

use super::{Change, Fields, Operation, fields, string, whole};

pub fn changes(event: &Json, image: Image) -> Result<Vec<Change>, String> {
    let rows = event.member("data").items().ok_or("`data` is no array")?;
    let olds = event.member("old").items();
    let kind = string(event.member("type"))?;
    let mut changes = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let data = fields(row)?;
        let old = match olds.and_then(|olds| olds.get(index)) {
            Some(old) => fields(old)?,
            None => Fields::new(),
        };
        let (operation, before, after) = match kind {
            "INSERT" => (Operation::Insert, Fields::new(), data),
            "DELETE" => (Operation::Delete, data, Fields::new()),
            "UPDATE" => (Operation::Update, whole(old, &data, image), data),
            other => return Err(format!("the type {other} was not expected")),
        };
        changes.push(Change {
            table: string(event.member("table"))?.to_owned(),
            operation,
            before,
            after,
            place: None,
        });
    }
    Ok(changes)
}

pub fn value(column: &Column, rendered: &Json) -> Result<Value, String> {
    if *rendered == Json::Null {
        return Ok(Value::Null);
    }
    let text = string(rendered)?;
    Ok(match column.kind {
        Kind::Year => match text.len() {
            4 => Value::exact(
                text.trim_start_matches('0')
                    .get(..)
                    .filter(|year| !year.is_empty())
                    .unwrap_or("0"),
            ),
            _ => return Err(format!("`{text}` has not four digits")),
        },
        Kind::Float => Value::Single(text.to_owned()),
        Kind::Double => Value::Double(text.to_owned()),
        Kind::Enum | Kind::Set => Value::Facet(1, text.as_bytes().to_vec()),
        Kind::Binary | Kind::Vector => Value::exact(bytes(text)?),
        Kind::Point | Kind::Geometry => Value::Facet(1, bytes(text)?),
        Kind::Json => Value::Document(Json::parse(text)?),
        Kind::Integer
        | Kind::Bit(_)
        | Kind::Decimal
        | Kind::Date
        | Kind::DateTime
        | Kind::Timestamp
        | Kind::Time
        | Kind::Text
        | Kind::Uuid
        | Kind::Inet => Value::exact(text),
    })
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte =
        |char: char| u8::try_from(u32::from(char)).map_err(|_| format!("`{char}` is no byte"));
    text.chars().map(byte).collect()
}
