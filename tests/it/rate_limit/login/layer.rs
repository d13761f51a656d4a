//! The layer: whose attempt a request is, what came of it, and what the answers look like.

use std::convert::Infallible;
#[cfg(feature = "axum")]
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, service_fn};
use tower_security::core::{AbuseKind, AbuseSignal, PeerAddr, Refused, TrustedProxies};
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::Quota;
use tower_security::rate_limit::login::{
    LoginAccount, LoginDimension, LoginOutcome, LoginThrottleLayer, Pressure,
};

use super::*;
use crate::support::service::{Spy, go};

type Body = Full<Bytes>;

/// A request to log in from an address.
fn request(account: &str, ip: &str) -> Request<Body> {
    let mut request = Request::post("/login").body(Body::default()).unwrap();
    let extensions = request.extensions_mut();
    extensions.insert(LoginAccount::new(account));
    extensions.insert(client(ip));
    request
}

/// Knows alice and her password, `right`, which stands in a header.
fn handler(request: &Request<Body>) -> Response<Body> {
    let account = request.extensions().get::<LoginAccount>();
    let is_alice = account == Some(&LoginAccount::new("alice"));
    let password = request.headers().get("password");
    let mut response = Response::new(Body::default());
    if is_alice && password.is_some_and(|password| password == "right") {
        response.extensions_mut().insert(LoginOutcome::Success);
    } else {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

async fn ask(layer: &LoginThrottleLayer, request: Request<Body>) -> Response<Body> {
    let inner = service_fn(|request| async move { Ok::<_, Infallible>(handler(&request)) });
    go(layer.layer(inner), request).await
}

fn right(account: &str, ip: &str) -> Request<Body> {
    let mut request = request(account, ip);
    let right = HeaderValue::from_static("right");
    request.headers_mut().insert("password", right);
    request
}

/// Status, header lines and body of an answer.
async fn bytes_of(answer: Response<Body>) -> (StatusCode, Vec<(String, String)>, Bytes) {
    let (head, body) = answer.into_parts();
    let lines = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    (head.status, lines, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn five_wrong_passwords_are_looked_at_and_the_sixth_attempt_is_refused() {
    let (throttle, clock, _) = throttle();
    let layer = LoginThrottleLayer::new(throttle);
    let spy = Spy::new().status(StatusCode::UNAUTHORIZED);
    for _ in 0..5 {
        let answer = go(layer.layer(spy.clone()), request("alice", "203.0.113.9")).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            AbuseSignal::of(answer.extensions()),
            Some(AbuseKind::AuthFailed)
        );
    }
    let answer = go(layer.layer(spy.clone()), request("alice", "203.0.113.9")).await;
    assert_eq!(spy.calls(), 5);
    let refused = answer.extensions().get::<Refused>().unwrap();
    assert_eq!(
        (refused.code(), refused.status().as_u16()),
        ("login_throttled", 429)
    );
    assert_eq!(
        AbuseSignal::of(answer.extensions()),
        Some(AbuseKind::RateLimited)
    );
    let refusal = answer.extensions().get::<LoginRefusal>().unwrap();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Account));
    let (status, lines, body) = bytes_of(answer).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let lines: Vec<_> = lines
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        lines,
        [
            ("cache-control", "no-store"),
            ("content-type", "application/problem+json"),
            ("retry-after", "1"),
        ]
    );
    assert_eq!(
        body,
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many attempts, try again later","status":429,"code":"login_throttled"}"#
    );
    clock.advance(seconds(1));
    let answer = go(layer.layer(spy.clone()), request("alice", "203.0.113.9")).await;
    assert_eq!((answer.status().as_u16(), spy.calls()), (401, 6));
}

