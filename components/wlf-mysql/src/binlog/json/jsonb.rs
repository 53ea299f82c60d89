//! JSON documents in MySQL's binary form, as compact text (mysql-server, `sql-common/json_binary.cc`).
//!
//! Keys stay in the order that they are stored in, and every value reads as the server prints it, without its spaces.

use wlf_core::format::Buffer;
use wlf_core::value::{Text, Value};

use super::double;
use crate::binlog::tables::column_type;
use crate::binlog::values::decimal;
use crate::binlog::values::temporal;
use crate::reader::{Malformed, Reader};

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

/// What is wrong with a document: a reference, which is returned in a register from each value.
type Wrong = &'static Malformed;

const TRUNCATED: Malformed = Malformed::Truncated("a JSON document");
const TOO_DEEP: Malformed = Malformed::Invalid("the depth of a JSON document");
const TOO_LARGE: Malformed = Malformed::Invalid("the size of a JSON document");
const KEY_TRUNCATED: Malformed = Malformed::Truncated("a key of a JSON document");
const STRING_TRUNCATED: Malformed = Malformed::Truncated("a JSON string");
const NUMBER_TRUNCATED: Malformed = Malformed::Truncated("a JSON number");
const OPAQUE_TRUNCATED: Malformed = Malformed::Truncated("an opaque JSON value");
const NO_LITERAL: Malformed = Malformed::Invalid("a JSON literal");
const NO_LENGTH: Malformed = Malformed::Invalid("the length of a JSON value");
const NO_DECIMAL: Malformed = Malformed::Invalid("a decimal in a JSON document");
const NO_TYPE: Malformed = Malformed::Invalid("the type of a JSON value");

/// Writes a document; none at all, as ALTER TABLE leaves it in rows that were there, is `null`.
pub fn write(document: &[u8], out: &mut Buffer) -> Result<(), Malformed> {
    let mut budget = Budget(document.len());
    let written = match document.split_first() {
        None => {
            out.put(b"null");
            Ok(())
        }
        Some((kind, value)) => write_value::<4>(*kind, value, None, out, &mut budget, DEPTH),
    };
    written.map_err(|wrong| *wrong)
}

/// How many bytes of the document may still be looked at: values share none of them, so one that claims more is a trap.
struct Budget(usize);

impl Budget {
    #[inline(always)]
    fn spend(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.0 = self.0.checked_sub(bytes).ok_or(&TOO_LARGE)?;
        Ok(())
    }
}

/// Writes a value of an object or array whose offsets have `WIDE` bytes, behind what separates it from what is before it. In a
/// small one, what is frequent is written where it stands, in one piece with its separator; what is large is rare, and not worth
/// a copy of the code.
#[inline(always)]
fn write_value<const WIDE: usize>(
    kind: u8,
    value: &[u8],
    separator: Option<u8>,
    out: &mut Buffer,
    budget: &mut Budget,
    depth: u8,
) -> Result<(), Wrong> {
    match kind {
        STRING if WIDE == 2 => return string(value, separator, out, budget),
        INT16 | INT32 if WIDE == 2 => {
            let number = match kind {
                INT16 => i16::from_le_bytes(*array(value)?).into(),
                _ => i32::from_le_bytes(*array(value)?),
            };
            out.signed_behind(separator, number.into());
            return Ok(());
        }
        DOUBLE if WIDE == 2 => {
            double::write(f64::from_le_bytes(*array(value)?), separator, out);
            return Ok(());
        }
        _ => {}
    }
    if let Some(separator) = separator {
        out.byte(separator);
    }
    match kind {
        STRING => string_called(value, out, budget),
        SMALL_OBJECT | SMALL_ARRAY => container::<2, 4, 3>(kind, value, out, budget, depth),
        LARGE_OBJECT | LARGE_ARRAY => container::<4, 6, 5>(kind, value, out, budget, depth),
        _ => scalar(kind, value, out, budget),
    }
}

#[inline(never)]
fn string_called(value: &[u8], out: &mut Buffer, budget: &mut Budget) -> Result<(), Wrong> {
    string(value, None, out, budget)
}

#[inline(always)]
fn string(
    value: &[u8],
    separator: Option<u8>,
    out: &mut Buffer,
    budget: &mut Budget,
) -> Result<(), Wrong> {
    let mut reader = Reader::new(value);
    let len = length(&mut reader).map_err(|_| &NO_LENGTH)?;
    budget.spend(len)?;
    let text = Text::at_front(reader.rest(), len).ok_or(&STRING_TRUNCATED)?;
    out.string_in_lower_case(text, separator);
    Ok(())
}

