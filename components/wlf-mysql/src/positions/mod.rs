//! Where a reader stands, and which transactions are behind it.

pub mod coordinates;
pub mod executed;
pub mod gtid;
pub mod gtid_set;
pub mod mariadb_position;
pub mod saved_position;

pub use coordinates::Coordinates;
pub use executed::Executed;
pub use gtid::{Gtid, MariadbGtid, TransactionGtid};
pub use gtid_set::GtidSet;
pub use mariadb_position::MariadbPosition;
pub use saved_position::SavedPosition;
