//! The tripwire: every kind of answer that nobody has decided, and the same answer when somebody has.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::channel::Channel;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};
use tower_security::SecurityStack;
use tower_security::authorize::{RequireAuthorization, UndecidedErrors};
use tower_security::core::{
    AbuseKind, AbuseSignal, AuthzFault, EventSink, Level, Outcome, Problem, RefusalContext,
    Refused, Rejection, SecurityEvent,
};
use tower_security::ownership::{AccessRequest, Action, Authz, Decision};

use super::{UNDECIDED, logged_in, request, text, whole};
use crate::support::service::go;
#[cfg(feature = "axum")]
use crate::support::wire::Server;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Method, target and status of what a handler answers.
type Kind = (&'static str, &'static str, u16);

/// What every server can send.
const KINDS: &[Kind] = &[
    ("GET", "/content", 200),
    ("HEAD", "/content", 200),
    ("POST", "/created", 201),
    ("DELETE", "/empty", 204),
    ("GET", "/partial", 206),
    ("GET", "/moved", 302),
    ("POST", "/see-other", 303),
    ("GET", "/unchanged", 304),
    ("GET", "/stream", 200),
    ("GET", "/events", 200),
    ("OPTIONS", "/content", 200),
    // A refusal that the handler has made an answer of.
    ("GET", "/refusal-turned", 200),
    ("GET", "/refusal-of-200", 200),
    ("GET", "/problem-of-200", 200),
    ("GET", "/grpc-status", 200),
];

/// What only one version of HTTP has, or none.
const ODD: &[Kind] = &[
    ("GET", "/switching", 101),
    ("GET", "/early", 103),
    ("GET", "/unknown", 600),
];

fn full(text: &'static str) -> Body {
    Full::from(text).boxed_unsync()
}

fn respond(head: &http::request::Parts) -> Response<Body> {
    let answer = Response::builder().header("x-secret", "7");
    let body = |text| {
        // Content after a HEAD resets a stream of HTTP/2.
        full(if head.method == "HEAD" { "" } else { text })
    };
    let context = RefusalContext::new(head);
    let answer = match head.uri.path() {
        "/content" => answer.body(body("secret")),
        "/created" => answer
            .status(201)
            .header("location", "/orders/7")
            .body(body("secret")),
        "/empty" => answer.status(204).body(full("")),
        "/partial" => answer
            .status(206)
            .header("content-range", "bytes 0-5/9")
            .body(body("secret")),
        "/moved" => answer
            .status(302)
            .header("location", "/orders/7?token=secret")
            .header("set-cookie", "session=secret")
            .body(full("")),
        "/see-other" => answer
            .status(303)
            .header("location", "/orders/7")
            .body(full("")),
        "/unchanged" => answer
            .status(304)
            .header("etag", "\"secret\"")
            .body(full("")),
        "/stream" | "/events" => {
            let (mut sender, body) = Channel::new(2);
            for text in ["sec", "ret"] {
                let frame = Frame::data(Bytes::from(text));
                assert!(sender.try_send(frame).is_ok());
            }
            answer
                .header("content-type", "text/event-stream")
                .body(body.boxed_unsync())
        }
        "/switching" => answer
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "chat")
            .body(full("")),
        "/early" => answer
            .status(103)
            .header("link", "</secret>")
            .body(full("")),
        "/unknown" => answer.status(600).body(full("secret")),
        "/refusal-turned" => {
            let mut turned = context.refuse::<Body>(Rejection::not_found());
            *turned.status_mut() = StatusCode::OK;
            *turned.body_mut() = full("secret");
            Ok(turned)
        }
        "/refusal-of-200" => Ok(context.refuse(Rejection::new(StatusCode::OK, "secret", "secret"))),
        "/problem-of-200" => Ok(Problem::new(StatusCode::OK, "secret").into_response_to(&context)),
        "/grpc-status" => answer.header("grpc-status", "5").body(body("secret")),
        other => panic!("no handler for {other}"),
    };
    answer.unwrap()
}

