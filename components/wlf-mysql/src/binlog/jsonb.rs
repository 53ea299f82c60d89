//! JSON documents in MySQL's binary form, as compact text (mysql-server, `sql-common/json_binary.cc`).
//!
//! Keys stay in the order that they are stored in, and every value reads as the server prints it, without its spaces.

use wlf_core::format::Buffer;
use wlf_core::value::Value;

use super::column_type;
use super::decimal;
use super::json_double;
use super::reader::{Malformed, Reader};
use super::temporal;

/// How deep documents may lie in each other: the server's own limit.
const DEPTH: u8 = 100;

pub(super) const SMALL_OBJECT: u8 = 0x0;
pub(super) const LARGE_OBJECT: u8 = 0x1;
pub(super) const SMALL_ARRAY: u8 = 0x2;
pub(super) const LARGE_ARRAY: u8 = 0x3;
pub(super) const LITERAL: u8 = 0x4;
pub(super) const INT16: u8 = 0x5;
pub(super) const UINT16: u8 = 0x6;
pub(super) const INT32: u8 = 0x7;
pub(super) const UINT32: u8 = 0x8;
pub(super) const INT64: u8 = 0x9;
pub(super) const UINT64: u8 = 0xa;
pub(super) const DOUBLE: u8 = 0xb;
pub(super) const STRING: u8 = 0xc;
pub(super) const OPAQUE: u8 = 0xf;

/// Writes a document; none at all, as ALTER TABLE leaves it in rows that were there, is `null`.
pub fn write(document: &[u8], out: &mut Buffer) -> Result<(), Malformed> {
    let mut budget = Budget(document.len());
    match document.split_first() {
        None => out.put(b"null"),
        Some((kind, value)) => write_value(*kind, value, out, &mut budget, DEPTH)?,
    }
    Ok(())
}

/// How many bytes of the document may still be looked at: values share none of them, so one that claims more is a trap.
struct Budget(usize);

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.0 = self
            .0
            .checked_sub(bytes)
            .ok_or(Malformed::Invalid("the size of a JSON document"))?;
        Ok(())
    }
}

fn write_value(
    kind: u8,
    value: &[u8],
    out: &mut Buffer,
    budget: &mut Budget,
    depth: u8,
) -> Result<(), Malformed> {
    match kind {
        SMALL_OBJECT | SMALL_ARRAY => container::<2, 4, 3>(kind, value, out, budget, depth),
        LARGE_OBJECT | LARGE_ARRAY => container::<4, 6, 5>(kind, value, out, budget, depth),
        STRING => string(value, out, budget),
        _ => scalar(kind, value, out, budget),
    }
}

/// Not inlined, as it would be twice for each level of a document: a hundred of them need a stack.
#[inline(never)]
fn string(value: &[u8], out: &mut Buffer, budget: &mut Budget) -> Result<(), Malformed> {
    let mut reader = Reader::new(value);
    let len = length(&mut reader)?;
    budget.spend(len)?;
    out.string_in_lower_case(reader.bytes(len, "a JSON string")?);
    Ok(())
}

#[inline(never)]
fn scalar(kind: u8, value: &[u8], out: &mut Buffer, budget: &mut Budget) -> Result<(), Malformed> {
    let mut reader = Reader::new(value);
    match kind {
        LITERAL => literal(reader.u8("a JSON literal")?, out)?,
        INT16 => out.signed(i16::from_le_bytes(reader.array("a JSON number")?).into()),
        UINT16 => out.unsigned(reader.u16("a JSON number")?.into()),
        INT32 => out.signed(i32::from_le_bytes(reader.array("a JSON number")?).into()),
        UINT32 => out.unsigned(reader.u32("a JSON number")?.into()),
        INT64 => out.signed(i64::from_le_bytes(reader.array("a JSON number")?)),
        UINT64 => out.unsigned(reader.u64("a JSON number")?),
        DOUBLE => json_double::write(f64::from_le_bytes(reader.array("a JSON number")?), out),
        OPAQUE => {
            let code = reader.u8("an opaque JSON value")?;
            let len = length(&mut reader)?;
            budget.spend(len)?;
            opaque(code, reader.bytes(len, "an opaque JSON value")?, out)?;
        }
        _ => return Err(Malformed::Invalid("the type of a JSON value")),
    }
    Ok(())
}

fn literal(literal: u8, out: &mut Buffer) -> Result<(), Malformed> {
    out.put(match literal {
        0 => b"null",
        1 => b"true",
        2 => b"false",
        _ => return Err(Malformed::Invalid("a JSON literal")),
    });
    Ok(())
}

