//! The client of HTTP, against servers that say what a test wants them to.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, StatusCode};
use rustls::crypto::ring;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wlf_data::{Fault, Severity};
use wlf_net::http::{Client, HttpError, Limits, Proxies};
use wlf_net::{Authorities, Tls};

use crate::authority::{Authority, Signed, write};
use crate::server::{Kind, Server, config};

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    first_byte: Duration::from_millis(600),
    whole: Duration::from_millis(1500),
    idle: Duration::from_secs(30),
    body: 100_000,
};

fn client() -> Client {
    Client::new(&Tls::default(), LIMITS, Proxies::default()).expect("options that go together")
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).expect("a request")
}

fn post(url: &str) -> Request<Bytes> {
    Request::post(url)
        .body(Bytes::from("body"))
        .expect("a request")
}

/// A server that gives its answers in turn, whatever is asked; `None` closes the connection when a request has come.
struct Script {
    port: u16,
    connections: Arc<AtomicU32>,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
}

type Answer = Option<Vec<u8>>;

impl Script {
    async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let port = listener.local_addr().expect("an address").port();
        let script = Self {
            port,
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (
            Arc::clone(&script.connections),
            Arc::clone(&script.requests),
        );
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((tcp, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                let mut tcp = BufReader::new(tcp);
                while let Some(head) = request(&mut tcp).await {
                    requests.lock().expect("requests").push(head);
                    let Some(answer) = answers.next() else {
                        // It has nothing more to say, and stays.
                        std::future::pending().await
                    };
                    match answer {
                        Some(answer) => tcp.write_all(&answer).await.expect("write"),
                        None => break,
                    }
                }
            }
        });
        script
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/path?query=1", self.port)
    }

    fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }
}

/// Reads a request with its body and returns its head.
async fn request<S: AsyncRead + Unpin>(tcp: &mut BufReader<S>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if tcp.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).map(|rest| {
        rest.lines()
            .next()
            .and_then(|line| line.parse().ok())
            .expect("a length")
    });
    tcp.read_exact(&mut vec![0; length.unwrap_or(0)])
        .await
        .ok()?;
    Some(head)
}

fn answer(head: &str, body: &[u8]) -> Answer {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    Some([head.as_bytes(), body].concat())
}

fn ok(body: &str) -> Answer {
    answer("200 OK", body.as_bytes())
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("pack");
    encoder.finish().expect("pack")
}

#[tokio::test]
async fn requests_share_a_connection_and_say_what_they_have_to() {
    let script = Script::start(vec![ok("one"), ok("two"), ok("three")]).await;
    let client = client();
    for expected in ["one", "two", "three"] {
        let response = client.send(post(&script.url())).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.body(), expected);
    }
    assert_eq!(script.connections(), 1);
    let host = format!("host: 127.0.0.1:{}\r\n", script.port);
    for head in script.requests() {
        assert!(
            head.starts_with("POST /path?query=1 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.contains(&host) && head.contains("accept-encoding: gzip\r\n"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_any_status_is_one_and_redirects_are_not_followed() {
    let script = Script::start(vec![
        answer("302 Found\r\nLocation: http://nowhere.invalid/", b""),
        answer("503 Service Unavailable\r\nRetry-After: 7", b"later"),
    ])
    .await;
    let client = client();
    let response = client.send(get(&script.url())).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "http://nowhere.invalid/");
    let response = client.send(get(&script.url())).await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (503, &b"later"[..])
    );
}

