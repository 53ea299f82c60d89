//! What goes wrong between here and a Kafka cluster, and what the runtime does about it.

use std::io;
use std::time::Duration;

use rskafka::client::error::RequestError;
use rskafka::messenger::SyncVersionsError;
use rskafka::protocol::error::Error as Code;
use rskafka::protocol::frame::{ReadError, WriteError};
use wlf_core::config::HostPort;
use wlf_core::{Exit, Fault, Severity};
#[cfg(feature = "oauth")]
use wlf_net::http::HttpError;
use wlf_net::{ConnectError, TlsError};

use crate::code::{OUTAGE, verdict};
use crate::sasl::{Mechanism, ScramError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect { source: ConnectError },
    #[error("{broker} gave no answer within {} s", .after.as_secs())]
    Timeout { broker: HostPort, after: Duration },
    // rskafka's errors name their causes in their own text, so these are not sources a second time.
    #[error("cannot agree on protocol versions with {broker}: {error}")]
    Versions {
        broker: HostPort,
        error: SyncVersionsError,
    },
    #[error(
        "{broker} does not offer the login {mechanism}; it offers {}",
        listed(.offered)
    )]
    Mechanism {
        broker: HostPort,
        mechanism: Mechanism,
        offered: Vec<String>,
    },
    #[error("{broker} has no login at this port")]
    NoLogin { broker: HostPort },
    #[error("{broker} refuses the login of `{name}` by {mechanism}: it says {code}{}", detail(.message))]
    LoginRefused {
        broker: HostPort,
        mechanism: Mechanism,
        name: String,
        code: Code,
        message: Option<String>,
    },
    #[error("the login at {broker} fails")]
    Scram {
        broker: HostPort,
        #[source]
        source: ScramError,
    },
    #[error("{broker} ended the connection at once")]
    ClosedAtOnce { broker: HostPort },
    #[error("{broker} ended the connection at the first request")]
    Closed { broker: HostPort },
    #[cfg(feature = "oauth")]
    #[error("{endpoint} grants no token: it says {status}{}", detail(.message))]
    TokenRefused {
        endpoint: String,
        status: u16,
        message: Option<String>,
    },
    #[cfg(feature = "oauth")]
    #[error("{endpoint} cannot be asked for a token")]
    Token {
        endpoint: String,
        #[source]
        source: HttpError,
    },
    #[cfg(feature = "oauth")]
    #[error("{endpoint} grants no token: {what}")]
    TokenAnswer {
        endpoint: String,
        what: &'static str,
    },
    #[cfg(feature = "oauth")]
    #[error("{broker} does not take a token that it took before")]
    OldToken { broker: HostPort },
    #[error("{broker} belongs to another cluster now")]
    OtherCluster { broker: HostPort },
    #[error("a request to {broker} failed: {error}")]
    Request {
        broker: HostPort,
        error: RequestError,
    },
    #[error("{broker} answered something else than was asked: {what}")]
    Answer {
        broker: HostPort,
        what: &'static str,
    },
    #[error("the leader of topic `{topic}`, partition {partition}, is unknown")]
    NoLeader { topic: String, partition: i32 },
    #[error(
        "broker {old} is silent, and broker {new} leads topic `{topic}`, partition {partition}, in its place"
    )]
    Moved {
        topic: String,
        partition: i32,
        old: i32,
        new: i32,
    },
    #[error("not connected")]
    NotConnected,
    #[error("broker {id} leads a partition and is not in the cluster's list of brokers")]
    UnknownBroker { id: i32 },
    #[error("topic `{topic}` does not exist")]
    MissingTopic { topic: String },
    #[error("topic `{topic}`: the broker says {code}{}", detail(.message))]
    Topic {
        topic: String,
        code: Code,
        message: Option<String>,
    },
    #[error("topic `{topic}` cannot be created: the broker says {code}{}", detail(.message))]
    ReplicationFactor {
        topic: String,
        code: Code,
        message: Option<String>,
    },
    #[error("topic `{topic}`, partition {partition}: the broker says {code}")]
    Partition {
        topic: String,
        partition: i32,
        code: Code,
    },
    #[error("the broker gives no producer id: {code}")]
    ProducerId { code: Code },
    #[error(
        "a row of {bytes} bytes is larger than topic `{topic}` takes (`max.message.bytes`, {code})"
    )]
    RowTooLarge {
        topic: String,
        bytes: usize,
        code: Code,
    },
    #[error("a row of {bytes} bytes is larger than a Kafka request may be ({limit} bytes)")]
    RequestTooLarge { bytes: usize, limit: usize },
    #[error("cannot write a batch")]
    Batch {
        #[source]
        source: io::Error,
    },
    #[error("`{topic}` is not a name for a topic: {reason}")]
    TopicName { topic: String, reason: &'static str },
}

