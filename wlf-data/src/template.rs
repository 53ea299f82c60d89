//! Names made from events: `logFlex.%{/database}.%{/table}`.

mod view;

use std::fmt;
use std::str::FromStr;

use crate::config::InvalidValue;
use crate::config::{serialize_as_text, text_value};
use crate::event::{Operation, Table};
use crate::fault::Fault;
use crate::format::pointed::Member;

pub use view::View;

/// A text with JSON pointers (RFC 6901) into the event as JSON, compiled once.
///
/// A string is put in without quotes, a number as it stands in the JSON, NULL as `null`. `%{/data/name:-none}` gives `none`
/// where there is no such value. `%%{` stands for a literal `%{`.
///
/// Of a message `/topic` (or `/table`) is its stream, `/key` and `/headers/<name>` are its own, `/ts` is when it was made, in
/// seconds since 1970, and `/data/…` points into its value, if that is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Database,
    Table,
    Operation,
    Row(Pointer),
}

/// A pointer into a row or message, in its unescaped tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pointer {
    text: String,
    tokens: Vec<String>,
    /// What stands in for what it does not find.
    default: Option<String>,
}

/// A template that cannot be filled from a row.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("`%{{{pointer}}}` finds nothing in {place}")]
    Missing { pointer: String, place: String },
    #[error("`%{{{pointer}}}` finds {found} in {place}, and a name needs a single value")]
    NotSingle {
        pointer: String,
        found: &'static str,
        place: String,
    },
    #[error("`%{{{pointer}}}` meets {place}, which is not JSON")]
    Json {
        pointer: String,
        place: String,
        #[source]
        source: serde_json::Error,
    },
}

impl From<TemplateError> for Fault {
    fn from(error: TemplateError) -> Self {
        Fault::reject("make a name from a row", error).with_hint(
            "`%{/pointer:-default}` gives a default; `delivery.on_reject` decides what becomes of such a row",
        )
    }
}

/// The keys of an event that hold a single value.
const SINGLE: [&str; 9] = [
    "database", "table", "topic", "type", "ts", "xid", "xoffset", "commit", "key",
];
/// The keys of an event that hold a value for each column, header or member.
const COLUMNS: [&str; 3] = ["data", "old", "headers"];

impl Template {
    /// Says whether the text is the same for all events of one table and operation, so that it can be remembered.
    pub fn is_per_table(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part, Part::Row(_)))
    }

    /// Says whether the text is the same for all events.
    pub fn is_constant(&self) -> bool {
        self.parts
            .iter()
            .all(|part| matches!(part, Part::Literal(_)))
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Appends the text for a table to `out`; pointers into the row are left out, see [`is_per_table`](Self::is_per_table).
    pub fn render_table(&self, table: &Table, operation: Operation, out: &mut String) {
        for part in &self.parts {
            part.render_table(table, operation, out);
        }
    }

    /// Appends the text for a record to `out`. `view` is looked into for all templates of the record.
    ///
    /// # Errors
    /// If a pointer without default finds nothing, or one finds an object or a list; `out` then ends somewhere in the middle.
    pub fn render(&self, view: &mut View<'_>, out: &mut String) -> Result<(), TemplateError> {
        self.render_with(view, |value, out| out.push_str(value), out)
    }

    /// As [`render`](Self::render), with each value, as opposed to the template's own text, put into `out` by `put`: for
    /// places where not every character may stand.
    ///
    /// # Errors
    /// As `render`.
    pub fn render_with(
        &self,
        view: &mut View<'_>,
        put: impl Fn(&str, &mut String),
        out: &mut String,
    ) -> Result<(), TemplateError> {
        let (table, operation) = view.of();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Database => put(&table.database, out),
                Part::Table => put(&table.name, out),
                Part::Operation => put(operation.name(), out),
                Part::Row(pointer) => match view.find(pointer)? {
                    Some(value) => put(&value, out),
                    None => match &pointer.default {
                        Some(default) => put(default, out),
                        None => return Err(missing(pointer, table)),
                    },
                },
            }
        }
        Ok(())
    }

    /// Tells of each pointer into rows what it is of and its name there.
    pub(crate) fn point(&self, mut to: impl FnMut(Member, &str)) {
        for part in &self.parts {
            let Part::Row(pointer) = part else { continue };
            let tokens: Vec<&str> = pointer.tokens.iter().map(String::as_str).collect();
            match tokens.as_slice() {
                // They are the record's own.
                ["key"] | ["headers", ..] => {}
                ["data", column, ..] => to(Member::Data, column),
                ["old", column, ..] => to(Member::Old, column),
                [name, ..] => to(Member::Event, name),
                [] => {}
            }
        }
    }
}

fn missing(pointer: &Pointer, table: &Table) -> TemplateError {
    TemplateError::Missing {
        pointer: pointer.text.clone(),
        place: place(table),
    }
}

