//! What clients, event sinks and handlers hear.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use tower::Layer;
use tower_security::core::{AbuseKind, EventName, Level, Outcome, Refused, SecurityEvent};
use tower_security::sanitize::{
    Action, Detector, Field, Finding, Part, Rule, SanitizeBuilder, SanitizeLayer, Violation,
};

use super::{Case, Handler};
use crate::support::service::go;

/// The fields of an event that this layer sets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    code: &'static str,
    outcome: Outcome,
    target: Option<String>,
    detail: Option<String>,
}

fn told(builder: SanitizeBuilder) -> (SanitizeLayer, Arc<Mutex<Vec<Told>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events);
    let layer = builder
        .events(move |event: &SecurityEvent<'_>| {
            assert_eq!(event.name, EventName::InputValidationFail);
            assert_eq!((event.level, event.layer), (Level::Warn, "sanitize"));
            assert!(event.method.is_some() && event.path.is_some());
            sink.lock().unwrap().push(Told {
                code: event.code,
                outcome: event.outcome,
                target: event.target.as_deref().map(str::to_owned),
                detail: event.detail.as_deref().map(str::to_owned),
            });
        })
        .build()
        .unwrap();
    (layer, events)
}

async fn events_of(builder: SanitizeBuilder, case: &Case) -> Vec<Told> {
    let (layer, events) = told(builder);
    go(layer.layer(Handler::default()), case.request()).await;
    events.lock().unwrap().clone()
}

#[tokio::test]
async fn a_refusal_is_one_event_without_the_value() {
    let rows = [
        (
            Case::get("/a/%2e%2e/b?token=secret"),
            "path_dot_segment",
            None,
            "part=path len=6",
        ),
        (
            Case::get("/?a=secret&a=secret"),
            "param_duplicate",
            Some("a"),
            "part=query len=8",
        ),
        (
            Case::get("/").header("x-a", "secret\u{e9}"),
            "header_not_ascii",
            None,
            "part=headers len=0",
        ),
        (
            Case::form("n%0a%E2%80%AE=secret"),
            "param_control",
            Some("n\\u{a}\\u{202e}"),
            "part=body len=20",
        ),
        (
            Case::json("{\"a\":{\"b\":\"secret\\u0000\"}}"),
            "json_nul",
            Some("/a/b"),
            "part=body len=12",
        ),
        (
            Case::new("TRACE", "/"),
            "method_not_allowed",
            None,
            "part=line len=0",
        ),
    ];
    for (case, code, target, detail) in rows {
        let expected = Told {
            code,
            outcome: Outcome::Refused,
            target: target.map(str::to_owned),
            detail: Some(detail.to_owned()),
        };
        let told = events_of(SanitizeLayer::builder(), &case).await;
        assert_eq!(told, [expected], "{case:?}");
        assert!(!format!("{told:?}").contains("secret"));
    }
}

#[tokio::test]
async fn what_is_reported_is_one_event_of_at_most_eight_codes() {
    let case = Case::new("TRACE", "/a\\%00%0a%01%zz%ff/../%252e?a=%00&a=1").without("host");
    let told = events_of(SanitizeLayer::builder().report_only(), &case).await;
    assert_eq!(
        told,
        [Told {
            code: "method_not_allowed",
            outcome: Outcome::WouldRefuse,
            target: None,
            detail: Some(
                "rules=method_not_allowed,host_missing,path_nul,path_crlf,path_control,path_backslash,path_bad_escape,path_not_utf8"
                    .to_owned()
            ),
        }]
    );
    let told = events_of(SanitizeLayer::builder().compatible(), &Case::get("/a;b//c")).await;
    assert_eq!(
        told[0].detail.as_deref(),
        Some("rules=path_empty_segment,path_semicolon")
    );
    assert_eq!(told.len(), 1);
    // What nothing is wrong with is no event.
    assert!(
        events_of(SanitizeLayer::builder(), &Case::json("{}"))
            .await
            .is_empty()
    );
}

struct Word;

