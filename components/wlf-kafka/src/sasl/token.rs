//! TokenSource of OAuth 2.0, granted to whoever knows a client's secret.
//!
//! Source: RFC 6749 (4.4, client credentials), RFC 7628 (OAUTHBEARER)

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use wlf_core::config::Secret;
use wlf_net::http::Client;
use wlf_net::is_loopback;

use crate::error::Error;

/// Who is known by a client's secret, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    pub endpoint: Uri,
    pub id: String,
    pub secret: Secret,
    pub scope: Option<String>,
}

/// A token, and when to ask for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    text: Secret,
    /// `None`: it says nothing of that.
    renew: Option<Instant>,
}

/// TokenSource, each of which serves until shortly before it ends.
pub struct TokenSource {
    credentials: ClientCredentials,
    client: Client,
    kept: Mutex<Option<Token>>,
    /// It was said that the secret can be read on its way.
    has_warned: AtomicBool,
}

/// Without the token.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credentials.fmt(f)
    }
}

impl TokenSource {
    pub fn new(credentials: ClientCredentials, client: Client) -> Self {
        Self {
            credentials,
            client,
            kept: Mutex::default(),
            has_warned: AtomicBool::new(false),
        }
    }

    /// The client's id.
    pub fn client(&self) -> &str {
        &self.credentials.id
    }

    /// A token for a login, and whether it served before.
    ///
    /// # Errors
    /// If none is granted.
    pub async fn token(&self) -> Result<(Token, bool), Error> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = &*kept
            && token.is_fresh(Instant::now())
        {
            return Ok((token.clone(), true));
        }
        if self.is_to_warn() {
            tracing::warn!(
                "the client's secret goes to {} in the clear: use `https://`",
                self.credentials.endpoint
            );
        }
        let asked = Instant::now();
        let answer = self.client.send(self.credentials.request()).await;
        let answer = answer.map_err(|source| Error::Token {
            endpoint: self.credentials.endpoint.to_string(),
            source,
        })?;
        let status = answer.status().as_u16();
        let token = self.credentials.granted(status, answer.body(), asked)?;
        Ok((kept.insert(token).clone(), false))
    }

    /// Whether it has to be said now that others can read the secret on its way, which is done once.
    fn is_to_warn(&self) -> bool {
        self.credentials.is_exposed() && !self.has_warned.swap(true, Relaxed)
    }

    /// Lets another token be fetched for the next login.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

impl ClientCredentials {
    /// Whether others can read the secret on its way.
    fn is_exposed(&self) -> bool {
        let host = self.endpoint.host().unwrap_or_default();
        let is_here = is_loopback(host.trim_matches(['[', ']']));
        self.endpoint.scheme_str() == Some("http") && !is_here
    }

    /// What asks the endpoint for a token.
    fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(self.body()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let headers = request.headers_mut();
        let form = "application/x-www-form-urlencoded";
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(form));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut login = HeaderValue::try_from(self.authorization())
            .expect("base64 is text that a header may have");
        login.set_sensitive(true);
        headers.insert(AUTHORIZATION, login);
        request
    }

    /// The value of the header `Authorization`.
    fn authorization(&self) -> String {
        let encoded =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let both = format!("{}:{}", encoded(&self.id), encoded(self.secret.expose()));
        format!("Basic {}", BASE64_STANDARD.encode(both))
    }

    /// The request's body, a form.
    fn body(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        form.finish()
    }

    /// Reads what the endpoint answers.
    ///
    /// # Errors
    /// If it grants no token.
    fn granted(&self, status: u16, body: &[u8], asked: Instant) -> Result<Token, Error> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            #[serde(default)]
            error_description: Option<String>,
        }
        let endpoint = self.endpoint.to_string();
        if status == 200 {
            let token = Token::read(body, asked);
            return token.map_err(|what| Error::TokenAnswer { endpoint, what });
        }
        let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
        Err(Error::TokenRefused {
            endpoint,
            status,
            message: refusal.map(|refusal| match refusal.error_description {
                Some(more) => format!("{}: {more}", refusal.error),
                None => refusal.error,
            }),
        })
    }
}

