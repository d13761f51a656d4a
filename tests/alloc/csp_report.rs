//! The report endpoint.

use http::StatusCode;
use tower_security::core::NoopSink;
use tower_security::csp::report::{Collect, CspReportLayer};

use super::*;

fn layer() -> CspReportLayer {
    let builder = CspReportLayer::builder().events(NoopSink::new());
    let built = builder.cross_origin(Collect::AnyOrigin).at("/csp-report");
    built.expect("it is a path")
}

fn ask(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "app.example.com")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("content-type", "application/csp-report")
        .body(Full::from(body))
        .expect("it is a request")
}

#[test]
fn a_request_to_another_path_makes_none() {
    let mut service = layer().layer(Bare);
    let request = ask("POST", "/orders", "{}");
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(made, 0);
}

#[test]
fn a_preflight_makes_none() {
    let mut service = layer().layer(Bare);
    let request = ask("OPTIONS", "/csp-report", "");
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(made, 0);
}

/// What a flood of the same report costs: the box of the reading, the bytes, and what the parser and the cleaning make of the
/// members; the table, the budget and the answer make none.
#[test]
fn a_repeated_report_makes_a_fixed_number() {
    const REPORT: &str = r#"{"csp-report":{"document-uri":"https://a.example/","effective-directive":"img-src","blocked-uri":"inline"}}"#;
    let mut service = layer().layer(Bare);
    go(&mut service, ask("POST", "/csp-report", REPORT));
    let again = [(); 2].map(|()| {
        let request = ask("POST", "/csp-report", REPORT);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        made
    });
    assert_eq!(again[0], again[1]);
    assert!(again[0] <= 20, "{} allocations", again[0]);
}
