//! COM_REGISTER_SLAVE: makes the client known to the server, which lists it under `SHOW REPLICAS`.

use mysql_common::packets::ComRegisterSlave;
use mysql_common::proto::MySerialize;

/// Writes the packet; the host's name is cut at 255 bytes.
pub fn encode(server_id: u32, host: &str) -> Vec<u8> {
    let command = ComRegisterSlave::new(server_id).with_hostname(host.as_bytes());
    let mut packet = Vec::new();
    command.serialize(&mut packet);
    packet
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_the_manuals_layout() {
        let packet = super::encode(0x0102_0304, "wlf");
        assert_eq!(
            packet,
            [
                0x15, 4, 3, 2, 1, 3, b'w', b'l', b'f', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
            ]
        );
    }
}