/// A handler that decides what the header `x-decide` says.
fn handler<B: Send + 'static>(
    answer: fn(&http::request::Parts) -> Response<Body>,
) -> impl Service<Request<B>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send
{
    service_fn(move |request: Request<B>| async move {
        let (mut head, body) = request.into_parts();
        drop(body);
        let authz = Authz::of_head(&mut head);
        let decide = head.headers.get("x-decide").map(HeaderValue::as_bytes);
        for word in decide.unwrap_or_default().split(|byte| *byte == b' ') {
            let ask = async |decision| {
                let policy = move |_: &AccessRequest| decision;
                authz.check(&policy, Action::Read, "1").await
            };
            match word {
                b"" => {}
                b"allow" => ask(Decision::Allow).await.unwrap(),
                b"deny" => drop(ask(Decision::Deny).await),
                b"exempt" => authz.exempt(),
                b"scoped" => authz.scoped(),
                other => panic!("{other:?} is no decision"),
            }
        }
        Ok::<_, Infallible>(answer(&head))
    })
}

/// Name, code, level, outcome, method and path of what was told, but for denials, which are the handler's.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<(String, &'static str, Level, Outcome, String)>>>);

impl EventSink for Heard {
    fn record(&self, event: &SecurityEvent<'_>) {
        if event.layer != "authorize" {
            return;
        }
        let place = event.route.as_deref().or(event.path.as_deref());
        let method = event.method.as_deref().unwrap_or_default();
        let place = format!("{method} {}", place.unwrap_or_default());
        let heard = (
            event.name.to_string(),
            event.code,
            event.level,
            event.outcome,
            place,
        );
        self.0.lock().unwrap().push(heard);
    }
}

impl Heard {
    fn take(&self) -> Vec<(String, &'static str, Level, Outcome, String)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn asked(decide: &str, method: &str, target: &str) -> Request<Full<Bytes>> {
    let mut request = request("alice", method, target);
    if !decide.is_empty() {
        request
            .headers_mut()
            .insert("x-decide", decide.parse().unwrap());
    }
    request
}

fn body_of(method: &str) -> &'static str {
    match method {
        "HEAD" => "",
        _ => UNDECIDED,
    }
}

