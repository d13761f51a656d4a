//! Answers of the service: which pass, and what takes the place of the others.

use http::Method;
use tower_security::core::{
    AbuseKind, AbuseSignal, Accepts, Mode, Problem, RefusalContext, Refused, Rejection,
    RejectionRenderer,
};

use super::*;

const INTERNAL: &str = r#"{"title":"internal error","status":500,"code":"internal_error"}"#;

#[tokio::test]
async fn a_server_error_keeps_its_status_and_nothing_else() {
    let log = Log::default();
    let broken = answer(
        500,
        &[
            ("content-type", "text/html"),
            ("content-encoding", "identity"),
            ("set-cookie", "session=1"),
            ("etag", "\"orders.total\""),
            ("x-table", "orders"),
        ],
        "no such column: orders.total",
    );
    let answer = masked(mask(&log), get("/orders/7?token=secret"), broken).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(
        lines(answer.headers()),
        [
            "cache-control: no-store",
            "content-type: application/problem+json"
        ]
    );
    assert_eq!(
        answer.extensions().get::<Refused>().unwrap().code(),
        "internal_error"
    );
    assert_eq!(text(answer).await, INTERNAL);
    let line = log.line();
    assert_eq!(
        (line.name, line.level, line.outcome, line.code),
        (
            EventName::SysCrash,
            Level::Error,
            Outcome::Fault,
            "internal_error"
        )
    );
    assert_eq!(line.method.as_deref(), Some("GET"));
    assert_eq!(
        (line.path.as_deref(), line.route),
        (Some("/orders/7"), None)
    );
    // It was encoded, for all that can be told.
    assert_eq!(line.detail, "status=500");
}

#[tokio::test]
async fn a_503_says_when_to_come_back() {
    for (extra, expected) in [
        (
            &[][..],
            vec![
                "cache-control: no-store",
                "content-type: application/problem+json",
                "retry-after: 120",
                "x-request-id: 7",
            ],
        ),
        (
            &["access-control-allow-origin", "x-own"][..],
            vec![
                "access-control-allow-origin: *",
                "cache-control: no-store",
                "content-type: application/problem+json",
                "retry-after: 120",
                "x-own: a",
                "x-own: b",
                "x-request-id: 7",
            ],
        ),
    ] {
        let log = Log::default();
        let headers = [
            ("retry-after", "120"),
            ("x-request-id", "7"),
            ("access-control-allow-origin", "*"),
            ("x-own", "a"),
            ("x-own", "b"),
            ("x-other", "c"),
        ];
        let busy = answer(503, &headers, "db-3.internal:5432 refused");
        let answer = masked(mask(&log).keep_headers(extra), get("/"), busy).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(lines(answer.headers()), expected);
        assert_eq!(
            text(answer).await,
            r#"{"title":"Service unavailable","status":503,"code":"service_unavailable"}"#
        );
        assert_eq!(
            log.line().detail,
            "status=503 body=db-3.internal:5432 refused"
        );
    }
}

#[tokio::test]
async fn what_was_said_on_purpose_passes() {
    for status in [404, 409, 500, 503] {
        let log = Log::default();
        let status = StatusCode::from_u16(status).unwrap();
        let problem = Problem::new(status, "We are moving house").into_response::<Full<Bytes>>();
        let bytes = problem.clone().into_body();
        let headers = problem.headers().clone();
        let all = || mask(&log).mask_all_not_found().mask_client_errors(true);
        let answer = masked(all(), get("/"), problem).await;
        assert!(
            text(answer).await.contains("We are moving house"),
            "{status}"
        );
        assert!(log.lines().is_empty());

        // The same bytes without the mark.
        let mut copy = Response::new(bytes);
        *copy.status_mut() = status;
        *copy.headers_mut() = headers;
        let passes = status == StatusCode::CONFLICT;
        let answer = masked(all(), get("/"), copy).await;
        assert_eq!(answer.status(), status);
        assert_eq!(
            text(answer).await.contains("We are moving house"),
            passes,
            "{status}"
        );
        assert_eq!(log.lines().is_empty(), passes);
    }
}

