//! What is told, modes, and signs of abuse.

use std::sync::{Arc, Mutex};

use tower_security::core::{
    AbuseKind, AbuseSignal, EventName, Level, Mode, Outcome, ProtoHeader, SchemeSource,
    SecurityEvent,
};

use super::*;

/// Code, rule, level, outcome, detail.
type Told = (&'static str, Option<String>, Level, Outcome, Option<String>);
type Seen = Arc<Mutex<Vec<Told>>>;

fn listening(builder: HttpsBuilder) -> (HttpsLayer, Seen) {
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    let layer = built(builder.events(move |event: &SecurityEvent<'_>| {
        assert_eq!(event.name, EventName::InputValidationFail);
        assert_eq!(event.layer, "https");
        let owned = |text: &Option<tower_security::core::CleanText<'_>>| {
            text.as_ref().map(|text| (**text).to_owned())
        };
        log.lock().unwrap().push((
            event.code,
            owned(&event.rule),
            event.level,
            event.outcome,
            owned(&event.detail),
        ));
    }));
    (layer, seen)
}

fn taken(seen: &Seen) -> Vec<Told> {
    std::mem::take(&mut *seen.lock().unwrap())
}

fn told(
    code: &'static str,
    rule: &str,
    level: Level,
    outcome: Outcome,
    detail: Option<&str>,
) -> Vec<Told> {
    let detail = detail.map(str::to_owned);
    vec![(code, Some(rule.to_owned()), level, outcome, detail)]
}

#[tokio::test]
async fn what_went_out_in_clear_is_told() {
    const HERE: (&str, &str) = ("host", "app.example");
    const TOKEN: (&str, &str) = ("authorization", "Bearer hidden");
    const COOKIE: (&str, &str) = ("cookie", "session=hidden");
    let rows = [
        ("GET", vec![HERE], None),
        ("HEAD", vec![HERE], None),
        ("POST", vec![HERE], Some("exposed=content")),
        ("DELETE", vec![HERE], Some("exposed=content")),
        ("GET", vec![HERE, TOKEN], Some("exposed=authorization")),
        ("GET", vec![HERE, COOKIE], Some("exposed=cookie")),
        (
            "POST",
            vec![HERE, TOKEN, COOKIE],
            Some("exposed=authorization,cookie"),
        ),
    ];
    for (method, lines, detail) in rows {
        for (builder, status) in [(own(SchemeSource::Tls), 308), (reject(), 403)] {
            let (layer, seen) = listening(builder);
            let answer = answer(
                &layer,
                Spy::new(),
                request(method, "/?token=hidden", &lines),
            )
            .await;
            assert_eq!(answer.status(), status);
            let expected = match detail {
                Some(_) => told(
                    "insecure_transport",
                    "https_required",
                    Level::Warn,
                    Outcome::Refused,
                    detail,
                ),
                None if status == 308 => Vec::new(),
                None => told(
                    "https_required",
                    "https_required",
                    Level::Info,
                    Outcome::Refused,
                    None,
                ),
            };
            assert_eq!(taken(&seen), expected, "{method} {lines:?}");
        }
    }
}

#[tokio::test]
async fn what_passes_is_not_told() {
    let (layer, seen) = listening(
        own(SchemeSource::Tls)
            .allowed_hosts(["app.example"])
            .exempt_path("/healthz"),
    );
    let token = ("authorization", "Bearer x");
    let secure = request("POST", "/", &[("host", "app.example"), token]);
    assert_eq!(outcome(&layer, over_tls(secure)).await, "inner + hsts");
    let exempt = request("POST", "/healthz", &[("host", "app.example"), token]);
    assert_eq!(outcome(&layer, exempt).await, "inner");
    assert_eq!(taken(&seen), []);
}

#[tokio::test]
async fn a_refused_host_is_told_without_a_password() {
    let (layer, seen) = listening(own(SchemeSource::Tls));
    let rows = [
        (
            "evil.example\u{9}x",
            "host_invalid",
            "host_malformed",
            "host=evil.example\\u{9}x",
        ),
        (
            "evil.example",
            "host_refused",
            "host_not_allowed",
            "host=evil.example",
        ),
        (
            "a:hidden@evil.example",
            "host_invalid",
            "host_malformed",
            "host=evil.example",
        ),
    ];
    for (host, code, rule, detail) in rows {
        assert_eq!(outcome(&layer, to_host(host)).await, format!("400 {code}"));
        let expected = told(code, rule, Level::Warn, Outcome::Refused, Some(detail));
        assert_eq!(taken(&seen), expected);
    }
    let long = outcome(&layer, to_host(&"a".repeat(8192))).await;
    assert_eq!(long, "400 host_invalid");
    let detail = taken(&seen).remove(0).4.expect("a detail");
    assert_eq!(detail.len(), "host=".len() + 253);
}

