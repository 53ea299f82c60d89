//! The type matrix: what the program writes, folded into a state, is what the server's own client reads.
//!
//! Each server writes the same tables once for every setting of its binlog. The program reads all of it in one run and
//! writes it in every format. A cell is one column of one row at the end of one phase of that history; it agrees if the
//! folded value is exactly the one that `SELECT` shows there.
#![cfg(not(target_os = "wasi"))]

mod agreement;
mod client;
mod column;
mod figures;
mod fold;
mod format;
mod generator;
mod history;
mod json;
mod page;
#[path = "../program/mod.rs"]
mod program;
mod run;
mod server;
mod setting;
mod table;
mod wkt;

use crate::figures::Figures;
use crate::format::Format;
use crate::server::Server;
use crate::setting::PREFIX;

#[test]
fn what_mysql_9_7_holds_is_what_the_events_say() {
    matrix(&Server::mysql());
}

#[test]
fn what_mariadb_10_11_holds_is_what_the_events_say() {
    matrix(&Server::mariadb_10_11());
}

#[test]
fn what_mariadb_11_8_holds_is_what_the_events_say() {
    matrix(&Server::mariadb_11_8());
}

#[test]
fn the_page_of_types_is_right_for_mysql() {
    page::check(&Server::mysql());
}

#[test]
fn the_page_of_types_is_right_for_mariadb() {
    page::check(&Server::mariadb_11_8());
}

fn matrix(server: &Server) {
    let mut figures = Figures::new(server.title());
    let written = history::write(server);
    figures.step("writing");
    for place in run::places() {
        let settings = place.settings(&written.settings);
        let databases = match settings {
            [one] => one.database(),
            _ => format!("{PREFIX}_*"),
        };
        let files = run::run(server, &place, &written.start, &databases);
        figures.step(&place.title());
        for setting in settings {
            for format in Format::ALL {
                let events = files.read(format, &setting.database());
                let folded = fold::fold(&written, setting, format, &events);
                figures.add(&place, *setting, format, folded);
            }
        }
        figures.step("folding");
    }
    figures.print();
    figures.assert_agreement();
}
