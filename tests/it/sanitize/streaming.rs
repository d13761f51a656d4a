//! Multipart bodies that are checked while the handler reads them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_security::core::Refused;
use tower_security::sanitize::{GuardedBody, MultipartRules, Rule, SanitizeLayer, Violation};

use super::Handler;
use crate::support::service::go;

/// A body in pieces, which knows how much is left of it.
struct Pieces(Vec<Bytes>);

impl Pieces {
    fn new(text: &str, cuts: &[usize]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = Bytes::copy_from_slice(text.as_bytes());
        for cut in cuts {
            pieces.push(rest.split_to(*cut));
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        pieces.reverse();
        Self(pieces)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

const GOOD: &str = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n-\r\n--X\r\n--XX\r\n\
                    content-disposition: form-data; name=\"b\"; filename=\"c.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n--XX--\r\n";

fn request<B>(body: B) -> Request<B> {
    Request::post("/")
        .header("host", "app.example")
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(body)
        .unwrap()
}

fn streaming() -> SanitizeLayer {
    SanitizeLayer::builder()
        .multipart(MultipartRules::streaming())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_body_is_read_in_the_same_way_wherever_it_is_cut() {
    let layer = streaming();
    let truncated = GOOD.replace("--XX--\r\n", "");
    let rows = [
        (GOOD.to_owned(), None),
        (truncated, Some(Rule::MultipartTruncated)),
        (GOOD.replace("c.txt", "../c"), Some(Rule::MultipartFileName)),
        (
            GOOD.replace("name=\"b\"", "name*=\"b\""),
            Some(Rule::MultipartDisposition),
        ),
        (
            GOOD.replace("text/plain", "text/\0"),
            Some(Rule::MultipartPartHeaders),
        ),
    ];
    for (text, expected) in rows {
        for cut in 0..text.len() {
            let handler = Handler::default();
            let body = Pieces::new(&text, &[cut]);
            let answer = go(layer.layer(handler.clone()), request(body)).await;
            let rule = answer.extensions().get().map(Violation::rule);
            assert_eq!(rule, expected, "{cut} {text:?}");
            let seen = handler.last();
            match expected {
                None => {
                    assert_eq!(answer.status(), StatusCode::OK);
                    assert_eq!(seen.body.unwrap(), text);
                }
                Some(rule) => {
                    assert_eq!(answer.status(), rule.status());
                    let refused: &Refused = answer.extensions().get().unwrap();
                    assert_eq!(refused.code(), rule.as_str());
                    // The handler met an error in the place of what is wrong.
                    assert!(seen.body.is_none());
                }
            }
        }
        let bytes: Vec<_> = (1..text.len()).map(|_| 1).collect();
        let handler = Handler::default();
        let answer = go(layer.layer(handler), request(Pieces::new(&text, &bytes))).await;
        assert_eq!(answer.extensions().get().map(Violation::rule), expected);
    }
}

/// A handler may stop at the last frame, of which the body says that nothing is behind it.
#[tokio::test]
async fn what_is_cut_off_is_found_with_the_last_frame() {
    let truncated = GOOD.replace("--XX--\r\n", "");
    for (text, passes) in [(GOOD, true), (&*truncated, false)] {
        let handler = service_fn(|request: Request<GuardedBody<Pieces>>| async move {
            let mut body = std::pin::pin!(request.into_body());
            let mut frames = 0;
            while !body.is_end_stream() {
                let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
                if !matches!(frame, Some(Ok(_))) {
                    break;
                }
                frames += 1;
            }
            assert_eq!(frames, if passes { 2 } else { 1 });
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let answer = go(
            streaming().layer(handler),
            request(Pieces::new(text, &[20])),
        )
        .await;
        assert_eq!(answer.status() == StatusCode::OK, passes);
    }
}

/// A boundary that is none is known before the handler is called, and what nobody reads is not judged.
#[tokio::test]
async fn only_what_is_read_is_judged() {
    let handler = Handler::default();
    let mut bad = request(Pieces::new(GOOD, &[]));
    let headers = bad.headers_mut();
    headers.insert(
        "content-type",
        "multipart/form-data; boundary=\"\"".parse().unwrap(),
    );
    let answer = go(streaming().layer(handler.clone()), bad).await;
    assert_eq!(
        answer.extensions().get().map(Violation::rule),
        Some(Rule::MultipartBoundary)
    );
    assert_eq!(handler.calls(), 0);

    let deaf = service_fn(|_: Request<GuardedBody<Pieces>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let answer = go(
        streaming().layer(deaf),
        request(Pieces::new("nothing", &[])),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A handler that fails because its body ended is answered for.
#[tokio::test]
async fn a_refusal_takes_the_place_of_a_failure() {
    #[derive(Debug)]
    struct Failed;

    for (text, status) in [(GOOD, None), ("--XX\r\nA: b\r\n\r\n", Some(400))] {
        let handler = service_fn(|request: Request<GuardedBody<Pieces>>| async move {
            use http_body_util::BodyExt;
            let read = request.into_body().collect().await;
            match read {
                Ok(_) => Err::<Response<Full<Bytes>>, _>(Failed),
                Err(error) => {
                    assert!(error.is::<Violation>());
                    Err(Failed)
                }
            }
        });
        let service = streaming().layer(handler);
        let answer =
            tower::ServiceExt::<Request<Pieces>>::oneshot(service, request(Pieces::new(text, &[])))
                .await;
        let answered = answer.ok().map(|answer| answer.status().as_u16());
        assert_eq!(answered, status);
    }
}

/// What is reported passes whole.
#[tokio::test]
async fn report_only_hands_on_every_byte() {
    let layer = SanitizeLayer::builder()
        .report_only()
        .multipart(MultipartRules::streaming())
        .build()
        .unwrap();
    for text in [
        GOOD,
        "nothing",
        "--XX\r\nA: b\r\n\r\n",
        "--XX\r\n\0\r\n\r\n--XX--",
    ] {
        let handler = Handler::default();
        let body = Pieces::new(text, &[3]);
        let answer = go(layer.layer(handler.clone()), request(body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(handler.last().body.unwrap(), text);
    }
}
