//! Protocol::SSLRequest: what comes next is TLS, and then the whole response to the handshake in it.

use mysql_common::constants::CapabilityFlags;

use super::handshake_response_41::{CHARACTER_SET, MAX_PACKET, capabilities};

/// Writes the packet, which is the front of the response that follows it.
pub fn encode(server: CapabilityFlags) -> Vec<u8> {
    let mut packet = Vec::with_capacity(32);
    // int<4>: client capabilities
    packet.extend(capabilities(server, true).bits().to_le_bytes());
    // int<4>: max packet size
    packet.extend(MAX_PACKET.to_le_bytes());
    // int<1>: character set
    packet.push(CHARACTER_SET);
    // string<23>: filler
    packet.extend([0; 23]);
    packet
}

#[cfg(test)]
mod tests {
    use super::super::handshake_response_41;
    use super::*;

    #[test]
    fn is_the_front_of_the_response() {
        for server in [
            CapabilityFlags::all(),
            CapabilityFlags::all() - CapabilityFlags::CLIENT_CONNECT_ATTRS,
        ] {
            let request = encode(server);
            let response =
                handshake_response_41::encode(server, true, "repl", b"sha256_password", b"");
            assert_eq!(request.len(), 32);
            assert_eq!(request, response[..32]);
            // CLIENT_SSL
            assert_eq!(request[1] & 0x08, 0x08);
        }
    }
}
