//! Where a reader stands, and which transactions are behind it.

pub mod coordinates;
pub mod executed;
pub mod gtid;
pub mod gtid_set;
pub mod mariadb_position;
pub mod saved_position;
