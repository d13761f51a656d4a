//! The presets of `SecurityStack`, and what its layers do for each other: what every answer carries, whoever has made it.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HOST, HeaderName, LOCATION, ORIGIN, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};
use tower_security::cookies::{CookieBuilder, Violation};
use tower_security::core::{
    ClientIp, Mode, Problem, ProtoHeader, RequestScheme, SchemeSource, Tls,
};
use tower_security::csp::{Csp, CspLayer, CspLayerBuilder, ReportEndpoint};
use tower_security::headers::{Corp, SecurityHeadersLayer};
use tower_security::https::{Hsts, HttpsLayer, OnInsecure, RedirectHost};
use tower_security::{CookieLayer, CorsLayer, SecurityStack};

use crate::support::posture::warnings;
use crate::support::service::{Spy, go};

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The headers as sorted lines, with `N` for a nonce.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("it is ASCII")))
        .map(|line| without_nonce(&line))
        .collect();
    lines.sort();
    lines
}

fn without_nonce(line: &str) -> String {
    let mut parts = line.split("'nonce-");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (nonce, rest) = part.split_once('\'').expect("a nonce is quoted");
        assert_eq!(nonce.len(), 24, "{line}");
        text.push('N');
        text.push_str(rest);
    }
    text
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).expect("a path")
}

