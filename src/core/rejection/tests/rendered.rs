use super::*;

/// The context of a request that passed slot 1, with its id.
fn with_id(renderer: Option<Arc<dyn RejectionRenderer>>) -> (String, RefusalContext) {
    let mut head = Request::get("/").body(()).unwrap().into_parts().0;
    head.extensions.insert(of_slot_1(renderer));
    ("id-7".to_owned(), RefusalContext::new(&head))
}

fn of_slot_1(renderer: Option<Arc<dyn RejectionRenderer>>) -> RequestContext {
    RequestContext::new(Context {
        request_id: RequestId::parse(b"id-7"),
        client_ip: None,
        scheme: None,
        is_proxied: false,
        ledger: LedgerBits::default(),
        outer: None,
        shared: Shared::new(None, renderer, None),
    })
}

/// All that a client and the layers outside see of an answer.
fn seen(answer: Answer) -> (String, Option<Refused>, Option<u8>, Option<&'static str>) {
    let (head, body) = answer.into_parts();
    let marker = head.extensions.get().copied();
    let reason = head.extensions.get().copied();
    let secret = head.extensions.get().copied();
    let lines: Vec<_> = head.headers.iter().collect();
    let status = head.status;
    let written = format!("{:?} {status} {lines:?}", head.version);
    let body = text(Response::new(body));
    (written + "\n" + &body, marker, reason, secret)
}

#[test]
fn a_fixed_refusal_answers_as_the_whole_one_does() {
    let whole = || {
        let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many");
        let rejection = rejection.problem_type("https://example.com/quota");
        let rejection = rejection.abuse(AbuseKind::RateLimited);
        rejection.member("violated-policies", ["ip"])
    };
    let fixed = FixedRefusal::new(&whole());
    let mut answers = Vec::new();
    for method in [Method::GET, Method::HEAD, Method::POST] {
        for (retry_after, has_id) in [(None, false), (Some(7), false), (Some(86_400), true)] {
            let request = || {
                let mut request = Request::new(());
                *request.method_mut() = method.clone();
                request
                    .headers_mut()
                    .insert(COOKIE, HeaderValue::from_static("secret"));
                request.extensions_mut().insert("secret");
                if has_id {
                    request.extensions_mut().insert(of_slot_1(None));
                }
                request
            };
            let (head, ()) = request().into_parts();
            let context = RefusalContext::new(&head);
            let vary = HeaderValue::from_static("origin");
            let mut expected = whole().reuse(head).header(VARY, vary.clone()).reason(7_u8);
            if let Some(seconds) = retry_after {
                expected.set_retry_after(seconds);
            }
            let mut request = request();
            assert!(FixedRefusal::suits(&request));
            let lines = |headers: &mut HeaderMap| {
                headers.insert(VARY, vary);
            };
            let varying = Varying {
                reason: 7_u8,
                retry_after,
                lines,
            };
            let answer = seen(fixed.answer(&mut request, varying));
            assert_eq!(answer, seen(expected.into_response(&context)), "{method}");
            assert_eq!((answer.2, answer.3), (Some(7), None));
            answers.push(answer.0);
        }
    }
    // GET and POST are answered alike; whether there is a wait, an id or a body shows.
    assert_eq!(answers[..3], answers[6..]);
    answers.sort_unstable();
    answers.dedup();
    assert_eq!(answers.len(), 6);
}

#[test]
fn a_fixed_refusal_knows_neither_grpc_nor_renderers() {
    struct Silent;
    impl RejectionRenderer for Silent {
        fn render(&self, _: &Rejection, _: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
            None
        }
    }
    for (method, content_type, suits) in [
        (Method::POST, "application/grpc", false),
        (Method::POST, "application/grpc-web+proto", false),
        (Method::POST, "application/json", true),
        (Method::GET, "application/grpc", true),
    ] {
        let mut request = Request::new(());
        *request.method_mut() = method;
        let value = HeaderValue::from_static(content_type);
        request.headers_mut().insert(CONTENT_TYPE, value);
        assert_eq!(FixedRefusal::suits(&request), suits, "{content_type}");
        request.extensions_mut().insert(of_slot_1(None));
        assert_eq!(FixedRefusal::suits(&request), suits, "{content_type}");
        request
            .extensions_mut()
            .insert(of_slot_1(Some(Arc::new(Silent))));
        assert!(!FixedRefusal::suits(&request), "{content_type}");
    }
}

