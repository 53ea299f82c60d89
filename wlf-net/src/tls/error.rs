//! Why a connection is not secured, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error as Rustls};
use wlf_data::{Exit, Fault, Severity};

use super::certificate::Own;
use super::offer::Offer;
use crate::dial::{Seconds, reason};

/// Why a connection is not secured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    // The server's certificate.
    #[error("the certificate of {server} is signed by an unknown authority")]
    UnknownAuthority { server: String },
    #[error("the certificate of {server} is not for `{name}` but for {}", listed(.names))]
    WrongName {
        server: String,
        name: String,
        names: Vec<String>,
    },
    #[error("the certificate of {server} is for no name at all: it has no subjectAltName")]
    Nameless { server: String },
    #[error("the certificate of {server} has expired{}", .since.as_ref().map(|since| format!(" on {since}")).unwrap_or_default())]
    Expired {
        server: String,
        since: Option<String>,
    },
    #[error("the certificate of {server} is not valid yet{}", .before.as_ref().map(|before| format!(", not before {before}")).unwrap_or_default())]
    NotYetValid {
        server: String,
        before: Option<String>,
    },
    #[error("the certificate of {server} cannot be accepted")]
    Certificate {
        server: String,
        #[source]
        source: Rustls,
    },

    // What the server speaks.
    #[error("{server} does not speak TLS")]
    NotTls { server: String },
    #[error("{server} closed the connection when TLS was to begin")]
    Closed { server: String },
    #[error("{server} did not answer within {} when TLS was to begin", Seconds(*.limit))]
    Silent { server: String, limit: Duration },
    #[error("{server} does not take ChaCha20")]
    NoChaCha20 { server: String },
    #[error("{server} and we have no version or cipher of TLS in common")]
    NothingInCommon { server: String },

    // What the server says of us.
    #[error("{server} wants a certificate of ours")]
    CertificateWanted { server: String },
    #[error("{server} refuses our certificate: {alert}")]
    CertificateRefused { server: String, alert: String },
    #[error("{server} knows no `{name}`")]
    UnknownName { server: String, name: String },
    #[error("{server} refuses the connection: {alert}")]
    Refused { server: String, alert: String },

    // The connection.
    #[error("the connection to {server} broke while it was secured: {}", reason(.error))]
    Broken { server: String, error: io::Error },
    #[error("{server} breaks the rules of TLS")]
    Protocol {
        server: String,
        #[source]
        source: Rustls,
    },

    // What we are given.
    #[error("`{name}` is not a name that a certificate can have")]
    NotAName { name: String },
    #[error("cannot read `{}`, which is `tls.{option}`: {}", .path.display(), reason(.error))]
    File {
        option: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    #[error("`{}`, which is `tls.{option}`, holds no {expected} in PEM", .path.display())]
    NotPem {
        option: &'static str,
        path: PathBuf,
        expected: &'static str,
    },
    #[error("`{}`, which is `tls.{option}`, cannot be used", .path.display())]
    Unusable {
        option: &'static str,
        path: PathBuf,
        #[source]
        source: Rustls,
    },
    #[error("the private key in `{}` has a password", .path.display())]
    EncryptedKey { path: PathBuf },
    #[error("the private key in `{}` is not that of the certificate in `{}`", .key.display(), .cert.display())]
    KeyOfAnother { cert: PathBuf, key: PathBuf },
    #[error("the system's bundle holds no authority")]
    NoAuthorities,
    #[error("TLS cannot be set up")]
    Library {
        #[source]
        source: Rustls,
    },
}

/// Names of a certificate as a message lists them.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut listed: Vec<String> = (names.iter().take(SHOWN))
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > SHOWN {
        listed.push(format!("{} more", names.len() - SHOWN));
    }
    listed.join(", ")
}

const OUTAGE: Severity = Severity::Retry { after: None };
const CONFIG: Severity = Severity::Stop(Exit::Config);
const LOGIN: Severity = Severity::Stop(Exit::Login);
const UNAVAILABLE: Severity = Severity::Stop(Exit::Unavailable);

const PLAIN_PORT: &str =
    "the port may be one without TLS: use the server's port for TLS, or `tls: {mode: disabled}`";

impl TlsError {
    /// Tells whether a new connection is likely to do, since then other ciphers are offered.
    pub fn is_worth_dialling_again(&self) -> bool {
        matches!(self, TlsError::NoChaCha20 { .. })
    }

    /// Tells whether the server seems not to speak TLS at all.
    pub(crate) fn may_be_plain(&self) -> bool {
        matches!(
            self,
            TlsError::NotTls { .. } | TlsError::Closed { .. } | TlsError::Silent { .. }
        )
    }

