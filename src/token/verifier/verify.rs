//! The verifier, and the order in which it asks.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::JwtVerifierBuilder;
use super::steps::{Bound, Candidate, Inner, Place, no_key, refused};
use crate::core::{Lookup, Principal};
use crate::token::dpop::{Dpop, ProofRequest};
use crate::token::error::TokenError;
use crate::token::jws::compact::{MOST_TOKEN, Segments};
use crate::token::jws::{Algorithm, JwsError};
use crate::token::verified_cache::{self, TokenDigest, Verified};
use crate::token::{KeySnapshot, KeyState};

/// Verifies JSON Web Tokens (RFC 7519) as access tokens. Cloning shares it.
///
/// It is given to an authentication layer, or asked directly with [`verify`](Self::verify).
///
/// 1. A token has at most 8,192 bytes. With a [`TokenCache`](crate::token::TokenCache) it is known already; times, keys, revocation and
///    proof are looked at again.
/// 2. It is three segments of strict base64url; the first has at most 2,048 characters.
/// 3. The header is a JSON object without a member that stands there twice. Its `alg` is one of the configured ones, `typ` is that of
///    the [`Profile`](crate::token::Profile), `crit`, `b64`, `zip`, `enc` and `cty` are refused, and `jku`, `x5u`, `x5c` and `jwk` are never read.
/// 4. The claims are such an object too, of at most 64 members, and each known claim is of its one type.
/// 5. `iss` and one `aud` are ours, letter by letter; `exp` lies ahead, `nbf` and `iat` do not, and what the profile wants is there.
/// 6. The key is the one whose id the header names, if it fits the algorithm; without an id it is the only one that fits. An id that
///    is not known makes the source look for newer keys.
/// 7. The signature is right.
/// 8. A token that is bound to a key (`cnf`) comes with the proof that the client has it. A binding that is not understood is refused.
/// 9. It was not revoked.
///
/// What fails in steps 1 to 5 costs no cryptography.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::core::{Lookup, Secret};
/// use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
/// use tower_security::token::{JwtVerifier, Profile};
///
/// let secret = Secret::from(b"an example: take 32 random bytes");
/// let keys = JwkSet::from_keys([Jwk::hmac(secret, Algorithm::Hs256)?]);
/// let verifier = JwtVerifier::builder()
///     .issuer("https://id.example.com/")
///     .audience("https://api.example.com")
///     .keys(keys)
///     .profile(Profile::Plain)
///     .build()?;
///
/// // `{"alg":"none"}`: not signed at all.
/// let unsigned = "eyJhbGciOiJub25lIn0.e30.AA";
/// let Lookup::Ready(Err(error)) = verifier.verify(unsigned) else {
///     return Err("it was accepted".into());
/// };
/// assert_eq!(error.reason(), "algorithm");
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct JwtVerifier(pub(super) Arc<Inner>);

/// A token, and how it came.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) token: &'a [u8],
    /// `DPoP` instead of `Bearer`: a proof has to stand in the request.
    pub(crate) is_dpop: bool,
    /// For the proof; absent where no request is there.
    pub(crate) head: Option<&'a Parts>,
}

impl JwtVerifier {
    /// Begins with the defaults: access tokens of RFC 9068, 30 s of leeway, no cache. Issuer, audience and keys have to be given.
    pub fn builder() -> JwtVerifierBuilder {
        JwtVerifierBuilder::new()
    }

    /// Verifies a token that no request has brought, as a bearer token.
    ///
    /// The answer is ready at once, but for a token whose key has to be fetched and a revocation store that has to be waited for.
    #[must_use]
    pub fn verify(&self, token: &str) -> Lookup<Result<Principal, TokenError>> {
        self.verify_presented(Presented {
            token: token.as_bytes(),
            is_dpop: false,
            head: None,
        })
    }

    /// Verifies a token that came by the scheme `DPoP`, with the proof in the head of its request (RFC 9449 section 7.1).
    ///
    /// For an authenticator of your own; the authentication layer does it by itself. Each call uses the proof up.
    #[must_use]
    pub fn verify_dpop(&self, token: &str, head: &Parts) -> Lookup<Result<Principal, TokenError>> {
        self.verify_presented(Presented {
            token: token.as_bytes(),
            is_dpop: true,
            head: Some(head),
        })
    }

