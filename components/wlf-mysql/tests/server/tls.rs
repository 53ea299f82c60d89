//! TLS with the certificates of `WLF_TEST_CERTS`, in every mode and with every kind of server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use wlf_core::Fault;
use wlf_mysql::connection::{Connection, Endpoint};
use wlf_net::Connector;

use crate::{Server, certificate, endpoint};

pub fn certs() -> PathBuf {
    let given = std::env::var("WLF_TEST_CERTS");
    given
        .expect("WLF_TEST_CERTS must name the directory of the certificates")
        .into()
}

/// The endpoint with a section `tls`, in which `$certs` stands for the directory.
pub fn with_tls(endpoint: &Endpoint, tls: &str) -> Endpoint {
    let tls = tls.replace("$certs", &certs().display().to_string());
    let tls = serde_json::from_str(&tls).expect("a section `tls`");
    Endpoint {
        connector: Arc::new(Connector::new(&tls).expect("a section that goes together")),
        ..endpoint.clone()
    }
}

/// A server whose certificate can be exchanged, from when it is taken on.
pub struct Shown {
    pub name: &'static str,
    pub endpoint: Endpoint,
    pub admin: Connection,
    is_mysql: bool,
    /// The server's files of its certificate, the key and the authority.
    files: [String; 3],
}

impl Shown {
    /// All kinds of servers. Nobody else may use them meanwhile: take [`Server`] first.
    pub async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (name, variable) in [
            ("MySQL 9.7", "WLF_TEST_MYSQL"),
            ("MariaDB 10.11", "WLF_TEST_MARIADB_1011"),
            ("MariaDB 11.8", "WLF_TEST_MARIADB_118"),
        ] {
            let endpoint = endpoint(variable);
            let mut admin = Connection::open(&endpoint).await.expect("a server");
            let sql = "SELECT @@GLOBAL.ssl_cert, @@GLOBAL.ssl_key, @@GLOBAL.ssl_ca";
            let rows = admin.query(sql).await.unwrap();
            let file = |n| rows.rows[0].text(n).unwrap().to_owned();
            let mut shown = Self {
                name,
                endpoint,
                admin,
                is_mysql: variable == "WLF_TEST_MYSQL",
                files: [file(0), file(1), file(2)],
            };
            shown.show("server").await;
            all.push(shown);
        }
        all
    }

    /// Has the server show another certificate.
    pub async fn show(&mut self, name: &str) {
        let from = certificate::put(name, &certs(), &self.files, self.is_mysql);
        self.reload().await;
        let left = from.duration_since(SystemTime::now());
        tokio::time::sleep(left.unwrap_or_default()).await;
    }

    pub async fn reload(&mut self) {
        let reload = match self.is_mysql {
            true => "ALTER INSTANCE RELOAD TLS",
            false => "FLUSH SSL",
        };
        self.run(reload).await;
    }

    pub async fn run(&mut self, sql: &str) {
        if let Err(error) = self.admin.query(sql).await {
            panic!("{}", Fault::from(error));
        }
    }

    /// What comes of a connection: how it is secured, or what is wrong and what to do.
    pub async fn outcome(&self, tls: &str) -> String {
        outcome(&with_tls(&self.endpoint, tls)).await
    }
}

pub async fn outcome(endpoint: &Endpoint) -> String {
    let shown = match Connection::open(endpoint).await {
        Ok(mut connection) => {
            let status = connection.query("SHOW STATUS LIKE 'Ssl_cipher'").await;
            let status = status.unwrap();
            let session = connection.session();
            let servers = status.rows[0].text(1).unwrap().to_owned();
            assert_eq!(servers.is_empty(), session.is_none(), "{servers}");
            session.map_or("none".to_owned(), |session| session.to_string())
        }
        Err(error) => {
            let fault = Fault::from(error);
            let hint = fault.hint.as_deref().unwrap_or_default();
            format!("{:?}: {fault} ({hint})", fault.severity)
        }
    };
    let mut shown = shown.replace(&endpoint.port.to_string(), "PORT");
    if let Some(at) = shown.find("expired on 20") {
        shown.replace_range(at + 11..at + 31, "TIME");
    }
    shown
}

