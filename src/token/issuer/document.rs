//! What verifiers read: the public keys (RFC 7517 section 5).

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use crate::token::jws::{Jwk, JwkSet, base64url};

/// The public keys of an issuer as a response: what is served as `jwks_uri`. Cloning shares the bytes.
///
/// Each key has its id, `use` and `alg`. Secrets never stand there: the document of an issuer that signs with HMAC is an empty set.
///
/// A [`SecurityHeadersLayer`](crate::SecurityHeadersLayer) that starts from `api`, also that of
/// [`SecurityStack::api`](crate::SecurityStack::api), writes `no-store` in the place of its `Cache-Control`, and verifiers ask more often.
/// Around this route say `SecurityHeadersLayer::builder().preset(Preset::Api).if_absent("cache-control")`.
///
/// # Example
///
/// As a handler of axum:
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # mod handler {
/// use axum::response::{IntoResponse, Response};
/// use http::{HeaderMap, StatusCode};
/// use tower_security::token::TokenIssuer;
///
/// pub async fn jwks(issuer: TokenIssuer, headers: HeaderMap) -> Response {
///     let keys = issuer.jwks();
///     if keys.is_current(&headers) {
///         return (StatusCode::NOT_MODIFIED, keys.headers()).into_response();
///     }
///     (keys.headers(), keys.bytes().clone()).into_response()
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwksDocument {
    bytes: Bytes,
    etag: HeaderValue,
    cache_control: HeaderValue,
}

impl JwksDocument {
    pub(super) fn new(set: &JwkSet, max_age: Duration) -> Self {
        let keys: Vec<String> = set.keys().iter().filter_map(Jwk::to_json).collect();
        let json = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        let digest = base64url::encode(&Sha256::digest(json.as_bytes()));
        let max_age = max_age.as_secs();
        // Base64url and numbers are visible ASCII.
        let value = |text: String| {
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        Self {
            bytes: json.into(),
            etag: value(format!("\"{digest}\"")),
            cache_control: value(format!("public, max-age={max_age}")),
        }
    }

    /// Returns the JSON.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the entity tag: another one whenever a key is.
    #[must_use]
    pub const fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// Returns for how long verifiers may keep it: see [`TokenIssuerBuilder::jwks_max_age`](super::TokenIssuerBuilder::jwks_max_age).
    #[must_use]
    pub const fn cache_control(&self) -> &HeaderValue {
        &self.cache_control
    }

    /// Returns the headers of the response: `Content-Type`, `ETag` and `Cache-Control`.
    #[must_use]
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 3] {
        [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/jwk-set+json"),
            ),
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, self.cache_control.clone()),
        ]
    }

    /// Whether the client has this document already (`If-None-Match`, RFC 9110 section 13.1.2): the answer is 304.
    #[must_use]
    pub fn is_current(&self, headers: &HeaderMap) -> bool {
        headers.get_all(IF_NONE_MATCH).iter().any(|line| {
            let tags = line.as_bytes().split(|byte| *byte == b',');
            tags.map(|tag| tag.trim_ascii())
                .any(|tag| tag == b"*" || self.etag == tag.strip_prefix(b"W/").unwrap_or(tag))
        })
    }
}
