//! How messages become records: as they came, or inside of an envelope.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::buffer::Buffer;
use super::encoder::Encoder;
use super::record::{Beside, Content, End, HeaderKind, Shape};
use crate::checksum;
use crate::config::Shared;
use crate::event::{EncodeError, Event};
use crate::message::{Headers, Message};

/// The form in which a dispatcher writes messages, as opposed to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = Shared("messages"))]
pub enum MessageFormat {
    /// Value, key and headers as they came.
    #[default]
    Raw,
    /// A JSON object: `{"topic":…,"key":…,"ts":…,"ts_us":…,"headers":{…},"data":…}`. `data` is the value: as it is if it is
    /// JSON, else as a string, and what is not UTF-8 in base64 beside `"encoding":"base64"`.
    Json,
    /// A cloud event in structured JSON. What the message's own `ce_` headers say of it counts.
    CloudEvents,
}

impl Encoder {
    /// Encodes the messages of an event behind what is there already, each as a row: beside
    /// [`encode_rows`](Self::encode_rows), which rows go through, what an implementation of [`Changes`](crate::Changes) over
    /// messages calls.
    ///
    /// # Errors
    /// None at the moment.
    pub fn encode_messages<'m>(
        &mut self,
        event: &Event,
        messages: impl Iterator<Item = Message<'m>>,
    ) -> Result<(), EncodeError> {
        if self.in_lanes {
            return self.encode_aside(|encoder| encoder.encode_messages(event, messages));
        }
        for message in messages {
            self.encode_message(event, &message);
        }
        Ok(())
    }

    fn encode_message(&mut self, event: &Event, message: &Message<'_>) {
        let value = message.value.unwrap_or_default();
        let mut header = HeaderKind::None;
        let mut content = Content::Bytes;
        match self.messages_as {
            MessageFormat::Raw => {
                self.payload.put(value);
                if message.value.is_none() {
                    content = Content::Null;
                }
            }
            MessageFormat::Json => envelope(event, message, &mut self.payload),
            MessageFormat::CloudEvents => {
                cloud_event(event, message, &mut self.payload);
                header = HeaderKind::CloudEvent;
            }
        }
        if self.keys_as.is_some() {
            self.keys.put(message.key.unwrap_or_default());
        }
        let beside = Beside {
            // A cloud event has them inside.
            headers: match self.messages_as {
                MessageFormat::Raw | MessageFormat::Json => message.headers,
                MessageFormat::CloudEvents => Headers::default(),
            },
            time: message.time,
            view: self.has_views().then_some(value),
        };
        beside.put(&[], &mut self.packed);
        self.ends.push(End {
            payload: self.payload.len(),
            key: self.keys.len(),
            view: self.views.len(),
            shape: Shape {
                value: content,
                keyless: message.key.is_none(),
                header,
                packed: true,
                more: false,
            },
        });
    }
}

/// Writes the JSON object that stands for a message.
fn envelope(event: &Event, message: &Message<'_>, out: &mut Buffer) {
    out.put(b"{\"topic\":");
    out.string(event.table.name.as_bytes());
    out.put(b",\"key\":");
    match message.key {
        None => out.put(b"null"),
        Some(key) => text(key, "key_encoding", out),
    }
    let time = message.time.max(0).unsigned_abs();
    out.put(b",\"ts\":");
    out.unsigned(time / 1_000_000);
    out.put(b",\"ts_us\":");
    out.unsigned(time);
    out.put(b",\"headers\":");
    headers(message.headers, out);
    out.put(b",\"data\":");
    data(message.value, "encoding", out);
    out.byte(b'}');
}

/// Writes headers as an object; of several under one name a list.
fn headers(headers: Headers<'_>, out: &mut Buffer) {
    out.byte(b'{');
    let all: Vec<_> = headers.iter().collect();
    let mut is_first = true;
    for (n, (name, value)) in all.iter().enumerate() {
        let same = |other: &&(&str, &[u8])| other.0 == *name;
        if all
            .get(..n)
            .is_some_and(|before| before.iter().any(|other| same(&other)))
        {
            continue;
        }
        if !std::mem::replace(&mut is_first, false) {
            out.byte(b',');
        }
        out.string(name.as_bytes());
        out.byte(b':');
        let of_name: Vec<_> = all.iter().filter(same).collect();
        if let [_] = of_name.as_slice() {
            header(value, out);
            continue;
        }
        for (n, (_, value)) in of_name.into_iter().enumerate() {
            out.byte(if n == 0 { b'[' } else { b',' });
            header(value, out);
        }
        out.byte(b']');
    }
    out.byte(b'}');
}

