//! Servers of all kinds, each of which answers a line with a line.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, Signed};

/// What a server does with a connection.
pub enum Kind {
    Tls(Arc<ServerConfig>),
    /// Answers lines without TLS, and what is none with an error, as Redis does.
    Plain,
    /// Closes at once what does not begin with a letter, as Kafka does.
    Closing,
    /// Never says anything.
    Silent,
    /// Answers each request of HTTP over TLS.
    Http(Signed),
}

pub struct Server {
    pub port: u16,
    /// How many connections there were.
    connections: Arc<AtomicU32>,
}

impl Server {
    pub async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&connections);
        let kind = Arc::new(kind);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let kind = Arc::clone(&kind);
                tokio::spawn(async move {
                    match &*kind {
                        Kind::Tls(config) => {
                            let acceptor = TlsAcceptor::from(Arc::clone(config));
                            if let Ok(tls) = acceptor.accept(tcp).await {
                                answer(tls).await;
                            }
                        }
                        Kind::Plain => answer(tcp).await,
                        Kind::Closing => {
                            let mut first = [0];
                            if tcp.peek(&mut first).await.is_ok() && first[0].is_ascii_alphabetic()
                            {
                                answer(tcp).await;
                            }
                        }
                        Kind::Http(signed) => {
                            let config = config(signed, ring::default_provider(), ALL, None);
                            if let Ok(tls) = TlsAcceptor::from(config).accept(tcp).await {
                                answer_http(tls).await;
                            }
                        }
                        Kind::Silent => {
                            let _tcp = tcp;
                            std::future::pending::<()>().await;
                        }
                    }
                });
            }
        });
        Self { port, connections }
    }

    pub async fn tls(signed: &Signed) -> Self {
        Self::start(Kind::Tls(config(
            signed,
            ring::default_provider(),
            ALL,
            None,
        )))
        .await
    }

    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }
}

const ALL: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;

/// A server's configuration; with `clients` it wants a certificate that this authority has signed.
pub fn config(
    signed: &Signed,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Authority>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(provider);
    let chain = CertificateDer::pem_slice_iter(signed.cert.as_bytes())
        .collect::<Result<_, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let pem = authority.pem();
            let root = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
            roots.add(root).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        }
    };
    Arc::new(builder.with_single_cert(chain, key).expect("a server"))
}

/// Answers each line with itself.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        let answer: &[u8] = if line.iter().all(u8::is_ascii) {
            &line
        } else {
            b"-ERR unknown command\r\n"
        };
        if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        // An end without a farewell.
        if line == b"go\n" {
            return;
        }
        line.clear();
    }
    let _ = stream.shutdown().await;
}

/// Answers each request, whatever it is; its body ends without a new line.
async fn answer_http(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut heard = Vec::new();
    while stream.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {
        if heard.ends_with(b"\r\n\r\n") || heard.ends_with(b"body") {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsecured";
            if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            heard.clear();
        }
    }
}
