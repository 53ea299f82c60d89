//! What a section `tls` may say, and what it means.

use serde_json::{Value, json};
use wlf_net::{Connector, Mode, Tls};

fn read(tls: Value) -> Result<Tls, serde_json::Error> {
    serde_json::from_value(tls)
}

fn connector(tls: Value) -> Connector {
    Connector::new(&read(tls).expect("a section")).expect("options that go together")
}

#[test]
fn without_a_mode_it_depends_on_the_host_and_on_what_else_is_said() {
    let empty = connector(json!({}));
    for host in [
        "localhost",
        "LOCALHOST.",
        "redis.localhost",
        "127.0.0.1",
        "127.1.2.3",
        "::1",
        "::ffff:127.0.0.1",
    ] {
        assert_eq!(empty.mode(host), Mode::Disabled, "{host}");
    }
    for host in [
        "db.example",
        "10.0.0.1",
        "::2",
        "localhost.example",
        "128.0.0.1",
    ] {
        assert_eq!(empty.mode(host), Mode::Preferred, "{host}");
    }
    for tls in [
        json!({"ca": "system"}),
        json!({"ca": "/certs/ca.pem"}),
        json!({"cert": "a.crt", "key": "a.key"}),
        json!({"server_name": "db.example"}),
    ] {
        for host in ["localhost", "db.example"] {
            assert_eq!(
                connector(tls.clone()).mode(host),
                Mode::VerifyIdentity,
                "{tls}"
            );
        }
    }
    for (word, mode) in [
        ("disabled", Mode::Disabled),
        ("preferred", Mode::Preferred),
        ("required", Mode::Required),
        ("verify_ca", Mode::VerifyCa),
        ("verify_identity", Mode::VerifyIdentity),
    ] {
        let connector = connector(json!({"mode": word}));
        assert_eq!(
            (connector.mode("localhost"), connector.mode("x")),
            (mode, mode)
        );
        assert_eq!(mode.to_string(), word);
    }
}

#[test]
fn options_that_do_not_go_together_are_refused_before_anything_is_read() {
    for (tls, key, message) in [
        (
            json!({"cert": "a"}),
            "tls.cert",
            "`tls.cert` is given without `tls.key`",
        ),
        (
            json!({"key": "a"}),
            "tls.key",
            "`tls.key` is given without `tls.cert`",
        ),
        (
            json!({"mode": "required", "ca": "a"}),
            "tls.ca",
            "nothing is checked against `tls.ca` with `mode: required`",
        ),
        (
            json!({"mode": "preferred", "ca": "system"}),
            "tls.ca",
            "nothing is checked against `tls.ca` with `mode: preferred`",
        ),
        (
            json!({"server_name": "https://db"}),
            "tls.server_name",
            "`https://db` is not a host name",
        ),
    ] {
        let invalid = Connector::new(&read(tls).expect("a section")).expect_err(message);
        assert_eq!(
            (invalid.key.as_str(), invalid.message.as_str()),
            (key, message)
        );
        assert!(invalid.hint.is_some(), "{message}");
    }
    // Switched off for a while, the rest may stay.
    connector(json!({"mode": "disabled", "ca": "a", "cert": "b", "key": "c"}));
}

#[test]
fn unknown_words_are_refused() {
    for tls in [
        json!({"mode": "on"}),
        json!({"mode": "VERIFY_CA"}),
        json!({"ca": ""}),
        json!({"verify": true}),
    ] {
        read(tls.clone()).expect_err(&tls.to_string());
    }
}
