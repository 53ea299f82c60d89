//! Connections to other hosts: how they are opened and how they are secured.
//!
//! [`dial`] opens a TCP connection to any address of a host. A [`Connector`] secures it as the section `tls` of an entry
//! says: [`connect`] does both for protocols that speak TLS from the first byte, and [`Connector::secure`] is there for
//! those that turn to it in the middle. A [`Stream`] is what comes out, secured or not. An `Acceptor` secures what others
//! open to us.
//!
//! ```
//! # use std::time::Duration;
//! # use tokio::io::AsyncWriteExt;
//! # use wlf_net::{ConnectError, Connector, Tls, connect};
//! # async fn example(tls: &Tls) -> Result<(), Box<dyn std::error::Error>> {
//! let connector = Connector::new(tls).expect("the section goes together");
//! let mut stream = connect("db.example", 6380, Duration::from_secs(10), &connector).await?;
//! stream.write_all(b"PING\r\n").await?;
//! // With TLS what was written may wait for this.
//! stream.flush().await?;
//! # Ok(()) }
//! ```

mod connect;
mod dial;
#[cfg(feature = "http")]
pub mod http;
mod loopback;
mod tls;

pub use connect::{ConnectError, connect};
pub use dial::{Attempt, DialError, Failure, dial};
pub use loopback::{Exposure, is_loopback};
#[cfg(feature = "http")]
pub use tls::{Acceptor, ServerTls};
pub use tls::{
    Authorities, Connector, Mode, ReadHalf, Session, Stream, Tls, TlsError, WriteHalf, speaks_tls,
};
