//! The server of HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wlf_net::Tls;
use wlf_net::http::{Client, Limits, Proxies, Server, serve};

const SERVER: Server = Server {
    header: Duration::from_millis(300),
    body: 1000,
    body_time: Duration::from_millis(300),
    connections: 3,
    drain: Duration::from_millis(700),
};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
    served: Arc<AtomicU32>,
}

/// A server that says what it heard; it takes its time for `/slow/<milliseconds>`.
async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let served = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&served);
    let handler = move |request: Request<Bytes>| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            if let Some(time) = request.uri().path().strip_prefix("/slow/") {
                tokio::time::sleep(Duration::from_millis(time.parse().expect("a time"))).await;
            }
            let said = format!(
                "{} {} {}",
                request.method(),
                request.uri(),
                request.body().len()
            );
            Response::new(Full::new(Bytes::from(said)))
        }
    };
    let done = tokio::spawn(serve(SERVER, listener, handler, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        done,
        served,
    }
}

fn client() -> Client {
    Client::new(&Tls::default(), Limits::default(), Proxies::default()).expect("options")
}

impl Running {
    async fn post(&self, client: &Client, path: &str, length: usize) -> (StatusCode, String) {
        let request = Request::post(format!("http://{}{path}", self.address))
            .body(Bytes::from(vec![b'x'; length]))
            .expect("a request");
        let response = client.send(request).await.expect("an answer");
        let body = String::from_utf8_lossy(response.body()).into_owned();
        (response.status(), body)
    }

    /// Says something and hears all that comes until the end of the connection.
    async fn say(&self, text: &str) -> String {
        let mut tcp = TcpStream::connect(self.address).await.expect("connect");
        tcp.write_all(text.as_bytes()).await.expect("write");
        let mut heard = String::new();
        let read = tokio::time::timeout(Duration::from_secs(5), tcp.read_to_string(&mut heard));
        read.await.expect("an end in time").expect("text");
        heard
    }
}

#[tokio::test]
async fn requests_are_answered_one_after_the_other() {
    let server = start().await;
    let client = client();
    for length in [0, 1, 1000] {
        let (status, body) = server.post(&client, "/a?b=c", length).await;
        assert_eq!(
            (status, body),
            (StatusCode::OK, format!("POST /a?b=c {length}"))
        );
    }
    // Several at once, and a body in pieces.
    let heard = server
        .say(
            "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n\
             POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n\
             GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
    let at = |text: &str| {
        heard
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {heard}"))
    };
    assert!(at("GET /1 0") < at("POST /2 7") && at("POST /2 7") < at("GET /3 0"));
}

#[tokio::test]
async fn bodies_and_heads_have_their_limits() {
    let server = start().await;
    let (status, _) = server.post(&client(), "/", 1001).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    for (said, heard) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n", ""),
        ("", ""),
        ("nonsense\r\n\r\n", "HTTP/1.1 400"),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
            "HTTP/1.1 408",
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n",
            "HTTP/1.1 408",
        ),
    ] {
        let answer = server.say(said).await;
        assert!(answer.starts_with(heard), "{said}: {answer}");
        assert!(!answer.contains("200"), "{said}: {answer}");
    }
    assert_eq!(server.served.load(Ordering::Relaxed), 0);
}

/// Those who say nothing take the places for a while, and not for ever; those who go away give theirs back.
#[tokio::test]
async fn more_connections_than_it_takes_wait_for_their_turn() {
    let server = start().await;
    let mut silent = Vec::new();
    for _ in 0..2 * SERVER.connections {
        silent.push(TcpStream::connect(server.address).await.expect("connect"));
    }
    let (status, _) = server.post(&client(), "/", 1).await;
    assert_eq!(status, StatusCode::OK);
    for _ in 0..50 {
        let mut tcp = TcpStream::connect(server.address).await.expect("connect");
        tcp.write_all(b"GET /slow/1 HTTP/1.1\r\n")
            .await
            .expect("write");
    }
    let (status, _) = server.post(&client(), "/", 1).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn it_ends_in_good_order() {
    let server = start().await;
    let (client, idle) = (client(), client());
    server.post(&idle, "/", 1).await;
    let Running {
        address,
        stop,
        done,
        served,
    } = server;
    let before = served.load(Ordering::Relaxed);
    let request = Request::get(format!("http://{address}/slow/400")).body(Bytes::new());
    let answer = tokio::spawn(async move { client.send(request.expect("a request")).await });
    while served.load(Ordering::Relaxed) == before {
        tokio::task::yield_now().await;
    }
    stop.send(()).expect("it runs");
    let response = answer.await.expect("no panic").expect("an answer");
    assert_eq!(response.body(), "GET /slow/400 0");
    // The connection that is idle does not hold it up.
    tokio::time::timeout(Duration::from_millis(500), done)
        .await
        .expect("it has ended")
        .expect("no panic");
    TcpStream::connect(address)
        .await
        .expect_err("nobody listens");
}

#[tokio::test]
async fn what_takes_too_long_is_cut_off_at_its_end() {
    let server = start().await;
    let Running {
        address,
        stop,
        done,
        served,
    } = server;
    let before = served.load(Ordering::Relaxed);
    let request = Request::get(format!("http://{address}/slow/60000")).body(Bytes::new());
    let answer = tokio::spawn(async move { client().send(request.expect("a request")).await });
    while served.load(Ordering::Relaxed) == before {
        tokio::task::yield_now().await;
    }
    stop.send(()).expect("it runs");
    tokio::time::timeout(Duration::from_secs(2), done)
        .await
        .expect("it has ended")
        .expect("no panic");
    answer.await.expect("no panic").expect_err("cut off");
}
