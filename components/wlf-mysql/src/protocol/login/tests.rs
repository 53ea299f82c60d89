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
