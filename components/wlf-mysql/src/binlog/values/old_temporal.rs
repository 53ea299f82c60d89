//! TIME, DATETIME and TIMESTAMP as before MySQL 5.6.4, which MariaDB goes on to write for columns that were made so, or with
//! `mysql56_temporal_format=OFF` (mariadb-server, `sql/field.cc`).
//!
//! MariaDB's have fractions of a second, in forms of their own (`Field_time_hires` and so on): big-endian numbers whose length
//! depends on the digits, of which the binlog says nothing.

use wlf_core::value::{Date, DateTime, Time, Timestamp};

use crate::binlog::tables::column_type as types;

/// How many bytes a value of the type takes with so many digits of a fraction; `None` for a type that is none of the three.
pub fn length(code: u8, digits: u8) -> Option<u16> {
    let [none, one, two, three, four, five, six] = match code {
        types::TIME => [3, 4, 4, 5, 5, 5, 6],
        types::DATETIME => [8, 6, 6, 7, 7, 7, 8],
        types::TIMESTAMP => [4, 5, 5, 6, 6, 7, 7],
        _ => return None,
    };
    Some(match digits {
        0 => none,
        1 => one,
        2 => two,
        3 => three,
        4 => four,
        5 => five,
        _ => six,
    })
}

/// A big-endian number of up to eight bytes, in microseconds.
fn microseconds(bytes: &[u8], digits: u8) -> Option<u64> {
    let number = bytes
        .iter()
        .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    number.checked_mul(unit(digits))
}

/// How many microseconds the last of so many digits counts.
fn unit(digits: u8) -> u64 {
    10u64.pow(6u32.saturating_sub(digits.into()))
}

/// A second's millionths.
const SECOND: u64 = 1_000_000;
/// What is added to a TIME with a fraction, so that it is positive: a second more than 838:59:59.
const ZERO: u64 = (838 * 3600 + 59 * 60 + 59 + 1) * SECOND;

/// TIME: hours, minutes and seconds as decimal digits of a signed number; with a fraction its units from -839:00:00 on.
pub fn time(bytes: &[u8], digits: u8) -> Option<Time> {
    let (negative, seconds, microsecond) = if digits == 0 {
        let [a, b, c] = bytes.try_into().ok()?;
        let number = i32::from_le_bytes([0, a, b, c]) >> 8;
        let parts = number.unsigned_abs();
        let (hour, minute, second) = (parts / 10_000, parts / 100 % 100, parts % 100);
        if minute > 59 || second > 59 {
            return None;
        }
        (number < 0, u64::from(hour * 3600 + minute * 60 + second), 0)
    } else {
        let number = microseconds(bytes, digits)?;
        let distance = number.abs_diff(ZERO);
        (number < ZERO, distance / SECOND, distance % SECOND)
    };
    Some(Time {
        negative,
        hour: u16::try_from(seconds / 3600)
            .ok()
            .filter(|hour| *hour < 839)?,
        minute: u8::try_from(seconds / 60 % 60).ok()?,
        second: u8::try_from(seconds % 60).ok()?,
        microsecond: u32::try_from(microsecond).ok()?,
        digits,
    })
}

/// DATETIME: all parts as decimal digits of a number; with a fraction its units, where a year has 13 months, a month 32 days
/// and a day 24 hours.
pub fn datetime(bytes: &[u8], digits: u8) -> Option<DateTime> {
    let (parts, microsecond) = if digits == 0 {
        let number = u64::from_le_bytes(bytes.try_into().ok()?);
        let part = |power: u64, modulus: u64| number / power % modulus;
        let parts = [
            number / 10_000_000_000,
            part(100_000_000, 100),
            part(1_000_000, 100),
            part(10_000, 100),
            part(100, 100),
            part(1, 100),
        ];
        (parts, 0)
    } else {
        let number = microseconds(bytes, digits)?;
        let second = number / SECOND;
        let (minute, hour, day) = (second / 60, second / 3600, second / (3600 * 24));
        let month = day / 32;
        let parts = [
            month / 13,
            month % 13,
            day % 32,
            hour % 24,
            minute % 60,
            second % 60,
        ];
        (parts, number % SECOND)
    };
    let [year, month, day, hour, minute, second] = parts;
    let part = |part: u64, highest: u8| u8::try_from(part).ok().filter(|part| *part <= highest);
    Some(DateTime {
        date: Date {
            year: u16::try_from(year).ok().filter(|year| *year <= 9999)?,
            month: part(month, 12)?,
            day: part(day, 31)?,
        },
        hour: part(hour, 23)?,
        minute: part(minute, 59)?,
        second: part(second, 59)?,
        microsecond: u32::try_from(microsecond).ok()?,
        digits,
    })
}

