//! The example `exchange` as a guest, compiled ahead of time, under both versions of WasmEdge.

#[path = "../net/authority.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod authority;
#[path = "../net/server.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod server;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use rustls::crypto::ring;
use tokio::net::TcpListener;
use wlf_net::Tls;
use wlf_net::http::{Client, Limits, Proxies, Server, serve};

use authority::{Authority, write};
use server::{Kind, Server as Peer, config};

/// A WasmEdge and the example that is compiled for it.
struct Runtime {
    name: &'static str,
}

fn given(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run these tests with `cargo xtask test`"))
}

/// What a guest printed, and its exit code.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Runtime {
    fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(given(&format!("WLF_TEST_WASMEDGE_{}", self.name)));
        if self.name == "017" {
            command.arg("--run-mode=aot");
        }
        command
            .arg("--dir")
            .arg(format!("/certs:{}", directory.display()))
            .arg(given(&format!("WLF_TEST_EXCHANGE_SO_{}", self.name)))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the guest to its end; servers of the test run meanwhile.
    async fn run(&self, directory: &Path, arguments: &[&str]) -> Ended {
        let child = self
            .command(directory, arguments)
            .spawn()
            .expect("WasmEdge starts");
        ended(child).await
    }
}

async fn ended(mut child: Child) -> Ended {
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let (mut stdout, mut stderr) = (String::new(), String::new());
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut stdout).expect("text");
    }
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut stderr)
        .expect("text");
    Ended {
        code: status.code(),
        stdout,
        stderr,
    }
}

/// Makes each function a test under both versions of WasmEdge.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod wasmedge_0_14 {
            $(#[tokio::test] async fn $name() { super::$name(&super::Runtime { name: "014" }).await; })*
        }
        mod wasmedge_0_17 {
            $(#[tokio::test] async fn $name() { super::$name(&super::Runtime { name: "017" }).await; })*
        }
    };
}

on_both!(
    a_guest_secures_its_connections,
    a_guest_says_why_it_does_not,
    a_guest_asks_over_kept_connections,
    a_guest_answers,
);

async fn a_guest_secures_its_connections(runtime: &Runtime) {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path();
    let ours = Authority::new("our authority");
    let signed = ours.sign(&["localhost", "127.0.0.1"]);
    let mine = ours.sign(&["client"]);
    write(place, "ca.pem", &ours.pem());
    write(place, "mine.pem", &mine.cert);
    write(place, "mine.key", &mine.key);
    let mut aes = ring::default_provider();
    (aes.cipher_suites).retain(|suite| format!("{suite:?}").contains("AES_128"));
    let tls_12 = config(
        &signed,
        ring::default_provider(),
        &[&rustls::version::TLS12],
        None,
    );
    let wanting = config(
        &signed,
        ring::default_provider(),
        rustls::ALL_VERSIONS,
        Some(&ours),
    );
    let aes = config(&signed, aes, rustls::ALL_VERSIONS, None);
    for (kind, arguments, expected) in [
        (
            Kind::Tls(tls_12),
            &["ca=/certs/ca.pem"][..],
            "TLS 1.2, ChaCha20-Poly1305\n",
        ),
        (
            Kind::Tls(aes),
            &["ca=/certs/ca.pem"],
            "TLS 1.3, AES-128-GCM\n",
        ),
        (
            Kind::Tls(wanting),
            &[
                "ca=/certs/ca.pem",
                "cert=/certs/mine.pem",
                "key=/certs/mine.key",
            ],
            "TLS 1.3, ChaCha20-Poly1305\n",
        ),
        (Kind::Plain, &["mode=preferred"], "plain\n"),
        (Kind::Plain, &[], "plain\n"),
    ] {
        let peer = Peer::start(kind).await;
        let port = peer.port.to_string();
        let arguments = [&["handshakes", "localhost", &port, "3"], arguments].concat();
        let ended = runtime.run(place, &arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.starts_with(expected), "{ended:?}");
    }
}

