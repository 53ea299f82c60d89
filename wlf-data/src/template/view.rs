//! A record as templates look into it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Pointer, TemplateError, place};
use crate::event::{Event, Operation, Table};
use crate::format::EncodedRecord;
use crate::format::pointed::{self, Member};
use crate::json_text::JsonText;
use crate::message::Headers;

/// A record, and what was found in it so far.
#[derive(Debug)]
pub struct View<'a> {
    table: &'a Table,
    operation: Operation,
    key: Option<&'a [u8]>,
    headers: Headers<'a>,
    /// Of a message, in microseconds since 1970.
    time: i64,
    /// A row's packed values; the message's value; of a schema change Maxwell's JSON.
    text: &'a [u8],
    /// Its members, once somebody looked at them.
    members: Option<Members<'a>>,
}

/// The members of an object, in their order.
type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

impl<'a> View<'a> {
    /// A record of an event, whose encoder knows the templates (`Encoder::with_templates`).
    pub fn of_record(event: &'a Event, record: &EncodedRecord<'a>) -> Self {
        let key = Some(record.identity).filter(|key| !key.is_empty());
        Self {
            key: record.key.or(key),
            headers: record.headers,
            time: record.time,
            text: record.view,
            ..Self::of_table(event)
        }
    }

    /// An event's table or stream alone, for a template that looks at nothing else.
    pub fn of_table(event: &'a Event) -> Self {
        Self {
            table: &event.table,
            operation: event.operation,
            key: None,
            headers: Headers::default(),
            time: 0,
            text: b"",
            members: None,
        }
    }

    pub(super) fn of(&self) -> (&'a Table, Operation) {
        (self.table, self.operation)
    }

    /// What a pointer finds, as text; `None` if there is no such thing.
    pub(super) fn find(
        &mut self,
        pointer: &Pointer,
    ) -> Result<Option<Cow<'a, str>>, TemplateError> {
        let is_message = self.operation == Operation::Message;
        let tokens: Vec<&str> = pointer.tokens.iter().map(String::as_str).collect();
        match tokens.as_slice() {
            ["key"] => return Ok(self.key.map(String::from_utf8_lossy)),
            ["headers", name] => return Ok(self.headers.find(name).map(String::from_utf8_lossy)),
            ["ts"] if is_message => {
                let seconds = self.time.max(0) / 1_000_000;
                return Ok(Some(seconds.to_string().into()));
            }
            _ => {}
        }
        let (value, rest) = match tokens.as_slice() {
            ["data", first, rest @ ..] if is_message => (self.member_of_object(first), rest),
            _ if is_message => return Ok(None),
            [columns @ ("data" | "old"), column, rest @ ..] => {
                let of = match *columns {
                    "data" => Member::Data,
                    _ => Member::Old,
                };
                (self.value_of_row(of, column), rest)
            }
            [name, rest @ ..] if self.operation == Operation::Ddl => {
                (self.member_of_object(name), rest)
            }
            [name, rest @ ..] => (self.value_of_row(Member::Event, name), rest),
            [] => return Ok(None),
        };
        let not_json = |source| TemplateError::Json {
            pointer: pointer.text.clone(),
            place: place(self.table),
            source,
        };
        let Some(mut value) = value.map_err(not_json)? else {
            return Ok(None);
        };
        for token in rest {
            match step(value, token).map_err(not_json)? {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        let text = value.get();
        let found = match text.bytes().next() {
            Some(b'"') => {
                let text: JsonText<'a> = serde_json::from_str(text).map_err(not_json)?;
                return Ok(Some(text.0));
            }
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            _ => return Ok(Some(text.into())),
        };
        Err(TemplateError::NotSingle {
            pointer: pointer.text.clone(),
            found,
            place: place(self.table),
        })
    }

    /// What the encoder packed of a row; nothing of a schema change.
    fn value_of_row(
        &self,
        of: Member,
        name: &str,
    ) -> Result<Option<&'a RawValue>, serde_json::Error> {
        if self.operation == Operation::Ddl {
            return Ok(None);
        }
        pointed::find(self.text, of, name).map(raw).transpose()
    }

    /// Of a message's value, or of a schema change, which is parsed once for all pointers.
    fn member_of_object(&mut self, name: &str) -> Result<Option<&'a RawValue>, serde_json::Error> {
        let text = self.text;
        Ok(member(members(&mut self.members, text)?, name))
    }
}

fn raw(text: &[u8]) -> Result<&RawValue, serde_json::Error> {
    serde_json::from_slice(text)
}

