//! What a `KafkaDispatcher`'s entry may say.

use std::fmt;
use std::num::{NonZeroU8, NonZeroU16};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use wlf_core::config::{Duration, HostPort, Invalid};
use wlf_core::format::{EncodedRecord, Format, KeyFormat, MessageFormat};
use wlf_core::{Event, Operation, Template};
use wlf_net::Tls;

use crate::cluster::NewTopic;
use crate::compression::Compression;
use crate::key::KeyForm;
use crate::partition::{PartitionBy, Partitioner};
use crate::sasl::Sasl;
use crate::topics;

/// Writes each row as a record of a Kafka topic, acknowledged by all in-sync replicas.
///
/// The rows of a partition keep their order, also when requests fail and are repeated: batches carry a producer id and
/// sequence numbers (an idempotent producer). Kafka 0.11 is the oldest that works, 2.4 for creating topics with the
/// cluster's defaults.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Addresses of some of the cluster's brokers; the others are learned from them.
    pub bootstrap_brokers: Vec<HostPort>,
    /// The topic of a row. A name that Kafka does not allow makes the row a rejected one.
    #[serde(default = "default_topic")]
    pub topic: Template,
    /// The topic of schema changes (`ddl: true` of a collector); without it `topic`, where `%{/type}` is `ddl`.
    #[serde(default)]
    pub ddl_topic: Option<Template>,
    /// The record's key, instead of the format's own. Schema changes keep theirs.
    #[serde(default)]
    pub key: Option<Template>,
    /// A form of Maxwell's for the record's key, instead of the format's own: that is `hash` for `maxwell`, a struct of the
    /// primary key for `debezium` and `cloudevents`, and none for `canal`.
    #[serde(default)]
    pub key_format: Option<KeyFormat>,
    /// What chooses the partition. A schema change goes by its key unless this is `database` or `table`.
    #[serde(default)]
    pub partition_by: PartitionBy,
    /// How the partition is computed from it.
    #[serde(default)]
    pub partitioner: Partitioner,
    /// How batches are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// How a missing topic is created, which happens when its first row comes; `false` makes that an error.
    #[serde(default)]
    pub create_topics: CreateTopics,
    /// The form of the record's value.
    #[serde(default)]
    pub format: Format,
    /// The form of messages, as opposed to rows.
    #[serde(default)]
    pub messages: MessageFormat,
    /// How old what is known of brokers and partitions may become, `1s` or more; then it is asked for anew, so that
    /// partitions which a topic got meanwhile are used. Rows of a key may go to another partition from there on.
    #[serde(default = "metadata_max_age")]
    pub metadata_max_age: Duration,
    /// How to log in to the brokers; without it one does not.
    #[serde(default)]
    pub sasl: Option<Sasl>,
    /// How the connections to the brokers are secured.
    #[serde(default)]
    pub tls: Tls,
}

/// As that of Kafka's own clients (`metadata.max.age.ms`).
fn metadata_max_age() -> Duration {
    Duration::from_secs(300)
}

fn default_topic() -> Template {
    "logFlex.%{/database}.%{/table}"
        .parse()
        .expect("the default is a template")
}

/// Whether and how missing topics are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateTopics {
    No,
    Yes(TopicNumbers),
}

/// The numbers that new topics have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicNumbers {
    /// Partitions of a new topic; without it the cluster's default (`num.partitions`).
    #[serde(default)]
    pub partitions: Option<NonZeroU16>,
    /// Replicas of a new topic; without it the cluster's default (`default.replication.factor`).
    #[serde(default)]
    pub replication_factor: Option<NonZeroU8>,
}

impl CreateTopics {
    pub fn new_topic(self) -> Option<NewTopic> {
        match self {
            CreateTopics::No => None,
            CreateTopics::Yes(numbers) => Some(NewTopic {
                partitions: numbers.partitions.map(|n| n.get().into()),
                replication_factor: numbers.replication_factor.map(|n| n.get().into()),
            }),
        }
    }
}

impl Default for CreateTopics {
    fn default() -> Self {
        CreateTopics::Yes(TopicNumbers::default())
    }
}

