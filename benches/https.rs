//! HTTPS: what the layer costs above a bare service, beside the middleware that people write by hand. See `harness` for the
//! commands.

mod harness;

use std::process::ExitCode;

use axum::Router;
use axum::body::Body;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, LOCATION, STRICT_TRANSPORT_SECURITY,
    USER_AGENT,
};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use tower::Layer;

use tower_security::core::{NoopSink, SchemeSource, Tls};
use tower_security::https::{HttpsBuilder, HttpsLayer, OnInsecure, RedirectHost};

use harness::{Group, bare, go, go_axum};

const APP: &str = "app.example.com";
const EVIL: &str = "evil.example";
const OURS: &str = "tower-security";
const RIVAL: &str = "by hand";

fn main() -> ExitCode {
    harness::main("https", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        tower("TLS", || tls(APP)),
        tower("TLS, 1,000 allowed hosts", || tls(APP)),
        tower("plain GET redirected", || plain(APP)),
        tower("plain GET of another host", || plain(EVIL)),
        tower("plain GET, 8 KiB of Host", long_host),
        on_axum("axum: TLS", || tls(APP).map(|_| Body::empty())),
        on_axum("axum: plain GET redirected", || {
            plain(APP).map(|_| Body::empty())
        }),
        on_axum("axum: plain GET of another host", || {
            plain(EVIL).map(|_| Body::empty())
        }),
    ]
}

/// Plain Tower. What is written by hand needs axum, so that there is no rival to it here.
fn tower(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    Group::new(name, "bare")
        .row("bare", move || (request, go(bare())))
        .row(OURS, move || {
            let layer = if name.contains("1,000") {
                let others = (0..999).map(|n| format!("host{n:03}.example.com"));
                ours().allowed_hosts(others.chain([APP.to_owned()]))
            } else {
                ours()
            };
            (request, go(built(layer).layer(bare())))
        })
}

fn on_axum(name: &'static str, request: fn() -> Request<Body>) -> Group {
    Group::new(name, RIVAL)
        .row("bare", move || (request, go_axum(router())))
        .row(RIVAL, move || {
            (request, go_axum(router().layer(from_fn(by_hand))))
        })
        .row(OURS, move || {
            (request, go_axum(router().layer(built(ours()))))
        })
}

/// Reads the one `Host` line, compares it as it stands, and writes the headers: less than the layer does.
async fn by_hand(request: AxumRequest, next: Next) -> AxumResponse {
    if request.extensions().get::<Tls>().is_some() {
        let mut answer = next.run(request).await;
        answer.headers_mut().insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
        return answer;
    }
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if host != APP {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let location = format!("https://{host}{path}");
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || "{}"))
}

fn ours() -> HttpsBuilder {
    // What is written by hand records no events either.
    let hosts = RedirectHost::allow([APP]);
    HttpsLayer::builder(SchemeSource::Tls)
        .on_insecure(OnInsecure::Redirect(hosts))
        .events(NoopSink::new())
}

fn built(builder: HttpsBuilder) -> HttpsLayer {
    builder.build().expect("a legal configuration")
}

fn plain(host: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = Uri::from_static("/orders/1?page=2");
    // As a server hands it on: with a map of extensions.
    request
        .extensions_mut()
        .insert(std::net::SocketAddr::from(([203, 0, 113, 9], 40_000)));
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        (HOST, host),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "text/html"),
        (ACCEPT_LANGUAGE, "en-GB,en;q=0.9"),
        (ACCEPT_ENCODING, "gzip, deflate, br, zstd"),
        (COOKIE, "__Host-session=0123456789abcdef0123456789abcdef"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

fn tls(host: &'static str) -> Request<Full<Bytes>> {
    let mut request = plain(host);
    request.extensions_mut().insert(Tls);
    request
}

fn long_host() -> Request<Full<Bytes>> {
    let mut request = plain(APP);
    let host = HeaderValue::try_from("a.".repeat(4 * 1024)).expect("visible ASCII");
    request.headers_mut().insert(HOST, host);
    request
}
