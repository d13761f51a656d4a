//! Report-only, off, and limits that were switched off.

use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_security::core::{Mode, Outcome};
use tower_security::limits::Limit;

use super::*;
use crate::support::service::{Spy, go};

fn strict() -> LimitsBuilder {
    LimitsLayer::builder()
        .body_limit(3)
        .body_idle(seconds(1))
        .body_time(seconds(2))
        .response_time(seconds(1))
        .answer_idle(seconds(1))
        .max_concurrent(1)
}

/// Requests that each meet one limit, by its code.
fn offenders() -> Vec<(&'static str, Script, Reader)> {
    let slow = std::iter::repeat_n([wait(millis(900)), data(1)], 3);
    let thinks = Reader {
        before: seconds(2),
        ..Reader::default()
    };
    vec![
        (
            "body_too_large",
            Script::of([data(4)]).says(4),
            Reader::default(),
        ),
        (
            "body_too_large",
            Script::of([data(2), data(2), data(2)]),
            Reader::default(),
        ),
        (
            "body_stalled",
            Script::of([wait(seconds(2)), data(1)]),
            Reader::default(),
        ),
        (
            "body_too_slow",
            Script::of(slow.flatten()),
            Reader::default(),
        ),
        ("response_timeout", Script::of([data(1)]), thinks.clone()),
        ("response_timeout", Script::default(), thinks),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_would_be_refused_is_told_once_and_passes() {
    for (code, body, reader) in offenders() {
        let (layer, _) = build(strict());
        let came = ask(layer.layer(reader.clone()), post(body)).await;
        assert_eq!(came.code, Some(code));
        assert_eq!(layer.serving(), 0);
    }
    for (code, body, reader) in offenders() {
        let (layer, told) = build(strict().mode(Mode::ReportOnly));
        let came = ask(layer.layer(reader), post(body)).await;
        assert_eq!((came.status, came.code), (200, None), "{code}");
        let told = told.take();
        let codes: Vec<_> = told
            .iter()
            .map(|(code, outcome, _)| (*code, *outcome))
            .collect();
        assert_eq!(codes, [(code, Outcome::WouldRefuse)]);
        assert_eq!(layer.serving(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_and_a_crowd_pass_too() {
    let (layer, told) = build(strict().mode(Mode::ReportOnly));
    let slow = service_fn(|_: Request<LimitedBody<Script>>| async {
        let body = Script::of([
            data(1),
            wait(seconds(2)),
            data(1),
            wait(seconds(2)),
            data(1),
        ]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let first = go(layer.layer(slow), post(Script::default())).await;
    assert_eq!(layer.serving(), 1);
    let second = go(layer.layer(Spy::new()), post(Script::default())).await;
    assert_eq!(second.status(), 200);
    drop(second);
    assert_eq!(layer.serving(), 1);
    let read = first.into_body().collect().await.unwrap();
    assert_eq!(read.to_bytes().len(), 3);
    assert_eq!(told.codes(), ["overloaded", "answer_stalled"]);
    assert_eq!(layer.serving(), 0);
}

#[tokio::test(start_paused = true)]
async fn off_is_not_there() {
    for (code, body, reader) in offenders() {
        let (layer, told) = build(strict().mode(Mode::Off));
        let mut request = post(body);
        let cookie = http::HeaderValue::from_static("a=b");
        request.headers_mut().insert("cookie", cookie);
        let came = ask(layer.layer(reader), request).await;
        assert_eq!((came.status, came.code), (200, None), "{code}");
        assert!(told.take().is_empty());
    }
    let (layer, _) = build(strict().mode(Mode::Off));
    let handler = service_fn(|request: Request<LimitedBody<Script>>| async move {
        assert!(!request.headers()["cookie"].is_sensitive());
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let mut request = post(Script::default());
    let cookie = http::HeaderValue::from_static("a=b");
    request.headers_mut().insert("cookie", cookie);
    assert_eq!(go(layer.layer(handler), request).await.status(), 200);
}

/// Each limit that is switched off lets pass what it refused, and the others stay.
#[tokio::test(start_paused = true)]
async fn a_limit_that_is_switched_off_is_that_one_alone() {
    let limits = [
        (Limit::BodyLimit, vec!["body_too_large"]),
        (Limit::BodyIdle, vec!["body_stalled"]),
        (Limit::BodyTime, vec!["body_too_slow"]),
        (Limit::ResponseTime, vec!["response_timeout"]),
        (Limit::AnswerIdle, vec![]),
        (Limit::MaxConcurrent, vec![]),
    ];
    for (limit, pass) in limits {
        for (code, body, reader) in offenders() {
            // A body that stands still for two seconds takes two seconds.
            let builder = strict().body_time(millis(2_500)).dangerous_unlimited(limit);
            let (layer, _) = build(builder);
            let came = ask(layer.layer(reader), post(body)).await;
            let expected = (!pass.contains(&code)).then_some(code);
            assert_eq!(came.code, expected, "{limit}");
        }
    }
    let (layer, _) = build(strict().dangerous_unlimited(Limit::AnswerIdle));
    let slow = service_fn(|_: Request<LimitedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(Script::of([wait(seconds(10_000)), data(1)])))
    });
    let answer = go(layer.layer(slow), post(Script::default())).await;
    assert!(answer.into_body().collect().await.is_ok());
    let (layer, _) = build(strict().dangerous_unlimited(Limit::MaxConcurrent));
    let first = go(layer.layer(slow), post(Script::default())).await;
    let second = go(layer.layer(slow), post(Script::default())).await;
    assert_eq!(
        (first.status(), second.status()),
        (StatusCode::OK, StatusCode::OK)
    );
}
