//! The tables of the matrix: each type with the values at its edges.

mod binaries;
mod charsets;
mod documents;
mod geometries;
mod labels;
mod mariadb;
mod numbers;
mod shapes;
mod temporals;
mod vectors;

use crate::server::Server;
use crate::table::Table;

/// All tables for a server.
pub fn tables(server: &Server) -> Vec<Table> {
    let mut tables = numbers::tables();
    tables.extend(temporals::tables(server));
    tables.extend(charsets::tables(server));
    tables.extend(binaries::tables());
    tables.extend(labels::tables());
    tables.extend(documents::tables(server));
    tables.extend(geometries::tables(server));
    tables.extend(vectors::tables(server));
    tables.extend(mariadb::tables(server));
    tables.extend(shapes::tables(server));
    tables
}
