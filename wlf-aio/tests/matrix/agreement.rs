//! Whether what a format says of a value is what the server's client reads.

use crate::client::Cell;
use crate::format::is_date;
use crate::json::Json;
use crate::wkt;

/// A value as a format's rules say that it is to be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    /// Exactly what the client reads as the facet of that number.
    Facet(usize, Vec<u8>),
    /// A 32-bit number, by its text.
    Single(String),
    /// A 64-bit number, by its text.
    Double(String),
    Vector(Vec<String>),
    Document(Json),
    /// Well-known text.
    Shape(String),
    /// A date or date and time, or null; `or_none` if it may also stand for what is no date of the calendar.
    Moment {
        text: Option<String>,
        or_none: bool,
    },
}

impl Value {
    /// The value of the first facet.
    pub fn exact(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Facet(0, bytes.into())
    }
}

/// Compares a value with the client's.
///
/// # Errors
/// What was expected, in words.
pub fn agrees(value: &Value, cell: &Cell) -> Result<(), String> {
    let Some(facets) = cell else {
        return match value {
            Value::Moment { text: None, .. } => Ok(()),
            // Some formats do not tell a document that is null from none.
            Value::Null | Value::Document(Json::Null) => Ok(()),
            _ => Err("null".to_owned()),
        };
    };
    let text = || String::from_utf8_lossy(&facets[0]).into_owned();
    let agrees = match value {
        Value::Null => false,
        Value::Facet(number, bytes) => facets.get(*number) == Some(bytes),
        Value::Moment {
            text: found,
            or_none,
        } => found.as_ref() == Some(&text()) || *or_none && !is_date(&text()),
        Value::Single(found) => is_single(found, &text()),
        Value::Double(found) => is_double(found, &text()),
        Value::Vector(found) => is_vector(found, &facets[0]),
        Value::Document(found) => Json::parse(&text()).as_ref() == Ok(found),
        Value::Shape(found) => match (wkt::tokens(found), wkt::tokens(&text())) {
            (Ok(found), Ok(expected)) => found == expected,
            _ => false,
        },
    };
    if agrees {
        return Ok(());
    }
    if let Value::Facet(number, found) = value
        && let Some(expected) = facets.get(*number)
    {
        return Err(difference(expected, found));
    }
    let shown: Vec<String> = facets.iter().map(|facet| shown(facet)).collect();
    Err(shown.join(" or "))
}

/// Two texts from a little before they differ.
fn difference(expected: &[u8], found: &[u8]) -> String {
    let same = expected
        .iter()
        .zip(found)
        .take_while(|(one, other)| one == other);
    let from = same.count();
    let (expected, found) = (shown(&expected[from..]), shown(&found[from..]));
    format!("from byte {from} on {expected}, and not {found}")
}

/// A text and its bytes, cut where it is long.
pub fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let cut = &bytes[..bytes.len().min(SHOWN)];
    let hex: String = cut.iter().map(|byte| format!("{byte:02X}")).collect();
    let length = bytes.len();
    format!(
        "`{}` ({length} bytes, x'{hex}')",
        String::from_utf8_lossy(cut)
    )
}

/// `expected` is the number as a 64-bit one.
fn is_single(found: &str, expected: &str) -> bool {
    let (Ok(found_value), Ok(expected)) = (found.parse::<f32>(), expected.parse::<f64>()) else {
        return false;
    };
    let single = expected as f32;
    f64::from(single) == expected
        && single.to_bits() == found_value.to_bits()
        && digits(found) == digits(&format!("{single:e}"))
}

fn is_double(found: &str, expected: &str) -> bool {
    let (Ok(found_value), Ok(expected)) = (found.parse::<f64>(), expected.parse::<f64>()) else {
        return false;
    };
    found_value.to_bits() == expected.to_bits() && digits(found) == digits(&format!("{expected:e}"))
}

/// `expected` are the numbers' bytes.
fn is_vector(found: &[String], expected: &[u8]) -> bool {
    expected.len() == 4 * found.len()
        && found
            .iter()
            .zip(expected.chunks_exact(4))
            .all(|(found, bytes)| {
                let expected = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                let bits = found.parse::<f32>().map(f32::to_bits);
                bits == Ok(expected.to_bits()) && digits(found) == digits(&format!("{expected:e}"))
            })
}

/// The digits that count, so that shortest texts are told from longer ones however they are written.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

#[test]
fn floating_point_numbers_agree_bit_by_bit_in_their_shortest_text() {
    let single = f64::from(0.1f32).to_string();
    assert!(is_single("0.1", &single));
    assert!(is_single("1e-1", &single));
    assert!(!is_single("0.100000001", &single), "not the shortest");
    assert!(!is_single("0.1", "0.1"), "not a 32-bit number");
    assert!(is_double("1e22", "1e22"));
    assert!(is_double("5e-324", "4.9406564584124654e-324"));
    assert!(!is_double("0", "-0"));
}