fn with<B>(mut request: Request<B>, headers: &[(HeaderName, &'static str)]) -> Request<B> {
    for (name, value) in headers {
        let value = http::HeaderValue::from_static(value);
        request.headers_mut().append(name, value);
    }
    request
}

fn over_tls<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(Tls);
    request
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn forged() -> Request<Full<Bytes>> {
    let mut request = with(get("/"), &[(SEC_FETCH_SITE, "cross-site")]);
    *request.method_mut() = Method::POST;
    request
}

fn preflight(origin: &'static str) -> Request<Full<Bytes>> {
    let mut request = with(
        get("/"),
        &[(ORIGIN, origin), (ACCESS_CONTROL_REQUEST_METHOD, "PUT")],
    );
    *request.method_mut() = Method::OPTIONS;
    request
}

const PERMISSIONS: &str = "permissions-policy: accelerometer=(), autoplay=(self), browsing-topics=(), camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), encrypted-media=(self), fullscreen=(self), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(self), publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(self), serial=(), usb=(), window-management=(), xr-spatial-tracking=()";
const STRICT: &str = "content-security-policy: default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src N 'strict-dynamic' 'report-sample'; style-src 'self' N; upgrade-insecure-requests";
const STRICT_TWIN: &str = "content-security-policy: default-src 'none'; base-uri 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; object-src 'none'; script-src 'none'; style-src 'self'; upgrade-insecure-requests";

/// What `web()` puts on every answer beside the policy and `Cache-Control`.
const WEB: [&str; 7] = [
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "origin-agent-cluster: ?1",
    PERMISSIONS,
    "referrer-policy: strict-origin-when-cross-origin",
    "x-content-type-options: nosniff",
    "x-frame-options: DENY",
];

fn sorted<'a>(some: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut all = [some, more].concat();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn web_puts_its_headers_on_a_page() {
    let page = Spy::new()
        .header(CONTENT_TYPE, "text/html")
        .header(SET_COOKIE, "session=1")
        .header(HeaderName::from_static("x-powered-by"), "a framework");
    let answer = go(SecurityStack::web().layer(page), get("/")).await;
    let own = [
        STRICT,
        "cache-control: no-store",
        "content-type: text/html",
        "set-cookie: session=1; Secure; HttpOnly; SameSite=Lax",
    ];
    assert_eq!(lines(answer.headers()), sorted(&WEB, &own));
}

#[tokio::test]
async fn api_puts_its_headers_on_data() {
    let data = Spy::new().header(CONTENT_TYPE, "application/json");
    let answer = go(SecurityStack::api().layer(data), get("/")).await;
    assert_eq!(
        lines(answer.headers()),
        [
            "cache-control: no-store, max-age=0",
            "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
            "content-type: application/json",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
        ]
    );
}

/// A client of gRPC reads no policy; what stays is what a browser needs that calls through gRPC-Web.
#[tokio::test]
async fn a_grpc_answer_carries_two_headers_in_every_preset() {
    let reply = || Spy::new().header(CONTENT_TYPE, "application/grpc");
    let own = [
        "cache-control: no-store",
        "content-type: application/grpc",
        "x-content-type-options: nosniff",
    ];
    let answer = go(
        SecurityStack::grpc().layer(reply()),
        get("/pkg.Service/Call"),
    )
    .await;
    assert_eq!(lines(answer.headers()), own);

    let own = [
        "cache-control: no-store, max-age=0",
        "content-type: application/grpc",
        "x-content-type-options: nosniff",
    ];
    let answer = go(
        SecurityStack::api().layer(reply()),
        get("/pkg.Service/Call"),
    )
    .await;
    assert_eq!(lines(answer.headers()), own);

    let own = [
        "content-type: application/grpc",
        "x-content-type-options: nosniff",
    ];
    let answer = go(
        SecurityStack::web().layer(reply()),
        get("/pkg.Service/Call"),
    )
    .await;
    assert_eq!(lines(answer.headers()), own);
}

#[tokio::test]
async fn a_refusal_carries_the_headers_of_a_page() {
    let spy = Spy::new();
    let answer = go(SecurityStack::web().layer(spy.clone()), forged()).await;
    assert_eq!((answer.status(), spy.calls()), (StatusCode::FORBIDDEN, 0));
    let own = [
        STRICT_TWIN,
        "cache-control: no-store",
        "content-type: application/problem+json",
        "vary: Sec-Fetch-Site, Origin",
    ];
    assert_eq!(lines(answer.headers()), sorted(&WEB, &own));
}

#[tokio::test]
async fn every_status_of_a_handler_carries_the_headers() {
    for status in [200, 204, 302, 400, 401, 403, 404, 429, 500, 503] {
        let status = StatusCode::from_u16(status).expect("a status");
        let spy = Spy::new().status(status).header(CONTENT_TYPE, "text/plain");
        let answer = go(SecurityStack::web().layer(spy), get("/")).await;
        assert_eq!(answer.status(), status);
        let own: &[&str] = match status.as_u16() {
            // By the mask: a 404 without a body, and what broke.
            404 | 500 | 503 => &[
                STRICT_TWIN,
                "cache-control: no-store",
                "content-type: application/problem+json",
            ],
            _ => &[STRICT_TWIN, "content-type: text/plain"],
        };
        assert_eq!(lines(answer.headers()), sorted(&WEB, own), "{status}");
    }
    // A new nonce would not be that of the page which the browser has kept.
    let spy = Spy::new().status(StatusCode::NOT_MODIFIED);
    let answer = go(SecurityStack::web().layer(spy), get("/")).await;
    assert_eq!(lines(answer.headers()), sorted(&WEB, &[]));
}

/// Answers with what it is asked for: `/404/application/json` has this status and content type, and words of its own.
async fn told(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut parts = request.uri().path().splitn(3, '/').skip(1);
    let status = parts.next().and_then(|status| status.parse().ok());
    let status = status.expect("a status");
    let content_type = parts.next().expect("a content type");
    if content_type == "problem" {
        return Ok(Problem::new(status, WORDS).into_response());
    }
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    if content_type != "none" {
        *answer.body_mut() = Full::from(WORDS);
        let content_type = content_type.parse().expect("a value");
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(answer)
}

const WORDS: &str = "orders.total at db.rs:42";

/// What a handler says of a request stays its own; what a framework says of one, an API does not pass on; what broke, nobody does.
#[tokio::test]
async fn every_preset_masks_what_broke_and_lets_handlers_say_what_they_mean() {
    async fn passes<S, B>(service: S, path: &str) -> bool
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
    {
        let answer = go(service, get(path)).await;
        let status = answer.status().as_str().to_owned();
        assert_eq!(path.get(1..4), Some(&*status));
        let is_problem = answer.headers().get(CONTENT_TYPE)
            == Some(&"application/problem+json".parse().expect("a value"));
        let body = answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let body = std::str::from_utf8(&body).expect("it is text");
        assert_eq!(is_problem, body.starts_with('{'), "{path}: {body}");
        body.contains(WORDS)
    }
    for (path, by_api, by_web) in [
        ("/200/text/plain", true, true),
        ("/404/application/json", true, true),
        ("/409/text/html", true, true),
        ("/400/text/plain;charset=utf-8", false, true),
        ("/404/text/plain", false, true),
        ("/422/text/plain", false, true),
        ("/429/problem", true, true),
        ("/503/problem", true, true),
        ("/404/none", false, false),
        ("/405/none", false, false),
        ("/500/application/json", false, false),
        ("/500/text/html", false, false),
        ("/503/text/plain", false, false),
    ] {
        let handler = || service_fn(told);
        assert_eq!(
            passes(SecurityStack::api().layer(handler()), path).await,
            by_api,
            "api: {path}"
        );
        assert_eq!(
            passes(SecurityStack::grpc().layer(handler()), path).await,
            by_api,
            "grpc: {path}"
        );
        assert_eq!(
            passes(SecurityStack::web().layer(handler()), path).await,
            by_web,
            "web: {path}"
        );
        // Without the mask all of it goes out, but where nothing was said.
        let said = !path.ends_with("none");
        assert_eq!(
            passes(SecurityStack::new().layer(handler()), path).await,
            said,
            "new: {path}"
        );
    }
}

/// A panic is answered, with the headers that every answer has.
#[tokio::test]
async fn a_panic_under_a_preset_is_an_answer() {
    let panics = || {
        service_fn(
            async |_: Request<Full<Bytes>>| -> Result<Response<Full<Bytes>>, Infallible> {
                panic!("{WORDS}")
            },
        )
    };
    let answer = go(SecurityStack::api().layer(panics()), get("/")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY));
    let body = answer
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    assert_eq!(
        body,
        r#"{"title":"internal error","status":500,"code":"internal_error"}"#
    );

    let mut call = with(
        get("/pkg.Service/Call"),
        &[(CONTENT_TYPE, "application/grpc")],
    );
    *call.method_mut() = Method::POST;
    let answer = go(SecurityStack::grpc().layer(panics()), call).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["grpc-status"], "13");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn a_grpc_status_that_a_handler_means_passes_with_its_words() {
    let reply = |status| {
        Spy::new()
            .header(CONTENT_TYPE, "application/grpc")
            .header(HeaderName::from_static("grpc-status"), status)
            .header(HeaderName::from_static("grpc-message"), WORDS)
    };
    for (status, message) in [
        ("5", WORDS),
        ("9", WORDS),
        ("2", "internal error"),
        ("13", "internal error"),
        ("14", "unavailable"),
    ] {
        let answer = go(
            SecurityStack::grpc().layer(reply(status)),
            get("/pkg.Service/Call"),
        )
        .await;
        assert_eq!(answer.headers()["grpc-status"], status);
        assert_eq!(answer.headers()["grpc-message"], message, "{status}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_with_what_the_browser_reads_and_the_headers() {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .methods([Method::PUT])
        .build()
        .expect("it is well configured");
    let service = SecurityStack::api().cors(cors).layer(Spy::new());
    let allowed = go(service.clone(), preflight("https://app.example.com")).await;
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed.headers()["access-control-allow-methods"], "PUT");
    let refused = go(service, preflight("https://evil.example")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!refused.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    for answer in [allowed, refused] {
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY));
    }
}

/// What any origin may read, any page may include.
#[tokio::test]
async fn beside_public_cors_the_resource_policy_is_open_unless_it_was_chosen() {
    let public = || {
        CorsLayer::builder()
            .any_origin()
            .build()
            .expect("it is well configured")
    };
    let listed = || {
        CorsLayer::builder()
            .origins(["https://app.example.com"])
            .build()
            .expect("it is well configured")
    };
    let chosen = || {
        SecurityHeadersLayer::builder()
            .cross_origin_resource_policy(Corp::SameOrigin)
            .build()
            .expect("it is well configured")
    };
    async fn corp<S, B>(service: S) -> String
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    {
        let answer = go(service, get("/")).await;
        answer.headers()[CORP]
            .to_str()
            .expect("it is ASCII")
            .to_owned()
    }
    assert_eq!(
        corp(SecurityStack::api().cors(public()).layer(Spy::new())).await,
        "cross-origin"
    );
    let cors_first = SecurityStack::new()
        .cors(public())
        .headers(SecurityHeadersLayer::api());
    assert_eq!(corp(cors_first.layer(Spy::new())).await, "cross-origin");
    let tuple = SecurityStack::new()
        .cors((public(), listed()))
        .headers((SecurityHeadersLayer::api(), chosen()));
    assert_eq!(corp(tuple.layer(Spy::new())).await, "cross-origin");
    // The outer layer takes off what the inner one grants.
    let tuple = SecurityStack::api().cors((listed(), public()));
    assert_eq!(corp(tuple.layer(Spy::new())).await, "same-origin");

    assert_eq!(
        corp(SecurityStack::api().cors(listed()).layer(Spy::new())).await,
        "same-origin"
    );
    assert_eq!(
        corp(SecurityStack::api().layer(Spy::new())).await,
        "same-origin"
    );
    let own = SecurityStack::new().headers(chosen()).cors(public());
    assert_eq!(corp(own.layer(Spy::new())).await, "same-origin");
    let own = SecurityStack::new().cors(public()).headers(chosen());
    assert_eq!(corp(own.layer(Spy::new())).await, "same-origin");
}

fn https(source: SchemeSource) -> HttpsLayer {
    HttpsLayer::builder(source)
        .on_insecure(OnInsecure::Redirect(RedirectHost::allow([
            "app.example.com",
        ])))
        .exempt_path("/healthz")
        .build()
        .expect("it is well configured")
}

fn to_app(request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    with(request, &[(HOST, "app.example.com")])
}

/// HSTS belongs on the answers of every layer, those outside of the slot `https` too, and on none over plain HTTP.
#[tokio::test]
async fn hsts_stands_on_every_answer_over_tls_and_on_no_other() {
    const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .methods([Method::PUT])
        .build()
        .expect("it is well configured");
    let spy = Spy::new();
    let service = SecurityStack::web()
        .cors(cors)
        .https(https(SchemeSource::Tls))
        .layer(spy.clone());
    let requests = || {
        [
            get("/"),
            preflight("https://app.example.com"),
            preflight("https://evil.example"),
            forged(),
        ]
    };
    for request in requests() {
        let answer = go(service.clone(), over_tls(to_app(request))).await;
        let hsts: Vec<_> = answer
            .headers()
            .get_all(STRICT_TRANSPORT_SECURITY)
            .iter()
            .collect();
        assert_eq!(hsts, [TWO_YEARS], "{}", answer.status());
    }
    assert_eq!(spy.calls(), 1);
    let forwarded = HeaderName::from_static("x-forwarded-proto");
    for request in requests() {
        let request = with(to_app(request), &[(forwarded.clone(), "https")]);
        let answer = go(service.clone(), request).await;
        assert!(
            !answer.headers().contains_key(STRICT_TRANSPORT_SECURITY),
            "{}",
            answer.status()
        );
    }
    let plain = go(service.clone(), to_app(get("/a?b"))).await;
    assert_eq!(plain.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(plain.headers()[LOCATION], "https://app.example.com/a?b");
    assert_eq!(plain.headers()["x-content-type-options"], "nosniff");
    let local = with(over_tls(get("/")), &[(HOST, "localhost")]);
    let answer = go(service.clone(), local).await;
    assert!(!answer.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    assert_eq!(spy.calls(), 2);
}

#[tokio::test]
async fn hsts_of_a_layer_that_is_off_is_written_by_nobody() {
    let layer = |mode| {
        HttpsLayer::builder(SchemeSource::Listener(RequestScheme::Https))
            .on_insecure(OnInsecure::Reject)
            .mode(mode)
            .build()
            .expect("it is well configured")
    };
    for (mode, written) in [
        (Mode::Enforce, true),
        (Mode::ReportOnly, true),
        (Mode::Off, false),
    ] {
        let service = SecurityStack::new().https(layer(mode)).layer(Spy::new());
        let answer = go(service, to_app(get("/"))).await;
        let hsts = answer.headers().contains_key(STRICT_TRANSPORT_SECURITY);
        assert_eq!(hsts, written, "{mode:?}");
    }
}

/// Of two layers the one that has a line to write writes it, wherever the answer was made.
#[tokio::test]
async fn hsts_of_either_of_two_layers_is_written() {
    let refusing = || {
        HttpsLayer::builder(SchemeSource::Tls)
            .allowed_hosts(["app.example.com"])
            .hsts(Hsts::none())
            .build()
            .expect("it is well configured")
    };
    let writing = |hsts| HttpsLayer::hsts_only(SchemeSource::Tls, hsts).expect("it is whole");
    let minutes = Hsts::new(std::time::Duration::from_secs(300));
    async fn hsts(https: (HttpsLayer, HttpsLayer), host: &'static str) -> Vec<String> {
        let service = SecurityStack::new().https(https).layer(Spy::new());
        let answer = go(service, with(over_tls(get("/")), &[(HOST, host)])).await;
        let lines = answer.headers().get_all(STRICT_TRANSPORT_SECURITY);
        lines
            .iter()
            .map(|line| line.to_str().expect("it is ASCII").to_owned())
            .collect()
    }
    for host in ["app.example.com", "refused.example.com"] {
        let outer = hsts((writing(minutes), refusing()), host).await;
        assert_eq!(outer, ["max-age=300"], "{host}");
        let inner = hsts((refusing(), writing(minutes)), host).await;
        assert_eq!(inner, ["max-age=300"], "{host}");
        let both = hsts((writing(minutes), writing(Hsts::two_years())), host).await;
        assert_eq!(both, ["max-age=300"], "{host}");
        assert_eq!(
            hsts((refusing(), refusing()), host).await,
            [""; 0],
            "{host}"
        );
    }
}

/// The `https` layer knows where the scheme is learnt; what was said of the stack itself wins, whatever the order.
#[tokio::test]
async fn the_scheme_source_of_https_is_that_of_the_stack() {
    let page = || Spy::new().header(CONTENT_TYPE, "text/html");
    let upgrades = |headers: &HeaderMap| {
        let policy = headers[CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("it is ASCII");
        policy.contains("upgrade-insecure-requests")
    };
    let health = || to_app(get("/healthz"));

    let unknown = go(SecurityStack::web().layer(page()), health()).await;
    assert!(upgrades(unknown.headers()));
    let plain = go(
        SecurityStack::web()
            .https(https(SchemeSource::Tls))
            .layer(page()),
        health(),
    )
    .await;
    assert!(!upgrades(plain.headers()));
    let secure = go(
        SecurityStack::web()
            .https(https(SchemeSource::Tls))
            .layer(page()),
        over_tls(health()),
    )
    .await;
    assert!(upgrades(secure.headers()));

    let http = SchemeSource::Listener(RequestScheme::Http);
    let before = SecurityStack::web()
        .scheme(http.clone())
        .https(https(SchemeSource::Tls));
    let after = SecurityStack::web()
        .https(https(SchemeSource::Tls))
        .scheme(http);
    for stack in [before, after] {
        let answer = go(stack.layer(page()), over_tls(health())).await;
        assert!(!upgrades(answer.headers()));
        assert!(!answer.headers().contains_key(STRICT_TRANSPORT_SECURITY));
    }
}

#[tokio::test]
async fn the_posture_names_what_the_presets_hold() {
    let stack = SecurityStack::web().https(https(SchemeSource::Tls));
    let posture = stack.posture();
    let names: Vec<_> = posture
        .entries()
        .iter()
        .map(|entry| entry.protection())
        .collect();
    assert_eq!(
        names,
        [
            "context",
            "headers",
            "csp",
            "cookies",
            "error_mask",
            "https",
            "csrf"
        ]
    );
    assert_eq!(warnings(&posture), [""; 0]);
    let text = posture.to_string();
    assert!(
        text.contains("hsts=max-age=63072000; includeSubDomains"),
        "{text}"
    );
    assert!(text.contains("preset=web"), "{text}");

    let of_scheme = |source| {
        let stack = SecurityStack::new()
            .https(https(SchemeSource::Tls))
            .scheme(source);
        stack.posture().to_string()
    };
    const OTHER: &str = "warning: context: https does not go by its own source of the scheme";
    assert!(!of_scheme(SchemeSource::Tls).contains(OTHER));
    let two = (
        https(SchemeSource::Tls),
        https(SchemeSource::Listener(RequestScheme::Http)),
    );
    assert_eq!(
        warnings(&SecurityStack::new().https(two).posture()),
        ["context: https does not go by its own source of the scheme"]
    );
    let cookies = |builder: CookieBuilder| {
        let layer = builder.build().expect("it is well configured");
        let posture = SecurityStack::new().cookies(layer).posture();
        let settings: Vec<_> = posture.entries()[0].settings().collect();
        settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(cookies(CookieLayer::builder()), ["renamed=0"]);
    let loose = CookieLayer::builder()
        .skip(["theme"])
        .dangerous_skip(["session"])
        .script_readable(["XSRF-TOKEN"])
        .on_violation(Violation::Report);
    assert_eq!(
        cookies(loose),
        [
            "renamed=0",
            "skipped=2",
            "script_readable=1",
            "violations=report"
        ]
    );
    assert!(of_scheme(SchemeSource::AssumeHttps).contains(OTHER));
}

#[test]
fn the_posture_tells_of_proxies_that_are_known_to_one_half() {
    let proxies =
        || ClientIp::trusted_proxies(["10.0.0.0/8".parse().expect("a net")]).expect("a proxy");
    let source =
        || SchemeSource::forwarded_proto(proxies(), ProtoHeader::XForwardedProto).expect("a proxy");
    let half = SecurityStack::web().https(https(source()));
    assert_eq!(
        warnings(&half.posture()),
        ["context: proxies tell the scheme, none is named to tell the client"]
    );
    let whole = SecurityStack::web()
        .https(https(source()))
        .client_ip(proxies());
    assert_eq!(warnings(&whole.posture()), [""; 0]);
}

#[test]
fn the_posture_tells_of_a_policy_on_trial() {
    let policy = || {
        let endpoint = ReportEndpoint::path("csp", "/csp-report").expect("a path");
        let policy = Csp::strict()
            .upgrade_insecure_requests(false)
            .report_to(endpoint);
        policy.build().expect("it is well configured")
    };
    let text = |layer: CspLayerBuilder| {
        let layer = layer.build().expect("it is well configured");
        SecurityStack::new().csp(layer).posture().to_string()
    };
    let both = text(CspLayer::builder().enforce(policy()).report_only(policy()));
    assert!(
        both.contains("trial=yes") && !both.contains("warning: csp"),
        "{both}"
    );
    let alone = text(CspLayer::builder().report_only(policy()));
    assert!(alone.contains("warning: csp: report-only"), "{alone}");
    let enforced = text(CspLayer::builder().enforce(policy()));
    assert!(!enforced.contains("trial"), "{enforced}");
}
