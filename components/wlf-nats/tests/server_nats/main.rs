//! The dispatcher against real servers, looked at with a client of its own: the one that `WLF_TEST_NATS` names, and such as
//! are started, killed and restarted here with the program that `WLF_TEST_NATS_SERVER` names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod client;
mod server;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Value, json};
use wlf_core::config::{Component, Delivery};
use wlf_core::runtime::Pipeline;
use wlf_core::value::OwnedRows;
use wlf_core::{
    Batch, Collector, Column, Desk, Dispatcher, Event, Exit, Fault, Mark, Position, Severity,
    Table, WriteError,
};
use wlf_nats::{Config, NatsDispatcher};

use self::client::Client;
use self::server::{Server, given};

const OUTAGE: Severity = Severity::Retry { after: None };

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

/// A dispatcher for `server` with these options besides.
fn dispatcher(server: &str, mut options: Value) -> NatsDispatcher {
    options["servers"] = json!([server]);
    let config: Config = serde_json::from_value(options).expect("a configuration");
    config.dispatcher("wlf-test").expect("a dispatcher")
}

/// The ids of rows, in order.
fn ids(payloads: &[Vec<u8>]) -> Vec<u64> {
    let id = |payload: &Vec<u8>| {
        let row: Value = serde_json::from_slice(payload).expect("JSON");
        assert_eq!(
            row["data"]["text"],
            format!("Grüße\r\n{}", row["data"]["id"])
        );
        row["data"]["id"].as_u64().expect("an id")
    };
    payloads.iter().map(id).collect()
}

fn severity(error: &WriteError) -> Severity {
    error.faults().next().expect("a fault").severity
}

#[tokio::test]
async fn a_listener_hears_every_row_in_order() {
    let server = given("WLF_TEST_NATS");
    let database = unique("listener");
    let mut client = Client::connect(&server);
    client.subscribe(&format!("logFlex.{database}.*"));
    let mut nats = dispatcher(&server, json!({}));
    nats.connect().await.expect("connect");
    let (a, b) = (table(&database, "a"), table(&database, "b"));
    // Several requests, and several writes over one connection.
    nats.write(&[inserts(&a, 0..2500), inserts(&b, 2500..2600)])
        .await
        .expect("write");
    nats.write(&[inserts(&a, 2600..3000)]).await.expect("write");
    let messages = client.messages(3000);
    let payloads: Vec<_> = messages
        .iter()
        .map(|message| message.payload.clone())
        .collect();
    assert_eq!(ids(&payloads), (0..3000).collect::<Vec<_>>());
    for (message, id) in messages.iter().zip(0..) {
        let table = if (2500..2600).contains(&id) { "b" } else { "a" };
        assert_eq!(message.subject, format!("logFlex.{database}.{table}"));
    }
}

#[tokio::test]
async fn a_stream_stores_each_message_once_for_each_id() {
    let server = given("WLF_TEST_NATS");
    let database = unique("stream");
    let mut client = Client::connect(&server);
    client.create_stream(&json!({"name": database, "subjects": [format!("{database}.>")]}));
    let options = json!({
        "jetstream": true,
        "subject": "%{/database}.%{/table}.%{/data/id}",
        "message_id": "%{/database}.%{/data/id}",
    });
    let mut nats = dispatcher(&server, options);
    nats.connect().await.expect("connect");
    let table = table(&database, "t");
    nats.write(&[inserts(&table, 0..2500)])
        .await
        .expect("write");
    // As after a crash: what was written already, and more.
    nats.connect().await.expect("connect again");
    nats.write(&[inserts(&table, 2000..3000)])
        .await
        .expect("write");
    let stored = client.stream(&database, 3000);
    assert_eq!(ids(&stored), (0..3000).collect::<Vec<_>>());
}

