use std::fmt;
use std::time::Duration;

use super::nonce::NonceKey;
use super::proof::Dpop;
use super::replay::Replay;
use super::target::Base;
use crate::core::{ConfigErrors, Mistakes, Secret, is_weak_key, random};
use crate::token::verifier::JwtConfigError;

const MOST_AGE: Duration = Duration::from_secs(300);
const MOST_ENTRIES: usize = 10_000_000;

/// How proofs of possession are judged (RFC 9449 section 4.3). Given to
/// [`JwtVerifierBuilder::dpop`](crate::token::JwtVerifierBuilder::dpop).
///
/// 1. There is one header `DPoP`. It is a compact JWS of the type `dpop+jwt`, signed with ES256, ES384 or `EdDSA` by the public key in
///    its own header, and the thumbprint of that key is the one in the token (`cnf.jkt`).
/// 2. `htm` is the method, `htu` the URL of the request without query, `ath` the digest of the token.
/// 3. `iat` is at most [`proof_age`](Self::proof_age) away, before or after.
/// 4. With [`nonces`](Self::nonces), `nonce` is one of ours.
/// 5. Its `jti` was not used with this key, method and URL before.
///
/// A token that is bound to a key is refused as `Bearer`, and one that is not is refused as `DPoP`.
///
/// Used proofs are remembered in this process alone: a proof can be replayed to another node for as long as it counts, unless all
/// requests of a client reach the same one.
///
/// # Example
///
/// ```
/// use tower_security::token::DpopPolicy;
///
/// let policy = DpopPolicy::new("https://api.example.com").required();
/// # let _ = policy;
/// ```
#[must_use = "a policy does nothing until it is given to a verifier"]
pub struct DpopPolicy {
    base: String,
    is_required: bool,
    age: Duration,
    entries: usize,
    nonces: Nonces,
}

enum Nonces {
    Off,
    OfThisProcess,
    OfKey(Secret<Vec<u8>>),
}

impl DpopPolicy {
    /// Begins with the URL under which clients reach this service: what the host header says is for the client to choose.
    ///
    /// Accepted: `https://api.example.com`, `https://api.example.com/v1` where a proxy removes `/v1`, `http://localhost:3000`. Refused:
    /// `http://api.example.com`, `api.example.com`, a query, a fragment, a user name.
    pub fn new(base_url: impl Into<String>) -> Self {
        const AGE: Duration = Duration::from_secs(30);
        Self {
            base: base_url.into(),
            is_required: false,
            age: AGE,
            entries: 100_000,
            nonces: Nonces::Off,
        }
    }

    /// Refuses tokens that are bound to no key. Default: they are accepted as `Bearer`.
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Sets how far from now a proof may have been made, 1 to 300 s. Default: 30 s.
    pub fn proof_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets how many used proofs are remembered, 1 to 10,000,000. Default: 100,000, about 5 MB.
    ///
    /// When so many were used within the age of a proof, further requests get a 503: one that is forgotten could be sent again.
    pub fn replay_entries(mut self, entries: usize) -> Self {
        self.entries = entries;
        self
    }

    /// Demands a nonce of ours in each proof, made with a key that only this process has (RFC 9449 section 9). Default: none.
    ///
    /// It keeps a client from making proofs in stock, and from being made to. Each counts for one to two minutes.
    pub fn nonces(mut self) -> Self {
        self.nonces = Nonces::OfThisProcess;
        self
    }

    /// As [`nonces`](Self::nonces), with a key of 32 random bytes that several nodes share.
    pub fn nonce_key(mut self, key: Secret<Vec<u8>>) -> Self {
        self.nonces = Nonces::OfKey(key);
        self
    }

    pub(in crate::token) fn compile(self, path: &str) -> Result<Dpop, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut invalid = |setting: &'static str, value: String, instead: &'static str| {
            let kind = JwtConfigError::DpopInvalid {
                setting,
                value,
                instead,
            };
            mistakes.push(format!("{path}.{setting}"), kind);
        };
        let base = Base::parse(&self.base);
        if base.is_none() {
            const INSTEAD: &str = "the URL of this service, as in \"https://api.example.com\"";
            invalid("base_url", self.base, INSTEAD);
        }
        if self.age < Duration::from_secs(1) || self.age > MOST_AGE {
            let value = format!("{:?}", self.age);
            invalid("proof_age", value, "1 to 300 s, such as 30 s");
        }
        if !(1..=MOST_ENTRIES).contains(&self.entries) {
            let value = self.entries.to_string();
            invalid("replay_entries", value, "1 to 10000000, such as 100000");
        }
        let nonces = match self.nonces {
            Nonces::Off => None,
            Nonces::OfKey(key) => {
                if key.expose().len() < NonceKey::BYTES || is_weak_key(key.expose()) {
                    let value = format!("of {} bytes", key.expose().len());
                    invalid("nonce_key", value, "32 random bytes");
                }
                NonceKey::new(key.expose())
            }
            Nonces::OfThisProcess => {
                let key = random::bytes::<{ NonceKey::BYTES }>().map(Secret::new);
                if key.is_none() {
                    mistakes.push(format!("{path}.nonces"), JwtConfigError::NoRandomness);
                }
                key.and_then(|key| NonceKey::new(key.expose()))
            }
        };
        mistakes.finish(Dpop {
            base: base.unwrap_or_default(),
            is_required: self.is_required,
            age: self.age.as_secs(),
            replay: Replay::new(self.entries),
            nonces,
        })
    }
}

impl fmt::Debug for DpopPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopPolicy")
            .field("base", &self.base)
            .field("is_required", &self.is_required)
            .field("age", &self.age)
            .field("entries", &self.entries)
            .finish_non_exhaustive()
    }
}
