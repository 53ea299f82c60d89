//! TLS as a file asks for it, and as it is done.

#[cfg(feature = "http")]
mod acceptor;
mod authorities;
mod certificate;
mod connector;
mod error;
mod gather;
mod offer;
mod renewed;
mod stream;
mod verify;

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use wlf_data::config::Shared;

#[cfg(feature = "http")]
pub use acceptor::{Acceptor, ServerTls};
pub use connector::Connector;
pub use error::TlsError;
pub use stream::{ReadHalf, Session, Stream, WriteHalf, speaks_tls};

/// How the connection is secured.
///
/// Without it, connections to other hosts prefer TLS and those to this host do without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = Shared("tls"))]
pub struct Tls {
    /// Whether there is TLS, and what of the server's certificate is looked at. Left out, it is `verify_identity` if there
    /// is any other key here, else `preferred` to other hosts and `disabled` to this one.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Who may have signed the server's certificate: `system`, which are the authorities of the host where its bundle is
    /// mapped with `--dir`, else those of Mozilla, or a file with certificates in PEM. Left out, it is `system`.
    #[serde(default)]
    pub ca: Option<Authorities>,
    /// A file with our own certificate and those between it and its authority, in PEM.
    #[serde(default)]
    pub cert: Option<PathBuf>,
    /// The file with the private key of `cert`, in PEM and without a password.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// The name that the server's certificate has to have, if not that of the host.
    #[serde(default)]
    pub server_name: Option<String>,
}

/// Whether there is TLS, and what of the server's certificate is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No TLS.
    Disabled,
    /// TLS if the server speaks it, and whatever its certificate.
    Preferred,
    /// TLS, and whatever the server's certificate: nobody can listen in, but somebody else may answer.
    Required,
    /// TLS, and the server's certificate is signed by `ca`, whatever the name in it.
    VerifyCa,
    /// TLS, and the server's certificate is signed by `ca` and is for this host.
    VerifyIdentity,
}

/// Who may have signed a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    System,
    File(PathBuf),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Disabled => "disabled",
            Mode::Preferred => "preferred",
            Mode::Required => "required",
            Mode::VerifyCa => "verify_ca",
            Mode::VerifyIdentity => "verify_identity",
        })
    }
}

impl<'de> Deserialize<'de> for Authorities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Authorities;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`system` or a file")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Authorities, E> {
                match text {
                    "system" => Ok(Authorities::System),
                    "" => Err(E::custom("the name of the file is empty")),
                    file => Ok(Authorities::File(file.into())),
                }
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Authorities {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Authorities".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}
