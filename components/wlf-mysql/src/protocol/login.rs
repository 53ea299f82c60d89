//! The connection phase: from the server's handshake to its OK.

mod plugin;
#[cfg(test)]
mod tests;

use mysql_common::constants::CapabilityFlags;

use self::plugin::Plugin;
use super::auth_more_data;
use super::auth_switch_request::{self, AuthSwitchRequest};
use super::caching_sha2_password::{self as sha2, EncryptError};
use super::client_ed25519;
use super::err_packet::{self, ServerError};
use super::handshake_response_41;
use super::handshake_v10::HandshakeV10;
use super::mysql_clear_password;
use super::mysql_native_password as native;
use super::ok_packet;
use super::parsec;
use super::reader::DecodeError;
use super::sha256_password;
use super::ssl_request;

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the server wants the authentication method `{plugin}`, which is not supported")]
    Plugin { plugin: String },
    #[error(
        "the server wants the password itself (`mysql_clear_password`), which is sent over TLS only"
    )]
    ClearPassword,
    #[error("the server does not offer TLS")]
    NoTls,
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    #[error("the server {version} is older than MySQL 5.5, or has no binlog protocol")]
    TooOld { version: String },
}

/// Whether the connection turns to TLS before anything is said of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ssl {
    Disabled,
    /// If the server offers it.
    Preferred,
    /// Or there is no login.
    Required,
}

/// What to do after a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this message, begin TLS, and go on with [`Login::secured`].
    Secure(Vec<u8>),
    /// Send this message and receive the next.
    Send(Vec<u8>),
    /// Receive the next.
    Receive,
    /// The server has let us in.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Securing,
    Answered,
    PublicKey,
    Derivation,
}

/// A login on its way.
pub struct Login<'a> {
    user: &'a str,
    password: &'a str,
    ssl: Ssl,
    is_secured: bool,
    state: State,
    plugin: Plugin,
    nonce: Vec<u8>,
    server: Option<HandshakeV10>,
}

impl<'a> Login<'a> {
    /// Waits for the server's handshake.
    pub fn new(user: &'a str, password: &'a str, ssl: Ssl) -> Self {
        Self {
            user,
            password,
            ssl,
            is_secured: false,
            state: State::Handshake,
            plugin: Plugin::CachingSha2,
            nonce: Vec::new(),
            server: None,
        }
    }

    /// What the server said of itself, once it did.
    pub fn into_handshake(self) -> Option<HandshakeV10> {
        self.server
    }

    /// Takes the server's next packet.
    pub fn receive(&mut self, packet: &[u8]) -> Result<Step, LoginError> {
        let Some(&header) = packet.first() else {
            return Err(DecodeError::Empty {
                expected: "a packet of the login",
            }
            .into());
        };
        if header == err_packet::HEADER {
            return Err(ServerError::decode(packet)?.into());
        }
        match (self.state, header) {
            (State::Handshake, _) => self.greet(packet),
            (State::Answered | State::PublicKey | State::Derivation, ok_packet::HEADER) => {
                Ok(Step::Done)
            }
            (State::Answered, auth_switch_request::HEADER) => self.switch(packet),
            (State::Answered, auth_more_data::HEADER) if self.plugin == Plugin::CachingSha2 => {
                self.go_on(auth_more_data::decode(packet)?)
            }
            (State::Answered, auth_more_data::HEADER) if self.plugin == Plugin::Sha256 => {
                self.encrypt(auth_more_data::decode(packet)?)
            }
            (State::PublicKey, auth_more_data::HEADER) => {
                self.state = State::Answered;
                self.encrypt(auth_more_data::decode(packet)?)
            }
            (State::Derivation, _) => {
                self.state = State::Answered;
                let derivation = parsec::Derivation::decode(packet)?;
                let answer = derivation.sign(self.password, &self.nonce, rand::random());
                Ok(Step::Send(answer))
            }
            (_, header) => Err(DecodeError::UnexpectedHeader {
                expected: "an answer to the login",
                header,
            }
            .into()),
        }
    }

