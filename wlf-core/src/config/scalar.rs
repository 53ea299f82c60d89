//! What a plain scalar means: YAML's core schema.

/// The meaning of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text,
}

impl Plain {
    /// Resolves a plain scalar as serde_yaml does, so that a value means here what it means everywhere else. A test
    /// compares them; a second YAML parser in the program only for this would be a fiftieth of it.
    pub fn of(text: &str) -> Plain {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
            "true" | "True" | "TRUE" => return Plain::Bool(true),
            "false" | "False" | "FALSE" => return Plain::Bool(false),
            _ => {}
        }
        // Digits behind a zero are text.
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let numbered = unsigned.strip_prefix('0').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        if text.len() > 40 || numbered {
            return Plain::Text;
        }
        integer(text)
            .or_else(|| float(text).map(Plain::Float))
            .unwrap_or(Plain::Text)
    }
}

/// A whole number; one of more than 64 bits is text, and one of more than 128 may still be a float.
fn integer(text: &str) -> Option<Plain> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, radix)))
        .unwrap_or((digits, 10));
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = u128::from_str_radix(digits, radix).ok()?;
    if !negative || number == 0 {
        return Some(u64::try_from(number).map_or(Plain::Text, Plain::Unsigned));
    }
    let number = 0i128.checked_sub_unsigned(number)?;
    Some(i64::try_from(number).map_or(Plain::Text, Plain::Signed))
}

fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let number: f64 = text.parse().ok()?;
    // Rust also reads `inf` and `nan`, which are text here.
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_yaml::Value;

    use super::*;

    /// What serde_yaml makes of a plain scalar of at most 40 characters, all of which are these of a number or word.
    fn theirs(text: &str) -> Plain {
        match serde_yaml::from_str(text) {
            Ok(Value::Null) => Plain::Null,
            Ok(Value::Bool(value)) => Plain::Bool(value),
            Ok(Value::Number(number)) => {
                if let Some(value) = number.as_u64() {
                    Plain::Unsigned(value)
                } else if let Some(value) = number.as_i64() {
                    Plain::Signed(value)
                } else {
                    number.as_f64().map_or(Plain::Text, Plain::Float)
                }
            }
            _ => Plain::Text,
        }
    }

    fn assert_agree(text: &str) {
        // What is not a number is not equal to itself.
        let (ours, theirs) = (Plain::of(text), theirs(text));
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{text}");
    }

    #[test]
    fn scalars_mean_what_serde_yaml_says() {
        for text in [
            "NULL",
            "Null",
            "TRUE",
            "False",
            "nULL",
            "+",
            "0",
            "-0",
            "+0",
            "00",
            "-00",
            "+07",
            "0.5",
            "00.5",
            "-1",
            "+1",
            "--1",
            "+-1",
            "1.",
            ".5",
            "-.5",
            "+.5",
            ".",
            "1e5",
            "1E-5",
            "1e400",
            "-1e400",
            "inf",
            "nan",
            "NaN",
            "infinity",
            ".inf",
            "-.INF",
            "+.Inf",
            ".nan",
            ".NaN",
            "-.nan",
            "+.nan",
            "0x",
            "0xg",
            "0xFF",
            "-0xff",
            "+0xff",
            "0x-1",
            "0x+1",
            "0X1",
            "0o",
            "0o8",
            "0o17",
            "-0o17",
            "0b101",
            "-0b101",
            "0b2",
            "1_000",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "0xffffffffffffffff",
            "0x10000000000000000",
            "-0x8000000000000000",
            "-0x8000000000000001",
            "1e",
            "e1",
            "0e0",
            "-0.0",
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211456",
            "170141183460469231731687303715884105728",
            "-170141183460469231731687303715884105729",
        ] {
            assert_agree(text);
        }
    }

    proptest! {
        #[test]
        fn any_scalar_means_what_serde_yaml_says(text in "[-+]{0,2}(0[xob])?[-+]?[0-9a-fA-F.~nul]{1,20}([eE][-+]?[0-9]{1,3})?") {
            // Marks of a document's begin and end are no scalars.
            prop_assume!(text.bytes().any(|byte| byte.is_ascii_alphanumeric() || byte == b'~'));
            assert_agree(&text);
        }
    }

    #[test]
    fn scalars_mean_what_the_core_schema_says() {
        for (text, plain) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("null", Plain::Null),
            ("true", Plain::Bool(true)),
            ("False", Plain::Bool(false)),
            ("yes", Plain::Text),
            ("3306", Plain::Unsigned(3306)),
            ("-1", Plain::Signed(-1)),
            ("0x1F", Plain::Unsigned(31)),
            ("0o17", Plain::Unsigned(15)),
            ("007", Plain::Text),
            ("1.5", Plain::Float(1.5)),
            ("1e3", Plain::Float(1000.0)),
            ("18446744073709551615", Plain::Unsigned(u64::MAX)),
            ("10s", Plain::Text),
            ("-", Plain::Text),
            ("---", Plain::Text),
            ("...", Plain::Text),
            ("a: b", Plain::Text),
        ] {
            assert_eq!(Plain::of(text), plain, "{text}");
        }
    }
}
