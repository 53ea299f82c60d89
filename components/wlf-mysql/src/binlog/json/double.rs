//! Floating point numbers in JSON documents, as MySQL prints them.

use wlf_core::format::Buffer;

/// Writes the shortest digits that read back as the same number, laid out as the server does (mysql-server, `my_gcvt`):
/// plainly while the point is at most 15 places away, else with an exponent.
pub fn write(number: f64, out: &mut Buffer) {
    if !number.is_finite() {
        out.put(b"null");
    } else if !out.plain_double(number) {
        longer(number, out);
    }
}

#[inline(never)]
fn longer(number: f64, out: &mut Buffer) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number.abs()).as_bytes();
    let (mantissa, exponent) = match text.iter().position(|byte| *byte == b'e') {
        Some(at) => text.split_at_checked(at).unwrap_or((text, &[])),
        None => (text, &[][..]),
    };
    let exponent = exponent.get(1..).map(std::str::from_utf8);
    let exponent: i32 = match exponent {
        Some(Ok(text)) => text.parse().unwrap_or(0),
        _ => 0,
    };
    // Without the point, and without zeros at either end.
    let mut all = [0; 24];
    let mut len = 0_usize;
    let mut point = 0_i32;
    for byte in mantissa.iter().take_while(|byte| **byte != b'.') {
        if let (true, Some(place)) = (len > 0 || *byte != b'0', all.get_mut(len)) {
            *place = *byte;
            len = len.saturating_add(1);
            point = point.saturating_add(1);
        }
    }
    for byte in mantissa.iter().skip_while(|byte| **byte != b'.').skip(1) {
        if len == 0 && *byte == b'0' {
            point = point.saturating_sub(1);
        } else if let Some(place) = all.get_mut(len) {
            *place = *byte;
            len = len.saturating_add(1);
        }
    }
    let mut digits = all.get(..len).unwrap_or_default();
    while let [front @ .., b'0'] = digits {
        digits = front;
    }
    if digits.is_empty() {
        digits = b"0";
        point = 1;
    }
    if number.is_sign_negative() {
        out.byte(b'-');
    }
    // The point stands behind so many of the digits.
    lay_out(digits, point.saturating_add(exponent), out);
}

/// Writes digits of which `point` stand before the point.
fn lay_out(digits: &[u8], point: i32, out: &mut Buffer) {
    if !(-14..=15).contains(&point) {
        let (first, others) = digits.split_at_checked(1).unwrap_or((digits, &[]));
        out.put(first);
        if !others.is_empty() {
            out.byte(b'.');
            out.put(others);
        }
        out.byte(b'e');
        out.signed(i64::from(point).saturating_sub(1));
        return;
    }
    match usize::try_from(point) {
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at_checked(point).unwrap_or((digits, &[]));
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
            out.put(digits);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(number: f64) -> String {
        let mut out = Buffer::new();
        write(number, &mut out);
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn writes_doubles_as_the_server_does() {
        for (number, expected) in [
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (1e14, "100000000000000.0"),
            (1e15, "1e15"),
            (123_456.789, "123456.789"),
            (1e-14, "0.00000000000001"),
            (1.5e-20, "1.5e-20"),
            // Halfway between two that read back, of which the server takes the even one.
            (
                f64::from_bits(0xc310_14be_d3c2_47fd),
                "-1.1316023641093112e15",
            ),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e308"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    /// The standard library's shortest digits, and how many of them stand before the point.
    fn digits(number: f64) -> (String, i32) {
        let text = format!("{:e}", number.abs());
        let (digits, exponent) = text.split_once('e').unwrap();
        (
            digits.replace('.', ""),
            exponent.parse::<i32>().unwrap() + 1,
        )
    }

    proptest! {
        #[test]
        fn has_the_shortest_digits(bits: u64, few in 0..10_000_000i64, scale in 0..9i32) {
            for number in [f64::from_bits(bits), few as f64 / 10f64.powi(scale), few as f64 * 10f64.powi(scale)] {
                if !number.is_finite() {
                    continue;
                }
                let printed = text(number);
                prop_assert_eq!(printed.parse::<f64>().unwrap(), number);
                let (shortest, point) = digits(number);
                let mantissa = printed.split('e').next().unwrap();
                let own = mantissa.replace(['-', '.'], "");
                let own = own.trim_matches('0');
                prop_assert_eq!(own.len(), shortest.trim_matches('0').len());
                let mut expected = Buffer::new();
                if number.is_sign_negative() {
                    expected.byte(b'-');
                }
                lay_out(if own.is_empty() { b"0" } else { own.as_bytes() }, point, &mut expected);
                prop_assert_eq!(printed.as_bytes(), expected.as_slice());
            }
        }
    }
}
