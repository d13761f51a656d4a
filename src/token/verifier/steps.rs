//! The steps by which a token is believed: cheap ones first, and nothing it says is acted upon before its signature is right.

use std::sync::Arc;
use std::time::SystemTime;

use crate::core::{AuthMethod, Clock, Principal, StoreError};
use crate::token::claims::{Binding, ClaimRules, Times, TokenClaims, read, system_time};
use crate::token::dpop::{Dpop, ProofRequest};
use crate::token::error::{TokenError, TokenErrorKind};
use crate::token::header_memo::{HeaderMemo, Known};
use crate::token::jws::compact::{HEADER_BYTES, Segments};
use crate::token::jws::header::JoseHeader;
use crate::token::jws::{Algorithm, Jwk, JwsError, base64url};
use crate::token::verified_cache::{TokenDigest, Verified, VerifiedCache};
use crate::token::{KeySnapshot, KeySource, KeySourceError, Profile, Revocation, RevocationStore};

/// What a [`JwtVerifier`](super::JwtVerifier) shares.
pub(super) struct Inner {
    pub(super) issuer: Box<str>,
    pub(super) source: Arc<dyn KeySource>,
    pub(super) algorithms: Box<[Algorithm]>,
    pub(super) profile: Profile,
    pub(super) claims: ClaimRules,
    /// In seconds, as all times here.
    pub(super) leeway: u64,
    pub(super) max_token_age: Option<u64>,
    pub(super) dpop: Option<Dpop>,
    pub(super) revocation: Option<Arc<dyn RevocationStore>>,
    pub(super) accepts_when_revocation_fails: bool,
    pub(super) is_http_issuer: bool,
    pub(super) memo: HeaderMemo,
    pub(super) cache: Option<VerifiedCache>,
    pub(super) clock: Arc<dyn Clock>,
}

/// A token that may be good, of which nothing has been proved.
pub(super) struct Candidate {
    pub(super) header: Header,
    pub(super) claims: TokenClaims,
    pub(super) digest: Option<TokenDigest>,
    pub(super) now: u64,
}

/// What counts of a header.
pub(super) struct Header {
    algorithm: Algorithm,
    wanted: WantedKey,
}

enum WantedKey {
    /// The header is one of those that led to this place in the set before.
    At(usize),
    Named(Option<Box<str>>),
}

impl Header {
    pub(super) fn kid(&self) -> Option<&str> {
        match &self.wanted {
            WantedKey::At(_) => None,
            WantedKey::Named(kid) => kid.as_deref(),
        }
    }

    pub(super) fn key<'k>(&self, snapshot: &'k KeySnapshot) -> Result<&'k Jwk, JwsError> {
        match &self.wanted {
            WantedKey::At(place) => {
                let key = snapshot.set().keys().get(*place);
                key.ok_or(JwsError::KeyUnknown)
            }
            WantedKey::Named(kid) => snapshot.set().select(self.algorithm, kid.as_deref()),
        }
    }

    #[cold]
    pub(super) fn told(&self, error: TokenError, snapshot: Option<&KeySnapshot>) -> TokenError {
        let kid = match &self.wanted {
            // It was not read again: its key says what it is called.
            WantedKey::At(_) => snapshot
                .and_then(|snapshot| self.key(snapshot).ok())
                .and_then(Jwk::kid),
            WantedKey::Named(kid) => kid.as_deref(),
        };
        error.with_header(self.algorithm.as_str(), kid)
    }
}

/// A token, and the proof that came with it by `DPoP`.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) token: &'a [u8],
    pub(super) proof: Option<&'a ProofRequest>,
}

/// Under what a token is remembered.
pub(super) struct Place {
    pub(super) token: TokenDigest,
    pub(super) generation: u64,
    pub(super) now: u64,
}

impl Inner {
    /// Seconds since 1970. A clock before that is broken, and no token can be judged by it.
    pub(super) fn now(&self) -> Result<u64, TokenError> {
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        now.map(|now| now.as_secs())
            .map_err(|_| TokenError::unavailable("clock"))
    }

