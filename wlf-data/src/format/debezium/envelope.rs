//! What stands around a row's images: prepared once for each event, but for the row's number and the operation.

use crate::event::{Event, Table};
use crate::format::buffer::Buffer;
use crate::format::row_format::Moment;
use crate::origin::Origin;

use super::options::Options;

/// The version that `source.version` says: this program's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which envelope stands around the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Envelope {
    Debezium,
    /// Structured JSON, as Debezium's converter writes it.
    CloudEvents,
}

/// The texts between a row's parts, the same for all rows of an event.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// The rows' number in the binlog's event.
    first: u32,
    /// Debezium: the source up to the row, and what is behind it up to the operation; then what ends the envelope.
    /// CloudEvents: up to the row, up to the operation, up to the row again, and up to the data.
    parts: [Buffer; 4],
}

/// Where a row comes from, in the terms of Debezium's `source`.
pub(super) struct SourceBlock<'a> {
    pub connector: &'a str,
    /// When the change was made, in microseconds since 1970.
    pub microseconds: u64,
    pub database: &'a str,
    pub table: Option<&'a str>,
    pub query: Option<&'a str>,
    pub origin: &'a Origin<'a>,
}

/// What a source that is no server is called.
const NO_SERVER: &str = "wlf";

/// The connector's name for a kind of server.
pub(super) fn connector(server: &str) -> &str {
    if server.is_empty() { NO_SERVER } else { server }
}

impl<'a> SourceBlock<'a> {
    pub fn new(event: &'a Event, origin: &'a Origin<'a>, options: &Options) -> Self {
        let table: &Table = &event.table;
        Self {
            connector: connector(origin.server),
            microseconds: match origin.committed {
                Some(microseconds) => microseconds,
                None => event.microseconds(),
            },
            database: &table.database,
            table: Some(&table.name)
                .filter(|name| !name.is_empty())
                .map(String::as_str),
            query: origin.query.filter(|_| options.include_query),
            origin,
        }
    }

    /// Writes the struct up to the row's number.
    fn front(&self, options: &Options, out: &mut Buffer) {
        out.put(b"{\"version\":");
        out.string(VERSION.as_bytes());
        out.put(b",\"connector\":");
        out.string(self.connector.as_bytes());
        out.put(b",\"name\":");
        out.string(options.topic_prefix.as_bytes());
        out.put(b",\"ts_ms\":");
        number(self.microseconds / 1000, out);
        out.put(b",\"snapshot\":\"false\",\"db\":");
        out.string(self.database.as_bytes());
        out.put(b",\"sequence\":null,\"ts_us\":");
        number(self.microseconds, out);
        out.put(b",\"ts_ns\":");
        number(self.microseconds.saturating_mul(1000), out);
        out.put(b",\"table\":");
        text_or_null(self.table, out);
        out.put(b",\"server_id\":");
        number(self.origin.server_id.unwrap_or_default().into(), out);
        out.put(b",\"gtid\":");
        text_or_null(gtid(self.origin).as_deref(), out);
        out.put(b",\"file\":");
        out.string(self.origin.file.as_bytes());
        out.put(b",\"pos\":");
        number(self.origin.position, out);
        out.put(b",\"row\":");
    }

    /// Writes the struct behind the row's number.
    fn back(&self, out: &mut Buffer) {
        out.put(b",\"thread\":");
        match self.origin.thread_id {
            Some(id) => number(id.into(), out),
            None => out.put(b"null"),
        }
        out.put(b",\"query\":");
        text_or_null(self.query, out);
        out.byte(b'}');
    }

    /// Writes the whole struct.
    pub fn write(&self, options: &Options, out: &mut Buffer) {
        self.front(options, out);
        number(self.origin.row.into(), out);
        self.back(out);
    }
}

fn gtid(origin: &Origin<'_>) -> Option<String> {
    origin.gtid.map(ToString::to_string)
}

/// Writes a number that is the same for all rows of an event.
#[inline(never)]
fn number(number: u64, out: &mut Buffer) {
    out.unsigned(number);
}

fn text_or_null(text: Option<&str>, out: &mut Buffer) {
    match text {
        Some(text) => out.string(text.as_bytes()),
        None => out.put(b"null"),
    }
}

/// Writes `ts_ms`, `ts_us` and `ts_ns`.
pub(super) fn moment(now: Moment, out: &mut Buffer) {
    out.put(b"\"ts_ms\":");
    number(now.milliseconds(), out);
    out.put(b",\"ts_us\":");
    number(now.microseconds(), out);
    out.put(b",\"ts_ns\":");
    number(now.0, out);
}

impl Texts {
    /// Prepares the texts of an event. `wrap` is what stands before the payload, or before the data of a cloud event, and
    /// `end` what ends it.
    pub fn set(
        &mut self,
        envelope: Envelope,
        source: &SourceBlock<'_>,
        options: &Options,
        now: Moment,
        wrapped: bool,
    ) {
        self.first = source.origin.row;
        self.parts.iter_mut().for_each(Buffer::clear);
        let end: &[u8] = if wrapped { b"}" } else { b"" };
        let [a, b, c, d] = &mut self.parts;
        match envelope {
            Envelope::Debezium => {
                a.put(b",\"source\":");
                source.front(options, a);
                source.back(b);
                b.put(b",\"transaction\":null,\"op\":\"");
                c.put(b"\",");
                moment(now, c);
                c.byte(b'}');
                c.put(end);
            }
            Envelope::CloudEvents => {
                cloud_event(source, options, [a, b, c, d]);
            }
        }
    }

