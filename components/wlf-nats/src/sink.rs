//! Makes NATS messages of records.

use std::fmt::Write;
use std::iter;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::time::sleep;
use wlf_core::template::View;
use wlf_core::{Fault, Limits, Operation, Piece, Request, Sending, Sink, Template};

use crate::config::Config;
use crate::connection::Connection;
use crate::error::{Error, Unfit};
use crate::opening::Way;
use crate::protocol::{self, Connect};
use crate::waiting::Sent;

/// How often an idle connection is tried out.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// A NATS server, or a cluster of them, as a destination.
#[derive(Debug)]
pub struct NatsSink {
    config: Config,
    way: Way,
    /// The connections' name at the server.
    name: String,
    connection: Option<Connection>,
    /// The index of the server that is tried first.
    first: usize,
    /// How the subjects begin to which JetStream answers over this connection.
    inbox: String,
    next_token: u64,
    /// The table version and operation that the subject was made for, if it is the same for all of their rows.
    last: Option<(u64, Operation)>,
    subject: String,
    message_id: String,
    reply: String,
}

/// Outgoing that go out together.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    sent: Vec<Sent>,
}

impl Request for Outgoing {
    fn truncate(&mut self, records: usize) {
        self.sent.truncate(records);
        let end = self.sent.last().map_or(0, |sent| sent.end);
        self.bytes.truncate(end);
    }
}

impl NatsSink {
    pub fn new(config: Config, way: Way, pipeline: &str) -> Self {
        Self {
            config,
            way,
            name: pipeline.to_owned(),
            connection: None,
            first: 0,
            inbox: String::new(),
            next_token: 0,
            last: None,
            subject: String::new(),
            message_id: String::new(),
            reply: String::new(),
        }
    }

    async fn open(&self, index: usize) -> Result<Connection, Error> {
        let config = &self.config;
        let options = Connect {
            verbose: false,
            pedantic: false,
            tls_required: false,
            name: &self.name,
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            protocol: 1,
            headers: true,
            no_responders: true,
            user: config.user.as_deref(),
            pass: config.password.as_ref().map(|secret| secret.expose()),
            auth_token: config.token.as_ref().map(|secret| secret.expose()),
        };
        let server = config.servers.get(index).ok_or(Error::NotConnected)?;
        let inbox = config.jetstream.then_some(self.inbox.as_str());
        Connection::open(server, &self.way, &options, inbox).await
    }

    /// Makes the subject of a record, unless it is that of the one before.
    fn name(&mut self, piece: &Piece<'_>) -> Result<(), Unfit> {
        let id = (piece.event.table.version, piece.event.operation);
        if self.last == Some(id) {
            return Ok(());
        }
        self.last = None;
        render(&self.config.subject, piece, &mut self.subject)?;
        if let Some(why) = protocol::fault_of_subject(&self.subject) {
            let subject = self.subject.clone();
            return Err(Error::Subject { subject, why }.into());
        }
        self.last = self.config.subject.is_per_table().then_some(id);
        Ok(())
    }

    fn put(&mut self, piece: &Piece<'_>, request: &mut Outgoing) -> Result<usize, Unfit> {
        self.name(piece)?;
        if let Some(template) = &self.config.message_id {
            render(template, piece, &mut self.message_id)?;
        }
        let connection = self.connection.as_ref().ok_or(Error::NotConnected)?;
        let id = self.config.message_id.is_some();
        let id = id.then_some(("Nats-Msg-Id", self.message_id.as_bytes()));
        let headers: Vec<(&str, &[u8])> = piece.record.headers.iter().chain(id).collect();
        let server = || connection.server().to_owned();
        if !headers.is_empty() && !connection.info.headers {
            return Err(Error::NoHeaders { server: server() }.into());
        }
        let is_wrong = |(name, value): &&(&str, &[u8])| {
            !protocol::is_header_name(name) || !protocol::is_header_value(value)
        };
        if let Some((name, _)) = headers.iter().find(is_wrong) {
            let name = (*name).to_owned();
            return Err(Error::Header { name }.into());
        }
        let bytes = protocol::length_of_headers(&headers) + piece.value.len();
        let limit = connection.info.max_payload;
        if bytes > limit {
            return Err(Error::TooLarge {
                server: server(),
                bytes,
                limit,
            }
            .into());
        }
        let mut token = None;
        self.reply.clear();
        if self.config.jetstream {
            token = Some(self.next_token);
            let _ = write!(self.reply, "{}{}", self.inbox, self.next_token);
            self.next_token += 1;
        }
        let start = request.bytes.len();
        let reply = token.map(|_| self.reply.as_str());
        protocol::publish(
            &self.subject,
            reply,
            &headers,
            piece.value,
            &mut request.bytes,
        );
        // Behind `PUB ` or `HPUB `.
        let subject = start + if headers.is_empty() { 4 } else { 5 };
        let end = request.bytes.len();
        request.sent.push(Sent {
            subject: subject..subject + self.subject.len(),
            token,
            end,
        });
        Ok(end - start)
    }
}

fn render(template: &Template, piece: &Piece<'_>, out: &mut String) -> Result<(), Unfit> {
    out.clear();
    let mut view = View::of_record(piece.event, &piece.record);
    Ok(template.render(&mut view, out)?)
}

#[async_trait]
impl Sink for NatsSink {
    type Request = Outgoing;
    const LIMITS: Limits = Limits {
        records: 1000,
        bytes: 256 << 10,
        in_flight: 8,
    };
    // A server takes what comes over a connection in order, and so does a stream.
    const ORDERED: bool = true;

    async fn connect(&mut self) -> Result<(), Fault> {
        self.connection = None;
        let random = iter::repeat_with(fastrand::alphanumeric).take(22);
        self.inbox = format!("_INBOX.{}.", random.collect::<String>());
        let count = self.config.servers.len();
        let mut last = Error::NotConnected;
        for index in (self.first..self.first + count).map(|index| index % count) {
            match self.open(index).await {
                Ok(connection) => {
                    self.connection = Some(connection);
                    // Next time another one comes first: this one is then away, or about to be.
                    self.first = (index + 1) % count;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    fn found(&self) -> Vec<String> {
        let Some(connection) = &self.connection else {
            return Vec::new();
        };
        let version = &connection.info.version;
        vec![format!("NATS {version} at {}", connection.server())]
    }

    async fn idle(&mut self) -> Fault {
        let Some(connection) = &self.connection else {
            return Error::NotConnected.into();
        };
        let beat = async {
            loop {
                sleep(HEARTBEAT).await;
                if let Err(error) = connection.publish(Vec::new(), Vec::new()).await {
                    return error;
                }
            }
        };
        let is_moving = self.config.servers.len() > 1;
        tokio::select! {
            error = connection.ended(is_moving) => error.into(),
            error = beat => error.into(),
        }
    }

    fn add(&mut self, piece: &Piece<'_>, request: &mut Outgoing) -> Result<usize, Fault> {
        Ok(self.put(piece, request)?)
    }

    fn send(&mut self, request: Outgoing) -> Sending {
        let connection = self.connection.as_ref();
        let Some(answer) = connection.map(|it| it.publish(request.bytes, request.sent)) else {
            return async { Err(Error::NotConnected.into()) }.boxed();
        };
        async {
            let refused = answer.await?.into_iter();
            Ok(refused
                .map(|(number, error)| (number, error.into()))
                .collect())
        }
        .boxed()
    }

    fn session(&self) -> Option<String> {
        let session = self.connection.as_ref()?.session?;
        Some(session.to_string())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.connection = None;
        Ok(())
    }
}
