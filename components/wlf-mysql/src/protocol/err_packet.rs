//! ERR_Packet: the server refuses.

use super::reader::{DecodeError, Reader};

/// The packet's first byte.
pub const HEADER: u8 = 0xFF;

/// An error that the server reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server says: {message} (error {code}, SQLSTATE {state})")]
pub struct ServerError {
    /// One of the manual's "Server Error Message Reference".
    pub code: u16,
    /// Five characters, `HY000` where the server gives none.
    pub state: String,
    pub message: String,
}

impl ServerError {
    /// Reads the packet; before the login it comes without the SQLSTATE.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("ERR", packet);
        // int<1>: header
        let header = reader.u8("header")?;
        if header != HEADER {
            return Err(DecodeError::UnexpectedHeader {
                expected: "an ERR packet",
                header,
            });
        }
        // int<2>: error code
        let code = reader.u16("error code")?;
        // string<1>: '#', string<5>: SQL state
        let state = if reader.rest().first() == Some(&b'#') {
            reader.u8("SQL state marker")?;
            String::from_utf8_lossy(reader.bytes(5, "SQL state")?).into_owned()
        } else {
            "HY000".to_owned()
        };
        // string<EOF>: error message
        let message = String::from_utf8_lossy(reader.rest()).into_owned();
        Ok(Self {
            code,
            state,
            message,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_error_with_and_without_sqlstate() {
        let error = ServerError::decode(b"\xff\x15\x04#28000Access denied").unwrap();
        assert_eq!(
            (error.code, &*error.state, &*error.message),
            (1045, "28000", "Access denied")
        );
        let error = ServerError::decode(b"\xff\x10\x04Too many connections").unwrap();
        assert_eq!(
            error.to_string(),
            "the server says: Too many connections (error 1040, SQLSTATE HY000)"
        );
    }
}