impl Serialize for CreateTopics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            CreateTopics::No => serializer.serialize_bool(false),
            CreateTopics::Yes(numbers) => numbers.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CreateTopics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = CreateTopics;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`false`, `true` or `{partitions, replication_factor}`")
            }

            fn visit_bool<E: Error>(self, yes: bool) -> Result<CreateTopics, E> {
                Ok(if yes {
                    CreateTopics::default()
                } else {
                    CreateTopics::No
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CreateTopics, A::Error> {
                TopicNumbers::deserialize(MapAccessDeserializer::new(map)).map(CreateTopics::Yes)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for CreateTopics {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CreateTopics".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let numbers = generator.subschema_for::<TopicNumbers>();
        schemars::json_schema!({"anyOf": [{"type": "boolean"}, numbers]})
    }
}

impl Config {
    /// The form of what the encoder gives for a record's identity.
    pub fn key_form(&self, record: EncodedRecord<'_>) -> KeyForm {
        match (self.key_format, &self.format) {
            _ if record.key.is_none() => KeyForm::Hash,
            (Some(KeyFormat::Hash), _) => KeyForm::Hash,
            (Some(KeyFormat::Array), _) => KeyForm::Array,
            (None, _) if self.key.is_some() => KeyForm::Hash,
            (None, Format::Maxwell(_) | Format::Canal(_)) => KeyForm::Hash,
            (None, Format::Debezium(_) | Format::CloudEvents(_)) => KeyForm::Struct,
        }
    }

    /// The template that makes the topic of an event's rows.
    pub fn topic_of(&self, event: &Event) -> &Template {
        match (&self.ddl_topic, event.operation) {
            (Some(topic), Operation::Ddl) => topic,
            _ => &self.topic,
        }
    }

    /// What the types alone cannot refuse.
    ///
    /// # Errors
    /// If values that are right by themselves do not go together.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.bootstrap_brokers.is_empty() {
            return Err(
                Invalid::new("bootstrap_brokers", "there is no broker to connect to")
                    .with_hint("name at least one, as in `[\"127.0.0.1:9092\"]`"),
            );
        }
        if self.metadata_max_age < Duration::from_secs(1) {
            let message = "`metadata_max_age` is less than a second";
            return Err(Invalid::new("metadata_max_age", message));
        }
        let topics = [
            ("topic", Some(&self.topic)),
            ("ddl_topic", self.ddl_topic.as_ref()),
        ];
        for (key, topic) in topics {
            if let Some(topic) = topic.filter(|topic| topic.is_constant())
                && let Err(error) = topics::check(topic.as_str())
            {
                return Err(Invalid::new(key, error.to_string()));
            }
        }
        if self.key.is_some() && self.key_format.is_some() {
            let message = "`key` and `key_format` are given together";
            return Err(Invalid::new("key_format", message).with_hint("keep one of them"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::KafkaDispatcher;

    fn built(mut options: serde_json::Value) -> Result<KafkaDispatcher, Invalid> {
        options["bootstrap_brokers"] = json!(["127.0.0.1:9092"]);
        serde_json::from_value::<Config>(options)
            .expect("a configuration")
            .dispatcher()
    }

    fn check(topic: &str) -> Result<(), Invalid> {
        built(json!({"topic": topic})).map(drop)
    }

    #[test]
    fn a_topic_without_pointers_is_a_name_that_kafka_allows() {
        for topic in ["orders", "a.b_c-9", "x %{/table}"] {
            assert_eq!(check(topic), Ok(()), "{topic}");
        }
        for topic in ["two words", "..", "größe", "a/b"] {
            assert_eq!(check(topic).expect_err(topic).key, "topic");
        }
    }

    #[test]
    fn a_login_has_what_its_mechanism_needs() {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let whole = json!({"mechanism": mechanism, "username": "u", "password": "hunter2"});
            let kafka = built(json!({"sasl": whole})).expect(mechanism);
            assert!(!format!("{kafka:?}").contains("hunter2"));
            for (name, value, key, message) in [
                ("username", json!(null), "sasl", "needs `username`"),
                ("password", json!(null), "sasl", "needs `password`"),
                (
                    "password",
                    json!(""),
                    "sasl.password",
                    "`password` is empty",
                ),
                (
                    "username",
                    json!("a\0b"),
                    "sasl.username",
                    "a character NUL",
                ),
            ] {
                let mut sasl = whole.clone();
                sasl[name] = value;
                let invalid = built(json!({"sasl": sasl})).expect_err(message);
                assert_eq!(invalid.key, key);
                assert!(invalid.message.contains(message), "{}", invalid.message);
            }
        }
    }

    #[cfg(feature = "oauth")]
    #[test]
    #[cfg(feature = "oauth")]
    fn a_login_by_token_has_what_it_needs_and_nothing_of_the_others() {
        let whole = json!({
            "mechanism": "OAUTHBEARER",
            "token_endpoint": "https://sso.example/token",
            "client_id": "wlf",
            "client_secret": "hunter2",
        });
        let kafka = built(json!({"sasl": whole})).expect("whole");
        assert!(!format!("{kafka:?}").contains("hunter2"));
        for (name, value, key, message) in [
            (
                "token_endpoint",
                json!(null),
                "sasl",
                "needs `token_endpoint`",
            ),
            ("client_id", json!(null), "sasl", "needs `client_id`"),
            (
                "client_secret",
                json!(null),
                "sasl",
                "needs `client_secret`",
            ),
            (
                "username",
                json!("u"),
                "sasl.username",
                "does not belong to",
            ),
            (
                "password",
                json!("p"),
                "sasl.password",
                "does not belong to",
            ),
            (
                "token_endpoint",
                json!("sso.example"),
                "sasl.token_endpoint",
                "is not the URL",
            ),
            (
                "token_endpoint",
                json!("ftp://sso.example/"),
                "sasl.token_endpoint",
                "is not the URL",
            ),
            (
                "token_endpoint",
                json!("https://a:hunter2@b/"),
                "sasl.token_endpoint",
                "is not the URL",
            ),
            (
                "mechanism",
                json!("PLAIN"),
                "sasl.token_endpoint",
                "does not belong to `PLAIN`",
            ),
        ] {
            let mut sasl = whole.clone();
            sasl[name] = value;
            let invalid = built(json!({"sasl": sasl})).expect_err(message);
            assert_eq!(invalid.key, key, "{message}");
            assert!(invalid.message.contains(message), "{}", invalid.message);
            assert!(!invalid.message.contains("hunter2"));
        }
    }

    #[test]
    fn metadata_may_not_be_asked_for_all_the_time() {
        let invalid = built(json!({"metadata_max_age": "999ms"})).expect_err("too short");
        assert_eq!(invalid.key, "metadata_max_age");
        assert!(built(json!({"metadata_max_age": "1s"})).is_ok());
    }
}
