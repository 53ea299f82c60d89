//! Whose history it is, and where it is kept.

use std::io;
use std::sync::Arc;

use wlf_core::Store;
use wlf_core::config::Context;

use super::error::HistoryError;
use crate::ddl::{TableName, folded};

/// Whose history it is, and where it is kept.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    pub collector: String,
    /// The store and the history's name there; `None`: it is in memory alone.
    pub kept: Option<(Arc<dyn Store>, String)>,
    /// The server takes names that differ in case only for the same (`lower_case_table_names`).
    pub folds_case: bool,
    /// The server writes all names in lower case (`lower_case_table_names=1`).
    pub lowers_case: bool,
}

impl Owner {
    /// A collector, and the place in its pipeline's store.
    pub fn new(context: &Context) -> Self {
        let store = context.store.clone();
        Self {
            collector: context.id.clone(),
            kept: store.map(|store| (store, context.value_name(".schema"))),
            ..Self::default()
        }
    }

    fn shown(&self) -> String {
        match &self.kept {
            Some((store, name)) => store.place(name),
            None => "in memory".to_owned(),
        }
    }

    pub(super) fn failed(&self, source: io::Error) -> HistoryError {
        HistoryError::Io {
            path: self.shown(),
            source,
        }
    }

    pub(super) fn damaged(&self, offset: u64) -> HistoryError {
        HistoryError::Damaged {
            path: self.shown(),
            offset,
        }
    }

    pub(super) fn of_version(&self, found: u32) -> HistoryError {
        HistoryError::Version {
            path: self.shown(),
            found,
        }
    }

    pub(super) fn of_other(&self, found: String) -> HistoryError {
        HistoryError::Foreign {
            path: self.shown(),
            found,
        }
    }
}

impl Owner {
    pub(crate) fn folded_name(&self, name: &str) -> String {
        if self.folds_case {
            folded(name)
        } else {
            name.to_owned()
        }
    }

    /// The table's name as it is looked for.
    pub(crate) fn folded(&self, table: &TableName) -> TableName {
        TableName {
            database: self.folded_name(&table.database),
            table: self.folded_name(&table.table),
        }
    }

    /// A name as the server writes it.
    pub(super) fn written(&self, name: &str) -> String {
        if self.lowers_case {
            folded(name)
        } else {
            name.to_owned()
        }
    }
}