/// What a row or message is of, as an error names it.
fn place(table: &Table) -> String {
    if table.columns.is_empty() && table.database.is_empty() {
        format!("this message of {}", table.name)
    } else {
        format!("this row of {}.{}", table.database, table.name)
    }
}

impl Part {
    fn render_table(&self, table: &Table, operation: Operation, out: &mut String) {
        match self {
            Part::Literal(text) => out.push_str(text),
            Part::Database => out.push_str(&table.database),
            Part::Table => out.push_str(&table.name),
            Part::Operation => out.push_str(operation.name()),
            Part::Row(_) => {}
        }
    }
}

impl FromStr for Template {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("%{") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('%') {
                literal.push_str(before);
                literal.push_str("%{");
                rest = from.get(2..).unwrap_or_default();
                continue;
            }
            literal.push_str(before);
            let inside = from.get(2..).unwrap_or_default();
            let Some((pointer, after)) = inside.split_once('}') else {
                return Err(InvalidValue::new(format!(
                    "`{from}` begins a pointer and does not end it"
                ))
                .with_hint("write `%{/pointer}`, or `%%{` for a literal `%{`"));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part(pointer)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if parts.is_empty() {
            return Err(InvalidValue::new("an empty template gives an empty name")
                .with_hint("write a name, as in `logFlex.%{/database}.%{/table}`"));
        }
        Ok(Template {
            text: text.to_owned(),
            parts,
        })
    }
}

/// Compiles what stands between the braces.
fn part(whole: &str) -> Result<Part, InvalidValue> {
    let (pointer, default) = match whole.split_once(":-") {
        Some((pointer, default)) => (pointer, Some(default.to_owned())),
        None => (whole, None),
    };
    let Some(path) = pointer.strip_prefix('/') else {
        return Err(
            InvalidValue::new(format!("`%{{{pointer}}}` is not a JSON pointer"))
                .with_hint(format!("a pointer begins with a slash: `%{{/{pointer}}}`")),
        );
    };
    let mut tokens = Vec::new();
    for token in path.split('/') {
        tokens.push(unescape(token).ok_or_else(|| {
            InvalidValue::new(format!("`%{{{pointer}}}` is not a JSON pointer")).with_hint(
                "in a pointer `~0` stands for `~` and `~1` for `/`; `~` has no other use",
            )
        })?);
    }
    let names: Vec<&str> = tokens.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["database"] => return Ok(Part::Database),
        ["table" | "topic"] => return Ok(Part::Table),
        ["type"] => return Ok(Part::Operation),
        [single] if SINGLE.contains(single) => {}
        [columns, _, ..] if COLUMNS.contains(columns) => {}
        [columns] if COLUMNS.contains(columns) => {
            return Err(InvalidValue::new(format!(
                "`%{{{pointer}}}` is an object, not a single value"
            ))
            .with_hint(format!("name a column, as in `%{{/{columns}/id}}`")));
        }
        [single, ..] if SINGLE.contains(single) => {
            return Err(
                InvalidValue::new(format!("`%{{{pointer}}}` looks into a single value"))
                    .with_hint(format!("write `%{{/{single}}}`")),
            );
        }
        _ => return Err(unknown(pointer, names.first().copied().unwrap_or_default())),
    }
    Ok(Part::Row(Pointer {
        text: pointer.to_owned(),
        tokens,
        default,
    }))
}

