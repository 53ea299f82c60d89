use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time;

use super::{InvalidValue, serialize_as_text, text_value};

/// A length of time, written with its unit: `500ms`, `10s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

/// Milliseconds of each unit, larger ones first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Duration {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(time::Duration::from_millis(milliseconds))
    }

    pub const fn get(self) -> time::Duration {
        self.0
    }
}

impl Deref for Duration {
    type Target = time::Duration;

    fn deref(&self) -> &time::Duration {
        &self.0
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim_start();
        if !number.is_empty() && unit.is_empty() {
            return Err(
                InvalidValue::new(format!("`{text}` has no unit")).with_hint(format!(
                    "write `{text}s` for seconds; units are ms, s, m, h"
                )),
            );
        }
        let factor = UNITS.iter().find(|(name, _)| *name == unit);
        let (false, Some((_, factor))) = (number.is_empty(), factor) else {
            return Err(InvalidValue::new(format!("`{text}` is not a duration"))
                .with_hint("write a whole number and a unit, as in `500ms`, `10s`, `5m`, `1h`"));
        };
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor))
            .map(Duration::from_millis)
            .ok_or_else(|| InvalidValue::new(format!("`{text}` is too long a duration")))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        if milliseconds == 0 {
            return f.write_str("0s");
        }
        for (name, factor) in UNITS {
            if milliseconds.is_multiple_of(u128::from(factor)) {
                return write!(f, "{}{name}", milliseconds / u128::from(factor));
            }
        }
        Ok(())
    }
}

serialize_as_text!(Duration);
text_value!(Duration, "duration", "a duration, as in `10s`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, milliseconds, shown) in [
            ("500ms", 500, "500ms"),
            ("10s", 10_000, "10s"),
            ("5 m", 300_000, "5m"),
            ("1h", 3_600_000, "1h"),
            ("90s", 90_000, "90s"),
            ("0ms", 0, "0s"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.get().as_millis(), milliseconds, "{text}");
            assert_eq!(duration.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "1d",
            "1h30m",
            "99999999999999999999s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
