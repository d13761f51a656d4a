//! What a refused attempt is answered.

use std::time::Duration;

use http::request::Parts;
use http::{Response, StatusCode};

use super::super::limited::RateLimitReason;
use super::super::problem::{REDUCED_CAPACITY, RETRY_STORE};
use crate::core::{
    AbuseKind, PreparedBody, Pushback, RefusalContext, Rejection, RejectionBody, retry_seconds,
};

/// When to try again that the store is there.
const AWAY: Duration = Duration::from_nanos(RETRY_STORE);

/// What an attempt was counted by, as events name it. No answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginDimension {
    /// The account, tried from devices that are not trusted.
    Account,
    /// The account again: so many failures in a row that it is locked for devices that are not trusted.
    AccountLock,
    /// The prefix of the client's address.
    Address,
    /// The prefix of the client's address, from which many accounts were tried.
    Spray,
}

impl LoginDimension {
    /// Returns the name in snake case: the `rule` of the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AccountLock => "account_lock",
            Self::Address => "address",
            Self::Spray => "spray",
        }
    }
}

/// Why an attempt must not be made now. Nothing was charged.
///
/// It stands in the extensions of the answer too. Which [`dimension`](Self::dimension) it was is for logs alone: the answer has the
/// same bytes for all of them but for `Retry-After`, and for accounts that exist and accounts that do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// 503 `rate_store_unavailable`: the store cannot answer, and it was chosen to refuse then.
    #[error("attempts cannot be counted at the moment")]
    StoreUnavailable,
    /// 429 `login_throttled`: too many attempts.
    #[error("too many attempts")]
    Throttled {
        /// What refused. Of several, the one with the longest wait.
        dimension: LoginDimension,
        /// After how long the attempt may be made.
        wait: Duration,
    },
}

impl LoginRefusal {
    /// Refuses for so many nanoseconds.
    pub(super) const fn throttled(dimension: LoginDimension, wait: u64) -> Self {
        Self::Throttled {
            dimension,
            wait: Duration::from_nanos(wait),
        }
    }

    /// Returns what refused; `None` when the store is away.
    #[must_use]
    pub const fn dimension(&self) -> Option<LoginDimension> {
        match self {
            Self::StoreUnavailable => None,
            Self::Throttled { dimension, .. } => Some(*dimension),
        }
    }

    /// Returns the seconds of `Retry-After`: at least 1, rounded up.
    #[must_use]
    pub const fn retry_after(&self) -> u64 {
        match self {
            Self::StoreUnavailable => retry_seconds(AWAY),
            Self::Throttled { wait, .. } => retry_seconds(*wait),
        }
    }

    /// Makes the refusal that a handler answers with; see [`RefusalContext::refuse`].
    ///
    /// # Example
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::request::Parts;
    /// use http::{Request, Response};
    /// use http_body_util::Full;
    /// use tower_security::core::RefusalContext;
    /// use tower_security::rate_limit::login::LoginRefusal;
    ///
    /// fn answer(refusal: LoginRefusal, head: &Parts) -> Response<Full<Bytes>> {
    ///     RefusalContext::new(head).refuse(refusal)
    /// }
    /// let (head, ()) = Request::new(()).into_parts();
    /// assert_eq!(answer(LoginRefusal::StoreUnavailable, &head).status(), 503);
    /// ```
    pub fn rejection(self) -> Rejection {
        self.complete(self.bare())
    }

    /// The answer in place of the inner service.
    pub(super) fn answer<B: RejectionBody>(self, head: Parts, bodies: &Bodies) -> Response<B> {
        let context = RefusalContext::new(&head);
        let body = match self {
            Self::StoreUnavailable => &bodies.away,
            Self::Throttled { .. } => &bodies.throttled,
        };
        let rejection = self.bare().reuse(head).prepared(body.clone());
        self.complete(rejection).into_response(&context)
    }

    /// Adds what is not the same for each of a kind.
    fn complete(self, rejection: Rejection) -> Rejection {
        let rejection = rejection.retry_after(self.retry_after()).reason(self);
        let (wait, abuse) = match self {
            Self::StoreUnavailable => return rejection.pushback(Pushback::After(AWAY)),
            Self::Throttled { dimension, wait } => match dimension {
                LoginDimension::Spray => (wait, AbuseKind::Spray),
                LoginDimension::Account | LoginDimension::AccountLock | LoginDimension::Address => {
                    (wait, AbuseKind::RateLimited)
                }
            },
        };
        rejection.pushback(Pushback::After(wait)).abuse(abuse)
    }

    /// What is the same for each of a kind.
    fn bare(self) -> Rejection {
        match self {
            Self::StoreUnavailable => Rejection::new(
                StatusCode::SERVICE_UNAVAILABLE,
                RateLimitReason::StoreUnavailable.code(),
                "Try again in a moment",
            )
            .problem_type(REDUCED_CAPACITY),
            Self::Throttled { .. } => Rejection::login_throttled(),
        }
    }
}

impl From<LoginRefusal> for Rejection {
    fn from(refusal: LoginRefusal) -> Self {
        refusal.rejection()
    }
}

/// The bodies, written once.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    throttled: PreparedBody,
    away: PreparedBody,
}

impl Bodies {
    pub(super) fn new() -> Self {
        let throttled = LoginRefusal::throttled(LoginDimension::Account, 0);
        Self {
            throttled: throttled.bare().prepare(),
            away: LoginRefusal::StoreUnavailable.bare().prepare(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_and_never_0() {
        for (millis, seconds) in [
            (0, 1),
            (1, 1),
            (999, 1),
            (1_000, 1),
            (1_001, 2),
            (86_400_000, 86_400),
        ] {
            let refusal = LoginRefusal::Throttled {
                dimension: LoginDimension::Account,
                wait: Duration::from_millis(millis),
            };
            assert_eq!(refusal.retry_after(), seconds, "{millis}");
        }
    }
}
