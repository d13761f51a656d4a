//! The size of a request's body.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_security::core::Outcome;
use tower_security::limits::LimitedBody;

use super::*;
use crate::support::service::Spy;

fn ten() -> (LimitsLayer, Told) {
    build(LimitsLayer::builder().body_limit(10))
}

const TOO_LARGE: LimitsRefusal = LimitsRefusal::BodyTooLarge;

#[tokio::test]
async fn a_length_that_is_said_is_refused_before_anything_is_read() {
    for (says, called) in [(0, 1), (10, 1), (11, 0), (u64::MAX, 0)] {
        let (layer, told) = ten();
        let spy = Spy::new();
        // Whoever asks it for a frame gets one.
        let body = Script::of([Step::Fail]).says(says);
        let came = ask(layer.layer(spy.clone()), post(body)).await;
        assert_eq!(spy.calls(), called, "{says}");
        match called {
            1 => {
                assert_eq!((came.status, came.code), (200, None), "{says}");
                assert!(told.take().is_empty());
            }
            _ => {
                assert_eq!(came, refused(413, TOO_LARGE));
                let detail = "limit=10".to_owned();
                assert_eq!(told.take(), [("body_too_large", Outcome::Refused, detail)]);
            }
        }
    }
}

/// A body that was put in between may not know its length, which stands in the head all the same.
#[tokio::test]
async fn a_length_in_the_head_alone_is_seen() {
    let rows: [(&[&str], u16); 6] = [
        (&["10"], 200),
        (&["11"], 413),
        (&["3", "11"], 413),
        (&["18446744073709551615"], 413),
        // No numbers: what reads them refuses them.
        (&["99999999999999999999999"], 200),
        (&["-11"], 200),
    ];
    for (lines, status) in rows {
        let (layer, _) = ten();
        let mut request = post(Script::of([data(10)]));
        for line in lines {
            request
                .headers_mut()
                .append("content-length", line.parse().unwrap());
        }
        let came = ask(layer.layer(Reader::default()), request).await;
        assert_eq!(came.status, status, "{lines:?}");
    }
    // What has no body has no length.
    let (layer, _) = ten();
    let mut request = Request::head("/orders").body(Script::default()).unwrap();
    request
        .headers_mut()
        .insert("content-length", "11".parse().unwrap());
    assert_eq!(ask(layer.layer(Spy::new()), request).await.status, 200);
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_when_it_gets_there() {
    let rows: [(&str, &[usize], bool); 8] = [
        ("nothing", &[0], true),
        ("all at once", &[10], true),
        ("in two", &[9, 1], true),
        ("with nothing in between", &[5, 0, 5, 0], true),
        ("one too many", &[11], false),
        ("one too many at the end", &[9, 1, 1], false),
        ("in pieces", &[1; 11], false),
        ("far too many", &[1_000_000], false),
    ];
    for (name, pieces, passes) in rows {
        let (layer, told) = ten();
        let reader = Reader::default();
        let body = Script::of(pieces.iter().map(|bytes| data(*bytes)));
        let came = ask(layer.layer(reader.clone()), post(body)).await;
        let failed = reader.failed.lock().unwrap().clone();
        if passes {
            assert_eq!(came, Came::served(pieces.iter().sum()), "{name}");
            assert!(failed.is_empty() && told.take().is_empty(), "{name}");
        } else {
            assert_eq!(came, refused(413, TOO_LARGE), "{name}");
            assert_eq!(
                failed,
                ["the body of the request is too large: length limit exceeded"],
                "{name}"
            );
            assert_eq!(told.codes(), ["body_too_large"], "{name}");
        }
    }
}

/// What comes of the body after the limit is never seen, and it does not look as if it had ended.
#[tokio::test]
async fn a_body_ends_with_its_error() {
    let (layer, _) = ten();
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        let mut body = std::pin::pin!(request.into_body());
        assert!(matches!(body.frame().await, Some(Ok(_))));
        assert!(!body.is_end_stream());
        assert!(matches!(body.frame().await, Some(Err(_))));
        assert!(!body.is_end_stream());
        assert!(body.frame().await.is_none());
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("done")))
    });
    let body = Script::of([data(10), data(1), data(1)]);
    // A handler that is content with what it got has the last word.
    let came = ask(layer.layer(handler), post(body)).await;
    assert_eq!((came.status, came.body.as_str()), (200, "done"));
}

