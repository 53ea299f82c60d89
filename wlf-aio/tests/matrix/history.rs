//! The history that each server writes: the same tables and changes once for every setting.

use std::collections::BTreeMap;

use crate::client::{self, Holdings};
use crate::generator;
use crate::server::{Server, execute};
use crate::setting::Setting;
use crate::table::{Extent, Phase, Table};

/// What a server has written, and what its client read after each phase.
pub struct Written {
    pub tables: Vec<Table>,
    pub settings: Vec<Setting>,
    /// Where the binlog stood before.
    pub start: (String, u64),
    pub holdings: BTreeMap<Phase, Holdings>,
    /// Whether the server's images after an UPDATE lack generated columns.
    pub leaves_generated_out: bool,
}

/// The table into which a row is inserted at the end of each phase.
pub const MARKS: &str = "phases";

impl Written {
    /// The tables that are written under a setting.
    pub fn tables(&self, setting: &Setting) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| table.is_of(setting))
    }
}

/// Whether a table's state is compared at the end of a phase.
fn is_compared(table: &Table, phase: Phase) -> bool {
    table.extent != Extent::Large || phase == Phase::Delete
}

pub fn write(server: &Server) -> Written {
    server.clear();
    let mut written = Written {
        tables: generator::tables(server),
        settings: server.settings(),
        start: Default::default(),
        holdings: BTreeMap::new(),
        leaves_generated_out: server.leaves_generated_out(),
    };
    // The program finds every other setting's tables as they are, and reads how the others are made.
    let (known, read) = (
        written.settings.iter().step_by(2),
        written.settings.iter().skip(1).step_by(2),
    );
    for setting in known {
        create(server, &written, setting);
    }
    let start = server.end();
    for setting in read {
        create(server, &written, setting);
    }
    written.start = start;
    for phase in Phase::ALL {
        for setting in &written.settings {
            let mut connection = server.writing(setting);
            execute(&mut connection, &format!("USE {}", setting.database()));
            for table in written.tables(setting) {
                let statements = table.statements(phase, setting);
                if statements.is_empty() {
                    continue;
                }
                execute(&mut connection, "BEGIN");
                for statement in statements {
                    execute(&mut connection, &statement);
                }
                execute(&mut connection, "COMMIT");
            }
            execute(
                &mut connection,
                &format!("INSERT INTO {MARKS} VALUES ({})", phase as u8),
            );
        }
        let compared: Vec<(String, &Table)> = (written.settings.iter())
            .flat_map(|setting| {
                let tables = written.tables(setting);
                let compared = tables.filter(|table| is_compared(table, phase));
                compared.map(|table| (setting.database(), table))
            })
            .collect();
        let holdings = client::read(server, &compared);
        written.holdings.insert(phase, holdings);
    }
    written
}

fn create(server: &Server, written: &Written, setting: &Setting) {
    let mut connection = server.connect();
    let database = setting.database();
    execute(
        &mut connection,
        &format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"),
    );
    execute(&mut connection, &format!("USE {database}"));
    execute(
        &mut connection,
        &format!("CREATE TABLE {MARKS} (phase INT PRIMARY KEY)"),
    );
    for table in written.tables(setting) {
        if !table.session.is_empty() {
            execute(&mut connection, &format!("SET {} = 1", table.session));
        }
        execute(&mut connection, &table.create());
        if !table.session.is_empty() {
            execute(&mut connection, &format!("SET {} = DEFAULT", table.session));
        }
    }
}
