//! What an entry's `sasl` may say.

#[cfg(feature = "oauth")]
use std::sync::Arc;

#[cfg(feature = "oauth")]
use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Invalid, Secret};
use wlf_net::Tls;
#[cfg(feature = "oauth")]
use wlf_net::http::{Client, InvalidProxy, Limits, Proxies};

use super::{Account, Login, Mechanism};
#[cfg(feature = "oauth")]
use super::{ClientCredentials, TokenSource};

/// The largest answer of a token endpoint that is read.
#[cfg(feature = "oauth")]
const LARGEST_ANSWER: usize = 1 << 20;

/// How to log in to the brokers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// The mechanism, one of those that the listener's `sasl.enabled.mechanisms` has.
    pub mechanism: Mechanism,
    /// Who logs in, with `PLAIN` and `SCRAM-SHA-…`.
    pub username: Option<String>,
    /// The user's password.
    #[schemars(with = "Option<String>")]
    pub password: Option<Secret>,
    /// Where tokens are granted, `https://…`, with `OAUTHBEARER`: by the client's id and secret (`client_credentials`). The
    /// endpoint's certificate is checked against `tls.ca`. The variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the
    /// environment count.
    pub token_endpoint: Option<String>,
    /// The client's id there.
    pub client_id: Option<String>,
    /// The client's secret.
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// What the token is asked for, in the endpoint's own words; several are separated by spaces.
    pub scope: Option<String>,
}

impl Sasl {
    /// Who logs in, and how.
    ///
    /// # Errors
    /// If an option is missing that the mechanism needs, or is there and belongs to another.
    pub fn into_login(self, tls: &Tls) -> Result<Login, Invalid> {
        let mechanism = self.mechanism;
        let by_token = mechanism == Mechanism::OauthBearer;
        let strangers = [
            ("username", by_token && self.username.is_some()),
            ("password", by_token && self.password.is_some()),
            ("token_endpoint", !by_token && self.token_endpoint.is_some()),
            ("client_id", !by_token && self.client_id.is_some()),
            ("client_secret", !by_token && self.client_secret.is_some()),
            ("scope", !by_token && self.scope.is_some()),
        ];
        if let Some((name, _)) = strangers.iter().find(|(_, is_there)| *is_there) {
            let message = format!("`{name}` does not belong to `{mechanism}`");
            let has = if by_token {
                "`token_endpoint`, `client_id`, `client_secret` and `scope`"
            } else {
                "`username` and `password`"
            };
            return Err(Invalid::new(format!("sasl.{name}"), message)
                .with_hint(format!("`{mechanism}` has {has}")));
        }
        match mechanism {
            Mechanism::Plain => self.into_account().map(Login::Plain),
            Mechanism::ScramSha256 => self.into_account().map(Login::ScramSha256),
            Mechanism::ScramSha512 => self.into_account().map(Login::ScramSha512),
            #[cfg(not(feature = "oauth"))]
            Mechanism::OauthBearer => {
                let _ = tls;
                let message = "`OAUTHBEARER` was left out of this program";
                Err(Invalid::new("sasl.mechanism", message)
                    .with_hint("build the program with `--features oauth` as well"))
            }
            #[cfg(feature = "oauth")]
            Mechanism::OauthBearer => {
                let client = client(tls, Proxies::from_environment())?;
                let tokens = TokenSource::new(self.into_credentials()?, client);
                Ok(Login::OauthBearer(Arc::new(tokens)))
            }
        }
    }

    fn into_account(self) -> Result<Account, Invalid> {
        let account = Account {
            username: self
                .username
                .ok_or_else(|| missing(self.mechanism, "username"))?,
            password: self
                .password
                .ok_or_else(|| missing(self.mechanism, "password"))?,
        };
        account.check()?;
        Ok(account)
    }

    #[cfg(feature = "oauth")]
    fn into_credentials(self) -> Result<ClientCredentials, Invalid> {
        let missing = |name| missing(self.mechanism, name);
        let url = self
            .token_endpoint
            .ok_or_else(|| missing("token_endpoint"))?;
        Ok(ClientCredentials {
            endpoint: endpoint(&url)?,
            id: self.client_id.ok_or_else(|| missing("client_id"))?,
            secret: self.client_secret.ok_or_else(|| missing("client_secret"))?,
            scope: self.scope,
        })
    }
}

