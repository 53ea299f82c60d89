//! The messages of a login, over a connection on which nothing else is under way.

use std::io::{self, Cursor};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rskafka::messenger::RequestError;
use rskafka::protocol::api_key::ApiKey;
use rskafka::protocol::api_version::ApiVersion;
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::messages::{
    ApiVersionsRequest, ReadVersionedType, RequestBody, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslHandshakeRequest, WriteVersionedType,
};
use rskafka::protocol::primitives::{Int16, Int32, NullableString};
use sha2::{Sha256, Sha512};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wlf_core::config::HostPort;
use wlf_core::turn;
use wlf_net::{Stream, speaks_tls};

#[cfg(feature = "oauth")]
use super::TokenSource;
use super::scram::{Hash, Scram};
#[cfg(feature = "oauth")]
use super::token::Token;
use super::{Account, Login};
use crate::error::Error;

/// The largest answer that is read: the list of all messages that a broker knows has less than a kilobyte.
const LARGEST_ANSWER: usize = 64 << 10;

/// How often a password is hashed before it is looked whether others should get a turn: about 100 µs of work.
const ROUNDS: u32 = 64;

/// Logs in, again or for the first time; says when it is time to do so again, if the broker limits that.
///
/// # Errors
/// If the broker refuses, or answers something else.
pub async fn log_in(
    stream: &mut Stream,
    broker: &HostPort,
    login: &Login,
) -> Result<Option<Instant>, Error> {
    let mut talk = Talk {
        stream,
        broker,
        login,
        correlation: 0,
        version: 0,
        lifetime: Duration::ZERO,
    };
    let began = Instant::now();
    talk.agree().await?;
    match login {
        Login::Plain(Account { username, password }) => {
            let message = format!("\0{username}\0{}", password.expose());
            talk.authenticate(message.into_bytes()).await?;
        }
        Login::ScramSha256(account) => talk.scram::<Sha256>(account).await?,
        Login::ScramSha512(account) => talk.scram::<Sha512>(account).await?,
        #[cfg(feature = "oauth")]
        Login::OauthBearer(tokens) => talk.bearer(tokens).await?,
    }
    // Kafka's own clients do it after 85 to 95 hundredths of the time.
    let lifetime = talk.lifetime;
    Ok((lifetime > Duration::ZERO).then(|| began + lifetime.mul_f32(0.85)))
}

struct Talk<'t> {
    stream: &'t mut Stream,
    broker: &'t HostPort,
    login: &'t Login,
    correlation: i32,
    /// The version of the messages that authenticate.
    version: i16,
    /// How long the broker lets one use the connection; zero without a limit.
    lifetime: Duration,
}