impl Detector for Word {
    fn name(&self) -> &'static str {
        "words"
    }

    fn inspect(&self, field: Field<'_>) -> Option<Finding> {
        assert_eq!(field.pointer(), "/list/*/q");
        field
            .value()
            .contains("union")
            .then(|| Finding::new("words", "select", 70))
    }
}

#[tokio::test]
async fn a_detector_is_told_of_by_its_own_words() {
    let body =
        Case::json("{\"list\":[{\"q\":\"fine\"},{\"q\":\"a secret union\"}],\"q\":\"union\"}");
    let builder = || SanitizeLayer::builder().detect("/list/*/q", Word, Action::Report);
    let told = events_of(builder(), &body).await;
    assert_eq!(
        told,
        [Told {
            code: "detector_finding",
            outcome: Outcome::WouldRefuse,
            target: Some("/list/*/q".to_owned()),
            detail: Some(
                "rules=detector_finding detector=words fingerprint=select score=70".to_owned()
            ),
        }]
    );
    let allowed = builder().detect_allow("/list/*/q", "select");
    assert!(events_of(allowed, &body).await.is_empty());
    let elsewhere = builder().detect_allow("/q", "select");
    assert_eq!(events_of(elsewhere, &body).await.len(), 1);
    let off = SanitizeLayer::builder().detect("/list/*/q", Word, Action::Off);
    assert!(events_of(off, &body).await.is_empty());

    let blocking = SanitizeLayer::builder()
        .detect("/list/*/q", Word, Action::Reject)
        .dangerous_block_on_detection();
    let (layer, events) = self::told(blocking);
    let answer = go(layer.layer(Handler::default()), body.request()).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(events.lock().unwrap()[0].outcome, Outcome::Refused);
}

#[tokio::test]
async fn a_client_hears_the_code_and_nothing_of_its_input() {
    let handler = Handler::default();
    let case = Case::json("{\"secret_key\":1,\"secret_key\":2}");
    let answer = go(
        SanitizeLayer::strict().layer(handler.clone()),
        case.request(),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let refused: &Refused = answer.extensions().get().unwrap();
    assert_eq!(
        (refused.code(), refused.abuse()),
        ("json_duplicate_key", Some(AbuseKind::InputRefused))
    );
    let violation: &Violation = answer.extensions().get().unwrap();
    assert_eq!(
        (violation.rule(), violation.part(), violation.field()),
        (Rule::JsonDuplicateKey, Part::Body, Some("/secret_key"))
    );
    assert_eq!(violation.to_string(), "json_duplicate_key");
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains("\"code\":\"json_duplicate_key\""), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(handler.calls(), 0);
}

#[tokio::test]
async fn a_method_that_is_refused_is_told_those_that_are_not() {
    for (layer, allow) in [
        (
            SanitizeLayer::strict(),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            SanitizeLayer::compatible(),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            SanitizeLayer::builder()
                .methods([http::Method::GET, "PURGE".parse().unwrap()])
                .build()
                .unwrap(),
            "GET, PURGE",
        ),
    ] {
        let answer = go(
            layer.layer(Handler::default()),
            Case::new("TRACE", "/").request(),
        )
        .await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], allow);
    }
}

/// gRPC: 400, 405, 415 and 422 are `INVALID_ARGUMENT`, 413, 414 and 431 `RESOURCE_EXHAUSTED`.
#[tokio::test]
async fn a_grpc_client_hears_a_grpc_status() {
    let grpc = |target: String| {
        Request::post(target)
            .version(Version::HTTP_2)
            .header("host", "app.example")
            .header("content-type", "application/grpc")
            .body(Full::new(Bytes::from_static(b"\0\0\0\0\0")))
            .unwrap()
    };
    let mut many = grpc("/pkg.Service/Method".to_owned());
    for _ in 0..101 {
        many.headers_mut().append("x-a", "1".parse().unwrap());
    }
    for (request, status) in [
        (grpc("/pkg.Service/%00".to_owned()), "3"),
        (grpc(format!("/{}", "a".repeat(8_192))), "8"),
        (many, "8"),
    ] {
        let handler = Handler::default();
        let answer = go(SanitizeLayer::grpc().layer(handler.clone()), request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["grpc-status"], status);
        assert_eq!(handler.calls(), 0);
    }
    let request = || grpc("/pkg.Service/Method".to_owned());
    let handler = Handler::default();
    go(SanitizeLayer::grpc().layer(handler.clone()), request()).await;
    assert_eq!(handler.last().body.unwrap(), "\0\0\0\0\0");
    // Nobody has asked for it.
    let answer = go(SanitizeLayer::strict().layer(handler.clone()), request()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["grpc-status"], "3");
    let violation: &Violation = answer.extensions().get().unwrap();
    assert_eq!(violation.rule(), Rule::BodyTypeNotAllowed);
    assert_eq!(handler.calls(), 0);
}

