//! JSON Web Tokens in `Authorization`.

use http::request::Parts;

use super::authenticator::{Authenticator, Decision, Presence};
use super::authorization::{Authorization, TokenScheme, has_query_token};
use super::failure::{AuthFailure, AuthFailureKind};
use crate::core::text::cap;
use crate::core::{AuthMethod, ChallengeScheme, CleanText, Lookup};
use crate::token::{JwtVerifier, JwtVerifiers, Presented, TokenError, TokenErrorKind};

/// Authenticates by a token in `Authorization`.
#[derive(Debug)]
pub(super) struct BearerAuth {
    verifiers: JwtVerifiers,
    /// The algorithms of proofs, if one of the verifiers takes them.
    proofs: Option<&'static [&'static str]>,
    /// How tokens begin that are API keys.
    keys: Vec<Box<str>>,
}

impl BearerAuth {
    pub(super) fn new(verifiers: JwtVerifiers) -> Self {
        let mut each = verifiers.verifiers().iter();
        Self {
            proofs: each.find_map(JwtVerifier::proof_algorithms),
            verifiers,
            keys: Vec::new(),
        }
    }

    pub(super) fn schemes(&self) -> Vec<ChallengeScheme> {
        let each = self.verifiers.verifiers();
        // A client that is told of `Bearer` would come with what is refused.
        let bearer = (!each.iter().all(JwtVerifier::wants_proofs)).then(ChallengeScheme::bearer);
        let dpop = self.proofs.map(ChallengeScheme::dpop);
        bearer.into_iter().chain(dpop).collect()
    }

    pub(super) fn dangerous(&self) -> Vec<(&'static str, bool)> {
        let mut dangerous: Vec<(&'static str, bool)> = Vec::new();
        for (name, is_on) in self
            .verifiers
            .verifiers()
            .iter()
            .flat_map(JwtVerifier::dangerous)
        {
            match dangerous.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known |= is_on,
                None => dangerous.push((name, is_on)),
            }
        }
        dangerous
    }

    /// Leaves tokens to the API keys that begin so.
    pub(super) fn without_keys(mut self, keys: Vec<Box<str>>) -> Self {
        self.keys = keys;
        self
    }

    const fn serves(&self, scheme: TokenScheme) -> bool {
        match scheme {
            TokenScheme::Bearer => true,
            TokenScheme::DPoP => self.proofs.is_some(),
        }
    }

    fn is_key(&self, head: &Parts) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        let Authorization::Token(TokenScheme::Bearer, token) = Authorization::of(&head.headers)
        else {
            return false;
        };
        let begins = |prefix: &str| token.starts_with(prefix.as_bytes());
        self.keys.iter().any(|prefix| begins(prefix))
    }
}

impl Authenticator for BearerAuth {
    fn presence(&self, head: &Parts) -> Presence {
        match TokenScheme::of(&head.headers) {
            Some(scheme) if self.serves(scheme) && !self.is_key(head) => Presence::Explicit,
            Some(_) | None => Presence::Absent,
        }
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        let (scheme, token) = match Authorization::of(&head.headers) {
            Authorization::Absent => return Decision::NotPresent,
            Authorization::Malformed(scheme) => (scheme, Err(AuthFailureKind::Malformed)),
            Authorization::Unreadable(scheme) => (scheme, Err(AuthFailureKind::TokenInvalid)),
            Authorization::Token(scheme, token) => (scheme, Ok(token)),
        };
        let method = match scheme {
            TokenScheme::Bearer => AuthMethod::Bearer,
            TokenScheme::DPoP => AuthMethod::DPoP,
        };
        let fail = |kind, reason| {
            let failure = AuthFailure::new(kind).with_method(method);
            Decision::Denied(failure.with_reason(reason))
        };
        if has_query_token(&head.uri) {
            return fail(AuthFailureKind::Ambiguous, "query_token");
        }
        let token = match token {
            Ok(token) => token,
            Err(kind) => return fail(kind, "authorization_syntax"),
        };
        let presented = Presented {
            token,
            is_dpop: scheme == TokenScheme::DPoP,
            head: Some(head),
        };
        let told = move |error: TokenError| AuthFailure::from(error).with_method(method);
        match self.verifiers.verify_presented(presented) {
            Lookup::Ready(Ok(principal)) => Decision::Granted(principal),
            Lookup::Ready(Err(error)) => Decision::Denied(told(error)),
            Lookup::Pending(verified) => {
                Decision::pending(async move { verified.await.map_err(told) })
            }
        }
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::bearer()
    }
}

impl From<TokenError> for AuthFailure {
    fn from(error: TokenError) -> Self {
        let kind = match error.kind() {
            TokenErrorKind::Busy => AuthFailureKind::Busy,
            TokenErrorKind::Expired => AuthFailureKind::TokenExpired,
            TokenErrorKind::Invalid => AuthFailureKind::TokenInvalid,
            TokenErrorKind::ProofInvalid => AuthFailureKind::ProofInvalid,
            TokenErrorKind::ProofNonce => AuthFailureKind::ProofNonce,
            TokenErrorKind::Unavailable => AuthFailureKind::Unavailable,
        };
        let mut failure = Self::new(kind).with_reason(error.reason());
        if let Some(detail) = error.detail() {
            failure = failure.with_detail(CleanText::new(detail, cap::DETAIL).into_owned());
        }
        match error.nonce() {
            Some(nonce) => failure.with_nonce(nonce.clone()),
            None => failure,
        }
    }
}
