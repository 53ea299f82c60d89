//! Logging in to brokers, with SASL.
//!
//! Source: <https://kafka.apache.org/protocol#sasl_handshake>, KIP-152, KIP-368

mod config;
mod exchange;
pub mod scram;
#[cfg(feature = "oauth")]
mod token;

use std::fmt;
#[cfg(feature = "oauth")]
use std::sync::Arc;

use wlf_core::config::Secret;

pub use config::Sasl;
pub use exchange::log_in;
pub use scram::ScramError;
#[cfg(feature = "oauth")]
pub use token::{ClientCredentials, TokenSource};

/// How one logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub enum Mechanism {
    /// Sends name and password as they are, so the connection should be encrypted.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Shows that one knows the password, without sending it, and that the broker knows it too.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with a longer hash.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// Shows a token of OAuth 2.0, which is fetched from `token_endpoint` and asked for anew before it ends.
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

impl Mechanism {
    /// Its registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
            Mechanism::OauthBearer => "OAUTHBEARER",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who logs in, and how.
#[derive(Debug, Clone)]
pub enum Login {
    Plain(Account),
    ScramSha256(Account),
    ScramSha512(Account),
    #[cfg(feature = "oauth")]
    OauthBearer(Arc<TokenSource>),
}

/// Who is known by a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub username: String,
    pub password: Secret,
}

impl Login {
    pub fn mechanism(&self) -> Mechanism {
        match self {
            Login::Plain(_) => Mechanism::Plain,
            Login::ScramSha256(_) => Mechanism::ScramSha256,
            Login::ScramSha512(_) => Mechanism::ScramSha512,
            #[cfg(feature = "oauth")]
            Login::OauthBearer(_) => Mechanism::OauthBearer,
        }
    }

    /// Whether the broker is told a secret, which others can read without TLS.
    pub fn tells_secret(&self) -> bool {
        match self {
            Login::Plain(_) => true,
            #[cfg(feature = "oauth")]
            Login::OauthBearer(_) => true,
            Login::ScramSha256(_) | Login::ScramSha512(_) => false,
        }
    }

    /// What is secret of it.
    pub fn secret(&self) -> &'static str {
        match self {
            Login::Plain(_) | Login::ScramSha256(_) | Login::ScramSha512(_) => "the password",
            #[cfg(feature = "oauth")]
            Login::OauthBearer(_) => "the token",
        }
    }

    /// The name under which the broker knows who logs in.
    pub fn name(&self) -> &str {
        match self {
            Login::Plain(account) | Login::ScramSha256(account) | Login::ScramSha512(account) => {
                &account.username
            }
            #[cfg(feature = "oauth")]
            Login::OauthBearer(tokens) => tokens.client(),
        }
    }
}
