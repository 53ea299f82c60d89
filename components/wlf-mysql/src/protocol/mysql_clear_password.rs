//! The authentication method `mysql_clear_password`: the password itself, as servers want it that ask somebody else
//! (PAM, LDAP). It goes over TLS only.

/// The method's name.
pub const NAME: &[u8] = b"mysql_clear_password";

/// The password and its NUL, as all methods send it that want it itself.
pub fn clear(password: &str) -> Vec<u8> {
    password.bytes().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_the_password_and_its_nul() {
        assert_eq!(super::clear("secret"), b"secret\0");
        assert_eq!(super::clear(""), b"\0");
    }
}
