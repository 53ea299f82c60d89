//! Servers with TLS, with the certificates in `WLF_TEST_CERTS`.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wlf_core::{Dispatcher, Severity};

use crate::client::Client;
use crate::server::{Server, given};
use crate::{dispatcher, ids, inserts, table, unique};

const SESSION: &str = "TLS 1.3, ChaCha20-Poly1305";

fn certs(name: &str) -> String {
    format!("{}/{name}", given("WLF_TEST_CERTS"))
}

/// A server that shows this certificate, with further settings of `tls` and others.
fn server(cert: &str, tls: &str, besides: &str) -> Server {
    let (cert, key) = (certs(&format!("{cert}.pem")), certs(&format!("{cert}.key")));
    Server::start(&format!(
        "tls {{ cert_file: {cert:?}, key_file: {key:?}, ca_file: {:?}, timeout: 5\n{tls} }}\n{besides}",
        certs("ca.pem")
    ))
}

/// The section `tls` with a certificate of ours.
fn own(name: &str) -> Value {
    let (cert, key) = (certs(&format!("{name}.pem")), certs(&format!("{name}.key")));
    json!({"ca": certs("ca.pem"), "cert": cert, "key": key})
}

#[tokio::test]
async fn rows_go_over_tls() {
    let ca = certs("ca.pem");
    // A listener of ours without TLS, beside a dispatcher with it.
    let server = server("server", "", "allow_non_tls: true\n");
    let mut client = Client::connect(&server.address());
    client.subscribe("logFlex.>");
    for (tls, session) in [
        (json!({"ca": ca}), Some(SESSION)),
        (json!({"ca": ca, "mode": "verify_ca"}), Some(SESSION)),
        (json!({"mode": "required"}), Some(SESSION)),
        (json!({"mode": "preferred"}), Some(SESSION)),
        (json!({}), None),
    ] {
        let mut nats = dispatcher(&server.address(), json!({"tls": tls}));
        assert_eq!(nats.session(), None);
        nats.connect().await.expect("connect");
        assert_eq!(nats.session().as_deref(), session, "{tls}");
        // More than a socket holds at once.
        for from in [0, 20_000] {
            let events = [inserts(&table("db", "t"), from..from + 20_000)];
            nats.write(&events).await.expect("write");
        }
        let messages = client.messages(40_000);
        let payloads: Vec<_> = messages.into_iter().map(|heard| heard.payload).collect();
        assert_eq!(ids(&payloads), (0..40_000).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_server_that_knows_us_by_our_certificate_stores_rows() {
    let server = server("server", "verify: true", "");
    let options = json!({"tls": own("client"), "jetstream": true});
    let mut nats = dispatcher(&server.address(), options);
    nats.connect().await.expect("connect");
    assert_eq!(nats.session().as_deref(), Some(SESSION));
    let events = [inserts(&table("db", "t"), 0..1)];
    let error = nats.write(&events).await.expect_err("no stream");
    let fault = error.fault.expect("a fault").to_string();
    assert!(fault.contains("no stream of JetStream"), "{fault}");
}

#[tokio::test]
async fn the_next_server_of_the_list_is_reached_as_the_first_is() {
    let (one, two) = (server("server", "", ""), server("server", "", ""));
    let servers = json!([one.address(), two.address()]);
    let entry = json!({"servers": servers, "tls": {"ca": certs("ca.pem")}});
    let config: wlf_nats::Config = serde_json::from_value(entry).expect("a configuration");
    let mut nats = config.dispatcher("wlf-test").expect("a dispatcher");
    nats.connect().await.expect("connect");
    one.lame_duck();
    assert!(nats.idle().await.to_string().ends_with("is about to stop"));
    nats.connect().await.expect("connect");
    assert_eq!(nats.session().as_deref(), Some(SESSION));
}

/// A port in front of the server at `WLF_TEST_NATS` on which TLS comes first, as with `handshake_first` of NATS 2.10.4.
async fn tls_first() -> String {
    let cert = CertificateDer::from_pem_file(certs("server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certs("server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut tls) = acceptor.accept(tcp).await {
                    let server = TcpStream::connect(given("WLF_TEST_NATS")).await;
                    let mut server = server.expect("a server");
                    let _ = tokio::io::copy_bidirectional(&mut tls, &mut server).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn tls_may_come_first() {
    let (database, address) = (unique("first"), tls_first().await);
    let mut client = Client::connect(&given("WLF_TEST_NATS"));
    client.subscribe(&format!("logFlex.{database}.t"));
    let options = json!({"tls_first": true, "tls": {"ca": certs("ca.pem")}});
    let mut nats = dispatcher(&address, options);
    nats.connect().await.expect("connect");
    assert_eq!(nats.session().as_deref(), Some(SESSION));
    let events = [inserts(&table(&database, "t"), 0..3)];
    nats.write(&events).await.expect("write");
    assert_eq!(client.messages(3).len(), 3);
}

/// What a connection says to a person, without ports and directories.
async fn said(address: &str, options: Value) -> String {
    let mut nats = dispatcher(address, options);
    let fault = match nats.connect().await {
        Ok(()) => return format!("connected: {}", nats.session().unwrap_or_default()),
        Err(fault) => fault,
    };
    let code = match fault.severity {
        Severity::Stop(exit) => exit.code().to_string(),
        _ => "again".to_owned(),
    };
    let hint = fault.hint.as_deref().unwrap_or("-");
    format!("{code}: {fault}\n    {hint}")
        .replace(&given("WLF_TEST_CERTS"), "/certs")
        .replace(address, "HOST:PORT")
}

#[tokio::test]
async fn each_failure_has_its_message() {
    let ca = json!({"ca": certs("ca.pem")});
    let mut all = String::new();
    for (case, cert, verify, tls) in [
        (
            "the system's authorities",
            "server",
            "",
            json!({"mode": "verify_identity"}),
        ),
        ("unknown authority", "foreign", "", ca.clone()),
        ("wrong name", "wrong-name", "", ca.clone()),
        ("no name", "nameless", "", ca.clone()),
        ("expired", "expired", "", ca.clone()),
        ("TLS is demanded and disabled", "server", "", json!({})),
        (
            "no certificate of ours",
            "server",
            "verify: true",
            ca.clone(),
        ),
        (
            "a foreign certificate of ours",
            "server",
            "verify: true",
            own("foreign-client"),
        ),
        ("our certificate", "server", "verify: true", own("client")),
        ("a missing file", "server", "", own("missing")),
    ] {
        let server = server(cert, verify, "");
        let said = said(&server.address(), json!({"tls": tls})).await;
        writeln!(all, "{case}\n  {said}").expect("text");
    }
    let plain = Server::start("");
    for (case, options) in [
        ("a server without TLS", json!({"tls": ca})),
        (
            "a server without TLS, and it comes first",
            json!({"tls": ca, "tls_first": true}),
        ),
        (
            "a server without TLS, and it is preferred",
            json!({"tls": {"mode": "preferred"}}),
        ),
    ] {
        let said = said(&plain.address(), options).await;
        writeln!(all, "{case}\n  {said}").expect("text");
    }
    insta::assert_snapshot!(all);
}
