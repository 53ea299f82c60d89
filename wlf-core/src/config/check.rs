//! From a file's text to components that are built: everything that `run` does before its last step.

use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::component_type::{BuildError, ComponentType};
use super::deserialize::Reader;
use super::flow::check_flow;
use super::graph::{DeadLetters, check_graph};
use super::interpolate::Environment;
use super::outline::{COMMON_KEYS, Declared, Outline, Word, outline};
use super::parse::parse;
use super::problem::{Problem, Problems};
use super::read_error::{ReadError, without};
use super::settings::{DeliverySection, DispatcherDelivery, Log, Settings, State};
use super::source::{Source, Span};
use super::tree::{Entry, Node, Provenance, Value};
use super::{Component, Context, Delivery, Invalid};
use crate::component::ComponentKind;
use crate::store::{FileStore, Store};

/// A configuration in which nothing is wrong, with its components built.
pub struct Checked {
    /// The file's name.
    pub source: String,
    pub settings: Settings,
    /// In the file's order.
    pub components: Vec<CheckedComponent>,
}

/// A component and its place in the pipeline.
pub struct CheckedComponent {
    pub id: String,
    pub type_name: &'static str,
    pub kind: ComponentKind,
    /// The ids that its events go to; empty for a dispatcher.
    pub destinations: Vec<String>,
    /// How events are passed on; at a dispatcher as its own entry says.
    pub delivery: Delivery,
    pub component: Component,
}

