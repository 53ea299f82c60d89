//! TLS at the real broker: what is looked at, what is refused, and ports that do not expect it.

use serde_json::{Value, json};
use wlf_core::{Dispatcher, Exit, Fault, Severity};
use wlf_kafka::{Config, KafkaDispatcher};

use super::broker::Broker;
use super::sasl::{account, variable};
use super::{connect, ids, inserts, table};

fn file(name: &str) -> String {
    format!("{}/{name}", variable("WLF_TEST_CERTS"))
}

fn dispatcher(listener: &str, options: Value) -> KafkaDispatcher {
    let mut config = options;
    config["bootstrap_brokers"] = json!([variable(listener)]);
    let config: Config = serde_json::from_value(config).expect("a configuration");
    config.dispatcher().expect("a dispatcher")
}

/// Writes rows and reads them back, over a connection without TLS.
async fn rows_arrive(listener: &str, options: Value) {
    let broker = Broker::connect().await;
    let table = table(&broker.database("tls"), "t");
    let mut kafka = dispatcher(listener, options.clone());
    connect(&mut kafka).await;
    let is_plain = ["WLF_TEST_KAFKA", "WLF_TEST_KAFKA_SASL"].contains(&listener);
    let session = (!is_plain).then_some("TLS 1.3, ChaCha20-Poly1305");
    assert_eq!(kafka.session().as_deref(), session, "{options}");
    // More than a megabyte, so some requests, in several writes.
    for ids in [0..6000, 6000..6001, 6001..12_000] {
        let event = inserts(&table, ids);
        kafka.write(&[event]).await.unwrap_or_else(|error| {
            panic!("{options}: {error:?}");
        });
    }
    let topic = format!("logFlex.{}.t", table.database);
    let expected: Vec<_> = (0..12_000).collect();
    assert_eq!(ids(&broker.read(&topic).await[0]), expected, "{options}");
}

/// What comes of connecting, and of writing if connecting says nothing: with TLS 1.3 a client hears late of what is
/// thought of its certificate.
async fn refused(listener: &str, options: Value) -> Fault {
    let mut kafka = dispatcher(listener, options.clone());
    kafka
        .connect()
        .await
        .expect_err(&format!("{listener}: {options}"))
}

#[track_caller]
fn says(fault: &Fault, severity: Severity, message: &str, hint: &str) {
    let whole = fault.to_string();
    let expected = format!("write to Kafka: {message}");
    assert!(whole.starts_with(&expected), "{whole}");
    assert_eq!(fault.severity, severity, "{fault}");
    let said = fault.hint.as_deref().unwrap_or_default();
    assert!(said.contains(hint), "{fault}: {said}");
}

const OUTAGE: Severity = Severity::Retry { after: None };

#[tokio::test]
async fn rows_arrive_in_every_mode_and_compressed() {
    let ca = file("ca.pem");
    for tls in [
        json!({"mode": "verify_identity", "ca": ca}),
        json!({"mode": "verify_ca", "ca": ca, "server_name": "elsewhere.example"}),
        json!({"mode": "required"}),
        json!({"mode": "preferred"}),
        json!({"ca": ca}),
    ] {
        rows_arrive("WLF_TEST_KAFKA_TLS", json!({"tls": tls})).await;
    }
    let options = json!({"tls": {"ca": ca}, "compression": "snappy"});
    rows_arrive("WLF_TEST_KAFKA_TLS", options).await;
}

#[tokio::test]
async fn rows_arrive_after_a_login_by_each_mechanism_over_tls() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let options = json!({"tls": {"ca": file("ca.pem")}, "sasl": account(mechanism)});
        rows_arrive("WLF_TEST_KAFKA_SASL_TLS", options).await;
    }
    let mut sasl = account("SCRAM-SHA-512");
    sasl["password"] = json!("hunter2");
    let options = json!({"tls": {"ca": file("ca.pem")}, "sasl": sasl});
    let fault = refused("WLF_TEST_KAFKA_SASL_TLS", options).await;
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
}

