//! The values of a row's columns, as formats see them, and how a source presents its rows to the formats.
//!
//! A source implements [`Rows`] and [`Columns`] over the form that it has its rows in; a format pulls one column after the
//! other and writes it. Everything here is resolved at compile time: no allocation and no indirect call for a value.

mod owned;
mod text;

pub use owned::{Datum, OwnedRow, OwnedRows};
pub use text::Text;

use crate::format::Buffer;
use crate::origin::Origin;

/// A column's value, borrowed from its source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// `unscaled` × 10^-`scale`; `scale` is at most 30.
    Decimal {
        unscaled: i64,
        scale: u8,
    },
    Date(Date),
    DateTime(DateTime),
    /// An instant, printed in UTC.
    Timestamp(Timestamp),
    Time(Time),
    /// 0 or 1901 to 2155.
    Year(u16),
    /// Text in UTF-8; bytes that are not become U+FFFD.
    Text(Text<'a>),
    /// Bytes, behind which zero bytes follow up to a length of `padded`.
    Bytes {
        bytes: &'a [u8],
        padded: usize,
    },
    /// A chosen label; index 0 stands for a value outside of the definition and has the label `""`.
    Enum {
        index: u16,
        label: &'a str,
    },
    Set(Set<'a>),
    /// A JSON document as text, written as it is.
    Json(&'a [u8]),
    Geometry(Geometry<'a>),
    /// 32-bit little-endian floating point numbers.
    Vector(&'a [u8]),
    /// A value that its source writes itself, by [`Columns::write`].
    Coded(Coded),
}

/// What it is that [`Columns::write`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coded {
    /// Text, as valid UTF-8 and not escaped: the source has it in another charset.
    Text,
    /// Bytes, as they are and not encoded: the source has them in a compressed form.
    Bytes,
    /// A JSON document, as compact text: the source has it in a binary form, or with white space.
    Json,
    /// The plain digits of a number that is too long for the other variants.
    Number,
}

/// A day; any part may be 0, as MySQL allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// A day and a time of day in no particular zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DateTime {
    pub date: Date,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
    /// How many digits of the fraction are shown, 0 to 6.
    pub digits: u8,
}

/// An instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp {
    /// Since 1970; 0 is the zero timestamp `0000-00-00 00:00:00` when the microseconds are 0 too.
    pub second: u32,
    pub microsecond: u32,
    /// How many digits of the fraction are shown, 0 to 6.
    pub digits: u8,
}

/// A time of day or a span of up to 838 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Time {
    pub negative: bool,
    pub hour: u16,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
    /// How many digits of the fraction are shown, 0 to 6.
    pub digits: u8,
}

/// The chosen ones of up to 64 labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set<'a> {
    /// All labels, in the definition's order.
    pub labels: &'a [String],
    /// Bit n stands for the label n.
    pub chosen: u64,
}

impl<'a> Set<'a> {
    /// The labels that are chosen, in the definition's order.
    pub fn labels(self) -> impl Iterator<Item = &'a str> {
        let labels = self.labels.iter().take(64).enumerate();
        labels
            .filter(move |(n, _)| self.chosen >> n & 1 == 1)
            .map(|(_, label)| label.as_str())
    }
}

/// A shape and its spatial reference system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry<'a> {
    pub srid: u32,
    /// Well-known binary (OGC 06-103r4, §8).
    pub wkb: &'a [u8],
}

/// The rows of one event, as their source has them.
pub trait Rows {
    type Error;
    type Columns: Columns<Error = Self::Error>;

    /// The next row; `None` behind the last.
    fn next(&mut self) -> Result<Option<Row<Self::Columns>>, Self::Error>;

    /// Where the rows come from: asked at most once for each event, and only by formats that say it.
    fn origin(&self) -> Origin<'_> {
        Origin::default()
    }
}

/// A row's images.
#[derive(Debug, Clone)]
pub enum Row<C> {
    Insert(C),
    Update { before: C, after: C },
    Delete(C),
}

/// One image of a row: a cursor over the columns that it holds, in the table's order.
///
/// It is cheap to clone, which is how a format goes over an image twice.
pub trait Columns: Clone {
    type Error;

    /// Goes to the next column that the image holds and gives its index in the table; `None` behind the last.
    fn next(&mut self) -> Result<Option<usize>, Self::Error>;

    /// Gives the current column's value to a visitor.
    ///
    /// The hot path: where the visitor is inlined into each place that makes a value, no value is ever put together in
    /// memory and taken apart again, which costs more than most values' digits do.
    fn visit<'a, V: Visitor<'a>>(&'a self, visitor: V) -> Result<V::Output, Self::Error>;

    /// The current column's value.
    #[inline(always)]
    fn value(&self) -> Result<Value<'_>, Self::Error> {
        self.visit(Itself)
    }

    /// Whether both current columns hold the same, by their undecoded bytes: `true` is certain, `false` is not.
    fn same(&self, other: &Self) -> bool;

    /// Writes the current column, whose value is [`Value::Coded`].
    fn write(&self, out: &mut Buffer) -> Result<(), Self::Error>;
}

/// What is done with a value.
pub trait Visitor<'a> {
    type Output;

    /// Takes the value; always inlined, so that only what is done with its variant remains.
    fn visit(self, value: Value<'a>) -> Self::Output;

    /// Takes a value of any variant; not to be inlined, as it has the code for all of them. By reference, since a copy is made
    /// piece by piece, and each of its pieces that is not one of those that were just stored waits for them.
    fn visit_any(self, value: &Value<'a>) -> Self::Output;
}

/// Gives the value itself.
#[derive(Debug, Clone, Copy)]
struct Itself;

impl<'a> Visitor<'a> for Itself {
    type Output = Value<'a>;

    #[inline(always)]
    fn visit(self, value: Value<'a>) -> Value<'a> {
        value
    }

    #[inline(always)]
    fn visit_any(self, value: &Value<'a>) -> Value<'a> {
        *value
    }
}

/// A row or a value of it that its source could not decode.
#[derive(Debug)]
pub struct RowError<E> {
    /// The rows of the event that were encoded before it.
    pub row: u32,
    /// The column's index in the table, where it is known.
    pub column: Option<usize>,
    pub error: E,
}
