//! Why a request is not authenticated.

use std::fmt;

use http::HeaderValue;

use crate::core::{AuthMethod, CleanText};

/// What a client is told of a failure: status, code and challenge follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthFailureKind {
    /// 400 `credentials_ambiguous`: more than one credential was sent.
    Ambiguous,
    /// 401 `api_key_invalid`.
    ApiKeyInvalid,
    /// 503 `busy`: what has to be remembered does not fit.
    Busy,
    /// 400 `credentials_malformed`: not `<scheme> <token>`.
    Malformed,
    /// 401 `proof_invalid`: the proof of possession is wrong.
    ProofInvalid,
    /// 401 `proof_nonce`: the proof has to contain a nonce of ours.
    ProofNonce,
    /// 401 `authentication_required`: nothing was sent, or by a scheme that nobody serves.
    Required,
    /// 401 `session_invalid`: the session is unknown, was idle for too long, or is over.
    SessionInvalid,
    /// 401 `token_expired`.
    TokenExpired,
    /// 401 `token_invalid`: forged, foreign, revoked, of the wrong type.
    TokenInvalid,
    /// 503 `authentication_unavailable`: keys, sessions or revocations cannot be had.
    Unavailable,
}

/// Why a request is not authenticated: the response extension that a refusal carries, and what an
/// [`Authenticator`](super::Authenticator) answers with.
#[derive(Clone)]
pub struct AuthFailure {
    kind: AuthFailureKind,
    reason: &'static str,
    method: Option<AuthMethod>,
    detail: Option<CleanText<'static>>,
    nonce: Option<HeaderValue>,
}

impl AuthFailure {
    /// Fails with this answer. The reason, for events, is the code of the kind until [`reason`](Self::reason) sets it.
    #[must_use]
    pub const fn new(kind: AuthFailureKind) -> Self {
        Self {
            kind,
            reason: "",
            method: None,
            detail: None,
            nonce: None,
        }
    }

    /// Returns what the client is told.
    #[must_use]
    pub const fn kind(&self) -> AuthFailureKind {
        self.kind
    }
}

impl fmt::Debug for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthFailure")
            .field("kind", &self.kind)
            .field("reason", &self.reason)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
