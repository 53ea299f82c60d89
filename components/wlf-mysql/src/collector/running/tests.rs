//! A stream whose other end is scripted.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wlf_core::config::Secret;
use wlf_core::{Event, Severity};
use wlf_net::{Connector, Tls};

use super::*;
use crate::binlog::Limits;
use crate::binlog::events::event_type as types;
use crate::binlog::tests::composed::{Binlog, TINY, front, query, table_map};
use crate::collector::end::End;
use crate::collector::replica::Replica;
use crate::collector::server::{BinlogFile, BinlogStatus};
use crate::collector::stream::Dump;
use crate::connection::{Connection, Endpoint};
use crate::positions::Coordinates;
use crate::protocol::handshake_v10::tests::handshake;
use crate::schema::Owner;

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
/// EOF_Packet: the server has sent all that it has.
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];

/// A server that takes every login and every command, and sends these events when it is asked for its binlog.
async fn server(events: Vec<Vec<u8>>) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut sent = 0;
        socket
            .write_all(&packet(&mut sent, &handshake("caching_sha2_password")))
            .await
            .unwrap();
        loop {
            let mut header = [0; 4];
            if socket.read_exact(&mut header).await.is_err() {
                return;
            }
            let length = usize::from(header[0]) | usize::from(header[1]) << 8;
            let mut command = vec![0; length];
            socket.read_exact(&mut command).await.unwrap();
            let mut sequence = header[3] + 1;
            // COM_BINLOG_DUMP
            let answer = if command.first() == Some(&0x12) {
                let mut stream = Vec::new();
                for event in &events {
                    stream.extend(packet(&mut sequence, &[&[0], &event[..]].concat()));
                }
                stream.extend(packet(&mut sequence, EOF));
                stream
            } else {
                packet(&mut sequence, OK)
            };
            socket.write_all(&answer).await.unwrap();
        }
    });
    Endpoint {
        host: "127.0.0.1".to_owned(),
        port,
        user: "root".to_owned(),
        password: Secret::new("password"),
        connector: Arc::new(Connector::new(&Tls::default()).unwrap()),
    }
}

fn packet(sequence: &mut u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes()[..3].to_vec();
    bytes.push(*sequence);
    bytes.extend(payload);
    *sequence = sequence.wrapping_add(1);
    bytes
}

/// Reads what the server sends in a run that ends at `end`: the values of its rows, and what came then.
async fn read(events: Vec<Vec<u8>>, end: u64, transaction: usize) -> (u32, Result<(), Fault>) {
    let endpoint = server(events).await;
    let replica = Replica::new("c", "p", "h", Some(9), std::time::Duration::from_secs(1));
    let connection = Connection::open(&endpoint).await.unwrap();
    let dump = Dump::Position {
        file: "binlog.000001".to_owned(),
        position: 4,
    };
    let stream = Stream::open(connection, &replica, &dump, true, "here".to_owned()).await;
    let mut assembler = Assembler::new(Limits {
        rows: 1000,
        bytes: 1 << 20,
        transaction,
    });
    assembler.start("binlog.000001", 4, None);
    let mut running = Running {
        stream: stream.unwrap(),
        session: None,
        first: None,
        assembler,
        server_uuid: "u".to_owned(),
        waiting: None,
        taken: 0,
        state: State::Reading,
        bound: None,
        fault: None,
    };
    let end = End {
        server_uuid: "u".to_owned(),
        status: BinlogStatus {
            file: "binlog.000001".to_owned(),
            position: end,
            executed: String::new(),
        },
        files: vec![BinlogFile {
            name: "binlog.000001".to_owned(),
            size: end,
        }],
        began: None,
    };
    assert_eq!(
        end.offset(&Coordinates {
            file: "binlog.000001".into(),
            position: 4
        }),
        Some(4)
    );
    let mut definitions = Definitions::new(endpoint, replica, Owner::default());
    let mut rows = 0;
    loop {
        match running.read(Some(&end), &mut definitions).await {
            Ok(Some(batch)) => rows += batch.events.iter().map(Event::len).sum::<u32>(),
            Ok(None) => return (rows, Ok(())),
            Err(fault) => return (rows, Err(fault)),
        }
    }
}

/// A transaction of `count` rows events, with its end or without.
fn transaction(binlog: &mut Binlog, count: usize, is_whole: bool) -> Vec<Vec<u8>> {
    let row = [&front(types::WRITE_ROWS, 1, 1)[..], &[0, 1]].concat();
    let mut events = vec![
        binlog.event(types::QUERY, 0, &query("BEGIN")),
        binlog.event(types::TABLE_MAP, 0, &table_map(1, "t", &[TINY])),
    ];
    for _ in 0..count {
        events.push(binlog.event(types::WRITE_ROWS, 0, &row));
    }
    if is_whole {
        events.push(binlog.event(types::XID, 0, &7_u64.to_le_bytes()));
    }
    events
}

#[tokio::test]
async fn a_bounded_run_ends_where_the_server_was() {
    let mut binlog = Binlog::at(4);
    let mut events = transaction(&mut binlog, 3, true);
    let end = binlog.end;
    events.extend(transaction(&mut binlog, 2, true));
    let (rows, ended) = read(events, end, 1 << 20).await;
    assert!(ended.is_ok());
    assert_eq!(rows, 3);
}

/// A server that goes away ends its stream wherever it is: the end of a run is behind a transaction, and never inside of
/// one whose first rows have gone on, as far as it may have come.
#[tokio::test]
async fn a_stream_that_ends_inside_of_a_transaction_does_not_end_the_run() {
    for (held, gone_on) in [(1 << 20, 3), (100, 103)] {
        let mut binlog = Binlog::at(4);
        let mut events = transaction(&mut binlog, 3, true);
        let before = binlog.end;
        events.extend(transaction(&mut binlog, 100, false));
        // Before, at and behind what was sent.
        for end in [before + 1, before + 200, binlog.end, binlog.end + 1000] {
            let (rows, ended) = read(events.clone(), end, held).await;
            let fault = ended.unwrap_err();
            assert_eq!(fault.severity, Severity::Retry { after: None }, "{fault}");
            assert!(
                fault.to_string().contains("before the end of this run"),
                "{fault}"
            );
            assert!(rows >= 3 && rows <= gone_on, "{rows}");
        }
    }
}
