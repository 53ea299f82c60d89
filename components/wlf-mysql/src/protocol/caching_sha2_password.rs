//! The authentication method `caching_sha2_password`, by scramble and, where the server has none cached, with the password
//! itself over TLS, else by RSA.
//!
//! The manual's "Caching_sha2_password information"; the server's side is `sql/auth/sha2_password.cc`.

use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, RsaPublicKey};
use sha1::Sha1;

/// The method's name.
pub const NAME: &[u8] = b"caching_sha2_password";

/// Asks for the server's public key.
pub const REQUEST_PUBLIC_KEY: u8 = 0x02;
/// The server had the password's hash in its cache and is content.
pub const FAST_AUTH_SUCCESS: u8 = 0x03;
/// The server wants the password itself.
pub const PERFORM_FULL_AUTHENTICATION: u8 = 0x04;

/// Why a password could not be encrypted for the server.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    #[error("the server's public key is not text")]
    NotText(#[source] std::str::Utf8Error),
    #[error("the server's public key cannot be read")]
    PublicKey(#[source] rsa::pkcs8::spki::Error),
    #[error("the password does not fit the server's public key")]
    Encrypt(#[source] rsa::Error),
}

/// Answers the challenge: `XOR(SHA256(password), SHA256(SHA256(SHA256(password)), nonce))`, empty without password.
pub fn scramble(password: &str, nonce: &[u8]) -> Vec<u8> {
    mysql_common::scramble::scramble_sha256(nonce, password.as_bytes())
        .map(|scramble| scramble.to_vec())
        .unwrap_or_default()
}

/// Encrypts the password for the server that owns the public key: RSA-OAEP with SHA-1 of the password and its NUL,
/// XORed with the nonce.
pub fn encrypt_password(
    password: &str,
    nonce: &[u8],
    public_key_pem: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let pem = std::str::from_utf8(public_key_pem).map_err(EncryptError::NotText)?;
    let key = RsaPublicKey::from_public_key_pem(pem.trim_end_matches(['\0', '\n', '\r']))
        .or_else(|_| RsaPublicKey::from_public_key_pem(pem))
        .map_err(EncryptError::PublicKey)?;
    let obfuscated = obfuscate(password, nonce);
    key.encrypt(&mut rand::rngs::OsRng, Oaep::new::<Sha1>(), &obfuscated)
        .map_err(EncryptError::Encrypt)
}

/// XORs the password and its NUL with the nonce, over and over.
fn obfuscate(password: &str, nonce: &[u8]) -> Vec<u8> {
    let clear = password.bytes().chain([0]);
    if nonce.is_empty() {
        return clear.collect();
    }
    clear
        .zip(nonce.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect()
}

#[cfg(test)]
mod tests {
    use rsa::RsaPrivateKey;
    use rsa::pkcs8::{EncodePublicKey, LineEnding};

    use super::*;

    #[test]
    fn scrambles_as_the_server_does() {
        let nonce = b"eF!@34gH%^78eF!@34gH";
        let scrambled = scramble("Ab12#$Cd56&*", nonce);
        // The definition, step by step, with another implementation of SHA-256.
        use sha2::{Digest, Sha256};
        let once = Sha256::digest("Ab12#$Cd56&*");
        let mut salted = Sha256::digest(once).to_vec();
        salted.extend(nonce);
        let by_definition: Vec<u8> = Sha256::digest(&salted)
            .iter()
            .zip(once)
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(scrambled, by_definition);
        assert_eq!(scramble("", nonce), b"");
    }

    #[test]
    fn the_servers_private_key_gives_the_password_back() {
        let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .unwrap();
        let nonce = b"01234567890123456789";
        let password = "a password longer than the nonce is";
        let sent = encrypt_password(password, nonce, pem.as_bytes()).unwrap();
        let mut clear = private.decrypt(Oaep::new::<Sha1>(), &sent).unwrap();
        for (byte, mask) in clear.iter_mut().zip(nonce.iter().cycle()) {
            *byte ^= mask;
        }
        assert_eq!(clear, format!("{password}\0").as_bytes());
    }

    #[test]
    fn a_key_that_is_none_is_an_error() {
        for key in [&b"not a key"[..], &[0xFF, 0xFE], b""] {
            assert!(encrypt_password("secret", b"nonce", key).is_err());
        }
    }
}
