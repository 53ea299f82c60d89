//! Where a value ends.

use std::ops::Range;

use crate::binlog::tables::column_type::Length;
use crate::reader::Malformed;

/// How many bytes a column's values take, so that where one ends is worked out without a branch: both of what stands before
/// a value and of its type's own length one is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How many bytes of length stand before a value: 0 to 4.
    prefix: usize,
    /// Which bits of a value's first four bytes are its length.
    mask: u32,
    fixed: u32,
}

impl From<Length> for Extent {
    fn from(length: Length) -> Self {
        let (prefix, mask, fixed) = match length {
            Length::Fixed(length) => (0, 0, u32::from(length)),
            Length::Prefixed(1) => (1, 0xff, 0),
            Length::Prefixed(2) => (2, 0xffff, 0),
            Length::Prefixed(3) => (3, 0xff_ffff, 0),
            Length::Prefixed(_) => (4, u32::MAX, 0),
        };
        Self {
            prefix,
            mask,
            fixed,
        }
    }
}

impl Extent {
    /// Where the value that begins `at` ends, its length included; behind the last byte if it is not all there.
    #[inline(always)]
    pub fn end(self, bytes: &[u8], at: usize) -> usize {
        let length = self.length(bytes.get(at..).unwrap_or_default());
        at.saturating_add(self.prefix).saturating_add(length)
    }

    fn is_fixed(self) -> bool {
        self.prefix == 0
    }

    /// Takes a value off the front, without its length: gives the value, all from its first byte on, and what is behind
    /// it.
    ///
    /// Only numbers come out of what is not inlined: slices would come in memory, written in one width and read in another,
    /// for which the processor has to wait.
    #[inline(always)]
    pub fn split(self, bytes: &[u8]) -> Result<[&[u8]; 3], Malformed> {
        const TRUNCATED: Malformed = Malformed::Truncated("a row");
        let from = bytes.get(self.prefix..).ok_or(TRUNCATED)?;
        let length = self.length(bytes);
        let (value, rest) = from.split_at_checked(length).ok_or(TRUNCATED)?;
        Ok([value, from, rest])
    }

    #[inline(always)]
    fn length(self, bytes: &[u8]) -> usize {
        // Four bytes are there but at the end of the rows.
        let length = match bytes.first_chunk() {
            Some(front) => u32::from_le_bytes(*front) & self.mask,
            None => last_length(self.prefix, bytes),
        };
        usize::try_from(length | self.fixed).unwrap_or(usize::MAX)
    }
}

/// The columns of an image that holds all of them, of which there are 64 at most, so that where it ends is worked out in
/// fewer steps than it has columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strides {
    strides: Vec<Stride>,
    columns: Vec<Extent>,
}

/// Columns of a fixed length, and one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stride {
    /// Their bits among those that say which column is NULL.
    nulls: u64,
    columns: Range<usize>,
    /// The bytes of all but the last.
    fixed: usize,
    last: Extent,
}

impl Strides {
    /// Prepares the columns of a table; `None` if there are more than 64.
    pub fn new(columns: impl Iterator<Item = Extent>) -> Option<Self> {
        let columns: Vec<Extent> = columns.collect();
        if columns.len() > 64 {
            return None;
        }
        let mut strides = Vec::new();
        let mut begin = 0;
        for group in columns.split_inclusive(|column| !column.is_fixed()) {
            let Some((last, others)) = group.split_last() else {
                continue;
            };
            let end = begin + group.len();
            let fixed = others.iter().map(|column| column.fixed).sum::<u32>();
            strides.push(Stride {
                nulls: (begin..end).fold(0, |bits, column| bits | 1 << column),
                columns: begin..end,
                fixed: usize::try_from(fixed).unwrap_or(usize::MAX),
                last: *last,
            });
            begin = end;
        }
        Some(Self { strides, columns })
    }

