//! The first pass: the file's sections, and of every component its `id`, `type` and `destination(s)`.

use super::component_type::ComponentType;
use super::destinations::{destinations, misspelt as misspelt_destination};
use super::problem::Problem;
use super::read_error::list;
use super::source::Span;
use super::tree::{Entry, Node, Provenance, Scalar, Value};
use super::{closest, deserialize::Reader};
use crate::component::ComponentKind;

/// The keys of an entry that the outline takes away.
pub(crate) const COMMON_KEYS: [&str; 4] = ["id", "type", "destination", "destinations"];

/// The three lists of components.
pub(crate) const SECTIONS: [(&str, ComponentKind); 3] = [
    ("collectors", ComponentKind::Collector),
    ("transformers", ComponentKind::Transformer),
    ("dispatchers", ComponentKind::Dispatcher),
];

/// The other keys of the top level.
const SETTINGS: [&str; 4] = ["name", "state", "delivery", "log"];

/// A text of the file and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    pub text: &'a str,
    pub span: Span,
}

/// What the outline knows of a component.
#[derive(Debug)]
pub(crate) struct Declared<'a> {
    pub node: &'a Node,
    pub kind: ComponentKind,
    pub id: Option<Word<'a>>,
    pub component_type: Option<&'a ComponentType>,
    pub destinations: Vec<Word<'a>>,
    /// Keys that were meant to be common ones, which is told.
    pub misspelt: Vec<&'a str>,
    /// Where to say what is wrong with the whole entry.
    pub place: Span,
    /// The name of the entry in messages.
    pub part: String,
}

/// The file's sections.
#[derive(Debug, Default)]
pub(crate) struct Outline<'a> {
    pub components: Vec<Declared<'a>>,
}

/// Reads the outline of a document; what is wrong goes to `problems`.
pub(crate) fn outline<'a>(
    root: &'a Node,
    types: &[&'a [ComponentType]],
    problems: &mut Vec<Problem>,
) -> Outline<'a> {
    let mut outline = Outline::default();
    let Some(entries) = root.mapping() else {
        problems.push(
            Problem::new(
                root.span,
                "a configuration is a mapping with `collectors`, `transformers` and `dispatchers`",
            )
            .label("this is none"),
        );
        return outline;
    };
    for entry in entries {
        let key = entry.key.as_str();
        let ignored = SETTINGS.contains(&key) || key.starts_with("x-");
        if !ignored && !SECTIONS.iter().any(|(section, _)| *section == key) {
            problems.push(unknown_section(key, entry.key_span));
        }
    }
    for (name, kind) in SECTIONS {
        let reader = Section {
            name,
            kind,
            types,
            problems,
        };
        match root.entry(name).or_else(|| misspelt(entries, name)) {
            Some(entry) => reader.read(&entry.value, &mut outline.components),
            None if kind == ComponentKind::Transformer => {}
            None => problems.push(
                Problem::new(Span::START, format!("there is no {}", kind.name()))
                    .label(format!("add `{name}:` to the file")),
            ),
        }
    }
    outline
}

/// The entry that was meant to be a section, so that one slip is one error.
fn misspelt<'a>(entries: &'a [Entry], section: &str) -> Option<&'a Entry> {
    let known = || {
        let sections = SECTIONS.iter().map(|(name, _)| *name);
        sections.chain(SETTINGS)
    };
    entries.iter().find(|entry| {
        let key = entry.key.as_str();
        known().all(|name| name != key)
            && closest(key, known().collect::<Vec<_>>()) == Some(section)
    })
}

fn unknown_section(key: &str, span: Span) -> Problem {
    if key == "http" {
        return Problem::new(span, "this version has no HTTP pages")
            .label("leave `http` out: progress and errors are on stderr");
    }
    let known = SECTIONS.iter().map(|(name, _)| name).chain(&SETTINGS);
    let message = format!(
        "unknown key `{key}`, expected one of {}",
        list(known.clone())
    );
    let label = match closest(key, known.copied()) {
        Some(closest) => format!("did you mean `{closest}`?"),
        None => "a key that begins with `x-` may hold anchors".to_owned(),
    };
    Problem::new(span, message).label(label)
}

/// One of the three lists while it is read.
struct Section<'a, 'p> {
    name: &'static str,
    kind: ComponentKind,
    types: &'p [&'a [ComponentType]],
    problems: &'p mut Vec<Problem>,
}

