//! Shapes as well-known text (OGC 06-103r4, §7), in the words of Maxwell: `POINT (3 2)`.

use super::buffer::Buffer;

/// How deep collections may lie in each other; MySQL itself allows fewer.
const DEPTH: u8 = 64;

/// A shape that is not well-known binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotWkb;

/// Writes the shape as text in quotes, or says that it is none, with nothing written.
#[inline(always)]
pub(super) fn quoted(wkb: &[u8], out: &mut Buffer) -> Result<(), NotWkb> {
    match lone_point(wkb) {
        Some([x, y]) => {
            out.array(*b"\"POINT (");
            out.coordinate(x, None);
            out.coordinate(y, Some(b' '));
            out.array(*b")\"");
            Ok(())
        }
        None => any(wkb, out),
    }
}

/// The coordinates of what is by far the most frequent shape: a point, written with its lowest byte first, and not empty.
#[inline(always)]
fn lone_point(wkb: &[u8]) -> Option<[f64; 2]> {
    let wkb: &[u8; 21] = wkb.try_into().ok()?;
    let (head, coordinates) = wkb.split_first_chunk()?;
    let (pair, _) = coordinates.as_chunks();
    let [x, y] = [pair.first()?, pair.get(1)?].map(|bytes| f64::from_le_bytes(*bytes));
    (*head == [1, 1, 0, 0, 0] && x.is_finite() && y.is_finite()).then_some([x, y])
}

#[inline(never)]
fn any(wkb: &[u8], out: &mut Buffer) -> Result<(), NotWkb> {
    let start = out.len();
    let mut reader = Reader {
        rest: wkb,
        little: true,
    };
    out.byte(b'"');
    let written = shape(&mut reader, out, DEPTH, true);
    out.byte(b'"');
    if written.is_err() || !reader.rest.is_empty() {
        out.truncate(start);
        return Err(NotWkb);
    }
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
    little: bool,
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], NotWkb> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(NotWkb)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn int(&mut self) -> Result<u32, NotWkb> {
        let bytes = self.take()?;
        Ok(if self.little {
            u32::from_le_bytes(*bytes)
        } else {
            u32::from_be_bytes(*bytes)
        })
    }

    fn double(&mut self) -> Result<f64, NotWkb> {
        let bytes = self.take()?;
        Ok(if self.little {
            f64::from_le_bytes(*bytes)
        } else {
            f64::from_be_bytes(*bytes)
        })
    }
}

fn shape(reader: &mut Reader<'_>, out: &mut Buffer, depth: u8, named: bool) -> Result<(), NotWkb> {
    let depth = depth.checked_sub(1).ok_or(NotWkb)?;
    reader.little = match reader.take()? {
        [0] => false,
        [1] => true,
        _ => return Err(NotWkb),
    };
    let kind = reader.int()?;
    let name = match kind {
        1 => "POINT ",
        2 => "LINESTRING ",
        3 => "POLYGON ",
        4 => "MULTIPOINT ",
        5 => "MULTILINESTRING ",
        6 => "MULTIPOLYGON ",
        7 => "GEOMETRYCOLLECTION ",
        _ => return Err(NotWkb),
    };
    if named {
        out.put(name.as_bytes());
    }
    match kind {
        1 => {
            out.byte(b'(');
            point(reader, out)?;
            out.byte(b')');
            Ok(())
        }
        2 => list(reader, out, point),
        3 => list(reader, out, |reader, out| list(reader, out, point)),
        7 => list(reader, out, |reader, out| shape(reader, out, depth, true)),
        _ => list(reader, out, |reader, out| shape(reader, out, depth, false)),
    }
}

