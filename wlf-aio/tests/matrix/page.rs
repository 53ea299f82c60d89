//! The examples of docs/types.md: what the page says is what the program makes of a real row.

use crate::column::{identifier, quoted};
use crate::format::Format;
use crate::json::Json;
use crate::program::root;
use crate::run;
use crate::server::{Flavour, Server, execute};
use crate::setting::{Image, PREFIX};

/// A line of one of the page's tables of examples.
struct Example {
    /// What `CREATE TABLE` says of the column.
    definition: String,
    /// What is inserted.
    sql: String,
    maxwell: String,
    /// Of cloud events too.
    debezium: String,
    canal: String,
}

/// How the head of such a table begins.
const HEAD: &str = "| column | SQL |";

/// The headings of the tables for one kind of server alone.
const OF_MYSQL: &str = "MySQL alone";
const OF_MARIADB: &str = "MariaDB alone";

/// Compares the page's examples with events.
pub fn check(server: &Server) {
    let page = std::fs::read_to_string(root().join("docs/types.md")).expect("the page");
    let examples = examples(&page, server.flavour);
    assert!(
        examples.len() > 20,
        "the page has {} examples",
        examples.len()
    );
    let database = format!("{PREFIX}_page");
    let mut connection = server.connect();
    execute(
        &mut connection,
        &format!("DROP DATABASE IF EXISTS {database}"),
    );
    let start = server.end();
    execute(
        &mut connection,
        &format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"),
    );
    execute(&mut connection, &format!("USE {database}"));
    let columns: Vec<String> = (examples.iter().enumerate())
        .map(|(index, example)| format!("{} {}", name(index), example.definition))
        .collect();
    execute(
        &mut connection,
        &format!("CREATE TABLE page ({})", columns.join(", ")),
    );
    let values: Vec<&str> = examples
        .iter()
        .map(|example| example.sql.as_str())
        .collect();
    execute(
        &mut connection,
        &format!("INSERT INTO page VALUES ({})", values.join(", ")),
    );
    let place = run::places().remove(0);
    let files = run::run(server, &place, &start, &database);
    let mut wrong = String::new();
    for format in Format::ALL {
        let events = files.read(format, &database);
        let changes = format
            .changes(events.trim_end(), Image::Full)
            .expect("one event");
        for (index, example) in examples.iter().enumerate() {
            let said = match format {
                Format::Maxwell => &example.maxwell,
                Format::Debezium | Format::CloudEvents => &example.debezium,
                Format::Canal => &example.canal,
            };
            let (_, found) = &changes[0].after[index];
            if Json::parse(said).as_ref() != Ok(found) {
                let (format, definition, sql) = (format.name(), &example.definition, &example.sql);
                wrong.push_str(&format!(
                    "{definition} {sql} in {format}: the page says {said}, found {found:?}\n"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/types.md and {} differ:\n{wrong}",
        server.title()
    );
    execute(&mut connection, &format!("DROP DATABASE {database}"));
}

fn name(index: usize) -> String {
    identifier(&format!("c{index}"))
}

/// The examples for a kind of server.
fn examples(page: &str, flavour: Flavour) -> Vec<Example> {
    let mut heading = "";
    let mut is_table = false;
    let mut examples = Vec::new();
    for line in page.lines() {
        if let Some(text) = line.strip_prefix('#') {
            heading = text.trim_start_matches('#').trim();
        }
        if !line.starts_with('|') {
            is_table = false;
        } else if line.starts_with(HEAD) {
            is_table = true;
        } else if is_table && !line.starts_with("| ---") {
            let is_for = match heading {
                OF_MYSQL => flavour == Flavour::MySql,
                OF_MARIADB => flavour == Flavour::MariaDb,
                _ => true,
            };
            if is_for {
                examples.push(example(line));
            }
        }
    }
    examples
}

fn example(line: &str) -> Example {
    let cells = line.trim_matches('|').split('|');
    let mut cells = cells.map(|cell| cell.trim().trim_matches('`').to_owned());
    let mut cell = || {
        cells
            .next()
            .unwrap_or_else(|| panic!("a cell is missing: {line}"))
    };
    let example = Example {
        definition: cell(),
        sql: cell(),
        maxwell: cell(),
        debezium: cell(),
        canal: cell(),
    };
    assert_eq!(cells.next(), None, "a cell too many: {line}");
    example
}

#[test]
fn examples_are_found_by_their_headings() {
    let page = format!(
        "# Types\n{HEAD} maxwell | debezium | canal |\n| --- | --- | --- | --- | --- |\n| `INT` | `1` | `1` | `1` | `\"1\"` |\n\
         ## {OF_MYSQL}\n| other | table |\n| a | b |\n\n{HEAD} maxwell | debezium | canal |\n| `JSON` | {} | `{{}}` | `\"{{}}\"` | `\"{{}}\"` |\n",
        quoted("{}"),
    );
    let definitions = |flavour| -> Vec<String> {
        examples(&page, flavour)
            .into_iter()
            .map(|example| example.definition)
            .collect()
    };
    assert_eq!(definitions(Flavour::MySql), ["INT", "JSON"]);
    assert_eq!(definitions(Flavour::MariaDb), ["INT"]);
    assert_eq!(examples(&page, Flavour::MySql)[1].sql, "'{}'");
}
