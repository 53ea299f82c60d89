//! Schema changes as Canal has them.

use crate::event::Event;
use crate::format::buffer::Buffer;
use crate::format::row_format::Moment;
use crate::schema_change::{SchemaChange, SchemaChangeKind};

/// Writes the change as a flat message.
pub(in crate::format) fn message(
    event: &Event,
    change: &SchemaChange,
    batch: u64,
    now: Moment,
) -> Buffer {
    let mut out = Buffer::new();
    out.put(b"{\"data\":null,\"database\":");
    out.string(change.database.as_bytes());
    out.put(b",\"es\":");
    out.unsigned(event.milliseconds());
    out.put(b",\"gtid\":");
    out.string(change.place.gtid.as_deref().unwrap_or_default().as_bytes());
    out.put(b",\"id\":");
    out.unsigned(batch);
    out.put(b",\"isDdl\":true,\"mysqlType\":null,\"old\":null,\"pkNames\":null,\"sql\":");
    out.string(change.sql.as_bytes());
    out.put(b",\"sqlType\":null,\"table\":");
    out.string(change.table.as_deref().unwrap_or_default().as_bytes());
    out.put(b",\"ts\":");
    out.unsigned(now.milliseconds());
    out.put(b",\"type\":");
    out.string(kind(change).as_bytes());
    out.byte(b'}');
    out
}

fn kind(change: &SchemaChange) -> &'static str {
    match change.kind {
        SchemaChangeKind::TableCreate => "CREATE",
        SchemaChangeKind::TableAlter => alter(change),
        SchemaChangeKind::TableDrop => "ERASE",
        SchemaChangeKind::TableTruncate => "TRUNCATE",
        SchemaChangeKind::DatabaseCreate
        | SchemaChangeKind::DatabaseAlter
        | SchemaChangeKind::DatabaseDrop => "QUERY",
    }
}

/// Tells a rename and the statements for indexes from other changes of a table.
fn alter(change: &SchemaChange) -> &'static str {
    let mut words = change.sql.split_ascii_whitespace();
    let is = |word: Option<&str>, other: &str| word.is_some_and(|w| w.eq_ignore_ascii_case(other));
    let (first, second) = (words.next(), words.next());
    let third = words.next();
    let is_renamed = change.new.as_ref().is_some_and(|new| {
        new.table.database != change.database || Some(&new.table.name) != change.table.as_ref()
    });
    let kinds = ["unique", "fulltext", "spatial"];
    if is_renamed || is(first, "rename") {
        "RENAME"
    } else if is(first, "create")
        && (is(second, "index")
            || (is(third, "index") && kinds.iter().any(|kind| is(second, kind))))
    {
        "CINDEX"
    } else if is(first, "drop") && is(second, "index") {
        "DINDEX"
    } else {
        "ALTER"
    }
}
