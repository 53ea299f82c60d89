//! The dispatcher against the real server at `WLF_TEST_REDIS`, looked at with the crate redis' own client.

mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Commands, Connection, streams::StreamRangeReply};
use serde_json::{Value, json};
use wlf_core::value::OwnedRows;
use wlf_core::{Column, Dispatcher, Event, Exit, Severity, Table};
use wlf_redis::{Config, RedisDispatcher};

fn url() -> String {
    std::env::var("WLF_TEST_REDIS")
        .expect("WLF_TEST_REDIS is to name a Redis server, as in redis://127.0.0.1:6379")
}

fn client() -> Connection {
    let client = redis::Client::open(url()).expect("a URL");
    client.get_connection().expect("connect to WLF_TEST_REDIS")
}

/// The server's address with another login and database.
fn url_with(login: &str, database: &str) -> String {
    let url = url();
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    format!("redis://{login}{address}{database}")
}

/// A name that no other test or run has.
fn unique(test: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test_{test}_{}_{number}", since.as_nanos())
}

fn table(database: &str, name: &str) -> Arc<Table> {
    let columns = ["id", "text"].map(Column::untyped);
    Arc::new(Table::new(database, name, columns.into(), vec![0]))
}

fn inserts(table: &Arc<Table>, ids: std::ops::Range<u32>) -> Event {
    let row = |id: u32| vec![id.into(), format!("Grüße\r\n{id}").into()];
    OwnedRows::insert(table, ids.map(row))
}

fn dispatcher(url: &str, mode: Value) -> RedisDispatcher {
    let config = json!({"url": url, "mode": mode});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    RedisDispatcher::new(config).expect("an entry that goes together")
}

/// The ids of rows, in order.
fn ids(rows: &[String]) -> Vec<u64> {
    let id = |row: &String| {
        let row: Value = serde_json::from_str(row).expect("JSON");
        assert_eq!(
            row["data"]["text"],
            format!("Grüße\r\n{}", row["data"]["id"])
        );
        row["data"]["id"].as_u64().expect("an id")
    };
    rows.iter().map(id).collect()
}

fn list(key: &str) -> Vec<String> {
    client().lrange(key, 0, -1).expect("a list")
}

const KEY: &str = "logFlex.%{/database}.%{/table}";

#[tokio::test]
async fn lists_get_rows_at_the_end_that_the_mode_says() {
    let table = table(&unique("lists"), "t");
    for (mode, reversed) in [("RPush", false), ("LPush", true)] {
        let mut redis = dispatcher(&url(), json!({mode: {"key": format!("{mode}.{KEY}")}}));
        redis.connect().await.expect("connect");
        for from in [0, 1000] {
            let events = [
                inserts(&table, from..from + 400),
                inserts(&table, from + 400..from + 1000),
            ];
            redis.write(&events).await.expect("write");
        }
        let mut expected: Vec<u64> = (0..2000).collect();
        if reversed {
            expected.reverse();
        }
        let key = format!("{mode}.logFlex.{}.t", table.database);
        assert_eq!(ids(&list(&key)), expected, "{mode}");
        let _: () = client().del(key).expect("delete");
    }
}

#[tokio::test]
async fn streams_get_rows_in_order_and_are_trimmed() {
    let table = table(&unique("streams"), "t");
    for (max_len, least) in [(None, 3000), (Some(500), 500)] {
        let key = format!("{}.{least}", table.database);
        let mut redis = dispatcher(&url(), json!({"XAdd": {"key": key, "max_len": max_len}}));
        redis.connect().await.expect("connect");
        redis
            .write(&[inserts(&table, 0..3000)])
            .await
            .expect("write");
        let entries: StreamRangeReply = client().xrange_all(&key).expect("a stream");
        let rows: Vec<String> = (entries.ids.iter())
            .map(|entry| {
                assert_eq!(entry.map.len(), 1);
                entry.get("message").expect("the field")
            })
            .collect();
        let length = rows.len() as u64;
        assert_eq!(ids(&rows), (3000 - length..3000).collect::<Vec<_>>());
        // `~` leaves up to a whole node of the stream more, 100 entries by default.
        assert!((least..least + 100).contains(&length), "{length}");
        let _: () = client().del(key).expect("delete");
    }
}

