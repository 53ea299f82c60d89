//! The tree as a serde deserializer whose errors know their place.

use std::cell::Cell;
use std::fmt::Display;
use std::rc::Rc;
use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::choice::Choice;
use super::read_error::{ReadError, in_words};
use super::scalar::Plain;
use super::source::Span;
use super::told::{Culprit, Told};
use super::tree::{Entry, Node, Provenance, Scalar, Value};

/// A value of the tree, on its way to become a struct's field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub node: &'a Node,
    /// The key that holds the value: where to say that something is missing in it.
    pub holder: Span,
    /// Keys of this mapping that the reader does not see.
    pub hidden: &'a [&'a str],
    /// What the reader does without, here and below, because it is told already that it is wrong.
    told: Option<&'a Told>,
}

pub(crate) type Result<T> = std::result::Result<T, ReadError>;

impl<'a> Reader<'a> {
    pub fn new(node: &'a Node, holder: Span) -> Self {
        Self {
            node,
            holder,
            hidden: &[],
            told: None,
        }
    }

    /// A value below this one.
    pub fn below(&self, node: &'a Node, holder: Span) -> Self {
        Self {
            node,
            holder,
            hidden: &[],
            told: self.told,
        }
    }

    /// The same without what is told already.
    pub fn without(self, told: &'a Told) -> Self {
        Self {
            told: Some(told),
            ..self
        }
    }

    /// The entries that the reader sees.
    pub fn seen(&self) -> impl Iterator<Item = &'a Entry> {
        let Self { hidden, told, .. } = *self;
        let entries = self.node.mapping().unwrap_or_default().iter();
        entries.filter(move |entry| is_seen(entry, hidden, told))
    }

    #[must_use]
    pub fn hiding(mut self, hidden: &'a [&'a str]) -> Self {
        self.hidden = hidden;
        self
    }

    /// Gives an error from inside its place, and what is there.
    fn place(&self, error: ReadError) -> ReadError {
        let error = error.found(self.node);
        error.at(self.holder)
    }

    /// Gives the value of an entry or item away; what the receiver has against it has its place too.
    fn give<T: DeserializeSeed<'a>>(
        self,
        seed: T,
        culprit: impl FnOnce() -> Culprit,
    ) -> Result<T::Value> {
        seed.deserialize(self).map_err(|error| {
            let error = match self.told {
                // It is wrong as a whole because a part of it was left out.
                Some(told) if !error.is_blamed() && told.is_inside(self.node) => {
                    error.unless_missing()
                }
                _ => error,
            };
            self.place(error).by(culprit)
        })
    }

    /// The scalar, if this is one; an error that expects `what` otherwise.
    fn scalar(&self, what: &str) -> Result<(&'a Scalar, Plain)> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.provenance == Provenance::Unfilled => {
                Err(ReadError::told())
            }
            Value::Scalar(scalar) => Ok((scalar, meaning(scalar))),
            _ => Err(ReadError::expected(what, self.node)),
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if meaning(scalar) == Plain::Null)
    }

    fn integer<T>(&self, what: &str) -> Result<T>
    where
        T: TryFrom<u64> + TryFrom<i64>,
    {
        let (scalar, plain) = self.scalar(what)?;
        let number = match plain {
            Plain::Unsigned(number) => T::try_from(number).ok(),
            Plain::Signed(number) => T::try_from(number).ok(),
            _ => None,
        };
        number.ok_or_else(|| {
            let quoted = !scalar.plain
                && matches!(
                    Plain::of(&scalar.text),
                    Plain::Unsigned(_) | Plain::Signed(_)
                );
            let error = ReadError::expected(what, self.node);
            if quoted {
                error.hint("write it without quotes")
            } else {
                error
            }
        })
    }

    fn bool(&self) -> Result<bool> {
        if let Plain::Bool(value) = self.scalar("`true` or `false`")?.1 {
            return Ok(value);
        }
        let error = ReadError::expected("`true` or `false`", self.node);
        let word = match &self.node.value {
            Value::Scalar(scalar) => scalar.text.to_ascii_lowercase(),
            _ => String::new(),
        };
        Err(match word.as_str() {
            "yes" | "on" | "y" | "1" | "true" => error.hint("did you mean `true`?"),
            "no" | "off" | "n" | "0" | "false" => error.hint("did you mean `false`?"),
            _ => error,
        })
    }

    fn float(&self) -> Result<f64> {
        match self.scalar("a number")?.1 {
            Plain::Float(number) => Ok(number),
            #[allow(
                clippy::cast_precision_loss,
                reason = "a float in a configuration is near enough"
            )]
            Plain::Unsigned(number) => Ok(number as f64),
            #[allow(
                clippy::cast_precision_loss,
                reason = "a float in a configuration is near enough"
            )]
            Plain::Signed(number) => Ok(number as f64),
            _ => Err(ReadError::expected("a number", self.node)),
        }
    }

    /// A scalar's text as it was written, numbers included: `password: 0123` is text.
    pub fn text(&self, what: &str) -> Result<&'a str> {
        let (scalar, plain) = self.scalar(what)?;
        if plain == Plain::Null {
            return Err(ReadError::expected(what, self.node).hint("write `\"\"` for an empty text"));
        }
        Ok(&scalar.text)
    }

    fn items(&self) -> Result<&'a [Rc<Node>]> {
        let error = || ReadError::expected("a list", self.node);
        match &self.node.value {
            Value::Sequence(items) => Ok(items),
            Value::Scalar(scalar) if !self.is_null() => {
                Err(error().hint(match scalar.provenance {
                    Provenance::Written => format!("write a list: `[{}]`", scalar.text),
                    _ => "write a list: `[…]`".to_owned(),
                }))
            }
            _ => Err(error()),
        }
    }

    fn entries(&self) -> Result<&'a [Entry]> {
        match &self.node.value {
            Value::Mapping(entries) => Ok(entries),
            Value::Scalar(_) if self.is_null() => Ok(&[]),
            _ => Err(ReadError::expected("a mapping", self.node)),
        }
    }
}

