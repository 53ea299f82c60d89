//! The path that a template makes, from which no value of an event leads astray.

use std::fmt::Write;

use wlf_core::format::EncodedRecord;
use wlf_core::template::View;
use wlf_core::{Event, Operation, Table, Template, TemplateError};

/// The path of all rows of an event, by a template that looks at nothing else.
pub fn of_table(template: &Template, event: &Event) -> String {
    let names = Table::new(
        harmless(&event.table.database),
        harmless(&event.table.name),
        Vec::new(),
        Vec::new(),
    );
    let mut path = String::new();
    template.render_table(&names, event.operation, &mut path);
    path
}

/// The path of a row.
pub fn of_record(
    template: &Template,
    event: &Event,
    record: &EncodedRecord<'_>,
) -> Result<String, TemplateError> {
    let mut path = String::new();
    template.render_with(&mut View::of_record(event, record), put, &mut path)?;
    Ok(path)
}

/// The path of a template that looks at no event.
pub fn constant(template: &Template) -> String {
    let nothing = Table::new("", "", Vec::new(), Vec::new());
    let mut path = String::new();
    template.render_table(&nothing, Operation::Insert, &mut path);
    path
}

/// The folder that all paths of a template begin with.
pub fn folder(template: &Template) -> &str {
    let fixed = template.as_str().split("%{").next().unwrap_or_default();
    match fixed.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

fn harmless(value: &str) -> String {
    let mut out = String::new();
    put(value, &mut out);
    out
}

/// Appends a value so that it stays within its folder, and so that different values give different names: a separator, a
/// control character, `%`, and a `.` at the beginning, which could make `..`, become `%` and two hexadecimal digits.
fn put(value: &str, out: &mut String) {
    for (at, c) in value.char_indices() {
        let escaped = match c {
            '/' | '\\' | '%' | '\0'..='\x1f' | '\x7f' => true,
            '.' => at == 0,
            _ => false,
        };
        if escaped {
            // Writing to a string does not fail.
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    if value.is_empty() {
        // A folder or a file without a name would be the folder itself.
        out.push_str("%00");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_leads_out_of_its_folder() {
        for (value, name) in [
            ("orders", "orders"),
            ("a.b", "a.b"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("..", "%2E."),
            (".", "%2E"),
            ("/etc", "%2Fetc"),
            ("C:\\x", "C:%5Cx"),
            ("100%", "100%25"),
            ("a\0\n", "a%00%0A"),
            ("", "%00"),
            ("Größe 😁", "Größe 😁"),
        ] {
            let harmless = harmless(value);
            assert_eq!(harmless, name);
            assert!(!harmless.contains(['/', '\\', '\0']));
            assert!(!harmless.starts_with('.'));
        }
    }
}
