//! Dates and times with every number of digits behind the second.

use crate::column::{Column, Kind, quoted};
use crate::server::Server;
use crate::table::Table;

const DATES: [&str; 14] = [
    "1000-01-01",
    "9999-12-31",
    "0000-00-00",
    "2024-00-00",
    "2024-02-00",
    "0000-01-01",
    "2024-02-29",
    "0001-01-01",
    "1969-12-31",
    "1970-01-01",
    "2023-02-31",
    "0000-00-31",
    "1582-10-10",
    "1900-02-28",
];

const DATETIMES: [&str; 15] = [
    "1000-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "0000-00-00 00:00:00",
    "2024-00-00 00:00:00",
    "2024-02-00 12:00:00",
    "2024-02-29 12:34:56.789012",
    "0001-01-01 01:01:01.1",
    "1969-12-31 23:59:59.9",
    "1969-12-31 23:59:59.000001",
    "1970-01-01 00:00:00",
    "2026-03-29 02:30:00.5",
    "2023-02-31 10:00:00",
    "1582-10-10 10:10:10.10",
    "2038-01-19 03:14:08",
    "0000-01-01 00:00:00.000001",
];

const TIMES: [&str; 16] = [
    "00:00:00",
    "838:59:59",
    "-838:59:59",
    "-00:00:00.000001",
    "-00:00:01.1",
    "23:59:59.999999",
    "24:00:00",
    "-12:34:56.789012",
    "00:00:00.5",
    "-00:00:00.99",
    "-01:00:00",
    "100:00:00.000001",
    "838:59:58.999999",
    "-838:59:58.999999",
    "00:00:00.1",
    "-24:00:00.000010",
];

const TIMESTAMPS: [&str; 7] = [
    "1970-01-01 00:00:01",
    "2038-01-19 03:14:07.999999",
    "0000-00-00 00:00:00",
    "2024-02-29 12:34:56.789012",
    "2001-09-09 01:46:40.000001",
    "2026-03-29 02:30:00.5",
    "1999-12-31 23:59:59.999999",
];

pub fn tables(server: &Server) -> Vec<Table> {
    let mut timestamps = TIMESTAMPS.to_vec();
    // MariaDB counts the seconds without a sign since 11.5.
    if server.is_mariadb() && server.release() >= (11, 5) {
        timestamps.extend(["2106-02-07 06:28:15.999999", "2038-01-19 03:14:08"]);
    }
    vec![
        Table::new(
            "dates",
            [
                Column::new("d", "DATE", Kind::Date, DATES.map(quoted)),
                Column::new("n", "DATE", Kind::Date, DATES.map(quoted)).not_null(),
            ],
        ),
        Table::new(
            "datetimes",
            fractions("DATETIME", Kind::DateTime, &DATETIMES),
        ),
        Table::new("times", fractions("TIME", Kind::Time, &TIMES)),
        Table::new(
            "timestamps",
            fractions("TIMESTAMP", Kind::Timestamp, &timestamps),
        ),
    ]
}

fn fractions(name: &str, kind: Kind, values: &[&str]) -> Vec<Column> {
    let column = |digits: usize, suffix: &str, null: &str| {
        let definition = format!("{name}({digits}) {null}");
        Column::new(
            format!("t{digits}{suffix}"),
            definition,
            kind,
            values.iter().map(|value| quoted(value)),
        )
    };
    // Without NULL a TIMESTAMP would be NOT NULL with a default where explicit_defaults_for_timestamp is off.
    let mut columns: Vec<Column> = (0..=6).map(|digits| column(digits, "", "NULL")).collect();
    for digits in [0, 3, 6] {
        columns.push(column(digits, "_not_null", "").not_null());
    }
    columns
}
