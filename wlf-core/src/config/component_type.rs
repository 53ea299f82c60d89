//! What a crate says of each type of component that it has, so that files can name it.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wlf_data::config::Invalid;

use std::sync::Arc;

use super::Delivery;
use super::deserialize::Reader;
use super::event_kinds::EventKinds;
use super::interpolate::Environment;
use super::read_error::ReadError;
use super::schema::{Schema, SchemaDocument};
use crate::component::{Collector, ComponentApi, ComponentKind, Dispatcher, Transformer};
use crate::store::Store;

/// The configuration of one type of component, read from its entry in the file, and how it becomes the component.
///
/// `id`, `type`, `destination` and `destinations` are taken out of the entry before; the struct has the other keys:
///
/// ```
/// # use wlf_core::{config::*, ComponentKind, Template, Dispatcher, Fault, Event, WriteError};
/// # use schemars::JsonSchema; use serde::Deserialize;
/// /// Publishes each row in a channel.
/// #[derive(Debug, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// pub struct Config {
///     /// Where to publish.
///     channel: Template,
///     /// How long to wait for an answer.
///     #[serde(default = "timeout")]
///     timeout: Duration,
/// }
///
/// fn timeout() -> Duration {
///     Duration::from_secs(10)
/// }
///
/// impl Build for Config {
///     const TYPE: &'static str = "ChannelDispatcher";
///     const KIND: ComponentKind = ComponentKind::Dispatcher;
///     fn build(self, context: &Context) -> Result<Component, Invalid> {
///         Ok(Component::Dispatcher(Box::new(Channel { config: self })))
///     }
/// }
///
/// pub const COMPONENTS: &[ComponentType] = &[ComponentType::of::<Config>()];
/// # struct Channel { config: Config }
/// # #[async_trait::async_trait] impl Dispatcher for Channel {
/// #   async fn connect(&mut self) -> Result<(), Fault> { Ok(()) }
/// #   async fn write(&mut self, _: &[Event]) -> Result<(), WriteError> { Ok(()) } }
/// ```
///
/// The doc comments are the reference pages and what `wlf-aio components` prints. So that an error keeps its place in
/// the file, `#[serde(tag)]`, `flatten` and `untagged` are not used. A choice such as `mode: {type: Pub, channel: x}`
/// is an ordinary enum, which the file's deserializer reads by its `type` key:
///
/// ```
/// # use wlf_core::Template;
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// #[schemars(tag = "type")]
/// enum Mode {
///     Pub { channel: Template },
///     XAdd { key: Template, max_len: Option<u64> },
/// }
/// ```
///
/// An enum without `type` is written `word` for a variant without content and `{word: content}` for one with it.
pub trait Build: DeserializeOwned + JsonSchema {
    /// The name that a file's `type` has for it. It ends in `Collector`, `Dispatcher`, or one of `Transformer`,
    /// `Filter` and `Replicator`.
    const TYPE: &'static str;
    const KIND: ComponentKind;
    /// The events that it can do something with; of no meaning for a collector.
    const TAKES: EventKinds = EventKinds::Both;
    /// The events that it gives. `None`: a transformer gives events of the kinds that it is given, and a collector both.
    const GIVES: Option<EventKinds> = None;

    /// Makes the component. Does no input or output: `check` builds everything and runs nothing.
    ///
    /// # Errors
    /// If values that are right by themselves do not go together.
    fn build(self, context: &Context) -> Result<Component, Invalid>;

    /// What is allowed and most likely not what is meant, for a person to look at: `check` warns of it.
    fn doubts(&self, environment: &dyn Environment) -> Vec<Invalid> {
        let _ = environment;
        Vec::new()
    }
}

/// A component that was built and does not run yet.
pub enum Component {
    Collector(Box<dyn Collector>),
    Transformer(Box<dyn Transformer>),
    Dispatcher(Box<dyn Dispatcher>),
    /// Brings its own [`run`](ComponentApi::run) and takes over the duties of the runtime.
    Custom(Box<dyn ComponentApi>),
}

