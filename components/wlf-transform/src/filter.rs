//! Lets the events of some tables pass.

mod doubts;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Build, Component, Context, Environment, Invalid, Pattern};
use wlf_core::{Batch, ComponentKind, Fault, Out, Table, Transformer};

/// Lets the events of some tables pass and drops those of others.
///
/// The rules are read in order, and the last one that matches a table decides; with no match its events pass.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The rules, as in `[{exclude: {database: shop}}, {include: {database: shop, table: "order*"}}]`. Names are literal,
    /// globs with `*` and `?`, or a `/regex/` that is found anywhere in the name; letter case counts.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// What becomes of some tables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// Drops the events of these tables.
    Exclude(TableNames),
    /// Lets the events of these tables pass.
    Include(TableNames),
}

/// Some tables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableNames {
    /// The database; without it any.
    #[serde(default)]
    pub database: Option<Pattern>,
    /// The table; without it any.
    #[serde(default)]
    pub table: Option<Pattern>,
}

impl Rule {
    fn tables(&self) -> &TableNames {
        match self {
            Rule::Exclude(tables) | Rule::Include(tables) => tables,
        }
    }
}

impl TableNames {
    fn has(&self, table: &Table) -> bool {
        let matches = |pattern: &Option<Pattern>, name: &str| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(name))
        };
        matches(&self.database, &table.database) && matches(&self.table, &table.name)
    }
}

impl Build for Config {
    const TYPE: &'static str = "BinlogFilter";
    const KIND: ComponentKind = ComponentKind::Transformer;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        for (index, rule) in self.rules.iter().enumerate() {
            let tables = rule.tables();
            if tables.database.is_none() && tables.table.is_none() {
                return Err(Invalid::new(
                    format!("rules[{index}]"),
                    "the rule names neither a database nor a table",
                )
                .with_hint("write `database: \"*\"` to mean all of them"));
            }
        }
        Ok(Component::Transformer(Box::new(BinlogFilter::new(
            self.rules,
        ))))
    }

    fn doubts(&self, _: &dyn Environment) -> Vec<Invalid> {
        doubts::of(&self.rules)
    }
}

/// Table versions that are remembered; more than this and all are decided anew.
const REMEMBERED: usize = 10_000;

/// Lets the events of some tables pass.
#[derive(Debug)]
pub struct BinlogFilter {
    rules: Vec<Rule>,
    decided: HashMap<u64, bool>,
    /// The table version that came last, and whether it passes.
    last: Option<(u64, bool)>,
}

impl BinlogFilter {
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules,
            decided: HashMap::new(),
            last: None,
        }
    }

    /// Says whether the events of a table pass: decided once for each of its versions.
    fn passes(&mut self, table: &Table) -> bool {
        if let Some((version, passes)) = self.last
            && version == table.version
        {
            return passes;
        }
        if self.decided.len() >= REMEMBERED {
            self.decided.clear();
        }
        let rules = &self.rules;
        let decide = || {
            let last = rules.iter().rfind(|rule| rule.tables().has(table));
            !matches!(last, Some(Rule::Exclude(_)))
        };
        let passes = *self.decided.entry(table.version).or_insert_with(decide);
        self.last = Some((table.version, passes));
        passes
    }
}

