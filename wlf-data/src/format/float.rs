//! Floating point numbers as text: the shortest digits that read back as the same number, and of those the nearest.

use zmij::Decimal;

use super::buffer::{Buffer, marks};
use super::number::{ZEROS, lanes};

/// How digits are laid out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// The least and the most digits that stand before the point of a number without an exponent; below zero, so many
    /// zeros stand behind the point.
    least: i32,
    most: i32,
    /// What stands behind a whole number: 2 bytes, `.0`, or none.
    whole: usize,
}

/// That of 32-bit numbers.
const FLOAT: Layout = Layout {
    least: -5,
    most: 13,
    whole: 2,
};

/// As many zeros as may stand behind the point in the fast way.
const NEAR: i32 = -14;

/// Digits that mean nothing behind them are zeros.
struct Digits {
    /// Sixteen as text, the first in the lowest byte of the first word.
    text: [u64; 2],
    /// The seventeenth.
    last: u64,
    /// How many there are without the zeros at their end, at least one.
    count: usize,
    /// So many stand before the point.
    point: i32,
}

impl Digits {
    #[inline(always)]
    fn new(decimal: Decimal) -> Self {
        const E8: u64 = 100_000_000;
        let high = lanes((decimal.digits / E8) as u32);
        let low = (decimal.digits % E8) as u32;
        // Without this question both halves would be computed at once by multiplications of 64 bits in the lanes of a
        // vector, which take three times as long.
        let (second, count) = if low == 0 {
            // The first digit stays, also of zero.
            (ZEROS, 8 - (high | 1).leading_zeros() / 8)
        } else {
            let low = lanes(low);
            (low + ZEROS, 16 - low.leading_zeros() / 8)
        };
        Self {
            text: [high + ZEROS, second],
            last: u64::from(b'0' + decimal.last),
            count: if decimal.last == 0 {
                count as usize
            } else {
                17
            },
            point: decimal.point,
        }
    }
}

impl Buffer {
    /// The shortest text that reads back as the same number, `null` for what JSON has no number for.
    #[inline(always)]
    pub fn double(&mut self, n: f64) {
        self.lay_out_double(n, None, -4, 16, 2);
    }

    /// The same with an exponent unless at least `least` and at most `most` digits stand before the point; below zero, so
    /// many zeros stand behind it. It is one piece with what separates it from what is before it.
    #[inline(always)]
    pub fn double_within(&mut self, n: f64, separator: Option<u8>, least: i32, most: i32) {
        self.lay_out_double(n, separator, least, most, 2);
    }

    /// The same without an exponent and without `.0`.
    #[inline(always)]
    pub fn coordinate(&mut self, n: f64, separator: Option<u8>) {
        self.lay_out_double(n, separator, i32::MIN, i32::MAX, 0);
    }

    /// The shortest text that reads back as the same 32-bit number, `null` for what JSON has no number for.
    pub fn float(&mut self, n: f32) {
        match Decimal::of_usual_float(n) {
            Some(decimal) => self.lay_out(marks(None, n.is_sign_negative()), decimal, FLOAT),
            None => self.lay_out_rare_float(n),
        }
    }

    /// The parts of the layout are passed by themselves, which stay in registers then.
    #[inline(never)]
    fn lay_out_double(
        &mut self,
        n: f64,
        separator: Option<u8>,
        least: i32,
        most: i32,
        whole: usize,
    ) {
        let layout = Layout { least, most, whole };
        match Decimal::of_usual_double(n) {
            Some(decimal) => {
                let marks = marks(separator, n.is_sign_negative());
                self.lay_out(marks, decimal, layout);
            }
            None => self.lay_out_rare_double(n, separator, least, most, whole),
        }
    }

