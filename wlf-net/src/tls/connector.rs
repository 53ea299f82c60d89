//! What makes secured connections of plain ones.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wlf_data::config::Invalid;

use super::certificate::{self, Own};
use super::error::{Handshake, TlsError};
use super::gather::Gather;
use super::offer::{Memory, Offer};
use super::renewed::Renewed;
use super::stream::{Secured, Stream};
use super::verify::Nameless;
use super::{Authorities, Mode, Tls};
use crate::loopback::is_loopback;

/// As many sessions are kept with a server at least.
const SESSIONS: usize = 8;

/// Secures connections as a section `tls` says. One serves all connections of a component, to any number of servers.
pub struct Connector {
    /// `None`: that depends on the host.
    mode: Option<Mode>,
    ca: Authorities,
    /// Our certificate and its key.
    own: Option<(PathBuf, PathBuf)>,
    server_name: Option<ServerName<'static>>,
    /// `None`: nothing was read yet.
    files: Mutex<Option<Renewed<Files>>>,
    memory: Memory,
}

/// What was read from files, and what was made of it for each server and each offer to it.
struct Files {
    /// `None`: anybody may have signed.
    authorities: Option<Arc<RootCertStore>>,
    own: Option<Arc<CertifiedKey>>,
    prepared: HashMap<(String, u16, Offer), Prepared>,
}

/// Handshakes with one server. It has its sessions too, so that later ones take one round trip less.
#[derive(Clone)]
struct Prepared {
    config: Arc<ClientConfig>,
    own: Arc<Own>,
}

impl Connector {
    /// Takes over what the section says, without looking at the files.
    ///
    /// # Errors
    /// If its keys do not go together.
    pub fn new(tls: &Tls) -> Result<Self, Invalid> {
        let own = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) => {
                return Err(
                    Invalid::new("tls.cert", "`tls.cert` is given without `tls.key`")
                        .with_hint("give the file with its private key as `tls.key`"),
                );
            }
            (None, Some(_)) => {
                return Err(
                    Invalid::new("tls.key", "`tls.key` is given without `tls.cert`")
                        .with_hint("give the file with its certificate as `tls.cert`"),
                );
            }
        };
        let server_name = match &tls.server_name {
            None => None,
            Some(name) => Some(ServerName::try_from(name.clone()).map_err(|_| {
                Invalid::new("tls.server_name", format!("`{name}` is not a host name"))
                    .with_hint("give the name alone, as in `db.example`, or an IP address")
            })?),
        };
        let says_more = tls.ca.is_some() || own.is_some() || server_name.is_some();
        Ok(Self {
            mode: tls.mode.or(says_more.then_some(Mode::VerifyIdentity)),
            ca: tls.ca.clone().unwrap_or(Authorities::System),
            own,
            server_name,
            files: Mutex::default(),
            memory: Memory::default(),
        })
    }

    /// What holds for connections to `host`.
    pub fn mode(&self, host: &str) -> Mode {
        self.mode.unwrap_or(if is_loopback(host) {
            Mode::Disabled
        } else {
            Mode::Preferred
        })
    }

    /// Secures a connection to `host` on which the server now expects TLS, within `limit`. With [`Mode::Disabled`] the
    /// connection stays as it is. What goes through a proxy may be secured already, by the proxy.
    ///
    /// With an error that [is worth dialling again](TlsError::is_worth_dialling_again) the caller is to connect anew and
    /// to come here once more: other ciphers are offered then.
    ///
    /// # Errors
    /// If there is no handshake, or the server is not whom it has to be.
    pub async fn secure(
        &self,
        below: impl Into<Stream>,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<Stream, TlsError> {
        if self.mode(host) == Mode::Disabled {
            return Ok(below.into());
        }
        let server = crate::dial::server(host, port);
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(|_| TlsError::NotAName {
                name: host.to_owned(),
            })?,
        };
        let offer = self.memory.offer(host, port);
        let Prepared { config, own } = self.prepared(host, port, offer)?;
        let handshake = TlsConnector::from(config).connect(name.clone(), Gather::new(below.into()));
        let handshake = match timeout(limit, handshake.into_fallible()).await {
            Ok(handshake) => handshake,
            Err(_) => return Err(TlsError::Silent { server, limit }),
        };
        match handshake {
            Ok(tls) => Ok(Stream::Tls(Box::new(Secured::new(tls, server, own)))),
            Err((source, gather)) => {
                let error = Handshake {
                    server,
                    name,
                    offer,
                    own: &own,
                    first_received: gather.first_received(),
                }
                .error(source);
                if error.is_worth_dialling_again() {
                    self.memory.wants_all(host, port);
                }
                Err(error)
            }
        }
    }

    /// Tells whether the server is known not to speak TLS.
    pub(crate) fn speaks_plain(&self, host: &str, port: u16) -> bool {
        self.memory.is_plain(host, port)
    }

    pub(crate) fn remember_plain(&self, host: &str, port: u16) {
        self.memory.plain(host, port);
    }

    fn verifies(&self) -> bool {
        matches!(self.mode, Some(Mode::VerifyCa | Mode::VerifyIdentity))
    }

    /// What handshakes with a server take; files are read anew after a minute.
    fn prepared(&self, host: &str, port: u16, offer: Offer) -> Result<Prepared, TlsError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let files = match &mut *files {
            Some(files) => files,
            none => none.insert(Renewed::new(self.read()?)),
        };
        let files = files.current(|| self.read());
        let server = (host.to_owned(), port, offer);
        if let Some(prepared) = files.prepared.get(&server) {
            return Ok(prepared.clone());
        }
        let own = Arc::new(Own::new(files.own.clone()));
        let config = Arc::new(self.client_config(offer, files, Arc::clone(&own))?);
        let prepared = Prepared { config, own };
        files.prepared.insert(server, prepared.clone());
        Ok(prepared)
    }

    fn read(&self) -> Result<Files, TlsError> {
        let own = match &self.own {
            Some((cert, key)) => {
                let provider = Offer::All.provider();
                Some(certificate::read_own(cert, key, &provider)?)
            }
            None => None,
        };
        let authorities = match self.verifies() {
            true => Some(self.ca.load()?),
            false => None,
        };
        Ok(Files {
            authorities,
            own,
            prepared: HashMap::new(),
        })
    }

    fn client_config(
        &self,
        offer: Offer,
        files: &Files,
        own: Arc<Own>,
    ) -> Result<ClientConfig, TlsError> {
        let provider = offer.provider();
        let verifier: Arc<dyn ServerCertVerifier> = match &files.authorities {
            Some(authorities) if self.mode == Some(Mode::VerifyIdentity) => {
                WebPkiServerVerifier::builder_with_provider(
                    Arc::clone(authorities),
                    Arc::clone(&provider),
                )
                .build()
                .map_err(|_| TlsError::NoAuthorities)?
            }
            authorities => Arc::new(Nameless {
                authorities: authorities.clone(),
                provider: Arc::clone(&provider),
            }),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|source| TlsError::Library { source })?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(own);
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(config)
    }
}

/// Without what was read from the files.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("mode", &self.mode)
            .field("ca", &self.ca)
            .field("own", &self.own)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}
