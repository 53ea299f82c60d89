//! One image of a row: which columns it holds, where each is, and what it means.

use wlf_core::format::Buffer;
use wlf_core::value::{Coded, Columns, Geometry, Set, Text, Value, Visitor};

use crate::binlog::json;
use crate::binlog::json::jsonb;
use crate::binlog::tables::table_plan::{ColumnPlan, Kind, TablePlan, Unpacked};
use crate::binlog::values::compressed;
use crate::binlog::values::decimal;
use crate::binlog::values::old_temporal;
use crate::binlog::values::temporal;
use crate::reader::{Malformed, Reader};

/// A cursor over the columns of an image.
#[derive(Debug, Clone)]
pub struct RowImage<'a> {
    columns: &'a [ColumnPlan],
    /// A bit for each column of the table: whether the image holds it.
    present: &'a [u8],
    /// All of them are set.
    full: bool,
    /// For each column that the image holds: whether it is NULL.
    nulls: Bits<'a>,
    rest: &'a [u8],
    /// The next column of the table.
    next: usize,
    current: Option<Current<'a>>,
}

/// A value that is not NULL.
#[derive(Debug, Clone, Copy)]
struct Current<'a> {
    kind: &'a Kind,
    bytes: &'a [u8],
    /// The same, and what is behind it.
    from: &'a [u8],
}

/// Which columns the images of an event hold.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    pub bits: &'a [u8],
    pub count: usize,
    /// That many bits, if there are no more than 64: those that say which of them is NULL.
    used: u64,
}

impl<'a> Present<'a> {
    /// There is no image.
    pub const NONE: Self = Self {
        bits: &[],
        count: 0,
        used: 0,
    };

    /// The bits that begin somewhere in a block; none if it ends before they do.
    #[inline(always)]
    pub fn at(block: &'a [u8], start: usize, columns: usize) -> Self {
        let bits = block.get(start..start.saturating_add(columns.div_ceil(8)));
        Self::new(bits.unwrap_or_default(), columns)
    }

    /// `columns` is the number of columns of the table.
    #[inline(always)]
    pub fn new(bits: &'a [u8], columns: usize) -> Self {
        let (whole, rest) = bits.split_at_checked(columns / 8).unwrap_or((bits, &[]));
        // The bits behind the last column may be anything.
        let last = rest
            .first()
            .map_or(0, |byte| byte & !(0xff << (columns % 8)));
        let count = whole.iter().map(|byte| set(*byte)).sum::<usize>() + set(last);
        let unused = 64_usize.saturating_sub(count);
        Self {
            bits,
            count,
            used: u64::MAX.unbounded_shr(u32::try_from(unused).unwrap_or(64)),
        }
    }
}

/// How many bits are set: mostly all, and not every processor counts them.
#[inline(always)]
fn set(byte: u8) -> usize {
    match byte {
        0xff => 8,
        byte => usize::try_from(byte.count_ones()).unwrap_or(0),
    }
}

/// What is behind the image at the front of `bytes`.
#[inline(always)]
pub fn behind<'a>(
    plan: &'a TablePlan,
    present: Present<'a>,
    bytes: &'a [u8],
) -> Result<&'a [u8], Malformed> {
    match &plan.strides {
        Some(strides) if present.count == plan.columns.len() => {
            let nulls = match bytes.first_chunk() {
                Some(front) => *front,
                None => wide(bytes),
            };
            let nulls = u64::from_le_bytes(nulls) & present.used;
            let end = strides.end(nulls, bytes, present.count.div_ceil(8));
            bytes.get(end..).ok_or(Malformed::Truncated("a row"))
        }
        _ => RowImage::new(plan, present, bytes)?.skip(&plan.columns),
    }
}

/// Whether the bit number `n` is set.
#[inline(always)]
pub(in crate::binlog) fn bit(bits: &[u8], n: usize) -> bool {
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
        reader.bytes(present.count.div_ceil(8), "a row")?;
        Ok(Self {
            columns: plan.columns.get(..plan.shown).unwrap_or_default(),
            present: present.bits,
            full: present.count == plan.columns.len(),
            nulls: Bits::new(bytes),
            rest: reader.rest(),
            next: 0,
            current: None,
        })
    }

    /// Goes over the whole image, with the columns that are not shown, and gives what is behind it.
    #[inline(always)]
    fn skip(self, columns: &[ColumnPlan]) -> Result<&'a [u8], Malformed> {
        let Self {
            mut nulls,
            rest: bytes,
            ..
        } = self;
        let mut at = 0;
        for (index, column) in columns.iter().enumerate() {
            if (self.full || bit(self.present, index)) && !nulls.next() {
                at = column.extent.end(bytes, at);
            }
        }
        bytes.get(at..).ok_or(Malformed::Truncated("a row"))
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
            self.current = if self.nulls.next() {
                None
            } else {
                let [bytes, from, rest] = column.extent.split(self.rest)?;
                self.rest = rest;
                let kind = &column.kind;
                Some(Current { kind, bytes, from })
            };
            return Ok(Some(index));
        }
    }
}

