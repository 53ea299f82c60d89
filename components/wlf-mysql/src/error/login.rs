//! What a refused login means.

use wlf_core::{Exit, Severity};

use crate::protocol::ServerError;
use crate::protocol::err_packet::Meaning;
use crate::protocol::login::LoginError;

pub(super) fn severity(error: &LoginError) -> Severity {
    match error {
        LoginError::Server(error) => match error.meaning() {
            Meaning::Passing => Severity::Retry { after: None },
            Meaning::Refused | Meaning::Forbidden | Meaning::Other => Severity::Stop(Exit::Login),
        },
        LoginError::Plugin { .. } | LoginError::ClearPassword | LoginError::Encrypt(_) => {
            Severity::Stop(Exit::Login)
        }
        LoginError::NoTls => Severity::Stop(Exit::Config),
        LoginError::Decode(_) | LoginError::TooOld { .. } => Severity::Stop(Exit::Unavailable),
    }
}

pub(super) fn hint(error: &LoginError, is_secured: bool) -> Option<&'static str> {
    match error {
        LoginError::Server(error) => refusal_hint(error, is_secured),
        LoginError::Plugin { .. } => Some(
            "give the user a method that is supported: `ALTER USER … IDENTIFIED WITH caching_sha2_password BY '…'`",
        ),
        LoginError::Decode(_) => {
            Some("check `host` and `port`: what answers there is no MySQL server")
        }
        LoginError::Encrypt(_) => Some("check the server's caching_sha2_password_public_key_path"),
        LoginError::ClearPassword => Some(
            "secure the connection: `tls: {mode: verify_identity}`, with the server's authority as `ca`",
        ),
        LoginError::NoTls | LoginError::TooOld { .. } => None,
    }
}

fn refusal_hint(error: &ServerError, is_secured: bool) -> Option<&'static str> {
    match error.code {
        // ER_SECURE_TRANSPORT_REQUIRED
        3159 => Some(
            "the server wants TLS (require_secure_transport): set `tls.mode`, as in `tls: {mode: required}`",
        ),
        // ER_HOST_IS_BLOCKED
        1129 => Some("unblock this host: `TRUNCATE TABLE performance_schema.host_cache`"),
        // ER_HOST_NOT_PRIVILEGED
        1130 => Some("let the user in from this host: `CREATE USER 'name'@'host' …`"),
        // ER_ACCOUNT_HAS_BEEN_LOCKED
        3118 => Some("unlock the account: `ALTER USER … ACCOUNT UNLOCK`"),
        // ER_MUST_CHANGE_PASSWORD_LOGIN, ER_MUST_CHANGE_PASSWORD
        1862 | 1820 => Some("the password has expired: `ALTER USER … IDENTIFIED BY '…'`"),
        _ if error.meaning() != Meaning::Refused => None,
        _ if is_secured => Some(
            "check `user` and `password`, and that the user may log in from this host; an account with REQUIRE X509, \
             ISSUER or SUBJECT needs a certificate of ours: `tls.cert` and `tls.key`",
        ),
        _ => Some(
            "check `user` and `password`, and that the user may log in from this host; a server with \
             require_secure_transport and an account with REQUIRE SSL need `tls: {mode: required}`, one with REQUIRE X509 \
             `tls.cert` and `tls.key` too",
        ),
    }
}
