//! What came of looking for a key.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::core::{AbuseKind, Pushback, Rejection};

/// What an extractor says of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyOutcome {
    /// The key was written to the hasher.
    Set,
    /// The policy does not concern this request.
    Skip,
    /// The request should have a key and has none: [`OnMissing`](crate::rate_limit::OnMissing) says what follows.
    Missing,
    /// The request is refused, and nothing is charged for it.
    Refuse(KeyRefusal),
}

/// How a request is refused that has no usable key.
///
/// # Example
///
/// ```
/// use http::{HeaderValue, StatusCode};
/// use tower_security::rate_limit::key::{self, KeyOutcome, KeyRefusal};
///
/// let session = key::custom(|parts, hasher| match parts.headers.get("x-session") {
///     Some(id) => {
///         hasher.bytes(id.as_bytes());
///         KeyOutcome::Set
///     }
///     None => KeyOutcome::Refuse(
///         KeyRefusal::new(StatusCode::UNAUTHORIZED)
///             .challenge(HeaderValue::from_static("Bearer"))
///             .detail("no session"),
///     ),
/// });
/// # let _ = session;
/// ```
#[derive(Debug)]
pub struct KeyRefusal(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    retry_after: Option<u64>,
    /// In place of seconds.
    retry_date: Option<HeaderValue>,
    challenges: Vec<HeaderValue>,
    detail: Option<String>,
}

impl KeyRefusal {
    /// Refuses with this status, or with 403 if it is no status of a refusal (400 to 599).
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let is_refusal = status.is_client_error() || status.is_server_error();
        Self(Box::new(Refusal {
            status: if is_refusal {
                status
            } else {
                StatusCode::FORBIDDEN
            },
            retry_after: None,
            retry_date: None,
            challenges: Vec::new(),
            detail: None,
        }))
    }

    /// Sends `Retry-After` with this many seconds, at least 1; of several the longest.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        let longest = self.0.retry_after.unwrap_or(1).max(seconds);
        self.0.retry_after = Some(longest);
        self
    }

    /// Adds a line of `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, line: HeaderValue) -> Self {
        self.0.challenges.push(line);
        self
    }

    /// Says more in the event. The client does not see it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Takes `WWW-Authenticate` and `Retry-After` of these headers, and none of the others.
    #[cfg_attr(
        not(any(test, feature = "tower-governor")),
        expect(dead_code, reason = "errors of foreign extractors have headers")
    )]
    pub(super) fn headers(mut self, headers: &HeaderMap) -> Self {
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter().cloned();
        self.0.challenges.extend(challenges);
        match headers.get(RETRY_AFTER) {
            None => self,
            Some(value) => match value.to_str().ok().and_then(|text| text.parse().ok()) {
                Some(seconds) => self.retry_after(seconds),
                None => {
                    self.0.retry_date = Some(value.clone());
                    self
                }
            },
        }
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What the event says.
    pub(in crate::rate_limit) fn event_detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The code of the refusal and its event.
    pub(in crate::rate_limit) fn code(&self) -> &'static str {
        if self.is_rate_limit() {
            "rate_limited"
        } else {
            "rate_key_refused"
        }
    }

    /// Whether the extractor has counted by itself.
    pub(in crate::rate_limit) fn is_rate_limit(&self) -> bool {
        self.0.status == StatusCode::TOO_MANY_REQUESTS
    }

    /// The answer.
    pub(in crate::rate_limit) fn into_rejection(self) -> Rejection {
        let title = if self.is_rate_limit() {
            "Too many requests"
        } else {
            "The request cannot be told apart from others"
        };
        let rejection = Rejection::new(self.0.status, self.code(), title);
        let rejection = if self.is_rate_limit() {
            rejection.abuse(AbuseKind::RateLimited)
        } else {
            rejection
        };
        let rejection = match (self.0.retry_after, self.0.retry_date) {
            (Some(seconds), _) => rejection
                .retry_after(seconds)
                .pushback(Pushback::After(std::time::Duration::from_secs(seconds))),
            (None, Some(date)) => rejection.header(RETRY_AFTER, date),
            (None, None) => rejection,
        };
        rejection.challenges(self.0.challenges)
    }
}
