//! COM_QUERY: a statement in text.

/// Writes the packet.
pub fn encode(sql: &str) -> Vec<u8> {
    let mut packet = Vec::with_capacity(sql.len().saturating_add(1));
    // int<1>: COM_QUERY
    packet.push(0x03);
    // string<EOF>: the statement
    packet.extend_from_slice(sql.as_bytes());
    packet
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_the_command_and_the_text() {
        assert_eq!(super::encode("SELECT 1"), b"\x03SELECT 1");
    }
}
