//! `CorsLayer`: what it answers, request by request.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{HeaderName, VARY};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::core::{EventName, Level, Outcome, SecurityEvent};
use tower_security::cors::{
    CorsBuilder, CorsLayer, CorsRefusal, CorsVerdict, DuplicateHeader, MaxAge, OriginProblem,
    Refuse,
};

use crate::support::service::{Spy, go};

pub(crate) const APP: &str = "https://app.example.com";
pub(crate) const EVIL: &str = "https://app.example.com.evil.test";
const ACAO: &str = "access-control-allow-origin";
const ACAC: &str = "access-control-allow-credentials";
const ACAM: &str = "access-control-allow-methods";
const ACAH: &str = "access-control-allow-headers";
const ACMA: &str = "access-control-max-age";
const ACEH: &str = "access-control-expose-headers";

pub(crate) fn request(method: Method, lines: &[(&'static str, &str)]) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    for (name, value) in lines {
        let value = value.parse().expect("a header value");
        request
            .headers_mut()
            .append(HeaderName::from_static(name), value);
    }
    request
}

pub(crate) fn get(origin: &str) -> Request<()> {
    request(Method::GET, &[("origin", origin)])
}

pub(crate) fn preflight(origin: &str, method: &str, names: &[&str]) -> Request<()> {
    let mut lines = vec![
        ("origin", origin),
        ("access-control-request-method", method),
    ];
    lines.extend(
        names
            .iter()
            .map(|line| ("access-control-request-headers", *line)),
    );
    request(Method::OPTIONS, &lines)
}

/// The answer of `layer` around `spy`; and whether the verdict of its policy is that answer.
pub(crate) async fn answer(
    builder: &CorsBuilder,
    spy: &Spy,
    request: Request<()>,
) -> Response<Full<Bytes>> {
    let policy = builder.clone().build_policy().expect("a valid policy");
    let (head, ()) = request.into_parts();
    let verdict = policy.check(&head);
    let layer = CorsLayer::new(policy);
    let before = spy.calls();
    let answer = go(layer.layer(spy.clone()), Request::from_parts(head, ())).await;
    let was_called = spy.calls() - before == 1;
    let status = answer.status();
    let (calls, answered) = match verdict {
        CorsVerdict::Allowed | CorsVerdict::NoOrigin | CorsVerdict::NotAllowed(_) => (true, true),
        CorsVerdict::PreflightAllowed | CorsVerdict::PreflightExplained(_) => {
            (false, status.is_success())
        }
        CorsVerdict::PreflightRefused(_) | CorsVerdict::Refused(_) => {
            (false, status == StatusCode::FORBIDDEN)
        }
        other => panic!("an unknown verdict: {other:?}"),
    };
    assert_eq!(
        (was_called, true),
        (calls, answered),
        "{verdict:?}, {status}"
    );
    answer
}

/// All lines of a map, sorted.
fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    lines.sort();
    lines
}

fn owned(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut lines: Vec<_> = lines
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    lines.sort();
    lines
}

async fn assert_answer(
    name: &str,
    builder: &CorsBuilder,
    request: Request<()>,
    status: u16,
    expected: &[(&str, &str)],
) {
    let response = answer(builder, &Spy::new(), request).await;
    assert_eq!(response.status(), status, "{name}");
    assert_eq!(lines(response.headers()), owned(expected), "{name}");
}

fn one() -> CorsBuilder {
    CorsLayer::builder().origins([APP])
}

fn with_put() -> CorsBuilder {
    one()
        .methods(["PUT", "PATCH"])
        .request_headers(["x-a", "content-type"])
}

fn public() -> CorsBuilder {
    CorsLayer::builder().any_origin()
}

