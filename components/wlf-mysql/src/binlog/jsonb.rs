//! JSON documents in MySQL's binary form, as compact text (mysql-server, `sql-common/json_binary.cc`).
//!
//! Keys stay in the order that they are stored in, and every value reads as the server prints it, without its spaces.

use wlf_core::format::Buffer;
use wlf_core::value::Value;

use super::column_type;
use super::decimal;
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
    let mut reader = Reader::new(value);
    match kind {
        SMALL_OBJECT | LARGE_OBJECT | SMALL_ARRAY | LARGE_ARRAY => {
            container(kind, value, out, budget, depth)?;
        }
        LITERAL => literal(reader.u8("a JSON literal")?, out)?,
        INT16 => out.signed(i16::from_le_bytes(reader.array("a JSON number")?).into()),
        UINT16 => out.unsigned(reader.u16("a JSON number")?.into()),
        INT32 => out.signed(i32::from_le_bytes(reader.array("a JSON number")?).into()),
        UINT32 => out.unsigned(reader.u32("a JSON number")?.into()),
        INT64 => out.signed(i64::from_le_bytes(reader.array("a JSON number")?)),
        UINT64 => out.unsigned(reader.u64("a JSON number")?),
        DOUBLE => double(f64::from_le_bytes(reader.array("a JSON number")?), out),
        STRING => {
            let len = length(&mut reader)?;
            budget.spend(len)?;
            string(reader.bytes(len, "a JSON string")?, out);
        }
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
/// All offsets count from the container's beginning and, like numbers and sizes, have four bytes in a large one, else two.
fn container(
    kind: u8,
    bytes: &[u8],
    out: &mut Buffer,
    budget: &mut Budget,
    depth: u8,
) -> Result<(), Malformed> {
    let large = matches!(kind, LARGE_OBJECT | LARGE_ARRAY);
    let object = matches!(kind, SMALL_OBJECT | LARGE_OBJECT);
    let depth = depth
        .checked_sub(1)
        .ok_or(Malformed::Invalid("the depth of a JSON document"))?;
    let mut head = Reader::new(bytes);
    let count = offset(&mut head, large)?;
    let size = offset(&mut head, large)?;
    let bytes = bytes
        .get(..size)
        .ok_or(Malformed::Truncated("a JSON document"))?;
    let wide = if large { 4 } else { 2 };
    let entries = if object {
        count.checked_mul(wide + 2)
    } else {
        Some(0)
    };
    let entries = entries.ok_or(Malformed::Truncated("a JSON document"))?;
    let mut keys = Reader::new(head.bytes(entries, "the keys of a JSON document")?);
    out.byte(if object { b'{' } else { b'[' });
    for n in 0..count {
        if n > 0 {
            out.byte(b',');
        }
        if object {
            let start = offset(&mut keys, large)?;
            let len = usize::from(keys.u16("a key of a JSON document")?);
            let key = start.checked_add(len).and_then(|end| bytes.get(start..end));
            budget.spend(len)?;
            string(
                key.ok_or(Malformed::Truncated("a key of a JSON document"))?,
                out,
            );
            out.byte(b':');
        }
        budget.spend(1)?;
        let kind = head.u8("an entry of a JSON document")?;
        let entry = head.bytes(wide, "an entry of a JSON document")?;
        if is_inlined(kind, large) {
            write_value(kind, entry, out, budget, depth)?;
        } else {
            let start = offset(&mut Reader::new(entry), large)?;
            let value = bytes
                .get(start..)
                .ok_or(Malformed::Truncated("a JSON document"))?;
            write_value(kind, value, out, budget, depth)?;
        }
    }
    out.byte(if object { b'}' } else { b']' });
    Ok(())
}

/// Whether a value of this type stands in its entry itself.
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
pub(super) fn length(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    const FIELD: &str = "the length of a JSON value";
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

/// Writes a string as the server does, which has lower-case digits in `\u001f`, unlike the formats.
fn string(text: &[u8], out: &mut Buffer) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let odd = |byte: &u8| *byte < 0x20 && !matches!(byte, 0x08 | b'\t' | b'\n' | 0x0c | b'\r');
    out.byte(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(odd) {
        let (front, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.escaped_inline(front);
        let Some((byte, behind)) = behind.split_first() else {
            break;
        };
        let digit = HEX.get(usize::from(byte & 0xf)).copied().unwrap_or(b'0');
        out.put(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), digit]);
        rest = behind;
    }
    out.escaped_inline(rest);
    out.byte(b'"');
}

/// Writes what SQL put in: decimals as numbers, dates and times as text, the rest as `"base64:type252:…"`.
fn opaque(code: u8, value: &[u8], out: &mut Buffer) -> Result<(), Malformed> {
    if code == column_type::NEWDECIMAL
        && let [precision, scale, packed @ ..] = value
        && scale <= precision
        && packed.len() == usize::from(decimal::packed_length(*precision, *scale))
    {
        return decimal::write(packed, *precision, *scale, out);
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

/// Writes the shortest digits that read back as the same number, laid out as the server does (mysql-server, `my_gcvt`):
/// plainly while the point is at most 15 places away, else with an exponent.
fn double(number: f64, out: &mut Buffer) {
    if !number.is_finite() {
        out.put(b"null");
        return;
    }
    let text = format_args!("{number:e}").to_string();
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let digits: Vec<u8> = digits.bytes().filter(|digit| *digit != b'.').collect();
    out.put(sign.as_bytes());
    // The point stands behind so many of the digits.
    let point = exponent + 1;
    if !(-14..=15).contains(&point) {
        let (first, others) = digits.split_at_checked(1).unwrap_or((&digits, &[]));
        out.put(first);
        if !others.is_empty() {
            out.byte(b'.');
            out.put(others);
        }
        out.byte(b'e');
        out.signed(exponent.into());
        return;
    }
    match usize::try_from(point) {
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, &[]));
            out.put(whole);
            for _ in whole.len()..point {
                out.byte(b'0');
            }
            out.byte(b'.');
            out.put(if fraction.is_empty() { b"0" } else { fraction });
        }
        _ => {
            out.put(b"0.");
            for _ in point..0 {
                out.byte(b'0');
            }
            out.put(&digits);
        }
    }
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

    #[test]
    fn writes_doubles_as_the_server_does() {
        let text = |number| {
            let mut out = Buffer::new();
            double(number, &mut out);
            String::from_utf8(out.as_slice().to_vec()).unwrap()
        };
        for (number, expected) in [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (1e14, "100000000000000.0"),
            (1e15, "1e15"),
            (123_456.789, "123456.789"),
            (1e-14, "0.00000000000001"),
            (1.5e-20, "1.5e-20"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e308"),
        ] {
            assert_eq!(text(number), expected);
        }
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
