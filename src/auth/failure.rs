//! Why a request is not authenticated, and what is answered to it.

use std::fmt;

use http::header::{HeaderName, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::core::text::cap;
use crate::core::{
    AbuseKind, AuthMethod, ChallengeFailure, Challenges, CleanText, EventName, GrpcCode, Level,
    Rejection, StoreError, StoreErrorKind,
};

/// RFC 9449, section 8.1.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

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

impl AuthFailureKind {
    /// Returns the stable code that clients see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ambiguous => "credentials_ambiguous",
            Self::ApiKeyInvalid => "api_key_invalid",
            Self::Busy => "busy",
            Self::Malformed => "credentials_malformed",
            Self::ProofInvalid => "proof_invalid",
            Self::ProofNonce => "proof_nonce",
            Self::Required => "authentication_required",
            Self::SessionInvalid => "session_invalid",
            Self::TokenExpired => "token_expired",
            Self::TokenInvalid => "token_invalid",
            Self::Unavailable => "authentication_unavailable",
        }
    }

    /// Returns the status over HTTP.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Ambiguous | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::ApiKeyInvalid
            | Self::ProofInvalid
            | Self::ProofNonce
            | Self::Required
            | Self::SessionInvalid
            | Self::TokenExpired
            | Self::TokenInvalid => StatusCode::UNAUTHORIZED,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the status over gRPC: a client that retries or logs in again does it by this alone.
    #[must_use]
    pub const fn grpc_code(self) -> GrpcCode {
        match self {
            Self::Ambiguous
            | Self::ApiKeyInvalid
            | Self::Malformed
            | Self::ProofInvalid
            | Self::ProofNonce
            | Self::Required
            | Self::SessionInvalid
            | Self::TokenExpired
            | Self::TokenInvalid => GrpcCode::Unauthenticated,
            Self::Busy => GrpcCode::ResourceExhausted,
            Self::Unavailable => GrpcCode::Unavailable,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Ambiguous => "More than one credential was sent",
            Self::ApiKeyInvalid => "The API key is invalid",
            Self::Busy => "The server is busy",
            Self::Malformed => "The Authorization header is malformed",
            Self::ProofInvalid => "The DPoP proof is invalid",
            Self::ProofNonce => "A DPoP nonce is required",
            Self::Required => "Authentication is required",
            Self::SessionInvalid => "The session is over",
            Self::TokenExpired => "The access token expired",
            Self::TokenInvalid => "The access token is invalid",
            Self::Unavailable => "Authentication is unavailable",
        }
    }

    /// Seconds. A key set is asked for again within five.
    const fn retry_after(self) -> Option<u64> {
        match self {
            Self::Busy => Some(1),
            Self::Unavailable => Some(5),
            Self::Ambiguous
            | Self::ApiKeyInvalid
            | Self::Malformed
            | Self::ProofInvalid
            | Self::ProofNonce
            | Self::Required
            | Self::SessionInvalid
            | Self::TokenExpired
            | Self::TokenInvalid => None,
        }
    }

    /// The wrong credential of somebody who tries. One that was good, or none at all, is what honest clients come with.
    const fn abuse(self) -> Option<AbuseKind> {
        match self {
            Self::Ambiguous
            | Self::ApiKeyInvalid
            | Self::Malformed
            | Self::ProofInvalid
            | Self::TokenInvalid => Some(AbuseKind::AuthFailed),
            Self::Busy
            | Self::ProofNonce
            | Self::Required
            | Self::SessionInvalid
            | Self::TokenExpired
            | Self::Unavailable => None,
        }
    }

    /// How events tell of it. To be asked for a nonce is how a proof begins, not a failure.
    pub(super) const fn event(self) -> Option<(EventName, Level)> {
        match self {
            Self::Ambiguous
            | Self::ApiKeyInvalid
            | Self::Malformed
            | Self::ProofInvalid
            | Self::TokenInvalid => Some((EventName::AuthnLoginFail, Level::Warn)),
            Self::Required | Self::SessionInvalid | Self::TokenExpired => {
                Some((EventName::AuthnLoginFail, Level::Info))
            }
            Self::Busy | Self::Unavailable => Some((EventName::SysMonitorDisabled, Level::Error)),
            Self::ProofNonce => None,
        }
    }

    const fn challenge(self) -> Challenge {
        match self {
            Self::Ambiguous => Challenge::Error(ChallengeFailure::Ambiguous),
            Self::Malformed => Challenge::Error(ChallengeFailure::Malformed),
            Self::ProofInvalid => Challenge::Error(ChallengeFailure::ProofInvalid),
            Self::ProofNonce => Challenge::Error(ChallengeFailure::ProofNonce),
            Self::TokenExpired => Challenge::Error(ChallengeFailure::TokenExpired),
            Self::TokenInvalid => Challenge::Error(ChallengeFailure::TokenInvalid),
            Self::ApiKeyInvalid | Self::Required | Self::SessionInvalid => Challenge::Plain,
            Self::Busy | Self::Unavailable => Challenge::None,
        }
    }
}

