//! How many requests are served at the same time.

use std::task::Waker;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Layer, ServiceExt, service_fn};
use tower_security::core::{ManualClock, Outcome};

use super::*;
use crate::support::service::{Spy, go};

const OVERLOADED: LimitsRefusal = LimitsRefusal::Overloaded;

fn get() -> Request<Script> {
    Request::get("/orders").body(Script::default()).unwrap()
}

#[tokio::test]
async fn those_above_the_number_are_refused_at_once() {
    let (layer, told) = build(LimitsLayer::builder().max_concurrent(2));
    let door = Arc::new(Semaphore::new(0));
    let handler = {
        let door = Arc::clone(&door);
        service_fn(move |_: Request<LimitedBody<Script>>| {
            let door = Arc::clone(&door);
            async move {
                door.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("0")))
            }
        })
    };
    let service = layer.layer(handler);
    let first = tokio::spawn(ask(service.clone(), get()));
    let second = tokio::spawn(ask(service.clone(), get()));
    while layer.serving() < 2 {
        tokio::task::yield_now().await;
    }
    let answer = go(service.clone(), get()).await;
    assert_eq!(answer.status(), 503);
    let after = answer.headers()[RETRY_AFTER].to_str().unwrap();
    assert!(["1", "2", "3"].contains(&after), "{after}");
    assert_eq!(came(answer).await, refused(503, OVERLOADED));
    let detail = "limit=2 suppressed=0".to_owned();
    assert_eq!(told.take(), [("overloaded", Outcome::Refused, detail)]);
    // Nobody was counted who was refused.
    assert_eq!(layer.serving(), 2);

    door.add_permits(1);
    let one = tokio::select! { one = first => one.unwrap(), two = second => two.unwrap() };
    assert_eq!(one, Came::served(0));
    assert_eq!(layer.serving(), 1);
    door.add_permits(2);
    assert_eq!(ask(service, get()).await, Came::served(0));
    assert!(told.take().is_empty());
}

/// A client of HTTP/2 that opens no window has the server ask for the first frame and for nothing behind it.
#[tokio::test]
async fn an_answer_whose_last_frame_was_handed_over_holds_no_place() {
    let (layer, _) = build(LimitsLayer::builder().max_concurrent(1));
    let handler = service_fn(|_: Request<LimitedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("whole")))
    });
    let answer = go(layer.layer(handler), get()).await;
    assert_eq!(layer.serving(), 1);
    let mut body = std::pin::pin!(answer.into_body());
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "whole");
    assert_eq!(layer.serving(), 0);
    assert!(body.frame().await.is_none());
    assert_eq!(layer.serving(), 0);
}

/// A request counts until its answer has gone out, or nobody wants it any more.
#[tokio::test]
async fn a_place_is_given_back_in_every_way_that_a_request_can_end() {
    let (layer, _) = build(LimitsLayer::builder().max_concurrent(1).body_limit(3));
    let with = |steps: Vec<Step>, content_type: &'static str, status: u16| {
        let handler = service_fn(move |_: Request<LimitedBody<Script>>| {
            let mut answer = Response::new(Script::of(steps.clone()));
            let value = HeaderValue::from_static(content_type);
            answer.headers_mut().insert(CONTENT_TYPE, value);
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            async { Ok::<_, Infallible>(answer) }
        });
        go(layer.layer(handler), get())
    };
    // An answer without a body, a stream, and one that is no HTTP any more.
    for (steps, content_type, status) in [
        (vec![], "application/json", 200),
        (vec![data(1)], "text/event-stream", 200),
        (vec![data(1)], "application/grpc", 200),
        (vec![data(1)], "text/plain", 101),
    ] {
        let answer = with(steps, content_type, status).await;
        assert_eq!(layer.serving(), 0, "{content_type} {status}");
        drop(answer);
        assert_eq!(layer.serving(), 0);
    }
    // Read to its end, dropped before that, and failed.
    let answer = with(vec![data(1), data(1)], "text/plain", 200).await;
    assert_eq!(layer.serving(), 1);
    let mut body = std::pin::pin!(answer.into_body());
    while body.frame().await.is_some() {}
    assert_eq!(layer.serving(), 0);
    drop(with(vec![data(1)], "text/plain", 200).await);
    assert_eq!(layer.serving(), 0);
    let answer = with(vec![Step::Fail], "text/plain", 200).await;
    assert_eq!(layer.serving(), 1);
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(layer.serving(), 0);
    // Refused, before and while it is read.
    for body in [Script::of([data(4)]).says(4), Script::of([data(4)])] {
        assert_eq!(read(&layer, body).await.status, 413);
        assert_eq!(layer.serving(), 0);
    }
    // Given up by the client.
    let mut hangs = Box::pin(read(&layer, Script::of([wait(seconds(1))])));
    let mut task = Context::from_waker(Waker::noop());
    assert!(hangs.as_mut().poll(&mut task).is_pending());
    assert_eq!(layer.serving(), 1);
    drop(hangs);
    assert_eq!(layer.serving(), 0);
    // The handler fails.
    let fails = service_fn(|_: Request<LimitedBody<Script>>| async {
        Err::<Response<Full<Bytes>>, _>(Broken)
    });
    let failed = ServiceExt::<Request<Script>>::oneshot(layer.layer(fails), get()).await;
    assert!(failed.is_err());
    assert_eq!(layer.serving(), 0);
}