    /// Takes the error out of one that reading or writing a [`Stream`](super::Stream) gave, if it has one: with TLS 1.3 a
    /// server says only after the handshake what it thinks of our certificate.
    ///
    /// # Errors
    /// The same error, if it is not about TLS.
    pub fn of(error: io::Error) -> Result<TlsError, io::Error> {
        error.downcast()
    }

    /// What the runtime does about it.
    pub fn severity(&self) -> Severity {
        self.judgement().0
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.judgement().1
    }

    fn judgement(&self) -> (Severity, Option<&'static str>) {
        match self {
            TlsError::UnknownAuthority { .. } => (
                CONFIG,
                Some(
                    "name the file with the authority's certificate as `tls.ca`; without `ca` the system's authorities count",
                ),
            ),
            TlsError::WrongName { .. } => (
                CONFIG,
                Some(
                    "connect to one of these names, or give one as `tls.server_name`; `mode: verify_ca` looks at no name",
                ),
            ),
            TlsError::Nameless { .. } => (
                CONFIG,
                Some(
                    "MySQL's own certificates are such; use `mode: verify_ca`, or give the server a certificate with its name",
                ),
            ),
            TlsError::Expired { .. } => (UNAVAILABLE, Some("the server needs a new certificate")),
            TlsError::NotYetValid { .. } => (UNAVAILABLE, Some("check the clocks of both sides")),
            TlsError::Certificate { .. } => (
                CONFIG,
                Some("give the server another certificate; `mode: required` takes any"),
            ),
            TlsError::NotTls { .. } => (CONFIG, Some(PLAIN_PORT)),
            TlsError::Closed { .. } | TlsError::Silent { .. } => (OUTAGE, Some(PLAIN_PORT)),
            TlsError::NoChaCha20 { .. } => (OUTAGE, Some("all ciphers are offered next")),
            TlsError::NothingInCommon { .. } => (
                UNAVAILABLE,
                Some(
                    "the server has to offer TLS 1.2 or 1.3, with ECDHE and AES-GCM or ChaCha20-Poly1305",
                ),
            ),
            TlsError::CertificateWanted { .. } => (
                LOGIN,
                Some(
                    "give a certificate that the server knows as `tls.cert` and its private key as `tls.key`",
                ),
            ),
            TlsError::CertificateRefused { .. } => (
                LOGIN,
                Some(
                    "check that `tls.cert` is signed by an authority that the server trusts, and has not expired",
                ),
            ),
            TlsError::UnknownName { .. } => (
                CONFIG,
                Some("give a name that the server knows as `tls.server_name`"),
            ),
            TlsError::Refused { .. } | TlsError::Broken { .. } | TlsError::Protocol { .. } => {
                (OUTAGE, None)
            }
            TlsError::NotAName { .. } => (
                CONFIG,
                Some("give the certificate's name as `tls.server_name`"),
            ),
            TlsError::File { .. } => (
                Severity::Stop(Exit::NoInput),
                Some(
                    "check the path; a module sees only what is mapped, as with `--dir /certs:/etc/wlf/certs`",
                ),
            ),
            TlsError::NotPem { .. } => (
                CONFIG,
                Some("files in PEM have lines with `-----BEGIN …-----`; `openssl` converts others"),
            ),
            TlsError::Unusable { .. } => (
                CONFIG,
                Some("check that the file is whole, and what `openssl` says of it"),
            ),
            TlsError::EncryptedKey { .. } => (
                CONFIG,
                Some("write it without one: `openssl pkey -in key.pem -out plain.pem`"),
            ),
            TlsError::KeyOfAnother { .. } => (
                CONFIG,
                Some("`tls.cert` begins with our own certificate, and `tls.key` is its key"),
            ),
            TlsError::NoAuthorities => (
                CONFIG,
                Some("name the file with the authority's certificate as `tls.ca`"),
            ),
            TlsError::Library { .. } => (Severity::Stop(Exit::Software), None),
        }
    }
}

impl From<TlsError> for Fault {
    fn from(error: TlsError) -> Self {
        let (severity, hint) = error.judgement();
        let mut fault = Fault::new(severity, "secure the connection", error);
        fault.hint = hint.map(Into::into);
        fault
    }
}

/// A handshake that failed.
pub struct Handshake<'a> {
    pub server: String,
    pub name: ServerName<'static>,
    pub offer: Offer,
    pub own: &'a Own,
    /// The first byte that the server ever sent.
    pub first_received: Option<u8>,
}