#[cfg(feature = "oauth")]
/// The client that fetches tokens; who may have signed the endpoint's certificate is what `tls` says of the brokers'.
fn client(tls: &Tls, proxies: Result<Proxies, InvalidProxy>) -> Result<Client, Invalid> {
    let proxies = proxies.map_err(|error| {
        Invalid::new("sasl.token_endpoint", error.to_string())
            .with_hint("write `http://host:port`, or leave the variable out")
    })?;
    let tls = Tls {
        ca: tls.ca.clone(),
        ..Tls::default()
    };
    let limits = Limits {
        body: LARGEST_ANSWER,
        ..Limits::default()
    };
    Client::new(&tls, limits, proxies)
}

#[cfg(feature = "oauth")]
/// The URL of an endpoint.
fn endpoint(text: &str) -> Result<Uri, Invalid> {
    let url = text.parse::<Uri>().ok().filter(|url| {
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        // Who we are stands in other options.
        let names_user = url.authority().is_some_and(|at| at.as_str().contains('@'));
        is_http && url.host().is_some_and(|host| !host.is_empty()) && !names_user
    });
    url.ok_or_else(|| {
        Invalid::new("sasl.token_endpoint", "`token_endpoint` is not the URL of an endpoint")
            .with_hint("write `https://host/path`; the client's id and secret stand in `client_id` and `client_secret`")
    })
}

fn missing(mechanism: Mechanism, name: &str) -> Invalid {
    Invalid::new("sasl", format!("`{mechanism}` needs `{name}`"))
}

impl Account {
    /// Refuses what no mechanism can carry.
    fn check(&self) -> Result<(), Invalid> {
        let parts = [
            ("username", &*self.username),
            ("password", self.password.expose()),
        ];
        for (name, text) in parts {
            let key = format!("sasl.{name}");
            if text.is_empty() {
                return Err(Invalid::new(key, format!("`{name}` is empty")));
            }
            if text.contains('\0') {
                let message = format!("`{name}` has a character NUL, which no login can carry");
                return Err(Invalid::new(key, message));
            }
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "oauth"))]
mod tests {
    use std::process::Stdio;

    use serde_json::json;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_variable_that_names_no_proxy_is_told_without_its_value() {
        let proxies =
            Proxies::new(|name| (name == "HTTPS_PROXY").then(|| "ftp://u:hunter2@p".into()));
        let Invalid { key, message, hint } =
            client(&Tls::default(), proxies).expect_err("no proxy");
        assert_eq!(key, "sasl.token_endpoint");
        assert_eq!(message, "HTTPS_PROXY is not the URL of a proxy");
        assert!(hint.is_some());
    }

    /// The environment is that of a process of its own.
    #[tokio::test]
    async fn tokens_are_fetched_through_the_proxy_of_the_environment() {
        let proxy = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = proxy.local_addr().expect("an address");
        let program = std::env::current_exe().expect("this program");
        let mut fetching = tokio::task::spawn_blocking(move || {
            std::process::Command::new(program)
                .args([
                    "--exact",
                    "--ignored",
                    "sasl::config::tests::fetches_a_token",
                ])
                .env("HTTP_PROXY", format!("http://{address}"))
                .env_remove("http_proxy")
                .env_remove("NO_PROXY")
                .env_remove("no_proxy")
                .stdin(Stdio::null())
                .status()
        });
        let (stream, _) = tokio::select! {
            accepted = proxy.accept() => accepted.expect("accept"),
            done = &mut fetching => panic!("nobody came: {done:?}"),
        };
        let mut stream = BufReader::new(stream);
        let (mut first, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a line");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            if line.is_empty() {
                break;
            }
            first.get_or_insert(line);
        }
        assert_eq!(
            first.as_deref(),
            Some("post http://sso.invalid/token http/1.1")
        );
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("a body");
        let said = json!({"access_token": "t", "token_type": "Bearer"}).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{said}",
            said.len()
        );
        stream.write_all(answer.as_bytes()).await.expect("write");
        assert!(
            fetching
                .await
                .expect("a process")
                .expect("a status")
                .success()
        );
    }

    #[ignore = "part of the test before, which is the proxy"]
    #[tokio::test]
    async fn fetches_a_token() {
        let sasl: Sasl = serde_json::from_value(json!({
            "mechanism": "OAUTHBEARER",
            "token_endpoint": "http://sso.invalid/token",
            "client_id": "wlf",
            "client_secret": "hunter2",
        }))
        .expect("a section");
        let Ok(Login::OauthBearer(tokens)) = sasl.into_login(&Tls::default()) else {
            panic!("another login");
        };
        tokens.token().await.expect("a token");
    }
}
