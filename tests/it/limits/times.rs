//! The time of a request's body and of its handler. The clock stands still and jumps to the next timer.

use http::Version;
use http_body_util::Full;
use tokio::time::Instant;
use tower::{Layer, service_fn};
use tower_security::core::Outcome;
use tower_security::limits::LimitedBody;

use super::*;
use crate::support::service::Spy;

const STALLED: LimitsRefusal = LimitsRefusal::BodyStalled;
const TOO_SLOW: LimitsRefusal = LimitsRefusal::BodyTooSlow;
const TIMEOUT: LimitsRefusal = LimitsRefusal::ResponseTimeout;

fn paced() -> LimitsBuilder {
    LimitsLayer::builder()
        .body_idle(seconds(5))
        .body_time(seconds(12))
        .response_time(seconds(3))
}

#[tokio::test(start_paused = true)]
async fn a_body_may_stand_still_and_take_so_long() {
    let every = |pause: u64, times: usize| {
        let steps = [wait(millis(pause)), data(1)];
        std::iter::repeat_n(steps, times)
            .flatten()
            .collect::<Vec<_>>()
    };
    // Name, steps, what comes, and when, in milliseconds.
    let rows = [
        ("at once", every(0, 3), Came::served(3), 0),
        ("nearly too long", every(4_999, 1), Came::served(1), 4_999),
        ("too long", every(5_001, 1), refused(408, STALLED), 5_000),
        (
            "never",
            vec![wait(seconds(100_000))],
            refused(408, STALLED),
            5_000,
        ),
        (
            "the second time",
            every(4_500, 1)
                .into_iter()
                .chain([wait(seconds(6)), data(1)])
                .collect(),
            refused(408, STALLED),
            9_500,
        ),
        ("a slow one", every(1_000, 11), Came::served(11), 11_000),
        (
            "a drop a second",
            every(1_000, 1_000),
            refused(408, TOO_SLOW),
            12_000,
        ),
        ("nearly too slow", every(3_999, 3), Came::served(3), 11_997),
        ("too slow", every(4_001, 3), refused(408, TOO_SLOW), 12_000),
        // What brings nothing is no progress.
        (
            "empty frames",
            std::iter::repeat_n([wait(seconds(1)), data(0)], 100)
                .flatten()
                .collect(),
            refused(408, STALLED),
            5_000,
        ),
        (
            "trailers that do not come",
            vec![data(1), wait(seconds(6)), Step::Trailers],
            refused(408, STALLED),
            5_000,
        ),
    ];
    for (name, steps, expected, after) in rows {
        let (layer, told) = build(paced());
        let start = Instant::now();
        let expects = expected.code.into_iter().collect::<Vec<_>>();
        assert_eq!(read(&layer, Script::of(steps)).await, expected, "{name}");
        assert_eq!(start.elapsed().as_millis(), after, "{name}");
        assert_eq!(told.codes(), expects, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_says_so_and_the_event_names_the_limit() {
    let (layer, told) = build(paced());
    let reader = Reader::default();
    let hangs = || post(Script::of([wait(seconds(6))]));
    ask(layer.layer(reader.clone()), hangs()).await;
    let detail = "limit=5s".to_owned();
    assert_eq!(told.take(), [("body_stalled", Outcome::Refused, detail)]);
    let still = "the body of the request stands still";
    let failed = std::mem::take(&mut *reader.failed.lock().unwrap());
    assert_eq!(failed, [format!("{still}: {still}")]);
    let body = Script::of(std::iter::repeat_n([wait(seconds(2)), data(1)], 9).flatten());
    ask(layer.layer(reader), post(body)).await;
    let detail = "limit=12s".to_owned();
    assert_eq!(told.take(), [("body_too_slow", Outcome::Refused, detail)]);
}

/// The rest of the body would be taken for the next request of the connection.
#[tokio::test(start_paused = true)]
async fn a_connection_of_http1_ends_with_a_408() {
    for (version, closes) in [(Version::HTTP_11, true), (Version::HTTP_2, false)] {
        let (layer, _) = build(paced());
        let mut request = post(Script::of([wait(seconds(6))]));
        *request.version_mut() = version;
        let answer = crate::support::service::go(layer.layer(Reader::default()), request).await;
        assert_eq!(answer.status(), 408);
        assert_eq!(answer.headers().contains_key("connection"), closes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_has_its_time() {
    // Before it reads, the body, after it has read; what comes, and when.
    let rows = [
        (2_999, 0, 0, Came::served(1), 2_999),
        (0, 0, 2_999, Came::served(1), 2_999),
        (3_001, 0, 0, refused(504, TIMEOUT), 3_000),
        (0, 0, 3_001, refused(504, TIMEOUT), 3_000),
        (1_500, 0, 1_501, refused(504, TIMEOUT), 3_000),
        // The client's time is not the handler's.
        (1_000, 4_000, 1_900, Came::served(1), 6_900),
        (1_000, 4_000, 2_001, refused(504, TIMEOUT), 7_000),
    ];
    for (before, body, after, expected, at) in rows {
        let (layer, told) = build(paced());
        let reader = Reader {
            before: millis(before),
            after: millis(after),
            ..Reader::default()
        };
        let start = Instant::now();
        let body = Script::of([wait(millis(body)), data(1)]);
        let expects = expected.code.into_iter().collect::<Vec<_>>();
        let name = format!("{before} {after}");
        assert_eq!(
            ask(layer.layer(reader), post(body)).await,
            expected,
            "{name}"
        );
        let took = start.elapsed().as_millis();
        // While it waits for the client nobody looks at every millisecond.
        assert!((at..=at + 100).contains(&took), "{name}: {took}");
        assert_eq!(told.codes(), expects, "{name}");
    }
}

/// With and without a body: the handler is dropped, and so is what it holds.
#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped() {
    for body in [Script::default(), Script::of([data(1)])] {
        let (layer, told) = build(paced());
        let held = Arc::new(());
        let holds = Arc::clone(&held);
        let handler = service_fn(move |_: Request<LimitedBody<Script>>| {
            let holds = Arc::clone(&holds);
            async move {
                sleep(seconds(10)).await;
                drop(holds);
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        });
        let mut answer = Box::pin(ask(layer.layer(handler), post(body)));
        assert!(futures_poll(&mut answer).await.is_none());
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(answer.await, refused(504, TIMEOUT));
        assert_eq!(Arc::strong_count(&held), 1);
        let detail = "limit=3s".to_owned();
        assert_eq!(told.take(), [("response_timeout", Outcome::Fault, detail)]);
    }
}

async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *future).poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// A handler that asks for a frame and looks after it no more waits for nobody after `body_idle`.
#[tokio::test(start_paused = true)]
async fn a_forgotten_body_gives_a_handler_no_more_time_than_a_read_one() {
    let (layer, _) = build(paced());
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        let mut body = Box::pin(request.into_body());
        assert!(futures_poll(&mut body.frame()).await.is_none());
        sleep(seconds(1_000)).await;
        drop(body);
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let start = Instant::now();
    let body = Script::of([wait(seconds(1_000))]);
    let came = ask(layer.layer(handler), post(body)).await;
    assert_eq!(came, refused(504, TIMEOUT));
    let took = start.elapsed();
    assert!(took >= seconds(8) && took <= millis(8_200), "{took:?}");
}

/// Between two frames the handler has all the time it wants: it is not the client that is slow.
#[tokio::test(start_paused = true)]
async fn the_time_of_the_handler_is_not_that_of_the_body() {
    let (layer, told) = build(paced().response_time(seconds(3_000)));
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        let mut body = std::pin::pin!(request.into_body());
        let mut frames = 0;
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            frames += 1;
            sleep(seconds(100)).await;
        }
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(frames.to_string())))
    });
    let body = Script::of([
        data(1),
        wait(seconds(4)),
        data(1),
        wait(seconds(4)),
        data(1),
    ]);
    assert_eq!(ask(layer.layer(handler), post(body)).await, Came::served(3));
    assert!(told.take().is_empty());
}

/// A body that is still read when the answer is on its way ends in the same way, and is told of.
#[tokio::test(start_paused = true)]
async fn a_body_that_becomes_the_answer_has_its_limits() {
    let (layer, told) = build(paced().body_limit(3));
    let echo = service_fn(|request: Request<LimitedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    for (steps, read, code) in [
        (vec![wait(seconds(4)), data(3)], true, None),
        (vec![wait(seconds(6)), data(3)], false, Some("body_stalled")),
        (vec![data(4)], false, Some("body_too_large")),
    ] {
        let answer = crate::support::service::go(layer.layer(echo), post(Script::of(steps))).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.into_body().collect().await.is_ok(), read);
        assert_eq!(told.codes(), Vec::from_iter(code));
    }
}

/// Whoever answers at once never meets a timer: it works without a runtime.
#[test]
fn no_timer_is_set_until_somebody_waits() {
    let service = LimitsLayer::new().layer(Spy::new());
    let mut answer = std::pin::pin!(ask(service, post(Script::of([data(1)]))));
    let mut task = Context::from_waker(std::task::Waker::noop());
    assert!(answer.as_mut().poll(&mut task).is_ready());
}
