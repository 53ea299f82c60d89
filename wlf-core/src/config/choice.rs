//! An enum of a component's struct, as a file writes it.

use serde::de::value::MapDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};

use super::deserialize::{KeyReader, Reader, Result};
use super::read_error::{ReadError, list};
use super::source::Span;
use super::tree::{Entry, Value};

/// One of several alternatives, written `word`, `{word: content}` or `{type: word, …}`. The word alone will do for one with
/// content all of which may be left out.
pub(crate) struct Choice<'a> {
    name: &'a str,
    name_span: Span,
    content: Content<'a>,
}

enum Content<'a> {
    Nothing,
    Value(Reader<'a>),
    /// The mapping that the `type` key is in.
    Rest(Reader<'a>),
}

/// The key that names an alternative in the mapping that describes it.
const TAG: &str = "type";

impl<'a> Choice<'a> {
    pub fn of(reader: Reader<'a>, variants: &'static [&'static str]) -> Result<Self> {
        let expected = || match variants {
            [one] => format!("`{one}`"),
            variants => format!("one of {}", list(variants)),
        };
        let entries: Vec<&Entry> = reader.seen().collect();
        let tag = entries.iter().find(|entry| entry.key == TAG);
        let choice = match (&reader.node.value, tag, entries.as_slice()) {
            (Value::Mapping(_), Some(tag), _) => Choice {
                name: Reader::new(&tag.value, tag.key_span).text(&expected())?,
                name_span: tag.value.span,
                content: Content::Rest(reader.hiding(&[TAG])),
            },
            (Value::Mapping(_), None, [only]) => Choice {
                name: &only.key,
                name_span: only.key_span,
                content: Content::Value(reader.below(&only.value, only.key_span)),
            },
            (Value::Mapping(_), None, [first, second, ..])
                if variants.contains(&first.key.as_str()) =>
            {
                let message = format!(
                    "`{}` and `{}` are given together, expected {}",
                    first.key,
                    second.key,
                    expected()
                );
                return Err(ReadError::new(message, "keep one of them").at(second.key_span));
            }
            (Value::Mapping(_), None, _) => {
                let message = format!("missing key `{TAG}`, expected {}", expected());
                return Err(ReadError::new(message, "").at(reader.holder));
            }
            (Value::Sequence(_), ..) => return Err(ReadError::expected(expected(), reader.node)),
            (Value::Scalar(_), ..) => Choice {
                name: reader.text(&expected())?,
                name_span: reader.node.span,
                content: Content::Nothing,
            },
        };
        if variants.contains(&choice.name) {
            return Ok(choice);
        }
        let what = if matches!(choice.content, Content::Value(_)) {
            "key"
        } else {
            "choice"
        };
        Err(ReadError::unknown(what, choice.name, variants).at(choice.name_span))
    }

    fn needs_content(&self, keys: &[&str]) -> ReadError {
        let hint = match keys {
            [] => format!("write `{}: …`", self.name),
            keys => format!("it has {}", list(keys)),
        };
        ReadError::new(format!("`{}` needs more than its name", self.name), hint).at(self.name_span)
    }
}

/// What a word alone says of its content: enough where all of it may be left out.
fn nothing() -> MapDeserializer<'static, std::iter::Empty<(&'static str, &'static str)>, ReadError>
{
    MapDeserializer::new(std::iter::empty())
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name: KeyReader<'_> = self.name.into_deserializer();
        let variant = seed
            .deserialize(name)
            .map_err(|error| error.at(self.name_span))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<()> {
        let extra = match self.content {
            Content::Nothing => return Ok(()),
            Content::Value(reader) if reader.is_null() => return Ok(()),
            Content::Value(reader) => reader.node.span,
            Content::Rest(reader) => match reader.seen().find(|entry| entry.key != TAG) {
                None => return Ok(()),
                Some(entry) => entry.key_span,
            },
        };
        let message = format!("`{}` takes nothing besides its name", self.name);
        Err(ReadError::new(message, "").at(extra))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        match self.content {
            Content::Nothing => (seed.deserialize(nothing())).map_err(|_| self.needs_content(&[])),
            Content::Value(reader) | Content::Rest(reader) => seed.deserialize(reader),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.content {
            Content::Value(reader) => reader.deserialize_tuple(len, visitor),
            Content::Nothing | Content::Rest(_) => Err(self.needs_content(&[])),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.content {
            Content::Nothing => {
                (visitor.visit_map(nothing())).map_err(|_| self.needs_content(fields))
            }
            Content::Value(reader) | Content::Rest(reader) => {
                reader.deserialize_struct("", fields, visitor)
            }
        }
    }
}