#[tokio::test]
async fn headers_of_a_record_come_as_headers() {
    let server = given("WLF_TEST_NATS");
    let database = unique("headers");
    let mut client = Client::connect(&server);
    client.subscribe(&format!("{database}.t"));
    let options = json!({"subject": "%{/database}.%{/table}", "format": {"cloudevents": {}}});
    let mut nats = dispatcher(&server, options);
    nats.connect().await.expect("connect");
    nats.write(&[inserts(&table(&database, "t"), 0..1)])
        .await
        .expect("write");
    let message = client.messages(1).remove(0);
    let headers = String::from_utf8(message.headers).expect("text");
    assert_eq!(
        headers,
        "NATS/1.0\r\ncontent-type: application/cloudevents+json\r\n\r\n"
    );
    let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
    assert_eq!(event["specversion"], "1.0");
}

#[tokio::test]
async fn a_subject_that_no_stream_takes_is_an_outage() {
    let server = given("WLF_TEST_NATS");
    let database = unique("nobody");
    let mut nats = dispatcher(&server, json!({"jetstream": true}));
    nats.connect().await.expect("connect");
    let events = [inserts(&table(&database, "t"), 0..3)];
    let error = nats.write(&events).await.expect_err("no stream");
    assert_eq!((error.durable, error.rows, error.refused.len()), (0, 0, 0));
    let fault = error.fault.expect("a fault");
    assert_eq!(fault.severity, OUTAGE);
    assert_eq!(
        fault.to_string(),
        format!("write to NATS: no stream of JetStream at {server} takes `logFlex.{database}.t`")
    );
}

#[tokio::test]
async fn a_message_that_a_stream_refuses_is_refused_alone() {
    let server = given("WLF_TEST_NATS");
    let database = unique("refused");
    let mut client = Client::connect(&server);
    let subjects = [format!("logFlex.{database}.>")];
    client.create_stream(&json!({"name": database, "subjects": subjects, "max_msg_size": 1000}));
    let mut nats = dispatcher(&server, json!({"jetstream": true}));
    nats.connect().await.expect("connect");
    let table = table(&database, "t");
    let large = OwnedRows::insert(&table, [vec![5.into(), "x".repeat(2000).into()]]);
    let events = [inserts(&table, 0..5), large, inserts(&table, 6..9)];
    let error = nats.write(&events).await.expect_err("too large");
    assert_eq!((error.durable, error.fault.is_none()), (3, true));
    let refused: Vec<_> = error.refused.iter().map(|of| (of.event, of.row)).collect();
    assert_eq!(refused, [(1, 0)]);
    assert_eq!(severity(&error), Severity::Reject);
    assert_eq!(ids(&client.stream(&database, 8)), [0, 1, 2, 3, 4, 6, 7, 8]);
}

#[tokio::test]
async fn rows_that_are_no_messages_are_refused_and_the_others_go() {
    let server = Server::start("max_payload: 4096\n");
    let mut client = Client::connect(&server.address());
    client.subscribe("db.>");
    let options = json!({"subject": "%{/database}.%{/data/text}"});
    let mut nats = dispatcher(&server.address(), options);
    nats.connect().await.expect("connect");
    let table = table("db", "t");
    let texts = ["a", "b c", "", &"x".repeat(3000), &"y".repeat(4000), "z"];
    let rows = texts
        .iter()
        .zip(0..)
        .map(|(text, id)| vec![id.into(), (*text).into()]);
    let error = nats
        .write(&[OwnedRows::insert(&table, rows)])
        .await
        .expect_err("refused");
    let refused: Vec<_> = error.refused.iter().map(|of| of.row).collect();
    assert_eq!(refused, [1, 2, 4]);
    let subjects = client
        .messages(3)
        .into_iter()
        .map(|message| message.subject.len());
    assert_eq!(subjects.collect::<Vec<_>>(), [4, 3003, 4]);
    let large = OwnedRows::insert(&table, [vec![1.into(), "a".into()]]);
    let mut nats = dispatcher(&server.address(), json!({"subject": "large"}));
    nats.connect().await.expect("connect");
    let text = OwnedRows::insert(&table, [vec![1.into(), "x".repeat(5000).into()]]);
    let error = nats.write(&[large, text]).await.expect_err("refused");
    let said = error.faults().next().expect("a fault").to_string();
    assert!(
        said.contains("is larger than a message may be at"),
        "{said}"
    );
    assert!(said.contains("(4096 bytes)"), "{said}");
}