fn with_credentials() -> CorsBuilder {
    with_put().credentials(true)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn preflights_are_told_what_they_ask_for_and_no_more() {
    let put = || preflight(APP, "PUT", &[]);
    let both = || preflight(APP, "PUT", &["content-type,x-a"]);
    let any_method = one().any_method().request_headers(["x-a"]);
    let any_name = one().methods(["PUT"]).any_request_header();
    let any = public().any_method().any_request_header();
    let with_authorization = public()
        .request_headers(["authorization"])
        .any_request_header();
    let echo = one().credentials(true).any_method().any_request_header();
    let ok = (ACAO, APP);
    for (name, builder, request, status, expected) in [
        ("method", with_put(), put(), 204, &[ok, (ACAM, "PUT")][..]),
        (
            "method and headers",
            with_put(),
            both(),
            204,
            &[ok, (ACAM, "PUT"), (ACAH, "content-type,x-a")],
        ),
        (
            "a safelisted method needs no permission",
            with_put(),
            preflight(APP, "POST", &["x-a"]),
            204,
            &[ok, (ACAH, "x-a")],
        ),
        (
            "several lines",
            with_put(),
            preflight(APP, "GET", &["content-type", "x-a"]),
            204,
            &[ok, (ACAH, "content-type"), (ACAH, "x-a")],
        ),
        (
            "nothing but commas",
            with_put(),
            preflight(APP, "GET", &[", ,"]),
            204,
            &[ok],
        ),
        (
            "credentials",
            with_credentials(),
            put(),
            204,
            &[ok, (ACAC, "true"), (ACAM, "PUT")],
        ),
        (
            "method of another case",
            with_put(),
            preflight(APP, "put", &[]),
            403,
            &[],
        ),
        (
            "method not allowed",
            with_put(),
            preflight(APP, "DELETE", &[]),
            403,
            &[],
        ),
        (
            "header not allowed",
            with_put(),
            preflight(APP, "GET", &["x-b"]),
            403,
            &[],
        ),
        (
            "one of two headers",
            with_put(),
            preflight(APP, "GET", &["x-a,x-b"]),
            403,
            &[],
        ),
        (
            "foreign origin",
            with_put(),
            preflight(EVIL, "PUT", &[]),
            403,
            &[],
        ),
        ("null", with_put(), preflight("null", "PUT", &[]), 403, &[]),
        (
            "nothing to ask for",
            one(),
            preflight(APP, "POST", &[]),
            403,
            &[],
        ),
        (
            "any method",
            any_method.clone(),
            put(),
            204,
            &[ok, (ACAM, "*")],
        ),
        (
            "any method is a wildcard whatever is asked",
            any_method,
            preflight(APP, "GET", &["x-a"]),
            204,
            &[ok, (ACAH, "x-a")],
        ),
        (
            "any header",
            any_name,
            preflight(APP, "PUT", &["X-Odd,, a"]),
            204,
            &[ok, (ACAM, "PUT"), (ACAH, "*")],
        ),
        (
            "anything",
            any.clone(),
            preflight("null", "ODD", &["x"]),
            204,
            &[(ACAO, "*"), (ACAM, "*"), (ACAH, "*")],
        ),
        (
            "authorization has to be named",
            with_authorization,
            preflight(EVIL, "GET", &["authorization"]),
            204,
            &[(ACAO, "*"), (ACAH, "*,authorization")],
        ),
        (
            "with credentials a wildcard is an echo",
            echo.clone(),
            preflight(APP, "ODD", &["authorization", "X-B,x-a"]),
            204,
            &[
                ok,
                (ACAC, "true"),
                (ACAM, "ODD"),
                (ACAH, "authorization"),
                (ACAH, "X-B,x-a"),
            ],
        ),
        (
            "an echo of a token alone",
            echo.clone(),
            preflight(APP, "O D", &[]),
            403,
            &[],
        ),
        (
            "of names alone",
            echo.clone(),
            preflight(APP, "GET", &["a b"]),
            403,
            &[],
        ),
        (
            "an empty echo",
            echo,
            preflight(APP, "GET", &[""]),
            204,
            &[ok, (ACAC, "true")],
        ),
    ] {
        assert_answer(name, &builder, request, status, expected).await;
    }
}

#[tokio::test]
async fn an_echoed_method_has_a_limit() {
    let echo = one().credentials(true).any_method();
    for (length, status) in [(64, 204), (65, 403)] {
        let response = answer(&echo, &Spy::new(), preflight(APP, &"M".repeat(length), &[])).await;
        assert_eq!(response.status(), status, "{length}");
    }
}

#[tokio::test]
async fn duplicates_are_refused() {
    let origins = |first, second| {
        request(
            Method::OPTIONS,
            &[
                ("origin", first),
                ("origin", second),
                ("access-control-request-method", "PUT"),
            ],
        )
    };
    let methods = request(
        Method::OPTIONS,
        &[
            ("origin", APP),
            ("access-control-request-method", "PUT"),
            ("access-control-request-method", "PUT"),
        ],
    );
    for (name, builder, request, reason) in [
        (
            "foreign one second",
            with_put(),
            origins(APP, EVIL),
            DuplicateHeader::Origin,
        ),
        (
            "twice the same",
            with_put(),
            origins(APP, APP),
            DuplicateHeader::Origin,
        ),
        (
            "any origin",
            public().any_method(),
            origins(APP, APP),
            DuplicateHeader::Origin,
        ),
        (
            "method",
            with_put(),
            methods,
            DuplicateHeader::RequestMethod,
        ),
    ] {
        let policy = builder.clone().build_policy().unwrap();
        let (head, ()) = request.into_parts();
        let refused = CorsVerdict::PreflightRefused(CorsRefusal::Duplicate(reason));
        assert_eq!(policy.check(&head), refused, "{name}");
        assert_answer(name, &builder, Request::from_parts(head, ()), 403, &[]).await;
    }
}

#[tokio::test]
async fn an_options_that_is_no_preflight_reaches_the_service() {
    let spy = Spy::new().header(http::header::ALLOW, "GET");
    for (name, lines) in [
        ("bare", &[][..]),
        ("origin alone", &[("origin", APP)]),
        ("method alone", &[("access-control-request-method", "PUT")]),
        (
            "headers without method",
            &[("origin", APP), ("access-control-request-headers", "x-a")],
        ),
    ] {
        let response = answer(&with_put(), &spy, request(Method::OPTIONS, lines)).await;
        assert_eq!(response.headers()["allow"], "GET", "{name}");
        assert!(!response.headers().contains_key(VARY), "{name}");
        let is_allowed = response.headers().contains_key(ACAO);
        assert_eq!(is_allowed, lines.contains(&("origin", APP)), "{name}");
    }
    let mut asterisk = request(Method::OPTIONS, &[]);
    *asterisk.uri_mut() = "*".parse().unwrap();
    answer(&with_put(), &spy, asterisk).await;
    assert_eq!(spy.calls(), 5);

    // Any other method with these headers is no preflight either.
    let put = request(
        Method::PUT,
        &[("origin", APP), ("access-control-request-method", "PUT")],
    );
    answer(&with_put(), &spy, put).await;
    assert_eq!(spy.calls(), 6);
}

#[tokio::test]
async fn actual_requests_are_answered_for_their_origin() {
    let exposing = one().expose_headers(["ETag", "x-b", "content-type"]);
    let two = || request(Method::GET, &[("origin", APP), ("origin", APP)]);
    let vary = ("vary", "Origin");
    for (name, builder, request, expected) in [
        ("allowed", one(), get(APP), &[(ACAO, APP), vary][..]),
        (
            "with credentials",
            with_credentials(),
            get(APP),
            &[(ACAO, APP), (ACAC, "true"), vary],
        ),
        (
            "exposing",
            exposing.clone(),
            get(APP),
            &[(ACAO, APP), (ACEH, "etag,x-b"), vary],
        ),
        (
            "no origin",
            exposing.clone(),
            request(Method::GET, &[]),
            &[vary],
        ),
        ("foreign", exposing, get(EVIL), &[vary]),
        ("null", with_credentials(), get("null"), &[vary]),
        ("empty", with_credentials(), get(""), &[vary]),
        ("two lines", with_credentials(), two(), &[vary]),
        ("any", public(), get(EVIL), &[(ACAO, "*")]),
        (
            "any without origin",
            public(),
            request(Method::GET, &[]),
            &[(ACAO, "*")],
        ),
        ("any with two", public(), two(), &[(ACAO, "*")]),
        (
            "any, exposing any",
            public().expose_any_header(),
            request(Method::HEAD, &[]),
            &[(ACAO, "*"), (ACEH, "*")],
        ),
        (
            "gRPC-web",
            one().grpc_web(),
            get(APP),
            &[
                (ACAO, APP),
                (ACEH, "grpc-message,grpc-status,grpc-status-details-bin"),
                vary,
            ],
        ),
    ] {
        assert_answer(name, &builder, request, 200, expected).await;
    }
}

#[tokio::test]
async fn every_status_and_method_is_treated_alike() {
    for status in [200, 304, 401, 404, 429, 500] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
            let spy = Spy::new().status(StatusCode::from_u16(status).unwrap());
            let request = request(method, &[("origin", APP)]);
            let response = answer(&one(), &spy, request).await;
            assert_eq!(response.status(), status);
            let expected = owned(&[(ACAO, APP), ("vary", "Origin")]);
            assert_eq!(lines(response.headers()), expected);
        }
    }
}