#[tokio::test]
async fn nobody_can_tell_an_account_that_exists_from_one_that_does_not() {
    let (throttle, clock, _) = throttle();
    let layer = LoginThrottleLayer::new(throttle.clone());
    let mut counts = [Vec::new(), Vec::new()];
    for step in 0..120_u64 {
        let mut answers = Vec::new();
        for (account, counts) in ["alice", "nobody"].into_iter().zip(&mut counts) {
            // Each attempt from an address of its own.
            let ip = format!("10.{}.{step}.1", account.len());
            let answer = ask(&layer, request(account, &ip)).await;
            counts.push(answer.extensions().get::<LoginRefusal>().copied());
            answers.push(bytes_of(answer).await);
        }
        assert_eq!(answers[0], answers[1], "{step}");
        clock.advance(seconds(step * 7));
    }
    assert_eq!(counts[0], counts[1]);
    let refused = counts[0].iter().flatten().count();
    assert!((20..115).contains(&refused), "both were seen: {refused}");
}

#[tokio::test]
async fn refusals_of_all_dimensions_have_the_same_bytes_but_for_the_wait() {
    let mut answers = Vec::new();
    for dimension in [
        LoginDimension::Account,
        LoginDimension::AccountLock,
        LoginDimension::Address,
        LoginDimension::Spray,
    ] {
        let (throttle, ..) = with(|builder| match dimension {
            LoginDimension::AccountLock => builder.hard_bound(1),
            LoginDimension::Address => builder.address_failures(Quota::new(1, minutes(15))),
            LoginDimension::Spray => builder.spray(2, minutes(10), minutes(15)),
            _ => builder.free_attempts(1),
        });
        let layer = LoginThrottleLayer::new(throttle);
        let answer = loop {
            let accounts: &[&str] = match dimension {
                LoginDimension::Address | LoginDimension::Spray => {
                    &["alice", "bob", "carol", "dave"]
                }
                _ => &["alice"],
            };
            let mut refused = None;
            for account in accounts {
                let answer = ask(&layer, request(account, "203.0.113.9")).await;
                if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                    refused = Some(answer);
                    break;
                }
            }
            if let Some(answer) = refused {
                break answer;
            }
        };
        let refusal = answer.extensions().get::<LoginRefusal>().unwrap();
        assert_eq!(refusal.dimension(), Some(dimension));
        let abuse = AbuseSignal::of(answer.extensions());
        let is_spray = dimension == LoginDimension::Spray;
        assert_eq!(abuse == Some(AbuseKind::Spray), is_spray);
        let (status, mut lines, body) = bytes_of(answer).await;
        lines.retain(|(name, _)| name != "retry-after");
        answers.push((status, lines, body));
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn a_grpc_client_gets_resource_exhausted_and_the_wait() {
    let (throttle, ..) = with(|builder| builder.free_attempts(1));
    let layer = LoginThrottleLayer::new(throttle);
    let spy = Spy::new().header("grpc-status".parse().unwrap(), "16");
    let grpc = || {
        let mut request = request("alice", "203.0.113.9");
        let content_type = HeaderValue::from_static("application/grpc");
        request.headers_mut().insert("content-type", content_type);
        request
    };
    let answer = go(layer.layer(spy.clone()), grpc()).await;
    assert_eq!(answer.headers()["grpc-status"], "16");
    let answer = go(layer.layer(spy.clone()), grpc()).await;
    assert_eq!((answer.status().as_u16(), spy.calls()), (200, 1));
    assert_eq!(answer.headers()["grpc-status"], "8");
    assert_eq!(answer.headers()["grpc-retry-pushback-ms"], "1000");
    assert!(!answer.headers().contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn a_login_gets_its_device_cookie_and_is_trusted_by_it() {
    let (throttle, ..) = throttle();
    let layer = LoginThrottleLayer::new(throttle);
    let answer = ask(&layer, right("alice", "203.0.113.9")).await;
    let line = answer.headers()[SET_COOKIE].to_str().unwrap();
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000";
    assert!(
        line.starts_with("__Host-device=v1.") && line.ends_with(attributes),
        "{line}"
    );
    let cookie = format!("__Host-device={}", cookie_value(line));
    for number in 0..6 {
        let answer = ask(&layer, request("alice", &format!("10.0.0.{number}"))).await;
        assert!(!answer.headers().contains_key(SET_COOKIE));
    }
    let refused = ask(&layer, right("alice", "203.0.113.9")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.headers().contains_key(SET_COOKIE));
    let mut trusted = right("alice", "192.0.2.1");
    let value = HeaderValue::try_from(cookie).unwrap();
    trusted.headers_mut().insert("cookie", value);
    let answer = ask(&layer, trusted).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().contains_key(SET_COOKIE), "a new one");
}

#[tokio::test]
async fn a_cookie_of_the_handler_stays() {
    let (throttle, ..) = throttle();
    let layer = LoginThrottleLayer::new(throttle).success_when(|answer| answer.status == 200);
    let spy = Spy::new().header(SET_COOKIE, "session=1");
    let answer = go(layer.layer(spy), request("alice", "203.0.113.9")).await;
    let lines: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(
        (lines.len(), lines[0]),
        (2, &HeaderValue::from_static("session=1"))
    );
}

/// Status, gRPC status, what the handler says, whether 2xx is a success, and whether it was one.
#[tokio::test]
async fn what_is_a_success() {
    use LoginOutcome::{Failure, Success};
    let rows = [
        (200, None, None, false, false),
        (200, None, Some(Success), false, true),
        (200, None, Some(Failure), false, false),
        (200, None, None, true, true),
        (200, None, Some(Failure), true, false),
        (303, None, Some(Success), false, true),
        (303, None, None, true, false),
        (401, None, Some(Success), true, false),
        (403, None, Some(Success), true, false),
        (404, None, Some(Success), false, true),
        (500, None, None, true, false),
        (200, Some("0"), None, true, true),
        (200, Some("16"), Some(Success), true, false),
        (200, Some("7"), Some(Success), true, false),
        (200, Some("5"), Some(Success), true, true),
    ];
    for row in rows {
        let (status, grpc, said, is_2xx_success, is_success) = row;
        let (throttle, ..) = with(|builder| builder.free_attempts(1));
        let mut layer = LoginThrottleLayer::new(throttle.clone());
        if is_2xx_success {
            layer = layer.success_when(|answer| answer.status.is_success());
        }
        let inner = service_fn(move |_: Request<Body>| async move {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(grpc) = grpc {
                let value = HeaderValue::from_static(grpc);
                response.headers_mut().insert("grpc-status", value);
            }
            if let Some(said) = said {
                response.extensions_mut().insert(said);
            }
            Ok::<_, Infallible>(response)
        });
        let answer = go(layer.layer(inner), request("alice", "203.0.113.9")).await;
        assert_eq!(
            answer.headers().contains_key(SET_COOKIE),
            is_success,
            "{row:?}"
        );
        let next = begin(&throttle, "alice", client("192.0.2.1"));
        assert_eq!(next.is_ok(), is_success, "{row:?}");
        let is_told = matches!(status, 401 | 403)
            || said == Some(Failure)
            || matches!(grpc, Some("16" | "7"));
        let abuse = (!is_success && is_told).then_some(AbuseKind::AuthFailed);
        assert_eq!(AbuseSignal::of(answer.extensions()), abuse, "{row:?}");
    }
}

#[tokio::test]
async fn a_signal_of_the_handler_stays_unless_the_failure_makes_a_spray() {
    let (throttle, ..) = with(|builder| builder.spray(2, minutes(10), minutes(15)));
    let layer = LoginThrottleLayer::new(throttle);
    let inner = service_fn(|_: Request<Body>| async {
        let mut response = Response::new(Body::default());
        response.extensions_mut().insert(LoginOutcome::Failure);
        let signal = AbuseSignal(AbuseKind::Custom("own"));
        response.extensions_mut().insert(signal);
        Ok::<_, Infallible>(response)
    });
    let mut signals = Vec::new();
    for number in 0..9 {
        let answer = go(
            layer.layer(inner),
            request(&format!("user{number}"), "203.0.113.9"),
        )
        .await;
        signals.push(AbuseSignal::of(answer.extensions()).unwrap());
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(signals[0], AbuseKind::Custom("own"));
    assert_eq!(
        signals[signals.len() - 2..],
        [AbuseKind::Spray; 2],
        "{signals:?}"
    );
}

#[tokio::test]
async fn what_an_inner_layer_refuses_stays_its_kind_of_abuse() {
    let (throttle, ..) = throttle();
    let layer = LoginThrottleLayer::new(throttle);
    let mut forged = request("alice", "203.0.113.9");
    // No browser says it twice.
    for _ in 0..2 {
        let cross = HeaderValue::from_static("cross-site");
        forged.headers_mut().append("sec-fetch-site", cross);
    }
    let inner = CsrfLayer::new().layer(Spy::new());
    let answer = go(layer.layer(inner), forged).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let signal = AbuseSignal::of(answer.extensions());
    assert_eq!(signal, Some(AbuseKind::CsrfRefused));
}

#[tokio::test]
async fn an_error_and_a_call_that_is_dropped_are_failures() {
    let (throttle, _, log) = throttle();
    let layer = LoginThrottleLayer::new(throttle);
    let failing = service_fn(|_: Request<Body>| async {
        Err::<Response<Body>, _>(std::io::Error::other("the database is gone"))
    });
    let mut service = layer.layer(failing);
    let call = tower::Service::call(&mut service, request("alice", "203.0.113.9"));
    assert!(call.await.is_err());
    assert_eq!(log.codes(), ["login_failed"]);
    let hanging =
        service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let mut service = layer.layer(hanging);
    let mut call = Box::pin(tower::Service::call(
        &mut service,
        request("alice", "203.0.113.9"),
    ));
    let waker = Waker::noop();
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
    );
    assert_eq!(log.codes(), [""; 0]);
    drop(call);
    assert_eq!(log.codes(), ["login_failed"]);
}

#[tokio::test]
async fn requests_without_an_account_are_one_account_and_a_fault() {
    let (throttle, _, log) = throttle();
    let layer = LoginThrottleLayer::new(throttle);
    let mut statuses = Vec::new();
    for number in 0..6 {
        let mut request = request("", &format!("10.0.0.{number}"));
        request.extensions_mut().remove::<LoginAccount>();
        let spy = Spy::new().status(StatusCode::UNAUTHORIZED);
        statuses.push(go(layer.layer(spy), request).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    let faults = log
        .take()
        .into_iter()
        .filter(|told| told.name == EventName::SysMonitorDisabled);
    let faults: Vec<_> = faults.collect();
    assert_eq!((faults.len(), faults[0].code), (1, "login_account_missing"));
    assert!(
        faults[0]
            .detail
            .as_deref()
            .unwrap()
            .contains("LoginAccount")
    );
}

#[tokio::test]
async fn the_client_is_the_peer_or_what_the_proxies_say() {
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    for (proxies, statuses) in [
        (TrustedProxies::direct(), [401, 429, 429]),
        (proxies, [401, 401, 429]),
    ] {
        let (throttle, _, log) =
            with(|builder| builder.address_failures(Quota::new(1, minutes(15))));
        let layer = LoginThrottleLayer::new(throttle).client_ip(proxies);
        let mut seen = Vec::new();
        for (number, forwarded) in ["192.0.2.1", "192.0.2.2", "192.0.2.2"]
            .into_iter()
            .enumerate()
        {
            let mut request = request(&format!("user{number}"), "0.0.0.0");
            request.extensions_mut().remove::<ClientIp>();
            let peer: std::net::SocketAddr = "10.0.0.1:1".parse().unwrap();
            request.extensions_mut().insert(PeerAddr::from(peer));
            let value = HeaderValue::from_static(forwarded);
            request.headers_mut().insert("x-forwarded-for", value);
            seen.push(ask(&layer, request).await.status().as_u16());
        }
        assert_eq!(seen, statuses);
        assert!(
            log.take()
                .iter()
                .all(|told| told.code != "peer_address_missing")
        );
    }
}

#[tokio::test]
async fn a_server_without_peer_addresses_is_told_of() {
    let (throttle, _, log) = with(|builder| builder.address_failures(Quota::new(1, minutes(15))));
    let layer = LoginThrottleLayer::new(throttle);
    let mut seen = Vec::new();
    for account in ["a", "b"] {
        let mut request = request(account, "0.0.0.0");
        request.extensions_mut().remove::<ClientIp>();
        seen.push(ask(&layer, request).await.status().as_u16());
    }
    assert_eq!(seen, [401, 429], "all clients are one");
    let codes = log.codes();
    assert_eq!(
        codes,
        ["peer_address_missing", "login_failed", "login_throttled"]
    );
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_told_of_and_counts_apart_from_the_proxy() {
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let (throttle, _, log) = with(|builder| builder.address_failures(Quota::new(1, minutes(15))));
    let layer = LoginThrottleLayer::new(throttle).client_ip(proxies);
    let mut seen = Vec::new();
    for (account, forwarded) in [("a", "garbage"), ("b", "garbage"), ("c", "10.0.0.1")] {
        let mut request = request(account, "0.0.0.0");
        request.extensions_mut().remove::<ClientIp>();
        let peer: std::net::SocketAddr = "10.0.0.1:1".parse().unwrap();
        request.extensions_mut().insert(PeerAddr::from(peer));
        let value = HeaderValue::from_static(forwarded);
        request.headers_mut().insert("x-forwarded-for", value);
        seen.push(ask(&layer, request).await.status().as_u16());
    }
    assert_eq!(seen, [401, 429, 401]);
    let degraded: Vec<_> = log
        .take()
        .into_iter()
        .filter(|told| told.code == "client_ip_degraded")
        .collect();
    assert_eq!(degraded.len(), 1, "at most once a minute");
    assert!(degraded[0].whole.contains("10.0.0.1"), "{degraded:?}");
}

#[tokio::test]
async fn the_handler_hears_of_a_high_pressure() {
    let (throttle, ..) = with(|builder| builder.pressure(2));
    let layer = LoginThrottleLayer::new(throttle);
    let heard = Arc::new(Mutex::new(Vec::new()));
    for number in 0..4 {
        let log = Arc::clone(&heard);
        let inner = service_fn(move |request: Request<Body>| {
            log.lock().unwrap().push(Pressure::of(request.extensions()));
            async { Ok::<_, Infallible>(Response::new(Body::default())) }
        });
        go(
            layer.layer(inner),
            request("alice", &format!("10.0.0.{number}")),
        )
        .await;
    }
    use Pressure::{High, Normal};
    assert_eq!(*heard.lock().unwrap(), [Normal, Normal, High, High]);
}

#[tokio::test]
async fn a_head_request_is_refused_without_a_body() {
    let (throttle, ..) = with(|builder| builder.free_attempts(1));
    let layer = LoginThrottleLayer::new(throttle);
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut request = request("alice", "203.0.113.9");
        *request.method_mut() = http::Method::HEAD;
        answers.push(bytes_of(ask(&layer, request).await).await);
    }
    assert_eq!((answers[1].0.as_u16(), answers[1].2.len()), (429, 0));
}

/// 200 tasks on four threads, through a router of axum.
#[cfg(feature = "axum")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_requests_at_once_5_reach_the_handler_of_axum() {
    use axum::Router;
    use axum::routing::post;

    static VERIFIED: AtomicUsize = AtomicUsize::new(0);
    async fn verify() -> StatusCode {
        VERIFIED.fetch_add(1, Ordering::SeqCst);
        // The password hasher takes its time.
        tokio::task::yield_now().await;
        StatusCode::UNAUTHORIZED
    }
    for round in 1..=10 {
        let (throttle, ..) = throttle();
        let router = Router::new()
            .route("/login", post(verify))
            .layer(LoginThrottleLayer::new(throttle));
        let guesses = (0..200).map(|number| {
            let (router, ip) = (router.clone(), format!("10.0.0.{number}"));
            tokio::spawn(async move {
                let request = request("alice", &ip).map(axum::body::Body::new);
                go(router, request).await.status().as_u16()
            })
        });
        let guesses: Vec<_> = guesses.collect();
        let mut statuses = Vec::new();
        for guess in guesses {
            statuses.push(guess.await.unwrap());
        }
        let of = |status| statuses.iter().filter(|seen| **seen == status).count();
        assert_eq!((of(401), of(429)), (5, 195));
        assert_eq!(VERIFIED.load(Ordering::SeqCst), 5 * round);
    }
}
