//! What fetches keys, and what came back.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::error::FetchError;

/// Validators that are longer are not sent back.
const MAX_ETAG: usize = 256;

/// Fetches the key set of an identity provider.
///
/// `HttpsJwksFetch` (feature `jwks`) is one. Write your own to go through a proxy of yours, or to use another client.
///
/// The cache judges the answer: its status, its content type, its size, its keys. What a fetcher has to see to:
///
/// - Redirects are not followed: whoever can make the provider redirect could choose the keys.
/// - Nothing of a token is sent: `url` is all that is asked for.
/// - A body is read up to [`JwksReply::MAX_BODY`], no further.
///
/// The cache drops a future that takes longer than 5 seconds.
///
/// # Example
///
/// ```
/// use std::pin::Pin;
/// use http::header::CONTENT_TYPE;
/// use http::{HeaderMap, HeaderValue, StatusCode, Uri};
/// use tower_security::token::{FetchError, JwksFetch, JwksReply};
///
/// /// Keys that were shipped with the program.
/// struct Shipped;
///
/// impl JwksFetch for Shipped {
///     fn fetch(
///         &self,
///         _: &Uri,
///         _: Option<&str>,
///     ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>> {
///         Box::pin(async {
///             let mut headers = HeaderMap::new();
///             headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
///             Ok(JwksReply::new(StatusCode::OK, &headers, r#"{"keys":[]}"#))
///         })
///     }
/// }
/// ```
pub trait JwksFetch: Send + Sync + 'static {
    /// Asks `url` with GET, and with `If-None-Match` where there is an `etag`.
    fn fetch(
        &self,
        url: &Uri,
        etag: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>>;
}

/// An answer of an identity provider, not yet judged.
#[derive(Clone, Debug)]
pub struct JwksReply {
    pub(super) status: StatusCode,
    pub(super) is_json: bool,
    pub(super) etag: Option<Box<str>>,
    pub(super) max_age: Option<Duration>,
    pub(super) body: Bytes,
}

impl JwksReply {
    /// Bytes of a body that are worth reading: 256 KiB. A longer one is refused.
    pub const MAX_BODY: usize = 256 * 1024;

    /// Takes the parts of an answer, whatever its status. Of the headers `Content-Type`, `ETag` and `Cache-Control` are read.
    #[must_use]
    pub fn new(status: StatusCode, headers: &HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            is_json: is_json(headers),
            etag: etag(headers),
            max_age: max_age(headers),
            body: body.into(),
        }
    }
}

/// `application/json` or `application/jwk-set+json` (RFC 7517 section 8.5), once.
fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return false;
    };
    let essence = line.as_bytes().split(|byte| *byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    ["application/json", "application/jwk-set+json"]
        .iter()
        .any(|json| essence.eq_ignore_ascii_case(json.as_bytes()))
}

fn etag(headers: &HeaderMap) -> Option<Box<str>> {
    let etag = headers.get(ETAG)?.to_str().ok()?;
    (!etag.is_empty() && etag.len() <= MAX_ETAG).then(|| etag.into())
}

/// `max-age` of RFC 9111 section 5.2.2.1; of several the shortest.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    lines
        .filter_map(|line: &HeaderValue| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            name.trim().eq_ignore_ascii_case("max-age").then_some(value)
        })
        .filter_map(|value| seconds(value.trim().trim_matches('"')))
        .min()
        .map(Duration::from_secs)
}

/// More digits than fit are more seconds than anybody waits.
fn seconds(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn reply(lines: &[(HeaderName, &'static str)]) -> JwksReply {
        let headers = lines
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            });
        JwksReply::new(StatusCode::OK, &headers, Bytes::new())
    }

    #[test]
    fn json_is_told_by_one_content_type() {
        for (value, is_json) in [
            ("application/json", true),
            ("application/jwk-set+json", true),
            ("Application/JSON ; charset=utf-8", true),
            ("text/html", false),
            ("text/html; application/json", false),
            ("application/jsonp", false),
            ("application/json, text/html", false),
            ("application/jwk+json", false),
            ("", false),
        ] {
            assert_eq!(reply(&[(CONTENT_TYPE, value)]).is_json, is_json, "{value}");
        }
        assert!(!reply(&[]).is_json);
        let twice = [
            (CONTENT_TYPE, "application/json"),
            (CONTENT_TYPE, "text/html"),
        ];
        assert!(!reply(&twice).is_json);
    }

    #[test]
    fn the_shortest_max_age_counts() {
        let rows: [(&[&str], Option<u64>); 13] = [
            (&["max-age=600"], Some(600)),
            (&["public, max-age=19800, must-revalidate"], Some(19_800)),
            (&["Max-Age=60"], Some(60)),
            (&["max-age=\"60\""], Some(60)),
            (&["max-age=600, max-age=60"], Some(60)),
            (&["max-age=600", "max-age=60"], Some(60)),
            (&["max-age=99999999999999999999"], Some(u64::MAX)),
            (&["max-age=0"], Some(0)),
            (&["max-age=-1"], None),
            (&["max-age="], None),
            (&["s-maxage=60"], None),
            (&["no-cache"], None),
            (&[], None),
        ];
        for (lines, expected) in rows {
            let lines: Vec<_> = lines.iter().map(|line| (CACHE_CONTROL, *line)).collect();
            let expected = expected.map(Duration::from_secs);
            assert_eq!(reply(&lines).max_age, expected, "{lines:?}");
        }
    }

    #[test]
    fn a_validator_is_kept_if_it_can_be_sent_back() {
        assert_eq!(reply(&[(ETAG, "W/\"a\"")]).etag.as_deref(), Some("W/\"a\""));
        assert_eq!(reply(&[(ETAG, "")]).etag, None);
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_bytes(b"\"\xff\"").unwrap());
        assert_eq!(JwksReply::new(StatusCode::OK, &headers, "").etag, None);
        for (length, is_kept) in [(256, true), (257, false)] {
            headers.insert(ETAG, "a".repeat(length).parse().unwrap());
            let reply = JwksReply::new(StatusCode::OK, &headers, "");
            assert_eq!(reply.etag.is_some(), is_kept, "{length}");
        }
    }
}
