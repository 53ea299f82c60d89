//! What an entry's `sasl` may say.

use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{Invalid, Secret};

use super::{Account, Login, Mechanism};

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
}

impl Sasl {
    /// Who logs in, and how.
    ///
    /// # Errors
    /// If an option is missing that the mechanism needs, or is there and belongs to another.
    pub fn into_login(self) -> Result<Login, Invalid> {
        let mechanism = self.mechanism;
        let missing = |name: &str| {
            let message = format!("`{mechanism}` needs `{name}`");
            Invalid::new("sasl", message)
        };
        let account = Account {
            username: self.username.ok_or_else(|| missing("username"))?,
            password: self.password.ok_or_else(|| missing("password"))?,
        };
        account.check()?;
        Ok(match mechanism {
            Mechanism::Plain => Login::Plain(account),
            Mechanism::ScramSha256 => Login::ScramSha256(account),
            Mechanism::ScramSha512 => Login::ScramSha512(account),
        })
    }
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