/// The answer to a HEAD is its head alone.
#[tokio::test]
async fn a_head_is_refused_without_a_body() {
    let case = Case::new("HEAD", "/a/../b");
    let answer = go(
        SanitizeLayer::strict().layer(Handler::default()),
        case.request(),
    )
    .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );
}

#[cfg(feature = "sanitize-html")]
#[tokio::test]
async fn a_handler_hears_what_was_cleaned() {
    use tower_security::sanitize::html::HtmlPolicy;
    let builder = || {
        SanitizeLayer::builder()
            .html_json("/bio", HtmlPolicy::basic())
            .html_json("/list/*/text", HtmlPolicy::text())
            .html_form("bio", HtmlPolicy::basic())
    };
    let rows = [
        (
            Case::json(
                "{ \"bio\" : \"a<script>x</script>\\u003cb>c\", \"n\": 1.0, \"list\":[{\"text\":\"<i>t</i>\"},{\"text\":\"1 > 0\"}] }",
            ),
            "{ \"bio\" : \"a<b>c</b>\", \"n\": 1.0, \"list\":[{\"text\":\"t\"},{\"text\":\"1 > 0\"}] }",
            vec!["/bio", "/list/*/text"],
        ),
        (
            Case::form("x=%3Cb%3e&bio=a+%3Cimg%20src=x%3Eb&y=<i>"),
            "x=%3Cb%3e&bio=a+b&y=<i>",
            vec!["bio"],
        ),
        // Every occurrence of a repeated name.
        (
            Case::form("bio[]=<i>&bi%6f=<u>"),
            "bio[]=<i>&bi%6f=%3Cu%3E%3C%2Fu%3E",
            vec!["bio"],
        ),
    ];
    for (case, expected, changed) in rows {
        let handler = Handler::default();
        let (layer, events) = told(builder());
        go(layer.layer(handler.clone()), case.request()).await;
        let seen = handler.last();
        assert_eq!(seen.body.unwrap(), expected);
        assert_eq!(seen.headers["content-length"], expected.len().to_string());
        let report = seen.report.unwrap();
        assert_eq!(report.changed().collect::<Vec<_>>(), changed);
        assert!(report.rules().is_empty());
        assert!(
            events.lock().unwrap().is_empty(),
            "to be cleaned is no fault"
        );

        // Report-only changes nothing, and says so.
        let told = events_of(
            builder().mode(tower_security::core::Mode::ReportOnly),
            &case,
        )
        .await;
        assert_eq!(told[0].code, "html_would_change");
        let reporting = builder()
            .mode(tower_security::core::Mode::ReportOnly)
            .build()
            .unwrap();
        let handler = Handler::default();
        let sent = case
            .request()
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        go(reporting.layer(handler.clone()), case.request()).await;
        let seen = handler.last();
        assert_eq!(seen.body.unwrap(), sent);
        assert!(seen.report.unwrap().rules().contains(Rule::HtmlWouldChange));
    }
    // What stays as it is goes on as it came, without a length of our own.
    let handler = Handler::default();
    let clean = Case::json("{\"bio\":\"<b>c</b> & <i>d</i>\"}".replace(" & ", " "));
    let layer = builder().build().unwrap();
    go(layer.layer(handler.clone()), clean.request()).await;
    let seen = handler.last();
    assert!(seen.report.is_none() && !seen.headers.contains_key("content-length"));
}
