//! A client that keeps its connections.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::time::{Instant, timeout, timeout_at};
use wlf_data::config::Invalid;

use super::body::{self, BodyError};
use super::error::HttpError;
use super::io::Io;
use super::pool::{Pool, PoolKey, Sender};
use super::proxy::{self, Proxies, Proxy};
use super::tunnel;
use crate::connect::ConnectError;
use crate::dial::{self, dial};
use crate::tls::{Connector, Mode, Stream, Tls};

/// How long a client waits, and how much it takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For a connection, with its handshake.
    pub connect: Duration,
    /// For the beginning of the answer, from when the request is sent.
    pub first_byte: Duration,
    /// For all of it.
    pub whole: Duration,
    /// For which a connection that nobody uses is kept.
    pub idle: Duration,
    /// The largest body of an answer, unpacked, in bytes.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            whole: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            body: 16 << 20,
        }
    }
}

/// Sends requests over connections that it keeps. It follows no redirects: what they are is for the caller to see.
///
/// ```
/// # use bytes::Bytes; use http::Request; use wlf_net::Tls; use wlf_net::http::{Client, HttpError, Limits, Proxies};
/// # async fn example() -> Result<(), HttpError> {
/// let client = Client::new(&Tls::default(), Limits::default(), Proxies::default()).expect("options that go together");
/// let request = Request::post("https://example.com/events").body(Bytes::from("{}")).expect("a request");
/// let response = client.send(request).await?;
/// # let _ = response.status(); Ok(()) }
/// ```
pub struct Client {
    connector: Connector,
    /// For proxies that are spoken to over TLS.
    to_proxies: Connector,
    limits: Limits,
    proxies: Proxies,
    pool: Pool,
}

impl Client {
    /// A client whose connections to `https://` are secured as `tls` says, with [`Mode::VerifyIdentity`] where it says nothing.
    ///
    /// A proxy with `https://` has to have a certificate for its name, by the same authorities; ours is not shown to it.
    ///
    /// # Errors
    /// If the keys of `tls` do not go together.
    pub fn new(tls: &Tls, limits: Limits, proxies: Proxies) -> Result<Self, Invalid> {
        let tls = Tls {
            mode: Some(tls.mode.unwrap_or(Mode::VerifyIdentity)),
            ..tls.clone()
        };
        if let Some(mode @ (Mode::Disabled | Mode::Preferred)) = tls.mode {
            let message = format!("`https` is TLS, and `tls.mode` is `{mode}`");
            return Err(Invalid::new("tls.mode", message)
                .with_hint("write `http://`, or `mode: required` to take any certificate"));
        }
        let to_proxies = Tls {
            mode: Some(Mode::VerifyIdentity),
            ca: tls.ca.clone(),
            ..Tls::default()
        };
        Ok(Self {
            connector: Connector::new(&tls)?,
            to_proxies: Connector::new(&to_proxies)?,
            limits,
            proxies,
            pool: Pool::default(),
        })
    }

    /// Sends a request to its URL and reads the whole answer, unpacked if it is gzip.
    ///
    /// A connection that was kept may have been closed meanwhile. Then the request goes out once more on a new one, if it was
    /// not sent, or if doing it twice does no harm (RFC 9110, section 9.2.2).
    ///
    /// # Errors
    /// If there is no answer within the limits. An answer of any status is one.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let target = Target::of(request.uri())?;
        let limit = self.limits.whole;
        match timeout(limit, self.exchange(&target, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::Unfinished {
                server: target.server(),
                limit,
            }),
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, HttpError> {
        let proxy = self
            .proxies
            .of(&target.key.scheme, &target.key.host, target.key.port);
        // What goes through a proxy without TLS shares the connections to the proxy.
        let shared = proxy.filter(|_| !target.is_secured());
        let key = match shared {
            Some(proxy) => PoolKey {
                scheme: Scheme::HTTP,
                host: proxy.host.clone(),
                port: proxy.port,
            },
            None => target.key.clone(),
        };
        let mut request = target.prepare(request, shared);
        let is_safe_twice = is_idempotent(request.method());
        while let Some(mut sender) = self.pool.take(&key, self.limits.idle) {
            if sender.ready().await.is_err() {
                continue;
            }
            let again = is_safe_twice.then(|| request.clone());
            match self.ask(&mut sender, request, target).await {
                Ok(response) => return self.finish(key, sender, response, target).await,
                Err((HttpError::Broken { .. }, Some(unsent))) => request = unsent,
                Err((error @ HttpError::Broken { .. }, None)) => match again {
                    Some(again) => request = again,
                    None => return Err(error),
                },
                Err((error, _)) => return Err(error),
            }
            break;
        }
        let mut sender = self.open(target, proxy).await?;
        match self.ask(&mut sender, request, target).await {
            Ok(response) => self.finish(key, sender, response, target).await,
            Err((error, _)) => Err(error),
        }
    }

    /// Sends the request and waits for the head of the answer. A request that was not sent comes back.
    async fn ask(
        &self,
        sender: &mut Sender,
        request: Request<Full<Bytes>>,
        target: &Target,
    ) -> Result<Response<Incoming>, (HttpError, Option<Request<Full<Bytes>>>)> {
        let limit = self.limits.first_byte;
        let server = target.server();
        match timeout(limit, sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(mut error)) => {
                let unsent = error.take_message();
                let source = error.into_error();
                Err((HttpError::Broken { server, source }, unsent))
            }
            Err(_) => Err((HttpError::Unanswered { server, limit }, None)),
        }
    }

