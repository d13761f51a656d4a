//! Mistakes of other CORS implementations, each one a test of its name.

use std::time::Duration;

use http::header::{HeaderName, VARY};
use http::{HeaderValue, Method, StatusCode};
use tower::Layer;
use tower_security::core::origin::TrustedOrigins;
use tower_security::cors::{CorsBuilder, CorsLayer};

use crate::cors::{APP, EVIL, answer, get, preflight, request};
use crate::support::service::{Spy, go};

const ACAO: &str = "access-control-allow-origin";

fn one() -> CorsBuilder {
    CorsLayer::builder().origins([APP]).methods(["PUT"])
}

fn tower_http() -> tower_http::cors::CorsLayer {
    tower_http::cors::CorsLayer::new()
        .allow_origin([HeaderValue::from_static(APP)])
        .allow_methods([Method::PUT])
        .allow_headers([
            HeaderName::from_static("x-a"),
            HeaderName::from_static("x-b"),
        ])
}

#[tokio::test]
async fn tower_http_497_answers_every_options_itself() {
    let options = || request(Method::OPTIONS, &[]);
    let spy = Spy::new();
    let theirs = go(tower_http().layer(spy.clone()), options()).await;
    assert_eq!((theirs.status(), spy.calls()), (StatusCode::OK, 0));
    answer(&one(), &spy, options()).await;
    assert_eq!(spy.calls(), 1);
}

#[tokio::test]
async fn tower_http_shows_its_policy_to_refused_origins() {
    let asked = || preflight(EVIL, "PUT", &["x-a"]);
    let theirs = go(tower_http().layer(Spy::new()), asked()).await;
    assert_eq!(theirs.status(), StatusCode::OK);
    assert_eq!(theirs.headers()["access-control-allow-methods"], "PUT");
    assert_eq!(theirs.headers()["access-control-allow-headers"], "x-a,x-b");
    let ours = answer(&one().request_headers(["x-a", "x-b"]), &Spy::new(), asked()).await;
    assert_eq!(ours.status(), StatusCode::FORBIDDEN);
    assert!(ours.headers().is_empty());
}

#[tokio::test]
async fn tower_http_takes_the_first_of_two_origins() {
    let two = || request(Method::GET, &[("origin", APP), ("origin", EVIL)]);
    let theirs = go(tower_http().layer(Spy::new()), two()).await;
    assert_eq!(theirs.headers()[ACAO], APP);
    let ours = answer(&one(), &Spy::new(), two()).await;
    assert!(!ours.headers().contains_key(ACAO));
}

#[tokio::test]
async fn tower_http_mirrors_the_first_line_of_headers_alone() {
    let asked = || preflight(APP, "GET", &["x-a", "x-b"]);
    let mirroring = tower_http().allow_headers(tower_http::cors::AllowHeaders::mirror_request());
    let theirs = go(mirroring.layer(Spy::new()), asked()).await;
    assert_eq!(theirs.headers()["access-control-allow-headers"], "x-a");
    let ours = one().credentials(true).any_request_header();
    let ours = answer(&ours, &Spy::new(), asked()).await;
    let lines: Vec<_> = ours
        .headers()
        .get_all("access-control-allow-headers")
        .iter()
        .collect();
    assert_eq!(lines, ["x-a", "x-b"]);
}

#[tokio::test]
async fn tower_http_lets_an_inner_allowance_pass_for_refused_origins() {
    let spy = || Spy::new().header(HeaderName::from_static(ACAO), "*");
    let theirs = go(tower_http().layer(spy()), get(EVIL)).await;
    assert_eq!(theirs.headers()[ACAO], "*");
    let ours = answer(&one(), &spy(), get(EVIL)).await;
    assert!(!ours.headers().contains_key(ACAO));
}

#[tokio::test]
async fn tower_http_598_doubles_vary() {
    let spy = || Spy::new().header(VARY, "origin");
    let theirs = go(tower_http().layer(spy()), get(APP)).await;
    assert!(theirs.headers().get_all(VARY).iter().count() > 1);
    let ours = answer(&one(), &spy(), get(APP)).await;
    assert_eq!(ours.headers().get_all(VARY).iter().count(), 1);
}

#[tokio::test]
async fn tower_http_allows_credentials_to_nobody_in_particular() {
    let theirs = tower_http().allow_credentials(true);
    let theirs = go(theirs.layer(Spy::new()), request(Method::GET, &[])).await;
    assert_eq!(theirs.headers()["access-control-allow-credentials"], "true");
    let ours = one().credentials(true);
    let ours = answer(&ours, &Spy::new(), request(Method::GET, &[])).await;
    assert!(
        !ours
            .headers()
            .contains_key("access-control-allow-credentials")
    );
}

/// `mirror_request` with credentials reflects `null`, the origin of every sandboxed frame.
#[tokio::test]
async fn tower_http_and_expressjs_reflect_null_with_credentials() {
    let theirs = tower_http::cors::CorsLayer::very_permissive();
    let theirs = go(theirs.layer(Spy::new()), get("null")).await;
    assert_eq!(theirs.headers()[ACAO], "null");
    assert_eq!(theirs.headers()["access-control-allow-credentials"], "true");
    let ours = CorsLayer::builder()
        .origins([APP, "https://*.example.org"])
        .credentials(true);
    let ours = answer(&ours, &Spy::new(), get("null")).await;
    assert!(!ours.headers().contains_key(ACAO));
}

