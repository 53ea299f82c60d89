//! AuthMoreData: what an authentication method has to say in between.

use super::reader::{DecodeError, Reader};

/// The packet's first byte.
pub const HEADER: u8 = 0x01;

/// Reads the packet: the method's own data.
pub fn decode(packet: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new("AuthMoreData", packet);
    // int<1>: header
    let header = reader.u8("header")?;
    if header != HEADER {
        return Err(DecodeError::UnexpectedHeader {
            expected: "an AuthMoreData packet",
            header,
        });
    }
    // string<EOF>: authentication method data
    Ok(reader.rest())
}

#[cfg(test)]
mod tests {
    #[test]
    fn gives_the_data() {
        assert_eq!(super::decode(&[1, 4]), Ok(&[4][..]));
        assert!(super::decode(&[0, 4]).is_err());
    }
}