impl Transformer for BinlogFilter {
    fn apply(&mut self, mut batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        batch.events.retain(|event| self.passes(&event.table));
        out.pass(batch.events);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use serde_json::json;
    use wlf_core::testing::transform;
    use wlf_core::value::OwnedRows;
    use wlf_core::{ChangePlace, Column, Event, SchemaChange, SchemaChangeKind};

    use super::*;

    fn event(database: &str, table: &str) -> Event {
        let columns = vec![Column::untyped("id")];
        let table = Arc::new(Table::new(database, table, columns, vec![0]));
        OwnedRows::insert(&table, [vec![1.into()]])
    }

    fn filter(rules: serde_json::Value) -> BinlogFilter {
        let config: Config = serde_json::from_value(json!({"rules": rules})).expect("rules");
        BinlogFilter::new(config.rules)
    }

    /// What the filter lets pass.
    fn apply(filter: &mut BinlogFilter, events: Vec<Event>) -> Vec<Event> {
        let batch = Batch {
            events,
            ..Batch::default()
        };
        let mut applied = transform(filter, batch, 1).expect("apply");
        applied.to.remove(0)
    }

    /// The tables that pass, of those that are given as `database.table`.
    fn passing<'a>(rules: serde_json::Value, tables: &[&'a str]) -> Vec<&'a str> {
        let mut filter = filter(rules);
        let passes = |name: &&&str| {
            let (database, table) = name.split_once('.').expect("a dot");
            !apply(&mut filter, vec![event(database, table)]).is_empty()
        };
        tables.iter().filter(passes).copied().collect()
    }

    #[test]
    fn the_last_rule_that_matches_decides() {
        let tables = ["d1.t1", "d1.t2", "d2.t1"];
        assert_eq!(passing(json!([]), &tables), tables);
        assert_eq!(
            passing(
                json!([
                    {"exclude": {"database": "d1"}},
                    {"include": {"database": "d1", "table": "t1"}},
                ]),
                &tables
            ),
            ["d1.t1", "d2.t1"]
        );
        assert_eq!(
            passing(
                json!([
                    {"include": {"database": "d1", "table": "t1"}},
                    {"exclude": {"database": "d1"}},
                ]),
                &tables
            ),
            ["d2.t1"]
        );
    }

    /// The vectors of Maxwell's FilterTest.
    #[test]
    fn names_are_literals_globs_and_regexes() {
        assert_eq!(
            passing(
                json!([
                    {"exclude": {"database": "*"}},
                    {"include": {"database": "db1"}},
                ]),
                &["db1.a", "db2.a", "xdb1.a"]
            ),
            ["db1.a"]
        );
        assert_eq!(
            passing(
                json!([
                    {"exclude": {"database": "foodb"}},
                    {"include": {"database": "foodb", "table": "tbl"}},
                    {"include": {"database": "foodb", "table": "/table_\\d+/"}},
                ]),
                &[
                    "foodb.tbl",
                    "foodb.table_1",
                    "foodb.xtable_1y",
                    "foodb.table_x",
                    "foodb.TBL"
                ]
            ),
            ["foodb.tbl", "foodb.table_1", "foodb.xtable_1y"]
        );
        assert_eq!(
            passing(
                json!([{"exclude": {"table": "tmp_?"}}]),
                &["a.tmp_1", "b.tmp_2", "b.tmp_12"]
            ),
            ["b.tmp_12"]
        );
    }

    #[test]
    fn a_change_of_a_definition_goes_the_way_of_its_tables_rows() {
        let change = |table: &str| {
            let change = SchemaChange {
                kind: SchemaChangeKind::TableTruncate,
                database: "d".into(),
                table: Some(table.into()),
                sql: "TRUNCATE TABLE t".into(),
                old: None,
                new: None,
                charset: None,
                place: ChangePlace::default(),
            };
            change.into_event(NonZeroU64::MIN, 0)
        };
        let mut filter = filter(json!([{"exclude": {"database": "d", "table": "private"}}]));
        let events = apply(&mut filter, vec![change("private"), change("public")]);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].table.name, "public");
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut filter = filter(json!([{"exclude": {"table": "t1*"}}]));
        let one = event("d", "t1");
        for n in 0..2 * REMEMBERED {
            let other = event("d", &format!("t{}", 2 + n % 8));
            let events = vec![one.clone(), other.clone(), other, one.clone()];
            let left = apply(&mut filter, events);
            assert_eq!(left.len(), 2);
            assert!(left.iter().all(|event| event.table.name != "t1"));
            assert!(filter.decided.len() <= REMEMBERED);
        }
    }

    #[test]
    fn a_rule_that_names_nothing_is_refused() {
        let rules = json!([{"exclude": {"database": "a"}}, {"include": {}}]);
        let config: Config = serde_json::from_value(json!({"rules": rules})).expect("rules");
        let context = Context {
            id: "filter".into(),
            pipeline: String::new(),
            delivery: Default::default(),
            destinations: vec!["out".into()],
            store: None,
        };
        let invalid = config.build(&context).err().expect("a refusal");
        assert_eq!(invalid.key, "rules[1]");
        assert_eq!(
            invalid.message,
            "the rule names neither a database nor a table"
        );
    }
}
