//! Refusals of a login, the same bytes whichever part of it refuses: another header would tell that the password was right.

use http::StatusCode;

use super::{AbuseKind, Rejection};
#[cfg(any(feature = "mfa", feature = "password"))]
use crate::core::Challenges;
use crate::core::StoreError;

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
    pub(crate) fn authentication_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "authentication_unavailable",
            "Authentication is unavailable",
        )
        .retry_after(5)
    }
}

/// 503 `authentication_unavailable` with `Retry-After: 5`, for handlers that ask a store of credentials by themselves. It says nothing
/// of the store.
impl From<StoreError> for Rejection {
    fn from(_: StoreError) -> Self {
        Self::authentication_unavailable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::StoreErrorKind;

    #[test]
    fn a_store_that_fails_is_a_503_that_says_nothing_of_it() {
        let error = StoreError::new(StoreErrorKind::Timeout, "redis-2.internal");
        let rejection = Rejection::from(error);
        assert_eq!(rejection.code(), "authentication_unavailable");
        assert_eq!(rejection.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!format!("{rejection:?}").contains("redis-2"));
    }
}