#[inline(never)]
fn scalar(kind: u8, value: &[u8], out: &mut Buffer, budget: &mut Budget) -> Result<(), Wrong> {
    match kind {
        LITERAL => out.put(match value.first() {
            Some(0) => b"null",
            Some(1) => b"true",
            Some(2) => b"false",
            _ => return Err(&NO_LITERAL),
        }),
        INT16 => out.signed(i16::from_le_bytes(*array(value)?).into()),
        UINT16 => out.unsigned(u16::from_le_bytes(*array(value)?).into()),
        INT32 => out.signed(i32::from_le_bytes(*array(value)?).into()),
        UINT32 => out.unsigned(u32::from_le_bytes(*array(value)?).into()),
        INT64 => out.signed(i64::from_le_bytes(*array(value)?)),
        UINT64 => out.unsigned(u64::from_le_bytes(*array(value)?)),
        DOUBLE => double::write(f64::from_le_bytes(*array(value)?), None, out),
        OPAQUE => {
            let (code, rest) = value.split_first().ok_or(&OPAQUE_TRUNCATED)?;
            let mut reader = Reader::new(rest);
            let len = length(&mut reader).map_err(|_| &NO_LENGTH)?;
            budget.spend(len)?;
            let value = reader.rest().get(..len).ok_or(&OPAQUE_TRUNCATED)?;
            if *code != column_type::NEWDECIMAL || !decimal_number(value, out)? {
                opaque(*code, value, out);
            }
        }
        _ => return Err(&NO_TYPE),
    }
    Ok(())
}

/// The bytes of a number, by reference: copies are made piece by piece in WebAssembly, and a number that is loaded from where
/// its pieces were just stored waits for all of them.
#[inline(always)]
fn array<const N: usize>(value: &[u8]) -> Result<&[u8; N], Wrong> {
    value.first_chunk().ok_or(&NUMBER_TRUNCATED)
}

/// An object or array: number of elements, size in bytes, the keys' entries, the values' entries, keys, values.
/// All offsets count from the container's beginning and, like numbers and sizes, have four bytes in a large one, else two:
/// `WIDE` bytes. So the entry of a key, which is its offset and two bytes of length, has `KEY` bytes, and that of a value,
/// which is its type and its offset, `VALUE`.
#[inline(never)]
fn container<const WIDE: usize, const KEY: usize, const VALUE: usize>(
    kind: u8,
    bytes: &[u8],
    out: &mut Buffer,
    budget: &mut Budget,
    depth: u8,
) -> Result<(), Wrong> {
    let object = matches!(kind, LARGE_OBJECT | SMALL_OBJECT);
    let depth = depth.checked_sub(1).ok_or(&TOO_DEEP)?;
    let count = number::<WIDE>(bytes, 0)?;
    let size = number::<WIDE>(bytes, WIDE)?;
    let bytes = bytes.get(..size).ok_or(&TRUNCATED)?;
    let entries = bytes.get(2 * WIDE..).ok_or(&TRUNCATED)?;
    let keys = if object { count } else { 0 };
    let keys = keys.checked_mul(KEY).ok_or(&TRUNCATED)?;
    let (keys, values) = entries.split_at_checked(keys).ok_or(&TRUNCATED)?;
    let values = count
        .checked_mul(VALUE)
        .and_then(|length| values.get(..length))
        .ok_or(&TRUNCATED)?;
    let mut keys = keys.as_chunks::<KEY>().0.iter();
    budget.spend(count)?;
    if count == 0 {
        out.put(if object { b"{}" } else { b"[]" });
        return Ok(());
    }
    let mut separator = if object { b'{' } else { b'[' };
    for entry in values.as_chunks::<VALUE>().0 {
        if let Some(key) = keys.next() {
            let (start, length) = (number::<WIDE>(key, 0)?, number::<2>(key, WIDE)?);
            budget.spend(length)?;
            let from = bytes.get(start..).ok_or(&KEY_TRUNCATED)?;
            let name = Text::at_front(from, length).ok_or(&KEY_TRUNCATED)?;
            out.name_in_lower_case(name, separator);
        }
        let (Some(kind), Some(place)) = (entry.first(), entry.get(1..)) else {
            return Err(&TRUNCATED);
        };
        let value = if is_inlined(*kind, WIDE == 4) {
            place
        } else {
            bytes.get(number::<WIDE>(place, 0)?..).ok_or(&TRUNCATED)?
        };
        let before = if object { None } else { Some(separator) };
        write_value::<WIDE>(*kind, value, before, out, budget, depth)?;
        separator = b',';
    }
    out.byte(if object { b'}' } else { b']' });
    Ok(())
}

