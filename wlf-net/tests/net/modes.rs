//! Every mode with every kind of server.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use wlf_data::{Fault, Severity};
use wlf_net::{Authorities, ConnectError, Connector, Mode, Stream, Tls, TlsError, connect};

use crate::authority::{Authority, Signed, write};
use crate::server::{Kind, Server, config};

const LIMIT: Duration = Duration::from_millis(900);

/// Authorities and files that they have signed.
struct Files {
    directory: TempDir,
    ours: Authority,
    ca: PathBuf,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let ours = Authority::new("our authority");
        let ca = write(directory.path(), "ca.pem", &ours.pem());
        Self {
            directory,
            ours,
            ca,
        }
    }

    fn tls(&self, mode: Mode) -> Tls {
        let checks = matches!(mode, Mode::VerifyCa | Mode::VerifyIdentity);
        Tls {
            mode: Some(mode),
            ca: checks.then(|| Authorities::File(self.ca.clone())),
            ..Tls::default()
        }
    }

    fn with_own(&self, tls: Tls, name: &str, signed: &Signed) -> Tls {
        let path = |ending| format!("{name}.{ending}");
        Tls {
            cert: Some(write(self.directory.path(), &path("crt"), &signed.cert)),
            key: Some(write(self.directory.path(), &path("key"), &signed.key)),
            ..tls
        }
    }
}

fn connector(tls: &Tls) -> Connector {
    Connector::new(tls).expect("options that go together")
}

/// Connects, says something and hears it again.
async fn talk(host: &str, port: u16, connector: &Connector) -> Result<Stream, ConnectError> {
    let mut stream = BufReader::new(connect(host, port, LIMIT, connector).await?);
    let said = async {
        stream.write_all(b"hello\n").await?;
        let mut heard = String::new();
        stream.read_line(&mut heard).await?;
        assert_eq!(heard, "hello\n");
        Ok::<_, std::io::Error>(())
    };
    match said.await {
        Ok(()) => Ok(stream.into_inner()),
        Err(error) => Err(TlsError::of(error).expect("an error of TLS").into()),
    }
}

/// What came of it, as a line, with the exit code if it ends the program.
fn outcome(result: Result<Stream, ConnectError>, port: u16) -> String {
    match result {
        Ok(stream) => match stream.session() {
            Some(session) => session.to_string(),
            None => "plain".to_owned(),
        },
        Err(error) => {
            let fault = Fault::from(error);
            let code = match fault.severity {
                Severity::Stop(exit) => exit.code().to_string(),
                Severity::Retry { .. } => "again".to_owned(),
                Severity::Reject => unreachable!("there is no event"),
            };
            let hint = fault.hint.as_deref().unwrap_or_default();
            let port = format!(":{port}");
            format!("{code}: {fault}\n{:23}{hint}", "").replace(&port, ":PORT")
        }
    }
}