#[tokio::test]
async fn a_missing_peer_is_the_servers_fault() {
    let (layer, seen) = listening(own(forwarded(ProtoHeader::XForwardedProto)));
    assert_eq!(outcome(&layer, get("/")).await, "500 peer_address_missing");
    const CODE: &str = "peer_address_missing";
    assert_eq!(
        taken(&seen),
        told(CODE, CODE, Level::Error, Outcome::Fault, None)
    );
    assert_eq!(
        outcome(&layer, from("203.0.113.9:9", get("/"))).await,
        "308 https://app.example/"
    );
    assert_eq!(taken(&seen), []);
}

#[tokio::test]
async fn report_only_tells_and_lets_pass() {
    let source = forwarded(ProtoHeader::XForwardedProto);
    let (layer, seen) = listening(own(source).mode(Mode::ReportOnly));
    let peer = "203.0.113.9:9";
    let rows = [
        (
            from(peer, get("/")),
            told(
                "https_required",
                "https_required",
                Level::Info,
                Outcome::WouldRefuse,
                None,
            ),
        ),
        (
            from(peer, request("POST", "/", &[("host", "app.example")])),
            told(
                "insecure_transport",
                "https_required",
                Level::Warn,
                Outcome::WouldRefuse,
                Some("exposed=content"),
            ),
        ),
        (
            from(peer, to_host("evil.example")),
            told(
                "host_refused",
                "host_not_allowed",
                Level::Warn,
                Outcome::WouldRefuse,
                Some("host=evil.example"),
            ),
        ),
        (
            get("/"),
            told(
                "peer_address_missing",
                "peer_address_missing",
                Level::Error,
                Outcome::WouldRefuse,
                None,
            ),
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(outcome(&layer, request).await, "inner");
        assert_eq!(taken(&seen), expected);
    }
    // HSTS is no refusal.
    assert_eq!(
        outcome(&layer, over_tls(from(peer, get("/")))).await,
        "inner + hsts"
    );
    assert_eq!(taken(&seen), []);
}

#[tokio::test]
async fn report_only_hands_the_request_on_as_it_came() {
    let layer = built(reject().mode(Mode::ReportOnly));
    let echo = tower::service_fn(|request: Request<Full<Bytes>>| async move {
        let line = request.headers()["x-line"].clone();
        assert_eq!(request.uri(), "/a?b");
        assert_eq!(request.method(), "PUT");
        assert!(request.extensions().get::<PeerAddr>().is_some());
        let mut answer = Response::new(request.into_body());
        answer.headers_mut().insert("x-line", line);
        Ok::<_, std::convert::Infallible>(answer)
    });
    let mut request = from("203.0.113.9:9", request("PUT", "/a?b", &[("x-line", "1")]));
    *request.body_mut() = Full::from("content");
    let answer = go(layer.layer(echo), request).await;
    assert_eq!(answer.headers()["x-line"], "1");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "content");
}

#[tokio::test]
async fn off_looks_at_nothing() {
    let (layer, seen) = listening(
        own(SchemeSource::Tls)
            .allowed_hosts(["app.example"])
            .mode(Mode::Off),
    );
    for request in [
        get("/"),
        over_tls(get("/")),
        to_host("a@b"),
        request("POST", "/", &[]),
    ] {
        assert_eq!(outcome(&layer, request).await, "inner");
    }
    assert_eq!(taken(&seen), []);
}

#[tokio::test]
async fn only_what_no_client_writes_by_accident_is_a_sign_of_abuse() {
    let two = request("GET", "/", &[("host", "a.example"), ("host", "b.example")]);
    let rows = [
        (two, Some(AbuseKind::InputRefused)),
        (to_host("a@app.example"), Some(AbuseKind::InputRefused)),
        (
            request("GET", "http://app.example/", &[("host", "evil.example")]),
            Some(AbuseKind::InputRefused),
        ),
        (request("GET", "/", &[]), None),
        (to_host("evil.example"), None),
        (get("/"), None),
    ];
    let layer = built(own(SchemeSource::Tls));
    for (request, expected) in rows {
        let answer = answer(&layer, Spy::new(), request).await;
        assert_eq!(AbuseSignal::of(answer.extensions()), expected);
    }
}

#[tokio::test]
async fn hsts_alone_tells_that_the_peer_is_missing() {
    use tower_security::SecurityStack;
    use tower_security::core::{EventSink, TrustedProxies};
    use tower_security::https::Hsts;

    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let sink: Arc<dyn EventSink> = Arc::new(move |event: &SecurityEvent<'_>| {
        log.lock()
            .unwrap()
            .push((event.layer, event.code, event.outcome));
    });
    let layer = HttpsLayer::hsts_only(forwarded(ProtoHeader::XForwardedProto), Hsts::two_years())
        .expect("it builds");
    let stack = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .events(sink);
    let answer = go(stack.layer(layer.layer(Spy::new())), get("/")).await;
    assert_eq!(answer.status(), 200);
    let expected = ("https", "peer_address_missing", Outcome::Fault);
    assert_eq!(*seen.lock().unwrap(), [expected]);
}
