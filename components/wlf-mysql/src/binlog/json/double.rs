//! Floating point numbers in JSON documents, as MySQL prints them.

use wlf_core::format::Buffer;

/// How many digits stand before the point of a number without an exponent (mysql-server, `my_gcvt`); below zero, so many
/// zeros behind it.
const LEAST: i32 = -14;
const MOST: i32 = 15;

/// Writes the shortest digits that read back as the same number, laid out as the server does, or `null` for what JSON has
/// no number for; behind what separates it from what is before it.
#[inline(always)]
pub fn write(number: f64, separator: Option<u8>, out: &mut Buffer) {
    out.double_within(number, separator, LEAST, MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_doubles_as_the_server_does() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-0.5, "-0.5"),
            (1e14, "100000000000000.0"),
            (1e15, "1e15"),
            (123_456.789, "123456.789"),
            (1e-14, "0.00000000000001"),
            (1e-15, "0.000000000000001"),
            (1.234e-15, "0.000000000000001234"),
            (9.5e-16, "9.5e-16"),
            (1.5e-20, "1.5e-20"),
            (999_999_999_999_999.9, "999999999999999.9"),
            // Halfway between two that read back, of which the server takes the even one.
            (
                f64::from_bits(0xc310_14be_d3c2_47fd),
                "-1.1316023641093112e15",
            ),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e308"),
            (f64::NAN, "null"),
        ] {
            for (separator, before) in [(None, ""), (Some(b'['), "[")] {
                let mut out = Buffer::new();
                write(number, separator, &mut out);
                let written = String::from_utf8(out.as_slice().to_vec()).unwrap();
                assert_eq!(written, format!("{before}{expected}"));
            }
        }
    }
}
