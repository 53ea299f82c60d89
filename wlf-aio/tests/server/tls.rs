//! Connections that the module secures, to the real servers' ports for TLS.

use std::path::Path;

use redis::Commands;
use serde_json::Value;

use crate::on_both;
use crate::program::{Ended, Run, Runtime, given, root};
use crate::servers::redis;

on_both!(
    rows_reach_redis_over_tls_as_a_user_of_the_acl,
    what_is_wrong_between_us_and_redis_is_said_with_its_exit_code,
);

/// Runs the quick start's binlog into Redis, with these keys in the dispatcher's entry.
fn into_redis(runtime: &Runtime, key: &str, entry: &str, environment: &[(&str, &str)]) -> Ended {
    let place = tempfile::tempdir().expect("a directory");
    let configuration = format!(
        "collectors:
  - {{id: in, type: BinlogFileCollector, paths: [/data/binlog.*], destination: out}}
dispatchers:
  - id: out
    type: RedisDispatcher
    mode: {{type: RPush, key: {key}}}
{entry}"
    );
    std::fs::write(place.path().join("wlf.yaml"), configuration).expect("written");
    let (certs, data) = (given("WLF_TEST_CERTS"), root().join("configs/quickstart"));
    let directories = [
        ("/wlf", place.path()),
        ("/certs", Path::new(&certs)),
        ("/data", data.as_path()),
    ];
    let mut command = runtime.command(&directories, environment);
    command.args(["--config", "/wlf/wlf.yaml"]);
    Run::start(command).end()
}

fn rows_reach_redis_over_tls_as_a_user_of_the_acl(runtime: &Runtime) {
    let key = format!("wlf_tls_{}", runtime.version.replace('.', "_"));
    let password = "s3cret/ # ? %41@:ü";
    let mut admin = redis();
    let _: () = admin.del(&key).expect("delete");
    let _: () = ::redis::cmd("ACL")
        .arg(&[
            "SETUSER",
            &key,
            "on",
            &format!(">{password}"),
            &format!("~{key}"),
            "+rpush",
        ])
        .query(&mut admin)
        .expect("a user");
    let url = given("WLF_TEST_REDIS_TLS");
    let entry = format!(
        "    url: {url}
    username: {key}
    password: ${{REDIS_PASSWORD}}
    tls: {{ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/client.key}}"
    );
    let ended = into_redis(runtime, &key, &entry, &[("REDIS_PASSWORD", password)]).with_code(0);
    let ready = "-> out (TLS 1.3, ChaCha20-Poly1305)\n";
    assert!(ended.stderr.contains(ready), "{}", ended.stderr);
    let rows: Vec<String> = admin.lrange(&key, 0, -1).expect("a list");
    assert!(rows.len() > 10, "{} rows", rows.len());
    for row in rows {
        let row: Value = serde_json::from_str(&row).expect("JSON");
        assert!(
            matches!(row["database"].as_str(), Some("shop" | "crm")),
            "{row}"
        );
    }
    let _: () = admin.del(&key).expect("delete");
    let wrong = into_redis(runtime, &key, &entry, &[("REDIS_PASSWORD", "s3cret")]).with_code(77);
    assert!(wrong.stderr.contains("WRONGPASS"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("s3cret"), "{}", wrong.stderr);
    let _: () = ::redis::cmd("ACL")
        .arg(&["DELUSER", &key])
        .query(&mut admin)
        .expect("delete");
}

fn what_is_wrong_between_us_and_redis_is_said_with_its_exit_code(runtime: &Runtime) {
    let secured = given("WLF_TEST_REDIS_TLS");
    let plain = given("WLF_TEST_REDIS").replace("redis:", "rediss:");
    for (url, tls, code, text) in [
        (&secured, "{}", 78, "is signed by an unknown authority"),
        (
            &secured,
            "{ca: /certs/foreign-ca.pem}",
            78,
            "is signed by an unknown authority",
        ),
        (
            &secured,
            "{ca: /certs/ca.pem, server_name: db.example}",
            78,
            "is not for `db.example` but for `localhost`, `127.0.0.1`, `",
        ),
        (
            &secured,
            "{ca: /elsewhere/ca.pem}",
            66,
            "cannot read `/elsewhere/ca.pem`, which is `tls.ca`",
        ),
        (
            &secured,
            "{ca: /certs/ca.pem, cert: /certs/foreign-client.pem, key: /certs/foreign-client.key}",
            77,
            "refuses our certificate: unknown ca",
        ),
        (
            &secured,
            "{ca: /certs/ca.pem, cert: /certs/client.pem, key: /certs/server.key}",
            78,
            "the private key in `/certs/server.key` is not that of the certificate in `/certs/client.pem`",
        ),
        (
            &secured,
            "{mode: disabled}",
            78,
            "`url` asks for TLS with `rediss`, and `tls.mode` is `disabled`",
        ),
        (
            &secured,
            "{key: /certs/client.key}",
            78,
            "`tls.key` is given without `tls.cert`",
        ),
        (&plain, "{ca: /certs/ca.pem}", 78, "does not speak TLS"),
    ] {
        let entry = format!("    url: {url}\n    tls: {tls}");
        let ended = into_redis(runtime, "wlf_never", &entry, &[]).with_code(code);
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
        // With an excerpt of the file the hint stands behind the mark below the place.
        let has_hint = ["help:", "^ "].map(|before| ended.stderr.contains(before));
        assert!(has_hint.contains(&true), "{}", ended.stderr);
    }
    assert!(!redis().exists::<_, bool>("wlf_never").expect("an answer"));
}