#[tokio::test]
async fn a_listener_hears_the_rows_of_its_channel() {
    let database = unique("channels");
    let mut connection = client();
    let mut listener = connection.as_pubsub();
    let timeout = Some(Duration::from_secs(10));
    listener.set_read_timeout(timeout).expect("a timeout");
    listener
        .psubscribe(format!("logFlex.{database}.*"))
        .expect("subscribe");
    let mut redis = dispatcher(&url(), json!({"Pub": {"channel": KEY}}));
    redis.connect().await.expect("connect");
    let events = [
        inserts(&table(&database, "a"), 0..500),
        inserts(&table(&database, "b"), 500..1000),
    ];
    redis.write(&events).await.expect("write");
    let mut heard = Vec::new();
    for number in 0..1000 {
        let message = listener.get_message().expect("a message");
        let table = if number < 500 { "a" } else { "b" };
        assert_eq!(
            message.get_channel_name(),
            format!("logFlex.{database}.{table}")
        );
        heard.push(message.get_payload().expect("a payload"));
    }
    assert_eq!(ids(&heard), (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_row_for_a_key_of_another_type_is_rejected_and_the_others_are_delivered_once() {
    let database = unique("types");
    let (good, bad) = (table(&database, "good"), table(&database, "bad"));
    let key = |table: &str| format!("logFlex.{database}.{table}");
    let _: () = client().set(key("bad"), "no list").expect("set");
    let mut redis = dispatcher(&url(), json!({"RPush": {"key": KEY}}));
    redis.connect().await.expect("connect");
    let rows = [
        inserts(&good, 0..10),
        inserts(&bad, 10..12),
        inserts(&good, 12..20),
    ];
    let error = redis.write(&rows).await.expect_err("two rows are rejected");
    assert_eq!((error.durable, error.rows), (3, 0));
    assert!(error.fault.is_none());
    let rejected = error.refused.iter();
    let rejected: Vec<_> = rejected
        .map(|refusal| (refusal.event, refusal.row))
        .collect();
    assert_eq!(rejected, [(1, 0), (1, 1)]);
    for fault in error.faults() {
        assert_eq!(fault.severity, Severity::Reject);
        let text = fault.to_string();
        assert!(
            text.contains(&format!("refuses RPUSH `{}`: WRONGTYPE", key("bad"))),
            "{text}"
        );
    }
    let expected: Vec<u64> = (0..10).chain(12..20).collect();
    assert_eq!(ids(&list(&key("good"))), expected);
    let _: () = client().del(&[key("good"), key("bad")]).expect("delete");
}

#[tokio::test]
async fn a_killed_connection_is_an_outage_and_connecting_again_goes_on() {
    let database = unique("killed");
    let user = unique("user");
    let mut admin = client();
    let _: () = redis::cmd("ACL")
        .arg(&["SETUSER", &user, "on", ">s3cret/@:", "~*", "&*", "+@all"])
        .query(&mut admin)
        .expect("a user");
    let table = table(&database, "t");
    let url = url_with(&format!("{user}:s3cret%2F%40%3A@"), "/3");
    let mut redis = dispatcher(&url, json!({"RPush": {"key": KEY}}));
    redis.connect().await.expect("connect");
    redis.write(&[inserts(&table, 0..3)]).await.expect("write");
    let killed: u32 = redis::cmd("CLIENT")
        .arg(&["KILL", "USER", &user])
        .query(&mut admin)
        .expect("kill");
    assert_eq!(killed, 1);
    let events = [inserts(&table, 3..6)];
    let error = redis.write(&events).await.expect_err("a killed connection");
    assert_eq!((error.durable, error.rows), (0, 0));
    assert_eq!(
        error.faults().next().unwrap().severity,
        Severity::Retry { after: None }
    );
    redis.connect().await.expect("connect");
    redis.write(&events).await.expect("write");
    let key = format!("logFlex.{database}.t");
    let _: () = redis::cmd("SELECT")
        .arg(3)
        .query(&mut admin)
        .expect("select");
    let rows: Vec<String> = admin.lrange(&key, 0, -1).expect("a list");
    assert_eq!(ids(&rows), [0, 1, 2, 3, 4, 5]);
    let _: () = admin.del(key).expect("delete");
    let _: () = redis::cmd("ACL")
        .arg(&["DELUSER", &user])
        .query(&mut admin)
        .expect("delete");
}

#[tokio::test]
async fn logins_and_databases_that_are_refused_end_the_program() {
    let mode = json!({"Pub": {"channel": KEY}});
    let wrong = url_with("nobody:s3cret@", "");
    let fault = dispatcher(&wrong, mode.clone())
        .connect()
        .await
        .expect_err("a wrong password");
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    assert!(fault.to_string().contains("WRONGPASS"), "{fault}");
    assert!(!fault.to_string().contains("s3cret"), "{fault}");
    let fault = dispatcher(&url_with("", "/99999"), mode)
        .connect()
        .await
        .expect_err("no such database");
    assert_eq!(fault.severity, Severity::Stop(Exit::Config));
}

#[tokio::test]
async fn an_unreachable_server_is_an_outage() {
    // Nothing listens on the port of a listener that was dropped.
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        listener.local_addr().expect("an address")
    };
    let mut redis = dispatcher(
        &format!("redis://{address}"),
        json!({"Pub": {"channel": KEY}}),
    );
    let fault = redis.connect().await.expect_err("nobody there");
    assert_eq!(fault.severity, Severity::Retry { after: None });
    assert!(fault.to_string().contains(&address.to_string()), "{fault}");
}

#[tokio::test]
async fn every_format_is_written_and_keys_point_into_rows_all_the_same() {
    for (format, expected) in [
        ("maxwell", [1, 2]),
        // A new key is a delete and an insert; of tombstones Redis has no use.
        ("debezium", [2, 2]),
        ("cloudevents", [2, 2]),
        ("canal", [1, 2]),
    ] {
        let table = table(&unique(format), "t");
        let config = json!({
            "url": url(),
            "mode": {"RPush": {"key": "%{/database}.%{/data/id}"}},
            "format": {format: {}},
        });
        let config: Config = serde_json::from_value(config).expect("a configuration");
        let mut redis = RedisDispatcher::new(config).expect("an entry that goes together");
        redis.connect().await.expect("connect");
        let row = |id: u32| vec![id.into(), "a".into()];
        let events = [
            OwnedRows::insert(&table, [row(1)]),
            OwnedRows::update(&table, [(row(1), row(2))]),
            OwnedRows::delete(&table, [row(2)]),
        ];
        redis.write(&events).await.expect(format);
        for (id, expected) in (1..).zip(expected) {
            let key = format!("{}.{id}", table.database);
            let rows = list(&key);
            assert_eq!(rows.len(), expected, "{format} {id}: {rows:?}");
            for row in rows {
                serde_json::from_str::<Value>(&row).expect("JSON");
            }
            let _: () = client().del(key).expect("delete");
        }
    }
}

#[tokio::test]
async fn a_row_without_a_message_is_written_by_writing_nothing() {
    let key = unique("nothing");
    let config = json!({
        "url": url(),
        "mode": {"RPush": {"key": key}},
        "format": {"debezium": {"skipped_operations": ["d"]}},
    });
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut redis = RedisDispatcher::new(config).expect("an entry that goes together");
    redis.connect().await.expect("connect");
    let table = table("shop", "t");
    let delete = || OwnedRows::delete(&table, [vec![1.into()], vec![2.into()]]);
    redis.write(&[delete()]).await.expect("write nothing");
    let events = [delete(), inserts(&table, 3..4), delete()];
    redis.write(&events).await.expect("write");
    assert_eq!(list(&key).len(), 1);
    let _: () = client().del(key).expect("delete");
}
