//! What a broker of Kafka says in a login with SCRAM.

use std::sync::OnceLock;

use sha2::Sha256;
use wlf_kafka::scram::{Proof, Scram};

use crate::allocation::justified;

/// The example of RFC 7677, section 3.
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const FIRST: &[u8] =
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const FINAL: &[u8] = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn begun() -> Scram {
    Scram::begin("user", NONCE.to_owned())
}

/// A first message that is taken goes on with our nonce, and its rounds are not more than can be waited for.
pub fn scram_first(bytes: &[u8]) {
    let answered = justified(bytes.len(), 8, 4096, || {
        begun().answered::<Sha256>(bytes, "pencil").ok()
    });
    if let Some(mut salting) = answered {
        let text = std::str::from_utf8(bytes).expect("text, or it is not taken");
        assert!(text.contains(&format!("r={NONCE}")), "{text}");
        assert!(!salting.step(1), "there are 4096 rounds at least");
    }
}

pub fn scram_first_seeds() -> Vec<Vec<u8>> {
    vec![
        FIRST.to_vec(),
        b"m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1000000".to_vec(),
        b"e=other-error".to_vec(),
    ]
}

/// A final message that is taken has the signature that only who knows the password can make.
pub fn scram_final(bytes: &[u8]) {
    static PROOF: OnceLock<Proof> = OnceLock::new();
    let proof = PROOF.get_or_init(|| {
        let salting = begun().answered::<Sha256>(FIRST, "pencil");
        let mut salting = salting.expect("the RFC's message");
        while !salting.step(1000) {}
        salting.finish()
    });
    let checked = justified(bytes.len(), 8, 1024, || proof.check(bytes));
    if checked.is_ok() {
        let has_signature = bytes.windows(FINAL.len()).any(|window| window == FINAL);
        assert!(has_signature, "{}", bytes.escape_ascii());
    }
}

pub fn scram_final_seeds() -> Vec<Vec<u8>> {
    vec![
        FINAL.to_vec(),
        [FINAL, b",x=more"].concat(),
        b"e=invalid-proof".to_vec(),
    ]
}
