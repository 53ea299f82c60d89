//! AuthSwitchRequest: the server asks for another authentication method.

use super::reader::{DecodeError, Reader};

/// The packet's first byte.
pub const HEADER: u8 = 0xFE;

/// How long the nonces of MySQL's methods are, in bytes; those of MariaDB's have 32.
const NONCE: usize = 20;

/// The method that the server wants, and its nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthSwitchRequest<'a> {
    pub plugin: &'a [u8],
    pub nonce: &'a [u8],
}

impl<'a> AuthSwitchRequest<'a> {
    /// Reads the packet; the one-byte form asks for `mysql_old_password`.
    pub fn decode(packet: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("AuthSwitchRequest", packet);
        // int<1>: status tag
        let header = reader.u8("status tag")?;
        if header != HEADER {
            return Err(DecodeError::UnexpectedHeader {
                expected: "an AuthSwitchRequest packet",
                header,
            });
        }
        if reader.is_empty() {
            return Ok(Self {
                plugin: b"mysql_old_password",
                nonce: b"",
            });
        }
        // string<NUL>: plugin name
        let plugin = reader.nul_bytes("plugin name")?;
        // string<EOF>: authentication plugin data; behind a nonce of MySQL there is a NUL that is no part of it
        let nonce = match reader.rest() {
            [nonce @ .., 0] if nonce.len() == NONCE => nonce,
            nonce => nonce,
        };
        Ok(Self { plugin, nonce })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plugin_and_nonce() {
        let packet = b"\xfemysql_native_password\0zQg4i6oNy6=rHN/>-b)A\0";
        assert_eq!(
            AuthSwitchRequest::decode(packet),
            Ok(AuthSwitchRequest {
                plugin: b"mysql_native_password",
                nonce: b"zQg4i6oNy6=rHN/>-b)A",
            })
        );
        let of_mariadb = b"\xfeclient_ed25519\0thirty-two bytes that end in NUL\0";
        let request = AuthSwitchRequest::decode(of_mariadb).unwrap();
        assert_eq!(request.nonce, b"thirty-two bytes that end in NUL\0");
        assert_eq!(
            AuthSwitchRequest::decode(&[0xFE]).unwrap().plugin,
            b"mysql_old_password"
        );
    }
}
