//! Stands in for the crate `openssl`, which is C and does not build for WASI.
//!
//! It has what `mysql_cdc` asks for, and that is real: RSA-OAEP with a server's public key, as `caching_sha2_password`
//! wants the password on a connection without TLS.

pub mod error {
    use std::fmt;

    /// What went wrong in a cryptographic operation.
    #[derive(Debug)]
    pub struct ErrorStack(pub(crate) String);

    impl fmt::Display for ErrorStack {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl std::error::Error for ErrorStack {}
}

pub mod rsa {
    use rsa::pkcs1::DecodeRsaPublicKey;
    use rsa::pkcs8::DecodePublicKey;
    use rsa::traits::PublicKeyParts;
    use rsa::{Oaep, RsaPublicKey};

    use crate::error::ErrorStack;

    /// The padding schemes of RSA encryption; only OAEP with SHA-1 is known.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Padding(());

    impl Padding {
        pub const PKCS1_OAEP: Padding = Padding(());
    }

    /// An RSA public key.
    #[derive(Debug)]
    pub struct Rsa(RsaPublicKey);

    impl Rsa {
        /// Reads a public key in PEM form, SubjectPublicKeyInfo or PKCS#1.
        pub fn public_key_from_pem(pem: &[u8]) -> Result<Self, ErrorStack> {
            let text = std::str::from_utf8(pem).map_err(|error| ErrorStack(error.to_string()))?;
            RsaPublicKey::from_public_key_pem(text)
                .or_else(|_| RsaPublicKey::from_pkcs1_pem(text))
                .map(Rsa)
                .map_err(|error| ErrorStack(error.to_string()))
        }

        /// The modulus' length in bytes, which is also the length of what `public_encrypt` writes.
        pub fn size(&self) -> u32 {
            u32::try_from(self.0.size()).unwrap_or(u32::MAX)
        }

        /// Encrypts `from` into the front of `to` and returns the number of bytes written.
        pub fn public_encrypt(
            &self,
            from: &[u8],
            to: &mut [u8],
            _padding: Padding,
        ) -> Result<usize, ErrorStack> {
            let sealed = self
                .0
                .encrypt(&mut rand::thread_rng(), Oaep::new::<sha1::Sha1>(), from)
                .map_err(|error| ErrorStack(error.to_string()))?;
            let target = to
                .get_mut(..sealed.len())
                .ok_or_else(|| ErrorStack("the output is too short".into()))?;
            target.copy_from_slice(&sealed);
            Ok(sealed.len())
        }
    }
}
