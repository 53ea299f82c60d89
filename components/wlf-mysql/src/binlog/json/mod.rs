//! JSON documents: MySQL's binary form of them, and MariaDB's text.

pub mod document;
pub mod double;
pub mod jsonb;
pub mod path;
pub mod text;