    /// Where the columns that begin `at` end; behind the last byte if they are not all there. `nulls` has a bit for each
    /// column that is NULL, the lowest for the first.
    #[inline(always)]
    pub fn end(&self, nulls: u64, bytes: &[u8], mut at: usize) -> usize {
        for stride in &self.strides {
            if nulls & stride.nulls == 0 {
                at = stride.last.end(bytes, at.saturating_add(stride.fixed));
                continue;
            }
            let columns = self.columns.get(stride.columns.clone());
            for (column, n) in columns
                .unwrap_or_default()
                .iter()
                .zip(stride.columns.clone())
            {
                if nulls >> n & 1 == 0 {
                    at = column.end(bytes, at);
                }
            }
        }
        at
    }
}

/// The length that stands in the first `prefix` of less than four bytes; without them one that is too large.
#[cold]
#[inline(never)]
fn last_length(prefix: usize, bytes: &[u8]) -> u32 {
    let mut length = [0; 4];
    let Some(front) = bytes.get(..prefix) else {
        return u32::MAX;
    };
    for (byte, place) in front.iter().zip(&mut length) {
        *place = *byte;
    }
    u32::from_le_bytes(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_behind_its_length_and_no_further_than_the_row() {
        let lengths = [
            (Length::Fixed(3), 0, 3),
            (Length::Prefixed(1), 1, 4),
            (Length::Prefixed(2), 2, 5),
            (Length::Prefixed(3), 3, 6),
            (Length::Prefixed(4), 4, 7),
        ];
        for (length, prefix, end) in lengths {
            let extent = Extent::from(length);
            let mut row = vec![0; end];
            if prefix > 0 {
                row[0] = 3;
            }
            for behind in 0..6 {
                assert_eq!(extent.end(&row, 0), end, "{length:?}");
                let [value, from, rest] = extent.split(&row).unwrap();
                assert_eq!((value.len(), rest.len()), (3, behind), "{length:?}");
                assert_eq!(from, [value, rest].concat(), "{length:?}");
                row.push(7);
            }
            for short in 0..end {
                let row = &row[..short];
                assert!(extent.end(row, 0) > short, "{length:?} of {short}");
                assert!(extent.split(row).is_err(), "{length:?} of {short}");
            }
        }
    }

    #[test]
    fn strides_end_where_columns_do() {
        let lengths = [
            Length::Fixed(4),
            Length::Prefixed(1),
            Length::Fixed(2),
            Length::Fixed(0),
            Length::Prefixed(2),
            Length::Prefixed(1),
            Length::Fixed(3),
            Length::Fixed(1),
        ];
        // Of any columns, of which any may be NULL; the bytes make lengths from 0 to 6.
        let row: Vec<u8> = (0..60).map(|n| n * 3 % 7 * u8::from(n % 2 == 0)).collect();
        for count in 0..=lengths.len() {
            let columns = || lengths.iter().take(count).copied().map(Extent::from);
            let strides = Strides::new(columns()).unwrap();
            for nulls in 0..1 << count {
                for begin in [0, 1, 50, 57, 60, 61] {
                    let each = |at, (n, column): (usize, Extent)| match nulls >> n & 1 {
                        0 => column.end(&row, at),
                        _ => at,
                    };
                    let expected = columns().enumerate().fold(begin, each);
                    let end = strides.end(nulls, &row, begin);
                    // What is behind the end is so by any number.
                    assert!(end == expected || end.min(expected) > row.len());
                }
            }
        }
        let many = |count| Strides::new(std::iter::repeat_n(Extent::from(Length::Fixed(1)), count));
        assert_eq!(many(64).unwrap().end(1 << 63, &[], 0), 63);
        assert_eq!(many(65), None);
    }

    #[test]
    fn nothing_is_behind_the_end() {
        let extent = Extent::from(Length::Prefixed(4));
        let row = [0xff; 9];
        let end = extent.end(&row, 5);
        assert!(end > row.len());
        assert!(extent.end(&row, end) > row.len());
        let fixed = Extent::from(Length::Fixed(1));
        assert!(fixed.end(&row, usize::MAX) > row.len());
    }
}
