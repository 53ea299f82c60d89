//! Logins that work, and those that are refused.

use wlf_core::{Exit, Fault, Severity};
use wlf_mysql::connection::{Connection, Endpoint};
use wlf_mysql::protocol::{
    com_query, handshake_v10::HandshakeV10, login::Login, login::Ssl, login::Step, packet::Packets,
};

use crate::Server;

pub async fn recreate(server: &mut Server, user: &str, password: &str) {
    server.run(&format!("DROP USER IF EXISTS {user}")).await;
    server
        .run(&format!(
            "CREATE USER {user} IDENTIFIED WITH caching_sha2_password BY '{password}'"
        ))
        .await;
}

/// Logs in by hand and says which packets of the server were AuthMoreData.
pub async fn more_data_of_a_login(endpoint: &Endpoint, ssl: Ssl) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, port) = (&*endpoint.host, endpoint.port);
    let stream = tokio::net::TcpStream::connect((host, port)).await;
    let mut stream = wlf_net::Stream::Plain(stream.unwrap());
    let mut packets = Packets::new(1 << 20);
    let mut login = Login::new(&endpoint.user, endpoint.password.expose(), ssl);
    let mut seen = Vec::new();
    loop {
        let Some(message) = packets.next_message().unwrap() else {
            assert_ne!(stream.read_buf(packets.room()).await.unwrap(), 0);
            continue;
        };
        if let [1, code, ..] = message[..] {
            seen.push(code);
        }
        let step = match login.receive(&message).unwrap() {
            Step::Secure(request) => {
                stream.write_all(&packets.answer(&request)).await.unwrap();
                let wlf_net::Stream::Plain(tcp) = stream else {
                    panic!("it is secured already");
                };
                let limit = std::time::Duration::from_secs(5);
                let secured = endpoint.connector.secure(tcp, host, port, limit).await;
                stream = secured.unwrap();
                login.secured().unwrap()
            }
            step => step,
        };
        match step {
            Step::Send(answer) => {
                stream.write_all(&packets.answer(&answer)).await.unwrap();
                stream.flush().await.unwrap();
            }
            Step::Receive => {}
            Step::Secure(_) => panic!("it is secured already"),
            Step::Done => return seen,
        }
    }
}

#[tokio::test]
async fn caching_sha2_is_full_over_rsa_first_and_fast_then() {
    let mut server = Server::take().await;
    recreate(
        &mut server,
        "wlf_sha2",
        "a pässword longer than the twenty bytes of the nonce",
    )
    .await;
    let endpoint = server.endpoint_of(
        "wlf_sha2",
        "a pässword longer than the twenty bytes of the nonce",
    );
    // 4: full; b'-': the public key, in PEM.
    assert_eq!(
        more_data_of_a_login(&endpoint, Ssl::Disabled).await,
        [4, b'-']
    );
    // 3: fast.
    assert_eq!(more_data_of_a_login(&endpoint, Ssl::Disabled).await, [3]);
    server.run("FLUSH PRIVILEGES").await;
    assert_eq!(
        more_data_of_a_login(&endpoint, Ssl::Disabled).await,
        [4, b'-']
    );
    let mut connection = Connection::open(&endpoint).await.unwrap();
    let rows = connection.query("SELECT CURRENT_USER()").await.unwrap();
    assert_eq!(rows.rows[0].text(0), Some("wlf_sha2@%"));
    server.run("DROP USER wlf_sha2").await;
}

#[tokio::test]
async fn sha256_password_logs_in() {
    let mut server = Server::take().await;
    server.run("DROP USER IF EXISTS wlf_sha256").await;
    server
        .run("CREATE USER wlf_sha256 IDENTIFIED WITH sha256_password BY 'secret'")
        .await;
    Connection::open(&server.endpoint_of("wlf_sha256", "secret"))
        .await
        .unwrap();
    server.run("DROP USER wlf_sha256").await;
}

#[tokio::test]
async fn a_user_without_password_logs_in() {
    let mut server = Server::take().await;
    recreate(&mut server, "wlf_empty", "").await;
    let endpoint = server.endpoint_of("wlf_empty", "");
    Connection::open(&endpoint).await.unwrap();
    server.run("DROP USER wlf_empty").await;
}

#[tokio::test]
async fn a_wrong_password_ends_with_77() {
    let mut server = Server::take().await;
    recreate(&mut server, "wlf_wrong", "right").await;
    for (user, password) in [
        ("wlf_wrong", "wrong"),
        ("wlf_wrong", ""),
        ("wlf_nobody", "x"),
    ] {
        let endpoint = server.endpoint_of(user, password);
        let fault = Fault::from(Connection::open(&endpoint).await.unwrap_err());
        assert_eq!(fault.severity, Severity::Stop(Exit::Login), "{fault}");
        let shown = fault.to_string();
        assert!(
            shown.contains(&format!("does not let user `{user}` in")),
            "{shown}"
        );
        assert!(shown.contains("Access denied"), "{shown}");
        assert!(fault.hint.unwrap().contains("`password`"));
    }
    server.run("DROP USER wlf_wrong").await;
}

