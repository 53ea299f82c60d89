//! Reads a value again without what is wrong with it, until all that is wrong is told.

use std::cell::RefCell;
use std::ptr;

use super::deserialize::Reader;
use super::read_error::ReadError;
use super::tree::{Entry, Node, Value};

/// The entries and items in which something is wrong that was told already. A reader does without them: serde's visitors
/// end at the first error, and the second time they come further.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The addresses of entries and of nodes.
    places: RefCell<Vec<usize>>,
    /// Their keys, and what misspelt ones were meant to be: that these are missing is no news.
    keys: RefCell<Vec<String>>,
}

impl Told {
    pub fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }

    pub fn has_entry(&self, entry: &Entry) -> bool {
        self.places.borrow().contains(&address(entry))
    }

    pub fn has_item(&self, node: &Node) -> bool {
        self.places.borrow().contains(&address(node))
    }

    /// Whether something is told already of what is in a value.
    pub fn is_inside(&self, node: &Node) -> bool {
        match &node.value {
            Value::Scalar(_) => false,
            Value::Sequence(items) => items
                .iter()
                .any(|item| self.has_item(item) || self.is_inside(item)),
            Value::Mapping(entries) => entries
                .iter()
                .any(|entry| self.has_entry(entry) || self.is_inside(&entry.value)),
        }
    }

    /// Whether a key of a mapping is missing only because of what was told.
    pub fn explains(&self, node: &Node, missing: &str) -> bool {
        let entries = node.mapping().unwrap_or_default();
        entries.iter().any(|entry| self.has_entry(entry))
            && self.keys.borrow().iter().any(|key| key == missing)
    }

    /// Whether a text speaks of a key of which something was told.
    pub fn speaks_of(&self, text: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let keys = self.keys.borrow();
        text.split(|c| !is_word(c))
            .any(|word| keys.iter().any(|key| key == word))
    }

    /// Notes an entry; `false` if it is noted already.
    pub fn add_entry(&self, entry: &Entry) -> bool {
        self.add(address(entry), [entry.key.clone()])
    }

    fn add(&self, place: usize, keys: impl IntoIterator<Item = String>) -> bool {
        let mut places = self.places.borrow_mut();
        if places.contains(&place) {
            return false;
        }
        places.push(place);
        self.keys.borrow_mut().extend(keys);
        true
    }
}

/// The entry or item that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Culprit {
    address: usize,
    key: Option<String>,
}

impl Culprit {
    pub fn entry(entry: &Entry) -> Self {
        Self {
            address: address(entry),
            key: Some(entry.key.clone()),
        }
    }

    pub fn item(node: &Node) -> Self {
        Self {
            address: address(node),
            key: None,
        }
    }
}

fn address<T>(place: &T) -> usize {
    ptr::from_ref(place).addr()
}

/// More than this and the file is something else than what it was taken for.
const MOST: usize = 200;

/// Reads by `read` until nothing new is wrong, and gives all errors; `None` if the last try found none, so that what it
/// made is whole if there are no errors at all.
pub(crate) fn read_all(
    told: &Told,
    reader: Reader<'_>,
    read: &mut dyn FnMut(Reader<'_>) -> Option<ReadError>,
) -> Vec<ReadError> {
    let mut errors = Vec::new();
    while errors.len() < MOST {
        let Some(error) = read(reader.without(told)) else {
            break;
        };
        let culprit = error.culprit().cloned();
        let meant = error.meant().map(str::to_owned);
        errors.push(error);
        let Some(Culprit { address, key }) = culprit else {
            break;
        };
        if !told.add(address, key.into_iter().chain(meant)) {
            break;
        }
    }
    errors
}
