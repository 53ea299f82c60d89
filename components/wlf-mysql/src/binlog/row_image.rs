//! One image of a row: which columns it holds, where each is, and what it means.

use wlf_core::format::Buffer;
use wlf_core::value::{Coded, Columns, Geometry, Set, Value};

use super::column_type::Length;
use super::compressed;
use super::decimal;
use super::json_text;
use super::jsonb;
use super::old_temporal;
use super::reader::{Malformed, Reader};
use super::table_plan::{ColumnPlan, Kind, TablePlan, Unpacked};
use super::temporal;

/// A cursor over the columns of an image.
#[derive(Debug, Clone)]
pub struct RowImage<'a> {
    columns: &'a [ColumnPlan],
    /// A bit for each column of the table: whether the image holds it.
    present: &'a [u8],
    /// All of them are set.
    full: bool,
    /// A bit for each column that the image holds: whether it is NULL.
    nulls: &'a [u8],
    rest: &'a [u8],
    /// The next column of the table, and its number among those that the image holds.
    next: usize,
    held: usize,
    current: Option<(&'a Kind, &'a [u8])>,
}

/// Which columns the images of an event hold.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    pub bits: &'a [u8],
    pub count: usize,
}

impl<'a> Present<'a> {
    /// `columns` is the number of columns of the table.
    pub fn new(bits: &'a [u8], columns: usize) -> Self {
        let mut count = 0;
        for n in 0..columns {
            count += usize::from(bit(bits, n));
        }
        Self { bits, count }
    }
}

/// Whether the bit number `n` is set.
#[inline(always)]
pub(super) fn bit(bits: &[u8], n: usize) -> bool {
    bits.get(n / 8).is_some_and(|byte| byte >> (n % 8) & 1 == 1)
}

impl<'a> RowImage<'a> {
    /// Begins at the image's first byte.
    #[inline(always)]
    pub fn new(
        plan: &'a TablePlan,
        present: Present<'a>,
        bytes: &'a [u8],
    ) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let nulls = reader.bytes(present.count.div_ceil(8), "a row")?;
        Ok(Self {
            columns: &plan.columns,
            present: present.bits,
            full: present.count == plan.columns.len(),
            nulls,
            rest: reader.rest(),
            next: 0,
            held: 0,
            current: None,
        })
    }

    /// Goes over the whole image and gives what is behind it.
    #[inline(always)]
    pub fn skip(mut self) -> Result<&'a [u8], Malformed> {
        while self.advance()?.is_some() {}
        Ok(self.rest)
    }

    #[inline(always)]
    fn advance(&mut self) -> Result<Option<usize>, Malformed> {
        loop {
            let Some(column) = self.columns.get(self.next) else {
                return Ok(None);
            };
            let index = self.next;
            self.next += 1;
            if !self.full && !bit(self.present, index) {
                continue;
            }
            let null = bit(self.nulls, self.held);
            self.held += 1;
            self.current = if null {
                None
            } else {
                let (value, rest) = split(column.length, self.rest)?;
                self.rest = rest;
                Some((&column.kind, value))
            };
            return Ok(Some(index));
        }
    }
}

/// Takes a value off the front, without its length.
#[inline(always)]
pub(super) fn split(length: Length, bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    const FIELD: &str = "a row";
    let mut reader = Reader::new(bytes);
    let length = match length {
        Length::Fixed(length) => usize::from(length),
        Length::Prefixed(1) => usize::from(reader.u8(FIELD)?),
        Length::Prefixed(2) => usize::from(reader.u16(FIELD)?),
        Length::Prefixed(3) => {
            let [a, b, c] = reader.array(FIELD)?;
            usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap_or(usize::MAX)
        }
        Length::Prefixed(_) => usize::try_from(reader.u32(FIELD)?).unwrap_or(usize::MAX),
    };
    let value = reader.bytes(length, FIELD)?;
    Ok((value, reader.rest()))
}

impl<'a> Columns for RowImage<'a> {
    type Error = Malformed;

    #[inline(always)]
    fn next(&mut self) -> Result<Option<usize>, Malformed> {
        self.advance()
    }

    #[inline(always)]
    fn same(&self, other: &Self) -> bool {
        match (self.current, other.current) {
            (None, None) => true,
            (Some((_, mine)), Some((_, others))) => mine == others,
            _ => false,
        }
    }

