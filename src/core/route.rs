//! What a router knows of a request beyond the request itself.

use http::{Extensions, Uri};

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

/// The target of a request as the client wrote it: inside axum's `Router::nest` the path of the request itself has lost its prefix.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    extensions
        .get::<axum::extract::OriginalUri>()
        .map_or(uri, |original| &original.0)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<'a>(uri: &'a Uri, _: &'a Extensions) -> &'a Uri {
    uri
}
