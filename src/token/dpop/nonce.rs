//! Nonces of ours (RFC 9449 section 9), made of the time and a key: nothing has to be remembered.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use sha2::Sha256;

use crate::token::jws::base64url;

/// Seconds of one nonce. It is accepted in the next such time too.
const STEP: u64 = 60;
const BYTES: usize = 16;

#[derive(Clone)]
pub(super) struct NonceKey(Hmac<Sha256>);

impl NonceKey {
    pub(super) const BYTES: usize = 32;

    pub(super) fn new(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// The nonce for the next proof.
    pub(super) fn issue(&self, now: u64) -> Option<HeaderValue> {
        let tag = self.of_step(now / STEP).finalize().into_bytes();
        let tag = tag.get(..BYTES)?;
        HeaderValue::try_from(base64url::encode(tag)).ok()
    }

    /// Whether it was issued a minute or two ago, or by a node whose clock is ahead by as much.
    pub(super) fn accepts(&self, nonce: &str, now: u64) -> bool {
        // 22 characters are 16 bytes; the decoder may write what begins two further ones.
        const CHARACTERS: usize = 22;
        let mut buffer = [0; 18];
        if nonce.len() != CHARACTERS {
            return false;
        }
        let Ok(tag) = base64url::decode_into(nonce.as_bytes(), &mut buffer) else {
            return false;
        };
        let step = now / STEP;
        [step, step.saturating_sub(1), step.saturating_add(1)]
            .into_iter()
            .any(|step| self.of_step(step).verify_truncated_left(tag).is_ok())
    }

    fn of_step(&self, step: u64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"dpop nonce");
        mac.update(&step.to_be_bytes());
        mac
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_for_its_minute_and_the_next() {
        let key = NonceKey::new(&[7; 32]).expect("any length does");
        let other = NonceKey::new(&[8; 32]).expect("any length does");
        let nonce = key.issue(6_000).expect("it is ASCII");
        let nonce = nonce.to_str().expect("it is ASCII");
        assert_eq!(nonce.len(), 22);
        for (now, accepted) in [
            (5_939, false),
            (5_940, true),
            (6_000, true),
            (6_119, true),
            (6_120, false),
        ] {
            assert_eq!(key.accepts(nonce, now), accepted, "{now}");
        }
        assert!(!other.accepts(nonce, 6_000));
        for wrong in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAA",
            nonce.strip_suffix(|_: char| true).unwrap(),
            &format!("{nonce}A"),
        ] {
            assert!(!key.accepts(wrong, 6_000), "{wrong}");
        }
    }
}
