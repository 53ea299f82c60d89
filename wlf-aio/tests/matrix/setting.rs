//! The settings under which a server writes its binlog.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Image {
    Full,
    NoBlob,
    Minimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metadata {
    Full,
    Minimal,
    /// MariaDB's default: nothing but the types.
    NoLog,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writing {
    Plain,
    /// MySQL's transactions, MariaDB's events.
    Compressed,
    PartialJson,
}

/// One way for the server to write its binlog, with a database of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    pub image: Image,
    pub metadata: Metadata,
    pub writing: Writing,
}

/// What all databases of the matrix begin with.
pub const PREFIX: &str = "wlf_matrix";

impl Setting {
    pub fn database(&self) -> String {
        format!("{PREFIX}_{}_{}_{}", self.image, self.metadata, self.writing)
    }

    /// Whether large tables are written here too.
    pub fn has_large(&self) -> bool {
        self.image == Image::Full
            && self.metadata == Metadata::Full
            && self.writing != Writing::PartialJson
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "full",
            Self::NoBlob => "noblob",
            Self::Minimal => "minimal",
        })
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "full",
            Self::Minimal => "minimal",
            Self::NoLog => "no_log",
        })
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::Compressed => "compressed",
            Self::PartialJson => "partial_json",
        })
    }
}
