//! Bytes: BINARY with zeros at the end, VARBINARY, and BLOBs of each size.

use crate::column::{Column, Kind};
use crate::table::Table;

pub fn tables() -> Vec<Table> {
    vec![binaries(), long(), longest()]
}

fn binaries() -> Table {
    let repeated = |byte: &str, count: usize| format!("REPEAT(x'{byte}', {count})");
    let short = ["x'00'", "x'FF'", "x''", "x'20'"]
        .map(str::to_owned)
        .to_vec();
    let all = format!(
        "x'{}'",
        (0..=255)
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    );
    let column = |name: &str, definition: &str, values: Vec<String>| {
        Column::new(name, definition, Kind::Binary, values)
    };
    Table::new(
        "binaries",
        [
            column("b0", "BINARY(0)", vec!["x''".to_owned()]),
            column("b1", "BINARY(1)", short.clone()),
            column(
                "b16",
                "BINARY(16)",
                [
                    "x'0102'",
                    "x'20202000000000000000000000000020'",
                    "x''",
                    "x'00000000000000000000000000000001'",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            column(
                "b255",
                "BINARY(255)",
                vec![
                    repeated("FF", 255),
                    repeated("A5", 254),
                    "x'0020'".to_owned(),
                ],
            ),
            column("v1", "VARBINARY(1)", short.clone()),
            column(
                "v255",
                "VARBINARY(255)",
                vec![
                    repeated("7F", 255),
                    "x'00FF00'".to_owned(),
                    "x''".to_owned(),
                ],
            ),
            column(
                "v256",
                "VARBINARY(256)",
                vec![all.clone(), repeated("80", 256), "x'0000'".to_owned()],
            ),
            column(
                "tiny",
                "TINYBLOB",
                vec![repeated("01", 255), "x'C328'".to_owned(), "x''".to_owned()],
            ),
            column(
                "normal",
                "BLOB",
                vec![all.clone(), repeated("02", 300), "x'0A0D2200'".to_owned()],
            ),
            column(
                "medium",
                "MEDIUMBLOB",
                vec![all.clone(), repeated("03", 300), "x'5C'".to_owned()],
            ),
            column(
                "long_one",
                "LONGBLOB",
                vec![all, repeated("04", 300), "x'EFBBBF'".to_owned()],
            ),
            column(
                "required",
                "BLOB",
                vec!["x'00'".to_owned(), "x''".to_owned()],
            )
            .not_null(),
        ],
    )
}

/// Values at and above the borders of the lengths' bytes.
fn long() -> Table {
    let repeated = |count: usize| format!("REPEAT(x'00F1', {count})");
    let text = |count: usize| format!("REPEAT('é日😀', {count})");
    Table::new(
        "long_values",
        [
            Column::new("v", "VARBINARY(20000)", Kind::Binary, [repeated(10_000)]),
            Column::new("b", "BLOB", Kind::Binary, [repeated(32_767), repeated(3)]),
            Column::new(
                "m",
                "MEDIUMBLOB",
                Kind::Binary,
                [repeated(32_769), repeated(60_000)],
            ),
            Column::new("t", "TEXT", Kind::Text, [text(7_000), text(1)]),
            Column::new("mt", "MEDIUMTEXT", Kind::Text, [text(8_000), text(20_000)]),
            Column::new("lt", "LONGTEXT", Kind::Text, [text(1), text(30_000)]),
        ],
    )
}

/// A row above 16 MiB, more than a packet of the protocol holds.
fn longest() -> Table {
    let repeated = |byte: &str, count: usize| format!("REPEAT(x'{byte}', {count})");
    let values = [repeated("A50F", (16 << 20) / 2 + 1), repeated("01", 1000)];
    let column = Column::new("b", "LONGBLOB", Kind::Binary, values).not_null();
    Table::new("longest_value", [column]).large()
}
