//! A server for a few clients: health, metrics, events that are posted.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{self, Either};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::io::{Io, Timer};
use crate::tls::Acceptor;

/// What a server puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    /// For the head of a request, from the connection's beginning or the answer before it.
    pub header: Duration,
    /// The largest body of a request, in bytes; a larger one is answered with 413.
    pub body: usize,
    /// For the body of a request; a slower one is answered with 408.
    pub body_time: Duration,
    /// So many connections at once; more wait.
    pub connections: usize,
    /// For requests that are under way when it ends.
    pub drain: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: 16 << 20,
            body_time: Duration::from_secs(60),
            connections: 256,
            drain: Duration::from_secs(5),
        }
    }
}

/// The pause after a failed accept, which is for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests with what `handler` makes of them until `stop` is there. Requests that are under way then are answered.
/// With an `acceptor` there is TLS, for which a client has as long as for the head of a request.
///
/// The body of an answer is streamed, and that of a request is whole: what takes long belongs into several.
pub async fn serve<H, F, B>(
    server: Server,
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    handler: H,
    stop: impl Future<Output = ()>,
) where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let (handler, acceptor) = (Arc::new(handler), Arc::new(acceptor));
    let room = Arc::new(Semaphore::new(server.connections));
    let (ending, _) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let next = pin!(accept(&listener, &room));
        let (tcp, permit) = match future::select(&mut stop, next).await {
            Either::Left(_) => break,
            Either::Right((accepted, _)) => accepted,
        };
        let (handler, end) = (Arc::clone(&handler), ending.subscribe());
        let acceptor = Arc::clone(&acceptor);
        tokio::spawn(async move {
            let socket: Option<Box<dyn Socket>> = match &*acceptor {
                None => Some(Box::new(tcp)),
                Some(acceptor) => match acceptor.accept(tcp, server.header).await {
                    Some(tls) => Some(Box::new(tls)),
                    None => None,
                },
            };
            if let Some(socket) = socket {
                connection(server, socket, handler, end).await;
            }
            drop(permit);
        });
    }
    drop(listener);
    ending.send_replace(true);
    // All permits are back when all connections are over.
    let all = u32::try_from(server.connections).unwrap_or(u32::MAX);
    let _ = timeout(server.drain, room.acquire_many(all)).await;
    // The rest ends with this channel.
    drop(ending);
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, Option<tokio::sync::OwnedSemaphorePermit>) {
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => return (tcp, permit),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// A connection, secured or not.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

/// Serves a connection to its end. That a client goes away is no news.
async fn connection<H, F, B>(
    server: Server,
    socket: Box<dyn Socket>,
    handler: Arc<H>,
    mut end: watch::Receiver<bool>,
) where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(answer(server, request, &*handler).await) }
    });
    let connection = http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(server.header)
        .serve_connection(Io(socket), service);
    let mut connection = pin!(connection);
    let mut over = end.clone();
    let stopped = async { while !*end.borrow_and_update() && end.changed().await.is_ok() {} };
    if let Either::Right(_) = future::select(connection.as_mut(), pin!(stopped)).await {
        connection.as_mut().graceful_shutdown();
        let over = async { while over.changed().await.is_ok() {} };
        future::select(connection, pin!(over)).await;
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>>;

async fn answer<H, F, B>(server: Server, request: Request<Incoming>, handler: &H) -> Answer
where
    H: Fn(Request<Bytes>) -> F,
    F: Future<Output = Response<B>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let (parts, body) = request.into_parts();
    let body = match timeout(server.body_time, Limited::new(body, server.body).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        // Whoever broke off does not hear it.
        Ok(Err(_)) => return status(StatusCode::BAD_REQUEST),
        Err(_) => return status(StatusCode::REQUEST_TIMEOUT),
    };
    let response = handler(Request::from_parts(parts, body)).await;
    // A client that asks without a pause is not to starve the others.
    tokio::task::yield_now().await;
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

fn status(code: StatusCode) -> Answer {
    let text = format!("{code}\n");
    let mut response = Response::new(
        Full::new(Bytes::from(text))
            .map_err(Into::into)
            .boxed_unsync(),
    );
    *response.status_mut() = code;
    // What is left of the body is not read.
    let close = http::HeaderValue::from_static("close");
    response
        .headers_mut()
        .insert(http::header::CONNECTION, close);
    response
}
