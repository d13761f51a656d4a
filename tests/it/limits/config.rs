//! What builds and what does not.

use tower_security::core::{ErrorClass, Mode};
use tower_security::limits::{Limit, LimitsConfig, LimitsConfigError, RouteLimits};

use super::*;

/// The path and the code of each mistake.
fn mistakes(builder: LimitsBuilder) -> Vec<String> {
    let Err(errors) = builder.build() else {
        return Vec::new();
    };
    let each = errors.iter();
    each.map(|error| format!("{} {}", error.path(), error.code()))
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn sizes_and_times_have_bounds() {
    let new = LimitsLayer::builder;
    let day = 24 * 60 * 60;
    let (nano, hour) = (Duration::from_nanos(1), seconds(3_600));
    let rows: [(LimitsBuilder, &[&str]); 30] = [
        (new(), &[]),
        (new().body_limit(1), &[]),
        (new().body_limit(0), &["limits.body_limit invalid_zero"]),
        (new().body_limit(1 << 30), &[]),
        (
            new().body_limit((1 << 30) + 1),
            &["limits.body_limit refused_size"],
        ),
        (
            new().body_limit(u64::MAX - 1),
            &["limits.body_limit refused_size"],
        ),
        // As many as there are is no way to say that there is no limit.
        (
            new().body_limit(u64::MAX),
            &["limits.body_limit refused_size"],
        ),
        (
            new().response_time(Duration::MAX),
            &["limits.response_time refused_time"],
        ),
        (new().body_idle(millis(1)), &[]),
        (
            new().body_idle(Duration::ZERO),
            &["limits.body_idle invalid_zero"],
        ),
        (new().body_idle(nano), &["limits.body_idle refused_time"]),
        (new().body_idle(hour), &[]),
        (
            new().body_idle(hour + nano),
            &["limits.body_idle refused_time"],
        ),
        (new().body_time(seconds(day)), &[]),
        (
            new().body_time(Duration::ZERO),
            &["limits.body_time invalid_zero"],
        ),
        (
            new().body_time(seconds(day + 1)),
            &["limits.body_time refused_time"],
        ),
        (new().stream_idle(seconds(day)), &[]),
        (
            new().stream_idle(Duration::ZERO),
            &["limits.stream_idle invalid_zero"],
        ),
        (
            new().stream_idle(seconds(day + 1)),
            &["limits.stream_idle refused_time"],
        ),
        (new().response_time(hour), &[]),
        (
            new().response_time(Duration::ZERO),
            &["limits.response_time invalid_zero"],
        ),
        (
            new().response_time(hour + nano),
            &["limits.response_time refused_time"],
        ),
        (new().answer_idle(seconds(day)), &[]),
        (
            new().answer_idle(Duration::ZERO),
            &["limits.answer_idle invalid_zero"],
        ),
        (
            new().answer_idle(seconds(day + 1)),
            &["limits.answer_idle refused_time"],
        ),
        (new().max_concurrent(1), &[]),
        (new().max_concurrent(1_000_000), &[]),
        (
            new().max_concurrent(0),
            &["limits.max_concurrent invalid_zero"],
        ),
        (
            new().max_concurrent(1_000_001),
            &["limits.max_concurrent refused_concurrent"],
        ),
        (
            new()
                .body_limit(0)
                .response_time(Duration::MAX - nano)
                .max_concurrent(0),
            &[
                "limits.body_limit invalid_zero",
                "limits.response_time refused_time",
                "limits.max_concurrent invalid_zero",
            ],
        ),
    ];
    for (builder, expected) in rows {
        let text = format!("{builder:?}");
        assert_eq!(mistakes(builder), expected, "{text}");
    }
}

/// A limit that is switched off may have been anything.
#[test]
fn what_is_switched_off_is_not_looked_at() {
    for limit in [
        Limit::BodyLimit,
        Limit::BodyIdle,
        Limit::BodyTime,
        Limit::StreamIdle,
        Limit::ResponseTime,
        Limit::AnswerIdle,
        Limit::MaxConcurrent,
    ] {
        let zeros = || {
            LimitsLayer::builder()
                .body_limit(0)
                .body_idle(Duration::ZERO)
                .body_time(Duration::ZERO)
                .stream_idle(Duration::ZERO)
                .response_time(Duration::ZERO)
                .answer_idle(Duration::ZERO)
                .max_concurrent(0)
        };
        assert_eq!(mistakes(zeros()).len(), 7);
        let left = mistakes(zeros().dangerous_unlimited(limit));
        assert_eq!(left.len(), 6);
        assert!(
            !left.contains(&format!("limits.{limit} invalid_zero")),
            "{limit}"
        );
    }
}

#[test]
fn routes_are_checked_by_themselves() {
    let new = LimitsLayer::builder;
    let route = |pattern: &str| RouteLimits::new(pattern);
    let rows: [(LimitsBuilder, &[&str]); 12] = [
        (
            new().route(route("/uploads/{*path}").body_limit(1 << 40)),
            &[],
        ),
        (
            new().route(route("/a").body_limit((1 << 40) + 1)),
            &["limits.routes[0].body_limit refused_size"],
        ),
        (
            new().route(route("/a").body_limit(0)),
            &["limits.routes[0].body_limit invalid_zero"],
        ),
        (
            new()
                .route(route("/a"))
                .route(route("/b").body_time(seconds(100_000))),
            &["limits.routes[1].body_time refused_time"],
        ),
        (
            new().route(route("a")),
            &["limits.routes[0].pattern invalid_pattern_path"],
        ),
        (
            new().route(route("/a/../b")),
            &["limits.routes[0].pattern refused_pattern_ambiguous"],
        ),
        // The narrower one stands first, or is never asked for.
        (new().route(route("/a/b")).route(route("/a/{x}")), &[]),
        (
            new().route(route("/a/{x}")).route(route("/a/b")),
            &["limits.routes[1].pattern refused_unreachable_route"],
        ),
        (
            new().route(route("/a/{x}")).route(route("/a/{y}")),
            &["limits.routes[1].pattern refused_unreachable_route"],
        ),
        // A mistake of all is not one of each route.
        (
            new().body_limit(0).route(route("/a")),
            &["limits.body_limit invalid_zero"],
        ),
        (
            new().route(route("/a").dangerous_unlimited(Limit::BodyTime)),
            &[],
        ),
        (
            new().route(route("/a").dangerous_unlimited(Limit::MaxConcurrent)),
            &["limits.routes[0].dangerous_unlimited invalid_route_limit"],
        ),
    ];
    for (builder, expected) in rows {
        let text = format!("{builder:?}");
        assert_eq!(mistakes(builder), expected, "{text}");
    }
    let many = |count: usize| {
        let routes = (0..count).map(|number| route(&format!("/{number}")));
        routes.fold(new(), LimitsBuilder::route)
    };
    assert!(mistakes(many(256)).is_empty());
    assert_eq!(
        mistakes(many(257)),
        ["limits.routes refused_too_many_routes"]
    );
}

#[test]
fn headers_have_names() {
    let new = LimitsLayer::builder;
    assert!(mistakes(new().sensitive_headers(["x-api-key", "X-Api-Key"])).is_empty());
    assert!(mistakes(new().sensitive_headers([""; 0])).is_empty());
    assert_eq!(
        mistakes(new().add_sensitive_headers(["x api key", ""])),
        [
            "limits.sensitive_headers[4] invalid_header",
            "limits.sensitive_headers[5] invalid_header"
        ]
    );
    let many = |count: usize| (0..count).map(|number| format!("x-{number}"));
    assert!(mistakes(new().sensitive_headers(many(32))).is_empty());
    assert_eq!(
        mistakes(new().sensitive_headers(many(33))),
        ["limits.sensitive_headers refused_too_many_headers"]
    );
}

#[test]
fn a_mistake_says_what_to_write_instead() {
    let errors = LimitsLayer::builder()
        .body_limit(0)
        .body_idle(seconds(7_200))
        .build()
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "limits.body_limit: invalid body_limit of 0: give it room, or call `dangerous_unlimited(Limit::BodyLimit)` to have \
         none\nlimits.body_idle: refused body_idle 7200s: write a time between 1 ms and 3600s"
    );
    let first = errors.iter().next().unwrap();
    assert_eq!(first.class(), ErrorClass::Invalid);
    let limit = Limit::BodyLimit;
    let kind: &LimitsConfigError = first.downcast().unwrap();
    assert_eq!(*kind, LimitsConfigError::InvalidZero { limit });
}

