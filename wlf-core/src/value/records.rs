//! Rows in owned form: what custom collectors and tests make events from.

use std::convert::Infallible;
use std::sync::Arc;

use super::{Columns, Date, DateTime, Row, Rows, Time, Value};
use crate::event::{Changes, EncodeError, Event, Operation, Table, Transaction};
use crate::format::{Buffer, Encoder};

/// Rows in owned form, of one table and one operation.
///
/// ```
/// use std::sync::Arc;
/// use wlf_core::format::{Encoder, Format};
/// use wlf_core::value::Records;
/// use wlf_core::{Column, Table};
///
/// let columns = vec![Column::untyped("id"), Column::untyped("name")];
/// let table = Arc::new(Table::new("shop", "t", columns, vec![0]));
/// let mut event = Records::insert(&table, [vec![1.into(), "a".into()]]);
/// event.timestamp = 1_700_000_000;
///
/// let mut encoder = Encoder::new(Format::default());
/// encoder.encode(&event).unwrap();
/// assert_eq!(
///     std::str::from_utf8(encoder.payload()).unwrap(),
///     r#"{"database":"shop","table":"t","type":"insert","ts":1700000000,"xoffset":0,"data":{"id":1,"name":"a"}}"#
/// );
/// ```
#[derive(Debug)]
pub struct Records {
    rows: Vec<Row<Record>>,
}

/// One image of a row: a value for each column of the table, from the first; what is missing behind them, or is
/// [`Datum::Absent`], the image does not hold.
pub type Record = Vec<Datum>;

/// A value in owned form.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// The image does not hold the column.
    Absent,
    Null,
    Int(i64),
    UInt(u64),
    Double(f64),
    /// `unscaled` × 10^-`scale`.
    Decimal {
        unscaled: i64,
        scale: u8,
    },
    Date(Date),
    DateTime(DateTime),
    Time(Time),
    Text(String),
    Bytes(Vec<u8>),
    /// A JSON document as text, written as it is.
    Json(String),
}

impl Records {
    /// An event that inserts rows, with neither timestamp nor transaction.
    pub fn insert(table: &Arc<Table>, rows: impl IntoIterator<Item = Record>) -> Event {
        let rows = rows.into_iter().map(Row::Insert).collect();
        Self { rows }.into_event(table, Operation::Insert)
    }

    /// An event that updates rows, each given as it was before and as it is after.
    pub fn update(table: &Arc<Table>, rows: impl IntoIterator<Item = (Record, Record)>) -> Event {
        let rows = rows
            .into_iter()
            .map(|(before, after)| Row::Update { before, after })
            .collect();
        Self { rows }.into_event(table, Operation::Update)
    }

    /// An event that deletes rows.
    pub fn delete(table: &Arc<Table>, rows: impl IntoIterator<Item = Record>) -> Event {
        let rows = rows.into_iter().map(Row::Delete).collect();
        Self { rows }.into_event(table, Operation::Delete)
    }

    fn into_event(self, table: &Arc<Table>, operation: Operation) -> Event {
        let rows = 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        Event {
            table: table.clone(),
            operation,
            timestamp: 0,
            transaction: Transaction::default(),
            changes: Arc::new(self),
            part: 0,
            rows,
        }
    }
}

impl Changes for Records {
    fn encode(&self, event: &Event, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let range = event.rows.start as usize..event.rows.end as usize;
        let mut cursor = Cursor {
            rows: self.rows.get(range).unwrap_or_default().iter(),
        };
        encoder
            .encode_rows(event, &mut cursor)
            .map_err(|failed| match failed.error {})
    }
}

struct Cursor<'a> {
    rows: std::slice::Iter<'a, Row<Record>>,
}

impl<'a> Rows for Cursor<'a> {
    type Error = Infallible;
    type Columns = RecordColumns<'a>;

    fn next(&mut self) -> Result<Option<Row<RecordColumns<'a>>>, Infallible> {
        Ok(self.rows.next().map(|row| match row {
            Row::Insert(after) => Row::Insert(RecordColumns::new(after)),
            Row::Update { before, after } => Row::Update {
                before: RecordColumns::new(before),
                after: RecordColumns::new(after),
            },
            Row::Delete(before) => Row::Delete(RecordColumns::new(before)),
        }))
    }
}

#[derive(Clone)]
struct RecordColumns<'a> {
    record: &'a [Datum],
    next: usize,
    current: &'a Datum,
}

impl<'a> RecordColumns<'a> {
    fn new(record: &'a [Datum]) -> Self {
        Self {
            record,
            next: 0,
            current: &Datum::Absent,
        }
    }
}

impl Columns for RecordColumns<'_> {
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

    fn value(&self) -> Result<Value<'_>, Infallible> {
        Ok(match self.current {
            Datum::Absent | Datum::Null => Value::Null,
            Datum::Int(number) => Value::Int(*number),
            Datum::UInt(number) => Value::UInt(*number),
            Datum::Double(number) => Value::Double(*number),
            Datum::Decimal { unscaled, scale } => Value::Decimal {
                unscaled: *unscaled,
                scale: *scale,
            },
            Datum::Date(date) => Value::Date(*date),
            Datum::DateTime(datetime) => Value::DateTime(*datetime),
            Datum::Time(time) => Value::Time(*time),
            Datum::Text(text) => Value::Text(text.as_bytes()),
            Datum::Bytes(bytes) => Value::Bytes {
                bytes,
                padded: bytes.len(),
            },
            Datum::Json(text) => Value::Json(text.as_bytes()),
        })
    }

    fn same(&self, other: &Self) -> bool {
        self.current == other.current
    }

    fn write(&self, _: &mut Buffer) -> Result<(), Infallible> {
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