impl Handshake<'_> {
    pub fn error(self, source: io::Error) -> TlsError {
        let server = self.server.clone();
        let Some(cause) = cause(&source) else {
            return match self.first_received {
                None => TlsError::Closed { server },
                Some(_) => TlsError::Broken {
                    server,
                    error: source,
                },
            };
        };
        match cause {
            Rustls::InvalidCertificate(error) => self.certificate(error),
            Rustls::AlertReceived(alert) => self.alert(*alert),
            Rustls::PeerIncompatible(_) => TlsError::NothingInCommon { server },
            Rustls::InvalidMessage(_) | Rustls::InappropriateMessage { .. }
                if !matches!(self.first_received, Some(0x14..=0x16)) =>
            {
                TlsError::NotTls { server }
            }
            source => TlsError::Protocol {
                server,
                source: source.clone(),
            },
        }
    }

    fn certificate(self, error: &CertificateError) -> TlsError {
        let server = self.server;
        match error {
            CertificateError::UnknownIssuer => TlsError::UnknownAuthority { server },
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                TlsError::Nameless { server }
            }
            CertificateError::NotValidForNameContext { presented, .. } => TlsError::WrongName {
                server,
                name: self.name.to_str().into_owned(),
                names: presented.iter().map(|name| plain(name)).collect(),
            },
            CertificateError::Expired => TlsError::Expired {
                server,
                since: None,
            },
            CertificateError::ExpiredContext { not_after, .. } => TlsError::Expired {
                server,
                since: Some(date(*not_after)),
            },
            CertificateError::NotValidYet => TlsError::NotYetValid {
                server,
                before: None,
            },
            CertificateError::NotValidYetContext { not_before, .. } => TlsError::NotYetValid {
                server,
                before: Some(date(*not_before)),
            },
            error => TlsError::Certificate {
                server,
                source: Rustls::InvalidCertificate(error.clone()),
            },
        }
    }

    fn alert(self, alert: AlertDescription) -> TlsError {
        let server = self.server;
        if let Some(error) = of_our_certificate(alert, &server, self.own) {
            return error;
        }
        match alert {
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity
                if self.offer == Offer::ChaCha20 =>
            {
                TlsError::NoChaCha20 { server }
            }
            AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
            | AlertDescription::ProtocolVersion => TlsError::NothingInCommon { server },
            AlertDescription::UnrecognisedName => TlsError::UnknownName {
                server,
                name: self.name.to_str().into_owned(),
            },
            alert => TlsError::Refused {
                server,
                alert: words(&format!("{alert:?}")),
            },
        }
    }
}

/// Puts an error of an established session in words.
pub fn explain(source: io::Error, server: &str, own: &Own) -> io::Error {
    let server = server.to_owned();
    let error = match cause(&source) {
        // An end without a farewell, which rustls explains at length.
        None if source.kind() == io::ErrorKind::UnexpectedEof => {
            return io::ErrorKind::UnexpectedEof.into();
        }
        None => return source,
        Some(Rustls::AlertReceived(alert)) => of_our_certificate(*alert, &server, own)
            .unwrap_or_else(|| TlsError::Refused {
                server,
                alert: words(&format!("{alert:?}")),
            }),
        Some(error) => TlsError::Protocol {
            server,
            source: error.clone(),
        },
    };
    io::Error::new(source.kind(), error)
}

/// What an alert says of our certificate, if it is about that.
fn of_our_certificate(alert: AlertDescription, server: &str, own: &Own) -> Option<TlsError> {
    let server = server.to_owned();
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            Some(TlsError::CertificateWanted { server })
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError
        // With TLS 1.2 OpenSSL says no more than that.
        | AlertDescription::HandshakeFailure
            if own.was_asked_for() =>
        {
            Some(match own.certificate {
                Some(_) => TlsError::CertificateRefused {
                    server,
                    alert: words(&format!("{alert:?}")),
                },
                None => TlsError::CertificateWanted { server },
            })
        }
        _ => None,
    }
}

fn cause(error: &io::Error) -> Option<&Rustls> {
    error.get_ref()?.downcast_ref()
}

/// A name as a certificate has it, out of `DnsName("db.example")` or `IpAddress(127.0.0.1)`.
fn plain(name: &str) -> String {
    let inside = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"').to_owned()
}

/// The words of a name in capitals, as in `CertificateExpired`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_small {
            words.push(' ');
        }
        after_small = letter.is_ascii_lowercase();
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn date(time: UnixTime) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(time.as_secs());
    humantime::format_rfc3339_seconds(time).to_string()
}
