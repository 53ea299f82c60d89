//! A connection to a NATS server, which one task reads and writes.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{self, Either};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wlf_core::config::HostPort;
use wlf_net::Session;

use crate::error::{Error, broken};
use crate::opening::{self, Opened, Way};
use crate::operations::{Operations, unexpected};
use crate::protocol::{Connect, Info, Operation};
use crate::waiting::{Answer, Sent, Waiting};

/// How long the server may take to answer what was sent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a server that has closed the connection is listened to, for why it did.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A connection that the server has taken.
#[derive(Debug)]
pub struct Connection {
    pub info: Info,
    /// How it is secured, if it is.
    pub session: Option<Session>,
    shared: Arc<Shared>,
    outgoing: mpsc::UnboundedSender<Bytes>,
    task: JoinHandle<()>,
}

/// What the task and those who wait for answers both know.
#[derive(Debug)]
struct Shared {
    server: String,
    /// How the subjects begin to which JetStream answers.
    inbox: String,
    state: Mutex<State>,
    /// The server wants to hear that we live.
    pinged: Notify,
    /// The connection has ended or is about to.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    waiting: Waiting,
    end: Option<Error>,
    is_lame_duck: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Connects and logs in; JetStream answers to subjects that begin with `inbox`, if there is one.
    ///
    /// # Errors
    /// If the server cannot be reached, is silent for 10 seconds, cannot be secured as it has to be, or refuses the login.
    pub async fn open(
        server: &HostPort,
        way: &Way,
        options: &Connect<'_>,
        inbox: Option<&str>,
    ) -> Result<Self, Error> {
        let opened = opening::open(server, way, options, inbox).await?;
        let server = server.to_string();
        let shared = Arc::new(Shared {
            server: server.clone(),
            inbox: inbox.unwrap_or_default().to_owned(),
            state: Mutex::new(State {
                waiting: Waiting::new(server),
                end: None,
                is_lame_duck: false,
            }),
            pinged: Notify::new(),
            changed: Notify::new(),
        });
        let (outgoing, queue) = mpsc::unbounded_channel();
        let Opened {
            info,
            session,
            operations,
            writer,
        } = opened;
        let task = tokio::spawn(run(Arc::clone(&shared), operations, writer, queue));
        Ok(Self {
            info,
            session,
            shared,
            outgoing,
            task,
        })
    }

    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// Sends messages and a `PING` behind them, at once and in order, and gives what waits for the answer.
    pub fn publish(
        &self,
        mut bytes: Vec<u8>,
        messages: Vec<Sent>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        bytes.extend_from_slice(b"PING\r\n");
        let bytes = Bytes::from(bytes);
        let server = self.shared.server.clone();
        let mut state = self.shared.state();
        let answer = match state.end.clone() {
            Some(error) => Err(error),
            None => Ok(state.waiting.sent(bytes.clone(), messages)),
        };
        // If nobody receives it the task has ended, which it says itself.
        let _ = self.outgoing.send(bytes);
        async move {
            match timeout(SILENCE, answer?).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(Error::Closed { server }),
                Err(_) => Err(Error::Timeout {
                    server,
                    after: SILENCE,
                }),
            }
        }
    }

    /// Waits until the connection has ended, or, if `is_moving`, until the server says that it is about to stop.
    pub async fn ended(&self, is_moving: bool) -> Error {
        loop {
            let changed = self.shared.changed.notified();
            {
                let state = self.shared.state();
                if let Some(error) = &state.end {
                    return error.clone();
                }
                if is_moving && state.is_lame_duck {
                    let server = self.shared.server.clone();
                    return Error::LameDuck { server };
                }
            }
            changed.await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads and writes until the connection ends, and says why it did to all who wait.
async fn run<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    operations: Operations<R>,
    writer: W,
    queue: mpsc::UnboundedReceiver<Bytes>,
) {
    let error = {
        let reading = pin!(read(&shared, operations));
        let writing = pin!(write(&shared, writer, queue));
        match future::select(reading, writing).await {
            Either::Left((error, _)) => error,
            // What the server said last tells more than that it no longer listens.
            Either::Right((error, reading)) => match timeout(LAST_WORDS, reading).await {
                Ok(said @ Error::Ended { .. }) => said,
                Ok(_) | Err(_) => error,
            },
        }
    };
    let mut state = shared.state();
    state.waiting.end(&error);
    state.end = Some(error);
    drop(state);
    shared.changed.notify_waiters();
    shared.changed.notify_one();
}

async fn read<R: AsyncRead + Unpin>(shared: &Shared, mut operations: Operations<R>) -> Error {
    loop {
        match operations.next(|operation| hear(shared, &operation)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) => return error,
        }
        wlf_core::turn::pass_on().await;
    }
}

/// Does what an operation of the server asks for.
fn hear(shared: &Shared, operation: &Operation<'_>) -> Result<(), Error> {
    match operation {
        Operation::Ping => shared.pinged.notify_one(),
        Operation::Pong => shared.state().waiting.pong(),
        Operation::Ok => {}
        Operation::Info(info) => {
            if info.ldm {
                shared.state().is_lame_duck = true;
                shared.changed.notify_one();
            }
        }
        Operation::Err(said) => match forbidden(said) {
            Some(subject) => shared.state().waiting.forbidden(subject),
            None => return Err(unexpected(&shared.server, operation)),
        },
        Operation::Message(message) => {
            let token = message.subject.strip_prefix(&shared.inbox);
            if let Some(token) = token.and_then(|token| token.parse().ok()) {
                shared.state().waiting.acknowledged(token, message);
            }
        }
    }
    Ok(())
}

/// The subject of `Permissions Violation for Publish to "a.b"`, after which the connection goes on.
fn forbidden(said: &str) -> Option<&str> {
    let subject = said.strip_prefix("Permissions Violation for Publish to ")?;
    Some(subject.trim_matches('"'))
}

async fn write<W: AsyncWrite + Unpin>(
    shared: &Shared,
    mut writer: W,
    mut queue: mpsc::UnboundedReceiver<Bytes>,
) -> Error {
    loop {
        let bytes = tokio::select! {
            bytes = queue.recv() => bytes,
            () = shared.pinged.notified() => Some(Bytes::from_static(b"PONG\r\n")),
        };
        let Some(bytes) = bytes else {
            let server = shared.server.clone();
            return Error::Closed { server };
        };
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if let Err(source) = written.await {
            return broken(&shared.server, source);
        }
    }
}
