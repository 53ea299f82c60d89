//! What goes wrong between here and a NATS server, and what the runtime does about it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use wlf_core::{Exit, Fault, Severity, TemplateError};
use wlf_net::{ConnectError, TlsError};

use crate::protocol::{ApiError, NotNats};

/// Cloned where a connection ends, for all that wait for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(Arc<ConnectError>),
    #[error("{server} gave no answer within {} s", .after.as_secs())]
    Timeout { server: String, after: Duration },
    #[error("{server} closed the connection")]
    Closed { server: String },
    #[error("{server} closed the connection without an `INFO`")]
    ClosedAtOnce { server: String },
    #[error("the connection to {server} broke")]
    Broken {
        server: String,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("{server} does not speak NATS' protocol")]
    Protocol {
        server: String,
        #[source]
        source: NotNats,
    },
    #[error("not connected")]
    NotConnected,
    #[error("{server} is about to stop")]
    LameDuck { server: String },
    #[error("{server} demands TLS, and is spoken to without")]
    WantsTls { server: String },
    #[error("{server} does not offer TLS, and `tls` demands it")]
    NoTls { server: String },
    /// `-ERR` on which the connection ends.
    #[error("{server} ends the connection: {said}")]
    Ended { server: String, said: String },
    #[error("{server} does not let us publish to `{subject}`")]
    Permission { server: String, subject: String },
    #[error("JetStream at {server} does not take a message for `{subject}`: {error}", error = .error.description)]
    JetStream {
        server: String,
        subject: String,
        error: ApiError,
    },
    #[error("no stream of JetStream at {server} takes `{subject}`")]
    NoStream { server: String, subject: String },
    #[error("{server} answers a message for `{subject}` otherwise than JetStream does")]
    Answer {
        server: String,
        subject: String,
        #[source]
        source: Arc<serde_json::Error>,
    },
    #[error("a row of {bytes} bytes is larger than a message may be at {server} ({limit} bytes)")]
    TooLarge {
        server: String,
        bytes: usize,
        limit: usize,
    },
    #[error("`{subject}` is no subject: {why}")]
    Subject { subject: String, why: &'static str },
    #[error(
        "the header `{name}` cannot be sent: a name has visible letters without a colon, and a value no line break"
    )]
    Header { name: String },
    #[error("{server} takes no headers, and a row has one")]
    NoHeaders { server: String },
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Error::Connect(error.into())
    }
}

/// A connection that broke, or that the server ended for what it thinks of our certificate.
pub fn broken(server: &str, source: io::Error) -> Error {
    match TlsError::of(source) {
        Ok(error) => ConnectError::from(error).into(),
        Err(source) => Error::Broken {
            server: server.to_owned(),
            source: source.into(),
        },
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (severity, hint) = judgement(&error);
        let mut fault = Fault::new(severity, "write to NATS", error);
        fault.hint = hint.map(Into::into);
        fault
    }
}

/// Why a record does not get into a request.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(transparent)]
    Nats(#[from] Error),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl From<Unfit> for Fault {
    fn from(error: Unfit) -> Self {
        match error {
            Unfit::Nats(error) => error.into(),
            Unfit::Template(error) => error.into(),
        }
    }
}

const OUTAGE: Severity = Severity::Retry { after: None };
const LOGIN: Severity = Severity::Stop(Exit::Login);
const SECURE: &str =
    "say with `tls` how the connection is secured, as in `tls: {mode: verify_identity}`";
const ON_REJECT: Option<&str> = Some("see `delivery.on_reject`");

/// The severity and the hint, decided for each error once.
fn judgement(error: &Error) -> (Severity, Option<&'static str>) {
    match error {
        Error::Connect(error) => match &**error {
            ConnectError::Tls(TlsError::NotTls { .. }) => (
                error.severity(),
                Some("leave `tls_first` out: the server begins without TLS"),
            ),
            error => (error.severity(), error.hint()),
        },
        Error::ClosedAtOnce { .. } => (
            OUTAGE,
            Some(
                "the server may be one that begins with TLS (`handshake_first`): `tls_first: true`",
            ),
        ),
        Error::Timeout { .. }
        | Error::Closed { .. }
        | Error::Broken { .. }
        | Error::NotConnected
        | Error::LameDuck { .. } => (OUTAGE, None),
        Error::Protocol { .. } => (OUTAGE, Some("check the ports in `servers`")),
        Error::WantsTls { .. } => (Severity::Stop(Exit::Config), Some(SECURE)),
        Error::NoTls { .. } => (
            Severity::Stop(Exit::Config),
            Some(
                "give the server a certificate (`tls` in its configuration), or use `tls: {mode: disabled}`",
            ),
        ),
        Error::Ended { said, .. } => verdict(said),
        Error::Permission { .. } => (
            LOGIN,
            Some("the user needs the right to publish to the subjects that `subject` gives"),
        ),
        Error::JetStream { error, .. } => verdict_of_jetstream(error),
        Error::NoStream { .. } => (
            OUTAGE,
            Some("make a stream that has the subject among its own, or leave `jetstream` out"),
        ),
        Error::Answer { .. } => (
            Severity::Stop(Exit::Unavailable),
            Some(
                "somebody else answers what goes to this subject; use one that only a stream takes",
            ),
        ),
        Error::TooLarge { .. } => (
            Severity::Reject,
            Some("`max_payload` of the server is the limit; see also `delivery.on_reject`"),
        ),
        Error::Subject { .. } | Error::Header { .. } => (Severity::Reject, ON_REJECT),
        Error::NoHeaders { .. } => (
            Severity::Stop(Exit::Unavailable),
            Some("headers need NATS 2.2 or later"),
        ),
    }
}

