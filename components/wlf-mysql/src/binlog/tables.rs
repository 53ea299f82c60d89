//! The tables that TABLE_MAPs introduced, each prepared once as long as it stays the same.

pub mod column_type;
pub mod declared_type;
pub mod definition;
pub mod described_type;
pub mod table_plan;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::events::table_map::TableMap;
use super::tables::definition::Definition;
use super::tables::table_plan::TablePlan;
use crate::ddl::TableName;
use crate::reader::Malformed;
use crate::schema::HistoryError;
use crate::schema::{History, Lookup};

/// How much memory the tables that are remembered may take, in bytes. More are remembered only within a transaction.
const REMEMBERED: usize = 32 << 20;

/// The tables that TABLE_MAPs introduced.
#[derive(Debug, Default)]
pub struct Tables {
    /// By the id that the server gave them, which it may give to another later.
    by_id: HashMap<u64, Arc<Known>>,
    /// The one of `by_id` that was introduced last: most events are of the same table as those before.
    last: Option<(u64, Arc<Known>)>,
    /// By all of a TABLE_MAP but the id, since the same table gets a new id now and then.
    by_body: HashMap<Box<[u8]>, Arc<TablePlan>>,
    /// About what both take, in bytes.
    size: usize,
    /// From which size on some are forgotten, if it is more than [`REMEMBERED`].
    limit: usize,
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
    /// The last one that introduced it.
    transaction: AtomicU64,
}

impl Known {
    fn is_of(&self, transaction: u64) -> bool {
        self.transaction.load(Ordering::Relaxed) == transaction
    }
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
        if self.last.as_ref().is_none_or(|(last, _)| *last != id) {
            self.last = self.by_id.get(&id).map(|known| (id, known.clone()));
        }
        if let Some((_, known)) = &self.last
            && wlf_core::same(&known.body, body)
        {
            known.transaction.store(self.transaction, Ordering::Relaxed);
            return Ok(Introduced::Known);
        }
        self.last = None;
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
        let known = Arc::new(Known {
            body: body.into(),
            plan,
            transaction: self.transaction.into(),
        });
        if let Some(replaced) = self.by_id.insert(id, known) {
            self.size = self.size.saturating_sub(replaced.body.len());
        }
        Ok(Introduced::Known)
    }

    /// Forgets the tables of earlier transactions if there is no room for so much more.
    fn make_room(&mut self, bytes: usize) {
        self.size = self.size.saturating_add(bytes);
        if self.size <= self.limit.max(REMEMBERED) {
            return;
        }
        let now = self.transaction;
        self.by_body.clear();
        self.by_id.retain(|_, known| known.is_of(now));
        let left = self.by_id.values();
        let left = left.map(|known| known.body.len() + footprint(&known.body, &known.plan));
        self.size = left.fold(bytes, usize::saturating_add);
        // A transaction of very many tables has to have them all: not to be looked through at each of them.
        self.limit = self.size.saturating_mul(2);
    }

    /// The table that a TABLE_MAP of this transaction introduced under the id.
    #[inline(always)]
    pub fn plan(&self, id: u64) -> Option<&Arc<TablePlan>> {
        let known = match &self.last {
            Some((last, known)) if *last == id => known,
            _ => self.by_id.get(&id)?,
        };
        known.is_of(self.transaction).then_some(&known.plan)
    }

    /// Learns whether MariaDB wrote the events that follow.
    pub fn set_mariadb(&mut self, is_mariadb: bool) {
        if self.is_mariadb != is_mariadb {
            self.is_mariadb = is_mariadb;
            self.by_body.clear();
            self.by_id.clear();
            self.last = None;
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
        self.last = None;
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
        let name = TableName {
            database: map.database.clone(),
            table: map.table.clone(),
        };
        let lookup = match &mut self.history {
            Some(history) => history.lookup(&name)?,
            None => Lookup::Unknown,
        };
        Ok(match lookup {
            Lookup::Known(schema) => {
                let definition = Definition::of(&schema);
                if self.asks
                    && map.metadata.names.is_empty()
                    && !definition.fits(map)
                    && let Some(history) = &mut self.history
                    && history.doubt(&name)?
                {
                    return Ok(None);
                }
                Some(TablePlan::from_definition(map, &definition))
            }
            Lookup::Refused(reason) => Some(TablePlan::refused(map, reason)),
            Lookup::Unknown if self.asks => None,
            Lookup::Unknown => Some(TablePlan::nameless(map)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TABLE_MAP behind its id: a table of one INT, without metadata.
    fn table_map(table: &str) -> Vec<u8> {
        let mut body = vec![1, 0, 1];
        body.extend(b"d\0");
        body.push(u8::try_from(table.len()).unwrap());
        body.extend(table.as_bytes());
        // Columns, their types, their types' metadata, and which may be NULL.
        body.extend([0, 1, 3, 0, 1]);
        body
    }

    fn introduced(tables: &mut Tables, id: u64, table: &str) -> Arc<TablePlan> {
        let mut definitions = Definitions::default();
        let introduced = tables.introduce(id, &table_map(table), &mut definitions);
        assert_eq!(introduced.unwrap(), Introduced::Known);
        tables.plan(id).unwrap().clone()
    }

    #[test]
    fn one_hundred_thousand_tables_are_remembered_in_bounded_memory() {
        let mut tables = Tables::default();
        for n in 0..100_000 {
            tables.next_transaction();
            introduced(&mut tables, n, &format!("a_table_with_a_long_name_{n}"));
            assert!(tables.size() <= REMEMBERED, "{} bytes", tables.size());
        }
        let all = tables.by_id.len() + tables.by_body.len();
        assert!((1000..100_000).contains(&all), "{all} entries");
        // All of one transaction are there, however many they are.
        tables.next_transaction();
        for n in 0..100_000 {
            introduced(&mut tables, n, &format!("t{n}"));
        }
        for n in 0..100_000 {
            assert_eq!(tables.plan(n).unwrap().table.name, format!("t{n}"));
        }
    }

    #[test]
    fn an_id_means_what_its_transaction_says() {
        const ID: u64 = 0xffff_ffff_fffe;
        let mut tables = Tables::default();
        assert_eq!(introduced(&mut tables, ID, "a").table.name, "a");
        tables.next_transaction();
        assert!(tables.plan(ID).is_none(), "it was said for the last one");
        assert_eq!(introduced(&mut tables, ID, "b").table.name, "b");
        tables.next_transaction();
        let first = introduced(&mut tables, ID, "a");
        tables.next_transaction();
        let again = introduced(&mut tables, 7, "a");
        assert!(Arc::ptr_eq(&first.table, &again.table), "prepared once");
        tables.forget_definitions(|database, table| (database, table) == ("d", "a"));
        let changed = introduced(&mut tables, 7, "a");
        assert!(!Arc::ptr_eq(&first.table, &changed.table));
    }
}
