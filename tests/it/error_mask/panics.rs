//! Panics: where they can happen, what they carry, and what comes of them.

use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::task::Waker;

use tower_security::core::Mode;
use tower_security::error_mask::MaskedBodyError;

use super::*;

const INTERNAL: &str = r#"{"title":"internal error","status":500,"code":"internal_error"}"#;

/// A future that is polled so often until it does what it was made for.
struct Late {
    polls: usize,
    ends: Ends,
    panics_when_dropped: bool,
}

enum Ends {
    Panic,
    Answer,
    Never,
}

impl Future for Late {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls > 0 {
            self.polls -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.ends {
            Ends::Panic => panic!("polled"),
            Ends::Answer => Poll::Ready(Ok(answer(200, &[], "seven apples"))),
            Ends::Never => Poll::Pending,
        }
    }
}

impl Drop for Late {
    fn drop(&mut self) {
        assert!(!self.panics_when_dropped, "dropped");
    }
}

async fn late(
    log: &Log,
    polls: usize,
    ends: Ends,
    panics_when_dropped: bool,
) -> Response<MaskedBody<Full<Bytes>>> {
    let mut late = Some(Late {
        polls,
        ends,
        panics_when_dropped,
    });
    let layer = mask(log).build().unwrap();
    go(layer.layer(Calls(move || late.take().unwrap())), get("/")).await
}

#[tokio::test]
async fn a_panic_of_the_future_is_answered() {
    for polls in [0, 1, 7] {
        let log = Log::default();
        let answer = late(&log, polls, Ends::Panic, false).await;
        assert_eq!(
            (answer.status().as_u16(), text(answer).await.as_str()),
            (500, INTERNAL)
        );
        let line = log.line();
        assert_eq!(
            (line.name, line.level, line.outcome),
            (EventName::SysCrash, Level::Error, Outcome::Fault)
        );
        assert_eq!((line.code, line.detail.as_str()), ("panic", "polled"));

        let twin = late(&log, polls, Ends::Answer, false).await;
        assert_eq!(
            (twin.status().as_u16(), text(twin).await.as_str()),
            (200, "seven apples")
        );
        assert_eq!(log.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_future_that_panics_in_its_drop_is_no_success() {
    let log = Log::default();
    let answer = late(&log, 0, Ends::Answer, true).await;
    assert_eq!(
        (answer.status().as_u16(), text(answer).await.as_str()),
        (500, INTERNAL)
    );
    assert_eq!(log.line().detail, "dropped");
    // One that panics twice is unwound once: a second panic while it is would end the process.
    let log = Log::default();
    let answer = late(&log, 1, Ends::Panic, false).await;
    assert_eq!(answer.status(), 500);
}

#[test]
fn a_request_that_is_given_up_panics_into_the_log() {
    let log = Log::default();
    let layer = mask(&log).build().unwrap();
    let never = || Late {
        polls: 0,
        ends: Ends::Never,
        panics_when_dropped: true,
    };
    let mut service = layer.layer(Calls(never));
    let mut future = Box::pin(service.call(get("/")));
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(future);
    assert_eq!(log.line().code, "panic");
}

/// What a panic carries that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Fuse);
    }
}

struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        panic!("once more");
    }
}

type Answered = Ready<Result<Response<Full<Bytes>>, Infallible>>;

#[tokio::test]
async fn a_panic_of_the_call_is_answered_whatever_it_carries() {
    let payloads: [(fn() -> Answered, &str); 5] = [
        (|| panic!("at /srv/db.rs"), "at /srv/db.rs"),
        (|| panic!("order {}", 7), "order 7"),
        (|| panic_any(7_u8), "(the panic carries no text)"),
        (|| panic_any(Bomb), "(the panic carries no text)"),
        (
            || panic!("a\r\nforged \u{1b}[31mline"),
            "a\\u{d}\\u{a}forged \\u{1b}[31mline",
        ),
    ];
    for (payload, detail) in payloads {
        let log = Log::default();
        let layer = mask(&log).build().unwrap();
        let mut service = layer.layer(Calls(payload));
        let answer = service.call(get("/a")).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), text(answer).await.as_str()),
            (500, INTERNAL)
        );
        let line = log.line();
        assert_eq!(
            (line.code, line.detail.as_str(), line.path.as_deref()),
            ("panic", detail, Some("/a"))
        );

        let grpc = service.call(grpc_call()).await.unwrap();
        assert_eq!(grpc.status(), 200);
        assert_eq!(
            lines(grpc.headers()),
            [
                "cache-control: no-store",
                "content-type: application/grpc",
                "grpc-message: internal error",
                "grpc-status: 13"
            ]
        );
        assert_eq!(text(grpc).await, "");
    }
}

