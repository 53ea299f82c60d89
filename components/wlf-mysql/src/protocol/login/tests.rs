//! Logins, packet by packet.

use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{Oaep, RsaPrivateKey};

use super::super::caching_sha2_password as sha2;
use super::super::handshake_v10::tests::handshake;
use super::super::mysql_native_password as native;
use super::*;

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn sent(step: Step) -> Vec<u8> {
    match step {
        Step::Send(message) => message,
        other => panic!("nothing to send: {other:?}"),
    }
}

#[test]
fn fast_login_with_caching_sha2() {
    let mut login = Login::new("root", "password", Ssl::Disabled);
    let response = sent(login.receive(&handshake("caching_sha2_password")).unwrap());
    let scramble = sha2::scramble("password", b"dvH@I-CJ*4_?wUa_l<7r");
    assert!(response.windows(32).any(|window| window == scramble));
    assert_eq!(login.receive(&[1, 3]).unwrap(), Step::Receive);
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
    assert_eq!(login.into_handshake().unwrap().server_version, "9.7.4");
}

#[test]
fn full_login_over_rsa() {
    let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
    let pem = private
        .to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    let mut login = Login::new("root", "password", Ssl::Disabled);
    login.receive(&handshake("caching_sha2_password")).unwrap();
    assert_eq!(sent(login.receive(&[1, 4]).unwrap()), [2]);
    let mut key = vec![1];
    key.extend(pem.as_bytes());
    let secret = sent(login.receive(&key).unwrap());
    let clear = private.decrypt(Oaep::new::<sha1::Sha1>(), &secret).unwrap();
    let password: Vec<u8> = clear
        .iter()
        .zip(b"dvH@I-CJ*4_?wUa_l<7r")
        .map(|(a, b)| a ^ b)
        .collect();
    assert_eq!(password, b"password\0");
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
}

#[test]
fn native_password_from_the_start_and_after_a_switch() {
    let mut login = Login::new("root", "password", Ssl::Disabled);
    let response = sent(login.receive(&handshake("mysql_native_password")).unwrap());
    let scramble = native::scramble("password", b"dvH@I-CJ*4_?wUa_l<7r");
    assert!(response.windows(20).any(|window| window == scramble));
    assert_eq!(login.receive(OK).unwrap(), Step::Done);

    let mut login = Login::new("root", "password", Ssl::Disabled);
    login.receive(&handshake("caching_sha2_password")).unwrap();
    let switch = b"\xfemysql_native_password\0zQg4i6oNy6=rHN/>-b)A\0";
    let answer = sent(login.receive(switch).unwrap());
    assert_eq!(
        answer,
        native::scramble("password", b"zQg4i6oNy6=rHN/>-b)A")
    );
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
}

#[test]
fn sha256_password_asks_for_the_key_at_once() {
    let private = RsaPrivateKey::new(&mut rand::rngs::OsRng, 1024).unwrap();
    let pem = private
        .to_public_key()
        .to_public_key_pem(LineEnding::LF)
        .unwrap();
    let mut login = Login::new("root", "password", Ssl::Disabled);
    login.receive(&handshake("caching_sha2_password")).unwrap();
    let switch = b"\xfesha256_password\0zQg4i6oNy6=rHN/>-b)A\0";
    assert_eq!(sent(login.receive(switch).unwrap()), [1]);
    let mut key = vec![1];
    key.extend(pem.as_bytes());
    let secret = sent(login.receive(&key).unwrap());
    assert!(private.decrypt(Oaep::new::<sha1::Sha1>(), &secret).is_ok());
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
}

#[test]
fn an_unknown_method_of_the_server_leaves_the_user_a_chance() {
    let mut login = Login::new("root", "", Ssl::Disabled);
    login.receive(&handshake("auth_socket")).unwrap();
    let switch = b"\xfecaching_sha2_password\0zQg4i6oNy6=rHN/>-b)A\0";
    assert_eq!(login.receive(switch).unwrap(), Step::Send(Vec::new()));
    let error = login
        .receive(b"\xfeauthentication_ldap_simple\0")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server wants the authentication method `authentication_ldap_simple`, which is not supported"
    );
}

#[test]
fn refusals_are_the_servers_words() {
    let mut login = Login::new("root", "wrong", Ssl::Disabled);
    login.receive(&handshake("caching_sha2_password")).unwrap();
    let error = login
        .receive(b"\xff\x15\x04#28000Access denied for user 'root'@'localhost'")
        .unwrap_err();
    assert!(matches!(error, LoginError::Server(error) if error.code == 1045));
    let mut login = Login::new("root", "", Ssl::Disabled);
    assert!(matches!(
        login.receive(b"\xff\x10\x04Too many connections"),
        Err(LoginError::Server(error)) if error.code == 1040
    ));
}

