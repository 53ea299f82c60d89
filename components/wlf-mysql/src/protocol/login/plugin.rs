//! The authentication methods that we know.

use crate::protocol::{
    caching_sha2_password, client_ed25519, mysql_clear_password, mysql_native_password, parsec,
    sha256_password,
};

/// An authentication method, which both sides have as a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plugin {
    CachingSha2,
    Sha256,
    Native,
    Clear,
    Ed25519,
    Parsec,
}

impl Plugin {
    const ALL: [Self; 6] = [
        Self::CachingSha2,
        Self::Sha256,
        Self::Native,
        Self::Clear,
        Self::Ed25519,
        Self::Parsec,
    ];

    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|plugin| plugin.name() == name)
    }

    pub fn name(self) -> &'static [u8] {
        match self {
            Self::CachingSha2 => caching_sha2_password::NAME,
            Self::Sha256 => sha256_password::NAME,
            Self::Native => mysql_native_password::NAME,
            Self::Clear => mysql_clear_password::NAME,
            Self::Ed25519 => client_ed25519::NAME,
            Self::Parsec => parsec::NAME,
        }
    }

    /// The method that answers a server's proposal, which need not be the user's: the server then asks to switch.
    pub fn proposed(name: &[u8]) -> Self {
        match Self::from_name(name) {
            Some(plugin @ (Self::CachingSha2 | Self::Sha256)) => plugin,
            _ => Self::Native,
        }
    }
}
