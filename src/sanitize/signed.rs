//! Bodies that somebody else signed: a changed one would not verify any more, or verify and be another.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

/// RFC 9530, RFC 3230, RFC 1864, RFC 9421, and what senders of webhooks and Amazon use.
const NAMES: [&str; 11] = [
    "content-digest",
    "repr-digest",
    "digest",
    "content-md5",
    "signature",
    "signature-input",
    "x-amz-content-sha256",
    "stripe-signature",
    "svix-signature",
    "webhook-signature",
    "x-hub-signature",
];

/// Whether the headers, or the trailers, say that the body is signed or hashed.
pub(super) fn is_signed(lines: &HeaderMap) -> bool {
    let is_amazon = |line: &http::HeaderValue| line.as_bytes().starts_with(b"AWS4-HMAC-");
    lines.keys().any(names_signature) || lines.get_all(AUTHORIZATION).iter().any(is_amazon)
}

fn names_signature(name: &HeaderName) -> bool {
    let name = name.as_str();
    NAMES.contains(&name) || name.starts_with("x-hub-signature-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_a_body_is_known_by_its_name() {
        let lines = |name: &str, value: &str| {
            let mut lines = HeaderMap::new();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            lines.insert(name, value.parse().unwrap());
            is_signed(&lines)
        };
        for name in NAMES {
            assert!(lines(name, "x"), "{name}");
        }
        assert!(lines("X-Hub-Signature-256", "sha256=00"));
        assert!(lines("authorization", "AWS4-HMAC-SHA256 Credential=a"));
        assert!(!lines("authorization", "Bearer AWS4-HMAC-SHA256"));
        for name in [
            "etag",
            "x-signature-of-author",
            "x-hub-signatures",
            "x-digest",
        ] {
            assert!(!lines(name, "x"), "{name}");
        }
    }
}
