//! MariaDB's UUID, INET4 and INET6, which its binlog has as BINARY: without the zero bytes at their end.

use wlf_core::format::Buffer;

/// What a column's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    Uuid,
    Inet4,
    Inet6,
}

impl Address {
    /// Writes the value as the server shows it.
    pub fn write(self, bytes: &[u8], out: &mut Buffer) {
        match self {
            Self::Uuid => uuid(padded(bytes), out),
            Self::Inet4 => inet4(padded(bytes), out),
            Self::Inet6 => inet6(padded(bytes), out),
        }
    }
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    for (place, byte) in padded.iter_mut().zip(bytes) {
        *place = *byte;
    }
    padded
}

/// The bytes are in the order in which they are shown, whatever the version.
fn uuid(bytes: [u8; 16], out: &mut Buffer) {
    for (n, byte) in bytes.into_iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            out.byte(b'-');
        }
        hex(u16::from(byte >> 4), out);
        hex(u16::from(byte & 0xf), out);
    }
}

fn inet4(bytes: [u8; 4], out: &mut Buffer) {
    for (n, byte) in bytes.into_iter().enumerate() {
        if n > 0 {
            out.byte(b'.');
        }
        out.unsigned(byte.into());
    }
}

/// As `Inet6::to_string` does it (mariadb-server, `plugin/type_inet/sql_type_inet.cc`): the first of the longest runs of zeros,
/// even of one, is left out; the last four bytes are an IPv4 address if all before them is left out, or all but 0xffff.
fn inet6(bytes: [u8; 16], out: &mut Buffer) {
    let (pairs, _) = bytes.as_chunks::<2>();
    let gap = longest_zeros(pairs);
    let is_ipv4 = gap == (0, 6) || gap == (0, 5) && pairs.get(5) == Some(&[0xff, 0xff]);
    let mut n = 0;
    while let Some(pair) = pairs.get(n) {
        let (start, length) = gap;
        if length > 0 && n == start {
            out.put(if n == 0 { b"::" } else { b":" });
            n += length;
            continue;
        }
        if n == 6 && is_ipv4 {
            let [.., a, b, c, d] = bytes;
            inet4([a, b, c, d], out);
            return;
        }
        hex(u16::from_be_bytes(*pair), out);
        n += 1;
        if n < pairs.len() {
            out.byte(b':');
        }
    }
}

/// Where the first of the longest runs of zeros begins, and its length.
fn longest_zeros(pairs: &[[u8; 2]]) -> (usize, usize) {
    let (mut longest, mut current) = ((0, 0), (0, 0));
    for (n, pair) in pairs.iter().enumerate() {
        if *pair != [0, 0] {
            current = (n + 1, 0);
            continue;
        }
        current.1 += 1;
        if current.1 > longest.1 {
            longest = current;
        }
    }
    longest
}

/// Writes a number without zeros in front, in lower-case digits.
fn hex(number: u16, out: &mut Buffer) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut begun = false;
    for shift in [12, 8, 4, 0] {
        let digit = usize::from(number >> shift & 0xf);
        begun |= digit > 0 || shift == 0;
        if begun {
            out.byte(DIGITS.get(digit).copied().unwrap_or(b'0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: Address, bytes: &[u8]) -> String {
        let mut out = Buffer::new();
        address.write(bytes, &mut out);
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    /// As MariaDB 10.11.18 wrote and showed them.
    #[test]
    fn writes_what_mariadb_shows() {
        let uuid = b"\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x55\x44";
        assert_eq!(
            text(Address::Uuid, uuid),
            "123e4567-e89b-12d3-a456-426655440000"
        );
        assert_eq!(
            text(Address::Uuid, b""),
            "00000000-0000-0000-0000-000000000000"
        );
        assert_eq!(text(Address::Inet4, &[1, 2, 3, 4]), "1.2.3.4");
        assert_eq!(text(Address::Inet4, &[10]), "10.0.0.0");
    }

    #[test]
    fn writes_inet6_as_mariadb_does() {
        let inet6 = |pairs: [u16; 8]| {
            let bytes: Vec<_> = pairs.into_iter().flat_map(u16::to_be_bytes).collect();
            text(Address::Inet6, &bytes)
        };
        for (pairs, shown) in INET6 {
            assert_eq!(inet6(*pairs), *shown);
        }
    }

    /// `INET6_NTOA` of MariaDB 11.8.6.
    const INET6: &[([u16; 8], &str)] = &[
        ([0, 0, 0, 0, 0, 0, 0, 0], "::"),
        ([0, 0, 0, 0, 0, 0, 0, 0x1], "::1"),
        ([0, 0, 0, 0, 0, 0, 0x102, 0x304], "::1.2.3.4"),
        ([0, 0, 0, 0, 0, 0xffff, 0x102, 0x304], "::ffff:1.2.3.4"),
        ([0, 0, 0, 0, 0xffff, 0, 0x102, 0x304], "::ffff:0:102:304"),
        (
            [0x2001, 0xdb8, 0, 0, 0, 0xff00, 0x42, 0x8329],
            "2001:db8::ff00:42:8329",
        ),
        ([0x2001, 0xdb8, 0, 0x1, 0, 0, 0, 0x1], "2001:db8:0:1::1"),
        ([0x1, 0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7], "1::2:3:4:5:6:7"),
        ([0xfe80, 0, 0, 0, 0, 0, 0, 0xabcd], "fe80::abcd"),
        ([0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0], "1:2:3:4:5:6:7::"),
        ([0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8], "::2:3:4:5:6:7:8"),
        (
            [
                0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff,
            ],
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        ([0x1, 0x2, 0, 0, 0x5, 0, 0, 0x8], "1:2::5:0:0:8"),
        ([0x1, 0, 0, 0, 0, 0, 0, 0], "1::"),
        ([0, 0, 0, 0, 0, 0, 0x1, 0], "::0.1.0.0"),
    ];
}
