//! Certificates and private keys in files.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;

/// Reads the certificates of a file that `tls.<option>` names, of which it has at least one.
pub fn read(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = bytes(option, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError::NotPem {
            option,
            path: path.to_owned(),
            expected: "certificate",
        }),
    }
}

/// Reads our own certificate and its key.
pub fn read_own(
    cert: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = read("cert", cert)?;
    let private = read_key(key)?;
    let unusable = |option, path: &Path, source| TlsError::Unusable {
        option,
        path: path.to_owned(),
        source,
    };
    let signer = (provider.key_provider.load_private_key(private))
        .map_err(|source| unusable("key", key, source))?;
    let own = CertifiedKey::new(chain, signer);
    match own.keys_match() {
        // There are kinds of keys that do not say what their public half is.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(own))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::KeyOfAnother {
            cert: cert.to_owned(),
            key: key.to_owned(),
        }),
        Err(source) => Err(unusable("cert", cert, source)),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = bytes("key", path)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let path = path.to_owned();
        // Both forms: that of PKCS#8, and OpenSSL's older one, a header in the block.
        if [&b"ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
            .iter()
            .any(|mark| bytes.windows(mark.len()).any(|window| window == *mark))
        {
            TlsError::EncryptedKey { path }
        } else {
            TlsError::NotPem {
                option: "key",
                path,
                expected: "private key",
            }
        }
    })
}

fn bytes(option: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::File {
        option,
        path: path.to_owned(),
        error,
    })
}

/// Our certificate for one server, if we have one, and whether it ever asked for it.
pub struct Own {
    pub certificate: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl Own {
    pub fn new(certificate: Option<Arc<CertifiedKey>>) -> Self {
        Self {
            certificate,
            asked: AtomicBool::new(false),
        }
    }

    pub fn was_asked_for(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}

/// Without the key.
impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own")
            .field("certificate", &self.certificate.is_some())
            .field("asked", &self.was_asked_for())
            .finish()
    }
}
