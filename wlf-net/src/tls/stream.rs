//! Connections that may be secured.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{CipherSuite, HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, tcp};
use tokio_rustls::client::TlsStream;

use super::certificate::Own;
use super::error;
use super::gather::Gather;

/// A connection, secured or not.
///
/// What was written may wait until [`flush`](tokio::io::AsyncWriteExt::flush) or until the same task reads, where the
/// connection is secured and the network is slow: flush after each batch.
#[derive(Debug)]
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<Secured>),
}

/// A secured connection.
#[derive(Debug)]
pub struct Secured {
    tls: TlsStream<Gather>,
    /// As in `db.example:3306`, for errors.
    server: String,
    own: Arc<Own>,
}

/// What a handshake has agreed on; shown as `TLS 1.3, ChaCha20-Poly1305`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub protocol: &'static str,
    pub cipher: &'static str,
    /// Whether it goes on with what an earlier handshake has agreed on.
    pub is_resumed: bool,
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.protocol, self.cipher)
    }
}

/// Tells whether these are the first bytes of somebody who speaks TLS, as the answer of a TLS port to anything else is.
pub fn speaks_tls(answer: &[u8]) -> bool {
    // ContentType alert or handshake, and the major version that all of TLS has.
    matches!(answer, [0x15 | 0x16, 0x03, ..])
}

impl Stream {
    /// What the handshake has agreed on; `None` if the connection is not secured.
    pub fn session(&self) -> Option<Session> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(secured) => Some(secured.session()),
        }
    }

    /// Splits the connection into halves for two futures of one task.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        match self {
            Stream::Plain(tcp) => {
                let (read, write) = tcp.split();
                (ReadHalf::Plain(read), WriteHalf::Plain(write))
            }
            Stream::Tls(secured) => {
                let (read, write) = tokio::io::split(secured.as_mut());
                (ReadHalf::Tls(read), WriteHalf::Tls(write))
            }
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Stream::Plain(tcp)
    }
}

impl Secured {
    pub(super) fn new(tls: TlsStream<Gather>, server: String, own: Arc<Own>) -> Self {
        Self { tls, server, own }
    }

    fn session(&self) -> Session {
        let (_, session) = self.tls.get_ref();
        Session {
            protocol: match session.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            },
            cipher: match session.negotiated_cipher_suite().map(|suite| suite.suite()) {
                Some(
                    CipherSuite::TLS13_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                ) => "AES-128-GCM",
                Some(
                    CipherSuite::TLS13_AES_256_GCM_SHA384
                    | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                    | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                ) => "AES-256-GCM",
                _ => "ChaCha20-Poly1305",
            },
            is_resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// Puts what the other side says in words. With TLS 1.3 it says only now what it thinks of our certificate.
    fn explain<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Ready(Err(source)) => {
                Poll::Ready(Err(error::explain(source, &self.server, &self.own)))
            }
            other => other,
        }
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.tls.get_ref().1.wants_write() {
            // Who waits for an answer wants its question to be sent. If that fails, reading says why.
            let _ = Pin::new(&mut this.tls).poll_flush(context);
        }
        let read = Pin::new(&mut this.tls).poll_read(context, buffer);
        this.explain(read)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tls).poll_write(context, bytes);
        self.explain(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.tls).poll_flush(context);
        self.explain(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.tls).poll_shutdown(context);
        self.explain(shut)
    }
}

/// The half of a [`Stream`] that reads.
#[derive(Debug)]
pub enum ReadHalf<'a> {
    Plain(tcp::ReadHalf<'a>),
    Tls(tokio::io::ReadHalf<&'a mut Secured>),
}

/// The half of a [`Stream`] that writes.
#[derive(Debug)]
pub enum WriteHalf<'a> {
    Plain(tcp::WriteHalf<'a>),
    Tls(tokio::io::WriteHalf<&'a mut Secured>),
}

/// Implements reading for something that is either plain or secured.
macro_rules! read_either {
    ($type:ty) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::Plain(plain) => Pin::new(plain).poll_read(context, buffer),
                    Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
                }
            }
        }
    };
}

/// Implements writing for something that is either plain or secured.
macro_rules! write_either {
    ($type:ty) => {
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    Self::Plain(plain) => Pin::new(plain).poll_write(context, bytes),
                    Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::Plain(plain) => Pin::new(plain).poll_flush(context),
                    Self::Tls(tls) => Pin::new(tls).poll_flush(context),
                }
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::Plain(plain) => Pin::new(plain).poll_shutdown(context),
                    Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
                }
            }
        }
    };
}

read_either!(Stream);
write_either!(Stream);
read_either!(ReadHalf<'_>);
write_either!(WriteHalf<'_>);
