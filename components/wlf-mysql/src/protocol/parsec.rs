//! The authentication method `parsec` of MariaDB 11.6 and later (mariadb-server, `plugin/auth_parsec`).
//!
//! The server sends 32 random bytes and, once it is asked with an empty packet, how the password becomes a key. The answer
//! is 32 random bytes of ours and the Ed25519 signature of both.

use std::num::NonZeroU32;

use ed25519_dalek::{Signer, SigningKey};
use ring::pbkdf2;

use super::reader::{DecodeError, Reader};

/// The method's name.
pub const NAME: &[u8] = b"parsec";

/// How many random bytes either side gives.
pub const NONCE: usize = 32;

/// PBKDF2 with HMAC-SHA-512, of 1024 rounds times two to the power of the second byte, at most 3 in this version.
const PBKDF2: u8 = b'P';
const ROUNDS: u32 = 1024;
const MAX_FACTOR: u8 = 3;

/// How a password becomes a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    rounds: NonZeroU32,
    salt: Vec<u8>,
}

impl Derivation {
    /// Reads what the server sends, which may be an AuthMoreData packet or not.
    pub fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let packet = packet.strip_prefix(&[1]).unwrap_or(packet);
        let mut reader = Reader::new("parsec's salt", packet);
        // int<1>: algorithm
        let algorithm = reader.u8("algorithm")?;
        // int<1>: the binary logarithm of the rounds, by 1024
        let factor = reader.u8("rounds")?;
        let rounds = ROUNDS.checked_shl(u32::from(factor)).unwrap_or(0);
        let rounds = NonZeroU32::new(rounds).filter(|_| factor <= MAX_FACTOR);
        // string<EOF>: salt, of 18 bytes
        let salt = reader.rest().to_vec();
        match rounds {
            Some(rounds) if algorithm == PBKDF2 => Ok(Self { rounds, salt }),
            _ => Err(DecodeError::Invalid {
                packet: "parsec's salt",
                field: "algorithm and rounds",
                at: 0,
            }),
        }
    }

    /// Answers the server's bytes: with ours, and the signature of both.
    pub fn sign(&self, password: &str, server: &[u8], ours: [u8; NONCE]) -> Vec<u8> {
        let signature = self.key(password).sign(&[server, &ours].concat());
        [&ours[..], &signature.to_bytes()].concat()
    }

    fn key(&self, password: &str) -> SigningKey {
        let mut seed = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA512,
            self.rounds,
            &self.salt,
            password.as_bytes(),
            &mut seed,
        );
        SigningKey::from_bytes(&seed)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;

    /// What MariaDB 11.8.9 sent to a user whose password is `secret`.
    const SENT: &[u8] = b"\x01P\x00\xa6\\\xb1\x9d\xff\xee\x95\xf1\x04\xec\xdbc\x03m'\x92\xd7d";
    const SERVER: &[u8] =
        b"M\x1f\x9a\x86]\xf7\xca\x17\x0f\x90G\xc3nR\xbb\xbe\x81\xf3s8Ib\xe8|\xcae \xee\xf0rH\xe0";
    /// And what it has stored of the user, behind `P0:plyxnf/ulfEE7NtjA20nktdk:`.
    const STORED: &str = "dKr0suXPRz+DZWQPlWgFSpcY+PsT3wpTbaIe2Wnw2fY";

    #[test]
    fn the_server_finds_the_signature_right() {
        let public: [u8; 32] = STANDARD_NO_PAD.decode(STORED).unwrap().try_into().unwrap();
        let public = VerifyingKey::from_bytes(&public).unwrap();
        // With the header of an AuthMoreData packet, and without it.
        for packet in [SENT, &SENT[1..]] {
            let derivation = Derivation::decode(packet).unwrap();
            assert_eq!(derivation.salt.len(), 18);
            let answer = derivation.sign("secret", SERVER, [7; NONCE]);
            let (ours, signature) = answer.split_at(NONCE);
            assert_eq!(ours, [7; NONCE]);
            let signature = Signature::from_slice(signature).unwrap();
            let signed = [SERVER, ours].concat();
            assert!(public.verify_strict(&signed, &signature).is_ok());
            let of_another = &derivation.sign("Secret", SERVER, [7; NONCE])[NONCE..];
            let of_another = Signature::from_slice(of_another).unwrap();
            assert!(public.verify_strict(&signed, &of_another).is_err());
        }
    }

    #[test]
    fn refuses_what_would_take_for_ever_or_is_not_known() {
        assert!(Derivation::decode(b"P\x03salt").is_ok());
        for packet in [&b"P\x04salt"[..], b"P\xff", b"Q\0salt", b"P", b"", b"\x01"] {
            assert!(Derivation::decode(packet).is_err(), "{packet:?}");
        }
    }
}
