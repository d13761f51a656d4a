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

/// The path that rules are written for: inside nested routers, which take off its front, as the client wrote it; where somebody has
/// written it over, what he has made of it.
pub(crate) fn whole_path<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a str {
    let path = uri.path();
    let whole = original_uri(uri, extensions).path();
    // What routers leave of all of it is a slash.
    let is_nested = path == "/" || whole.ends_with(path);
    if is_nested { whole } else { path }
}

/// The parameters that a router has found in the path, decoded. They outlive the request.
#[cfg(feature = "axum")]
#[derive(Debug)]
pub(crate) struct RouteParams(axum::extract::RawPathParams);

/// No router tells its parameters: there is no such value.
#[cfg(not(feature = "axum"))]
#[derive(Debug)]
pub(crate) enum RouteParams {}

/// The parameters cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoParams {
    /// No router has matched the request.
    NotRouted,
    /// One of them is not UTF-8.
    #[cfg_attr(
        not(feature = "axum"),
        expect(dead_code, reason = "only axum's router tells parameters")
    )]
    Undecodable,
}

#[cfg(feature = "axum")]
impl RouteParams {
    /// The parameters of this request. axum clones a list of references: one allocation.
    pub(crate) fn of(head: &mut http::request::Parts) -> Result<Self, NoParams> {
        use std::pin::pin;
        use std::task::{Context, Poll, Waker};

        use axum::extract::rejection::RawPathParamsRejection;
        use axum::extract::{FromRequestParts, RawPathParams};

        // It never waits for anything.
        let found = pin!(RawPathParams::from_request_parts(head, &()));
        match found.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(found)) => Ok(Self(found)),
            Poll::Ready(Err(RawPathParamsRejection::InvalidUtf8InPathParam(_))) => {
                Err(NoParams::Undecodable)
            }
            // A reason that is yet to be invented, or an extractor that does wait: nothing is known.
            Poll::Ready(Err(_)) | Poll::Pending => Err(NoParams::NotRouted),
        }
    }

    /// Names and values in the order of the template; a name stands twice where nested routers both have it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter()
    }
}

#[cfg(not(feature = "axum"))]
impl RouteParams {
    pub(crate) fn of(_: &mut http::request::Parts) -> Result<Self, NoParams> {
        Err(NoParams::NotRouted)
    }

    pub(crate) fn iter(&self) -> std::iter::Empty<(&str, &str)> {
        match *self {}
    }
}

/// A route template that outlives the request.
#[cfg(feature = "axum")]
#[derive(Clone, Debug)]
pub(crate) struct RouteTemplate(axum::extract::MatchedPath);

#[cfg(not(feature = "axum"))]
#[derive(Clone, Debug)]
pub(crate) enum RouteTemplate {}

#[cfg(feature = "axum")]
impl RouteTemplate {
    /// The router's own template, at the price of a reference.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get().cloned().map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(not(feature = "axum"))]
impl RouteTemplate {
    pub(crate) fn of(_: &Extensions) -> Option<Self> {
        None
    }

    pub(crate) fn as_str(&self) -> &str {
        match *self {}
    }
}