#[tokio::test]
async fn a_connection_that_went_stale_costs_a_request_nothing() {
    // It does not say that the connection ends.
    let closing = ok("one").expect("bytes");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut tcp = BufReader::new(tcp);
            request(&mut tcp).await;
            tcp.write_all(&closing).await.expect("write");
        }
    });
    let client = client();
    let url = format!("http://localhost:{port}/");
    for _ in 0..3 {
        let response = client.send(post(&url)).await.expect("an answer");
        assert_eq!(response.body(), "one");
        // Until the end of the connection is here.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The server has the request, and whether it did what it says nobody knows.
#[tokio::test]
async fn a_request_that_was_sent_is_repeated_only_if_that_does_no_harm() {
    let script = Script::start(vec![ok("one"), None, ok("two")]).await;
    let kept = client();
    kept.send(get(&script.url())).await.expect("an answer");
    let response = kept.send(get(&script.url())).await.expect("an answer");
    assert_eq!(response.body(), "two");
    assert_eq!((script.connections(), script.requests().len()), (2, 3));

    let script = Script::start(vec![ok("one"), None, ok("two")]).await;
    let kept = client();
    kept.send(get(&script.url())).await.expect("an answer");
    let error = kept
        .send(post(&script.url()))
        .await
        .expect_err("it may have been done");
    assert!(matches!(error, HttpError::Broken { .. }), "{error}");
    assert_eq!(error.severity(), Severity::Retry { after: None });

    // On a new connection nothing is repeated.
    let script = Script::start(vec![None, ok("two")]).await;
    client()
        .send(get(&script.url()))
        .await
        .expect_err("a closed connection");
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn packed_answers_are_unpacked_within_the_limit() {
    let text = "Grüße ".repeat(5000);
    let packed = gzip(text.as_bytes());
    let bomb = gzip(&vec![0; 50 << 20]);
    assert!(bomb.len() < LIMITS.body);
    let two = [gzip(b"one "), gzip(b"two")].concat();
    let script = Script::start(vec![
        answer("200 OK\r\nContent-Encoding: gzip", &packed),
        answer("200 OK\r\nContent-Encoding: gzip", &two),
        answer("200 OK\r\nContent-Encoding: gzip", &bomb),
        answer(
            "200 OK\r\nContent-Encoding: gzip",
            &packed[..packed.len() / 2],
        ),
        answer("200 OK\r\nContent-Encoding: gzip", b"plain"),
        answer("200 OK", &vec![b'x'; LIMITS.body + 1]),
        answer("200 OK", &vec![b'x'; LIMITS.body]),
    ])
    .await;
    let client = client();
    let send = || client.send(get(&script.url()));
    let response = send().await.expect("an answer");
    assert!(response.body() == text.as_bytes());
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(send().await.expect("an answer").body(), "one two");
    assert!(matches!(send().await, Err(HttpError::TooLarge { .. })));
    assert!(matches!(send().await, Err(HttpError::NotGzip { .. })));
    assert!(matches!(send().await, Err(HttpError::NotGzip { .. })));
    assert!(matches!(send().await, Err(HttpError::TooLarge { .. })));
    assert_eq!(send().await.expect("an answer").body().len(), LIMITS.body);
}

#[tokio::test]
async fn every_wait_has_its_end() {
    let silent = Script::start(vec![]).await;
    let error = client()
        .send(get(&silent.url()))
        .await
        .expect_err("silence");
    assert!(matches!(error, HttpError::Unanswered { .. }), "{error}");
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec();
    let slow = Script::start(vec![Some(half)]).await;
    let error = client()
        .send(get(&slow.url()))
        .await
        .expect_err("half an answer");
    assert_eq!(
        error.to_string(),
        format!("127.0.0.1:{} has not answered within 1.5 s", slow.port)
    );
}

#[tokio::test]
async fn other_urls_are_refused_without_their_secrets() {
    for url in [
        "/path",
        "ftp://x/",
        "http://me:s3cret@x/?token=s3cret",
        "example.com",
    ] {
        let error = client().send(get(url)).await.expect_err(url);
        assert!(matches!(error, HttpError::Url { .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

/// A server that answers over TLS, and the client's options that trust it.
async fn secured() -> (Server, Tls) {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("our authority");
    let server = Server::start(Kind::Http(authority.sign(&["localhost"]))).await;
    // The file is read at the first connection.
    let ca = write(&directory.keep(), "ca.pem", &authority.pem());
    let tls = Tls {
        ca: Some(Authorities::File(ca)),
        ..Tls::default()
    };
    (server, tls)
}

#[tokio::test]
async fn https_is_checked_and_kept_too() {
    let (server, tls) = secured().await;
    let url = format!("https://localhost:{}/", server.port);
    let trusting = Client::new(&tls, LIMITS, Proxies::default()).expect("options");
    for _ in 0..3 {
        let response = trusting.send(post(&url)).await.expect("an answer");
        assert_eq!(response.body(), "secured");
    }
    assert_eq!(server.connections(), 1);
    let fault = Fault::from(
        client()
            .send(get(&url))
            .await
            .expect_err("an unknown authority"),
    );
    assert_eq!(fault.exit().code(), 78);
    assert!(fault.to_string().contains("unknown authority"), "{fault}");
    let plain = url.replace("https", "http");
    let error = trusting
        .send(get(&plain))
        .await
        .expect_err("a port for TLS");
    assert!(matches!(error, HttpError::Broken { .. }), "{error}");
    for mode in [wlf_net::Mode::Disabled, wlf_net::Mode::Preferred] {
        let tls = Tls {
            mode: Some(mode),
            ..Tls::default()
        };
        Client::new(&tls, LIMITS, Proxies::default()).expect_err("https is TLS");
    }
}

/// A proxy that wants a login, and forwards nothing: it answers itself, or connects to the port that it is asked for, of
/// this machine.
async fn proxy() -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    proxy_with(None).await
}

/// The same over TLS, with this certificate.
async fn proxy_with(signed: Option<Signed>) -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    let acceptor = signed.map(|signed| {
        let versions = rustls::ALL_VERSIONS;
        TlsAcceptor::from(config(&signed, ring::default_provider(), versions, None))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("an address").port();
    let heads: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (seen, acceptor) = (Arc::clone(&seen), acceptor.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Socket> = match acceptor {
                    None => Box::new(tcp),
                    Some(acceptor) => match acceptor.accept(tcp).await {
                        Ok(tls) => Box::new(tls),
                        Err(_) => return,
                    },
                };
                let mut tcp = BufReader::new(stream);
                while let Some(head) = request(&mut tcp).await {
                    seen.lock().expect("heads").push(head.clone());
                    if !head
                        .to_ascii_lowercase()
                        .contains("proxy-authorization: basic bwu6cebzcw==")
                    {
                        tcp.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
                            .await
                            .expect("write");
                        continue;
                    }
                    let Some(target) = head.strip_prefix("CONNECT ") else {
                        let answer = ok("by proxy").expect("bytes");
                        tcp.write_all(&answer).await.expect("write");
                        continue;
                    };
                    let target = target.split(' ').next().expect("a target");
                    let (_, port) = target.rsplit_once(':').expect("a port");
                    if port == "1" {
                        tcp.write_all(b"HTTP/1.1 403 No\r\n\r\n")
                            .await
                            .expect("write");
                        return;
                    }
                    let port: u16 = port.parse().expect("a port");
                    let mut other = TcpStream::connect(("127.0.0.1", port))
                        .await
                        .expect("connect");
                    tcp.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
                        .await
                        .expect("write");
                    let _ = tokio::io::copy_bidirectional(&mut tcp, &mut other).await;
                    return;
                }
            });
        }
    });
    (port, heads)
}

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

fn through(port: u16, login: &str) -> Proxies {
    through_url(&format!("http://{login}127.0.0.1:{port}"))
}

fn through_url(url: &str) -> Proxies {
    let url = url.to_owned();
    Proxies::new(|name| {
        ["HTTP_PROXY", "HTTPS_PROXY"]
            .contains(&name)
            .then(|| url.clone())
    })
    .expect("proxies")
}

#[tokio::test]
async fn requests_go_through_the_proxy() {
    let (port, heads) = proxy().await;
    let (server, mut tls) = secured().await;
    // No name that leads to this machine: those go through no proxy.
    tls.server_name = Some("localhost".to_owned());
    let client = Client::new(&tls, LIMITS, through(port, "me:p%40ss@")).expect("options");
    for path in ["/a", "/b"] {
        let response = client
            .send(get(&format!("http://example.invalid{path}")))
            .await;
        assert_eq!(response.expect("an answer").body(), "by proxy");
    }
    for _ in 0..2 {
        let url = format!("https://example.invalid:{}/", server.port);
        let response = client.send(post(&url)).await.expect("an answer");
        assert_eq!(response.body(), "secured");
    }
    let said = heads.lock().expect("heads").clone();
    let lines: Vec<&str> = said.iter().filter_map(|head| head.lines().next()).collect();
    let connect = format!("CONNECT example.invalid:{} HTTP/1.1", server.port);
    assert_eq!(
        lines,
        [
            "GET http://example.invalid/a HTTP/1.1",
            "GET http://example.invalid/b HTTP/1.1",
            &connect
        ]
    );
    let fault = Fault::from(
        client
            .send(get("https://example.invalid:1/"))
            .await
            .expect_err("refused"),
    );
    assert_eq!(
        fault.to_string(),
        format!(
            "send a request: the proxy 127.0.0.1:{port} does not connect to example.invalid:1: it says 403"
        )
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_told() {
    let (port, _) = proxy().await;
    let without_login = Client::new(&Tls::default(), LIMITS, through(port, "")).expect("options");
    let fault = Fault::from(
        without_login
            .send(get("https://example.invalid/"))
            .await
            .expect_err("407"),
    );
    assert_eq!(fault.exit().code(), 77);
    let response = without_login
        .send(get("http://example.invalid/"))
        .await
        .expect("an answer");
    assert_eq!(response.status(), 407);

    let plain = Server::start(Kind::Plain).await;
    let client = Client::new(&Tls::default(), LIMITS, through(plain.port, "")).expect("options");
    let error = client
        .send(get("https://example.invalid/"))
        .await
        .expect_err("no proxy");
    assert!(
        matches!(
            error,
            HttpError::NotAProxy { .. } | HttpError::Unanswered { .. }
        ),
        "{error}"
    );

    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        listener.local_addr().expect("an address").port()
    };
    let client = Client::new(&Tls::default(), LIMITS, through(nobody, "")).expect("options");
    let fault = Fault::from(
        client
            .send(get("http://example.invalid/"))
            .await
            .expect_err("nobody"),
    );
    let text = fault.to_string();
    assert!(
        text.contains("the proxy cannot be reached") && text.ends_with("connection refused"),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_may_be_spoken_to_over_tls() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new("our authority");
    let server = Server::start(Kind::Http(authority.sign(&["example.invalid"]))).await;
    let (port, heads) = proxy_with(Some(authority.sign(&["localhost"]))).await;
    let tls = Tls {
        ca: Some(Authorities::File(write(
            directory.path(),
            "ca.pem",
            &authority.pem(),
        ))),
        ..Tls::default()
    };
    let client_by = |tls: &Tls, host: &str| {
        let proxies = through_url(&format!("https://me:p%40ss@{host}:{port}"));
        Client::new(tls, LIMITS, proxies).expect("options")
    };
    let client = client_by(&tls, "localhost");
    let response = client.send(get("http://example.invalid/a")).await;
    assert_eq!(response.expect("an answer").body(), "by proxy");
    // TLS in TLS: the proxy does not see what goes through it.
    let url = format!("https://example.invalid:{}/", server.port);
    for _ in 0..2 {
        let response = client.send(post(&url)).await.expect("an answer");
        assert_eq!(response.body(), "secured");
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(heads.lock().expect("heads").len(), 2);
    // It has to be the proxy that is named, and known.
    for (tls, host, text) in [
        (&tls, "127.0.0.1", "is not for `127.0.0.1`"),
        (&Tls::default(), "localhost", "unknown authority"),
    ] {
        let client = client_by(tls, host);
        let fault = Fault::from(client.send(get(&url)).await.expect_err(text));
        assert_eq!(fault.exit().code(), 78, "{fault}");
        assert!(fault.to_string().contains(text), "{fault}");
        assert!(!fault.to_string().contains("p@ss"), "{fault}");
    }
}

#[tokio::test]
async fn a_proxy_without_tls_is_told_from_one_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.expect("a client");
        let answer = b"HTTP/1.1 400 Bad Request

";
        tcp.write_all(answer).await.expect("write");
        // It is heard before the connection is gone.
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    });
    let proxies = through_url(&format!("https://localhost:{port}"));
    let client = Client::new(&Tls::default(), LIMITS, proxies).expect("options");
    let url = "https://example.invalid/";
    let fault = Fault::from(client.send(get(url)).await.expect_err("no TLS"));
    assert_eq!(fault.exit().code(), 78, "{fault}");
    assert_eq!(
        fault.to_string(),
        format!("send a request: the proxy cannot be reached: localhost:{port} does not speak TLS")
    );
    assert!(
        fault
            .hint
            .is_some_and(|hint| hint.contains("write `http://`"))
    );
}
