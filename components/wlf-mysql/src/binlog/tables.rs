//! The tables that TABLE_MAPs introduced, each prepared once as long as it stays the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::reader::Malformed;
use super::table_map::TableMap;
use super::table_plan::TablePlan;
use crate::ddl::TableName;
use crate::schema::history::HistoryError;
use crate::schema::{History, Lookup};

/// How much memory the tables that are remembered may take, in bytes. More are remembered only within a transaction.
const REMEMBERED: usize = 32 << 20;

/// The tables that TABLE_MAPs introduced.
#[derive(Debug, Default)]
pub struct Tables {
    /// By the id that the server gave them, which it may give to another later.
    by_id: HashMap<u64, Known>,
    /// By all of a TABLE_MAP but the id, since the same table gets a new id now and then.
    by_body: HashMap<Box<[u8]>, Arc<TablePlan>>,
    /// About what both take, in bytes.
    size: usize,
    /// Rows belong to a TABLE_MAP of the same transaction.
    transaction: u64,
    /// Whether MariaDB wrote the events.
    is_mariadb: bool,
}

/// Where the definitions of tables come from that have no names in the binlog.
#[derive(Debug, Default)]
pub struct Definitions {
    /// Somebody answers when they are not known.
    pub asks: bool,
    pub history: Option<Box<History>>,
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

/// Why a TABLE_MAP cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum NotIntroduced {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl Tables {
    /// Takes a TABLE_MAP: its id, and the rest of it without header and checksum.
    #[inline(always)]
    pub fn introduce(
        &mut self,
        id: u64,
        body: &[u8],
        definitions: &mut Definitions,
    ) -> Result<Introduced, NotIntroduced> {
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
        definitions: &mut Definitions,
    ) -> Result<Introduced, NotIntroduced> {
        let plan = match self.by_body.get(body) {
            Some(plan) => plan.clone(),
            None => {
                let plan = match TableMap::decode(body, self.is_mariadb)? {
                    Err(unknown) => TablePlan::unknown_type(unknown),
                    Ok(map) if map.says_all() => TablePlan::from_metadata(&map),
                    Ok(map) => match definitions.plan(&map)? {
                        Some(plan) => plan,
                        None => {
                            let TableMap {
                                database, table, ..
                            } = map;
                            return Ok(Introduced::Nameless { database, table });
                        }
                    },
                };
                let plan = Arc::new(plan);
                self.make_room(footprint(body, &plan));
                self.by_body.insert(body.into(), plan.clone());
                plan
            }
        };
        self.make_room(body.len());
        let known = Known {
            body: body.into(),
            plan,
            transaction: self.transaction,
        };
        if let Some(replaced) = self.by_id.insert(id, known) {
            self.size = self.size.saturating_sub(replaced.body.len());
        }
        Ok(Introduced::Known)
    }

    /// Forgets the tables of earlier transactions if there is no room for so much more.
    fn make_room(&mut self, bytes: usize) {
        self.size = self.size.saturating_add(bytes);
        if self.size <= REMEMBERED {
            return;
        }
        let now = self.transaction;
        self.by_body.clear();
        self.by_id.retain(|_, known| known.transaction == now);
        let left = self.by_id.values();
        let left = left.map(|known| known.body.len() + footprint(&known.body, &known.plan));
        self.size = left.fold(bytes, usize::saturating_add);
    }

    /// The table that a TABLE_MAP of this transaction introduced under the id.
    #[inline(always)]
    pub fn plan(&self, id: u64) -> Option<&Arc<TablePlan>> {
        let known = self.by_id.get(&id)?;
        (known.transaction == self.transaction).then_some(&known.plan)
    }

    /// Learns whether MariaDB wrote the events that follow.
    pub fn set_mariadb(&mut self, is_mariadb: bool) {
        if self.is_mariadb != is_mariadb {
            self.is_mariadb = is_mariadb;
            self.by_body.clear();
            self.by_id.clear();
            self.size = 0;
        }
    }

    /// A new transaction begins, or the last has ended.
    #[inline(always)]
    pub fn next_transaction(&mut self) {
        self.transaction += 1;
    }

    /// Tables may have changed: forgets what the binlog itself did not say of those that `is_changed` names by their
    /// database and table.
    pub fn forget_definitions(&mut self, is_changed: impl Fn(&str, &str) -> bool) {
        let is_kept = |plan: &TablePlan| {
            !plan.borrowed || !is_changed(&plan.table.database, &plan.table.name)
        };
        self.by_body.retain(|_, plan| is_kept(plan));
        self.by_id.retain(|_, known| is_kept(&known.plan));
    }

    /// About what all tables that are remembered take, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// About what a table takes in memory, in bytes.
fn footprint(body: &[u8], plan: &TablePlan) -> usize {
    /// The map's entries, and the plan and the table without their columns.
    const FIXED: usize = 512;
    /// The plan and the definition of one column, names and labels aside, of which the body has as much.
    const COLUMN: usize = 128;
    let columns = plan.columns.len().saturating_mul(COLUMN);
    let text = body.len().saturating_mul(3);
    FIXED.saturating_add(columns).saturating_add(text)
}

impl Definitions {
    /// Prepares a table of which the binlog does not say everything; `None` if somebody is to be asked.
    fn plan(&mut self, map: &TableMap) -> Result<Option<TablePlan>, HistoryError> {
        let lookup = match &mut self.history {
            Some(history) => history.lookup(&TableName {
                database: map.database.clone(),
                table: map.table.clone(),
            })?,
            None => Lookup::Unknown,
        };
        Ok(match lookup {
            Lookup::Known(schema) => Some(TablePlan::from_definition(map, &schema.definition())),
            Lookup::Refused(reason) => Some(TablePlan::refused(map, reason)),
            Lookup::Unknown if self.asks => None,
            Lookup::Unknown => Some(TablePlan::nameless(map)),
        })
    }
}