#[tokio::test]
async fn look_alikes_of_an_origin_are_foreign() {
    let builder = CorsLayer::builder().origins([
        APP,
        "https://*.example.org",
        "http://localhost:*",
        "https://[2001:db8::1]:8443",
    ]);
    for origin in [
        APP,
        "https://a.example.org",
        "https://a.b.example.org",
        "http://localhost",
        "http://localhost:8080",
        "https://[2001:db8::1]:8443",
    ] {
        let response = answer(&builder, &Spy::new(), get(origin)).await;
        assert_eq!(response.headers()[ACAO], origin);
    }
    for origin in [
        "https://app.example.com.evil.test",
        "https://evilapp.example.com",
        "https://app.example.com:443",
        "https://app.example.com/",
        "https://app.example.com.",
        "https://user@app.example.com",
        "https://app.example.com, https://app.example.com",
        "http://app.example.com",
        "HTTPS://app.example.com",
        "https://APP.example.com",
        "https://example.org",
        "https://evilexample.org",
        "https://a.example.org.evil.test",
        "https://A.example.org",
        "https://.example.org",
        "https://a..example.org",
        "https://a.example.org:443x",
        "http://localhost:0",
        "http://localhost:080",
        "http://localhost:65536",
        "http://localhost.evil.test",
        "https://localhost",
        "https://[2001:db8:0::1]:8443",
        "null",
        "*",
        "",
    ] {
        let response = answer(&builder, &Spy::new(), get(origin)).await;
        assert!(!response.headers().contains_key(ACAO), "{origin}");
    }
}

