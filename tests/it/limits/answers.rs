//! The body of an answer.

use http::{Request, Response};
use tokio::time::Instant;
use tower::{Layer, service_fn};
use tower_security::core::Outcome;

use super::*;
use crate::support::service::go;

/// Answers with this body and this type.
async fn answer(
    layer: &LimitsLayer,
    content_type: Option<&'static str>,
    steps: Vec<Step>,
) -> Response<AnswerBody<Script>> {
    let handler = service_fn(move |_: Request<LimitedBody<Script>>| {
        let mut answer = Response::new(Script::of(steps.clone()));
        if let Some(content_type) = content_type {
            let value = http::HeaderValue::from_static(content_type);
            answer.headers_mut().insert("content-type", value);
        }
        async { Ok::<_, Infallible>(answer) }
    });
    go(layer.layer(handler), Request::new(Script::default())).await
}

fn idle() -> (LimitsLayer, Told) {
    build(LimitsLayer::builder().answer_idle(seconds(5)))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_is_cut_and_not_ended() {
    let slow = |pause: u64| vec![data(1), wait(millis(pause)), data(1)];
    let many = std::iter::repeat_n([wait(seconds(4)), data(1)], 100);
    let rows = [
        ("nothing", vec![], Some(0)),
        ("at once", vec![data(7)], Some(7)),
        ("nearly too slow", slow(4_999), Some(2)),
        ("too slow", slow(5_001), None),
        ("slow for long", many.flatten().collect(), Some(100)),
        (
            "trailers",
            vec![data(1), wait(seconds(6)), Step::Trailers],
            None,
        ),
    ];
    for (name, steps, length) in rows {
        let (layer, told) = idle();
        let answer = answer(&layer, Some("application/json"), steps).await;
        match (answer.into_body().collect().await, length) {
            (Ok(read), Some(length)) => {
                assert_eq!(read.to_bytes().len(), length, "{name}");
                assert!(told.take().is_empty(), "{name}");
            }
            (Err(error), None) => {
                let refusal: &LimitsRefusal = error.downcast_ref().unwrap();
                assert_eq!(*refusal, LimitsRefusal::AnswerStalled);
                let detail = "limit=5s".to_owned();
                assert_eq!(told.take(), [("answer_stalled", Outcome::Fault, detail)]);
            }
            (read, _) => panic!("{name}: {read:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_the_cut() {
    let (layer, _) = idle();
    let steps = vec![data(1), wait(seconds(6)), data(1)];
    let body = answer(&layer, None, steps).await.into_body();
    let mut body = std::pin::pin!(body);
    assert!(matches!(body.frame().await, Some(Ok(_))));
    let start = Instant::now();
    assert!(matches!(body.frame().await, Some(Err(_))));
    assert_eq!(start.elapsed(), seconds(5));
    assert!(!body.is_end_stream());
    assert!(body.frame().await.is_none());
    assert!(!body.is_end_stream());
}

/// A client that reads slowly is not the handler's fault.
#[tokio::test(start_paused = true)]
async fn only_the_handler_is_waited_for() {
    let (layer, told) = idle();
    let steps = vec![data(1), wait(seconds(4)), data(1)];
    let body = answer(&layer, None, steps).await.into_body();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        sleep(seconds(100)).await;
    }
    assert!(told.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn streams_stand_still_for_as_long_as_they_want() {
    let rows = [
        (None, false),
        (Some("application/json"), false),
        (Some("text/event-streams"), true),
        (Some("text/event-stream"), true),
        (Some("Text/Event-Stream; charset=utf-8"), true),
        (Some("multipart/x-mixed-replace; boundary=a"), true),
        (Some("multipart/form-data; boundary=a"), false),
        (Some("application/grpc"), true),
        (Some("application/grpc+proto"), true),
        (Some("application/grpc-web"), true),
        (Some("x text/event-stream"), false),
    ];
    for (content_type, is_stream) in rows {
        let (layer, _) = idle();
        let steps = vec![data(1), wait(seconds(100_000)), data(1)];
        let answer = answer(&layer, content_type, steps).await;
        let read = answer.into_body().collect().await;
        assert_eq!(read.is_ok(), is_stream, "{content_type:?}");
    }
}

/// The handler's own error and its length are handed on.
#[tokio::test]
async fn an_answer_is_that_of_the_handler() {
    let (layer, _) = idle();
    let answer = answer(&layer, None, vec![data(1), Step::Fail]).await;
    let error = answer.into_body().collect().await.unwrap_err();
    assert!(error.is::<Broken>());

    let handler = service_fn(|_: Request<LimitedBody<Script>>| async {
        let body = Script::of([data(7)]).says(7);
        Ok::<_, Infallible>(Response::new(body))
    });
    let answer = go(layer.layer(handler), Request::new(Script::default())).await;
    assert_eq!(answer.body().size_hint().exact(), Some(7));
    assert!(!answer.body().is_end_stream());
}
