//! AuthSwitchRequest: the server asks for another authentication method.

use super::reader::{DecodeError, Reader};

/// The packet's first byte.
pub const HEADER: u8 = 0xFE;

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
        // string<EOF>: authentication plugin data, with a NUL behind it that is no part of it
        let data = reader.rest();
        Ok(Self {
            plugin,
            nonce: data.strip_suffix(&[0]).unwrap_or(data),
        })
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
        assert_eq!(
            AuthSwitchRequest::decode(&[0xFE]).unwrap().plugin,
            b"mysql_old_password"
        );
    }
}