#[test]
fn the_defaults_are_those_of_the_builder() {
    let layer = LimitsLayer::new();
    let config = layer.config();
    assert_eq!(*config, LimitsConfig::default());
    assert_eq!(*config, *LimitsLayer::builder().build().unwrap().config());
    assert_eq!(*config, *LimitsLayer::default().config());
    assert_eq!(
        (config.body_limit, config.max_concurrent, config.mode),
        (2_097_152, 1_024, Mode::Enforce)
    );
    assert_eq!(
        [config.body_idle, config.body_time, config.stream_idle],
        [seconds(20), seconds(60), seconds(300)]
    );
    assert_eq!(
        [config.response_time, config.answer_idle],
        [seconds(30), seconds(60)]
    );
}

#[cfg(feature = "serde")]
#[test]
fn a_file_says_the_same() {
    let text = r#"
        body_limit = 1000
        body_idle = 5
        body_time = 7.5
        response_time = 0.25
        max_concurrent = 10
        grpc = true
        sensitive_headers = ["x-api-key"]
        mode = "report_only"
        dangerous_unlimited = ["answer_idle"]

        [[routes]]
        pattern = "/uploads/{*path}"
        body_limit = 1_000_000
        body_time = 600
        dangerous_unlimited = ["body_idle"]
    "#;
    let config: LimitsConfig = toml::from_str(text).unwrap();
    let built = LimitsLayer::builder()
        .body_limit(1000)
        .body_idle(seconds(5))
        .body_time(millis(7_500))
        .response_time(millis(250))
        .max_concurrent(10)
        .grpc(true)
        .sensitive_headers(["x-api-key"])
        .mode(Mode::ReportOnly)
        .dangerous_unlimited(Limit::AnswerIdle)
        .route(
            RouteLimits::new("/uploads/{*path}")
                .body_limit(1_000_000)
                .body_time(seconds(600))
                .dangerous_unlimited(Limit::BodyIdle),
        )
        .build()
        .unwrap();
    assert_eq!(config, *built.config());
    let written = toml::to_string(&config).unwrap();
    assert_eq!(
        toml::from_str::<LimitsConfig>(&written).unwrap(),
        config,
        "{written}"
    );
    assert_eq!(
        toml::from_str::<LimitsConfig>("").unwrap(),
        LimitsConfig::default()
    );
    for wrong in [
        "body_size = 1",
        "body_limit = -1",
        "body_idle = -1",
        "body_idle = \"5s\"",
        "body_idle = nan",
        "dangerous_unlimited = [\"all\"]",
        "[[routes]]\nbody_limit = 1",
        "[[routes]]\npattern = \"/a\"\nmax_concurrent = 1",
    ] {
        assert!(toml::from_str::<LimitsConfig>(wrong).is_err(), "{wrong}");
    }
}
