//! The parameters of the path that a requirement compares.

use http::Request;

use crate::core::{
    CanonicalPath, PathParams, RouteParams, Template, head, original_uri, route_template,
};

/// What is known of the parameters of a request.
pub(super) enum Params<'a> {
    /// Nothing, or nothing that is certain.
    Unknown,
    /// What axum's router has found.
    Router(RouteParams),
    /// What a pattern finds in a path.
    Own(PathParams<'a, 'a>),
}

impl Params<'_> {
    /// What axum's router has found. A path that programs read differently tells nothing: the router takes `..%2fbob` for one segment.
    pub(super) fn of_router<B>(request: &mut Request<B>) -> Self {
        if route_template(request.extensions()).is_none() {
            return Self::Unknown;
        }
        let path = original_uri(request.uri(), request.extensions()).path();
        if CanonicalPath::parse(path).is_none() {
            return Self::Unknown;
        }
        let (mut parts, ()) = head::take(request).into_parts();
        let params = RouteParams::of(&mut parts);
        head::give_back(request, parts);
        params.map_or(Self::Unknown, Self::Router)
    }

    /// Whether the router has found a parameter of this name, or several.
    pub(super) fn has(&self, param: &str) -> bool {
        match self {
            Self::Router(found) => found.iter().any(|(name, _)| name == param),
            Self::Unknown | Self::Own(_) => false,
        }
    }

    /// Whether the parameter of this name, which stands there once, is the subject.
    pub(super) fn names(&self, param: &str, subject: &str) -> bool {
        let is_subject = |value: &str| !subject.is_empty() && value == subject;
        match self {
            Self::Unknown => false,
            Self::Router(found) => {
                let mut values = found.iter().filter(|(name, _)| *name == param);
                match (values.next(), values.next()) {
                    (Some((_, value)), None) => is_subject(value),
                    // Routers and handlers disagree on which of two it is.
                    _ => false,
                }
            }
            Self::Own(found) => found.get(param).is_some_and(is_subject),
        }
    }
}

impl<'a> Params<'a> {
    /// What `template` finds in `path`.
    pub(super) fn of_path(template: &'a Template, path: &'a CanonicalPath<'_>) -> Self {
        template
            .match_canonical(path)
            .map_or(Self::Unknown, Self::Own)
    }
}
