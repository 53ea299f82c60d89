//! Certificates for the servers' TLS ports and for the tests that connect to them, made once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::layout;

/// The variable that holds the directory for the tests. Where it is set, the certificates are somebody else's.
pub const VARIABLE: &str = "WLF_TEST_CERTS";

/// What the directory holds; when it changes, all is made anew. Each certificate stands in `<name>.pem`, its key in
/// `<name>.key` as PKCS#8, and both together in `<name>.both.pem`, as Kafka wants them.
const CONTENT: &str = "
    ca: the authority
    server: for localhost, 127.0.0.1 and ::1
    wrong-name: for db.example
    nameless: without a name
    expired: for localhost, 127.0.0.1 and ::1, since 2021
    client: a client's, by the authority
    foreign-ca: another authority
    foreign: for localhost, 127.0.0.1 and ::1, by the other authority
    foreign-client: a client's, by the other authority
    version 1";

/// The names that the servers have.
const HERE: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Returns the directory of the certificates, which are made the first time.
pub fn provide() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(VARIABLE) {
        return Ok(given.into());
    }
    let dir = layout::target().join("servers/certs");
    layout::built(&dir, CONTENT, |dir| {
        make(dir).context("making certificates")
    })
}

fn make(dir: &Path) -> Result<()> {
    let (ca, foreign) = (
        authority("wlf test authority")?,
        authority("another authority")?,
    );
    write(dir, "ca", &ca.pem(), ca.key())?;
    write(dir, "foreign-ca", &foreign.pem(), foreign.key())?;
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    sign(dir, "server", &ca, params(HERE, "localhost", &server)?)?;
    sign(
        dir,
        "wrong-name",
        &ca,
        params(&["db.example"], "db.example", &server)?,
    )?;
    sign(dir, "nameless", &ca, params(&[], "localhost", &server)?)?;
    let mut expired = params(HERE, "localhost", &server)?;
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    sign(dir, "expired", &ca, expired)?;
    sign(dir, "client", &ca, params(&[], "wlf", &client)?)?;
    sign(
        dir,
        "foreign",
        &foreign,
        params(HERE, "localhost", &server)?,
    )?;
    sign(
        dir,
        "foreign-client",
        &foreign,
        params(&[], "wlf", &client)?,
    )
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority> {
    let mut params = dated(CertificateParams::default());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn params(
    names: &[&str],
    common: &str,
    usage: &ExtendedKeyUsagePurpose,
) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = dated(CertificateParams::new(names)?);
    params.distinguished_name.push(DnType::CommonName, common);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage.clone()];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Valid for as long as this software is likely to be tested, with an empty name.
fn dated(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

fn sign(dir: &Path, name: &str, authority: &Authority, params: CertificateParams) -> Result<()> {
    let key = KeyPair::generate()?;
    let signed = params.signed_by(&key, authority)?;
    write(dir, name, &signed.pem(), &key)
}

fn write(dir: &Path, name: &str, cert: &str, key: &KeyPair) -> Result<()> {
    let key = key.serialize_pem();
    fs::write(dir.join(format!("{name}.pem")), cert)?;
    fs::write(dir.join(format!("{name}.key")), &key)?;
    Ok(fs::write(dir.join(format!("{name}.both.pem")), key + cert)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_there() {
        let dir = std::env::temp_dir().join(format!("wlf-xtask-certs-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        make(&dir).unwrap();
        let listed = CONTENT
            .lines()
            .filter_map(|line| line.trim().split_once(": "));
        let mut names = 0;
        for (name, _) in listed {
            let read = |ending| fs::read_to_string(dir.join(format!("{name}.{ending}"))).unwrap();
            assert!(
                read("pem").starts_with("-----BEGIN CERTIFICATE-----"),
                "{name}"
            );
            // PKCS#8.
            assert!(
                read("key").starts_with("-----BEGIN PRIVATE KEY-----"),
                "{name}"
            );
            assert_eq!(read("both.pem"), read("key") + &read("pem"));
            names += 3;
        }
        assert_eq!(fs::read_dir(&dir).unwrap().count(), names);
        layout::remove(&dir).unwrap();
    }
}
