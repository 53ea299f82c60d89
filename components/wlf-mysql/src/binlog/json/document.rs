//! JSON documents in MySQL's binary form, taken apart and put together again (mysql-server, `sql-common/json_binary.cc`).
//!
//! Only what is looked into is taken apart: everything else keeps the bytes that it has, since offsets in a container
//! count from its own beginning.

use std::borrow::Cow;

use super::jsonb;
use super::path::Leg;
use crate::reader::{Malformed, Reader};

/// A value of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'a> {
    /// As it is stored: its type, and the bytes behind the type.
    Stored {
        kind: u8,
        bytes: &'a [u8],
    },
    /// In the order of their lengths, and among equally long ones in that of their bytes.
    Object(Vec<(&'a [u8], Node<'a>)>),
    Array(Vec<Node<'a>>),
}

const GONE: Malformed = Malformed::Invalid("the place of a change in a JSON document");

impl<'a> Node<'a> {
    /// Takes a whole document.
    pub fn stored(document: &'a [u8]) -> Result<Self, Malformed> {
        let (kind, bytes) = document
            .split_first()
            .ok_or(Malformed::Truncated("a JSON document"))?;
        Self::stored_value(*kind, bytes)
    }

    /// Takes a value of which the bytes behind its type begin with `bytes`.
    fn stored_value(kind: u8, bytes: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "a value of a JSON document";
        let mut reader = Reader::new(bytes);
        let length = match kind {
            jsonb::SMALL_OBJECT | jsonb::SMALL_ARRAY | jsonb::LARGE_OBJECT | jsonb::LARGE_ARRAY => {
                let is_large = matches!(kind, jsonb::LARGE_OBJECT | jsonb::LARGE_ARRAY);
                jsonb::offset(&mut reader, is_large)?;
                let size = jsonb::offset(&mut reader, is_large)?;
                // Its number of elements and its size are in it.
                if size < bytes.len() - reader.rest().len() {
                    return Err(Malformed::Invalid("the size of a JSON document"));
                }
                size
            }
            jsonb::LITERAL => 1,
            jsonb::INT16 | jsonb::UINT16 => 2,
            jsonb::INT32 | jsonb::UINT32 => 4,
            jsonb::INT64 | jsonb::UINT64 | jsonb::DOUBLE => 8,
            jsonb::STRING | jsonb::OPAQUE => {
                if kind == jsonb::OPAQUE {
                    reader.u8(FIELD)?;
                }
                let length = jsonb::length(&mut reader)?;
                let front = bytes.len() - reader.rest().len();
                front.saturating_add(length)
            }
            _ => return Err(Malformed::Invalid("the type of a JSON value")),
        };
        let bytes = bytes.get(..length).ok_or(Malformed::Truncated(FIELD))?;
        Ok(Self::Stored { kind, bytes })
    }

    /// Puts another value in the place of one that is there.
    pub fn replace(&mut self, path: &[Leg], value: Node<'a>) -> Result<(), Malformed> {
        *self.at(path)? = value;
        Ok(())
    }

    /// Puts a value where none is; in an array the ones behind it move on.
    pub fn insert(&mut self, path: &'a [Leg], value: Node<'a>) -> Result<(), Malformed> {
        let (leg, parent) = path.split_last().ok_or(GONE)?;
        match (self.at(parent)?.open()?, leg) {
            (Self::Object(members), Leg::Member(name)) => match place(members, name) {
                Ok(_) => return Err(GONE),
                Err(at) => members.insert(at, (name, value)),
            },
            (Self::Array(cells), Leg::Cell(at)) => cells.insert((*at).min(cells.len()), value),
            (Self::Array(cells), Leg::Last(back)) => {
                let at = cells.len().saturating_sub(back.saturating_add(1));
                cells.insert(at, value);
            }
            _ => return Err(GONE),
        }
        Ok(())
    }

    /// Takes a value out; in an array the ones behind it move up.
    pub fn remove(&mut self, path: &[Leg]) -> Result<(), Malformed> {
        let (leg, parent) = path.split_last().ok_or(GONE)?;
        match (self.at(parent)?.open()?, leg) {
            (Self::Object(members), Leg::Member(name)) => {
                let at = place(members, name).map_err(|_| GONE)?;
                members.remove(at);
            }
            (Self::Array(cells), leg) => {
                let at = cell(cells.len(), leg)?;
                cells.remove(at);
            }
            _ => return Err(GONE),
        }
        Ok(())
    }

