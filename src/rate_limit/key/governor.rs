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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
    use http::{HeaderMap, HeaderValue};
    use tower_governor::key_extractor::{
        GlobalKeyExtractor, PeerIpKeyExtractor, SmartIpKeyExtractor,
    };

    use super::super::{Head, KeyHash, KeySeed, all, client_ip, custom};
    use super::*;
    use crate::core::{AbuseKind, ConfigErrorKind, GrpcCode, Mistakes, TrustedProxies};
    use crate::rate_limit::RateLimitConfigError;

    /// An extractor of a user: the header `x-user` says what it does.
    #[derive(Clone)]
    struct ByUser;

    impl KeyExtractor for ByUser {
        type Key = String;

        fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
            let named = request.headers().get("x-user");
            let name = named.and_then(|value| value.to_str().ok());
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("90"));
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            headers.insert(SET_COOKIE, HeaderValue::from_static("a=b"));
            let other = |code: u16, headers| GovernorError::Other {
                code: StatusCode::from_u16(code).unwrap(),
                msg: Some("db-2.internal says no".to_owned()),
                headers,
            };
            let many = |wait_time, headers| GovernorError::TooManyRequests { wait_time, headers };
            match name.ok_or(GovernorError::UnableToExtractKey)? {
                "many" => Err(many(30, None)),
                "at once" => Err(many(0, None)),
                "many with headers" => Err(many(30, Some(headers))),
                "unauthorized" => Err(other(401, Some(headers))),
                "ok" => Err(other(200, None)),
                "broken" => Err(other(500, None)),
                name => Ok(name.to_owned()),
            }
        }
    }

    fn outcome(key: &Key, request: &Request<()>) -> (KeyOutcome, KeyHash) {
        let proxies = TrustedProxies::direct();
        let head = Head {
            headers: request.headers(),
            extensions: request.extensions(),
            parts: None,
            request: Some(request),
            client: None,
            proxies: &proxies,
        };
        let mut hasher = KeyHasher::new(&KeySeed::fleet(*b"0123456789abcdef"));
        (key.extract(&head, &mut hasher), hasher.key())
    }

    fn key_of(key: &Key, request: &Request<()>) -> Option<KeyHash> {
        match outcome(key, request) {
            (KeyOutcome::Set, key) => Some(key),
            (KeyOutcome::Missing, _) => None,
            (other, _) => panic!("{other:?}"),
        }
    }

    fn from(address: &str, forwarded: Option<&'static str>) -> Request<()> {
        let mut request = Request::new(());
        if let Ok(ip) = address.parse::<IpAddr>() {
            let peer = SocketAddr::new(ip, 40_000);
            request.extensions_mut().insert(peer);
            #[cfg(feature = "axum")]
            request
                .extensions_mut()
                .insert(::axum::extract::ConnectInfo(peer));
        }
        if let Some(value) = forwarded {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert("x-forwarded-for", value);
        }
        request
    }

    fn by(user: &'static str) -> Request<()> {
        let mut request = Request::new(());
        request
            .headers_mut()
            .insert("x-user", HeaderValue::from_static(user));
        request
    }

    #[test]
    fn its_global_key_is_one_for_all() {
        let key = governor(GlobalKeyExtractor);
        let one = key_of(&key, &from("192.0.2.7", None));
        assert!(one.is_some());
        assert_eq!(one, key_of(&key, &from("none", None)));
    }

    #[cfg(feature = "axum")]
    #[test]
    fn its_peer_address_is_read() {
        let key = governor(PeerIpKeyExtractor);
        let one = key_of(&key, &from("192.0.2.7", Some("6.6.6.6")));
        assert!(one.is_some());
        assert_eq!(one, key_of(&key, &from("192.0.2.7", None)));
        assert_ne!(one, key_of(&key, &from("192.0.2.8", None)));
        // It would be 500 there.
        assert_eq!(key_of(&key, &from("none", None)), None);
        // What the extractor does not know.
        assert_ne!(one, key_of(&key, &from("::ffff:192.0.2.7", None)));
        let with = governor_with(PeerIpKeyExtractor, |ip, hasher| hasher.ip(*ip));
        assert_eq!(
            key_of(&with, &from("192.0.2.7", None)),
            key_of(&with, &from("::ffff:192.0.2.7", None))
        );
    }

    #[test]
    fn its_smart_address_believes_the_client() {
        let key = governor(SmartIpKeyExtractor);
        let plain = key_of(&key, &from("192.0.2.7", None));
        let spoofed = key_of(&key, &from("192.0.2.7", Some("6.6.6.6, 192.0.2.7")));
        assert!(plain.is_some() && spoofed.is_some());
        assert_ne!(plain, spoofed);
        assert_eq!(key_of(&key, &from("none", None)), None);
        // What this crate says of the same two requests.
        let here = |forwarded| {
            let request = from("192.0.2.7", forwarded);
            key_of(&client_ip(), &request)
        };
        assert_eq!(here(None), here(Some("6.6.6.6, 192.0.2.7")));
    }

    #[test]
    fn keys_of_a_user_are_hashed() {
        for key in [
            governor(ByUser),
            governor_with(ByUser, |name, hasher| hasher.str(name)),
        ] {
            let ada = key_of(&key, &by("ada"));
            assert!(ada.is_some());
            assert_eq!(ada, key_of(&key, &by("ada")));
            assert_ne!(ada, key_of(&key, &by("bob")));
            assert_eq!(key_of(&key, &Request::new(())), None);
        }
        let key = governor_with(ByUser, |name, hasher| hasher.str(name)).normalised();
        assert_eq!(key_of(&key, &by("ADA")), key_of(&key, &by("ada")));
    }

    #[test]
    fn errors_of_a_user_become_refusals() {
        #[rustfmt::skip]
        let rows: &[(&str, u16, &str, GrpcCode, Option<AbuseKind>, Option<&str>)] = &[
            ("many", 429, "rate_limited", GrpcCode::ResourceExhausted, Some(AbuseKind::RateLimited), Some("30")),
            ("at once", 429, "rate_limited", GrpcCode::ResourceExhausted, Some(AbuseKind::RateLimited), Some("1")),
            ("many with headers", 429, "rate_limited", GrpcCode::ResourceExhausted, Some(AbuseKind::RateLimited), Some("90")),
            ("unauthorized", 401, "rate_key_refused", GrpcCode::Unauthenticated, None, Some("90")),
            ("ok", 403, "rate_key_refused", GrpcCode::PermissionDenied, None, None),
            ("broken", 500, "rate_key_refused", GrpcCode::Internal, None, None),
        ];
        for (user, status, code, grpc, abuse, retry_after) in rows {
            let (KeyOutcome::Refuse(refusal), _) = outcome(&governor(ByUser), &by(user)) else {
                panic!("{user}");
            };
            let is_other = *status != 429;
            let detail = is_other.then_some("db-2.internal says no");
            assert_eq!(refusal.event_detail(), detail, "{user}");
            let rejection = refusal.into_rejection();
            assert_eq!(rejection.status().as_u16(), *status, "{user}");
            assert_eq!(rejection.code(), *code, "{user}");
            assert_eq!(rejection.grpc_code(), *grpc, "{user}");
            assert_eq!(rejection.abuse_kind(), *abuse, "{user}");
            assert!(!rejection.headers().contains_key(SET_COOKIE), "{user}");
            let challenge = rejection.headers().contains_key(WWW_AUTHENTICATE);
            assert_eq!(
                challenge,
                matches!(*user, "unauthorized" | "many with headers")
            );
            let (head, ()) = Request::new(()).into_parts();
            let context = crate::core::RefusalContext::new(&head);
            let answer = rejection.into_response::<http_body_util::Full<bytes::Bytes>>(&context);
            let sent = answer.headers().get(RETRY_AFTER);
            assert_eq!(
                sent.map(|value| value.to_str().unwrap()),
                *retry_after,
                "{user}"
            );
            assert!(!format!("{answer:?}").contains("internal says"), "{user}");
        }
    }

    #[test]
    fn it_says_what_it_needs() {
        let key = governor(GlobalKeyExtractor);
        assert!(key.needs_request() && !key.needs_parts() && !key.is_stable());
        assert!(key.is_same(&key.clone()) && !key.is_same(&governor(GlobalKeyExtractor)));
        assert!(key.describe().contains("GlobalKeyExtractor"));
        assert!(governor_with(GlobalKeyExtractor, |(), _| ()).is_stable());
        // A program that asks with the parts of a request has none to show.
        let (parts, ()) = Request::new(()).into_parts();
        let proxies = TrustedProxies::direct();
        let head = Head {
            headers: &parts.headers,
            extensions: &parts.extensions,
            parts: Some(&parts),
            request: None,
            client: None,
            proxies: &proxies,
        };
        let found = key.extract(&head, &mut KeyHasher::new(&KeySeed::random()));
        assert!(matches!(found, KeyOutcome::Missing));
    }

    #[test]
    fn it_stands_in_no_key_with_a_function_and_in_no_fleet() {
        let codes = |key: &Key, is_shared| {
            let mut mistakes = Mistakes::default();
            key.check("key", is_shared, &mut mistakes);
            let errors = mistakes.finish(()).err();
            let all = errors.iter().flat_map(|errors| errors.iter());
            all.filter_map(|error| error.downcast::<RateLimitConfigError>())
                .map(ConfigErrorKind::code)
                .collect::<Vec<_>>()
        };
        let hashed = governor(GlobalKeyExtractor);
        let named = governor_with(GlobalKeyExtractor, |(), _| ());
        let function = custom(|_, _| KeyOutcome::Set);
        assert_eq!(codes(&hashed, false), [""; 0]);
        assert_eq!(codes(&hashed, true), ["unstable_key"]);
        assert_eq!(codes(&named, true), [""; 0]);
        assert_eq!(codes(&all((named.clone(), client_ip())), true), [""; 0]);
        assert_eq!(codes(&named.or(function), false), ["mixed_key"]);
    }
}