/// What `WWW-Authenticate` says of a failure.
enum Challenge {
    /// The line of the deciding scheme says why.
    Error(ChallengeFailure<'static>),
    /// The credential may be good: a client that is challenged throws it away.
    None,
    /// RFC 6750, section 3.1: whoever sent nothing is told no error; the other schemes have no parameter for one.
    Plain,
}

/// Why a request is not authenticated: the response extension that a refusal carries, and what an
/// [`Authenticator`](super::Authenticator) answers with.
///
/// | kind | status | code | challenge | gRPC |
/// |---|---|---|---|---|
/// | `Required` | 401 | `authentication_required` | realm alone | 16 |
/// | `Ambiguous` | 400 | `credentials_ambiguous` | `invalid_request` | 16 |
/// | `Malformed` | 400 | `credentials_malformed` | `invalid_request` | 16 |
/// | `TokenInvalid` | 401 | `token_invalid` | `invalid_token` | 16 |
/// | `TokenExpired` | 401 | `token_expired` | `invalid_token` | 16 |
/// | `ApiKeyInvalid` | 401 | `api_key_invalid` | realm alone | 16 |
/// | `SessionInvalid` | 401 | `session_invalid` | realm alone | 16 |
/// | `ProofInvalid` | 401 | `proof_invalid` | `invalid_dpop_proof` | 16 |
/// | `ProofNonce` | 401 | `proof_nonce` | `use_dpop_nonce` | 16 |
/// | `Unavailable` | 503 | `authentication_unavailable` | none, `Retry-After: 5` | 14 |
/// | `Busy` | 503 | `busy` | none, `Retry-After: 1` | 8 |
///
/// # Example
///
/// ```
/// use http::StatusCode;
/// use tower_security::auth::{AuthFailure, AuthFailureKind};
/// use tower_security::core::AuthMethod;
///
/// let failure = AuthFailure::new(AuthFailureKind::TokenInvalid)
///     .with_method(AuthMethod::Custom("Signature"))
///     .with_reason("digest_mismatch");
/// assert_eq!(failure.kind().status(), StatusCode::UNAUTHORIZED);
/// assert_eq!((failure.code(), failure.reason()), ("token_invalid", "digest_mismatch"));
/// ```
#[derive(Clone)]
pub struct AuthFailure {
    kind: AuthFailureKind,
    reason: &'static str,
    method: Option<AuthMethod>,
    detail: Option<CleanText<'static>>,
    nonce: Option<HeaderValue>,
    set_cookie: Option<HeaderValue>,
}

impl AuthFailure {
    /// Fails with this answer. The reason, for events, is the code of the kind until [`with_reason`](Self::with_reason) sets it.
    #[must_use]
    pub const fn new(kind: AuthFailureKind) -> Self {
        Self {
            kind,
            reason: kind.code(),
            method: None,
            detail: None,
            nonce: None,
            set_cookie: None,
        }
    }