/// Whatever a handler makes of it, it was the limit.
#[tokio::test]
async fn a_refusal_takes_the_place_of_every_failure() {
    #[derive(Debug)]
    struct Failed;

    for (status, grpc, is_replaced) in [
        (200, None, false),
        (302, None, false),
        (200, Some("0"), false),
        (400, None, true),
        (413, None, true),
        (500, None, true),
        (200, Some("2"), true),
    ] {
        let (layer, told) = ten();
        let handler = service_fn(move |request: Request<LimitedBody<Script>>| async move {
            assert!(request.into_body().collect().await.is_err());
            let mut answer = Response::new(Full::<Bytes>::from("own"));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(grpc) = grpc {
                let grpc = http::HeaderValue::from_static(grpc);
                answer.headers_mut().insert("grpc-status", grpc);
            }
            Ok::<_, Infallible>(answer)
        });
        let came = ask(layer.layer(handler), post(Script::of([data(11)]))).await;
        if is_replaced {
            assert_eq!(came, refused(413, TOO_LARGE), "{status}");
        } else {
            assert_eq!((came.status, came.body.as_str()), (status, "own"));
        }
        assert_eq!(told.codes(), ["body_too_large"]);
    }

    let (layer, _) = ten();
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        match request.into_body().collect().await {
            Ok(_) => Ok(Response::new(Full::<Bytes>::default())),
            Err(_) => Err(Failed),
        }
    });
    for (bytes, status) in [(10, 200), (11, 413)] {
        let answer = tower::ServiceExt::<Request<Script>>::oneshot(
            layer.layer(handler),
            post(Script::of([data(bytes)])),
        );
        assert_eq!(answer.await.unwrap().status(), status);
    }
}

/// An error of the body itself is not ours.
#[tokio::test]
async fn errors_of_the_body_are_handed_on() {
    let (layer, told) = ten();
    let reader = Reader::default();
    let body = Script::of([data(3), Step::Fail, data(100)]);
    let came = ask(layer.layer(reader.clone()), post(body)).await;
    assert_eq!((came.status, came.body.as_str()), (400, "cannot read"));
    assert_eq!(*reader.failed.lock().unwrap(), ["broken"]);
    assert!(told.take().is_empty());
}

#[tokio::test]
async fn trailers_and_hints_are_those_of_the_body() {
    let (layer, _) = ten();
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        let body = request.into_body();
        assert_eq!(body.size_hint().exact(), Some(7));
        let read = body.collect().await.unwrap();
        assert_eq!(read.trailers(), Some(&HeaderMap::new()));
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let body = Script::of([data(7), Step::Trailers]).says(7);
    assert_eq!(ask(layer.layer(handler), post(body)).await.status, 200);
}

/// The default: what axum's extractors read.
#[tokio::test]
async fn the_default_is_two_mebibytes() {
    for (says, status) in [(2_097_152, 200), (2_097_153, 413)] {
        let came = ask(
            LimitsLayer::new().layer(Spy::new()),
            post(Script::of([data(1)]).says(says)),
        );
        assert_eq!(came.await.status, status);
    }
}

#[tokio::test]
async fn a_refusal_is_that_of_the_client_and_of_its_protocol() {
    let (layer, _) = ten();
    let mut request = post(Script::of([data(1)]).says(11));
    let grpc = http::HeaderValue::from_static("application/grpc+proto");
    request.headers_mut().insert("content-type", grpc);
    let answer = crate::support::service::go(layer.layer(Spy::new()), request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "8");

    let request = Request::head("/").body(Script::of([data(1)]).says(11));
    let answer = crate::support::service::go(layer.layer(Spy::new()), request.unwrap()).await;
    assert_eq!(answer.status(), 413);
    assert!(answer.body().is_end_stream());
}