#[tokio::test]
async fn a_refusal_passes_with_its_own_code() {
    let log = Log::default();
    let (head, _) = get("/").into_parts();
    let context = RefusalContext::new(&head);
    let refusal = Rejection::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "authorization_missing",
        "Not authorized",
    );
    let answer = masked(
        mask(&log),
        get("/"),
        refusal.into_response::<Full<Bytes>>(&context),
    )
    .await;
    assert_eq!(
        answer.extensions().get::<Refused>().unwrap().code(),
        "authorization_missing"
    );
    assert!(text(answer).await.contains("Not authorized"));
    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn the_routers_404_is_that_of_a_guard() {
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let log = Log::default();
        let request = || {
            let mut request = get("/orders/8");
            *request.method_mut() = method.clone();
            request
        };
        let (head, _) = request().into_parts();
        let guard =
            Rejection::not_found().into_response::<Full<Bytes>>(&RefusalContext::new(&head));
        let guard = masked(mask(&log), request(), guard).await;
        let router = masked(mask(&log), request(), answer(404, &[], "")).await;
        assert_eq!(router.status(), guard.status());
        assert_eq!(lines(router.headers()), lines(guard.headers()));
        let body = text(router).await;
        assert_eq!(body, text(guard).await);
        assert_eq!(body.is_empty(), method == Method::HEAD);
        assert!(log.lines().is_empty());
        let statuses = log.statuses.lock().unwrap().clone();
        assert_eq!(statuses, [(None, StatusCode::NOT_FOUND); 2]);
    }
}

#[tokio::test]
async fn a_405_keeps_its_allow_and_other_headers() {
    let log = Log::default();
    let headers = [
        ("allow", "GET,HEAD"),
        ("vary", "origin"),
        ("content-length", "0"),
    ];
    let wrong = masked(mask(&log), get("/"), answer(405, &headers, "")).await;
    assert_eq!(
        lines(wrong.headers()),
        [
            "allow: GET,HEAD",
            "cache-control: no-store",
            "content-type: application/problem+json",
            "vary: origin"
        ]
    );
    assert_eq!(
        text(wrong).await,
        r#"{"title":"Method not allowed","status":405,"code":"method_not_allowed"}"#
    );

    let page = answer(404, &[("content-type", "text/html")], "<h1>lost</h1>");
    let kept = masked(mask(&log), get("/"), page.clone()).await;
    assert_eq!(text(kept).await, "<h1>lost</h1>");
    let all = masked(mask(&log).mask_all_not_found(), get("/"), page).await;
    assert_eq!(
        text(all).await,
        r#"{"title":"Not found","status":404,"code":"not_found"}"#
    );
}

#[tokio::test]
async fn a_frameworks_words_are_replaced_where_that_was_asked_for() {
    let words = "missing field `password_hash` at line 1 column 2";
    let headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "48"),
        ("vary", "origin"),
        ("etag", "\"1\""),
    ];
    let log = Log::default();
    let kept = masked(mask(&log), get("/"), answer(422, &headers, words)).await;
    assert_eq!(text(kept).await, words);
    assert!(log.lines().is_empty());

    let masking = || mask(&log).mask_client_errors(true);
    let replaced = masked(masking(), get("/"), answer(422, &headers, words)).await;
    assert_eq!(replaced.status(), 422);
    assert_eq!(
        lines(replaced.headers()),
        [
            "cache-control: no-store",
            "content-type: application/problem+json",
            "vary: origin"
        ]
    );
    assert_eq!(
        text(replaced).await,
        r#"{"title":"Unprocessable content","status":422,"code":"unprocessable_content"}"#
    );
    let line = log.line();
    assert_eq!(
        (line.name, line.level, line.code),
        (
            EventName::InputValidationFail,
            Level::Info,
            "rejection_masked"
        )
    );
    assert_eq!(line.detail, format!("status=422 body={words}"));

    let html = answer(422, &[("content-type", "text/html")], "<p>a handler's");
    assert_eq!(
        text(masked(masking(), get("/"), html).await).await,
        "<p>a handler's"
    );
}

/// Plain hyper sends words without a type where nobody gives them one.
#[tokio::test]
async fn words_without_a_type_are_replaced_where_that_was_asked_for() {
    const WORDS: &str = "cannot parse `x` at line 1 column 7 of orders.total";
    const BAD_REQUEST: &str = r#"{"title":"Bad request","status":400,"code":"bad_request"}"#;
    let log = Log::default();
    let asked = || mask(&log).mask_client_errors(true);
    let untyped = |status| answer(status, &[("x-own", "a")], WORDS);
    let replaced = masked(asked(), get("/"), untyped(400)).await;
    assert_eq!(
        lines(replaced.headers()),
        [
            "cache-control: no-store",
            "content-type: application/problem+json",
            "x-own: a"
        ]
    );
    assert_eq!(text(replaced).await, BAD_REQUEST);
    let line = log.line();
    assert_eq!(line.code, "rejection_masked");
    assert_eq!(line.detail, format!("status=400 body={WORDS}"));

    for kept in [
        masked(mask(&log), get("/"), untyped(400)).await,
        masked(asked(), get("/"), untyped(200)).await,
        masked(
            asked(),
            get("/"),
            answer(400, &[("content-type", "text/html")], WORDS),
        )
        .await,
    ] {
        assert_eq!(text(kept).await, WORDS);
    }
    let empty = masked(asked(), get("/"), answer(400, &[], "")).await;
    assert_eq!(text(empty).await, "");
}

