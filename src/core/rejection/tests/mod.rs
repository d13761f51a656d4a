mod rendered;

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, RETRY_AFTER, VARY};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};

use super::*;
use crate::core::{Context, LedgerBits, RequestContext, RequestId, Shared};

type Answer = Response<Full<Bytes>>;

fn context(request: http::request::Builder) -> RefusalContext {
    RefusalContext::new(&request.body(()).unwrap().into_parts().0)
}

fn forbidden() -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, "csrf_refused", "Refused: cross-site")
}

fn text(answer: Answer) -> String {
    let body = ready(answer.into_body().collect());
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

/// The bodies of these tests are ready at once.
fn ready<F: Future>(future: F) -> <F::Output as Unwrapped>::Value
where
    F::Output: Unwrapped,
{
    let mut future = std::pin::pin!(future);
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut task) {
        std::task::Poll::Ready(output) => output.unwrapped(),
        std::task::Poll::Pending => panic!("a body in memory is ready"),
    }
}

trait Unwrapped {
    type Value;
    fn unwrapped(self) -> Self::Value;
}

impl<T, E: fmt::Debug> Unwrapped for Result<T, E> {
    type Value = T;
    fn unwrapped(self) -> T {
        self.unwrap()
    }
}

#[test]
fn http_is_a_problem_that_is_not_stored() {
    let answer: Answer = forbidden().into_response(&context(Request::post("/a")));
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers().len(), 2);
    let marker = answer.extensions().get::<Refused>().unwrap();
    assert_eq!(
        (marker.code(), marker.status(), marker.abuse()),
        ("csrf_refused", StatusCode::FORBIDDEN, None)
    );
    assert_eq!(
        text(answer),
        r#"{"title":"Refused: cross-site","status":403,"code":"csrf_refused"}"#
    );
}

