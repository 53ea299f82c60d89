//! Logins at the real broker: by each mechanism, refused ones, and sessions that end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wlf_core::{Dispatcher, Exit, Fault, Severity};
use wlf_kafka::{Config, KafkaDispatcher};

use super::broker::Broker;
use super::{connect, ids, inserts, table};

/// What a variable says that `cargo xtask` sets.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by `cargo xtask servers up`"))
}

pub fn account(mechanism: &str) -> Value {
    json!({
        "mechanism": mechanism,
        "username": variable("WLF_TEST_KAFKA_USER"),
        "password": variable("WLF_TEST_KAFKA_PASSWORD"),
    })
}

fn dispatcher(address: &str, sasl: Value) -> KafkaDispatcher {
    let config = json!({"bootstrap_brokers": [address], "sasl": sasl});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    config.dispatcher().expect("a dispatcher")
}

async fn refused(address: &str, sasl: Value) -> Fault {
    dispatcher(address, sasl)
        .connect()
        .await
        .expect_err("refused")
}

#[tokio::test]
async fn rows_arrive_after_a_login_by_each_mechanism() {
    let broker = Broker::connect().await;
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let table = table(&broker.database("sasl"), "t");
        let mut kafka = dispatcher(&variable("WLF_TEST_KAFKA_SASL"), account(mechanism));
        connect(&mut kafka).await;
        kafka
            .write(&[inserts(&table, 0..1000)])
            .await
            .expect(mechanism);
        let topic = format!("logFlex.{}.t", table.database);
        let partitions = broker.read(&topic).await;
        let expected: Vec<_> = (0..1000).collect();
        assert_eq!(ids(&partitions[0]), expected, "{mechanism}");
    }
}

#[tokio::test]
async fn a_wrong_password_ends_the_program_and_is_not_shown() {
    let address = variable("WLF_TEST_KAFKA_SASL");
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        for (key, value) in [("password", "hunter2"), ("username", "nobody")] {
            let mut sasl = account(mechanism);
            sasl[key] = value.into();
            let name = sasl["username"].as_str().expect("a text").to_owned();
            let fault = refused(&address, sasl.clone()).await;
            assert_eq!(fault.severity, Severity::Stop(Exit::Login));
            let expected = format!(
                "write to Kafka: {address} refuses the login of `{name}` by {mechanism}: it says SaslAuthenticationFailed"
            );
            let said = fault.to_string();
            assert!(said.starts_with(&expected), "{said}");
            let said = format!("{said} {:?}", dispatcher(&address, sasl.clone()));
            let password = sasl["password"].as_str().expect("a text");
            assert!(!said.contains(password), "{said}");
            let hint = fault.hint.expect("a hint");
            assert!(hint.contains("`sasl.password`"), "{hint}");
        }
    }
}

#[tokio::test]
async fn a_mechanism_that_the_broker_does_not_offer_ends_the_program_with_those_that_it_does() {
    let address = variable("WLF_TEST_KAFKA_BRIEF");
    let fault = refused(&address, account("SCRAM-SHA-512")).await;
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    let said = fault.to_string();
    let offered = said.strip_prefix(&format!(
        "write to Kafka: {address} does not offer the login SCRAM-SHA-512; it offers "
    ));
    let mut offered: Vec<_> = offered.expect(&said).split(", ").collect();
    offered.sort_unstable();
    assert_eq!(offered, ["OAUTHBEARER", "PLAIN", "SCRAM-SHA-256"]);
}

#[tokio::test]
async fn a_login_where_there_is_none_and_none_where_there_is_one_say_what_to_do() {
    let without = variable("WLF_TEST_KAFKA");
    let fault = refused(&without, account("PLAIN")).await;
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    let expected = format!("write to Kafka: {without} has no login at this port");
    assert_eq!(fault.to_string(), expected);

    let with = variable("WLF_TEST_KAFKA_SASL");
    let config = json!({"bootstrap_brokers": [with]});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut kafka = config.dispatcher().expect("a dispatcher");
    let fault = kafka.connect().await.expect_err("no login");
    // A broker that is going down looks the same.
    assert_eq!(fault.severity, Severity::Retry { after: None });
    let expected = format!("write to Kafka: {with} ended the connection at the first request");
    assert_eq!(fault.to_string(), expected);
    let hint = fault.hint.expect("a hint");
    assert!(hint.contains("`sasl`"), "{hint}");
}

/// The listener ends connections that were not logged in again for two seconds.
#[tokio::test]
async fn a_session_that_ends_is_begun_again_between_requests() {
    let broker = Broker::connect().await;
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let table = table(&broker.database("brief"), "t");
        let mut kafka = dispatcher(&variable("WLF_TEST_KAFKA_BRIEF"), account(mechanism));
        connect(&mut kafka).await;
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < Duration::from_secs(5) {
            let event = inserts(&table, sent..sent + 100);
            kafka.write(&[event]).await.expect(mechanism);
            sent += 100;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Another topic needs the connection that is not for rows, whose session is long over.
        let other = super::table(&table.database, "other");
        kafka
            .write(&[inserts(&other, 0..1)])
            .await
            .expect("another topic");
        let topic = format!("logFlex.{}.t", table.database);
        let expected: Vec<_> = (0..u64::from(sent)).collect();
        assert_eq!(ids(&broker.read(&topic).await[0]), expected, "{mechanism}");
    }
}