impl Token {
    /// Reads what an endpoint grants.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &[u8], now: Instant) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
            #[serde(default)]
            token_type: Option<String>,
            #[serde(default)]
            expires_in: Value,
        }
        let granted: Granted =
            serde_json::from_slice(body).map_err(|_| "its answer has no `access_token` in JSON")?;
        let kind = granted.token_type.as_deref().unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err("its token is none of type `Bearer`");
        }
        let text = granted.access_token;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its token has characters that none may have");
        }
        let seconds = match &granted.expires_in {
            Value::Number(seconds) => seconds.as_f64(),
            // As Microsoft's older endpoints have it.
            Value::String(seconds) => seconds.parse().ok(),
            _ => lifetime(&text),
        };
        let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(Self {
            text: Secret::new(text),
            // As Kafka's own clients do (`sasl.login.refresh.window.factor`).
            renew: lifetime.and_then(|lifetime| now.checked_add(lifetime.mul_f32(0.8))),
        })
    }

    /// Whether it may be used for another login.
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.renew.is_some_and(|renew| now < renew)
    }

    /// The client's first message.
    pub fn message(&self) -> String {
        format!("n,,\x01auth=Bearer {}\x01\x01", self.text.expose())
    }
}

/// For how many seconds a token that is a JWT is valid, from when it was issued.
fn lifetime(token: &str) -> Option<f64> {
    #[derive(Deserialize)]
    struct Claims {
        iat: f64,
        exp: f64,
    }
    let claims = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.exp - claims.iat)
}

#[cfg(test)]
mod tests {
    use wlf_net::Tls;
    use wlf_net::http::{Limits, Proxies};

    use super::*;

    fn credentials() -> ClientCredentials {
        ClientCredentials {
            endpoint: Uri::from_static("https://sso.example/token"),
            id: "wlf".to_owned(),
            secret: Secret::new("a b:c+ö"),
            scope: Some("kafka write".to_owned()),
        }
    }

    #[test]
    fn a_request_is_as_the_rfc_has_it() {
        let request = credentials();
        let header = request.authorization();
        let both = header.strip_prefix("Basic ").expect("Basic");
        let both = BASE64_STANDARD.decode(both).expect("base64");
        assert_eq!(both, b"wlf:a+b%3Ac%2B%C3%B6");
        assert_eq!(
            request.body(),
            "grant_type=client_credentials&scope=kafka+write"
        );
        assert!(!format!("{request:?}").contains("a b:c"));
    }

    #[test]
    fn a_secret_that_leaves_this_machine_without_tls_is_warned_of() {
        for (url, exposed) in [
            ("http://sso.example/token", true),
            ("http://10.0.0.1/token", true),
            ("https://sso.example/token", false),
            ("http://localhost:8080/token", false),
            ("http://[::1]/token", false),
            ("http://sso.localhost/token", false),
        ] {
            let endpoint = Uri::from_static(url);
            let credentials = ClientCredentials {
                endpoint,
                ..credentials()
            };
            assert_eq!(credentials.is_exposed(), exposed, "{url}");
            let client = Client::new(&Tls::default(), Limits::default(), Proxies::default());
            let tokens = TokenSource::new(credentials, client.expect("a client"));
            // Once.
            assert_eq!(
                [(); 3].map(|()| tokens.is_to_warn()),
                [exposed, false, false]
            );
        }
    }

    #[test]
    fn a_token_is_asked_for_anew_before_it_ends() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        // {"iat":1000,"exp":1100}
        let jwt = "e30.eyJpYXQiOjEwMDAsImV4cCI6MTEwMH0.";
        for (answer, lasts) in [
            (
                r#"{"access_token":"t","token_type":"Bearer","expires_in":100}"#.to_owned(),
                80,
            ),
            (
                r#"{"access_token":"t","token_type":"bearer","expires_in":"100"}"#.to_owned(),
                80,
            ),
            (format!(r#"{{"access_token":"{jwt}"}}"#), 80),
            (r#"{"access_token":"t"}"#.to_owned(), 0),
            (r#"{"access_token":"t","expires_in":-1}"#.to_owned(), 0),
            (r#"{"access_token":"t","expires_in":0}"#.to_owned(), 0),
        ] {
            let token = Token::read(answer.as_bytes(), now).expect(&answer);
            assert_eq!(token.is_fresh(now), lasts > 0, "{answer}");
            if lasts > 0 {
                assert!(token.is_fresh(now + seconds(lasts - 1)), "{answer}");
            }
            assert!(!token.is_fresh(now + seconds(lasts + 1)), "{answer}");
        }
        let token = Token::read(br#"{"access_token":"abc.def"}"#, now).expect("a token");
        assert_eq!(token.message(), "n,,\x01auth=Bearer abc.def\x01\x01");
        assert!(!format!("{token:?}").contains("abc"));
    }

    #[test]
    fn what_is_no_token_is_an_error() {
        for answer in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a\u0001auth=Bearer b"}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
        ] {
            assert!(
                Token::read(answer.as_bytes(), Instant::now()).is_err(),
                "{answer}"
            );
        }
    }
}
