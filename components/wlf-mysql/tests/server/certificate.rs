//! What a server shows as its certificate: files that it reads again when it is told to.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, date_time_ymd};

/// Puts one of `WLF_TEST_CERTS` into a server's files of its certificate, the key and the authority, and says from when on
/// the certificate is what its name says.
pub fn put(name: &str, certs: &Path, files: &[String; 3], is_mysql: bool) -> SystemTime {
    // MySQL refuses what its own authority has not signed, and what has expired already.
    let authority = match name {
        "foreign" => "foreign-ca.pem",
        _ => "ca.pem",
    };
    let own = [&*format!("{name}.pem"), &format!("{name}.key"), authority];
    for (own, file) in own.iter().zip(files) {
        fs::copy(certs.join(own), file).expect("a certificate");
    }
    match is_mysql && name == "expired" {
        true => put_short_lived(certs, files),
        false => SystemTime::now(),
    }
}

/// A certificate of the authority that is valid for some seconds more.
fn put_short_lived(certs: &Path, [certificate, key, _]: &[String; 3]) -> SystemTime {
    let authority = fs::read_to_string(certs.join("ca.key")).expect("the authority's key");
    let authority = KeyPair::from_pem(&authority).expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let names = &mut params.distinguished_name;
    names.push(DnType::CommonName, "wlf test authority");
    let issuer = Issuer::new(params, authority);
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = Duration::from_secs(now.expect("it is after 1970").as_secs() + 3);
    params.not_after = date_time_ymd(1970, 1, 1) + end;
    let own = KeyPair::generate().expect("a key");
    let signed = params.signed_by(&own, &issuer).expect("a certificate");
    fs::write(certificate, signed.pem()).expect("written");
    fs::write(key, own.serialize_pem()).expect("written");
    // The last second is among those that it is valid in.
    UNIX_EPOCH + end + Duration::from_millis(1100)
}
