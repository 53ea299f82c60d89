//! What a plain scalar means: YAML's core schema.

use serde_yaml::Value;

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
    /// Resolves a plain scalar as serde_yaml does, so that a value means here what it means everywhere else.
    pub fn of(text: &str) -> Plain {
        if text.is_empty() {
            return Plain::Null;
        }
        let may_be_other_than_text = text.len() <= 40
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.~".contains(&byte))
            && text
                .bytes()
                .any(|byte| byte.is_ascii_alphanumeric() || byte == b'~');
        if !may_be_other_than_text {
            return Plain::Text;
        }
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
