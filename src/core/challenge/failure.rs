use std::time::Duration;

/// Why what was presented did not suffice, for `error` and `error_description`.
///
/// Texts are quoted as they are: whoever configures them has checked them with `is_scope_token` and `is_quotable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChallengeFailure<'a> {
    Ambiguous,
    /// The scopes that would do, separated by blanks.
    InsufficientScope(&'a str),
    Malformed,
    ProofInvalid,
    ProofNonce,
    RecentAuthentication(Duration),
    /// The `acr` values that would do, separated by blanks.
    StrongerAuthentication(Option<&'a str>),
    TokenExpired,
    TokenInvalid,
}

impl ChallengeFailure<'_> {
    /// RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9, RFC 9470 section 3.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ambiguous => ("invalid_request", "More than one credential was sent"),
            Self::InsufficientScope(_) => (
                "insufficient_scope",
                "The access token lacks a required scope",
            ),
            Self::Malformed => ("invalid_request", "The Authorization header is malformed"),
            Self::ProofInvalid => ("invalid_dpop_proof", "The DPoP proof is invalid"),
            Self::ProofNonce => ("use_dpop_nonce", "A DPoP nonce is required"),
            Self::RecentAuthentication(_) => (
                "insufficient_user_authentication",
                "A more recent authentication is required",
            ),
            Self::StrongerAuthentication(_) => (
                "insufficient_user_authentication",
                "A stronger authentication is required",
            ),
            Self::TokenExpired => ("invalid_token", "The access token expired"),
            Self::TokenInvalid => ("invalid_token", "The access token is invalid"),
        }
    }
}
