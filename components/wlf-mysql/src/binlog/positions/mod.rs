//! Where a reader stands, and which transactions are behind it.

pub mod executed;
pub mod gtid_set;
pub mod mariadb_position;
pub mod place;
pub mod saved_position;
