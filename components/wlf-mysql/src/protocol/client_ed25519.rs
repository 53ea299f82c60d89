//! The authentication method `client_ed25519` of MariaDB (mariadb-server, `plugin/auth_ed25519`).
//!
//! It is Ed25519, but for the secret: that is the SHA-512 of the password, of any length, where RFC 8032 has the SHA-512 of
//! a seed of 32 bytes.

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use sha2::{Digest, Sha512};

/// The method's name.
pub const NAME: &[u8] = b"client_ed25519";

/// Answers the challenge: its signature, of 64 bytes.
pub fn sign(password: &str, nonce: &[u8]) -> Vec<u8> {
    let hash: [u8; 64] = Sha512::digest(password).into();
    let secret = ExpandedSecretKey::from_bytes(&hash);
    let public = VerifyingKey::from(&secret);
    raw_sign::<Sha512>(&secret, nonce, &public)
        .to_bytes()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use ed25519_dalek::Signature;

    use super::*;

    /// What MariaDB 10.11.18 stores for the password (`SELECT ed25519_password('secret')`) is the public key.
    #[test]
    fn the_server_finds_the_signature_right() {
        let stored = "ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY";
        let public: [u8; 32] = STANDARD_NO_PAD.decode(stored).unwrap().try_into().unwrap();
        let public = VerifyingKey::from_bytes(&public).unwrap();
        for nonce in [&b"32 bytes that the server made up"[..], &[0; 32]] {
            let signature = sign("secret", nonce);
            let signature = Signature::from_slice(&signature).unwrap();
            assert!(public.verify_strict(nonce, &signature).is_ok());
            let of_another = Signature::from_slice(&sign("Secret", nonce)).unwrap();
            assert!(public.verify_strict(nonce, &of_another).is_err());
        }
    }
}