/// The number that two or four bytes are, the lowest first.
#[inline(always)]
fn number<const WIDE: usize>(bytes: &[u8], at: usize) -> Result<usize, Wrong> {
    let place: &[u8; WIDE] = bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .ok_or(&TRUNCATED)?;
    let mut wide = [0; 4];
    for (byte, wide) in place.iter().zip(&mut wide) {
        *wide = *byte;
    }
    Ok(usize::try_from(u32::from_le_bytes(wide)).unwrap_or(usize::MAX))
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

/// Writes a DECIMAL that SQL put in as a number; says whether it is one.
#[inline(always)]
fn decimal_number(value: &[u8], out: &mut Buffer) -> Result<bool, Wrong> {
    let [precision, scale, packed @ ..] = value else {
        return Ok(false);
    };
    let is_whole = scale <= precision
        && packed.len() == usize::from(decimal::packed_length(*precision, *scale));
    if is_whole {
        match decimal::unscaled(packed, *precision, *scale) {
            Some(unscaled) => out.decimal(unscaled, *scale),
            None => decimal::write(packed, *precision, *scale, out).map_err(|_| &NO_DECIMAL)?,
        }
    }
    Ok(is_whole)
}

/// Writes what else SQL put in: dates and times as text, the rest as `"base64:type252:…"`.
#[inline(never)]
fn opaque(code: u8, value: &[u8], out: &mut Buffer) {
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
            lines_of_base64(value, out);
        }
    }
    out.byte(b'"');
}

/// Writes bytes in base64 as the server does, with a line feed, here in a string of JSON, between lines of 76 characters
/// (`base64_encode` in mysys/base64.cc).
fn lines_of_base64(bytes: &[u8], out: &mut Buffer) {
    for (n, line) in bytes.chunks(76 / 4 * 3).enumerate() {
        if n > 0 {
            out.put(b"\\n");
        }
        out.base64(line, 0);
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

    /// Of each kind of value the first and the second of an array: a comma before a value may be one piece with it.
    #[test]
    fn values_are_separated_whatever_they_are() {
        let numbers = |kind, bytes: &[u8], text| (kind, bytes.to_vec(), text);
        let kinds = [
            numbers(LITERAL, &[1, 0], "true"),
            numbers(INT16, &(-5i16).to_le_bytes(), "-5"),
            numbers(UINT16, &65535u16.to_le_bytes(), "65535"),
            numbers(INT32, &(-2_000_000_000i32).to_le_bytes(), "-2000000000"),
            numbers(INT32, &70_000i32.to_le_bytes(), "70000"),
            numbers(UINT32, &u32::MAX.to_le_bytes(), "4294967295"),
            numbers(INT64, &i64::MIN.to_le_bytes(), "-9223372036854775808"),
            numbers(UINT64, &u64::MAX.to_le_bytes(), "18446744073709551615"),
            numbers(DOUBLE, &(-0.25f64).to_le_bytes(), "-0.25"),
            numbers(DOUBLE, &(1.0f64 / 3.0).to_le_bytes(), "0.3333333333333333"),
            numbers(DOUBLE, &0.0f64.to_le_bytes(), "0.0"),
            numbers(DOUBLE, &(-1.5e300f64).to_le_bytes(), "-1.5e300"),
            numbers(DOUBLE, &f64::NAN.to_le_bytes(), "null"),
            numbers(STRING, &[2, b'a', b'"'], r#""a\"""#),
            numbers(STRING, &[2, 0xc3, 0xa9], "\"é\""),
            numbers(SMALL_ARRAY, &[0, 0, 4, 0], "[]"),
            numbers(SMALL_OBJECT, &[0, 0, 4, 0], "{}"),
        ];
        for (one, other) in kinds
            .iter()
            .flat_map(|one| kinds.iter().map(move |other| (one, other)))
        {
            let mut document = vec![SMALL_ARRAY, 2, 0, 0, 0];
            let mut behind: Vec<u8> = Vec::new();
            for (kind, bytes, _) in [one, other] {
                document.push(*kind);
                if is_inlined(*kind, false) {
                    document.extend(bytes);
                } else {
                    document.extend((10 + behind.len() as u16).to_le_bytes());
                    behind.extend(bytes);
                }
            }
            document.extend(behind);
            document[3] = document.len() as u8 - 1;
            assert_eq!(text(&document).unwrap(), format!("[{},{}]", one.2, other.2));
        }
    }

    #[test]
    fn long_bytes_are_broken_into_lines_as_the_server_breaks_them() {
        for (length, breaks) in [(0, 0), (57, 0), (58, 1), (114, 1), (115, 2), (300, 5)] {
            let mut out = Buffer::new();
            opaque(15, &vec![0xab; length], &mut out);
            let text = String::from_utf8(out.to_vec()).unwrap();
            let text = text.strip_prefix("\"base64:type15:").unwrap();
            let lines: Vec<&str> = text.strip_suffix('"').unwrap().split("\\n").collect();
            assert_eq!(lines.len(), breaks + 1, "{length}");
            let (last, whole) = lines.split_last().unwrap();
            assert!(whole.iter().all(|line| line.len() == 76), "{length}");
            assert!(last.len() <= 76 && (length == 0) == last.is_empty());
        }
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