    /// The value at the path's end.
    fn at(&mut self, path: &[Leg]) -> Result<&mut Self, Malformed> {
        let mut node = self;
        for leg in path {
            node = match (node.open()?, leg) {
                (Self::Object(members), Leg::Member(name)) => {
                    let at = place(members, name).map_err(|_| GONE)?;
                    members.get_mut(at).map(|(_, value)| value)
                }
                (Self::Array(cells), leg) => {
                    let at = cell(cells.len(), leg)?;
                    cells.get_mut(at)
                }
                _ => None,
            }
            .ok_or(GONE)?;
        }
        Ok(node)
    }

    /// Takes a container apart.
    fn open(&mut self) -> Result<&mut Self, Malformed> {
        if let Self::Stored { kind, bytes } = *self
            && let Some(mut entries) = Entries::open(kind, bytes)?
        {
            // Values share no bytes: those of one that says so would become more with each time that it is put together.
            let mut budget = bytes.len();
            let mut members = Vec::new();
            for _ in 0..entries.count {
                let (key, value) = entries.next()?;
                let size = match &value {
                    Self::Stored { kind, bytes } if !jsonb::is_inlined(*kind, true) => bytes.len(),
                    _ => 0,
                };
                budget = budget
                    .checked_sub(1 + key.len())
                    .and_then(|budget| budget.checked_sub(size))
                    .ok_or(Malformed::Invalid("the size of a JSON document"))?;
                members.push((key, value));
            }
            *self = if entries.is_object {
                Self::Object(members)
            } else {
                Self::Array(members.into_iter().map(|(_, value)| value).collect())
            };
        }
        Ok(self)
    }

    /// The document in its binary form.
    pub fn encode(&self) -> Result<Vec<u8>, Malformed> {
        let (kind, bytes) = self.encode_value()?;
        Ok([&[kind], &*bytes].concat())
    }

    /// The type, and what is behind it.
    fn encode_value(&self) -> Result<(u8, Cow<'a, [u8]>), Malformed> {
        let (is_object, values) = match self {
            Self::Stored { kind, bytes } => return Ok((*kind, Cow::Borrowed(bytes))),
            Self::Object(members) => {
                let values = members
                    .iter()
                    .map(|(key, value)| Value::new(Some(*key), value));
                (true, values.collect::<Result<Vec<_>, _>>()?)
            }
            Self::Array(cells) => {
                let values = cells.iter().map(|value| Value::new(None, value));
                (false, values.collect::<Result<Vec<_>, _>>()?)
            }
        };
        // The server too takes the small form wherever it fits.
        let layout = [Layout::SMALL, Layout::LARGE]
            .into_iter()
            .find(|layout| layout.size(&values) <= layout.most)
            .ok_or(Malformed::Invalid("the size of a JSON document"))?;
        let kind = match (is_object, layout.is_large) {
            (true, false) => jsonb::SMALL_OBJECT,
            (true, true) => jsonb::LARGE_OBJECT,
            (false, false) => jsonb::SMALL_ARRAY,
            (false, true) => jsonb::LARGE_ARRAY,
        };
        Ok((kind, Cow::Owned(layout.write(&values))))
    }
}

/// A value that is to be put into a container.
struct Value<'a> {
    key: Option<&'a [u8]>,
    kind: u8,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Value<'a> {
    fn new(key: Option<&'a [u8]>, node: &Node<'a>) -> Result<Self, Malformed> {
        let (kind, bytes) = node.encode_value()?;
        Ok(Self { key, kind, bytes })
    }
}

/// One of the two forms of containers.
#[derive(Clone, Copy)]
struct Layout {
    is_large: bool,
    /// How many bytes numbers and offsets have, and the largest of them.
    wide: usize,
    most: usize,
}

impl Layout {
    const SMALL: Self = Self {
        is_large: false,
        wide: 2,
        most: 0xffff,
    };
    const LARGE: Self = Self {
        is_large: true,
        wide: 4,
        most: 0xffff_ffff,
    };

    /// How many bytes the container has, its type not counted.
    fn size(self, values: &[Value<'_>]) -> usize {
        let each = |value: &Value<'_>| {
            let key = value.key.map_or(0, |key| self.wide + 2 + key.len());
            let outside = if jsonb::is_inlined(value.kind, self.is_large) {
                0
            } else {
                value.bytes.len()
            };
            key + 1 + self.wide + outside
        };
        let values = values.iter().map(each);
        values.fold(2 * self.wide, usize::saturating_add)
    }