#[test]
fn nothing_shows_the_password() {
    let shown = format!("{:?}", Login::new("root", "hunter2", Ssl::Disabled));
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// What MariaDB 10.11.18 and 11.8.9 sent, recorded: the user's method is another than the server's.
const MARIADB_10_11: &str = "0a352e352e352d31302e31312e31382d4d6172696144422d302b646562313275312d6c6f67008a0100005034527e4623785600feff2d0200ff81150000000000001d000000275c7b7456313140306c5132006d7973716c5f6e61746976655f70617373776f726400";
const MARIADB_11_8: &str = "0a31312e382e392d4d6172696144422d302b646562313375312066726f6d2044656269616e2d6c6f67007f020000572e2157725c526800feff2d0200ff81150000000000003d000000366f5125613e4e4f2153616f006d7973716c5f6e61746976655f70617373776f726400";
const SWITCH_TO_ED25519: &str = "fe636c69656e745f6564323535313900b4318cbbbacb4c1d1144ff1bd83534f3e0ed7c499bccd52419e7f3c2b61b94ff";
const SWITCH_TO_PARSEC: &str =
    "fe706172736563004d1f9a865df7ca170f9047c36e52bbbe81f373384962e87cca6520eef07248e0";
const SALT: &str = "015000a65cb19dffee95f104ecdb63036d2792d764";

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
    digits.map(|pair| byte(pair).unwrap()).collect()
}

#[test]
fn mariadbs_ed25519_signs_the_nonce() {
    let mut login = Login::new("rec", "secret", Ssl::Disabled);
    login.receive(&bytes(MARIADB_10_11)).unwrap();
    let switch = bytes(SWITCH_TO_ED25519);
    let signature = sent(login.receive(&switch).unwrap());
    let nonce = &switch[switch.len() - 32..];
    assert_eq!(signature, client_ed25519::sign("secret", nonce));
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
}

#[test]
fn mariadbs_parsec_asks_for_the_salt_first() {
    let mut login = Login::new("rec", "secret", Ssl::Disabled);
    login.receive(&bytes(MARIADB_11_8)).unwrap();
    assert_eq!(sent(login.receive(&bytes(SWITCH_TO_PARSEC)).unwrap()), b"");
    let answer = sent(login.receive(&bytes(SALT)).unwrap());
    assert_eq!(answer.len(), parsec::NONCE + 64);
    let (ours, _) = answer.split_first_chunk().unwrap();
    let derivation = parsec::Derivation::decode(&bytes(SALT)).unwrap();
    let server = &bytes(SWITCH_TO_PARSEC)[8..];
    assert_eq!(answer, derivation.sign("secret", server, *ours));
    assert_eq!(login.receive(OK).unwrap(), Step::Done);
}

/// What the server says before TLS is not believed after it, and nothing of the user is said before.
#[test]
fn the_user_is_named_over_tls_only() {
    for ssl in [Ssl::Preferred, Ssl::Required] {
        let mut login = Login::new("root", "password", ssl);
        let Step::Secure(request) = login.receive(&handshake("caching_sha2_password")).unwrap()
        else {
            panic!("the server offers TLS");
        };
        assert_eq!(request.len(), 32);
        assert!(!request.windows(4).any(|window| window == b"root"));
        // The server has no say before.
        assert!(login.receive(OK).is_err());
        assert!(login.receive(b"\xfemysql_clear_password\0").is_err());
        let response = sent(login.secured().unwrap());
        assert_eq!(response[..32], request);
        assert!(response.windows(4).any(|window| window == b"root"));
        assert_eq!(
            sent(login.receive(&[1, 4]).unwrap()),
            b"password\0",
            "the password itself, since it goes over TLS"
        );
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
    }
}

#[test]
fn a_server_without_tls_is_taken_or_not() {
    let mut without = handshake("caching_sha2_password");
    // CLIENT_SSL
    without[21] &= !0x08;
    let receive = |ssl| Login::new("root", "password", ssl).receive(&without);
    assert!(matches!(receive(Ssl::Disabled), Ok(Step::Send(_))));
    assert!(matches!(receive(Ssl::Preferred), Ok(Step::Send(_))));
    assert!(matches!(receive(Ssl::Required), Err(LoginError::NoTls)));
    let with = handshake("caching_sha2_password");
    let step = Login::new("root", "password", Ssl::Disabled).receive(&with);
    assert!(matches!(step, Ok(Step::Send(_))));
}

#[test]
fn the_password_itself_goes_over_tls_only() {
    let switch = b"\xfemysql_clear_password\0";
    let mut login = Login::new("root", "password", Ssl::Disabled);
    login.receive(&handshake("caching_sha2_password")).unwrap();
    let error = login.receive(switch).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server wants the password itself (`mysql_clear_password`), which is sent over TLS only"
    );
    for plugin in ["mysql_clear_password", "sha256_password"] {
        let mut login = Login::new("root", "password", Ssl::Required);
        login.receive(&handshake("caching_sha2_password")).unwrap();
        login.secured().unwrap();
        let switch = [b"\xfe", plugin.as_bytes(), b"\0zQg4i6oNy6=rHN/>-b)A\0"].concat();
        assert_eq!(sent(login.receive(&switch).unwrap()), b"password\0");
        assert_eq!(login.receive(OK).unwrap(), Step::Done);
    }
    // A server that proposes it is not told the password before it has asked.
    let mut login = Login::new("root", "hunter2", Ssl::Disabled);
    let response = sent(login.receive(&handshake("mysql_clear_password")).unwrap());
    assert!(!response.windows(7).any(|window| window == b"hunter2"));
}