    /// Writes what stands before the images.
    #[inline(always)]
    pub fn open(&self, envelope: Envelope, wrap: &[u8], op: u8, number: u32, out: &mut Buffer) {
        if envelope == Envelope::CloudEvents {
            let row = self.row(number);
            let [a, b, c, d] = &self.parts;
            out.put(a);
            out.unsigned(row);
            out.put(b";op:");
            out.byte(op);
            out.put(b);
            out.byte(op);
            out.put(c);
            out.unsigned(row);
            out.put(d);
        }
        out.put(wrap);
        out.put(b"{\"before\":");
    }

    /// Writes what stands behind the images.
    #[inline(always)]
    pub fn close(&self, envelope: Envelope, wrapped: bool, op: u8, number: u32, out: &mut Buffer) {
        match envelope {
            Envelope::Debezium => {
                let [a, b, c, _] = &self.parts;
                out.put(a);
                out.unsigned(self.row(number));
                out.put(b);
                out.byte(op);
                out.put(c);
            }
            Envelope::CloudEvents if wrapped => out.put(b"}}}"),
            Envelope::CloudEvents => out.put(b"}}"),
        }
    }

    #[inline(always)]
    fn row(&self, number: u32) -> u64 {
        u64::from(self.first) + u64::from(number)
    }
}

/// Prepares the attributes of a cloud event.
///
/// Source: Debezium's `CloudEventsConverter`; its `id` is the same for all rows of an event, and this one is not.
fn cloud_event(source: &SourceBlock<'_>, options: &Options, parts: [&mut Buffer; 4]) {
    let [a, b, c, d] = parts;
    let origin = source.origin;
    let prefix = options.topic_prefix.as_bytes();
    let gtid = gtid(origin);
    a.put(b"{\"id\":\"name:");
    a.escaped(prefix);
    if let Some(gtid) = &gtid {
        a.put(b";gtid:");
        a.escaped(gtid.as_bytes());
    }
    a.put(b";file:");
    a.escaped(origin.file.as_bytes());
    a.put(b";pos:");
    number(origin.position, a);
    a.put(b";row:");
    b.put(b"\",\"source\":\"/debezium/");
    b.escaped(source.connector.as_bytes());
    b.byte(b'/');
    b.escaped(prefix);
    b.put(b"\",\"specversion\":\"1.0\",\"type\":\"io.debezium.connector.");
    b.escaped(source.connector.as_bytes());
    b.put(b".DataChangeEvent\",\"time\":\"");
    time(source.microseconds, b);
    b.put(b"\",\"datacontenttype\":\"application/json\",\"iodebeziumop\":\"");
    c.put(b"\",\"iodebeziumversion\":");
    c.string(VERSION.as_bytes());
    c.put(b",\"iodebeziumconnector\":");
    c.string(source.connector.as_bytes());
    c.put(b",\"iodebeziumname\":");
    c.string(prefix);
    c.put(b",\"iodebeziumtsms\":\"");
    number(source.microseconds / 1000, c);
    c.put(b"\",\"iodebeziumsnapshot\":\"false\",\"iodebeziumdb\":");
    c.string(source.database.as_bytes());
    c.put(b",\"iodebeziumsequence\":null,\"iodebeziumtsus\":\"");
    number(source.microseconds, c);
    c.put(b"\",\"iodebeziumtsns\":\"");
    number(source.microseconds.saturating_mul(1000), c);
    c.put(b"\",\"iodebeziumtable\":");
    text_or_null(source.table, c);
    c.put(b",\"iodebeziumserverid\":\"");
    number(origin.server_id.unwrap_or_default().into(), c);
    c.put(b"\",\"iodebeziumgtid\":");
    text_or_null(gtid.as_deref(), c);
    c.put(b",\"iodebeziumfile\":");
    c.string(origin.file.as_bytes());
    c.put(b",\"iodebeziumpos\":\"");
    number(origin.position, c);
    c.put(b"\",\"iodebeziumrow\":");
    d.put(b",\"iodebeziumthread\":");
    match origin.thread_id {
        Some(id) => {
            d.byte(b'"');
            number(id.into(), d);
            d.byte(b'"');
        }
        None => d.put(b"null"),
    }
    d.put(b",\"iodebeziumquery\":");
    text_or_null(source.query, d);
    d.put(b",\"iodebeziumtxid\":null,\"iodebeziumtxtotalorder\":null");
    d.put(b",\"iodebeziumtxdatacollectionorder\":null,\"data\":");
}

/// Writes `2020-01-13T13:55:39.738Z`.
fn time(microseconds: u64, out: &mut Buffer) {
    let start = out.len();
    let instant = crate::value::Timestamp {
        second: (microseconds / 1_000_000).try_into().unwrap_or(u32::MAX),
        microsecond: (microseconds % 1_000_000) as u32,
        digits: 3,
    };
    if microseconds == 0 {
        out.put(b"1970-01-01T00:00:00.000Z");
        return;
    }
    out.timestamp(instant);
    out.patch(start + 10, b'T');
    out.byte(b'Z');
}