const USERS: &str = r#"authorization: { users: [
  {user: me, password: s3cret, permissions: {publish: ["ok.>", "logFlex.>"], subscribe: [">"]}},
  {user: mute, password: s3cret, permissions: {publish: [">"], subscribe: ["none"]}},
  {user: reader, password: s3cret},
]}
"#;

#[tokio::test]
async fn logins_that_are_refused_stop_with_77() {
    let server = Server::start(USERS);
    for options in [
        json!({}),
        json!({"user": "me", "password": "wrong-one"}),
        json!({"token": "wrong-one"}),
    ] {
        let mut nats = dispatcher(&server.address(), options);
        let fault = nats.connect().await.expect_err("refused");
        assert_eq!(fault.severity, Severity::Stop(Exit::Login), "{fault}");
        assert!(
            !format!("{fault} {:?}", fault.hint).contains("wrong-one"),
            "{fault}"
        );
    }
    let mut nats = dispatcher(
        &server.address(),
        json!({"user": "me", "password": "s3cret"}),
    );
    nats.connect().await.expect("connect");
    let token = Server::start("authorization: { token: t0ken }\n");
    let mut nats = dispatcher(&token.address(), json!({"token": "t0ken"}));
    nats.connect().await.expect("connect");
}

#[tokio::test]
async fn a_subject_that_is_forbidden_stops_and_the_other_rows_are_told() {
    let server = Server::start(USERS);
    let mut client = Client::connect(&server.address().replace("127", "reader:s3cret@127"));
    client.subscribe("ok.>");
    let options = json!({"user": "me", "password": "s3cret", "subject": "%{/database}.%{/table}"});
    let mut nats = dispatcher(&server.address(), options);
    nats.connect().await.expect("connect");
    let (ok, no) = (table("ok", "t"), table("no", "t"));
    let events = [inserts(&ok, 0..2), inserts(&no, 2..4), inserts(&ok, 4..6)];
    let error = nats.write(&events).await.expect_err("forbidden");
    assert_eq!((error.durable, error.rows), (1, 0));
    assert_eq!(error.refused.len(), 0);
    let fault = error.fault.expect("a fault");
    assert_eq!(fault.severity, Severity::Stop(Exit::Login));
    assert!(
        fault
            .to_string()
            .ends_with("does not let us publish to `no.t`"),
        "{fault}"
    );
    // They were taken, and it is said which.
    let heard: Vec<_> = client
        .messages(4)
        .into_iter()
        .map(|message| message.payload)
        .collect();
    assert_eq!(ids(&heard), [0, 1, 4, 5]);
    let told: Vec<_> = error.ahead.iter().map(|(event, _)| *event).collect();
    assert!(told == [2, 2], "{told:?}");
    // The connection goes on.
    nats.write(&[inserts(&ok, 6..7)]).await.expect("write");
}

#[tokio::test]
async fn jetstream_needs_the_right_to_hear_its_answers() {
    let server = Server::start(USERS);
    let options = json!({"user": "mute", "password": "s3cret", "jetstream": true});
    let mut nats = dispatcher(&server.address(), options);
    let fault = match nats.connect().await {
        Err(fault) => fault,
        Ok(()) => nats.idle().await,
    };
    assert_eq!(fault.severity, Severity::Stop(Exit::Login), "{fault}");
    assert!(fault.hint.is_some_and(|hint| hint.contains("_INBOX")));
}

