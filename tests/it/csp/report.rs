//! The report endpoint: what is answered, what is read, what is told and how often.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::Layer;
use tower_security::core::{
    EventName, Level, ManualClock, Outcome, Refused, SecurityEvent, TrustedProxies,
};
use tower_security::csp::report::{
    BrowserReport, Collect, CspReportBuilder, CspReportConfigError, CspReportLayer,
    CspReportRefusal, CspReportService, ReportKind,
};

use crate::support::service::{Spy, go};

pub(super) const LEGACY: &str = "application/csp-report";
pub(super) const REPORTS: &str = "application/reports+json";
const JSON: &str = "application/json";
const LIMIT: usize = 64 * 1024;

/// One event, as far as the tests ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) name: EventName,
    pub(super) level: Level,
    pub(super) outcome: Outcome,
    pub(super) code: &'static str,
    pub(super) target: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) whole: String,
}

/// The events of one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    pub(super) fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                target: event.target.as_ref().map(ToString::to_string),
                rule: event.rule.as_ref().map(ToString::to_string),
                detail: event.detail.as_ref().map(ToString::to_string),
                whole: format!("{event:?}"),
            });
        }
    }

    pub(super) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn builder(log: &Log) -> CspReportBuilder {
    CspReportLayer::builder()
        .events(log.sink())
        .clock(ManualClock::new())
}

pub(super) fn post(content_type: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/csp-report")
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

/// A report that differs from others by the path of its page.
fn violation(path: &str) -> String {
    format!(
        r#"{{"csp-report": {{"document-uri": "https://a.example{path}", "effective-directive": "img-src", "blocked-uri": "https://evil.example/x.png"}}}}"#
    )
}

async fn body_of<B>(response: Response<B>) -> Bytes
where
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn another_path_passes_through() {
    let log = Log::default();
    let layer = builder(&log).at("/csp-report").unwrap();
    for path in [
        "/",
        "/csp-report/",
        "/csp-report/x",
        "/CSP-report",
        "/x/csp-report",
        "/csp%2Dreport",
        "//csp-report",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let spy = Spy::new().status(StatusCode::IM_A_TEAPOT);
            let mut request = post(LEGACY, "no report");
            *request.uri_mut() = path.parse().unwrap();
            *request.method_mut() = method;
            let answer = go(layer.layer(spy.clone()), request).await;
            assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT, "{path}");
            assert_eq!(spy.calls(), 1, "{path}");
        }
    }
    assert_eq!(log.take(), []);

    let spy = Spy::new();
    let mut request = post(LEGACY, violation("/"));
    *request.uri_mut() = "/csp-report?any=query".parse().unwrap();
    let answer = go(layer.layer(spy.clone()), request).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(spy.calls(), 0);
    assert_eq!(log.take().len(), 1);
}

