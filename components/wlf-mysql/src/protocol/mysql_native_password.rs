//! The authentication method `mysql_native_password`, which servers before 9.0 have.

/// The method's name.
pub const NAME: &[u8] = b"mysql_native_password";

/// Answers the challenge: `SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password)))`, empty without password.
pub fn scramble(password: &str, nonce: &[u8]) -> Vec<u8> {
    mysql_common::scramble::scramble_native(nonce, password.as_bytes())
        .map(|scramble| scramble.to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sha1::{Digest, Sha1};

    use super::*;

    #[test]
    fn the_server_finds_the_passwords_hash_in_the_answer() {
        // What a server stores for 'password' is SHA1(SHA1(password)), as in
        // *2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19.
        let stored = Sha1::digest(Sha1::digest("password"));
        assert_eq!(stored[..4], [0x24, 0x70, 0xC0, 0xC0]);
        let nonce = b"zQg4i6oNy6=rHN/>-b)A";
        let answer = scramble("password", nonce);
        let mask = Sha1::new().chain_update(nonce).chain_update(stored);
        let once: Vec<u8> = answer
            .iter()
            .zip(mask.finalize())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(Sha1::digest(once), stored);
        assert_eq!(scramble("", nonce), b"");
    }
}
