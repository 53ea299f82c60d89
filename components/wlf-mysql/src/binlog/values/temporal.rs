//! Dates and times in their binary forms (manual: "Date and Time Data Type Representation").

use wlf_core::value::{Date, DateTime, Time, Timestamp, Value};

/// DATE in three bytes: day 5 bits, month 4, year the rest.
#[inline(always)]
pub fn date(bytes: [u8; 3]) -> Date {
    let [a, b, c] = bytes;
    let bits = u32::from_le_bytes([a, b, c, 0]);
    Date {
        year: low16(bits >> 9),
        month: low8(bits >> 5 & 0xf),
        day: low8(bits & 0x1f),
    }
}

/// DATETIME since 5.6.4: five bytes, big-endian, and the fraction. Year and month are year × 13 + month.
#[inline(always)]
pub fn datetime2(bytes: &[u8], digits: u8) -> Option<DateTime> {
    let ([a, b, c, d, e], fraction) = bytes.split_first_chunk()?;
    let bits = u64::from_be_bytes([0, 0, 0, *a, *b, *c, *d, *e]) & 0x7f_ffff_ffff;
    Some(packed_datetime(
        bits,
        microsecond(fraction, digits)?,
        digits,
    ))
}

/// The bits of a datetime: year and month 17, day 5, hour 5, minute 6, second 6.
#[inline(always)]
fn packed_datetime(bits: u64, microsecond: u32, digits: u8) -> DateTime {
    let months = bits >> 22;
    DateTime {
        date: Date {
            year: u16::try_from(months / 13).unwrap_or(u16::MAX),
            month: low8(low32(months % 13)),
            day: low8(low32(bits >> 17 & 0x1f)),
        },
        hour: low8(low32(bits >> 12 & 0x1f)),
        minute: low8(low32(bits >> 6 & 0x3f)),
        second: low8(low32(bits & 0x3f)),
        microsecond,
        digits,
    }
}

/// TIMESTAMP since 5.6.4: four bytes, big-endian, and the fraction.
#[inline(always)]
pub fn timestamp2(bytes: &[u8], digits: u8) -> Option<Timestamp> {
    let (second, fraction) = bytes.split_first_chunk()?;
    Some(Timestamp {
        second: u32::from_be_bytes(*second),
        microsecond: microsecond(fraction, digits)?,
        digits,
    })
}

/// TIME since 5.6.4: three bytes and the fraction, big-endian, together a number to which half its range was added.
#[inline(always)]
pub fn time2(bytes: &[u8], digits: u8) -> Option<Time> {
    let ([a, b, c], fraction) = bytes.split_first_chunk()?;
    // The fraction's bits stay beside the seconds', so that a negative time is the complement of all of them.
    let whole = i64::from(u32::from_be_bytes([0, *a, *b, *c])) - 0x80_0000;
    let (bits, scale) = match fraction {
        [] => (0, 1),
        [_] => (8, 10_000),
        [_, _] => (16, 100),
        [_, _, _] => (24, 1),
        _ => return None,
    };
    let mut below = 0i64;
    for byte in fraction {
        below = below << 8 | i64::from(*byte);
    }
    let all = (whole << bits) + below;
    let magnitude = all.unsigned_abs();
    let seconds = low32(magnitude >> bits);
    let microsecond = low32((magnitude & ((1 << bits) - 1)) * scale);
    Some(Time {
        negative: all < 0,
        hour: low16(seconds >> 12 & 0x3ff),
        minute: low8(seconds >> 6 & 0x3f),
        second: low8(seconds & 0x3f),
        microsecond: microsecond % 1_000_000,
        digits,
    })
}

/// The fraction of a second, big-endian, in units of the least digit pair that is stored.
#[inline(always)]
fn microsecond(fraction: &[u8], digits: u8) -> Option<u32> {
    Some(match (digits, fraction) {
        (0, _) => 0,
        (1 | 2, [a]) => u32::from(*a) * 10_000,
        (3 | 4, [a, b]) => u32::from(u16::from_be_bytes([*a, *b])) * 100,
        (5 | 6, [a, b, c]) => u32::from_be_bytes([0, *a, *b, *c]),
        _ => return None,
    })
}

/// A DATE, TIME, DATETIME or TIMESTAMP inside of a JSON document: a packed 64-bit number with microseconds.
pub fn in_json(code: u8, bytes: [u8; 8]) -> Option<Value<'static>> {
    use crate::binlog::tables::column_type as types;
    let packed = i64::from_le_bytes(bytes);
    let magnitude = packed.unsigned_abs();
    let microsecond = low32(magnitude & 0xff_ffff) % 1_000_000;
    let bits = magnitude >> 24;
    Some(match code {
        types::DATE | types::NEWDATE => Value::Date(packed_datetime(bits, 0, 0).date),
        types::DATETIME | types::TIMESTAMP | types::DATETIME2 | types::TIMESTAMP2 => {
            Value::DateTime(packed_datetime(bits, microsecond, 6))
        }
        types::TIME | types::TIME2 => Value::Time(Time {
            negative: packed < 0,
            hour: low16(low32(bits >> 12 & 0x3ff)),
            minute: low8(low32(bits >> 6 & 0x3f)),
            second: low8(low32(bits & 0x3f)),
            microsecond,
            digits: 6,
        }),
        _ => return None,
    })
}

#[inline(always)]
fn low8(n: u32) -> u8 {
    let [low, ..] = n.to_le_bytes();
    low
}

#[inline(always)]
fn low16(n: u32) -> u16 {
    let [a, b, ..] = n.to_le_bytes();
    u16::from_le_bytes([a, b])
}

#[inline(always)]
fn low32(n: u64) -> u32 {
    let [a, b, c, d, ..] = n.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[test]
fn a_time_with_too_long_a_fraction_is_none() {
    assert!(time2(&[0x80, 0, 0, 0, 0, 1], 6).is_some());
    assert_eq!(time2(&[0xff; 16], 6), None);
}
