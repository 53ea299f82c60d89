//! The targets: one for each decoder, each a few lines.

mod checksums;
pub mod events;
mod gtids;
mod nats;
mod protocol;
mod scram;
mod state;
mod strings;
mod tables;
mod values;

/// A decoder, and what holds for it whatever the bytes are.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// Gives the bytes to the decoder; panics if something does not hold.
    pub run: fn(&[u8]),
    /// Inputs to begin with, most of them cut out of recorded binlogs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("packets", protocol::packets, protocol::packets_seeds),
    target("handshake", protocol::handshake, protocol::handshake_seeds),
    target("login", protocol::login, protocol::login_seeds),
    target("resultset", protocol::resultset, protocol::resultset_seeds),
    target("events", events::events, events::events_seeds),
    target("file", events::file, events::file_seeds),
    target(
        "format_description",
        events::format_description,
        events::format_description_seeds,
    ),
    target("query", events::query, events::query_seeds),
    target(
        "transaction_payload",
        events::transaction_payload,
        events::transaction_payload_seeds,
    ),
    target("inflate", events::inflate, events::inflate_seeds),
    target("ddl", events::ddl, events::ddl_seeds),
    target("table_map", tables::table_map, tables::table_map_seeds),
    target("metadata", tables::metadata, tables::metadata_seeds),
    target("rows", tables::rows, tables::rows_seeds),
    target(
        "partial_update",
        tables::partial_update,
        tables::partial_update_seeds,
    ),
    target(
        "json_document",
        values::json_document,
        values::json_document_seeds,
    ),
    target("jsonb", values::jsonb, values::jsonb_seeds),
    target("decimal", values::decimal, values::decimal_seeds),
    target("temporal", values::temporal, values::temporal_seeds),
    target("charset", values::charset, values::charset_seeds),
    target("geometry", values::geometry, values::geometry_seeds),
    target("checksum", checksums::checksum, checksums::checksum_seeds),
    target("string", strings::string, strings::string_seeds),
    target("buffer", strings::buffer, strings::buffer_seeds),
    target("gtid", gtids::gtid, gtids::gtid_seeds),
    target(
        "mariadb_gtid",
        gtids::mariadb_gtid,
        gtids::mariadb_gtid_seeds,
    ),
    target("gtid_set", gtids::gtid_set, gtids::gtid_set_seeds),
    target(
        "gtid_set_text",
        gtids::gtid_set_text,
        gtids::gtid_set_text_seeds,
    ),
    target("nats", nats::nats, nats::nats_seeds),
    target("scram_first", scram::scram_first, scram::scram_first_seeds),
    target("scram_final", scram::scram_final, scram::scram_final_seeds),
    target(
        "saved_position",
        state::saved_position,
        state::saved_position_seeds,
    ),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}

/// Takes bytes apart that are several: each has its length in two bytes before it; the last may be cut short.
fn parts(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        bytes = rest;
        Some(part)
    })
}

/// Puts together what [`parts`] takes apart.
fn joined<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).expect("a part of less than 64 KiB");
        bytes.extend(length.to_le_bytes());
        bytes.extend(part);
    }
    bytes
}

#[test]
fn parts_and_joined_are_each_others_inverse() {
    let whole = joined([&b"one"[..], b"", b"three"]);
    let apart: Vec<_> = parts(&whole).collect();
    assert_eq!(apart, [&b"one"[..], b"", b"three"]);
    let short: Vec<_> = parts(&whole[..whole.len() - 2]).collect();
    assert_eq!(short, [&b"one"[..], b"", b"thr"]);
}