    /// Returns whose tokens are accepted.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the algorithms that are accepted.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.0.algorithms
    }

    /// Forgets all tokens of the [`TokenCache`](crate::token::TokenCache), such as after a key was taken back by hand. A
    /// [`RevocationStore`](crate::token::RevocationStore) needs no such call: it is asked each time.
    pub fn clear_token_cache(&self) {
        if let Some(cache) = &self.0.cache {
            cache.clear();
        }
    }

    /// Returns the algorithms of proofs, as the challenge says them; `None` where proofs are not accepted.
    pub(crate) fn proof_algorithms(&self) -> Option<&'static [&'static str]> {
        self.0.dpop.as_ref().map(|_| Dpop::ALGORITHMS)
    }

    /// Whether a proof is demanded of every token, so that none comes as `Bearer`.
    pub(crate) fn wants_proofs(&self) -> bool {
        self.0.dpop.as_ref().is_some_and(Dpop::is_required)
    }

    /// Returns the settings that weaken it, each with whether it is on: its own, then those of its source of keys.
    #[must_use]
    pub fn dangerous(&self) -> Vec<(&'static str, bool)> {
        let mut dangerous = vec![
            (
                "dangerous_accept_when_revocation_fails",
                self.0.accepts_when_revocation_fails,
            ),
            ("dangerous_http_issuer", self.0.is_http_issuer),
        ];
        dangerous.extend(self.0.source.dangerous());
        dangerous
    }

    pub(crate) fn verify_presented(
        &self,
        presented: Presented<'_>,
    ) -> Lookup<Result<Principal, TokenError>> {
        let is_cached = self.has_cache() && presented.token.len() <= MOST_TOKEN;
        let digest = is_cached.then(|| verified_cache::digest(presented.token));
        self.verify_digested(presented, digest)
    }

    /// As [`verify_presented`](Self::verify_presented), of a token whose digest is known.
    pub(super) fn verify_digested(
        &self,
        presented: Presented<'_>,
        digest: Option<TokenDigest>,
    ) -> Lookup<Result<Principal, TokenError>> {
        self.begin(presented, digest)
            .unwrap_or_else(|error| Lookup::Ready(Err(error)))
    }

    pub(super) fn has_cache(&self) -> bool {
        self.0.cache.is_some()
    }

    /// Whether the token was verified here a moment ago.
    pub(super) fn remembers(&self, token: &TokenDigest) -> bool {
        let cache = self.0.cache.as_ref();
        cache.is_some_and(|cache| cache.contains(token))
    }

    fn begin(
        &self,
        presented: Presented<'_>,
        digest: Option<TokenDigest>,
    ) -> Result<Lookup<Result<Principal, TokenError>>, TokenError> {
        let inner = &*self.0;
        if presented.token.len() > MOST_TOKEN {
            return Err(TokenError::invalid("too_long"));
        }
        let now = inner.now()?;
        let proof = presented.is_dpop.then(|| ProofRequest::of(presented.head));
        let bound = Bound {
            token: presented.token,
            proof: proof.as_ref(),
        };
        let snapshot = match inner.source.state() {
            KeyState::Ready(snapshot) => Some(snapshot),
            KeyState::Missing => None,
        };
        if let (Some(digest), Some(snapshot)) = (&digest, &snapshot)
            && let Some(verified) = inner.remembered(digest, snapshot.generation(), now)
        {
            inner.check_binding(verified.binding, bound, now)?;
            return self.unless_revoked(verified, None);
        }

        let segments = Segments::split(presented.token, MOST_TOKEN).map_err(refused)?;
        let header = inner.header(segments.header, snapshot.as_ref())?;
        let claims = inner.plausible(segments.payload, now);
        let claims = claims.map_err(|error| header.told(error, snapshot.as_ref()))?;
        let mut candidate = Candidate {
            header,
            claims,
            digest,
            now,
        };
        let has_key = |snapshot: &KeySnapshot| {
            let key = candidate.header.key(snapshot);
            !matches!(key, Err(JwsError::KeyUnknown))
        };
        let snapshot = match snapshot.filter(has_key) {
            Some(snapshot) => snapshot,
            None => match inner.source.refresh(candidate.header.kid()) {
                Lookup::Ready(found) => {
                    found.map_err(|error| candidate.header.told(no_key(error), None))?
                }
                Lookup::Pending(found) => {
                    let verifier = self.clone();
                    let token: Box<[u8]> = presented.token.into();
                    return Ok(Lookup::pending(async move {
                        let found = found.await;
                        let snapshot =
                            found.map_err(|error| candidate.header.told(no_key(error), None))?;
                        // A source takes as long as it likes; a token, and a proof, ages meanwhile.
                        candidate.now = verifier.0.now()?;
                        let times = candidate.claims.times;
                        let in_time = verifier.0.check_times(times, candidate.now);
                        in_time.map_err(|error| candidate.header.told(error, Some(&snapshot)))?;
                        let segments = Segments::split(&token, MOST_TOKEN).map_err(refused)?;
                        let bound = Bound {
                            token: &token,
                            proof: proof.as_ref(),
                        };
                        let end = verifier.finish(candidate, &snapshot, segments, bound);
                        match end? {
                            Lookup::Ready(answer) => answer,
                            Lookup::Pending(answer) => answer.await,
                        }
                    }));
                }
            },
        };
        self.finish(candidate, &snapshot, segments, bound)
    }

    /// Steps 6 to 9, with keys at hand.
    fn finish(
        &self,
        candidate: Candidate,
        snapshot: &KeySnapshot,
        segments: Segments<'_>,
        bound: Bound<'_>,
    ) -> Result<Lookup<Result<Principal, TokenError>>, TokenError> {
        let now = candidate.now;
        let place = candidate.digest.map(|token| Place {
            token,
            generation: snapshot.generation(),
            now,
        });
        let verified = self.0.prove(candidate, snapshot, segments, bound)?;
        self.unless_revoked(verified, place)
    }

    /// Step 9, and what follows a full success.
    fn unless_revoked(
        &self,
        verified: Verified,
        place: Option<Place>,
    ) -> Result<Lookup<Result<Principal, TokenError>>, TokenError> {
        if let Some(store) = &self.0.revocation {
            match store.check(&verified.token_ref()) {
                Lookup::Ready(answer) => self.0.judge(answer.as_ref())?,
                Lookup::Pending(answer) => {
                    let verifier = self.clone();
                    return Ok(Lookup::pending(async move {
                        let answer = answer.await;
                        verifier.0.judge(answer.as_ref())?;
                        Ok(verifier.0.remember(verified, place))
                    }));
                }
            }
        }
        Ok(Lookup::Ready(Ok(self.0.remember(verified, place))))
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("issuer", &self.0.issuer)
            .field("audiences", &self.0.claims.audiences)
            .field("algorithms", &self.0.algorithms)
            .field("profile", &self.0.profile)
            .finish_non_exhaustive()
    }
}
