//! The dispatcher against a server that says what a test wants it to say.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wlf_core::value::OwnedRows;
use wlf_core::{Column, Dispatcher, Event, Exit, Severity, Table, WriteError};

use crate::{Config, RedisDispatcher};

const OUTAGE: Severity = Severity::Retry { after: None };

fn event(table: &str, rows: i32) -> Event {
    let columns = vec![Column::untyped("id")];
    let table = Arc::new(Table::new("shop", table, columns, vec![0]));
    OwnedRows::insert(&table, (0..rows).map(|id| vec![id.into()]))
}

/// An event of one row, whose JSON is more than half of what goes out at once.
fn long_row(id: i32) -> Event {
    let columns = vec![Column::untyped("id"), Column::untyped("text")];
    let table = Arc::new(Table::new("shop", "long", columns, vec![0]));
    OwnedRows::insert(&table, [vec![id.into(), "x".repeat(70 << 10).into()]])
}

/// A dispatcher for a server that answers the PING with `+PONG`, then waits for `commands` commands and says `script`.
async fn scripted(commands: usize, script: &'static str) -> RedisDispatcher {
    dispatcher(commands, script, "%{/table}").await
}

async fn dispatcher(commands: usize, script: &'static str, key: &str) -> RedisDispatcher {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accept");
        expect(&mut stream, 1).await;
        stream.write_all(b"+PONG\r\n").await.expect("write");
        expect(&mut stream, commands).await;
        // In small pieces, as a network may bring it.
        for piece in script.as_bytes().chunks(7) {
            stream.write_all(piece).await.expect("write");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let config = json!({
        "url": format!("redis://{address}"),
        "mode": {"RPush": {"key": key}},
    });
    let config: Config = serde_json::from_value(config).expect("a configuration");
    RedisDispatcher::new(config).expect("an entry that goes together")
}

/// Reads until `commands` commands have begun.
async fn expect(stream: &mut TcpStream, commands: usize) {
    let mut bytes = Vec::new();
    while bytes.iter().filter(|byte| **byte == b'*').count() < commands {
        let read = stream.read_buf(&mut bytes).await.expect("read");
        assert!(read > 0, "the client is gone");
    }
    // The rest of the last one, so that the connection ends in good order.
    let rest = async { while stream.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {} };
    let _ = tokio::time::timeout(Duration::from_millis(10), rest).await;
}

/// The rows that were refused.
fn places(error: &WriteError) -> Vec<(usize, u32)> {
    let refused = error.refused.iter();
    refused
        .map(|refusal| (refusal.event, refusal.row))
        .collect()
}

#[tokio::test]
async fn what_the_server_says_of_a_row_counts_for_the_rows_before_it() {
    for (script, rows, severity) in [
        (
            ":1\r\n:2\r\n-OOM command not allowed when used memory > 'maxmemory'.\r\n:3\r\n",
            2,
            OUTAGE,
        ),
        ("-LOADING Redis is loading\r\n:1\r\n:2\r\n:3\r\n", 0, OUTAGE),
        (":1\r\n:2\r\n:3\r\n-WRONGTYPE no\r\n", 3, Severity::Reject),
        (
            ":1\r\n-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n",
            1,
            Severity::Stop(Exit::Login),
        ),
        // The connection ends.
        (":1\r\n:2\r\n:3\r", 2, OUTAGE),
        ("", 0, OUTAGE),
        // Something else answers.
        (":1\r\nHTTP/1.1 400 Bad Request\r\n", 1, OUTAGE),
    ] {
        let mut redis = scripted(4, script).await;
        redis.connect().await.expect("connect");
        let events = [event("a", 3), event("b", 1)];
        let error = redis.write(&events).await.expect_err(script);
        // A rejected row is told by itself: all else is done with.
        let (durable, row) = if rows == 3 { (2, 0) } else { (0, rows) };
        assert_eq!((error.durable, error.rows), (durable, row), "{script}");
        assert_eq!(
            places(&error).as_slice(),
            if rows == 3 { &[(1, 0)][..] } else { &[] }
        );
        assert_eq!(
            error.faults().next().unwrap().severity,
            severity,
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_write_that_was_answered_in_pieces_is_delivered() {
    let mut redis = scripted(4, ":1\r\n$15\r\n1700000000000-0\r\n$-1\r\n+OK\r\n").await;
    redis.connect().await.expect("connect");
    redis.write(&[event("a", 4)]).await.expect("write");
}

#[tokio::test]
async fn after_a_broken_connection_nothing_is_written_before_connecting_again() {
    let mut redis = scripted(2, ":1\r\n").await;
    redis.connect().await.expect("connect");
    let events = [event("a", 2)];
    redis.write(&events).await.expect_err("a broken connection");
    let error = redis.write(&events).await.expect_err("not connected");
    assert_eq!(error.faults().next().unwrap().severity, OUTAGE);
    assert_eq!(
        error.faults().next().unwrap().to_string(),
        "write to Redis: not connected"
    );
}

#[tokio::test]
async fn rows_behind_a_rejected_one_are_not_written_twice() {
    let script = ":1\r\n-WRONGTYPE no\r\n:2\r\n:3\r\n";
    let mut redis = scripted(4, script).await;
    redis.connect().await.expect("connect");
    let error = redis.write(&[event("a", 4)]).await;
    let error = error.expect_err("a rejected row");
    assert_eq!((error.durable, error.rows), (1, 0));
    assert_eq!(places(&error), [(0, 1)]);
    assert!(error.fault.is_none());
}

#[tokio::test]
async fn a_write_goes_out_in_parts_and_is_answered_as_one() {
    let events: Vec<Event> = (0..9).map(long_row).collect();
    let answers = ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n";
    let mut redis = dispatcher(9, answers, "row.%{/data/id}").await;
    redis.connect().await.expect("connect");
    redis.write(&events).await.expect("write");

    let refused = ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n-WRONGTYPE no\r\n:7\r\n:8\r\n:9\r\n";
    let mut redis = dispatcher(9, refused, "row.%{/data/id}").await;
    redis.connect().await.expect("connect");
    let error = redis.write(&events).await.expect_err("a rejected row");
    assert_eq!((error.durable, error.rows), (9, 0));
    assert_eq!(places(&error), [(5, 0)]);
    assert!(error.fault.is_none());
    let text = error.faults().next().unwrap().to_string();
    assert!(
        text.ends_with("refuses RPUSH `row.5`: WRONGTYPE no"),
        "{text}"
    );

    let mut redis = dispatcher(9, ":1\r\n:2\r\n:3\r\n", "row.%{/data/id}").await;
    redis.connect().await.expect("connect");
    let error = redis.write(&events).await.expect_err("a broken connection");
    assert_eq!((error.durable, error.rows), (3, 0));
    assert_eq!(error.faults().next().unwrap().severity, OUTAGE);
}

#[tokio::test]
async fn what_is_before_a_row_that_has_no_key_is_written_part_by_part() {
    let mut events: Vec<Event> = (0..5).map(long_row).collect();
    events.push(event("a", 1));
    let answers = ":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n";
    let mut redis = dispatcher(5, answers, "row.%{/data/text}").await;
    redis.connect().await.expect("connect");
    let error = redis.write(&events).await.expect_err("a row without text");
    assert_eq!((error.durable, error.rows), (6, 0));
    assert_eq!(places(&error), [(5, 0)]);
}

#[tokio::test]
async fn a_server_may_wait_until_its_replies_are_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("accept");
        expect(&mut stream, 1).await;
        stream.write_all(b"+PONG\r\n").await.expect("write");
        let reply = format!("${}\r\n{}\r\n", 100 << 10, "y".repeat(100 << 10));
        let mut bytes = vec![0; 64 << 10];
        loop {
            let read = stream.read(&mut bytes).await.expect("read");
            for _ in bytes[..read].iter().filter(|byte| **byte == b'*') {
                stream.write_all(reply.as_bytes()).await.expect("write");
            }
        }
    });
    let config = json!({"url": format!("redis://{address}"), "mode": {"RPush": {"key": "k"}}});
    let config: Config = serde_json::from_value(config).expect("a configuration");
    let mut redis = RedisDispatcher::new(config).expect("an entry that goes together");
    redis.connect().await.expect("connect");
    let events: Vec<Event> = (0..200).map(long_row).collect();
    let written = tokio::time::timeout(Duration::from_secs(60), redis.write(&events)).await;
    written.expect("replies are read meanwhile").expect("write");
}
