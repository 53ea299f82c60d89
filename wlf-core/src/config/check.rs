//! From a file's text to components that are built: everything that `run` does before its last step.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::component_type::{BuildError, ComponentType};
use super::deserialize::Reader;
use super::flow::check_flow;
use super::graph::{DeadLetters, check_graph};
use super::hidden::{Remembering, hide};
use super::interpolate::Environment;
use super::outline::{COMMON_KEYS, Declared, Outline, Word, outline};
use super::parse::parse;
use super::places::Places;
use super::problem::{Problem, Problems};
use super::read_error::{ReadError, without};
use super::required::further_missing;
use super::settings::{DeliverySection, DispatcherDelivery, Log, Settings, State};
use super::source::{Source, Span};
use super::told::{Told, read_all};
use super::tree::{Entry, Node, Provenance, Value};
use super::{Component, Context, Delivery, Invalid};
use crate::component::ComponentKind;
use crate::store::Store;

/// A configuration in which nothing is wrong, with its components built.
pub struct Checked {
    /// The file's name.
    pub source: String,
    /// What is allowed and most likely not what is meant.
    pub warnings: Problems,
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
    /// Where its options stand.
    pub places: Places,
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
    let remembering = Remembering::new(environment);
    let checked = match parse(&source.text, &remembering, &mut problems) {
        Ok(root) => Some(check_tree(
            &source.name,
            &root,
            types,
            environment,
            &mut problems,
        )),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    problems.sort_by_key(|problem| problem.span);
    let is_right = problems.iter().all(|problem| problem.is_warning);
    let name = source.name.clone();
    let names = checked.as_ref().map_or(&[][..], |(_, _, names)| names);
    let hidden = hide(&source, remembering.given(names), &mut problems);
    let problems = Problems {
        source,
        list: problems,
        hidden,
    };
    match checked {
        Some((settings, components, _)) if is_right => Ok(Checked {
            source: name,
            warnings: problems,
            settings,
            components,
        }),
        _ => Err(Box::new(problems)),
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
    let remembering = Remembering::new(environment);
    let value = match parse(&source.text, &remembering, &mut list) {
        Ok(root) => whole(Reader::new(&root, root.span), &mut list),
        Err(problem) => {
            list.push(problem);
            None
        }
    };
    match value {
        Some(value) if list.iter().all(|problem| problem.is_warning) => Ok(value),
        _ => {
            let hidden = hide(&source, remembering.given(&[]), &mut list);
            Err(Box::new(Problems {
                source,
                list,
                hidden,
            }))
        }
    }
}

fn check_tree(
    file: &str,
    root: &Rc<Node>,
    types: &[&[ComponentType]],
    environment: &dyn Environment,
    problems: &mut Vec<Problem>,
) -> (Settings, Vec<CheckedComponent>, Vec<String>) {
    let Outline { components } = outline(root, types, problems);
    name_parts(root, &components, problems);
    let settings = settings(root, environment, problems);
    let letters = dead_letters(root, &components);
    check_graph(&components, &letters, problems);
    check_flow(&components, &letters, problems);
    let ids = components.iter().filter_map(|declared| declared.id);
    let names = ids.map(|id| id.text.to_owned()).collect();
    let components = components
        .iter()
        .filter_map(|declared| build(file, declared, &settings, environment, problems))
        .collect();
    (settings, components, names)
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
fn settings(root: &Node, environment: &dyn Environment, problems: &mut Vec<Problem>) -> Settings {
    let mut settings = Settings::default();
    if let Some(entry) = root.entry("name")
        && let Some(name) = section::<String>(entry, problems)
    {
        settings.name = name;
    }
    if let Some(entry) = root.entry("state") {
        settings.state = section::<State>(entry, problems);
        let directory = settings.state.as_ref().map(|state| &*state.directory);
        if let Some(doubt) = directory.and_then(|path| unreachable("directory", path, environment))
        {
            let span = locate(&entry.value, &doubt.key, entry.key_span);
            problems.push(problem_of(doubt, span).part("state").warning());
        }
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

fn section<T: DeserializeOwned>(entry: &Entry, problems: &mut Vec<Problem>) -> Option<T> {
    section_of(entry, &entry.key, problems)
}

/// Reads a section that is in a part of the configuration.
fn section_of<T: DeserializeOwned>(
    entry: &Entry,
    part: &str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut list = Vec::new();
    let section = whole(Reader::new(&entry.value, entry.key_span), &mut list);
    let list = list.into_iter();
    problems.extend(list.map(|problem| problem.part(part)));
    section
}

/// Reads a value, or says all that is wrong with it; `None` also if that was said before.
fn whole<T: DeserializeOwned>(reader: Reader<'_>, problems: &mut Vec<Problem>) -> Option<T> {
    let mut value = None;
    let errors = read_all(&Told::default(), reader, &mut |reader| {
        T::deserialize(reader).map(|read| value = Some(read)).err()
    });
    let is_whole = errors.is_empty();
    let errors = errors.into_iter();
    problems.extend(errors.filter_map(|error| error.into_problem(reader.holder)));
    value.filter(|_| is_whole)
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
    file: &str,
    declared: &Declared<'_>,
    settings: &Settings,
    environment: &dyn Environment,
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
    hidden.extend(&declared.misspelt);
    if declared.kind == ComponentKind::Dispatcher {
        hidden.push("delivery");
        if let Some(entry) = declared.node.entry("delivery")
            && let Some(own) = section_of::<DispatcherDelivery>(entry, &declared.part, problems)
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
        store: store(settings, environment),
    };
    let reader = Reader::new(declared.node, declared.place).hiding(&hidden);
    let (component, found) = built(reader, component_type, &context, environment);
    let is_right = (found.iter()).all(|found| found.as_ref().is_some_and(|found| found.is_warning));
    let found = found.into_iter().flatten();
    problems.extend(found.map(|problem| problem.part(declared.part.as_str())));
    match component {
        Some(component) if !is_right => {
            drop(component);
            None
        }
        Some(component) if component.kind() == component_type.kind() => Some(CheckedComponent {
            id: context.id,
            type_name: component_type.name(),
            kind: declared.kind,
            destinations,
            delivery,
            component,
            places: Places::of(file, declared.node),
        }),
        Some(component) => {
            let message = format!(
                "`{}` is made as a {}: this is a mistake in the program",
                component_type.name(),
                component.kind().name()
            );
            problems.push(Problem::new(declared.place, message).part(declared.part.as_str()));
            None
        }
        None => None,
    }
}

/// Builds a component, and gives all that is wrong with its entry: `None` stands for what was told before.
fn built(
    reader: Reader<'_>,
    component_type: &ComponentType,
    context: &Context,
    environment: &dyn Environment,
) -> (Option<Component>, Vec<Option<Problem>>) {
    let told = Told::default();
    let mut component = None;
    let mut found = Vec::new();
    loop {
        let mut invalid = None;
        let errors = read_all(&told, reader, &mut |reader| {
            match component_type.build(reader, context, environment) {
                Ok(built) => component = Some(built),
                Err(BuildError::Read(error)) => return Some(error),
                Err(BuildError::Invalid(error)) => invalid = Some(error),
            }
            None
        });
        for error in errors {
            found.extend(unreadable(error, component_type, reader, &told));
        }
        let Some(mut invalid) = invalid else {
            let (component, doubts) = component.unzip();
            for mut doubt in doubts.into_iter().flatten().filter(|_| told.is_empty()) {
                let Place { span, node, .. } = find(reader.node, &doubt.key, reader.holder);
                hide_filled(&mut doubt, node);
                found.push(Some(problem_of(doubt, span).warning()));
            }
            return (component, found);
        };
        let Place { span, node, entry } = find(reader.node, &invalid.key, reader.holder);
        let hint = invalid.hint.as_deref().unwrap_or_default();
        // It may be so only because of what is left out.
        let is_news = told.is_empty()
            || !(told.is_inside(node)
                || told.speaks_of(&invalid.message)
                || told.speaks_of(&invalid.key)
                || told.speaks_of(hint));
        if is_news {
            hide_filled(&mut invalid, node);
            found.push(Some(problem_of(invalid, span)));
        }
        // Other values may not go together either: once more without this one.
        if !entry.is_some_and(|entry| told.add_entry(entry)) {
            return (None, found);
        }
    }
}

/// Leaves what a variable or a file has filled in out of what is said about it.
fn hide_filled(invalid: &mut Invalid, node: &Node) {
    if let Some(text) = node.secret() {
        invalid.message = without(&invalid.message, text);
        invalid.hint = invalid.hint.take().map(|hint| without(&hint, text));
    }
}

/// The doubt about a path that the program cannot reach.
pub fn unreachable(key: &str, path: &Path, environment: &dyn Environment) -> Option<Invalid> {
    (!environment.reaches(path)).then(|| {
        let message = format!("`{}` is in no directory that the program sees", path.display());
        Invalid::new(key, message).with_hint(
            "the program sees only what `--dir` gives it, under the name that it has there, as in `wasmedge --dir /out:out …`",
        )
    })
}

fn store(settings: &Settings, environment: &dyn Environment) -> Option<Arc<dyn Store>> {
    let state = settings.state.as_ref()?;
    Some(environment.store(&state.directory))
}

/// The problems of an entry that could not be read; a missing key is explained by its description.
fn unreadable(
    error: ReadError,
    component_type: &ComponentType,
    reader: Reader<'_>,
    told: &Told,
) -> Vec<Option<Problem>> {
    let place = reader.holder;
    let Some(key) = error.missing().or(error.known_missing()) else {
        return vec![error.into_problem(place)];
    };
    let is_news = error.missing().is_some();
    let schema = component_type.schema();
    let keys: Vec<&str> = (is_news.then_some(key).into_iter())
        .chain(further_missing(&schema, reader.node, &error, told))
        .collect();
    let span = error.span().unwrap_or(place);
    let problem = |key: &str| {
        let label = match description(&schema, key).filter(|_| error.is_of(reader.node)) {
            Some(description) => format!("add `{key}`: {description}"),
            None if span == place => format!("add `{key}`"),
            None => format!("add `{key}:` here"),
        };
        Some(Problem::new(span, format!("missing key `{key}`")).label(label))
    };
    match keys.as_slice() {
        [] => vec![None],
        keys => keys.iter().map(|key| problem(key)).collect(),
    }
}

/// The first sentence of what the schema says of a key.
fn description(schema: &serde_json::Value, key: &str) -> Option<String> {
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
    find(node, path, holder).span
}

/// What a path leads to.
struct Place<'n> {
    span: Span,
    node: &'n Node,
    /// The last entry on the way.
    entry: Option<&'n Entry>,
}

fn find<'n>(node: &'n Node, path: &str, holder: Span) -> Place<'n> {
    let mut place = Place {
        span: holder,
        node,
        entry: None,
    };
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        let next = match &place.node.value {
            Value::Mapping(_) => place.node.entry(step).map(|entry| {
                place.span = entry.key_span;
                place.entry = Some(entry);
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
            return place;
        };
        place.node = next;
        if matches!(next.value, Value::Scalar(_)) {
            place.span = next.span;
        }
    }
    place
}
