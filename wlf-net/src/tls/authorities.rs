//! The authorities that a server's certificate may be signed by.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;

use super::Authorities;
use super::certificate;
use super::error::TlsError;

/// Names another bundle than those of [`BUNDLES`], as with OpenSSL.
const VARIABLE: &str = "SSL_CERT_FILE";

/// Where hosts have their bundle: Debian, Fedora, openSUSE, older Red Hat, Alpine and the BSDs.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

impl Authorities {
    /// Reads their certificates, of which there is at least one.
    pub(super) fn load(&self) -> Result<Arc<RootCertStore>, TlsError> {
        match self {
            Authorities::File(path) => Self::read("ca", path),
            Authorities::System => of_host(bundle(std::env::var_os(VARIABLE)).as_deref()),
        }
    }

    /// Reads the certificates of a file that `tls.<option>` names.
    pub(super) fn read(option: &'static str, path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificate::read(option, path)? {
            let added = store.add(certificate);
            added.map_err(|source| TlsError::Unusable {
                option,
                path: path.to_owned(),
                source,
            })?;
        }
        Ok(Arc::new(store))
    }
}

/// The authorities of the host's bundle, or Mozilla's if there is none.
fn of_host(bundle: Option<&Path>) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    match bundle {
        Some(path) => {
            // A host's bundle may hold some that are too old for anybody to understand.
            store.add_parsable_certificates(certificate::read("ca", path)?);
        }
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    if store.is_empty() {
        return Err(TlsError::NoAuthorities);
    }
    Ok(Arc::new(store))
}

/// Finds the host's bundle, which the guest sees only where its directory is mapped; `named` is what the environment says.
fn bundle(named: Option<OsString>) -> Option<PathBuf> {
    match named {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => (BUNDLES.into_iter())
            .find(|path| Path::new(path).is_file())
            .map(PathBuf::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_of_nothing_that_is_understood_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bundle.crt");
        let rubbish = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, rubbish).unwrap();
        let error = of_host(Some(&path)).unwrap_err();
        assert!(matches!(error, TlsError::NoAuthorities), "{error}");
        assert!(!of_host(None).unwrap().is_empty());
    }
}