    /// What does not come in registers has a copy of the code, or all digits would go through memory.
    #[inline(never)]
    fn lay_out_rare_double(
        &mut self,
        n: f64,
        separator: Option<u8>,
        least: i32,
        most: i32,
        whole: usize,
    ) {
        if n.is_finite() {
            let layout = Layout { least, most, whole };
            let marks = marks(separator, n.is_sign_negative());
            self.lay_out(marks, Decimal::of_double(n), layout);
        } else {
            let (marks, count) = marks(separator, false);
            self.front(marks, count);
            self.put(b"null");
        }
    }

    #[inline(never)]
    fn lay_out_rare_float(&mut self, n: f32) {
        if n.is_finite() {
            let marks = marks(None, n.is_sign_negative());
            self.lay_out(marks, Decimal::of_float(n), FLOAT);
        } else {
            self.put(b"null");
        }
    }

    #[inline(always)]
    fn lay_out(&mut self, marks: ([u8; 2], usize), decimal: Decimal, layout: Layout) {
        let Digits {
            text: [first, second],
            last,
            count,
            point,
        } = Digits::new(decimal);
        if (layout.least.max(NEAR)..=0).contains(&point) {
            self.front(marks.0, marks.1);
            self.front(*b"0.00000000000000", 2 + point.unsigned_abs() as usize);
            self.words((*b"--", 0), [first, second, last], count);
            return;
        }
        match usize::try_from(point) {
            Ok(before @ 0..16) if point <= layout.most => {
                let all = if count > before {
                    count + 1
                } else {
                    before + layout.whole
                };
                self.pointed(marks, [first, second, last], before, all);
            }
            _ => {
                let Layout { least, most, whole } = layout;
                self.front(marks.0, marks.1);
                self.lay_out_far(first, second, last, count, point, least, most, whole);
            }
        }
    }

