//! Protocol::HandshakeV10: the server's first packet.

use mysql_common::constants::CapabilityFlags;

use super::reader::{DecodeError, Reader};

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeV10 {
    /// As in `9.7.4` or `11.8.6-MariaDB`.
    pub server_version: String,
    pub connection_id: u32,
    pub capabilities: CapabilityFlags,
    /// The authentication method that the server proposes; empty if it names none.
    pub plugin: Vec<u8>,
    /// 20 random bytes.
    pub nonce: Vec<u8>,
}

impl HandshakeV10 {
    /// Whether it is MariaDB: by its version, or by the bit that MySQL sets and MariaDB keeps clear.
    pub fn is_mariadb(&self) -> bool {
        self.server_version.contains("MariaDB")
            || !self
                .capabilities
                .contains(CapabilityFlags::CLIENT_LONG_PASSWORD)
    }

    /// Reads the packet.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("HandshakeV10", packet);
        // int<1>: protocol version
        let version = reader.u8("protocol version")?;
        if version != 10 {
            return Err(DecodeError::UnexpectedHeader {
                expected: "a handshake of protocol version 10",
                header: version,
            });
        }
        // string<NUL>: server version
        let server_version =
            String::from_utf8_lossy(reader.nul_bytes("server version")?).into_owned();
        // int<4>: thread id
        let connection_id = reader.u32("thread id")?;
        // string<8>: auth-plugin-data-part-1
        let mut nonce = reader.bytes(8, "auth-plugin-data-part-1")?.to_vec();
        // int<1>: filler
        reader.u8("filler")?;
        // int<2>: capability flags, lower half
        let lower = reader.u16("capability flags 1")?;
        // int<1>: character set
        reader.u8("character set")?;
        // int<2>: status flags
        reader.u16("status flags")?;
        // int<2>: capability flags, upper half
        let upper = reader.u16("capability flags 2")?;
        let capabilities = CapabilityFlags::from_bits_truncate(
            u32::from(upper).wrapping_shl(16) | u32::from(lower),
        );
        // int<1>: length of auth-plugin-data
        let data_len = reader.u8("auth-plugin-data length")?;
        // string<10>: reserved
        reader.bytes(10, "reserved")?;
        // string<max(13, length - 8)>: auth-plugin-data-part-2, with a NUL behind it that is no part of it
        if capabilities.contains(CapabilityFlags::CLIENT_SECURE_CONNECTION) {
            let len = usize::from(data_len.saturating_sub(8).max(13));
            let part = reader.bytes(len, "auth-plugin-data-part-2")?;
            nonce.extend_from_slice(part.strip_suffix(&[0]).unwrap_or(part));
        }
        // string<NUL>: auth plugin name, whose NUL old servers forget
        let mut plugin = Vec::new();
        if capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH) {
            let name = reader.rest();
            plugin = name.strip_suffix(&[0]).unwrap_or(name).to_vec();
        }
        Ok(Self {
            server_version,
            connection_id,
            capabilities,
            plugin,
            nonce,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The manual's example of a server 5.5.2, and one of 9.7 in its shape.
    pub(crate) fn handshake(plugin: &str) -> Vec<u8> {
        let mut packet = b"\x0a9.7.4\0".to_vec();
        packet.extend(11_u32.to_le_bytes());
        packet.extend(b"dvH@I-CJ\0");
        packet.extend([0xff, 0xff, 0xff, 0x02, 0x00, 0xff, 0xdf, 21]);
        packet.extend([0; 10]);
        packet.extend(b"*4_?wUa_l<7r\0");
        packet.extend(plugin.as_bytes());
        packet.push(0);
        packet
    }

    #[test]
    fn reads_version_nonce_and_plugin() {
        let packet = handshake("caching_sha2_password");
        let handshake = HandshakeV10::decode(&packet).unwrap();
        assert_eq!(handshake.server_version, "9.7.4");
        assert_eq!(handshake.connection_id, 11);
        assert_eq!(handshake.nonce, b"dvH@I-CJ*4_?wUa_l<7r");
        assert_eq!(handshake.plugin, b"caching_sha2_password");
        assert!(
            handshake
                .capabilities
                .contains(CapabilityFlags::CLIENT_PLUGIN_AUTH)
        );
    }

    /// The beginning of what MariaDB 10.11.18 and 11.8.6 send, and one that hides its version.
    #[test]
    fn mariadb_is_told_apart() {
        let of = |version: &str, lower: u8| {
            let mut packet = vec![10];
            packet.extend(version.as_bytes());
            packet.extend(&handshake("mysql_native_password")[6..]);
            packet[version.len() + 15] = lower;
            HandshakeV10::decode(&packet).unwrap()
        };
        for (version, lower, is_mariadb) in [
            ("5.5.5-10.11.18-MariaDB-0+deb12u1-log", 0xfe, true),
            ("11.8.6-MariaDB-0+deb13u1 from Debian-log", 0xfe, true),
            ("8.0.36", 0xfe, true),
            ("8.0.36", 0xff, false),
        ] {
            let handshake = of(version, lower);
            assert_eq!(handshake.server_version, version);
            assert_eq!(handshake.is_mariadb(), is_mariadb, "{version}");
        }
    }

    #[test]
    fn survives_a_length_of_auth_data_that_makes_no_sense() {
        let mut packet = handshake("caching_sha2_password");
        // mysql_common 0.35 overflows on 0x80
        packet[27] = 0x80;
        assert!(HandshakeV10::decode(&packet).is_err());
        packet[27] = 0;
        assert!(HandshakeV10::decode(&packet).is_ok());
    }

    #[test]
    fn refuses_another_protocol() {
        let error = HandshakeV10::decode(b"HTTP/1.1 400 Bad Request").unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a handshake of protocol version 10, got a packet that begins with 0x48"
        );
    }
}