/// What an error on which a connection ends means.
///
/// Source: <https://docs.nats.io/reference/reference-protocols/nats-protocol#okerr>
fn verdict(said: &str) -> (Severity, Option<&'static str>) {
    let said = said.to_ascii_lowercase();
    if said.starts_with("permissions violation for subscription") {
        return (
            LOGIN,
            Some(
                "the answers of JetStream come to `_INBOX.>`, to which the user has to be let subscribe",
            ),
        );
    }
    if said.starts_with("permissions violation") {
        return (
            LOGIN,
            Some("the user needs the right to what the server names"),
        );
    }
    if said.contains("authentication timeout") {
        return (OUTAGE, None);
    }
    if said.contains("authorization") || said.contains("authentication") {
        return (LOGIN, Some("check `user` and `password`, or `token`"));
    }
    if said.contains("tls required") {
        return (Severity::Stop(Exit::Config), Some(SECURE));
    }
    (OUTAGE, None)
}

/// What an error of JetStream means for a message.
fn verdict_of_jetstream(error: &ApiError) -> (Severity, Option<&'static str>) {
    match (error.code, error.err_code) {
        // JSStreamMessageExceedsMaximumErr
        (_, 10054) => (
            Severity::Reject,
            Some("`max_msg_size` of the stream is the limit; see also `delivery.on_reject`"),
        ),
        // JSNotEnabledErr, JSNotEnabledForAccountErr
        (_, 10076 | 10039) => (
            Severity::Stop(Exit::Unavailable),
            Some("JetStream is not enabled there; enable it, or leave `jetstream` out"),
        ),
        // JSStreamStoreFailedF: a limit with `discard: new`, or a disk; JSInsufficientResourcesErr, JSStorageResourcesExceededErr
        (_, 10077 | 10023 | 10047) => (
            OUTAGE,
            Some("the stream has no room; it goes on when there is"),
        ),
        (500.., _) => (OUTAGE, None),
        // Of this message alone: JSStreamNotMatchErr, JSStreamWrongLastMsgIDErrF, JSStreamWrongLastSequenceErrF,
        // JSStreamHeaderExceedsMaximumErr, JSStreamRollupFailedF.
        (_, 10060 | 10070 | 10071 | 10097 | 10111) => (Severity::Reject, ON_REJECT),
        // A message that is left out is gone.
        _ => (OUTAGE, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_a_connection_has_its_severity() {
        for (said, severity) in [
            ("Authorization Violation", LOGIN),
            ("User Authentication Expired", LOGIN),
            (
                "Permissions Violation for Subscription to \"_INBOX.a.*\"",
                LOGIN,
            ),
            ("Authentication Timeout", OUTAGE),
            ("Stale Connection", OUTAGE),
            ("Slow Consumer", OUTAGE),
            ("maximum connections exceeded", OUTAGE),
            ("Maximum Payload Violation", OUTAGE),
            (
                "Secure Connection - TLS Required",
                Severity::Stop(Exit::Config),
            ),
        ] {
            let fault: Fault = Error::Ended {
                server: "127.0.0.1:4222".to_owned(),
                said: said.to_owned(),
            }
            .into();
            assert_eq!(fault.severity, severity, "{said}");
        }
    }

    #[test]
    fn each_error_of_jetstream_has_its_severity() {
        for (code, err_code, severity) in [
            (400, 10054, Severity::Reject),
            (400, 10071, Severity::Reject),
            (400, 10097, Severity::Reject),
            (404, 10059, OUTAGE),
            (400, 19999, OUTAGE),
            (503, 10077, OUTAGE),
            (503, 10008, OUTAGE),
            (503, 10076, Severity::Stop(Exit::Unavailable)),
        ] {
            let error = ApiError {
                code,
                err_code,
                description: "no".to_owned(),
            };
            assert_eq!(verdict_of_jetstream(&error).0, severity, "{err_code}");
        }
    }

    #[test]
    fn a_fault_says_where() {
        let fault: Fault = Error::JetStream {
            server: "127.0.0.1:4222".to_owned(),
            subject: "a.b".to_owned(),
            error: ApiError {
                code: 503,
                err_code: 10077,
                description: "maximum bytes exceeded".to_owned(),
            },
        }
        .into();
        assert_eq!(
            fault.to_string(),
            "write to NATS: JetStream at 127.0.0.1:4222 does not take a message for `a.b`: maximum bytes exceeded"
        );
    }
}
