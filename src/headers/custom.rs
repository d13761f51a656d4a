//! Headers that the user names: what may be set, and what may be taken off.

use http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue};

use super::error::HeadersConfigError as Error;
use super::names::{COEP, COOP, TYPED};
use crate::core::is_of_connection;

/// A header of the user's own.
pub(super) fn custom(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), Error> {
    let parsed = header_name(name)?;
    let value = HeaderValue::from_bytes(value).map_err(|_| Error::InvalidHeader {
        name: name.to_owned(),
        part: "value",
        text: value.escape_ascii().to_string(),
    })?;
    if let Some(error) = belongs_elsewhere(&parsed) {
        return Err(error);
    }
    if let Some(instead) = successor(parsed.as_str()) {
        let name = parsed.as_str().to_owned();
        return Err(Error::DeadHeader { name, instead });
    }
    if let Some(error) = weak_value(&parsed, &value) {
        return Err(error);
    }
    if let Some((name, setter)) = TYPED.iter().find(|(name, _)| **name == parsed) {
        let name = name.as_str().to_owned();
        return Err(Error::TypedHeader { name, setter });
    }
    Ok((parsed, value))
}

pub(super) fn header_name(text: &str) -> Result<HeaderName, Error> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| Error::InvalidHeader {
        name: text.to_owned(),
        part: "name",
        text: text.to_owned(),
    })
}

/// Headers that this layer neither writes nor takes off.
pub(super) fn belongs_elsewhere(name: &HeaderName) -> Option<Error> {
    const HANDLERS: [&str; 4] = ["content-encoding", "content-type", "location", "vary"];
    let text = name.as_str();
    let owned = || text.to_owned();
    if is_of_connection(text) {
        return Some(Error::ForbiddenHeader { name: owned() });
    }
    let layer = if text.starts_with("content-security-policy") {
        "the `CspLayer`"
    } else if text == "strict-transport-security" {
        "the `HttpsLayer`"
    } else if text == "set-cookie" {
        "the `CookieLayer`"
    } else if text.starts_with("access-control-") {
        "the `CorsLayer`"
    } else if HANDLERS.contains(&text) {
        "the handler, which knows what its answer is"
    } else {
        return None;
    };
    Some(Error::WrongLayer {
        name: owned(),
        layer,
    })
}

/// What takes the place of a header that is dead.
fn successor(name: &str) -> Option<&'static str> {
    if name.starts_with("public-key-pins") {
        return Some("browsers ignore it, and a lost key locked users out; leave it out");
    }
    match name {
        "expect-ct" => Some("browsers demand certificate transparency anyway; leave it out"),
        "feature-policy" => Some("write `permissions_policy`"),
        "x-content-security-policy" | "x-webkit-csp" => {
            Some("browsers ignore it; write a `CspLayer`")
        }
        "x-download-options" => Some("Internet Explorer alone read it; leave it out"),
        "x-xss-protection" => Some(
            "the filter that it steers is gone and could be abused; leave it out and write a `CspLayer`",
        ),
        // Any other header may be of use to somebody.
        _ => None,
    }
}

/// A value that browsers ignore or that protects nothing.
fn weak_value(name: &HeaderName, value: &HeaderValue) -> Option<Error> {
    let shown = || value.as_bytes().escape_ascii().to_string();
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let dead = |name, instead| Error::DeadValue {
        name,
        value: shown(),
        instead,
    };
    let weak = |name, instead| Error::WeakValue {
        name,
        value: shown(),
        instead,
    };
    let is = |word: &str| text.split([',', ';']).any(|part| part.trim() == word);
    if *name == X_CONTENT_TYPE_OPTIONS && text != "nosniff" {
        Some(dead("x-content-type-options", "write \"nosniff\""))
    } else if *name == X_FRAME_OPTIONS && text.trim_start().starts_with("allow-from") {
        let instead = "name the framing sites in `frame-ancestors` of a content security policy";
        Some(dead("x-frame-options", instead))
    } else if *name == COOP && is("unsafe-none") {
        let instead =
            "write `cross_origin_opener_policy`, or `dangerous_unsafe_none_opener_policy`";
        Some(weak("cross-origin-opener-policy", instead))
    } else if *name == COEP && is("unsafe-none") {
        Some(weak("cross-origin-embedder-policy", "leave the header out"))
    } else if *name == REFERRER_POLICY && (is("unsafe-url") || is("no-referrer-when-downgrade")) {
        let instead = "write `referrer_policy`, or `dangerous_referrer_policy`";
        Some(weak("referrer-policy", instead))
    } else {
        None
    }
}
