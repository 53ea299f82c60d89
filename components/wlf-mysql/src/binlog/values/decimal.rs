//! DECIMAL in its packed form: groups of nine digits in four bytes, big-endian (mysql-server, `strings/decimal.cc`).

use wlf_core::format::Buffer;

use crate::reader::Malformed;

/// How many bytes a value takes; `scale` is at most `precision`.
pub fn packed_length(precision: u8, scale: u8) -> u16 {
    let part = |digits: u8| u16::from(digits / 9) * 4 + u16::from(digits % 9).div_ceil(2);
    part(precision.saturating_sub(scale)) + part(scale)
}

/// The digits of a value, group by group from the front: each group's value and its number of digits.
struct Groups<'a> {
    rest: &'a [u8],
    /// What turns a byte of a negative number into that of a positive one.
    mask: u8,
    first: bool,
    /// Digits before the point that are left.
    whole: u8,
    /// Digits behind the point that are left.
    fraction: u8,
}

impl<'a> Groups<'a> {
    #[inline(always)]
    fn new(packed: &'a [u8], precision: u8, scale: u8) -> Self {
        let positive = packed.first().is_some_and(|first| first & 0x80 != 0);
        Self {
            rest: packed,
            mask: if positive { 0 } else { 0xff },
            first: true,
            whole: precision.saturating_sub(scale),
            fraction: scale,
        }
    }

    /// A group before the point: short ones stand in front. `None` behind the last.
    #[inline(always)]
    fn next_whole(&mut self) -> Option<(u32, u8)> {
        let digits = match self.whole % 9 {
            0 => self.whole.min(9),
            partial => partial,
        };
        self.whole -= digits;
        (digits > 0).then(|| (self.take(digits), digits))
    }

    /// A group behind the point: the short one is the last.
    #[inline(always)]
    fn next_fraction(&mut self) -> Option<(u32, u8)> {
        let digits = self.fraction.min(9);
        self.fraction -= digits;
        (digits > 0).then(|| (self.take(digits), digits))
    }

    #[inline(always)]
    fn take(&mut self, digits: u8) -> u32 {
        let length = usize::from(digits).div_ceil(2).min(4);
        let (group, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, &[]));
        let mut value = 0;
        for byte in group {
            let mut byte = byte ^ self.mask;
            if self.first {
                byte ^= 0x80;
                self.first = false;
            }
            value = value << 8 | u32::from(byte);
        }
        self.rest = rest;
        value
    }
}

/// The number without its point, if it has at most 18 digits and each group is one of digits.
#[inline(always)]
pub fn unscaled(packed: &[u8], precision: u8, scale: u8) -> Option<i64> {
    if precision > 18 {
        return None;
    }
    let mut groups = Groups::new(packed, precision, scale);
    let mut number = 0i64;
    while let Some((value, digits)) = groups.next_whole() {
        number = append(number, value, digits)?;
    }
    while let Some((value, digits)) = groups.next_fraction() {
        number = append(number, value, digits)?;
    }
    Some(if groups.mask == 0 { number } else { -number })
}

/// The number with so many more digits; `None` if the value has more than those.
#[inline(always)]
fn append(number: i64, value: u32, digits: u8) -> Option<i64> {
    let (value, power) = (i64::from(value), power(digits));
    (value < power).then(|| number * power + value)
}

#[inline(always)]
fn power(digits: u8) -> i64 {
    match digits {
        9 => 1_000_000_000,
        8 => 100_000_000,
        7 => 10_000_000,
        6 => 1_000_000,
        5 => 100_000,
        4 => 10_000,
        3 => 1_000,
        2 => 100,
        1 => 10,
        _ => 1,
    }
}

/// Writes the number with exactly `scale` digits behind the point.
///
/// # Errors
/// If a group is not one of digits, which the server takes for a damaged number too (`E_DEC_BAD_NUM`).
pub fn write(packed: &[u8], precision: u8, scale: u8, out: &mut Buffer) -> Result<(), Malformed> {
    let mut groups = Groups::new(packed, precision, scale);
    if groups.mask != 0 {
        out.byte(b'-');
    }
    let mut begun = false;
    while let Some((value, digits)) = groups.next_whole() {
        check(value, digits)?;
        if begun {
            out.zero_padded(value, usize::from(digits));
        } else if value > 0 {
            out.unsigned(value.into());
            begun = true;
        }
    }
    if !begun {
        out.byte(b'0');
    }
    if scale > 0 {
        out.byte(b'.');
    }
    while let Some((value, digits)) = groups.next_fraction() {
        check(value, digits)?;
        out.zero_padded(value, usize::from(digits));
    }
    Ok(())
}

fn check(value: u32, digits: u8) -> Result<(), Malformed> {
    if i64::from(value) < power(digits) {
        Ok(())
    } else {
        Err(Malformed::Invalid("a DECIMAL's digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(packed: &[u8], precision: u8, scale: u8) -> String {
        assert_eq!(packed.len(), usize::from(packed_length(precision, scale)));
        let mut out = Buffer::new();
        write(packed, precision, scale, &mut out).unwrap();
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn decodes_the_manuals_example() {
        // 1234567890.1234 as DECIMAL(14,4), and its negative.
        let packed = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        assert_eq!(text(&packed, 14, 4), "1234567890.1234");
        assert_eq!(unscaled(&packed, 14, 4), Some(12_345_678_901_234));
        let negative = packed.map(|byte| !byte);
        assert_eq!(text(&negative, 14, 4), "-1234567890.1234");
        assert_eq!(unscaled(&negative, 14, 4), Some(-12_345_678_901_234));
    }

    #[test]
    fn has_the_servers_lengths() {
        for (precision, scale, length) in [
            (10, 2, 5),
            (65, 30, 30),
            (9, 9, 4),
            (1, 0, 1),
            (18, 9, 8),
            (5, 5, 3),
            (65, 0, 29),
        ] {
            assert_eq!(
                packed_length(precision, scale),
                length,
                "{precision},{scale}"
            );
        }
    }

    #[test]
    fn survives_short_bytes() {
        for len in 0..30 {
            let packed = vec![0x80; len];
            let mut out = Buffer::new();
            let _ = write(&packed, 65, 30, &mut out);
            unscaled(&packed, 18, 9);
        }
    }

    #[test]
    fn groups_that_are_no_digits_are_refused() {
        // 999,999,999 is the most that nine digits can be.
        let most = [0x80, 0x3b, 0x9a, 0xc9, 0xff];
        assert_eq!(text(&most, 10, 9), "0.999999999");
        assert_eq!(unscaled(&most, 10, 9), Some(999_999_999));
        let more = [0x80, 0x3b, 0x9a, 0xca, 0x00];
        assert_eq!(unscaled(&more, 10, 9), None);
        let error = write(&more, 10, 9, &mut Buffer::new());
        assert_eq!(error, Err(Malformed::Invalid("a DECIMAL's digits")));
        // So large a group would not go into 64 bits with the others.
        assert_eq!(unscaled(&[0xff; 9], 18, 10), None);
    }
}
