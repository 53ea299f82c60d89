//! Stands in for the crate `tokio`, so that stock crates that ask for `tokio = "1"` run on WasmEdge.
//!
//! `tokio_wasi` names its library `tokio` as well, hence the rename in `Cargo.toml`.
pub use twasi::*;
