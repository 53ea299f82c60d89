//! The tables that TABLE_MAPs introduced, each prepared once as long as it stays the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::definition::Definition;
use super::reader::Malformed;
use super::table_map::TableMap;
use super::table_plan::TablePlan;

/// How many tables are remembered.
const REMEMBERED: usize = 4096;

/// The tables that TABLE_MAPs introduced.
#[derive(Debug, Default)]
pub struct Tables {
    /// By the id that the server gave them, which it may give to another later.
    by_id: HashMap<u64, Known>,
    /// By all of a TABLE_MAP but the id, since the same table gets a new id now and then.
    by_body: HashMap<Box<[u8]>, Arc<TablePlan>>,
    /// What the server said of tables that have no names in the binlog; `None`: it knows nothing of it.
    definitions: HashMap<(String, String), Option<Definition>>,
    /// Rows belong to a TABLE_MAP of the same transaction.
    transaction: u64,
    /// Whether MariaDB wrote the events.
    is_mariadb: bool,
}

#[derive(Debug)]
struct Known {
    body: Box<[u8]>,
    plan: Arc<TablePlan>,
    transaction: u64,
}

/// What became of a TABLE_MAP.
#[derive(Debug, PartialEq, Eq)]
pub enum Introduced {
    Known,
    /// It has no names, and nobody was asked for them yet.
    Nameless {
        database: String,
        table: String,
    },
}

impl Tables {
    /// Takes a TABLE_MAP: its id, and the rest of it without header and checksum.
    #[inline(always)]
    pub fn introduce(
        &mut self,
        id: u64,
        body: &[u8],
        definitions: bool,
    ) -> Result<Introduced, Malformed> {
        if let Some(known) = self.by_id.get_mut(&id)
            && *known.body == *body
        {
            known.transaction = self.transaction;
            return Ok(Introduced::Known);
        }
        self.prepare(id, body, definitions)
    }

    #[inline(never)]
    fn prepare(
        &mut self,
        id: u64,
        body: &[u8],
        definitions: bool,
    ) -> Result<Introduced, Malformed> {
        let plan = match self.by_body.get(body) {
            Some(plan) => plan.clone(),
            None => {
                let plan = match TableMap::decode(body, self.is_mariadb)? {
                    Err(unknown) => TablePlan::unknown_type(unknown),
                    Ok(map) if map.says_all() => TablePlan::from_metadata(&map),
                    Ok(map) if !definitions => TablePlan::nameless(&map),
                    Ok(map) => {
                        let name = (map.database.clone(), map.table.clone());
                        match self.definitions.get(&name) {
                            Some(Some(definition)) => TablePlan::from_definition(&map, definition),
                            Some(None) => TablePlan::nameless(&map),
                            None => {
                                let (database, table) = name;
                                return Ok(Introduced::Nameless { database, table });
                            }
                        }
                    }
                };
                let plan = Arc::new(plan);
                if self.by_body.len() >= REMEMBERED {
                    self.by_body.clear();
                }
                self.by_body.insert(body.into(), plan.clone());
                plan
            }
        };
        if self.by_id.len() >= REMEMBERED {
            let now = self.transaction;
            self.by_id.retain(|_, known| known.transaction == now);
        }
        let known = Known {
            body: body.into(),
            plan,
            transaction: self.transaction,
        };
        self.by_id.insert(id, known);
        Ok(Introduced::Known)
    }

    /// The table that a TABLE_MAP of this transaction introduced under the id.
    #[inline(always)]
    pub fn plan(&self, id: u64) -> Option<&Arc<TablePlan>> {
        let known = self.by_id.get(&id)?;
        (known.transaction == self.transaction).then_some(&known.plan)
    }

    /// Learns what the server says of a table that has no names in the binlog.
    pub fn define(&mut self, database: String, table: String, definition: Option<Definition>) {
        if self.definitions.len() >= REMEMBERED {
            self.definitions.clear();
        }
        self.definitions.insert((database, table), definition);
    }

    /// Learns whether MariaDB wrote the events that follow.
    pub fn set_mariadb(&mut self, is_mariadb: bool) {
        if self.is_mariadb != is_mariadb {
            self.is_mariadb = is_mariadb;
            self.by_body.clear();
            self.by_id.clear();
        }
    }

    /// A new transaction begins, or the last has ended.
    #[inline(always)]
    pub fn next_transaction(&mut self) {
        self.transaction += 1;
    }

    /// Tables may have changed: forgets what the binlog itself did not say of them.
    pub fn forget_definitions(&mut self) {
        if self.definitions.is_empty() {
            return;
        }
        self.definitions.clear();
        self.by_body.retain(|_, plan| !plan.borrowed);
        self.by_id.retain(|_, known| !known.plan.borrowed);
    }
}
