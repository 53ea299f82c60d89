//! The authentication method `sha256_password`: the password itself over TLS, else by RSA, with the key asked for at once.
//!
//! A server also proposes it to users that do not exist, so as not to tell that they do not.

/// The method's name.
pub const NAME: &[u8] = b"sha256_password";

/// Asks for the server's public key.
const REQUEST_PUBLIC_KEY: u8 = 0x01;

/// What the client sends first without TLS: it asks for the key, or has no password.
pub fn begin(password: &str) -> Vec<u8> {
    if password.is_empty() {
        vec![0]
    } else {
        vec![REQUEST_PUBLIC_KEY]
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn asks_for_the_key_unless_there_is_no_password() {
        assert_eq!(super::begin("secret"), [1]);
        assert_eq!(super::begin(""), [0]);
    }
}
