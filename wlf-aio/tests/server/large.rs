//! Large transactions and large rows, in bounded memory.

use mysql::prelude::Queryable;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::live::{bounded, bounded_from};
use crate::on_both;
use crate::program::{Run, Runtime};
use crate::servers::{database, disturbing, execute, undisturbed};

on_both!(
    a_transaction_larger_than_the_buffer_streams_in_bounded_memory,
    a_row_above_16_mb_comes_whole,
    large_rows_one_after_the_other_take_the_memory_of_one,
);

/// A large row in the binlog would count for the memory of whoever reads past it.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What WasmEdge and the module take at least, in bytes.
const WAITING: usize = 70 << 20;

/// Where the binlog ends now, as `start` says it.
fn binlog_end(connection: &mut mysql::Conn) -> String {
    let status: Option<mysql::Row> = connection
        .query_first("SHOW BINARY LOG STATUS")
        .expect("a status");
    let status = status.expect("a row");
    let file: String = status.get("File").expect("a file");
    let position: u64 = status.get("Position").expect("a position");
    format!("{{file: {file}, position: {position}}}")
}

fn a_transaction_larger_than_the_buffer_streams_in_bounded_memory(runtime: &Runtime) {
    let _peace = undisturbed();
    const ROWS: usize = 300_000;
    let _turn = alone();
    let name = format!("wlf_large_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    execute(
        &mut connection,
        &["CREATE TABLE t (id INT PRIMARY KEY, v CHAR(120))"],
    );
    // What other tests left in the file, such as rows of 16 MiB, is gone through to find the position.
    execute(&mut connection, &["FLUSH BINARY LOGS"]);
    let start = binlog_end(&mut connection);
    execute(
        &mut connection,
        &[
            "SET SESSION cte_max_recursion_depth = 1000000",
            &format!(
                "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
                 SELECT i, LEFT(REPEAT(SHA2(i, 256), 2), 96) FROM n",
                ROWS - 1
            ),
        ],
    );
    let place = tempfile::tempdir().expect("a directory");
    let configuration = bounded_from(
        &start,
        &name,
        &[("out", "type: FileDispatcher, path: /wlf/rows.jsonl")],
    );
    let run = Run::start(runtime.in_directory(place.path(), &configuration));
    let mut peak = 0;
    let rows = place.path().join("rows.jsonl");
    while std::fs::metadata(&rows).map_or(0, |metadata| metadata.len()) < 60_000_000 {
        peak = peak.max(run.peak_memory());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    run.end().with_code(0);
    assert!(peak < 128 << 20, "{peak} bytes resident");
    println!(
        "{ROWS} rows in one transaction: {} MB resident under WasmEdge {}",
        peak >> 20,
        runtime.version
    );

    let text = std::fs::read_to_string(&rows).expect("rows");
    let mut count = 0;
    for (index, line) in text.lines().enumerate() {
        assert!(
            line.contains(&format!("\"data\":{{\"id\":{index},")),
            "{line}"
        );
        let last = index + 1 == ROWS;
        assert_eq!(line.contains("\"commit\":true"), last, "{line}");
        assert_eq!(
            line.contains(&format!("\"xoffset\":{index},")),
            !last,
            "{line}"
        );
        assert!(!last || line.contains("\"xid\":"), "{line}");
        count += 1;
    }
    assert_eq!(count, ROWS);
    execute(&mut connection, &[&format!("DROP DATABASE {name}")]);
}

fn a_row_above_16_mb_comes_whole(runtime: &Runtime) {
    // Whoever reads all databases would have to write it too.
    let _peace = disturbing();
    let _turn = alone();
    let name = format!("wlf_wide_{}", runtime.version.replace('.', "_"));
    let mut connection = database(&name);
    let largest: usize = connection
        .query_first("SELECT @@max_allowed_packet")
        .expect("a setting")
        .expect("a row");
    let length = (20 << 20).min(largest / 2);
    assert!(length > 16 << 20, "max_allowed_packet is only {largest}");
    execute(
        &mut connection,
        &[
            "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)",
            &format!("INSERT INTO t VALUES (1, REPEAT('x', {length})), (2, 'after')"),
        ],
    );
    let place = tempfile::tempdir().expect("a directory");
    let configuration = bounded(
        &name,
        &[("out", "type: FileDispatcher, path: /wlf/rows.jsonl")],
    );
    Run::start(runtime.in_directory(place.path(), &configuration))
        .end()
        .with_code(0);
    let text = std::fs::read_to_string(place.path().join("rows.jsonl")).expect("rows");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains(&"x".repeat(length)) && lines[0].len() < length + 200);
    assert!(
        lines[1].ends_with("\"data\":{\"id\":2,\"v\":\"after\"}}"),
        "{}",
        lines[1]
    );
    execute(&mut connection, &[&format!("DROP DATABASE {name}")]);
}

/// The row and the next one as they are received, what is made of the first, base64 of four thirds of it, and for a file the
/// same once more as lines. Those behind have the memory that these had; in a machine that is busy one more may be on its way.
fn large_rows_one_after_the_other_take_the_memory_of_one(runtime: &Runtime) {
    let _peace = disturbing();
    let _turn = alone();
    const ROW: usize = 30 << 20;
    const ROWS: usize = 5;
    for (kind, expression, to_nowhere, to_a_file) in [
        ("LONGTEXT", "REPEAT('x', 31457280)", 4.6, 5.6),
        // As many escapes as letters, and letters of two bytes that were one.
        ("LONGTEXT", "REPEAT('\"', 31457280)", 6.6, 8.6),
        (
            "LONGTEXT CHARACTER SET latin1",
            "REPEAT(_latin1 0xe9, 31457280)",
            8.6,
            9.6,
        ),
        ("LONGBLOB", "REPEAT('x', 31457280)", 5.0, 6.4),
    ] {
        for (dispatcher, most) in [
            ("type: NullDispatcher", to_nowhere),
            ("type: FileDispatcher, path: /wlf/rows.jsonl", to_a_file),
        ] {
            let name = format!("wlf_memory_{}", runtime.version.replace('.', "_"));
            let mut connection = database(&name);
            execute(
                &mut connection,
                &[
                    &format!("CREATE TABLE t (id INT PRIMARY KEY, v {kind})"),
                    "FLUSH BINARY LOGS",
                ],
            );
            let start = binlog_end(&mut connection);
            for id in 0..ROWS {
                execute(
                    &mut connection,
                    &[&format!("INSERT INTO t VALUES ({id}, {expression})")],
                );
            }
            let place = tempfile::tempdir().expect("a directory");
            let configuration = bounded_from(&start, &name, &[("out", dispatcher)]);
            let run = Run::start(runtime.in_directory(place.path(), &configuration));
            let mut peak = 0;
            // What has ended has no memory.
            while let Some(memory) = run.peak_memory_if_running() {
                peak = peak.max(memory);
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            let ended = run.end().with_code(0);
            assert!(
                ended.stderr.contains("out: 5 delivered"),
                "{}",
                ended.stderr
            );
            let peak = peak.saturating_sub(WAITING) as f64 / ROW as f64;
            println!("{kind}, {expression}, {dispatcher}: {peak:.2} times the row");
            assert!(
                peak < most,
                "{kind}, {expression}, {dispatcher}: {peak:.2} times the row"
            );
            execute(&mut connection, &[&format!("DROP DATABASE {name}")]);
        }
    }
}
