//! A file's text becomes a tree.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::interpolate::{Environment, interpolate};
use super::problem::Problem;
use super::source::Span;
use super::syntax;
use super::tree::{Entry, Node, Provenance, Scalar, Value};

/// The deepest nesting that is read; a configuration needs ten.
const DEPTH: usize = 64;
/// The largest tree, with aliases followed.
const WEIGHT: u64 = 100_000;

/// Reads a document. What is wrong and does not hinder reading on goes to `problems`.
///
/// # Errors
/// If the text is not one YAML document.
pub(crate) fn parse(
    text: &str,
    environment: &dyn Environment,
    problems: &mut Vec<Problem>,
) -> Result<Rc<Node>, Problem> {
    if let Some(problem) = unreadable_character(text) {
        return Err(problem);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree {
        lines: text.lines().collect(),
        environment,
        problems,
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax::problem(&error, &tree.lines))?;
        let span = tree.span(span.start, span.end);
        tree.event(event, span)?;
    }
    tree.root
        .ok_or_else(|| Problem::new(Span::START, "the file holds no configuration"))
}

/// Whether a text is a variable as shells have it, `$NAME`, and nothing else.
fn looks_like_variable(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_name)
    })
}

/// A character that YAML does not allow, and that the parser takes for the end of the text.
fn unreadable_character(text: &str) -> Option<Problem> {
    let at = text.find('\0')?;
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let span = Span {
        line,
        column,
        length: 1,
    };
    Some(Problem::new(span, "the file holds a NUL character").label("is this a text file?"))
}

/// The tree while it grows.
struct Tree<'a> {
    lines: Vec<&'a str>,
    environment: &'a dyn Environment,
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    /// `None` while the anchor's node is open.
    anchors: HashMap<usize, Option<Rc<Node>>>,
    root: Option<Rc<Node>>,
}

/// A scalar as the parser has it.
struct Read<'a> {
    text: &'a str,
    plain: bool,
    anchor: usize,
    tag: Option<&'a Tag>,
}

/// A list or mapping whose end was not seen yet.
struct Open {
    span: Span,
    anchor: usize,
    weight: u64,
    content: Content,
}