#[tokio::test]
async fn every_mode_has_its_answer_to_every_server() {
    let files = Files::new();
    let (ours, foreign) = (&files.ours, Authority::new("somebody else"));
    let names = ["localhost", "127.0.0.1"];
    let servers = [
        ("good", Server::tls(&ours.sign(&names)).await),
        (
            "foreign authority",
            Server::tls(&foreign.sign(&names)).await,
        ),
        (
            "wrong name",
            Server::tls(&ours.sign(&["db.example", "*.db.example", "10.0.0.1"])).await,
        ),
        ("no name", Server::tls(&ours.sign(&[])).await),
        ("expired", Server::tls(&ours.sign_expired()).await),
        ("not yet valid", Server::tls(&ours.sign_for_later()).await),
        ("answers without TLS", Server::start(Kind::Plain).await),
        ("closes", Server::start(Kind::Closing).await),
        ("is silent", Server::start(Kind::Silent).await),
    ];
    let modes = [
        Mode::Disabled,
        Mode::Preferred,
        Mode::Required,
        Mode::VerifyCa,
        Mode::VerifyIdentity,
    ];
    let mut table = String::new();
    for (name, server) in &servers {
        writeln!(table, "{name}").expect("text");
        for mode in modes {
            // Only those who speak can answer.
            if mode == Mode::Disabled && !matches!(*name, "answers without TLS" | "closes") {
                continue;
            }
            if mode == Mode::Preferred && *name == "is silent" {
                continue;
            }
            let result = talk("127.0.0.1", server.port, &connector(&files.tls(mode))).await;
            let outcome = outcome(result, server.port);
            writeln!(table, "  {:<20} {outcome}", mode.to_string()).expect("text");
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn a_certificate_of_ours_is_shown_and_what_the_server_says_of_it_is_told() {
    let files = Files::new();
    let signed = files.ours.sign(&["localhost"]);
    let foreign = Authority::new("somebody else").sign(&["client"]);
    let mine = files.ours.sign(&["client"]);
    let mut table = String::new();
    for (version, versions) in [
        ("TLS 1.3", &[&rustls::version::TLS13]),
        ("TLS 1.2", &[&rustls::version::TLS12]),
    ] {
        let provider = ring::default_provider();
        let config = config(&signed, provider, versions, Some(&files.ours));
        let server = Server::start(Kind::Tls(config)).await;
        let base = files.tls(Mode::VerifyIdentity);
        for (name, tls) in [
            ("none", base.clone()),
            ("foreign", files.with_own(base.clone(), "foreign", &foreign)),
            (
                "expired",
                files.with_own(base.clone(), "expired", &files.ours.sign_expired()),
            ),
            ("mine", files.with_own(base.clone(), "mine", &mine)),
        ] {
            let result = talk("localhost", server.port, &connector(&tls)).await;
            let outcome = outcome(result, server.port);
            writeln!(table, "{version}, {name:<12} {outcome}").expect("text");
        }
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn all_ciphers_are_offered_where_chacha20_is_refused_and_that_is_remembered() {
    let files = Files::new();
    let signed = files.ours.sign(&["localhost"]);
    for (versions, expected) in [
        (&[&rustls::version::TLS13], "TLS 1.3, AES-256-GCM"),
        (&[&rustls::version::TLS12], "TLS 1.2, AES-256-GCM"),
    ] {
        let mut provider = ring::default_provider();
        (provider.cipher_suites).retain(|suite| format!("{suite:?}").contains("AES_256"));
        let server = Server::start(Kind::Tls(config(&signed, provider, versions, None))).await;
        let connector = connector(&files.tls(Mode::VerifyIdentity));
        for connections in [2, 3, 4] {
            let stream = talk("localhost", server.port, &connector)
                .await
                .expect("TLS");
            assert_eq!(stream.session().expect("TLS").to_string(), expected);
            assert_eq!(server.connections(), connections);
        }
    }
}

#[tokio::test]
async fn who_turns_to_tls_in_the_middle_dials_again_itself() {
    let files = Files::new();
    let mut provider = ring::default_provider();
    (provider.cipher_suites).retain(|suite| format!("{suite:?}").contains("AES_256"));
    let config = config(
        &files.ours.sign(&["localhost"]),
        provider,
        rustls::ALL_VERSIONS,
        None,
    );
    let server = Server::start(Kind::Tls(config)).await;
    let connector = connector(&files.tls(Mode::VerifyIdentity));
    let secure = async || {
        let tcp = wlf_net::dial("localhost", server.port, LIMIT)
            .await
            .expect("dial");
        connector.secure(tcp, "localhost", server.port, LIMIT).await
    };
    let error = secure().await.expect_err("AES alone");
    assert!(error.is_worth_dialling_again(), "{error}");
    assert_eq!(error.severity(), Severity::Retry { after: None });
    secure().await.expect("AES");
}

#[tokio::test]
async fn preferred_remembers_who_speaks_no_tls() {
    for kind in [Kind::Plain, Kind::Closing] {
        let server = Server::start(kind).await;
        let tls = Tls {
            mode: Some(Mode::Preferred),
            ..Tls::default()
        };
        let connector = connector(&tls);
        for connections in [2, 3] {
            let stream = talk("localhost", server.port, &connector)
                .await
                .expect("plain");
            assert_eq!(stream.session(), None);
            assert_eq!(server.connections(), connections);
        }
    }
}

/// A server that is slow to speak TLS is not taken for one that speaks none the next time.
#[tokio::test(start_paused = true)]
async fn silence_is_no_proof() {
    let server = Server::start(Kind::Silent).await;
    let tls = Tls {
        mode: Some(Mode::Preferred),
        ..Tls::default()
    };
    let connector = connector(&tls);
    for connections in [2, 4] {
        let limit = Duration::from_secs(10);
        let stream = connect("localhost", server.port, limit, &connector).await;
        assert_eq!(stream.expect("a connection").session(), None);
        // The clock runs ahead of what the listener sees.
        while server.connections() < connections {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn an_old_server_has_nothing_in_common_with_us() {
    let files = Files::new();
    // The ServerHello of TLS 1.0 with a cipher of that time.
    let mut hello = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.write_all(&hello).await;
            let _ = tokio::time::timeout(LIMIT, tcp.readable()).await;
        }
    });
    let result = talk("localhost", port, &connector(&files.tls(Mode::Required))).await;
    insta::assert_snapshot!(outcome(result, port), @r"
    69: secure the connection: localhost:PORT and we have no version or cipher of TLS in common
                           the server has to offer TLS 1.2 or 1.3, with ECDHE and AES-GCM or ChaCha20-Poly1305
    ");
}

/// Whoever connects again and again does not begin anew each time: the session goes on, with what it had agreed on.
#[tokio::test]
async fn a_session_is_taken_up_again() {
    let files = Files::new();
    let signed = files.ours.sign(&["localhost"]);
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let config = config(&signed, ring::default_provider(), versions, None);
        let server = Server::start(Kind::Tls(config)).await;
        let connector = connector(&files.tls(Mode::VerifyIdentity));
        let mut resumed = Vec::new();
        for _ in 0..3 {
            let stream = talk("localhost", server.port, &connector)
                .await
                .expect("TLS");
            resumed.push(stream.session().expect("TLS").is_resumed);
        }
        assert_eq!(resumed, [false, true, true]);
    }
}

#[tokio::test]
async fn the_name_can_be_another_than_the_hosts() {
    let files = Files::new();
    let server = Server::tls(&files.ours.sign(&["db.example"])).await;
    let mut tls = files.tls(Mode::VerifyIdentity);
    talk("localhost", server.port, &connector(&tls))
        .await
        .expect_err("another name");
    tls.server_name = Some("db.example".to_owned());
    talk("localhost", server.port, &connector(&tls))
        .await
        .expect("TLS");
    // Without a mode it is the strictest one.
    tls.mode = None;
    talk("127.0.0.1", server.port, &connector(&tls))
        .await
        .expect("TLS");
}

#[tokio::test]
async fn one_connector_serves_many_at_once() {
    let files = Files::new();
    let server = Server::tls(&files.ours.sign(&["localhost"])).await;
    let connector = Arc::new(connector(&files.tls(Mode::VerifyIdentity)));
    let talks = (0..20).map(|_| talk("localhost", server.port, &connector));
    for stream in futures_util::future::join_all(talks).await {
        let session = stream.expect("TLS").session().expect("TLS");
        assert_eq!(session.to_string(), "TLS 1.3, ChaCha20-Poly1305");
    }
}
