//! HTTP/1.1, as a client and as a server, on hyper.

mod body;
mod client;
mod error;
mod io;
mod pool;
mod proxy;
mod server;
mod tunnel;

pub use client::{Client, Limits};
pub use error::HttpError;
pub use proxy::{InvalidProxy, Proxies};
pub use server::{Server, serve};