#[tokio::test]
async fn panics_are_caught_by_a_mask_that_reports_and_not_by_one_that_is_off() {
    let panics = |mode: Mode, log: &Log| {
        let layer = mask(log).mode(mode).build().unwrap();
        layer.layer(Calls(|| -> Answered { panic!("called") }))
    };
    let log = Log::default();
    let answer = panics(Mode::ReportOnly, &log).call(get("/")).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(log.codes(), ["panic"]);

    let log = Log::default();
    let mut off = panics(Mode::Off, &log);
    let unwound = catch_unwind(AssertUnwindSafe(|| drop(off.call(get("/")))));
    assert!(unwound.is_err());
    assert!(log.lines().is_empty());
}

fn streaming(script: Script) -> Response<Script> {
    Response::new(script)
}

#[tokio::test]
async fn a_body_that_breaks_ends_with_an_error_and_is_left_alone() {
    for before in [0, 1, 3] {
        for (step, code) in [
            (Step::Panic("SELECT 1"), "body_panic"),
            (Step::Fail("SELECT 1"), "body_error"),
        ] {
            let log = Log::default();
            let polled_after = Arc::new(Mutex::new(0));
            let steps = vec![Step::Data("apples"); before];
            let mut script =
                Script::of(
                    steps
                        .into_iter()
                        .chain([Step::Wait, step, Step::Data("secret")]),
                );
            script.polled_after = Some(Arc::clone(&polled_after));
            let answer = masked(mask(&log), get("/a"), streaming(script)).await;
            assert_eq!(answer.status(), 200);
            let mut body = answer.into_body();
            for _ in 0..before {
                let frame = body.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), "apples");
            }
            let error = body.frame().await.unwrap().unwrap_err();
            assert_eq!(
                matches!(error, MaskedBodyError::Panicked),
                code == "body_panic"
            );
            assert_eq!(error.to_string(), "the body ended early");
            assert!(std::error::Error::source(&error).is_none());
            assert!(!body.is_end_stream(), "it has not ended cleanly");
            assert!(body.frame().await.is_none());
            assert_eq!(*polled_after.lock().unwrap(), 0);
            let line = log.line();
            assert_eq!(
                (line.name, line.code, line.path.as_deref()),
                (EventName::SysCrash, code, Some("/a"))
            );
            assert!(line.detail.contains("SELECT 1"), "{}", line.detail);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_whole_ends_cleanly() {
    let log = Log::default();
    let script = Script::of([
        Step::Data("seven "),
        Step::Wait,
        Step::Data("apples"),
        Step::Trailers(&[("x-sum", "7"), ("server", "a")]),
    ]);
    let answer = masked(mask(&log), get("/"), streaming(script)).await;
    let whole = answer.into_body().collect().await.unwrap();
    assert_eq!(lines(whole.trailers().unwrap()), ["x-sum: 7"]);
    assert_eq!(whole.to_bytes(), "seven apples");
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn a_body_that_panics_when_it_is_dropped_or_asked_panics_into_the_log() {
    let log = Log::default();
    let apples = || Script::of([Step::Data("apples")]);
    let panicking = || apples().panicking_when_dropped();
    // Never read, and read to its end: what has come is the whole.
    drop(masked(mask(&log), get("/"), streaming(panicking())).await);
    let read = masked(mask(&log), get("/"), streaming(panicking())).await;
    assert_eq!(text(read).await, "apples");
    assert_eq!(log.codes(), ["body_panic"; 2]);

    let log = Log::default();
    let asked = apples().panicking_when_asked();
    let asked = masked(mask(&log), get("/"), streaming(asked)).await;
    assert!(!asked.body().is_end_stream());
    assert_eq!(asked.body().size_hint().exact(), None);
    assert_eq!(text(asked).await, "apples");
    assert_eq!(log.codes(), ["body_panic"; 2]);

    // One that is replaced.
    let log = Log::default();
    for script in [
        Script::of([Step::Panic("SELECT 1")]),
        Script::of([Step::Data("SELECT 1")]),
        Script::of([Step::Wait]).panicking_when_dropped(),
    ] {
        let mut broken = streaming(script.panicking_when_asked());
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        let answer = masked(mask(&log), get("/"), broken).await;
        assert_eq!(text(answer).await, INTERNAL);
    }
    assert_eq!(
        log.codes(),
        [
            "body_panic",
            "internal_error",
            "internal_error",
            "body_panic",
            "internal_error"
        ]
    );
}

/// An error whose text cannot be written.
struct Unspeakable;

impl std::fmt::Debug for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words")
    }
}

#[tokio::test]
async fn an_error_that_panics_when_it_is_printed_is_told_without_words() {
    let log = Log::default();
    let layer = mask(&log).build().unwrap();
    let mut service = layer.layer(Calls(|| {
        ready(Err::<Response<Full<Bytes>>, _>(Unspeakable))
    }));
    let answer = service.call(get("/")).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(log.line().detail, "(the text of the error panics)");
}

#[test]
fn an_answer_is_given_once() {
    let log = Log::default();
    let layer = mask(&log).build().unwrap();
    let mut service = layer.layer(Calls(|| ready(Ok::<_, Infallible>(answer(200, &[], "")))));
    let mut future = pin!(service.call(get("/")));
    let mut task = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut task).is_ready());
    assert!(future.as_mut().poll(&mut task).is_pending());
}