    /// A token that was verified with these keys a moment ago and is still in time.
    pub(super) fn remembered(
        &self,
        token: &TokenDigest,
        generation: u64,
        now: u64,
    ) -> Option<Verified> {
        let verified = self.cache.as_ref()?.get(token, generation, now)?;
        // One that is not takes the long way and learns why.
        self.check_times(verified.times, now).ok()?;
        Some(verified)
    }

    /// Step 3.
    pub(super) fn header(
        &self,
        header: &[u8],
        snapshot: Option<&KeySnapshot>,
    ) -> Result<Header, TokenError> {
        let generation = snapshot.map(KeySnapshot::generation);
        if let Some(known) = generation.and_then(|generation| self.memo.get(header, generation)) {
            return Ok(Header {
                algorithm: known.algorithm,
                wanted: WantedKey::At(known.key),
            });
        }
        let mut buffer = [0; HEADER_BYTES];
        let text = base64url::decode_into(header, &mut buffer).map_err(refused)?;
        let header = JoseHeader::parse(text).map_err(refused)?;
        let kid = header.kid.as_deref();
        let told = |error: TokenError| error.with_header(header.algorithm.as_str(), kid);
        if !self.algorithms.contains(&header.algorithm) {
            return Err(told(TokenError::invalid("algorithm")));
        }
        if !self.profile.accepts_typ(header.typ.as_deref()) {
            return Err(told(TokenError::invalid("typ")));
        }
        Ok(Header {
            algorithm: header.algorithm,
            wanted: WantedKey::Named(kid.map(Into::into)),
        })
    }

    /// Steps 4 and 5.
    pub(super) fn plausible(&self, payload: &[u8], now: u64) -> Result<TokenClaims, TokenError> {
        let payload = base64url::decode(payload).map_err(refused)?;
        let document =
            String::from_utf8(payload).map_err(|_| TokenError::invalid("json_syntax"))?;
        let token = read(document, &self.claims).map_err(|fault| TokenError::invalid(fault.0))?;
        let issuer = token.claims.issuer.map(|issuer| token.claims.text(issuer));
        if issuer != Some(&*self.issuer) {
            return Err(TokenError::invalid("issuer"));
        }
        if !token.is_for_us {
            return Err(TokenError::invalid("audience"));
        }
        self.check_times(token.times, now)?;
        Ok(token)
    }

