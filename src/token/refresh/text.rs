//! What a client holds: the refresh token, and its one spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::family::FamilyId;
use crate::core::{Secret, random};

const PREFIX: &str = "rt_";

/// A family, a generation and a secret.
const BYTES: usize = 16 + 4 + 32;

/// Base64url of [`BYTES`], without padding.
const DIGITS: usize = 70;

/// The secret of one generation. Whoever has it and knows the family is logged in.
pub(super) struct FamilySecret(Secret<[u8; 32]>);

impl FamilySecret {
    /// `None` when there is no randomness.
    pub(super) fn draw() -> Option<Self> {
        random::bytes().map(Self::from_bytes)
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// What a store knows of it, as a secret of this realm.
    pub(super) fn digest(&self, realm: &[u8; 32]) -> [u8; 32] {
        let digest = Sha256::new().chain_update(realm);
        digest.chain_update(self.as_bytes()).finalize().into()
    }
}

/// A refresh token, taken apart.
pub(super) struct RefreshToken {
    pub(super) family: FamilyId,
    pub(super) generation: u32,
    pub(super) secret: FamilySecret,
}

impl RefreshToken {
    /// Reads the one spelling that a token has; `None` for everything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        if digits.len() != DIGITS {
            return None;
        }
        // The decoder wants room for a whole last group.
        let mut bytes = Zeroizing::new([0; BYTES + 2]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(digits, bytes.as_mut_slice())
            .ok()?;
        let (family, rest) = bytes.get(..length)?.split_first_chunk::<16>()?;
        let (generation, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            family: FamilyId::from_bytes(*family),
            generation: u32::from_be_bytes(*generation),
            secret: FamilySecret::from_bytes(secret.try_into().ok()?),
        })
    }

    pub(super) fn text(&self) -> Secret<String> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let parts = [
            &self.family.as_bytes()[..],
            &self.generation.to_be_bytes(),
            self.secret.as_bytes(),
        ];
        let all = parts.into_iter().flatten();
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = *from;
        }
        let mut text = String::with_capacity(PREFIX.len().saturating_add(DIGITS));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        Secret::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Family 00..0f, generation 0x10111213, secret 14..33, by `basenc --base64url` of GNU coreutils.
    const COUNTING: &str =
        "rt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMw";

    #[test]
    fn a_token_has_one_spelling() {
        assert_eq!(COUNTING.len(), 73);
        let token = RefreshToken::parse(COUNTING).unwrap();
        let counting: Vec<u8> = (0..52).collect();
        assert_eq!(token.family.as_bytes()[..], counting[..16]);
        assert_eq!(token.generation, 0x1011_1213);
        assert_eq!(token.secret.as_bytes()[..], counting[20..]);
        assert_eq!(token.text().expose(), COUNTING);

        let digits = COUNTING.strip_prefix("rt_").unwrap();
        for wrong in [
            String::new(),
            digits.to_owned(),
            format!("RT_{digits}"),
            format!("rt-{digits}"),
            format!(" {COUNTING}"),
            format!("{COUNTING}="),
            format!("{COUNTING}=="),
            format!("{COUNTING}A"),
            format!("{COUNTING}\n"),
            COUNTING.strip_suffix('w').unwrap().to_owned(),
            // The last digit has four bits that mean nothing.
            COUNTING.replace("EyMw", "EyMx"),
            COUNTING.replace("AAE", "AA+"),
            COUNTING.replace("AAE", "AA/"),
            COUNTING.replace("AAE", "AA "),
            COUNTING.replace("AAE", "\u{e9}E"),
        ] {
            assert!(RefreshToken::parse(&wrong).is_none(), "{wrong}");
        }
        assert!(RefreshToken::parse(&COUNTING.replace("AAE", "_-E")).is_some());
    }

    #[test]
    fn a_store_knows_a_digest() {
        // `head -c 64 /dev/zero | sha256sum`.
        let secret = FamilySecret::from_bytes([0; 32]);
        assert_eq!(secret.digest(&[0; 32])[..4], [0xf5, 0xa5, 0xfd, 0x42]);
        assert_ne!(secret.digest(&[0; 32]), secret.digest(&[1; 32]));
    }
}