enum Content {
    Sequence(Vec<Rc<Node>>),
    Mapping {
        entries: Vec<Entry>,
        merged: Vec<Rc<Node>>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
struct Key {
    text: String,
    span: Span,
    /// What becomes of the value.
    role: Role,
}

#[derive(PartialEq, Eq)]
enum Role {
    Entry,
    /// `<<`: the value's entries join the mapping.
    Merge,
    /// Reported already.
    Dropped,
}

impl Tree<'_> {
    /// The part of a node that is on its first line.
    fn span(&self, start: Marker, end: Marker) -> Span {
        let line = start.line();
        let column = start.col() + 1;
        let length = if end.line() == line && end.col() > start.col() {
            end.col() - start.col()
        } else if end.line() > line {
            let text = self.lines.get(line.saturating_sub(1)).copied();
            let text = text.unwrap_or_default().trim_end();
            text.chars().count().saturating_sub(start.col())
        } else {
            0
        };
        Span {
            line,
            column,
            length,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Problem::new(span, "a second document begins here")
                    .label("a configuration is one document"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(Some(node)) => {
                    let node = Rc::clone(node);
                    self.add(node)
                }
                _ => Err(Problem::new(
                    span,
                    "this alias is inside what it stands for",
                )),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = Read {
                    text: &text,
                    plain: style == ScalarStyle::Plain,
                    anchor,
                    tag: tag.as_deref(),
                };
                self.scalar(scalar, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.untagged(tag.as_deref(), span);
                self.open(anchor, span, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.untagged(tag.as_deref(), span);
                let content = Content::Mapping {
                    entries: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(anchor, span, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
        }
    }

    fn open(&mut self, anchor: usize, span: Span, content: Content) -> Result<(), Problem> {
        if self.open.len() >= DEPTH {
            return Err(Problem::new(
                span,
                format!("this is nested more than {DEPTH} deep"),
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open {
            span,
            anchor,
            weight: 1,
            content,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping {
                mut entries,
                merged,
                ..
            } => {
                for node in merged {
                    self.merge(&node, &mut entries);
                }
                Value::Mapping(entries)
            }
        };
        let node = Rc::new(Node {
            span: open.span,
            value,
            weight: open.weight,
        });
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, Some(Rc::clone(&node)));
        }
        self.add(node)
    }

    /// Adds the entries of `<<`'s value whose keys are not there yet.
    fn merge(&mut self, node: &Rc<Node>, entries: &mut Vec<Entry>) {
        let sources = match &node.value {
            Value::Sequence(items) => items.clone(),
            _ => vec![Rc::clone(node)],
        };
        for source in sources {
            let Some(more) = source.mapping() else {
                self.problems.push(
                    Problem::new(
                        source.span,
                        "`<<` takes the keys of a mapping, and this is none",
                    )
                    .label("write `<<: *anchor`"),
                );
                continue;
            };
            for entry in more {
                if !entries.iter().any(|own| own.key == entry.key) {
                    entries.push(entry.clone());
                }
            }
        }
    }

    fn scalar(&mut self, scalar: Read<'_>, span: Span) -> Result<(), Problem> {
        let Read {
            text, anchor, tag, ..
        } = scalar;
        let mut plain = scalar.plain;
        let absent = plain && span.length == 0;
        let span = Span {
            length: span.length.max(1),
            ..span
        };
        match tag {
            Some(tag) if tag.is_yaml_core_schema() => plain &= tag.suffix != "str",
            tag => self.untagged(tag, span),
        }
        if self.is_key_next() {
            self.key(text, plain, span);
            return Ok(());
        }
        // A value that is not there is at its key, where a person would write it.
        let span = match self.open.last() {
            Some(Open {
                content: Content::Mapping { key: Some(key), .. },
                ..
            }) if absent => key.span,
            _ => span,
        };
        let (text, provenance) = match interpolate(text, self.environment) {
            None => {
                if plain && looks_like_variable(text) {
                    let message = "this is plain text, and looks like a variable";
                    let label = "a variable is written `${NAME}`";
                    let warning = Problem::new(span, message).label(label).warning();
                    self.problems.push(warning);
                }
                (text.to_owned(), Provenance::Written)
            }
            Some(Ok(filled)) => {
                if let Some(name) = filled.empty {
                    let message = format!("the variable `{name}` is set to nothing");
                    let label = format!("write `${{{name}:-}}` if that is meant");
                    let warning = Problem::new(span, message).label(label).warning();
                    self.problems.push(warning);
                }
                let secret = filled.secret;
                (filled.text, Provenance::Filled { secret })
            }
            Some(Err(unfilled)) => {
                let place = self.find(&unfilled.written, span);
                self.problems
                    .push(Problem::new(place, unfilled.message).label(unfilled.hint));
                (text.to_owned(), Provenance::Unfilled)
            }
        };
        let node = Rc::new(Node {
            span,
            value: Value::Scalar(Scalar {
                text,
                plain,
                provenance,
            }),
            weight: 1,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, Some(Rc::clone(&node)));
        }
        self.add(node)
    }

    /// Whether the next node is a key of the innermost mapping.
    fn is_key_next(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn key(&mut self, text: &str, plain: bool, span: Span) {
        let Some(Open {
            content: Content::Mapping { entries, key, .. },
            ..
        }) = self.open.last_mut()
        else {
            return;
        };
        let role = if plain && text == "<<" {
            Role::Merge
        } else if let Some(first) = entries.iter().find(|entry| entry.key == text) {
            let line = first.key_span.line;
            self.problems.push(
                Problem::new(span, format!("the key `{text}` is given twice"))
                    .label(format!("first given at line {line}")),
            );
            Role::Dropped
        } else {
            Role::Entry
        };
        *key = Some(Key {
            text: text.to_owned(),
            span,
            role,
        });
    }

    /// Puts a node that is complete into its place.
    fn add(&mut self, node: Rc<Node>) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight = open.weight.saturating_add(node.weight);
        if open.weight > WEIGHT {
            return Err(Problem::new(
                node.span,
                format!("the file stands for more than {WEIGHT} values"),
            )
            .label("a configuration is smaller; aliases multiply what they stand for"));
        }
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping {
                entries,
                merged,
                key,
            } => match key.take() {
                None => {
                    self.problems.push(
                        Problem::new(node.span, "a key must be text")
                            .label("this is a list, a mapping or an alias"),
                    );
                    *key = Some(Key {
                        text: String::new(),
                        span: node.span,
                        role: Role::Dropped,
                    });
                }
                Some(Key {
                    role: Role::Dropped,
                    ..
                }) => {}
                Some(Key {
                    role: Role::Merge, ..
                }) => merged.push(node),
                Some(Key { text, span, .. }) => entries.push(Entry {
                    key: text,
                    key_span: span,
                    value: node,
                }),
            },
        }
        Ok(())
    }

    fn untagged(&mut self, tag: Option<&Tag>, span: Span) {
        // A password may begin with `!`, so the message does not repeat it; the excerpt hides what is secret.
        if tag.is_some_and(|tag| !tag.is_yaml_core_schema()) {
            self.problems.push(
                Problem::new(span, "this is a tag, and a configuration has none")
                    .label("leave the tag out, or quote the text that it begins"),
            );
        }
    }

    /// Where a text stands in the line of a scalar; the scalar's own place if it cannot be found there.
    fn find(&self, text: &str, span: Span) -> Span {
        let found = self
            .lines
            .get(span.line.saturating_sub(1))
            .and_then(|line| {
                let from = line.char_indices().nth(span.column - 1)?.0;
                let at = from + line.get(from..)?.find(text)?;
                line.get(..at)
            });
        match found {
            Some(before) => Span {
                line: span.line,
                column: before.chars().count() + 1,
                length: text.chars().count(),
            },
            None => span,
        }
    }
}