/// What replaces an answer is not stored by any cache, whatever the handler had said to some.
#[tokio::test]
async fn what_was_said_to_some_caches_goes_with_the_words() {
    let headers = [
        ("cache-control", "public"),
        ("cdn-cache-control", "max-age=99"),
        ("surrogate-control", "max-age=99"),
        ("content-type", "text/plain"),
    ];
    let log = Log::default();
    let kept = ["cdn-cache-control", "surrogate-control"];
    for status in [400, 404, 500] {
        let asked = mask(&log).mask_client_errors(true).keep_headers(kept);
        let replaced = masked(asked, get("/"), answer(status, &headers, "words")).await;
        assert_eq!(
            lines(replaced.headers()),
            [
                "cache-control: no-store",
                "content-type: application/problem+json"
            ],
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_head_gets_a_head_alone() {
    for status in [404, 500, 503] {
        let log = Log::default();
        let mut request = get("/");
        *request.method_mut() = Method::HEAD;
        let answer = masked(mask(&log), request, answer(status, &[], "")).await;
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("content-length"));
        assert!(
            answer.body().is_end_stream(),
            "HTTP/2 resets a stream with a body"
        );
        assert_eq!(text(answer).await, "");
    }
}

#[tokio::test]
async fn what_is_no_final_answer_is_untouched() {
    for status in [100, 101, 103] {
        let log = Log::default();
        let interim = answer(status, &[("server", "a"), ("upgrade", "websocket")], "");
        let answer = masked(mask(&log), get("/"), interim).await;
        assert_eq!(
            lines(answer.headers()),
            ["server: a", "upgrade: websocket"],
            "{status}"
        );
    }
    let log = Log::default();
    let unchanged = answer(304, &[("etag", "\"1\"")], "");
    let unchanged = masked(
        mask(&log).mask_client_errors(true).mask_all_not_found(),
        get("/"),
        unchanged,
    )
    .await;
    assert_eq!(lines(unchanged.headers()), ["etag: \"1\""]);
    assert_eq!(text(unchanged).await, "");
}

#[tokio::test]
async fn banners_are_taken_off_every_answer() {
    let banners = [
        ("server", "orders/1.2"),
        ("x-powered-by", "axum"),
        ("x-aspnet-version", "4"),
        ("x-runtime", "0.1"),
        ("x-debug-sql", "SELECT 1"),
        ("x-debug-time", "3"),
        ("via", "db-3"),
        ("x-own", "1"),
    ];
    for (status, deliberate) in [(200, false), (304, false), (409, false), (409, true)] {
        let log = Log::default();
        let mut sent = answer(status, &banners, "");
        if deliberate {
            let problem = Problem::new(sent.status(), "On purpose").into_response::<Full<Bytes>>();
            *sent.extensions_mut() = problem.extensions().clone();
        }
        let stripped = masked(mask(&log), get("/"), sent.clone()).await;
        assert_eq!(
            lines(stripped.headers()),
            ["via: db-3", "x-own: 1"],
            "{status}"
        );
        let more = masked(mask(&log).strip_headers(["via"]), get("/"), sent.clone()).await;
        assert_eq!(lines(more.headers()), ["x-own: 1"], "{status}");
        for mode in [Mode::ReportOnly, Mode::Off] {
            let kept = masked(mask(&log).mode(mode), get("/"), sent.clone()).await;
            assert_eq!(kept.headers().len(), banners.len(), "{mode:?}");
        }
    }
}

#[derive(Clone, Debug)]
struct DbError(#[allow(dead_code, reason = "it is printed")] &'static str);

#[tokio::test]
async fn an_error_of_the_service_is_answered() {
    let log = Log::default();
    let fails = |mode: Mode| {
        let layer = mask(&log).mode(mode).build().unwrap();
        layer.layer(Calls(|| async {
            Err::<Response<Full<Bytes>>, _>(DbError("orders.total"))
        }))
    };
    let answer = fails(Mode::Enforce)
        .call(get("/"))
        .await
        .expect("no error passes");
    assert_eq!(answer.status(), 500);
    assert_eq!(text(answer).await, INTERNAL);
    let line = log.line();
    assert_eq!(
        (line.name, line.level, line.code),
        (EventName::SysCrash, Level::Error, "service_error")
    );
    assert_eq!(line.detail, "DbError(\"orders.total\")");

    let grpc = fails(Mode::Enforce)
        .call(grpc_call())
        .await
        .expect("no error passes");
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

    assert!(fails(Mode::ReportOnly).call(get("/")).await.is_err());
    assert_eq!(log.codes(), ["service_error"; 3]);
    assert!(fails(Mode::Off).call(get("/")).await.is_err());
    assert_eq!(log.lines().len(), 3);
}

#[tokio::test]
async fn a_mask_that_only_reports_replaces_nothing() {
    for (mode, codes) in [
        (
            Mode::ReportOnly,
            &["internal_error", "rejection_masked"][..],
        ),
        (Mode::Off, &[]),
    ] {
        let log = Log::default();
        let reporting = || mask(&log).mask_client_errors(true).mode(mode);
        let broken = answer(500, &[("x-table", "orders")], "orders.total");
        let answer500 = masked(reporting(), get("/"), broken).await;
        assert_eq!(lines(answer500.headers()), ["x-table: orders"]);
        assert_eq!(text(answer500).await, "orders.total");
        let plain = answer(400, &[("content-type", "text/plain")], "line 1 column 2");
        assert_eq!(
            text(masked(reporting(), get("/"), plain).await).await,
            "line 1 column 2"
        );
        let empty = masked(reporting(), get("/"), answer(404, &[], "")).await;
        assert_eq!(text(empty).await, "");
        assert_eq!(log.codes(), codes, "{mode:?}");
        assert_eq!(
            log.statuses.lock().unwrap().len(),
            usize::from(mode == Mode::ReportOnly)
        );
    }
}

#[tokio::test]
async fn details_are_shown_where_that_was_asked_for() {
    let log = Log::default();
    let shown = || mask(&log).dangerous_show_details();
    let broken = masked(shown(), get("/"), answer(500, &[], "orders.total")).await;
    assert_eq!(text(broken).await, "orders.total");

    let layer = shown().build().unwrap();
    let mut fails = layer.layer(Calls(|| async {
        Err::<Response<Full<Bytes>>, _>(DbError("orders.total"))
    }));
    let answer = fails.call(get("/")).await.unwrap();
    assert_eq!(
        text(answer).await,
        r#"{"title":"internal error","status":500,"code":"internal_error","details":["DbError(\"orders.total\")"]}"#
    );
    let mut panics = layer.layer(Calls(
        || -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
            panic!("orders.total")
        },
    ));
    let answer = panics.call(get("/")).await.unwrap();
    assert!(text(answer).await.contains(r#""details":["orders.total"]"#));
    assert_eq!(log.codes(), ["internal_error", "service_error", "panic"]);
}

struct Pages(&'static str);

impl RejectionRenderer for Pages {
    fn render(
        &self,
        rejection: &Rejection,
        context: &RefusalContext,
    ) -> Option<(HeaderValue, Bytes)> {
        let page = format!("{} {} {:?}", self.0, rejection.code(), context.accepts());
        (context.accepts() == Accepts::Html)
            .then(|| (HeaderValue::from_static("text/html"), Bytes::from(page)))
    }
}

#[tokio::test]
async fn a_renderer_writes_what_takes_the_place() {
    use tower_security::SecurityStack;
    let browser = || {
        let mut request = get("/");
        request
            .headers_mut()
            .insert("accept", HeaderValue::from_static("text/html,*/*;q=0.8"));
        request
    };
    let broken = || answer(500, &[], "orders.total");
    let log = Log::default();
    let own = masked(mask(&log).renderer(Pages("own")), browser(), broken()).await;
    assert_eq!(own.headers()["content-type"], "text/html");
    assert_eq!(text(own).await, "own internal_error Html");
    let json = masked(mask(&log).renderer(Pages("own")), get("/"), broken()).await;
    assert_eq!(text(json).await, INTERNAL);

    for (builder, expected) in [
        (mask(&log), "stack internal_error Html"),
        (mask(&log).renderer(Pages("own")), "own internal_error Html"),
    ] {
        let stack = SecurityStack::new()
            .rejections(Pages("stack"))
            .error_mask(builder.build().unwrap());
        let service = stack.layer(Calls(move || async {
            Ok::<_, Infallible>(answer(500, &[], "orders.total"))
        }));
        assert_eq!(text(go(service, browser()).await).await, expected);
    }
}

#[tokio::test]
async fn a_sign_of_abuse_outlives_the_answer() {
    for status in [404, 500] {
        let log = Log::default();
        let mut sent = answer(status, &[], "");
        sent.extensions_mut()
            .insert(AbuseSignal(AbuseKind::InputRefused));
        sent.extensions_mut().insert("words for the status line");
        let answer = masked(mask(&log), get("/"), sent).await;
        assert_eq!(
            AbuseSignal::of(answer.extensions()),
            Some(AbuseKind::InputRefused)
        );
        assert_eq!(answer.extensions().get::<&'static str>(), None);
    }
}