/// Eight threads that all want more than there is: never more than the number at once, and the count is 0 in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_number_is_exact() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    const MOST: usize = 8;
    let (layer, _) = build(LimitsLayer::builder().max_concurrent(MOST));
    let (inside, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (inside, peak) = (Arc::clone(&inside), Arc::clone(&peak));
        service_fn(move |_: Request<LimitedBody<Script>>| {
            let (inside, peak) = (Arc::clone(&inside), Arc::clone(&peak));
            async move {
                peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
            }
        })
    };
    let service = layer.layer(handler);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let service = service.clone();
        tasks.spawn(async move {
            let mut served = 0;
            for _ in 0..200 {
                let came = ask(service.clone(), get()).await;
                assert!(matches!(came.status, 200 | 503));
                served += usize::from(came.status == 200);
            }
            served
        });
    }
    let served: usize = tasks.join_all().await.into_iter().sum();
    assert!(served >= 200, "{served}");
    assert!(peak.load(Ordering::SeqCst) <= MOST);
    assert_eq!(layer.serving(), 0);
}

#[tokio::test]
async fn a_flood_is_no_flood_of_events_and_grpc_is_told_when_to_come_back() {
    use tower_security::SecurityStack;

    let told = Told::default();
    let limits = LimitsLayer::builder()
        .max_concurrent(1)
        .events(told.clone())
        .build()
        .unwrap();
    let stack = SecurityStack::new()
        .clock(ManualClock::new())
        .limits(limits.clone());
    let service = stack.layer(Spy::new());
    let busy = service_fn(|_: Request<LimitedBody<Script>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let mut hangs = Box::pin(go(limits.layer(busy), get()));
    assert!(
        hangs
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    for _ in 0..1_000 {
        assert_eq!(go(service.clone(), get()).await.status(), 503);
    }
    assert_eq!(told.take().len(), 100);

    let mut call = get();
    *call.method_mut() = http::Method::POST;
    let grpc = HeaderValue::from_static("application/grpc");
    call.headers_mut().insert(CONTENT_TYPE, grpc);
    let answer = go(service.clone(), call).await;
    assert_eq!(answer.headers()["grpc-status"], "14");
    let pushback = answer.headers()["grpc-retry-pushback-ms"].to_str().unwrap();
    assert!(["1000", "2000", "3000"].contains(&pushback));
    drop(hangs);
    assert_eq!(go(service, get()).await.status(), 200);
}

/// A server asks for no more of an answer while its client opens no window.
#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_loses_its_place_to_others() {
    let limits = || {
        LimitsLayer::builder()
            .max_concurrent(2)
            .answer_idle(seconds(60))
    };
    let long = service_fn(|_: Request<LimitedBody<Script>>| async {
        Ok::<_, Infallible>(Response::new(Script::of([data(1), data(1), data(1)])))
    });
    let (layer, told) = build(limits());
    let service = layer.layer(long);
    let (never, some) = (
        go(service.clone(), get()).await,
        go(service.clone(), get()).await,
    );
    let mut never = std::pin::pin!(never.into_body());
    let mut some = std::pin::pin!(some.into_body());
    assert!(some.frame().await.is_some());
    // How long they stand still is looked at from here on.
    assert_eq!(go(service.clone(), get()).await.status(), 503);
    sleep(seconds(59)).await;
    assert!(some.frame().await.is_some());
    assert_eq!(go(service.clone(), get()).await.status(), 503);
    assert_eq!(layer.serving(), 2);
    sleep(seconds(1)).await;
    let third = go(service.clone(), get()).await;
    assert_eq!(third.status(), 200);
    assert_eq!(layer.serving(), 2);
    assert_eq!(go(service.clone(), get()).await.status(), 503);
    // It is read on, and counts again.
    for serving in [3, 3, 2] {
        assert!(never.frame().await.unwrap().is_ok());
        assert_eq!(layer.serving(), serving);
    }
    assert!(never.frame().await.is_none());
    assert!(some.frame().await.is_some());
    assert!(some.frame().await.is_none());
    drop(third);
    assert_eq!(layer.serving(), 0);
    assert!(told.take().iter().all(|(code, ..)| *code == "overloaded"));

    // Who lets answers stand still for ever keeps their places for as long.
    let (layer, _) = build(limits().dangerous_unlimited(tower_security::limits::Limit::AnswerIdle));
    let service = layer.layer(long);
    let held = [
        go(service.clone(), get()).await,
        go(service.clone(), get()).await,
    ];
    for _ in 0..3 {
        assert_eq!(go(service.clone(), get()).await.status(), 503);
        sleep(seconds(86_400)).await;
    }
    drop(held);
    assert_eq!(layer.serving(), 0);
}