impl Talk<'_> {
    /// Agrees on versions and on the mechanism.
    async fn agree(&mut self) -> Result<(), Error> {
        let request = ApiVersionsRequest {
            client_software_name: None,
            client_software_version: None,
            tagged_fields: None,
        };
        let mut known = self.ask(0, request).await?.api_keys.into_iter();
        let known = known.find(|known| known.api_key == ApiKey::SaslAuthenticate);
        // From 1 on the answer has the session's lifetime.
        self.version = match known {
            Some(range) => range.max_version.0.0.min(1),
            None => return Err(self.wrong("it does not know SaslAuthenticate")),
        };
        let mechanism = self.login.mechanism();
        let request = SaslHandshakeRequest::new(mechanism.name());
        let answer = self.ask(1, request).await?;
        match answer.error_code {
            None => Ok(()),
            Some(Code::UnsupportedSaslMechanism) => {
                let offered = answer.mechanisms.0.unwrap_or_default().into_iter();
                Err(Error::Mechanism {
                    broker: self.broker.clone(),
                    mechanism,
                    offered: offered.map(|name| name.0).collect(),
                })
            }
            // What a listener says that has no login.
            Some(Code::IllegalSaslState) => Err(Error::NoLogin {
                broker: self.broker.clone(),
            }),
            Some(code) => Err(self.refused(code, None)),
        }
    }

    async fn scram<H: Hash>(&mut self, account: &Account) -> Result<(), Error> {
        let mut random = [0; 18];
        getrandom::getrandom(&mut random).map_err(|error| self.io(error.into()))?;
        let scram = Scram::begin(&account.username, BASE64_STANDARD.encode(random));
        let broker = self.broker.clone();
        let wrong = |source| Error::Scram { broker, source };
        let first = self.authenticate(scram.first().into_bytes()).await?;
        let mut salting = match scram.answered::<H>(&first, account.password.expose()) {
            Ok(salting) => salting,
            Err(error) => return Err(wrong(error)),
        };
        while !salting.step(ROUNDS) {
            turn::pass_on().await;
        }
        let proof = salting.finish();
        let last = self
            .authenticate(proof.message.clone().into_bytes())
            .await?;
        proof.check(&last).map_err(wrong)
    }

    #[cfg(feature = "oauth")]
    async fn bearer(&mut self, tokens: &TokenSource) -> Result<(), Error> {
        let (token, is_old) = tokens.token().await?;
        match self.show(&token).await {
            // It may have ended earlier than it said, or been taken back.
            Err(Error::LoginRefused { .. }) if is_old => {
                tokens.forget().await;
                Err(Error::OldToken {
                    broker: self.broker.clone(),
                })
            }
            shown => shown,
        }
    }

    #[cfg(feature = "oauth")]
    async fn show(&mut self, token: &Token) -> Result<(), Error> {
        let answer = self.authenticate(token.message().into_bytes()).await?;
        if answer.is_empty() {
            return Ok(());
        }
        // What is wrong with the token, which the login's end comes after; RFC 7628, 3.2.3.
        match self.authenticate(b"\x01".to_vec()).await {
            Err(Error::LoginRefused { code, message, .. }) => {
                let said = String::from_utf8_lossy(&answer).into_owned();
                Err(self.refused(code, Some(message.unwrap_or(said))))
            }
            Err(error) => Err(error),
            Ok(_) => Err(self.wrong("a login after it was refused")),
        }
    }

    /// Sends a message of the mechanism; gives the broker's.
    async fn authenticate(&mut self, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let request = SaslAuthenticateRequest::new(message);
        let answer = self.ask(self.version, request).await?;
        if let Some(code) = answer.error_code {
            return Err(self.refused(code, answer.error_message.0));
        }
        let lifetime = answer.session_lifetime_ms.map_or(0, |lifetime| lifetime.0);
        self.lifetime = Duration::from_millis(lifetime.try_into().unwrap_or(0));
        Ok(answer.auth_bytes.0)
    }

    async fn ask<R>(&mut self, version: i16, request: R) -> Result<R::ResponseBody, Error>
    where
        R: RequestBody + WriteVersionedType<Vec<u8>>,
        R::ResponseBody: ReadVersionedType<Cursor<Vec<u8>>>,
    {
        self.correlation += 1;
        let version = ApiVersion(Int16(version));
        let header = RequestHeader {
            request_api_key: R::API_KEY,
            request_api_version: version,
            correlation_id: Int32(self.correlation),
            client_id: Some(NullableString(Some("wlf".to_owned()))),
            tagged_fields: None,
        };
        let mut message = vec![0; 4];
        let written = header.write_versioned(&mut message, ApiVersion(Int16(1)));
        let written = written.and_then(|()| request.write_versioned(&mut message, version));
        written.map_err(|error| self.failed(error.into()))?;
        let size = (message.len() - 4) as u32;
        message[..4].copy_from_slice(&size.to_be_bytes());
        let answer = match self.exchange(&message).await {
            Ok(answer) => answer,
            // A broker that expects TLS says so in TLS, or nothing.
            Err(error) if self.correlation == 1 && self.stream.session().is_none() => {
                return Err(match self.io(error) {
                    error if error.is_end() => Error::ClosedAtOnce {
                        broker: self.broker.clone(),
                    },
                    error => error,
                });
            }
            Err(error) => return Err(self.io(error)),
        };
        let mut answer = Cursor::new(answer);
        let header = ResponseHeader::read_versioned(&mut answer, ApiVersion(Int16(0)));
        let header = header.map_err(|error| self.failed(error.into()))?;
        if header.correlation_id.0 != self.correlation {
            return Err(self.wrong("an answer to another request"));
        }
        R::ResponseBody::read_versioned(&mut answer, version)
            .map_err(|error| self.failed(error.into()))
    }

    async fn exchange(&mut self, message: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.write_all(message).await?;
        self.stream.flush().await?;
        let mut size = [0; 4];
        self.stream.read_exact(&mut size).await?;
        if speaks_tls(&size) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let size = u32::from_be_bytes(size) as usize;
        if size > LARGEST_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut answer = vec![0; size];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    fn refused(&self, code: Code, message: Option<String>) -> Error {
        Error::LoginRefused {
            broker: self.broker.clone(),
            mechanism: self.login.mechanism(),
            name: self.login.name().to_owned(),
            code,
            message,
        }
    }

    fn wrong(&self, what: &'static str) -> Error {
        Error::Answer {
            broker: self.broker.clone(),
            what,
        }
    }

    fn io(&self, error: io::Error) -> Error {
        self.failed(RequestError::IO(error))
    }

    fn failed(&self, error: RequestError) -> Error {
        Error::Request {
            broker: self.broker.clone(),
            error,
        }
    }
}
