//! Fields of HTML in JSON: of a body that goes on, nothing but the strings that pointers lead to may be other than it came.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_layer::Layer;
use tower_security::sanitize::html::HtmlPolicy;
use tower_security::sanitize::{GuardedBody, SanitizeLayer};
use tower_service::Service;

/// A handler that keeps the body it gets.
#[derive(Clone, Default)]
struct Keep(Arc<Mutex<Option<Bytes>>>);

impl Service<Request<GuardedBody<Full<Bytes>>>> for Keep {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<GuardedBody<Full<Bytes>>>) -> Self::Future {
        let body = now(request.into_body().collect()).expect("the body is there");
        *self.0.lock().expect("not poisoned") = Some(body.to_bytes());
        ready(Ok(Response::new(Full::default())))
    }
}

/// The answer of a future that does not wait.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// What the handler gets; `None` for what is refused.
fn guarded(text: &[u8]) -> Option<Bytes> {
    let layer = SanitizeLayer::builder()
        .html_json("/a", HtmlPolicy::basic())
        .html_json("/c/*/b", HtmlPolicy::ugc())
        .html_json("/c/1", HtmlPolicy::text())
        .build()
        .expect("it is sound");
    let handler = Keep::default();
    let mut service = layer.layer(handler.clone());
    let request = Request::post("/")
        .header("host", "app.example.com")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::copy_from_slice(text)))
        .expect("it is a request");
    let answer = now(service.call(request)).expect("it never fails");
    let got = handler.0.lock().expect("not poisoned").take();
    assert_eq!(answer.status().is_success(), got.is_some());
    got
}

/// The strings of a text, and the text with all of them empty.
fn strings(text: &[u8]) -> (Vec<&[u8]>, Vec<u8>) {
    let (mut strings, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        rest.push(text[at]);
        at += 1;
        if text[at - 1] != b'"' {
            continue;
        }
        let start = at;
        while text[at] != b'"' {
            at += if text[at] == b'\\' { 2 } else { 1 };
        }
        strings.push(&text[start..at]);
        rest.push(b'"');
        at += 1;
    }
    (strings, rest)
}

/// A value with its fields of HTML emptied.
fn without_fields(value: &Value) -> Value {
    let mut value = value.clone();
    let empty = |value: Option<&mut Value>| {
        if let Some(Value::String(text)) = value {
            text.clear();
        }
    };
    empty(value.pointer_mut("/a"));
    empty(value.pointer_mut("/c/1"));
    match value.get_mut("c") {
        Some(Value::Array(list)) => list.iter_mut().for_each(|item| empty(item.get_mut("b"))),
        Some(Value::Object(map)) => map.values_mut().for_each(|item| empty(item.get_mut("b"))),
        _ => {}
    }
    value
}

/// The bytes that are not in strings stay; so does every string that no pointer leads to; a second pass changes nothing.
pub fn rewrite(data: &[u8]) {
    let Some(got) = guarded(data) else { return };
    if got == data {
        return;
    }
    let ((before, skeleton), (after, of_got)) = (strings(data), strings(&got));
    assert_eq!(skeleton, of_got);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(after) {
        let had_tag = before.contains(&b'<') || before.contains(&b'\\');
        assert!(had_tag || *before == after, "a string without a tag");
    }
    let parse = |text: &[u8]| serde_json::from_slice::<Value>(text).expect("it is JSON");
    assert_eq!(without_fields(&parse(data)), without_fields(&parse(&got)),);
    assert_eq!(guarded(&got), Some(got.clone()), "cleaned twice");
}