/// Whether the other side ended the connection.
pub fn is_end(error: &RequestError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let Some(error) = cause(error) else {
        return false;
    };
    // What TLS has to say is no mere end.
    let ends = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        UnexpectedEof,
    ];
    secured(error).is_none() && ends.contains(&error.kind())
}

/// What the connection had to say.
fn cause(error: &RequestError) -> Option<&io::Error> {
    match error {
        RequestError::IO(error) => Some(error),
        RequestError::ReadFramedMessageError(ReadError::IO(error)) => Some(error),
        RequestError::WriteMessageError(WriteError::IO(error)) => Some(error),
        RequestError::Poisoned(error) => cause(error),
        _ => None,
    }
}

/// What the broker said of us after the handshake of TLS, if that is why.
fn secured(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

fn detail(message: &Option<String>) -> String {
    match message {
        Some(message) => format!(" ({message})"),
        None => String::new(),
    }
}

impl Error {
    /// Whether the other side ended the connection.
    pub fn is_end(&self) -> bool {
        matches!(self, Error::Request { error, .. } if is_end(error))
    }

    /// Whether trying again is of no use.
    pub fn is_final(&self) -> bool {
        matches!(judgement(self), (Severity::Stop(_), _))
    }

    /// Whether the broker does not know the producer as the producer knows itself, so that another one has to begin.
    pub fn ends_producer(&self) -> bool {
        let Error::Partition { code, .. } = self else {
            return false;
        };
        matches!(
            code,
            Code::InvalidProducerEpoch
                | Code::InvalidProducerIdMapping
                | Code::OutOfOrderSequenceNumber
                | Code::DuplicateSequenceNumber
                | Code::ProducerFenced
                | Code::UnknownProducerId
        )
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (severity, hint) = judgement(&error);
        let mut fault = Fault::new(severity, "write to Kafka", error);
        fault.hint = hint.map(Into::into);
        fault
    }
}

/// What the runtime does, and what helps.
type Judgement = (Severity, Option<&'static str>);

/// The severity and the hint, decided for each error once.
fn judgement(error: &Error) -> Judgement {
    match error {
        Error::Connect { source } => connecting(source),
        Error::ClosedAtOnce { .. } => {
            outage("the port may be one with TLS: see `tls`, as in `tls: {mode: verify_identity}`")
        }
        Error::Closed { .. } => outage("a listener with a login does so: see `sasl`"),

        Error::Mechanism { .. } => {
            login("set `sasl.mechanism` to one that it offers, or use another of its listeners")
        }
        Error::NoLogin { .. } => {
            login("leave `sasl` out, or use the port of the listener with SASL")
        }
        Error::LoginRefused { mechanism, .. } => login(refused(*mechanism)),
        Error::Scram { .. } => login("what answers may not be the broker that it says it is"),

        // Too many requests, or something is wrong over there.
        #[cfg(feature = "oauth")]
        Error::TokenRefused {
            status: 429 | 500..,
            ..
        } => (OUTAGE, None),
        #[cfg(feature = "oauth")]
        Error::TokenRefused { .. } => {
            login("check `sasl.client_id`, `sasl.client_secret` and `sasl.scope`")
        }
        #[cfg(feature = "oauth")]
        Error::Token { source, .. } => (source.severity(), source.hint()),
        #[cfg(feature = "oauth")]
        Error::TokenAnswer { .. } => stop(Exit::Config, "check `sasl.token_endpoint`"),
        #[cfg(feature = "oauth")]
        Error::OldToken { .. } => (OUTAGE, None),

        Error::Request { error, .. }
        | Error::Versions {
            error: SyncVersionsError::RequestError(error),
            ..
        } => match cause(error).and_then(secured) {
            Some(error) => (error.severity(), error.hint()),
            None => (OUTAGE, None),
        },
        Error::Timeout { .. }
        | Error::Versions { .. }
        | Error::OtherCluster { .. }
        | Error::Answer { .. }
        | Error::NoLeader { .. }
        | Error::Moved { .. }
        | Error::NotConnected
        | Error::UnknownBroker { .. } => (OUTAGE, None),

        Error::MissingTopic { .. } => stop(
            Exit::Unavailable,
            "create the topic, or leave `create_topics: false` out",
        ),
        Error::ReplicationFactor { .. } => stop(
            Exit::Unavailable,
            "`create_topics.replication_factor` is at most the number of brokers that are up",
        ),
        Error::Topic { code, .. } | Error::Partition { code, .. } | Error::ProducerId { code } => {
            verdict(*code)
        }

        Error::Batch { .. } => (Severity::Stop(Exit::Software), None),
        Error::RowTooLarge { .. } => {
            reject("raise the topic's `max.message.bytes`, or see `delivery.on_reject`")
        }
        Error::RequestTooLarge { .. } => reject("see `delivery.on_reject`"),
        Error::TopicName { .. } => reject(
            "topics are named with letters, digits, `.`, `_` and `-`, at most 249 of them; change `topic` or exclude the table",
        ),
    }
}

fn connecting(error: &ConnectError) -> Judgement {
    match error {
        ConnectError::Dial(error) if error.severity() == OUTAGE => outage(
            "check `bootstrap_brokers`; the brokers themselves say where to go on (`advertised.listeners`), which must be reachable too",
        ),
        error => (error.severity(), error.hint()),
    }
}

/// What helps when the broker refuses a login.
fn refused(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::OauthBearer => {
            "the broker wants another token: check its issuer, audience and scope (`sasl.scope`) with those of the listener"
        }
        Mechanism::Plain | Mechanism::ScramSha256 | Mechanism::ScramSha512 => {
            "check `sasl.username` and `sasl.password`, and that the account is one of this mechanism"
        }
    }
}

fn outage(hint: &'static str) -> Judgement {
    (OUTAGE, Some(hint))
}

fn login(hint: &'static str) -> Judgement {
    stop(Exit::Login, hint)
}

fn stop(exit: Exit, hint: &'static str) -> Judgement {
    (Severity::Stop(exit), Some(hint))
}

fn reject(hint: &'static str) -> Judgement {
    (Severity::Reject, Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: Code) -> Fault {
        Error::Partition {
            topic: "orders".to_owned(),
            partition: 3,
            code,
        }
        .into()
    }

    #[test]
    fn outages_are_tried_again_and_refusals_are_not() {
        for code in [
            Code::NotLeaderOrFollower,
            Code::UnknownTopicOrPartition,
            Code::NotEnoughReplicas,
            Code::Unknown(1234),
        ] {
            assert_eq!(fault(code).severity, OUTAGE, "{code}");
        }
        assert_eq!(fault(Code::MessageTooLarge).severity, Severity::Reject);
        assert_eq!(
            fault(Code::TopicAuthorizationFailed).severity,
            Severity::Stop(Exit::Login)
        );
    }

    /// What was asked for is not there now and, mostly, never will be; what the cluster asks for itself will be again.
    #[test]
    fn a_replication_factor_of_ones_own_stops_and_the_clusters_is_an_outage() {
        let code = Code::InvalidReplicationFactor;
        let fault: Fault = Error::ReplicationFactor {
            topic: "t".to_owned(),
            code,
            message: None,
        }
        .into();
        assert_eq!(fault.exit(), Exit::Unavailable);
        assert_eq!(fault.severity, Severity::Stop(Exit::Unavailable));
        assert_eq!(self::fault(code).severity, OUTAGE);
    }

    #[test]
    fn a_fault_says_where() {
        assert_eq!(
            fault(Code::NotLeaderOrFollower).to_string(),
            "write to Kafka: topic `orders`, partition 3: the broker says NotLeaderOrFollower"
        );
        let fault: Fault = Error::Topic {
            topic: "t".to_owned(),
            code: Code::InvalidReplicationFactor,
            message: Some("Replication factor: 3 larger than available brokers: 1.".to_owned()),
        }
        .into();
        assert_eq!(
            fault.to_string(),
            "write to Kafka: topic `t`: the broker says InvalidReplicationFactor (Replication factor: 3 larger than available brokers: 1.)"
        );
        assert!(fault.hint.is_some());
    }
}