fn assert_refused(answer: &Response<Bytes>, method: &str, row: &str) {
    assert_eq!(answer.status(), 500, "{row}");
    assert_eq!(text(answer), body_of(method), "{row}");
    assert_eq!(
        answer.headers()["content-type"],
        "application/problem+json",
        "{row}"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store", "{row}");
    for name in [
        "location",
        "set-cookie",
        "etag",
        "content-range",
        "x-secret",
        "upgrade",
        "link",
        "grpc-status",
    ] {
        assert!(!answer.headers().contains_key(name), "{row}: {name}");
    }
}

/// Rows 58 to 60, of every kind of answer.
#[tokio::test]
async fn what_nobody_has_decided_is_not_answered() {
    let heard = Heard::default();
    let tripwire = RequireAuthorization::new().events(heard.clone());
    let service = logged_in(tripwire.layer(handler(respond)));
    for &(method, target, status) in KINDS.iter().chain(ODD) {
        for (decide, code) in [
            ("", "authorization_missing"),
            ("deny", "denial_ignored"),
            ("allow deny", "denial_ignored"),
            ("deny exempt", "denial_ignored"),
        ] {
            let row = format!("{method} {target} {decide:?}");
            let answer = whole(go(service.clone(), asked(decide, method, target)).await).await;
            assert_refused(&answer, method, &row);
            let refused = answer.extensions().get::<Refused>().unwrap();
            assert_eq!(refused.code(), "authorization_missing", "{row}");
            let fault = answer.extensions().get::<AuthzFault>().unwrap();
            assert_eq!(fault.code(), code, "{row}");
            let event = (
                "authz_fail".to_owned(),
                code,
                Level::Critical,
                Outcome::Fault,
                format!("{method} {target}"),
            );
            assert_eq!(heard.take(), [event], "{row}");
        }
        for decide in ["allow", "exempt", "scoped", "allow scoped"] {
            let row = format!("{method} {target} {decide:?}");
            let answer = whole(go(service.clone(), asked(decide, method, target)).await).await;
            assert_eq!(answer.status(), status, "{row}");
            let is_refusal = target.starts_with("/refusal") || target.starts_with("/problem");
            if !is_refusal {
                assert_eq!(answer.headers()["x-secret"], "7", "{row}");
            }
            assert_eq!(heard.take(), [], "{row}");
        }
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn no_server_answers_what_nobody_has_decided() {
    let tripwire = RequireAuthorization::new().events(Heard::default());
    let service = logged_in(tripwire.layer(handler(respond)));
    let server = Server::hyper(service).await;
    for &(method, target, status) in KINDS {
        for (decide, expected) in [
            ("", 500),
            ("deny", 500),
            ("allow", status),
            ("exempt", status),
        ] {
            let row = format!("{method} {target} {decide:?}");
            let first = server.http1(asked(decide, method, target)).await;
            let second = server.http2(asked(decide, method, target)).await;
            for answer in [first, second.expect("no reset")] {
                assert_eq!(answer.status(), expected, "{row}");
                if expected == 500 {
                    assert_refused(&answer, method, &row);
                } else if target == "/stream" {
                    assert_eq!(text(&answer), "secret", "{row}");
                }
            }
        }
    }
    for (decide, status) in [("", "500"), ("deny", "500"), ("exempt", "101")] {
        let bytes = format!(
            "GET /switching HTTP/1.1\r\nhost: shop.example\r\nx-test: alice\r\nx-decide: {decide}\r\n\
             connection: upgrade{}\r\nupgrade: chat\r\n\r\n",
            if status == "101" { "" } else { ", close" }
        );
        let answer = server.raw(bytes.as_bytes()).await;
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
        assert_eq!(
            answer.contains("upgrade: chat"),
            status == "101",
            "{answer}"
        );
        assert_eq!(answer.ends_with(UNDECIDED), status == "500", "{answer}");
    }
}

fn fail(head: &http::request::Parts) -> Response<Body> {
    let context = RefusalContext::new(head);
    let status = head.uri.path().get(1..4).unwrap();
    match head.uri.path().get(4..) {
        Some("/refused") => {
            let rejection = Rejection::new(status.parse().unwrap(), "own_code", "own title");
            let rejection = rejection.header(
                http::header::HeaderName::from_static("x-own"),
                HeaderValue::from_static("kept"),
            );
            return context.refuse(rejection);
        }
        Some("/other-status") => {
            let mut response = context.refuse::<Body>(Rejection::not_found());
            *response.status_mut() = status.parse().unwrap();
            *response.body_mut() = full("order 7 of bob");
            return response;
        }
        Some("/problem") => {
            let problem = Problem::new(status.parse().unwrap(), "order 7 of bob");
            return problem.into_response_to(&context);
        }
        _ => {}
    }
    let mut response = Response::builder()
        .status(status)
        .header("allow", "GET")
        .header("www-authenticate", "Bearer realm=\"api\"")
        .header("www-authenticate", "Session realm=\"api\"")
        .header("retry-after", "7")
        .header("x-secret", "7")
        .header("set-cookie", "a=b")
        .header("location", "/orders/7")
        .header("content-type", "text/plain")
        .body(full("order 7 of bob"))
        .unwrap();
    let signal = AbuseSignal(AbuseKind::AuthFailed);
    response.extensions_mut().insert(signal);
    response
}

/// Row 61.
#[tokio::test]
async fn an_error_that_nobody_has_decided_says_its_status_alone() {
    let heard = Heard::default();
    let tripwire = RequireAuthorization::new().events(heard.clone());
    let service = logged_in(tripwire.layer(handler(fail)));
    for (target, code, title) in [
        ("/400", "bad_request", "Bad request"),
        (
            "/401",
            "authentication_required",
            "Authentication is required",
        ),
        ("/403", "forbidden", "This is not allowed"),
        ("/404", "not_found", "Not found"),
        ("/405", "method_not_allowed", "Method not allowed"),
        ("/409", "conflict", "Conflict"),
        ("/418", "request_refused", "Request refused"),
        ("/422", "unprocessable_content", "Unprocessable content"),
        ("/429", "too_many_requests", "Too many requests"),
        ("/500", "internal_error", "internal error"),
        ("/503", "service_unavailable", "Service unavailable"),
        ("/599", "internal_error", "internal error"),
    ] {
        let status = target.get(1..).unwrap();
        for decide in ["", "deny"] {
            let answer = whole(go(service.clone(), asked(decide, "GET", target)).await).await;
            let body = format!(r#"{{"title":"{title}","status":{status},"code":"{code}"}}"#);
            assert_eq!((answer.status().as_str(), text(&answer)), (status, &*body));
            let headers = answer.headers();
            assert_eq!(headers["allow"], "GET");
            assert_eq!(headers["retry-after"], "7");
            let lines: Vec<_> = headers.get_all("www-authenticate").iter().collect();
            assert_eq!(lines, ["Bearer realm=\"api\"", "Session realm=\"api\""]);
            for name in ["x-secret", "set-cookie", "location"] {
                assert!(!headers.contains_key(name), "{name}");
            }
            // Bans count by it.
            assert_eq!(
                AbuseSignal::of(answer.extensions()),
                Some(AbuseKind::AuthFailed)
            );
            assert_eq!(heard.take(), []);
        }
        for decide in ["allow", "exempt", "scoped", "allow deny"] {
            let answer = whole(go(service.clone(), asked(decide, "GET", target)).await).await;
            assert_eq!(text(&answer), "order 7 of bob", "{target} {decide}");
            assert_eq!(answer.headers()["x-secret"], "7");
        }
    }
    let answer = whole(go(service.clone(), asked("", "HEAD", "/404")).await).await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (404, ""));
    assert_eq!(answer.headers()["content-length"], "53");
}

/// A refusal of this crate goes out as it is, unless somebody has made it another one. A problem of the handler's is the handler's.
#[tokio::test]
async fn refusals_stay_as_they_are() {
    let tripwire = RequireAuthorization::new().events(Heard::default());
    let service = logged_in(tripwire.layer(handler(fail)));
    for target in ["/404/refused", "/503/refused", "/302/refused"] {
        let answer = whole(go(service.clone(), asked("", "GET", target)).await).await;
        assert!(text(&answer).contains("own_code"), "{target}");
        assert_eq!(answer.headers()["x-own"], "kept", "{target}");
    }
    for (target, status) in [("/403/other-status", 403), ("/422/problem", 422)] {
        let answer = whole(go(service.clone(), asked("", "GET", target)).await).await;
        assert_eq!(answer.status(), status);
        assert!(!text(&answer).contains("bob"), "{target}");
        let decided = whole(go(service.clone(), asked("allow", "GET", target)).await).await;
        assert!(text(&decided).contains("bob"), "{target}");
    }
    let answer = go(service, asked("", "GET", "/200/other-status")).await;
    assert_eq!(answer.status(), 500);
}

#[tokio::test]
async fn errors_can_be_kept() {
    let keep = RequireAuthorization::new()
        .undecided_errors(UndecidedErrors::Keep)
        .events(Heard::default());
    assert!(keep.keeps_undecided_errors());
    let service = logged_in(keep.layer(handler(fail)));
    let answer = whole(go(service.clone(), asked("", "GET", "/422")).await).await;
    assert_eq!(text(&answer), "order 7 of bob");
    assert_eq!(answer.headers()["x-secret"], "7");
    // An error is kept, a success is not.
    let answer = go(service, asked("", "GET", "/200")).await;
    assert_eq!(answer.status(), 500);
}

#[tokio::test]
async fn a_mode_says_what_becomes_of_an_answer() {
    use tower_security::core::Mode;
    let off = RequireAuthorization::new().with_mode(Mode::Off);
    for (tripwire, told) in [(RequireAuthorization::report_only(), 1), (off, 0)] {
        let heard = Heard::default();
        let tripwire = tripwire.events(heard.clone());
        let service = logged_in(tripwire.layer(handler(respond)));
        let answer = whole(go(service.clone(), asked("", "GET", "/moved")).await).await;
        assert_eq!(answer.status(), 302);
        assert_eq!(answer.headers()["set-cookie"], "session=secret");
        let events = heard.take();
        assert_eq!(events.len(), told, "{tripwire:?}");
        for event in events {
            assert_eq!(
                (event.1, event.3),
                ("authorization_missing", Outcome::WouldRefuse)
            );
        }
        go(service, asked("deny", "GET", "/moved")).await;
        let codes: Vec<_> = heard.take().iter().map(|it| it.1).collect();
        assert_eq!(codes, ["denial_ignored"].get(..told).unwrap());

        let service = logged_in(tripwire.layer(handler(fail)));
        let answer = whole(go(service, asked("", "GET", "/422")).await).await;
        assert_eq!(text(&answer), "order 7 of bob");
        assert_eq!(heard.take(), []);
    }
    let default = RequireAuthorization::default();
    assert_eq!(default.mode(), Mode::Enforce);
    assert!(!default.keeps_undecided_errors());
}

/// A call: what stands in the head of its answer.
type Head = &'static [(&'static str, &'static str)];

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn the_head_of_a_call_is_an_error_or_is_none() {
    fn answer_of(head: &http::request::Parts) -> Response<Body> {
        let mut response = Response::new(full("a message"));
        for (name, value) in &head.headers {
            if let Some(name) = name.as_str().strip_prefix("answer-") {
                let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
                response.headers_mut().append(name, value.clone());
            }
        }
        response
    }
    let call = |decide: &str, head: Head| {
        let mut request = asked(decide, "POST", "/shop.Orders/Get");
        let content_type = HeaderValue::from_static("application/grpc");
        request.headers_mut().insert("content-type", content_type);
        for (name, value) in head {
            let name = format!("answer-{name}")
                .parse::<http::HeaderName>()
                .unwrap();
            request
                .headers_mut()
                .append(name, HeaderValue::from_static(value));
        }
        request
    };
    let tripwire = RequireAuthorization::new().events(Heard::default());
    let keep = tripwire.clone().undecided_errors(UndecidedErrors::Keep);
    let service = logged_in(tripwire.layer(handler(answer_of)));
    let rows: [(Head, &str, &str); 8] = [
        (&[], "13", "This request was not authorized"),
        (
            &[("grpc-status", "0")],
            "13",
            "This request was not authorized",
        ),
        (
            &[("grpc-status", "00")],
            "13",
            "This request was not authorized",
        ),
        (
            &[("grpc-status", "05")],
            "13",
            "This request was not authorized",
        ),
        (
            &[("grpc-status", "x")],
            "13",
            "This request was not authorized",
        ),
        (
            &[("grpc-status", "5"), ("grpc-status", "0")],
            "13",
            "This request was not authorized",
        ),
        (
            &[("grpc-status", "5"), ("grpc-message", "order 7")],
            "5",
            "Not found",
        ),
        (
            &[("grpc-status", "2"), ("grpc-message", "db password")],
            "2",
            "Unknown error",
        ),
    ];
    for (head, status, message) in rows {
        let answer = whole(go(service.clone(), call("", head)).await).await;
        assert_eq!(answer.status(), 200, "{head:?}");
        assert_eq!(answer.headers()["grpc-status"], status, "{head:?}");
        assert_eq!(answer.headers()["grpc-message"], message, "{head:?}");
        assert_eq!(text(&answer), "", "{head:?}");
        let answer = whole(go(service.clone(), call("allow", head)).await).await;
        assert_eq!(text(&answer), "a message", "{head:?}");
    }
    let head: Head = &[
        ("grpc-status", "16"),
        ("www-authenticate", "Bearer realm=\"api\""),
        ("grpc-retry-pushback-ms", "7"),
        ("grpc-status-details-bin", "c2VjcmV0"),
        ("x-secret", "7"),
    ];
    let answer = whole(go(service, call("", head)).await).await;
    assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"api\"");
    assert_eq!(answer.headers()["grpc-retry-pushback-ms"], "7");
    assert!(!answer.headers().contains_key("grpc-status-details-bin"));
    assert!(!answer.headers().contains_key("x-secret"));

    // Kept, it is a head all the same: an error has no messages before it.
    let service = logged_in(keep.layer(handler(answer_of)));
    let answer = whole(go(service.clone(), call("", head)).await).await;
    assert_eq!(
        (&answer.headers()["x-secret"], text(&answer)),
        (&HeaderValue::from_static("7"), "")
    );
    let answer = whole(go(service, call("", &[])).await).await;
    assert_eq!(answer.headers()["grpc-status"], "13");
}

/// With a stack outside and without one, and a tripwire within another: there is one ledger.
#[tokio::test]
async fn all_tripwires_of_a_request_read_one_ledger() {
    let heard = Heard::default();
    let tripwire = || RequireAuthorization::new().events(heard.clone());
    let twice = tripwire().layer(tripwire().layer(handler(respond)));
    let in_stack = SecurityStack::new()
        .events(heard.clone())
        .layer(tripwire().layer(handler(respond)));
    for (decide, status, events) in [("allow", 200, 0), ("", 500, 1), ("deny", 500, 1)] {
        let answer = go(logged_in(twice.clone()), asked(decide, "GET", "/content")).await;
        assert_eq!(answer.status(), status, "{decide}");
        // What the inner one has refused, the outer one leaves alone.
        assert_eq!(heard.take().len(), events, "{decide}");
        let answer = go(
            logged_in(in_stack.clone()),
            asked(decide, "GET", "/content"),
        )
        .await;
        assert_eq!(answer.status(), status, "{decide}");
        assert_eq!(heard.take().len(), events, "{decide}");
    }
}

/// What is decided for one request is not decided for the next.
#[tokio::test]
async fn each_request_is_decided_for_itself() {
    let tripwire = RequireAuthorization::new().events(Heard::default());
    let service = logged_in(tripwire.layer(handler(respond)));
    for (decide, status) in [
        ("allow", 200),
        ("", 500),
        ("deny", 500),
        ("exempt", 200),
        ("", 500),
    ] {
        let answer = go(service.clone(), asked(decide, "GET", "/content")).await;
        assert_eq!(answer.status(), status, "{decide:?}");
    }
}

/// The start of a path that no router knows is told, in letters that harm no log.
#[tokio::test]
async fn events_name_who_and_where() {
    let heard = Heard::default();
    let tripwire = RequireAuthorization::new().events(heard.clone());
    let content = |_: &http::request::Parts| Response::new(full("secret"));
    let service = logged_in(tripwire.layer(handler(content)));
    let long = format!("/{}", "a".repeat(200));
    for (target, told) in [
        ("/orders/7?token=secret", "GET /orders/7".to_owned()),
        (&*long, format!("GET /{}", "a".repeat(95))),
        ("/%0a", "GET /%0a".to_owned()),
    ] {
        go(service.clone(), asked("", "GET", target)).await;
        assert_eq!(heard.take()[0].4, told);
    }
}

/// Row 63: what was written is not committed.
#[tokio::test]
async fn nothing_is_committed_that_nobody_has_decided() {
    type Rows = Arc<Mutex<Vec<&'static str>>>;
    async fn rename(
        request: Request<Full<Bytes>>,
        rows: Rows,
    ) -> Result<Response<Full<Bytes>>, Rejection> {
        let (mut head, _) = request.into_parts();
        let authz = Authz::of_head(&mut head);
        let written = vec!["renamed"];
        if head.headers.contains_key("x-decide") {
            authz.scoped();
        }
        authz.ensure()?;
        rows.lock().unwrap().extend(written);
        Ok(Response::new(Full::default()))
    }
    let rows = Rows::default();
    let stored = Arc::clone(&rows);
    let handler = service_fn(move |request: Request<Full<Bytes>>| {
        let rows = Arc::clone(&stored);
        async move {
            let context =
                RefusalContext::of(request.method(), request.headers(), request.extensions());
            let answer = rename(request, rows).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(|error| context.refuse(error)))
        }
    });
    let tripwire = RequireAuthorization::new().events(Heard::default());
    let service = logged_in(tripwire.layer(handler));
    let answer = whole(go(service.clone(), asked("", "POST", "/orders/7")).await).await;
    assert_eq!((answer.status().as_u16(), text(&answer)), (500, UNDECIDED));
    assert!(rows.lock().unwrap().is_empty());
    let answer = go(service, asked("scoped", "POST", "/orders/7")).await;
    assert_eq!(
        (answer.status().as_u16(), rows.lock().unwrap().len()),
        (200, 1)
    );
}
