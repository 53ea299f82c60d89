//! Why there is no answer.

use std::error::Error;
use std::time::Duration;

use wlf_data::{Exit, Fault, Severity};

use crate::connect::ConnectError;
use crate::dial::Seconds;
use crate::tls::TlsError;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("`{url}` is not a URL with `http://` or `https://`")]
    Url { url: String },
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the proxy cannot be reached")]
    ProxyUnreachable {
        #[source]
        source: ConnectError,
    },
    #[error("the proxy {proxy} does not connect to {server}: it says {status}")]
    ProxyRefused {
        proxy: String,
        server: String,
        status: u16,
    },
    #[error("the proxy {proxy} does not speak HTTP")]
    NotAProxy { proxy: String },
    #[error("{server} has not begun to answer within {}", Seconds(*.limit))]
    Unanswered { server: String, limit: Duration },
    #[error("{server} has not answered within {}", Seconds(*.limit))]
    Unfinished { server: String, limit: Duration },
    #[error("the exchange with {server} broke")]
    Broken {
        server: String,
        #[source]
        source: hyper::Error,
    },
    #[error("the answer of {server} is larger than {limit} bytes")]
    TooLarge { server: String, limit: usize },
    #[error("the answer of {server} is not the gzip that it says to be")]
    NotGzip { server: String },
}

const OUTAGE: Severity = Severity::Retry { after: None };

impl HttpError {
    /// What the runtime does about it.
    pub fn severity(&self) -> Severity {
        self.judgement().0
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        self.judgement().1
    }

    fn judgement(&self) -> (Severity, Option<&'static str>) {
        match self {
            HttpError::Url { .. } => (
                Severity::Stop(Exit::Config),
                Some("write it as in `https://example.com/path`"),
            ),
            HttpError::Connect(error) => (error.severity(), error.hint()),
            HttpError::ProxyUnreachable { source } => (
                source.severity(),
                match source {
                    ConnectError::Dial(_) => Some(
                        "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which were given with `--env`",
                    ),
                    ConnectError::Tls(TlsError::NotTls { .. }) => {
                        Some("the proxy is spoken to without TLS: write `http://` in its URL")
                    }
                    ConnectError::Tls(error) => error.hint(),
                },
            ),
            HttpError::ProxyRefused { status: 407, .. } => (
                Severity::Stop(Exit::Login),
                Some(
                    "give user and password in HTTPS_PROXY, as in `http://user:password@proxy:3128`",
                ),
            ),
            HttpError::ProxyRefused { .. } => (
                OUTAGE,
                Some(
                    "the proxy may not reach it, or not let us; NO_PROXY names hosts that need none",
                ),
            ),
            HttpError::NotAProxy { .. } => {
                (Severity::Stop(Exit::Config), Some("check HTTPS_PROXY"))
            }
            HttpError::Broken { source, .. } => match of_tls(source) {
                Some(error) => (error.severity(), error.hint()),
                None => (OUTAGE, None),
            },
            HttpError::Unanswered { .. }
            | HttpError::Unfinished { .. }
            | HttpError::NotGzip { .. } => (OUTAGE, None),
            HttpError::TooLarge { .. } => (Severity::Stop(Exit::Unavailable), None),
        }
    }
}

/// What was said of our certificate when the request was already sent.
fn of_tls(error: &hyper::Error) -> Option<&TlsError> {
    let error = error.source()?.downcast_ref::<std::io::Error>()?;
    error.get_ref()?.downcast_ref()
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        let (severity, hint) = error.judgement();
        let mut fault = Fault::new(severity, "send a request", error);
        fault.hint = hint.map(Into::into);
        fault
    }
}
