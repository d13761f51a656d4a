//! Reports of browsers: any body is answered, and nothing of it gets into a log raw or beyond its limits.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_security::core::{ManualClock, SecurityEvent};
use tower_security::csp::report::{BrowserReport, CspReportService};
use tower_service::Service;

const TYPES: [&str; 3] = [
    "application/csp-report",
    "application/reports+json",
    "application/json",
];

/// The first byte chooses the content type, the others are the body.
pub fn csp_report(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let content_type = TYPES[usize::from(choice) % TYPES.len()];
    let mut endpoint = CspReportService::builder()
        .clock(ManualClock::new())
        .events(check_event)
        .on_report(check_report)
        .service();
    let request = Request::post("/csp-report")
        .header("content-type", content_type)
        .body(Full::new(Bytes::copy_from_slice(body)))
        .expect("it is a request");
    let answer = answer(&mut endpoint, request);
    let status = answer.status().as_u16();
    assert!(matches!(status, 204 | 400 | 413), "{status}");

    let stats = endpoint.stats();
    let looked_at = stats.told + stats.repeated + stats.filtered + stats.unknown;
    assert!(looked_at <= 32, "{stats:?}");
    assert_eq!(stats.over_budget, 0, "{stats:?}");
    assert_eq!(stats.refused, u64::from(status != 204), "{stats:?}");
    if status != 204 {
        assert_eq!(looked_at, 0, "{stats:?}");
    }
}

fn answer(endpoint: &mut CspReportService, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
    let mut context = Context::from_waker(Waker::noop());
    let answer: Poll<Result<_, Infallible>> = pin!(endpoint.call(request)).poll(&mut context);
    match answer {
        Poll::Ready(Ok(answer)) => answer,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the body is there"),
    }
}

fn check_event(event: &SecurityEvent<'_>) {
    for (text, most) in [
        (&event.target, 128),
        (&event.rule, 128),
        (&event.detail, 1_024),
    ] {
        if let Some(text) = text {
            check_text(text, most);
        }
    }
    assert!(!event.code.is_empty());
}

fn check_report(report: &BrowserReport) {
    let texts = [
        Some(report.document()),
        report.blocked(),
        report.source_file(),
        report.referrer(),
        report.sample(),
        report.subject(),
        report.message(),
    ];
    for text in texts.iter().flatten() {
        check_text(text, 512);
    }
    let addresses = [
        Some(report.document()),
        report.blocked(),
        report.source_file(),
        report.referrer(),
    ];
    for address in addresses.iter().flatten() {
        assert!(!address.contains(['?', '#', ' ']), "{address}");
        let authority = address.split("//").nth(1).unwrap_or_default();
        let authority = authority.split(['/', '\\']).next().unwrap_or_default();
        assert!(!authority.contains('@'), "{address}");
    }
}

fn check_text(text: &str, most: usize) {
    assert!(text.len() <= most, "{} bytes of {most}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
