//! Logins by tokens, which an endpoint of our own grants and the real broker takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wlf_core::{Dispatcher, Exit, Severity};
use wlf_kafka::{Config, KafkaDispatcher};

use super::broker::Broker;
use super::sasl::variable;
use super::{connect, ids, inserts, table};

const CLIENT: &str = "wlf";
const SECRET: &str = "of the/client";

/// Grants tokens to the client, as an authorization server does.
struct Endpoint {
    url: String,
    granted: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// One whose tokens last so many seconds.
    async fn granting(lasting: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!(
            "http://{}/token",
            listener.local_addr().expect("an address")
        );
        let granted = Arc::new(AtomicUsize::new(0));
        let counted = granted.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, lasting, &counted).await;
            }
        });
        Self {
            url,
            granted,
            serving,
        }
    }

    fn granted(&self) -> usize {
        self.granted.load(Relaxed)
    }

    fn sasl(&self) -> Value {
        json!({
            "mechanism": "OAUTHBEARER",
            "token_endpoint": self.url,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": "kafka",
        })
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Answers one request; RFC 6749, 4.4.
async fn answer(stream: TcpStream, lasting: u64, granted: &AtomicUsize) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a line");
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let mut lines = head.iter().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    let form = String::from_utf8(body).expect("a form");
    let login = format!("Basic {}", BASE64_STANDARD.encode("wlf:of+the%2Fclient"));
    let (status, said) = if header("authorization") != Some(login) {
        let said = json!({"error": "invalid_client", "error_description": "no such secret"});
        ("401 Unauthorized", said)
    } else if head[0] != "POST /token HTTP/1.1"
        || form != "grant_type=client_credentials&scope=kafka"
        || header("content-type").as_deref() != Some("application/x-www-form-urlencoded")
    {
        ("400 Bad Request", json!({"error": "invalid_request"}))
    } else {
        granted.fetch_add(1, Relaxed);
        let token = token(lasting);
        let said = json!({"access_token": token, "token_type": "Bearer", "expires_in": lasting});
        ("200 OK", said)
    };
    let said = said.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    );
    stream.write_all(answer.as_bytes()).await.expect("write");
    stream.shutdown().await.expect("close");
}

/// A token that nobody signed, which the broker takes; RFC 7519, 6.
fn token(lasting: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    // Whole seconds, and no less than is promised.
    let end = if lasting == 0 { now } else { now + lasting + 1 };
    let claims = json!({"sub": CLIENT, "scope": "kafka", "iat": now, "exp": end});
    let part = |part: Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.", part(json!({"alg": "none"})), part(claims))
}

fn dispatcher(listener: &str, sasl: Value) -> KafkaDispatcher {
    let mut config = json!({"bootstrap_brokers": [variable(listener)], "sasl": sasl});
    if listener.ends_with("_TLS") {
        config["tls"] = json!({"ca": format!("{}/ca.pem", variable("WLF_TEST_CERTS"))});
    }
    let config: Config = serde_json::from_value(config).expect("a configuration");
    config.dispatcher().expect("a dispatcher")
}

#[tokio::test]
async fn rows_arrive_after_a_login_by_token_which_is_fetched_once() {
    let broker = Broker::connect().await;
    for listener in ["WLF_TEST_KAFKA_SASL", "WLF_TEST_KAFKA_SASL_TLS"] {
        let endpoint = Endpoint::granting(600).await;
        let table = table(&broker.database("oauth"), "t");
        let mut kafka = dispatcher(listener, endpoint.sasl());
        connect(&mut kafka).await;
        let events = [inserts(&table, 0..1000)];
        kafka.write(&events).await.expect("write");
        let topic = format!("logFlex.{}.t", table.database);
        let expected: Vec<_> = (0..1000).collect();
        assert_eq!(ids(&broker.read(&topic).await[0]), expected, "{listener}");
        // Some connections, one token.
        assert_eq!(endpoint.granted(), 1, "{listener}");
    }
}

/// A broker lets a connection live no longer than its token.
#[tokio::test]
async fn a_token_that_ends_is_followed_by_another() {
    let broker = Broker::connect().await;
    let endpoint = Endpoint::granting(3).await;
    let table = table(&broker.database("oauth"), "t");
    let mut kafka = dispatcher("WLF_TEST_KAFKA_SASL", endpoint.sasl());
    connect(&mut kafka).await;
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < Duration::from_secs(8) {
        let event = inserts(&table, sent..sent + 10);
        kafka.write(&[event]).await.expect("write");
        sent += 10;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let topic = format!("logFlex.{}.t", table.database);
    let expected: Vec<_> = (0..u64::from(sent)).collect();
    assert_eq!(ids(&broker.read(&topic).await[0]), expected);
    assert!(
        (2..=8).contains(&endpoint.granted()),
        "{}",
        endpoint.granted()
    );
}

#[tokio::test]
async fn a_secret_or_a_token_that_is_refused_ends_the_program() {
    let endpoint = Endpoint::granting(600).await;
    let mut sasl = endpoint.sasl();
    sasl["client_secret"] = json!("hunter2");
    let mut kafka = dispatcher("WLF_TEST_KAFKA_SASL", sasl);
    let fault = kafka.connect().await.expect_err("a wrong secret");
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    assert_eq!(
        fault.to_string(),
        format!(
            "write to Kafka: {} grants no token: it says 401 (invalid_client: no such secret)",
            endpoint.url
        )
    );
    assert!(!format!("{kafka:?}").contains("hunter2"));
    let hint = fault.hint.expect("a hint");
    assert!(hint.contains("`sasl.client_secret`"), "{hint}");

    // The broker finds that it has ended already.
    let endpoint = Endpoint::granting(0).await;
    let mut kafka = dispatcher("WLF_TEST_KAFKA_SASL", endpoint.sasl());
    let fault = kafka.connect().await.expect_err("an old token");
    assert_eq!(fault.severity, Severity::Stop(Exit::Login), "{fault}");
    let said = fault.to_string();
    let expected = format!(
        "write to Kafka: {} refuses the login of `wlf` by OAUTHBEARER: it says SaslAuthenticationFailed",
        variable("WLF_TEST_KAFKA_SASL")
    );
    assert!(said.starts_with(&expected), "{said}");
    let hint = fault.hint.expect("a hint");
    assert!(hint.contains("`sasl.scope`"), "{hint}");
}