#[tokio::test]
async fn locked_and_expired_accounts_say_what_to_do() {
    let mut server = Server::take().await;
    recreate(&mut server, "wlf_locked", "x").await;
    server.run("ALTER USER wlf_locked ACCOUNT LOCK").await;
    let fault = Fault::from(
        Connection::open(&server.endpoint_of("wlf_locked", "x"))
            .await
            .unwrap_err(),
    );
    assert_eq!(fault.exit(), Exit::Login);
    assert!(fault.hint.unwrap().contains("ACCOUNT UNLOCK"));
    server.run("DROP USER wlf_locked").await;
}

#[tokio::test]
async fn nobody_listening_is_an_outage() {
    let server = Server::take().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        port: closed.local_addr().unwrap().port(),
        host: "127.0.0.1".to_owned(),
        ..server.endpoint.clone()
    };
    drop(closed);
    let fault = Fault::from(Connection::open(&endpoint).await.unwrap_err());
    assert_eq!(fault.severity, Severity::Retry { after: None });
    let shown = fault.to_string();
    assert!(shown.contains(&endpoint.to_string()), "{shown}");
    let endpoint = Endpoint {
        host: "no-such-host.invalid".to_owned(),
        ..endpoint
    };
    let fault = Fault::from(Connection::open(&endpoint).await.unwrap_err());
    assert_eq!(fault.severity, Severity::Retry { after: None });
}

#[tokio::test]
async fn something_that_is_no_mysql_is_said_so() {
    use tokio::io::AsyncWriteExt;
    let server = Server::take().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        port: listener.local_addr().unwrap().port(),
        host: "127.0.0.1".to_owned(),
        ..server.endpoint.clone()
    };
    let other = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"\x09\0\0\0-ERR wrong").await.unwrap();
    };
    let (opened, ()) = tokio::join!(Connection::open(&endpoint), other);
    let fault = Fault::from(opened.unwrap_err());
    assert_eq!(fault.severity, Severity::Stop(Exit::Unavailable), "{fault}");
    assert!(fault.hint.unwrap().contains("`port`"));
}

#[tokio::test]
async fn results_of_every_kind() {
    let mut server = Server::take().await;
    let rows = server
        .run("SELECT 1 AS one, NULL AS none, 'ü€😀' AS text, REPEAT('x', 70000) AS long_text")
        .await;
    assert_eq!(rows.columns, ["one", "none", "text", "long_text"]);
    let row = &rows.rows[0];
    assert_eq!(
        (row.text(0), row.text(1), row.text(2)),
        (Some("1"), None, Some("ü€😀"))
    );
    assert_eq!(row.text(3).map(str::len), Some(70_000));
    assert_eq!(server.run("DO 1").await.rows.len(), 0);
    assert_eq!(
        server
            .run("SELECT 1 FROM DUAL WHERE FALSE")
            .await
            .rows
            .len(),
        0
    );
    let error = server.admin.query("SELEC 1").await.unwrap_err();
    assert_eq!(Fault::from(error).exit(), Exit::Unavailable);
    // The connection lives on after an error.
    assert_eq!(server.run("SELECT 2").await.rows[0].text(0), Some("2"));
}

#[tokio::test]
async fn messages_above_16_mib_go_both_ways() {
    let mut server = Server::take().await;
    // Exactly 0xFFFFFF bytes with the command: an empty packet has to follow.
    for length in [0xFF_FFFF, 0xFF_FFFF + 1, 20 << 20] {
        let filler = length - com_query::encode("SELECT LENGTH('')").len();
        let sql = format!("SELECT LENGTH('{}')", "x".repeat(filler));
        assert_eq!(com_query::encode(&sql).len(), length);
        let rows = server.run(&sql).await;
        assert_eq!(rows.rows[0].text(0), Some(&*filler.to_string()));
    }
    for length in [0xFF_FFFF - 5, 0xFF_FFFF - 4, 0xFF_FFFF - 3, 20 << 20] {
        let rows = server.run(&format!("SELECT REPEAT('y', {length})")).await;
        assert_eq!(rows.rows[0].text(0).map(str::len), Some(length));
    }
}

#[tokio::test]
async fn the_handshake_is_the_servers() {
    let mut server = Server::take().await;
    let version = server.run("SELECT @@version, CONNECTION_ID()").await;
    let handshake: &HandshakeV10 = server.admin.handshake();
    assert_eq!(version.rows[0].text(0), Some(&*handshake.server_version));
    assert_eq!(
        version.rows[0].text(1),
        Some(&*handshake.connection_id.to_string())
    );
}
