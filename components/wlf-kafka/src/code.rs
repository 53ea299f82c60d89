//! The error codes of Kafka.

use rskafka::protocol::error::Error as Code;
use wlf_core::{Exit, Severity};

/// What passes by itself: it is tried again.
pub const OUTAGE: Severity = Severity::Retry { after: None };

/// What an error code of Kafka means for whoever writes: what is done about it, and what helps.
///
/// Source: <https://kafka.apache.org/protocol#protocol_error_codes>
pub fn verdict(code: Code) -> (Severity, Option<&'static str>) {
    match Meaning::of(code) {
        Meaning::Rows => (Severity::Reject, Some("see `delivery.on_reject`")),
        Meaning::Rights => (
            Severity::Stop(Exit::Login),
            Some(
                "the client needs the rights to write to the topic, and to create it unless `create_topics` is false",
            ),
        ),
        Meaning::NewTopic => (
            Severity::Stop(Exit::Config),
            Some("the cluster refuses a topic like this: see `create_topics`"),
        ),
        Meaning::Clocks => (
            Severity::Stop(Exit::Unavailable),
            Some(
                "the clocks of this machine and of the broker differ by more than the topic allows",
            ),
        ),
        Meaning::Compression => (
            Severity::Stop(Exit::Config),
            Some(
                "the broker does not know this `compression`; `gzip`, `snappy` and `lz4` work with older ones",
            ),
        ),
        Meaning::Age => (
            Severity::Stop(Exit::Unavailable),
            Some("Kafka 0.11 is the oldest that works, 2.4 without `create_topics`"),
        ),
        Meaning::Brokers => (
            OUTAGE,
            Some("fewer brokers are up than the cluster's `default.replication.factor` asks for"),
        ),
        Meaning::Replicas => (
            OUTAGE,
            Some("fewer replicas are in sync than the topic's `min.insync.replicas`"),
        ),
        Meaning::Outage => (OUTAGE, None),
        Meaning::Foreign => (
            Severity::Stop(Exit::Software),
            Some("this answer does not belong to anything that a producer asks"),
        ),
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// The rows that were sent.
    Rows,
    /// The login, or what it may do.
    Rights,
    /// What was asked of a topic that is to be created.
    NewTopic,
    /// The time of one of both machines.
    Clocks,
    Compression,
    /// The broker's version.
    Age,
    /// There are too few.
    Brokers,
    /// There are too few.
    Replicas,
    /// Something that will be right again.
    Outage,
    /// The answer: it is one to what is never asked here.
    Foreign,
}

impl Meaning {
    fn of(code: Code) -> Self {
        match code {
            Code::MessageTooLarge
            | Code::RecordListTooLarge
            | Code::InvalidTopicException
            | Code::InvalidRecord => Self::Rows,

            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSaslMechanism
            | Code::IllegalSaslState
            | Code::SecurityDisabled
            | Code::DelegationTokenAuthDisabled
            | Code::DelegationTokenAuthorizationFailed
            | Code::DelegationTokenExpired
            | Code::DelegationTokenNotFound
            | Code::DelegationTokenOwnerMismatch
            | Code::DelegationTokenRequestNotAllowed
            | Code::UnacceptableCredential
            | Code::InvalidPrincipalType
            | Code::PrincipalDeserializationFailure => Self::Rights,

            Code::InvalidPartitions
            | Code::InvalidReplicaAssignment
            | Code::InvalidConfig
            | Code::PolicyViolation => Self::NewTopic,
            Code::InvalidTimestamp => Self::Clocks,
            Code::UnsupportedCompressionType => Self::Compression,
            Code::UnsupportedVersion
            | Code::UnsupportedForMessageFormat
            | Code::InvalidRequiredAcks
            | Code::InvalidRequest => Self::Age,

            Code::InvalidReplicationFactor => Self::Brokers,
            Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => Self::Replicas,
            Code::UnknownServerError
            | Code::CorruptMessage
            | Code::UnknownTopicOrPartition
            | Code::LeaderNotAvailable
            | Code::NotLeaderOrFollower
            | Code::RequestTimedOut
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::StaleControllerEpoch
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::OperationNotAttempted
            | Code::KafkaStorageError
            | Code::LogDirNotFound
            | Code::ReassignmentInProgress
            | Code::ListenerNotFound
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::StaleBrokerEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::EligibleLeadersNotAvailable
            | Code::ThrottlingQuotaExceeded
            | Code::TopicAlreadyExists
            | Code::UnknownTopicId
            | Code::InconsistentTopicId
            | Code::BrokerIdNotRegistered
            | Code::OutOfOrderSequenceNumber
            | Code::DuplicateSequenceNumber
            | Code::InvalidProducerEpoch
            | Code::InvalidProducerIdMapping
            | Code::ConcurrentTransactions
            | Code::UnknownProducerId
            | Code::ProducerFenced
            | Code::Unknown(_) => Self::Outage,

            Code::OffsetOutOfRange
            | Code::InvalidFetchSize
            | Code::OffsetMetadataTooLarge
            | Code::IllegalGeneration
            | Code::InconsistentGroupProtocol
            | Code::InvalidGroupId
            | Code::UnknownMemberId
            | Code::InvalidSessionTimeout
            | Code::RebalanceInProgress
            | Code::InvalidCommitOffsetSize
            | Code::InvalidTxnState
            | Code::InvalidTransactionTimeout
            | Code::TransactionCoordinatorFenced
            | Code::NonEmptyGroup
            | Code::GroupIdNotFound
            | Code::FetchSessionIdNotFound
            | Code::InvalidFetchSessionEpoch
            | Code::TopicDeletionDisabled
            | Code::MemberIdRequired
            | Code::GroupMaxSizeReached
            | Code::FencedInstanceId
            | Code::ElectionNotNeeded
            | Code::NoReassignmentInProgress
            | Code::GroupSubscribedToTopic
            | Code::UnstableOffsetCommit
            | Code::ResourceNotFound
            | Code::DuplicateResource
            | Code::InconsistentVoterSet
            | Code::InvalidUpdateVersion
            | Code::FeatureUpdateFailed
            | Code::SnapshotNotFound
            | Code::PositionOutOfRange
            | Code::DuplicateBrokerRegistration
            | Code::InconsistentClusterId
            | Code::TransactionalIdNotFound => Self::Foreign,
            // Codes that a later rskafka knows: new ones are outages until somebody has looked.
            _ => Self::Outage,
        }
    }
}