    /// Writes number of elements, size, the keys' entries, the values' entries, keys, values.
    fn write(self, values: &[Value<'_>]) -> Vec<u8> {
        let size = self.size(values);
        let mut out = Vec::with_capacity(size);
        self.put(&mut out, values.len());
        self.put(&mut out, size);
        let entries = values.iter().map(|value| {
            let key = value.key.map_or(0, |_| self.wide + 2);
            key + 1 + self.wide
        });
        let mut offset = 2 * self.wide + entries.sum::<usize>();
        for key in values.iter().filter_map(|value| value.key) {
            self.put(&mut out, offset);
            Self::SMALL.put(&mut out, key.len());
            offset += key.len();
        }
        for value in values {
            out.push(value.kind);
            if jsonb::is_inlined(value.kind, self.is_large) {
                let end = out.len() + self.wide;
                out.extend_from_slice(&value.bytes);
                out.resize(end, 0);
            } else {
                self.put(&mut out, offset);
                offset += value.bytes.len();
            }
        }
        for key in values.iter().filter_map(|value| value.key) {
            out.extend_from_slice(key);
        }
        for value in values {
            if !jsonb::is_inlined(value.kind, self.is_large) {
                out.extend_from_slice(&value.bytes);
            }
        }
        out
    }

    fn put(self, out: &mut Vec<u8>, number: usize) {
        out.extend(number.to_le_bytes().iter().take(self.wide));
    }
}

/// Where the member is, or where it belongs.
fn place(members: &[(&[u8], Node<'_>)], name: &[u8]) -> Result<usize, usize> {
    members.binary_search_by(|(key, _)| (key.len(), *key).cmp(&(name.len(), name)))
}

fn cell(count: usize, leg: &Leg) -> Result<usize, Malformed> {
    let at = match leg {
        Leg::Cell(at) => Some(*at),
        Leg::Last(back) => count.checked_sub(back.saturating_add(1)),
        Leg::Member(_) => None,
    };
    at.filter(|at| *at < count).ok_or(GONE)
}

/// The entries of a container.
struct Entries<'a> {
    is_object: bool,
    is_large: bool,
    count: usize,
    bytes: &'a [u8],
    keys: Reader<'a>,
    values: Reader<'a>,
}

impl<'a> Entries<'a> {
    /// Begins with the bytes behind the type; `None` if it is no container.
    fn open(kind: u8, bytes: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (is_object, is_large) = match kind {
            jsonb::SMALL_OBJECT => (true, false),
            jsonb::LARGE_OBJECT => (true, true),
            jsonb::SMALL_ARRAY => (false, false),
            jsonb::LARGE_ARRAY => (false, true),
            _ => return Ok(None),
        };
        let mut values = Reader::new(bytes);
        let count = jsonb::offset(&mut values, is_large)?;
        let size = jsonb::offset(&mut values, is_large)?;
        let bytes = bytes
            .get(..size)
            .ok_or(Malformed::Truncated("a JSON document"))?;
        let key = match (is_object, is_large) {
            (false, _) => 0,
            (true, false) => 4,
            (true, true) => 6,
        };
        let keys = count
            .checked_mul(key)
            .ok_or(Malformed::Truncated("a JSON document"))?;
        let keys = Reader::new(values.bytes(keys, "the keys of a JSON document")?);
        Ok(Some(Self {
            is_object,
            is_large,
            count,
            bytes,
            keys,
            values,
        }))
    }

    /// The next key, empty in an array, and value.
    fn next(&mut self) -> Result<(&'a [u8], Node<'a>), Malformed> {
        const FIELD: &str = "an entry of a JSON document";
        let mut key: &[u8] = &[];
        if self.is_object {
            let start = jsonb::offset(&mut self.keys, self.is_large)?;
            let length = usize::from(self.keys.u16("a key of a JSON document")?);
            let found = start
                .checked_add(length)
                .and_then(|end| self.bytes.get(start..end));
            key = found.ok_or(Malformed::Truncated("a key of a JSON document"))?;
        }
        let kind = self.values.u8(FIELD)?;
        let entry = self
            .values
            .bytes(if self.is_large { 4 } else { 2 }, FIELD)?;
        let bytes = if jsonb::is_inlined(kind, self.is_large) {
            entry
        } else {
            let start = jsonb::offset(&mut Reader::new(entry), self.is_large)?;
            self.bytes.get(start..).unwrap_or_default()
        };
        Ok((key, Node::stored_value(kind, bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use wlf_core::format::Buffer;

    use super::super::path::path;
    use super::*;

    fn text(document: &[u8]) -> String {
        let mut out = Buffer::new();
        jsonb::write(document, &mut out).unwrap();
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    /// `{"a": 1, "b": [true, "x\u001f"]}`.
    const DOCUMENT: &[u8] = &[
        0x00, 2, 0, 36, 0, 18, 0, 1, 0, 19, 0, 1, 0, 5, 1, 0, 2, 20, 0, b'a', b'b', 2, 0, 16, 0, 4,
        1, 0, 12, 10, 0, 2, b'x', 0x1f, 0, 0, 0,
    ];
    const SEVEN: &[u8] = &[5, 7, 0];

    #[test]
    fn changes_a_document_where_the_path_leads() {
        let changed = |change: fn(&mut Node<'_>)| {
            let mut node = Node::stored(DOCUMENT).unwrap();
            change(&mut node);
            text(&node.encode().unwrap())
        };
        assert_eq!(changed(|_| {}), r#"{"a":1,"b":[true,"x\u001f"]}"#);
        let seven = || Node::stored(SEVEN).unwrap();
        assert_eq!(
            changed(|node| node
                .replace(&path(b"$.b[1]").unwrap(), Node::stored(SEVEN).unwrap())
                .unwrap()),
            r#"{"a":1,"b":[true,7]}"#
        );
        assert_eq!(
            changed(|node| node.remove(&path(b"$.b[last-1]").unwrap()).unwrap()),
            r#"{"a":1,"b":["x\u001f"]}"#
        );
        assert_eq!(
            changed(|node| node.remove(&path(b"$.a").unwrap()).unwrap()),
            r#"{"b":[true,"x\u001f"]}"#
        );
        let legs = ["$.aa", "$.A", "$.b[0]", "$.b[99]", "$.b[last]"];
        let paths = legs.map(|leg| path(leg.as_bytes()).unwrap());
        let mut node = Node::stored(DOCUMENT).unwrap();
        for path in &paths {
            node.insert(path, seven()).unwrap();
        }
        let out = node.encode().unwrap();
        assert_eq!(
            text(&out),
            r#"{"A":7,"a":1,"b":[7,true,"x\u001f",7,7],"aa":7}"#
        );
    }

    #[test]
    fn refuses_places_that_are_not_there() {
        for wrong in [
            "$",
            "$.c",
            "$[0]",
            "$.a.b",
            "$.b[2]",
            "$.b.x",
            "$.b[last-2]",
        ] {
            let path = path(wrong.as_bytes()).unwrap();
            let mut node = Node::stored(DOCUMENT).unwrap();
            assert_eq!(node.remove(&path), Err(GONE), "{wrong}");
        }
        let taken = path(b"$.a").unwrap();
        let mut node = Node::stored(DOCUMENT).unwrap();
        assert_eq!(node.insert(&taken, Node::stored(SEVEN).unwrap()), Err(GONE));
    }

    #[test]
    fn a_container_becomes_large_when_it_must() {
        let long = [&[12, 0xf8, 0xff, 0x03][..], &[b'y'; 65_528]].concat();
        let value = Node::stored(&long).unwrap();
        let at = path(b"$.c").unwrap();
        let mut node = Node::stored(DOCUMENT).unwrap();
        node.insert(&at, value).unwrap();
        let out = node.encode().unwrap();
        assert_eq!(out[0], 1);
        let expected = format!(
            r#"{{"a":1,"b":[true,"x\u001f"],"c":"{}"}}"#,
            "y".repeat(65_528)
        );
        assert_eq!(text(&out), expected);
        // And small again.
        let mut node = Node::stored(&out).unwrap();
        node.remove(&at).unwrap();
        let small = node.encode().unwrap();
        assert_eq!(small, DOCUMENT[..small.len()]);
        assert_eq!(small[0], 0);
    }

    #[test]
    fn refuses_containers_whose_values_share_bytes() {
        // Three strings that are all the same bytes.
        let mut shared = vec![2, 3, 0, 28, 0];
        for _ in 0..3 {
            shared.extend([12, 13, 0]);
        }
        shared.push(14);
        shared.extend([b'x'; 14]);
        let mut node = Node::stored(&shared).unwrap();
        assert!(node.remove(&[Leg::Cell(0)]).is_err());
    }

    #[test]
    fn refuses_containers_that_are_smaller_than_what_they_begin_with() {
        for size in 0..4 {
            assert!(Node::stored(&[0, 0, 0, size, 0]).is_err(), "{size}");
        }
        assert!(Node::stored(&[0, 0, 0, 4, 0]).is_ok());
        assert!(Node::stored(&[3, 0, 0, 0, 0, 7, 0, 0, 0]).is_err());
    }
}
