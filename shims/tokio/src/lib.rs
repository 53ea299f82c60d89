//! Stands in for the crate `tokio`, so that stock crates that ask for `tokio = "1"` run on WasmEdge.
//!
//! `tokio_wasi` names its library `tokio` as well, hence the rename in `Cargo.toml`. What is mended is below it, in
//! `shims/mio_wasi` and `shims/wasmedge_wasi_socket`, and only the look-up of names is here.

pub use twasi::*;

/// TCP sockets and the look-up of names.
#[cfg(feature = "net")]
pub mod net {
    pub use twasi::net::*;

    #[cfg(target_os = "wasi")]
    pub use crate::lookup::lookup_host;
}

#[cfg(all(target_os = "wasi", feature = "net"))]
mod lookup;