/// TIMESTAMP: four bytes, little-endian; with a fraction big-endian, and its units behind them.
pub fn timestamp(bytes: &[u8], digits: u8) -> Option<Timestamp> {
    let (second, fraction) = bytes.split_first_chunk()?;
    Some(if digits == 0 {
        Timestamp {
            second: u32::from_le_bytes(*second),
            ..Timestamp::default()
        }
    } else {
        let microsecond = microseconds(fraction, digits)?;
        Timestamp {
            second: u32::from_be_bytes(*second),
            microsecond: u32::try_from(microsecond)
                .ok()
                .filter(|part| *part < 1_000_000)?,
            digits,
        }
    })
}

#[cfg(test)]
mod tests {
    use wlf_core::format::Buffer;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap())
            .collect()
    }

    fn text(write: impl FnOnce(&mut Buffer)) -> String {
        let mut out = Buffer::new();
        write(&mut out);
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    /// As MariaDB 10.11.18 wrote them with `mysql56_temporal_format=OFF`, and showed them.
    #[test]
    fn reads_what_mariadb_wrote() {
        for (digits, hex, shown) in [
            (0, "590a80", "-838:59:59"),
            (0, "000000", "00:00:00"),
            (1, "00000001", "-838:59:59.9"),
            (1, "01cce051", "-00:00:01.5"),
            (1, "01d3c9c6", "12:34:56.6"),
            (2, "1245e1c1", "12:34:56.65"),
            (3, "00b407a580", "00:00:00.000"),
            (4, "07084c3c68", "-00:00:01.5000"),
            (5, "4760f9db98", "12:34:56.65432"),
            (6, "000000000001", "-838:59:59.999999"),
            (6, "02bf3dde7c01", "00:00:00.000001"),
        ] {
            let bytes = bytes(hex);
            assert_eq!(length(types::TIME, digits), Some(bytes.len() as u16));
            let time = time(&bytes, digits).unwrap();
            assert_eq!(text(|out| out.time(time)), shown, "{hex}");
        }
        for (digits, hex, shown) in [
            (0, "80c5aa8b68120000", "2024-02-29 12:34:56"),
            (0, "0000000000000000", "0000-00-00 00:00:00"),
            (1, "00a965a7fc61", "2024-02-29 12:34:56.1"),
            (1, "0344d965ffff", "9999-12-31 23:59:59.9"),
            (2, "069df88fdbcc", "2024-02-29 12:34:56.12"),
            (3, "0146e4ebd7ffff", "9999-12-31 23:59:59.999"),
            (6, "01027abd7379de40", "2024-02-29 12:34:56.123456"),
            (6, "007fb403f924e6a0", "1000-01-01 00:00:00.100000"),
        ] {
            let bytes = bytes(hex);
            assert_eq!(length(types::DATETIME, digits), Some(bytes.len() as u16));
            let datetime = datetime(&bytes, digits).unwrap();
            assert_eq!(text(|out| out.datetime(datetime)), shown, "{hex}");
        }
        for (digits, hex, shown) in [
            (0, "f079e065", "2024-02-29 12:34:56"),
            (0, "00000000", "0000-00-00 00:00:00"),
            (1, "65e079f009", "2024-02-29 12:34:56.9"),
            (3, "65e079f003db", "2024-02-29 12:34:56.987"),
            (5, "7fffffff015f90", "2038-01-19 03:14:07.90000"),
            (6, "65e079f00f1206", "2024-02-29 12:34:56.987654"),
            (6, "00000001000000", "1970-01-01 00:00:01.000000"),
        ] {
            let bytes = bytes(hex);
            assert_eq!(length(types::TIMESTAMP, digits), Some(bytes.len() as u16));
            let timestamp = timestamp(&bytes, digits).unwrap();
            assert_eq!(text(|out| out.timestamp(timestamp)), shown, "{hex}");
        }
    }

    /// A value with a fraction that is taken for one without, or bytes of any kind.
    #[test]
    fn refuses_what_is_none() {
        assert_eq!(datetime(&bytes("01027abd7379de40"), 0), None);
        assert_eq!(time(&[0xff; 6], 6), None);
        assert_eq!(time(&[99, 0, 0], 0), None);
        assert_eq!(datetime(&[0xff; 8], 6), None);
        assert_eq!(timestamp(&[1, 2, 3], 0), None);
        assert_eq!(timestamp(&[0xff; 7], 6), None);
    }
}