/// Its checks are `assert!`s, and `*` inside of a list, or a predicate on credentials, passes them.
#[test]
fn tower_http_panics_or_lets_it_pass() {
    let any = tower_http::cors::CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_credentials(true);
    assert!(
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| any.layer(Spy::new()))).is_err()
    );
    let errors = CorsLayer::builder()
        .any_origin()
        .credentials(true)
        .build()
        .unwrap_err();
    assert_eq!(errors.len(), 1);

    let accepted = tower_http()
        .allow_headers([
            HeaderName::from_static("*"),
            HeaderName::from_static("cookie"),
        ])
        .allow_methods([Method::TRACE])
        .allow_origin([HeaderValue::from_static("HTTPS://a.example:443/")])
        .expose_headers([HeaderName::from_static("set-cookie")])
        .max_age(Duration::from_secs(10_000_000));
    let _ = accepted.allow_credentials(true).layer(Spy::new());
    let errors = CorsLayer::builder()
        .origins(["HTTPS://a.example:443/"])
        .methods([Method::TRACE])
        .request_headers(["*", "cookie"])
        .expose_headers(["set-cookie"])
        .max_age(tower_security::cors::MaxAge::Secs(10_000_000))
        .build()
        .unwrap_err();
    assert_eq!(errors.len(), 6);
}

/// GHSA-vhxv-fg4m-p2w8: a suffix tree merged two hosts.
#[test]
fn jub0bs_cors_merged_two_hosts() {
    let set = TrustedOrigins::builder()
        .origins(["https://foo.com", "https://bar.com", "https://*.baz.com"])
        .build()
        .unwrap();
    for origin in ["https://foo.com", "https://bar.com", "https://a.baz.com"] {
        assert!(set.matches(origin.as_bytes()).is_some(), "{origin}");
    }
    for origin in [
        "https://barfoo.com",
        "https://foobar.com",
        "https://foo.combar.com",
        "https://oo.com",
        "https://.com",
        "https://abaz.com",
        "https://baz.com",
    ] {
        assert!(set.matches(origin.as_bytes()).is_none(), "{origin}");
    }
}

/// v0.12.0 lost valid origins, and the binary search of v0.13.3 to v1.0.1 missed allowed names at its edges.
#[tokio::test]
async fn jub0bs_cors_forgot_what_is_allowed() {
    let origins: Vec<_> = (0..300)
        .map(|n| {
            format!(
                "https://{}.example",
                "ab".repeat(n % 30 + 1) + &n.to_string()
            )
        })
        .collect();
    let names: Vec<_> = (0..100).map(|n| format!("x-{n:02}")).collect();
    let builder = CorsLayer::builder()
        .origins(&origins)
        .request_headers(&names);
    for origin in &origins {
        let answer = answer(&builder, &Spy::new(), get(origin)).await;
        assert_eq!(answer.headers()[ACAO], *origin);
    }
    for name in &names {
        let asked = preflight(&origins[0], "GET", &[name]);
        let answer = answer(&builder, &Spy::new(), asked).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{name}");
    }
    let asked = preflight(&origins[0], "GET", &[&names.join(",")]);
    let answer = answer(&builder, &Spy::new(), asked).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

/// CVE-2024-27302, CVE-2025-47909: sub-domains told by `ends_with`, and origins by their host alone.
#[tokio::test]
async fn others_compare_the_end_of_the_host() {
    let builder = CorsLayer::builder().origins(["https://*.example.com"]);
    for origin in [
        "https://evilexample.com",
        "http://a.example.com",
        "https://a.example.com:8443",
    ] {
        let answer = answer(&builder, &Spy::new(), get(origin)).await;
        assert!(!answer.headers().contains_key(ACAO), "{origin}");
    }
}

/// rs/cors before 1.11.1: `*` anywhere in a pattern, and any origin together with credentials.
#[test]
fn rs_cors_takes_any_pattern() {
    for pattern in [
        "https://*foo.com",
        "https://foo.*",
        "https://a.*.com",
        "http*://a.com",
    ] {
        let errors = CorsLayer::builder().origins([pattern]).build().unwrap_err();
        assert_eq!(errors.len(), 1, "{pattern}");
    }
}

/// rs/cors before 1.11.1: 127 ms for one list of commas. Here reading stops at the 17th empty element; see the bench's row.
#[tokio::test]
async fn rs_cors_reads_a_megabyte_of_commas() {
    let builder = one().request_headers(["x-a"]);
    for list in [
        ",".repeat(1 << 20),
        " ".repeat(1 << 20),
        "x-a,".repeat(1 << 18),
        "a".repeat(1 << 20),
    ] {
        let answer = answer(&builder, &Spy::new(), preflight(APP, "PUT", &[&list])).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let many = vec![""; 10_000];
    let answer = answer(&builder, &Spy::new(), preflight(APP, "PUT", &many)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

/// gorilla/handlers and ASP.NET leave `Vary` out for one origin: a cached answer without the headers is served to that origin.
#[tokio::test]
async fn gorilla_handlers_vary_only_with_several_origins() {
    for request in [get(APP), get(EVIL), request(Method::GET, &[])] {
        let answer = answer(&one(), &Spy::new(), request).await;
        assert_eq!(answer.headers()[VARY], "Origin");
    }
}
