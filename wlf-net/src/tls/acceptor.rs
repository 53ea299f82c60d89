//! What makes secured connections of those that clients open to us.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Authorities;
use super::certificate;
use super::error::TlsError;
use super::gather::Gather;
use super::offer::CHACHA20;
use super::renewed::Renewed;

/// How connections that clients open to us are secured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// A file with our certificate and those between it and its authority, in PEM.
    pub cert: PathBuf,
    /// The file with the private key of `cert`, in PEM and without a password.
    pub key: PathBuf,
    /// A file with the authorities of clients, in PEM: who has no certificate of theirs is not let in. Left out, none is asked
    /// for.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
}

/// Secures connections as a [`ServerTls`] says, with TLS 1.2 or 1.3. One serves all connections of a server.
pub struct Acceptor {
    tls: ServerTls,
    config: Mutex<Renewed<Arc<ServerConfig>>>,
}

impl Acceptor {
    /// Reads the files; they are read again after a minute, and where that fails, what was read before counts on.
    ///
    /// # Errors
    /// If a file cannot be read or used.
    pub fn new(tls: ServerTls) -> Result<Self, TlsError> {
        let config = Renewed::new(server_config(&tls)?);
        Ok(Self {
            tls,
            config: Mutex::new(config),
        })
    }

    /// Secures a connection that a client has opened, within `limit`. `None` if there is no handshake: what is wrong is with
    /// the client, who is told, and it is logged for debugging.
    pub(crate) async fn accept(
        &self,
        tcp: TcpStream,
        limit: Duration,
    ) -> Option<TlsStream<Gather>> {
        let acceptor = TlsAcceptor::from(self.config());
        match timeout(limit, acceptor.accept(Gather::new(tcp.into()))).await {
            Ok(Ok(tls)) => Some(tls),
            Ok(Err(error)) => {
                tracing::debug!("a client's connection is not secured: {error}");
                None
            }
            Err(_) => {
                tracing::debug!("a client's connection is not secured: it says too little");
                None
            }
        }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(config.current(|| server_config(&self.tls)))
    }
}

/// Without what was read from the files.
impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Acceptor");
        shown.field("tls", &self.tls).finish_non_exhaustive()
    }
}

fn server_config(tls: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
    let mut provider = ring::default_provider();
    // What is fast without a processor's instructions for AES comes first, and here that counts.
    let suites = &mut provider.cipher_suites;
    suites.sort_by_key(|suite| !CHACHA20.contains(&suite.suite()));
    let own: Arc<CertifiedKey> = certificate::read_own(&tls.cert, &tls.key, &provider)?;
    let provider = Arc::new(provider);
    let clients: Arc<dyn ClientCertVerifier> = match &tls.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let authorities = Authorities::read("client_ca", path)?;
            WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider))
                .build()
                .map_err(|_| TlsError::NoAuthorities)?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Library { source })?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
