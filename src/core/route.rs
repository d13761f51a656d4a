//! The template of the route that a request was matched to.

use http::Extensions;

/// The router's own template, such as `/orders/{id}`: known behind axum's routing alone.
#[cfg(feature = "axum")]
pub(crate) fn template(extensions: &Extensions) -> Option<&str> {
    extensions
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn template(_: &Extensions) -> Option<&str> {
    None
}
