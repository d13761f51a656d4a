//! The report endpoint behind real sockets.

use std::time::Duration;

use axum::Router;
use axum::routing::post_service;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{Layer, service_fn};
use tower_security::csp::report::{Collect, CspReportLayer, CspReportService};

use crate::support::wire::Server;

const REPORT: &str = r#"{"csp-report":{"effective-directive":"img-src","blocked-uri":"inline"}}"#;

fn ask(
    method: &str,
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "a.example")
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

/// Method, path, content type, body, and the status that comes back.
fn table() -> Vec<(&'static str, &'static str, &'static str, Bytes, u16)> {
    let legacy = "application/csp-report";
    vec![
        ("POST", "/csp-report", legacy, REPORT.into(), 204),
        (
            "POST",
            "/csp-report",
            "application/reports+json",
            "[]".into(),
            204,
        ),
        ("POST", "/csp-report", legacy, "{".into(), 400),
        ("POST", "/csp-report", "text/plain", REPORT.into(), 415),
        ("GET", "/csp-report", legacy, "".into(), 405),
        ("HEAD", "/csp-report", legacy, "".into(), 405),
        ("OPTIONS", "/csp-report", legacy, "".into(), 405),
        ("POST", "/page", legacy, REPORT.into(), 200),
        ("GET", "/page", legacy, "".into(), 200),
    ]
}

async fn check(server: &Server) {
    for (method, path, content_type, body, status) in table() {
        let answer = server
            .http1(ask(method, path, content_type, body.clone()))
            .await;
        assert_eq!(answer.status(), status, "{method} {path} over HTTP/1");
        let empty = method == "HEAD" || status == 204;
        assert_eq!(
            answer.body().is_empty(),
            empty,
            "{method} {path} over HTTP/1"
        );
        let answer = server.http2(ask(method, path, content_type, body)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        assert_eq!(answer.status(), status, "{method} {path} over HTTP/2");
        assert_eq!(
            answer.body().is_empty(),
            empty,
            "{method} {path} over HTTP/2"
        );
    }
}

/// Over HTTP/1 the connection is closed under the sender: see below for what it can still read then.
#[tokio::test]
async fn a_large_report_over_http2_is_refused_and_the_stream_is_whole() {
    let layer = CspReportLayer::at("/csp-report").unwrap();
    let inner = service_fn(|_: Request<Incoming>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("page")))
    });
    let server = Server::hyper(layer.layer(inner)).await;
    for (bytes, status) in [(65_536, 400), (65_537, 413)] {
        let body = vec![b' '; bytes];
        let request = ask("POST", "/csp-report", "application/csp-report", body);
        let answer = server.http2(request).await.unwrap();
        assert_eq!(answer.status(), status, "{bytes}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn hyper_answers_by_the_table() {
    let layer = CspReportLayer::at("/csp-report").unwrap();
    let inner = service_fn(|_: Request<Incoming>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("page")))
    });
    let server = Server::hyper(layer.layer(inner)).await;
    check(&server).await;
    assert_eq!((layer.stats().told, layer.stats().repeated), (1, 1));
}

#[tokio::test]
async fn axum_answers_by_the_table() {
    let layer = CspReportLayer::at("/csp-report").unwrap();
    let router = Router::new().fallback(async || "page").layer(layer);
    check(&Server::axum(router).await).await;
}

#[tokio::test]
async fn a_route_of_axum_takes_the_service() {
    let service = CspReportService::builder()
        .cross_origin(Collect::AnyOrigin)
        .service();
    let router = Router::new().route("/reports", post_service(service.clone()));
    let server = Server::axum(router).await;
    let answer = server
        .http1(ask("POST", "/reports", "application/csp-report", REPORT))
        .await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(service.stats().told, 1);
}

#[tokio::test]
async fn what_only_a_raw_socket_can_say() {
    let layer = CspReportLayer::at("/csp-report").unwrap();
    let inner = service_fn(|_: Request<Incoming>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("page")))
    });
    let server = Server::hyper(layer.layer(inner)).await;
    let head = "POST /csp-report HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/csp-report\r\nConnection: close\r\n";
    let chunk = format!("{:x}\r\n{REPORT}\r\n", REPORT.len());
    let blanks = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let rows = [
        (
            "a length",
            format!("{head}Content-Length: {}\r\n\r\n{REPORT}", REPORT.len()),
            "204",
        ),
        (
            "chunks",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"),
            "204",
        ),
        (
            "chunks that are too many: answered before the last",
            format!(
                "{head}Transfer-Encoding: chunked\r\n\r\n{}1\r\n \r\n",
                blanks.repeat(4)
            ),
            "413",
        ),
        (
            "a length that is too large: answered before the body",
            format!("{head}Content-Length: 65537\r\n\r\n"),
            "413",
        ),
        (
            "a length that is too small: the rest is another request's",
            format!("{head}Content-Length: 10\r\n\r\n{REPORT}"),
            "400",
        ),
        (
            "a chunk that is none",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}zz\r\n\r\n"),
            "400",
        ),
    ];
    for (name, request, status) in rows {
        let answer = tokio::time::timeout(Duration::from_secs(10), server.raw(request.as_bytes()))
            .await
            .expect(name);
        assert_eq!(answer.get(9..12), Some(status), "{name}: {answer}");
    }
}
