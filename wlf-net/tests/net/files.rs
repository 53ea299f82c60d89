//! Files that are missing or are not what they should be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wlf_data::Fault;
use wlf_net::{Authorities, Connector, Mode, Tls, TlsError, connect};

use crate::authority::{Authority, write};
use crate::server::Server;

/// What a connection says to the files.
async fn fault(directory: &Path, port: u16, tls: &Tls) -> String {
    let connector = Connector::new(tls).expect("options that go together");
    let error = connect("localhost", port, Duration::from_secs(5), &connector).await;
    let fault = Fault::from(error.expect_err("files of no use"));
    let hint = fault.hint.as_deref().unwrap_or("-");
    let text = format!("{}: {fault}\n    {hint}\n", fault.exit().code());
    assert!(!text.contains("MIG"), "a key's base64: {text}");
    text.replace(&directory.display().to_string(), "")
}

#[tokio::test]
async fn each_has_its_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let authority = Authority::new("our authority");
    let (mine, other) = (authority.sign(&["client"]), authority.sign(&["client"]));
    let server = Server::tls(&authority.sign(&["localhost"])).await;
    let ca = write(directory, "ca.pem", &authority.pem());
    let cert = write(directory, "mine.crt", &mine.cert);
    let key = write(directory, "mine.key", &mine.key);
    let other = write(directory, "other.key", &other.key);
    let text = write(directory, "notes.txt", "not PEM at all");
    let torn = write(directory, "torn.pem", &authority.pem()[..200]);
    let rubbish = write(
        directory,
        "rubbish.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    let locked = write(
        directory,
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGVsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let missing = directory.join("missing.pem");
    let checked = |ca: &PathBuf| Tls {
        ca: Some(Authorities::File(ca.clone())),
        ..Tls::default()
    };
    let own = |cert: &PathBuf, key: &PathBuf| Tls {
        cert: Some(cert.clone()),
        key: Some(key.clone()),
        ..checked(&ca)
    };
    let mut said = String::new();
    for tls in [
        checked(&missing),
        checked(&directory.to_owned()),
        checked(&text),
        checked(&torn),
        checked(&rubbish),
        checked(&key),
        own(&missing, &key),
        own(&cert, &missing),
        own(&key, &cert),
        own(&cert, &locked),
        own(&cert, &other),
    ] {
        said += &fault(directory, server.port, &tls).await;
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn new_certificates_are_taken_up_within_a_minute() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("our authority");
    let server = Server::tls(&authority.sign(&["localhost"])).await;
    let other = Authority::new("somebody else");
    let ca = write(directory.path(), "ca.pem", &other.pem());
    let tls = Tls {
        ca: Some(Authorities::File(ca)),
        ..Tls::default()
    };
    let connector = Connector::new(&tls).expect("options that go together");
    let limit = Duration::from_secs(5);
    let secured = async || {
        let tcp = wlf_net::dial("localhost", server.port, limit)
            .await
            .expect("dial");
        connector.secure(tcp, "localhost", server.port, limit).await
    };
    secured().await.expect_err("another authority");
    write(directory.path(), "ca.pem", &authority.pem());
    let error = secured().await.expect_err("the file was read just now");
    assert!(
        matches!(error, TlsError::UnknownAuthority { .. }),
        "{error}"
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    secured().await.expect("the new authority");
}

/// A renewal replaces the certificate first, and its key a moment later.
#[tokio::test]
async fn while_a_certificate_is_renewed_the_last_one_is_used_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let authority = Authority::new("our authority");
    let first = authority.sign(&["client"]);
    let ca = write(directory, "ca.pem", &authority.pem());
    let cert = write(directory, "mine.crt", &first.cert);
    let key = write(directory, "mine.key", &first.key);
    let tls = Tls {
        ca: Some(Authorities::File(ca)),
        cert: Some(cert.clone()),
        key: Some(key),
        ..Tls::default()
    };
    let connector = Connector::new(&tls).expect("options that go together");
    let server = Server::tls(&authority.sign(&["localhost"])).await;
    let limit = Duration::from_secs(5);
    let secured = async || connect("localhost", server.port, limit, &connector).await;
    let a_minute_later = async || {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
    };
    secured().await.expect("the first certificate");
    let second = authority.sign(&["client"]);
    write(directory, "mine.crt", &second.cert);
    a_minute_later().await;
    for _ in 0..2 {
        secured().await.expect("the first certificate still");
    }
    std::fs::remove_file(&cert).expect("it is there");
    a_minute_later().await;
    secured().await.expect("the first certificate still");
    // Whoever has read nothing yet has nothing to go on with.
    let fault = fault(directory, server.port, &tls).await;
    assert!(fault.starts_with("66: "), "{fault}");
    write(directory, "mine.crt", &second.cert);
    write(directory, "mine.key", &second.key);
    let other = Authority::new("somebody else");
    write(directory, "ca.pem", &other.pem());
    a_minute_later().await;
    let error = secured().await.expect_err("the files are read again");
    assert!(error.to_string().contains("unknown authority"), "{error}");
}

#[tokio::test]
async fn nothing_shows_a_private_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("our authority");
    let mine = authority.sign(&["client"]);
    let server = Server::tls(&authority.sign(&["localhost"])).await;
    let tls = Tls {
        mode: Some(Mode::VerifyIdentity),
        ca: Some(Authorities::File(write(
            directory.path(),
            "ca.pem",
            &authority.pem(),
        ))),
        cert: Some(write(directory.path(), "mine.crt", &mine.cert)),
        key: Some(write(directory.path(), "mine.key", &mine.key)),
        server_name: None,
    };
    let connector = Connector::new(&tls).expect("options that go together");
    let stream = connect("localhost", server.port, Duration::from_secs(5), &connector)
        .await
        .expect("TLS");
    let shown = format!("{tls:?} {connector:?} {stream:?}");
    let private: Vec<&str> = mine
        .key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert!(!private.is_empty());
    for line in private {
        assert!(!shown.contains(line), "{shown}");
    }
    assert!(
        shown.contains("mine.key"),
        "its place is no secret: {shown}"
    );
}
