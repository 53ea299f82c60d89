//! Values as Canal renders them: text or null.

use crate::data_type::DataType;
use crate::format::buffer::Buffer;
use crate::format::maxwell::quoted;
use crate::value::{Coded, Columns, Geometry, Value};

/// Writes a value. Inlined where it is called it would be there four times.
#[inline(never)]
pub(super) fn write<C: Columns>(
    image: &C,
    out: &mut Buffer,
    text: &mut Buffer,
) -> Result<(), C::Error> {
    match image.value()? {
        Value::Null => out.put(b"null"),
        Value::Int(n) => quoted(out, |out| out.signed(n)),
        Value::UInt(n) => unsigned(n, out),
        Value::Float(n) => quoted(out, |out| out.float(n)),
        Value::Double(n) => quoted(out, |out| out.double(n)),
        Value::Decimal { unscaled, scale } => quoted(out, |out| out.decimal(unscaled, scale)),
        Value::Year(year) => quoted(out, |out| out.zero_padded(year.into(), 4)),
        Value::Text(text) => out.string_inline(text),
        Value::Enum { index, .. } => unsigned(index.into(), out),
        Value::Json([]) => out.put(b"\"null\""),
        Value::Json(json) => out.string(json),
        Value::Date(date) => quoted(out, |out| out.date(date)),
        Value::DateTime(at) => quoted(out, |out| out.datetime(at)),
        Value::Timestamp(at) => quoted(out, |out| out.timestamp(at)),
        Value::Time(time) => quoted(out, |out| out.time(time)),
        Value::Bytes { bytes, padded } => binary(bytes, padded, out),
        Value::Set(set) => unsigned(set.chosen, out),
        Value::Geometry(shape) => geometry(shape, out),
        Value::Vector(numbers) => binary(numbers, 0, out),
        Value::Coded(coded) => {
            text.clear();
            image.write(text)?;
            match coded {
                Coded::Text | Coded::Json | Coded::Number => out.string(text),
                Coded::Bytes => binary(text, 0, out),
            }
        }
    }
    Ok(())
}

/// Not inlined, as it would be there three times.
#[inline(never)]
fn unsigned(n: u64, out: &mut Buffer) {
    quoted(out, |out| out.unsigned(n));
}

/// Writes each byte as the character of that number (ISO-8859-1), as if zero bytes followed up to a length of `padded`.
#[inline(never)]
fn binary(bytes: &[u8], padded: usize, out: &mut Buffer) {
    out.byte(b'"');
    characters(bytes, out);
    for _ in bytes.len()..padded {
        out.put(b"\\u0000");
    }
    out.byte(b'"');
}

fn characters(bytes: &[u8], out: &mut Buffer) {
    for run in bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
        if run.is_ascii() {
            out.escaped(run);
            continue;
        }
        for byte in run {
            let mut utf8 = [0; 2];
            out.put(char::from(*byte).encode_utf8(&mut utf8).as_bytes());
        }
    }
}

/// Writes a shape as the server stores it: the SRID, the lowest byte first, and well-known binary.
#[inline(never)]
fn geometry(shape: Geometry<'_>, out: &mut Buffer) {
    out.byte(b'"');
    characters(&shape.srid.to_le_bytes(), out);
    characters(shape.wkb, out);
    out.byte(b'"');
}

/// Whether an integer is `from` or more.
#[inline(never)]
pub(super) fn is_from<C: Columns>(image: &C, from: u64) -> Result<bool, C::Error> {
    Ok(matches!(image.value()?, Value::UInt(n) if n >= from))
}

/// The type's number in `java.sql.Types`.
pub(super) fn sql_type(data_type: &DataType) -> i32 {
    match data_type {
        DataType::TinyInt { .. } => -6,
        DataType::SmallInt { .. } => 5,
        DataType::MediumInt { .. } | DataType::Int { .. } | DataType::Enum { .. } => 4,
        DataType::BigInt { .. } => -5,
        DataType::Float { .. } => 7,
        DataType::Double { .. } => 8,
        DataType::Decimal { .. } => 3,
        DataType::Bit(_) | DataType::Set { .. } => -7,
        DataType::Date => 91,
        DataType::Time(_) => 92,
        DataType::DateTime(_) | DataType::Timestamp(_) => 93,
        DataType::Char { .. } => 1,
        DataType::Year
        | DataType::VarChar { .. }
        | DataType::Json
        | DataType::Uuid
        | DataType::Inet4
        | DataType::Inet6 => 12,
        DataType::Text { .. } => 2005,
        DataType::Binary(_)
        | DataType::VarBinary(_)
        | DataType::Blob(_)
        | DataType::Geometry(_)
        | DataType::Vector(_) => 2004,
        DataType::Unknown => 1111,
    }
}

/// From which value on an unsigned integer has the number of the next larger type, and which that is.
pub(super) fn raised(data_type: &DataType) -> Option<(u64, i32)> {
    match data_type {
        DataType::TinyInt { unsigned: true } => Some((1 << 7, 5)),
        DataType::SmallInt { unsigned: true } => Some((1 << 15, 4)),
        DataType::MediumInt { unsigned: true } => None,
        DataType::Int { unsigned: true } => Some((1 << 31, -5)),
        DataType::BigInt { unsigned: true } => Some((1 << 63, 3)),
        _ => None,
    }
}
