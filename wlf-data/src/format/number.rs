//! Integers, decimals, dates and times as text.

use super::buffer::{Buffer, marks};
use crate::value::{Date, DateTime, Time, Timestamp};

const PAIRS: &[[u8; 2]; 100] = &{
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n as usize] = [b'0' + n / 10, b'0' + n % 10];
        n += 1;
    }
    pairs
};

/// The two digits of a number below 100.
#[inline(always)]
fn pair(n: u32) -> [u8; 2] {
    PAIRS[(n % 100) as usize]
}

/// All eight digits of a number below 10^8, each in a byte, the first in the lowest.
///
/// The number is split in halves three times, all parts at once in the lanes of one integer: division by 100 and by 10 are
/// multiplications with inverses that are exact for so small numbers. What is left by a division goes to the lane above the
/// quotient: `q | (n - q * d) << bits` is `(n << bits) - q * ((d << bits) - 1)`, one multiplication and one subtraction.
#[inline(always)]
pub(super) fn lanes(n: u32) -> u64 {
    const fn split(n: u64, quotients: u64, divisor: u64, bits: u32) -> u64 {
        (n << bits).wrapping_sub(quotients.wrapping_mul((divisor << bits) - 1))
    }
    let halves = split(n.into(), u64::from(n / 10_000), 10_000, 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x7f_0000_007f;
    let quarters = split(halves, hundreds, 100, 16);
    let tens = ((quarters * 103) >> 10) & 0x000f_000f_000f_000f;
    split(quarters, tens, 10, 8)
}

/// Eight digits of no value as text.
pub(super) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The same as text.
#[inline(always)]
fn eight(n: u32) -> [u8; 8] {
    (lanes(n) + ZEROS).to_le_bytes()
}

impl Buffer {
    #[inline(always)]
    pub fn signed(&mut self, n: i64) {
        self.integer(n.unsigned_abs(), marks(None, n < 0));
    }

    /// The same in one piece with what separates it from what is before it.
    #[inline(always)]
    pub fn signed_behind(&mut self, separator: Option<u8>, n: i64) {
        self.integer(n.unsigned_abs(), marks(separator, n < 0));
    }

    #[inline(always)]
    pub fn unsigned(&mut self, n: u64) {
        self.integer(n, marks(None, false));
    }

    #[inline(always)]
    fn integer(&mut self, n: u64, marks: ([u8; 2], usize)) {
        const E8: u64 = 100_000_000;
        if n < E8 {
            self.below_e8(n as u32, marks);
        } else if n < E8 * E8 {
            self.below_e8((n / E8) as u32, marks);
            self.all_eight((n % E8) as u32);
        } else {
            self.below_e8((n / (E8 * E8)) as u32, marks);
            self.all_eight((n / E8 % E8) as u32);
            self.all_eight((n % E8) as u32);
        }
    }

    #[inline(always)]
    fn below_e8(&mut self, n: u32, marks: ([u8; 2], usize)) {
        let lanes = lanes(n);
        // The last digit stays, also of zero.
        let leading = (lanes | 1 << 56).trailing_zeros() / 8;
        let digits = (lanes + ZEROS) >> (leading * 8);
        self.words(marks, [digits], 8 - leading as usize);
    }

    #[inline(always)]
    fn all_eight(&mut self, n: u32) {
        self.array(eight(n));
    }

    /// The lower `digits` digits of a number, with leading zeros; `digits` is at most 9.
    #[inline(always)]
    pub fn zero_padded(&mut self, n: u32, digits: usize) {
        let digits = digits.min(9);
        if digits == 9 {
            self.byte(b'0' + (n / 100_000_000 % 10) as u8);
        }
        self.last_of_eight(n % 100_000_000, digits.min(8));
    }

    /// The `digits` lower digits of a number below 10^8, with leading zeros; `digits` is at most 8.
    #[inline(always)]
    fn last_of_eight(&mut self, n: u32, digits: usize) {
        let wide = u64::from_le_bytes(eight(n));
        // Of no digits none is taken, whatever is there.
        let wide = wide.unbounded_shr((8 - digits) as u32 * 8);
        self.front(wide.to_le_bytes(), digits);
    }

    /// `unscaled` × 10^-`scale`, with exactly `scale` digits behind the point.
    #[inline(always)]
    pub fn decimal(&mut self, unscaled: i64, scale: u8) {
        if unscaled < 0 {
            self.byte(b'-');
        }
        let magnitude = unscaled.unsigned_abs();
        match POWERS.get(usize::from(scale)) {
            _ if scale == 0 => self.unsigned(magnitude),
            // Most have two digits, and a division by a constant is none.
            _ if scale == 2 => {
                self.unsigned(magnitude / 100);
                let [a, b] = pair((magnitude % 100) as u32);
                self.array([b'.', a, b]);
            }
            Some(power) => {
                self.unsigned(magnitude / power);
                self.byte(b'.');
                self.fraction(magnitude % power, usize::from(scale));
            }
            None => {
                self.put(b"0.");
                for _ in 19..scale {
                    self.byte(b'0');
                }
                self.fraction(magnitude, 19);
            }
        }
    }

    /// The `digits` lower digits of a number; `digits` is at most 19.
    #[inline(always)]
    fn fraction(&mut self, n: u64, digits: usize) {
        const E8: u64 = 100_000_000;
        if digits <= 8 {
            self.last_of_eight(n as u32, digits);
        } else if digits <= 16 {
            self.zero_padded((n / E8) as u32, digits - 8);
            self.all_eight((n % E8) as u32);
        } else {
            self.zero_padded((n / (E8 * E8)) as u32, digits - 16);
            self.all_eight((n / E8 % E8) as u32);
            self.all_eight((n % E8) as u32);
        }
    }

    /// `2024-02-29`.
    #[inline(always)]
    pub fn date(&mut self, date: Date) {
        let year = u32::from(date.year);
        let [[a, b], [c, d]] = [pair(year / 100), pair(year)];
        let [[e, f], [g, h]] = [pair(date.month.into()), pair(date.day.into())];
        self.array([a, b, c, d, b'-', e, f, b'-', g, h]);
    }

    /// `2024-02-29 23:59:59` and as many digits of the fraction as are shown.
    #[inline(always)]
    pub fn datetime(&mut self, at: DateTime) {
        self.date(at.date);
        let [[a, b], [c, d], [e, f]] =
            [at.hour, at.minute, at.second].map(|part| pair(part.into()));
        self.array([b' ', a, b, b':', c, d, b':', e, f]);
        self.microseconds(at.microsecond, at.digits);
    }

    /// The instant in UTC, as a datetime.
    #[inline(always)]
    pub fn timestamp(&mut self, at: Timestamp) {
        self.datetime(utc(at));
    }

    /// `-838:59:59` and as many digits of the fraction as are shown.
    #[inline(always)]
    pub fn time(&mut self, time: Time) {
        if time.negative {
            self.byte(b'-');
        }
        if time.hour < 100 {
            self.array(pair(time.hour.into()));
        } else {
            self.unsigned(time.hour.into());
        }
        let [[a, b], [c, d]] = [time.minute, time.second].map(|part| pair(part.into()));
        self.array([b':', a, b, b':', c, d]);
        self.microseconds(time.microsecond, time.digits);
    }

    #[inline(always)]
    fn microseconds(&mut self, microsecond: u32, digits: u8) {
        if digits > 0 {
            let [_, _, a, b, c, d, e, f] = eight(microsecond % 1_000_000);
            let len = 1 + usize::from(digits.min(6));
            self.front([b'.', a, b, c, d, e, f], len);
        }
    }
}

/// 10^n.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut n = 1;
    while n < 20 {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// The civil date and time of an instant (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
#[inline(always)]
fn utc(at: Timestamp) -> DateTime {
    let mut datetime = DateTime {
        microsecond: at.microsecond,
        digits: at.digits,
        ..DateTime::default()
    };
    if at.second == 0 && at.microsecond == 0 {
        return datetime;
    }
    let (days, second) = (at.second / 86_400, at.second % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    datetime.date = Date {
        year: (era * 400 + year_of_era + carry) as u16,
        month: month as u8,
        day: day as u8,
    };
    datetime.hour = (second / 3_600) as u8;
    datetime.minute = (second / 60 % 60) as u8;
    datetime.second = (second % 60) as u8;
    datetime
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut Buffer)) -> String {
        let mut buffer = Buffer::new();
        write(&mut buffer);
        String::from_utf8(buffer.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn prints_dates_and_times() {
        let date = Date {
            year: 2024,
            month: 2,
            day: 29,
        };
        assert_eq!(text(|out| out.date(date)), "2024-02-29");
        assert_eq!(text(|out| out.date(Date::default())), "0000-00-00");
        let datetime = DateTime {
            date,
            hour: 1,
            minute: 2,
            second: 3,
            microsecond: 45_600,
            digits: 4,
        };
        assert_eq!(
            text(|out| out.datetime(datetime)),
            "2024-02-29 01:02:03.0456"
        );
        let time = Time {
            negative: true,
            hour: 838,
            minute: 59,
            second: 59,
            microsecond: 1,
            digits: 6,
        };
        assert_eq!(text(|out| out.time(time)), "-838:59:59.000001");
        let time = Time {
            hour: 7,
            digits: 0,
            ..Time::default()
        };
        assert_eq!(text(|out| out.time(time)), "07:00:00");
    }

    #[test]
    fn prints_instants_in_utc() {
        let at = |second, microsecond, digits| {
            text(|out| {
                out.timestamp(Timestamp {
                    second,
                    microsecond,
                    digits,
                });
            })
        };
        assert_eq!(at(0, 0, 3), "0000-00-00 00:00:00.000");
        assert_eq!(at(1, 0, 0), "1970-01-01 00:00:01");
        assert_eq!(at(951_827_696, 120_000, 2), "2000-02-29 12:34:56.12");
        assert_eq!(at(1_700_000_000, 0, 0), "2023-11-14 22:13:20");
        assert_eq!(at(u32::MAX, 999_999, 6), "2106-02-07 06:28:15.999999");
    }

    #[test]
    fn splits_every_four_digits() {
        for n in 0..10_000 {
            let both = n * 10_000 + n;
            assert_eq!(eight(both).to_vec(), format!("{both:08}").into_bytes());
        }
    }

    #[test]
    fn prints_decimals_with_their_scale() {
        assert_eq!(text(|out| out.decimal(150, 2)), "1.50");
        assert_eq!(text(|out| out.decimal(-5, 2)), "-0.05");
        assert_eq!(text(|out| out.decimal(0, 8)), "0.00000000");
        assert_eq!(text(|out| out.decimal(-7, 0)), "-7");
        assert_eq!(
            text(|out| out.decimal(12, 25)),
            "0.0000000000000000000000012"
        );
        assert_eq!(
            text(|out| out.decimal(i64::MAX, 18)),
            "9.223372036854775807"
        );
        assert_eq!(
            text(|out| out.decimal(i64::MIN, 10)),
            "-922337203.6854775808"
        );
    }

    /// Each half of a number is split by itself, so all halves are tried beside some others.
    #[test]
    fn splits_numbers_into_their_digits() {
        for half in 0..10_000 {
            for other in [0, 1, 9_999, half] {
                for n in [half * 10_000 + other, other * 10_000 + half] {
                    let digits = lanes(n).to_le_bytes();
                    let number = digits.iter().fold(0, |n, digit| n * 10 + u32::from(*digit));
                    assert_eq!((number, digits.iter().max() < Some(&10)), (n, true));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn prints_as_the_standard_library_does(n: u64, shift in 0..64u32, day in 1..49_710u32) {
            let n = n >> shift;
            prop_assert_eq!(text(|out| out.unsigned(n)), n.to_string());
            let below = (n % 100_000_000) as u32;
            prop_assert_eq!(eight(below).to_vec(), format!("{below:08}").into_bytes());
            let signed = n.cast_signed();
            prop_assert_eq!(text(|out| out.signed(signed)), signed.to_string());
            prop_assert_eq!(text(|out| out.signed_behind(None, signed)), signed.to_string());
            prop_assert_eq!(text(|out| out.signed_behind(Some(b','), signed)), format!(",{signed}"));
            prop_assert_eq!(
                text(|out| out.zero_padded((n % 1_000_000_000) as u32, 9)),
                format!("{:09}", n % 1_000_000_000)
            );
            let utc = utc(Timestamp { second: day * 86_400, microsecond: 0, digits: 0 });
            let before = super::utc(Timestamp { second: day * 86_400 - 1, microsecond: 0, digits: 0 });
            prop_assert_eq!((utc.hour, before.hour), (0, 23));
            prop_assert!(utc.date.day == before.date.day + 1 || utc.date.day == 1);
        }
    }
}
