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

/// What an error's code means for those who connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// This user cannot log in.
    Refused,
    /// The user lacks a right.
    Forbidden,
    /// The server is busy or going away; later it may be different.
    Passing,
    Other,
}

impl ServerError {
    /// Sorts the code as the manual's "Server Error Message Reference" describes it.
    pub fn meaning(&self) -> Meaning {
        match self.code {
            // ER_ACCESS_DENIED_ERROR, ER_HOST_NOT_PRIVILEGED, ER_NOT_SUPPORTED_AUTH_MODE, ER_ACCESS_DENIED_NO_PASSWORD,
            // ER_MUST_CHANGE_PASSWORD, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_ACCOUNT_HAS_BEEN_LOCKED,
            // ER_SECURE_TRANSPORT_REQUIRED
            1045 | 1130 | 1251 | 1698 | 1820 | 1862 | 3118 | 3159 => Meaning::Refused,
            // ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR,
            // ER_SPECIFIC_ACCESS_DENIED_ERROR
            1044 | 1142 | 1143 | 1227 => Meaning::Forbidden,
            // ER_OUTOFMEMORY, ER_CON_COUNT_ERROR, ER_OUT_OF_RESOURCES, ER_SERVER_SHUTDOWN, ER_HOST_IS_BLOCKED,
            // ER_ABORTING_CONNECTION, ER_NET_* (1158 to 1161), ER_NEW_ABORTING_CONNECTION, ER_TOO_MANY_USER_CONNECTIONS,
            // ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_USER_LIMIT_REACHED, ER_QUERY_INTERRUPTED,
            // ER_SERVER_OFFLINE_MODE, ER_CLIENT_INTERACTION_TIMEOUT
            1037
            | 1040
            | 1041
            | 1053
            | 1129
            | 1152
            | 1158..=1161
            | 1184
            | 1203
            | 1205
            | 1213
            | 1226
            | 1317
            | 3032
            | 4031 => Meaning::Passing,
            _ => Meaning::Other,
        }
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
