//! Where a value ends.

use super::column_type::Length;
use super::reader::Malformed;

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

    /// Takes a value off the front, without its length.
    ///
    /// Only numbers come out of what is not inlined: slices would come in memory, written in one width and read in another,
    /// for which the processor has to wait.
    #[inline(always)]
    pub fn split(self, bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
        let end = self.prefix.saturating_add(self.length(bytes));
        match (bytes.get(self.prefix..end), bytes.get(end..)) {
            (Some(value), Some(rest)) => Ok((value, rest)),
            _ => Err(Malformed::Truncated("a row")),
        }
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
                let (value, rest) = extent.split(&row).unwrap();
                assert_eq!((value.len(), rest.len()), (3, behind), "{length:?}");
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
