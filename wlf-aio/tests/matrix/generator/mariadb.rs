//! What only MariaDB has: UUID, INET4, INET6, and COMPRESSED columns.

use crate::column::{Column, Kind, quoted};
use crate::server::Server;
use crate::table::Table;

pub fn tables(server: &Server) -> Vec<Table> {
    if server.is_mariadb() {
        vec![addresses(), compressed()]
    } else {
        Vec::new()
    }
}

fn addresses() -> Table {
    let column = |name: &str, definition: &str, kind: Kind, values: &[&str]| {
        Column::new(
            name,
            definition,
            kind,
            values.iter().map(|value| quoted(value)),
        )
    };
    let uuids = [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "123e4567-e89b-12d3-a456-426655440000",
        "123e4567-e89b-42d3-a456-426655440000",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "00000000-0000-0000-0000-0000000000ff",
    ];
    let v4 = [
        "0.0.0.0",
        "255.255.255.255",
        "192.0.2.1",
        "10.0.0.0",
        "1.2.3.32",
    ];
    let v6 = [
        "::",
        "::1",
        "2001:db8::ff00:42:8329",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "::ffff:192.0.2.128",
        "::192.0.2.128",
        "1::",
        "0:0:1::1",
        "2001:db8:0:1:1:1:1:1",
        "fe80::2020:2020",
        "2001:0:0:1:0:0:0:1",
    ];
    Table::new(
        "addresses",
        [
            column("u", "UUID", Kind::Uuid, &uuids),
            column("v4", "INET4", Kind::Inet, &v4),
            column("v6", "INET6", Kind::Inet, &v6),
            column("u_required", "UUID", Kind::Uuid, &uuids).not_null(),
            column("v6_required", "INET6", Kind::Inet, &v6).not_null(),
        ],
    )
}

/// Columns that the server stores compressed.
fn compressed() -> Table {
    let column = |name: &str, definition: &str, kind: Kind, values: &[&str]| {
        Column::new(name, definition, kind, values.iter().copied())
    };
    let texts = [
        "REPEAT('é日😀', 100)",
        "''",
        "'short'",
        "REPEAT('x', 5000)",
        "'a longer text than the hundred bytes from which the server compresses what it gets into such a column'",
    ];
    let bytes = ["REPEAT(x'00FF', 500)", "x''", "x'00'", "REPEAT(x'A5', 200)"];
    Table::new(
        "compressed",
        [
            column("v", "VARCHAR(6000) COMPRESSED", Kind::Text, &texts),
            column("t", "TEXT COMPRESSED", Kind::Text, &texts),
            column(
                "latin",
                "TEXT COMPRESSED CHARACTER SET latin1",
                Kind::Text,
                &["REPEAT('ß', 300)", "'€'"],
            ),
            column("vb", "VARBINARY(2000) COMPRESSED", Kind::Binary, &bytes),
            column(
                "b",
                "MEDIUMBLOB COMPRESSED",
                Kind::Binary,
                &["REPEAT(x'00FF', 50000)", "x'01'"],
            ),
            column(
                "l",
                "LONGTEXT COMPRESSED",
                Kind::Text,
                &["REPEAT('日本', 50000)", "'x'"],
            ),
        ],
    )
}