impl<'a> Section<'a, '_> {
    fn read(mut self, list: &'a Node, components: &mut Vec<Declared<'a>>) {
        let items = match &list.value {
            Value::Sequence(items) if !items.is_empty() => items.as_slice(),
            Value::Sequence(_) if self.kind == ComponentKind::Transformer => &[],
            Value::Mapping(_) => {
                self.problems.push(
                    Problem::new(
                        list.span,
                        format!("`{}` is a list, and this is a mapping", self.name),
                    )
                    .label("begin each component with `- `"),
                );
                return;
            }
            Value::Scalar(Scalar {
                plain: true, text, ..
            }) if text == "~" && self.kind == ComponentKind::Transformer => &[],
            _ => {
                self.problems.push(
                    Problem::new(
                        list.span,
                        format!("`{}` holds no {}", self.name, self.kind.name()),
                    )
                    .label("begin each component with `- id: …`"),
                );
                return;
            }
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(declared) = self.component(index, item) {
                components.push(declared);
            }
        }
    }

    fn component(&mut self, index: usize, node: &'a Node) -> Option<Declared<'a>> {
        let place = format!("{}[{index}]", self.name);
        let Some([first, ..]) = node.mapping() else {
            self.problems.push(
                Problem::new(node.span, "a component is a mapping with `id` and `type`")
                    .part(place)
                    .label("write `- id: …` and `type: …`"),
            );
            return None;
        };
        let first = first.key_span;
        let mut problems = Vec::new();
        let id = required(node, "id", first, &mut problems).filter(|id| usable(id, &mut problems));
        let name = required(node, "type", id.map_or(first, |id| id.span), &mut problems);
        let part = match (name, id) {
            (Some(name), Some(id)) => format!("{place} ({} `{}`)", name.text, id.text),
            (Some(name), None) => format!("{place} ({})", name.text),
            (None, Some(id)) => format!("{place} (`{}`)", id.text),
            (None, None) => place,
        };
        let component_type = name.and_then(|name| self.component_type(name, &mut problems));
        let anchor = name.or(id).map_or(first, |word| word.span);
        let mut misspelt: Vec<&str> = ["id", "type"]
            .iter()
            .filter_map(|key| near(node, key))
            .map(|entry| entry.key.as_str())
            .collect();
        if self.kind != ComponentKind::Dispatcher
            && node
                .entry("destination")
                .or(node.entry("destinations"))
                .is_none()
        {
            misspelt.extend(misspelt_destination(node).map(|(entry, _)| entry.key.as_str()));
        }
        let destinations = destinations(node, self.kind, anchor, &mut problems);
        self.problems.extend(
            problems
                .into_iter()
                .map(|problem| problem.part(part.clone())),
        );
        Some(Declared {
            node,
            kind: self.kind,
            id,
            component_type,
            destinations,
            misspelt,
            place: anchor,
            part,
        })
    }

    fn component_type(
        &self,
        name: Word<'a>,
        problems: &mut Vec<Problem>,
    ) -> Option<&'a ComponentType> {
        let all = || self.types.iter().flat_map(|list| list.iter());
        let here = || all().filter(|known| known.kind() == self.kind);
        if let Some(found) = all().find(|known| known.name() == name.text) {
            if found.kind() == self.kind {
                return Some(found);
            }
            let kind = found.kind().name();
            problems.push(
                Problem::new(
                    name.span,
                    format!("`{}` is a {kind}, not a {}", name.text, self.kind.name()),
                )
                .label(format!("move it to `{kind}s`")),
            );
            return None;
        }
        let message = format!("unknown type `{}`", name.text);
        let closest = closest(name.text, here().map(ComponentType::name))
            .or_else(|| closest(name.text, all().map(ComponentType::name)));
        let label = match closest {
            Some(closest) => format!("did you mean `{closest}`?"),
            None => {
                let names: Vec<&str> = here().map(ComponentType::name).collect();
                match names.as_slice() {
                    [] => format!("this program has no {}", self.kind.name()),
                    names => format!("a {} is one of {}", self.kind.name(), list(names)),
                }
            }
        };
        problems.push(Problem::new(name.span, message).label(label));
        None
    }
}

/// What was meant to be a key that is missing.
fn near<'a>(node: &'a Node, key: &str) -> Option<&'a Entry> {
    let mut entries = match node.entry(key) {
        Some(_) => [].iter(),
        None => node.mapping().unwrap_or_default().iter(),
    };
    entries.find(|entry| closest(&entry.key, [key]).is_some())
}

/// The text of a key that every component has.
fn required<'a>(
    node: &'a Node,
    key: &str,
    place: Span,
    problems: &mut Vec<Problem>,
) -> Option<Word<'a>> {
    match node.entry(key) {
        Some(entry) => word(&entry.value, entry.key_span, problems),
        None => {
            let near = near(node, key);
            let span = near.map_or(place, |entry| entry.key_span);
            let label = match near {
                Some(_) => format!("did you mean `{key}`?"),
                None => format!("every component has `{key}:`"),
            };
            problems.push(Problem::new(span, format!("missing key `{key}`")).label(label));
            None
        }
    }
}

/// A text that must be there.
pub(crate) fn word<'a>(
    node: &'a Node,
    holder: Span,
    problems: &mut Vec<Problem>,
) -> Option<Word<'a>> {
    if let Value::Scalar(scalar) = &node.value
        && scalar.provenance == Provenance::Unfilled
    {
        return None;
    }
    match <&str as serde::Deserialize>::deserialize(Reader::new(node, holder)) {
        Ok("") => {
            problems.push(Problem::new(
                node.span,
                "expected text, found an empty text",
            ));
            None
        }
        Ok(text) => Some(Word {
            text,
            span: node.span,
        }),
        Err(error) => {
            problems.extend(error.into_problem(node.span));
            None
        }
    }
}

/// Whether an id can stand in a log's line and at the head of a file's name.
fn usable(id: &Word<'_>, problems: &mut Vec<Problem>) -> bool {
    let usable = id.text.chars().count() <= 100 && !id.text.contains(char::is_control);
    if !usable {
        problems.push(
            Problem::new(id.span, "this text cannot be an id")
                .label("an id has at most 100 characters, all on one line"),
        );
    }
    usable
}
