//! The events of a binlog, one file an event, under the names that the servers give them; and what they share.

pub mod checksum;
pub mod commit_timestamp;
pub mod event_type;
pub mod format_description;
pub mod gtid;
pub mod header;
pub mod heartbeat;
pub mod incident;
pub mod inflate;
pub mod mariadb_gtid;
pub mod metadata;
pub mod partial_update;
pub mod query;
pub mod rotate;
pub mod rows;
pub mod status_variables;
pub mod table_map;
pub mod transaction_payload;
pub mod xa_prepare;
pub mod xid;
