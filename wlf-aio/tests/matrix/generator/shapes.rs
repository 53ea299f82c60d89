//! Tables of odd shapes: their keys, their names, their width, and columns that the server fills in.

use crate::column::{Column, Kind, quoted};
use crate::server::Server;
use crate::table::Table;

pub fn tables(server: &Server) -> Vec<Table> {
    let mut tables = vec![
        without_key(),
        composite_key(),
        text_key(),
        server_made(),
        named(),
        wide("wide_1000", 1000, ""),
        widest(server),
    ];
    if !server.is_mariadb() {
        tables.push(generated_key());
    }
    tables
}

fn text(name: &str, definition: &str, values: &[&str]) -> Column {
    Column::new(
        name,
        definition,
        Kind::Text,
        values.iter().map(|value| quoted(value)),
    )
}

fn integer(name: &str, values: &[&str]) -> Column {
    Column::new(name, "INT", Kind::Integer, values.iter().copied())
}

/// Rows that are alike are there as often as they were inserted.
fn without_key() -> Table {
    let columns = [
        integer("a", &["1", "1", "2"]),
        text("b", "VARCHAR(10)", &["one", "one", "two"]),
        Column::new("c", "BLOB", Kind::Binary, ["x'00'", "x'00'", "x'01'"]),
    ];
    Table::new("without_key", columns).with_key([])
}

fn composite_key() -> Table {
    let columns = [
        integer("b", &["1", "2", "3", "4"]).not_null(),
        text("note", "VARCHAR(10)", &["x", "y"]),
        text("a", "VARCHAR(10)", &["one", "two", "", "four"]).not_null(),
        Column::new(
            "n",
            "DECIMAL(5,2)",
            Kind::Decimal,
            ["1.50", "-2.25", "0", "4"],
        )
        .not_null(),
    ];
    Table::new("composite_key", columns).with_key(["n", "a", "id"])
}

fn text_key() -> Table {
    let columns = [
        text(
            "name",
            "VARCHAR(100)",
            &["a long name indeed", "ü😀", "", "\"'\\"],
        )
        .not_null(),
        text("body", "TEXT", &["body", ""]),
    ];
    Table::new("text_key", columns).with_key(["name", "id"])
}

/// Generated, invisible and defaulted columns.
fn server_made() -> Table {
    let columns = [
        integer("a", &["1", "-2", "3000", "0"]),
        Column::by_server(
            "total",
            "INT GENERATED ALWAYS AS (a + 1) STORED",
            Kind::Integer,
        ),
        Column::by_server(
            "product",
            "INT GENERATED ALWAYS AS (a * 2) VIRTUAL",
            Kind::Integer,
        ),
        Column::by_server(
            "label",
            "VARCHAR(40) GENERATED ALWAYS AS (CONCAT('n', a)) STORED",
            Kind::Text,
        ),
        Column::by_server(
            "secret",
            "VARCHAR(20) DEFAULT 'hidden' INVISIBLE",
            Kind::Text,
        ),
        Column::new(
            "told",
            "VARCHAR(20) INVISIBLE",
            Kind::Text,
            ["'told'", "''"],
        ),
        Column::by_server("fallen", "DECIMAL(5,2) DEFAULT 1.5", Kind::Decimal),
        Column::by_server("nothing", "INT", Kind::Integer),
    ];
    Table::new("server_made", columns)
}

fn named() -> Table {
    let names = [
        "sp ace",
        "\"quoted\"",
        "back\\slash",
        "日本",
        "`tick`",
        "per%cent",
        "a.b",
        "a/b~c",
        "SELECT",
        "Ünï",
        "{}",
        "it's",
    ];
    let columns = names.map(|name| integer(name, &["1", "2"]));
    Table::new("naïve \"täble\" 日本", columns)
}

/// InnoDB has no more than 1,017 columns, and a table's definition has 64 KiB in MariaDB.
fn widest(server: &Server) -> Table {
    let table = if server.is_mariadb() {
        wide("wide_2500", 2500, "ENGINE=MyISAM")
    } else {
        wide("wide_4000", 4000, "ENGINE=MyISAM")
    };
    table.large()
}

fn wide(name: &str, count: i32, options: &'static str) -> Table {
    let columns = (1..count).map(|number| {
        let values = [number % 128, -(number % 129)].map(|value| value.to_string());
        Column::new(format!("c{number}"), "TINYINT", Kind::Integer, values)
    });
    Table {
        options,
        ..Table::new(name, columns)
    }
}

/// The primary key that MySQL adds to a table without one.
fn generated_key() -> Table {
    let key = Column::by_server("my_row_id", "", Kind::Integer);
    let columns = [
        key,
        integer("a", &["1", "2", "3"]),
        text("b", "VARCHAR(10)", &["one", "two"]),
    ];
    Table {
        name: "generated_key".to_owned(),
        columns: columns.to_vec(),
        key: vec!["my_row_id".to_owned()],
        session: "sql_generate_invisible_primary_key",
        options: "",
        ..Table::new("", [])
    }
}