#[tokio::test]
async fn a_report_is_answered_with_an_empty_204() {
    for (collect, allowed) in [(Collect::SameOrigin, None), (Collect::AnyOrigin, Some("*"))] {
        let service = builder(&Log::default()).cross_origin(collect).service();
        let mut request = post(LEGACY, violation("/"));
        request
            .headers_mut()
            .insert("origin", "https://b.example".parse().unwrap());
        let answer = go(service, request).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store");
        let origin = headers.get("access-control-allow-origin");
        assert_eq!(origin.map(|value| value.to_str().unwrap()), allowed);
        assert_eq!(
            headers.len(),
            1 + usize::from(allowed.is_some()),
            "{headers:?}"
        );
        assert_eq!(body_of(answer).await, "");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_any_origin_alone() {
    let preflight = || {
        Request::options("/csp-report")
            .header("origin", "https://b.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
    };
    let any = builder(&Log::default())
        .cross_origin(Collect::AnyOrigin)
        .service();
    let ask = preflight().body(Full::<Bytes>::default()).unwrap();
    let answer = go(any.clone(), ask).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let expected = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "content-type"),
        ("access-control-max-age", "7200"),
    ];
    assert_eq!(answer.headers().len(), expected.len());
    for (name, value) in expected {
        assert_eq!(answer.headers()[name], value);
    }

    let own = builder(&Log::default()).service();
    let ask = preflight().body(Full::<Bytes>::default()).unwrap();
    assert_refused(go(own, ask).await, CspReportRefusal::Method).await;

    let mut without = preflight().body(Full::<Bytes>::default()).unwrap();
    without.headers_mut().remove("origin");
    assert_refused(go(any.clone(), without).await, CspReportRefusal::Method).await;
    let mut without = preflight().body(Full::<Bytes>::default()).unwrap();
    without
        .headers_mut()
        .remove("access-control-request-method");
    assert_refused(go(any, without).await, CspReportRefusal::Method).await;
}

/// Status, code, headers, marker and reason of a refusal over HTTP.
async fn assert_refused<B>(answer: Response<B>, refusal: CspReportRefusal)
where
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let (status, code, header) = match refusal {
        CspReportRefusal::Method => (405, "method_not_allowed", Some(("allow", "POST"))),
        CspReportRefusal::Type => (
            415,
            "report_type_unsupported",
            Some((
                "accept-post",
                "application/csp-report, application/reports+json, application/json",
            )),
        ),
        CspReportRefusal::Encoding => (
            415,
            "report_encoding_unsupported",
            Some(("accept-encoding", "identity")),
        ),
        CspReportRefusal::TooLarge => (413, "report_too_large", None),
        _ => (400, "report_malformed", None),
    };
    assert_eq!(answer.status(), status, "{refusal:?}");
    assert_eq!(answer.extensions().get(), Some(&refusal));
    let marker = answer.extensions().get::<Refused>().map(Refused::code);
    assert_eq!(marker, Some(code));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    if let Some((name, value)) = header {
        assert_eq!(answer.headers()[name], value);
    }
    let body = body_of(answer).await;
    assert!(
        body.ends_with(format!("\"code\":\"{code}\"}}").as_bytes()),
        "{body:?}"
    );
}

#[tokio::test]
async fn other_methods_are_refused() {
    let service = builder(&Log::default()).service();
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "post", "QUERY"] {
        let mut request = post(LEGACY, violation("/"));
        *request.method_mut() = method.parse().unwrap();
        assert_refused(go(service.clone(), request).await, CspReportRefusal::Method).await;
    }
    let mut request = post(LEGACY, "");
    *request.method_mut() = Method::HEAD;
    let answer = go(service, request).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(body_of(answer).await, "", "the head alone");
}

#[tokio::test]
async fn the_content_type_is_that_of_reports() {
    let service = builder(&Log::default()).service();
    let list = "[]";
    for (content_type, body) in [
        (LEGACY, violation("/").as_str()),
        (
            "Application/CSP-Report ; charset=utf-8",
            violation("/").as_str(),
        ),
        (REPORTS, list),
        ("application/reports+json;charset=UTF-8", list),
        (JSON, violation("/").as_str()),
        (JSON, list),
    ] {
        let answer = go(service.clone(), post(content_type, body.to_owned())).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{content_type}");
    }
    for content_type in [
        "text/plain",
        "",
        "application/csp-reports",
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "application/json, text/plain",
        "x/y; application/json",
    ] {
        let answer = go(service.clone(), post(content_type, list)).await;
        assert_refused(answer, CspReportRefusal::Type).await;
    }
    let mut without = post(JSON, list);
    without.headers_mut().remove("content-type");
    assert_refused(go(service.clone(), without).await, CspReportRefusal::Type).await;
    let mut twice = post(JSON, list);
    twice
        .headers_mut()
        .append("content-type", JSON.parse().unwrap());
    assert_refused(go(service.clone(), twice).await, CspReportRefusal::Type).await;

    for (coding, accepted) in [
        ("gzip", false),
        ("identity", true),
        ("", false),
        ("identity, br", false),
    ] {
        let mut request = post(JSON, list);
        request
            .headers_mut()
            .insert("content-encoding", coding.parse().unwrap());
        let answer = go(service.clone(), request).await;
        if accepted {
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{coding}");
        } else {
            assert_refused(answer, CspReportRefusal::Encoding).await;
        }
    }
}