#[test]
fn head_is_the_head_alone_with_the_length_of_the_get() {
    let get: Answer = forbidden().into_response(&context(Request::get("/a")));
    let head: Answer = forbidden().into_response(&context(Request::head("/a")));
    assert_eq!(head.status(), get.status());
    assert_eq!(
        head.headers()["content-type"],
        get.headers()["content-type"]
    );
    let length = head.headers()["content-length"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(text(head), "");
    assert_eq!(text(get).len().to_string(), length);
}

#[test]
fn grpc_is_a_status_in_the_head() {
    for (content_type, echoed) in [
        ("application/grpc", "application/grpc"),
        ("application/grpc+proto", "application/grpc+proto"),
        ("Application/GRPC; charset=utf-8", "application/grpc"),
        ("application/grpc+json", "application/grpc"),
        ("application/grpc-web", "application/grpc-web"),
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web-text", "application/grpc-web-text"),
        (
            "application/grpc-web-text+proto",
            "application/grpc-web-text+proto",
        ),
    ] {
        let request = Request::post("/pkg.S/M").header(CONTENT_TYPE, content_type);
        let answer: Answer = forbidden().retry_after(3).into_response(&context(request));
        assert_eq!(answer.status(), 200, "{content_type}");
        assert_eq!(answer.headers()["content-type"], echoed);
        assert_eq!(answer.headers()["grpc-status"], "7");
        assert_eq!(answer.headers()["grpc-message"], "Refused: cross-site");
        assert_eq!(answer.headers().get(RETRY_AFTER), None);
        assert_eq!(answer.extensions().get::<Refused>().unwrap().status(), 403);
        assert_eq!(text(answer), "");
    }
    for other in [
        "application/json",
        "application/grp",
        "text/application/grpc",
        "",
    ] {
        let request = Request::post("/pkg.S/M").header(CONTENT_TYPE, other);
        let answer: Answer = forbidden().into_response(&context(request));
        assert_eq!(answer.status(), 403, "{other}");
    }
}

#[test]
fn a_refusal_over_grpc_is_not_stored_and_no_other_method_is_grpc() {
    let ask = |method: Method| {
        let request = Request::builder()
            .method(method)
            .header(CONTENT_TYPE, "application/grpc");
        forbidden().into_response::<Full<Bytes>>(&context(request))
    };
    let call = ask(Method::POST);
    assert_eq!(
        (call.status(), &call.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        assert_eq!(ask(method.clone()).status(), 403, "{method}");
    }
}

#[test]
fn no_member_is_written_twice() {
    let rejection = forbidden()
        .member("code", ["a"])
        .member("request_id", ["a"])
        .member("rules", ["a"])
        .member("rules", ["b"]);
    let answer: Answer = rejection.into_response(&context(Request::get("/")));
    assert!(text(answer).ends_with(r#""code":"csrf_refused","rules":["a"]}"#));
}

#[test]
fn each_status_has_its_grpc_status() {
    for (status, number) in [
        (400, 3),
        (405, 3),
        (415, 3),
        (422, 3),
        (401, 16),
        (403, 7),
        (404, 5),
        (408, 4),
        (504, 4),
        (413, 8),
        (414, 8),
        (429, 8),
        (431, 8),
        (503, 14),
        (500, 13),
        (418, 13),
        (308, 13),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(GrpcCode::from_status(status).number(), number, "{status}");
    }
}

#[test]
fn grpc_tells_when_to_try_again() {
    let grpc = || context(Request::post("/").header(CONTENT_TYPE, "application/grpc"));
    for (pushback, value) in [
        (Pushback::After(Duration::from_millis(1500)), "1500"),
        (Pushback::After(Duration::from_micros(1)), "1"),
        (Pushback::Never, "-1"),
    ] {
        let answer: Answer = forbidden().pushback(pushback).into_response(&grpc());
        assert_eq!(answer.headers()["grpc-retry-pushback-ms"], value);
    }
    // RFC 4648, section 10, without the padding.
    for (raw, text) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ] {
        let answer: Answer = forbidden()
            .grpc_details(Bytes::from(raw))
            .into_response(&grpc());
        assert_eq!(answer.headers()["grpc-status-details-bin"], text);
    }
    let answer: Answer = forbidden()
        .grpc_details(Bytes::from_static(b"\xfb\xff"))
        .into_response(&grpc());
    assert_eq!(answer.headers()["grpc-status-details-bin"], "+/8");
}

#[test]
fn grpc_messages_are_percent_encoded() {
    let title = "50% of caf\u{e9}\n";
    let request = Request::post("/").header(CONTENT_TYPE, "application/grpc");
    let answer: Answer =
        Rejection::new(StatusCode::FORBIDDEN, "x", title).into_response(&context(request));
    assert_eq!(answer.headers()["grpc-message"], "50%25 of caf%C3%A9%0A");
}

#[test]
fn an_empty_answer_has_nothing_of_its_own() {
    let request = Request::options("/").header(CONTENT_TYPE, "application/grpc");
    let answer: Answer = Rejection::empty(StatusCode::NO_CONTENT)
        .header(VARY, HeaderValue::from_static("origin"))
        .reason("dropped")
        .into_response(&context(request));
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers().len(), 1);
    assert_eq!(answer.headers()[VARY], "origin");
    assert!(answer.extensions().is_empty());
    assert_eq!(text(answer), "");
}

#[test]
fn a_redirect_has_a_location_and_no_body() {
    let location = HeaderValue::from_static("https://app.example/a?b");
    let redirect = || Rejection::redirect(StatusCode::PERMANENT_REDIRECT, location.clone());
    let answer: Answer = redirect().into_response(&context(Request::get("/a?b")));
    assert_eq!(answer.status(), 308);
    assert_eq!(answer.headers()["location"], "https://app.example/a?b");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers().len(), 2);
    assert_eq!(text(answer), "");

    let grpc = Request::post("/").header(CONTENT_TYPE, "application/grpc");
    let answer: Answer = redirect().into_response(&context(grpc));
    assert_eq!(answer.headers().get("location"), None);
    assert_eq!(answer.headers()["grpc-status"], "13");
}

#[test]
fn oauth_errors_are_json_objects_of_one_member() {
    let rejection = Rejection::oauth(StatusCode::BAD_REQUEST, "invalid_grant", "Invalid grant");
    let answer: Answer = rejection.into_response(&context(Request::post("/token")));
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(text(answer), r#"{"error":"invalid_grant"}"#);
}

#[test]
fn every_part_of_a_problem_is_written() {
    let rejection = Rejection::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate_limited",
        "Slow <down> & \"rest\"",
    )
    .problem_type("https://example.com/quota")
    .member("violated-policies", ["burst", "day"])
    .retry_after(30)
    .abuse(AbuseKind::RateLimited)
    .challenges([
        HeaderValue::from_static("Bearer realm=\"api\""),
        HeaderValue::from_static("DPoP algs=\"ES256\""),
    ]);
    let answer: Answer = rejection.into_response(&context(Request::get("/")));
    assert_eq!(answer.headers()["retry-after"], "30");
    assert_eq!(
        answer.headers().get_all("www-authenticate").iter().count(),
        2
    );
    assert_eq!(
        AbuseSignal::of(answer.extensions()),
        Some(AbuseKind::RateLimited)
    );
    assert_eq!(
        text(answer),
        concat!(
            r#"{"type":"https://example.com/quota","title":"Slow \u003cdown\u003e \u0026 \"rest\"","#,
            r#""status":429,"code":"rate_limited","violated-policies":["burst","day"]}"#
        )
    );
}