    #[inline(always)]
    fn value(&self) -> Result<Value<'_>, Malformed> {
        let Some((kind, bytes)) = self.current else {
            return Ok(Value::Null);
        };
        Ok(match kind {
            Kind::Int8 => Value::Int(i8::from_le_bytes(array(bytes)?).into()),
            Kind::Int16 => Value::Int(i16::from_le_bytes(array(bytes)?).into()),
            Kind::Int24 => {
                let [a, b, c] = array(bytes)?;
                Value::Int((i32::from_le_bytes([0, a, b, c]) >> 8).into())
            }
            Kind::Int32 => Value::Int(i32::from_le_bytes(array(bytes)?).into()),
            Kind::Int64 => Value::Int(i64::from_le_bytes(array(bytes)?)),
            Kind::UInt8 => Value::UInt(u8::from_le_bytes(array(bytes)?).into()),
            Kind::UInt16 => Value::UInt(u16::from_le_bytes(array(bytes)?).into()),
            Kind::UInt24 => {
                let [a, b, c] = array(bytes)?;
                Value::UInt(u32::from_le_bytes([a, b, c, 0]).into())
            }
            Kind::UInt32 => Value::UInt(u32::from_le_bytes(array(bytes)?).into()),
            Kind::UInt64 => Value::UInt(u64::from_le_bytes(array(bytes)?)),
            Kind::Float => Value::Float(f32::from_le_bytes(array(bytes)?)),
            Kind::Double => Value::Double(f64::from_le_bytes(array(bytes)?)),
            Kind::Decimal { precision, scale } => {
                match decimal::unscaled(bytes, *precision, *scale) {
                    Some(unscaled) => Value::Decimal {
                        unscaled,
                        scale: *scale,
                    },
                    None => Value::Coded(Coded::Number),
                }
            }
            Kind::Text(charset) if charset.is_utf8(bytes) => Value::Text(bytes),
            Kind::Text(_) => Value::Coded(Coded::Text),
            Kind::Bytes => Value::Bytes {
                bytes,
                padded: bytes.len(),
            },
            Kind::Binary(padded) => Value::Bytes {
                bytes,
                padded: *padded,
            },
            Kind::DateTime2(digits) => Value::DateTime(whole(temporal::datetime2(bytes, *digits))?),
            Kind::Timestamp2(digits) => {
                Value::Timestamp(whole(temporal::timestamp2(bytes, *digits))?)
            }
            Kind::Date => Value::Date(temporal::date(array(bytes)?)),
            Kind::Time2(digits) => Value::Time(whole(temporal::time2(bytes, *digits))?),
            _ => return rarer(kind, bytes),
        })
    }

    fn write(&self, out: &mut Buffer) -> Result<(), Malformed> {
        match self.current {
            Some((Kind::Text(charset), bytes)) => charset.write(bytes, out),
            Some((Kind::Json, bytes)) => jsonb::write(bytes, out)?,
            Some((Kind::JsonText, bytes)) => json_text::write(bytes, out),
            Some((Kind::Address(address), bytes)) => address.write(bytes, out),
            Some((Kind::Compressed(unpacked), bytes)) => {
                write_unpacked(*unpacked, &compressed::unpack(bytes)?, out);
            }
            Some((Kind::Decimal { precision, scale }, bytes)) => {
                decimal::write(bytes, *precision, *scale, out)?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[inline(never)]
fn rarer<'a>(kind: &'a Kind, bytes: &'a [u8]) -> Result<Value<'a>, Malformed> {
    Ok(match kind {
        Kind::Year => Value::Year(match array(bytes)? {
            [0] => 0,
            [year] => 1900 + u16::from(year),
        }),
        Kind::Bit => Value::UInt(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        ),
        Kind::OldTime(digits) => Value::Time(old(old_temporal::time(bytes, *digits))?),
        Kind::OldDateTime(digits) => Value::DateTime(old(old_temporal::datetime(bytes, *digits))?),
        Kind::OldTimestamp(digits) => {
            Value::Timestamp(old(old_temporal::timestamp(bytes, *digits))?)
        }
        Kind::JsonText if !json_text::is_document(bytes) => Value::Text(bytes),
        Kind::JsonText => Value::Coded(Coded::Json),
        Kind::Address(_) | Kind::Compressed(Unpacked::Text(_)) => Value::Coded(Coded::Text),
        Kind::Compressed(Unpacked::Bytes) => Value::Coded(Coded::Bytes),
        Kind::Compressed(Unpacked::Json) => {
            let is_document = json_text::is_document(&compressed::unpack(bytes)?);
            Value::Coded(if is_document {
                Coded::Json
            } else {
                Coded::Text
            })
        }
        Kind::Enum(labels) => enum_label(labels, bytes)?,
        Kind::Set(labels) => {
            let chosen = little_endian(bytes);
            if labels.len() < 64 && chosen >> labels.len() != 0 {
                return Err(Malformed::Invalid(
                    "a SET's choice, which its labels do not have,",
                ));
            }
            Value::Set(Set { labels, chosen })
        }
        // A row that was there before ALTER TABLE … ADD COLUMN … JSON NOT NULL has no document.
        Kind::Json if bytes.is_empty() => Value::Json(bytes),
        Kind::Json => Value::Coded(Coded::Json),
        Kind::Geometry => match bytes.split_first_chunk() {
            Some((srid, wkb)) => Value::Geometry(Geometry {
                srid: u32::from_le_bytes(*srid),
                wkb,
            }),
            None => Value::Geometry(Geometry {
                srid: 0,
                wkb: bytes,
            }),
        },
        Kind::Vector => Value::Vector(bytes),
        _ => Value::Null,
    })
}

fn write_unpacked(unpacked: Unpacked, value: &[u8], out: &mut Buffer) {
    match unpacked {
        Unpacked::Text(charset) => charset.write(value, out),
        Unpacked::Json if json_text::is_document(value) => json_text::write(value, out),
        Unpacked::Json => out.text(value),
        Unpacked::Bytes => out.put(value),
    }
}

fn enum_label<'a>(labels: &'a [String], bytes: &[u8]) -> Result<Value<'a>, Malformed> {
    const OUTSIDE: Malformed =
        Malformed::Invalid("an ENUM's choice, which its labels do not have,");
    let index = u16::try_from(little_endian(bytes)).map_err(|_| OUTSIDE)?;
    let label = match usize::from(index).checked_sub(1) {
        None => "",
        Some(n) => labels.get(n).ok_or(OUTSIDE)?,
    };
    Ok(Value::Enum { index, label })
}

fn little_endian(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[inline(always)]
fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes
        .try_into()
        .map_err(|_| Malformed::Invalid("a value's length"))
}

#[inline(always)]
fn whole<T>(value: Option<T>) -> Result<T, Malformed> {
    value.ok_or(Malformed::Invalid("a value's length"))
}

/// A fraction's digits, which the binlog does not have, decide what such a value's bytes mean.
fn old<T>(value: Option<T>) -> Result<T, Malformed> {
    value.ok_or(Malformed::Invalid(
        "a value of the form before MySQL 5.6.4 or MariaDB 10.1, whose definition is not known,",
    ))
}