impl Component {
    pub fn kind(&self) -> ComponentKind {
        match self {
            Component::Collector(_) => ComponentKind::Collector,
            Component::Transformer(_) => ComponentKind::Transformer,
            Component::Dispatcher(_) => ComponentKind::Dispatcher,
            Component::Custom(component) => component.kind(),
        }
    }
}

/// What a component learns of the pipeline around it when it is built.
#[derive(Debug, Clone)]
pub struct Context {
    pub id: String,
    /// The file's top-level `name`.
    pub pipeline: String,
    pub delivery: Delivery,
    /// The ids that this component's events go to; empty for a dispatcher.
    pub destinations: Vec<String>,
    /// Where things are kept, once the component runs; `None` if nothing is (`state.directory` is not given).
    pub store: Option<Arc<dyn Store>>,
}

impl Context {
    /// The name of a value of the component's own in the store: `<id><ending>`. `.json` is the runtime's, for positions.
    pub fn value_name(&self, ending: &str) -> String {
        format!("{}{ending}", self.id)
    }
}

/// A type of component: what it is called, what its entry may say, and how it is built.
#[derive(Debug, Clone, Copy)]
pub struct ComponentType {
    name: &'static str,
    kind: ComponentKind,
    takes: EventKinds,
    gives: Option<EventKinds>,
    schema: Schema,
    schema_text: Option<&'static str>,
    build: fn(Reader<'_>, &Context, &dyn Environment) -> Result<Built, BuildError>,
}

/// A component, and what looks wrong with its entry all the same.
pub(crate) type Built = (Component, Vec<Invalid>);

/// Why an entry did not become a component.
#[derive(Debug)]
pub(crate) enum BuildError {
    Read(ReadError),
    Invalid(Invalid),
}

fn build<C: Build>(
    entry: Reader<'_>,
    context: &Context,
    environment: &dyn Environment,
) -> Result<Built, BuildError> {
    let config = C::deserialize(entry).map_err(BuildError::Read)?;
    let doubts = config.doubts(environment);
    let component = config.build(context).map_err(BuildError::Invalid)?;
    Ok((component, doubts))
}

impl ComponentType {
    pub const fn of<C: Build>() -> Self {
        Self {
            name: C::TYPE,
            kind: C::KIND,
            takes: C::TAKES,
            gives: C::GIVES,
            schema: Schema::of::<C>(),
            schema_text: None,
            build: build::<C>,
        }
    }

    /// Gives the schema as text: that of [`schema_document`](Self::schema_document) in the native program. A module does without
    /// what makes schemas if all of its components have theirs so, and is some 600 kB smaller when it is compiled.
    #[must_use]
    pub const fn with_schema(self, text: &'static str) -> Self {
        Self {
            schema: self.schema.written(text),
            schema_text: Some(text),
            ..self
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn kind(&self) -> ComponentKind {
        self.kind
    }

    /// As [`Build::TAKES`].
    pub fn takes(&self) -> EventKinds {
        self.takes
    }

    /// As [`Build::GIVES`].
    pub fn gives(&self) -> Option<EventKinds> {
        self.gives
    }

    /// The JSON Schema of an entry, without the keys that every component has: draft 7, and what it shares with other
    /// components is in its place.
    pub fn schema(&self) -> Value {
        self.schema_document().resolved()
    }

    /// The same with references to what it shares with other components.
    pub fn schema_document(&self) -> SchemaDocument {
        self.schema.document()
    }

    /// The text that [`with_schema`](Self::with_schema) was given.
    pub fn schema_text(&self) -> Option<&'static str> {
        self.schema_text
    }

    /// What the component does, in a sentence: the first of its description.
    pub fn summary(&self) -> String {
        let schema = self.schema();
        let description = schema
            .get("description")
            .and_then(|description| description.as_str())
            .unwrap_or_default();
        let paragraph = description.split("\n\n").next().unwrap_or_default();
        paragraph.replace('\n', " ")
    }

    /// Reads an entry and builds its component.
    pub(crate) fn build(
        &self,
        entry: Reader<'_>,
        context: &Context,
        environment: &dyn Environment,
    ) -> Result<Built, BuildError> {
        (self.build)(entry, context, environment)
    }
}
