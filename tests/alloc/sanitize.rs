//! Allocations of the guard of requests: none for what is clean.

use super::*;
use std::collections::VecDeque;
use std::pin::Pin;

use http_body::{Body, Frame, SizeHint};
use tower_security::sanitize::{GuardedBody, SanitizeLayer};

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target)
        .header("host", "app.example")
        .header("accept", "application/json")
        .header("user-agent", "Mozilla/5.0")
        .header("cookie", "a=1; b=2")
        .body(Full::default())
        .expect("a request")
}

fn post<B>(media_type: &str, body: B) -> Request<B> {
    Request::post("/notes?q=1")
        .header("host", "app.example")
        .header("content-type", media_type)
        .body(body)
        .expect("a request")
}

fn made<B>(layer: &SanitizeLayer, request: impl Fn() -> Request<B>) -> (u16, usize)
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut service = layer.layer(Bare);
    go(&mut service, request());
    let request = request();
    let (answer, count) = counted(|| go(&mut service, request));
    (answer.status().as_u16(), count)
}

#[test]
fn a_clean_head_costs_none() {
    for layer in [SanitizeLayer::strict(), SanitizeLayer::compatible()] {
        for target in [
            "/",
            "/notes/17/comments?sort=date&page=2&tag[]=a&tag[]=b",
            "/caf%C3%A9/.well-known?q=%C3%A9+b&a=1&b=2&c=3&d=4&e=5&f=6&g=7",
            "/?q=a%20b",
        ] {
            assert_eq!(made(&layer, || get(target)), (200, 0), "{target}");
        }
    }
}

/// The handler has the body dropped: what is counted is the layer's.
#[test]
fn a_clean_body_in_one_frame_costs_none() {
    let json =
        "{\"user\":{\"name\":\"Zo\u{eb}\",\"tags\":[1,2.5,null,true]},\"note\":\"plain text\"}";
    let rows = [
        ("application/json", json.to_owned()),
        ("application/json; charset=utf-8", json.to_owned()),
        ("application/json; charset=\"UTF-8\"", json.to_owned()),
        (
            "application/x-www-form-urlencoded",
            "a=1&b=two&c=".to_owned(),
        ),
        // Passed on unread.
        ("application/grpc-web", "\0\0\0\0\0".to_owned()),
    ];
    let layer = SanitizeLayer::grpc();
    for (media_type, body) in rows {
        let body = Bytes::from(body);
        // The first clone of bytes allocates.
        drop(body.clone());
        let request = || post(media_type, Full::new(body.clone()));
        assert_eq!(made(&layer, request), (200, 0), "{media_type}");
    }
}

/// Frames that know their length.
struct Frames(VecDeque<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|frame| Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|frame| frame.len() as u64).sum())
    }
}

#[test]
fn several_frames_cost_one() {
    let frames = [&b"{\"a\":"[..], b"[1,2,", b"3]", b"}"];
    let request = || {
        let frames = frames.map(Bytes::from_static);
        post("application/json", Frames(frames.into()))
    };
    assert_eq!(made(&SanitizeLayer::strict(), request), (200, 1));
}

#[test]
fn a_refusal_costs_what_a_refusal_costs() {
    // The maps are the request's: what is left are the text for the event, the reason and the tables of the headers.
    let (status, refused) = made(&SanitizeLayer::strict(), || get("/a/../b"));
    assert_eq!(status, 400);
    assert!(refused <= 8, "{refused}");
}

/// The service is as large as its inner one and a pointer.
#[test]
fn the_service_is_small() {
    type Service = tower_security::sanitize::SanitizeService<Bare>;
    assert_eq!(size_of::<Service>(), size_of::<usize>());
    assert!(size_of::<GuardedBody<Full<Bytes>>>() <= 64);
}
