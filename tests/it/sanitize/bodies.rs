//! Bodies on their way: frames, ends, failures, limits.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError};
use tower::{Layer, Service, service_fn};
use tower_security::core::Mode;
use tower_security::sanitize::{GuardedBody, JsonRules, Rule, SanitizeLayer, Violation};

use super::Handler;
use crate::support::service::go;

type BoxError = Box<dyn Error + Send + Sync>;

enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Error(BoxError),
    Wait,
}

/// A body that follows a script.
struct Script {
    steps: VecDeque<Step>,
    length: Option<u64>,
    polls: Arc<AtomicUsize>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            length: None,
            polls: Arc::default(),
        }
    }

    /// The text in pieces of this length, with a wait before each.
    fn pieces(text: &[u8], length: usize) -> Self {
        let pieces = text.chunks(length).map(Bytes::copy_from_slice);
        Self::new(pieces.flat_map(|piece| [Step::Wait, Step::Data(piece)]))
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }

    fn polls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.polls)
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Step::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Step::Trailers(lines)) => Some(Ok(Frame::trailers(lines))),
            Some(Step::Error(error)) => Some(Err(error)),
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

fn data(text: &str) -> Step {
    Step::Data(Bytes::copy_from_slice(text.as_bytes()))
}

fn trailers() -> HeaderMap {
    let mut lines = HeaderMap::new();
    lines.insert("x-sum", HeaderValue::from_static("7"));
    lines
}

fn post<B>(media_type: &str, body: B) -> Request<B> {
    Request::post("/")
        .header("host", "app.example")
        .header("content-type", media_type)
        .body(body)
        .unwrap()
}

fn json<B>(body: B) -> Request<B> {
    post("application/json", body)
}

/// The rule of a refusal, its status, and how often the handler was called.
async fn refusal<B>(layer: &SanitizeLayer, request: Request<B>) -> (Option<Rule>, StatusCode, usize)
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let handler = Handler::default();
    let answer = go(layer.layer(handler.clone()), request).await;
    let rule = answer.extensions().get().map(Violation::rule);
    (rule, answer.status(), handler.calls())
}

const SERVED: (Option<Rule>, StatusCode, usize) = (None, StatusCode::OK, 1);

#[tokio::test]
async fn a_body_of_any_frames_arrives_as_it_came() {
    let texts = [
        "{\"a\":\"\u{e9}\u{1f377}\",\"b\":[1.0,1e5, true ],\"\\u0063\":\"\\ud83c\\udf77\"}",
        "\"\"",
    ];
    for text in texts {
        for length in 1..=text.len() {
            let handler = Handler::default();
            let body = Script::pieces(text.as_bytes(), length);
            let answer = go(SanitizeLayer::strict().layer(handler.clone()), json(body)).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let seen = handler.last();
            assert_eq!(seen.body.unwrap(), text);
            assert!(seen.report.is_none() && seen.trailers.is_none());
        }
    }
}

#[tokio::test]
async fn one_frame_goes_on_without_a_copy() {
    let frame = Bytes::from("{\"a\":1}".to_owned());
    let form = Bytes::from("a=1&b=%20".to_owned());
    for (media_type, frame) in [
        ("application/json", frame),
        ("application/x-www-form-urlencoded", form),
    ] {
        let handler = Handler::default();
        let request = post(media_type, Full::new(frame.clone()));
        go(SanitizeLayer::strict().layer(handler.clone()), request).await;
        assert_eq!(handler.last().body.unwrap().as_ptr(), frame.as_ptr());
    }
}

#[tokio::test]
async fn trailers_follow_the_data() {
    let handler = Handler::default();
    let body = Script::new([data("[1,"), data("2]"), Step::Trailers(trailers())]);
    go(SanitizeLayer::strict().layer(handler.clone()), json(body)).await;
    let seen = handler.last();
    assert_eq!(seen.body.unwrap(), "[1,2]");
    assert_eq!(seen.trailers, Some(trailers()));
}

