//! Bodies, problems and refusals as axum answers with them.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;

use crate::core::{Problem, RefusalContext, Rejection, RejectionBody};

impl RejectionBody for axum::body::Body {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::from(bytes)
    }

    fn empty() -> Self {
        Self::empty()
    }
}

/// A handler returns its own problem as it is.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Self::into_response(self)
    }
}

/// A handler returns a refusal as it is, which then looks as to a request of which nothing is known: `application/problem+json`, without
/// the id of the request and whatever the renderer of the stack makes of it. See [`RefusalContext`] for the other way.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        Self::into_response(self, &RefusalContext::default())
    }
}

/// What a handler answers its errors with; see [`mod@crate::axum`].
impl<S: Send + Sync> FromRequestParts<S> for RefusalContext {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(head))
    }
}
