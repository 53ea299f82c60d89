//! Connections to servers that are made here, with certificates that are made here.

mod authority;
mod files;
mod http_client;
mod http_server;
mod modes;
mod options;
mod server;
mod streams;
