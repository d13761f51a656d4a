//! In the stack.

use std::borrow::Cow;

use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_security::SecurityStack;
use tower_security::core::Mode;
use tower_security::limits::{Limit, RouteLimits};
use tower_security::stack::PostureState;

use super::*;
use crate::support::service::go;

/// What the layer says of itself: its state, its settings and its warnings.
fn said(layer: LimitsLayer) -> (PostureState, Vec<(&'static str, String)>, Vec<String>) {
    let posture = SecurityStack::new().limits(layer).posture();
    let mut entries = posture.entries().iter();
    let entry = entries
        .find(|entry| entry.protection() == "limits")
        .unwrap();
    let settings = entry
        .settings()
        .map(|(name, value)| (name, value.to_owned()));
    let own = |warning: &&Cow<'static, str>| warning.starts_with("limits: ");
    let warnings = posture.warnings().iter().filter(own);
    (
        entry.state(),
        settings.collect(),
        warnings.map(ToString::to_string).collect(),
    )
}

#[test]
fn the_posture_has_each_limit_and_each_that_was_switched_off() {
    let (state, settings, warnings) = said(LimitsLayer::new());
    assert_eq!(state, PostureState::On);
    assert_eq!(warnings, [""; 0]);
    let expected = [
        ("body_limit", "2097152"),
        ("body_idle", "20s"),
        ("body_time", "60s"),
        ("stream_idle", "300s"),
        ("response_time", "30s"),
        ("answer_idle", "60s"),
        ("max_concurrent", "1024"),
    ];
    assert_eq!(
        settings,
        expected.map(|(name, value)| (name, value.to_owned()))
    );
    let weak = LimitsLayer::builder()
        .grpc(true)
        .mode(Mode::ReportOnly)
        .dangerous_unlimited(Limit::BodyTime)
        .route(RouteLimits::new("/raw").dangerous_unlimited(Limit::BodyLimit))
        .build()
        .unwrap();
    let (state, settings, warnings) = said(weak);
    assert_eq!(state, PostureState::ReportOnly);
    assert_eq!(
        warnings,
        [
            "limits: report-only",
            "limits: dangerous_unlimited body_time",
            "limits: dangerous_unlimited body_limit on /raw",
        ]
    );
    for (name, value) in [("body_time", "none"), ("grpc", "yes"), ("routes", "1")] {
        assert!(settings.contains(&(name, value.to_owned())), "{name}");
    }
}

/// One sink, one rendering and one id for all layers.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_that_of_the_stack() {
    let told = Told::default();
    let limits = LimitsLayer::builder().body_limit(3).build().unwrap();
    let stack = SecurityStack::api().events(told.clone()).limits(limits);
    let service = stack.layer(Reader::default());
    for body in [Script::of([data(4)]).says(4), Script::of([data(4)])] {
        let answer = go(service.clone(), post(body)).await;
        assert_eq!(answer.status(), 413);
        assert!(answer.headers().contains_key("x-request-id"));
        assert!(answer.headers().contains_key("x-content-type-options"));
        assert_eq!(told.codes(), ["body_too_large"]);
    }
    let slow = service_fn(|_: Request<LimitedBody<Script>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let stack = SecurityStack::api()
        .events(told.clone())
        .limits(LimitsLayer::new());
    let answer = go(stack.layer(slow), post(Script::default())).await;
    assert_eq!(answer.status(), 504);
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(told.codes(), ["response_timeout"]);
}

/// What the guard of structure reads is limited, and it is the limit that is answered.
#[cfg(feature = "sanitize")]
#[tokio::test(start_paused = true)]
async fn a_body_that_is_inspected_has_its_limits() {
    use tower_security::sanitize::{GuardedBody, SanitizeLayer};

    let limits = LimitsLayer::builder().body_limit(10).build().unwrap();
    let stack = SecurityStack::new()
        .limits(limits)
        .sanitize(SanitizeLayer::strict());
    type Body = GuardedBody<LimitedBody<Script>>;
    let handler = service_fn(|request: Request<Body>| async {
        let read = request.into_body().collect().await.unwrap();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(read.to_bytes())))
    });
    let service = stack.layer(handler);
    let json = |steps: Vec<Step>| {
        let mut request = post(Script::of(steps));
        let headers = request.headers_mut();
        headers.insert("host", "app.example".parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        request
    };
    let text = |text: &'static str| Step::Data(Bytes::from_static(text.as_bytes()));
    let rows = [
        (vec![text("[1,2]")], 200, None),
        (vec![text("[1,"), wait(seconds(19)), text("2]")], 200, None),
        (vec![text("[1,2")], 400, Some("json_syntax")),
        (vec![text("[1,2,3,4,5,6]")], 413, Some("body_too_large")),
        (
            vec![text("[1,"), wait(seconds(21)), text("2]")],
            408,
            Some("body_stalled"),
        ),
    ];
    for (steps, status, code) in rows {
        let came = came(go(service.clone(), json(steps)).await).await;
        assert_eq!((came.status, came.code), (status, code));
    }
}

#[test]
fn the_posture_has_the_limits_of_each_route() {
    let layer = LimitsLayer::builder()
        .route(
            RouteLimits::new("/uploads/{*path}")
                .body_limit(1 << 30)
                .body_time(seconds(600))
                .response_time(seconds(90)),
        )
        .route(
            RouteLimits::new("/shop.Orders/{method}")
                .grpc(true)
                .stream_idle(seconds(30))
                .dangerous_unlimited(Limit::AnswerIdle),
        )
        .build()
        .unwrap();
    let (_, settings, _) = said(layer);
    let routes = settings
        .iter()
        .filter(|(name, _)| name.starts_with("route"));
    let routes: Vec<_> = routes
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(
        routes,
        [
            ("routes", "2"),
            (
                "route",
                "/uploads/{*path}:body_limit=1073741824,body_time=600s,response_time=90s"
            ),
            (
                "route",
                "/shop.Orders/{method}:stream_idle=30s,answer_idle=none,grpc=yes"
            ),
        ]
    );
}
