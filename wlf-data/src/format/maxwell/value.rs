//! Values as Maxwell renders them.

use crate::format::buffer::Buffer;
use crate::format::wkt;
use crate::value::{Coded, Columns, Set, Value, Visitor};

/// Writes a value as Maxwell renders it.
#[inline(always)]
pub(super) fn value<C: Columns>(
    image: &C,
    out: &mut Buffer,
    text: &mut Buffer,
) -> Result<(), C::Error> {
    image.visit(Rendering { image, out, text })?
}

/// Writes a value of a column where it is not worth a copy of the code.
#[inline(never)]
pub(in crate::format) fn rendered<C: Columns>(
    _: usize,
    image: &C,
    out: &mut Buffer,
    text: &mut Buffer,
) -> Result<(), C::Error> {
    value(image, out, text)
}

/// Where a value goes.
struct Rendering<'a, 'b, C> {
    image: &'a C,
    out: &'b mut Buffer,
    text: &'b mut Buffer,
}

impl<'a, C: Columns> Visitor<'a> for Rendering<'a, '_, C> {
    type Output = Result<(), C::Error>;

    #[inline(always)]
    fn visit(self, value: Value<'a>) -> Self::Output {
        let Self { image, out, text } = self;
        match value {
            Value::Null => out.put(b"null"),
            Value::Int(n) => out.signed(n),
            Value::UInt(n) => out.unsigned(n),
            Value::Float(n) => out.float(n),
            Value::Double(n) => out.double(n),
            Value::Decimal { unscaled, scale } => out.decimal(unscaled, scale),
            Value::Year(year) => out.unsigned(year.into()),
            Value::Text(text) => out.string_inline(text),
            Value::Enum { label, .. } => out.short_string(label.as_bytes().into()),
            Value::Json(json) => json_text(json, out),
            Value::Date(date) => quoted(out, |out| out.date(date)),
            Value::DateTime(at) => quoted(out, |out| out.datetime(at)),
            Value::Timestamp(at) => quoted(out, |out| out.timestamp(at)),
            Value::Time(time) => quoted(out, |out| out.time(time)),
            Value::Bytes { bytes, padded } => quoted(out, |out| out.base64(bytes, padded)),
            Value::Set(set) => labels(set, out),
            Value::Geometry(shape) => geometry(shape.wkb, out),
            Value::Vector(numbers) => vector(numbers, out),
            Value::Coded(Coded::Json | Coded::Number) => image.write(out)?,
            Value::Coded(Coded::Text) => {
                text.clear();
                image.write(text)?;
                out.utf8_string(text);
            }
            Value::Coded(Coded::Bytes) => {
                text.clear();
                image.write(text)?;
                quoted(out, |out| out.base64(text, 0));
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn visit_any(self, value: &Value<'a>) -> Self::Output {
        self.visit(*value)
    }
}

#[inline(always)]
pub(in crate::format) fn quoted(out: &mut Buffer, write: impl FnOnce(&mut Buffer)) {
    out.byte(b'"');
    write(out);
    out.byte(b'"');
}

/// An empty document, as ALTER TABLE leaves it in rows that were there, is `null`.
fn json_text(json: &[u8], out: &mut Buffer) {
    if json.is_empty() {
        out.put(b"null");
    } else {
        out.text(json);
    }
}

#[inline(never)]
fn labels(set: Set<'_>, out: &mut Buffer) {
    out.byte(b'[');
    for (n, label) in set.labels().enumerate() {
        if n > 0 {
            out.byte(b',');
        }
        out.string(label.as_bytes());
    }
    out.byte(b']');
}

/// Writes a shape as text; bytes that are none, which no server sends, stay readable in base64.
#[inline(never)]
fn geometry(wkb: &[u8], out: &mut Buffer) {
    if wkt::quoted(wkb, out).is_err() {
        quoted(out, |out| out.base64(wkb, 0));
    }
}

#[inline(never)]
pub(in crate::format) fn vector(numbers: &[u8], out: &mut Buffer) {
    out.byte(b'[');
    for (n, bytes) in numbers.as_chunks::<4>().0.iter().enumerate() {
        if n > 0 {
            out.byte(b',');
        }
        out.float(f32::from_le_bytes(*bytes));
    }
    out.byte(b']');
}