#[tokio::test]
async fn a_grpc_request_gets_a_status() {
    let spy = Spy::new();
    let layer = builder(&Log::default()).at("/csp-report").unwrap();
    let answer = go(layer.layer(spy.clone()), post("application/grpc+proto", "")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["grpc-status"], "3");
    assert_eq!(answer.headers()["content-type"], "application/grpc+proto");
    assert_eq!(answer.extensions().get(), Some(&CspReportRefusal::Type));
    assert_eq!(spy.calls(), 0);
}

/// Chunks that count how many were taken, and perhaps an error behind them.
#[derive(Debug)]
struct Chunks {
    left: Vec<Result<Frame<Bytes>, &'static str>>,
    taken: Arc<AtomicUsize>,
    hint: SizeHint,
}

impl Chunks {
    fn new(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> (Self, Arc<AtomicUsize>) {
        let mut left = frames;
        left.reverse();
        let taken = Arc::<AtomicUsize>::default();
        let chunks = Self {
            left,
            taken: Arc::clone(&taken),
            hint: SizeHint::new(),
        };
        (chunks, taken)
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let frame = self.left.pop();
        if frame.is_some() {
            self.taken.fetch_add(1, Ordering::SeqCst);
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(bytes.into()))
}

fn stream(body: Chunks) -> Request<Chunks> {
    Request::post("/csp-report")
        .header("content-type", JSON)
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_no_further() {
    let service = CspReportService::new();
    let padded = |bytes: usize| {
        let mut body = BytesMut::from("[]");
        body.resize(bytes, b' ');
        body.freeze()
    };
    let answer = go(service.clone(), post(JSON, padded(LIMIT))).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let answer = go(service.clone(), post(JSON, padded(LIMIT + 1))).await;
    assert_refused(answer, CspReportRefusal::TooLarge).await;

    // Not announced: 64 chunks of 1 KiB fit, the next byte does not, and what comes behind it is not asked for.
    let chunks = |last: Vec<_>| {
        let body = padded(LIMIT);
        let mut frames: Vec<_> = body
            .chunks(1024)
            .map(|chunk| data(chunk.to_vec()))
            .collect();
        frames.extend(last);
        Chunks::new(frames)
    };
    let (body, taken) = chunks(vec![data("")]);
    assert_eq!(
        go(service.clone(), stream(body)).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(taken.load(Ordering::SeqCst), 65);
    let (body, taken) = chunks(vec![data(" "), data(" "), Err("not reached")]);
    assert_refused(
        go(service.clone(), stream(body)).await,
        CspReportRefusal::TooLarge,
    )
    .await;
    assert_eq!(taken.load(Ordering::SeqCst), 65);

    // Announced by the body or by the header: nothing is read.
    let (mut body, taken) = Chunks::new(vec![data("[]")]);
    body.hint = SizeHint::with_exact(LIMIT as u64 + 1);
    assert_refused(
        go(service.clone(), stream(body)).await,
        CspReportRefusal::TooLarge,
    )
    .await;
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    for (length, expected) in [
        ("65537", 0),
        ("18446744073709551615", 0),
        ("65536", 1),
        ("many", 1),
        ("-1", 1),
        ("99999999999999999999", 1),
    ] {
        let (body, taken) = Chunks::new(vec![data("[]")]);
        let mut request = stream(body);
        request
            .headers_mut()
            .insert("content-length", length.parse().unwrap());
        let answer = go(service.clone(), request).await;
        assert_eq!(
            answer.status() == StatusCode::NO_CONTENT,
            expected == 1,
            "{length}"
        );
        assert_eq!(taken.load(Ordering::SeqCst), expected, "{length}");
    }
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together_and_one_that_breaks_off_is_refused() {
    let log = Log::default();
    let service = builder(&log).service();
    let text = violation("/pieces");
    let mut frames: Vec<_> = text
        .as_bytes()
        .chunks(7)
        .map(|c| data(c.to_vec()))
        .collect();
    frames.push(Ok(Frame::trailers(http::HeaderMap::new())));
    let (body, _) = Chunks::new(frames);
    let answer = go(service.clone(), stream(body)).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(log.take().len(), 1);

    let (body, _) = Chunks::new(vec![data(text), Err("reset by peer: secret")]);
    let answer = go(service, stream(body)).await;
    assert_refused(answer, CspReportRefusal::Body).await;
    let told = log.take();
    assert_eq!(told[0].rule.as_deref(), Some("body"));
    assert!(!told[0].whole.contains("secret"), "{}", told[0].whole);
}

#[tokio::test]
async fn a_sender_of_empty_frames_does_not_keep_the_thread() {
    let frames = (0..1_000).map(|_| data("")).chain([data("[]")]).collect();
    let (body, taken) = Chunks::new(frames);
    let mut service = CspReportService::new();
    let mut call = again(tower::Service::call(&mut service, stream(body)));
    let polls = std::iter::from_fn(|| call().is_pending().then_some(())).count();
    assert_eq!(polls, 1_001 / 64);
    assert_eq!(taken.load(Ordering::SeqCst), 1_001);
}

/// Polls a future again and again.
fn again<F: Future>(future: F) -> impl FnMut() -> Poll<F::Output> {
    let mut future = Box::pin(future);
    move || {
        future
            .as_mut()
            .poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}

#[tokio::test]
async fn a_slow_body_keeps_the_report_waiting_and_a_dropped_one_tells_nothing() {
    let log = Log::default();
    let mut service = builder(&log).service();
    let (sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(4);
    let request = Request::post("/")
        .header("content-type", LEGACY)
        .body(body)
        .unwrap();
    let mut sender = sender;
    let mut call = again(tower::Service::call(&mut service, request));
    assert!(call().is_pending());
    let text = violation("/slow");
    let (one, two) = text.split_at(20);
    sender.send_data(one.to_owned().into()).await.unwrap();
    assert!(call().is_pending());
    assert_eq!(log.take(), []);
    sender.send_data(two.to_owned().into()).await.unwrap();
    drop(sender);
    let Poll::Ready(Ok(answer)) = call() else {
        panic!("the body has ended")
    };
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(call().is_pending(), "a future that was ready stays pending");
    assert_eq!(log.take().len(), 1);

    let (body, _) = Chunks::new(vec![data(violation("/dropped"))]);
    drop(tower::Service::call(&mut service, stream(body)));
    assert_eq!(log.take(), []);
}

/// A body of one buffer that is not `Bytes`.
struct Once<D>(Option<D>);

impl<D: bytes::Buf + Unpin> Body for Once<D> {
    type Data = D;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<D>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }
}

#[tokio::test]
async fn a_buffer_in_pieces_is_read_whole() {
    let log = Log::default();
    let text = violation("/pieces");
    let (one, two) = text.split_at(30);
    let body = Once(Some(bytes::Buf::chain(one.as_bytes(), two.as_bytes())));
    let request = Request::post("/")
        .header("content-type", LEGACY)
        .body(body)
        .unwrap();
    let answer = go(builder(&log).service(), request).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(log.take().len(), 1);
}

#[tokio::test]
async fn the_same_report_is_told_once_a_minute() {
    let (log, clock) = (Log::default(), ManualClock::new());
    let service = CspReportService::builder()
        .events(log.sink())
        .clock(clock.clone())
        .service();
    let send = async |path: &str| {
        let answer = go(service.clone(), post(LEGACY, violation(path))).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    };
    for _ in 0..3 {
        send("/a?differs=in the query").await;
    }
    send("/b").await;
    let details: Vec<_> = log
        .take()
        .into_iter()
        .filter_map(|told| told.detail)
        .collect();
    assert_eq!(
        details,
        [
            "document=https://a.example/a blocked=https://evil.example/x.png",
            "document=https://a.example/b blocked=https://evil.example/x.png",
        ]
    );
    clock.advance(Duration::from_nanos(59_999_999_999));
    send("/a").await;
    assert_eq!(log.take(), []);
    clock.advance(Duration::from_nanos(1));
    send("/a").await;
    let told = log.take();
    assert_eq!(
        told[0].detail.as_deref(),
        Some("repeated=3 document=https://a.example/a blocked=https://evil.example/x.png")
    );
    let stats = service.stats();
    assert_eq!((stats.told, stats.repeated), (3, 3));
}

#[tokio::test]
async fn a_minute_has_a_budget_and_the_rest_is_counted() {
    let (log, clock) = (Log::default(), ManualClock::new());
    let service = CspReportService::builder()
        .events(log.sink())
        .clock(clock.clone())
        .service();
    for number in 0..700 {
        let body = violation(&format!("/{number}"));
        go(service.clone(), post(LEGACY, body)).await;
    }
    assert_eq!(log.take().len(), 600);
    let stats = service.stats();
    assert_eq!((stats.told, stats.over_budget), (600, 100));
    clock.advance(Duration::from_secs(60));
    go(service.clone(), post(LEGACY, violation("/next"))).await;
    assert_eq!(log.take().len(), 1);
}

#[tokio::test]
async fn clones_and_layers_of_one_share_what_they_count() {
    let log = Log::default();
    let layer = builder(&log).at("/csp-report").unwrap();
    for _ in 0..2 {
        let service = layer.layer(Spy::new());
        go(service, post(LEGACY, violation("/"))).await;
    }
    assert_eq!(log.take().len(), 1);
    let stats = layer.stats();
    assert_eq!((stats.told, stats.repeated), (1, 1));
}

#[tokio::test]
async fn junk_is_told_once_a_minute_with_the_number_between() {
    let (log, clock) = (Log::default(), ManualClock::new());
    let service = CspReportService::builder()
        .events(log.sink())
        .clock(clock.clone())
        .service();
    for _ in 0..5 {
        go(service.clone(), post(JSON, "junk")).await;
    }
    clock.advance(Duration::from_secs(60));
    go(service.clone(), post("text/plain", "")).await;
    let told: Vec<_> = log
        .take()
        .into_iter()
        .map(|told| {
            (
                told.name,
                told.level,
                told.outcome,
                told.code,
                told.rule.unwrap(),
                told.detail.unwrap(),
            )
        })
        .collect();
    let event = |code, rule: &str, detail: &str| {
        let name = EventName::InputValidationFail;
        (
            name,
            Level::Info,
            Outcome::Refused,
            code,
            rule.to_owned(),
            detail.to_owned(),
        )
    };
    assert_eq!(
        told,
        [
            event("report_malformed", "syntax", "suppressed=0"),
            event("report_type_unsupported", "type", "suppressed=4"),
        ]
    );
    assert_eq!(service.stats().refused, 6);
}

#[tokio::test]
async fn what_comes_along_is_not_told() {
    let log = Log::default();
    let layer = builder(&log).at("/csp-report").unwrap();
    let stack = tower_security::SecurityStack::new().client_ip(TrustedProxies::direct());
    let service = stack.layer(layer.layer(Spy::new()));
    let mut request = post(LEGACY, violation("/"));
    for (name, value) in [
        ("cookie", "session=secret-cookie"),
        ("origin", "https://secret-origin.example"),
        ("referer", "https://secret-referer.example/"),
        ("authorization", "Bearer secret-token"),
        ("user-agent", "Browser/1"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    *request.uri_mut() = "/csp-report?secret-query".parse().unwrap();
    go(service, request).await;
    let told = log.take();
    assert!(!told[0].whole.contains("secret"), "{}", told[0].whole);
    assert!(told[0].whole.contains("Browser/1"));
}

#[tokio::test]
async fn on_report_hears_of_every_kind_that_is_told_and_may_panic() {
    let log = Log::default();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let service = builder(&log)
        .on_report(move |report: &BrowserReport| {
            hears
                .lock()
                .unwrap()
                .push((report.kind(), report.document().to_string()));
            assert_ne!(report.kind(), ReportKind::Crash, "a fault of the user's");
        })
        .service();
    let body = r#"[
        {"type": "crash", "url": "https://a.example/1", "body": {"reason": "oom"}},
        {"type": "crash", "url": "https://a.example/1", "body": {"reason": "oom"}},
        {"type": "csp-violation", "url": "https://a.example/2", "body": {"effectiveDirective": "img-src", "blockedURL": "moz-extension"}},
        {"type": "csp-violation", "url": "https://a.example/3", "body": {"effectiveDirective": "img-src"}}
    ]"#;
    let answer = go(service.clone(), post(REPORTS, body)).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let expected = [
        (ReportKind::Crash, "https://a.example/1".to_owned()),
        (ReportKind::CspViolation, "https://a.example/3".to_owned()),
    ];
    assert_eq!(
        *heard.lock().unwrap_or_else(|held| held.into_inner()),
        expected
    );
    let names: Vec<_> = log.take().iter().map(|told| told.code).collect();
    assert_eq!(names, ["img-src"], "a crash is no violation");
    let stats = service.stats();
    assert_eq!((stats.told, stats.repeated, stats.filtered), (2, 1, 1));
}

#[test]
fn a_path_is_one_that_browsers_send() {
    let invalid = |path: &str| CspReportConfigError::InvalidPath {
        path: path.to_owned(),
    };
    for path in [
        "/csp-report",
        "/.well-known/csp",
        "/reports/",
        "/a.b/c~d",
        "/...",
        &format!("/{}", "a".repeat(255)),
    ] {
        assert_eq!(CspReportLayer::at(path).unwrap().path(), path);
    }
    for path in [
        "",
        "csp-report",
        "//csp",
        "/a//b",
        "/csp?x",
        "/csp#x",
        "/csp;v=1",
        "/a,b",
        "/%63sp",
        "/a/../b",
        "/./a",
        "/a/.",
        "/a b",
        "/a\n",
        "/{id}",
        "/\u{e9}",
        "https://a.example/csp",
        "/a\\b",
        "/\"",
        "*",
    ] {
        let errors = CspReportLayer::at(path).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(error.downcast(), Some(&invalid(path)), "{path}");
        assert_eq!(
            (error.path(), error.code()),
            ("csp.reports.path", "invalid_path")
        );
    }
    let errors = CspReportLayer::at("/").unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), "refused_root_path");
    let errors = CspReportLayer::at(format!("/{}", "a".repeat(256))).unwrap_err();
    assert_eq!(
        errors.iter().next().unwrap().downcast(),
        Some(&CspReportConfigError::RefusedPathLength { bytes: 257 })
    );
    assert_eq!(
        CspReportLayer::at("/").unwrap_err().to_string(),
        "csp.reports.path: refused path \"/\": the start page could not be reached, write a path of its own such as \"/csp-report\""
    );
}

#[tokio::test]
async fn the_layer_waits_for_the_inner_service_and_says_what_it_is() {
    let layer = CspReportLayer::builder()
        .cross_origin(Collect::AnyOrigin)
        .at("/r")
        .unwrap();
    assert_eq!((layer.path(), layer.collects()), ("/r", Collect::AnyOrigin));
    assert_eq!(
        CspReportLayer::at("/r").unwrap().collects(),
        Collect::SameOrigin
    );

    let (inner, mut handle) =
        tower_test::mock::pair::<Request<Full<Bytes>>, Response<Full<Bytes>>>();
    handle.allow(0);
    let mut service = layer.layer(inner);
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(
        tower::Service::<Request<Full<Bytes>>>::poll_ready(&mut service, &mut context).is_pending()
    );
    handle.allow(1);
    assert!(
        tower::Service::<Request<Full<Bytes>>>::poll_ready(&mut service, &mut context).is_ready()
    );
    handle.send_error("broken");
    assert!(matches!(
        tower::Service::<Request<Full<Bytes>>>::poll_ready(&mut service, &mut context),
        Poll::Ready(Err(_))
    ));
}
