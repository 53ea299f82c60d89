//! Types of components for these tests: they have options of every form and do nothing.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use wlf_core::config::{
    Build, ByteSize, Checked, Component, ComponentType, Context, Duration, Environment, EventKinds,
    HostPort, Invalid, Pattern, Problems, Secret, Source, check,
};
use wlf_core::format::Format;
use wlf_core::{
    Batch, Collector, ComponentKind, Desk, Dispatcher, Event, Fault, Out, Position, Template,
    Transformer, WriteError,
};

pub const COMPONENTS: &[&[ComponentType]] = &[
    &[
        ComponentType::of::<BinlogCollector>(),
        ComponentType::of::<SpoolCollector>(),
    ],
    &[
        ComponentType::of::<BinlogFilter>(),
        ComponentType::of::<EventReplicator>(),
        ComponentType::of::<RowSumTransformer>(),
    ],
    &[
        ComponentType::of::<KafkaDispatcher>(),
        ComponentType::of::<RedisDispatcher>(),
        ComponentType::of::<StdoutDispatcher>(),
        ComponentType::of::<MailDispatcher>(),
    ],
];

pub fn check_text(name: &str, text: &str) -> Result<Checked, Box<Problems>> {
    check(Source::new(name, text), COMPONENTS, &Surroundings::some())
}

/// Fixed variables and files.
#[derive(Default)]
pub struct Surroundings {
    pub variables: HashMap<&'static str, &'static str>,
    pub files: HashMap<&'static str, &'static str>,
}

impl Surroundings {
    pub fn some() -> Self {
        Self {
            variables: HashMap::from([
                ("PORT", "3307"),
                ("USER", "me"),
                ("EMPTY", ""),
                ("DIGITS", "0123"),
                ("DB_PASSWORD", "hunter2"),
            ]),
            files: HashMap::from([("/run/secrets/db", "hunter2\n")]),
        }
    }
}

impl Environment for Surroundings {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &str) -> io::Result<String> {
        match self.files.get(path) {
            Some(text) => Ok((*text).to_owned()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn reaches(&self, path: &Path) -> bool {
        !path.starts_with("/elsewhere")
    }
}

/// Reads nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct BinlogCollector {
    #[serde(default)]
    pub host: Option<String>,
    #[serde(default)]
    pub port: Option<u16>,
    /// The user that logs in. It needs the right REPLICATION SLAVE.
    pub user: String,
    pub password: Secret,
    pub server_id: Option<std::num::NonZeroU32>,
    pub tls: Option<Tls>,
    #[serde(default)]
    pub stop_at_end: bool,
    pub heartbeat: Option<Duration>,
    pub start: Option<Start>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct Tls {
    pub mode: TlsMode,
    pub ca: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    Disabled,
    Required,
    VerifyCa,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    Latest,
    Earliest,
    Gtid(String),
}

impl Build for BinlogCollector {
    const TYPE: &'static str = "BinlogCollector";
    const KIND: ComponentKind = ComponentKind::Collector;
    const GIVES: Option<EventKinds> = Some(EventKinds::Rows);

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        if let Some(tls) = &self.tls
            && tls.mode == TlsMode::VerifyCa
            && tls.ca.is_none()
        {
            return Err(Invalid::new("tls.mode", "`verify_ca` needs `ca`")
                .with_hint("add `ca:` with the path of the certificate"));
        }
        Ok(Component::Collector(Box::new(Idle)))
    }
}

/// Reads no messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpoolCollector {}

impl Build for SpoolCollector {
    const TYPE: &'static str = "SpoolCollector";
    const KIND: ComponentKind = ComponentKind::Collector;
    const GIVES: Option<EventKinds> = Some(EventKinds::Messages);

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Collector(Box::new(Idle)))
    }
}

/// Sums up no rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowSumTransformer {}

impl Build for RowSumTransformer {
    const TYPE: &'static str = "RowSumTransformer";
    const KIND: ComponentKind = ComponentKind::Transformer;
    const TAKES: EventKinds = EventKinds::Rows;
    const GIVES: Option<EventKinds> = Some(EventKinds::Messages);

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Transformer(Box::new(Idle)))
    }
}

/// Writes no messages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailDispatcher {}

impl Build for MailDispatcher {
    const TYPE: &'static str = "MailDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;
    const TAKES: EventKinds = EventKinds::Messages;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(Idle)))
    }
}

/// Passes on nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct BinlogFilter {
    /// The rules, of which the last that matches decides.
    pub rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "these are read from files and not used")]
pub enum Rule {
    Include(Names),
    Exclude(Names),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct Names {
    pub database: Option<Pattern>,
    pub table: Option<Pattern>,
}

impl Build for BinlogFilter {
    const TYPE: &'static str = "BinlogFilter";
    const KIND: ComponentKind = ComponentKind::Transformer;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Transformer(Box::new(Idle)))
    }
}

/// Copies nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventReplicator {}

impl Build for EventReplicator {
    const TYPE: &'static str = "EventReplicator";
    const KIND: ComponentKind = ComponentKind::Transformer;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Transformer(Box::new(Idle)))
    }
}

/// Writes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct KafkaDispatcher {
    /// The brokers that are asked first.
    pub bootstrap_brokers: Vec<HostPort>,
    /// The topic that a row goes to.
    pub topic: Template,
    #[serde(default)]
    pub compression: Compression,
    pub max_request: Option<ByteSize>,
    pub sample: Option<f64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
}

impl Build for KafkaDispatcher {
    const TYPE: &'static str = "KafkaDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        if self.bootstrap_brokers.is_empty() {
            return Err(Invalid::new("bootstrap_brokers", "there is no broker"));
        }
        Ok(Component::Dispatcher(Box::new(Idle)))
    }
}

/// Writes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct RedisDispatcher {
    /// How a row is written.
    pub mode: Mode,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(tag = "type")]
#[allow(dead_code, reason = "these are read from files and not used")]
pub enum Mode {
    Pub { channel: Template },
    LPush { key: Template },
    XAdd { key: Template, max_len: Option<u64> },
}

impl Build for RedisDispatcher {
    const TYPE: &'static str = "RedisDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(Idle)))
    }
}

/// Writes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "these are read from files and not used")]
pub struct StdoutDispatcher {
    /// The form of a line.
    #[serde(default)]
    pub format: Format,
}

impl Build for StdoutDispatcher {
    const TYPE: &'static str = "StdoutDispatcher";
    const KIND: ComponentKind = ComponentKind::Dispatcher;

    fn build(self, _: &Context) -> Result<Component, Invalid> {
        Ok(Component::Dispatcher(Box::new(Idle)))
    }
}

struct Idle;

#[async_trait]
impl Collector for Idle {
    async fn connect(&mut self, _: Option<&Position>) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&mut self, _: &Desk) -> Result<Option<Batch>, Fault> {
        Ok(None)
    }
}

impl Transformer for Idle {
    fn apply(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<(), Fault> {
        out.pass(batch.events);
        Ok(())
    }
}

#[async_trait]
impl Dispatcher for Idle {
    async fn connect(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> {
        Ok(())
    }
}
