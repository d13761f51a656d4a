//! The stack: what its layers together cost above a bare service, beside those of its peers as one `ServiceBuilder`: tower-http's CORS
//! and CSRF, and for the presets also http-security-headers with as many headers. The rows of a full stack are in `full`. See `harness`
//! for the commands.

#[path = "stack/full.rs"]
mod full;
mod harness;

use std::process::ExitCode;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, COOKIE,
    HOST, HeaderName, ORIGIN, USER_AGENT,
};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use http_security_headers as peer;
use tower::{Layer, ServiceBuilder};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_security::core::TrustedProxies;
use tower_security::{CorsLayer, CsrfLayer, SecurityStack};

use harness::{Group, bare, go, go_axum};

const PEERS: &str = "tower-http's cors and csrf";
const WITH_HEADERS: &str = "http-security-headers, tower-http's cors and csrf";
const OURS: &str = "tower-security";
const WITH_CONTEXT: &str = "tower-security with id and client address";

const APP: &str = "https://app.example.com";

fn main() -> ExitCode {
    // `jsonwebtoken::decode` asks the process for its backend; this crate does not.
    jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
        .install_default()
        .expect("nobody else has installed one");
    // tower-http's timeout makes its timer before anybody waits.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let _entered = runtime.enter();
    let groups: Vec<_> = groups().into_iter().chain(full::groups()).collect();
    harness::main("stack", &groups)
}

macro_rules! stack {
    () => {
        SecurityStack::new().cors(our_cors()).csrf(CsrfLayer::new())
    };
}

macro_rules! peers {
    ($inner:expr) => {
        peer_cors().layer(peer_csrf().layer($inner))
    };
}

/// The peers as one layer, the stack, and the stack with its context on: a macro, since the types have many parameters.
macro_rules! group {
    ($name:literal, $request:expr) => {
        Group::new($name, PEERS)
            .row("bare", || ($request, go(bare())))
            .row(PEERS, || ($request, go(peers!(bare()))))
            .row(OURS, || ($request, go(stack!().layer(bare()))))
            .row(WITH_CONTEXT, || {
                let stack = stack!().client_ip(TrustedProxies::direct());
                ($request, go(stack.layer(bare())))
            })
    };
}

macro_rules! axum_group {
    ($name:literal, $request:expr) => {
        Group::new($name, PEERS)
            .row("bare", || (|| on_axum($request()), go_axum(router())))
            .row(PEERS, || {
                let peers = ServiceBuilder::new().layer(peer_cors()).layer(peer_csrf());
                (|| on_axum($request()), go_axum(router().layer(peers)))
            })
            .row(OURS, || {
                (|| on_axum($request()), go_axum(router().layer(stack!())))
            })
            .row(WITH_CONTEXT, || {
                let stack = stack!().client_ip(TrustedProxies::direct());
                (|| on_axum($request()), go_axum(router().layer(stack)))
            })
    };
}

fn groups() -> Vec<Group> {
    vec![
        group!("GET, same-origin", own_get),
        group!("POST, same-origin", own_post),
        group!("GET of an allowed origin", allowed_get),
        group!("preflight allowed", preflight),
        group!("POST, cross-site, refused", forged_post),
        preset_group("API: GET, same-origin", own_get),
        page_group("page: GET with a nonce", own_get),
        axum_group!("axum: GET, same-origin", own_get),
        axum_group!("axum: POST, same-origin", own_post),
        axum_group!("axum: preflight allowed", preflight),
        axum_group!("axum: POST, cross-site, refused", forged_post),
    ]
}

/// `api()` with CORS and CSRF protection: five headers and a policy.
fn preset_group(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    Group::new(name, WITH_HEADERS)
        .row("bare", move || (request, go(bare())))
        .row(WITH_HEADERS, move || {
            (request, go(peer_api().layer(peers!(bare()))))
        })
        .row(OURS, move || {
            let stack = SecurityStack::api().cors(our_cors()).csrf(CsrfLayer::new());
            (request, go(stack.layer(bare())))
        })
}

