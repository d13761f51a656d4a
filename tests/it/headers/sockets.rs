//! Over real connections: what reaches a client of HTTP/1, HTTP/2 and gRPC.

use std::convert::Infallible;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{Layer, service_fn};
use tower_security::core::{RequestScheme, SchemeSource};
use tower_security::headers::{ClearSiteData, Preset, SecurityHeadersLayer};

use super::values;
use crate::support::wire::Server;

const WEB: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
];

fn layer() -> SecurityHeadersLayer {
    SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .clear_site_data_on(["/logout"], ClearSiteData::logout().without_cache())
        .scheme(SchemeSource::Listener(RequestScheme::Https))
        .build()
        .unwrap()
}

fn request(method: &str, path: &str, cookies: &[&str]) -> Request<Full<Bytes>> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "app.example");
    cookies
        .iter()
        .fold(request, |request, cookie| request.header("cookie", *cookie))
        .body(Full::default())
        .unwrap()
}

/// Crumbs of HTTP/2 arrive as lines of their own, those of HTTP/1 in one.
#[tokio::test]
async fn axum_answers_with_the_headers_over_both_versions() {
    let router = Router::new()
        .route(
            "/",
            get(async || ([("server", "axum"), ("x-powered-by", "me")], "a page")),
        )
        .route("/logout", post(async || StatusCode::NO_CONTENT))
        .layer(layer());
    let server = Server::axum(router).await;
    let rows: [(&str, &str, &[&str], u16, bool, bool); 6] = [
        ("GET", "/", &["a=1", "b=2"], 200, false, false),
        ("GET", "/", &["a=1", "__Host-session=1"], 200, true, false),
        ("HEAD", "/", &["a=1"], 200, false, false),
        ("GET", "/nowhere", &[], 404, false, false),
        ("POST", "/logout?a=1", &["session=1"], 204, true, true),
        ("GET", "/logout", &["session=1"], 405, true, false),
    ];
    for (method, path, cookies, status, is_personal, clears) in rows {
        let one = server.http1(request(method, path, cookies)).await;
        let two = server.http2(request(method, path, cookies)).await.unwrap();
        for answer in [one, two] {
            let name = format!("{:?} {method} {path}", answer.version());
            assert_eq!(answer.status(), status, "{name}");
            for (header, value) in WEB {
                assert_eq!(values(&answer, header), [value], "{name}");
            }
            for banner in ["server", "x-powered-by"] {
                assert_eq!(values(&answer, banner), [""; 0], "{name}");
            }
            let no_store: &[&str] = if is_personal {
                &["no-store, max-age=0"]
            } else {
                &[]
            };
            assert_eq!(values(&answer, "cache-control"), no_store, "{name}");
            let clear: &[&str] = if clears {
                &[r#""cookies","storage""#]
            } else {
                &[]
            };
            assert_eq!(values(&answer, "clear-site-data"), clear, "{name}");
        }
    }
}

#[tokio::test]
async fn hyper_upgrades_without_the_headers() {
    let service = layer().layer(service_fn(async |request: Request<Incoming>| {
        let mut answer = Response::new(Full::<Bytes>::default());
        if request.headers().contains_key("upgrade") {
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = answer.headers_mut();
            headers.insert("connection", "upgrade".parse().unwrap());
            headers.insert("upgrade", "own".parse().unwrap());
        }
        Ok::<_, Infallible>(answer)
    }));
    let server = Server::hyper(service).await;
    let ask = |lines: &str| format!("GET / HTTP/1.1\r\nhost: app.example\r\n{lines}\r\n");
    let upgraded = server
        .raw(ask("connection: upgrade\r\nupgrade: own\r\n").as_bytes())
        .await;
    assert!(upgraded.starts_with("HTTP/1.1 101 "), "{upgraded}");
    assert!(!upgraded.contains("nosniff"), "{upgraded}");
    let plain = server.raw(ask("connection: close\r\n").as_bytes()).await;
    assert!(plain.starts_with("HTTP/1.1 200 "), "{plain}");
    assert!(
        plain.contains("\r\nx-content-type-options: nosniff\r\n"),
        "{plain}"
    );
}

#[tokio::test]
async fn tonic_answers_with_nosniff_and_cache_control_alone() {
    use tonic::transport::Endpoint;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let (_, health) = tonic_health::server::health_reporter();
    let routes = tonic::service::Routes::new(health);
    let server = Server::tonic(SecurityHeadersLayer::owasp_2026(), routes).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.addr)).unwrap();
    let mut client = HealthClient::new(channel.connect().await.unwrap());
    let check = HealthCheckRequest {
        service: String::new(),
    };
    let answer = client.check(check).await.unwrap();
    let metadata = answer.metadata();
    assert_eq!(metadata.get("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(
        metadata.get("cache-control").unwrap(),
        "no-store, max-age=0"
    );
    assert!(metadata.get("x-frame-options").is_none());
    assert!(metadata.get("permissions-policy").is_none());
}
