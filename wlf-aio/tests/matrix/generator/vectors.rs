//! Vectors: MySQL's of any length up to the declared one, MariaDB's of exactly that.

use crate::column::{Column, Kind};
use crate::server::Server;
use crate::table::Table;

pub fn tables(server: &Server) -> Vec<Table> {
    let mariadb = server.is_mariadb();
    if mariadb && server.release() < (11, 7) {
        return Vec::new();
    }
    let function = if mariadb {
        "VEC_FromText"
    } else {
        "STRING_TO_VECTOR"
    };
    let column = |name: &str, length: usize, texts: &[&str]| {
        let values = texts.iter().map(|text| format!("{function}('{text}')"));
        Column::new(name, format!("VECTOR({length})"), Kind::Vector, values)
    };
    let mut columns = vec![
        column(
            "v3",
            3,
            &[
                "[1,2,3]",
                "[-0.0,0,1.17549435e-38]",
                "[-1.5,2.25,3.4028235e38]",
                "[1e-30,1e10,0.33333334]",
            ],
        ),
        column("v1", 1, &["[0.1]", "[16777217]"]),
    ];
    if !mariadb {
        columns.push(column(
            "v2048",
            2048,
            &["[1,2]", "[0]", "[3.1415927,1e-10,1e20,1e21,1e7]"],
        ));
        let long = "CONCAT('[', REPEAT('0.1,', 2047), '2]')".to_owned();
        columns.push(Column::new(
            "full",
            "VECTOR",
            Kind::Vector,
            [format!("{function}({long})")],
        ));
    }
    vec![Table::new("vectors", columns)]
}