/// Bits that are read from their front, the lowest of each byte first; what is behind the last is as good as any.
#[derive(Debug, Clone)]
struct Bits<'a> {
    rest: &'a [u8],
    /// Those of 32 that are left, behind a bit that is set.
    left: u64,
}

impl<'a> Bits<'a> {
    #[inline(always)]
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            left: 1,
        }
    }

    /// The next bit.
    #[inline(always)]
    fn next(&mut self) -> bool {
        if self.left == 1 {
            let (front, rest) = match self.rest.split_first_chunk::<4>() {
                Some((front, rest)) => (*front, rest),
                None => (wide(self.rest), &[][..]),
            };
            self.left = u64::from(u32::from_le_bytes(front)) | 1 << 32;
            self.rest = rest;
        }
        let bit = self.left & 1 == 1;
        self.left >>= 1;
        bit
    }
}

/// Fewer bytes than that, zeros behind them.
#[cold]
#[inline(never)]
fn wide<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut wide = [0; N];
    for (byte, place) in bytes.iter().zip(&mut wide) {
        *place = *byte;
    }
    wide
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
            (Some(mine), Some(others)) => wlf_core::same(mine.bytes, others.bytes),
            _ => false,
        }
    }

    #[inline(always)]
    fn visit<'v, V: Visitor<'v>>(&'v self, visitor: V) -> Result<V::Output, Malformed> {
        let Some(Current { kind, bytes, from }) = self.current else {
            return Ok(visitor.visit(Value::Null));
        };
        Ok(match kind {
            Kind::Int8 | Kind::Int16 | Kind::Int24 | Kind::Int32 | Kind::Int64 => {
                visitor.visit(Value::Int(signed(kind, bytes)?))
            }
            Kind::UInt8 | Kind::UInt16 | Kind::UInt24 | Kind::UInt32 | Kind::UInt64 => {
                visitor.visit(Value::UInt(unsigned(kind, bytes)?))
            }
            Kind::Float => visitor.visit(Value::Float(f32::from_le_bytes(*array(bytes)?))),
            Kind::Double => visitor.visit(Value::Double(f64::from_le_bytes(*array(bytes)?))),
            Kind::Decimal { precision, scale } => {
                match decimal::unscaled(bytes, *precision, *scale) {
                    Some(unscaled) => visitor.visit(Value::Decimal {
                        unscaled,
                        scale: *scale,
                    }),
                    None => visitor.visit(Value::Coded(Coded::Number)),
                }
            }
            Kind::Text(charset) if charset.is_utf8(bytes) => {
                visitor.visit(Value::Text(whole(Text::at_front(from, bytes.len()))?))
            }
            Kind::Enum(labels) => visitor.visit(enum_label(labels, bytes)?),
            Kind::Date => visitor.visit(Value::Date(temporal::date(*array(bytes)?))),
            Kind::DateTime2(digits) => {
                let at = whole(temporal::datetime2(bytes, *digits))?;
                visitor.visit(Value::DateTime(at))
            }
            Kind::Timestamp2(digits) => {
                let at = whole(temporal::timestamp2(bytes, *digits))?;
                visitor.visit(Value::Timestamp(at))
            }
            Kind::Json if !bytes.is_empty() => visitor.visit(Value::Coded(Coded::Json)),
            _ => match &rarer(kind, bytes) {
                Ok(value) => visitor.visit_any(value),
                Err(wrong) => return Err(*wrong),
            },
        })
    }

    #[inline(always)]
    fn write(&self, out: &mut Buffer) -> Result<(), Malformed> {
        match self.current {
            Some(Current { kind, bytes, .. }) => write(kind, bytes, out),
            None => Ok(()),
        }
    }
}