    /// Reads the body and keeps the connection.
    async fn finish(
        &self,
        key: PoolKey,
        sender: Sender,
        response: Response<Incoming>,
        target: &Target,
    ) -> Result<Response<Bytes>, HttpError> {
        let (mut parts, body) = response.into_parts();
        let limit = self.limits.body;
        let bytes = body::read(body, &mut parts.headers, limit)
            .await
            .map_err(|error| {
                let server = target.server();
                match error {
                    BodyError::TooLarge => HttpError::TooLarge { server, limit },
                    BodyError::NotGzip => HttpError::NotGzip { server },
                    BodyError::Broken(source) => HttpError::Broken { server, source },
                }
            })?;
        self.pool.give(key, sender);
        Ok(Response::from_parts(parts, bytes))
    }

    /// Makes a new connection.
    async fn open(&self, target: &Target, proxy: Option<&Proxy>) -> Result<Sender, HttpError> {
        let stream = self.connect(target, proxy).await?;
        let broken = |source| HttpError::Broken {
            server: target.server(),
            source,
        };
        let (sender, connection) = http1::handshake(Io(stream)).await.map_err(broken)?;
        // What goes wrong on it, its request hears of.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    async fn connect(&self, target: &Target, proxy: Option<&Proxy>) -> Result<Stream, HttpError> {
        let PoolKey { host, port, .. } = &target.key;
        let deadline = Instant::now() + self.limits.connect;
        let left = || deadline.saturating_duration_since(Instant::now());
        loop {
            let mut stream = match proxy {
                None => dial(host, *port, left())
                    .await
                    .map_err(ConnectError::Dial)?
                    .into(),
                Some(proxy) => self.reach(proxy, deadline).await?,
            };
            if !target.is_secured() {
                return Ok(stream);
            }
            if let Some(proxy) = proxy {
                let server = target.server();
                let opened = timeout_at(deadline, tunnel::open(&mut stream, proxy, &server)).await;
                opened.map_err(|_| HttpError::Unanswered {
                    server: proxy.to_string(),
                    limit: self.limits.connect,
                })??;
            }
            match self.connector.secure(stream, host, *port, left()).await {
                Err(error) if error.is_worth_dialling_again() => {}
                secured => return Ok(secured.map_err(ConnectError::Tls)?),
            }
        }
    }

    /// Connects to a proxy, over TLS if that is how it is spoken to.
    async fn reach(&self, proxy: &Proxy, deadline: Instant) -> Result<Stream, HttpError> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let Proxy { host, port, .. } = proxy;
        loop {
            let tcp = dial(host, *port, left()).await;
            let tcp = tcp.map_err(|source| HttpError::ProxyUnreachable {
                source: source.into(),
            })?;
            if !proxy.is_secured {
                return Ok(tcp.into());
            }
            match self.to_proxies.secure(tcp, host, *port, left()).await {
                Err(error) if error.is_worth_dialling_again() => {}
                secured => {
                    return secured.map_err(|source| HttpError::ProxyUnreachable {
                        source: source.into(),
                    });
                }
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("connector", &self.connector)
            .field("limits", &self.limits)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

/// Where a request goes.
struct Target {
    key: PoolKey,
    path: PathAndQuery,
    host_header: HeaderValue,
}

impl Target {
    fn of(url: &Uri) -> Result<Self, HttpError> {
        let read = || {
            let scheme = url
                .scheme()
                .filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
            let authority = url.authority()?;
            let host = authority.host();
            let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
            // A login in a URL goes into a header, and is for the caller to put there.
            let has_login = authority.as_str().contains('@');
            let port = proxy::port(authority, usual).filter(|_| !has_login)?;
            let plain = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            (!host.is_empty()).then_some(())?;
            Some(Self {
                key: PoolKey {
                    scheme: scheme.clone(),
                    host: plain.unwrap_or(host).to_owned(),
                    port,
                },
                path: url
                    .path_and_query()
                    .cloned()
                    .unwrap_or(PathAndQuery::from_static("/")),
                host_header: HeaderValue::from_str(authority.as_str()).ok()?,
            })
        };
        read().ok_or_else(|| HttpError::Url { url: shown(url) })
    }

    fn is_secured(&self) -> bool {
        self.key.scheme == Scheme::HTTPS
    }

    fn server(&self) -> String {
        dial::server(&self.key.host, self.key.port)
    }

    /// The request as it goes over the connection, which is one to `proxy` if there is one.
    fn prepare(&self, request: Request<Bytes>, proxy: Option<&Proxy>) -> Request<Full<Bytes>> {
        let (mut parts, body) = request.into_parts();
        if proxy.is_none() {
            // The path alone; a proxy wants the whole URL.
            parts.uri = Uri::from(self.path.clone());
        }
        parts
            .headers
            .entry(HOST)
            .or_insert_with(|| self.host_header.clone());
        parts
            .headers
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("gzip"));
        if [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method) {
            // hyper says nothing of a body that is empty, and servers wait for one that is not announced.
            let length = HeaderValue::from(body.len());
            parts.headers.insert(CONTENT_LENGTH, length);
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref())
            && let Ok(mut value) = HeaderValue::from_str(authorization.expose())
        {
            value.set_sensitive(true);
            parts.headers.insert(PROXY_AUTHORIZATION, value);
        }
        Request::from_parts(parts, Full::new(body))
    }
}

/// A URL without its query and its login, which may be secret.
fn shown(url: &Uri) -> String {
    let text = url.to_string();
    let text = text.split('?').next().unwrap_or_default();
    match text.split_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ]
    .contains(method)
}
