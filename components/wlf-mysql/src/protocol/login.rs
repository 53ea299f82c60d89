//! The connection phase: from the server's handshake to its OK.

use mysql_common::constants::CapabilityFlags;

use super::auth_more_data;
use super::auth_switch_request::{self, AuthSwitchRequest};
use super::caching_sha2_password::{self as sha2, EncryptError};
use super::err_packet::{self, ServerError};
use super::handshake_response_41;
use super::handshake_v10::HandshakeV10;
use super::mysql_native_password as native;
use super::ok_packet;
use super::reader::DecodeError;
use super::sha256_password;

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the server wants the authentication method `{plugin}`, which is not supported")]
    Plugin { plugin: String },
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    #[error("the server {version} is older than MySQL 5.5, or has no binlog protocol")]
    TooOld { version: String },
}

/// What to do after a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
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
    Answered,
    PublicKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plugin {
    CachingSha2,
    Sha256,
    Native,
}

impl Plugin {
    fn from_name(name: &[u8]) -> Result<Self, LoginError> {
        match name {
            sha2::NAME => Ok(Self::CachingSha2),
            sha256_password::NAME => Ok(Self::Sha256),
            native::NAME => Ok(Self::Native),
            other => Err(LoginError::Plugin {
                plugin: String::from_utf8_lossy(other).into_owned(),
            }),
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::CachingSha2 => sha2::NAME,
            Self::Sha256 => sha256_password::NAME,
            Self::Native => native::NAME,
        }
    }

    /// What the method sends first.
    fn begin(self, password: &str, nonce: &[u8]) -> Vec<u8> {
        match self {
            Self::CachingSha2 => sha2::scramble(password, nonce),
            Self::Sha256 => sha256_password::begin(password),
            Self::Native => native::scramble(password, nonce),
        }
    }
}

/// A login on its way.
pub struct Login<'a> {
    user: &'a str,
    password: &'a str,
    state: State,
    plugin: Plugin,
    nonce: Vec<u8>,
    server: Option<HandshakeV10>,
}

impl<'a> Login<'a> {
    /// Waits for the server's handshake.
    pub fn new(user: &'a str, password: &'a str) -> Self {
        Self {
            user,
            password,
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
            (State::Handshake, _) => self.answer(packet),
            (_, ok_packet::HEADER) => Ok(Step::Done),
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
            (_, header) => Err(DecodeError::UnexpectedHeader {
                expected: "an answer to the login",
                header,
            }
            .into()),
        }
    }

    fn answer(&mut self, packet: &[u8]) -> Result<Step, LoginError> {
        let handshake = HandshakeV10::decode(packet)?;
        let needed =
            CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_SECURE_CONNECTION;
        if !handshake.capabilities.contains(needed) {
            return Err(LoginError::TooOld {
                version: handshake.server_version,
            });
        }
        // A method that we do not know may be the server's default and not the user's: the server then asks to switch.
        self.plugin = match Plugin::from_name(&handshake.plugin) {
            Ok(plugin) => plugin,
            Err(_) => Plugin::Native,
        };
        self.nonce.clone_from(&handshake.nonce);
        let auth = self.plugin.begin(self.password, &self.nonce);
        let response = handshake_response_41::encode(
            handshake.capabilities,
            self.user,
            self.plugin.name(),
            &auth,
        );
        self.server = Some(handshake);
        self.state = State::Answered;
        Ok(Step::Send(response))
    }

    fn switch(&mut self, packet: &[u8]) -> Result<Step, LoginError> {
        let request = AuthSwitchRequest::decode(packet)?;
        self.plugin = Plugin::from_name(request.plugin)?;
        self.nonce = request.nonce.to_vec();
        Ok(Step::Send(self.plugin.begin(self.password, &self.nonce)))
    }

    fn encrypt(&self, public_key: &[u8]) -> Result<Step, LoginError> {
        let secret = sha2::encrypt_password(self.password, &self.nonce, public_key)?;
        Ok(Step::Send(secret))
    }

