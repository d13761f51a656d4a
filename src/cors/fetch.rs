//! Names and methods that the Fetch standard treats in a way of its own.
//!
//! Source: [Fetch](https://fetch.spec.whatwg.org/), sections "Methods" and "Headers".

use http::Method;
use http::header::HeaderName;

/// "CORS-safelisted response-header names": readable without being exposed.
const SAFELISTED_RESPONSE_HEADERS: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// Header names of the CORS protocol that a server answers with.
const ANSWERED: [&str; 6] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Header names that mean nothing to the page that would read them.
const NEVER_EXPOSED: [&str; 6] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-max-age",
    "access-control-request-headers",
    "access-control-request-method",
    "origin",
];

/// Whether the preflight asks for nothing that the answer would have to name.
pub(super) fn is_safelisted_method(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"POST")
}

/// "Forbidden method", compared without regard to case.
pub(super) fn is_forbidden_method(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|forbidden| method.eq_ignore_ascii_case(forbidden))
}

/// "Normalize a method": these six are sent in upper case however the page spells them.
pub(super) fn normalized_method(method: &str) -> Option<Method> {
    [
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::POST,
        Method::PUT,
    ]
    .into_iter()
    .find(|standard| method.eq_ignore_ascii_case(standard.as_str()))
}

pub(super) fn is_answered(name: &HeaderName) -> bool {
    ANSWERED.contains(&name.as_str())
}

pub(super) fn is_safelisted_response_header(name: &HeaderName) -> bool {
    SAFELISTED_RESPONSE_HEADERS.contains(&name.as_str())
}

/// "Forbidden response-header name".
pub(super) fn is_forbidden_response_header(name: &HeaderName) -> bool {
    matches!(name.as_str(), "set-cookie" | "set-cookie2")
}

pub(super) fn is_never_exposed(name: &HeaderName) -> bool {
    NEVER_EXPOSED.contains(&name.as_str())
}
