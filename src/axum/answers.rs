//! Bodies and problems as axum answers with them.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::core::{Problem, RejectionBody};

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
