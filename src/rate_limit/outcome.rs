//! What came of a request, as policies that count failures see it.

use http::{Extensions, HeaderMap, Response, StatusCode};

/// The head of a response, for [`Policy::count_when`](super::Policy::count_when).
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
}
