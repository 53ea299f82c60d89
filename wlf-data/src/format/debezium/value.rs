//! Values as Debezium renders them.

use super::field::{Field, Kind};
use super::options::{BinaryMode, DecimalMode};
use crate::format::buffer::Buffer;
use crate::format::maxwell;
use crate::value::{Coded, Columns, Date, DateTime, Geometry, Set, Time, Timestamp, Value};

/// Writes a value. Inlined where it is called it would be there four times.
#[inline(never)]
pub(in crate::format) fn write<C: Columns>(
    field: &Field,
    image: &C,
    out: &mut Buffer,
    text: &mut Buffer,
) -> Result<(), C::Error> {
    if field.kind == Kind::Text {
        return untyped(image, out, text);
    }
    match image.value()? {
        Value::Null => out.put(b"null"),
        Value::Int(n) => signed(n, out),
        Value::UInt(n) => unsigned(n, field.kind, out),
        Value::Float(n) => out.float(n),
        Value::Double(n) => out.double(n),
        Value::Decimal { unscaled, scale } => match field.decimal {
            DecimalMode::Precise => precise(unscaled, out),
            DecimalMode::String => maxwell::quoted(out, |out| out.decimal(unscaled, scale)),
            DecimalMode::Double => {
                text.clear();
                text.decimal(unscaled, scale);
                double(text, out);
            }
        },
        Value::Year(year) => out.unsigned(year.into()),
        Value::Text(text) => out.string_inline(text),
        Value::Enum { label, .. } => out.string(label.as_bytes()),
        Value::Json(json) => json_text(json, field.nullable, out),
        Value::Date(date) => match days(date) {
            Some(days) => signed(days, out),
            None => zero(field.nullable, out),
        },
        Value::DateTime(at) => match epoch(at) {
            Some(number) => signed(number, out),
            None => zero(field.nullable, out),
        },
        Value::Timestamp(at) => zoned(at, field.nullable, out),
        Value::Time(time) => signed(micro_time(time), out),
        Value::Bytes { bytes, padded } => binary(bytes, padded, field.binary, out),
        Value::Set(set) => labels(set, out),
        Value::Geometry(shape) => geometry(shape, field.kind, out),
        Value::Vector(numbers) => maxwell::vector(numbers, out),
        Value::Coded(coded) => {
            text.clear();
            image.write(text)?;
            match coded {
                Coded::Text => out.string(text),
                Coded::Bytes => binary(text, 0, field.binary, out),
                Coded::Json => json_text(text, field.nullable, out),
                Coded::Number => number(text, field.decimal, out),
            }
        }
    }
    Ok(())
}

/// Not inlined, as it would be there four times.
#[inline(never)]
fn signed(n: i64, out: &mut Buffer) {
    out.signed(n);
}

/// Writes a value of no known type as text.
#[inline(never)]
fn untyped<C: Columns>(image: &C, out: &mut Buffer, text: &mut Buffer) -> Result<(), C::Error> {
    if image.value()? == Value::Null {
        out.put(b"null");
        return Ok(());
    }
    let start = out.len();
    maxwell::rendered(0, image, out, text)?;
    let written = out.get(start..).unwrap_or_default();
    if written.first() != Some(&b'"') {
        text.clear();
        text.put(written);
        out.truncate(start);
        out.string(text);
    }
    Ok(())
}

#[inline(always)]
fn unsigned(n: u64, kind: Kind, out: &mut Buffer) {
    match kind {
        Kind::Boolean => out.put(if n == 0 { b"false" } else { b"true" }),
        Kind::Bits(bytes) => {
            let bytes = usize::from(bytes.min(8));
            let lowest = n.to_le_bytes();
            let lowest = lowest.get(..bytes).unwrap_or_default();
            maxwell::quoted(out, |out| out.base64(lowest, 0));
        }
        Kind::PreciseInteger => {
            let wide = u128::from(n).to_be_bytes();
            two_s_complement(&wide, out);
        }
        Kind::Plain | Kind::Point | Kind::Text => out.unsigned(n),
    }
}

/// Writes an unscaled number's bytes, the highest first, as few as hold it and its sign.
#[inline(always)]
fn precise(unscaled: i64, out: &mut Buffer) {
    two_s_complement(&unscaled.to_be_bytes(), out);
}

#[inline(always)]
fn two_s_complement(bytes: &[u8], out: &mut Buffer) {
    let mut bytes = bytes;
    while let [0, next, ..] | [0xff, next, ..] = bytes {
        let sign = bytes.first().is_some_and(|first| *first == 0xff);
        if (*next >= 0x80) != sign {
            break;
        }
        bytes = bytes.get(1..).unwrap_or_default();
    }
    maxwell::quoted(out, |out| out.base64(bytes, 0));
}

/// Writes a number given by its digits.
#[inline(never)]
fn number(digits: &[u8], mode: DecimalMode, out: &mut Buffer) {
    match (mode, unscaled(digits)) {
        (DecimalMode::Double, _) => double(digits, out),
        (DecimalMode::Precise, Some(unscaled)) => two_s_complement(&unscaled, out),
        (DecimalMode::Precise, None) | (DecimalMode::String, _) => out.string(digits),
    }
}

/// Writes the 64-bit number that is nearest to what the digits say.
fn double(digits: &[u8], out: &mut Buffer) {
    let number = std::str::from_utf8(digits).ok();
    let number = number.and_then(|digits| digits.parse().ok());
    out.double(number.unwrap_or(f64::NAN));
}

/// How many 32-bit digits hold 86 decimal ones; MySQL has 65.
const LIMBS: usize = 9;