/// An object or array: number of elements, size in bytes, the keys' entries, the values' entries, keys, values.
/// All offsets count from the container's beginning and, like numbers and sizes, have four bytes in a large one, else two:
/// `WIDE` bytes. So the entry of a key, which is its offset and two bytes of length, has `KEY` bytes, and that of a value,
/// which is its type and its offset, `VALUE`.
fn container<const WIDE: usize, const KEY: usize, const VALUE: usize>(
    kind: u8,
    bytes: &[u8],
    out: &mut Buffer,
    budget: &mut Budget,
    depth: u8,
) -> Result<(), Malformed> {
    const TRUNCATED: Malformed = Malformed::Truncated("a JSON document");
    let large = WIDE == 4;
    let object = matches!(kind, LARGE_OBJECT | SMALL_OBJECT);
    let depth = depth
        .checked_sub(1)
        .ok_or(Malformed::Invalid("the depth of a JSON document"))?;
    let mut head = Reader::new(bytes);
    let count = offset(&mut head, large)?;
    let size = offset(&mut head, large)?;
    let bytes = bytes.get(..size).ok_or(TRUNCATED)?;
    let keys = if object {
        count.checked_mul(KEY)
    } else {
        Some(0)
    };
    let keys = head.bytes(keys.ok_or(TRUNCATED)?, "the keys of a JSON document")?;
    let mut keys = keys.as_chunks::<KEY>().0.iter();
    let values = count.checked_mul(VALUE).ok_or(TRUNCATED)?;
    let values = head.bytes(values, "the entries of a JSON document")?;
    budget.spend(count)?;
    out.byte(if object { b'{' } else { b'[' });
    for (n, entry) in values.as_chunks::<VALUE>().0.iter().enumerate() {
        if n > 0 {
            out.byte(b',');
        }
        if let Some(key) = keys.next() {
            let (start, length) = (number(key.iter().take(WIDE)), number(key.iter().skip(WIDE)));
            let key = bytes.get(start..start.saturating_add(length));
            budget.spend(length)?;
            out.string_in_lower_case(key.ok_or(Malformed::Truncated("a key of a JSON document"))?);
            out.byte(b':');
        }
        let [kind, place @ ..] = &entry[..] else {
            return Err(TRUNCATED);
        };
        let value = if is_inlined(*kind, large) {
            place
        } else {
            bytes.get(number(place.iter())..).ok_or(TRUNCATED)?
        };
        write_value(*kind, value, out, budget, depth)?;
    }
    out.byte(if object { b'}' } else { b']' });
    Ok(())
}

/// The number that up to four bytes are, the lowest first.
#[inline(always)]
fn number<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    let mut wide = [0; 4];
    for (byte, place) in bytes.zip(&mut wide) {
        *place = *byte;
    }
    usize::try_from(u32::from_le_bytes(wide)).unwrap_or(usize::MAX)
}

/// Whether a value of this type stands in its entry itself.
#[inline(always)]
pub(super) fn is_inlined(kind: u8, large: bool) -> bool {
    matches!(kind, LITERAL | INT16 | UINT16) || large && matches!(kind, INT32 | UINT32)
}

pub(super) fn offset(reader: &mut Reader<'_>, large: bool) -> Result<usize, Malformed> {
    const FIELD: &str = "a JSON document";
    if large {
        usize::try_from(reader.u32(FIELD)?).map_err(|_| Malformed::Invalid(FIELD))
    } else {
        reader.u16(FIELD).map(usize::from)
    }
}

/// A length of seven bits a byte, the lowest first, as long as the highest bit is set.
#[inline(always)]
pub(super) fn length(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    const FIELD: &str = "the length of a JSON value";
    if let Some(short @ 0..0x80) = reader.rest().first() {
        reader.u8(FIELD)?;
        return Ok(usize::from(*short));
    }
    let mut length = 0;
    for n in 0..5 {
        let byte = reader.u8(FIELD)?;
        length |= u64::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return usize::try_from(length).map_err(|_| Malformed::Invalid(FIELD));
        }
    }
    Err(Malformed::Invalid(FIELD))
}

/// Writes what SQL put in: decimals as numbers, dates and times as text, the rest as `"base64:type252:…"`.
fn opaque(code: u8, value: &[u8], out: &mut Buffer) -> Result<(), Malformed> {
    if code == column_type::NEWDECIMAL
        && let [precision, scale, packed @ ..] = value
        && scale <= precision
        && packed.len() == usize::from(decimal::packed_length(*precision, *scale))
    {
        return match decimal::unscaled(packed, *precision, *scale) {
            Some(unscaled) => {
                out.decimal(unscaled, *scale);
                Ok(())
            }
            None => decimal::write(packed, *precision, *scale, out),
        };
    }
    out.byte(b'"');
    let at = <[u8; 8]>::try_from(value)
        .ok()
        .and_then(|bytes| temporal::in_json(code, bytes));
    match at {
        Some(Value::Date(date)) => out.date(date),
        Some(Value::DateTime(at)) => out.datetime(at),
        Some(Value::Time(time)) => out.time(time),
        _ => {
            out.put(b"base64:type");
            out.unsigned(code.into());
            out.byte(b':');
            out.base64(value, 0);
        }
    }
    out.byte(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(document: &[u8]) -> Result<String, Malformed> {
        let mut out = Buffer::new();
        write(document, &mut out)?;
        Ok(String::from_utf8(out.as_slice().to_vec()).unwrap())
    }

    /// `{"a": 1, "b": [true, "x\u001f"]}`.
    const DOCUMENT: &[u8] = &[
        0x00, 2, 0, 36, 0, 18, 0, 1, 0, 19, 0, 1, 0, 5, 1, 0, 2, 20, 0, b'a', b'b', 2, 0, 16, 0, 4,
        1, 0, 12, 10, 0, 2, b'x', 0x1f, 0, 0, 0,
    ];

    #[test]
    fn writes_a_document() {
        assert_eq!(text(DOCUMENT).unwrap(), r#"{"a":1,"b":[true,"x\u001f"]}"#);
        assert_eq!(text(&[]).unwrap(), "null");
    }

    #[test]
    fn refuses_to_go_round_in_circles() {
        // An array whose only element is itself.
        assert!(text(&[2, 1, 0, 7, 0, 2, 0, 0]).is_err());
    }

    proptest! {
        #[test]
        fn survives_hostile_bytes(at in 0..DOCUMENT.len(), byte: u8, end in 0..=DOCUMENT.len()) {
            let mut document = DOCUMENT.to_vec();
            document[at] = byte;
            let _ = text(&document[..end]);
        }
    }
}