#[tokio::test]
async fn tls_that_is_preferred_does_without_where_there_is_none() {
    let preferred = json!({"tls": {"mode": "preferred"}});
    rows_arrive("WLF_TEST_KAFKA", preferred.clone()).await;
    let mut options = preferred;
    options["sasl"] = account("SCRAM-SHA-256");
    rows_arrive("WLF_TEST_KAFKA_SASL", options).await;
}

#[tokio::test]
async fn a_client_shows_the_certificate_that_it_is_asked_for() {
    let ca = file("ca.pem");
    let shows = |name: &str| {
        let (cert, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        json!({"tls": {"ca": ca, "cert": cert, "key": key}})
    };
    rows_arrive("WLF_TEST_KAFKA_MUTUAL", shows("client")).await;
    let address = variable("WLF_TEST_KAFKA_MUTUAL");
    let login = Severity::Stop(Exit::Login);
    let fault = refused("WLF_TEST_KAFKA_MUTUAL", json!({"tls": {"ca": ca}})).await;
    assert_eq!(fault.severity, login, "{fault}");
    let said = fault.to_string();
    let wanted = format!("{address} wants a certificate of ours");
    assert!(said.ends_with(&wanted), "{said}");
    let fault = refused("WLF_TEST_KAFKA_MUTUAL", shows("foreign-client")).await;
    assert_eq!(fault.severity, login, "{fault}");
    let said = fault.to_string();
    let refuses = format!("{address} refuses our certificate");
    assert!(said.contains(&refuses), "{said}");
}

#[tokio::test]
async fn certificates_that_are_not_the_brokers_are_refused_with_what_to_do() {
    let address = variable("WLF_TEST_KAFKA_TLS");
    let fault = refused(
        "WLF_TEST_KAFKA_TLS",
        json!({"tls": {"ca": file("foreign-ca.pem")}}),
    )
    .await;
    says(
        &fault,
        Severity::Stop(Exit::Config),
        &format!("the certificate of {address} is signed by an unknown authority"),
        "`tls.ca`",
    );
    let tls = json!({"ca": file("ca.pem"), "server_name": "db.example"});
    let fault = refused("WLF_TEST_KAFKA_TLS", json!({"tls": tls})).await;
    says(
        &fault,
        Severity::Stop(Exit::Config),
        &format!(
            "the certificate of {address} is not for `db.example` but for `localhost`, `127.0.0.1`, "
        ),
        "`tls.server_name`",
    );
    let address = variable("WLF_TEST_KAFKA_EXPIRED");
    let tls = json!({"ca": file("ca.pem")});
    let fault = refused("WLF_TEST_KAFKA_EXPIRED", json!({"tls": tls})).await;
    says(
        &fault,
        Severity::Stop(Exit::Unavailable),
        &format!("the certificate of {address} has expired on 2021-01-01T00:00:00Z"),
        "new certificate",
    );
}

#[tokio::test]
async fn a_port_with_tls_and_one_without_are_told_apart() {
    let plain = variable("WLF_TEST_KAFKA");
    let required = json!({"tls": {"mode": "required"}});
    let fault = refused("WLF_TEST_KAFKA", required).await;
    says(
        &fault,
        OUTAGE,
        &format!("{plain} closed the connection when TLS was to begin"),
        "`tls: {mode: disabled}`",
    );
    let tls = variable("WLF_TEST_KAFKA_TLS");
    let fault = refused("WLF_TEST_KAFKA_TLS", json!({})).await;
    says(
        &fault,
        OUTAGE,
        &format!("{tls} ended the connection at once"),
        "`tls: {mode: verify_identity}`",
    );
    let tls = variable("WLF_TEST_KAFKA_SASL_TLS");
    let fault = refused("WLF_TEST_KAFKA_SASL_TLS", json!({"sasl": account("PLAIN")})).await;
    says(
        &fault,
        OUTAGE,
        &format!("{tls} ended the connection at once"),
        "`tls: {mode: verify_identity}`",
    );
}