    /// Sets the precise reason, a fixed word in snake case such as `issuer` or `idle`. Events name it, clients never see it.
    #[must_use]
    pub const fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = reason;
        self
    }

    /// Sets by which way the client tried: the line of this scheme says why, where the kind has an `error`. Without it that is the
    /// first line.
    #[must_use]
    pub const fn with_method(mut self, method: AuthMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Sets more for events, such as `alg=ES256 kid=k1`. Clients never see it; no token, key or cookie belongs here.
    #[must_use]
    pub fn with_detail(mut self, detail: CleanText<'static>) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Sets the nonce that the next proof has to contain: the answer's `DPoP-Nonce` (RFC 9449, section 9).
    #[must_use]
    pub fn with_nonce(mut self, nonce: HeaderValue) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// Sets a line of `Set-Cookie` for the answer: the deletion of a cookie that is of no use any more. A browser that went on sending
    /// it would be refused pages that anybody may see.
    #[must_use]
    pub fn with_set_cookie(mut self, line: HeaderValue) -> Self {
        self.set_cookie = Some(line);
        self
    }

    /// Returns what the client is told.
    #[must_use]
    pub const fn kind(&self) -> AuthFailureKind {
        self.kind
    }

    /// Returns the stable code that the client sees.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Returns the precise reason, a fixed word.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Returns by which way the client tried, as far as it is known.
    #[must_use]
    pub const fn method(&self) -> Option<AuthMethod> {
        self.method
    }

    /// Returns what events are told besides the reason.
    #[must_use]
    pub const fn detail(&self) -> Option<&CleanText<'static>> {
        self.detail.as_ref()
    }

    /// The answer, with the challenges of the layer.
    pub(crate) fn rejection(&self, challenges: &Challenges) -> Rejection {
        let kind = self.kind;
        let mut rejection = Rejection::new(kind.status(), kind.code(), kind.title());
        rejection = match kind.challenge() {
            Challenge::Error(failure) => {
                rejection.challenges(challenges.failure_lines(self.method, failure))
            }
            Challenge::None => rejection,
            Challenge::Plain => rejection.challenges(challenges.lines()),
        };
        if let Some(nonce) = &self.nonce {
            rejection = rejection.header(DPOP_NONCE, nonce.clone());
        }
        if let Some(line) = &self.set_cookie {
            rejection = rejection.header(SET_COOKIE, line.clone());
        }
        if let Some(seconds) = kind.retry_after() {
            rejection = rejection.retry_after(seconds);
        }
        if let Some(abuse) = kind.abuse() {
            rejection = rejection.abuse(abuse);
        }
        rejection.grpc(kind.grpc_code())
    }
}

/// A store that is full is [`Busy`](AuthFailureKind::Busy), any other failure [`Unavailable`](AuthFailureKind::Unavailable): a client
/// must not throw a good credential away because nobody could look it up.
impl From<StoreError> for AuthFailure {
    fn from(error: StoreError) -> Self {
        let (kind, reason) = match error.kind() {
            StoreErrorKind::Corrupt => (AuthFailureKind::Unavailable, "store_corrupt"),
            StoreErrorKind::Full => (AuthFailureKind::Busy, "store_full"),
            StoreErrorKind::Timeout => (AuthFailureKind::Unavailable, "store_timeout"),
            StoreErrorKind::Unavailable => (AuthFailureKind::Unavailable, "store_unavailable"),
        };
        let detail = CleanText::new(error.text(), cap::DETAIL).into_owned();
        Self::new(kind).with_reason(reason).with_detail(detail)
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

impl fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the request is not authenticated: {}", self.reason)
    }
}

impl std::error::Error for AuthFailure {}
