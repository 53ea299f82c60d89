//! Debezium's change events, and cloud events around the same values.

use crate::agreement::Value;
use crate::column::{Column, Kind};
use crate::json::Json;

use super::{Change, Fields, Operation, base64, calendar, fields, number, string};

pub fn change(event: &Json) -> Result<Change, String> {
    let source = event.member("source");
    let place = format!("{:?} {:?}", source.member("pos"), source.member("row"));
    let table = string(source.member("table"))?;
    between(table, string(event.member("op"))?, event, place)
}

pub fn cloud_event(event: &Json) -> Result<Change, String> {
    let place = format!(
        "{:?} {:?}",
        event.member("iodebeziumpos"),
        event.member("iodebeziumrow")
    );
    let table = string(event.member("iodebeziumtable"))?;
    between(
        table,
        string(event.member("iodebeziumop"))?,
        event.member("data"),
        place,
    )
}

fn between(table: &str, op: &str, images: &Json, place: String) -> Result<Change, String> {
    let image = |name: &str| match images.present(name) {
        Some(Json::Null) => Ok(Fields::new()),
        Some(image) => fields(image),
        None => Err(format!("`{name}` is missing")),
    };
    Ok(Change {
        table: table.to_owned(),
        operation: match op {
            "c" => Operation::Insert,
            "u" => Operation::Update,
            "d" => Operation::Delete,
            other => return Err(format!("the operation {other} was not expected")),
        },
        before: image("before")?,
        after: image("after")?,
        place: Some(place),
    })
}

pub fn value(column: &Column, rendered: &Json) -> Result<Value, String> {
    let is_date = matches!(column.kind, Kind::Date | Kind::DateTime | Kind::Timestamp);
    if *rendered == Json::Null {
        return Ok(match is_date && column.nullable {
            // What is no date of the calendar is null, or the epoch where null is not allowed.
            true => Value::Moment {
                text: None,
                or_none: true,
            },
            false => Value::Null,
        });
    }
    let moment = |text: String| Value::Moment {
        or_none: !column.nullable && text.starts_with("1970-01-01"),
        text: Some(text),
    };
    let digits = column.arguments().first().copied().unwrap_or(0);
    Ok(match column.kind {
        Kind::Integer | Kind::Year => Value::exact(number(rendered)?),
        Kind::Decimal => {
            let scale = column.arguments().get(1).copied().unwrap_or(0);
            Value::exact(decimal(&base64(string(rendered)?)?, scale as usize))
        }
        Kind::Float => Value::Single(number(rendered)?.to_owned()),
        Kind::Double => Value::Double(number(rendered)?.to_owned()),
        Kind::Bit(1) => match rendered {
            Json::Bool(bit) => Value::exact(if *bit { "1" } else { "0" }),
            other => return Err(format!("a boolean was expected, and not {other:?}")),
        },
        Kind::Bit(bits) => {
            let bytes = base64(string(rendered)?)?;
            if bytes.len() != usize::from(bits.div_ceil(8)) {
                return Err(format!("{bits} bits in {} bytes", bytes.len()));
            }
            let bits = (bytes.iter().rev()).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            Value::exact(bits.to_string())
        }
        Kind::Date => moment(calendar::date(integer(rendered)?)),
        Kind::DateTime => {
            let count = integer(rendered)?;
            let unit = if digits <= 3 { 1_000 } else { 1_000_000 };
            moment(calendar::moment(count, unit, digits)?)
        }
        Kind::Timestamp => {
            let text = string(rendered)?
                .strip_suffix('Z')
                .ok_or("no `Z` at the end")?;
            moment(text.replacen('T', " ", 1))
        }
        Kind::Time => Value::exact(calendar::time(integer(rendered)?, digits)?),
        Kind::Text | Kind::Enum | Kind::Set | Kind::Uuid | Kind::Inet => {
            Value::exact(string(rendered)?)
        }
        Kind::Binary => Value::exact(base64(string(rendered)?)?),
        Kind::Json => Value::Document(Json::parse(string(rendered)?)?),
        Kind::Point | Kind::Geometry => Value::Facet(1, shape(column, rendered)?),
        Kind::Vector => {
            let items = rendered.items().ok_or("a vector that is no array")?;
            let numbers: Result<Vec<&str>, String> = items.iter().map(number).collect();
            Value::Vector(numbers?.into_iter().map(str::to_owned).collect())
        }
    })
}

fn integer(rendered: &Json) -> Result<i64, String> {
    let text = number(rendered)?;
    text.parse().map_err(|_| format!("{text} is no integer"))
}

/// The number whose digits without the point are these bytes in two's complement, the highest first.
fn decimal(bytes: &[u8], scale: usize) -> String {
    let negative = bytes.first().is_some_and(|byte| *byte >= 0x80);
    let mut magnitude: Vec<u8> = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(carry.into());
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) || digits.len() <= scale {
        let mut rest = 0_u16;
        for byte in &mut magnitude {
            let value = rest << 8 | u16::from(*byte);
            *byte = (value / 10) as u8;
            rest = value % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    digits.reverse();
    let mut text: String = digits.into_iter().map(char::from).collect();
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    if negative { format!("-{text}") } else { text }
}

/// The value as the server stores it: the SRID and well-known binary.
fn shape(column: &Column, rendered: &Json) -> Result<Vec<u8>, String> {
    let srid: u32 = match rendered.member("srid") {
        Json::Null => 0,
        srid => number(srid)?
            .parse()
            .map_err(|_| format!("{srid:?} is no SRID"))?,
    };
    let wkb = base64(string(rendered.member("wkb"))?)?;
    if column.kind == Kind::Point {
        // Byte order, type, and the two coordinates.
        let coordinate = |name: &str, from: usize| -> Result<bool, String> {
            let found: f64 = number(rendered.member(name))?
                .parse()
                .map_err(|_| "no coordinate")?;
            Ok(wkb.get(from..from + 8) == Some(&found.to_le_bytes()[..]))
        };
        if !coordinate("x", 5)? || !coordinate("y", 13)? {
            return Err(format!(
                "{rendered:?} has other coordinates than its binary form"
            ));
        }
    }
    Ok([&srid.to_le_bytes()[..], &wkb].concat())
}

#[test]
fn decimals_are_read_from_their_bytes() {
    for (text, expected) in [
        ("AJY=", "1.50"),
        ("/2o=", "-1.50"),
        ("AA==", "0.00"),
        ("ALxhTg==", "123456.78"),
        ("/w==", "-0.01"),
    ] {
        assert_eq!(decimal(&base64(text).expect("base64"), 2), expected);
    }
}
