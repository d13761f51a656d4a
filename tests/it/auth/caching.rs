//! What caches are told of answers that pass.

use http::header::{AUTHORIZATION, CACHE_CONTROL, VARY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use tower::Layer;
use tower_security::auth::{AuthBuilder, AuthLayer};
use tower_security::core::ChallengeScheme;

use super::ways::{ByHeader, builder, get, grpc};
use crate::support::service::{Spy, go};

/// In a header of which caches know.
fn bearer() -> AuthBuilder {
    let way = ByHeader::new("authorization").scheme(ChallengeScheme::bearer());
    AuthLayer::builder().authenticator(way)
}

fn vary<B>(answer: &Response<B>) -> Vec<&HeaderValue> {
    answer.headers().get_all(VARY).iter().collect()
}

#[tokio::test]
async fn answers_vary_by_what_caches_do_not_know() {
    type Row = (
        AuthBuilder,
        &'static [(&'static str, &'static str)],
        &'static [&'static str],
    );
    let good = &[("authorization", "good")];
    let rows: [Row; 8] = [
        (bearer(), good, &[]),
        (bearer().optional(), good, &["Authorization"]),
        (bearer().optional(), &[], &["Authorization"]),
        (
            bearer().authenticator(ByHeader::cookie()),
            good,
            &["Authorization, Cookie"],
        ),
        (
            bearer().authenticator(ByHeader::cookie()),
            &[("cookie", "good")],
            &["Authorization, Cookie"],
        ),
        (
            AuthLayer::builder().authenticator(ByHeader::cookie()),
            &[("cookie", "good")],
            &["Cookie"],
        ),
        (
            AuthLayer::builder().authenticator(ByHeader::new("x-api-key")),
            &[("x-api-key", "good")],
            &["X-Api-Key"],
        ),
        (
            bearer()
                .authenticator(ByHeader::new("x-api-key"))
                .authenticator(ByHeader::cookie())
                .optional(),
            &[],
            &["Authorization, X-Api-Key, Cookie"],
        ),
    ];
    for (index, (builder, lines, expected)) in rows.into_iter().enumerate() {
        let answer = go(builder.build().unwrap().layer(Spy::new()), get(lines)).await;
        assert_eq!(answer.status(), 200, "row {index}");
        assert_eq!(vary(&answer), expected, "row {index}");
    }
}

#[tokio::test]
async fn what_the_handler_says_of_vary_stays_and_is_not_said_twice() {
    let layer = bearer().authenticator(ByHeader::cookie()).build().unwrap();
    let rows: [(&'static [&'static str], &[&str]); 5] = [
        (&["accept"], &["accept", "Authorization, Cookie"]),
        (&["accept, cookie"], &["accept, cookie", "Authorization"]),
        (&["COOKIE", "authorization"], &["COOKIE", "authorization"]),
        (&["*"], &["*"]),
        (&[], &["Authorization, Cookie"]),
    ];
    for (own, expected) in rows {
        let spy = own
            .iter()
            .fold(Spy::new(), |spy, line| spy.header(VARY, line));
        let answer = go(layer.layer(spy), get(&[("cookie", "good")])).await;
        assert_eq!(vary(&answer), expected);
    }
}

#[tokio::test]
async fn what_a_cookie_opens_is_not_stored() {
    let layer = builder()
        .authenticator(ByHeader::cookie())
        .optional()
        .build()
        .unwrap();
    let ask = async |spy: Spy, lines| {
        let answer = go(layer.layer(spy), get(lines)).await;
        answer.headers().get(CACHE_CONTROL).cloned()
    };
    let no_store = Some(HeaderValue::from_static("no-store"));
    const COOKIE: &[(&str, &str)] = &[("cookie", "good")];
    assert_eq!(ask(Spy::new(), COOKIE).await, no_store);
    let unchanged = Spy::new().status(StatusCode::NOT_MODIFIED);
    assert_eq!(ask(unchanged, COOKIE).await, no_store);
    let missing = Spy::new().status(StatusCode::NOT_FOUND);
    assert_eq!(ask(missing, COOKIE).await, no_store);
    let slow: &[(&str, &str)] = &[("cookie", "slow")];
    assert_eq!(ask(Spy::new(), slow).await, no_store);

    let own = Spy::new().header(CACHE_CONTROL, "private, max-age=60");
    let kept = HeaderValue::from_static("private, max-age=60");
    assert_eq!(ask(own, COOKIE).await, Some(kept));
    assert_eq!(ask(Spy::new(), &[("x-test", "good")]).await, None);
    let both: &[(&str, &str)] = &[("x-test", "good"), ("cookie", "good")];
    assert_eq!(ask(Spy::new(), both).await, None);
    assert_eq!(ask(Spy::new(), &[]).await, None);
}

#[tokio::test]
async fn grpc_is_left_alone() {
    let layer = builder()
        .authenticator(ByHeader::cookie())
        .optional()
        .build()
        .unwrap();
    let with_cookie = |mut request: http::Request<_>| {
        request.headers_mut().remove("x-test");
        let value = HeaderValue::from_static("good");
        request.headers_mut().insert("cookie", value);
        request
    };
    for content_type in ["application/grpc", "application/grpc-web-text"] {
        let request = with_cookie(grpc(content_type, "good"));
        let answer = go(layer.layer(Spy::new()), request).await;
        assert_eq!(answer.headers().len(), 0, "{content_type}");
    }
    // Only a POST is gRPC: anybody can send the header.
    let mut page = with_cookie(grpc("application/grpc", "good"));
    *page.method_mut() = http::Method::GET;
    let answer = go(layer.layer(Spy::new()), page).await;
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(vary(&answer), ["X-Test, Cookie"]);
}

/// A refusal says nothing of `Vary`: nobody may store it.
#[tokio::test]
async fn refusals_are_not_stored() {
    let layer = builder().authenticator(ByHeader::cookie()).build().unwrap();
    for lines in [&[("cookie", "bad")][..], &[("x-test", "bad")], &[]] {
        let answer = go(layer.layer(Spy::new()), get(lines)).await;
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers().get(VARY), None);
    }
}

#[test]
fn a_way_of_ones_own_is_in_authorization_unless_it_says_otherwise() {
    use tower_security::auth::Authenticator;

    let line = super::ways::Line(ChallengeScheme::bearer());
    assert_eq!(line.headers(), [AUTHORIZATION]);
    let key = HeaderName::from_static("x-api-key");
    assert_eq!(ByHeader::new("x-api-key").headers(), [key]);
}