#[test]
fn the_request_id_stands_in_the_problem() {
    let (_, context) = with_id(None);
    let answer: Answer = forbidden().into_response(&context);
    assert!(text(answer).ends_with(r#""code":"csrf_refused","request_id":"id-7"}"#));
}

#[test]
fn a_renderer_writes_problems_and_nothing_else() {
    struct Pages;
    impl RejectionRenderer for Pages {
        fn render(
            &self,
            rejection: &Rejection,
            _: &RefusalContext,
        ) -> Option<(HeaderValue, Bytes)> {
            (rejection.status() == StatusCode::FORBIDDEN).then(|| {
                let page = format!("<h1>{}</h1>", rejection.title());
                (
                    HeaderValue::from_static("text/html; charset=utf-8"),
                    Bytes::from(page),
                )
            })
        }
    }
    let (_, context) = with_id(Some(Arc::new(Pages)));
    let page: Answer = forbidden().into_response(&context);
    assert_eq!(page.status(), 403);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(text(page), "<h1>Refused: cross-site</h1>");

    let declined: Answer = Rejection::not_found().into_response(&context);
    assert_eq!(
        declined.headers()["content-type"],
        "application/problem+json"
    );
    let preflight: Answer = Rejection::empty(StatusCode::FORBIDDEN).into_response(&context);
    assert_eq!(text(preflight), "");
}

#[test]
fn a_refusals_own_renderer_wins_and_one_that_panics_renders_nothing() {
    struct Page(&'static str);
    impl RejectionRenderer for Page {
        fn render(&self, _: &Rejection, _: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
            assert_ne!(self.0, "panics");
            Some((
                HeaderValue::from_static("text/plain"),
                Bytes::from_static(self.0.as_bytes()),
            ))
        }
    }
    let (_, context) = with_id(Some(Arc::new(Page("stack"))));
    let answer: Answer = forbidden().into_response(&context);
    assert_eq!(text(answer), "stack");
    let answer: Answer = forbidden()
        .renderer(Arc::new(Page("own")))
        .into_response(&context);
    assert_eq!(text(answer), "own");
    let answer: Answer = forbidden()
        .renderer(Arc::new(Page("panics")))
        .into_response(&context);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[test]
fn a_problem_answers_head_with_the_head() {
    let problem = || Problem::new(StatusCode::CONFLICT, "Changed");
    let get: Answer = problem().into_response_to(&context(Request::get("/")));
    let head: Answer = problem().into_response_to(&context(Request::head("/")));
    assert_eq!(
        head.headers()["content-length"],
        text(get).len().to_string()
    );
    assert!(Problem::is(head.extensions()));
    assert_eq!(text(head), "");
}

#[test]
fn reused_maps_hold_nothing_of_the_request() {
    let mut head = Request::get("/")
        .header(COOKIE, "session=secret")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    head.extensions.insert("secret");
    let context = RefusalContext::new(&head);
    let answer: Answer = forbidden()
        .header(VARY, HeaderValue::from_static("origin"))
        .reason(7_u8)
        .reuse(head)
        .into_response(&context);
    assert_eq!(answer.headers().get(COOKIE), None);
    assert_eq!(answer.headers()[VARY], "origin");
    assert_eq!(answer.extensions().get::<&str>(), None);
    assert_eq!(answer.extensions().get::<u8>(), Some(&7));
}

#[test]
fn the_preferred_form_follows_the_weights_of_accept() {
    for (accept, form) in [
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            Accepts::Html,
        ),
        ("application/json", Accepts::Json),
        ("*/*", Accepts::Json),
        ("text/html;q=0.5, application/json;q=0.4", Accepts::Html),
        (
            "text/html;q=0.4, application/problem+json;q=0.5",
            Accepts::Json,
        ),
        ("text/html, application/json", Accepts::Json),
        ("TEXT/HTML", Accepts::Html),
        ("text/html;q=0", Accepts::Json),
        ("text/html;level=1;q=0.001", Accepts::Html),
        ("text/html;q=x", Accepts::Json),
        ("", Accepts::Json),
    ] {
        let context = context(Request::get("/").header(ACCEPT, accept));
        assert_eq!(context.accepts(), form, "{accept}");
    }
    assert_eq!(context(Request::get("/")).accepts(), Accepts::Json);
    let two_lines = Request::get("/").header(ACCEPT, "*/*");
    let two_lines = two_lines.header(ACCEPT, "application/XHTML+xml");
    assert_eq!(context(two_lines).accepts(), Accepts::Html);
}

#[test]
fn a_handlers_own_problem_is_marked_and_has_no_name_twice() {
    let answer: Answer = Problem::new(StatusCode::CONFLICT, "Changed")
        .problem_type("https://example.com/conflict")
        .detail("line\n2")
        .instance("/orders/7")
        .member("status", ["200"])
        .member("by", ["a", "b"])
        .member("by", ["c"])
        .into_response();
    assert!(Problem::is(answer.extensions()));
    assert!(answer.extensions().get::<Refused>().is_none());
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(
        text(answer),
        concat!(
            r#"{"title":"Changed","status":409,"type":"https://example.com/conflict","#,
            r#""detail":"line\u000a2","instance":"/orders/7","by":["a","b"]}"#
        )
    );
    let plain: Answer = forbidden().into_response(&context(Request::get("/")));
    assert!(!Problem::is(plain.extensions()));
}

#[test]
fn a_signal_of_the_handler_wins_over_that_of_a_refusal() {
    let mut answer: Answer = forbidden()
        .abuse(AbuseKind::CsrfRefused)
        .into_response(&context(Request::get("/")));
    assert_eq!(
        AbuseSignal::of(answer.extensions()),
        Some(AbuseKind::CsrfRefused)
    );
    answer
        .extensions_mut()
        .insert(AbuseSignal(AbuseKind::Spray));
    assert_eq!(AbuseSignal::of(answer.extensions()), Some(AbuseKind::Spray));
}

#[test]
fn what_rendering_needs_is_small() {
    assert_eq!(size_of::<RefusalContext>(), 16);
    let of = context(Request::builder().method(Method::HEAD));
    assert!(of.is_head() && !of.is_grpc() && of.request_id().is_none() && of.shared().is_none());
}

#[test]
fn a_prepared_body_is_the_body() {
    let rejection = || forbidden().member("rules", ["a"]);
    let prepared = rejection().prepare();
    let plain = context(Request::get("/"));
    let (_, request) = with_id(None);
    for context in [plain, request] {
        let written: Answer = rejection().into_response(&context);
        let reused: Answer = forbidden()
            .prepared(prepared.clone())
            .into_response(&context);
        assert_eq!(text(written), text(reused));
    }
}