/// `web()` with CORS: seven headers, a policy with a nonce, and cookies, which the peers do not look at.
fn page_group(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    let page = || {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        SetResponseHeaderLayer::overriding(CONTENT_TYPE, html).layer(bare())
    };
    Group::new(name, WITH_HEADERS)
        .row("bare", move || (request, go(page())))
        .row(WITH_HEADERS, move || {
            (request, go(peer_web().layer(peers!(page()))))
        })
        .row(OURS, move || {
            let stack = SecurityStack::web().cors(our_cors());
            (request, go(stack.layer(page())))
        })
}

fn peer_api() -> peer::SecurityHeadersLayer {
    let policy = peer::ContentSecurityPolicy::new()
        .default_src(["'none'"])
        .base_uri(["'none'"])
        .form_action(["'none'"])
        .frame_ancestors(["'none'"]);
    let headers = peer::SecurityHeaders::builder()
        .content_security_policy(policy)
        .x_content_type_options_nosniff()
        .x_frame_options_deny()
        .referrer_policy_no_referrer()
        .cross_origin_resource_policy(peer::CrossOriginResourcePolicy::SameOrigin)
        .build()
        .expect("every value is allowed");
    peer::SecurityHeadersLayer::new(headers)
}

fn peer_web() -> peer::SecurityHeadersLayer {
    let policy = peer::ContentSecurityPolicy::new()
        .default_src(["'none'"])
        .base_uri(["'none'"])
        .connect_src(["'self'"])
        .font_src(["'self'"])
        .form_action(["'self'"])
        .frame_ancestors(["'none'"])
        .img_src(["'self'", "data:"])
        .directive("manifest-src", ["'self'"])
        .object_src(["'none'"])
        .script_src(["'strict-dynamic'", "'report-sample'"])
        .style_src(["'self'"])
        .upgrade_insecure_requests()
        .with_nonce();
    let permissions = ["camera", "microphone", "geolocation"]
        .into_iter()
        .fold(peer::PermissionsPolicy::new(), |policy, feature| {
            policy.deny(feature)
        });
    let headers = peer::SecurityHeaders::builder()
        .content_security_policy(policy)
        .x_content_type_options_nosniff()
        .x_frame_options_deny()
        .referrer_policy_strict_origin_when_cross_origin()
        .cross_origin_opener_policy(peer::CrossOriginOpenerPolicy::SameOrigin)
        .cross_origin_resource_policy(peer::CrossOriginResourcePolicy::SameOrigin)
        .permissions_policy(permissions)
        .build()
        .expect("every value is allowed");
    peer::SecurityHeadersLayer::new(headers)
}

fn browser(
    method: Method,
    site: &'static str,
    origin: Option<&'static str>,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, "api.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (COOKIE, "__Host-session=0123456789abcdef"),
        (HeaderName::from_static("sec-fetch-mode"), "cors"),
        (HeaderName::from_static("sec-fetch-site"), site),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(origin) = origin {
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
    }
    request
}

fn own_get() -> Request<Full<Bytes>> {
    browser(Method::GET, "same-origin", None)
}

fn own_post() -> Request<Full<Bytes>> {
    browser(Method::POST, "same-origin", Some("https://api.example.com"))
}

fn allowed_get() -> Request<Full<Bytes>> {
    browser(Method::GET, "cross-site", Some(APP))
}

fn forged_post() -> Request<Full<Bytes>> {
    browser(Method::POST, "cross-site", Some("https://evil.example"))
}

fn preflight() -> Request<Full<Bytes>> {
    let mut request = browser(Method::OPTIONS, "cross-site", Some(APP));
    let method = HeaderValue::from_static("PUT");
    request
        .headers_mut()
        .insert(ACCESS_CONTROL_REQUEST_METHOD, method);
    request
}

fn on_axum(request: Request<Full<Bytes>>) -> Request<Body> {
    request.map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || "{}").post(async || "{}"))
}

fn peer_cors() -> tower_http::cors::CorsLayer {
    tower_http::cors::CorsLayer::new()
        .allow_origin([HeaderValue::from_static(APP)])
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_credentials(true)
}

fn peer_csrf() -> tower_http::csrf::CsrfLayer {
    tower_http::csrf::CsrfLayer::new()
}

fn our_cors() -> CorsLayer {
    CorsLayer::builder()
        .origins([APP])
        .methods([Method::PUT])
        .credentials(true)
        .build()
        .expect("every value is allowed")
}
