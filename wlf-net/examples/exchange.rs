//! Connections of a guest of WasmEdge, for its tests and for measuring.
//!
//! ```text
//! exchange handshakes <host> <port> <times> [ca=FILE] [cert=FILE] [key=FILE] [mode=MODE]
//! exchange get <url> <times>
//! exchange serve <port>
//! ```

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::net::TcpListener;
use wlf_data::Fault;
use wlf_net::http::{Client, Limits, Proxies, Server, serve};
use wlf_net::{Authorities, Connector, Mode, Tls, connect};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Nothing wakes the outermost future of a guest but sockets and clocks, so all is done in a task.
    let outcome = runtime.block_on(async { tokio::spawn(run(arguments)).await });
    match outcome.expect("no panic") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast::<Fault>() {
            Ok(fault) => {
                eprintln!("{fault}");
                fault.exit().code().into()
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}

async fn run(arguments: Vec<String>) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["handshakes", host, port, times, tls @ ..] => {
            handshakes(host, port.parse()?, times.parse()?, &section(tls)?).await
        }
        ["get", url, times] => get(url, times.parse()?).await,
        ["serve", port] => answer(port.parse()?).await,
        _ => Err("handshakes, get or serve".into()),
    }
}

fn section(words: &[&str]) -> Result<Tls, Box<dyn Error + Send + Sync>> {
    let mut tls = Tls::default();
    for word in words {
        match word.split_once('=').ok_or("name=value")? {
            ("ca", file) => tls.ca = Some(Authorities::File(file.into())),
            ("cert", file) => tls.cert = Some(file.into()),
            ("key", file) => tls.key = Some(file.into()),
            ("mode", "disabled") => tls.mode = Some(Mode::Disabled),
            ("mode", "preferred") => tls.mode = Some(Mode::Preferred),
            ("mode", "required") => tls.mode = Some(Mode::Required),
            ("mode", "verify_ca") => tls.mode = Some(Mode::VerifyCa),
            ("mode", "verify_identity") => tls.mode = Some(Mode::VerifyIdentity),
            (name, value) => return Err(format!("{name}: {value}").into()),
        }
    }
    Ok(tls)
}

/// Connects again and again, without and with what the handshake before has left, and says how long half of them took at
/// most, in milliseconds.
async fn handshakes(host: &str, port: u16, times: usize, tls: &Tls) -> Outcome {
    let connector = Connector::new(tls).map_err(|invalid| invalid.message)?;
    let (mut full, mut resumed) = (Vec::new(), Vec::new());
    let mut session = None;
    for _ in 0..times.max(1) {
        let fresh = Connector::new(tls).map_err(|invalid| invalid.message)?;
        for (connector, took) in [(&fresh, &mut full), (&connector, &mut resumed)] {
            let begin = Instant::now();
            let mut stream = connect(host, port, LIMIT, connector)
                .await
                .map_err(Fault::from)?;
            took.push(begin.elapsed());
            session = stream.session();
            // The server says only behind the handshake what later ones can go by, and what it thinks of us.
            exchange(&mut stream).await?;
        }
    }
    match session {
        Some(session) => println!("{session}"),
        None => println!("plain"),
    }
    println!(
        "full {:.2} ms, resumed {:.2} ms",
        median(full),
        median(resumed)
    );
    Ok(())
}

async fn exchange(stream: &mut wlf_net::Stream) -> Outcome {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).await;
    read.map_err(|error| match wlf_net::TlsError::of(error) {
        Ok(error) => Box::new(Fault::from(error)) as Box<dyn Error + Send + Sync>,
        Err(error) => error.into(),
    })?;
    Ok(())
}

fn median(mut took: Vec<Duration>) -> f64 {
    took.sort();
    let middle = took.get(took.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1000.0
}

async fn get(url: &str, times: usize) -> Outcome {
    let proxies = Proxies::from_environment()?;
    let client = Client::new(&Tls::default(), Limits::default(), proxies)
        .map_err(|invalid| invalid.message)?;
    let begin = Instant::now();
    let mut last = None;
    for _ in 0..times.max(1) {
        let request = Request::get(url).body(Bytes::new())?;
        last = Some(client.send(request).await.map_err(Fault::from)?);
    }
    let took = begin.elapsed();
    if let Some(response) = last {
        println!(
            "{} {}",
            response.status(),
            String::from_utf8_lossy(response.body())
        );
    }
    println!("{:.0} requests/s", times as f64 / took.as_secs_f64());
    Ok(())
}

/// Says what it heard, until somebody asks for `/stop`.
async fn answer(port: u16) -> Outcome {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening");
    let (stop, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |request: Request<Bytes>| {
        let stop = stop.clone();
        async move {
            if request.uri().path() == "/stop" {
                let _ = stop.send(());
            }
            let said = format!(
                "{} {} {}\n",
                request.method(),
                request.uri(),
                request.body().len()
            );
            Response::new(Full::new(Bytes::from(said)))
        }
    };
    let server = Server {
        body: 1 << 20,
        header: Duration::from_millis(500),
        ..Server::default()
    };
    serve(server, listener, None, handler, async {
        stopped.recv().await;
    })
    .await;
    println!("stopped");
    Ok(())
}
