//! Rows in owned form: what custom collectors and tests make events from.

use std::convert::Infallible;
use std::sync::Arc;

use super::{
    Coded, Columns, Date, DateTime, Geometry, Row, Rows, Set, Time, Timestamp, Value, Visitor,
};
use crate::event::{Changes, EncodeError, Event, Operation, Table};
use crate::format::{Buffer, Encoder};
use crate::origin::Origin;
use crate::schema_change::ChangePlace;

/// Rows in owned form, of one table and one operation.
///
/// ```
/// use std::sync::Arc;
/// use wlf_data::format::{Encoder, Format};
/// use wlf_data::value::OwnedRows;
/// use wlf_data::{Column, Table};
///
/// let columns = vec![Column::untyped("id"), Column::untyped("name")];
/// let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
/// let mut event = OwnedRows::insert(&table, [vec![1.into(), "a".into()]]);
/// event.time = 1_700_000_000_000_000;
///
/// let mut encoder = Encoder::new(Format::default());
/// encoder.encode(&event).unwrap();
/// assert_eq!(
///     std::str::from_utf8(encoder.payload()).unwrap(),
///     r#"{"database":"shop","table":"t","type":"insert","ts":1700000000,"data":{"id":1,"name":"a"}}"#
/// );
/// ```
#[derive(Debug)]
pub struct OwnedRows {
    rows: Vec<Row<OwnedRow>>,
    place: ChangePlace,
}

/// One image of a row: a value for each column of the table, from the first; what is missing behind them, or is
/// [`Datum::Absent`], the image does not hold.
pub type OwnedRow = Vec<Datum>;

/// A value in owned form.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// The image does not hold the column.
    Absent,
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// `unscaled` × 10^-`scale`.
    Decimal {
        unscaled: i64,
        scale: u8,
    },
    /// The plain digits of a number that is too long for the other variants.
    Number(String),
    Date(Date),
    DateTime(DateTime),
    /// An instant.
    Timestamp(Timestamp),
    Time(Time),
    Year(u16),
    Text(String),
    Bytes(Vec<u8>),
    /// A chosen label; index 0 has none.
    Enum {
        index: u16,
        label: String,
    },
    /// The chosen ones of up to 64 labels: bit n stands for the label n.
    Set {
        labels: Arc<[String]>,
        chosen: u64,
    },
    /// A JSON document as text, written as it is.
    Json(String),
    /// A shape as well-known binary.
    Geometry {
        srid: u32,
        wkb: Vec<u8>,
    },
    /// 32-bit little-endian floating point numbers.
    Vector(Vec<u8>),
}

impl OwnedRows {
    /// An event that inserts rows, with neither time nor transaction.
    pub fn insert(table: &Arc<Table>, rows: impl IntoIterator<Item = OwnedRow>) -> Event {
        let rows = rows.into_iter().map(Row::Insert);
        Self::at(ChangePlace::default(), table, Operation::Insert, rows)
    }

    /// An event that updates rows, each given as it was before and as it is after.
    pub fn update(
        table: &Arc<Table>,
        rows: impl IntoIterator<Item = (OwnedRow, OwnedRow)>,
    ) -> Event {
        let rows = rows
            .into_iter()
            .map(|(before, after)| Row::Update { before, after });
        Self::at(ChangePlace::default(), table, Operation::Update, rows)
    }

    /// An event that deletes rows.
    pub fn delete(table: &Arc<Table>, rows: impl IntoIterator<Item = OwnedRow>) -> Event {
        let rows = rows.into_iter().map(Row::Delete);
        Self::at(ChangePlace::default(), table, Operation::Delete, rows)
    }

    /// An event of rows that come from some place, for the formats that say it; the rows are what `operation` says.
    pub fn at(
        place: ChangePlace,
        table: &Arc<Table>,
        operation: Operation,
        rows: impl IntoIterator<Item = Row<OwnedRow>>,
    ) -> Event {
        let owned = Self {
            rows: rows.into_iter().collect(),
            place,
        };
        let rows = 0..u32::try_from(owned.rows.len()).unwrap_or(u32::MAX);
        Event {
            table: table.clone(),
            operation,
            time: 0,
            transaction: None,
            changes: Arc::new(owned),
            part: 0,
            rows,
        }
    }
}

impl Changes for OwnedRows {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let range = event.rows.start as usize..event.rows.end as usize;
        let mut cursor = Cursor {
            rows: self.rows.get(range).unwrap_or_default().iter(),
            place: &self.place,
            first: event.rows.start,
        };
        encoder
            .encode_rows(event, &mut cursor)
            .map_err(|failed| match failed.error {})
    }

    fn place(&self, _: &Event) -> Option<String> {
        let ChangePlace { file, position, .. } = &self.place;
        (!file.is_empty()).then(|| format!("{file}:{position}"))
    }
}

