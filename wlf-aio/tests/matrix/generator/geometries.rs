//! Geometries of all kinds.

use crate::column::{Column, Kind};
use crate::server::Server;
use crate::table::Table;

const POINTS: [&str; 4] = [
    "POINT(1 2)",
    "POINT(-1.5 2.25)",
    "POINT(123456789.12345679 0.1)",
    "POINT(1e15 1e-7)",
];
const LINES: [&str; 2] = ["LINESTRING(0 0,1 1,2 2)", "LINESTRING(0.1 0.2,1e15 1e16)"];
const POLYGONS: [&str; 2] = [
    "POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,4 2,4 4,2 2))",
    "POLYGON((0 0,1 0,1 1,0 0))",
];
const MULTIPOINTS: [&str; 2] = ["MULTIPOINT(0 0,20 20,60 60)", "MULTIPOINT(1 1)"];
const MULTILINES: [&str; 1] = ["MULTILINESTRING((10 10,20 20),(15 15,30 15))"];
const MULTIPOLYGONS: [&str; 1] =
    ["MULTIPOLYGON(((0 0,10 0,10 10,0 10,0 0)),((15 15,17 15,17 17,15 17,15 15)))"];
const COLLECTIONS: [&str; 3] = [
    "GEOMETRYCOLLECTION(POINT(10 10),POINT(30 30),LINESTRING(15 15,20 20))",
    "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)),MULTIPOINT(2 2,3 3),POLYGON((0 0,1 0,1 1,0 0)))",
    "GEOMETRYCOLLECTION EMPTY",
];

pub fn tables(server: &Server) -> Vec<Table> {
    let all: Vec<&str> = [
        &POINTS[..],
        &LINES,
        &POLYGONS,
        &MULTIPOINTS,
        &MULTILINES,
        &MULTIPOLYGONS,
        &COLLECTIONS,
    ]
    .concat();
    let shapes = |texts: &[&str]| -> Vec<String> {
        texts
            .iter()
            .map(|text| format!("ST_GeomFromText('{text}')"))
            .collect()
    };
    let column = |name: &str, definition: &str, texts: &[&str]| {
        let kind = if definition == "POINT" {
            Kind::Point
        } else {
            Kind::Geometry
        };
        Column::new(name, definition, kind, shapes(texts))
    };
    // MySQL's text of a geographic point begins with the latitude, MariaDB's has no order of its own.
    let geographic = ["POINT(52.5 13.4)", "POINT(-89.5 179.25)"]
        .map(|text| format!("ST_GeomFromText('{text}', 4326)"));
    let definition = if server.is_mariadb() {
        "POINT"
    } else {
        "POINT SRID 4326"
    };
    vec![Table::new(
        "geometries",
        [
            column("g", "GEOMETRY", &all),
            column("p", "POINT", &POINTS),
            column("l", "LINESTRING", &LINES),
            column("po", "POLYGON", &POLYGONS),
            column("mp", "MULTIPOINT", &MULTIPOINTS),
            column("ml", "MULTILINESTRING", &MULTILINES),
            column("mpo", "MULTIPOLYGON", &MULTIPOLYGONS),
            column("gc", "GEOMETRYCOLLECTION", &COLLECTIONS),
            Column::new("wgs", definition, Kind::Point, geographic),
            column("required", "POINT", &POINTS).not_null(),
        ],
    )]
}