/// Reads and checks a configuration and builds its components, which does no input or output.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(
    source: Source,
    types: &[&[ComponentType]],
    environment: &dyn Environment,
) -> Result<Checked, Box<Problems>> {
    let mut problems = Vec::new();
    let checked = match parse(&source.text, environment, &mut problems) {
        Ok(root) => Some(check_tree(&source.name, &root, types, &mut problems)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    match checked {
        Some(checked) if problems.is_empty() => Ok(checked),
        _ => {
            problems.sort_by_key(|problem| problem.span);
            Err(Box::new(Problems {
                source,
                list: problems,
            }))
        }
    }
}

/// Reads one value from a text of its own, as a component's tests do with their `Config`.
///
/// # Errors
/// What is wrong with it.
pub fn read<T: DeserializeOwned>(
    source: Source,
    environment: &dyn Environment,
) -> Result<T, Box<Problems>> {
    let mut list = Vec::new();
    let value = match parse(&source.text, environment, &mut list) {
        Ok(root) => T::deserialize(Reader::new(&root, root.span))
            .map_err(|error| list.extend(error.into_problem(root.span)))
            .ok(),
        Err(problem) => {
            list.push(problem);
            None
        }
    };
    match value {
        Some(value) if list.is_empty() => Ok(value),
        _ => Err(Box::new(Problems { source, list })),
    }
}

fn check_tree(
    source: &str,
    root: &Rc<Node>,
    types: &[&[ComponentType]],
    problems: &mut Vec<Problem>,
) -> Checked {
    let Outline { components } = outline(root, types, problems);
    name_parts(root, &components, problems);
    let settings = settings(root, problems);
    let letters = dead_letters(root, &components);
    check_graph(&components, &letters, problems);
    check_flow(&components, &letters, problems);
    let components = components
        .iter()
        .filter_map(|declared| build(declared, &settings, problems))
        .collect();
    Checked {
        source: source.to_owned(),
        settings,
        components,
    }
}

/// Says of what could not be filled in, which was found before there were components, in which part it is.
fn name_parts(root: &Node, components: &[Declared<'_>], problems: &mut [Problem]) {
    let mut parts = Vec::new();
    for component in components {
        unfilled(component.node, &component.part, &mut parts);
    }
    for entry in root.mapping().unwrap_or_default() {
        if !matches!(entry.value.value, Value::Sequence(_)) {
            unfilled(&entry.value, &entry.key, &mut parts);
        }
    }
    for problem in problems
        .iter_mut()
        .filter(|problem| problem.part.is_empty())
    {
        let before = parts.iter().filter(|(span, _)| *span <= problem.span);
        if let Some((_, part)) = before.max_by_key(|(span, _)| *span) {
            problem.part = (*part).to_owned();
        }
    }
}

/// The places of all scalars below a node that could not be filled in.
fn unfilled<'a>(node: &Node, part: &'a str, parts: &mut Vec<(Span, &'a str)>) {
    match &node.value {
        Value::Scalar(scalar) if scalar.provenance == Provenance::Unfilled => {
            parts.push((node.span, part))
        }
        Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter().for_each(|item| unfilled(item, part, parts)),
        Value::Mapping(entries) => {
            for entry in entries {
                unfilled(&entry.value, part, parts);
            }
        }
    }
}

/// Reads the sections that are not components.
fn settings(root: &Node, problems: &mut Vec<Problem>) -> Settings {
    let mut settings = Settings::default();
    if let Some(entry) = root.entry("name")
        && let Some(name) = section::<String>(entry, problems)
    {
        settings.name = name;
    }
    if let Some(entry) = root.entry("state") {
        settings.state = section::<State>(entry, problems);
    }
    if let Some(entry) = root.entry("log") {
        settings.log = section::<Log>(entry, problems).unwrap_or_default();
    }
    if let Some(entry) = root.entry("delivery")
        && let Some(section) = section::<DeliverySection>(entry, problems)
    {
        match Delivery::try_from(section) {
            Ok(delivery) => settings.delivery = delivery,
            Err(invalid) => {
                let span = locate(&entry.value, &invalid.key, entry.key_span);
                problems.push(problem_of(invalid, span).part("delivery"));
            }
        }
    }
    settings
}

fn section<'a, T: Deserialize<'a>>(entry: &'a Entry, problems: &mut Vec<Problem>) -> Option<T> {
    match T::deserialize(Reader::new(&entry.value, entry.key_span)) {
        Ok(section) => Some(section),
        Err(error) => {
            let problem = error.into_problem(entry.key_span);
            problems.extend(problem.map(|problem| problem.part(entry.key.as_str())));
            None
        }
    }
}

/// Where dead letters go: those of each dispatcher whose entry says so, and those of all others and of transformers.
fn dead_letters<'a>(root: &'a Node, components: &[Declared<'a>]) -> Vec<DeadLetters<'a>> {
    let mut all = Vec::new();
    let general = dead_letter(root);
    for (from, component) in components.iter().enumerate() {
        if component.kind == ComponentKind::Collector {
            continue;
        }
        // A transformer has no `delivery` of its own.
        let own = component.node.entry("delivery");
        let own = own.filter(|_| component.kind == ComponentKind::Dispatcher);
        let own = own.and_then(|delivery| delivery.value.entry("on_reject"));
        let (to, part) = match own {
            Some(_) => (dead_letter(component.node), component.part.as_str()),
            None => (general, "delivery"),
        };
        if let Some(to) = to {
            let part = part.to_owned();
            all.push(DeadLetters { from, to, part });
        }
    }
    all
}

/// The id that `delivery.on_reject.dead_letter` names.
fn dead_letter(holder: &Node) -> Option<Word<'_>> {
    let delivery = &holder.entry("delivery")?.value;
    let on_reject = &delivery.entry("on_reject")?.value;
    let node = &on_reject.entry("dead_letter")?.value;
    let text = <&str>::deserialize(Reader::new(node, node.span)).ok()?;
    Some(Word {
        text,
        span: node.span,
    })
}

/// The second pass, for one component.
fn build(
    declared: &Declared<'_>,
    settings: &Settings,
    problems: &mut Vec<Problem>,
) -> Option<CheckedComponent> {
    let component_type = declared.component_type?;
    let id = declared.id.map_or("", |id| id.text);
    let destinations: Vec<String> = declared
        .destinations
        .iter()
        .map(|word| word.text.to_owned())
        .collect();
    let mut delivery = settings.delivery.clone();
    let mut hidden = COMMON_KEYS.to_vec();
    if declared.kind == ComponentKind::Dispatcher {
        hidden.push("delivery");
        if let Some(entry) = declared.node.entry("delivery")
            && let Some(own) = section::<DispatcherDelivery>(entry, problems)
        {
            match own.over(delivery.clone()) {
                Ok(own) => delivery = own,
                Err(invalid) => {
                    let span = locate(&entry.value, &invalid.key, entry.key_span);
                    problems.push(problem_of(invalid, span).part(declared.part.as_str()));
                }
            }
        }
    }
    let context = Context {
        id: id.to_owned(),
        pipeline: settings.name.clone(),
        delivery: delivery.clone(),
        destinations: destinations.clone(),
        store: store(settings),
    };
    let reader = Reader::new(declared.node, declared.place).hiding(&hidden);
    let problem = match component_type.build(reader, &context) {
        Ok(component) if component.kind() == component_type.kind() => {
            return Some(CheckedComponent {
                id: context.id,
                type_name: component_type.name(),
                kind: declared.kind,
                destinations,
                delivery,
                component,
            });
        }
        Ok(component) => Problem::new(
            declared.place,
            format!(
                "`{}` is made as a {}: this is a mistake in the program",
                component_type.name(),
                component.kind().name()
            ),
        ),
        Err(BuildError::Read(error)) => unreadable(error, component_type, declared.place)?,
        Err(BuildError::Invalid(mut invalid)) => {
            let (span, node) = find(declared.node, &invalid.key, declared.place);
            if let Some(text) = node.secret() {
                invalid.message = without(&invalid.message, text);
                invalid.hint = invalid.hint.map(|hint| without(&hint, text));
            }
            problem_of(invalid, span)
        }
    };
    problems.push(problem.part(declared.part.as_str()));
    None
}

fn store(settings: &Settings) -> Option<Arc<dyn Store>> {
    let state = settings.state.as_ref()?;
    Some(Arc::new(FileStore::new(&state.directory)))
}

/// The problem of an entry that could not be read; a missing key is explained by its description.
fn unreadable(error: ReadError, component_type: &ComponentType, place: Span) -> Option<Problem> {
    let missing = error.missing();
    let problem = error.into_problem(place)?;
    let Some(key) = missing.filter(|_| problem.span == place) else {
        return Some(problem);
    };
    let label = match description(component_type, key) {
        Some(description) => format!("add `{key}`: {description}"),
        None => format!("add `{key}`"),
    };
    Some(problem.label(label))
}

/// The first sentence of what the schema says of a key.
fn description(component_type: &ComponentType, key: &str) -> Option<String> {
    let schema = component_type.schema();
    let text = schema
        .get("properties")?
        .get(key)?
        .get("description")?
        .as_str()?;
    let sentence = text
        .split(". ")
        .next()
        .unwrap_or(text)
        .trim_end_matches('.');
    let mut chars = sentence.chars();
    let first = chars.next()?;
    Some(
        first
            .to_lowercase()
            .chain(chars)
            .collect::<String>()
            .replace('\n', " "),
    )
}

fn problem_of(invalid: Invalid, span: Span) -> Problem {
    Problem::new(span, invalid.message).label(invalid.hint.unwrap_or_default())
}

/// The place of a path such as `tls.ca` or `paths[0]`, or of as much of it as the file has.
fn locate(node: &Node, path: &str, holder: Span) -> Span {
    find(node, path, holder).0
}

/// The same, and what stands there.
fn find<'n>(node: &'n Node, path: &str, holder: Span) -> (Span, &'n Node) {
    let mut place = holder;
    let mut node = node;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        let next = match &node.value {
            Value::Mapping(_) => node.entry(step).map(|entry| {
                place = entry.key_span;
                &*entry.value
            }),
            Value::Sequence(items) => step
                .parse()
                .ok()
                .and_then(|index: usize| items.get(index))
                .map(|item| &**item),
            Value::Scalar(_) => None,
        };
        let Some(next) = next else {
            return (place, node);
        };
        node = next;
        if matches!(node.value, Value::Scalar(_)) {
            place = node.span;
        }
    }
    (place, node)
}
