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
use wlf_data::Fault;
use wlf_net::http::{Client, Limits, Proxies, Server, serve};
use wlf_net::{Acceptor, Authorities, ServerTls, Tls, TlsError};

use crate::authority::{Authority, Signed, write};

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
    start_with(None).await
}

async fn start_with(acceptor: Option<Acceptor>) -> Running {
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
    let done = tokio::spawn(serve(SERVER, listener, acceptor, handler, async {
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

/// Files of an authority and what it has signed.
struct Files {
    place: tempfile::TempDir,
}

impl Files {
    fn new(authority: &Authority) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        write(place.path(), "ca.pem", &authority.pem());
        let files = Self { place };
        files.put("server", &authority.sign(&["localhost", "127.0.0.1"]));
        files.put("client", &authority.sign(&["somebody"]));
        files
    }

    fn put(&self, name: &str, signed: &Signed) {
        let place = self.place.path();
        write(place, &format!("{name}.pem"), &signed.cert);
        write(place, &format!("{name}.key"), &signed.key);
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    fn server(&self, client_ca: Option<&str>) -> ServerTls {
        ServerTls {
            cert: self.path("server.pem"),
            key: self.path("server.key"),
            client_ca: client_ca.map(|name| self.path(name)),
        }
    }

    /// A client that trusts the authority, with a certificate of its own if one is named.
    fn client(&self, own: Option<&str>) -> Client {
        let tls = Tls {
            ca: Some(Authorities::File(self.path("ca.pem"))),
            cert: own.map(|name| self.path(&format!("{name}.pem"))),
            key: own.map(|name| self.path(&format!("{name}.key"))),
            ..Tls::default()
        };
        Client::new(&tls, Limits::default(), Proxies::default()).expect("options")
    }
}

async fn ask(client: &Client, url: &str) -> Result<String, Fault> {
    let request = Request::post(url).body(Bytes::from_static(b"abc"));
    let response = client.send(request.expect("a request")).await?;
    Ok(String::from_utf8_lossy(response.body()).into_owned())
}

#[tokio::test]
async fn requests_are_answered_over_tls() {
    let files = Files::new(&Authority::new("ours"));
    let acceptor = Acceptor::new(files.server(None)).expect("files");
    let server = start_with(Some(acceptor)).await;
    let client = files.client(None);
    let url = format!("https://{}/a", server.address);
    for _ in 0..3 {
        assert_eq!(ask(&client, &url).await.expect("an answer"), "POST /a 3");
    }
    let fault = ask(&self::client(), &url)
        .await
        .expect_err("nobody we know");
    assert_eq!(fault.exit().code(), 78, "{fault}");
    // Who says nothing, or something else, is let go, and the others are served.
    let plain = url.replace("https", "http");
    ask(&client, &plain).await.expect_err("a port for TLS");
    let _silent: [TcpStream; 3] = [
        TcpStream::connect(server.address).await.expect("connect"),
        TcpStream::connect(server.address).await.expect("connect"),
        TcpStream::connect(server.address).await.expect("connect"),
    ];
    assert_eq!(
        ask(&files.client(None), &url).await.expect("in time"),
        "POST /a 3"
    );
    server.stop.send(()).expect("it runs");
    server.done.await.expect("it ends");
}

#[tokio::test]
async fn clients_may_have_to_show_a_certificate() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority);
    files.put("stranger", &Authority::new("another").sign(&["somebody"]));
    let acceptor = Acceptor::new(files.server(Some("ca.pem"))).expect("files");
    let server = start_with(Some(acceptor)).await;
    let url = format!("https://{}/a", server.address);
    let known = ask(&files.client(Some("client")), &url).await;
    assert_eq!(known.expect("an answer"), "POST /a 3");
    for (own, text) in [
        (None, "wants a certificate of ours"),
        (Some("stranger"), "refuses our certificate"),
    ] {
        let fault = ask(&files.client(own), &url).await.expect_err(text);
        assert_eq!(fault.exit().code(), 77, "{fault}");
        assert!(fault.to_string().contains(text), "{fault}");
    }
    assert_eq!(server.served.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let files = Files::new(&Authority::new("ours"));
    let missing = Acceptor::new(files.server(Some("missing.pem"))).expect_err("missing");
    assert!(
        matches!(
            missing,
            TlsError::File {
                option: "client_ca",
                ..
            }
        ),
        "{missing}"
    );
    let mut tls = files.server(None);
    tls.key = files.path("client.key");
    let other = Acceptor::new(tls).expect_err("another's key");
    assert!(matches!(other, TlsError::KeyOfAnother { .. }), "{other}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_within_a_minute_and_one_that_cannot_be_used_is_not() {
    let authority = Authority::new("ours");
    let files = Files::new(&authority);
    let acceptor = Acceptor::new(files.server(None)).expect("files");
    let server = start_with(Some(acceptor)).await;
    let url = format!("https://{}/a", server.address);
    // Each client has connections of its own.
    let asked = async || ask(&files.client(None), &url).await;
    let a_minute_later = async || {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
    };
    asked().await.expect("the first certificate");
    files.put("server", &authority.sign(&["another.example"]));
    asked().await.expect("the file was read just now");
    a_minute_later().await;
    let fault = asked().await.expect_err("for another name");
    assert!(
        fault.to_string().contains("but for `another.example`"),
        "{fault}"
    );
    files.put("server", &authority.sign(&["127.0.0.1"]));
    write(files.place.path(), "server.key", "no key");
    a_minute_later().await;
    let fault = asked().await.expect_err("the last one that could be used");
    assert!(
        fault.to_string().contains("but for `another.example`"),
        "{fault}"
    );
    files.put("server", &authority.sign(&["127.0.0.1"]));
    a_minute_later().await;
    asked().await.expect("the third certificate");
}
