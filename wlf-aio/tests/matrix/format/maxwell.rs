//! Maxwell's JSON: docs/types.md, without what Maxwell itself does differently.

use crate::agreement::Value;
use crate::column::{Column, Kind};
use crate::json::Json;
use crate::setting::Image;

use super::{Change, Operation, base64, fields, number, string, whole};

pub fn change(event: &Json, image: Image) -> Result<Change, String> {
    let table = string(event.member("table"))?.to_owned();
    let data = fields(event.member("data"))?;
    let old = match event.present("old") {
        Some(old) => fields(old)?,
        None => Vec::new(),
    };
    let (operation, before, after) = match string(event.member("type"))? {
        "insert" => (Operation::Insert, Vec::new(), data),
        "delete" => (Operation::Delete, data, Vec::new()),
        "update" => (Operation::Update, whole(old, &data, image), data),
        other => return Err(format!("the type {other} was not expected")),
    };
    Ok(Change {
        table,
        operation,
        before,
        after,
        place: None,
    })
}

pub fn value(column: &Column, rendered: &Json) -> Result<Value, String> {
    // A document that is `null` looks like no document at all.
    if *rendered == Json::Null {
        return Ok(match column.kind {
            Kind::Json => Value::Document(Json::Null),
            _ => Value::Null,
        });
    }
    Ok(match column.kind {
        Kind::Integer | Kind::Decimal | Kind::Bit(_) | Kind::Year => {
            Value::exact(number(rendered)?)
        }
        Kind::Float => Value::Single(number(rendered)?.to_owned()),
        Kind::Double => Value::Double(number(rendered)?.to_owned()),
        Kind::Date
        | Kind::DateTime
        | Kind::Timestamp
        | Kind::Time
        | Kind::Text
        | Kind::Enum
        | Kind::Uuid
        | Kind::Inet => Value::exact(string(rendered)?),
        Kind::Binary => Value::exact(base64(string(rendered)?)?),
        Kind::Set => Value::exact(labels(rendered)?.join(",")),
        Kind::Json => Value::Document(rendered.clone()),
        Kind::Point | Kind::Geometry => Value::Shape(string(rendered)?.to_owned()),
        Kind::Vector => Value::Vector(numbers(rendered)?),
    })
}

fn labels(rendered: &Json) -> Result<Vec<&str>, String> {
    let items = rendered
        .items()
        .ok_or_else(|| format!("an array was expected, and not {rendered:?}"))?;
    items.iter().map(string).collect()
}

fn numbers(rendered: &Json) -> Result<Vec<String>, String> {
    let items = rendered
        .items()
        .ok_or_else(|| format!("an array was expected, and not {rendered:?}"))?;
    items
        .iter()
        .map(|item| number(item).map(str::to_owned))
        .collect()
}
