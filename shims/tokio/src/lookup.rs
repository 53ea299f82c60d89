//! The look-up of names in a guest of WasmEdge.

use std::io;
use std::net::SocketAddr;

use wasmedge_wasi_socket::ToSocketAddrs;

/// Gives all addresses of a host, of both families, in the order in which they are to be tried.
///
/// `tokio_wasi`'s own keeps the first and takes an unknown name for one without addresses. The host is asked by a call that
/// blocks the guest until the answer is there.
///
/// # Errors
/// If the name is not known, or whoever knows it does not answer.
pub async fn lookup_host<T: ToSocketAddrs>(host: T) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    let addresses: Vec<SocketAddr> = host.to_socket_addrs()?.collect();
    Ok(addresses.into_iter())
}
