//! Key extractors of `tower_governor`.

use std::any::type_name;
use std::hash::Hash;
use std::sync::Arc;

use http::{Request, StatusCode};
use tower_governor::GovernorError;
use tower_governor::key_extractor::KeyExtractor;

use super::spec::{Foreign, Kind};
use super::{Key, KeyHasher, KeyOutcome, KeyRefusal};

/// Takes a key extractor that was written for `tower_governor`.
///
/// Its errors become refusals of this crate: `UnableToExtractKey` is a missing key
/// ([`OnMissing`](crate::rate_limit::OnMissing) says what follows, never 500), `TooManyRequests` a 429, and `Other` its own status,
/// or 403 if that is none of 400 to 599. A message is for the event alone, and of its headers `WWW-Authenticate` and `Retry-After`
/// are sent.
///
/// `SmartIpKeyExtractor` believes what the client writes into `X-Forwarded-For`, and `PeerIpKeyExtractor` counts each IPv6 address by
/// itself and an IPv4-mapped one apart: [`client_ip`](super::client_ip) does neither. With a store that several nodes share this key
/// is refused, see [`governor_with`].
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_governor::GovernorError;
/// use tower_governor::key_extractor::KeyExtractor;
/// use tower_security::rate_limit::{Policy, Quota, key};
///
/// #[derive(Clone)]
/// struct ApiKey;
///
/// impl KeyExtractor for ApiKey {
///     type Key = String;
///
///     fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
///         let key = request.extensions().get::<String>();
///         key.cloned().ok_or(GovernorError::UnableToExtractKey)
///     }
/// }
///
/// let policy = Policy::new("api-key", Quota::per_minute(100)).key(key::governor(ApiKey));
/// # let _ = policy;
/// ```
pub fn governor<E>(extractor: E) -> Key
where
    E: KeyExtractor<Key: Hash> + Send + Sync + 'static,
{
    foreign(extractor, false, |key, hasher| key.hash(hasher))
}

/// Takes a key extractor of `tower_governor`, and writes its keys by `write`: the same bytes on every node.
///
/// # Example
///
/// ```
/// use tower_governor::key_extractor::PeerIpKeyExtractor;
/// use tower_security::rate_limit::key;
///
/// let key = key::governor_with(PeerIpKeyExtractor, |ip, hasher| hasher.ip(*ip));
/// # let _ = key;
/// ```
pub fn governor_with<E>(
    extractor: E,
    write: impl Fn(&E::Key, &mut KeyHasher) + Send + Sync + 'static,
) -> Key
where
    E: KeyExtractor + Send + Sync + 'static,
{
    foreign(extractor, true, write)
}

fn foreign<E>(
    extractor: E,
    is_stable: bool,
    write: impl Fn(&E::Key, &mut KeyHasher) + Send + Sync + 'static,
) -> Key
where
    E: KeyExtractor + Send + Sync + 'static,
{
    let extract =
        move |request: &Request<()>, hasher: &mut KeyHasher| match extractor.extract(request) {
            Ok(key) => {
                write(&key, hasher);
                KeyOutcome::Set
            }
            Err(error) => refused(error),
        };
    Key(Kind::Foreign(Arc::new(Foreign {
        extract: Box::new(extract),
        name: type_name::<E>(),
        is_stable,
    })))
}

fn refused(error: GovernorError) -> KeyOutcome {
    let (refusal, headers) = match error {
        GovernorError::UnableToExtractKey => return KeyOutcome::Missing,
        GovernorError::TooManyRequests { wait_time, headers } => {
            let refusal = KeyRefusal::new(StatusCode::TOO_MANY_REQUESTS).retry_after(wait_time);
            (refusal, headers)
        }
        GovernorError::Other { code, msg, headers } => {
            let refusal = KeyRefusal::new(code);
            let refusal = match msg {
                Some(text) => refusal.detail(text),
                None => refusal,
            };
            (refusal, headers)
        }
    };
    KeyOutcome::Refuse(match headers {
        Some(headers) => refusal.headers(&headers),
        None => refusal,
    })
}
