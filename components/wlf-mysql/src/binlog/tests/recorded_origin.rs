//! Where recorded rows come from, as `mysqlbinlog -vv` says it.

use wlf_core::value::Rows;

use super::recorded::{LIMITS, events, files};
use crate::binlog::{Assembler, Taken};

/// What is told of each rows event, one line each.
pub(super) fn origins(name: &str) -> Vec<String> {
    let mut assembler = Assembler::new(LIMITS);
    let mut lines = Vec::new();
    let mut seen = 0;
    for (name, file) in files(name) {
        assembler.next_file(&name);
        for event in events(&file) {
            let at = Some(event.start as u64);
            while assembler.take(&file, event.clone(), at).unwrap() == Taken::More {}
            let block = assembler.filled();
            for part in block.parts.get(seen..).unwrap_or_default() {
                let rows = block.rows(part, &(1..2));
                let origin = rows.origin();
                lines.push(format!(
                    "{} {}:{} row {} server {} thread {} gtid {} at {} {:?}",
                    origin.server,
                    origin.file,
                    origin.position,
                    origin.row,
                    origin.server_id.unwrap(),
                    origin.thread_id.map_or(String::new(), |id| id.to_string()),
                    origin.gtid.map_or(String::new(), |gtid| gtid.to_string()),
                    origin.committed.unwrap_or(0),
                    origin.query,
                ));
            }
            seen = block.parts.len();
        }
    }
    lines
}

#[track_caller]
fn assert_line(lines: &[String], place: &str, rest: &str) {
    assert_line_of("mysql", lines, place, rest);
}

#[track_caller]
fn assert_line_of(server: &str, lines: &[String], place: &str, rest: &str) {
    let place = format!("{server} binlog.000001:{place} ");
    let line = lines.iter().find(|line| line.starts_with(&place));
    assert_eq!(line.unwrap(), &format!("{place}{rest}"));
}

#[test]
fn transactions_with_gtids() {
    let lines = origins("control");
    let uuid = "5ec0d3d0-0000-11f1-8000-0242ac110002";
    assert_line(
        &lines,
        "864",
        &format!("row 1 server 1 thread 9 gtid {uuid}:3 at 1795228168507591 None"),
    );
    assert_line(
        &lines,
        "1443",
        &format!("row 1 server 1 thread 9 gtid {uuid}:5 at 1795228168511335 None"),
    );
    let statement = r#"Some("INSERT INTO items VALUES (14, 'with its statement — äöü')")"#;
    for place in ["13740", "13810"] {
        assert_line(
            &lines,
            place,
            &format!("row 1 server 1 thread 9 gtid {uuid}:39 at 1795228168633910 {statement}"),
        );
    }
    assert_line(
        &lines,
        "14522",
        &format!("row 1 server 1 thread 9 gtid {uuid}:tag_1:1 at 1795228168636857 None"),
    );
}

#[test]
fn transactions_without_gtids() {
    let lines = origins("no-gtid");
    let statement = r#"Some("UPDATE items SET name = 'zwei' WHERE id = 2")"#;
    assert_line(
        &lines,
        "1229",
        &format!("row 1 server 1 thread 9 gtid  at 1795228256954886 {statement}"),
    );
}

/// Rows of a compressed transaction are all at its one event, numbered through.
#[test]
fn rows_of_a_compressed_transaction() {
    let lines = origins("compressed");
    let gtid = "gtid 5ec0d3d0-0000-11f1-8000-0242ac110002:4";
    let first = format!("mysql binlog.000001:999 row 1 server 1 thread 9 {gtid} at 17");
    assert!(lines.iter().any(|line| line.starts_with(&first)));
    let rows: Vec<_> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("mysql binlog.000001:1285 row "))
        .map(|line| line.split(' ').next().unwrap().parse::<u32>().unwrap())
        .collect();
    // 398 are inserted, then 10 updated, then 41 deleted; `origins` asks for the second row of each event.
    assert_eq!(rows[..3], [1, 52, 103]);
    assert_eq!(rows[rows.len() - 2..], [398 + 1, 398 + 10 + 1]);
}

/// MariaDB's GTID says which connection it was since 11.5, and no version when it was committed.
#[test]
fn transactions_of_mariadb() {
    for (version, place, thread) in [("11.8", "1350", "5"), ("10.11", "1324", "")] {
        assert_line_of(
            "mariadb",
            &origins(&format!("mariadb-{version}-control")),
            place,
            &format!(
                "row 1 server 1 thread {thread} gtid 0-1-5 at 0 Some(\"INSERT INTO items VALUES (4, 2, 'two')\")"
            ),
        );
    }
}
