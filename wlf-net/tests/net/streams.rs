//! What goes through a connection.

use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wlf_net::{Authorities, Connector, Mode, Stream, Tls, connect, speaks_tls};

use crate::authority::{Authority, write};
use crate::server::{Kind, Server};

const LIMIT: Duration = Duration::from_secs(10);

/// A plain connection and a secured one, each to a server that says lines again.
async fn both() -> [Stream; 2] {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("our authority");
    let secured = Server::tls(&authority.sign(&["localhost"])).await;
    let plain = Server::start(Kind::Plain).await;
    let tls = Tls {
        ca: Some(Authorities::File(write(
            directory.path(),
            "ca.pem",
            &authority.pem(),
        ))),
        ..Tls::default()
    };
    let connector = Connector::new(&tls).expect("options that go together");
    let none = Connector::new(&Tls::default()).expect("options that go together");
    [
        connect("localhost", plain.port, LIMIT, &none)
            .await
            .expect("a connection"),
        connect("localhost", secured.port, LIMIT, &connector)
            .await
            .expect("TLS"),
    ]
}

fn line(length: usize) -> Vec<u8> {
    let mut line: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
    line.push(b'\n');
    line
}

/// More than a session and a socket hold: who only writes and then reads is answered, without a flush.
#[tokio::test]
async fn a_question_is_sent_by_reading_the_answer() {
    for mut stream in both().await {
        for length in [0, 1, 16 << 10, 200 << 10, 5 << 20] {
            let line = line(length);
            stream.write_all(&line).await.expect("write");
            let mut heard = vec![0; line.len()];
            let read = tokio::time::timeout(LIMIT, stream.read_exact(&mut heard)).await;
            read.expect("an answer in time").expect("an answer");
            assert!(heard == line, "{length} bytes");
        }
    }
}

#[tokio::test]
async fn both_directions_go_at_once() {
    for mut stream in both().await {
        let (mut read, mut write) = stream.split();
        let send = async {
            for _ in 0..64 {
                write.write_all(&line(64 << 10)).await.expect("write");
            }
            write.flush().await.expect("flush");
        };
        let mut heard = vec![0; 64 * line(64 << 10).len()];
        let receive = async { read.read_exact(&mut heard).await.expect("read") };
        futures_util::future::join(pin!(send), pin!(receive)).await;
        for part in heard.chunks(line(64 << 10).len()) {
            assert!(part == line(64 << 10));
        }
    }
}

#[tokio::test]
async fn the_end_is_an_end_and_no_error() {
    for mut stream in both().await {
        stream.shutdown().await.expect("shut down");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("the end");
        assert!(rest.is_empty());
    }
}

/// Somebody in between can end a plain connection unseen, and a secured one not.
#[tokio::test]
async fn an_end_without_a_farewell_is_an_error_where_the_connection_is_secured() {
    for mut stream in both().await {
        stream.write_all(b"go\n").await.expect("write");
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"go\n");
        match stream {
            Stream::Plain(_) => drop(end.expect("the end")),
            Stream::Tls(_) => assert_eq!(
                end.expect_err("cut off").to_string(),
                "unexpected end of file"
            ),
        }
    }
}

#[tokio::test]
async fn a_port_for_tls_is_recognised_by_who_speaks_plainly() {
    let authority = Authority::new("our authority");
    let server = Server::tls(&authority.sign(&["localhost"])).await;
    let tls = Tls {
        mode: Some(Mode::Disabled),
        ..Tls::default()
    };
    let connector = Connector::new(&tls).expect("options that go together");
    let mut stream = connect("localhost", server.port, LIMIT, &connector)
        .await
        .expect("plain");
    stream.write_all(b"PING\r\n").await.expect("write");
    let mut answer = Vec::new();
    stream.read_buf(&mut answer).await.expect("an answer");
    assert!(speaks_tls(&answer), "{answer:?}");
    for answer in [
        &b""[..],
        b"\x15",
        b"+PONG\r\n",
        b"-ERR",
        b"\x4a\0\0\0\x0a9.7.4",
    ] {
        assert!(!speaks_tls(answer));
    }
}
