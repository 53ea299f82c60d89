//! SCRAM: both sides show that they know the password, and neither says it.
//!
//! Without input and output: messages in, messages out. It is not rsasl's, which rskafka brings: that hashes the password
//! in one piece, as often as the other side says, on the one thread that everything shares, and its nonce cannot be set,
//! so that the RFC's own examples cannot be tried.
//!
//! Source: RFC 5802, RFC 7677; `ScramSaslClient` and `ScramFormatter` of Kafka, which normalizes no text

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

/// How often the password is hashed at least. Kafka's own client refuses less as well: it would help whoever stands
/// between to guess the password.
const FEWEST: u32 = 4096;
/// And at most, which takes a second or so. Kafka's accounts have at most 16,384.
const MOST: u32 = 1_000_000;

/// What is wrong with a broker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    #[error("its message is none of SCRAM")]
    Malformed,
    #[error("its message belongs to another login")]
    Nonce,
    #[error("it asks for {given} rounds of hashing, where {FEWEST} to {MOST} are right")]
    Rounds { given: u32 },
    #[error("it says `{reason}`")]
    Refused { reason: String },
    #[error("it does not know the password itself")]
    Signature,
}

/// The hash that a mechanism is made of.
pub trait Hash {
    type Hmac: Mac + KeyInit + Clone;

    fn hash(bytes: &[u8]) -> Vec<u8>;

    fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
        let mut hmac = keyed::<Self>(key);
        hmac.update(text);
        hmac.finalize().into_bytes().to_vec()
    }
}

fn keyed<H: Hash + ?Sized>(key: &[u8]) -> H::Hmac {
    <H::Hmac as Mac>::new_from_slice(key).expect("HMAC takes keys of any size")
}

impl Hash for Sha256 {
    type Hmac = Hmac<Sha256>;

    fn hash(bytes: &[u8]) -> Vec<u8> {
        Sha256::digest(bytes).to_vec()
    }
}

impl Hash for Sha512 {
    type Hmac = Hmac<Sha512>;

    fn hash(bytes: &[u8]) -> Vec<u8> {
        Sha512::digest(bytes).to_vec()
    }
}

/// A login that has begun.
#[derive(Debug)]
pub struct Scram {
    nonce: String,
    /// The first message without what stands before it (`client-first-message-bare`).
    bare: String,
}

impl Scram {
    /// Begins a login; `nonce` is text without a comma that was never used before.
    pub fn begin(username: &str, nonce: String) -> Self {
        let name = username.replace('=', "=3D").replace(',', "=2C");
        Self {
            bare: format!("n={name},r={nonce}"),
            nonce,
        }
    }

    /// The first message.
    pub fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// Takes the broker's first message; what follows from it and the password is hashed step by step.
    ///
    /// # Errors
    /// If it is none of SCRAM, does not go on with our nonce, or asks for too few or too many rounds.
    pub fn answered<H: Hash>(self, first: &[u8], password: &str) -> Result<Salting<H>, ScramError> {
        let first = text(first)?;
        let nonce = attribute(first, "r").ok_or(ScramError::Malformed)?;
        let salt = attribute(first, "s").ok_or(ScramError::Malformed)?;
        let salt = decoded(salt)?;
        let rounds = attribute(first, "i").and_then(|rounds| rounds.parse().ok());
        let rounds = rounds.ok_or(ScramError::Malformed)?;
        let theirs = nonce.strip_prefix(&*self.nonce);
        if theirs.is_none_or(str::is_empty) {
            return Err(ScramError::Nonce);
        }
        if !(FEWEST..=MOST).contains(&rounds) {
            return Err(ScramError::Rounds { given: rounds });
        }
        // biws: "n,,"
        let bare = format!("c=biws,r={nonce}");
        let hmac = keyed::<H>(password.as_bytes());
        let mut of_salt = hmac.clone();
        of_salt.update(&salt);
        of_salt.update(&1u32.to_be_bytes());
        let last = of_salt.finalize().into_bytes().to_vec();
        Ok(Salting {
            signed: format!("{},{first},{bare}", self.bare),
            bare,
            hmac,
            sum: last.clone(),
            last,
            rounds: rounds - 1,
        })
    }
}

/// A password that is being hashed again and again (`Hi` of the RFC), because that is slow for whoever guesses it.
pub struct Salting<H: Hash> {
    /// What is signed (`AuthMessage`).
    signed: String,
    /// The final message without its proof.
    bare: String,
    hmac: H::Hmac,
    last: Vec<u8>,
    sum: Vec<u8>,
    rounds: u32,
}

impl<H: Hash> Salting<H> {
    /// Hashes so many times more; `true` if it is done.
    pub fn step(&mut self, rounds: u32) -> bool {
        for _ in 0..rounds.min(self.rounds) {
            let mut hmac = self.hmac.clone();
            hmac.update(&self.last);
            self.last.copy_from_slice(&hmac.finalize().into_bytes());
            for (sum, last) in self.sum.iter_mut().zip(&self.last) {
                *sum ^= last;
            }
        }
        self.rounds = self.rounds.saturating_sub(rounds);
        self.rounds == 0
    }

