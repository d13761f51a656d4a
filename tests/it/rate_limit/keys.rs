//! Whom policies count, from outside.

use http::request::Parts;
use http::{Request, StatusCode};
use tower_security::core::{ClientIp, Principal};
use tower_security::rate_limit::key::{self, Key, KeyOutcome, KeyRefusal};
use tower_security::rate_limit::{OnMissing, Policy, Quota, RateLimitReason, RateLimiter};

fn limiter(policy: Policy) -> RateLimiter {
    RateLimiter::builder().policy(policy).build().unwrap()
}

fn once(key: Key) -> Policy {
    Policy::new("once", Quota::per_day(1)).key(key)
}

fn from(address: &str, user: Option<&str>, header: Option<&str>) -> Parts {
    let mut request = Request::new(());
    if let Ok(ip) = address.parse() {
        let client = ClientIp::resolved_by_caller(ip);
        request.extensions_mut().insert(client);
    }
    if let Some(user) = user {
        let user = Principal::builder(user).build();
        user.dangerous_attach(request.extensions_mut());
    }
    if let Some(value) = header {
        request
            .headers_mut()
            .insert("x-key", value.parse().unwrap());
    }
    request.into_parts().0
}

/// Which of the requests pass, one after the other.
async fn pass(policy: Policy, requests: &[Parts]) -> Vec<bool> {
    let limiter = limiter(policy);
    let mut passed = Vec::new();
    for parts in requests {
        passed.push(limiter.check(parts).await.is_ok());
    }
    passed
}

