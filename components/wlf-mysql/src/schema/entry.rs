//! What the history's log consists of: one record a line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::point::Point;
use super::table::TableSchema;
use crate::positions::SavedPosition;

/// The form of the log.
pub const VERSION: u32 = 1;

/// The log's first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heading {
    /// [`VERSION`].
    pub schema_history: u32,
    pub collector: String,
    /// Where it begins: nothing is known of what was before.
    pub base: SavedPosition,
    /// Whether every table of the server was there at the base.
    pub complete: bool,
    /// Whether its views were too, which share their names with tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub views: bool,
}

/// Any other line. `at` is where it begins to hold; without it, at the base.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry<'a> {
    Table {
        #[serde(borrow)]
        name: (Cow<'a, str>, Cow<'a, str>),
        at: Option<Point>,
        /// A [`TableState`], which is only read when it is wanted.
        #[serde(borrow)]
        is: &'a RawValue,
    },
    Database {
        #[serde(borrow)]
        name: Cow<'a, str>,
        at: Option<Point>,
        /// Its default charset; `None`: it was dropped, with all tables in it.
        charset: Option<String>,
    },
    /// From here on no table is known any more.
    AllUnknown { at: Option<Point> },
    /// All lines before are on the disk.
    Synced,
}

impl Entry<'_> {
    pub fn at(&self) -> Option<&Point> {
        match self {
            Self::Table { at, .. } | Self::Database { at, .. } | Self::AllUnknown { at } => {
                at.as_ref()
            }
            Self::Synced => None,
        }
    }
}

/// What a table is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    Known(TableSchema),
    /// It changed in a way that was not understood.
    Unknown,
    Dropped,
    /// The name is that of a view.
    View,
}