    /// The end of the login, once [`step`](Self::step) is done.
    pub fn finish(self) -> Proof {
        debug_assert_eq!(self.rounds, 0);
        let client_key = H::hmac(&self.sum, b"Client Key");
        let signature = H::hmac(&H::hash(&client_key), self.signed.as_bytes());
        let proof = client_key
            .iter()
            .zip(&signature)
            .map(|(key, sign)| key ^ sign);
        let proof = BASE64_STANDARD.encode(proof.collect::<Vec<_>>());
        let server_key = H::hmac(&self.sum, b"Server Key");
        Proof {
            message: format!("{},p={proof}", self.bare),
            expected: H::hmac(&server_key, self.signed.as_bytes()),
        }
    }
}

/// Shows that one knows the password.
#[derive(Debug)]
pub struct Proof {
    /// The final message.
    pub message: String,
    expected: Vec<u8>,
}

impl Proof {
    /// Looks whether the broker's final message shows that it knows the password too.
    ///
    /// # Errors
    /// If it does not, refuses the login, or is none of SCRAM.
    pub fn check(&self, last: &[u8]) -> Result<(), ScramError> {
        let last = text(last)?;
        if let Some(reason) = attribute(last, "e") {
            let reason = reason.to_owned();
            return Err(ScramError::Refused { reason });
        }
        let signature = attribute(last, "v").ok_or(ScramError::Malformed)?;
        if decoded(signature)? == self.expected {
            Ok(())
        } else {
            Err(ScramError::Signature)
        }
    }
}

fn text(message: &[u8]) -> Result<&str, ScramError> {
    std::str::from_utf8(message).map_err(|_| ScramError::Malformed)
}

fn decoded(text: &str) -> Result<Vec<u8>, ScramError> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| ScramError::Malformed)
}

/// The value of an attribute, which has a name of one letter.
fn attribute<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let mut attributes = message.split(',');
    attributes.find_map(|attribute| attribute.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn proof<H: Hash>(password: &str) -> Proof {
        let scram = Scram::begin("user", NONCE.to_owned());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let mut salting = scram
            .answered::<H>(FIRST.as_bytes(), password)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut steps = 1;
        while !salting.step(100) {
            steps += 1;
        }
        assert_eq!(steps, 41);
        salting.finish()
    }

    /// RFC 7677, section 3.
    #[test]
    fn the_rfcs_example_comes_out() {
        let proof = proof::<Sha256>("pencil");
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(proof.check(last), Ok(()));
    }

    /// The same messages with the longer hash, as Python's `hashlib.pbkdf2_hmac` and `hmac` have it.
    #[test]
    fn the_longer_hash_is_as_another_library_has_it() {
        let proof = proof::<Sha512>("pencil");
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="
        );
        assert_eq!(proof.check(b"v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="), Ok(()));
    }

    #[test]
    fn a_name_may_have_what_separates_the_parts() {
        let scram = Scram::begin("a=b,c", "x".to_owned());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=x");
    }

    #[test]
    fn a_broker_that_does_not_know_the_password_is_none() {
        let proof = proof::<Sha256>("pencil");
        for (last, expected) in [
            (
                "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                ScramError::Signature,
            ),
            ("v=", ScramError::Signature),
            ("v=?", ScramError::Malformed),
            ("", ScramError::Malformed),
            (
                "e=invalid-proof",
                ScramError::Refused {
                    reason: "invalid-proof".to_owned(),
                },
            ),
        ] {
            assert_eq!(proof.check(last.as_bytes()), Err(expected), "{last}");
        }
        assert_eq!(proof.check(b"v=\xff"), Err(ScramError::Malformed));
    }

    #[test]
    fn messages_that_are_none_are_errors() {
        for (first, expected) in [
            ("", ScramError::Malformed),
            ("r=other,s=AAAA,i=4096", ScramError::Nonce),
            // What the broker adds is missing.
            ("r=x,s=AAAA,i=4096", ScramError::Nonce),
            ("r=xy,s=AAAA", ScramError::Malformed),
            ("r=xy,s=A,i=4096", ScramError::Malformed),
            ("r=xy,s=AAAA,i=-1", ScramError::Malformed),
            ("r=xy,s=AAAA,i=4095", ScramError::Rounds { given: 4095 }),
            (
                "r=xy,s=AAAA,i=4294967295",
                ScramError::Rounds { given: u32::MAX },
            ),
        ] {
            let scram = Scram::begin("user", "x".to_owned());
            let answered = scram.answered::<Sha256>(first.as_bytes(), "p");
            assert_eq!(answered.err(), Some(expected), "{first}");
        }
    }
}
