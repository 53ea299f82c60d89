//! MariaDB's JSON, which is text with a check: written without the white space between its parts.

use serde::de::IgnoredAny;
use wlf_core::format::Buffer;

/// Whether the text is a JSON document (RFC 8259). A check can be switched off, so what is in a column need not be one.
pub fn is_document(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Writes a document without white space outside of its strings, else as it stands.
pub fn write(document: &[u8], out: &mut Buffer) {
    let mut inside = false;
    let mut escaped = false;
    let pieces = document.split_inclusive(|byte| {
        let ends = match byte {
            b'"' if !escaped => {
                inside = !inside;
                false
            }
            b' ' | b'\t' | b'\n' | b'\r' => !inside,
            _ => false,
        };
        escaped = inside && *byte == b'\\' && !escaped;
        ends
    });
    for piece in pieces {
        match piece.split_last() {
            Some((b' ' | b'\t' | b'\n' | b'\r', piece)) => out.text(piece),
            _ => out.text(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compact(document: &str) -> String {
        let mut out = Buffer::new();
        write(document.as_bytes(), &mut out);
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn only_white_space_between_parts_is_left_out() {
        assert_eq!(
            compact(
                "\t{ \"a b\" : [ 1.50, 1e+2 ,\r\n 123456789012345678901234567890 ],\"a b\":\"\\\\\" } "
            ),
            r#"{"a b":[1.50,1e+2,123456789012345678901234567890],"a b":"\\"}"#
        );
        assert_eq!(compact(r#""a \" b \\" "#), r#""a \" b \\""#);
        assert_eq!(compact("null"), "null");
    }

    #[test]
    fn tells_documents_from_other_text() {
        for document in [
            "{}",
            " [1, 2] ",
            "\"x\"",
            "1",
            "null",
            &"[".repeat(500),
            "\"\t\"",
            "",
        ] {
            let is_one = document.len() < 100 && !["\"\t\"", ""].contains(&document);
            assert_eq!(is_document(document.as_bytes()), is_one, "{document}");
        }
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(is_document(deep.as_bytes()));
    }

    proptest! {
        #[test]
        fn means_the_same(numbers in proptest::collection::vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 0..5), text in "[ -~\n\t]{0,20}") {
            let value = serde_json::json!({ "numbers": numbers, "text": text, text.clone(): [[], {}, null] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), serde_json::to_string(&value).unwrap());
        }
    }
}