    fn greet(&mut self, packet: &[u8]) -> Result<Step, LoginError> {
        let handshake = HandshakeV10::decode(packet)?;
        let capabilities = handshake.capabilities;
        let needed =
            CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_SECURE_CONNECTION;
        if !capabilities.contains(needed) {
            return Err(LoginError::TooOld {
                version: handshake.server_version,
            });
        }
        self.plugin = Plugin::proposed(&handshake.plugin);
        self.nonce.clone_from(&handshake.nonce);
        self.server = Some(handshake);
        let offers = capabilities.contains(CapabilityFlags::CLIENT_SSL);
        match self.ssl {
            Ssl::Required if !offers => Err(LoginError::NoTls),
            Ssl::Preferred | Ssl::Required if offers => {
                self.state = State::Securing;
                Ok(Step::Secure(ssl_request::encode(capabilities)))
            }
            Ssl::Disabled | Ssl::Preferred | Ssl::Required => self.answer(capabilities),
        }
    }

    /// The connection is secured now: gives what goes on with the login.
    pub fn secured(&mut self) -> Result<Step, LoginError> {
        self.is_secured = true;
        let server = self.server.as_ref();
        let capabilities = server.map_or(CapabilityFlags::empty(), |server| server.capabilities);
        self.answer(capabilities)
    }

    fn answer(&mut self, server: CapabilityFlags) -> Result<Step, LoginError> {
        let auth = self.begin()?;
        self.state = State::Answered;
        Ok(Step::Send(handshake_response_41::encode(
            server,
            self.is_secured,
            self.user,
            self.plugin.name(),
            &auth,
        )))
    }

    fn switch(&mut self, packet: &[u8]) -> Result<Step, LoginError> {
        let request = AuthSwitchRequest::decode(packet)?;
        self.plugin = Plugin::from_name(request.plugin).ok_or_else(|| LoginError::Plugin {
            plugin: String::from_utf8_lossy(request.plugin).into_owned(),
        })?;
        self.nonce = request.nonce.to_vec();
        Ok(Step::Send(self.begin()?))
    }

    /// What the method sends first.
    fn begin(&mut self) -> Result<Vec<u8>, LoginError> {
        let (password, nonce) = (self.password, &self.nonce);
        Ok(match self.plugin {
            Plugin::CachingSha2 => sha2::scramble(password, nonce),
            Plugin::Sha256 if self.is_secured => mysql_clear_password::clear(password),
            Plugin::Sha256 => sha256_password::begin(password),
            Plugin::Native => native::scramble(password, nonce),
            Plugin::Clear if self.is_secured => mysql_clear_password::clear(password),
            Plugin::Clear => return Err(LoginError::ClearPassword),
            Plugin::Ed25519 => client_ed25519::sign(password, nonce),
            Plugin::Parsec => {
                self.state = State::Derivation;
                Vec::new()
            }
        })
    }

    fn encrypt(&self, public_key: &[u8]) -> Result<Step, LoginError> {
        let secret = sha2::encrypt_password(self.password, &self.nonce, public_key)?;
        Ok(Step::Send(secret))
    }

    fn go_on(&mut self, data: &[u8]) -> Result<Step, LoginError> {
        match data {
            [sha2::FAST_AUTH_SUCCESS] => Ok(Step::Receive),
            [sha2::PERFORM_FULL_AUTHENTICATION] if self.is_secured => {
                Ok(Step::Send(mysql_clear_password::clear(self.password)))
            }
            [sha2::PERFORM_FULL_AUTHENTICATION] => {
                self.state = State::PublicKey;
                Ok(Step::Send(vec![sha2::REQUEST_PUBLIC_KEY]))
            }
            _ => Err(DecodeError::Invalid {
                packet: "AuthMoreData",
                field: "authentication method data",
                at: 1,
            }
            .into()),
        }
    }
}

/// Shows no password.
impl std::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .field("state", &self.state)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}
