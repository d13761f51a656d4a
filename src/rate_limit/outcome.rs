//! What came of a request, as policies that count failures see it.

use http::{Extensions, HeaderMap, HeaderName, Response, StatusCode};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The head of a response, for [`Policy::count_when`](super::Policy::count_when).
///
/// What a gRPC service says in its trailers comes after the head and is not seen: a failed call is, when the service answers with
/// headers alone, which is how most refuse before they do any work.
///
/// # Example
///
/// ```
/// use http::Response;
/// use tower_security::rate_limit::Outcome;
///
/// let answer = Response::builder().header("grpc-status", "16").body(())?;
/// assert!(Outcome::is_failure(&Outcome::of(&answer)));
/// let answer = Response::builder().status(302).body(())?;
/// assert!(!Outcome::is_failure(&Outcome::of(&answer)));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Outcome<'a> {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header lines.
    pub headers: &'a HeaderMap,
    /// The extensions.
    pub extensions: &'a Extensions,
}

impl<'a> Outcome<'a> {
    /// Looks at the head of a response.
    #[must_use]
    pub fn of<B>(response: &'a Response<B>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers(),
            extensions: response.extensions(),
        }
    }

    /// Returns the gRPC status, when it is in the head. A value that is no number is 2, `UNKNOWN`.
    #[must_use]
    pub fn grpc_status(&self) -> Option<u32> {
        let value = self.headers.get(GRPC_STATUS)?;
        let number = value.to_str().ok().and_then(|text| text.parse().ok());
        Some(number.unwrap_or(2))
    }
}

/// Predicates to hand to [`Policy::count_when`](super::Policy::count_when) by name. (As methods of any `Outcome<'a>` they would fit one
/// lifetime only.)
impl Outcome<'static> {
    /// Whether the request failed: status 400 and above, or a gRPC status other than 0.
    #[must_use]
    pub fn is_failure(outcome: &Outcome<'_>) -> bool {
        outcome.status.as_u16() >= 400 || outcome.grpc_status().is_some_and(|status| status != 0)
    }

    /// Whether the request failed by what the client sent: status 400 to 499, or the gRPC status that stands for one.
    ///
    /// An outage of the service does not count, and what scanners cause does: 404, and `UNIMPLEMENTED` (12) of an unknown method.
    #[must_use]
    pub fn is_client_error(outcome: &Outcome<'_>) -> bool {
        // google/rpc/code.proto, less UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE and DATA_LOSS.
        let is_client_status = |status| matches!(status, 1 | 3 | 5..=12 | 16);
        outcome.status.is_client_error() || outcome.grpc_status().is_some_and(is_client_status)
    }

    /// Whether the client was not let in: status 401 or 403, gRPC status 16 or 7.
    #[must_use]
    pub fn is_denial(outcome: &Outcome<'_>) -> bool {
        matches!(outcome.status.as_u16(), 401 | 403)
            || matches!(outcome.grpc_status(), Some(7 | 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_from_successes() {
        // Status, gRPC status; failure, client's error, denial.
        #[rustfmt::skip]
        let rows: &[(u16, Option<&str>, [bool; 3])] = &[
            (200, None, [false, false, false]),
            (302, None, [false, false, false]),
            (399, None, [false, false, false]),
            (400, None, [true, true, false]),
            (401, None, [true, true, true]),
            (403, None, [true, true, true]),
            (404, None, [true, true, false]),
            (499, None, [true, true, false]),
            (500, None, [true, false, false]),
            (503, None, [true, false, false]),
            (200, Some("0"), [false, false, false]),
            (200, Some("1"), [true, true, false]),
            (200, Some("2"), [true, false, false]),
            (200, Some("3"), [true, true, false]),
            (200, Some("4"), [true, false, false]),
            (200, Some("5"), [true, true, false]),
            (200, Some("7"), [true, true, true]),
            (200, Some("8"), [true, true, false]),
            (200, Some("12"), [true, true, false]),
            (200, Some("13"), [true, false, false]),
            (200, Some("14"), [true, false, false]),
            (200, Some("15"), [true, false, false]),
            (200, Some("16"), [true, true, true]),
            (200, Some("99"), [true, false, false]),
            (200, Some("soon"), [true, false, false]),
            (200, Some(""), [true, false, false]),
            (401, Some("0"), [true, true, true]),
        ];
        for (status, grpc, expected) in rows {
            let mut response = Response::builder().status(*status);
            if let Some(grpc) = grpc {
                response = response.header("grpc-status", *grpc);
            }
            let response = response.body(()).unwrap();
            let outcome = Outcome::of(&response);
            let seen = [
                Outcome::is_failure(&outcome),
                Outcome::is_client_error(&outcome),
                Outcome::is_denial(&outcome),
            ];
            assert_eq!(seen, *expected, "{status} {grpc:?}");
        }
    }
}
