//! The error codes of Kafka.

use rskafka::protocol::error::Error as Code;
use wlf_core::{Exit, Severity};

use crate::error::OUTAGE;

/// What an error code of Kafka means for whoever writes.
///
/// Source: <https://kafka.apache.org/protocol#protocol_error_codes>
pub fn verdict(code: Code) -> (Severity, Option<&'static str>) {
    match code {
        Code::MessageTooLarge
        | Code::RecordListTooLarge
        | Code::InvalidTopicException
        | Code::InvalidRecord => (Severity::Reject, Some("see `delivery.on_reject`")),

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
        | Code::PrincipalDeserializationFailure => (
            Severity::Stop(Exit::Login),
            Some(
                "the client needs the rights to write to the topic, and to create it unless `create_topics` is false",
            ),
        ),

        Code::InvalidPartitions
        | Code::InvalidReplicaAssignment
        | Code::InvalidConfig
        | Code::PolicyViolation => (
            Severity::Stop(Exit::Config),
            Some("the cluster refuses a topic like this: see `create_topics`"),
        ),
        Code::InvalidTimestamp => (
            Severity::Stop(Exit::Unavailable),
            Some(
                "the clocks of this machine and of the broker differ by more than the topic allows",
            ),
        ),
        Code::UnsupportedCompressionType => (
            Severity::Stop(Exit::Config),
            Some(
                "the broker does not know this `compression`; `gzip`, `snappy` and `lz4` work with older ones",
            ),
        ),
        Code::UnsupportedVersion
        | Code::UnsupportedForMessageFormat
        | Code::InvalidRequiredAcks
        | Code::InvalidRequest => (
            Severity::Stop(Exit::Unavailable),
            Some("Kafka 0.11 is the oldest that works, 2.4 without `create_topics`"),
        ),

        Code::InvalidReplicationFactor => (
            OUTAGE,
            Some("fewer brokers are up than the cluster's `default.replication.factor` asks for"),
        ),
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => (
            OUTAGE,
            Some("fewer replicas are in sync than the topic's `min.insync.replicas`"),
        ),
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
        | Code::Unknown(_) => (OUTAGE, None),

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
        | Code::TransactionalIdNotFound => (
            Severity::Stop(Exit::Software),
            Some("this answer does not belong to anything that a producer asks"),
        ),
        // Codes that a later rskafka knows: new ones are outages until somebody has looked.
        _ => (OUTAGE, None),
    }
}
