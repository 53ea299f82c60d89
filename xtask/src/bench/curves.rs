//! How the cost of a row grows: with tables, columns, its size, its transaction's size, and destinations.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::Report;
use super::figures::grouped;
use super::goal::plain;
use super::page::Table;
use super::recorder::Script;
use super::session::Session;
use super::svg::Chart;
use super::turns::{self, Job};

/// What grows.
struct Curve {
    /// The picture's name.
    name: &'static str,
    x: &'static str,
    values: &'static [u64],
    /// How a recording is made in which it is so large.
    script: fn(u64) -> Script,
}

const CURVES: &[Curve] = &[
    Curve {
        name: "tables",
        x: "tables, in turns, 10 rows a transaction",
        values: &[1, 10, 100, 1000],
        script: tables,
    },
    Curve {
        name: "columns",
        x: "columns (INT)",
        values: &[1, 5, 20, 50, 100, 200],
        script: columns,
    },
    Curve {
        name: "row-size",
        x: "bytes of text in a row",
        values: &[50, 500, 4000, 16_000, 64_000],
        script: row_size,
    },
    Curve {
        name: "transaction-size",
        x: "rows of a transaction",
        values: &[1, 10, 100, 1000, 10_000, 100_000],
        script: transaction_size,
    },
    Curve {
        name: "destinations",
        x: "destinations",
        values: &[1, 2, 3, 4, 5],
        script: destinations,
    },
];

/// A recording is read so many times over that this many rows are.
const ROWS: u64 = 200_000;
const TIMES: u64 = 20;

/// Measures all curves on the engine that ships.
pub fn measure(session: &mut Session<'_>, report: &mut Report) -> Result<()> {
    let mut table = Table::new(
        "curves",
        2,
        &["what grows", "to", "CPU ns a row", "peak MB"],
    );
    for curve in CURVES {
        match of_curve(curve, session, &mut table) {
            Ok(chart) => {
                if let Some(page) = &report.page {
                    let pictures = page.pictures();
                    fs::create_dir_all(&pictures)?;
                    let file = pictures.join(curve.name).with_extension("svg");
                    fs::write(&file, chart.svg())
                        .with_context(|| format!("writing {}", file.display()))?;
                }
            }
            Err(error) => report.attempt(curve.name, Err(error)),
        }
    }
    report.table(&table)
}

fn of_curve(curve: &Curve, session: &mut Session<'_>, table: &mut Table) -> Result<Chart> {
    let mut jobs = vec![turns::start(session)?];
    let mut rows = Vec::new();
    for value in curve.values {
        let script = (curve.script)(*value);
        let recorded = session.recorder.provide(&script)?;
        let times = (ROWS / script.rows).clamp(1, TIMES);
        let files = recorded.repeated(usize::try_from(times)?)?;
        let ways = match curve.name {
            "destinations" => usize::try_from(*value)?,
            _ => 1,
        };
        jobs.push(Job {
            name: format!("{} {value}", curve.name),
            text: turns::to_null(&files, ways),
        });
        rows.push(script.rows * times);
    }
    let all = turns::least(session.shipped()?, session, &jobs)?;
    let (start, all) = all.split_first().context("no run")?;
    let mut points = Vec::new();
    for ((value, rows), least) in curve.values.iter().zip(rows).zip(all) {
        let cost = least.beyond(start) / rows as f64;
        points.push((*value as f64, cost));
        table.line(&[
            curve.x.to_owned(),
            grouped(*value),
            plain(cost),
            format!("{:.0}", least.megabytes()),
        ]);
    }
    Ok(Chart {
        title: format!("CPU time of a row by {}", curve.name.replace('-', " ")),
        x: curve.x,
        y: "ns a row",
        points,
    })
}

fn tables(count: u64) -> Script {
    let rows = 20_000;
    let before = (0..count).fold(String::new(), |mut sql, table| {
        let _ = writeln!(sql, "CREATE TABLE g{table} LIKE narrow;");
        sql
    });
    let mut sql = String::from("USE bench;\n");
    for transaction in 0..rows / 10 {
        let _ = writeln!(
            sql,
            "INSERT INTO g{} SELECT {transaction} * 10 + n, n, 'row', 1.50, NULL FROM hundred WHERE n <= 10;",
            transaction % count
        );
    }
    script("tables", count, before, sql, rows)
}

fn columns(count: u64) -> Script {
    let rows = 20_000;
    let names: String = (1..count).map(|n| format!(", c{n} INT")).collect();
    let values: String = (1..count).map(|n| format!(", n * {n}")).collect();
    let mut sql = String::from("USE bench;\n");
    for done in (0..rows).step_by(1000) {
        let _ = writeln!(
            sql,
            "INSERT INTO wide SELECT {done} + n{values} FROM thousand;"
        );
    }
    let before = format!("CREATE TABLE wide (id INT PRIMARY KEY{names});\n");
    script("columns", count, before, sql, rows)
}

fn row_size(bytes: u64) -> Script {
    // Some 10 MB, or some seconds.
    let rows = (10_000_000 / bytes).clamp(200, 20_000) / 100 * 100;
    let mut sql = String::from("USE bench;\n");
    for done in (0..rows).step_by(100) {
        let _ = writeln!(
            sql,
            "INSERT INTO long_rows SELECT {done} + n, LEFT(REPEAT(SHA2({done} + n, 256), {bytes} DIV 64 + 1), {bytes}) FROM hundred;"
        );
    }
    let before = "CREATE TABLE long_rows (id INT PRIMARY KEY, c MEDIUMTEXT);\n".to_owned();
    script("row-size", bytes, before, sql, rows)
}

fn transaction_size(size: u64) -> Script {
    let rows = size.max(20_000);
    let mut sql = String::from("USE bench;\n");
    for done in (0..rows).step_by(usize::try_from(size).unwrap_or(1)) {
        let _ = writeln!(
            sql,
            "INSERT INTO narrow SELECT {done} + (h.n - 1) * 1000 + t.n, t.n, 'row', 1.50, NULL FROM hundred h, thousand t \
             WHERE (h.n - 1) * 1000 + t.n <= {size} AND h.n <= {size} DIV 1000 + 1;"
        );
    }
    script("transaction-size", size, String::new(), sql, rows)
}

/// The same for any number: who gets the rows is the configuration's matter.
fn destinations(_: u64) -> Script {
    transaction_size(1000)
}

fn script(curve: &str, value: u64, before: String, sql: String, rows: u64) -> Script {
    Script {
        name: format!("curve-{curve}-{value}"),
        before,
        sql,
        rows,
    }
}