/// What a body says of its length before each frame, and of its end.
async fn hints<B>(layer: &SanitizeLayer, request: Request<B>) -> Vec<(u64, Option<u64>, bool)>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let hints = Arc::new(std::sync::Mutex::new(Vec::new()));
    let handler = service_fn(|request: Request<GuardedBody<B>>| {
        let hints = Arc::clone(&hints);
        async move {
            let mut body = pin!(request.into_body());
            loop {
                let hint = body.size_hint();
                let said = (hint.lower(), hint.upper(), body.is_end_stream());
                hints.lock().unwrap().push(said);
                if !matches!(body.frame().await, Some(Ok(_))) {
                    break;
                }
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    go(layer.layer(handler), request).await;
    std::mem::take(&mut *hints.lock().unwrap())
}

#[tokio::test]
async fn a_body_knows_its_length_before_each_frame() {
    let strict = SanitizeLayer::strict();
    let read = hints(&strict, json(Script::new([data("[1,"), data("2]")]))).await;
    assert_eq!(read, [(5, Some(5), false), (0, Some(0), true)]);
    let body = Script::new([data("[1]"), Step::Trailers(trailers())]);
    let read = hints(&strict, json(body)).await;
    assert_eq!(
        read,
        [(3, Some(3), false), (0, Some(0), false), (0, Some(0), true)]
    );
    let passed = hints(
        &SanitizeLayer::grpc(),
        post("application/grpc-web", Full::from("abc")),
    )
    .await;
    assert_eq!(passed, [(3, Some(3), false), (0, Some(0), true)]);
    // Over the limit, and only reported.
    let report = SanitizeLayer::builder()
        .report_only()
        .body_limit(4)
        .build()
        .unwrap();
    let body = Script::new([data("[1,"), data("2,"), data("3]")]);
    let chained = hints(&report, json(body)).await;
    assert_eq!(
        chained,
        [(5, None, false), (0, None, false), (0, None, false)]
    );
}

#[tokio::test]
async fn a_body_that_fails_is_refused_by_whoever_ended_it() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] BoxError);

    let limited = || -> BoxError {
        let mut limited = pin!(http_body_util::Limited::new(Full::<Bytes>::from("abc"), 1));
        let mut task = Context::from_waker(Waker::noop());
        match limited.as_mut().poll_frame(&mut task) {
            Poll::Ready(Some(Err(error))) => error,
            _ => panic!("it is over its limit"),
        }
    };
    assert!(limited().is::<LengthLimitError>());
    let io = |kind| -> BoxError { io::Error::from(kind).into() };
    let rows: Vec<(BoxError, u16)> = vec![
        ("broken".into(), 400),
        (io(io::ErrorKind::ConnectionReset), 400),
        (limited(), 413),
        (Outer(limited()).into(), 413),
        (io(io::ErrorKind::TimedOut), 408),
        (Outer(io(io::ErrorKind::TimedOut)).into(), 408),
    ];
    for (error, status) in rows {
        let text = error.to_string();
        let body = Script::new([data("{"), Step::Error(error)]);
        let (rule, answered, calls) = refusal(&SanitizeLayer::strict(), json(body)).await;
        assert_eq!(
            (rule, answered.as_u16(), calls),
            (Some(Rule::BodyUnreadable), status, 0),
            "{text}"
        );
    }
}

