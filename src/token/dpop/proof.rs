use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri};
use sha2::{Digest, Sha256};

use super::nonce::NonceKey;
use super::replay::{Replay, Use, Used};
use super::target::{Base, normal};
use crate::core::field::Lines;
use crate::core::original_uri;
use crate::token::claims::{Fault, date, text};
use crate::token::error::{TokenError, TokenErrorKind};
use crate::token::jws::compact::{HEADER_BYTES, MOST_TOKEN, Segments};
use crate::token::jws::header::JoseHeader;
use crate::token::jws::json::{self, Limits};
use crate::token::jws::{Algorithm, Jwk, base64url};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const TYP: &str = "dpop+jwt";
const ACCEPTED: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384];
/// Bytes of `jti`.
const MOST_JTI: usize = 128;
const LIMITS: Limits = Limits {
    members: 64,
    depth: 32,
};

/// What of a request its proof is about, kept for when keys have to be waited for.
pub(in crate::token) struct ProofRequest {
    proof: Result<HeaderValue, &'static str>,
    method: Method,
    uri: Uri,
}

impl ProofRequest {
    pub(in crate::token) fn of(head: Option<&Parts>) -> Self {
        const MISSING: &str = "proof_missing";
        let Some(head) = head else {
            return Self {
                proof: Err(MISSING),
                method: Method::GET,
                uri: Uri::default(),
            };
        };
        Self {
            proof: match Lines::of(&head.headers, &DPOP) {
                Lines::Absent => Err(MISSING),
                Lines::One(proof) => Ok(proof.clone()),
                Lines::Several(_) => Err("proof_twice"),
            },
            method: head.method.clone(),
            uri: original_uri(&head.uri, &head.extensions).clone(),
        }
    }
}

/// A compiled [`DpopPolicy`](super::DpopPolicy).
#[derive(Debug)]
pub(in crate::token) struct Dpop {
    pub(super) base: Base,
    pub(super) is_required: bool,
    /// In seconds, before and after.
    pub(super) age: u64,
    pub(super) replay: Replay,
    pub(super) nonces: Option<NonceKey>,
}

impl Dpop {
    /// What clients are told to sign with; ES384 is accepted beside them.
    pub(in crate::token) const ALGORITHMS: &'static [&'static str] = &["ES256", "EdDSA"];

    pub(in crate::token) const fn is_required(&self) -> bool {
        self.is_required
    }

    /// Whether the request proves that its client has the key `jkt`, to which the token is bound.
    pub(in crate::token) fn check(
        &self,
        request: &ProofRequest,
        token: &[u8],
        jkt: [u8; 32],
        now: u64,
    ) -> Result<(), TokenError> {
        let proof = request.proof.as_ref().map_err(|reason| wrong(reason))?;
        let segments =
            Segments::split(proof.as_bytes(), MOST_TOKEN).map_err(|_| wrong("proof_structure"))?;
        let mut buffer = [0; HEADER_BYTES];
        let (algorithm, key) = key_of(segments.header, &mut buffer)?;
        if key.thumbprint() != jkt {
            return Err(wrong("proof_key"));
        }
        let payload = base64url::decode(segments.payload).map_err(|_| wrong("proof_encoding"))?;
        let claims = ProofClaims::read(&payload).map_err(|fault| wrong(fault.0))?;

        if claims.htm != request.method.as_str() {
            return Err(wrong("proof_htm"));
        }
        let target = self.base.join(request.uri.path());
        let Some(target) = target.filter(|target| normal(&claims.htu).as_ref() == Some(target))
        else {
            return Err(wrong("proof_htu"));
        };
        if claims.ath != base64url::encode(&Sha256::digest(token)) {
            return Err(wrong("proof_ath"));
        }
        if claims.iat.abs_diff(now) > self.age {
            return Err(wrong("proof_iat"));
        }
        let signature =
            base64url::decode(segments.signature).map_err(|_| wrong("proof_encoding"))?;
        key.verify(algorithm, segments.signing_input, &signature)
            .map_err(|_| wrong("proof_signature"))?;
        self.check_nonce(claims.nonce.as_deref(), now)?;

        let used = Used::new(&jkt, &claims.jti, &claims.htm, &target);
        match self
            .replay
            .note(used, claims.iat.saturating_add(self.age), now)
        {
            Use::First => Ok(()),
            Use::Again => Err(wrong("proof_replayed")),
            Use::Full => Err(TokenError::new(TokenErrorKind::Busy, "proofs_full")),
        }
    }

    fn check_nonce(&self, nonce: Option<&str>, now: u64) -> Result<(), TokenError> {
        let Some(key) = &self.nonces else {
            return Ok(());
        };
        if nonce.is_some_and(|nonce| key.accepts(nonce, now)) {
            return Ok(());
        }
        Err(match key.issue(now) {
            Some(next) => TokenError::proof_nonce(next),
            None => wrong("proof_nonce"),
        })
    }
}

const fn wrong(reason: &'static str) -> TokenError {
    TokenError::proof(reason)
}

/// The public key in the header of a proof, and the algorithm it is used with. It is the client's own word: what makes it count is that
/// the token is bound to it.
fn key_of(header: &[u8], buffer: &mut [u8]) -> Result<(Algorithm, Jwk), TokenError> {
    let text = base64url::decode_into(header, buffer).map_err(|_| wrong("proof_encoding"))?;
    let header = JoseHeader::parse(text).map_err(|_| wrong("proof_header"))?;
    if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYP)) {
        return Err(wrong("proof_typ"));
    }
    if !ACCEPTED.contains(&header.algorithm) {
        return Err(wrong("proof_algorithm"));
    }
    let key = header.jwk.ok_or_else(|| wrong("proof_jwk"))?;
    let key = Jwk::embedded(key).map_err(|_| wrong("proof_jwk"))?;
    if !key.algorithms().contains(&header.algorithm) {
        return Err(wrong("proof_algorithm"));
    }
    Ok((header.algorithm, key))
}

struct ProofClaims {
    htm: String,
    htu: String,
    ath: String,
    jti: String,
    iat: u64,
    nonce: Option<String>,
}

impl ProofClaims {
    fn read(payload: &[u8]) -> Result<Self, Fault> {
        const FAULT: &str = "proof_claims";
        let (mut htm, mut htu, mut ath, mut jti) = (None, None, None, None);
        let (mut iat, mut nonce) = (None, None);
        json::object(payload, LIMITS, |name, value| {
            let slot = match name {
                "htm" => &mut htm,
                "htu" => &mut htu,
                "ath" => &mut ath,
                "jti" => &mut jti,
                "nonce" => &mut nonce,
                "iat" => {
                    iat = Some(date(value, FAULT)?);
                    return Ok(());
                }
                // Others may stand there (RFC 9449 section 4.2), and nothing is decided by them.
                _ => return Ok(()),
            };
            *slot = Some(text(value, FAULT)?.into_owned());
            Ok::<_, Fault>(())
        })
        .map_err(|_| Fault(FAULT))?;
        let wanted = |claim: Option<String>| claim.ok_or(Fault(FAULT));
        let claims = Self {
            htm: wanted(htm)?,
            htu: wanted(htu)?,
            ath: wanted(ath)?,
            jti: wanted(jti)?,
            iat: iat.ok_or(Fault(FAULT))?,
            nonce,
        };
        if claims.jti.len() > MOST_JTI {
            return Err(Fault(FAULT));
        }
        Ok(claims)
    }
}
