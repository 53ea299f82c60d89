//! The methods of login over TLS and without.

use wlf_core::{Exit, Fault};
use wlf_mysql::connection::{Connection, Endpoint};

use wlf_mysql::protocol::login::Ssl;

use crate::Server;
use crate::login::{more_data_of_a_login, recreate};
use crate::tls::{Shown, outcome, with_tls};

const TLS: &str = r#"{"mode": "verify_identity", "ca": "$certs/ca.pem"}"#;

fn user(endpoint: &Endpoint, name: &str, password: &str) -> Endpoint {
    Endpoint {
        user: name.to_owned(),
        password: wlf_core::config::Secret::new(password),
        ..endpoint.clone()
    }
}

#[tokio::test]
async fn mariadbs_own_methods_log_in() {
    let _turn = Server::take().await;
    let mut methods = 0;
    for server in &mut Shown::all().await[1..] {
        for (plugin, library) in [("ed25519", "auth_ed25519"), ("parsec", "auth_parsec")] {
            if plugin == "parsec" && server.name == "MariaDB 10.11" {
                continue;
            }
            let _ = server
                .admin
                .query(&format!("INSTALL SONAME '{library}'"))
                .await;
            for password in [
                "secret",
                "a pässword that is longer than thirty-two bytes are",
                "x",
            ] {
                server.run("DROP USER IF EXISTS wlf_own").await;
                server
                    .run(&format!(
                        "CREATE USER wlf_own IDENTIFIED VIA {plugin} USING PASSWORD('{password}')"
                    ))
                    .await;
                let plain = user(&server.endpoint, "wlf_own", password);
                // Once for each way that a random number may end.
                for endpoint in [plain.clone(), with_tls(&plain, TLS)] {
                    for _ in 0..20 {
                        let shown = outcome(&endpoint).await;
                        assert!(
                            shown == "none" || shown.starts_with("TLS"),
                            "{plugin}: {shown}"
                        );
                    }
                }
                let wrong = user(&server.endpoint, "wlf_own", "wrong");
                let fault = Fault::from(Connection::open(&wrong).await.unwrap_err());
                assert_eq!(fault.exit(), Exit::Login, "{fault}");
                methods += 1;
            }
            server.run("DROP USER wlf_own").await;
        }
    }
    assert_eq!(methods, 9);
}

#[tokio::test]
async fn over_tls_the_password_goes_in_the_clear_and_no_key_is_asked_for() {
    let mut server = Server::take().await;
    let password = "a pässword longer than the twenty bytes of the nonce";
    recreate(&mut server, "wlf_sha2", password).await;
    let plain = user(&server.endpoint, "wlf_sha2", password);
    let secured = with_tls(&plain, TLS);
    // 4: full, without a public key; 3: fast.
    assert_eq!(more_data_of_a_login(&secured, Ssl::Required).await, [4]);
    assert_eq!(more_data_of_a_login(&secured, Ssl::Required).await, [3]);
    assert_eq!(more_data_of_a_login(&plain, Ssl::Disabled).await, [3]);
    server.run("FLUSH PRIVILEGES").await;
    assert!(outcome(&secured).await.starts_with("TLS"));

    server
        .run(&format!(
            "ALTER USER wlf_sha2 IDENTIFIED WITH sha256_password BY '{password}'"
        ))
        .await;
    assert_eq!(more_data_of_a_login(&secured, Ssl::Required).await, b"");
    assert_eq!(outcome(&plain).await, "none");
    let wrong = user(&secured, "wlf_sha2", "wrong");
    let fault = Fault::from(Connection::open(&wrong).await.unwrap_err());
    assert_eq!(fault.exit(), Exit::Login);
    assert!(fault.to_string().contains("Access denied"), "{fault}");
    server.run("DROP USER wlf_sha2").await;
}
