//! The client and the server of HTTP with programs of others: Python's server, and curl.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::net::TcpListener;
use wlf_net::Tls;
use wlf_net::http::{Client, Limits, Proxies, Server, serve};

/// Python's server, which ends with this.
struct Python(Child);

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Keeps connections, packs its answers with gzip, and says how long a body was.
const SERVER: &str = r#"
import gzip, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = f"{self.client_address[1]} {len(self.rfile.read(length))} {self.path}".encode()
        body = gzip.compress(body)
        self.send_response(201)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

#[tokio::test]
async fn the_client_speaks_with_pythons_server() {
    let mut child = Command::new("python3")
        .args(["-c", SERVER])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is to be installed");
    let stdout = child.stdout.take().expect("a pipe");
    let _python = Python(child);
    let mut port = String::new();
    BufReader::new(stdout).read_line(&mut port).expect("a port");
    let client =
        Client::new(&Tls::default(), Limits::default(), Proxies::default()).expect("options");
    let mut ports = Vec::new();
    for length in [0, 10, 3 << 20] {
        let request = Request::post(format!("http://localhost:{}/a?b", port.trim()))
            .body(Bytes::from(vec![b'x'; length]))
            .expect("a request");
        let response = client.send(request).await.expect("an answer");
        assert_eq!(response.status(), 201);
        let body = String::from_utf8_lossy(response.body()).into_owned();
        let (port, rest) = body.split_once(' ').expect("two words");
        assert_eq!(rest, format!("{length} /a?b"));
        ports.push(port.to_owned());
    }
    assert!(
        ports.iter().all(|port| *port == ports[0]),
        "one connection: {ports:?}"
    );
}

#[tokio::test]
async fn curl_speaks_with_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("an address");
    let handler = |request: Request<Bytes>| async move {
        let said = format!(
            "{} {} {}\n",
            request.method(),
            request.uri(),
            request.body().len()
        );
        Response::new(Full::new(Bytes::from(said)))
    };
    let limits = Server {
        body: 5 << 20,
        ..Server::default()
    };
    tokio::spawn(serve(
        limits,
        listener,
        None,
        handler,
        std::future::pending(),
    ));
    let curl = async |arguments: &[&str], body: usize| {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--noproxy",
                "*",
                "--max-time",
                "20",
            ])
            .args(arguments)
            .stdout(Stdio::piped());
        if body > 0 {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), vec![b'x'; body]).expect("write");
            command
                .arg("--data-binary")
                .arg(format!("@{}", file.path().display()));
            return ended(command, file).await;
        }
        ended(command, ()).await
    };
    let url = |path: &str| format!("http://{address}{path}");
    // Two requests over one connection.
    let heard = curl(
        &[&url("/1"), &url("/2"), "--write-out", "%{num_connects}\n"],
        0,
    )
    .await;
    assert_eq!(heard, "GET /1 0\n1\nGET /2 0\n0\n");
    // curl asks before it sends so much (`Expect: 100-continue`).
    let heard = curl(&[&url("/large")], 3 << 20).await;
    assert_eq!(heard, format!("POST /large {}\n", 3 << 20));
    let heard = curl(&[&url("/"), "--write-out", "%{http_code}"], 6 << 20).await;
    assert!(heard.ends_with("413"), "{heard}");
    let heard = curl(&["--head", &url("/")], 0).await;
    assert!(
        heard.starts_with("HTTP/1.1 200 OK\r\n") && heard.ends_with("\r\n\r\n"),
        "{heard}"
    );
    let heard = curl(
        &["--header", "Transfer-Encoding: chunked", &url("/chunked")],
        70_000,
    )
    .await;
    assert_eq!(heard, "POST /chunked 70000\n");
}

/// What the command prints; the server here runs meanwhile. What it needs is kept for as long.
async fn ended<T>(mut command: Command, needs: T) -> String {
    let mut child = command.spawn().expect("curl is to be installed");
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    drop(needs);
    let output = child.wait_with_output().expect("output");
    assert!(status.success(), "{status}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