async fn a_guest_says_why_it_does_not(runtime: &Runtime) {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path();
    let (ours, foreign) = (Authority::new("our authority"), Authority::new("another"));
    let names = ["localhost"];
    write(place, "ca.pem", &ours.pem());
    let wanting = config(
        &ours.sign(&names),
        ring::default_provider(),
        rustls::ALL_VERSIONS,
        Some(&ours),
    );
    let tls = |signed| {
        Kind::Tls(config(
            signed,
            ring::default_provider(),
            rustls::ALL_VERSIONS,
            None,
        ))
    };
    let ca = "ca=/certs/ca.pem";
    for (kind, argument, code, expected) in [
        (
            tls(&foreign.sign(&names)),
            ca,
            78,
            "is signed by an unknown authority",
        ),
        (
            tls(&ours.sign(&["db.example"])),
            ca,
            78,
            "is not for `localhost` but for `db.example`",
        ),
        (tls(&ours.sign(&[])), ca, 78, "has no subjectAltName"),
        (
            tls(&ours.sign_expired()),
            ca,
            69,
            "has expired on 2021-02-03",
        ),
        (tls(&ours.sign_for_later()), ca, 69, "is not valid yet"),
        (Kind::Plain, ca, 78, "does not speak TLS"),
        (
            Kind::Closing,
            ca,
            69,
            "closed the connection when TLS was to begin",
        ),
        (Kind::Tls(wanting), ca, 77, "wants a certificate of ours"),
        (
            Kind::Silent,
            "ca=/other/ca.pem",
            66,
            "cannot read `/other/ca.pem`, which is `tls.ca`",
        ),
        // Of the authorities that the module holds, none has signed it.
        (
            tls(&ours.sign(&names)),
            "mode=verify_identity",
            78,
            "is signed by an unknown authority",
        ),
    ] {
        let peer = Peer::start(kind).await;
        let port = peer.port.to_string();
        let ended = runtime
            .run(place, &["handshakes", "localhost", &port, "1", argument])
            .await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{expected}: {ended:?}");
    }
}

async fn a_guest_asks_over_kept_connections(runtime: &Runtime) {
    let directory = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    let handler = |request: Request<Bytes>| async move {
        let said = format!("{} {}", request.method(), request.uri());
        Response::new(Full::new(Bytes::from(said)))
    };
    // A second connection would not be taken.
    let limits = Server {
        connections: 1,
        ..Server::default()
    };
    tokio::spawn(serve(
        limits,
        listener,
        None,
        handler,
        std::future::pending(),
    ));
    let ended = runtime
        .run(
            directory.path(),
            &["get", &format!("http://{address}/a?b"), "200"],
        )
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("200 OK GET /a?b\n"), "{ended:?}");
}

async fn a_guest_answers(runtime: &Runtime) {
    let directory = tempfile::tempdir().expect("a directory");
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        listener
            .local_addr()
            .expect("an address")
            .port()
            .to_string()
    };
    let mut child = runtime
        .command(directory.path(), &["serve", &port])
        .spawn()
        .expect("WasmEdge starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "listening\n");
    let client =
        Client::new(&Tls::default(), Limits::default(), Proxies::default()).expect("options");
    let post = async |path: &str, length: usize| {
        let request = Request::post(format!("http://127.0.0.1:{port}{path}"))
            .body(Bytes::from(vec![b'x'; length]))
            .expect("a request");
        let response = client.send(request).await.expect("an answer");
        let text = String::from_utf8_lossy(response.body()).into_owned();
        (response.status().as_u16(), text)
    };
    for length in [0, 1, 1 << 20] {
        assert_eq!(
            post("/a", length).await,
            (200, format!("POST /a {length}\n"))
        );
    }
    assert_eq!(post("/a", (1 << 20) + 1).await.0, 413);
    // Who says half of a head gives up its place in time.
    let mut half = tokio::net::TcpStream::connect(("127.0.0.1", port.parse().expect("a port")))
        .await
        .expect("connect");
    tokio::io::AsyncWriteExt::write_all(&mut half, b"GET / HT")
        .await
        .expect("write");
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut half, &mut rest);
    tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .expect("an end in time")
        .expect("the end");
    assert_eq!(post("/stop", 0).await.0, 200);
    let ended = ended(child).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    line.clear();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "stopped\n");
}