    fn go_on(&mut self, data: &[u8]) -> Result<Step, LoginError> {
        match data {
            [sha2::FAST_AUTH_SUCCESS] => Ok(Step::Receive),
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

#[cfg(test)]
mod tests {
    use rsa::pkcs8::{EncodePublicKey, LineEnding};
    use rsa::{Oaep, RsaPrivateKey};

    use super::super::handshake_v10::tests::handshake;
    use super::*;

    const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

    fn sent(step: Step) -> Vec<u8> {
        match step {
            Step::Send(message) => message,
            other => panic!("nothing to send: {other:?}"),
        }
    }

    #[test]
    fn fast_login_with_caching_sha2() {
        let mut login = Login::new("root", "password");
        let response = sent(login.receive(&handshake("caching_sha2_password")).unwrap());
        let scramble = sha2::scramble("password", b"dvH@I-CJ*4_?wUa_l<7r");
        assert!(response.windows(32).any(|window| window == scramble));
        assert_eq!(login.receive(&[1, 3]).unwrap(), Step::Receive);
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
        assert_eq!(login.into_handshake().unwrap().server_version, "9.7.4");
    }

    #[test]
    fn full_login_over_rsa() {
        let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .unwrap();
        let mut login = Login::new("root", "password");
        login.receive(&handshake("caching_sha2_password")).unwrap();
        assert_eq!(sent(login.receive(&[1, 4]).unwrap()), [2]);
        let mut key = vec![1];
        key.extend(pem.as_bytes());
        let secret = sent(login.receive(&key).unwrap());
        let clear = private.decrypt(Oaep::new::<sha1::Sha1>(), &secret).unwrap();
        let password: Vec<u8> = clear
            .iter()
            .zip(b"dvH@I-CJ*4_?wUa_l<7r")
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(password, b"password\0");
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
    }

    #[test]
    fn native_password_from_the_start_and_after_a_switch() {
        let mut login = Login::new("root", "password");
        let response = sent(login.receive(&handshake("mysql_native_password")).unwrap());
        let scramble = native::scramble("password", b"dvH@I-CJ*4_?wUa_l<7r");
        assert!(response.windows(20).any(|window| window == scramble));
        assert_eq!(login.receive(OK).unwrap(), Step::Done);

        let mut login = Login::new("root", "password");
        login.receive(&handshake("caching_sha2_password")).unwrap();
        let switch = b"\xfemysql_native_password\0zQg4i6oNy6=rHN/>-b)A\0";
        let answer = sent(login.receive(switch).unwrap());
        assert_eq!(
            answer,
            native::scramble("password", b"zQg4i6oNy6=rHN/>-b)A")
        );
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
    }

    #[test]
    fn sha256_password_asks_for_the_key_at_once() {
        let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .unwrap();
        let mut login = Login::new("root", "password");
        login.receive(&handshake("caching_sha2_password")).unwrap();
        let switch = b"\xfesha256_password\0zQg4i6oNy6=rHN/>-b)A\0";
        assert_eq!(sent(login.receive(switch).unwrap()), [1]);
        let mut key = vec![1];
        key.extend(pem.as_bytes());
        let secret = sent(login.receive(&key).unwrap());
        assert!(private.decrypt(Oaep::new::<sha1::Sha1>(), &secret).is_ok());
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
    }

    #[test]
    fn an_unknown_method_of_the_server_leaves_the_user_a_chance() {
        let mut login = Login::new("root", "");
        login.receive(&handshake("auth_socket")).unwrap();
        let switch = b"\xfecaching_sha2_password\0zQg4i6oNy6=rHN/>-b)A\0";
        assert_eq!(login.receive(switch).unwrap(), Step::Send(Vec::new()));
        let error = login
            .receive(b"\xfeauthentication_ldap_simple\0")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the server wants the authentication method `authentication_ldap_simple`, which is not supported"
        );
    }

    #[test]
    fn refusals_are_the_servers_words() {
        let mut login = Login::new("root", "wrong");
        login.receive(&handshake("caching_sha2_password")).unwrap();
        let error = login
            .receive(b"\xff\x15\x04#28000Access denied for user 'root'@'localhost'")
            .unwrap_err();
        assert!(matches!(error, LoginError::Server(error) if error.code == 1045));
        let mut login = Login::new("root", "");
        assert!(matches!(
            login.receive(b"\xff\x10\x04Too many connections"),
            Err(LoginError::Server(error)) if error.code == 1040
        ));
    }

    #[test]
    fn nothing_shows_the_password() {
        let shown = format!("{:?}", Login::new("root", "hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
