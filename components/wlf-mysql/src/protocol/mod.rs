//! The client/server protocol of MySQL without input or output: bytes in, packets out.
//!
//! One file a packet, under the name that the manual's chapter "Client/Server Protocol" gives it. What the server sends
//! is read by checked readers of our own, since every length in it is hostile; what we send is mostly written by
//! `mysql_common`.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

pub mod auth_more_data;
pub mod auth_switch_request;
pub mod binlog_network_stream;
pub mod caching_sha2_password;
pub mod client_ed25519;
pub mod com_binlog_dump;
pub mod com_binlog_dump_gtid;
pub mod com_query;
pub mod com_register_slave;
pub mod eof_packet;
pub mod err_packet;
pub mod handshake_response_41;
pub mod handshake_v10;
pub mod login;
pub mod mysql_clear_password;
pub mod mysql_native_password;
pub mod ok_packet;
pub mod packet;
pub mod parsec;
pub mod reader;
pub mod sha256_password;
pub mod ssl_request;
pub mod text_resultset;

pub use err_packet::ServerError;
pub use reader::{DecodeError, Reader};
