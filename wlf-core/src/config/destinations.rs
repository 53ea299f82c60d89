//! Where a component's events go.

use super::closest;
use super::outline::{COMMON_KEYS, Word, word};
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
        (None, None) => {
            if let Some((entry, meant)) = misspelt(node) {
                let message = format!("unknown key `{}`", entry.key);
                let label = format!("did you mean `{meant}`?");
                problems.push(Problem::new(entry.key_span, message).label(label));
                return meant_words(entry);
            }
            let nowhere = Problem::new(place, format!("this {} leads nowhere", kind.name()));
            let add = "add `destination:` with the id of the component that gets its events";
            problems.push(nowhere.label(add));
        }
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

/// The key that one of the two was meant to be, and which.
pub(crate) fn misspelt(node: &Node) -> Option<(&Entry, &'static str)> {
    let [_, _, one, many] = COMMON_KEYS;
    let entries = node.mapping().unwrap_or_default().iter();
    entries
        .filter_map(|entry| Some((entry, closest(&entry.key, [one, many])?)))
        .next()
}

/// What stands behind a misspelt key, in either form.
fn meant_words(entry: &Entry) -> Vec<Word<'_>> {
    let word = |node| word(node, entry.key_span, &mut Vec::new());
    match &entry.value.value {
        Value::Sequence(items) => items.iter().filter_map(|item| word(item)).collect(),
        Value::Scalar(_) => word(&entry.value).into_iter().collect(),
        Value::Mapping(_) => Vec::new(),
    }
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