/// The members of an object, which is parsed if that was not done before; none of anything else.
fn members<'m, 'a>(
    slot: &'m mut Option<Members<'a>>,
    text: &'a [u8],
) -> Result<&'m Members<'a>, serde_json::Error> {
    if slot.is_none() {
        let value = raw(text)?;
        *slot = Some(match value.get().starts_with('{') {
            true => serde_json::Deserializer::from_str(value.get()).deserialize_map(All)?,
            false => Members::new(),
        });
    }
    Ok(slot.get_or_insert_default())
}

/// The last member under a name.
fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    let of_name = members.iter().rev().find(|(key, _)| key == name);
    of_name.map(|(_, value)| *value)
}

/// Goes one token down; `None` if there is no such key or index, or nothing to go into.
fn step<'a>(value: &'a RawValue, token: &str) -> Result<Option<&'a RawValue>, serde_json::Error> {
    let json = value.get();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    match json.bytes().next() {
        Some(b'{') => Ok(member(&deserializer.deserialize_map(All)?, token)),
        Some(b'[') => match index(token) {
            Some(index) => deserializer.deserialize_seq(Element(index)),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The index that a token means, without leading zeros as the RFC wants it.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}

/// Finds all members of an object.
struct All;

impl<'de> Visitor<'de> for All {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::new();
        while let Some((key, value)) = map.next_entry::<JsonText<'de>, &'de RawValue>()? {
            members.push((key.0, value));
        }
        Ok(members)
    }
}

/// Finds the element of a list at an index and skips all others.
struct Element(usize);

impl<'de> Visitor<'de> for Element {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        for _ in 0..self.0 {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = list.next_element()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Template;
    use crate::format::{Encoder, Format, MessageFormat};
    use crate::message::{HeaderList, Message, MessageBlock};

    fn render(form: MessageFormat, value: &[u8], template: &str) -> Result<String, TemplateError> {
        let mut headers = HeaderList::default();
        headers.push("tenant", b"acme");
        let message = Message {
            key: Some(b"k1"),
            value: Some(value),
            headers: headers.headers(),
            time: 1_700_000_000_999_999,
        };
        let stream = Arc::new(Table::stream("orders"));
        let event = MessageBlock::single(&message)
            .into_events(&stream)
            .remove(0);
        let template: Template = template.parse().unwrap();
        let mut encoder = Encoder::new(Format::default())
            .with_keys()
            .with_templates([&template])
            .with_messages_as(form);
        encoder.encode(&event).unwrap();
        let record = encoder.records().next().unwrap();
        let mut out = String::new();
        template.render(&mut View::of_record(&event, &record), &mut out)?;
        Ok(out)
    }

    #[test]
    fn templates_look_into_messages_whatever_they_are_written_as() {
        let value = br#"{"id": 7, "to": {"city": "Bern"}, "tags": ["a"]}"#;
        for form in [MessageFormat::Raw, MessageFormat::Json] {
            let template = "%{/topic}.%{/table}%{/database}:%{/type}:%{/key}:%{/headers/tenant}:%{/ts}:%{/data/id}:%{/data/to/city}:%{/data/tags/0}";
            let expected = "orders.orders:message:k1:acme:1700000000:7:Bern:a";
            assert_eq!(render(form, value, template).unwrap(), expected);
        }
        let made = render(MessageFormat::CloudEvents, value, "%{/key}:%{/data/id}");
        assert_eq!(made.unwrap(), "k1:7");
    }

    #[test]
    fn what_a_message_has_not_is_missing_or_the_default() {
        for (template, message) in [
            (
                "%{/headers/x}",
                "`%{/headers/x}` finds nothing in this message of orders",
            ),
            (
                "%{/old/id}",
                "`%{/old/id}` finds nothing in this message of orders",
            ),
            (
                "%{/xid}",
                "`%{/xid}` finds nothing in this message of orders",
            ),
            (
                "%{/data/x/y}",
                "`%{/data/x/y}` finds nothing in this message of orders",
            ),
        ] {
            let made = render(MessageFormat::Raw, b"{\"id\":1}", template);
            assert_eq!(made.unwrap_err().to_string(), message);
        }
        let made = render(
            MessageFormat::Raw,
            b"{}",
            "%{/headers/x:-none}.%{/data/x:-}%{/key:-y}",
        );
        assert_eq!(made.unwrap(), "none.k1");
        let made = render(MessageFormat::Raw, b"7", "%{/data/x:-none}");
        assert_eq!(made.unwrap(), "none");
        let text = render(MessageFormat::Raw, b"text", "%{/data/x}").unwrap_err();
        assert_eq!(
            text.to_string(),
            "`%{/data/x}` meets this message of orders, which is not JSON"
        );
        let object = render(MessageFormat::Raw, b"{\"a\":{}}", "%{/data/a:-none}").unwrap_err();
        assert!(
            object
                .to_string()
                .contains("finds an object in this message of orders")
        );
    }
}