#[tokio::test]
async fn vary_is_kept_and_never_doubled() {
    for (inner, expected) in [
        (&[][..], &["Origin"][..]),
        (&["accept-encoding"], &["accept-encoding", "Origin"]),
        (
            &["accept", "ORIGIN , cookie"],
            &["accept", "ORIGIN , cookie"],
        ),
        (&["*"], &["*"]),
        (&["accept, *"], &["accept, *"]),
        (
            &["x-origin", "origin-x"],
            &["x-origin", "origin-x", "Origin"],
        ),
    ] {
        let spy = inner
            .iter()
            .fold(Spy::new(), |spy, line| spy.header(VARY, line));
        for request in [get(APP), get(EVIL), request(Method::POST, &[])] {
            let response = answer(&one(), &spy, request).await;
            let lines: Vec<_> = response.headers().get_all(VARY).iter().collect();
            assert_eq!(lines, expected);
        }
    }
}

#[tokio::test]
async fn further_names_go_into_vary() {
    let builder = one().vary(["X-Tenant", "origin", "x-tenant", "accept"]);
    let vary = |response: &Response<_>| {
        let lines = response.headers().get_all(VARY).iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let response = answer(&builder, &Spy::new(), get(APP)).await;
    assert_eq!(vary(&response), ["Origin, accept, x-tenant"]);
    let spy = Spy::new().header(VARY, "Accept");
    let response = answer(&builder, &spy, get(EVIL)).await;
    assert_eq!(vary(&response), ["Accept", "Origin", "x-tenant"]);
    let response = answer(&public().vary(["x-tenant"]), &Spy::new(), get(APP)).await;
    assert_eq!(vary(&response), ["x-tenant"]);
}

#[tokio::test]
async fn headers_of_the_inner_service_are_overruled() {
    let spy = || {
        Spy::new()
            .header(HeaderName::from_static(ACAO), "*")
            .header(HeaderName::from_static(ACAO), "https://other.example")
            .header(HeaderName::from_static(ACAC), "true")
            .header(HeaderName::from_static(ACEH), "x-inner")
    };
    let vary = ("vary", "Origin");
    let inner = [(ACAC, "true"), (ACEH, "x-inner"), vary];
    let kept = [
        (ACAO, "*"),
        (ACAO, "https://other.example"),
        (ACAC, "true"),
        (ACEH, "x-inner"),
        vary,
    ];
    let keeping = one().dangerous_keep_inner_cors(true);
    for (name, builder, request, expected) in [
        (
            "allowed",
            one(),
            get(APP),
            &[(ACAO, APP), (ACEH, "x-inner"), vary][..],
        ),
        (
            "exposing",
            one().expose_headers(["etag"]),
            get(APP),
            &[(ACAO, APP), (ACEH, "etag"), vary],
        ),
        (
            "credentials",
            with_credentials(),
            get(APP),
            &[(ACAO, APP), (ACAC, "true"), (ACEH, "x-inner"), vary],
        ),
        ("foreign", one(), get(EVIL), &inner),
        ("no origin", one(), request(Method::GET, &[]), &inner),
        (
            "any",
            public(),
            get(EVIL),
            &[(ACAO, "*"), (ACEH, "x-inner")],
        ),
        ("kept, allowed", keeping.clone(), get(APP), &kept),
        ("kept, foreign", keeping.clone(), get(EVIL), &kept),
    ] {
        let response = answer(&builder, &spy(), request).await;
        assert_eq!(lines(response.headers()), owned(expected), "{name}");
    }
    // Nothing to keep: the layer speaks for itself.
    assert_answer("keeping", &keeping, get(APP), 200, &[(ACAO, APP), vary]).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn every_setter_of_the_preflight_shows() {
    let put = || preflight(APP, "PUT", &[]);
    let base = || one().methods(["PUT"]);
    let (ok, method) = ((ACAO, APP), (ACAM, "PUT"));
    let asked = "Access-Control-Request-Method, Access-Control-Request-Headers";
    let with_origin = format!("Origin, {asked}");
    let with_name = format!("Origin, x-tenant, {asked}");
    let private = || {
        let mut request = put();
        request.headers_mut().insert(
            "access-control-request-private-network",
            "true".parse().unwrap(),
        );
        request
    };
    let private_twice = || {
        let mut request = private();
        let headers = request.headers_mut();
        headers.append(
            "access-control-request-private-network",
            "true".parse().unwrap(),
        );
        request
    };
    let private_in_upper_case = || {
        let mut request = private();
        let headers = request.headers_mut();
        headers.insert(
            "access-control-request-private-network",
            "True".parse().unwrap(),
        );
        request
    };
    let allowed = ("access-control-allow-private-network", "true");
    for (name, builder, request, status, expected) in [
        ("default", base(), put(), 204, &[ok, method][..]),
        (
            "status",
            base().preflight_success_status(200),
            put(),
            200,
            &[ok, method],
        ),
        (
            "max age",
            base().max_age(MaxAge::Secs(600)),
            put(),
            204,
            &[ok, method, (ACMA, "600")],
        ),
        (
            "max age, off",
            base().max_age(MaxAge::Disabled),
            put(),
            204,
            &[ok, method, (ACMA, "0")],
        ),
        (
            "vary",
            base().vary_on_preflight(true),
            put(),
            204,
            &[ok, method, ("vary", &with_origin)],
        ),
        (
            "vary of a refusal",
            base().vary_on_preflight(true),
            preflight(EVIL, "PUT", &[]),
            403,
            &[("vary", &with_origin)],
        ),
        (
            "vary of any origin",
            public()
                .any_method()
                .vary(["x-tenant"])
                .vary_on_preflight(true),
            put(),
            204,
            &[(ACAO, "*"), (ACAM, "*"), ("vary", &with_name)],
        ),
        (
            "private network, off",
            base(),
            private(),
            204,
            &[ok, method],
        ),
        (
            "private network",
            base().dangerous_allow_private_network(true),
            private(),
            204,
            &[ok, method, allowed],
        ),
        (
            "private network, two lines",
            base().dangerous_allow_private_network(true),
            private_twice(),
            204,
            &[ok, method],
        ),
        (
            "private network, another case",
            base().dangerous_allow_private_network(true),
            private_in_upper_case(),
            204,
            &[ok, method],
        ),
        (
            "private network, not asked for",
            base().dangerous_allow_private_network(true),
            put(),
            204,
            &[ok, method],
        ),
        (
            "private network, refused",
            one()
                .methods(["PATCH"])
                .dangerous_allow_private_network(true),
            private(),
            403,
            &[],
        ),
        (
            "grpc-web",
            one().grpc_web(),
            preflight(
                APP,
                "POST",
                &["content-type,grpc-timeout,x-grpc-web,x-user-agent"],
            ),
            204,
            &[
                ok,
                (ACAH, "content-type,grpc-timeout,x-grpc-web,x-user-agent"),
            ],
        ),
    ] {
        assert_answer(name, &builder, request, status, expected).await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn failures_are_explained_to_allowed_origins_alone() {
    let builder = with_put().max_age(MaxAge::Secs(600)).explain_failures(true);
    let ok = (ACAO, APP);
    for (name, builder, request, status, expected) in [
        (
            "method",
            builder.clone(),
            preflight(APP, "DELETE", &["x-b"]),
            204,
            &[ok][..],
        ),
        (
            "header",
            builder.clone(),
            preflight(APP, "PUT", &["x-b"]),
            204,
            &[ok, (ACAM, "PUT"), (ACAH, "content-type,x-a")],
        ),
        (
            "header of another case, and one that is not allowed",
            builder.clone(),
            preflight(APP, "PUT", &["Content-Type,x-b"]),
            204,
            &[ok, (ACAM, "PUT"), (ACAH, "content-type,x-a")],
        ),
        // With the names a browser would go on: it wants each of its own to be there, and does not count.
        (
            "allowed headers of another case",
            builder.clone(),
            preflight(APP, "PUT", &["Content-Type"]),
            204,
            &[ok, (ACAM, "PUT")],
        ),
        (
            "allowed headers, not sorted",
            builder.clone(),
            preflight(APP, "PUT", &["x-a,content-type"]),
            204,
            &[ok, (ACAM, "PUT")],
        ),
        (
            "an allowed header twice",
            builder.clone(),
            preflight(APP, "PUT", &["x-a", "x-a"]),
            204,
            &[ok, (ACAM, "PUT")],
        ),
        (
            "an allowed header between blanks",
            builder.clone(),
            preflight(APP, "PUT", &["  x-a "]),
            204,
            &[ok, (ACAM, "PUT")],
        ),
        (
            "an allowed header after seventeen commas",
            builder.clone(),
            preflight(APP, "PUT", &[",,,,,,,,,,,,,,,,,x-a"]),
            204,
            &[ok, (ACAM, "PUT")],
        ),
        (
            "foreign",
            builder.clone(),
            preflight(EVIL, "DELETE", &[]),
            403,
            &[],
        ),
        (
            "success",
            builder,
            preflight(APP, "PUT", &[]),
            204,
            &[ok, (ACAM, "PUT"), (ACMA, "600")],
        ),
        (
            "nothing is allowed",
            one().explain_failures(true),
            preflight(APP, "GET", &["x-a"]),
            204,
            &[ok],
        ),
        (
            "nothing is asked for",
            one().explain_failures(true),
            preflight(APP, "GET", &[]),
            204,
            &[ok],
        ),
    ] {
        assert_answer(name, &builder, request, status, expected).await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn foreign_requests_are_refused_when_told_so() {
    let strict = one().refuse(Refuse::PreflightAndActual);
    let post = |lines: &[(&'static str, &str)]| request(Method::POST, lines);
    let not_allowed = CorsRefusal::Origin(OriginProblem::NotAllowed);
    let null = CorsRefusal::Origin(OriginProblem::Null);
    let named = strict.clone().self_origins(["https://public.example.com"]);
    for (name, builder, request, reason) in [
        ("allowed", &strict, get(APP), None),
        ("no origin", &strict, post(&[]), None),
        ("foreign", &strict, get(EVIL), Some(not_allowed)),
        ("null", &strict, get("null"), Some(null)),
        (
            "two lines",
            &strict,
            post(&[
                ("origin", APP),
                ("origin", APP),
                ("sec-fetch-site", "same-origin"),
            ]),
            Some(CorsRefusal::Duplicate(DuplicateHeader::Origin)),
        ),
        (
            "own form",
            &strict,
            post(&[
                ("origin", "https://api.example.com"),
                ("host", "api.example.com"),
            ]),
            None,
        ),
        (
            "own page over plain http",
            &strict,
            post(&[
                ("origin", "http://api.example.com"),
                ("host", "api.example.com"),
            ]),
            Some(not_allowed),
        ),
        (
            "own page, says the browser",
            &strict,
            post(&[("origin", "null"), ("sec-fetch-site", "same-origin")]),
            None,
        ),
        (
            "own site",
            &strict,
            post(&[
                ("origin", "https://www.example.com"),
                ("sec-fetch-site", "same-site"),
            ]),
            Some(not_allowed),
        ),
        (
            "said twice",
            &strict,
            post(&[
                ("origin", "null"),
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "same-origin"),
            ]),
            Some(null),
        ),
        (
            "named own origin",
            &named,
            post(&[
                ("origin", "https://public.example.com"),
                ("host", "backend"),
            ]),
            None,
        ),
        (
            "host is not read then",
            &named,
            post(&[("origin", "https://backend"), ("host", "backend")]),
            Some(not_allowed),
        ),
        (
            "foreign OPTIONS",
            &strict,
            request(Method::OPTIONS, &[("origin", EVIL)]),
            Some(not_allowed),
        ),
    ] {
        let response = answer(builder, &Spy::new(), request).await;
        assert_eq!(
            response.extensions().get::<CorsRefusal>().copied(),
            reason,
            "{name}"
        );
        let status = if reason.is_some() { 403 } else { 200 };
        assert_eq!(response.status(), status, "{name}");
        if reason.is_some() {
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
            assert_eq!(response.headers()[VARY], "Origin", "{name}");
            assert!(!response.headers().contains_key(ACAO), "{name}");
        }
    }
    // The default lets all of them through.
    let response = answer(&one(), &Spy::new(), get(EVIL)).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_refused_grpc_web_call_gets_a_status() {
    let strict = one().refuse(Refuse::PreflightAndActual).build().unwrap();
    let spy = Spy::new();
    let call = |origin| {
        request(
            Method::POST,
            &[
                ("origin", origin),
                ("content-type", "application/grpc-web+proto"),
            ],
        )
    };
    let response = go(strict.layer(spy.clone()), call(EVIL)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "7");
    assert_eq!(spy.calls(), 0);
    let response = go(strict.layer(spy.clone()), call(APP)).await;
    assert!(!response.headers().contains_key("grpc-status"));
    assert_eq!(spy.calls(), 1);
}

#[tokio::test]
async fn a_predicate_decides_after_the_lists() {
    let builder = one()
        .methods(["PUT"])
        .credentials(true)
        .dangerous_allow_origin_if(|origin, head| {
            origin.scheme() == "https"
                && origin.host() == "tenant.example"
                && head.headers.contains_key("x-tenant")
        });
    let tenant = |origin| request(Method::GET, &[("origin", origin), ("x-tenant", "1")]);
    let vary = ("vary", "Origin");
    let all = [(ACAO, "https://tenant.example"), (ACAC, "true"), vary];
    for (name, request, expected) in [
        ("listed", get(APP), &[(ACAO, APP), (ACAC, "true"), vary][..]),
        ("said yes", tenant("https://tenant.example"), &all),
        ("said no", get("https://tenant.example"), &[vary]),
        ("not asked", tenant("https://tenant.example/"), &[vary]),
    ] {
        assert_answer(name, &builder, request, 200, expected).await;
    }
    let mut asked = preflight("https://tenant.example", "PUT", &[]);
    asked.headers_mut().insert("x-tenant", "1".parse().unwrap());
    let expected = [
        (ACAO, "https://tenant.example"),
        (ACAC, "true"),
        (ACAM, "PUT"),
    ];
    assert_answer("preflight", &builder, asked, 204, &expected).await;
    let alone =
        CorsLayer::builder().dangerous_allow_origin_if(|origin, _| origin.port() == Some(1));
    assert_answer(
        "alone",
        &alone,
        get("http://a:1"),
        200,
        &[(ACAO, "http://a:1"), vary],
    )
    .await;
}

type Seen = (
    EventName,
    Level,
    Outcome,
    &'static str,
    Option<String>,
    Option<String>,
);

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn events_tell_the_reason() {
    let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
    let log = Arc::clone(&seen);
    let builder = with_put().events(move |event: &SecurityEvent<'_>| {
        assert_eq!(event.layer, "cors");
        log.lock().unwrap().push((
            event.name,
            event.level,
            event.outcome,
            event.code,
            event.rule.as_deref().map(str::to_owned),
            event.detail.as_deref().map(str::to_owned),
        ));
    });
    let strict = builder.clone().refuse(Refuse::PreflightAndActual);
    let nothing = builder.clone().methods([""; 0]).request_headers([""; 0]);
    let same_origin = request(
        Method::POST,
        &[("origin", EVIL), ("sec-fetch-site", "same-origin")],
    );
    let own_host = || {
        request(
            Method::POST,
            &[
                ("origin", "https://api.example.com"),
                ("host", "api.example.com"),
            ],
        )
    };
    let long = "a".repeat(400);
    let cut = format!("origin={}\u{2026}", &long[..323]);
    for (builder, request, expected) in [
        (&builder, get(APP), None),
        (&builder, preflight(APP, "PUT", &[]), None),
        (&builder, request(Method::GET, &[]), None),
        (&builder, same_origin, None),
        (&builder, own_host(), None),
        (&strict, own_host(), None),
        (
            &builder,
            preflight(EVIL, "PUT", &[]),
            Some((
                Level::Warn,
                Outcome::Refused,
                "origin_refused",
                "origin_not_allowed",
                EVIL,
            )),
        ),
        (
            &builder,
            preflight("null", "PUT", &[]),
            Some((
                Level::Warn,
                Outcome::Refused,
                "origin_refused",
                "origin_null",
                "null",
            )),
        ),
        (
            &builder,
            preflight("a\\", "PUT", &[]),
            Some((
                Level::Warn,
                Outcome::Refused,
                "origin_refused",
                "origin_malformed",
                "a\\\\",
            )),
        ),
        (
            &builder,
            preflight(APP, "DELETE", &[]),
            Some((
                Level::Info,
                Outcome::Refused,
                "method_refused",
                "method_not_allowed",
                APP,
            )),
        ),
        (
            &builder,
            preflight(APP, "PUT", &["x-b"]),
            Some((
                Level::Info,
                Outcome::Refused,
                "header_refused",
                "header_not_allowed",
                APP,
            )),
        ),
        (
            &nothing,
            preflight(APP, "PUT", &[]),
            Some((
                Level::Info,
                Outcome::Refused,
                "preflight_unsupported",
                "nothing_to_ask_for",
                APP,
            )),
        ),
        (
            &builder,
            get(EVIL),
            Some((
                Level::Info,
                Outcome::Success,
                "origin_refused",
                "origin_not_allowed",
                EVIL,
            )),
        ),
        (
            &strict,
            get(EVIL),
            Some((
                Level::Warn,
                Outcome::Refused,
                "origin_refused",
                "origin_not_allowed",
                EVIL,
            )),
        ),
        (
            &builder,
            get(&long),
            Some((
                Level::Info,
                Outcome::Success,
                "origin_refused",
                "origin_malformed",
                &cut,
            )),
        ),
    ] {
        answer(builder, &Spy::new(), request).await;
        let events = std::mem::take(&mut *seen.lock().unwrap());
        let expected: Vec<Seen> = expected
            .into_iter()
            .map(|(level, outcome, code, rule, origin)| {
                let detail = if origin.starts_with("origin=") {
                    origin.to_owned()
                } else {
                    format!("origin={origin}")
                };
                let name = EventName::MaliciousCors;
                (
                    name,
                    level,
                    outcome,
                    code,
                    Some(rule.to_owned()),
                    Some(detail),
                )
            })
            .collect();
        assert_eq!(events, expected);
    }
}

#[tokio::test]
async fn an_inner_layer_is_told_of_once() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let layer = one()
        .events(move |event: &SecurityEvent<'_>| {
            log.lock()
                .unwrap()
                .push((event.name, event.level, event.code));
        })
        .build()
        .unwrap();
    let twice = layer.layer(public().build().unwrap().layer(Spy::new()));
    for _ in 0..3 {
        let response = go(twice.clone(), get(APP)).await;
        assert_eq!(response.headers()[ACAO], APP);
    }
    let event = (
        EventName::SysMonitorDisabled,
        Level::Info,
        "inner_cors_headers",
    );
    assert_eq!(*seen.lock().unwrap(), [event]);
}
