//! Definitions of tables that the binlog does not have: the server's `information_schema` is the oracle.

mod events;
mod folding;
mod following;
mod random;
mod restarting;
mod rows;
mod statements;
