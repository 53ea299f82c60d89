//! Where a component's events go.

use super::outline::{Word, word};
use super::problem::Problem;
use super::source::Span;
use super::tree::{Entry, Node, Value};
use crate::component::ComponentKind;

/// The words of `destination` or `destinations`, each once.
///
/// Where they are given in the wrong way they are taken all the same, so that one slip is one problem.
pub(crate) fn destinations<'a>(
    node: &'a Node,
    kind: ComponentKind,
    place: Span,
    problems: &mut Vec<Problem>,
) -> Vec<Word<'a>> {
    let one = node.entry("destination");
    let many = node.entry("destinations");
    if kind == ComponentKind::Dispatcher {
        for entry in one.into_iter().chain(many) {
            problems.push(
                Problem::new(
                    entry.key_span,
                    format!("a dispatcher has no `{}`", entry.key),
                )
                .label("its events leave the program here"),
            );
        }
        return Vec::new();
    }
    match (one, many) {
        (None, None) => problems.push(
            Problem::new(place, format!("this {} leads nowhere", kind.name()))
                .label("add `destination:` with the id of the component that gets its events"),
        ),
        (Some(one), Some(many)) => {
            let later = one.key_span.max(many.key_span);
            problems.push(
                Problem::new(later, "`destination` and `destinations` are given together")
                    .label("keep one of them"),
            );
        }
        _ => {}
    }
    let both_given = one.is_some() && many.is_some();
    let mut words: Vec<Word<'a>> = Vec::new();
    for entry in one.into_iter().chain(many) {
        for word in named(entry, problems) {
            if !words.iter().any(|other| other.text == word.text) {
                words.push(word);
            } else if !both_given {
                problems.push(
                    Problem::new(
                        word.span,
                        format!("the destination `{}` is named twice", word.text),
                    )
                    .label("name it once"),
                );
            }
        }
    }
    words
}

/// The words of one of the two keys, which wants one or a list.
fn named<'a>(entry: &'a Entry, problems: &mut Vec<Problem>) -> Vec<Word<'a>> {
    let wants_list = entry.key == "destinations";
    let span = entry.value.span;
    match &entry.value.value {
        Value::Sequence(items) if items.is_empty() => {
            problems.push(
                Problem::new(
                    span,
                    format!("`{}` is empty, so this leads nowhere", entry.key),
                )
                .label("name at least one component"),
            );
            Vec::new()
        }
        Value::Sequence(items) => {
            if !wants_list {
                problems.push(
                    Problem::new(span, "`destination` is one component, and this is a list")
                        .label("write `destinations:`"),
                );
            }
            items
                .iter()
                .filter_map(|item| word(item, item.span, problems))
                .collect()
        }
        Value::Scalar(_) => {
            let word = word(&entry.value, entry.key_span, problems);
            if let Some(word) = word.filter(|_| wants_list) {
                problems.push(
                    Problem::new(span, "`destinations` is a list, and this is text")
                        .label(format!("write `[{}]`, or `destination:`", word.text)),
                );
            }
            word.into_iter().collect()
        }
        Value::Mapping(_) => {
            problems.push(
                Problem::new(span, format!("`{}` is not a mapping", entry.key))
                    .label("write the id of a component"),
            );
            Vec::new()
        }
    }
}