    #[cold]
    #[inline(never)]
    #[expect(
        clippy::too_many_arguments,
        reason = "what has an address is put into memory for every number"
    )]
    fn lay_out_far(
        &mut self,
        first: u64,
        second: u64,
        last: u64,
        count: usize,
        point: i32,
        least: i32,
        most: i32,
        whole: usize,
    ) {
        let mut text = [0; 24];
        for (place, word) in text
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip([first, second, last])
        {
            *place = word.to_le_bytes();
        }
        let text = text.get(..count).unwrap_or_default();
        if !(least..=most).contains(&point) {
            let (first, others) = text.split_at_checked(1).unwrap_or_default();
            self.put(first);
            if !others.is_empty() {
                self.byte(b'.');
                self.put(others);
            }
            self.byte(b'e');
            self.signed(i64::from(point) - 1);
        } else if point > 0 {
            let before = point.unsigned_abs() as usize;
            let (front, fraction) = text.split_at_checked(before).unwrap_or((text, &[]));
            self.put(front);
            for _ in front.len()..before {
                self.byte(b'0');
            }
            if !fraction.is_empty() {
                self.byte(b'.');
                self.put(fraction);
            } else if whole > 0 {
                self.put(b".0");
            }
        } else {
            self.put(b"0.");
            for _ in point..0 {
                self.byte(b'0');
            }
            self.put(text);
        }
    }
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
    fn prints_floats_shortest() {
        assert_eq!(text(|out| out.float(1.1)), "1.1");
        assert_eq!(text(|out| out.float(999.999)), "999.999");
        assert_eq!(text(|out| out.float(f32::NEG_INFINITY)), "null");
        for (double, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-12.5, "-12.5"),
            (1e9 - 1e-6, "999999999.999999"),
            (1e20, "1e20"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (1e-5, "0.00001"),
            (9.5e-6, "9.5e-6"),
            (1_234_567_890_123_456.5, "1234567890123456.5"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
            (1e16, "1e16"),
            // Halfway between two that read back, of which the even one is taken.
            (4_526_409_456_437_245.0 / 4.0, "1131602364109311.2"),
            (4_526_409_456_437_247.0 / 4.0, "1131602364109311.8"),
        ] {
            assert_eq!(text(|out| out.double(double)), expected);
        }
    }

    /// The digits of a number, given its shortest text with an exponent and how it is rounded to so many digits, and how
    /// many of them stand before the point.
    fn digits(shortest: &str, rounded: impl Fn(usize) -> Option<String>) -> (String, i32) {
        let parts = |text: &str| {
            let (digits, exponent) = text.split_once('e').unwrap();
            let digits = digits.replace(['-', '.'], "");
            (digits, exponent.parse::<i32>().unwrap() + 1)
        };
        let (digits, point) = parts(shortest);
        // Of two that are as near the standard library takes any, the server the even one. Below a power of two numbers
        // are nearer to each other than above it, so the nearest digits may be another number's.
        rounded(digits.len()).map_or((digits, point), |rounded| parts(&rounded))
    }

    fn laid_out(is_negative: bool, (digits, point): (String, i32), layout: Layout) -> String {
        let digits = match digits.trim_end_matches('0') {
            "" => "0",
            digits => digits,
        };
        let sign = if is_negative { "-" } else { "" };
        if !(layout.least..=layout.most).contains(&point) {
            let (first, others) = digits.split_at(1);
            let mark = if others.is_empty() { "" } else { "." };
            return format!("{sign}{first}{mark}{others}e{}", point - 1);
        }
        let Ok(before) = usize::try_from(point) else {
            return format!(
                "{sign}0.{}{digits}",
                "0".repeat(point.unsigned_abs() as usize)
            );
        };
        if before == 0 {
            return format!("{sign}0.{digits}");
        }
        let end = if layout.whole > 0 { ".0" } else { "" };
        match digits.split_at_checked(before) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
            _ => format!("{sign}{digits:0<before$}{end}"),
        }
    }

    fn check_double(n: f64) {
        if !n.is_finite() {
            assert_eq!(text(|out| out.double(n)), "null");
            return;
        }
        let all = digits(&format!("{n:e}"), |count| {
            let rounded = format!("{n:.*e}", count - 1);
            (rounded.parse() == Ok(n)).then_some(rounded)
        });
        for (least, most, whole) in [(-4, 16, 2), (-14, 15, 2), (i32::MIN, i32::MAX, 0)] {
            let layout = Layout { least, most, whole };
            let printed = text(|out| match (least, whole) {
                (-4, _) => out.double(n),
                (_, 0) => out.coordinate(n, None),
                _ => out.double_within(n, None, least, most),
            });
            let expected = laid_out(n.is_sign_negative(), all.clone(), layout);
            assert_eq!(printed, expected, "{n:e}, {:x}", n.to_bits());
            assert_eq!(printed.parse(), Ok(n));
        }
    }

    fn check_float(n: f32) {
        if !n.is_finite() {
            assert_eq!(text(|out| out.float(n)), "null");
            return;
        }
        let all = digits(&format!("{n:e}"), |count| {
            let rounded = format!("{n:.*e}", count - 1);
            (rounded.parse() == Ok(n)).then_some(rounded)
        });
        let printed = text(|out| out.float(n));
        let expected = laid_out(n.is_sign_negative(), all, FLOAT);
        assert_eq!(printed, expected, "{n:e}, {:x}", n.to_bits());
        assert_eq!(printed.parse(), Ok(n));
    }

    /// The powers of two and of ten, and the numbers beside them.
    #[test]
    fn prints_what_is_around_each_power_as_the_standard_library_does() {
        let powers = (-324..=308).map(|exponent| format!("1e{exponent}"));
        let powers: Vec<f64> = powers.map(|power| power.parse().unwrap()).collect();
        let powers = powers.into_iter();
        for power in powers.chain((0..2047).map(|exponent| f64::from_bits(exponent << 52))) {
            for bits in power.to_bits().saturating_sub(3)..=power.to_bits() + 3 {
                check_double(f64::from_bits(bits));
                check_double(-f64::from_bits(bits));
            }
        }
        let powers = (-45..=38).map(|exponent| format!("1e{exponent}"));
        let powers: Vec<f32> = powers.map(|power| power.parse().unwrap()).collect();
        let powers = powers.into_iter();
        for power in powers.chain((0..255).map(|exponent| f32::from_bits(exponent << 23))) {
            for bits in power.to_bits().saturating_sub(3)..=power.to_bits() + 3 {
                check_float(f32::from_bits(bits));
                check_float(-f32::from_bits(bits));
            }
        }
    }

    /// Two million numbers of several kinds beside what the released way of the crate writes, which makes text by itself. In
    /// a debug build the products that are made by halves are compared with those of 128 bits, too.
    #[test]
    fn writes_what_the_general_way_writes() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        // SplitMix64.
        let mut draw = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        let mut general = zmij::Buffer::new();
        let (mut ours, mut theirs) = (Buffer::new(), String::new());
        for _ in 0..200_000 {
            let (bits, count) = (draw(), draw() % 1_000_000);
            let whole = (draw() >> (11 + draw() % 53)) as f64;
            let power = 10f64.powi((draw() % 23) as i32);
            for n in [
                f64::from_bits(bits),
                // From 2^-52 to 2^56, where powers of ten are exact in 64 bits, and around.
                f64::from_bits(bits & !(0x7ff << 52) | (971 + draw() % 109) << 52),
                whole,
                -whole,
                whole / power,
                whole * power,
                count as f64 / 7.0,
                count as f64 / 100.0,
                (bits >> 11) as f64 / 8.0,
                f32::from_bits(bits as u32).into(),
            ] {
                if !n.is_finite() {
                    continue;
                }
                ours.clear();
                ours.double_within(n, Some(b','), i32::MIN, i32::MAX);
                theirs.clear();
                plain(general.format_finite(n), &mut theirs);
                let ours = std::str::from_utf8(ours.as_slice()).unwrap();
                assert_eq!(ours, theirs, "{n:e}, {:x}", n.to_bits());
            }
        }
    }

    /// Writes a number that may have an exponent without one, behind a comma.
    fn plain(text: &str, out: &mut String) {
        let (sign, text) = match text.strip_prefix('-') {
            Some(text) => ("-", text),
            None => ("", text),
        };
        let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent: isize = exponent.parse().unwrap();
        let point = whole.len().cast_signed() + exponent;
        let zeros = |n: isize| "0".repeat(n.max(0).cast_unsigned());
        let digits = [&zeros(1 - point), whole, fraction].concat();
        let point = point.max(1).cast_unsigned();
        let digits = format!("{digits:0<0$}", point + 1);
        let (whole, fraction) = digits.split_at(point);
        let fraction = match fraction.trim_end_matches('0') {
            "" => "0",
            fraction => fraction,
        };
        out.extend([",", sign, whole, ".", fraction]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn prints_as_the_standard_library_does(
            bits: u64, small in 0..1u64 << 52, digits in 0..10_000_000_000_000_000i64, shift in 0..50u32,
            scale in 0..23i32, float: u32, quarters in 1i64 << 51..1 << 53,
        ) {
            let few = (digits >> shift) as f64;
            let short = few / 10f64.powi(scale);
            for n in [
                f64::from_bits(bits),
                f64::from_bits(small >> shift),
                few,
                short,
                f64::from_bits(short.to_bits() ^ bits & 1),
                few * 10f64.powi(scale),
                few / 7.0,
                // Many of them are halfway between two that are as short.
                quarters as f64 / 4.0,
                quarters as f64 / 8.0,
            ] {
                check_double(n);
                check_double(-n);
                check_float(n as f32);
            }
            let few = (digits % 2_000_000) as f32 / 10f32.powi(scale % 11);
            for n in [f32::from_bits(float), f32::from_bits(float % (1 << 23)), few] {
                check_float(n);
                check_float(-n);
            }
        }
    }
}