struct Cursor<'a> {
    rows: std::slice::Iter<'a, Row<OwnedRow>>,
    place: &'a ChangePlace,
    first: u32,
}

impl<'a> Rows for Cursor<'a> {
    type Error = Infallible;
    type Columns = OwnedColumns<'a>;

    fn next(&mut self) -> Result<Option<Row<OwnedColumns<'a>>>, Infallible> {
        Ok(self.rows.next().map(|row| match row {
            Row::Insert(after) => Row::Insert(OwnedColumns::new(after)),
            Row::Update { before, after } => Row::Update {
                before: OwnedColumns::new(before),
                after: OwnedColumns::new(after),
            },
            Row::Delete(before) => Row::Delete(OwnedColumns::new(before)),
        }))
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            row: self.first,
            ..self.place.origin()
        }
    }
}

#[derive(Clone)]
struct OwnedColumns<'a> {
    record: &'a [Datum],
    next: usize,
    current: &'a Datum,
}

impl<'a> OwnedColumns<'a> {
    fn new(record: &'a [Datum]) -> Self {
        Self {
            record,
            next: 0,
            current: &Datum::Absent,
        }
    }
}

impl Columns for OwnedColumns<'_> {
    type Error = Infallible;

    fn next(&mut self) -> Result<Option<usize>, Infallible> {
        while let Some(datum) = self.record.get(self.next) {
            self.next += 1;
            if !matches!(datum, Datum::Absent) {
                self.current = datum;
                return Ok(Some(self.next - 1));
            }
        }
        Ok(None)
    }

    fn visit<'a, V: Visitor<'a>>(&'a self, visitor: V) -> Result<V::Output, Infallible> {
        Ok(visitor.visit_any(&match self.current {
            Datum::Absent | Datum::Null => Value::Null,
            Datum::Int(number) => Value::Int(*number),
            Datum::UInt(number) => Value::UInt(*number),
            Datum::Float(number) => Value::Float(*number),
            Datum::Double(number) => Value::Double(*number),
            Datum::Number(_) => Value::Coded(Coded::Number),
            Datum::Vector(bytes) => Value::Vector(bytes),
            Datum::Decimal { unscaled, scale } => Value::Decimal {
                unscaled: *unscaled,
                scale: *scale,
            },
            Datum::Date(date) => Value::Date(*date),
            Datum::DateTime(datetime) => Value::DateTime(*datetime),
            Datum::Timestamp(at) => Value::Timestamp(*at),
            Datum::Time(time) => Value::Time(*time),
            Datum::Year(year) => Value::Year(*year),
            Datum::Enum { index, label } => Value::Enum {
                index: *index,
                label,
            },
            Datum::Set { labels, chosen } => Value::Set(Set {
                labels,
                chosen: *chosen,
            }),
            Datum::Geometry { srid, wkb } => Value::Geometry(Geometry { srid: *srid, wkb }),
            Datum::Text(text) => Value::Text(text.as_bytes().into()),
            Datum::Bytes(bytes) => Value::Bytes {
                bytes,
                padded: bytes.len(),
            },
            Datum::Json(text) => Value::Json(text.as_bytes()),
        }))
    }

    fn same(&self, other: &Self) -> bool {
        self.current == other.current
    }

    fn write(&self, out: &mut Buffer) -> Result<(), Infallible> {
        if let Datum::Number(digits) = self.current {
            out.put(digits.as_bytes());
        }
        Ok(())
    }
}

macro_rules! datum_from {
    ($($type:ty => |$value:ident| $datum:expr),* $(,)?) => {
        $(impl From<$type> for Datum {
            fn from($value: $type) -> Self {
                $datum
            }
        })*
    };
}

datum_from! {
    i32 => |value| Datum::Int(value.into()),
    i64 => |value| Datum::Int(value),
    u32 => |value| Datum::UInt(value.into()),
    u64 => |value| Datum::UInt(value),
    f64 => |value| Datum::Double(value),
    bool => |value| Datum::Int(value.into()),
    &str => |value| Datum::Text(value.to_owned()),
    String => |value| Datum::Text(value),
    Vec<u8> => |value| Datum::Bytes(value),
    Date => |value| Datum::Date(value),
    DateTime => |value| Datum::DateTime(value),
    Time => |value| Datum::Time(value),
}

impl<T: Into<Datum>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Self {
        value.map_or(Datum::Null, Into::into)
    }
}