    pub(super) fn check_times(&self, times: Times, now: u64) -> Result<(), TokenError> {
        let latest = now.saturating_add(self.leeway);
        if now >= times.exp.saturating_add(self.leeway) {
            return Err(TokenError::new(TokenErrorKind::Expired, "expired"));
        }
        if times.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(TokenError::invalid("not_yet_valid"));
        }
        if times.iat.is_some_and(|iat| iat > latest) {
            return Err(TokenError::invalid("issued_in_future"));
        }
        if let Some(age) = self.max_token_age {
            let end = times.iat.map(|iat| iat.saturating_add(age));
            let is_young = end.is_some_and(|end| now < end.saturating_add(self.leeway));
            if !is_young {
                return Err(TokenError::invalid("too_old"));
            }
        }
        Ok(())
    }

    /// Steps 6 to 8.
    pub(super) fn prove(
        &self,
        candidate: Candidate,
        snapshot: &KeySnapshot,
        segments: Segments<'_>,
        bound: Bound<'_>,
    ) -> Result<Verified, TokenError> {
        let Candidate {
            header,
            claims: token,
            digest: _,
            now,
        } = candidate;
        let key = header
            .key(snapshot)
            .map_err(|error| header.told(refused(error), Some(snapshot)))?;
        let told = |error: TokenError| error.with_header(header.algorithm.as_str(), key.kid());
        verify_signature(key, header.algorithm, segments).map_err(|error| told(refused(error)))?;
        self.check_binding(token.binding, bound, now)
            .map_err(told)?;
        if matches!(header.wanted, WantedKey::Named(_)) {
            self.learn(segments.header, snapshot, header.algorithm, key);
        }

        let times = token.times;
        let binding = token.binding;
        let mut claims = token.claims;
        claims.method = match bound.proof {
            Some(_) => AuthMethod::DPoP,
            None => AuthMethod::Bearer,
        };
        claims.expires_at = system_time(times.exp.saturating_add(self.leeway));
        claims.confirmation = binding.and_then(Binding::confirmation);
        Ok(Verified {
            principal: Principal::of(claims),
            times,
            binding,
        })
    }

    /// Step 8. Each part of `cnf` has to be proved.
    pub(super) fn check_binding(
        &self,
        binding: Option<Binding>,
        bound: Bound<'_>,
        now: u64,
    ) -> Result<(), TokenError> {
        let binding = binding.unwrap_or_default();
        if binding.certificate.is_some() {
            return Err(TokenError::invalid("certificate_missing"));
        }
        match (binding.jkt, bound.proof, &self.dpop) {
            (Some(jkt), Some(proof), Some(dpop)) => dpop.check(proof, bound.token, jkt, now),
            // RFC 9449 section 7.1: whoever stole it would send it as a bearer token.
            (Some(_), None, _) => Err(TokenError::invalid("proof_required")),
            (None, None, Some(dpop)) if dpop.is_required() => {
                Err(TokenError::invalid("proof_required"))
            }
            (None, None, _) => Ok(()),
            (None, Some(_), _) => Err(TokenError::invalid("not_bound")),
            (Some(_), Some(_), None) => Err(TokenError::invalid("proofs_not_accepted")),
        }
    }

    /// The header of a token that was signed leads there next time without a look into it.
    fn learn(&self, header: &[u8], snapshot: &KeySnapshot, algorithm: Algorithm, key: &Jwk) {
        let mut keys = snapshot.set().keys().iter();
        if self.memo.is_open(snapshot.generation())
            && let Some(key) = keys.position(|other| std::ptr::eq(other, key))
        {
            let known = Known { algorithm, key };
            self.memo.insert(header, snapshot.generation(), known);
        }
    }

    pub(super) fn judge(&self, answer: Result<&Revocation, &StoreError>) -> Result<(), TokenError> {
        match answer {
            Ok(Revocation::Valid) => Ok(()),
            Ok(Revocation::Revoked) => Err(TokenError::invalid("revoked")),
            Err(_) if self.accepts_when_revocation_fails => Ok(()),
            Err(_) => Err(TokenError::unavailable("revocation_store")),
        }
    }

    pub(super) fn remember(&self, verified: Verified, place: Option<Place>) -> Principal {
        let principal = verified.principal.clone();
        if let (Some(cache), Some(place)) = (&self.cache, place) {
            cache.insert(place.token, place.generation, place.now, verified);
        }
        principal
    }
}

fn verify_signature(
    key: &Jwk,
    algorithm: Algorithm,
    segments: Segments<'_>,
) -> Result<(), JwsError> {
    /// Of an RSA key of 8,192 bits, and the bytes that the decoder wants more.
    const MOST_BYTES: usize = 1_026;
    const MOST_CHARACTERS: usize = 1_366;
    if segments.signature.len() > MOST_CHARACTERS {
        return Err(JwsError::Signature);
    }
    let mut buffer = [0; MOST_BYTES];
    let signature = base64url::decode_into(segments.signature, &mut buffer)?;
    key.verify(algorithm, segments.signing_input, signature)
}

pub(super) const fn refused(error: JwsError) -> TokenError {
    TokenError::invalid(error.reason())
}

pub(super) const fn no_key(error: KeySourceError) -> TokenError {
    match error {
        KeySourceError::NotFound => TokenError::invalid("kid_unknown"),
        KeySourceError::Unavailable => TokenError::unavailable("keys"),
    }
}
