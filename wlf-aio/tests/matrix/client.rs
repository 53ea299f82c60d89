//! The server's own client program: what it reads is right.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::rc::Rc;

use crate::column::{identifier, quoted};
use crate::server::Server;
use crate::table::Table;

/// A value's facets, or null.
pub type Cell = Option<Vec<Vec<u8>>>;

/// What a table holds: for each row the cells of its columns.
pub type Rows = Vec<Vec<Cell>>;

/// What tables hold, by database and table.
pub type Holdings = BTreeMap<(String, String), Rc<Rows>>;

/// Reads tables whole.
pub fn read(server: &Server, tables: &[(String, &Table)]) -> Holdings {
    let mut child = Command::new(&server.client)
        .args([
            "--no-defaults",
            "--user=root",
            "--batch",
            "--quick",
            "--skip-column-names",
        ])
        .args(["--max-allowed-packet=1G", "--default-character-set=utf8mb4"])
        .arg(format!("--host={}", server.host))
        .arg(format!("--port={}", server.port))
        .env("MYSQL_PWD", "password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", server.client));
    let mut stdin = child.stdin.take().expect("a pipe");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let script = script(server, tables);
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let mut holdings = Holdings::new();
    let mut tables = tables.iter();
    let mut current: Option<(&(String, &Table), Rows)> = None;
    for line in stdout.split(b'\n') {
        let line = line.expect("the client's output");
        if line == b"#" {
            store(&mut holdings, current.take());
            current = Some((tables.next().expect("a table"), Rows::new()));
        } else {
            let ((_, table), rows) = current.as_mut().expect("a table's head");
            rows.push(row(server, table, &line));
        }
    }
    store(&mut holdings, current);
    writer
        .join()
        .expect("a thread")
        .expect("the statements are written");
    assert!(
        child.wait().expect("a child").success(),
        "the client failed"
    );
    assert!(
        tables.next().is_none(),
        "the client did not read all tables"
    );
    holdings
}

fn store(holdings: &mut Holdings, read: Option<(&(String, &Table), Rows)>) {
    if let Some(((database, table), rows)) = read {
        holdings.insert((database.clone(), table.name.clone()), Rc::new(rows));
    }
}

/// Each table's rows as hexadecimal digits, which need no escapes, behind a line with `#`.
fn script(server: &Server, tables: &[(String, &Table)]) -> String {
    let mut script = format!(
        "SET NAMES utf8mb4;\nSET time_zone = {};\n",
        quoted("+00:00")
    );
    for (database, table) in tables {
        let facets = (table.columns.iter()).flat_map(|column| column.facets(server.is_mariadb()));
        let facets: Vec<String> = facets.map(|facet| format!("HEX({facet})")).collect();
        script.push_str(&format!(
            "SELECT '#';\nSELECT {} FROM {}.{};\n",
            facets.join(", "),
            identifier(database),
            identifier(&table.name)
        ));
    }
    script
}

fn row(server: &Server, table: &Table, line: &[u8]) -> Vec<Cell> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let cells = (table.columns.iter())
        .map(|column| {
            let facets: Vec<Option<Vec<u8>>> = (0..column.facets(server.is_mariadb()).len())
                .map(|_| {
                    let field = fields.next().expect("a field for each facet");
                    (field != b"NULL").then(|| unhex(field))
                })
                .collect();
            facets.into_iter().collect()
        })
        .collect();
    assert!(
        fields.next().is_none(),
        "{} has fields left over",
        table.name
    );
    cells
}

fn unhex(digits: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'F' => byte - b'A' + 10,
        _ => panic!("the client gave {}", String::from_utf8_lossy(digits)),
    };
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}
