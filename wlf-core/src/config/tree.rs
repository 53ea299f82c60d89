//! A YAML document as a tree in which each value knows its place.

use std::rc::Rc;

use super::source::Span;

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
    /// The number of nodes below this one, with aliases followed.
    pub weight: u64,
}

#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Rc<Node>,
}

/// A scalar's text, with `${…}` filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub text: String,
    /// Not quoted and not a block, so that it may be a number, true, false or null.
    pub plain: bool,
    pub provenance: Provenance,
}

/// Where a scalar's text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    Written,
    /// From the environment or a file, if only in part; it is text or a number, never null.
    Filled {
        secret: bool,
    },
    /// A `${…}` in it could not be filled, which is reported already.
    Unfilled,
}

impl Node {
    /// The text of a scalar that a variable or a file has filled in, if only in part: it is not shown.
    pub fn secret(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.provenance == (Provenance::Filled { secret: true }) => {
                Some(&scalar.text)
            }
            _ => None,
        }
    }

    pub fn mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry with a key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.mapping()?.iter().find(|entry| entry.key == key)
    }
}