/// Writes a value that is coded. It gets the parts that it needs: whoever has the address of an image keeps all of it in
/// memory.
#[inline(never)]
fn write(kind: &Kind, bytes: &[u8], out: &mut Buffer) -> Result<(), Malformed> {
    match kind {
        Kind::Text(charset) => charset.write(bytes, out),
        Kind::Json => jsonb::write(bytes, out)?,
        Kind::JsonText => json::text::write(bytes, out),
        Kind::Address(address) => address.write(bytes, out),
        Kind::Compressed(unpacked) => {
            write_unpacked(*unpacked, &compressed::unpack(bytes)?, out);
        }
        Kind::Decimal { precision, scale } => decimal::write(bytes, *precision, *scale, out)?,
        _ => {}
    }
    Ok(())
}

#[inline(never)]
fn rarer<'a>(kind: &'a Kind, bytes: &'a [u8]) -> Result<Value<'a>, Malformed> {
    Ok(match kind {
        Kind::Text(_) => Value::Coded(Coded::Text),
        Kind::Bytes => Value::Bytes {
            bytes,
            padded: bytes.len(),
        },
        Kind::Binary(padded) => Value::Bytes {
            bytes,
            padded: *padded,
        },
        Kind::Time2(digits) => Value::Time(whole(temporal::time2(bytes, *digits))?),
        Kind::Year => Value::Year(match *array(bytes)? {
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
        Kind::JsonText if !json::text::is_document(bytes) => Value::Text(bytes.into()),
        Kind::JsonText => Value::Coded(Coded::Json),
        Kind::Address(_) | Kind::Compressed(Unpacked::Text(_)) => Value::Coded(Coded::Text),
        Kind::Compressed(Unpacked::Bytes) => Value::Coded(Coded::Bytes),
        Kind::Compressed(Unpacked::Json) => {
            let is_document = json::text::is_document(&compressed::unpack(bytes)?);
            Value::Coded(if is_document {
                Coded::Json
            } else {
                Coded::Text
            })
        }
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
        Kind::Json => Value::Json(bytes),
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
        Unpacked::Json if json::text::is_document(value) => json::text::write(value, out),
        Unpacked::Json => out.text(value),
        Unpacked::Bytes => out.put(value),
    }
}

#[inline(always)]
fn signed(kind: &Kind, bytes: &[u8]) -> Result<i64, Malformed> {
    Ok(match kind {
        Kind::Int8 => i8::from_le_bytes(*array(bytes)?).into(),
        Kind::Int16 => i16::from_le_bytes(*array(bytes)?).into(),
        Kind::Int24 => {
            let [a, b, c] = *array(bytes)?;
            (i32::from_le_bytes([0, a, b, c]) >> 8).into()
        }
        Kind::Int32 => i32::from_le_bytes(*array(bytes)?).into(),
        _ => i64::from_le_bytes(*array(bytes)?),
    })
}

#[inline(always)]
fn unsigned(kind: &Kind, bytes: &[u8]) -> Result<u64, Malformed> {
    Ok(match kind {
        Kind::UInt8 => u8::from_le_bytes(*array(bytes)?).into(),
        Kind::UInt16 => u16::from_le_bytes(*array(bytes)?).into(),
        Kind::UInt24 => {
            let [a, b, c] = *array(bytes)?;
            u32::from_le_bytes([a, b, c, 0]).into()
        }
        Kind::UInt32 => u32::from_le_bytes(*array(bytes)?).into(),
        _ => u64::from_le_bytes(*array(bytes)?),
    })
}

#[inline(always)]
fn enum_label<'a>(labels: &'a [String], bytes: &[u8]) -> Result<Value<'a>, Malformed> {
    const OUTSIDE: Malformed =
        Malformed::Invalid("an ENUM's choice, which its labels do not have,");
    let index = match bytes {
        [index] => u16::from(*index),
        _ => u16::from_le_bytes(*array(bytes)?),
    };
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
fn array<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], Malformed> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn columns_that_an_image_holds_are_counted(bits in proptest::collection::vec(any::<u8>(), 10), full: bool, columns in 0..80usize) {
            let bits = if full { [0xff; 10].to_vec() } else { bits };
            let bits = &bits[..columns.div_ceil(8)];
            let present = Present::new(bits, columns);
            let held = (0..columns).filter(|n| bit(bits, *n)).count();
            prop_assert_eq!(present.count, held);
            prop_assert_eq!(present.used.count_ones() as usize, held.min(64));
        }

        #[test]
        fn bits_come_one_after_the_other(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut bits = Bits::new(&bytes);
            for n in 0..bytes.len() * 8 {
                prop_assert_eq!(bits.next(), bit(&bytes, n));
            }
        }
    }
}