/// What a scalar means; what was filled in is never null, so that an empty variable is an empty text.
fn meaning(scalar: &Scalar) -> Plain {
    if !scalar.plain {
        return Plain::Text;
    }
    match (Plain::of(&scalar.text), scalar.provenance) {
        (Plain::Null, Provenance::Filled { .. } | Provenance::Unfilled) => Plain::Text,
        (plain, _) => plain,
    }
}

/// What a visitor says of the numbers that it takes, or what their type says if that is more.
fn whole_number(visitor: &dyn Expected, least: &dyn Display, most: &dyn Display) -> String {
    let words = in_words(&visitor.to_string());
    match words.starts_with("a whole number") {
        true => words,
        false => format!("a whole number from {least} to {most}"),
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let what = whole_number(&visitor, &$type::MIN, &$type::MAX);
            let number = self.integer::<$type>(&what)?;
            visitor.$visit(number).map_err(|error| self.place(error))
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let text = self.text("text")?;
            visitor.visit_borrowed_str(text).map_err(|error| self.place(error))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    integers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    texts! {
        deserialize_str
        deserialize_string
        deserialize_char
        deserialize_identifier
        deserialize_bytes
        deserialize_byte_buf
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor
            .visit_bool(self.bool()?)
            .map_err(|error| self.place(error))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor
            .visit_f64(self.float()?)
            .map_err(|error| self.place(error))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_null() {
            visitor.visit_unit()
        } else {
            Err(ReadError::expected("nothing", self.node))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| self.place(error))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let items = self.items()?.iter();
        visitor
            .visit_seq(Items {
                items,
                told: self.told,
            })
            .map_err(|error| self.place(error))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let last_key = Cell::new(None);
        visitor
            .visit_map(Entries {
                entries: self.entries()?.iter(),
                hidden: self.hidden,
                told: self.told,
                value: None,
                last_key: &last_key,
            })
            .map_err(|error| {
                let error = match (error.missing(), self.told) {
                    (Some(key), Some(told)) if told.explains(self.node, key) => error.known(),
                    _ => error,
                };
                let error = error.at_key(last_key.get()).of_mapping(self.node);
                error.at(self.holder).found(self.node)
            })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let choice = Choice::of(self, variants)?;
        visitor
            .visit_enum(choice)
            .map_err(|error| self.place(error))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let scalar = match &self.node.value {
            Value::Sequence(_) => return self.deserialize_seq(visitor),
            Value::Mapping(_) => return self.deserialize_map(visitor),
            Value::Scalar(scalar) if scalar.provenance == Provenance::Unfilled => {
                return Err(ReadError::told());
            }
            Value::Scalar(scalar) => scalar,
        };
        match meaning(scalar) {
            Plain::Null => visitor.visit_unit(),
            Plain::Bool(value) => visitor.visit_bool(value),
            Plain::Unsigned(number) => visitor.visit_u64(number),
            Plain::Signed(number) => visitor.visit_i64(number),
            Plain::Float(number) => visitor.visit_f64(number),
            Plain::Text => visitor.visit_borrowed_str(&scalar.text),
        }
        .map_err(|error| self.place(error))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, ReadError> for Reader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'a> {
    items: slice::Iter<'a, Rc<Node>>,
    told: Option<&'a Told>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let told = self.told;
        self.items
            .find(|item| told.is_none_or(|told| !told.has_item(item)))
            .map(|node| {
                let reader = Reader {
                    told,
                    ..Reader::new(node, first(node))
                };
                reader.give(seed, || Culprit::item(node))
            })
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// Where a list's item begins: its first key, if it has keys.
fn first(node: &Node) -> Span {
    match node.mapping() {
        Some([entry, ..]) => entry.key_span,
        _ => node.span,
    }
}

struct Entries<'a, 'c> {
    entries: slice::Iter<'a, Entry>,
    hidden: &'a [&'a str],
    told: Option<&'a Told>,
    value: Option<&'a Entry>,
    last_key: &'c Cell<Option<Span>>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let (hidden, told) = (self.hidden, self.told);
        self.value = self.entries.find(|entry| is_seen(entry, hidden, told));
        let Some(entry) = self.value else {
            return Ok(None);
        };
        self.last_key.set(Some(entry.key_span));
        let key: KeyReader<'_> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.at(entry.key_span).by(|| Culprit::entry(entry)))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        match self.value.take() {
            Some(entry) => {
                let reader = Reader {
                    told: self.told,
                    ..Reader::new(&entry.value, entry.key_span)
                };
                reader.give(seed, || Culprit::entry(entry))
            }
            None => Err(ReadError::new("a value is read before its key", "")),
        }
    }
}

fn is_seen(entry: &Entry, hidden: &[&str], told: Option<&Told>) -> bool {
    !hidden.contains(&entry.key.as_str()) && told.is_none_or(|told| !told.has_entry(entry))
}

pub(crate) type KeyReader<'a> = StrDeserializer<'a, ReadError>;
