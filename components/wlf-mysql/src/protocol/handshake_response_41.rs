//! Protocol::HandshakeResponse41: the client says who it is and what it can.

use std::collections::HashMap;

use mysql_common::constants::CapabilityFlags;
use mysql_common::packets::{AuthPlugin, HandshakeResponse};
use mysql_common::proto::MySerialize;

/// What we ask the server to do for us, where it can.
const WANTED: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS);

/// The largest message that we take, in bytes: what a replica announces.
pub(super) const MAX_PACKET: u32 = 1 << 30;

/// The connection's character set, utf8mb4_general_ci.
pub(super) const CHARACTER_SET: u8 = 45;

/// What is asked for of what the server has.
pub(super) fn capabilities(server: CapabilityFlags, secured: bool) -> CapabilityFlags {
    let mut wanted = WANTED;
    wanted.set(CapabilityFlags::CLIENT_SSL, secured);
    wanted & server
}

/// Writes the packet; `auth` answers `plugin`'s challenge. With `secured` it goes over TLS.
pub fn encode(
    server: CapabilityFlags,
    secured: bool,
    user: &str,
    plugin: &[u8],
    auth: &[u8],
) -> Vec<u8> {
    let attributes = server
        .contains(CapabilityFlags::CLIENT_CONNECT_ATTRS)
        .then(|| {
            HashMap::from([
                ("_client_name".to_owned(), "wlf".to_owned()),
                (
                    "_client_version".to_owned(),
                    env!("CARGO_PKG_VERSION").to_owned(),
                ),
                ("program_name".to_owned(), "wlf".to_owned()),
            ])
        });
    let response = HandshakeResponse::new(
        Some(auth),
        (8, 0, 0),
        Some(user.as_bytes()),
        None::<&[u8]>,
        server
            .contains(CapabilityFlags::CLIENT_PLUGIN_AUTH)
            .then(|| AuthPlugin::from_bytes(plugin)),
        capabilities(server, secured),
        attributes,
        MAX_PACKET,
    );
    let mut packet = Vec::new();
    response.serialize(&mut packet);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_user_answer_and_plugin() {
        let packet = encode(
            CapabilityFlags::all(),
            false,
            "repl",
            b"caching_sha2_password",
            &[7; 32],
        );
        // int<1>: character set
        assert_eq!(packet[8], CHARACTER_SET);
        assert_eq!(&packet[32..38], b"repl\0\x20");
        assert_eq!(&packet[38..70], &[7; 32]);
        assert_eq!(&packet[70..92], b"caching_sha2_password\0");
    }

    #[test]
    fn announces_only_what_the_server_knows() {
        let server = WANTED - CapabilityFlags::CLIENT_CONNECT_ATTRS;
        let packet = encode(server, false, "repl", b"mysql_native_password", b"");
        let sent = u32::from_le_bytes([packet[0], packet[1], packet[2], packet[3]]);
        assert_eq!(CapabilityFlags::from_bits_truncate(sent), server);
        assert!(packet.ends_with(b"mysql_native_password\0"));
    }
}