#[tokio::test]
async fn each_key_has_its_own_budget() {
    let here = |user, header| from("192.0.2.7", user, header);
    let there = |user, header| from("192.0.2.8", user, header);
    #[rustfmt::skip]
    let rows: Vec<(&str, Key, Vec<(Parts, bool)>)> = vec![
        ("address", key::client_ip(), vec![
            (here(None, None), true), (here(Some("ada"), None), false), (there(None, None), true),
        ]),
        ("network", key::client_prefix(24, 48), vec![
            (here(None, None), true), (there(None, None), false), (from("198.51.100.1", None, None), true),
        ]),
        ("user, or address", key::principal(), vec![
            (here(Some("ada"), None), true), (there(Some("ada"), None), false),
            (here(Some("bob"), None), true), (here(None, None), true), (here(None, None), false), (there(None, None), true),
        ]),
        ("everybody", key::global(), vec![
            (here(None, None), true), (there(Some("ada"), Some("a")), false),
        ]),
        ("header", key::dangerous_header("x-key"), vec![
            (here(None, Some("a")), true), (there(None, Some("a")), false), (here(None, Some("A")), true),
        ]),
        ("header, normalised", key::dangerous_header("x-key").normalised(), vec![
            (here(None, Some("a")), true), (here(None, Some("A")), false), (here(None, Some("b")), true),
        ]),
        ("header and address", key::all((key::client_ip(), key::dangerous_header("x-key"))), vec![
            (here(None, Some("a")), true), (here(None, Some("a")), false), (here(None, Some("b")), true), (there(None, Some("a")), true),
        ]),
        ("header, or address", key::dangerous_header("x-key").or(key::client_ip()), vec![
            (here(None, Some("a")), true), (there(None, Some("a")), false), (here(None, None), true), (here(None, None), false),
        ]),
        ("function", key::custom(|parts, hasher| { hasher.str(parts.method.as_str()); KeyOutcome::Set }), vec![
            (here(None, None), true), (there(None, None), false),
        ]),
    ];
    for (name, key, requests) in rows {
        let (parts, expected): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
        assert_eq!(pass(once(key), &parts).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_missing_key_is_what_the_policy_says() {
    let nobody = || from("none", None, None);
    let requests = [nobody(), nobody(), nobody()];
    let policy = || once(key::client_ip());
    #[rustfmt::skip]
    let rows: Vec<(Policy, [bool; 3])> = vec![
        (policy(), [true, false, false]),
        (policy().on_missing(OnMissing::SharedBucket), [true, false, false]),
        (policy().on_missing(OnMissing::Refuse), [false, false, false]),
        (policy().dangerous_skip_missing(), [true, true, true]),
    ];
    for (policy, expected) in rows {
        let shown = format!("{policy:?}");
        assert_eq!(pass(policy, &requests).await, expected, "{shown}");
    }
    // The shared bucket is nobody's own.
    let requests = [nobody(), from("192.0.2.7", None, None)];
    assert_eq!(pass(policy(), &requests).await, [true, true]);
}

#[tokio::test]
async fn a_key_may_be_skipped_or_refused() {
    let policy = once(key::custom(|parts, hasher| {
        match parts.headers.get("x-key").map(|value| value.as_bytes()) {
            Some(b"skip") => KeyOutcome::Skip,
            Some(b"refuse") => KeyOutcome::Refuse(KeyRefusal::new(StatusCode::UNAUTHORIZED)),
            Some(b"many") => {
                KeyOutcome::Refuse(KeyRefusal::new(StatusCode::TOO_MANY_REQUESTS).retry_after(7))
            }
            _ => {
                hasher.u64(0);
                KeyOutcome::Set
            }
        }
    }));
    let limiter = limiter(policy);
    let with = |header| from("192.0.2.7", None, Some(header));
    for _ in 0..3 {
        assert!(limiter.check(&with("skip")).await.is_ok());
        for (header, status, code) in [
            ("refuse", 401, "rate_key_refused"),
            ("many", 429, "rate_limited"),
        ] {
            let refusal = limiter.check(&with(header)).await.unwrap_err();
            assert_eq!(refusal.limited().reason(), RateLimitReason::KeyRefused);
            let rejection = refusal.into_rejection();
            assert_eq!(
                (rejection.status().as_u16(), rejection.code()),
                (status, code)
            );
        }
    }
    // Nothing of that was charged.
    assert!(limiter.check(&with("a")).await.is_ok());
    assert!(limiter.check(&with("a")).await.is_err());
}

#[cfg(feature = "tower-governor")]
mod governor {
    use std::net::SocketAddr;

    use bytes::Bytes;
    use http::HeaderMap;
    use http_body_util::{BodyExt, Full};
    use tower::{Layer, service_fn};
    use tower_governor::GovernorError;
    use tower_governor::key_extractor::{GlobalKeyExtractor, KeyExtractor, SmartIpKeyExtractor};
    use tower_security::rate_limit::RateLimitLayer;

    use super::*;
    use crate::support::service::go;

    #[derive(Clone)]
    struct ByHeader;

    impl KeyExtractor for ByHeader {
        type Key = String;

        fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
            let value = request.headers().get("x-key");
            match value.and_then(|value| value.to_str().ok()) {
                None => Err(GovernorError::UnableToExtractKey),
                Some("teapot") => Err(GovernorError::Other {
                    code: StatusCode::IM_A_TEAPOT,
                    msg: Some("db-2.internal".to_owned()),
                    headers: Some(HeaderMap::from_iter([(
                        http::header::SET_COOKIE,
                        "a=b".parse().unwrap(),
                    )])),
                }),
                Some("many") => Err(GovernorError::TooManyRequests {
                    wait_time: 0,
                    headers: None,
                }),
                Some(value) => Ok(value.to_owned()),
            }
        }
    }

    fn request(peer: &str, header: Option<&str>) -> Request<Full<Bytes>> {
        let mut request = Request::post("/").body(Full::from("the body")).unwrap();
        if let Ok(ip) = peer.parse() {
            request.extensions_mut().insert(SocketAddr::new(ip, 40_000));
        }
        if let Some(value) = header {
            request
                .headers_mut()
                .insert("x-key", value.parse().unwrap());
        }
        request
    }

    /// The status, and what the service has read of the body.
    async fn answers(key: Key, requests: Vec<Request<Full<Bytes>>>) -> Vec<(u16, Bytes)> {
        let layer = RateLimitLayer::builder().policy(once(key)).build().unwrap();
        let echo = service_fn(|request: Request<Full<Bytes>>| async {
            let body = request.into_body();
            Ok::<_, std::convert::Infallible>(http::Response::new(body))
        });
        let service = layer.layer(echo);
        let mut answers = Vec::new();
        for request in requests {
            let answer = go::<_, Full<Bytes>, _>(service.clone(), request).await;
            let status = answer.status().as_u16();
            assert!(!answer.headers().contains_key(http::header::SET_COOKIE));
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            answers.push((status, body));
        }
        answers
    }

    #[tokio::test]
    async fn its_extractors_work_and_the_body_comes_through() {
        let here = |header| request("192.0.2.7", header);
        let rows = [
            (key::governor(GlobalKeyExtractor), [200, 429, 429]),
            (key::governor(SmartIpKeyExtractor), [200, 429, 200]),
            (
                key::governor_with(ByHeader, |name, hasher| hasher.str(name)),
                [200, 200, 429],
            ),
        ];
        for (key, expected) in rows {
            let requests = vec![
                here(Some("a")),
                here(Some("b")),
                request("192.0.2.8", Some("a")),
            ];
            let answers = answers(key, requests).await;
            let statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
            assert_eq!(statuses, expected);
            for (status, body) in answers {
                assert_eq!(status == 200, body == "the body");
            }
        }
    }

    #[tokio::test]
    async fn errors_are_never_500_and_tell_nothing() {
        let key = key::governor(ByHeader);
        let here = |header| request("192.0.2.7", header);
        let requests = vec![
            here(None),
            here(None),
            here(Some("teapot")),
            here(Some("many")),
            here(Some("a")),
        ];
        let answers = answers(key, requests).await;
        let statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
        // Without a key both share a bucket.
        assert_eq!(statuses, [200, 429, 418, 429, 200]);
        for (_, body) in answers {
            assert!(!body.windows(8).any(|part| part == b"internal"));
        }
    }
}
