//! Tables of the Fetch standard that several layers need.

use http::HeaderName;

/// Whether a page cannot set this request header (<https://fetch.spec.whatwg.org/#forbidden-request-header>).
pub(crate) fn is_forbidden_request_header(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("proxy-")
        || name.starts_with("sec-")
        || matches!(
            name,
            "accept-charset"
                | "accept-encoding"
                | "access-control-request-headers"
                | "access-control-request-method"
                | "connection"
                | "content-length"
                | "cookie"
                | "cookie2"
                | "date"
                | "dnt"
                | "expect"
                | "host"
                | "keep-alive"
                | "origin"
                | "referer"
                | "set-cookie"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "via"
        )
}
