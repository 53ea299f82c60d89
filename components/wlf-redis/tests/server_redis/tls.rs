//! The server's port for TLS at `WLF_TEST_REDIS_TLS`, with the certificates in `WLF_TEST_CERTS`.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::Commands;
use serde_json::{Value, json};
use wlf_core::{Dispatcher, Severity};
use wlf_redis::{Config, RedisDispatcher};

use crate::{client, ids, inserts, list, table, unique, url};

/// Held by whoever changes how the port does TLS, or depends on it.
static PORT: Mutex<()> = Mutex::new(());

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is to be set, as by `cargo xtask servers up`"))
}

fn certs(name: &str) -> String {
    format!("{}/{name}", variable("WLF_TEST_CERTS"))
}

/// How the port does TLS, as it is at first, with other settings for as long as this lives.
struct Port(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Port {
    /// Tests have a thread each, so waiting for another is no harm.
    fn with(cert: &str, clients: &str) -> Self {
        let guard = PORT.lock().unwrap_or_else(PoisonError::into_inner);
        set(cert, clients);
        Self(guard)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        set("server", "optional");
    }
}

fn set(cert: &str, clients: &str) {
    let (pem, key) = (certs(&format!("{cert}.pem")), certs(&format!("{cert}.key")));
    let _: () = redis::cmd("CONFIG")
        .arg(&[
            "SET",
            "tls-cert-file",
            &pem,
            "tls-key-file",
            &key,
            "tls-auth-clients",
            clients,
        ])
        .query(&mut client())
        .expect("settings");
}

fn dispatcher(mut entry: Value) -> RedisDispatcher {
    if entry.get("mode").is_none() {
        entry["mode"] = json!({"RPush": {"key": "%{/database}"}});
    }
    let config: Config = serde_json::from_value(entry).expect("an entry");
    RedisDispatcher::new(config).expect("an entry that goes together")
}

#[tokio::test]
async fn rows_go_over_tls() {
    let _port = Port::with("server", "optional");
    let ca = certs("ca.pem");
    for tls in [
        json!({"ca": ca}),
        json!({"ca": ca, "mode": "verify_ca"}),
        json!({"mode": "required"}),
        json!({"ca": ca, "cert": certs("client.pem"), "key": certs("client.key")}),
    ] {
        let table = table(&unique("tls"), "t");
        let mut redis = dispatcher(json!({"url": variable("WLF_TEST_REDIS_TLS"), "tls": tls}));
        redis.connect().await.expect("connect");
        let session = redis.session().expect("TLS");
        assert_eq!(session, "TLS 1.3, ChaCha20-Poly1305");
        // More than a socket holds at once.
        for from in [0, 40_000] {
            let events = [inserts(&table, from..from + 40_000)];
            redis.write(&events).await.expect("write");
        }
        assert_eq!(ids(&list(&table.database)), (0..80_000).collect::<Vec<_>>());
        let _: () = client().del(&table.database).expect("delete");
    }
}

#[tokio::test]
async fn tls_that_is_preferred_is_used_where_it_is_and_left_where_it_is_not() {
    let _port = Port::with("server", "optional");
    for (url, has_tls) in [(variable("WLF_TEST_REDIS_TLS"), true), (url(), false)] {
        let url = url.replace("rediss:", "redis:");
        let mut redis = dispatcher(json!({"url": url, "tls": {"mode": "preferred"}}));
        for _ in 0..2 {
            redis.connect().await.expect("connect");
            assert_eq!(redis.session().is_some(), has_tls);
        }
    }
}

#[tokio::test]
async fn a_user_of_the_acl_logs_in_with_a_password_of_any_letters() {
    let _port = Port::with("server", "optional");
    let (user, database) = (unique("user"), unique("acl"));
    let password = "s3cret/ # ? %41@:\"'ü";
    let rule = format!(">{password}");
    let keys = format!("~{database}");
    let mut admin = client();
    let _: () = redis::cmd("ACL")
        .arg(&["SETUSER", &user, "on", &rule, &keys, "+rpush"])
        .query(&mut admin)
        .expect("a user");
    let entry = |password: &str| {
        json!({
            "url": variable("WLF_TEST_REDIS_TLS"),
            "tls": {"ca": certs("ca.pem")},
            "username": user,
            "password": password,
        })
    };
    let mut redis = dispatcher(entry(password));
    redis.connect().await.expect("connect");
    let rows = table(&database, "t");
    redis.write(&[inserts(&rows, 0..3)]).await.expect("write");
    assert_eq!(ids(&list(&database)), [0, 1, 2]);
    let _: () = client().del(&database).expect("delete");
    // Another key is none of theirs.
    let other = table(&unique("acl"), "t");
    let error = redis
        .write(&[inserts(&other, 0..1)])
        .await
        .expect_err("no right");
    assert_eq!(error.faults().next().unwrap().exit().code(), 77);
    let text = error.faults().next().unwrap().to_string();
    assert!(text.contains("NOPERM"), "{text}");
    // And neither is another password.
    let fault = dispatcher(entry("s3cret"))
        .connect()
        .await
        .expect_err("another password");
    assert_eq!(fault.exit().code(), 77);
    assert!(!fault.to_string().contains("s3cret"), "{fault}");
    let _: () = redis::cmd("ACL")
        .arg(&["DELUSER", &user])
        .query(&mut admin)
        .expect("delete");
}

/// What a connection says to a person, without ports and directories.
async fn said(entry: Value) -> String {
    let fault = match dispatcher(entry).connect().await {
        Ok(()) => return "connected".to_owned(),
        Err(fault) => fault,
    };
    let code = match fault.severity {
        Severity::Stop(exit) => exit.code().to_string(),
        _ => "again".to_owned(),
    };
    let hint = fault.hint.as_deref().unwrap_or("-");
    let mut text =
        format!("{code}: {fault}\n    {hint}").replace(&variable("WLF_TEST_CERTS"), "/certs");
    for url in [variable("WLF_TEST_REDIS_TLS"), url()] {
        let (_, address) = url.split_once("://").expect("a URL");
        text = text.replace(address, "HOST:PORT");
    }
    text
}

#[tokio::test]
async fn each_failure_has_its_message() {
    let secured = variable("WLF_TEST_REDIS_TLS");
    let ca = json!({"ca": certs("ca.pem")});
    let own = |name: &str| {
        json!({
            "ca": certs("ca.pem"),
            "cert": certs(&format!("{name}.pem")),
            "key": certs(&format!("{name}.key")),
        })
    };
    let mut all = String::new();
    for (case, cert, clients, url, tls) in [
        (
            "the system's authorities",
            "server",
            "optional",
            &secured,
            json!({}),
        ),
        (
            "unknown authority",
            "foreign",
            "optional",
            &secured,
            ca.clone(),
        ),
        ("wrong name", "wrong-name", "optional", &secured, ca.clone()),
        ("no name", "nameless", "optional", &secured, ca.clone()),
        ("expired", "expired", "optional", &secured, ca.clone()),
        (
            "the port without TLS",
            "server",
            "optional",
            &url().replace("redis:", "rediss:"),
            ca.clone(),
        ),
        (
            "the port for TLS without TLS",
            "server",
            "optional",
            &secured.replace("rediss:", "redis:"),
            json!({"mode": "disabled"}),
        ),
        (
            "no certificate of ours",
            "server",
            "yes",
            &secured,
            ca.clone(),
        ),
        (
            "a foreign certificate of ours",
            "server",
            "yes",
            &secured,
            own("foreign-client"),
        ),
        (
            "a server's certificate as ours",
            "server",
            "yes",
            &secured,
            own("server"),
        ),
        ("our certificate", "server", "yes", &secured, own("client")),
        (
            "a missing file",
            "server",
            "optional",
            &secured,
            own("missing"),
        ),
        (
            "another's key",
            "server",
            "optional",
            &secured,
            json!({
                "ca": certs("ca.pem"), "cert": certs("client.pem"), "key": certs("server.key"),
            }),
        ),
    ] {
        let _port = Port::with(cert, clients);
        let said = said(json!({"url": url, "tls": tls})).await;
        writeln!(all, "{case}\n  {said}").expect("text");
    }
    insta::assert_snapshot!(all);
}