fn list(
    reader: &mut Reader<'_>,
    out: &mut Buffer,
    item: impl Fn(&mut Reader<'_>, &mut Buffer) -> Result<(), NotWkb>,
) -> Result<(), NotWkb> {
    let count = reader.int()?;
    if count == 0 {
        out.put(b"EMPTY");
        return Ok(());
    }
    out.byte(b'(');
    for n in 0..count {
        if n > 0 {
            out.array(*b", ");
        }
        item(reader, out)?;
    }
    out.byte(b')');
    Ok(())
}

fn point(reader: &mut Reader<'_>, out: &mut Buffer) -> Result<(), NotWkb> {
    coordinate(reader.double()?, None, out);
    coordinate(reader.double()?, Some(b' '), out);
    Ok(())
}

/// Writes the shortest digits that read back as the same number, without exponent and without `.0`.
fn coordinate(n: f64, separator: Option<u8>, out: &mut Buffer) {
    if n.is_finite() {
        out.coordinate(n, separator);
    } else {
        out.put(separator.as_slice());
        out.put(n.to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wkb: &[u8]) -> Result<String, NotWkb> {
        let mut out = Buffer::new();
        quoted(wkb, &mut out)?;
        let text = String::from_utf8(out.as_slice().to_vec()).unwrap();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        Ok(text.unwrap().to_owned())
    }

    fn shape(kind: u32, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut wkb = vec![1];
        wkb.extend(kind.to_le_bytes());
        wkb.extend((parts.len() as u32).to_le_bytes());
        wkb.extend(parts.concat());
        wkb
    }

    fn pair(x: f64, y: f64) -> Vec<u8> {
        [x.to_le_bytes(), y.to_le_bytes()].concat()
    }

    fn point(x: f64, y: f64) -> Vec<u8> {
        let mut wkb = vec![1, 1, 0, 0, 0];
        wkb.extend(pair(x, y));
        wkb
    }

    #[test]
    fn prints_each_kind() {
        assert_eq!(text(&point(1.5, -2.25)).unwrap(), "POINT (1.5 -2.25)");
        let line = shape(2, &[pair(0.0, 1.0), pair(1.0, 2.0)]);
        assert_eq!(text(&line).unwrap(), "LINESTRING (0 1, 1 2)");
        let mut ring = 2u32.to_le_bytes().to_vec();
        ring.extend([pair(0.0, 0.0), pair(10.0, 0.0)].concat());
        let polygon = shape(3, &[ring.clone(), ring]);
        assert_eq!(
            text(&polygon).unwrap(),
            "POLYGON ((0 0, 10 0), (0 0, 10 0))"
        );
        let points = shape(4, &[point(1.0, 1.0), point(2.0, 2.0)]);
        assert_eq!(text(&points).unwrap(), "MULTIPOINT ((1 1), (2 2))");
        let lines = shape(5, &[line.clone(), line.clone()]);
        assert_eq!(
            text(&lines).unwrap(),
            "MULTILINESTRING ((0 1, 1 2), (0 1, 1 2))"
        );
        let polygons = shape(6, &[polygon]);
        assert_eq!(
            text(&polygons).unwrap(),
            "MULTIPOLYGON (((0 0, 10 0), (0 0, 10 0)))"
        );
        let all = shape(7, &[point(1.0, 1.0), line]);
        assert_eq!(
            text(&all).unwrap(),
            "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 1, 1 2))"
        );
        assert_eq!(text(&shape(7, &[])).unwrap(), "GEOMETRYCOLLECTION EMPTY");
    }

    /// What a point by itself is written as does not depend on whether it is taken for one at once.
    #[test]
    fn a_point_by_itself_is_written_as_any_shape_is() {
        let written = |write: fn(&[u8], &mut Buffer) -> Result<(), NotWkb>, wkb: &[u8]| {
            let mut out = Buffer::new();
            out.put(b"before");
            (write(wkb, &mut out), out.to_vec())
        };
        let numbers = [
            0.0,
            -0.0,
            1.5,
            -1e-7,
            1e300,
            f64::NAN,
            f64::INFINITY,
            5e-324,
        ];
        for (x, y) in numbers.iter().flat_map(|x| numbers.map(|y| (*x, y))) {
            let little = point(x, y);
            let big = [&[0, 0, 0, 0, 1][..], &x.to_be_bytes(), &y.to_be_bytes()].concat();
            assert_eq!(written(quoted, &little), written(any, &little));
            assert_eq!(written(quoted, &big), written(any, &big));
            assert_eq!(written(quoted, &big), written(quoted, &little));
            for (at, byte) in [(0, 0), (0, 2), (1, 2), (1, 4), (2, 1), (4, 1)] {
                let mut other = little.clone();
                other[at] = byte;
                assert_eq!(written(quoted, &other), written(any, &other));
            }
            let longer = [&little[..], &[0]].concat();
            assert_eq!(written(quoted, &longer), (Err(NotWkb), b"before".to_vec()));
        }
    }

    #[test]
    fn prints_numbers_without_exponent() {
        assert_eq!(
            text(&point(1e20, -1.5e-7)).unwrap(),
            "POINT (100000000000000000000 -0.00000015)"
        );
        assert_eq!(
            text(&point(123_456_789.123_456_79, -1.25e21)).unwrap(),
            "POINT (123456789.12345679 -1250000000000000000000)"
        );
    }

    #[test]
    fn refuses_each_prefix_and_a_pit_of_collections() {
        let all = shape(7, &[point(1.0, 1.0), shape(2, &[pair(0.0, 1.0)])]);
        for end in 0..all.len() {
            assert_eq!(text(&all[..end]), Err(NotWkb), "{end}");
        }
        let mut pit = shape(7, &[]);
        for _ in 0..100 {
            pit = shape(7, &[pit]);
        }
        assert_eq!(text(&pit), Err(NotWkb));
    }
}