fn header(value: &[u8], out: &mut Buffer) {
    if std::str::from_utf8(value).is_ok() {
        out.string(value);
    } else {
        out.put(b"{\"base64\":\"");
        out.base64(value, value.len());
        out.put(b"\"}");
    }
}

/// Writes bytes as a string; what is no UTF-8 in base64, with a member behind it that says so.
fn text(bytes: &[u8], member: &str, out: &mut Buffer) {
    if std::str::from_utf8(bytes).is_ok() {
        out.string(bytes);
        return;
    }
    out.byte(b'"');
    out.base64(bytes, bytes.len());
    out.put(b"\",");
    out.string(member.as_bytes());
    out.put(b":\"base64\"");
}

/// Writes a value as JSON: what is JSON as it is, on one line.
pub(super) fn data(value: Option<&[u8]>, member: &str, out: &mut Buffer) {
    match value {
        None => out.put(b"null"),
        Some(value) => match serde_json::from_slice::<&RawValue>(value) {
            Ok(json) => one_line(json.get(), out),
            Err(_) => text(value, member, out),
        },
    }
}

/// Writes JSON without the breaks of lines, which stand only between its tokens.
fn one_line(json: &str, out: &mut Buffer) {
    for line in json.split(['\n', '\r']) {
        out.put(line.as_bytes());
    }
}

/// Writes a cloud event (version 1.0, structured mode) for a message.
fn cloud_event(event: &Event, message: &Message<'_>, out: &mut Buffer) {
    let said = |name: &str| {
        let header = message.headers.find(&format!("ce_{name}"));
        let header = header.or_else(|| message.headers.find(&format!("ce-{name}")));
        header.and_then(|value| std::str::from_utf8(value).ok())
    };
    out.put(b"{\"specversion\":\"1.0\",\"id\":");
    match said("id") {
        Some(id) => out.string(id.as_bytes()),
        None => {
            // The same for a message that comes again.
            let mut all = Vec::from(message.key.unwrap_or_default());
            all.extend_from_slice(message.value.unwrap_or_default());
            let id = format!("{}-{:08x}", message.time, checksum::crc32c(&all));
            out.string(id.as_bytes());
        }
    }
    out.put(b",\"source\":");
    match said("source") {
        Some(source) => out.string(source.as_bytes()),
        None => out.string(format!("/{}", event.table.name).as_bytes()),
    }
    out.put(b",\"type\":");
    out.string(said("type").unwrap_or("wlf.message").as_bytes());
    out.put(b",\"subject\":");
    out.string(said("subject").unwrap_or(&event.table.name).as_bytes());
    if let Some(time) = said("time") {
        out.put(b",\"time\":");
        out.string(time.as_bytes());
    } else if message.time > 0 {
        out.put(b",\"time\":\"");
        instant(message.time, out);
        out.byte(b'"');
    }
    let value = message.value.unwrap_or_default();
    if let Ok(json) = serde_json::from_slice::<&RawValue>(value) {
        out.put(b",\"datacontenttype\":\"application/json\",\"data\":");
        one_line(json.get(), out);
    } else if std::str::from_utf8(value).is_ok() {
        out.put(b",\"datacontenttype\":\"text/plain\",\"data\":");
        out.string(value);
    } else {
        out.put(b",\"datacontenttype\":\"application/octet-stream\",\"data_base64\":\"");
        out.base64(value, value.len());
        out.byte(b'"');
    }
    out.byte(b'}');
}

/// Writes microseconds since 1970 as RFC 3339 has them.
pub(super) fn instant(microseconds: i64, out: &mut Buffer) {
    let seconds = microseconds.max(0).unsigned_abs() / 1_000_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Civil from days, for days since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let micro = microseconds.max(0).unsigned_abs() % 1_000_000;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text =
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z");
    out.put(text.as_bytes());
}

#[cfg(test)]
mod tests;