/// A pointer whose first name no event has.
fn unknown(pointer: &str, name: &str) -> InvalidValue {
    let known = SINGLE.iter().chain(&COLUMNS).copied();
    let error = InvalidValue::new(format!(
        "`%{{{pointer}}}` finds nothing in any event: an event has {}",
        known
            .clone()
            .map(|name| format!("`/{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    ));
    match crate::config::closest(name, known) {
        Some(closest) => error.with_hint(format!("did you mean `/{closest}`?")),
        None => error.with_hint("a column is `/data/<column>`"),
    }
}

/// Undoes the escapes of a token; `None` if a `~` is followed by neither `0` nor `1`.
fn unescape(token: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = token.chars();
    while let Some(c) = rest.next() {
        out.push(match c {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

serialize_as_text!(Template);
text_value!(Template, "template", "a template, as in `shop.%{/table}`");

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use super::*;
    use crate::event::{Column, Event, Transaction};
    use crate::format::{Encoder, Format};
    use crate::value::{Datum, OwnedRows};

    fn table() -> Table {
        let columns = ["id", "name", "price", "none", "a/b", "tags", "doc"];
        let columns = columns.map(Column::untyped).to_vec();
        Table::new("shop", "orders", columns, vec![0])
    }

    /// A row that ends its transaction.
    fn row() -> Event {
        let mut event = OwnedRows::insert(
            &Arc::new(table()),
            [vec![
                u64::MAX.into(),
                "a\"é\n".into(),
                Datum::Decimal {
                    unscaled: 150,
                    scale: 2,
                },
                Datum::Null,
                "slash".into(),
                Datum::Json(r#"["x","y"]"#.to_owned()),
                Datum::Json(r#"{"city":"Bern"}"#.to_owned()),
            ]],
        );
        event.time = 1_700_000_000_000_000;
        event.transaction = Some(Transaction {
            number: NonZeroU64::MIN,
            xid: Some(77),
            offset: 0,
            commit: true,
        });
        event
    }

    fn render_as(
        format: Format,
        event: &Event,
        template: &str,
        put: fn(&str, &mut String),
    ) -> Result<String, TemplateError> {
        let template: Template = template.parse().unwrap();
        let mut encoder = Encoder::new(format).with_templates([&template]);
        encoder.encode(event).unwrap();
        let record = encoder.records().next().unwrap();
        let mut out = String::new();
        template.render_with(&mut View::of_record(event, &record), put, &mut out)?;
        Ok(out)
    }

    fn render(template: &str) -> Result<String, TemplateError> {
        render_as(Format::default(), &row(), template, |value, out| {
            out.push_str(value);
        })
    }

    #[test]
    fn a_template_of_the_table_needs_no_row() {
        let template: Template = "logFlex.%{/database}.%{/table}:%{/type}".parse().unwrap();
        assert!(template.is_per_table() && !template.is_constant());
        let mut out = String::new();
        template.render_table(&table(), Operation::Delete, &mut out);
        assert_eq!(out, "logFlex.shop.orders:delete");

        let constant: Template = "all%%{x}".parse().unwrap();
        assert!(constant.is_constant());
        let mut out = String::new();
        constant.render_table(&table(), Operation::Delete, &mut out);
        assert_eq!(out, "all%{x}");
    }

    #[test]
    fn values_may_be_put_in_in_another_form() {
        let template = "a/%{/table}/%{/data/a~1b}/%{/type}";
        let put = |value: &str, out: &mut String| out.push_str(&value.to_uppercase());
        let made = render_as(Format::default(), &row(), template, put);
        assert_eq!(made.unwrap(), "a/ORDERS/SLASH/INSERT");
    }

    #[test]
    fn values_of_the_row_are_put_in_as_they_stand() {
        for (template, text) in [
            ("%{/database}/%{/data/id}", "shop/18446744073709551615"),
            ("%{/data/price}", "1.50"),
            ("<%{/data/name}>", "<a\"é\n>"),
            ("%{/data/none}", "null"),
            ("%{/data/a~1b}", "slash"),
            ("%{/data/tags/1}", "y"),
            ("%{/data/doc/city}", "Bern"),
            ("%{/xid}-%{/commit}", "77-true"),
        ] {
            assert_eq!(render(template).unwrap(), text, "{template}");
        }
    }

    #[test]
    fn a_pointer_that_finds_no_single_value_is_an_error_that_names_the_table() {
        for (template, message) in [
            (
                "%{/data/nope}",
                "`%{/data/nope}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/old/id}",
                "`%{/old/id}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/xoffset}",
                "`%{/xoffset}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/data/tags/2}",
                "`%{/data/tags/2}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/data/tags/01}",
                "`%{/data/tags/01}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/data/id/x}",
                "`%{/data/id/x}` finds nothing in this row of shop.orders",
            ),
            (
                "%{/data/doc}",
                "`%{/data/doc}` finds an object in this row of shop.orders, and a name needs a single value",
            ),
            (
                "%{/data/tags}",
                "`%{/data/tags}` finds a list in this row of shop.orders, and a name needs a single value",
            ),
        ] {
            assert_eq!(render(template).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn templates_that_can_never_be_filled_are_refused() {
        for (template, message) in [
            ("", "an empty template gives an empty name"),
            (
                "a.%{/table",
                "`%{/table` begins a pointer and does not end it",
            ),
            ("%{table}", "`%{table}` is not a JSON pointer"),
            ("%{}", "`%{}` is not a JSON pointer"),
            (
                "%{/}",
                "`%{/}` finds nothing in any event: an event has `/database`, `/table`, `/topic`, `/type`, `/ts`, `/xid`, `/xoffset`, `/commit`, `/key`, `/data`, `/old`, `/headers`",
            ),
            ("%{/data}", "`%{/data}` is an object, not a single value"),
            ("%{/table/x}", "`%{/table/x}` looks into a single value"),
            ("%{/data/a~2}", "`%{/data/a~2}` is not a JSON pointer"),
        ] {
            let error = template.parse::<Template>().unwrap_err();
            assert_eq!(error.message, message);
            assert!(error.hint.is_some(), "{template}");
        }
        let error = "%{/tabel}".parse::<Template>().unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `/table`?"));
    }
}
