//! CORS: what the layer costs above a bare service, beside `tower_http::cors`. See `harness` for the commands.

mod harness;

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN,
    USER_AGENT,
};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use tower::Layer;
use tower_security::cors::{CorsLayer, MaxAge};

use harness::{Group, bare, go, go_axum};

const ALLOWED: &str = "https://app.example.com";
const REFUSED: &str = "https://app.example.net";
const RIVAL: &str = "tower-http";
const OURS: &str = "tower-security";

fn main() -> ExitCode {
    harness::main("cors", &groups())
}

fn groups() -> Vec<Group> {
    let mut groups = actual_groups();
    groups.extend(preflight_groups());
    groups.extend(axum_groups());
    groups
}

fn actual_groups() -> Vec<Group> {
    vec![
        Group::new("GET without Origin", RIVAL)
            .row("bare", || (|| actual(None), go(bare())))
            .row("tower-http", || {
                (|| actual(None), go(rival().layer(bare())))
            })
            .row(OURS, || (|| actual(None), go(ours().layer(bare())))),
        Group::new("GET allowed", RIVAL)
            .row("bare", || (|| actual(Some(ALLOWED)), go(bare())))
            .row("tower-http", || {
                (|| actual(Some(ALLOWED)), go(rival().layer(bare())))
            })
            .row(OURS, || {
                (|| actual(Some(ALLOWED)), go(ours().layer(bare())))
            }),
        Group::new("GET refused", RIVAL)
            .row("bare", || (|| actual(Some(REFUSED)), go(bare())))
            .row("tower-http", || {
                (|| actual(Some(REFUSED)), go(rival().layer(bare())))
            })
            .row(OURS, || {
                (|| actual(Some(REFUSED)), go(ours().layer(bare())))
            }),
        Group::new("GET allowed, the last of 1,000 origins", RIVAL)
            .row("bare", || (|| actual(Some(ALLOWED)), go(bare())))
            .row("tower-http", || {
                (|| actual(Some(ALLOWED)), go(rival_of_1000().layer(bare())))
            })
            .row(OURS, || {
                (|| actual(Some(ALLOWED)), go(ours_of_1000().layer(bare())))
            }),
    ]
}

fn preflight_groups() -> Vec<Group> {
    vec![
        Group::new("preflight allowed", RIVAL)
            .row("bare", || (|| preflight(ALLOWED, AUTHORIZED), go(bare())))
            .row("tower-http", || {
                (|| preflight(ALLOWED, AUTHORIZED), go(rival().layer(bare())))
            })
            .row(OURS, || {
                (|| preflight(ALLOWED, AUTHORIZED), go(ours().layer(bare())))
            }),
        Group::new("preflight refused", RIVAL)
            .row("bare", || (|| preflight(REFUSED, AUTHORIZED), go(bare())))
            .row("tower-http", || {
                (|| preflight(REFUSED, AUTHORIZED), go(rival().layer(bare())))
            })
            .row(OURS, || {
                (|| preflight(REFUSED, AUTHORIZED), go(ours().layer(bare())))
            }),
        // The header is parsed by nobody but a layer that checks it: the rival answers with its whole list.
        Group::new("preflight of 16 KiB of commas and blanks", RIVAL)
            .row("bare", || (hostile_preflight, go(bare())))
            .row("tower-http", || {
                (hostile_preflight, go(rival().layer(bare())))
            })
            .row(OURS, || (hostile_preflight, go(ours().layer(bare())))),
    ]
}

fn axum_groups() -> Vec<Group> {
    vec![
        Group::new("axum: GET allowed", RIVAL)
            .row("bare", || {
                (|| on_axum(actual(Some(ALLOWED))), go_axum(router()))
            })
            .row("tower-http", || {
                (
                    || on_axum(actual(Some(ALLOWED))),
                    go_axum(router().layer(rival())),
                )
            })
            .row(OURS, || {
                (
                    || on_axum(actual(Some(ALLOWED))),
                    go_axum(router().layer(ours())),
                )
            }),
        Group::new("axum: preflight allowed", RIVAL)
            .row("bare", || {
                (
                    || on_axum(preflight(ALLOWED, AUTHORIZED)),
                    go_axum(router()),
                )
            })
            .row("tower-http", || {
                (
                    || on_axum(preflight(ALLOWED, AUTHORIZED)),
                    go_axum(router().layer(rival())),
                )
            })
            .row(OURS, || {
                (
                    || on_axum(preflight(ALLOWED, AUTHORIZED)),
                    go_axum(router().layer(ours())),
                )
            }),
    ]
}

/// As a browser sends it: sorted, lower-case, unique.
const AUTHORIZED: HeaderValue = HeaderValue::from_static("authorization,content-type");

fn browser(method: Method, origin: Option<&'static str>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let headers = request.headers_mut();
    // As a server does: a map that grew step by step leaves the heap of each row in another state.
    headers.reserve(12);
    for (name, value) in [
        (HOST, "api.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (HeaderName::from_static("sec-fetch-mode"), "cors"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(origin) = origin {
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
    }
    request
}

fn actual(origin: Option<&'static str>) -> Request<Full<Bytes>> {
    browser(Method::GET, origin)
}

fn preflight(origin: &'static str, headers: HeaderValue) -> Request<Full<Bytes>> {
    let mut request = browser(Method::OPTIONS, Some(origin));
    request.headers_mut().insert(
        ACCESS_CONTROL_REQUEST_METHOD,
        HeaderValue::from_static("PUT"),
    );
    request
        .headers_mut()
        .insert(ACCESS_CONTROL_REQUEST_HEADERS, headers);
    request
}

fn hostile_preflight() -> Request<Full<Bytes>> {
    let headers = HeaderValue::try_from(", ".repeat(8 * 1024)).expect("visible ASCII and blanks");
    preflight(ALLOWED, headers)
}

fn on_axum(request: Request<Full<Bytes>>) -> Request<Body> {
    request.map(|_| Body::empty())
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || "{}"))
}

fn rival() -> tower_http::cors::CorsLayer {
    rival_of([HeaderValue::from_static(ALLOWED)].into())
}

fn rival_of_1000() -> tower_http::cors::CorsLayer {
    let others = (0..999).map(|n| {
        HeaderValue::try_from(format!("https://app{n:03}.example.com")).expect("visible ASCII")
    });
    rival_of(others.chain([HeaderValue::from_static(ALLOWED)]).collect())
}

fn rival_of(origins: Vec<HeaderValue>) -> tower_http::cors::CorsLayer {
    tower_http::cors::CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .allow_credentials(true)
        .max_age(Duration::from_secs(600))
}

fn ours() -> CorsLayer {
    ours_of(&[ALLOWED.to_owned()])
}

fn ours_of_1000() -> CorsLayer {
    let mut origins: Vec<_> = (0..999)
        .map(|n| format!("https://app{n:03}.example.com"))
        .collect();
    origins.push(ALLOWED.to_owned());
    ours_of(&origins)
}

fn ours_of(origins: &[String]) -> CorsLayer {
    CorsLayer::builder()
        .origins(origins)
        .methods([Method::PUT, Method::DELETE])
        .request_headers([AUTHORIZATION, CONTENT_TYPE])
        .credentials(true)
        .max_age(MaxAge::Secs(600))
        .build()
        .expect("every value is allowed")
}