const MODES: [&str; 5] = [
    r#"{"mode": "disabled"}"#,
    r#"{"mode": "preferred"}"#,
    r#"{"mode": "required"}"#,
    r#"{"mode": "verify_ca", "ca": "$certs/ca.pem"}"#,
    r#"{"mode": "verify_identity", "ca": "$certs/ca.pem"}"#,
];

/// A server before the real one, which does not offer TLS.
async fn without_tls(endpoint: &Endpoint) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = (endpoint.host.clone(), endpoint.port);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(behind.clone()).await.unwrap();
            tokio::spawn(async move {
                let mut header = [0; 4];
                server.read_exact(&mut header).await.unwrap();
                let mut handshake = vec![0; usize::from(header[0])];
                server.read_exact(&mut handshake).await.unwrap();
                let version = 1 + handshake[1..].iter().position(|byte| *byte == 0).unwrap();
                // CLIENT_SSL, in the upper byte of the lower half of the capabilities.
                handshake[version + 1 + 4 + 8 + 1 + 1] &= !0x08;
                client.write_all(&header).await.unwrap();
                client.write_all(&handshake).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    Endpoint {
        port,
        ..endpoint.clone()
    }
}

#[tokio::test]
async fn every_mode_has_its_answer_to_every_certificate() {
    let _turn = Server::take().await;
    for mut server in Shown::all().await {
        let mut report = String::new();
        for certificate in ["server", "foreign", "wrong-name", "nameless", "expired"] {
            server.show(certificate).await;
            report += &format!("{certificate}\n");
            for mode in MODES {
                report += &format!("  {mode}\n    {}\n", server.outcome(mode).await);
            }
        }
        server.show("server").await;
        report += "without TLS\n";
        for mode in MODES {
            let endpoint = without_tls(&with_tls(&server.endpoint, mode)).await;
            report += &format!("  {mode}\n    {}\n", outcome(&endpoint).await);
        }
        let name = format!("modes of {}", server.name);
        insta::assert_snapshot!(name, report);
    }
}

/// MySQL makes itself a certificate when it has none, which is for no name.
#[tokio::test]
async fn mysqls_own_certificate_is_for_no_name() {
    let _turn = Server::take().await;
    let mut server = Shown::all().await.remove(0);
    let data = server.admin.query("SELECT @@GLOBAL.datadir").await.unwrap();
    let data = PathBuf::from(data.rows[0].text(0).unwrap());
    let own = |name: &str| data.join(name);
    for (name, file) in ["server-cert.pem", "server-key.pem", "ca.pem"]
        .iter()
        .zip(&server.files)
    {
        std::fs::copy(own(name), file).unwrap();
    }
    server.reload().await;
    let with_own_ca = |mode: &str| {
        let ca = own("ca.pem");
        format!(r#"{{"mode": "{mode}", "ca": "{}"}}"#, ca.display())
    };
    let shown = server.outcome(&with_own_ca("verify_ca")).await;
    assert!(shown.starts_with("TLS 1.3"), "{shown}");
    let shown = server.outcome(&with_own_ca("verify_identity")).await;
    assert!(shown.contains("is for no name at all"), "{shown}");
    assert!(shown.contains("use `mode: verify_ca`"), "{shown}");
    let shown = server.outcome(MODES[3]).await;
    assert!(shown.contains("signed by an unknown authority"), "{shown}");
    server.show("server").await;
}

/// A server that has lost its certificate, and so does not speak TLS any more.
#[tokio::test]
async fn a_server_that_has_no_certificate_is_without_tls() {
    let _turn = Server::take().await;
    let mut server = Shown::all().await.remove(0);
    std::fs::write(&server.files[0], "no certificate").unwrap();
    server
        .run("ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR")
        .await;
    assert_eq!(server.outcome(MODES[1]).await, "none");
    for mode in &MODES[2..] {
        let shown = server.outcome(mode).await;
        assert!(shown.contains("does not offer TLS"), "{shown}");
    }
    server.show("server").await;
    assert!(server.outcome(MODES[4]).await.starts_with("TLS"));
}

#[tokio::test]
async fn servers_that_want_tls_say_so() {
    let _turn = Server::take().await;
    for mut server in Shown::all().await {
        let admin = with_tls(&server.endpoint, MODES[4]);
        server.run("SET GLOBAL require_secure_transport = ON").await;
        let plain = server.outcome(MODES[0]).await;
        let secured = server.outcome(MODES[2]).await;
        server.admin = Connection::open(&admin).await.unwrap();
        server
            .run("SET GLOBAL require_secure_transport = OFF")
            .await;
        assert!(plain.starts_with("Stop(Login)"), "{}: {plain}", server.name);
        // MariaDB says no more than that access is denied.
        assert!(plain.contains("require_secure_transport"), "{plain}");
        assert!(plain.contains("`tls: {mode: required}`"), "{plain}");
        assert!(secured.starts_with("TLS"), "{}: {secured}", server.name);
    }
}

#[tokio::test]
async fn accounts_that_want_tls_or_a_certificate_say_so() {
    let _turn = Server::take().await;
    for mut server in Shown::all().await {
        for (account, sections) in [
            ("SSL", [false, true, true]),
            ("X509", [false, false, true]),
            ("SUBJECT '/CN=wlf'", [false, false, true]),
        ] {
            server.run("DROP USER IF EXISTS wlf_tls").await;
            server
                .run(&format!(
                    "CREATE USER wlf_tls IDENTIFIED BY 'secret' REQUIRE {account}"
                ))
                .await;
            let user = Endpoint {
                user: "wlf_tls".to_owned(),
                password: wlf_core::config::Secret::new("secret"),
                ..server.endpoint.clone()
            };
            let certificate = r#"{"mode": "verify_identity", "ca": "$certs/ca.pem",
                "cert": "$certs/client.pem", "key": "$certs/client.key"}"#;
            for (section, is_let_in) in [MODES[0], MODES[4], certificate].iter().zip(sections) {
                let shown = outcome(&with_tls(&user, section)).await;
                let said = format!("{} {account} {section}: {shown}", server.name);
                if is_let_in {
                    assert!(shown.starts_with("TLS"), "{said}");
                } else {
                    assert!(shown.starts_with("Stop(Login)"), "{said}");
                    assert!(shown.contains("`tls.cert` and `tls.key`"), "{said}");
                    assert!(!shown.contains("secret"), "{said}");
                }
            }
            // One that another authority has signed is refused before the account is looked at.
            let foreign = certificate.replace("client.", "foreign-client.");
            let shown = outcome(&with_tls(&user, &foreign)).await;
            assert!(
                shown.contains("refuses our certificate"),
                "{}: {shown}",
                server.name
            );
        }
        server.run("DROP USER wlf_tls").await;
    }
}

/// Old servers, and those that were set so: the ciphers that we would rather have are not there.
#[tokio::test]
async fn servers_without_chacha20_are_asked_for_others() {
    let _turn = Server::take().await;
    let mut server = Shown::all().await.remove(0);
    server
        .run("SET GLOBAL tls_version = 'TLSv1.2', ssl_cipher = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'")
        .await;
    server.reload().await;
    let shown = server.outcome(MODES[4]).await;
    server
        .run("SET GLOBAL tls_version = DEFAULT, ssl_cipher = DEFAULT")
        .await;
    server.reload().await;
    assert_eq!(shown, "TLS 1.2, AES-128-GCM");
}