/// Without a rule against it the handler meets the failure itself, behind what came before.
#[tokio::test]
async fn a_failure_that_passes_is_handed_on() {
    let layers = [
        SanitizeLayer::report_only(),
        SanitizeLayer::builder()
            .dangerous_allow(Rule::BodyUnreadable)
            .build()
            .unwrap(),
    ];
    for (layer, reports) in layers.iter().zip([true, false]) {
        let handler = service_fn(move |request: Request<GuardedBody<Script>>| async move {
            let report: Option<&tower_security::sanitize::SanitizeReport> =
                request.extensions().get();
            assert_eq!(
                report.is_some_and(|report| report.rules().contains(Rule::BodyUnreadable)),
                reports
            );
            let mut body = pin!(request.into_body());
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, "{\"a\"");
            let error = body.frame().await.unwrap().unwrap_err();
            assert_eq!(error.to_string(), "broken");
            assert!(body.frame().await.is_none());
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let body = Script::new([data("{\"a"), data("\""), Step::Error("broken".into())]);
        let answer = go(layer.layer(handler), json(body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn the_limit_holds_whatever_the_length_says() {
    let layer = SanitizeLayer::builder().body_limit(10).build().unwrap();
    let text = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    let too_large = (Some(Rule::BodyTooLarge), StatusCode::PAYLOAD_TOO_LARGE, 0);
    for (length, expected) in [(9, SERVED), (10, SERVED), (11, too_large), (40, too_large)] {
        for piece in [1, 3, 100] {
            let body = Script::pieces(text(length).as_bytes(), piece);
            assert_eq!(
                refusal(&layer, json(body)).await,
                expected,
                "{length} {piece}"
            );
        }
        let body = Full::from(text(length));
        assert_eq!(refusal(&layer, json(body)).await, expected, "{length}");
        // A length that is too small is none, and one that is too large is believed before anything is read.
        let mut lying = json(Script::pieces(text(length).as_bytes(), 4));
        lying
            .headers_mut()
            .insert("content-length", HeaderValue::from_static("2"));
        assert_eq!(refusal(&layer, lying).await, expected, "{length}");
    }
    let body = Script::new([data("1")]);
    let polls = body.polls();
    let mut announced = json(body);
    announced
        .headers_mut()
        .insert("content-length", HeaderValue::from_static("11"));
    assert_eq!(refusal(&layer, announced).await, too_large);
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

/// What is over the limit is not read on.
#[tokio::test]
async fn nothing_is_read_behind_the_limit() {
    let layer = SanitizeLayer::builder().body_limit(8).build().unwrap();
    let body = Script::new((0..1_000).map(|_| data("12345")));
    let polls = body.polls();
    let (rule, ..) = refusal(&layer, json(body)).await;
    assert_eq!(rule, Some(Rule::BodyTooLarge));
    assert_eq!(polls.load(Ordering::SeqCst), 2);
}

/// A body that is refused by its head is not polled, so that a client that waits for `100 Continue` never sends it.
#[tokio::test]
async fn what_its_head_decides_is_not_read() {
    for (media_type, path) in [
        ("text/plain", "/"),
        ("application/json; charset=utf-7", "/"),
        ("application/json", "/a/../b"),
    ] {
        let body = Script::new([data("1")]);
        let polls = body.polls();
        let mut request = post(media_type, body);
        *request.uri_mut() = path.parse().unwrap();
        request
            .headers_mut()
            .insert("expect", HeaderValue::from_static("100-continue"));
        let (rule, _, calls) = refusal(&SanitizeLayer::strict(), request).await;
        assert!(rule.is_some() && calls == 0);
        assert_eq!(polls.load(Ordering::SeqCst), 0);
    }
}

/// A call is a POST; of gRPC over HTTP/2 alone, of gRPC-Web over any version. Everybody can name these types: without the switch none passes.
#[tokio::test]
async fn grpc_is_let_pass_where_it_was_asked_for_and_can_be_a_call() {
    const ONE: Version = Version::HTTP_11;
    const TWO: Version = Version::HTTP_2;
    let rows = [
        ("POST", TWO, "application/grpc", true),
        ("POST", TWO, "Application/gRPC+proto", true),
        ("POST", TWO, "application/grpc; a=b", true),
        ("POST", ONE, "application/grpc", false),
        ("POST", ONE, "application/grpc+proto", false),
        ("POST", ONE, "application/grpc;a=b", false),
        ("POST", ONE, "application/grpc-web", true),
        ("POST", TWO, "application/grpc-web+proto", true),
        ("POST", ONE, "application/grpc-web-text", true),
        ("POST", TWO, "application/grpc-web-text+proto", true),
        ("POST", TWO, "application/grpc-other", false),
        ("POST", TWO, "application/grpcweb", false),
        ("POST", TWO, "text/grpc", false),
        ("POST", TWO, "text/grpc-web", false),
        ("PUT", TWO, "application/grpc", false),
        ("PUT", ONE, "application/grpc-web", false),
        ("PATCH", TWO, "application/grpc", false),
        ("DELETE", TWO, "application/grpc-web", false),
    ];
    let asked = SanitizeLayer::builder().grpc(true).build().unwrap();
    let taken_back = SanitizeLayer::builder().grpc(true).grpc(false);
    let layers = [
        (&SanitizeLayer::grpc(), true),
        (&asked, true),
        (&SanitizeLayer::strict(), false),
        (&taken_back.build().unwrap(), false),
    ];
    for (layer, speaks) in layers {
        for (method, version, media_type, is_call) in rows {
            let mut request = post(media_type, Full::from("{\"a\":1,\"a\":2}"));
            *request.method_mut() = method.parse().unwrap();
            *request.version_mut() = version;
            let (rule, _, calls) = refusal(layer, request).await;
            let what = format!("{method} {version:?} {media_type}, asked for: {speaks}");
            let passes = speaks && is_call;
            assert_eq!(calls, usize::from(passes), "{what}");
            let expected = (!passes).then_some(Rule::BodyTypeNotAllowed);
            assert_eq!(rule, expected, "{what}");
        }
    }
    // As JSON it is read as JSON.
    for version in [ONE, TWO] {
        let mut request = post("application/grpc+json", Full::from("{\"a\":1,\"a\":2}"));
        *request.version_mut() = version;
        let (rule, ..) = refusal(&asked, request).await;
        assert_eq!(rule, Some(Rule::JsonDuplicateKey));
    }
}

/// The body is as it came when the handler is called.
#[tokio::test]
async fn what_is_not_inspected_is_not_touched() {
    let exempt = SanitizeLayer::builder()
        .exempt_body(|parts| parts.uri.path() == "/hooks")
        .allow_type("Image/PNG")
        .grpc(true)
        .build()
        .unwrap();
    let off = SanitizeLayer::builder().mode(Mode::Off).build().unwrap();
    let all = SanitizeLayer::builder()
        .dangerous_exempt(|parts| parts.headers.contains_key("x-internal"))
        .build()
        .unwrap();
    let rows = [
        (&exempt, "/hooks", "application/json", true),
        (&exempt, "/hooks/", "application/json", false),
        (&exempt, "/hooks", "text/plain", true),
        (&exempt, "/", "image/png", true),
        (&exempt, "/", "image/gif", false),
        (&exempt, "/", "application/grpc-web+proto", true),
        (&exempt, "/", "application/grpc-web+json", false),
        (&off, "/../%00", "text/plain", true),
        (&all, "/../%00", "text/plain", true),
    ];
    for (layer, path, media_type, passes) in rows {
        let body = Script::new([data("{"), Step::Trailers(trailers())]);
        let polls = body.polls();
        let mut request = post(media_type, body);
        *request.uri_mut() = path.parse().unwrap();
        request
            .headers_mut()
            .insert("x-internal", HeaderValue::from_static("1"));
        let called = Arc::new(AtomicUsize::new(0));
        let handler = service_fn(|request: Request<GuardedBody<Script>>| {
            called.fetch_add(1, Ordering::SeqCst);
            assert_eq!(polls.load(Ordering::SeqCst), 0);
            async move {
                let read = request.into_body().collect().await.unwrap();
                assert_eq!(read.trailers(), Some(&trailers()));
                assert_eq!(read.to_bytes(), "{");
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        });
        go(layer.layer(handler), request).await;
        assert_eq!(
            called.load(Ordering::SeqCst),
            usize::from(passes),
            "{path} {media_type}"
        );
    }
}

/// Only the head of an exempt request is looked at, and only its body is exempt.
#[tokio::test]
async fn an_exempt_body_does_not_exempt_the_path() {
    let layer = SanitizeLayer::builder()
        .exempt_body(|_| true)
        .build()
        .unwrap();
    let mut request = json(Full::from("{"));
    *request.uri_mut() = "/a/../b".parse().unwrap();
    let (rule, _, calls) = refusal(&layer, request).await;
    assert_eq!((rule, calls), (Some(Rule::PathDotSegment), 0));
}

#[test]
fn a_request_that_is_dropped_while_it_is_read_is_not_served() {
    let handler = Handler::default();
    let body = Script::new([data("{"), Step::Wait, data("}")]);
    let mut service = SanitizeLayer::strict().layer(handler.clone());
    let mut task = Context::from_waker(Waker::noop());
    let ready = Service::<Request<Script>>::poll_ready(&mut service, &mut task);
    assert!(matches!(ready, Poll::Ready(Ok(()))));
    {
        let mut future = pin!(service.call(json(body)));
        assert!(future.as_mut().poll(&mut task).is_pending());
    }
    assert_eq!(handler.calls(), 0);
}

#[tokio::test]
async fn report_only_loses_nothing() {
    let layer = SanitizeLayer::builder()
        .report_only()
        .body_limit(16)
        .build()
        .unwrap();
    let long = "[".repeat(100);
    for (text, rule) in [
        (&*long, Rule::BodyTooLarge),
        ("{\"a\":1,\"a\":2}", Rule::JsonDuplicateKey),
        ("{", Rule::JsonSyntax),
        ("\u{feff}{}", Rule::JsonBom),
    ] {
        for piece in [1, 7, 1_000] {
            let handler = Handler::default();
            let body = Script::pieces(text.as_bytes(), piece).then(Step::Trailers(trailers()));
            let answer = go(layer.layer(handler.clone()), json(body)).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let seen = handler.last();
            assert_eq!(seen.body.unwrap(), text);
            assert_eq!(seen.trailers, Some(trailers()));
            assert!(seen.report.unwrap().rules().contains(rule), "{text}");
        }
    }
}

#[tokio::test]
async fn methods_that_need_no_body_may_have_an_empty_one() {
    let empty = || Script::new([data("")]);
    for (method, expected) in [
        ("DELETE", SERVED),
        ("OPTIONS", SERVED),
        ("POST", (Some(Rule::JsonSyntax), StatusCode::BAD_REQUEST, 0)),
        ("PUT", (Some(Rule::JsonSyntax), StatusCode::BAD_REQUEST, 0)),
        (
            "PATCH",
            (Some(Rule::JsonSyntax), StatusCode::BAD_REQUEST, 0),
        ),
    ] {
        let mut request = json(empty());
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(
            refusal(&SanitizeLayer::strict(), request).await,
            expected,
            "{method}"
        );
        // Without a body at all there is nothing to look at.
        let mut request = json(Full::<Bytes>::default());
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(
            refusal(&SanitizeLayer::strict(), request).await,
            SERVED,
            "{method}"
        );
    }
}

#[tokio::test]
async fn limits_of_json_are_set_on_the_builder() {
    let layer = SanitizeLayer::builder()
        .json(JsonRules::strict().max_depth(1))
        .json_type("Application/CSP-Report")
        .build()
        .unwrap();
    let (rule, ..) = refusal(&layer, post("application/csp-report", Full::from("[[]]"))).await;
    assert_eq!(rule, Some(Rule::JsonDepth));
    assert_eq!(
        refusal(&layer, post("application/csp-report", Full::from("[1]"))).await,
        SERVED
    );
}