#[tokio::test]
async fn the_servers_pings_are_answered_while_nothing_is_to_do() {
    let server = Server::start("ping_interval: \"200ms\"\nping_max: 1\n");
    let mut nats = dispatcher(&server.address(), json!({}));
    nats.connect().await.expect("connect");
    let quiet = tokio::time::timeout(Duration::from_secs(3), nats.idle()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    nats.write(&[inserts(&table("db", "t"), 0..1)])
        .await
        .expect("write");
}

#[tokio::test]
async fn a_server_that_goes_is_noticed_while_nothing_is_to_do() {
    let mut server = Server::start("");
    let mut nats = dispatcher(&server.address(), json!({}));
    nats.connect().await.expect("connect");
    let (fault, ()) = tokio::join!(nats.idle(), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.kill();
    });
    assert_eq!(fault.severity, OUTAGE);
    let error = nats.write(&[inserts(&table("db", "t"), 0..1)]).await;
    assert_eq!(severity(&error.expect_err("it is gone")), OUTAGE);
    let fault = nats.connect().await.expect_err("it is gone");
    assert!(fault.to_string().contains(&server.address()), "{fault}");
}

#[tokio::test]
async fn the_next_server_is_taken_when_one_is_away_or_about_to_stop() {
    let (one, two) = (Server::start(""), Server::start(""));
    let away = server::free_port();
    let servers = json!([format!("127.0.0.1:{away}"), one.address(), two.address()]);
    let config = json!({"servers": servers});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut nats = config.dispatcher("wlf-test").expect("a dispatcher");
    nats.connect().await.expect("connect");
    one.lame_duck();
    let fault = nats.idle().await;
    assert!(fault.to_string().ends_with("is about to stop"), "{fault}");
    let mut client = Client::connect(&two.address());
    client.subscribe("logFlex.>");
    nats.connect().await.expect("connect");
    nats.write(&[inserts(&table("db", "t"), 0..1)])
        .await
        .expect("write");
    assert_eq!(client.messages(1).len(), 1);
}

/// Gives rows in batches, as long as there are any.
struct Rows {
    table: Arc<Table>,
    next: u32,
    end: u32,
}

#[async_trait]
impl Collector for Rows {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&mut self, desk: &Desk) -> Result<Option<Batch>, Fault> {
        desk.room().await;
        if self.next >= self.end {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        let rows = self.next..self.next + 50;
        self.next = rows.end;
        Ok(Some(Batch {
            events: vec![inserts(&self.table, rows.clone())],
            mark: Mark::Upto(Position(json!(rows.end))),
            ended: None,
            bytes: 5000,
        }))
    }
}

#[tokio::test]
async fn a_stream_misses_nothing_when_the_server_is_killed_in_the_middle() {
    let mut server = Server::start("");
    let stream = "killed";
    let subjects = ["logFlex.>"];
    let config = json!({"name": stream, "subjects": subjects, "storage": "file"});
    Client::connect(&server.address()).create_stream(&config);
    let mut pipeline = Pipeline::new(Delivery::default(), None);
    let rows = Rows {
        table: table("db", "t"),
        next: 0,
        end: 20_000,
    };
    let options = json!({"jetstream": true, "message_id": "%{/data/id}"});
    let nats = dispatcher(&server.address(), options);
    let to = vec!["nats".to_owned()];
    pipeline
        .add("rows", Component::Collector(Box::new(rows)), to)
        .expect("added");
    pipeline
        .add("nats", Component::Dispatcher(Box::new(nats)), vec![])
        .expect("added");
    let kills = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            server.kill();
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.again();
        }
    };
    let timed = async { (pipeline.run().await, Instant::now()) };
    let ((ended, end), killed) = tokio::join!(timed, async {
        kills.await;
        Instant::now()
    });
    ended.expect("all is written");
    assert!(killed < end, "it was over before the server was killed");
    let stored = Client::connect(&server.address()).stream(stream, 20_000);
    // What the server had stored without saying so may be there twice, and then the last ones are in order.
    let mut last = vec![None; 20_000];
    for (place, id) in ids(&stored).into_iter().enumerate() {
        last[id as usize] = Some(place);
    }
    assert!(last.iter().all(Option::is_some), "rows are missing");
    assert!(last.is_sorted(), "rows were overtaken");
}
