//! Refusals of a login, the same bytes whichever part of it refuses: another header would tell that the password was right.

use http::StatusCode;

use super::{AbuseKind, Rejection};
#[cfg(any(feature = "mfa", feature = "password"))]
use crate::core::Challenges;

/// The problem type whose registration draft-ietf-httpapi-ratelimit-headers-10, section 8, requests.
pub(crate) const QUOTA_EXCEEDED: &str =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";

impl Rejection {
    /// 401 `login_failed`, of a password as of a second factor.
    #[cfg(any(feature = "mfa", feature = "password"))]
    pub(crate) fn login_failed() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "login_failed", "Login failed")
            .challenges(Challenges::default().lines())
            .abuse(AbuseKind::AuthFailed)
    }

    /// 429 `login_throttled`, of whoever counts attempts; when the next may be made is still to be said.
    pub(crate) fn login_throttled() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "login_throttled",
            "Too many attempts, try again later",
        )
        .problem_type(QUOTA_EXCEEDED)
        .abuse(AbuseKind::RateLimited)
    }

    /// 503 `authentication_unavailable` with `Retry-After: 5`.
    #[cfg(any(feature = "_jwt", feature = "mfa", feature = "password"))]
    pub(crate) fn authentication_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "authentication_unavailable",
            "Authentication is unavailable",
        )
        .retry_after(5)
    }
}
