//! The secret of a cookie, and the key by which a store knows it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::core::{Secret, random};

/// 32 bytes in base64url.
const DIGITS: usize = 43;

/// What a cookie holds: 256 random bits. Whoever has them is logged in.
pub(super) struct SessionSecret(Secret<[u8; 32]>);

impl SessionSecret {
    /// `None` when there is no randomness.
    pub(super) fn draw() -> Option<Self> {
        random::bytes().map(|bytes| Self(Secret::new(bytes)))
    }

    /// Reads the one spelling that a secret has.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        if value.len() != DIGITS {
            return None;
        }
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()?;
        let secret = bytes.get(..length)?.try_into().ok().map(Secret::new);
        secret.map(Self)
    }

    pub(super) fn text(&self) -> Secret<String> {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// A session is one of the cookie that it was made for: of two kinds of them in one store, none is taken for the other.
    pub(super) fn key(&self, cookie: &str) -> SessionKey {
        let name = Sha256::new().chain_update(cookie);
        let hash = name.chain_update(b"=").chain_update(self.0.expose());
        SessionKey(hash.finalize().into())
    }
}

/// The name of a session that shows itself: 128 random bits that say nothing of the cookie.
pub(super) fn draw_name() -> Option<String> {
    random::bytes::<16>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// The key of a session in a store: SHA-256 of the name of the cookie and the bits that it holds.
///
/// Nobody comes from it to the cookie, so that a copy of the store lets nobody in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// Takes a key as [`as_bytes`](Self::as_bytes) gave it, for a store.
    #[must_use]
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the digest, for a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_spelling() {
        // 00 01 .. 1f by `basenc --base64url` of GNU coreutils, without its padding.
        const COUNTING: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let secret = SessionSecret::parse(COUNTING.as_bytes()).unwrap();
        let counting: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert_eq!(*secret.0.expose(), counting);
        assert_eq!(secret.text().expose(), COUNTING);

        let changed = |from: &str, to: &str| COUNTING.replacen(from, to, 1);
        for wrong in [
            String::new(),
            changed("h8", "h9"),
            changed("h8", "h"),
            format!("{COUNTING}="),
            format!("{COUNTING}A"),
            changed("AAE", "AA+"),
            changed("AAE", "AA/"),
            changed("AAE", "AA="),
            changed("AAE", "AA "),
            changed("AAE", "%41AE"),
            format!("\"{COUNTING}\""),
        ] {
            assert!(SessionSecret::parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(SessionSecret::parse(changed("AAE", "__-").as_bytes()).is_some());
    }

    #[test]
    fn a_key_is_the_digest_of_the_cookie() {
        // `(printf '__Host-session='; head -c 32 /dev/zero) | sha256sum`.
        let zeros = SessionSecret(Secret::new([0; 32]));
        let hex: String = zeros
            .key("__Host-session")
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "003a537f962f2c6e599ccabe44b52d7aec191627854d4d09057d361aa4228d8f"
        );
        assert_eq!(format!("{:?}", zeros.key("")), "SessionKey(..)");
    }
}