/// The number without its point in two's complement, the highest byte first; `None` if it is too long or no number.
fn unscaled(digits: &[u8]) -> Option<[u8; LIMBS * 4]> {
    let (negative, digits) = match digits.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let mut limbs = [0u32; LIMBS];
    for digit in digits.iter().filter(|digit| **digit != b'.') {
        let mut carry = u64::from(char::from(*digit).to_digit(10)?);
        for limb in &mut limbs {
            let wide = u64::from(*limb) * 10 + carry;
            *limb = (wide & u64::from(u32::MAX)) as u32;
            carry = wide >> 32;
        }
        if carry != 0 {
            return None;
        }
    }
    if limbs
        .last()
        .is_none_or(|limb| *limb > i32::MAX.unsigned_abs())
    {
        return None;
    }
    if negative {
        let mut carry = true;
        for limb in &mut limbs {
            (*limb, carry) = (!*limb).overflowing_add(carry.into());
        }
    }
    let mut bytes = [0; LIMBS * 4];
    for (place, limb) in bytes
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(limbs.iter().rev())
    {
        *place = limb.to_be_bytes();
    }
    Some(bytes)
}

/// An empty document, as ALTER TABLE leaves it in rows that were there, is no document.
fn json_text(json: &[u8], nullable: bool, out: &mut Buffer) {
    match json {
        [] if nullable => out.put(b"null"),
        [] => out.put(b"\"{}\""),
        json => out.string(json),
    }
}

/// Writes what stands for a date that is none.
fn zero(nullable: bool, out: &mut Buffer) {
    out.put(if nullable { b"null" } else { b"0" });
}

/// The days since 1970; `None` for a date that is none (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
#[inline(always)]
fn days(date: Date) -> Option<i64> {
    let (year, month, day) = (
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > longest {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Milliseconds since 1970, or microseconds if there are more than three digits of the fraction.
#[inline(always)]
fn epoch(at: DateTime) -> Option<i64> {
    let day = days(at.date)?;
    let of_day = i64::from(at.hour) * 3600 + i64::from(at.minute) * 60 + i64::from(at.second);
    let seconds = day * 86_400 + of_day;
    Some(if at.digits <= 3 {
        seconds * 1000 + i64::from(at.microsecond / 1000)
    } else {
        seconds * 1_000_000 + i64::from(at.microsecond)
    })
}

#[inline(always)]
fn micro_time(time: Time) -> i64 {
    let seconds =
        i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
    let microseconds = seconds * 1_000_000 + i64::from(time.microsecond);
    if time.negative {
        -microseconds
    } else {
        microseconds
    }
}

/// Writes `"2018-06-20T13:37:03Z"`.
#[inline(always)]
fn zoned(at: Timestamp, nullable: bool, out: &mut Buffer) {
    if at.second == 0 && at.microsecond == 0 {
        return zero_instant(at.digits, nullable, out);
    }
    out.byte(b'"');
    let start = out.len();
    out.timestamp(at);
    out.patch(start + 10, b'T');
    out.put(b"Z\"");
}

#[cold]
fn zero_instant(digits: u8, nullable: bool, out: &mut Buffer) {
    if nullable {
        return out.put(b"null");
    }
    out.put(b"\"1970-01-01T00:00:00");
    if digits > 0 {
        out.byte(b'.');
        out.zero_padded(0, digits.min(6).into());
    }
    out.put(b"Z\"");
}

#[inline(never)]
fn binary(bytes: &[u8], padded: usize, mode: BinaryMode, out: &mut Buffer) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.byte(b'"');
    let start = out.len();
    match mode {
        BinaryMode::Bytes | BinaryMode::Base64 => out.base64(bytes, padded),
        BinaryMode::Base64UrlSafe => {
            out.base64(bytes, padded);
            for at in start..out.len() {
                match out.get(at) {
                    Some(b'+') => out.patch(at, b'-'),
                    Some(b'/') => out.patch(at, b'_'),
                    _ => {}
                }
            }
        }
        BinaryMode::Hex => {
            let zeros = padded.saturating_sub(bytes.len());
            for byte in bytes.iter().copied().chain(std::iter::repeat_n(0, zeros)) {
                out.put(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
    }
    out.byte(b'"');
}

/// Writes the chosen labels with commas between them.
#[inline(never)]
fn labels(set: Set<'_>, out: &mut Buffer) {
    out.byte(b'"');
    for (n, label) in set.labels().enumerate() {
        if n > 0 {
            out.byte(b',');
        }
        out.escaped(label.as_bytes());
    }
    out.byte(b'"');
}

/// Writes a shape as a struct; the SRID 0, which is none, as null.
#[inline(never)]
fn geometry(shape: Geometry<'_>, kind: Kind, out: &mut Buffer) {
    out.byte(b'{');
    if let (Kind::Point, Some((x, y))) = (kind, coordinates(shape.wkb)) {
        out.put(b"\"x\":");
        out.double(x);
        out.put(b",\"y\":");
        out.double(y);
        out.byte(b',');
    }
    out.put(b"\"wkb\":\"");
    out.base64(shape.wkb, 0);
    out.put(b"\",\"srid\":");
    match shape.srid {
        0 => out.put(b"null"),
        srid => out.unsigned(srid.into()),
    }
    out.byte(b'}');
}

/// The coordinates of a point: byte order, type, and two numbers.
fn coordinates(wkb: &[u8]) -> Option<(f64, f64)> {
    let (order, rest) = wkb.split_first()?;
    let number = if *order == 1 {
        f64::from_le_bytes
    } else {
        f64::from_be_bytes
    };
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (x, rest) = rest.split_first_chunk()?;
    Some((number(*x), number(*rest.first_chunk()?)))
}
